//! Executions, their operations and their history, as they are stored.

use std::fmt;

use api::lambda::ErrorObject;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::FunctionId;

/// Which execution.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ExecutionId {
    /// Its function.
    pub function: FunctionId,
    /// Its id, unique within the function.
    pub id: String,
}

/// An execution.
#[derive(Clone, Serialize, Deserialize)]
pub struct Execution {
    /// Which one.
    pub id: ExecutionId,
    /// Its name.
    pub name: String,
    /// The version that runs it: it is pinned to that.
    pub version: String,
    /// ARN it was invoked under.
    pub invoked_arn: String,
    /// What it was begun with: JSON.
    pub input: String,
    /// The trace header it was begun with.
    pub trace: Option<String>,
    /// Where it stands.
    pub status: Status,
    /// What it has answered: JSON.
    pub result: Option<String>,
    /// Why it has failed.
    pub error: Option<Failure>,
    /// Milliseconds since 1970.
    pub started_at: i64,
    /// Milliseconds since 1970.
    pub ended_at: Option<i64>,
    /// Longest time it may take, in seconds.
    pub timeout_seconds: u32,
    /// How long it is kept after its end, in days.
    pub retention_days: u32,
    /// The checkpoint that the running invocation may make next.
    pub token: u64,
    /// The client's own token of the last checkpoint.
    pub client_token: Option<String>,
    /// Something has come that the function has not seen: it is to be invoked.
    pub is_ready: bool,
    /// Operations that have changed since the last invocation began, by id.
    pub updated: Vec<String>,
    /// Invocations in a row that have failed.
    pub failures: u32,
    /// Operations begun so far.
    pub operations: u64,
    /// Events of its history so far.
    pub events: u64,
}

/// Where an execution stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    /// It runs, or waits.
    Running,
    /// It has answered.
    Succeeded,
    /// It has failed.
    Failed,
    /// It took too long.
    TimedOut,
    /// Somebody has stopped it.
    Stopped,
}

impl Status {
    /// As AWS spells it.
    pub fn name(self) -> &'static str {
        match self {
            Status::Running => "RUNNING",
            Status::Succeeded => "SUCCEEDED",
            Status::Failed => "FAILED",
            Status::TimedOut => "TIMED_OUT",
            Status::Stopped => "STOPPED",
        }
    }
}

/// Why something has failed.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What happened.
    pub message: Option<String>,
    /// What kind of failure.
    pub kind: Option<String>,
    /// What the function adds.
    pub data: Option<String>,
    /// Where.
    pub stack: Option<Vec<String>>,
}

impl Failure {
    /// Of a kind that the platform words.
    pub fn new(kind: &str, message: &str) -> Failure {
        Failure { kind: Some(kind.to_owned()), message: Some(message.to_owned()), ..Failure::default() }
    }
}

impl From<ErrorObject> for Failure {
    fn from(error: ErrorObject) -> Failure {
        Failure {
            message: error.error_message,
            kind: error.error_type,
            data: error.error_data,
            stack: error.stack_trace,
        }
    }
}

impl From<Failure> for ErrorObject {
    fn from(failure: Failure) -> ErrorObject {
        ErrorObject {
            error_message: failure.message,
            error_type: failure.kind,
            error_data: failure.data,
            stack_trace: failure.stack,
        }
    }
}

/// An operation: a step, a wait, a callback, a context, or a call of another function.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Operation {
    /// Its place among the execution's operations.
    pub number: u64,
    /// Its id, which the function gives it.
    pub id: String,
    /// The context it belongs to.
    pub parent: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// For example `STEP`.
    pub kind: String,
    /// For example `WaitForCondition`.
    pub sub_kind: Option<String>,
    /// For example `STARTED`.
    pub status: String,
    /// Milliseconds since 1970.
    pub started_at: i64,
    /// Milliseconds since 1970.
    pub ended_at: Option<i64>,
    /// What came of it.
    pub result: Option<String>,
    /// Why it has failed.
    pub error: Option<Failure>,
    /// Attempts of a step that have failed.
    pub attempt: u32,
    /// When a wait ends, or the next attempt is due, in milliseconds since 1970.
    pub due_at: Option<i64>,
    /// How long a wait takes, in seconds.
    pub wait_seconds: u32,
    /// What the callback is named by.
    pub callback: Option<String>,
    /// Longest silence of whoever is to call back, in seconds; 0 for none.
    pub heartbeat_seconds: u32,
    /// Whether what is in a context is to be run again.
    pub replays_children: Option<bool>,
}

