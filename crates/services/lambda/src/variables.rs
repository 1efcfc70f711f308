//! Environment variables under a key of KMS that the customer names: as in AWS, they are encrypted with the rights of who
//! sets them, shown with the rights of who looks, and decrypted for the function with those of its role, which a grant lets
//! do so. The installation's own seal needs none of this.

use std::collections::BTreeMap;
use std::sync::Arc;

use api::kms;
use api::lambda::{EnvironmentError, EnvironmentResponse, errors as lambda_errors};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use platform::{Ctx, Platform};
use wire::Error;

use crate::errors;
use crate::function::{Configuration, EnvironmentVariables, FunctionId, FunctionVersion, KeyedVariables};
use crate::role;

/// What the encryption of a function's variables is bound to.
const CONTEXT: &str = "aws:lambda:FunctionArn";

/// Seals clear variables of a configuration for a function: under the key it names, or else under the installation's.
///
/// # Errors
/// `AccessDeniedException` and `InvalidParameterValueException` when the key cannot be used by the caller.
pub async fn seal(cx: &Ctx, function: &FunctionId, configuration: &mut Configuration) -> Result<(), Error> {
    let Some(EnvironmentVariables::Clear(variables)) = &configuration.environment else { return Ok(()) };
    let clear = EnvironmentVariables::Clear(variables.clone());
    configuration.environment = Some(match &configuration.kms_key {
        None => clear.seal(&cx.platform.sealing, function),
        Some(key) => {
            grant(cx, function, configuration, key).await?;
            EnvironmentVariables::Keyed(encrypt(cx, function, key, variables).await?)
        }
    });
    Ok(())
}

/// The variables in the clear, with the caller's rights.
///
/// # Errors
/// KMS's own.
pub async fn reveal(
    cx: &Ctx,
    function: &FunctionId,
    variables: &EnvironmentVariables,
) -> Result<BTreeMap<String, String>, Error> {
    match variables {
        EnvironmentVariables::Keyed(keyed) => clear(cx.call::<kms::Decrypt>(request(function, keyed)?).await?),
        variables => variables.open(&cx.platform.sealing, function).map_err(|_| unreadable()),
    }
}

/// The variables as an answer tells them.
pub async fn describe(cx: &Ctx, version: &FunctionVersion) -> Option<EnvironmentResponse> {
    let variables = version.configuration.environment.as_ref()?;
    Some(match reveal(cx, &version.function, variables).await {
        Ok(variables) => EnvironmentResponse { variables: Some(variables), error: None },
        Err(error) => EnvironmentResponse {
            variables: None,
            error: Some(EnvironmentError {
                error_code: Some(error.definition.name.to_owned()),
                message: Some(format!(
                    "Lambda was unable to decrypt your environment variables because the {}. Please check your KMS \
                     permissions. KMS Exception: {} KMS Message: {}",
                    reason(&error).trim_start_matches("the "),
                    error.definition.name,
                    error.message.as_deref().unwrap_or_default()
                )),
            }),
        },
    })
}

/// The variables for an environment, with the rights of the function's role.
///
/// # Errors
/// `KMSAccessDeniedException`, `KMSDisabledException`, `KMSInvalidStateException`, `KMSNotFoundException`.
pub async fn for_environment(
    platform: &Arc<Platform>,
    version: &FunctionVersion,
    keyed: &KeyedVariables,
) -> Result<BTreeMap<String, String>, Error> {
    let (principal, function) = (role::session(platform, version).await?, &version.function);
    let input = request(function, keyed)?;
    let answer = platform.call_as::<kms::Decrypt>(principal, &function.account, &function.region, input).await;
    clear(answer.map_err(|error| of_use(&error))?)
}

/// Lets the sessions of the function's role decrypt its variables. A role that was never created acts as the root.
async fn grant(cx: &Ctx, function: &FunctionId, configuration: &Configuration, key: &str) -> Result<(), Error> {
    if key.split(':').nth(5).is_some_and(|resource| resource.starts_with("alias/")) {
        return Err(unusable(
            "CreateGrant",
            "InvalidArnException",
            "Key Aliases are not supported for this operation.",
        ));
    }
    if !configuration.has_role {
        return Ok(());
    }
    let role = configuration.role.rsplit('/').next().unwrap_or_default();
    let input = kms::CreateGrantRequest {
        key_id: key.to_owned(),
        grantee_principal: Some(format!("arn:aws:sts::{}:assumed-role/{role}/{}", function.account, function.name)),
        operations: vec!["Decrypt".to_owned()],
        constraints: Some(kms::GrantConstraints {
            encryption_context_equals: Some(context(function)),
            ..Default::default()
        }),
        // The same grant again is the same grant.
        name: Some(format!("lambda/{}", function.name)),
        ..Default::default()
    };
    cx.call::<kms::CreateGrant>(input).await.map_err(|error| refused("CreateGrant", error))?;
    Ok(())
}

