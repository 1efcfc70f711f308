//! One transaction's own writes, laid over the state of the open batch: dropping them undoes the transaction without
//! touching its neighbours in the batch.

use std::collections::BTreeMap;
use std::ops::Bound;

use bytes::Bytes;

use crate::engine::{Read, Rows};
use crate::error::{EngineError, Limit, StoreError};
use crate::limits::{
    DELETE_RANGE_ROWS_MAX, KEY_BYTES_MAX, SCAN_ROWS_MAX, TRANSACTION_BYTES_MAX, TRANSACTION_WRITES_MAX, VALUE_BYTES_MAX,
};
use crate::partition::Partition;
use crate::range::{Direction, KeyRange};
use crate::transaction::{Pending, Transaction};

/// What a transaction changes. To apply it, first remove the ranges, then make the writes.
#[derive(Debug, Default)]
pub(crate) struct WriteSet {
    /// Ranges whose stored keys are removed.
    pub(crate) removed: Vec<KeyRange>,
    /// The last word on single keys: a value, or `None` for a removed key.
    pub(crate) writes: BTreeMap<Bytes, Option<Bytes>>,
    /// Keys and values handed over so far.
    pub(crate) bytes: usize,
    operations: usize,
}

impl WriteSet {
    /// Whether the transaction changes nothing.
    pub(crate) fn is_empty(&self) -> bool {
        self.removed.is_empty() && self.writes.is_empty()
    }

    /// Whether what is stored under `key` is hidden by this transaction.
    fn hides(&self, key: &[u8]) -> bool {
        self.writes.contains_key(key) || self.removed.iter().any(|range| range.contains(key))
    }

    /// The transaction's own entries of a range, in a direction.
    fn entries<'a>(
        &'a self,
        range: &KeyRange,
        direction: Direction,
    ) -> Box<dyn Iterator<Item = (&'a Bytes, &'a Option<Bytes>)> + 'a> {
        if range.is_empty() {
            return Box::new(std::iter::empty());
        }
        let bounds = (Bound::Included(range.start()), range.end().map_or(Bound::Unbounded, Bound::Excluded));
        let entries = self.writes.range::<[u8], _>(bounds);
        match direction {
            Direction::Forward => Box::new(entries),
            Direction::Backward => Box::new(entries.rev()),
        }
    }
}

/// Why a transaction cannot be committed although its closure may have returned a result.
#[derive(Debug)]
pub(crate) enum Fault {
    /// Only this transaction is refused.
    Refused(StoreError),
    /// The engine failed under it, and the whole batch with it.
    Engine(EngineError),
}

/// The [`Transaction`] a closure is given.
pub(crate) struct Overlay<'a> {
    base: &'a mut dyn Read,
    partition: &'a Partition,
    set: WriteSet,
    fault: Option<Fault>,
}

impl<'a> Overlay<'a> {
    /// An overlay without writes on one partition of `base`.
    pub(crate) fn new(base: &'a mut dyn Read, partition: &'a Partition) -> Self {
        Self { base, partition, set: WriteSet::default(), fault: None }
    }

    /// What was written, or why it cannot be.
    pub(crate) fn finish(self) -> Result<WriteSet, Fault> {
        match self.fault {
            Some(fault) => Err(fault),
            None => Ok(self.set),
        }
    }

    /// Remembers the first thing that went wrong, and stops the closure at its `?`.
    fn fail(&mut self, error: EngineError) -> Pending {
        let fault = match error {
            EngineError::TooLarge(error) => Fault::Refused(error),
            error => Fault::Engine(error),
        };
        self.fault.get_or_insert(fault);
        Pending(())
    }

    /// Whether `actual` is within `max`; if not, the transaction is refused.
    fn within(&mut self, limit: Limit, actual: usize, max: usize) -> bool {
        if actual > max {
            self.fault.get_or_insert(Fault::Refused(StoreError::LimitExceeded { limit, actual, max }));
        }
        actual <= max
    }

    /// Counts one write of this key and value length against the transaction's bounds.
    fn admit(&mut self, key: usize, value: usize) -> bool {
        self.set.operations += 1;
        self.set.bytes = self.set.bytes.saturating_add(key + value);
        let (operations, bytes) = (self.set.operations, self.set.bytes);
        self.within(Limit::KeyBytes, key, KEY_BYTES_MAX)
            && self.within(Limit::ValueBytes, value, VALUE_BYTES_MAX)
            && self.within(Limit::TransactionWrites, operations, TRANSACTION_WRITES_MAX)
            && self.within(Limit::TransactionBytes, bytes, TRANSACTION_BYTES_MAX)
    }

