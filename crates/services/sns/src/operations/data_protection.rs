//! `GetDataProtectionPolicy` and `PutDataProtectionPolicy`.

use std::sync::Arc;

use api::sns::{GetDataProtectionPolicyInput, GetDataProtectionPolicyResponse, PutDataProtectionPolicyInput};
use platform::Ctx;
use serde_json::Value;
use wire::Error;

use crate::errors::invalid;
use crate::limits::DATA_PROTECTION_BYTES_MAX;
use crate::service::{Sns, here};

/// Answers a topic's data protection policy.
///
/// # Errors
/// `NotFound`, `InvalidParameter`.
pub async fn get_data_protection_policy(
    service: &Arc<Sns>,
    cx: &Ctx,
    input: GetDataProtectionPolicyInput,
) -> Result<GetDataProtectionPolicyResponse, Error> {
    let arn = here(cx, "ResourceArn", &input.resource_arn)?;
    let policy = service.topic(&arn).await?.data_protection.unwrap_or_default();
    Ok(GetDataProtectionPolicyResponse { data_protection_policy: Some(policy) })
}

/// Sets a topic's data protection policy.
///
/// # Errors
/// `NotFound`, `InvalidParameter`.
pub async fn put_data_protection_policy(
    service: &Arc<Sns>,
    cx: &Ctx,
    input: PutDataProtectionPolicyInput,
) -> Result<api::Empty, Error> {
    let arn = here(cx, "ResourceArn", &input.resource_arn)?;
    check(&input.data_protection_policy)?;
    let given = Some(input.data_protection_policy).filter(|policy| !policy.is_empty());
    let set = service.on_topic(&arn, move |topic, _| {
        topic.data_protection.clone_from(&given);
        Ok(())
    });
    set.await?;
    Ok(api::Empty)
}

/// Checks a policy. One with statements would have to look into every message; that is not supported, and so refused.
///
/// # Errors
/// `InvalidParameter`.
pub fn check(policy: &str) -> Result<(), Error> {
    if policy.is_empty() {
        return Ok(());
    }
    let document: Option<Value> = serde_json::from_str(policy).ok().filter(Value::is_object);
    let document = document.filter(|_| policy.len() <= DATA_PROTECTION_BYTES_MAX);
    let document = document.ok_or_else(|| invalid("DataProtectionPolicy Reason: the policy is not valid JSON"))?;
    match document.get("Statement").and_then(Value::as_array) {
        Some(statements) if statements.is_empty() => Ok(()),
        _ => Err(invalid("DataProtectionPolicy Reason: statements are not supported")),
    }
}
