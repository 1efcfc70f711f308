//! Resource policies.

use api::secretsmanager::{
    DeleteResourcePolicyRequest, DeleteResourcePolicyResponse, GetResourcePolicyRequest, GetResourcePolicyResponse,
    PutResourcePolicyRequest, PutResourcePolicyResponse, ValidateResourcePolicyRequest, ValidateResourcePolicyResponse,
    ValidationErrorsEntry, errors as modelled,
};
use platform::Ctx;
use policy::{Cause, Kind, Policy, ResourceRules};
use serde_json::Value;
use wire::Error;

use crate::errors;
use crate::names::SecretId;
use crate::service::Secrets;

/// Condition keys that tie a statement for everybody to somebody in particular. User guide of Secrets Manager,
/// "Block broad access to secrets".
const LIMITING_KEYS: [&str; 10] = [
    "aws:principalaccount",
    "aws:principalarn",
    "aws:principalorgid",
    "aws:principalorgpaths",
    "aws:sourceaccount",
    "aws:sourcearn",
    "aws:sourceip",
    "aws:sourcevpc",
    "aws:sourcevpce",
    "aws:userid",
];

/// Gives a secret a policy, in the place of any other.
pub async fn put_resource_policy(
    secrets: &Secrets,
    cx: &Ctx,
    input: PutResourcePolicyRequest,
) -> Result<PutResourcePolicyResponse, Error> {
    let id = SecretId::parse(cx, &input.secret_id)?;
    check_unnamed(input.policy_name.as_ref())?;
    if let Some(flaw) = syntax_flaw(&input.resource_policy) {
        return Err(modelled::malformed_policy_document_exception(flaw));
    }
    if input.block_public_policy == Some(true) && is_public(&input.resource_policy) {
        return Err(modelled::public_policy_exception(
            "You can't attach a resource-based policy that allows broad access to the secret.",
        ));
    }
    let change = secrets.change(&id, move |record| {
        record.policy = Some(input.resource_policy.clone());
        Ok(())
    });
    let record = change.await?;
    Ok(PutResourcePolicyResponse { arn: Some(record.arn), name: Some(record.name), policy_name: None })
}

/// A secret's policy.
pub async fn get_resource_policy(
    secrets: &Secrets,
    cx: &Ctx,
    input: GetResourcePolicyRequest,
) -> Result<GetResourcePolicyResponse, Error> {
    let id = SecretId::parse(cx, &input.secret_id)?;
    check_unnamed(input.policy_name.as_ref())?;
    let record = secrets.active(&id).await?;
    Ok(GetResourcePolicyResponse {
        arn: Some(record.arn),
        name: Some(record.name),
        resource_policy: record.policy,
        policy_name: None,
    })
}

/// Takes a secret's policy away.
pub async fn delete_resource_policy(
    secrets: &Secrets,
    cx: &Ctx,
    input: DeleteResourcePolicyRequest,
) -> Result<DeleteResourcePolicyResponse, Error> {
    let id = SecretId::parse(cx, &input.secret_id)?;
    check_unnamed(input.policy_name.as_ref())?;
    let change = secrets.change(&id, |record| {
        record.policy = None;
        Ok(())
    });
    let record = change.await?;
    Ok(DeleteResourcePolicyResponse { arn: Some(record.arn), name: Some(record.name), policy_name: None })
}

/// Says what is wrong with a policy, without giving it to anything.
pub async fn validate_resource_policy(
    secrets: &Secrets,
    cx: &Ctx,
    input: ValidateResourcePolicyRequest,
) -> Result<ValidateResourcePolicyResponse, Error> {
    if let Some(text) = &input.secret_id {
        secrets.active(&SecretId::parse(cx, text)?).await?;
    }
    let entry = |name: &str, message: String| ValidationErrorsEntry {
        check_name: Some(name.to_owned()),
        error_message: Some(message),
    };
    let mut found = Vec::new();
    if let Some(flaw) = syntax_flaw(&input.resource_policy) {
        found.push(entry("SYNTAX_ERROR", flaw.to_owned()));
    } else if is_public(&input.resource_policy) {
        found.push(entry("BROAD_ACCESS", "This resource policy grants broad access to your secret.".to_owned()));
    }
    Ok(ValidateResourcePolicyResponse {
        policy_validation_passed: Some(found.is_empty()),
        validation_errors: Some(found),
    })
}

