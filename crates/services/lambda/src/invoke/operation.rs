//! The `Invoke` operation: what a caller may ask for and what it is told.

use std::sync::Arc;

use api::lambda::{InvocationRequest, InvocationResponse, InvokeAsyncRequest, InvokeAsyncResponse, errors};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::StreamExt;
use platform::Ctx;
use serde_json::value::RawValue;
use wire::error::common;
use wire::{Body, Error};

use super::limits::{CLIENT_CONTEXT_BYTES_MAX, EVENT_BYTES_MAX, PAYLOAD_BYTES_MAX};
use super::run::Request;
use crate::asynchronous::Event;
use crate::function::{FunctionVersion, State};
use crate::names::Target;
use crate::{Lambda, durable, errors as failures, functions, names};

/// Status of an answered invocation and of a dry run.
const OK: i32 = 200;
const NO_CONTENT: i32 = 204;
/// Status of an event that was accepted.
const ACCEPTED: i32 = 202;

/// Runs a function and answers what it answers.
pub async fn invoke(lambda: &Arc<Lambda>, cx: &Ctx, input: InvocationRequest) -> Result<InvocationResponse, Error> {
    refuse_unsupported(&input)?;
    let target = names::target(cx, &input.function_name, input.qualifier.as_deref())?;
    let version = functions::resolve(lambda, &target.function, target.qualifier.as_deref()).await?;
    let kind = input.invocation_type.as_deref().unwrap_or("RequestResponse");
    let payload = event(input.payload, kind)?;
    let client_context = input.client_context.as_deref().map(client_context).transpose()?;
    require_active(&version)?;
    if kind == "DryRun" {
        return Ok(InvocationResponse { status_code: Some(NO_CONTENT), ..Default::default() });
    }
    if version.configuration.durable.is_some() {
        let name = input.durable_execution_name;
        return invoke_durably(lambda, cx, target, version, Begin { name, payload, kind }).await;
    }
    if input.durable_execution_name.is_some() {
        return Err(failures::invalid_parameter("DurableExecutionName is only for functions with a DurableConfig."));
    }
    if kind == "Event" {
        accept(lambda, cx, target, payload, client_context).await?;
        return Ok(InvocationResponse { status_code: Some(ACCEPTED), ..Default::default() });
    }
    let invoked_arn = target.arn();
    let executed_version = version.version.to_string();
    let request = Request {
        request_id: cx.request_id.clone(),
        payload,
        invoked_arn,
        client_context,
        trace_id: cx.trace_header.clone(),
        tail: input.log_type.as_deref() == Some("Tail"),
    };
    let outcome = lambda.invoker.run(&lambda.packages, version, request).await?;
    Ok(InvocationResponse {
        status_code: Some(OK),
        function_error: outcome.failed.then(|| "Unhandled".to_owned()),
        log_result: outcome.tail.map(|tail| STANDARD.encode(tail)),
        payload: Some(outcome.payload),
        executed_version: Some(executed_version),
        durable_execution_arn: None,
    })
}

/// What begins a durable execution.
struct Begin<'a> {
    name: Option<String>,
    payload: Bytes,
    kind: &'a str,
}

/// Begins a durable execution, and waits for its end unless it was to be begun only.
async fn invoke_durably(
    lambda: &Arc<Lambda>,
    cx: &Ctx,
    target: Target,
    version: Arc<FunctionVersion>,
    begin: Begin<'_>,
) -> Result<InvocationResponse, Error> {
    if target.qualifier.is_none() {
        return Err(failures::invalid_parameter("You cannot invoke a durable function using an unqualified ARN."));
    }
    let is_event = begin.kind == "Event";
    let timeout = version.configuration.durable.as_ref().map_or(0, |durable| durable.timeout_seconds);
    if !is_event && timeout > durable::SYNCHRONOUS_SECONDS_MAX {
        return Err(failures::invalid_parameter(
            "You cannot synchronously invoke a durable function with an executionTimeout greater than 15 minutes.",
        ));
    }
    let executed_version = version.version.to_string();
    let input = String::from_utf8(begin.payload.into());
    let start = durable::Start {
        name: begin.name,
        version,
        invoked_arn: target.arn(),
        input: input.map_err(|_| invalid_content("Could not parse request body into json".to_owned()))?,
        trace: cx.trace_header.clone(),
    };
    let execution = durable::start(lambda, start).await?;
    let durable_execution_arn = Some(execution.arn());
    if is_event {
        return Ok(InvocationResponse { status_code: Some(ACCEPTED), durable_execution_arn, ..Default::default() });
    }
    let (payload, failed) = durable::result_of(lambda, &execution.id).await?.answer();
    Ok(InvocationResponse {
        status_code: Some(OK),
        function_error: failed.then(|| "Unhandled".to_owned()),
        payload: Some(payload),
        executed_version: Some(executed_version),
        durable_execution_arn,
        ..Default::default()
    })
}

/// Accepts an event for later: the older form of `Invoke` with the type `Event`.
pub async fn invoke_async(lambda: &Lambda, cx: &Ctx, input: InvokeAsyncRequest) -> Result<InvokeAsyncResponse, Error> {
    let id = names::whole_function(cx, &input.function_name)?;
    let version = functions::resolve(lambda, &id, None).await?;
    let payload = event(Some(collect(input.invoke_args).await?), "Event")?;
    require_active(&version)?;
    accept(lambda, cx, Target { function: id, qualifier: None }, payload, None).await?;
    Ok(InvokeAsyncResponse { status: Some(ACCEPTED) })
}

