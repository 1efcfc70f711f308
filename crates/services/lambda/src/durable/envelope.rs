//! What the function of an execution gets, and how its answer is read.

use serde_json::{Map, Value, json};

use super::limits::EVENT_OPERATIONS_BYTES_MAX;
use super::record::{Execution, Failure, Operation};

/// The token of a checkpoint, as functions see it.
pub fn token(execution: &Execution) -> String {
    token_text(&execution.id.id, execution.token)
}

/// The same, of a number.
pub fn token_text(id: &str, number: u64) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(format!("{id}:{number}"))
}

/// The number in a token of this execution.
pub fn read_token(id: &str, token: &str) -> Option<u64> {
    use base64::Engine;
    let bytes = base64::engine::general_purpose::STANDARD.decode(token).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    text.strip_prefix(id)?.strip_prefix(':')?.parse().ok()
}

/// The event: what the execution was begun with and all its operations so far, the first ones if they are too large.
pub fn event(execution: &Execution, operations: &[Operation], updated: &[String]) -> String {
    let mut shown = vec![first(execution)];
    let mut bytes = execution.input.len();
    let mut next = String::new();
    for operation in operations {
        let operation_json = json_of(operation);
        bytes += operation_json.to_string().len();
        if bytes > EVENT_OPERATIONS_BYTES_MAX {
            next = operation.number.to_string();
            break;
        }
        shown.push(operation_json);
    }
    json!({
        "DurableExecutionArn": execution.arn(),
        "CheckpointToken": token(execution),
        "InitialExecutionState": { "Operations": shown, "NextMarker": next },
        "UpdatedOperationIds": updated,
    })
    .to_string()
}

/// The execution itself, which stands before its operations.
fn first(execution: &Execution) -> Value {
    json!({
        "Id": execution.id.id,
        "Name": execution.name,
        "Type": "EXECUTION",
        "Status": "STARTED",
        "StartTimestamp": execution.started_at,
        "ExecutionDetails": { "InputPayload": execution.input },
    })
}

/// An operation in the form of events: times are milliseconds since 1970, and what is not there is left out.
fn json_of(operation: &Operation) -> Value {
    let error = operation.error.as_ref().map(error_json);
    let mut members = Map::new();
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            members.insert(name.to_owned(), value);
        }
    };
    put("Id", Some(json!(operation.id)));
    put("ParentId", operation.parent.as_ref().map(|parent| json!(parent)));
    put("Name", operation.name.as_ref().map(|name| json!(name)));
    put("Type", Some(json!(operation.kind)));
    put("SubType", operation.sub_kind.as_ref().map(|kind| json!(kind)));
    put("Status", Some(json!(operation.status)));
    put("StartTimestamp", Some(json!(operation.started_at)));
    put("EndTimestamp", operation.ended_at.map(|at| json!(at)));
    let outcome = [("Result", operation.result.as_ref().map(|result| json!(result))), ("Error", error)];
    let details = match operation.kind.as_str() {
        "STEP" => Some((
            "StepDetails",
            vec![
                ("Attempt", Some(json!(operation.attempt))),
                ("NextAttemptTimestamp", operation.due_at.map(|at| json!(at))),
            ],
        )),
        "CONTEXT" => Some(("ContextDetails", vec![("ReplayChildren", operation.replays_children.map(|is| json!(is)))])),
        "CALLBACK" => Some(("CallbackDetails", vec![("CallbackId", operation.callback.as_ref().map(|id| json!(id)))])),
        "CHAINED_INVOKE" => Some(("ChainedInvokeDetails", Vec::new())),
        _ => None,
    };
    if let Some((name, details)) = details {
        let present = details.into_iter().chain(outcome).filter_map(|(name, value)| Some((name.to_owned(), value?)));
        put(name, Some(Value::Object(present.collect())));
    }
    if operation.kind == "WAIT" {
        put("WaitDetails", operation.due_at.map(|at| json!({ "ScheduledEndTimestamp": at })));
    }
    Value::Object(members)
}

fn error_json(failure: &Failure) -> Value {
    let members = [
        ("ErrorMessage", failure.message.as_ref().map(|text| json!(text))),
        ("ErrorType", failure.kind.as_ref().map(|text| json!(text))),
        ("ErrorData", failure.data.as_ref().map(|text| json!(text))),
        ("StackTrace", failure.stack.as_ref().map(|lines| json!(lines))),
    ];
    Value::Object(members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect())
}

/// What a function has answered.
pub enum Answer {
    /// It is done.
    Succeeded(Option<String>),
    /// It has failed for good.
    Failed(Failure),
    /// It waits for something.
    Pending,
    /// It has answered something else.
    Senseless,
}

/// Reads an answer.
pub fn answer(payload: &[u8]) -> Answer {
    let Ok(document) = serde_json::from_slice::<Value>(payload) else { return Answer::Senseless };
    let text = |name: &str| document.get(name).and_then(Value::as_str).map(str::to_owned);
    match document.get("Status").and_then(Value::as_str) {
        Some("SUCCEEDED") => Answer::Succeeded(text("Result")),
        Some("FAILED") => Answer::Failed(document.get("Error").map(failure).unwrap_or_default()),
        Some("PENDING") => Answer::Pending,
        _ => Answer::Senseless,
    }
}

/// An error in the form of events, or in that of the Runtime API.
pub fn failure(document: &Value) -> Failure {
    let text =
        |names: [&str; 2]| names.iter().find_map(|name| document.get(name).and_then(Value::as_str)).map(str::to_owned);
    let stack = document.get("StackTrace").or_else(|| document.get("stackTrace")).and_then(Value::as_array);
    Failure {
        message: text(["ErrorMessage", "errorMessage"]),
        kind: text(["ErrorType", "errorType"]),
        data: text(["ErrorData", "errorData"]),
        stack: stack.map(|lines| lines.iter().filter_map(Value::as_str).map(str::to_owned).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_belongs_to_its_execution() {
        let token = token_text("0a1b", 7);
        assert_eq!(read_token("0a1b", &token), Some(7));
        assert_eq!(read_token("0a1c", &token), None);
        assert_eq!(read_token("0a1b", "nonsense"), None);
    }

    #[test]
    fn answers_are_told_by_their_status() {
        assert!(matches!(answer(br#"{"Status":"PENDING"}"#), Answer::Pending));
        assert!(
            matches!(answer(br#"{"Status":"SUCCEEDED","Result":"1"}"#), Answer::Succeeded(Some(one)) if one == "1")
        );
        let failed = answer(br#"{"Status":"FAILED","Error":{"ErrorMessage":"no","ErrorType":"E"}}"#);
        assert!(matches!(failed, Answer::Failed(failure) if failure == Failure::new("E", "no")));
        assert!(matches!(answer(b"7"), Answer::Senseless) && matches!(answer(b"{"), Answer::Senseless));
    }

    #[test]
    fn operations_leave_out_what_is_not_there() {
        let wait = Operation {
            id: "a".into(),
            kind: "WAIT".into(),
            status: "STARTED".into(),
            due_at: Some(9),
            ..Default::default()
        };
        let expected = json!({
            "Id": "a", "Type": "WAIT", "Status": "STARTED", "StartTimestamp": 0, "WaitDetails": {"ScheduledEndTimestamp": 9},
        });
        assert_eq!(json_of(&wait), expected);
        let step = Operation {
            id: "b".into(),
            kind: "STEP".into(),
            status: "SUCCEEDED".into(),
            result: Some("1".into()),
            ..Default::default()
        };
        assert_eq!(json_of(&step)["StepDetails"], json!({"Attempt": 0, "Result": "1"}));
    }
}
