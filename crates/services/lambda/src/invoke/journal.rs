//! The log of one environment: what its function prints, between the platform's own lines.
//!
//! The function's output and the invocations' beginnings and ends reach the journal by two ways. The sandbox marks in
//! the output where each invocation ends; the journal takes the begin and the figures of that invocation when it sees
//! the mark, or the begin alone when the function prints before. So lines stand where they belong, and the invocation
//! itself never waits for its log.

use std::collections::VecDeque;
use std::sync::Arc;

use api::logs::InputLogEvent;
use platform::Clock;
use sandbox::{OutputEvent, OutputLine, OutputReceiver};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use wire::Timestamp;

use super::limits::{GATHERED_LOG_BYTES_MAX, LOG_EVENT_OVERHEAD_BYTES, TAIL_BYTES_MAX};
use super::lines::{Lines, Report};
use super::shipper::{Shipper, Target};

/// Entries that may wait for a journal whose output is being held back.
const ENTRIES_WAITING_MAX: usize = 32;

/// What the platform tells a journal.
enum Entry {
    Begin { request_id: String, at: Timestamp },
    Finish { request_id: String, report: Report, tail: Option<oneshot::Sender<Vec<u8>>> },
    Line(String),
}

/// The platform's end of an environment's log.
pub struct Journal {
    entries: mpsc::Sender<Entry>,
    task: JoinHandle<()>,
}

/// What a journal is made of.
pub struct JournalParts {
    /// What the function prints.
    pub output: OutputReceiver,
    /// Where lines go.
    pub target: Arc<Target>,
    /// Who brings them there.
    pub shipper: Shipper,
    /// The platform's lines.
    pub lines: Lines,
    /// Time.
    pub clock: Clock,
    /// The first lines.
    pub first: Vec<String>,
    /// A carriage return stands for a line feed within an event, as the clients of managed runtimes write it.
    pub returns_are_line_feeds: bool,
}

impl Journal {
    /// Starts writing.
    pub fn start(parts: JournalParts) -> Journal {
        let (entries, receiver) = mpsc::channel(ENTRIES_WAITING_MAX);
        let mut writer = Writer {
            entries: receiver,
            target: parts.target,
            shipper: parts.shipper,
            lines: parts.lines,
            clock: parts.clock,
            gathered: Vec::new(),
            gathered_bytes: 0,
            active: None,
            tail: VecDeque::new(),
            returns_are_line_feeds: parts.returns_are_line_feeds,
        };
        parts.first.into_iter().for_each(|line| writer.add(line));
        // The tail begins with what the function itself prints while it is initialised.
        writer.tail.clear();
        let task = tokio::spawn(writer.run(parts.output));
        Journal { entries, task }
    }

    /// An invocation is about to be handed to the function.
    pub async fn begin(&self, request_id: &str, at: Timestamp) {
        self.tell(Entry::Begin { request_id: request_id.to_owned(), at }).await;
    }

    /// The invocation that began last is over. `tail` gets the end of its log.
    pub async fn finish(&self, request_id: &str, report: Report, tail: Option<oneshot::Sender<Vec<u8>>>) {
        self.tell(Entry::Finish { request_id: request_id.to_owned(), report, tail }).await;
    }

    /// A line of the platform behind everything the function has printed. To be used once its environment is gone.
    pub async fn add(&self, line: String) {
        self.tell(Entry::Line(line)).await;
    }

    /// Waits until everything is handed on. To be called once its environment is gone.
    pub async fn close(self) {
        drop(self.entries);
        // An error means that it panicked, which the runtime has reported.
        let _ = self.task.await;
    }

    async fn tell(&self, entry: Entry) {
        // The writer ends only when this end is dropped.
        let _ = self.entries.send(entry).await;
    }
}

struct Writer {
    entries: mpsc::Receiver<Entry>,
    target: Arc<Target>,
    shipper: Shipper,
    lines: Lines,
    clock: Clock,
    gathered: Vec<InputLogEvent>,
    gathered_bytes: usize,
    /// The invocation whose first line is written and whose last is not.
    active: Option<String>,
    /// The end of the log since the last invocation ended.
    tail: VecDeque<u8>,
    returns_are_line_feeds: bool,
}

impl Writer {
    async fn run(mut self, mut output: OutputReceiver) {
        while let Some(event) = output.next().await {
            match event {
                OutputEvent::Lines(lines) => self.print(lines).await,
                OutputEvent::InvocationEnd { request_id } => self.finish_invocation(&request_id).await,
                OutputEvent::Closed => self.flush().await,
            }
        }
        while let Some(entry) = self.entries.recv().await {
            self.enter(entry);
        }
        self.flush().await;
    }

    async fn print(&mut self, lines: Vec<OutputLine>) {
        if self.active.is_none()
            && let Ok(entry) = self.entries.try_recv()
        {
            self.enter(entry);
        }
        for line in lines {
            let mut text = String::from_utf8_lossy(&line.text).into_owned();
            if self.returns_are_line_feeds {
                text = text.replace('\r', "\n");
            }
            if !line.continues {
                text.push('\n');
            }
            self.add(text);
            if self.gathered_bytes >= GATHERED_LOG_BYTES_MAX {
                self.flush().await;
            }
        }
        self.flush().await;
    }

    /// Takes the entries of the invocation whose end was marked in the output.
    async fn finish_invocation(&mut self, ended: &str) {
        while let Some(entry) = self.entries.recv().await {
            let done = matches!(&entry, Entry::Finish { request_id, .. } if request_id == ended);
            self.enter(entry);
            if done {
                break;
            }
        }
        self.flush().await;
    }

    fn enter(&mut self, entry: Entry) {
        match entry {
            Entry::Line(line) => self.add(line),
            Entry::Begin { request_id, at } => {
                if let Some(line) = self.lines.start(at, &request_id) {
                    self.add_at(line, at);
                }
                self.active = Some(request_id);
            }
            Entry::Finish { request_id, report, tail } => {
                let now = self.clock.now();
                for line in self.lines.end(now, &request_id, &report) {
                    self.add_at(line, now);
                }
                self.active = None;
                let last = self.tail.drain(..);
                if let Some(tail) = tail {
                    // The caller may have gone.
                    let _ = tail.send(last.collect());
                }
            }
        }
    }

    fn add(&mut self, line: String) {
        let now = self.clock.now();
        self.add_at(line, now);
    }

    fn add_at(&mut self, message: String, at: Timestamp) {
        self.gathered_bytes += message.len() + LOG_EVENT_OVERHEAD_BYTES;
        let last = &message.as_bytes()[message.len().saturating_sub(TAIL_BYTES_MAX)..];
        self.tail.extend(last);
        let surplus = self.tail.len().saturating_sub(TAIL_BYTES_MAX);
        self.tail.drain(..surplus);
        self.gathered.push(InputLogEvent { timestamp: at.milliseconds(), message, ..Default::default() });
    }

    async fn flush(&mut self) {
        self.gathered_bytes = 0;
        self.shipper.ship(&self.target, std::mem::take(&mut self.gathered)).await;
    }
}
