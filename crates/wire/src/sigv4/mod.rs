//! Signature checking: who signed a request, and whether the signature holds.
//!
//! Two steps, so that a request can be identified and routed before anything is verified:
//!
//! 1. [`parse_credentials`] (or [`parse_form_credentials`] for an S3 POST form) reads what the request claims.
//! 2. [`check_scope`], the caller's look-up of the secret, then [`verify`] (or [`verify_form`]).
//!
//! Every failure is a [`SignatureError`]; which code, status and words a client sees depends on the family of its
//! service and is decided by [`SignatureError::refusal`]. The clock is an argument (Unix seconds). Secrets and
//! signatures are compared in constant time.
//!
//! Rules: AWS General Reference, "Signature Version 4 signing process", and the Amazon S3 API Reference,
//! "Authenticating Requests".

mod canonical;
mod credentials;
pub(crate) mod encoding;
mod error;
mod form;
mod keys;
mod payload;
mod refusal;
mod refusal_s3;
mod scope;
mod sign;
mod time;
mod verify;
mod version2;

#[cfg(test)]
mod tests;

pub use credentials::{Credential, Credentials, SignatureV2, SignatureV4, SignatureV4A, parse_credentials};
pub use encoding::{hex, sha256};
pub use error::{Invalid, Malformed, Mechanism, Mismatch, ScopeFault, SignatureError, Unrecognized};
pub use form::{FormCredentials, parse_form_credentials, verify_form};
pub use keys::SigningKeys;
pub use payload::{BodyCheck, BodyHash, ChunkSigner, StreamingPayload};
pub use refusal::{Dialect, Refusal};
pub use scope::{SigningRules, check_scope};
pub use sign::Signer;
pub use time::RequestTime;
pub use verify::verify;

/// Longest lifetime of a presigned URL, in seconds: a week (S3, "Authenticating Requests: Using Query Parameters").
pub const MAX_PRESIGNED_SECONDS: i64 = 604_800;

/// How far a client's clock may be off, in seconds, for JSON services ("5 min." in their own messages).
pub const MAX_SKEW_JSON_SECONDS: i64 = 300;

/// How far a client's clock may be off, in seconds, for S3 (`MaxAllowedSkewMilliseconds` 900000), query services and
/// EC2 ("15 min." in their own messages).
pub const MAX_SKEW_SECONDS: i64 = 900;

/// Longest `Credential` accepted, in bytes: an access key id has at most 128 characters (IAM), the scope far fewer.
pub const MAX_CREDENTIAL_BYTES: usize = 256;

/// Signing keys kept in memory, each under 500 bytes. One is needed per access key, day, region and service.
pub const MAX_CACHED_SIGNING_KEYS: usize = 4_096;
