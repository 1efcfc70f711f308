//! Executions, operations and events as the API describes them.

use api::lambda::{self as model, GetDurableExecutionResponse, TraceHeader};
use wire::Timestamp;

use super::record::{Execution, Failure, HistoryEvent, Operation};

fn time(milliseconds: i64) -> Timestamp {
    Timestamp::from_milliseconds(milliseconds)
}

/// An execution in a list.
pub fn describe_summary(execution: &Execution) -> model::Execution {
    model::Execution {
        durable_execution_arn: execution.arn(),
        durable_execution_name: execution.name.clone(),
        function_arn: execution.id.function.qualified_arn(&execution.version),
        status: execution.status.name().to_owned(),
        start_timestamp: time(execution.started_at),
        end_timestamp: execution.ended_at.map(time),
        ..model::Execution::default()
    }
}

/// An execution by itself, with what went in and came out unless that is not wanted.
pub fn describe_whole(execution: &Execution, has_data: bool) -> GetDurableExecutionResponse {
    GetDurableExecutionResponse {
        durable_execution_arn: execution.arn(),
        durable_execution_name: execution.name.clone(),
        function_arn: execution.id.function.qualified_arn(&execution.version),
        input_payload: Some(execution.input.clone()).filter(|_| has_data),
        result: execution.result.clone().filter(|_| has_data),
        error: execution.error.clone().map(Into::into),
        start_timestamp: time(execution.started_at),
        status: execution.status.name().to_owned(),
        end_timestamp: execution.ended_at.map(time),
        version: Some(execution.version.clone()),
        trace_header: execution.trace.clone().map(|header| TraceHeader { x_amzn_trace_id: Some(header) }),
        ..GetDurableExecutionResponse::default()
    }
}

/// An operation.
pub fn describe_operation(operation: &Operation) -> model::Operation {
    let mut described = model::Operation {
        id: operation.id.clone(),
        parent_id: operation.parent.clone(),
        name: operation.name.clone(),
        r#type: operation.kind.clone(),
        sub_type: operation.sub_kind.clone(),
        start_timestamp: time(operation.started_at),
        end_timestamp: operation.ended_at.map(time),
        status: operation.status.clone(),
        ..model::Operation::default()
    };
    let (result, error) = (operation.result.clone(), operation.error.clone().map(Into::into));
    match operation.kind.as_str() {
        "STEP" => {
            described.step_details = Some(model::StepDetails {
                attempt: Some(operation.attempt as i32),
                next_attempt_timestamp: operation.due_at.map(time),
                result,
                error,
            });
        }
        "WAIT" => {
            described.wait_details = Some(model::WaitDetails { scheduled_end_timestamp: operation.due_at.map(time) });
        }
        "CONTEXT" => {
            described.context_details =
                Some(model::ContextDetails { replay_children: operation.replays_children, result, error });
        }
        "CALLBACK" => {
            described.callback_details =
                Some(model::CallbackDetails { callback_id: operation.callback.clone(), result, error });
        }
        "CHAINED_INVOKE" => {
            described.chained_invoke_details = Some(model::ChainedInvokeDetails { result, error });
        }
        _ => {}
    }
    described
}

/// An event, with what went in and came out unless that is not wanted.
pub fn describe_event(event: &HistoryEvent, has_data: bool) -> model::Event {
    let mut described = model::Event {
        event_type: Some(event.kind.clone()),
        sub_type: event.sub_kind.clone(),
        event_id: Some(event.number as i32),
        id: event.id.clone(),
        name: event.name.clone(),
        event_timestamp: Some(time(event.at)),
        parent_id: event.parent.clone(),
        ..model::Event::default()
    };
    let details = Details { event, has_data };
    match event.kind.as_str() {
        kind if kind.starts_with("Execution") => details.of_execution(&mut described),
        kind if kind.starts_with("Step") || kind.starts_with("Context") => details.of_step(&mut described),
        kind if kind.starts_with("Callback") => details.of_callback(&mut described),
        kind if kind.starts_with("ChainedInvoke") => details.of_call(&mut described),
        _ => details.of_others(&mut described),
    }
    described
}

struct Details<'a> {
    event: &'a HistoryEvent,
    has_data: bool,
}

