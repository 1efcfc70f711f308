//! What a function prints: a pipe shared by stdout and stderr, read into lines.
//!
//! Both streams share one pipe because their order matters and their difference does not (CloudWatch Logs keeps none).
//! Nothing here buffers without end: when the consumer is slow the batches fill up, then the pipe, and then the function
//! blocks in `write` as it would on any pipe.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

use bytes::{Bytes, BytesMut};
use tokio::net::unix::pipe;
use tokio::sync::mpsc;

use crate::limits;

/// Something that happened on a function's output, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OutputEvent {
    /// Lines the function wrote.
    Lines(Vec<OutputLine>),
    /// Everything the function wrote before the end of this invocation has been delivered.
    InvocationEnd {
        /// The invocation's request id, as given.
        request_id: String,
    },
    /// The function can write nothing more: it has ended, or closed its output.
    Closed,
}

/// One line, without its line feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputLine {
    /// The bytes as written; not necessarily UTF-8.
    pub text: Bytes,
    /// True when the line goes on in the next one, because it is longer than [`limits::LINE_BYTES_MAX`].
    pub continues: bool,
}

/// The receiving end of one environment's output. Dropping it discards what the function prints from then on.
#[derive(Debug)]
pub struct OutputReceiver {
    events: mpsc::Receiver<OutputEvent>,
}

impl OutputReceiver {
    /// The next event, or `None` when the environment is gone and everything was delivered.
    pub async fn next(&mut self) -> Option<OutputEvent> {
        self.events.recv().await
    }
}

/// The environment's side: asks the reader to mark the end of an invocation.
#[derive(Debug)]
pub(crate) struct OutputControl {
    ends: mpsc::Sender<String>,
}

impl OutputControl {
    /// Marks the end of an invocation: whatever is in the pipe now belongs to it. Waits only when the consumer is
    /// [`limits::OUTPUT_MARKS_MAX`] invocations behind.
    pub(crate) async fn end_invocation(&self, request_id: &str) {
        // The reader ends only with the environment; there is nobody left to tell then.
        let _ = self.ends.send(request_id.to_owned()).await;
    }
}

/// Starts reading a pipe. The task ends when `OutputControl` is dropped and the pipe is at its end.
pub(crate) fn read_output(pipe: OwnedFd) -> io::Result<(OutputControl, OutputReceiver)> {
    let pipe = pipe::Receiver::from_owned_fd(pipe)?;
    let (events, event_receiver) = mpsc::channel(limits::OUTPUT_BATCHES_MAX);
    let (ends, end_receiver) = mpsc::channel(limits::OUTPUT_MARKS_MAX);
    let reader = Reader { pipe, lines: LineSplitter::default(), events };
    tokio::spawn(reader.run(end_receiver));
    Ok((OutputControl { ends }, OutputReceiver { events: event_receiver }))
}

struct Reader {
    pipe: pipe::Receiver,
    lines: LineSplitter,
    events: mpsc::Sender<OutputEvent>,
}

impl Reader {
    async fn run(mut self, mut ends: mpsc::Receiver<String>) {
        loop {
            tokio::select! {
                biased;
                end = ends.recv() => match end {
                    Some(request_id) => self.finish_invocation(request_id).await,
                    None => break,
                },
                ready = self.pipe.readable() => {
                    if ready.is_err() || !self.read_some(limits::OUTPUT_READ_BYTES).await {
                        break;
                    }
                }
            }
        }
        self.drain().await;
        self.flush().await;
        self.send(OutputEvent::Closed).await;
        while let Some(request_id) = ends.recv().await {
            self.send(OutputEvent::InvocationEnd { request_id }).await;
        }
    }

    /// Delivers what is in the pipe at this moment, an unfinished line included, and then the mark.
    async fn finish_invocation(&mut self, request_id: String) {
        self.drain().await;
        self.flush().await;
        self.send(OutputEvent::InvocationEnd { request_id }).await;
    }

    /// Reads as many bytes as the pipe holds now, and no more: a function that never stops printing ends too.
    async fn drain(&mut self) {
        let mut left = bytes_in_pipe(&self.pipe);
        while left > 0 {
            let before = self.lines.total;
            if !self.read_some(left.min(limits::OUTPUT_READ_BYTES)).await {
                return;
            }
            let read = self.lines.total - before;
            if read == 0 {
                return;
            }
            left = left.saturating_sub(read);
        }
    }

