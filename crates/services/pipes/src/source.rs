//! What a pipe takes its events from. A round takes what is there, once.

pub mod queue;
pub mod stream;

use std::sync::Arc;

use wire::Error;

use crate::record::Pipe;
use crate::service::Pipes;

/// Takes what the source has, and hands it on.
///
/// # Errors
/// What holds the pipe up.
pub async fn round(service: &Arc<Pipes>, pipe: &Pipe) -> Result<(), Error> {
    match crate::names::arn_parts(&pipe.source) {
        Some(("sqs", ..)) => queue::round(service, pipe).await,
        _ => stream::round(service, pipe).await,
    }
}
