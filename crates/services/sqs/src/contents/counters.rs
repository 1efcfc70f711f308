//! How many messages a queue has.

use crate::binary::{Input, Output};
use crate::keys::FORMAT;
use crate::message::State;

/// Messages by state, and the number of the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// The number that the next message gets.
    pub next: u64,
    /// Messages that may be received.
    pub ready: u64,
    /// Messages that were received and not deleted yet.
    pub in_flight: u64,
    /// Messages that were sent with a delay.
    pub delayed: u64,
}

impl Counters {
    /// A message comes into this state.
    pub fn enter(&mut self, state: State) {
        *self.of(state) += 1;
    }

    /// A message leaves this state.
    pub fn leave(&mut self, state: State) {
        let count = self.of(state);
        *count = count.saturating_sub(1);
    }

    /// As they are once all messages are gone.
    pub fn emptied(self) -> Counters {
        Counters { next: self.next, ..Counters::default() }
    }

    fn of(&mut self, state: State) -> &mut u64 {
        match state {
            State::Ready => &mut self.ready,
            State::Delayed { .. } => &mut self.delayed,
            State::InFlight { .. } => &mut self.in_flight,
        }
    }

    /// The stored form.
    pub fn encode(&self) -> Vec<u8> {
        let mut output = Output(vec![FORMAT]);
        for number in [self.next, self.ready, self.in_flight, self.delayed] {
            output.number(number);
        }
        output.0
    }

    /// Reads what [`Counters::encode`] wrote.
    pub fn decode(stored: &[u8]) -> Option<Counters> {
        let mut input = Input(stored);
        let current = input.byte()? == FORMAT;
        let (next, ready) = (input.number()?, input.number()?);
        let (in_flight, delayed) = (input.number()?, input.number()?);
        (current && input.0.is_empty()).then_some(Counters { next, ready, in_flight, delayed })
    }
}
