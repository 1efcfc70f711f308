//! Secrets of Secrets Manager, read as if they were parameters. User guide, "Referencing AWS Secrets Manager secrets from
//! Parameter Store parameters".

use api::secretsmanager::{GetSecretValue, GetSecretValueRequest, GetSecretValueResponse};
use api::ssm::enums::parameter_type;
use api::ssm::{Parameter, errors as modelled};
use platform::Ctx;
use serde_json::json;
use wire::Error;

use crate::errors;

/// In front of a secret's name.
pub const PREFIX: &str = "/aws/reference/secretsmanager/";

/// Reads a secret with the caller's own rights.
pub async fn read(cx: &Ctx, name: &str, secret: &str, decrypt: bool) -> Result<Parameter, Error> {
    if !decrypt {
        return Err(errors::validation("WithDecryption flag must be True for retrieving a Secret Manager secret."));
    }
    let request = GetSecretValueRequest { secret_id: secret.to_owned(), ..Default::default() };
    let answer = cx.call::<GetSecretValue>(request).await.map_err(|error| {
        if error.is("ResourceNotFoundException") {
            return modelled::parameter_not_found(format!(
                "An error occurred (ParameterNotFound) when referencing Secrets Manager: Secret {secret} not found."
            ));
        }
        error
    })?;
    let source_result = source_result(&answer);
    Ok(Parameter {
        name: Some(name.to_owned()),
        r#type: Some(parameter_type::SECURE_STRING.to_owned()),
        value: answer.secret_string,
        version: Some(0),
        source_result: Some(source_result),
        last_modified_date: answer.created_date,
        arn: answer.arn,
        data_type: Some("text".to_owned()),
        ..Default::default()
    })
}

/// The answer of Secrets Manager, as JSON.
fn source_result(answer: &GetSecretValueResponse) -> String {
    json!({
        "ARN": answer.arn,
        "name": answer.name,
        "versionId": answer.version_id,
        "secretString": answer.secret_string,
        "versionStages": answer.version_stages,
        "createdDate": answer.created_date.map(|date| date.as_seconds()),
    })
    .to_string()
}
