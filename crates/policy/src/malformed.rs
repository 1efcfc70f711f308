//! Why a document is refused.

/// A document that cannot be a policy. Its text is what IAM says in `MalformedPolicyDocument`; services with words of
/// their own go by the cause.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Malformed {
    /// What is wrong.
    pub cause: Cause,
    /// IAM's words for it, or for policies of resources those that S3 and role trust policies share.
    pub message: String,
}

impl Malformed {
    pub(crate) fn new(cause: Cause, message: impl Into<String>) -> Malformed {
        Malformed { cause, message: message.into() }
    }
}

/// What is wrong with a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Cause {
    /// Not a JSON object, or one with a member that comes twice.
    Json,
    /// JSON, but an element is of the wrong type or has an impossible value.
    Syntax,
    /// An element that nobody knows.
    UnknownField,
    /// An element that this kind of policy must not have (`Principal` in an identity policy).
    ProhibitedField,
    /// An element that this kind of policy must have (`Principal` in a resource policy).
    MissingField,
    /// The language version is not one this kind of policy may use.
    Version,
    /// A value that the first generation of IAM's parser would not read.
    LegacyParsing,
    /// Two statements with one Sid, or a Sid with characters it must not have.
    StatementId,
    /// An effect other than `Allow` and `Deny`.
    Effect,
    /// No action, or one that is not `vendor:Name`, or of another service.
    Action,
    /// No resource, or one that is no ARN.
    Resource,
    /// A principal of an unknown type or form.
    Principal,
    /// A condition operator or value that cannot be.
    Condition,
}
