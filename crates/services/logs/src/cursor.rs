//! Walking over events in their order.

use std::collections::VecDeque;

use platform::OrFailure;
use store::{Direction, KeyRange, Snapshot};
use wire::Error;

use crate::keys::{self, Position};
use crate::limits::{SCANNED_EVENTS_MAX, SCANNED_ROWS_MAX};
use crate::records::Event;
use crate::rows;

/// The places from one (included) to another (excluded).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// The first place.
    pub from: Position,
    /// Behind the last place.
    pub to: Position,
}

impl Window {
    /// All events from a time (included) to another (excluded), in milliseconds since 1970.
    pub fn between(from: i64, to: i64) -> Window {
        Window { from: Position::start_of(from), to: Position::start_of(to) }
    }

    /// What is left behind a place that was seen, in the given direction.
    pub fn beyond(self, seen: Position, direction: Direction) -> Window {
        match direction {
            Direction::Forward => Window { from: self.from.max(seen.next()), ..self },
            Direction::Backward => Window { to: self.to.min(seen), ..self },
        }
    }

    fn is_empty(self) -> bool {
        self.from >= self.to
    }
}

/// Where a walk leads.
enum Path {
    /// Through all events of the group.
    Group { read: VecDeque<(Position, Event)>, left: Window },
    /// Through the events of some streams, merged.
    Streams(Vec<StreamPath>),
}

/// The order of one stream's events, as far as it has been read.
struct StreamPath {
    stream: u64,
    read: VecDeque<Position>,
    left: Window,
}

/// A walk over events, in order of time, forwards or backwards.
pub struct Cursor<'a> {
    snapshot: &'a Snapshot,
    group: u64,
    direction: Direction,
    path: Path,
    returned: usize,
}

/// After so many events other tasks get their turn.
const TURN_EVENTS: usize = 64;

impl<'a> Cursor<'a> {
    /// Over all events of a group.
    pub fn over_group(snapshot: &'a Snapshot, group: u64, window: Window, direction: Direction) -> Cursor<'a> {
        Cursor { snapshot, group, direction, path: Path::Group { read: VecDeque::new(), left: window }, returned: 0 }
    }

    /// Over the events of some of its streams.
    pub fn over_streams(
        snapshot: &'a Snapshot,
        group: u64,
        streams: impl IntoIterator<Item = u64>,
        window: Window,
        direction: Direction,
    ) -> Cursor<'a> {
        let path = |stream| StreamPath { stream, read: VecDeque::new(), left: window };
        Cursor { snapshot, group, direction, path: Path::Streams(streams.into_iter().map(path).collect()), returned: 0 }
    }

    /// The next event.
    ///
    /// # Errors
    /// As reading the store.
    pub async fn next(&mut self) -> Result<Option<(Position, Event)>, Error> {
        self.returned += 1;
        if self.returned.is_multiple_of(TURN_EVENTS) {
            tokio::task::yield_now().await;
        }
        match &mut self.path {
            Path::Group { read, left } => {
                if read.is_empty() {
                    *read = scan_group(self.snapshot, self.group, left, self.direction).await?;
                }
                Ok(read.pop_front())
            }
            Path::Streams(streams) => next_of_streams(self.snapshot, self.group, streams, self.direction).await,
        }
    }
}

async fn next_of_streams(
    snapshot: &Snapshot,
    group: u64,
    streams: &mut [StreamPath],
    direction: Direction,
) -> Result<Option<(Position, Event)>, Error> {
    // Ends because every round takes a place out of what was read.
    loop {
        for path in streams.iter_mut().filter(|path| path.read.is_empty()) {
            path.read = scan_stream(snapshot, group, path.stream, &mut path.left, direction).await?;
        }
        let waiting = streams.iter_mut().filter(|path| !path.read.is_empty());
        let first = match direction {
            Direction::Forward => waiting.min_by_key(|path| path.read.front().copied()),
            Direction::Backward => waiting.max_by_key(|path| path.read.front().copied()),
        };
        let Some(position) = first.and_then(|path| path.read.pop_front()) else { return Ok(None) };
        if let Some(row) = snapshot.get(&keys::event(group, position)).await.or_failure()? {
            return Ok(Some((position, rows::decode_event(row)?)));
        }
    }
}

async fn scan_group(
    snapshot: &Snapshot,
    group: u64,
    left: &mut Window,
    direction: Direction,
) -> Result<VecDeque<(Position, Event)>, Error> {
    let range = keys::event_range(group, left.from, left.to);
    let found = scan(snapshot, range, left, direction, SCANNED_EVENTS_MAX).await?;
    let mut events = VecDeque::with_capacity(found.len());
    for (key, row) in found {
        let position = rows::key_part(keys::read_event(&key))?;
        *left = left.beyond(position, direction);
        events.push_back((position, rows::decode_event(row)?));
    }
    Ok(events)
}

async fn scan_stream(
    snapshot: &Snapshot,
    group: u64,
    stream: u64,
    left: &mut Window,
    direction: Direction,
) -> Result<VecDeque<Position>, Error> {
    let range = keys::stream_event_range(group, stream, left.from, left.to);
    let found = scan(snapshot, range, left, direction, SCANNED_ROWS_MAX).await?;
    let mut positions = VecDeque::with_capacity(found.len());
    for (key, _) in found {
        let position = rows::key_part(keys::read_stream_event(&key))?;
        *left = left.beyond(position, direction);
        positions.push_back(position);
    }
    Ok(positions)
}

/// Reads a range; a short answer means that nothing is left, and is not asked for again.
async fn scan(
    snapshot: &Snapshot,
    range: KeyRange,
    left: &mut Window,
    direction: Direction,
    limit: usize,
) -> Result<Vec<(bytes::Bytes, bytes::Bytes)>, Error> {
    if left.is_empty() {
        return Ok(Vec::new());
    }
    let found = snapshot.scan(range, direction, limit).await.or_failure()?;
    if found.len() < limit {
        left.to = left.from;
    }
    Ok(found)
}
