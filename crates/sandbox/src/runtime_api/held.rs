//! A runtime's connection, which puts answers off until the next event when the runtime has asked for that already.
//!
//! A runtime that sends its answer and its request for the next event in one go would be woken twice: to be told that the
//! answer was accepted, which it does not act upon, and for the event. It gets both at once.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// Bytes that are put off at most: a few answers that accept something.
const HELD_BYTES_MAX: usize = 4 * 1024;

/// Whether a request for an event waits on a connection. Answers before it are put off meanwhile.
#[derive(Clone, Default)]
pub(super) struct Hold(Arc<AtomicBool>);

/// Ends the wait when it is dropped.
pub(super) struct Holding<'hold>(&'hold Hold);

impl Hold {
    /// A request for an event begins to wait.
    pub(super) fn begin(&self) -> Holding<'_> {
        self.0.store(true, Ordering::Relaxed);
        Holding(self)
    }

    fn is_on(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Drop for Holding<'_> {
    fn drop(&mut self) {
        self.0.0.store(false, Ordering::Relaxed);
    }
}

/// The connection.
pub(super) struct Held {
    stream: TcpStream,
    hold: Hold,
    /// Answers that were put off.
    held: Vec<u8>,
}

impl Held {
    /// Puts answers off while `hold` is on.
    pub(super) fn new(stream: TcpStream, hold: Hold) -> Held {
        Held { stream, hold, held: Vec::new() }
    }

    /// Writes what was put off and `data` behind it. How much of `data` was written.
    fn poll_write_all(&mut self, context: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        while !self.held.is_empty() {
            let both = [io::IoSlice::new(&self.held), io::IoSlice::new(data)];
            let written = ready!(Pin::new(&mut self.stream).poll_write_vectored(context, &both))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            let of_held = written.min(self.held.len());
            self.held.drain(..of_held);
            if written > of_held {
                return Poll::Ready(Ok(written - of_held));
            }
        }
        if data.is_empty() { Poll::Ready(Ok(0)) } else { Pin::new(&mut self.stream).poll_write(context, data) }
    }
}

impl AsyncRead for Held {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Held {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        if self.hold.is_on() && self.held.len() + data.len() <= HELD_BYTES_MAX {
            self.held.extend_from_slice(data);
            return Poll::Ready(Ok(data.len()));
        }
        self.poll_write_all(context, data)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.hold.is_on() {
            ready!(self.poll_write_all(context, &[]))?;
        }
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_write_all(context, &[]))?;
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    async fn pair(hold: &Hold) -> (Held, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("its address");
        let (near, far) = tokio::join!(TcpStream::connect(address), listener.accept());
        (Held::new(near.expect("connected"), hold.clone()), far.expect("accepted").0)
    }

    #[tokio::test]
    async fn what_is_put_off_goes_out_with_what_follows() {
        let hold = Hold::default();
        let (mut near, mut far) = pair(&hold).await;
        {
            let _holding = hold.begin();
            near.write_all(b"accepted;").await.expect("taken");
            near.flush().await.expect("nothing to do");
            let early = far.try_read(&mut [0; 16]).map_err(|error| error.kind());
            assert_eq!(early, Err(io::ErrorKind::WouldBlock));
        }
        near.write_all(b"event").await.expect("written");
        let mut both = [0; 14];
        far.read_exact(&mut both).await.expect("both");
        assert_eq!(&both, b"accepted;event");
    }

    #[tokio::test]
    async fn nothing_is_lost_at_the_end_and_not_more_than_the_bound_is_put_off() {
        let hold = Hold::default();
        let (mut near, mut far) = pair(&hold).await;
        let _holding = hold.begin();
        near.write_all(&[b'a'; HELD_BYTES_MAX]).await.expect("put off");
        near.write_all(b"b").await.expect("beyond the bound");
        near.write_all(b"c").await.expect("put off again");
        near.shutdown().await.expect("the end");
        let mut all = Vec::new();
        far.read_to_end(&mut all).await.expect("everything");
        assert_eq!(all, [[b'a'; HELD_BYTES_MAX].as_slice(), b"bc"].concat());
    }
}