impl Operation {
    /// Whether it has come to its end.
    pub fn has_ended(&self) -> bool {
        self.ended_at.is_some()
    }
}

/// An event of an execution's history.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct HistoryEvent {
    /// Its number, from 1.
    pub number: u64,
    /// For example `StepStarted`.
    pub kind: String,
    /// Milliseconds since 1970.
    pub at: i64,
    /// The operation it is about.
    pub id: Option<String>,
    /// That operation's name.
    pub name: Option<String>,
    /// The context it belongs to.
    pub parent: Option<String>,
    /// The operation's sub-type.
    pub sub_kind: Option<String>,
    /// What went in or came out.
    pub payload: Option<String>,
    /// What went wrong.
    pub error: Option<Failure>,
    /// The attempt of a step, from 1.
    pub attempt: Option<u32>,
    /// How long something takes or waits, in seconds.
    pub seconds: Option<u32>,
    /// When it is due, in milliseconds since 1970.
    pub due_at: Option<i64>,
    /// The callback's id, the request's, or the name of the function called.
    pub text: Option<String>,
    /// Longest silence, in seconds.
    pub heartbeat_seconds: Option<u32>,
    /// When the invocation began, in milliseconds since 1970.
    pub began_at: Option<i64>,
}

impl ExecutionId {
    /// The ARN of the execution of this version and name.
    pub fn arn(&self, version: &str, name: &str) -> String {
        format!("{}/durable-execution/{name}/{}", self.function.qualified_arn(version), self.id)
    }

    /// The execution with this ARN.
    pub fn of_arn(arn: &str) -> Option<ExecutionId> {
        let (function, rest) = arn.split_once("/durable-execution/")?;
        let (_, id) = rest.split_once('/')?;
        let (function, _) = crate::names::parts_of_arn(function)?;
        Some(ExecutionId { function, id: id.to_owned() })
    }
}

impl Execution {
    /// Its ARN.
    pub fn arn(&self) -> String {
        self.id.arn(&self.version, &self.name)
    }

    /// What a caller that has waited for its end is told, and whether that is an error document.
    pub fn answer(&self) -> (Bytes, bool) {
        if self.status == Status::Succeeded {
            let result = self.result.clone().filter(|result| !result.is_empty());
            return (result.unwrap_or_else(|| "null".to_owned()).into(), false);
        }
        let failure = self.error.clone().unwrap_or_default();
        let mut document = json!({ "errorType": failure.kind, "errorMessage": failure.message });
        if let Some(stack) = failure.stack {
            document["stackTrace"] = json!(stack);
        }
        (document.to_string().into(), true)
    }

    /// Whether it has come to its end.
    pub fn has_ended(&self) -> bool {
        self.status != Status::Running
    }
}

// What passes through executions belongs to their functions: no log shows it.
impl fmt::Debug for Execution {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Execution").field("id", &self.id).field("status", &self.status).finish_non_exhaustive()
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Failure").field("kind", &self.kind).finish_non_exhaustive()
    }
}

impl fmt::Debug for Operation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("Operation");
        shown.field("id", &self.id).field("kind", &self.kind).field("status", &self.status).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::id;

    #[test]
    fn an_execution_is_named_by_its_arn() {
        let execution = ExecutionId { function: id("f"), id: "0a1b".to_owned() };
        let arn = execution.arn("3", "order-7");
        assert_eq!(arn, format!("{}:3/durable-execution/order-7/0a1b", id("f").arn()));
        assert_eq!(ExecutionId::of_arn(&arn), Some(execution));
        assert_eq!(ExecutionId::of_arn(&id("f").arn()), None);
    }
}
