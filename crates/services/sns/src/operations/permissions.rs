//! `AddPermission` and `RemovePermission`.

use std::sync::Arc;

use api::sns::{AddPermissionInput, RemovePermissionInput};
use platform::Ctx;
use serde_json::{Map, Value, json};
use wire::Error;

use crate::errors::invalid;
use crate::service::{Sns, here};
use crate::topic::default_policy;

/// Actions that can be given to others.
const ACTIONS: [&str; 10] = [
    "GetTopicAttributes",
    "SetTopicAttributes",
    "AddPermission",
    "RemovePermission",
    "DeleteTopic",
    "Subscribe",
    "ListSubscriptionsByTopic",
    "Publish",
    "Receive",
    "GetDataProtectionPolicy",
];

/// Adds a statement to a topic's policy.
///
/// # Errors
/// `NotFound`, `InvalidParameter`.
pub async fn add_permission(service: &Arc<Sns>, cx: &Ctx, input: AddPermissionInput) -> Result<api::Empty, Error> {
    let arn = here(cx, "TopicArn", &input.topic_arn)?;
    let is_account = |account: &String| account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
    if input.aws_account_id.is_empty() || !input.aws_account_id.iter().all(is_account) {
        return Err(invalid("AWSAccountId"));
    }
    if input.action_name.is_empty() {
        return Err(invalid("ActionName"));
    }
    if input.action_name.iter().any(|action| !ACTIONS.contains(&action.as_str())) {
        return Err(invalid("Policy statement action out of service scope!"));
    }
    let owned = arn.clone();
    service
        .on_topic(&arn, move |topic, _| {
            let policy = topic.policy.clone().unwrap_or_else(|| default_policy(&owned));
            let (mut document, mut statements) = parts(&policy);
            if statements.iter().any(|statement| statement["Sid"] == input.label.as_str()) {
                return Err(invalid("Statement already exists").into());
            }
            let accounts = input.aws_account_id.iter().map(|account| format!("arn:aws:iam::{account}:root")).collect();
            let actions = input.action_name.iter().map(|action| format!("SNS:{action}")).collect();
            statements.push(json!({
                "Sid": input.label,
                "Effect": "Allow",
                "Principal": {"AWS": one_or_many(accounts)},
                "Action": one_or_many(actions),
                "Resource": owned.to_string(),
            }));
            document.insert("Statement".to_owned(), statements.into());
            topic.policy = Some(Value::Object(document).to_string());
            Ok(())
        })
        .await?;
    Ok(api::Empty)
}

/// Removes a statement from a topic's policy.
///
/// # Errors
/// `NotFound`, `InvalidParameter`.
pub async fn remove_permission(
    service: &Arc<Sns>,
    cx: &Ctx,
    input: RemovePermissionInput,
) -> Result<api::Empty, Error> {
    let arn = here(cx, "TopicArn", &input.topic_arn)?;
    let owned = arn.clone();
    service
        .on_topic(&arn, move |topic, _| {
            let policy = topic.policy.clone().unwrap_or_else(|| default_policy(&owned));
            let (mut document, mut statements) = parts(&policy);
            let before = statements.len();
            statements.retain(|statement| statement["Sid"] != input.label.as_str());
            if statements.len() == before {
                return Err(api::sns::errors::not_found_exception("Statement does not exist").into());
            }
            document.insert("Statement".to_owned(), statements.into());
            topic.policy = Some(Value::Object(document).to_string());
            Ok(())
        })
        .await?;
    Ok(api::Empty)
}

/// A policy that was checked when it was set, and its statements.
fn parts(policy: &str) -> (Map<String, Value>, Vec<Value>) {
    let document: Map<String, Value> = serde_json::from_str(policy).unwrap_or_default();
    let statements = match document.get("Statement") {
        Some(Value::Array(statements)) => statements.clone(),
        Some(statement) => vec![statement.clone()],
        None => Vec::new(),
    };
    (document, statements)
}

fn one_or_many(mut texts: Vec<String>) -> Value {
    match texts.len() {
        1 => Value::String(texts.remove(0)),
        _ => texts.into(),
    }
}
