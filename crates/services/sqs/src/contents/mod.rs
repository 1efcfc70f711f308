//! The messages of a queue, inside one transaction.
//!
//! A message of a standard queue is one row that moves: under *ready*, in the order of sending, while it may be received,
//! and under *waiting*, in the order of time, while it is delayed or in flight. A message of a FIFO queue stays in its
//! group's order, and *ready* lists the groups from which may be received. Either way the next message, and the next one
//! that becomes ready, is the first row of a range, however long the queue is. How many messages are in which state is
//! counted as they move.

mod counters;
mod fifo;
mod standard;

use platform::OrFailure;
use store::keys::KeyError;
use store::{Abort, Direction, StoreError, Transaction};
use wire::Error;

pub use counters::Counters;

use crate::keys;
use crate::limits::{INLINE_BYTES_MAX, RELEASED_AT_ONCE};
use crate::message::{Content, Message, State};
use crate::queue::Queue;
use crate::receipt::Receipt;

/// The contents of a queue. [`Contents::close`] has to be called for anything to count.
pub struct Contents<'t> {
    rows: &'t mut dyn Transaction,
    queue: &'t Queue,
    counters: Counters,
    opened: Counters,
    now: i64,
}

/// A message and its number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Its number within the queue.
    pub sequence: u64,
    /// The message.
    pub message: Message,
}

/// What a receiving transaction wants.
#[derive(Debug, Clone, Copy)]
pub struct Take {
    /// Most messages.
    pub count: usize,
    /// Until when they are invisible, in milliseconds since 1970.
    pub until: i64,
    /// Messages that were received so often are dead letters.
    pub receive_count_max: Option<u32>,
    /// Most dead letters.
    pub dead_max: usize,
}

/// What it found.
#[derive(Debug, Default)]
pub struct Taken {
    /// Messages for the receiver, now in flight.
    pub received: Vec<Held>,
    /// Dead letters, removed here, with their payloads.
    pub dead: Vec<(Message, Vec<u8>)>,
    /// There may be more: the search ended at a bound.
    pub more: bool,
}

/// What a receipt handle leads to.
#[derive(Debug)]
pub enum Found {
    /// The message, as it was when the handle was given.
    Current(Box<Held>),
    /// The message was received again, or is ready again (FIFO queues).
    Outdated,
    /// No message.
    Gone,
}

