//! `RotateSecret`.

use api::lambda::enums::invocation_type;
use api::lambda::{InvocationRequest, Invoke};
use api::secretsmanager::{RotateSecretRequest, RotateSecretResponse};
use platform::Ctx;
use wire::Error;

use super::{RotationRecord, Rules, Running, begin, set_schedule, unfinished};
use crate::names::SecretId;
use crate::records::SecretRecord;
use crate::service::Secrets;
use crate::stages::CURRENT;
use crate::{errors, keys, rows};

/// The service as functions' policies name it.
pub const PRINCIPAL: &str = "secretsmanager.amazonaws.com";

/// Sets a rotation up, and begins it unless that is to wait for the schedule.
pub async fn rotate_secret(
    secrets: &Secrets,
    cx: &Ctx,
    input: RotateSecretRequest,
) -> Result<RotateSecretResponse, Error> {
    let id = SecretId::parse(cx, &input.secret_id)?;
    if input.external_secret_rotation_metadata.is_some() {
        return Err(errors::unsupported("ExternalSecretRotationMetadata"));
    }
    if input.external_secret_rotation_role_arn.is_some() {
        return Err(errors::unsupported("ExternalSecretRotationRoleArn"));
    }
    let token = input.client_request_token.ok_or_else(|| errors::parameter(errors::NO_TOKEN))?;
    let rules = input.rotation_rules.as_ref().map(Rules::of_input).transpose()?;
    let record = secrets.primary(&id).await?;
    let known = record.rotation.as_ref().map(|rotation| rotation.lambda_arn.clone());
    let lambda_arn = input.rotation_lambda_arn.filter(|arn| !arn.is_empty()).or(known);
    let lambda_arn =
        lambda_arn.ok_or_else(|| errors::request("No Lambda rotation function ARN is associated with this secret."))?;
    check_function(cx, &record, &lambda_arn).await?;
    let wanted = Wanted { token, lambda_arn, rules, is_trial: input.rotate_immediately == Some(false) };
    let token = wanted.token.clone();
    let record = set_up(secrets, &id, wanted).await?;
    Ok(RotateSecretResponse { arn: Some(record.arn), name: Some(record.name), version_id: Some(token) })
}

/// What a call asks for.
#[derive(Clone)]
struct Wanted {
    token: String,
    lambda_arn: String,
    rules: Option<Rules>,
    is_trial: bool,
}

/// Whether the function exists and lets the service invoke it.
async fn check_function(cx: &Ctx, record: &SecretRecord, lambda_arn: &str) -> Result<(), Error> {
    let request = InvocationRequest {
        function_name: lambda_arn.to_owned(),
        invocation_type: Some(invocation_type::DRY_RUN.to_owned()),
        ..Default::default()
    };
    match cx.call_as_service::<Invoke>(PRINCIPAL, Some(record.arn.clone()), request).await {
        Ok(_) => Ok(()),
        Err(error) if error.definition.status >= 500 => Err(error),
        Err(_) => Err(errors::access_denied(
            "Secrets Manager cannot invoke the specified Lambda function. Ensure that the function policy grants access \
             to the principal secretsmanager.amazonaws.com.",
        )),
    }
}

async fn set_up(secrets: &Secrets, id: &SecretId, wanted: Wanted) -> Result<SecretRecord, Error> {
    let (timers, now) = (secrets.timers(&id.account).await?, secrets.now());
    let (id, account) = (id.clone(), id.account.clone());
    secrets
        .transact(&account, move |transaction| {
            let mut record = rows::primary(transaction, &id)?;
            let running = record.rotation.as_ref().and_then(|rotation| rotation.running.as_ref());
            if running.is_some_and(|running| running.token == wanted.token) {
                return Ok(record);
            }
            check_state(&record)?;
            if transaction.get(&keys::version(&id.region, &id.name, &wanted.token))?.is_some() {
                return Err(errors::token_used(&wanted.token, &record.arn).into());
            }
            let before = record.rotation.take();
            let mut rotation = RotationRecord {
                is_enabled: true,
                lambda_arn: wanted.lambda_arn.clone(),
                rules: wanted.rules.clone().or_else(|| before.as_ref().and_then(|rotation| rotation.rules.clone())),
                last_rotated_at: before.and_then(|rotation| rotation.last_rotated_at),
                next: None,
                running: None,
            };
            rotation.plan(now);
            record.rotation = Some(rotation);
            record.changed_at = now;
            let running = Running { token: wanted.token.clone(), failures: 0, is_trial: wanted.is_trial };
            begin(transaction, &timers, &id, &mut record, running, now)?;
            rows::put_secret(transaction, &id.region, &record)?;
            set_schedule(transaction, &timers, &id, &record)?;
            Ok(record)
        })
        .await
}

fn check_state(record: &SecretRecord) -> Result<(), Error> {
    if record.labels.version(CURRENT).is_none() {
        return Err(errors::label_not_found(CURRENT));
    }
    if unfinished(record).is_some() {
        return Err(errors::request("A previous rotation isn't complete. That rotation will be reattempted."));
    }
    Ok(())
}
