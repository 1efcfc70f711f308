//! Policies of parameters: what happens to one by itself. User guide, "Assigning parameter policies".

use std::sync::Arc;

use api::events::{PutEvents, PutEventsRequest, PutEventsRequestEntry};
use api::ssm::{ParameterInlinePolicy, errors as modelled};
use platform::{Firing, TimerPartition};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::{Abort, Transaction};
use wire::{Error, Timestamp};

use crate::limits::POLICIES_MAX;
use crate::names;
use crate::records::ParameterRecord;
use crate::service::{POLICY_TIMER, ParameterStore};
use crate::{errors, keys, rows};

const EXPIRATION: &str = "Expiration";
const EXPIRATION_NOTIFICATION: &str = "ExpirationNotification";
const NO_CHANGE_NOTIFICATION: &str = "NoChangeNotification";

const PENDING: &str = "Pending";
const FINISHED: &str = "Finished";

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

/// The service, as the source of events is called.
const EVENT_SOURCE: &str = "aws.ssm";
const PRINCIPAL: &str = "ssm.amazonaws.com";

/// A policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyRecord {
    /// As it was given.
    pub text: String,
    /// What it does.
    pub rule: Rule,
    /// Whether it has.
    pub is_finished: bool,
}

/// What a policy does. Times are in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Rule {
    /// Deletes the parameter, at a time since 1970.
    Expiration(i64),
    /// Tells so long before the expiration.
    ExpirationNotification(i64),
    /// Tells so long after the last change.
    NoChangeNotification(i64),
}

impl PolicyRecord {
    /// As answers tell it.
    pub fn output(&self) -> ParameterInlinePolicy {
        ParameterInlinePolicy {
            policy_text: Some(self.text.clone()),
            policy_type: Some(self.rule.name().to_owned()),
            policy_status: Some(if self.is_finished { FINISHED } else { PENDING }.to_owned()),
        }
    }
}

impl Rule {
    fn name(self) -> &'static str {
        match self {
            Rule::Expiration(_) => EXPIRATION,
            Rule::ExpirationNotification(_) => EXPIRATION_NOTIFICATION,
            Rule::NoChangeNotification(_) => NO_CHANGE_NOTIFICATION,
        }
    }
}

/// Reads the policies of a request: a JSON array. `[{}]` takes all policies away.
///
/// # Errors
/// `ValidationException`, `InvalidPolicyTypeException`, `InvalidPolicyAttributeException`,
/// `PoliciesLimitExceededException`.
pub fn parse(text: &str) -> Result<Vec<PolicyRecord>, Error> {
    let parsed: Value = serde_json::from_str(text).map_err(|_| no_array())?;
    let Value::Array(items) = parsed else { return Err(no_array()) };
    let items: Vec<&Value> = items.iter().filter(|item| **item != json!({})).collect();
    if items.len() > POLICIES_MAX {
        return Err(modelled::policies_limit_exceeded_exception(format!(
            "You specified more than the maximum number of allowed policies for the parameter. The maximum is \
             {POLICIES_MAX}."
        )));
    }
    let policies = items.into_iter().map(policy).collect::<Result<Vec<_>, _>>()?;
    let expirations = policies.iter().filter(|policy| matches!(policy.rule, Rule::Expiration(_))).count();
    let tells_of_expiration = policies.iter().any(|policy| matches!(policy.rule, Rule::ExpirationNotification(_)));
    match expirations {
        0 if tells_of_expiration => {
            Err(attribute("An ExpirationNotification policy requires an Expiration policy for the same parameter."))
        }
        0 | 1 => Ok(policies),
        _ => Err(attribute("A parameter can have only one Expiration policy.")),
    }
}

fn policy(item: &Value) -> Result<PolicyRecord, Error> {
    let kind = item.get("Type").and_then(Value::as_str).unwrap_or_default();
    let attributes = &item["Attributes"];
    let rule = match kind {
        EXPIRATION => Rule::Expiration(timestamp(attributes)?),
        EXPIRATION_NOTIFICATION => Rule::ExpirationNotification(span(attributes, "Before")?),
        NO_CHANGE_NOTIFICATION => Rule::NoChangeNotification(span(attributes, "After")?),
        _ => {
            return Err(modelled::invalid_policy_type_exception(
                "The policy type is not supported. Parameter Store supports the following policy types: Expiration, \
                 ExpirationNotification, and NoChangeNotification.",
            ));
        }
    };
    if item.get("Version").and_then(Value::as_str) != Some("1.0") {
        return Err(attribute("The Version of a policy must be 1.0."));
    }
    Ok(PolicyRecord { text: item.to_string(), rule, is_finished: false })
}

fn timestamp(attributes: &Value) -> Result<i64, Error> {
    let text = attributes.get("Timestamp").and_then(Value::as_str).unwrap_or_default();
    let time: Result<jiff::Timestamp, _> = text.parse();
    time.map(|time| time.as_millisecond())
        .map_err(|_| attribute("The Timestamp must be in the ISO_INSTANT or ISO_OFFSET_DATE_TIME format."))
}

