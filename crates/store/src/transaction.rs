//! What a transaction's closure sees, and how it ends.

use bytes::Bytes;

use crate::range::{Direction, KeyRange};

/// The keys of one partition, as one transaction sees and changes them. Reads see the transaction's own writes.
///
/// Writes are collected and checked against [`crate::limits`]; one that goes over a limit is refused when the closure
/// ends, whatever the closure returns.
pub trait Transaction {
    /// The value of `key`, if it has one.
    ///
    /// # Errors
    /// [`Pending`], to be returned from the closure with `?`.
    fn get(&mut self, key: &[u8]) -> Result<Option<Bytes>, Pending>;

    /// The first `limit` keys of `range` in the given direction, with their values.
    ///
    /// # Errors
    /// [`Pending`], to be returned from the closure with `?`.
    fn scan(&mut self, range: KeyRange, direction: Direction, limit: usize) -> Result<Vec<(Bytes, Bytes)>, Pending>;

    /// Gives `key` this value.
    fn put(&mut self, key: &[u8], value: &[u8]);

    /// Removes `key`; it need not exist.
    fn delete(&mut self, key: &[u8]);

    /// Removes every key of `range`, of which the store may hold at most
    /// [`DELETE_RANGE_ROWS_MAX`](crate::limits::DELETE_RANGE_ROWS_MAX).
    fn delete_range(&mut self, range: KeyRange);
}

/// "This read cannot be answered in this run": the closure returns it with `?`, and the store either runs the closure
/// again or reports why it cannot. It carries nothing and deliberately is no [`std::error::Error`], so that [`Abort`]
/// converts from both.
#[derive(Debug)]
pub struct Pending(pub(crate) ());

/// Why a closure ended without a result. Its writes are dropped.
#[derive(Debug)]
pub enum Abort<E> {
    /// A read was not answered.
    Pending(Pending),
    /// The closure's own reason.
    With(E),
}

impl<E> From<Pending> for Abort<E> {
    fn from(pending: Pending) -> Self {
        Self::Pending(pending)
    }
}

impl<E: std::error::Error> From<E> for Abort<E> {
    fn from(error: E) -> Self {
        Self::With(error)
    }
}
