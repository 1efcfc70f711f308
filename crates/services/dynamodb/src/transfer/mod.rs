//! Tables to and from S3.
//!
//! An export is a hidden backup of the table as it was at a time, written to S3 file by file and then removed, so that
//! no state of the store is held while S3 is waited for. An import reads objects piece by piece into a new table. Both
//! note how far they have come, and go on after a restart.
//!
//! Whoever asks has to be allowed to write to, or read from, the bucket: the first call to S3 is made with the caller's
//! rights. Those that follow, in the background, are made for the caller's account.

pub mod export;
pub mod export_files;
pub mod formats;
pub mod import;
pub mod import_files;
pub mod import_log;

#[cfg(test)]
mod tests;

use api::s3;
use bytes::Bytes;
use platform::Principal;
use serde::{Deserialize, Serialize};
use wire::{Body, Error};

use crate::background::Place;
use crate::service::DynamoDb;

/// How a transfer stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum State {
    /// It is under way.
    #[default]
    InProgress,
    /// All is done.
    Completed,
    /// It has ended early, with a code and a text.
    Failed(String, String),
}

impl State {
    /// The name on the wire.
    pub fn name(&self) -> &'static str {
        match self {
            State::InProgress => "IN_PROGRESS",
            State::Completed => "COMPLETED",
            State::Failed(..) => "FAILED",
        }
    }

    /// By an error of S3.
    pub fn failed(error: &Error) -> State {
        let code = match error.definition.name {
            "NoSuchBucket" => "S3NoSuchBucket",
            "AccessDenied" | "AccessDeniedException" => "AccessDenied",
            _ => "UNKNOWN",
        };
        State::Failed(code.to_owned(), error.message.as_deref().unwrap_or_default().to_owned())
    }

    /// Code and text of a failure.
    pub fn failure(&self) -> (Option<String>, Option<String>) {
        match self {
            State::Failed(code, text) => (Some(code.clone()), Some(text.clone())),
            _ => (None, None),
        }
    }
}

/// Calls S3 or CloudWatch Logs for the account of a place.
///
/// # Errors
/// Those of the operation.
pub async fn call_for_account<O: api::Operation>(
    service: &DynamoDb,
    place: &Place,
    input: O::Input,
) -> Result<O::Output, Error> {
    let root = Principal::Root { account: place.account.clone() };
    service.platform.call_as::<O>(root, &place.account, &place.region, input).await
}

/// The request that writes an object of an export.
pub fn put_request(export: &export::Export, key: String, body: Vec<u8>) -> s3::PutObjectRequest {
    s3::PutObjectRequest {
        bucket: export.bucket.clone(),
        key,
        content_length: Some(body.len() as i64),
        body: Body::from(Bytes::from(body)),
        server_side_encryption: export.kms_key.as_ref().map(|_| "aws:kms".to_owned()).or(export.sse.clone()),
        ssekms_key_id: export.kms_key.clone(),
        expected_bucket_owner: export.bucket_owner.clone(),
        ..Default::default()
    }
}
