//! FIFO queues: messages in the order of their groups. While a message of a group is in flight, nothing more of the group
//! is received; a group of which nothing is in flight, and whose first message is ready, is listed by that message's
//! number.

use store::{Abort, Direction};
use wire::Error;

use super::{Contents, Held, Take, Taken, key_part, readable};
use crate::binary::{Input, Output};
use crate::keys;
use crate::limits::{RELEASED_AT_ONCE, TAKE_ROUNDS_MAX};
use crate::message::{Message, State};
use crate::receipt::Receipt;

/// What is known of a group that has messages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Group {
    /// Its messages in flight.
    in_flight: u64,
    /// Under which number it is listed.
    listed: Option<u64>,
}

impl Group {
    fn encode(self) -> Vec<u8> {
        let mut output = Output(vec![keys::FORMAT]);
        output.number(self.in_flight);
        output.byte(u8::from(self.listed.is_some()));
        output.number(self.listed.unwrap_or_default());
        output.0
    }

    fn decode(stored: &[u8]) -> Option<Group> {
        let mut input = Input(stored);
        let current = input.byte()? == keys::FORMAT;
        let (in_flight, listed, number) = (input.number()?, input.byte()?, input.number()?);
        current.then_some(Group { in_flight, listed: (listed == 1).then_some(number) })
    }
}

/// The group of a message of a FIFO queue.
fn group_of(message: &Message) -> &str {
    message.group.as_deref().unwrap_or_default()
}

impl Contents<'_> {
    pub(super) fn add_grouped(&mut self, held: &Held) -> Result<(), Abort<Error>> {
        let (contents, name) = (self.contents(), group_of(&held.message));
        self.put_grouped(held);
        if let State::Delayed { until } = held.message.state {
            self.rows.put(&keys::waiting(contents, until, held.sequence), name.as_bytes());
        }
        if self.rows.get(&keys::group(contents, name))?.is_none() {
            let ready = held.message.state == State::Ready;
            self.list(name, Group { in_flight: 0, listed: ready.then_some(held.sequence) });
        }
        Ok(())
    }

    pub(super) fn release_grouped(&mut self, sequence: u64, row: &[u8]) -> Result<(), Abort<Error>> {
        let name = readable(std::str::from_utf8(row).ok())?;
        let stored = self.rows.get(&keys::grouped(self.contents(), name, sequence))?;
        let Some(stored) = stored else { return Ok(()) };
        let mut held = Held { sequence, message: readable(Message::decode(&stored))? };
        if self.is_expired(&held.message) {
            return self.remove(&held);
        }
        self.make_ready(&mut held)
    }

    pub(super) fn take_grouped(&mut self, take: &Take) -> Result<Taken, Abort<Error>> {
        let mut taken = Taken::default();
        let ready = keys::all_ready(self.contents()).range();
        for _ in 0..TAKE_ROUNDS_MAX {
            let wanted = take.wanted(&taken);
            let groups = self.rows.scan(ready.clone(), Direction::Forward, wanted)?;
            let last = groups.len() < wanted;
            for (_, name) in groups {
                let name = readable(String::from_utf8(name.to_vec()).ok())?;
                self.take_of_group(&name, take, &mut taken)?;
                if take.wanted(&taken) == 0 {
                    return Ok(taken);
                }
            }
            // A group may be listed anew behind the ones just seen, when what was in front of it went elsewhere.
            if last && self.rows.scan(ready.clone(), Direction::Forward, 1)?.is_empty() {
                return Ok(taken);
            }
        }
        taken.more = true;
        Ok(taken)
    }

    /// Takes a group's first messages, as many as are wanted, in order.
    fn take_of_group(&mut self, name: &str, take: &Take, taken: &mut Taken) -> Result<(), Abort<Error>> {
        let contents = self.contents();
        let wanted = take.wanted(taken);
        let mut in_flight = 0;
        for (key, row) in self.rows.scan(keys::all_grouped(contents, name), Direction::Forward, wanted)? {
            let sequence = key_part(keys::read_grouped(&key))?;
            let mut held = Held { sequence, message: readable(Message::decode(&row))? };
            if held.message.state != State::Ready {
                break;
            }
            if self.is_expired(&held.message) {
                self.remove(&held)?;
            } else if take.is_dead(&held.message) {
                self.remove_dead(&held, &mut taken.dead)?;
            } else {
                self.received(&mut held, take.until);
                self.put_grouped(&held);
                self.rows.put(&keys::waiting(contents, take.until, sequence), name.as_bytes());
                taken.received.push(held);
                in_flight += 1;
            }
        }
        if in_flight > 0 {
            let group = self.group(name)?;
            self.unlist(group);
            self.list(name, Group { in_flight, listed: None });
        }
        Ok(())
    }

    pub(super) fn drop_expired_grouped(&mut self) -> Result<bool, Abort<Error>> {
        let ready = keys::all_ready(self.contents()).range();
        for _ in 0..RELEASED_AT_ONCE {
            // Groups are listed in the order of their first messages, so the first one shows whether any has expired.
            let Some((key, name)) = self.rows.scan(ready.clone(), Direction::Forward, 1)?.pop() else {
                return Ok(false);
            };
            let sequence = key_part(keys::read_ready(&key))?;
            let name = readable(std::str::from_utf8(&name).ok())?;
            let row = self.rows.get(&keys::grouped(self.contents(), name, sequence))?;
            let held = Held { sequence, message: readable(row.and_then(|row| Message::decode(&row)))? };
            if !self.is_expired(&held.message) {
                return Ok(false);
            }
            self.remove(&held)?;
        }
        Ok(true)
    }

    pub(super) fn find_grouped(&mut self, receipt: &Receipt) -> Result<Option<Held>, Abort<Error>> {
        let (sequence, name) = (receipt.sequence, receipt.group.as_deref().unwrap_or_default());
        let row = self.rows.get(&keys::grouped(self.contents(), name, sequence))?;
        row.map(|row| Ok(Held { sequence, message: readable(Message::decode(&row))? })).transpose()
    }

    pub(super) fn remove_grouped(&mut self, held: &Held) -> Result<(), Abort<Error>> {
        let (contents, name) = (self.contents(), group_of(&held.message));
        self.rows.delete(&keys::grouped(contents, name, held.sequence));
        let mut group = self.group(name)?;
        match held.message.state {
            State::Ready => {}
            State::Delayed { until } => self.rows.delete(&keys::waiting(contents, until, held.sequence)),
            State::InFlight { until, .. } => {
                self.rows.delete(&keys::waiting(contents, until, held.sequence));
                group.in_flight = group.in_flight.saturating_sub(1);
            }
        }
        self.relist(name, group)
    }

    pub(super) fn hide_grouped(&mut self, mut held: Held, until: i64) -> Result<(), Abort<Error>> {
        let contents = self.contents();
        if let State::InFlight { until, .. } = held.message.state {
            self.rows.delete(&keys::waiting(contents, until, held.sequence));
        }
        if until <= self.now {
            return self.make_ready(&mut held);
        }
        held.message.state = State::InFlight { until, moved: false };
        self.put_grouped(&held);
        self.rows.put(&keys::waiting(contents, until, held.sequence), group_of(&held.message).as_bytes());
        Ok(())
    }

    /// Makes a message ready that no longer waits.
    fn make_ready(&mut self, held: &mut Held) -> Result<(), Abort<Error>> {
        let mut group = self.group(group_of(&held.message))?;
        if matches!(held.message.state, State::InFlight { .. }) {
            group.in_flight = group.in_flight.saturating_sub(1);
        }
        self.counters.leave(held.message.state);
        held.message.state = State::Ready;
        self.counters.enter(State::Ready);
        self.put_grouped(held);
        self.relist(group_of(&held.message), group)
    }

    /// Lists a group by its first message, if that may be received.
    fn relist(&mut self, name: &str, group: Group) -> Result<(), Abort<Error>> {
        let contents = self.contents();
        if group.in_flight > 0 {
            self.list(name, group);
            return Ok(());
        }
        self.unlist(group);
        let first = self.rows.scan(keys::all_grouped(contents, name), Direction::Forward, 1)?.pop();
        let Some((key, row)) = first else {
            self.rows.delete(&keys::group(contents, name));
            return Ok(());
        };
        let ready = readable(Message::decode(&row))?.state == State::Ready;
        let sequence = key_part(keys::read_grouped(&key))?;
        self.list(name, Group { in_flight: 0, listed: ready.then_some(sequence) });
        Ok(())
    }

    fn group(&mut self, name: &str) -> Result<Group, Abort<Error>> {
        let row = self.rows.get(&keys::group(self.contents(), name))?;
        row.map_or(Ok(Group::default()), |row| readable(Group::decode(&row)))
    }

    /// Writes a group, and lists it if it is to be.
    fn list(&mut self, name: &str, group: Group) {
        let contents = self.contents();
        if let Some(sequence) = group.listed {
            self.rows.put(&keys::ready(contents, sequence), name.as_bytes());
        }
        self.rows.put(&keys::group(contents, name), &group.encode());
    }

    fn unlist(&mut self, group: Group) {
        if let Some(sequence) = group.listed {
            self.rows.delete(&keys::ready(self.contents(), sequence));
        }
    }

    fn put_grouped(&mut self, held: &Held) {
        let key = keys::grouped(self.contents(), group_of(&held.message), held.sequence);
        self.rows.put(&key, &held.message.encode());
    }
}