impl<'t> Contents<'t> {
    /// Opens the contents of a queue at a time (milliseconds since 1970).
    ///
    /// # Errors
    /// A failure of the store.
    pub fn open(rows: &'t mut dyn Transaction, queue: &'t Queue, now: i64) -> Result<Contents<'t>, Abort<Error>> {
        let row = rows.get(&keys::counters(queue.record.number))?;
        let counters = row.map_or(Ok(Counters::default()), |row| readable(Counters::decode(&row)))?;
        Ok(Contents { rows, queue, counters, opened: counters, now })
    }

    /// Writes the counters.
    pub fn close(self) {
        if self.counters != self.opened {
            self.rows.put(&keys::counters(self.queue.record.number), &self.counters.encode());
        }
    }

    /// How many messages there are, by state.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// Adds a message, in the state that it says.
    ///
    /// # Errors
    /// A failure of the store.
    pub fn add(&mut self, mut message: Message, payload: Vec<u8>) -> Result<u64, Abort<Error>> {
        let sequence = self.counters.next;
        self.counters.next += 1;
        if payload.len() > INLINE_BYTES_MAX {
            self.rows.put(&keys::payload(self.contents(), sequence), &payload);
            message.content = Content::Apart;
        } else {
            message.content = Content::Inline(payload);
        }
        self.counters.enter(message.state);
        let held = Held { sequence, message };
        if self.queue.is_fifo() {
            self.add_grouped(&held)?
        } else {
            self.put_standard(&held)
        }
        Ok(sequence)
    }

    /// Makes messages ready whose time has come, and drops those whose retention is over. Answers whether there may be
    /// more of them.
    ///
    /// # Errors
    /// A failure of the store.
    pub fn release_due(&mut self) -> Result<bool, Abort<Error>> {
        let due = keys::waiting_until(self.contents(), self.now);
        let due = self.rows.scan(due, Direction::Forward, RELEASED_AT_ONCE)?;
        let more = due.len() == RELEASED_AT_ONCE;
        for (key, row) in due {
            let (_, sequence) = key_part(keys::read_waiting(&key))?;
            self.rows.delete(&key);
            if self.queue.is_fifo() {
                self.release_grouped(sequence, &row)?
            } else {
                self.release_standard(sequence, &row)?
            }
        }
        Ok(more)
    }

    /// Receives messages.
    ///
    /// # Errors
    /// A failure of the store.
    pub fn take(&mut self, take: &Take) -> Result<Taken, Abort<Error>> {
        if self.queue.is_fifo() { self.take_grouped(take) } else { self.take_standard(take) }
    }

    /// Drops ready messages whose retention is over. Answers whether there may be more of them.
    ///
    /// # Errors
    /// A failure of the store.
    pub fn drop_expired(&mut self) -> Result<bool, Abort<Error>> {
        if self.queue.is_fifo() { self.drop_expired_grouped() } else { self.drop_expired_standard() }
    }

    /// What a receipt handle of this queue leads to.
    ///
    /// # Errors
    /// A failure of the store.
    pub fn find(&mut self, receipt: &Receipt) -> Result<Found, Abort<Error>> {
        let held = if self.queue.is_fifo() { self.find_grouped(receipt)? } else { self.find_standard(receipt)? };
        let Some(held) = held.filter(|held| held.message.id == receipt.id) else { return Ok(Found::Gone) };
        let ready_again = self.queue.is_fifo() && held.message.state == State::Ready;
        let current = held.message.receive_count == receipt.receive_count && !ready_again;
        Ok(if current { Found::Current(Box::new(held)) } else { Found::Outdated })
    }

    /// Removes a message.
    ///
    /// # Errors
    /// A failure of the store.
    pub fn remove(&mut self, held: &Held) -> Result<(), Abort<Error>> {
        if held.message.content == Content::Apart {
            self.rows.delete(&keys::payload(self.contents(), held.sequence));
        }
        self.counters.leave(held.message.state);
        if self.queue.is_fifo() { self.remove_grouped(held) } else { self.unplace_standard(held) }
    }

    /// Changes until when a message that was received is invisible; it is ready at once if that time has come.
    ///
    /// # Errors
    /// A failure of the store.
    pub fn hide(&mut self, held: Held, until: i64) -> Result<(), Abort<Error>> {
        if self.queue.is_fifo() { self.hide_grouped(held, until) } else { self.hide_standard(held, until) }
    }

    /// The payload of a message, as it was added.
    ///
    /// # Errors
    /// A failure of the store.
    pub fn payload(&mut self, held: &Held) -> Result<Vec<u8>, Abort<Error>> {
        match &held.message.content {
            Content::Inline(stored) => Ok(stored.clone()),
            Content::Apart => {
                let stored = self.rows.get(&keys::payload(self.contents(), held.sequence))?;
                readable(stored.map(|stored| stored.to_vec()))
            }
        }
    }

    /// Removes a message that goes to another queue.
    fn remove_dead(&mut self, held: &Held, dead: &mut Vec<(Message, Vec<u8>)>) -> Result<(), Abort<Error>> {
        let payload = self.payload(held)?;
        self.remove(held)?;
        dead.push((held.message.clone(), payload));
        Ok(())
    }

    /// The message as it is once received.
    fn received(&mut self, held: &mut Held, until: i64) {
        self.counters.leave(held.message.state);
        let message = &mut held.message;
        message.state = State::InFlight { until, moved: false };
        message.receive_count = message.receive_count.saturating_add(1);
        message.last_received = self.now;
        if message.first_received == 0 {
            message.first_received = self.now;
        }
        self.counters.enter(message.state);
    }

    fn is_expired(&self, message: &Message) -> bool {
        message.is_expired(self.queue.settings().retention_seconds, self.now)
    }

    fn contents(&self) -> u64 {
        self.queue.record.contents
    }
}

impl Take {
    /// How many messages may still be looked at, after what was taken so far.
    fn wanted(&self, taken: &Taken) -> usize {
        let received = self.count.saturating_sub(taken.received.len());
        received.min(self.dead_max.saturating_sub(taken.dead.len()))
    }

    fn is_dead(&self, message: &Message) -> bool {
        self.receive_count_max.is_some_and(|most| message.receive_count >= most)
    }
}

/// Makes messages of a queue ready whose time has come, in a step of its own: what follows may fail and change nothing.
///
/// # Errors
/// A failure of the store.
pub fn release(queue: &Queue, rows: &mut dyn Transaction, now: i64) -> Result<bool, Abort<Error>> {
    let mut contents = Contents::open(rows, queue, now)?;
    let more = contents.release_due()?;
    contents.close();
    Ok(more)
}

/// What was stored, or a failure.
pub fn readable<T>(decoded: Option<T>) -> Result<T, Abort<Error>> {
    Ok(decoded.ok_or_else(|| StoreError::Read("a row of a queue cannot be read".into())).or_failure()?)
}

/// A part of a key, or a failure.
pub fn key_part<T>(part: Result<T, KeyError>) -> Result<T, Abort<Error>> {
    Ok(part.map_err(|error| StoreError::Read(error.to_string().into())).or_failure()?)
}
