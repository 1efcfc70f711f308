//! Batches of messages as functions see them, and what functions answer about them.

use std::collections::{BTreeMap, HashSet};

use api::sqs::{Message, MessageAttributeValue};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pattern::Pattern;
use serde::Serialize;
use serde_json::Value;

use crate::mapping::Mapping;

/// A message as functions see it, its members in AWS's order.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// The message's id.
    pub message_id: String,
    /// What it can be deleted with.
    pub receipt_handle: String,
    body: String,
    attributes: BTreeMap<String, String>,
    message_attributes: BTreeMap<String, Attribute>,
    #[serde(skip_serializing_if = "Option::is_none")]
    md5_of_message_attributes: Option<String>,
    md5_of_body: String,
    event_source: &'static str,
    #[serde(rename = "eventSourceARN")]
    event_source_arn: String,
    aws_region: String,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct Attribute {
    #[serde(skip_serializing_if = "Option::is_none")]
    string_value: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    binary_value: Option<String>,
    string_list_values: [String; 0],
    binary_list_values: [String; 0],
    data_type: String,
}

impl From<MessageAttributeValue> for Attribute {
    fn from(value: MessageAttributeValue) -> Attribute {
        Attribute {
            string_value: value.string_value,
            binary_value: value.binary_value.map(|bytes| STANDARD.encode(bytes)),
            string_list_values: [],
            binary_list_values: [],
            data_type: value.data_type,
        }
    }
}

impl Record {
    /// The record of a message.
    pub fn new(mapping: &Mapping, message: Message) -> Record {
        let attributes = message.message_attributes.unwrap_or_default();
        Record {
            message_id: message.message_id.unwrap_or_default(),
            receipt_handle: message.receipt_handle.unwrap_or_default(),
            body: message.body.unwrap_or_default(),
            attributes: message.attributes.unwrap_or_default(),
            message_attributes: attributes.into_iter().map(|(name, value)| (name, value.into())).collect(),
            md5_of_message_attributes: message.md5_of_message_attributes,
            md5_of_body: message.md5_of_body.unwrap_or_default(),
            event_source: "aws:sqs",
            event_source_arn: mapping.source_arn.clone(),
            aws_region: mapping.region.clone(),
        }
    }

    /// Whether one of the patterns matches; a body that is JSON is looked into.
    pub fn passes(&self, patterns: &[Pattern]) -> bool {
        if patterns.is_empty() {
            return true;
        }
        let Ok(mut event) = serde_json::to_value(self) else { return false };
        if let Ok(body) = serde_json::from_str::<Value>(&self.body) {
            event["body"] = body;
        }
        patterns.iter().any(|pattern| pattern.matches(&event))
    }

    /// The trace header it was sent with.
    pub fn trace(&self) -> Option<&str> {
        self.attributes.get("AWSTraceHeader").map(String::as_str)
    }

    /// Its size as JSON, in bytes.
    pub fn bytes(&self) -> usize {
        serde_json::to_string(self).map_or(0, |text| text.len())
    }
}

/// The event that hands records to a function.
pub fn event(records: &[Record]) -> String {
    let text = serde_json::to_string(&BTreeMap::from([("Records", records)]));
    text.expect("records have only text keys, so that they always have a JSON form")
}

/// The ids of the records that a function says it could not handle; `None` if its answer makes no sense, which counts as
/// a failure of all. Developer guide, "Implementing partial batch responses".
pub fn failures(answer: &[u8], records: &[Record]) -> Option<HashSet<String>> {
    let answer: Value = serde_json::from_slice(answer).ok()?;
    let reported = match &answer {
        Value::Null => return Some(HashSet::new()),
        Value::Object(members) => members.get("batchItemFailures").unwrap_or(&Value::Null),
        Value::String(text) if text.is_empty() => return Some(HashSet::new()),
        _ => return None,
    };
    let reported = match reported {
        Value::Null => return Some(HashSet::new()),
        Value::Array(reported) => reported,
        _ => return None,
    };
    let known: HashSet<&str> = records.iter().map(|record| record.message_id.as_str()).collect();
    let id = |item: &Value| Some(item.get("itemIdentifier")?.as_str()?.to_owned());
    reported.iter().map(|item| id(item).filter(|id| known.contains(id.as_str()))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::State;
    use crate::testing::{ACCOUNT, REGION, id};

    fn record(message_id: &str, body: &str) -> Record {
        let mapping = Mapping {
            uuid: "u".to_owned(),
            account: ACCOUNT.to_owned(),
            region: REGION.to_owned(),
            function: id("f"),
            qualifier: None,
            source_arn: format!("arn:aws:sqs:{REGION}:{ACCOUNT}:q"),
            batch_size: 10,
            window_seconds: 0,
            filters: Vec::new(),
            reports_failures: true,
            maximum_concurrency: None,
            state: State::Enabled,
            is_enabled: true,
            last_modified: 0,
            revision: String::new(),
            stream: None,
            tags: BTreeMap::new(),
        };
        let message =
            Message { message_id: Some(message_id.to_owned()), body: Some(body.to_owned()), ..Message::default() };
        Record::new(&mapping, message)
    }

    #[test]
    fn answers_that_make_no_sense_fail_the_whole_batch() {
        let records = [record("a", "1"), record("b", "2")];
        let failed = |answer: &str| failures(answer.as_bytes(), &records).map(|ids| ids.len());
        for fine in ["null", "{}", r#"{"batchItemFailures":null}"#, r#"{"batchItemFailures":[]}"#, r#""""#] {
            assert_eq!(failed(fine), Some(0), "{fine}");
        }
        assert_eq!(failed(r#"{"batchItemFailures":[{"itemIdentifier":"b"}]}"#), Some(1));
        for broken in [
            "7",
            "no JSON",
            r#"{"batchItemFailures":[{"itemIdentifier":"c"}]}"#,
            r#"{"batchItemFailures":[{"itemIdentifier":""}]}"#,
            r#"{"batchItemFailures":[{"other":"a"}]}"#,
        ] {
            assert_eq!(failed(broken), None, "{broken}");
        }
    }

    #[test]
    fn filters_look_into_bodies_that_are_json() {
        let patterns = [Pattern::parse(r#"{"body":{"kind":["a"]}}"#).unwrap()];
        assert!(record("a", r#"{"kind":"a"}"#).passes(&patterns));
        assert!(!record("a", r#"{"kind":"b"}"#).passes(&patterns) && !record("a", "text").passes(&patterns));
        assert!(record("a", "text").passes(&[]));
    }
}