    /// One read. False at the end of the pipe.
    async fn read_some(&mut self, most: usize) -> bool {
        let mut chunk = BytesMut::zeroed(most);
        match self.pipe.try_read(&mut chunk) {
            Ok(0) => false,
            Ok(length) => {
                chunk.truncate(length);
                let lines = self.lines.push(&chunk.freeze());
                if !lines.is_empty() {
                    self.send(OutputEvent::Lines(lines)).await;
                }
                true
            }
            Err(error) => matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted),
        }
    }

    async fn flush(&mut self) {
        if let Some(line) = self.lines.take_unfinished() {
            self.send(OutputEvent::Lines(vec![line])).await;
        }
    }

    async fn send(&self, event: OutputEvent) {
        // A consumer that went away has chosen to discard the output; the function must not block for it.
        let _ = self.events.send(event).await;
    }
}

/// Bytes a pipe holds now; 0 when it cannot be asked.
fn bytes_in_pipe(pipe: &pipe::Receiver) -> usize {
    let mut count: libc::c_int = 0;
    // SAFETY: FIONREAD writes one int through the pointer, which is valid for the call; the descriptor is open.
    let result = unsafe { libc::ioctl(pipe.as_raw_fd(), libc::FIONREAD, &mut count) };
    if result == 0 { usize::try_from(count).unwrap_or(0) } else { 0 }
}

/// Cuts a byte stream into lines, holding at most one unfinished line of [`limits::LINE_BYTES_MAX`] bytes.
#[derive(Default)]
struct LineSplitter {
    unfinished: BytesMut,
    /// Bytes pushed so far.
    total: usize,
}

impl LineSplitter {
    fn push(&mut self, chunk: &Bytes) -> Vec<OutputLine> {
        self.total += chunk.len();
        let mut lines = Vec::new();
        let mut start = 0;
        for (at, _) in chunk.iter().enumerate().filter(|(_, byte)| **byte == b'\n') {
            self.append(chunk, start..at, &mut lines);
            let text = if self.unfinished.is_empty() { Bytes::new() } else { self.unfinished.split().freeze() };
            lines.push(OutputLine { text, continues: false });
            start = at + 1;
        }
        self.append(chunk, start..chunk.len(), &mut lines);
        lines
    }

    /// Adds bytes without a line feed, giving out a piece whenever the line reaches the limit.
    fn append(&mut self, chunk: &Bytes, range: std::ops::Range<usize>, lines: &mut Vec<OutputLine>) {
        let mut rest = &chunk[range];
        while !rest.is_empty() {
            let room = limits::LINE_BYTES_MAX - self.unfinished.len();
            if room == 0 {
                lines.push(OutputLine { text: self.unfinished.split().freeze(), continues: true });
                continue;
            }
            let (now, later) = rest.split_at(room.min(rest.len()));
            self.unfinished.extend_from_slice(now);
            rest = later;
        }
    }

    fn take_unfinished(&mut self) -> Option<OutputLine> {
        (!self.unfinished.is_empty()).then(|| OutputLine { text: self.unfinished.split().freeze(), continues: false })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(lines: &[OutputLine]) -> Vec<&[u8]> {
        lines.iter().map(|line| line.text.as_ref()).collect()
    }

    #[test]
    fn lines_are_put_together_across_reads() {
        let mut splitter = LineSplitter::default();
        assert_eq!(texts(&splitter.push(&Bytes::from_static(b"one\ntw"))), [b"one".as_slice()]);
        assert_eq!(texts(&splitter.push(&Bytes::from_static(b"o\n\nthree"))), [b"two".as_slice(), b"".as_slice()]);
        assert_eq!(splitter.take_unfinished().map(|line| line.text), Some(Bytes::from_static(b"three")));
        assert_eq!(splitter.take_unfinished(), None);
    }

    #[test]
    fn a_line_longer_than_an_event_is_cut_and_says_so() {
        let mut splitter = LineSplitter::default();
        let mut long = vec![b'x'; limits::LINE_BYTES_MAX + 3];
        long.push(b'\n');
        let lines = splitter.push(&Bytes::from(long));
        assert_eq!(lines.iter().map(|line| line.text.len()).collect::<Vec<_>>(), [limits::LINE_BYTES_MAX, 3]);
        assert_eq!(lines.iter().map(|line| line.continues).collect::<Vec<_>>(), [true, false]);
    }

    #[test]
    fn a_line_of_exactly_the_limit_is_whole() {
        let mut splitter = LineSplitter::default();
        let mut line = vec![b'x'; limits::LINE_BYTES_MAX];
        line.push(b'\n');
        let lines = splitter.push(&Bytes::from(line));
        assert_eq!(lines.len(), 1);
        assert!(!lines[0].continues);
    }
}
