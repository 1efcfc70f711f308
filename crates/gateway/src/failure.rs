//! Failures of the gateway's own stages as the errors that clients see.

use api::s3;
use wire::Error;
use wire::chunked::ChunkError;
use wire::compression::UnpackError;
use wire::error::common;
use wire::protocol;
use wire::schema::{ErrorDef, Fault, OperationDef, Protocol, ServiceDef};
use wire::sigv4::{Dialect, SignatureError};

use crate::body::BodyFault;

const fn define(name: &'static str, code: &'static str, status: u16) -> ErrorDef {
    let (fault, message_member) = (Fault::Client, "message");
    ErrorDef { name, code, status, fault, message_member, members: &[], query_code: None }
}

/// The client stopped sending.
static REQUEST_TIMEOUT: ErrorDef = define("RequestTimeoutException", "RequestTimeout", 400);
/// The connection broke within the body; seldom seen by anybody.
static INCOMPLETE_BODY: ErrorDef = define("IncompleteBody", "IncompleteBody", 400);
/// S3: a chunk that is too small.
static INVALID_CHUNK_SIZE: ErrorDef = define("InvalidChunkSizeError", "InvalidChunkSizeError", 403);
/// S3: trailing headers that cannot be read.
static MALFORMED_TRAILER: ErrorDef = define("MalformedTrailerError", "MalformedTrailerError", 400);
/// S3's answer to a preflight of a bucket without CORS rules.
static ACCESS_FORBIDDEN: ErrorDef = define("AccessForbidden", "AccessForbidden", 403);

/// A body that could not be read; `limit` is what the operation takes, in bytes.
pub(crate) fn body(fault: BodyFault, known: Option<(&ServiceDef, &OperationDef)>, limit: u64) -> Error {
    let is_s3 = known.is_some_and(|(service, _)| service.id == s3::SERVICE.id);
    match fault {
        BodyFault::TooLarge if is_s3 => {
            s3::errors::entity_too_large("Your proposed upload exceeds the maximum allowed size")
        }
        BodyFault::TooLarge => {
            // Lambda's permission, not its operation, stands in this text.
            let name = match known {
                Some((_, operation)) if operation.name == "Invoke" => "InvokeFunction",
                Some((_, operation)) => operation.name,
                None => "requested",
            };
            let text = format!("Request must be smaller than {limit} bytes for the {name} operation");
            Error::new(&common::REQUEST_TOO_LARGE, text)
        }
        BodyFault::Paused => Error::new(
            &REQUEST_TIMEOUT,
            "Your socket connection to the server was not read from or written to within the timeout period. Idle \
             connections will be closed.",
        ),
        BodyFault::Broken => Error::new(
            &INCOMPLETE_BODY,
            "You did not provide the number of bytes specified by the Content-Length HTTP header",
        ),
    }
}

/// A compressed body that could not be unpacked.
pub(crate) fn unpack(error: UnpackError) -> Error {
    match error {
        UnpackError::Malformed => Error::new(&common::SERIALIZATION, "The request body is not valid gzip"),
        UnpackError::TooLarge => Error::new(&common::REQUEST_TOO_LARGE, "The request body unpacks to too many bytes"),
    }
}

/// An `aws-chunked` body that does not say how long it is.
pub(crate) fn missing_content_length() -> Error {
    s3::errors::missing_content_length("You must provide the Content-Length HTTP header.")
}

/// An `aws-chunked` body whose framing or signatures do not hold.
pub(crate) fn chunks(error: &ChunkError) -> Error {
    let definition = match error {
        ChunkError::Signature(invalid) => return s3_signature(&SignatureError::from(invalid.clone())),
        ChunkError::Incomplete => &s3::errors::INCOMPLETE_BODY,
        ChunkError::MalformedChunk => &s3::errors::INVALID_REQUEST,
        ChunkError::ChunkTooSmall { .. } => &INVALID_CHUNK_SIZE,
        ChunkError::MalformedTrailer => &MALFORMED_TRAILER,
    };
    Error::new(definition, error.to_string())
}

/// A body that does not fit S3's signature.
pub(crate) fn s3_signature(error: &SignatureError) -> Error {
    protocol::signature_refused(Some(&s3::SERVICE), error.refusal(Dialect::S3))
}

/// Credentials or a signature that do not hold.
pub(crate) fn signature(error: &SignatureError, service: Option<&'static ServiceDef>, spoken: Protocol) -> Error {
    protocol::signature_refused(service, error.refusal(Dialect::of(spoken)))
}

/// A service that is not in the catalogue.
pub(crate) fn unknown_service(signing_name: &str) -> Error {
    Error::new(&common::NOT_IMPLEMENTED, format!("The service {signing_name} is not implemented"))
}

/// A question about cross-origin access to a service that has no rules about it.
pub(crate) fn preflight() -> Error {
    Error::new(&ACCESS_FORBIDDEN, "CORSResponse: CORS is not enabled for this bucket.")
}

/// S3's form upload.
pub(crate) fn form_upload() -> Error {
    Error::new(&common::NOT_IMPLEMENTED, "The PostObject operation of S3 is not implemented")
}

/// A path that is no percent-encoded UTF-8.
pub(crate) fn invalid_uri(spoken: Protocol) -> Error {
    match spoken {
        Protocol::RestXml => s3::errors::invalid_uri("Couldn't parse the specified URI."),
        _ => Error::bare(&common::UNKNOWN_OPERATION),
    }
}

/// More work than the gateway has room for.
pub(crate) fn overloaded() -> Error {
    Error::new(&common::SERVICE_UNAVAILABLE, "Service is unable to handle request.")
}
