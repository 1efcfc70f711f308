//! `GetLogEvents`.

use api::logs::{GetLogEventsRequest, GetLogEventsResponse, OutputLogEvent};
use platform::Ctx;
use store::Direction;
use wire::Error;

use crate::cursor::{Cursor, Window};
use crate::keys::Position;
use crate::limits::{PAGE_BYTES_MAX, PAGE_EVENTS_MAX};
use crate::names::GroupName;
use crate::records::Event;
use crate::rows;
use crate::service::Logs;
use crate::token::EventToken;

/// Returns a stream's events, latest page first unless asked otherwise; within a page always in order of time.
///
/// The end of the stream is reached when a token is returned that was sent: it goes on from there once there is more.
pub async fn get_log_events(logs: &Logs, cx: &Ctx, input: GetLogEventsRequest) -> Result<GetLogEventsResponse, Error> {
    let token = input.next_token.as_deref().map(EventToken::parse).transpose()?;
    let name = GroupName::either(cx, input.log_group_name.as_deref(), input.log_group_identifier.as_deref())?;
    let snapshot = logs.snapshot().await?;
    let group = rows::get_group(&snapshot, &name).await?;
    let stream = rows::get_stream(&snapshot, group.id, &input.log_stream_name).await?;

    let forward = token.map_or(input.start_from_head == Some(true), |token| token.forward);
    let direction = if forward { Direction::Forward } else { Direction::Backward };
    let from = input.start_time.unwrap_or(0).max(group.expired_before(logs.now()));
    let whole = Window::between(from, input.end_time.unwrap_or(i64::MAX));
    let window = token.map_or(whole, |token| whole.beyond(token.seen, direction));
    let mut cursor = Cursor::over_streams(&snapshot, group.id, [stream.id], window, direction);
    let limit = input.limit.map_or(PAGE_EVENTS_MAX, |limit| limit.max(1) as usize).min(PAGE_EVENTS_MAX);
    let mut events = page(&mut cursor, limit).await?;
    if !forward {
        events.reverse();
    }

    let here = token.map_or(whole.from, |token| token.seen);
    let first = events.first().map_or(here, |(position, _)| *position);
    let last = events.last().map_or(here, |(position, _)| *position);
    Ok(GetLogEventsResponse {
        events: Some(events.into_iter().map(|(position, event)| output(position, &event)).collect()),
        next_forward_token: Some(EventToken { forward: true, seen: last }.to_string()),
        next_backward_token: Some(EventToken { forward: false, seen: first }.to_string()),
    })
}

/// As many events as fit into an answer, at least one if there is any.
async fn page(cursor: &mut Cursor<'_>, limit: usize) -> Result<Vec<(Position, Event)>, Error> {
    let mut events = Vec::new();
    let mut bytes = 0;
    while events.len() < limit {
        let Some((position, event)) = cursor.next().await? else { break };
        bytes += event.size();
        if bytes > PAGE_BYTES_MAX && !events.is_empty() {
            break;
        }
        events.push((position, event));
    }
    Ok(events)
}

fn output(position: Position, event: &Event) -> OutputLogEvent {
    OutputLogEvent {
        timestamp: Some(position.timestamp),
        message: Some(event.message().to_owned()),
        ingestion_time: Some(event.ingestion),
    }
}
