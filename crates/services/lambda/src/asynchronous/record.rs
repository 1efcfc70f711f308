//! The records that destinations get, and what goes along with dead letters.

use serde_json::{Value, json};
use wire::Timestamp;

use super::Event;
use crate::destination::{Attribute, Object, Parcel};

/// Longest `ErrorMessage` of a dead letter, in bytes. Developer guide, "Adding a dead-letter queue": the first 1 KB.
const ERROR_MESSAGE_BYTES_MAX: usize = 1_024;

/// How an event ended.
#[derive(Debug, Clone)]
pub struct Ending<'a> {
    /// `Success`, `RetriesExhausted`, `EventAgeExceeded` or `ZeroReservedConcurrency`.
    pub condition: &'static str,
    /// How often the function ran.
    pub runs: u32,
    /// The function's last answer, if it ran.
    pub answer: Option<Answer<'a>>,
}

/// A function's answer.
#[derive(Debug, Clone)]
pub struct Answer<'a> {
    /// The version that ran.
    pub version: String,
    /// Whether it failed.
    pub failed: bool,
    /// What it answered.
    pub payload: &'a [u8],
}

/// The record for a destination.
pub fn record(event: &Event, ending: &Ending<'_>, now: Timestamp) -> Parcel {
    let mut time = String::new();
    now.write_iso8601_milliseconds(&mut time);
    let function_arn = event.function.qualified_arn(event.qualifier.as_deref().unwrap_or("$LATEST"));
    let context = json!({
        "requestId": event.request_id,
        "functionArn": function_arn,
        "condition": ending.condition,
        "approximateInvokeCount": ending.runs,
    });
    let mut text = format!(
        r#"{{"version":"1.0","timestamp":"{time}","requestContext":{context},"requestPayload":{}"#,
        event.payload
    );
    if let Some(answer) = &ending.answer {
        let mut context = json!({ "statusCode": 200, "executedVersion": answer.version });
        if answer.failed {
            context["functionError"] = json!("Unhandled");
        }
        text.push_str(&format!(r#","responseContext":{context},"responsePayload":{}"#, as_json(answer.payload)));
    }
    text.push('}');
    let detail_type = if ending.condition == "Success" {
        "Lambda Function Invocation Result - Success"
    } else {
        "Lambda Function Invocation Result - Failure"
    };
    let object = Object { folder: format!("aws/lambda/async/{}", event.function.name), text: None };
    let trace = event.trace_id.clone();
    Parcel { text, attributes: Vec::new(), detail_type, function_arn, object, trace }
}

/// The dead letter: the event itself.
pub fn dead_letter(event: &Event, ending: &Ending<'_>) -> Parcel {
    let answer = ending.answer.as_ref();
    let document = answer.and_then(|answer| serde_json::from_slice::<Value>(answer.payload).ok());
    let message = document.as_ref().and_then(|document| document.get("errorMessage")).and_then(Value::as_str);
    let message = message.unwrap_or(ending.condition);
    let code = if answer.is_some() { "200" } else { "429" };
    let attributes = vec![
        Attribute { name: "RequestID", data_type: "String", value: event.request_id.clone() },
        Attribute { name: "ErrorCode", data_type: "Number", value: code.to_owned() },
        Attribute { name: "ErrorMessage", data_type: "String", value: beginning(message).to_owned() },
    ];
    let function_arn = event.function.arn();
    let (text, trace) = (event.payload.clone(), event.trace_id.clone());
    Parcel { text, attributes, detail_type: "", function_arn, object: Object::default(), trace }
}

fn beginning(text: &str) -> &str {
    let mut end = text.len().min(ERROR_MESSAGE_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// A payload inside a JSON document: itself if it is JSON, else as a text.
pub fn as_json(payload: &[u8]) -> String {
    match serde_json::from_slice::<&serde_json::value::RawValue>(payload) {
        Ok(raw) => raw.get().to_owned(),
        Err(_) => json!(String::from_utf8_lossy(payload)).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::id;

    fn event() -> Event {
        Event {
            function: id("f"),
            qualifier: None,
            request_id: "r-1".to_owned(),
            payload: r#"{"a": 1}"#.to_owned(),
            client_context: None,
            trace_id: None,
            accepted_at: 0,
        }
    }

    #[test]
    fn a_record_tells_what_was_asked_and_answered() {
        let payload = br#"{"errorMessage":"no"}"#;
        let answer = Answer { version: "$LATEST".to_owned(), failed: true, payload };
        let ending = Ending { condition: "RetriesExhausted", runs: 3, answer: Some(answer) };
        let parcel = record(&event(), &ending, Timestamp::from_milliseconds(1_704_067_200_007));
        let document: Value = serde_json::from_str(&parcel.text).unwrap();
        let expected = json!({
            "version": "1.0",
            "timestamp": "2024-01-01T00:00:00.007Z",
            "requestContext": {
                "requestId": "r-1",
                "functionArn": format!("{}:$LATEST", id("f").arn()),
                "condition": "RetriesExhausted",
                "approximateInvokeCount": 3,
            },
            "requestPayload": {"a": 1},
            "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
            "responsePayload": {"errorMessage": "no"},
        });
        assert_eq!(document, expected);
        let letter = dead_letter(&event(), &ending);
        assert_eq!((letter.text.as_str(), letter.attributes[2].value.as_str()), (r#"{"a": 1}"#, "no"));
    }

    #[test]
    fn what_is_no_json_becomes_a_text() {
        assert_eq!(as_json(b"plain"), r#""plain""#);
        assert_eq!(beginning(&"é".repeat(600)).len(), 1_024);
    }
}
