//! Standard queues: each message for itself, about in the order of sending.

use store::{Abort, Direction};
use wire::Error;

use super::{Contents, Held, Take, Taken, key_part, readable};
use crate::binary::{Input, Output};
use crate::keys;
use crate::limits::{RELEASED_AT_ONCE, TAKE_ROUNDS_MAX};
use crate::message::{Message, State};
use crate::receipt::Receipt;

impl Contents<'_> {
    /// Puts a message where its state says.
    pub(super) fn put_standard(&mut self, held: &Held) {
        let contents = self.contents();
        let key = match held.message.state {
            State::Ready => keys::ready(contents, held.sequence),
            State::Delayed { until } | State::InFlight { until, .. } => keys::waiting(contents, until, held.sequence),
        };
        if let State::InFlight { until, moved: true } = held.message.state {
            let mut output = Output(vec![keys::FORMAT]);
            output.signed(until);
            self.rows.put(&keys::moved(contents, held.sequence), &output.0);
        }
        self.rows.put(&key, &held.message.encode());
    }

    /// Takes a message away from where its state says.
    pub(super) fn unplace_standard(&mut self, held: &Held) -> Result<(), Abort<Error>> {
        let contents = self.contents();
        match held.message.state {
            State::Ready => self.rows.delete(&keys::ready(contents, held.sequence)),
            State::Delayed { until } => self.rows.delete(&keys::waiting(contents, until, held.sequence)),
            State::InFlight { until, moved } => {
                self.rows.delete(&keys::waiting(contents, until, held.sequence));
                if moved {
                    self.rows.delete(&keys::moved(contents, held.sequence));
                }
            }
        }
        Ok(())
    }

    pub(super) fn release_standard(&mut self, sequence: u64, row: &[u8]) -> Result<(), Abort<Error>> {
        let mut held = Held { sequence, message: readable(Message::decode(row))? };
        if self.is_expired(&held.message) {
            return self.remove(&held);
        }
        self.unplace_standard(&held)?;
        self.counters.leave(held.message.state);
        held.message.state = State::Ready;
        self.counters.enter(State::Ready);
        self.put_standard(&held);
        Ok(())
    }

    pub(super) fn take_standard(&mut self, take: &Take) -> Result<Taken, Abort<Error>> {
        let mut taken = Taken::default();
        let ready = keys::all_ready(self.contents()).range();
        for _ in 0..TAKE_ROUNDS_MAX {
            let wanted = take.wanted(&taken);
            let rows = self.rows.scan(ready.clone(), Direction::Forward, wanted)?;
            let last = rows.len() < wanted;
            for (key, row) in rows {
                let sequence = key_part(keys::read_ready(&key))?;
                let mut held = Held { sequence, message: readable(Message::decode(&row))? };
                if self.is_expired(&held.message) {
                    self.remove(&held)?;
                } else if take.is_dead(&held.message) {
                    self.remove_dead(&held, &mut taken.dead)?;
                } else {
                    self.unplace_standard(&held)?;
                    self.received(&mut held, take.until);
                    self.put_standard(&held);
                    taken.received.push(held);
                }
            }
            if last || take.wanted(&taken) == 0 {
                return Ok(taken);
            }
        }
        taken.more = true;
        Ok(taken)
    }

    pub(super) fn drop_expired_standard(&mut self) -> Result<bool, Abort<Error>> {
        let ready = keys::all_ready(self.contents()).range();
        // One row shows most of the time that there is nothing to do, without reading many.
        for limit in [1, RELEASED_AT_ONCE] {
            for (key, row) in self.rows.scan(ready.clone(), Direction::Forward, limit)? {
                let sequence = key_part(keys::read_ready(&key))?;
                let held = Held { sequence, message: readable(Message::decode(&row))? };
                if !self.is_expired(&held.message) {
                    return Ok(false);
                }
                self.remove(&held)?;
            }
        }
        Ok(self.counters.ready > 0)
    }

    pub(super) fn find_standard(&mut self, receipt: &Receipt) -> Result<Option<Held>, Abort<Error>> {
        let (contents, sequence) = (self.contents(), receipt.sequence);
        let mut row = self.rows.get(&keys::waiting(contents, receipt.until, sequence))?;
        if row.is_none()
            && let Some(moved) = self.rows.get(&keys::moved(contents, sequence))?
        {
            let mut input = Input(&moved);
            let until = readable(input.byte().filter(|format| *format == keys::FORMAT).and_then(|_| input.signed()))?;
            row = self.rows.get(&keys::waiting(contents, until, sequence))?;
        }
        if row.is_none() {
            row = self.rows.get(&keys::ready(contents, sequence))?;
        }
        let held = row.map(|row| Ok(Held { sequence, message: readable(Message::decode(&row))? }));
        held.transpose()
    }

    pub(super) fn hide_standard(&mut self, mut held: Held, until: i64) -> Result<(), Abort<Error>> {
        self.unplace_standard(&held)?;
        self.counters.leave(held.message.state);
        held.message.state = if until <= self.now { State::Ready } else { State::InFlight { until, moved: true } };
        self.counters.enter(held.message.state);
        self.put_standard(&held);
        Ok(())
    }
}