async fn encrypt(
    cx: &Ctx,
    function: &FunctionId,
    key: &str,
    variables: &BTreeMap<String, String>,
) -> Result<KeyedVariables, Error> {
    let document = serde_json::to_vec(variables).expect("a map of texts always has a JSON form");
    let fingerprint = cx.platform.sealing.fingerprint(&format!("{key} {}", function.arn()), &document);
    let input = kms::EncryptRequest {
        key_id: key.to_owned(),
        plaintext: document.into(),
        encryption_context: Some(context(function)),
        ..Default::default()
    };
    let answer = cx.call::<kms::Encrypt>(input).await.map_err(|error| refused("Encrypt", error))?;
    let text = STANDARD.encode(answer.ciphertext_blob.unwrap_or_default());
    Ok(KeyedVariables { key: key.to_owned(), text, fingerprint: STANDARD.encode(fingerprint) })
}

fn request(function: &FunctionId, keyed: &KeyedVariables) -> Result<kms::DecryptRequest, Error> {
    Ok(kms::DecryptRequest {
        ciphertext_blob: Some(STANDARD.decode(&keyed.text).map_err(|_| unreadable())?.into()),
        encryption_context: Some(context(function)),
        key_id: Some(keyed.key.clone()),
        ..Default::default()
    })
}

fn clear(answer: kms::DecryptResponse) -> Result<BTreeMap<String, String>, Error> {
    serde_json::from_slice(&answer.plaintext.unwrap_or_default()).map_err(|_| unreadable())
}

fn context(function: &FunctionId) -> BTreeMap<String, String> {
    BTreeMap::from([(CONTEXT.to_owned(), function.arn())])
}

fn unreadable() -> Error {
    lambda_errors::service_exception(
        "Lambda was unable to decrypt the environment variables due to an internal service error.",
    )
}

/// Why a caller cannot use a key for a function.
fn refused(operation: &str, error: Error) -> Error {
    let text = error.message.clone().unwrap_or_default();
    if error.definition.status >= 500 {
        return error;
    }
    if error.is("AccessDeniedException") {
        let text = format!(
            "Lambda was unable to encrypt your environment variables because the KMS access was denied. Please check your \
             KMS permissions. KMS Exception: AccessDeniedException KMS Message: {text}"
        );
        return Error::new(&wire::error::common::ACCESS_DENIED, text);
    }
    unusable(operation, error.definition.name, &text)
}

fn unusable(operation: &str, name: &str, text: &str) -> Error {
    errors::invalid_parameter(format!(
        "Lambda was unable to configure access to your environment variables because the KMS key is invalid for {operation}. \
         Please check your KMS key settings. KMS Exception: {name} KMS Message: {text}"
    ))
}

/// Why a function's environment cannot have its variables.
fn of_use(error: &Error) -> Error {
    let definition = match error.definition.name {
        "DisabledException" => &lambda_errors::KMS_DISABLED_EXCEPTION,
        "KMSInvalidStateException" => &lambda_errors::KMS_INVALID_STATE_EXCEPTION,
        "NotFoundException" => &lambda_errors::KMS_NOT_FOUND_EXCEPTION,
        "AccessDeniedException" => &lambda_errors::KMS_ACCESS_DENIED_EXCEPTION,
        _ => return unreadable(),
    };
    let text = format!(
        "Lambda was unable to decrypt the environment variables because {}. Please check the function's KMS key settings. \
         KMS Exception: {}",
        reason(error),
        of_kms(error)
    );
    Error::new(definition, text).with("Type", "User".into())
}

fn reason(error: &Error) -> &'static str {
    match error.definition.name {
        "DisabledException" => "the KMS key used is disabled",
        "KMSInvalidStateException" => "the state of the KMS key used is invalid for Decrypt",
        "NotFoundException" => "the KMS key was not found",
        _ => "KMS access was denied",
    }
}

/// AWS's own spelling, with no space between the two.
fn of_kms(error: &Error) -> String {
    format!("{}KMS Message: {}", error.definition.name, error.message.as_deref().unwrap_or_default())
}
