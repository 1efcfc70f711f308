//! An answer whose body is read piece by piece.

use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::FetchError;

/// Works as long as somebody waits for its answer, and ends with that.
type Connection = Pin<Box<dyn Future<Output = ()> + Send + Sync>>;

/// An answer that has begun.
pub struct Download {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    body: Incoming,
    connection: Option<Connection>,
}

impl Download {
    /// Sends a request and waits for the answer's head.
    pub(crate) async fn begin(
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + Sync + 'static,
        request: Request<Full<Bytes>>,
    ) -> Result<Download, FetchError> {
        let (mut sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(|_| FetchError::Unreachable)?;
        let mut connection: Option<Connection> = Some(Box::pin(async move {
            // Whoever waits for the answer is told by it.
            let _ = connection.await;
        }));
        let sending = sender.send_request(request);
        tokio::pin!(sending);
        let answered = loop {
            let Some(working) = &mut connection else { break sending.await };
            tokio::select! {
                biased;
                answered = &mut sending => break answered,
                () = working => connection = None,
            }
        };
        let (head, body) = Response::into_parts(answered.map_err(|_| FetchError::Unreachable)?);
        Ok(Download { status: head.status.as_u16(), headers: head.headers, body, connection })
    }

    /// The next piece of the body; `None` when it is whole.
    ///
    /// # Errors
    /// [`FetchError::Slow`] when none comes `within` that time, [`FetchError::Unreachable`] when the connection breaks.
    pub async fn next(&mut self, within: Duration) -> Result<Option<Bytes>, FetchError> {
        tokio::time::timeout(within, self.piece()).await.map_err(|_| FetchError::Slow)?
    }

    /// As [`Download::next`], however long it takes.
    pub(crate) async fn piece(&mut self) -> Result<Option<Bytes>, FetchError> {
        loop {
            let frame = match &mut self.connection {
                None => self.body.frame().await,
                Some(connection) => tokio::select! {
                    biased;
                    frame = self.body.frame() => frame,
                    () = connection => {
                        self.connection = None;
                        continue;
                    }
                },
            };
            match frame.transpose().map_err(|_| FetchError::Unreachable)?.map(hyper::body::Frame::into_data) {
                None => return Ok(None),
                Some(Ok(data)) if !data.is_empty() => return Ok(Some(data)),
                // Trailers, which nobody here asks for.
                Some(_) => {}
            }
        }
    }
}
