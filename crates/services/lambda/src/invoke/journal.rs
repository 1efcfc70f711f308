//! The log of one environment: what its function prints, between the platform's own lines.
//!
//! Whoever drives the environment writes it: the sandbox hands over what is printed while it waits for the function, and
//! the beginning and the figures of an invocation are put around that. No task of its own, so that an invocation costs
//! no hand-over, and lines stand where they belong because one after another wrote them.

use std::collections::VecDeque;
use std::sync::Arc;

use api::logs::InputLogEvent;
use platform::Clock;
use sandbox::{OutputLine, OutputSink};
use wire::Timestamp;

use super::limits::{GATHERED_LOG_BYTES_MAX, LOG_EVENT_OVERHEAD_BYTES, LOG_WRITE_INTERVAL, TAIL_BYTES_MAX};
use super::lines::{Lines, Report};
use super::shipper::{Shipper, Target};

/// An environment's log.
pub struct Journal {
    /// Where lines go.
    pub target: Arc<Target>,
    /// Who brings them there.
    pub shipper: Shipper,
    /// The platform's lines.
    pub lines: Lines,
    /// Time.
    pub clock: Clock,
    /// A carriage return stands for a line feed within an event, as the clients of managed runtimes write it.
    pub returns_are_line_feeds: bool,
    /// Lines that were not handed to the shipper yet.
    gathered: Vec<InputLogEvent>,
    gathered_bytes: usize,
    /// The end of the log since the last invocation ended.
    tail: VecDeque<u8>,
}

impl Journal {
    /// An empty log.
    pub fn new(
        target: Arc<Target>,
        shipper: Shipper,
        lines: Lines,
        clock: Clock,
        returns_are_line_feeds: bool,
    ) -> Journal {
        Journal {
            target,
            shipper,
            lines,
            clock,
            returns_are_line_feeds,
            gathered: Vec::new(),
            gathered_bytes: 0,
            tail: VecDeque::new(),
        }
    }

    /// Lines of the platform that come before everything else and do not belong to the first invocation's tail.
    pub fn open(&mut self, first: Vec<String>) {
        first.into_iter().for_each(|line| self.add(line));
        self.tail.clear();
    }

    /// An invocation is about to be handed to the function.
    pub fn begin(&mut self, request_id: &str, at: Timestamp) {
        if let Some(line) = self.lines.start(at, request_id) {
            self.add_at(line, at);
        }
    }

    /// The invocation that began last is over. Answers the end of its log.
    pub fn finish(&mut self, request_id: &str, at: Timestamp, report: &Report) -> Vec<u8> {
        for line in self.lines.end(at, request_id, report) {
            self.add_at(line, at);
        }
        self.tail.drain(..).collect()
    }

    /// Adds a line of the platform.
    pub fn add(&mut self, line: String) {
        let now = self.clock.now();
        self.add_at(line, now);
    }

    /// As [`Journal::flush`], if much was gathered or some of it long ago.
    pub async fn flush_if_due(&mut self) {
        let oldest = self.gathered.first().map_or(i64::MAX, |event| event.timestamp);
        let waited_ms = self.clock.milliseconds().saturating_sub(oldest);
        if self.gathered_bytes > GATHERED_LOG_BYTES_MAX || waited_ms > LOG_WRITE_INTERVAL.as_millis() as i64 {
            self.flush().await;
        }
    }

    /// Hands over what was gathered; waits while too much is waiting already. Loses nothing when it is given up.
    pub async fn flush(&mut self) {
        if self.gathered.is_empty() {
            return;
        }
        if let Some(place) = self.shipper.place(self.gathered_bytes).await {
            self.gathered_bytes = 0;
            place.ship(&self.target, std::mem::take(&mut self.gathered));
        }
    }

    fn add_at(&mut self, message: String, at: Timestamp) {
        self.gathered_bytes += message.len() + LOG_EVENT_OVERHEAD_BYTES;
        let last = &message.as_bytes()[message.len().saturating_sub(TAIL_BYTES_MAX)..];
        self.tail.extend(last);
        let surplus = self.tail.len().saturating_sub(TAIL_BYTES_MAX);
        self.tail.drain(..surplus);
        self.gathered.push(InputLogEvent { timestamp: at.milliseconds(), message, ..Default::default() });
    }
}

impl OutputSink for Journal {
    fn print(&mut self, lines: Vec<OutputLine>) {
        for line in lines {
            let mut text = String::from_utf8_lossy(&line.text).into_owned();
            if self.returns_are_line_feeds {
                text = text.replace('\r', "\n");
            }
            if !line.continues {
                text.push('\n');
            }
            self.add(text);
        }
    }

    /// What was printed is to be seen while the function goes on.
    async fn room(&mut self) {
        self.flush().await;
    }
}
