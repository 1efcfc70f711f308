//! Answers that are handed on while the runtime still writes them.

use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::sync::mpsc::Sender;
use tokio::time::Instant;

use super::answer::{self, Answer, Refusal};
use super::server::broken_off;
use super::state::Answering;
use crate::limits;
use crate::outcome::{InvokeOutcome, ReportedError, ResponseMode, StreamPiece};

/// Hands on a body piece by piece, no faster than the limits allow and the receiver takes it. What nobody receives any
/// more is read and dropped: the invocation goes on, as on AWS. One that is too large is read to its end but not handed
/// on beyond the limit, so that the runtime can read the answer.
pub(super) async fn forward(
    answering: Answering<'_>,
    body: &mut Incoming,
    content_type: Option<String>,
    stream: &Sender<StreamPiece>,
) -> Result<Answer, Refusal> {
    let _ = stream.send(StreamPiece::Head(content_type.clone())).await;
    let (mut bytes, mut pace, mut trailers) = (0_u64, Pace::default(), HeaderMap::new());
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else {
            answering.complete(InvokeOutcome::FunctionError(truncated()));
            return Err(Refusal::TruncatedRequest);
        };
        match frame.into_data() {
            Ok(data) => {
                bytes += data.len() as u64;
                if bytes <= limits::STREAM_BYTES_MAX && !stream.is_closed() {
                    pace.wait(data.len() as u64).await;
                    let _ = stream.send(StreamPiece::Data(data)).await;
                }
            }
            Err(frame) => trailers = frame.into_trailers().unwrap_or_default(),
        }
    }
    if bytes > limits::STREAM_BYTES_MAX {
        answering.complete(InvokeOutcome::ResponseTooLarge { bytes });
        return Err(Refusal::TooLarge);
    }
    answering.complete(match broken_off(&trailers) {
        Some(error) => InvokeOutcome::FunctionError(error),
        None => InvokeOutcome::Response { payload: Bytes::new(), content_type, mode: ResponseMode::Streaming },
    });
    Ok(answer::accepted())
}

/// The error of an answer that ended before it was complete.
fn truncated() -> ReportedError {
    let error_type = "Runtime.TruncatedResponse";
    let document = serde_json::json!({ "errorMessage": "Response truncated", "errorType": error_type });
    ReportedError { payload: document.to_string().into(), error_type: Some(error_type.to_owned()), xray_cause: None }
}

/// Keeps a stream to its bandwidth.
#[derive(Default)]
struct Pace {
    bytes: u64,
    /// When the unpaced bytes had gone out.
    paced_since: Option<Instant>,
}

impl Pace {
    /// Waits until that many more bytes may go out.
    async fn wait(&mut self, bytes: u64) {
        self.bytes += bytes;
        let Some(paced) = self.bytes.checked_sub(limits::STREAM_UNPACED_BYTES) else { return };
        let since = *self.paced_since.get_or_insert_with(Instant::now);
        tokio::time::sleep_until(since + due(paced)).await;
    }
}

/// How long that many paced bytes take.
fn due(bytes: u64) -> Duration {
    Duration::from_micros(bytes.saturating_mul(1_000_000) / limits::STREAM_BYTES_PER_SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_first_bytes_are_free_and_the_others_take_their_time() {
        let (mut pace, start) = (Pace::default(), Instant::now());
        pace.wait(limits::STREAM_UNPACED_BYTES).await;
        assert_eq!(start.elapsed(), Duration::ZERO);
        for _ in 0..8 {
            pace.wait(limits::STREAM_BYTES_PER_SECOND / 2).await;
        }
        let elapsed = start.elapsed();
        assert!(elapsed >= Duration::from_secs(4) && elapsed < Duration::from_millis(4_100), "{elapsed:?}");
    }
}
