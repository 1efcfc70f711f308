//! `FilterLogEvents`.

use std::collections::HashMap;

use api::logs::{FilterLogEventsRequest, FilterLogEventsResponse, FilteredLogEvent};
use platform::{Ctx, OrFailure};
use store::{Direction, Snapshot};
use wire::Error;

use crate::cursor::{Cursor, Window};
use crate::keys::{self, Position};
use crate::limits::{EXAMINED_BYTES_MAX, EXAMINED_EVENTS_MAX, FOLLOWED_STREAMS_MAX, PAGE_BYTES_MAX, PAGE_EVENTS_MAX};
use crate::names::GroupName;
use crate::pattern::Pattern;
use crate::records::{Event, StreamRecord};
use crate::service::Logs;
use crate::token::EventToken;
use crate::{errors, rows};

/// Before this time (2024-01-01T00:00:00Z, in milliseconds since 1970) a search cannot begin with the latest events. API
/// reference of FilterLogEvents.
const BACKWARD_SINCE: i64 = 1_704_067_200_000;

/// Searches a group's events, of all its streams or some, in order of time.
pub async fn filter_log_events(
    logs: &Logs,
    cx: &Ctx,
    input: FilterLogEventsRequest,
) -> Result<FilterLogEventsResponse, Error> {
    let token = check(&input)?;
    let pattern = Pattern::parse(input.filter_pattern.as_deref().unwrap_or_default())?;
    let name = GroupName::either(cx, input.log_group_name.as_deref(), input.log_group_identifier.as_deref())?;
    let snapshot = logs.snapshot().await?;
    let group = rows::get_group(&snapshot, &name).await?;
    let wanted = wanted_streams(&snapshot, group.id, &input).await?;

    let forward = token.map_or(input.start_from_head != Some(false), |token| token.forward);
    let direction = if forward { Direction::Forward } else { Direction::Backward };
    let from = input.start_time.unwrap_or(0).max(group.expired_before(logs.now()));
    let whole = Window::between(from, input.end_time.map_or(i64::MAX, |end| end.saturating_add(1)));
    let window = token.map_or(whole, |token| whole.beyond(token.seen, direction));
    let cursor = match &wanted {
        Wanted::Streams(streams) => {
            Cursor::over_streams(&snapshot, group.id, streams.iter().copied(), window, direction)
        }
        Wanted::All | Wanted::Prefix(_) => Cursor::over_group(&snapshot, group.id, window, direction),
    };
    let limit = input.limit.map_or(PAGE_EVENTS_MAX, |limit| limit.max(1) as usize).min(PAGE_EVENTS_MAX);
    let prefix = if let Wanted::Prefix(prefix) = wanted { Some(prefix) } else { None };
    let names = StreamNames { snapshot: &snapshot, group: group.id, known: HashMap::new() };
    let mut search = Search { cursor, names, pattern, prefix, limit };
    let (events, seen) = search.page().await?;
    Ok(FilterLogEventsResponse {
        events: Some(events),
        searched_log_streams: Some(Vec::new()),
        next_token: seen.map(|seen| EventToken { forward, seen }.opaque()),
    })
}

fn check(input: &FilterLogEventsRequest) -> Result<Option<EventToken>, Error> {
    let token = input.next_token.as_deref().map(EventToken::parse_opaque).transpose()?;
    if input.log_stream_names.is_some() && input.log_stream_name_prefix.is_some() {
        let text = "LogStream names and LogStream name prefix are mutually exclusive parameters.";
        return Err(errors::invalid(text));
    }
    let early = input.start_time.is_none_or(|start| start < BACKWARD_SINCE);
    if token.is_none() && input.start_from_head == Some(false) && early {
        let text = "startFromHead can be false only if startTime is on or after 2024-01-01T00:00:00Z.";
        return Err(errors::invalid(text));
    }
    Ok(token)
}