fn span(attributes: &Value, name: &str) -> Result<i64, Error> {
    let number = attributes.get(name).and_then(|number| match number {
        Value::String(text) => text.parse().ok(),
        other => other.as_i64(),
    });
    let unit = match attributes.get("Unit").and_then(Value::as_str) {
        Some("Days") => DAY_MS,
        Some("Hours") => HOUR_MS,
        _ => return Err(attribute("The Unit must be Days or Hours.")),
    };
    // Anything longer than a thousand years is a mistake.
    let number = number.filter(|number: &i64| (1..=365_000).contains(number));
    number.map(|number| number * unit).ok_or_else(|| attribute(format!("{name} must be a positive number.")))
}

fn no_array() -> Error {
    errors::validation("Policies must be a JSON array of policies.")
}

fn attribute(text: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    modelled::invalid_policy_attribute_exception(text)
}

/// Sets the timers of a parameter's policies in the place of those of the version before.
pub fn set_timers(
    transaction: &mut dyn Transaction,
    timers: &TimerPartition,
    (account, region): (&str, &str),
    record: &ParameterRecord,
) -> Result<(), Abort<Error>> {
    let policies = &record.latest.policies;
    let expires_at = policies.iter().find_map(|policy| match policy.rule {
        Rule::Expiration(at) => Some(at),
        _ => None,
    });
    for index in 0..POLICIES_MAX {
        let id = keys::policy_timer(region, &record.name, index);
        let due = policies.get(index).filter(|policy| !policy.is_finished).and_then(|policy| match policy.rule {
            Rule::Expiration(at) => Some(at),
            Rule::ExpirationNotification(before) => expires_at.map(|at| at - before),
            Rule::NoChangeNotification(after) => Some(record.latest.modified_at + after),
        });
        match due {
            Some(due) => {
                let payload = json!({ "account": account, "region": region, "name": record.name, "index": index });
                let timer = timers.timer(id, Timestamp::from_milliseconds(due), POLICY_TIMER, payload);
                timers.set(transaction, &timer)?;
            }
            None => {
                timers.cancel(transaction, &id)?;
            }
        }
    }
    Ok(())
}

/// Cancels the timers of a parameter that goes.
pub fn cancel_timers(
    transaction: &mut dyn Transaction,
    timers: &TimerPartition,
    region: &str,
    record: &ParameterRecord,
) -> Result<(), Abort<Error>> {
    for index in 0..record.latest.policies.len() {
        timers.cancel(transaction, &keys::policy_timer(region, &record.name, index))?;
    }
    Ok(())
}

/// What a timer is about.
#[derive(Debug, Clone, Deserialize)]
struct Payload {
    account: String,
    region: String,
    name: String,
    index: usize,
}

/// Does what a policy says, when its time has come.
pub async fn act(service: Arc<ParameterStore>, firing: Firing) -> Result<(), Error> {
    let Ok(payload) = serde_json::from_value::<Payload>(firing.payload.clone()) else { return Ok(()) };
    let timers = service.timers(&payload.account).await?;
    let (account, about) = (payload.account.clone(), payload.clone());
    let acted = service.transact(&account, move |transaction| {
        if !firing.complete(transaction)? {
            return Ok(None);
        }
        let key = keys::parameter(&about.region, &about.name);
        let Some(mut record) = rows::read::<ParameterRecord>(transaction, &key)? else { return Ok(None) };
        let Some(policy) = record.latest.policies.get_mut(about.index) else { return Ok(None) };
        let rule = policy.rule;
        policy.is_finished = true;
        if matches!(rule, Rule::Expiration(_)) {
            cancel_timers(transaction, &timers, &about.region, &record)?;
            rows::remove(transaction, &about.region, &record)?;
        } else {
            rows::put(transaction, &keys::version(&about.region, &about.name, record.latest.number), &record.latest)?;
            rows::put_parameter(transaction, &about.region, &record)?;
        }
        Ok(Some((rule, record)))
    });
    if let Some((rule, record)) = acted.await? {
        tell(&service, &payload, rule, &record).await;
    }
    Ok(())
}

/// Tells the account's event bus what a policy did. It is told once, as well as may be: AWS too promises no more.
async fn tell(service: &Arc<ParameterStore>, payload: &Payload, rule: Rule, record: &ParameterRecord) {
    let detail = json!({
        "parameter-name": record.name,
        "parameter-type": record.latest.kind,
        "policy-type": rule.name(),
        "policy-content": record.latest.policies[payload.index].text,
        "action-status": "Success",
    });
    let entry = PutEventsRequestEntry {
        source: Some(EVENT_SOURCE.to_owned()),
        detail_type: Some("Parameter Store Policy Action".to_owned()),
        resources: Some(vec![names::arn(&payload.region, &payload.account, &record.name)]),
        detail: Some(detail.to_string()),
        ..Default::default()
    };
    let request = PutEventsRequest { entries: vec![entry], ..Default::default() };
    let told = service.platform.call_as_service::<PutEvents>(PRINCIPAL, &payload.account, &payload.region, request);
    if let Err(error) = told.await {
        tracing::warn!(parameter = record.name, %error, "a parameter's policy could not tell the event bus");
    }
}
