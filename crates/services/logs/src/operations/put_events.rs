//! `PutLogEvents`.

use std::ops::Range;
use std::sync::Arc;

use api::logs::enums::entity_rejection_error_type;
use api::logs::errors::service_unavailable_exception;
use api::logs::{InputLogEvent, PutLogEventsRequest, PutLogEventsResponse, RejectedEntityInfo, RejectedLogEventsInfo};
use platform::Ctx;
use store::{Abort, Transaction};
use wire::Error;

use crate::keys::{self, Position};
use crate::limits::{
    EVENT_AGE_MAX_MS, EVENT_AHEAD_MAX_MS, EVENT_BYTES_MAX, TRANSACTION_EVENTS_MAX, WRITE_BYTES_MAX, WRITE_SPAN_MAX_MS,
};
use crate::names::GroupName;
use crate::records::{Event, GroupRecord, StreamRecord, Total, Usage, event_size};
use crate::service::Logs;
use crate::{errors, rows};

/// Adds events to a stream. Events that are too old or too new are left out, and the answer says which.
pub async fn put_log_events(logs: &Logs, cx: &Ctx, input: PutLogEventsRequest) -> Result<PutLogEventsResponse, Error> {
    check(&input.log_events)?;
    let write = Arc::new(Write {
        group: GroupName::new(cx, &input.log_group_name),
        stream: input.log_stream_name,
        events: input.log_events,
        now: logs.now(),
        held_bytes_max: logs.held_bytes_max(),
    });
    let first = Arc::clone(&write);
    let begun = logs.transact(move |rows| first.begin(rows)).await?;
    let mut written = begun;
    while !written.rest.is_empty() {
        let (next, rest) = (Arc::clone(&write), written.rest.clone());
        written = Written { rejected: written.rejected, ..logs.transact(move |rows| next.go_on(rows, &rest)).await? };
    }
    if written.crowded {
        logs.sweep_soon();
    }
    Ok(PutLogEventsResponse {
        next_sequence_token: written.token,
        rejected_log_events_info: written.rejected,
        rejected_entity_info: input.entity.map(|_| RejectedEntityInfo {
            error_type: entity_rejection_error_type::UNSUPPORTED_LOG_GROUP_TYPE.to_owned(),
        }),
    })
}

/// What holds for a call's events whatever the group.
fn check(events: &[InputLogEvent]) -> Result<(), Error> {
    let mut bytes = 0;
    for event in events {
        let size = event_size(event.message.len());
        if size > EVENT_BYTES_MAX {
            let text = format!("Log event too large: {size} bytes exceeds limit of {EVENT_BYTES_MAX}");
            return Err(errors::invalid(text));
        }
        bytes += size;
    }
    if bytes > WRITE_BYTES_MAX {
        return Err(errors::invalid(format!("Upload too large: {bytes} bytes exceeds limit of {WRITE_BYTES_MAX}")));
    }
    if !events.is_sorted_by_key(|event| event.timestamp) {
        let text = "Log events in a single PutLogEvents request must be in chronological order.";
        return Err(errors::invalid(text));
    }
    Ok(())
}

/// Which of a call's events, in order of time, are taken.
fn accept(
    events: &[InputLogEvent],
    group: &GroupRecord,
    now: i64,
) -> Result<(Range<usize>, Option<RejectedLogEventsInfo>), Error> {
    let older_than = |time: i64| events.partition_point(|event| event.timestamp < time);
    let too_old = older_than(now.saturating_sub(EVENT_AGE_MAX_MS));
    let expired = older_than(group.expired_before(now));
    let too_new = events.partition_point(|event| event.timestamp <= now.saturating_add(EVENT_AHEAD_MAX_MS));
    let accepted = too_old.max(expired)..too_new;
    if let [first, .., last] = &events[accepted.clone()]
        && last.timestamp - first.timestamp > WRITE_SPAN_MAX_MS
    {
        let text = "The batch of log events in a single PutLogEvents request cannot span more than 24 hours.";
        return Err(errors::invalid(text));
    }
    let index = |index: usize, given: bool| given.then_some(index as i32);
    let rejected = RejectedLogEventsInfo {
        too_new_log_event_start_index: index(too_new, too_new < events.len()),
        too_old_log_event_end_index: index(too_old, too_old > 0),
        expired_log_event_end_index: index(expired, expired > 0),
    };
    Ok((accepted.clone(), (accepted.len() < events.len()).then_some(rejected)))
}

/// A call on its way into the store.
struct Write {
    group: GroupName,
    stream: String,
    events: Vec<InputLogEvent>,
    now: i64,
    held_bytes_max: u64,
}

/// How far a call has come.
struct Written {
    rest: Range<usize>,
    rejected: Option<RejectedLogEventsInfo>,
    token: Option<String>,
    crowded: bool,
}

impl Write {
    /// The first transaction: decides what is taken.
    fn begin(&self, rows: &mut dyn Transaction) -> Result<Written, Abort<Error>> {
        let group = rows::group(rows, &self.group)?;
        let mut stream = rows::stream(rows, group.id, &self.stream)?;
        let (accepted, rejected) = accept(&self.events, &group, self.now)?;
        stream.writes += 1;
        Ok(Written { rejected, ..self.add(rows, &group, stream, &accepted)? })
    }

    /// A further transaction, for calls with many events.
    fn go_on(&self, rows: &mut dyn Transaction, events: &Range<usize>) -> Result<Written, Abort<Error>> {
        let group = rows::group(rows, &self.group)?;
        let stream = rows::stream(rows, group.id, &self.stream)?;
        self.add(rows, &group, stream, events)
    }

