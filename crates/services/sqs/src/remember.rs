//! What a FIFO queue remembers for five minutes: which message a deduplication id stood for, and which messages a
//! receiving call got.

use store::{Abort, Direction, Transaction};
use uuid::Uuid;
use wire::Error;

use crate::binary::{Input, Output};
use crate::contents::{key_part, readable};
use crate::keys::{self, FORMAT};
use crate::limits::{DEDUPLICATION_MILLISECONDS, FORGOTTEN_AT_ONCE};
use crate::receipt::Receipt;
use store::keys::KeyReader;

const MESSAGE: u8 = 1;
const ATTEMPT: u8 = 2;

/// The message that a deduplication id stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sent {
    /// Its id.
    pub id: Uuid,
    /// Its number.
    pub sequence: u64,
}

/// The memory of a queue at a time (milliseconds since 1970).
pub struct Memory<'t> {
    rows: &'t mut dyn Transaction,
    queue: u64,
    now: i64,
}

impl<'t> Memory<'t> {
    /// The memory of the queue of that number.
    pub fn new(rows: &'t mut dyn Transaction, queue: u64, now: i64) -> Memory<'t> {
        Memory { rows, queue, now }
    }

    /// The message that was sent under a deduplication id of a scope.
    ///
    /// # Errors
    /// A failure of the store.
    pub fn sent(&mut self, scope: &str, id: &str) -> Result<Option<Sent>, Abort<Error>> {
        let Some(row) = self.recall(&keys::remembered(self.queue, MESSAGE, scope, id))? else { return Ok(None) };
        let mut input = Input(&row);
        let sent = input.take(16).and_then(|id| Uuid::from_slice(id).ok()).zip(input.number());
        readable(sent.map(|(id, sequence)| Some(Sent { id, sequence })))
    }

    /// Notes the message sent under a deduplication id.
    ///
    /// # Errors
    /// A failure of the store.
    pub fn note_sent(&mut self, scope: &str, id: &str, sent: Sent) -> Result<(), Abort<Error>> {
        let mut output = Output::default();
        output.0.extend(sent.id.as_bytes());
        output.number(sent.sequence);
        self.note(&keys::remembered(self.queue, MESSAGE, scope, id), &output.0)
    }

    /// The receipts that a receiving call got.
    ///
    /// # Errors
    /// A failure of the store.
    pub fn received(&mut self, attempt: &str) -> Result<Option<Vec<Receipt>>, Abort<Error>> {
        let Some(row) = self.recall(&keys::remembered(self.queue, ATTEMPT, "", attempt))? else { return Ok(None) };
        let mut input = Input(&row);
        let mut receipts = Vec::new();
        // Each round consumes at least the length of a text.
        while !input.0.is_empty() {
            receipts.push(readable(input.text().and_then(|handle| Receipt::decode(&handle)))?);
        }
        Ok(Some(receipts))
    }

    /// Notes the receipts that a receiving call got.
    ///
    /// # Errors
    /// A failure of the store.
    pub fn note_received(&mut self, attempt: &str, receipts: &[Receipt]) -> Result<(), Abort<Error>> {
        let mut output = Output::default();
        for receipt in receipts {
            output.bytes(receipt.encode().as_bytes());
        }
        self.note(&keys::remembered(self.queue, ATTEMPT, "", attempt), &output.0)
    }

    /// Removes some of what may be forgotten. Answers whether there may be more.
    ///
    /// # Errors
    /// A failure of the store.
    pub fn forget(&mut self) -> Result<bool, Abort<Error>> {
        let old = keys::forget_before(self.queue, self.now);
        let old = self.rows.scan(old, Direction::Forward, FORGOTTEN_AT_ONCE)?;
        let more = old.len() == FORGOTTEN_AT_ONCE;
        for (mark, _) in old {
            let (until, key) = key_part(read_forget(&mark))?;
            self.rows.delete(&mark);
            // Noted anew meanwhile, it is to be remembered longer.
            let row = self.rows.get(&key)?;
            if row.is_some_and(|row| expiry(&row).is_none_or(|(noted, _)| noted <= until)) {
                self.rows.delete(&key);
            }
        }
        Ok(more)
    }

    fn recall(&mut self, key: &[u8]) -> Result<Option<Vec<u8>>, Abort<Error>> {
        let Some(row) = self.rows.get(key)? else { return Ok(None) };
        let (until, rest) = readable(expiry(&row))?;
        Ok((until > self.now).then(|| rest.to_vec()))
    }

    fn note(&mut self, key: &[u8], what: &[u8]) -> Result<(), Abort<Error>> {
        let until = self.now.saturating_add(DEDUPLICATION_MILLISECONDS);
        let mut output = Output(vec![FORMAT]);
        output.signed(until);
        output.0.extend(what);
        self.rows.put(key, &output.0);
        self.rows.put(&keys::forget(self.queue, until, key), &[]);
        self.forget()?;
        Ok(())
    }
}

/// When a row may be forgotten, and what it says.
fn expiry(row: &[u8]) -> Option<(i64, &[u8])> {
    let mut input = Input(row);
    let current = input.byte()? == FORMAT;
    let until = input.signed()?;
    current.then_some((until, input.0))
}

fn read_forget(mark: &[u8]) -> Result<(i64, Vec<u8>), store::keys::KeyError> {
    let mut reader = KeyReader::new(mark);
    reader.u8()?;
    reader.u64()?;
    reader.u8()?;
    Ok((reader.timestamp_millis()?, reader.bytes()?.into_owned()))
}