/// Policies by name, of which a secret may have several, are not supported.
fn check_unnamed(name: Option<&String>) -> Result<(), Error> {
    name.map_or(Ok(()), |_| Err(errors::unsupported("PolicyName")))
}

/// What is wrong with a document, in the words of Secrets Manager.
fn syntax_flaw(document: &str) -> Option<&'static str> {
    let rules = ResourceRules { vendor: Some("secretsmanager"), resource_required: true };
    let malformed = Policy::parse(document, Kind::Resource(rules)).err()?;
    Some(match malformed.cause {
        Cause::Principal => "This resource policy contains an unsupported principal.",
        _ => "This resource policy contains a syntax error.",
    })
}

/// Whether some statement allows everybody without saying any further who that is.
fn is_public(document: &str) -> bool {
    let Ok(document) = serde_json::from_str::<Value>(document) else { return false };
    match document.get("Statement") {
        Some(Value::Array(statements)) => statements.iter().any(statement_is_public),
        Some(statement) => statement_is_public(statement),
        None => false,
    }
}

fn statement_is_public(statement: &Value) -> bool {
    let allows = statement.get("Effect").and_then(Value::as_str) == Some("Allow");
    let for_everybody = statement.get("NotPrincipal").is_some()
        || statement.get("Principal").is_some_and(|principal| match principal {
            Value::Object(kinds) => kinds.values().any(is_everybody),
            other => is_everybody(other),
        });
    allows && for_everybody && !is_limited(statement.get("Condition"))
}

fn is_everybody(principal: &Value) -> bool {
    match principal {
        Value::String(text) => text == "*",
        Value::Array(items) => items.iter().any(is_everybody),
        _ => false,
    }
}

fn is_limited(condition: Option<&Value>) -> bool {
    let operators = condition.and_then(Value::as_object).into_iter().flat_map(|operators| operators.iter());
    let mut keys = operators
        .filter(|(operator, _)| !operator.contains("Not") && !operator.ends_with("IfExists"))
        .filter_map(|(_, keys)| keys.as_object())
        .flat_map(|keys| keys.keys());
    keys.any(|key| LIMITING_KEYS.contains(&key.to_ascii_lowercase().as_str()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn public(statement: Value) -> bool {
        is_public(&json!({ "Version": "2012-10-17", "Statement": statement }).to_string())
    }

    #[test]
    fn a_policy_for_everybody_is_public_unless_a_condition_limits_it() {
        let statement = |principal: Value, condition: Value| {
            json!({ "Effect": "Allow", "Principal": principal, "Action": "secretsmanager:*", "Resource": "*",
                    "Condition": condition })
        };
        for principal in [json!("*"), json!({ "AWS": "*" }), json!({ "AWS": ["arn:aws:iam::1:root", "*"] })] {
            assert!(public(statement(principal.clone(), json!({}))), "{principal}");
            assert!(public(json!([statement(principal.clone(), json!({}))])), "{principal}");
            let limited = json!({ "StringEquals": { "aws:PrincipalOrgID": "o-1" } });
            assert!(!public(statement(principal.clone(), limited)), "{principal}");
            let loose = json!({ "StringNotEquals": { "aws:PrincipalOrgID": "o-1" } });
            assert!(public(statement(principal.clone(), loose)), "{principal}");
        }
        assert!(!public(statement(json!({ "AWS": "111122223333" }), json!({}))));
        assert!(!public(json!({ "Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*" })));
        assert!(!is_public("no json"));
    }
}
