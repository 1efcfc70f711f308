//! A queue's policy as a document: checked for its form, and edited by `AddPermission` and `RemovePermission`.

use policy::{Kind, Policy, ResourceRules};
use serde_json::{Map, Value, json};
use wire::Error;

use crate::errors::{invalid_attribute, invalid_value, missing_parameter};
use crate::limits::{PERMISSION_ACTIONS_MAX, POLICY_BYTES_MAX, POLICY_STATEMENTS_MAX};

/// Actions that can be given to others.
const ACTIONS: [&str; 9] = [
    "*",
    "SendMessage",
    "ReceiveMessage",
    "DeleteMessage",
    "ChangeMessageVisibility",
    "GetQueueAttributes",
    "GetQueueUrl",
    "ListDeadLetterSourceQueues",
    "PurgeQueue",
];

/// What the policy of a queue may say.
const RULES: Kind = Kind::Resource(ResourceRules { vendor: Some("sqs"), resource_required: false });

/// Checks that a text is a policy.
///
/// # Errors
/// `InvalidAttributeValue`.
pub fn check(text: &str) -> Result<(), Error> {
    let parsed =
        Some(text).filter(|text| text.len() <= POLICY_BYTES_MAX).and_then(|text| Policy::parse(text, RULES).ok());
    let statements = parsed.map_or(0, |policy| policy.statements().len());
    if (1..=POLICY_STATEMENTS_MAX).contains(&statements) { Ok(()) } else { Err(invalid_attribute("Policy")) }
}

/// A permission to be added.
pub struct Permission<'a> {
    /// Its name, unique within the policy.
    pub label: &'a str,
    /// Accounts that get it: 12 digits each.
    pub accounts: &'a [String],
    /// Names of operations.
    pub actions: &'a [String],
}

/// The policy with a permission more.
///
/// # Errors
/// `InvalidParameterValue` for a label that is taken, and for accounts and actions that cannot be given.
pub fn add(policy: Option<&str>, queue_arn: &str, permission: &Permission<'_>) -> Result<String, Error> {
    check_permission(permission)?;
    let mut document = match policy {
        Some(text) => parse(text),
        None => json!({"Version": "2008-10-17", "Id": format!("{queue_arn}/SQSDefaultPolicy"), "Statement": []})
            .as_object()
            .cloned()
            .unwrap_or_default(),
    };
    let mut statements = statements(&document);
    if statements.iter().any(|statement| has_label(statement, permission.label)) {
        return Err(invalid_value(permission.label, "Label", "Already exists."));
    }
    if statements.len() >= POLICY_STATEMENTS_MAX {
        let text = format!("{POLICY_STATEMENTS_MAX} statements are allowed in a policy.");
        return Err(api::sqs::errors::over_limit(text));
    }
    let accounts = permission.accounts.iter().map(|account| format!("arn:aws:iam::{account}:root")).collect();
    let actions = permission.actions.iter().map(|action| format!("SQS:{action}")).collect();
    statements.push(json!({
        "Sid": permission.label,
        "Effect": "Allow",
        "Principal": {"AWS": one_or_many(accounts)},
        "Action": one_or_many(actions),
        "Resource": queue_arn,
    }));
    document.insert("Statement".to_owned(), Value::Array(statements));
    Ok(Value::Object(document).to_string())
}

/// The policy without a permission; `None` if nothing is left of it.
///
/// # Errors
/// `InvalidParameterValue` if there is no such permission.
pub fn remove(policy: Option<&str>, label: &str) -> Result<Option<String>, Error> {
    let mut document = policy.map(parse).unwrap_or_default();
    let mut statements = statements(&document);
    let before = statements.len();
    statements.retain(|statement| !has_label(statement, label));
    if statements.len() == before {
        return Err(invalid_value(label, "Label", "can't find label."));
    }
    if statements.is_empty() {
        return Ok(None);
    }
    document.insert("Statement".to_owned(), Value::Array(statements));
    Ok(Some(Value::Object(document).to_string()))
}

