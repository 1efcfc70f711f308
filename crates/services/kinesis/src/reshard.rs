//! Shards are closed and opened: what splitting, merging and setting their number come down to.

use store::{Abort, Direction, Transaction};
use wire::Error;

use crate::hash::HashKey;
use crate::limits::{ON_DEMAND_SHARDS_MAX, SCALING_PAUSE_MS, SHARDS_MAX};
use crate::rows::{damaged, put, read};
use crate::shard::Shard;
use crate::stream::Stream;
use crate::{keys, rows};

/// The open shards of a stream, by hash key.
///
/// # Errors
/// A failure of the store.
pub fn open_shards(rows: &mut dyn Transaction, stream: u64) -> Result<Vec<Shard>, Abort<Error>> {
    let marks = rows.scan(keys::all_open(stream), Direction::Forward, SHARDS_MAX)?;
    marks.iter().map(|(_, mark)| marked(rows, stream, mark)).collect()
}

/// The open shard that takes a hash key.
///
/// # Errors
/// A failure of the store.
pub fn shard_of(rows: &mut dyn Transaction, stream: u64, key: HashKey) -> Result<Shard, Abort<Error>> {
    let marks = rows.scan(keys::open_until(stream, key.0), Direction::Backward, 1)?;
    let (_, mark) = marks.first().ok_or_else(|| damaged("a stream has no shard for a hash key"))?;
    marked(rows, stream, mark)
}

fn marked(rows: &mut dyn Transaction, stream: u64, mark: &[u8]) -> Result<Shard, Abort<Error>> {
    let number = mark.try_into().map(u32::from_be_bytes).map_err(|_| damaged("the mark of a shard cannot be read"))?;
    let shard = read(rows, &keys::shard(stream, number))?;
    Ok(shard.ok_or_else(|| damaged("an open shard is missing"))?)
}

/// Where a new shard comes from.
#[derive(Default)]
struct Parents<'a> {
    parent: Option<&'a Shard>,
    adjacent: Option<&'a Shard>,
}

fn open(
    rows: &mut dyn Transaction,
    stream: &mut Stream,
    range: (HashKey, HashKey),
    parents: &Parents<'_>,
    now: i64,
) -> Result<Shard, Abort<Error>> {
    // The numbers of a shard are greater than its parents', even if all happens in one second.
    let after_parents = [parents.parent, parents.adjacent].into_iter().flatten().map(|shard| shard.opened + 1);
    let shard = Shard {
        number: stream.shards,
        first: range.0,
        last: range.1,
        parent: parents.parent.map(|shard| shard.number),
        adjacent_parent: parents.adjacent.map(|shard| shard.number),
        opened: after_parents.fold(now.div_euclid(1_000), i64::max),
        opened_at: now,
        closed_at: None,
    };
    stream.shards += 1;
    stream.open_shards += 1;
    put(rows, &keys::shard(stream.number, shard.number), &shard)?;
    rows.put(&keys::open(stream.number, shard.first.0), &shard.number.to_be_bytes());
    Ok(shard)
}

fn close(rows: &mut dyn Transaction, stream: &mut Stream, shard: &Shard, now: i64) -> Result<(), Abort<Error>> {
    let closed = Shard { closed_at: Some(now), ..shard.clone() };
    stream.open_shards -= 1;
    put(rows, &keys::shard(stream.number, shard.number), &closed)?;
    rows.delete(&keys::open(stream.number, shard.first.0));
    Ok(())
}

/// Opens the first shards of a stream, which begin with these hash keys in ascending order, 0 the first of them.
///
/// # Errors
/// A failure of the store.
pub fn open_first(
    rows: &mut dyn Transaction,
    stream: &mut Stream,
    starts: &[u128],
    now: i64,
) -> Result<(), Abort<Error>> {
    for (index, start) in starts.iter().enumerate() {
        let last = starts.get(index + 1).map_or(u128::MAX, |next| next - 1);
        open(rows, stream, (HashKey(*start), HashKey(last)), &Parents::default(), now)?;
    }
    Ok(())
}

/// Splits a shard in two, the second of which begins with this hash key.
///
/// # Errors
/// A failure of the store.
pub fn split(
    rows: &mut dyn Transaction,
    stream: &mut Stream,
    shard: &Shard,
    at: HashKey,
    now: i64,
) -> Result<(Shard, Shard), Abort<Error>> {
    close(rows, stream, shard, now)?;
    let parents = Parents { parent: Some(shard), adjacent: None };
    let lower = open(rows, stream, (shard.first, HashKey(at.0 - 1)), &parents, now)?;
    let upper = open(rows, stream, (at, shard.last), &parents, now)?;
    Ok((lower, upper))
}

/// Merges a shard and the one that follows it in the ring; `parent` says which of them the caller named first.
///
/// # Errors
/// A failure of the store.
pub fn merge(
    rows: &mut dyn Transaction,
    stream: &mut Stream,
    shard: &Shard,
    adjacent: &Shard,
    now: i64,
) -> Result<Shard, Abort<Error>> {
    close(rows, stream, shard, now)?;
    close(rows, stream, adjacent, now)?;
    let range = (shard.first.min(adjacent.first), shard.last.max(adjacent.last));
    open(rows, stream, range, &Parents { parent: Some(shard), adjacent: Some(adjacent) }, now)
}

/// Splits and merges until the open shards begin with exactly these hash keys, in ascending order, 0 the first of them.
///
/// # Errors
/// A failure of the store.
pub fn reshape(rows: &mut dyn Transaction, stream: &mut Stream, starts: &[u128], now: i64) -> Result<(), Abort<Error>> {
    let mut pieces = Vec::new();
    for mut shard in open_shards(rows, stream.number)? {
        let (first, last) = (shard.first.0, shard.last.0);
        let inside = starts.iter().filter(|start| first < **start && **start <= last);
        for start in inside {
            let (lower, upper) = split(rows, stream, &shard, HashKey(*start), now)?;
            pieces.push(lower);
            shard = upper;
        }
        pieces.push(shard);
    }
    let mut whole: Option<Shard> = None;
    for piece in pieces {
        whole = Some(match whole {
            Some(before) if !starts.contains(&piece.first.0) => merge(rows, stream, &before, &piece, now)?,
            _ => piece,
        });
    }
    Ok(())
}

/// Splits a shard of a stream in on-demand mode that was offered more than it takes. Those that were opened lately, and
/// those of a stream that has as many as it may have, stay as they are. Answers whether it was split.
///
/// # Errors
/// A failure of the store.
pub fn relieve(rows: &mut dyn Transaction, stream: &mut Stream, shard: &Shard, now: i64) -> Result<bool, Abort<Error>> {
    let is_settled = shard.opened_at.saturating_add(SCALING_PAUSE_MS) <= now;
    let half = shard.last.0 / 2 - shard.first.0 / 2;
    if !stream.on_demand || !is_settled || stream.open_shards >= ON_DEMAND_SHARDS_MAX || half == 0 {
        return Ok(false);
    }
    split(rows, stream, shard, HashKey(shard.first.0 + half), now)?;
    Ok(true)
}

/// Open shards of all streams of the partition but those in on-demand mode, which do not count.
///
/// # Errors
/// A failure of the store.
pub fn open_of_account(rows: &mut dyn Transaction) -> Result<usize, Abort<Error>> {
    let streams = rows::streams(rows)?;
    Ok(streams.iter().filter(|stream| !stream.on_demand).map(|stream| stream.open_shards as usize).sum())
}
