//! The last denials, each with what is needed to understand it.

use std::collections::VecDeque;

use parking_lot::Mutex;
use policy::Denial;
use serde_json::{Map, Value, json};
use wire::Timestamp;
use wire::schema::TimestampFormat;

use crate::authorise::layer_name;
use crate::context::Ctx;

/// Denials kept. Each has mostly some 2 KiB, and is bounded by the three limits below.
const DENIALS_MAX: usize = 256;

/// Condition keys shown of one denial.
const KEYS_MAX: usize = 64;

/// Values shown of one condition key.
const VALUES_MAX: usize = 8;

/// Characters shown of one value or key: callers choose them.
const VALUE_CHARACTERS_MAX: usize = 256;

/// Characters shown of a resource: the longest ARN that policies take.
const RESOURCE_CHARACTERS_MAX: usize = 2_048;

/// Condition keys whose values may be meant to be kept: they are shown without them.
const HIDDEN_KEYS: [&str; 2] = ["sts:ExternalId", "aws:referer"];

/// Fields in which two denials have to be alike to count as one.
const SAME: [&str; 5] = ["principal", "action", "resource", "passed", "reason"];

/// A denial as it happens.
pub struct Refusal<'a> {
    /// The call.
    pub cx: &'a Ctx,
    /// The IAM action.
    pub action: &'a str,
    /// The ARN of the resource, or `*`.
    pub resource: &'a str,
    /// Why; `None` for an operation without a mapping, which is the account root's alone.
    pub denial: Option<&'a Denial>,
    /// The condition keys.
    pub context: Vec<(String, Vec<String>)>,
}

/// The last denials.
#[derive(Default)]
pub struct Denials(Mutex<VecDeque<Value>>);

impl Denials {
    /// Notes a denial. One that is as another of the last ones takes its place, and counts.
    pub fn record(&self, at: Timestamp, refusal: Refusal<'_>, passed: bool) {
        let mut document = document(at, &refusal, passed);
        let is_same = |other: &Value| SAME.iter().all(|field| other[field] == document[field]);
        let mut denials = self.0.lock();
        if let Some(other) = denials.iter().position(is_same).and_then(|place| denials.remove(place)) {
            document["count"] = json!(other["count"].as_u64().unwrap_or_default() + 1);
        }
        denials.truncate(DENIALS_MAX - 1);
        denials.push_front(document);
    }

    pub fn document(&self) -> Value {
        Value::Array(self.0.lock().iter().cloned().collect())
    }

    pub fn clear(&self) {
        self.0.lock().clear();
    }
}

fn document(at: Timestamp, refusal: &Refusal<'_>, passed: bool) -> Value {
    let cx = refusal.cx;
    let mut time = String::new();
    at.write(TimestampFormat::Iso8601, &mut time);
    json!({
        "time": time,
        "request_id": cx.request_id,
        "principal": cx.principal.arn(),
        "account": cx.account,
        "service": cx.service.id,
        "operation": cx.operation.name,
        "action": refusal.action,
        "resource": cut(refusal.resource, RESOURCE_CHARACTERS_MAX),
        "passed": passed,
        "count": 1,
        "reason": reason(refusal),
        "context": context(&refusal.context),
    })
}

/// The statement that denied, or whose policies were silent.
fn reason(refusal: &Refusal<'_>) -> Value {
    match refusal.denial {
        Some(Denial::Explicit(statement)) => json!({
            "kind": "explicit",
            "layer": layer_name(statement.layer),
            "policy": &*statement.policy,
            "statement": statement.index,
            "sid": statement.sid.as_deref(),
            "text": format!("statement {} of {} denies {}", statement.index, statement.policy, refusal.action),
        }),
        Some(denial @ Denial::Implicit(layer)) => json!({
            "kind": "implicit",
            "layer": layer_name(*layer),
            "missing": refusal.action,
            "text": denial.phrase(refusal.action),
        }),
        None => json!({
            "kind": "unmapped",
            "missing": refusal.action,
            "text": "the permissions of this operation are not known, so it is the account root's alone",
        }),
    }
}

fn context(keys: &[(String, Vec<String>)]) -> Value {
    let shown = keys.iter().take(KEYS_MAX).map(|(key, values)| {
        let name = cut(key, VALUE_CHARACTERS_MAX);
        if HIDDEN_KEYS.iter().any(|hidden| hidden.eq_ignore_ascii_case(key)) {
            return (name, json!(["(hidden)"]));
        }
        let values = values.iter().take(VALUES_MAX).map(|value| cut(value, VALUE_CHARACTERS_MAX));
        (name, json!(values.collect::<Vec<String>>()))
    });
    Value::Object(shown.collect::<Map<_, _>>())
}

fn cut(text: &str, characters_max: usize) -> String {
    text.chars().take(characters_max).collect()
}