fn check_permission(permission: &Permission<'_>) -> Result<(), Error> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    let Permission { label, accounts, actions } = permission;
    if !(1..=80).contains(&label.len()) || !label.bytes().all(plain) {
        const REASON: &str = "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length";
        return Err(invalid_value(label, "Label", REASON));
    }
    if actions.is_empty() {
        return Err(missing_parameter("Actions"));
    }
    if accounts.is_empty() {
        return Err(invalid_value("[]", "PrincipalId", "Unable to verify."));
    }
    let is_account = |account: &str| account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
    if let Some(account) = accounts.iter().find(|account| !is_account(account)) {
        return Err(invalid_value(account, "PrincipalId", "Unable to verify."));
    }
    if actions.len() > PERMISSION_ACTIONS_MAX {
        let text = format!("{} Actions were found, maximum allowed is {PERMISSION_ACTIONS_MAX}.", actions.len());
        return Err(api::sqs::errors::over_limit(text));
    }
    match actions.iter().find(|action| !ACTIONS.contains(&action.as_str())) {
        Some(action) => {
            const REASON: &str = "Only the queue owner is allowed to invoke this action.";
            Err(invalid_value(format!("SQS:{action}"), "ActionName", REASON))
        }
        None => Ok(()),
    }
}

/// A policy that was checked when it was set.
fn parse(text: &str) -> Map<String, Value> {
    serde_json::from_str(text).unwrap_or_default()
}

fn statements(document: &Map<String, Value>) -> Vec<Value> {
    match document.get("Statement") {
        Some(Value::Array(statements)) => statements.clone(),
        Some(statement) => vec![statement.clone()],
        None => Vec::new(),
    }
}

fn has_label(statement: &Value, label: &str) -> bool {
    statement.get("Sid").and_then(Value::as_str) == Some(label)
}

fn one_or_many(mut texts: Vec<String>) -> Value {
    match texts.len() {
        1 => Value::String(texts.remove(0)),
        _ => texts.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permissions_are_statements_as_aws_writes_them() {
        let arn = "arn:aws:sqs:eu-west-1:111122223333:jobs";
        let accounts = ["111122223333".to_owned(), "444455556666".to_owned()];
        let actions = ["ReceiveMessage".to_owned()];
        let permission = |label| Permission { label, accounts: &accounts, actions: &actions };
        let policy = add(None, arn, &permission("first")).unwrap();
        let expected = r#"{"Version":"2008-10-17","Id":"arn:aws:sqs:eu-west-1:111122223333:jobs/SQSDefaultPolicy","Statement":[{"Sid":"first","Effect":"Allow","Principal":{"AWS":["arn:aws:iam::111122223333:root","arn:aws:iam::444455556666:root"]},"Action":"SQS:ReceiveMessage","Resource":"arn:aws:sqs:eu-west-1:111122223333:jobs"}]}"#;
        assert_eq!(policy, expected);
        let again = add(Some(&policy), arn, &permission("first")).expect_err("taken");
        assert_eq!(
            again.message.as_deref(),
            Some("Value first for parameter Label is invalid. Reason: Already exists.")
        );
        let two = add(Some(&policy), arn, &permission("second")).unwrap();
        assert_eq!(remove(Some(&two), "second").unwrap(), Some(policy.clone()));
        assert_eq!(remove(Some(&policy), "first").unwrap(), None);
        let missing = remove(Some(&policy), "other").expect_err("not there");
        let text = "Value other for parameter Label is invalid. Reason: can't find label.";
        assert_eq!(missing.message.as_deref(), Some(text));
        check(&policy).unwrap();
    }

    #[test]
    fn a_permission_names_somebody_and_something() {
        let (accounts, actions) = (["111122223333".to_owned()], ["ReceiveMessage".to_owned()]);
        let text = |accounts: &[String], actions: &[String]| {
            let refused = add(None, "arn", &Permission { label: "l", accounts, actions }).expect_err("refused");
            refused.message.unwrap_or_default().into_owned()
        };
        assert_eq!(text(&accounts, &[]), "The request must contain the parameter Actions.");
        assert_eq!(text(&[], &actions), "Value [] for parameter PrincipalId is invalid. Reason: Unable to verify.");
    }

    #[test]
    fn only_policies_are_policies() {
        for text in ["", "x", "[]", "{}", r#"{"Statement":[]}"#, r#"{"Statement":[{"Effect":"Allow"}]}"#] {
            assert!(check(text).is_err(), "{text}");
        }
    }
}