    /// The first `limit` stored rows of a range that this transaction leaves visible.
    fn visible_base_rows(
        &mut self,
        mut range: KeyRange,
        direction: Direction,
        limit: usize,
    ) -> Result<Rows, EngineError> {
        let mut visible = Vec::new();
        // Every round moves the range past at least one stored row, so the loop ends with the range.
        while visible.len() < limit && !range.is_empty() {
            let rows = self.base.scan(self.partition, &range, direction, limit)?;
            let complete = rows.len() < limit;
            if let Some((last, _)) = rows.last() {
                range = self.beyond(range, last, direction);
            }
            visible.extend(rows.into_iter().filter(|(key, _)| !self.set.hides(key)));
            if complete {
                break;
            }
        }
        visible.truncate(limit);
        Ok(visible)
    }

    /// What is left of a range after `last` was seen, leaving out a removed range around `last` at once.
    fn beyond(&self, range: KeyRange, last: &Bytes, direction: Direction) -> KeyRange {
        let around = self.set.removed.iter().find(|removed| removed.contains(last));
        match (direction, around) {
            (Direction::Forward, Some(removed)) => match removed.end() {
                Some(end) => range.not_before(end),
                None => KeyRange::between("", ""),
            },
            (Direction::Forward, None) => range.after(last),
            (Direction::Backward, Some(removed)) => range.before(removed.start()),
            (Direction::Backward, None) => range.before(last),
        }
    }
}

impl Transaction for Overlay<'_> {
    fn get(&mut self, key: &[u8]) -> Result<Option<Bytes>, Pending> {
        if let Some(own) = self.set.writes.get(key) {
            return Ok(own.clone());
        }
        if self.set.hides(key) {
            return Ok(None);
        }
        self.base.get(self.partition, key).map_err(|error| self.fail(error))
    }

    fn scan(&mut self, range: KeyRange, direction: Direction, limit: usize) -> Result<Rows, Pending> {
        if !self.within(Limit::ScanRows, limit, SCAN_ROWS_MAX) {
            return Err(Pending(()));
        }
        if self.set.is_empty() {
            return self.base.scan(self.partition, &range, direction, limit).map_err(|error| self.fail(error));
        }
        let stored = self.visible_base_rows(range.clone(), direction, limit).map_err(|error| self.fail(error))?;
        let own = self.set.entries(&range, direction);
        let own = own.filter_map(|(key, value)| Some((key.clone(), value.clone()?))).take(limit);
        Ok(merge(stored, own, direction, limit))
    }

    fn put(&mut self, key: &[u8], value: &[u8]) {
        if self.admit(key.len(), value.len()) {
            self.set.writes.insert(Bytes::copy_from_slice(key), Some(Bytes::copy_from_slice(value)));
        }
    }

    fn delete(&mut self, key: &[u8]) {
        if self.admit(key.len(), 0) {
            self.set.writes.insert(Bytes::copy_from_slice(key), None);
        }
    }

    fn delete_range(&mut self, range: KeyRange) {
        let longest = range.start().len().max(range.end().map_or(0, <[u8]>::len));
        if range.is_empty() || !self.admit(longest, 0) {
            return;
        }
        match self.base.nth_key(self.partition, &range, DELETE_RANGE_ROWS_MAX) {
            Ok(None) => {}
            Ok(Some(_)) => {
                self.within(Limit::DeleteRangeRows, DELETE_RANGE_ROWS_MAX + 1, DELETE_RANGE_ROWS_MAX);
                return;
            }
            Err(error) => {
                self.fail(error);
                return;
            }
        }
        let own: Vec<Bytes> = self.set.entries(&range, Direction::Forward).map(|(key, _)| key.clone()).collect();
        for key in own {
            self.set.writes.remove(&key);
        }
        self.set.removed.push(range);
    }
}

/// The first `limit` rows of two sorted sequences without a common key.
fn merge(stored: Rows, own: impl Iterator<Item = (Bytes, Bytes)>, direction: Direction, limit: usize) -> Rows {
    let mut stored = stored.into_iter().peekable();
    let mut own = own.peekable();
    let mut rows = Vec::new();
    while rows.len() < limit {
        let stored_is_next = match (stored.peek(), own.peek()) {
            (Some((stored, _)), Some((own, _))) => (stored < own) == (direction == Direction::Forward),
            (stored, _) => stored.is_some(),
        };
        match if stored_is_next { stored.next() } else { own.next() } {
            Some(row) => rows.push(row),
            None => break,
        }
    }
    rows
}
