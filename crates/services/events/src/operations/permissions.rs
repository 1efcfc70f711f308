//! `PutPermission` and `RemovePermission`.

use std::sync::Arc;

use api::events::{PutPermissionRequest, RemovePermissionRequest, errors as modelled};
use platform::Ctx;
use policy::{Kind, Policy, ResourceRules};
use serde_json::{Value, json};
use wire::Error;

use super::buses::{change, own};
use crate::errors::validation;
use crate::limits::POLICY_BYTES_MAX;
use crate::names::BusId;
use crate::service::Events;

/// What the policy of a bus may say.
const RULES: Kind = Kind::Resource(ResourceRules { vendor: Some("events"), resource_required: true });

/// Sets the policy of a bus, or adds a statement to it.
///
/// # Errors
/// `ResourceNotFoundException`, `PolicyLengthExceededException`, `ValidationException`.
pub async fn put_permission(service: &Arc<Events>, cx: &Ctx, input: PutPermissionRequest) -> Result<api::Empty, Error> {
    let bus = own(cx, BusId::read(cx, input.event_bus_name.as_deref())?)?;
    let arn = bus.arn();
    change(service, &bus, move |bus| {
        let policy = match &input.policy {
            Some(policy) => policy.clone(),
            None => with_statement(bus.policy.as_deref(), statement(&input, &arn)?),
        };
        if policy.len() > POLICY_BYTES_MAX {
            return Err(modelled::policy_length_exceeded_exception("The policy is too long."));
        }
        if Policy::parse(&policy, RULES).is_err() {
            return Err(validation("This policy contains invalid Json or an invalid statement."));
        }
        bus.policy = Some(policy);
        Ok(())
    })
    .await?;
    Ok(api::Empty)
}

fn statement(input: &PutPermissionRequest, arn: &str) -> Result<Value, Error> {
    let (Some(action), Some(principal), Some(id)) = (&input.action, &input.principal, &input.statement_id) else {
        return Err(validation("Parameter(s) Action, Principal and StatementId must be specified."));
    };
    if action != "events:PutEvents" {
        return Err(validation("Provided value in parameter 'action' is not supported."));
    }
    let is_account = principal.len() == 12 && principal.bytes().all(|byte| byte.is_ascii_digit());
    let principal = match principal.as_str() {
        "*" => json!("*"),
        account if is_account => json!({ "AWS": format!("arn:aws:iam::{account}:root") }),
        _ => return Err(validation("Provided value in parameter 'principal' is not valid.")),
    };
    let mut statement = json!({
        "Sid": id,
        "Effect": "Allow",
        "Principal": principal,
        "Action": action,
        "Resource": arn,
    });
    if let Some(condition) = &input.condition {
        statement["Condition"] = json!({ (&condition.r#type): { (&condition.key): condition.value } });
    }
    Ok(statement)
}

/// The policy with a statement, in the place of one with the same id.
fn with_statement(policy: Option<&str>, statement: Value) -> String {
    let mut statements = statements(policy);
    match statements.iter_mut().find(|known| known["Sid"] == statement["Sid"]) {
        Some(known) => *known = statement,
        None => statements.push(statement),
    }
    json!({ "Version": "2012-10-17", "Statement": statements }).to_string()
}

fn statements(policy: Option<&str>) -> Vec<Value> {
    let document = policy.and_then(|policy| serde_json::from_str::<Value>(policy).ok()).unwrap_or_default();
    match document.get("Statement") {
        Some(Value::Array(statements)) => statements.clone(),
        Some(statement) => vec![statement.clone()],
        None => Vec::new(),
    }
}

/// Removes a statement from the policy of a bus, or all.
///
/// # Errors
/// `ResourceNotFoundException`, `ValidationException`.
pub async fn remove_permission(
    service: &Arc<Events>,
    cx: &Ctx,
    input: RemovePermissionRequest,
) -> Result<api::Empty, Error> {
    let bus = own(cx, BusId::read(cx, input.event_bus_name.as_deref())?)?;
    change(service, &bus, move |bus| {
        if input.remove_all_permissions == Some(true) {
            bus.policy = None;
            return Ok(());
        }
        let Some(id) = &input.statement_id else {
            return Err(validation("Parameter StatementId must be specified."));
        };
        let before = statements(bus.policy.as_deref());
        let left: Vec<&Value> = before.iter().filter(|statement| statement["Sid"] != id.as_str()).collect();
        if left.len() == before.len() {
            return Err(modelled::resource_not_found_exception("Statement with the provided id does not exist."));
        }
        bus.policy = (!left.is_empty()).then(|| json!({ "Version": "2012-10-17", "Statement": left }).to_string());
        Ok(())
    })
    .await?;
    Ok(api::Empty)
}