/// Which streams are searched.
enum Wanted {
    /// All of the group's.
    All,
    /// These.
    Streams(Vec<u64>),
    /// Those whose names begin so: too many to follow one by one.
    Prefix(String),
}

async fn wanted_streams(snapshot: &Snapshot, group: u64, input: &FilterLogEventsRequest) -> Result<Wanted, Error> {
    if let Some(names) = &input.log_stream_names {
        let mut streams = Vec::with_capacity(names.len());
        for name in names {
            streams.push(rows::get_stream(snapshot, group, name).await?.id);
        }
        streams.sort_unstable();
        streams.dedup();
        return Ok(Wanted::Streams(streams));
    }
    let Some(prefix) = &input.log_stream_name_prefix else { return Ok(Wanted::All) };
    let range = keys::streams(group).range_of_segments_starting(prefix.as_bytes());
    let found = snapshot.scan(range, Direction::Forward, FOLLOWED_STREAMS_MAX + 1).await.or_failure()?;
    if found.len() > FOLLOWED_STREAMS_MAX {
        return Ok(Wanted::Prefix(prefix.clone()));
    }
    let streams = found.iter().map(|(_, row)| rows::decode::<StreamRecord>(row).map(|stream| stream.id));
    Ok(Wanted::Streams(streams.collect::<Result<_, _>>()?))
}

/// One page of a search.
struct Search<'a> {
    cursor: Cursor<'a>,
    names: StreamNames<'a>,
    pattern: Pattern,
    prefix: Option<String>,
    limit: usize,
}

impl Search<'_> {
    /// The events found, and the last one looked at if there are more behind it.
    async fn page(&mut self) -> Result<(Vec<FilteredLogEvent>, Option<Position>), Error> {
        let mut found = Vec::new();
        let (mut examined, mut examined_bytes, mut found_bytes) = (0, 0, 0);
        let mut seen = None;
        while let Some((position, event)) = self.cursor.next().await? {
            let full = found.len() == self.limit
                || examined == EXAMINED_EVENTS_MAX
                || (examined > 0 && examined_bytes + event.size() > EXAMINED_BYTES_MAX);
            if full {
                return Ok((found, seen));
            }
            examined += 1;
            examined_bytes += event.size();
            if let Some(stream) = self.matching(&event).await? {
                found_bytes += event.size();
                if found_bytes > PAGE_BYTES_MAX && !found.is_empty() {
                    return Ok((found, seen));
                }
                found.push(output(position, &event, stream));
            }
            seen = Some(position);
        }
        Ok((found, None))
    }

    /// The name of the event's stream if the event is looked for.
    async fn matching(&mut self, event: &Event) -> Result<Option<String>, Error> {
        let Some(name) = self.names.of(event.stream).await? else { return Ok(None) };
        let wanted = self.prefix.as_deref().is_none_or(|prefix| name.starts_with(prefix));
        Ok((wanted && self.pattern.matches(event.message())).then(|| name.to_owned()))
    }
}

/// Names of the streams met on a page.
struct StreamNames<'a> {
    snapshot: &'a Snapshot,
    group: u64,
    /// No more than events are looked at.
    known: HashMap<u64, Option<String>>,
}

impl StreamNames<'_> {
    /// The name of a stream, unless it was deleted.
    async fn of(&mut self, stream: u64) -> Result<Option<&str>, Error> {
        if !self.known.contains_key(&stream) {
            let name = rows::get(self.snapshot, &keys::stream_name(self.group, stream)).await?;
            self.known.insert(stream, name);
        }
        Ok(self.known.get(&stream).and_then(Option::as_deref))
    }
}

fn output(position: Position, event: &Event, stream: String) -> FilteredLogEvent {
    FilteredLogEvent {
        log_stream_name: Some(stream),
        timestamp: Some(position.timestamp),
        message: Some(event.message().to_owned()),
        ingestion_time: Some(event.ingestion),
        event_id: Some(position.to_string()),
    }
}
