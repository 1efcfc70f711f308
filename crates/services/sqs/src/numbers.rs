//! Small rows: numbers and times.

use store::{Abort, Transaction};
use wire::Error;

use crate::binary::{Input, Output};
use crate::contents::readable;
use crate::keys::{self, FORMAT};

/// A number for a queue or for contents that no other has ever had.
///
/// # Errors
/// A failure of the store.
pub fn next(rows: &mut dyn Transaction) -> Result<u64, Abort<Error>> {
    let key = keys::next_number();
    let number = match rows.get(&key)? {
        Some(row) => readable(read(&row).and_then(|mut input| input.number()))?,
        None => 1,
    };
    let mut output = Output(vec![FORMAT]);
    output.number(number + 1);
    rows.put(&key, &output.0);
    Ok(number)
}

/// The row of a time, in milliseconds since 1970.
pub fn time(time: i64) -> Vec<u8> {
    let mut output = Output(vec![FORMAT]);
    output.signed(time);
    output.0
}

/// The time in a row.
///
/// # Errors
/// A failure of the store.
pub fn read_time(row: &[u8]) -> Result<i64, Abort<Error>> {
    readable(read(row).and_then(|mut input| input.signed()))
}

fn read(row: &[u8]) -> Option<Input<'_>> {
    let mut input = Input(row);
    (input.byte()? == FORMAT).then_some(input)
}