    /// Adds as many of the events as fit into one transaction.
    fn add(
        &self,
        rows: &mut dyn Transaction,
        group: &GroupRecord,
        mut stream: StreamRecord,
        events: &Range<usize>,
    ) -> Result<Written, Abort<Error>> {
        let end = events.end.min(events.start + TRANSACTION_EVENTS_MAX);
        let mut usage: Usage = rows::read(rows, &keys::usage(group.id))?.unwrap_or_default();
        let mut total: Total = rows::read(rows, &keys::total())?.unwrap_or_default();
        if total.held() > self.held_bytes_max.saturating_add(self.held_bytes_max / 4) {
            let text = "The service cannot complete the request.";
            return Err(service_unavailable_exception(text).into());
        }
        for event in &self.events[events.start..end] {
            usage.last_sequence += 1;
            let position = Position { timestamp: event.timestamp, sequence: usage.last_sequence };
            let row = Event::encode(stream.id, self.now, &event.message);
            rows.put(&keys::event(group.id, position), &row);
            let length = event.message.len() as u32;
            rows.put(&keys::stream_event(group.id, stream.id, position), &length.to_be_bytes());
            usage.bytes += event_size(event.message.len()) as u64;
            total.bytes += event_size(event.message.len()) as u64;
        }
        let added = (end - events.start) as u64;
        usage.events += added;
        total.events += added;
        if added > 0 {
            rows::put(rows, &keys::usage(group.id), &usage)?;
            rows::put(rows, &keys::total(), &total)?;
            self.touch(rows, group.id, &mut stream, &self.events[events.start..end]);
        }
        rows::put(rows, &keys::stream(group.id, &self.stream), &stream)?;
        Ok(Written {
            rest: end..events.end,
            rejected: None,
            token: stream.sequence_token(),
            crowded: total.held() > self.held_bytes_max,
        })
    }

    /// Notes the times of new events in their stream's record and in the order of streams.
    fn touch(&self, rows: &mut dyn Transaction, group: u64, stream: &mut StreamRecord, added: &[InputLogEvent]) {
        let (first, last) = (added.first().map(|event| event.timestamp), added.last().map(|event| event.timestamp));
        let before = stream.order_time();
        stream.first_event = stream.first_event.into_iter().chain(first).min();
        stream.last_event = stream.last_event.max(last);
        stream.last_ingestion = Some(self.now);
        if stream.order_time() != before {
            rows.delete(&keys::stream_time(group, before, &self.stream));
            rows.put(&keys::stream_time(group, stream.order_time(), &self.stream), &[]);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::limits::DAY_MS;

    const NOW: i64 = 1_700_000_000_000;

    fn events(times: &[i64]) -> Vec<InputLogEvent> {
        let event =
            |timestamp: &i64| InputLogEvent { timestamp: *timestamp, message: "m".into(), ..Default::default() };
        times.iter().map(event).collect()
    }

    fn group(retention_days: Option<i32>) -> GroupRecord {
        GroupRecord { id: 1, created_at: 0, class: "STANDARD".into(), retention_days, tags: BTreeMap::new() }
    }

    #[test]
    fn the_bounds_of_time_are_exact() {
        let oldest = NOW - EVENT_AGE_MAX_MS;
        let (accepted, rejected) = accept(&events(&[oldest - 1, oldest]), &group(None), NOW).expect("accepted");
        assert_eq!(accepted, 1..2);
        assert_eq!(rejected.expect("one is rejected").too_old_log_event_end_index, Some(1));
        let newest = NOW + EVENT_AHEAD_MAX_MS;
        let (accepted, rejected) = accept(&events(&[NOW, newest, newest + 1]), &group(None), NOW).expect("accepted");
        assert_eq!(accepted, 0..2);
        let rejected = rejected.expect("one is rejected");
        assert_eq!(rejected.too_new_log_event_start_index, Some(2));
        assert_eq!((rejected.too_old_log_event_end_index, rejected.expired_log_event_end_index), (None, None));
    }

    #[test]
    fn retention_rejects_what_would_expire_at_once() {
        let times = [NOW - 20 * DAY_MS, NOW - 4 * DAY_MS, NOW - 3 * DAY_MS, NOW - 3 * DAY_MS + 1];
        let (accepted, rejected) = accept(&events(&times), &group(Some(3)), NOW).expect("accepted");
        assert_eq!(accepted, 2..4);
        let rejected = rejected.expect("two are rejected");
        assert_eq!(rejected.expired_log_event_end_index, Some(2));
        assert_eq!(rejected.too_old_log_event_end_index, Some(1));
    }

    #[test]
    fn only_accepted_events_count_for_the_span() {
        let within = [NOW - 30 * DAY_MS, NOW - DAY_MS, NOW];
        assert!(accept(&events(&within), &group(None), NOW).is_ok());
        let error = accept(&events(&[NOW - DAY_MS - 1, NOW]), &group(None), NOW).expect_err("too wide");
        let text = "The batch of log events in a single PutLogEvents request cannot span more than 24 hours.";
        assert_eq!(error.message.as_deref(), Some(text));
    }

    #[test]
    fn sizes_count_26_bytes_more_than_the_message() {
        let sized = |bytes: usize| InputLogEvent { message: "x".repeat(bytes), ..Default::default() };
        assert!(check(&[sized(EVENT_BYTES_MAX - 26)]).is_ok());
        let error = check(&[sized(EVENT_BYTES_MAX - 25)]).expect_err("too large");
        assert_eq!(error.message.as_deref(), Some("Log event too large: 1048577 bytes exceeds limit of 1048576"));
        let half = WRITE_BYTES_MAX / 2 - 26;
        assert!(check(&[sized(half), sized(half)]).is_ok());
        let error = check(&[sized(half), sized(half + 1)]).expect_err("too large");
        assert_eq!(error.message.as_deref(), Some("Upload too large: 1048577 bytes exceeds limit of 1048576"));
    }
}