impl Details<'_> {
    fn payload(&self) -> Option<String> {
        self.event.payload.clone().filter(|_| self.has_data)
    }

    fn input(&self) -> model::EventInput {
        model::EventInput { payload: self.payload(), truncated: Some(false) }
    }

    fn result(&self) -> model::EventResult {
        model::EventResult { payload: self.payload(), truncated: Some(false) }
    }

    fn error(&self) -> model::EventError {
        let failure: Option<Failure> = self.event.error.clone();
        model::EventError { payload: failure.map(Into::into), truncated: Some(false) }
    }

    fn seconds(&self) -> i32 {
        self.event.seconds.unwrap_or_default() as i32
    }

    fn of_execution(&self, described: &mut model::Event) {
        match self.event.kind.as_str() {
            "ExecutionStarted" => {
                described.execution_started_details =
                    Some(model::ExecutionStartedDetails { input: self.input(), execution_timeout: self.seconds() });
            }
            "ExecutionSucceeded" => {
                described.execution_succeeded_details =
                    Some(model::ExecutionSucceededDetails { result: self.result() });
            }
            "ExecutionTimedOut" => {
                described.execution_timed_out_details =
                    Some(model::ExecutionTimedOutDetails { error: Some(self.error()) });
            }
            "ExecutionStopped" => {
                described.execution_stopped_details = Some(model::ExecutionStoppedDetails { error: self.error() });
            }
            _ => {
                described.execution_failed_details = Some(model::ExecutionFailedDetails { error: self.error() });
            }
        }
    }

    fn of_step(&self, described: &mut model::Event) {
        let retry = model::RetryDetails {
            current_attempt: self.event.attempt.map(|attempt| attempt as i32),
            next_attempt_delay_seconds: self.event.seconds.map(|seconds| seconds as i32),
        };
        match self.event.kind.as_str() {
            "StepStarted" => described.step_started_details = Some(model::StepStartedDetails::default()),
            "StepSucceeded" => {
                described.step_succeeded_details =
                    Some(model::StepSucceededDetails { result: self.result(), retry_details: retry });
            }
            "StepFailed" => {
                described.step_failed_details =
                    Some(model::StepFailedDetails { error: self.error(), retry_details: retry });
            }
            "ContextStarted" => described.context_started_details = Some(model::ContextStartedDetails::default()),
            "ContextSucceeded" => {
                described.context_succeeded_details = Some(model::ContextSucceededDetails { result: self.result() });
            }
            _ => {
                described.context_failed_details = Some(model::ContextFailedDetails { error: self.error() });
            }
        }
    }

    fn of_callback(&self, described: &mut model::Event) {
        match self.event.kind.as_str() {
            "CallbackStarted" => {
                described.callback_started_details = Some(model::CallbackStartedDetails {
                    callback_id: self.event.text.clone().unwrap_or_default(),
                    heartbeat_timeout: self.event.heartbeat_seconds.map(|seconds| seconds as i32),
                    timeout: self.event.seconds.map(|seconds| seconds as i32),
                });
            }
            "CallbackSucceeded" => {
                described.callback_succeeded_details = Some(model::CallbackSucceededDetails { result: self.result() });
            }
            "CallbackFailed" => {
                described.callback_failed_details = Some(model::CallbackFailedDetails { error: self.error() });
            }
            _ => {
                described.callback_timed_out_details = Some(model::CallbackTimedOutDetails { error: self.error() });
            }
        }
    }

    fn of_call(&self, described: &mut model::Event) {
        match self.event.kind.as_str() {
            "ChainedInvokeStarted" => {
                described.chained_invoke_started_details = Some(model::ChainedInvokeStartedDetails {
                    function_name: self.event.text.clone().unwrap_or_default(),
                    input: Some(self.input()),
                    ..Default::default()
                });
            }
            "ChainedInvokeSucceeded" => {
                described.chained_invoke_succeeded_details =
                    Some(model::ChainedInvokeSucceededDetails { result: self.result() });
            }
            _ => {
                described.chained_invoke_failed_details =
                    Some(model::ChainedInvokeFailedDetails { error: self.error() });
            }
        }
    }

    fn of_others(&self, described: &mut model::Event) {
        match self.event.kind.as_str() {
            "WaitStarted" => {
                described.wait_started_details = Some(model::WaitStartedDetails {
                    duration: self.seconds(),
                    scheduled_end_timestamp: time(self.event.due_at.unwrap_or_default()),
                });
            }
            "WaitSucceeded" => {
                described.wait_succeeded_details = Some(model::WaitSucceededDetails { duration: Some(self.seconds()) });
            }
            "WaitCancelled" => described.wait_cancelled_details = Some(model::WaitCancelledDetails::default()),
            _ => {
                described.invocation_completed_details = Some(model::InvocationCompletedDetails {
                    start_timestamp: time(self.event.began_at.unwrap_or_default()),
                    end_timestamp: time(self.event.at),
                    request_id: self.event.text.clone().unwrap_or_default(),
                    error: self.event.error.is_some().then(|| self.error()),
                });
            }
        }
    }
}