/// A body in one piece, up to a little more than an event may have.
async fn collect(body: Body) -> Result<Bytes, Error> {
    let mut stream = match body {
        Body::Empty => return Ok(Bytes::new()),
        Body::Bytes(bytes) => return Ok(bytes),
        Body::Stream { stream, .. } => stream,
    };
    let mut all = Vec::new();
    while let Some(piece) = stream.next().await {
        let piece = piece.map_err(|error| invalid_content(format!("Could not read the request body: {error}")))?;
        all.extend_from_slice(&piece);
        if all.len() > EVENT_BYTES_MAX {
            break;
        }
    }
    Ok(all.into())
}

async fn accept(
    lambda: &Lambda,
    cx: &Ctx,
    target: Target,
    payload: Bytes,
    client_context: Option<String>,
) -> Result<(), Error> {
    let payload = String::from_utf8(payload.into());
    let event = Event {
        function: target.function,
        qualifier: target.qualifier,
        request_id: cx.request_id.clone(),
        payload: payload.map_err(|_| invalid_content("Could not parse request body into json".to_owned()))?,
        client_context,
        trace_id: cx.trace_header.clone(),
        accepted_at: lambda.platform.clock.milliseconds(),
    };
    lambda.events.accept(event).await
}

/// What cannot be done here is refused rather than ignored.
fn refuse_unsupported(input: &InvocationRequest) -> Result<(), Error> {
    let refused = if input.tenant_id.is_some() {
        "TenantId"
    } else {
        return Ok(());
    };
    let text = format!("Traca does not support {refused} of the Invoke operation of Lambda yet.");
    Err(Error::new(&common::NOT_IMPLEMENTED, text))
}

/// The event, which must be JSON; an empty one counts as `{}`.
pub(super) fn event(payload: Option<Bytes>, kind: &str) -> Result<Bytes, Error> {
    let payload = payload.unwrap_or_default();
    let bytes_max = if kind == "Event" { EVENT_BYTES_MAX } else { PAYLOAD_BYTES_MAX };
    if payload.len() > bytes_max {
        let text = format!(
            "{} byte payload is too large for the {kind} invocation type (limit {bytes_max} bytes)",
            payload.len()
        );
        return Err(errors::request_too_large_exception(text).with("Type", "User".into()));
    }
    if payload.is_empty() {
        return Ok(Bytes::from_static(b"{}"));
    }
    let json: Result<&RawValue, _> = serde_json::from_slice(&payload);
    match json {
        Ok(_) => Ok(payload),
        Err(error) => Err(invalid_content(format!(
            "Could not parse request body into json: Could not parse payload into json: {error}"
        ))),
    }
}

/// The JSON document in a client context.
pub(super) fn client_context(encoded: &str) -> Result<String, Error> {
    if encoded.len() > CLIENT_CONTEXT_BYTES_MAX {
        return Err(invalid_content(format!(
            "Client context must be no more than {CLIENT_CONTEXT_BYTES_MAX} bytes when base64-encoded."
        )));
    }
    let bytes = STANDARD.decode(encoded).ok();
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    // A header of the Runtime API carries it on, so line ends are taken out.
    let document = text.and_then(|text| serde_json::from_str::<serde_json::Value>(&text).ok());
    document
        .filter(serde_json::Value::is_object)
        .map(|document| document.to_string())
        .ok_or_else(|| invalid_content("Client context must be a valid Base64-encoded JSON object.".to_owned()))
}

fn invalid_content(text: String) -> Error {
    errors::invalid_request_content_exception(text).with("Type", "User".into())
}

/// A function can be invoked once it is active, and while an update is under way.
pub fn require_active(version: &FunctionVersion) -> Result<(), Error> {
    match &version.state {
        State::Active => Ok(()),
        State::Pending => Err(failures::conflict(
            "The operation cannot be performed at this time. The function is currently in the following state: Pending",
        )),
        State::Failed(failure) => Err(failures::conflict(format!(
            "The operation cannot be performed at this time. The function is currently in the following state: \
             Failed. Reason: {}",
            failure.reason
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_json_and_empty_ones_are_objects() {
        assert_eq!(event(None, "RequestResponse").expect("empty"), "{}");
        assert_eq!(event(Some("[1, 2]".into()), "RequestResponse").expect("JSON"), "[1, 2]");
        for bad in ["{", "{} {}", "nonsense", "{\"a\":\"\u{1}\"}"] {
            let error = event(Some(bad.into()), "RequestResponse").expect_err(bad);
            assert!(error.is("InvalidRequestContentException"), "{bad}");
        }
        let error = event(Some(Bytes::from_static(b"\"\x87\"")), "RequestResponse").expect_err("not UTF-8");
        assert!(error.to_string().contains("Could not parse request body into json"));
    }

    #[test]
    fn large_events_are_refused_with_their_size() {
        let payload = Bytes::from(vec![b' '; PAYLOAD_BYTES_MAX + 1]);
        let error = event(Some(payload), "RequestResponse").expect_err("too large");
        assert_eq!(
            error.message.as_deref(),
            Some("6291457 byte payload is too large for the RequestResponse invocation type (limit 6291456 bytes)")
        );
    }

    #[test]
    fn a_client_context_is_base64_of_a_json_object() {
        let encoded = STANDARD.encode("{\"custom\":\n{\"k\":\"v\"}}");
        assert_eq!(client_context(&encoded).expect("valid"), r#"{"custom":{"k":"v"}}"#);
        for bad in ["%%%".to_owned(), STANDARD.encode("[]"), STANDARD.encode("{"), "A".repeat(3_584)] {
            assert!(client_context(&bad).is_err(), "{bad}");
        }
    }
}
