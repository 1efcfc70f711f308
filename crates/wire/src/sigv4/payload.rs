//! How a request declares its body, and the chained signatures of a chunked one.

use http::request::Parts;

use crate::sigv4::encoding::{decode_query_text, hex, hmac_sha256, parse_sha256, query_pairs, sha256};
use crate::sigv4::verify::signatures_equal;
use crate::sigv4::{Credential, Dialect, Invalid, Malformed, Mismatch, RequestTime};

const UNSIGNED: &str = "UNSIGNED-PAYLOAD";

/// What is known of the body when the signature is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyHash {
    /// The body was read and hashes to this.
    Known([u8; 32]),
    /// The body is still to be streamed; the request must declare its hash or framing (S3 always does).
    Unread,
}

/// What remains to be checked while the body is read.
#[derive(Debug, Clone)]
pub enum BodyCheck {
    /// Nothing: the hash was compared, or the payload is not signed.
    Done,
    /// The body must hash to this, else [`Invalid::PayloadMismatch`].
    Sha256([u8; 32]),
    /// The body is framed by `aws-chunked`: see [`crate::chunked::ChunkDecoder`].
    Chunked {
        /// Its kind.
        payload: StreamingPayload,
        /// Checks the chunks, if they are signed.
        signer: Option<ChunkSigner>,
    },
}

/// The kinds of `aws-chunked` payload, as declared in `x-amz-content-sha256`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamingPayload {
    /// Every chunk carries a signature.
    pub signed: bool,
    /// Trailing headers follow the last chunk.
    pub trailer: bool,
}

impl StreamingPayload {
    /// Reads a value of `x-amz-content-sha256`; `None` for what is no streaming payload that can be decoded.
    pub fn parse(value: &str) -> Option<StreamingPayload> {
        match value {
            "STREAMING-AWS4-HMAC-SHA256-PAYLOAD" => Some(StreamingPayload { signed: true, trailer: false }),
            "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER" => Some(StreamingPayload { signed: true, trailer: true }),
            "STREAMING-UNSIGNED-PAYLOAD-TRAILER" => Some(StreamingPayload { signed: false, trailer: true }),
            _ => None,
        }
    }

    /// The framing that a request declares.
    pub fn of(parts: &Parts) -> Option<StreamingPayload> {
        StreamingPayload::parse(&declared_hash(parts)?)
    }
}

/// The payload line of the canonical request, and what to do with the body.
pub(crate) struct Payload {
    /// The line.
    pub hash: String,
    pub kind: PayloadKind,
}

pub(crate) enum PayloadKind {
    /// Hashed here; the line is the truth.
    Hashed,
    Unsigned,
    Declared([u8; 32]),
    Streaming(StreamingPayload),
}

/// Finds the payload line.
pub(crate) fn payload(
    parts: &Parts,
    dialect: Dialect,
    is_presigned: bool,
    body: BodyHash,
) -> Result<Payload, Malformed> {
    if dialect != Dialect::S3
        && let BodyHash::Known(digest) = body
    {
        return Ok(Payload { hash: hex(&digest), kind: PayloadKind::Hashed });
    }
    match declared_hash(parts) {
        None if is_presigned && dialect == Dialect::S3 => {
            Ok(Payload { hash: UNSIGNED.to_owned(), kind: PayloadKind::Unsigned })
        }
        None => Err(Malformed::NoPayloadHash),
        Some(hash) => {
            let kind = if let Some(digest) = parse_sha256(&hash) {
                PayloadKind::Declared(digest)
            } else if dialect == Dialect::S3 && hash == UNSIGNED {
                PayloadKind::Unsigned
            } else if let Some(streaming) = StreamingPayload::parse(&hash).filter(|_| dialect == Dialect::S3) {
                PayloadKind::Streaming(streaming)
            } else {
                return Err(Malformed::PayloadHash { value: hash });
            };
            Ok(Payload { hash, kind })
        }
    }
}

/// The header `x-amz-content-sha256`, or the query parameter of a presigned URL.
fn declared_hash(parts: &Parts) -> Option<String> {
    if let Some(value) = parts.headers.get("x-amz-content-sha256") {
        return Some(String::from_utf8_lossy(value.as_bytes()).into_owned());
    }
    let query = parts.uri.query()?;
    let (_, value) = query_pairs(query).find(|(name, _)| name.eq_ignore_ascii_case("X-Amz-Content-Sha256"))?;
    Some(decode_query_text(value).into_owned())
}

/// Checks the signatures of an `aws-chunked` body. Each one signs the one before it, so chunks can be neither
/// reordered nor dropped.
#[derive(Clone)]
pub struct ChunkSigner {
    signing_key: [u8; 32],
    access_key: String,
    time: String,
    scope: String,
    previous: String,
}

impl std::fmt::Debug for ChunkSigner {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("ChunkSigner").field("scope", &self.scope).finish_non_exhaustive()
    }
}

impl ChunkSigner {
    pub(crate) fn new(
        signing_key: [u8; 32],
        credential: &Credential,
        time: &RequestTime,
        seed_signature: String,
    ) -> ChunkSigner {
        ChunkSigner {
            signing_key,
            access_key: credential.access_key().to_owned(),
            time: time.basic.clone(),
            scope: credential.scope().to_owned(),
            previous: seed_signature,
        }
    }

    /// Checks the next chunk's signature against the SHA-256 of its data.
    ///
    /// # Errors
    /// [`Invalid::Mismatch`].
    pub fn check_chunk(&mut self, data_digest: &[u8; 32], provided: &str) -> Result<(), Invalid> {
        let string_to_sign = format!(
            "AWS4-HMAC-SHA256-PAYLOAD\n{}\n{}\n{}\n{}\n{}",
            self.time,
            self.scope,
            self.previous,
            hex(&sha256(b"")),
            hex(data_digest)
        );
        self.check(string_to_sign, provided)
    }

    /// Checks `x-amz-trailer-signature` against the SHA-256 of the trailer's canonical lines (`name:value\n` each).
    ///
    /// # Errors
    /// [`Invalid::Mismatch`].
    pub fn check_trailer(&mut self, trailer_digest: &[u8; 32], provided: &str) -> Result<(), Invalid> {
        let string_to_sign = format!(
            "AWS4-HMAC-SHA256-TRAILER\n{}\n{}\n{}\n{}",
            self.time,
            self.scope,
            self.previous,
            hex(trailer_digest)
        );
        self.check(string_to_sign, provided)
    }

    fn check(&mut self, string_to_sign: String, provided: &str) -> Result<(), Invalid> {
        let expected = hex(&hmac_sha256(&self.signing_key, string_to_sign.as_bytes()));
        if !signatures_equal(&expected, provided) {
            return Err(Invalid::Mismatch(Box::new(Mismatch {
                access_key: self.access_key.clone(),
                signature_provided: provided.to_owned(),
                string_to_sign,
                canonical_request: None,
            })));
        }
        self.previous = expected;
        Ok(())
    }
}
