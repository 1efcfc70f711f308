//! The one error type of every service. A service says which modelled error it means and in which words; how that looks
//! on each wire is decided in one place, by the protocol.

use std::borrow::Cow;
use std::fmt;

use crate::schema::{ErrorDef, Fault};

/// An error on its way to a client.
#[derive(Debug, Clone)]
pub struct Error {
    /// Which error it is.
    pub definition: &'static ErrorDef,
    /// AWS's text. `None` where AWS sends none.
    pub message: Option<Cow<'static, str>>,
    /// Values of further members of the error's shape, by member name.
    pub members: Vec<(&'static str, Scalar)>,
    /// Headers to send along, such as `Retry-After`.
    pub headers: Vec<(&'static str, String)>,
}

/// A value of an error's member.
#[derive(Debug, Clone, PartialEq)]
pub enum Scalar {
    /// Text.
    String(String),
    /// Whole number.
    Integer(i64),
    /// True or false.
    Boolean(bool),
    /// Anything deeper, for example DynamoDB's `CancellationReasons`.
    Document(serde_json::Value),
}

impl Error {
    /// The given error in the given words.
    pub fn new(definition: &'static ErrorDef, message: impl Into<Cow<'static, str>>) -> Error {
        Error { definition, message: Some(message.into()), members: Vec::new(), headers: Vec::new() }
    }

    /// The given error, without a text.
    pub fn bare(definition: &'static ErrorDef) -> Error {
        Error { definition, message: None, members: Vec::new(), headers: Vec::new() }
    }

    /// Sets a further member of the error's shape.
    pub fn with(mut self, member: &'static str, value: Scalar) -> Error {
        self.members.push((member, value));
        self
    }

    /// Adds a header to the answer.
    pub fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Error {
        self.headers.push((name, value.into()));
        self
    }

    /// Whether it is the error of that shape name.
    pub fn is(&self, name: &str) -> bool {
        self.definition.name == name
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.message {
            Some(message) => write!(formatter, "{}: {message}", self.definition.name),
            None => formatter.write_str(self.definition.name),
        }
    }
}

impl std::error::Error for Error {}

impl From<&str> for Scalar {
    fn from(value: &str) -> Scalar {
        Scalar::String(value.to_owned())
    }
}

impl From<String> for Scalar {
    fn from(value: String) -> Scalar {
        Scalar::String(value)
    }
}

impl From<i64> for Scalar {
    fn from(value: i64) -> Scalar {
        Scalar::Integer(value)
    }
}

impl From<bool> for Scalar {
    fn from(value: bool) -> Scalar {
        Scalar::Boolean(value)
    }
}

/// Errors that any service may answer although its model does not list them.
pub mod common {
    use super::{ErrorDef, Fault};

    const fn define(name: &'static str, code: &'static str, status: u16, fault: Fault) -> ErrorDef {
        ErrorDef { name, code, status, fault, message_member: "message", members: &[], query_code: None }
    }

    /// Of AWS's framework errors, those about the document and about permissions spell the text's member with a capital.
    const fn capital(definition: ErrorDef) -> ErrorDef {
        ErrorDef { message_member: "Message", ..definition }
    }

    /// Something of ours broke.
    pub static INTERNAL_FAILURE: ErrorDef = define("InternalFailure", "InternalFailure", 500, Fault::Server);
    /// The platform cannot take more work now; the client's SDK retries.
    pub static SERVICE_UNAVAILABLE: ErrorDef =
        define("ServiceUnavailableException", "ServiceUnavailable", 503, Fault::Server);
    /// Modelled by AWS, not built here. 501 is outside the retry sets of the SDKs.
    pub static NOT_IMPLEMENTED: ErrorDef = define("NotImplementedException", "NotImplemented", 501, Fault::Server);
    /// The principal may not do it.
    pub static ACCESS_DENIED: ErrorDef = capital(define("AccessDeniedException", "AccessDenied", 403, Fault::Client));
    /// The principal may not do it, as EC2 says it.
    pub static UNAUTHORIZED_OPERATION: ErrorDef =
        define("UnauthorizedOperation", "UnauthorizedOperation", 403, Fault::Client);
    /// The document cannot be read.
    pub static SERIALIZATION: ErrorDef =
        capital(define("SerializationException", "MalformedInput", 400, Fault::Client));
    /// A parameter of EC2 has the wrong type.
    pub static INVALID_PARAMETER_VALUE: ErrorDef =
        define("InvalidParameterValue", "InvalidParameterValue", 400, Fault::Client);
    /// A parameter of a query service was not given.
    pub static MISSING_PARAMETER: ErrorDef = define("MissingParameter", "MissingParameter", 400, Fault::Client);
    /// An XML document cannot be read.
    pub static MALFORMED_XML: ErrorDef = define("MalformedXML", "MalformedXML", 400, Fault::Client);
    /// A header or query parameter of a REST XML operation has the wrong type.
    pub static INVALID_ARGUMENT: ErrorDef = define("InvalidArgument", "InvalidArgument", 400, Fault::Client);
    /// The resource does not take the method (REST XML).
    pub static METHOD_NOT_ALLOWED: ErrorDef = define("MethodNotAllowed", "MethodNotAllowed", 405, Fault::Client);
    /// No such operation.
    pub static UNKNOWN_OPERATION: ErrorDef = define("UnknownOperationException", "InvalidAction", 404, Fault::Client);
    /// No such action (query protocols).
    pub static INVALID_ACTION: ErrorDef = define("InvalidAction", "InvalidAction", 400, Fault::Client);
    /// No action at all (query protocols).
    pub static MISSING_ACTION: ErrorDef = define("MissingAction", "MissingAction", 400, Fault::Client);
    /// The generic validator's error in query protocols.
    pub static VALIDATION_ERROR: ErrorDef = define("ValidationError", "ValidationError", 400, Fault::Client);
    /// The generic validator's error in JSON protocols.
    pub static VALIDATION: ErrorDef = define("ValidationException", "ValidationException", 400, Fault::Client);
    /// The generic validator's error of services with a code of their own.
    pub static INVALID_PARAMETER: ErrorDef =
        define("InvalidParameterException", "InvalidParameter", 400, Fault::Client);
    /// A REST JSON service that words its validation itself.
    pub static BAD_REQUEST: ErrorDef = define("BadRequestException", "BadRequest", 400, Fault::Client);
    /// A REST JSON service that words its validation itself.
    pub static INVALID_REQUEST: ErrorDef = define("InvalidRequestException", "InvalidRequest", 400, Fault::Client);
    /// The request carries no credentials.
    pub static MISSING_AUTHENTICATION_TOKEN: ErrorDef =
        define("MissingAuthenticationTokenException", "MissingAuthenticationToken", 403, Fault::Client);
    /// The credentials are not those of anybody.
    pub static UNRECOGNIZED_CLIENT: ErrorDef =
        define("UnrecognizedClientException", "InvalidClientTokenId", 403, Fault::Client);
    /// The signature does not hold (JSON protocols).
    pub static INVALID_SIGNATURE: ErrorDef =
        define("InvalidSignatureException", "SignatureDoesNotMatch", 403, Fault::Client);
    /// The authorization is not complete (JSON protocols).
    pub static INCOMPLETE_SIGNATURE_EXCEPTION: ErrorDef =
        define("IncompleteSignatureException", "IncompleteSignature", 403, Fault::Client);
    /// The authorization is not complete (query protocols).
    pub static INCOMPLETE_SIGNATURE: ErrorDef =
        define("IncompleteSignature", "IncompleteSignature", 400, Fault::Client);
    /// The session has ended.
    pub static EXPIRED_TOKEN: ErrorDef = define("ExpiredTokenException", "ExpiredToken", 403, Fault::Client);
    /// EC2's answer to everything that is wrong with credentials.
    pub static AUTH_FAILURE: ErrorDef = define("AuthFailure", "AuthFailure", 401, Fault::Client);
    /// EC2's answer to a session or a signature that has ended.
    pub static REQUEST_EXPIRED: ErrorDef = define("RequestExpired", "RequestExpired", 400, Fault::Client);
    /// All of these, for finding one by its name or code.
    pub static ALL: [&ErrorDef; 27] = [
        &INTERNAL_FAILURE,
        &SERVICE_UNAVAILABLE,
        &NOT_IMPLEMENTED,
        &ACCESS_DENIED,
        &UNAUTHORIZED_OPERATION,
        &SERIALIZATION,
        &INVALID_PARAMETER_VALUE,
        &MISSING_PARAMETER,
        &MALFORMED_XML,
        &INVALID_ARGUMENT,
        &METHOD_NOT_ALLOWED,
        &UNKNOWN_OPERATION,
        &INVALID_ACTION,
        &MISSING_ACTION,
        &VALIDATION_ERROR,
        &VALIDATION,
        &INVALID_PARAMETER,
        &BAD_REQUEST,
        &INVALID_REQUEST,
        &MISSING_AUTHENTICATION_TOKEN,
        &UNRECOGNIZED_CLIENT,
        &INVALID_SIGNATURE,
        &INCOMPLETE_SIGNATURE_EXCEPTION,
        &INCOMPLETE_SIGNATURE,
        &EXPIRED_TOKEN,
        &AUTH_FAILURE,
        &REQUEST_EXPIRED,
    ];
    /// The body is larger than the operation takes.
    pub static REQUEST_TOO_LARGE: ErrorDef =
        define("RequestEntityTooLargeException", "RequestEntityTooLarge", 413, Fault::Client);
}
