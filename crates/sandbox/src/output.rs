//! What a function prints: a pipe shared by stdout and stderr, read into lines.
//!
//! Both streams share one pipe because their order matters and their difference does not (CloudWatch Logs keeps none).
//! There is no task of its own that reads: whoever drives the environment reads along, so that what was printed during
//! an invocation is known to be read when the invocation ends, and an invocation that prints nothing costs nothing. A
//! frozen environment prints nothing. Nothing here buffers without end: when the sink has no room the pipe fills, and
//! then the function blocks in `write` as it would on any pipe.

use std::future::{Future, pending, ready};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

use bytes::{Bytes, BytesMut};
use nix::errno::Errno;
use tokio::net::unix::pipe;

use crate::limits;

/// Smallest buffer for a read, in bytes.
const READ_BYTES_MIN: usize = 512;

/// One line, without its line feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputLine {
    /// The bytes as written; not necessarily UTF-8.
    pub text: Bytes,
    /// True when the line goes on in the next one, because it is longer than [`limits::LINE_BYTES_MAX`].
    pub continues: bool,
    /// Who has written it.
    pub source: OutputSource,
}

/// Who prints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OutputSource {
    /// The runtime and what it starts.
    #[default]
    Function,
    /// An extension that is a process of its own.
    Extension,
}

/// Takes what a function prints.
pub trait OutputSink: Send {
    /// Takes lines, at most a few more bytes than [`limits::OUTPUT_READ_BYTES`] and one line.
    fn print(&mut self, lines: Vec<OutputLine>);

    /// Waits until more can be taken. Nothing may be lost when the future is dropped before it is done.
    fn room(&mut self) -> impl Future<Output = ()> + Send;
}

/// Keeps everything: for functions that are known to print little.
impl OutputSink for Vec<OutputLine> {
    fn print(&mut self, lines: Vec<OutputLine>) {
        self.extend(lines);
    }

    fn room(&mut self) -> impl Future<Output = ()> + Send {
        ready(())
    }
}

/// What is printed in one environment.
#[derive(Debug)]
pub(crate) struct Output {
    function: Stream,
    extensions: Option<Stream>,
}

/// The reading end of one pipe.
#[derive(Debug)]
struct Stream {
    pipe: pipe::Receiver,
    lines: LineSplitter,
    /// The function can write nothing more.
    closed: bool,
}

impl Output {
    /// Takes over a pipe of the function, and one of its extensions if there are any.
    pub(crate) fn new(function: OwnedFd, extensions: Option<OwnedFd>) -> io::Result<Output> {
        let extensions = extensions.map(|pipe| Stream::new(pipe, OutputSource::Extension)).transpose()?;
        Ok(Output { function: Stream::new(function, OutputSource::Function)?, extensions })
    }

    /// Reads as long as it is polled, whole lines alone. May be dropped at any time: what was read was handed on.
    pub(crate) async fn pump(&mut self, sink: &mut impl OutputSink) -> std::convert::Infallible {
        loop {
            match &mut self.extensions {
                None => {
                    self.function.readable().await;
                    self.function.read_ready(sink);
                }
                Some(extensions) => tokio::select! {
                    () = self.function.readable() => self.function.read_ready(sink),
                    () = extensions.readable() => extensions.read_ready(sink),
                },
            }
            sink.room().await;
        }
    }

    /// Hands on what is in the pipes at this moment, an unfinished line included, and no more: a function that never
    /// stops printing ends too.
    pub(crate) fn drain(&mut self, sink: &mut impl OutputSink) {
        self.function.drain(sink);
        if let Some(extensions) = &mut self.extensions {
            extensions.drain(sink);
        }
    }
}

impl Stream {
    fn new(pipe: OwnedFd, source: OutputSource) -> io::Result<Stream> {
        let pipe = pipe::Receiver::from_owned_fd(pipe)?;
        Ok(Stream { pipe, lines: LineSplitter { source, ..LineSplitter::default() }, closed: false })
    }

    /// Waits until there is something to read; for ever when there never will be.
    async fn readable(&mut self) {
        if self.closed || self.pipe.readable().await.is_err() {
            self.closed = true;
            pending::<()>().await;
        }
    }

    /// One read after the pipe was said to be readable.
    fn read_ready(&mut self, sink: &mut impl OutputSink) {
        let size = bytes_in_pipe(&self.pipe).clamp(READ_BYTES_MIN, limits::OUTPUT_READ_BYTES);
        let mut chunk = BytesMut::zeroed(size);
        match self.pipe.try_read(&mut chunk) {
            Ok(0) => self.closed = true,
            Ok(length) => self.push(chunk, length, sink),
            Err(error) => {
                self.closed = !matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted);
            }
        }
    }

    fn drain(&mut self, sink: &mut impl OutputSink) {
        let mut left = bytes_in_pipe(&self.pipe);
        while left > 0 {
            let mut chunk = BytesMut::zeroed(left.min(limits::OUTPUT_READ_BYTES));
            // Past the runtime's own idea of what is readable, which may be behind.
            match nix::unistd::read(&self.pipe, &mut chunk) {
                Ok(0) => break,
                Ok(length) => {
                    self.push(chunk, length, sink);
                    left -= length.min(left);
                }
                Err(Errno::EINTR) => {}
                Err(_) => break,
            }
        }
        if let Some(line) = self.lines.take_unfinished() {
            sink.print(vec![line]);
        }
    }

    fn push(&mut self, mut chunk: BytesMut, length: usize, sink: &mut impl OutputSink) {
        chunk.truncate(length);
        let lines = self.lines.push(&chunk.freeze());
        if !lines.is_empty() {
            sink.print(lines);
        }
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
#[derive(Debug, Default)]
struct LineSplitter {
    source: OutputSource,
    unfinished: BytesMut,
}

impl LineSplitter {
    fn push(&mut self, chunk: &Bytes) -> Vec<OutputLine> {
        let mut lines = Vec::new();
        let mut start = 0;
        for (at, _) in chunk.iter().enumerate().filter(|(_, byte)| **byte == b'\n') {
            self.append(chunk, start..at, &mut lines);
            let text = if self.unfinished.is_empty() { Bytes::new() } else { self.unfinished.split().freeze() };
            lines.push(OutputLine { text, continues: false, source: self.source });
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
                lines.push(OutputLine { text: self.unfinished.split().freeze(), continues: true, source: self.source });
                continue;
            }
            let (now, later) = rest.split_at(room.min(rest.len()));
            self.unfinished.extend_from_slice(now);
            rest = later;
        }
    }

    fn take_unfinished(&mut self) -> Option<OutputLine> {
        let source = self.source;
        (!self.unfinished.is_empty()).then(|| OutputLine {
            text: self.unfinished.split().freeze(),
            continues: false,
            source,
        })
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
