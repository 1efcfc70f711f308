//! `PutEvents` and `TestEventPattern`.

use std::sync::Arc;

use api::events::{
    PutEventsRequest, PutEventsRequestEntry, PutEventsResponse, PutEventsResultEntry, TestEventPatternRequest,
    TestEventPatternResponse,
};
use pattern::Pattern;
use platform::{Ctx, Principal};
use serde_json::{Map, Value, json};
use wire::Error;

use crate::deliver::PASSED_ON;
use crate::errors::{self, unsupported, validation};
use crate::event::{self, Audience, Event, seconds_text};
use crate::limits::ENTRIES_BYTES_MAX;
use crate::names::BusId;
use crate::service::Events;

/// Bytes that a time counts (user guide, "Calculating event entry size").
const TIME_BYTES: usize = 14;

/// Takes events; those without a mistake are stored together before the answer.
///
/// # Errors
/// `ValidationException`.
pub async fn put_events(service: &Arc<Events>, cx: &Ctx, input: PutEventsRequest) -> Result<PutEventsResponse, Error> {
    if let Ok(event) = PASSED_ON.try_with(Event::clone) {
        let id = event.document.get("id").and_then(Value::as_str).map(str::to_owned);
        service.transact(move |rows| event::put(rows, std::slice::from_ref(&event))).await?;
        let entry = PutEventsResultEntry { event_id: id, ..Default::default() };
        return Ok(PutEventsResponse { failed_entry_count: Some(0), entries: Some(vec![entry]) });
    }
    if input.endpoint_id.is_some() {
        return Err(unsupported("EndpointId"));
    }
    if input.entries.iter().map(size).sum::<usize>() > ENTRIES_BYTES_MAX {
        return Err(validation("Total size of the entries in the request is over the limit."));
    }
    let (mut events, mut entries, mut failed) = (Vec::new(), Vec::new(), 0);
    for entry in input.entries {
        match accepted(service, cx, entry) {
            Ok(event) => {
                let id = event.document.get("id").and_then(Value::as_str).map(str::to_owned);
                entries.push(PutEventsResultEntry { event_id: id, ..Default::default() });
                events.push(event);
            }
            Err((code, message)) => {
                failed += 1;
                let (error_code, error_message) = (Some(code.to_owned()), Some(message));
                entries.push(PutEventsResultEntry { error_code, error_message, ..Default::default() });
            }
        }
    }
    if !events.is_empty() {
        service.transact(move |rows| event::put(rows, &events)).await?;
    }
    Ok(PutEventsResponse { failed_entry_count: Some(failed), entries: Some(entries) })
}

fn size(entry: &PutEventsRequestEntry) -> usize {
    let length = |text: &Option<String>| text.as_ref().map_or(0, String::len);
    let resources = entry.resources.iter().flatten().map(String::len).sum::<usize>();
    let time = if entry.time.is_some() { TIME_BYTES } else { 0 };
    time + length(&entry.source) + length(&entry.detail_type) + length(&entry.detail) + resources
}

fn accepted(service: &Events, cx: &Ctx, entry: PutEventsRequestEntry) -> Result<Event, (&'static str, String)> {
    let given = |name: &str, text: Option<String>| {
        let missing = || format!("Parameter {name} is not valid. Reason: {name} is a required argument.");
        text.filter(|text| !text.is_empty()).ok_or_else(|| ("InvalidArgument", missing()))
    };
    let source = given("Source", entry.source)?;
    let detail_type = given("DetailType", entry.detail_type)?;
    let detail = given("Detail", entry.detail)?;
    if source.starts_with("aws.") && !matches!(cx.principal, Principal::Service { .. }) {
        return Err(("NotAuthorizedForSourceException", "Not authorized for the source.".to_owned()));
    }
    let malformed = |_| ("MalformedDetail", "Detail is malformed.".to_owned());
    let detail: Map<String, Value> = serde_json::from_str(&detail).map_err(malformed)?;
    let not_found = |_| ("InvalidArgument", "Parameter EventBusName is not valid.".to_owned());
    let bus = BusId::read(cx, entry.event_bus_name.as_deref()).map_err(not_found)?;
    let now = service.now();
    let time = entry.time.map_or(now, |time| time.milliseconds());
    let document = json!({
        "version": "0",
        "id": service.platform.ids.uuid(),
        "detail-type": detail_type,
        "source": source,
        "account": cx.principal.account().unwrap_or(&cx.account),
        "time": seconds_text(time),
        "region": cx.region,
        "resources": entry.resources.unwrap_or_default(),
        "detail": detail,
    });
    let Value::Object(document) = document else { unreachable!("an object was written") };
    let trace_header = entry.trace_header.or_else(|| cx.trace_header.clone());
    Ok(Event { bus, number: 0, document, audience: Audience::Bus, hops: 0, ingested: now, time, trace_header })
}

/// The fields that an event to be tested must have (API reference, `TestEventPattern`).
const FIELDS: [&str; 7] = ["id", "account", "source", "time", "region", "resources", "detail-type"];

/// Tests whether a pattern matches an event.
///
/// # Errors
/// `InvalidEventPatternException`, `ValidationException`.
pub async fn test_event_pattern(
    _service: &Arc<Events>,
    _cx: &Ctx,
    input: TestEventPatternRequest,
) -> Result<TestEventPatternResponse, Error> {
    let pattern = Pattern::parse(&input.event_pattern).map_err(|malformed| errors::pattern(&malformed))?;
    let event: Value = serde_json::from_str(&input.event).unwrap_or_default();
    if FIELDS.iter().any(|field| event.get(field).is_none()) {
        return Err(validation("Parameter Event is not valid."));
    }
    Ok(TestEventPatternResponse { result: Some(pattern.matches(&event)) })
}
