//! Where durable executions are kept: the keys of their partition.
//!
//! | Row | Key | Value |
//! |---|---|---|
//! | execution | 1, account, region, function, id | [`Execution`](super::Execution) |
//! | operation | 2, account, region, function, id, operation | [`Operation`](super::Operation) |
//! | event | 3, account, region, function, id, number | [`HistoryEvent`](super::HistoryEvent) |
//! | callback | 4, callback | the execution's id, and the operation's |
//! | name | 5, account, region, function, name | id of the execution |
//! | active | 6, account, region, function, id | the execution's id: it is ready or running |
//! | chained | 7, account, region, function, id, operation | [`Chained`](super::chained::Chained) |

use store::keys::Key;
use store::{KeyRange, Partition, StoreError};

use super::ExecutionId;
use crate::FunctionId;

/// Format number of all values of this partition.
pub const FORMAT: u8 = crate::keys::FORMAT;

const EXECUTION: u8 = 1;
const OPERATION: u8 = 2;
const EVENT: u8 = 3;
const CALLBACK: u8 = 4;
const NAME: u8 = 5;
const ACTIVE: u8 = 6;
const CHAINED: u8 = 7;

/// The partition.
///
/// # Errors
/// None in practice: the name is constant and short.
pub fn partition() -> Result<Partition, StoreError> {
    Partition::new("lambda/durable")
}

fn of_function(kind: u8, function: &FunctionId) -> Key {
    Key::new().u8(kind).text(&function.account).text(&function.region).text(&function.name)
}

fn of_execution(kind: u8, id: &ExecutionId) -> Key {
    of_function(kind, &id.function).text(&id.id)
}

/// An execution.
pub fn execution(id: &ExecutionId) -> Key {
    of_execution(EXECUTION, id)
}

/// The executions of a function.
pub fn executions(function: &FunctionId) -> KeyRange {
    of_function(EXECUTION, function).range()
}

/// An operation of an execution.
pub fn operation(id: &ExecutionId, operation: &str) -> Key {
    of_execution(OPERATION, id).text(operation)
}

/// The operations of an execution.
pub fn operations(id: &ExecutionId) -> KeyRange {
    of_execution(OPERATION, id).range()
}

/// An event of an execution's history.
pub fn event(id: &ExecutionId, number: u64) -> Key {
    of_execution(EVENT, id).u64(number)
}

/// An execution's history.
pub fn events(id: &ExecutionId) -> KeyRange {
    of_execution(EVENT, id).range()
}

/// The operation that a callback ends.
pub fn callback(callback: &str) -> Key {
    Key::new().u8(CALLBACK).text(callback)
}

/// The execution of this name.
pub fn name(function: &FunctionId, name: &str) -> Key {
    of_function(NAME, function).text(name)
}

/// The mark of an execution that is ready or running.
pub fn active(id: &ExecutionId) -> Key {
    of_execution(ACTIVE, id)
}

/// All such marks.
pub fn all_active() -> KeyRange {
    Key::new().u8(ACTIVE).range()
}

/// A call of another function that an execution waits for.
pub fn chained(id: &ExecutionId, operation: &str) -> Key {
    of_execution(CHAINED, id).text(operation)
}

/// All such calls of an execution.
pub fn chained_of(id: &ExecutionId) -> KeyRange {
    of_execution(CHAINED, id).range()
}

/// All such calls.
pub fn all_chained() -> KeyRange {
    Key::new().u8(CHAINED).range()
}
