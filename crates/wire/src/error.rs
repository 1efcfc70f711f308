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

    /// Something of ours broke.
    pub static INTERNAL_FAILURE: ErrorDef = define("InternalFailure", "InternalFailure", 500, Fault::Server);
    /// The platform cannot take more work now; the client's SDK retries.
    pub static SERVICE_UNAVAILABLE: ErrorDef =
        define("ServiceUnavailableException", "ServiceUnavailable", 503, Fault::Server);
    /// Modelled by AWS, not built here. 501 is outside the retry sets of the SDKs.
    pub static NOT_IMPLEMENTED: ErrorDef = define("NotImplementedException", "NotImplemented", 501, Fault::Server);
    /// The principal may not do it.
    pub static ACCESS_DENIED: ErrorDef = define("AccessDeniedException", "AccessDenied", 403, Fault::Client);
    /// The document cannot be read.
    pub static SERIALIZATION: ErrorDef = define("SerializationException", "MalformedInput", 400, Fault::Client);
    /// No such operation.
    pub static UNKNOWN_OPERATION: ErrorDef = define("UnknownOperationException", "InvalidAction", 404, Fault::Client);
    /// The generic validator's error in query protocols.
    pub static VALIDATION_ERROR: ErrorDef = define("ValidationError", "ValidationError", 400, Fault::Client);
    /// The generic validator's error in JSON protocols.
    pub static VALIDATION: ErrorDef = define("ValidationException", "ValidationException", 400, Fault::Client);
    /// The body is larger than the operation takes.
    pub static REQUEST_TOO_LARGE: ErrorDef =
        define("RequestEntityTooLargeException", "RequestEntityTooLarge", 413, Fault::Client);
}