/// A new delay for messages that were sent already.
impl Contents<'_> {
    /// Gives delayed messages the queue's delay, counted from when they were sent. Begins behind the row of that time and
    /// number, and answers the last row it has seen if there may be more.
    ///
    /// # Errors
    /// A failure of the store.
    pub fn apply_delay(&mut self, after: Option<(i64, u64)>) -> Result<Option<(i64, u64)>, Abort<Error>> {
        let contents = self.contents();
        let all = keys::all_waiting(contents).range();
        let rest = after
            .map_or_else(|| all.clone(), |(until, number)| all.clone().after(&keys::waiting(contents, until, number)));
        let rows = self.rows.scan(rest, Direction::Forward, RELEASED_AT_ONCE)?;
        let more = rows.len() == RELEASED_AT_ONCE;
        let delay = i64::from(self.queue.settings().delay_seconds) * 1_000;
        let mut last = None;
        for (key, name) in rows {
            let (until, sequence) = key_part(keys::read_waiting(&key))?;
            last = Some((until, sequence));
            let name = readable(String::from_utf8(name.to_vec()).ok())?;
            let row = self.rows.get(&keys::grouped(contents, &name, sequence))?;
            let mut held = Held { sequence, message: readable(row.and_then(|row| Message::decode(&row)))? };
            let due = held.message.sent_at.saturating_add(delay);
            if !matches!(held.message.state, State::Delayed { .. }) || due == until {
                continue;
            }
            self.rows.delete(&key);
            if due <= self.now {
                self.make_ready(&mut held)?;
            } else {
                held.message.state = State::Delayed { until: due };
                self.put_grouped(&held);
                self.rows.put(&keys::waiting(contents, due, sequence), name.as_bytes());
            }
        }
        Ok(last.filter(|_| more))
    }
}
