//! What can be wrong with a signature.

use crate::sigv4::RequestTime;

/// Where a signature travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mechanism {
    /// The `Authorization` header.
    Header,
    /// Query parameters: a presigned URL.
    Query,
    /// Fields of an S3 POST form.
    Form,
}

/// Why a request's credentials or signature are refused. Carries all that any family's answer shows;
/// [`SignatureError::refusal`] words it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// The request is not signed at all, and the operation needs a signature.
    #[error("the request is not signed")]
    MissingCredentials,
    /// The signature cannot be read.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// The signature was read, and does not hold.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// Whoever signed is not known.
    #[error(transparent)]
    Unrecognized(#[from] Unrecognized),
}

impl SignatureError {
    /// Whether the `Authorization` header is of another scheme than AWS's: no signature at all. Operations that take no
    /// signature do not look at it.
    pub fn is_of_another_scheme(&self) -> bool {
        matches!(self, SignatureError::Malformed(Malformed::UnsupportedScheme { .. }))
    }
}

/// Why a signature cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// An `Authorization` header of a scheme that is not AWS's, such as `Bearer`.
    #[error("the authorization scheme is not one of AWS")]
    UnsupportedScheme {
        /// The header's value.
        authorization: String,
    },
    /// A Signature Version 2 `Authorization` header, which no region opened after 2013 accepts.
    #[error("signature version 2 headers are not supported")]
    UnsupportedVersion2,
    /// A component of the `Authorization` header has no `=`.
    #[error("a component of the authorization header has no value")]
    Header {
        /// The header's value.
        authorization: String,
    },
    /// Components or headers are missing: `Credential`, `Signature`, `SignedHeaders`, `X-Amz-Date`.
    #[error("the authorization header lacks {missing:?}")]
    IncompleteHeader {
        /// What is missing, in AWS's order.
        missing: Vec<&'static str>,
        /// The header's value.
        authorization: String,
    },
    /// Presigned, but not all parameters are there.
    #[error("the query lacks {missing:?}")]
    IncompleteQuery {
        /// What is missing, in AWS's order.
        missing: Vec<&'static str>,
    },
    /// Presigned with Signature Version 2, but not all parameters are there.
    #[error("the query lacks parameters of signature version 2")]
    IncompleteVersion2,
    /// A POST form that is signed in part.
    #[error("the form lacks the field {field}")]
    IncompleteForm {
        /// The field.
        field: &'static str,
    },
    /// Not `AWS4-HMAC-SHA256`; SigV4A (`AWS4-ECDSA-P256-SHA256`) among them.
    #[error("the algorithm {algorithm} is not supported")]
    UnsupportedAlgorithm {
        /// As given.
        algorithm: String,
        /// Where it was given.
        mechanism: Mechanism,
    },
    /// `Credential` is not `key/date/region/service/terminator`.
    #[error("the credential is malformed")]
    Credential {
        /// As given.
        credential: String,
        /// Where it was given.
        mechanism: Mechanism,
    },
    /// The date is in no form that AWS reads.
    #[error("the date {value:?} cannot be read")]
    Date {
        /// As given.
        value: String,
        /// Where it was given.
        mechanism: Mechanism,
    },
    /// `X-Amz-Expires` is no number.
    #[error("the expiry is not a number")]
    ExpiryNotANumber,
    /// `X-Amz-Expires` is negative.
    #[error("the expiry is negative")]
    ExpiryNegative,
    /// `X-Amz-Expires` is beyond a week.
    #[error("the expiry is longer than a week")]
    ExpiryTooLong,
    /// `Expires` of Signature Version 2 is no number of seconds.
    #[error("the expiry {value:?} is not a time")]
    Version2Expiry {
        /// As given.
        value: String,
    },
    /// S3 without `x-amz-content-sha256`.
    #[error("the payload hash is missing")]
    NoPayloadHash,
    /// `x-amz-content-sha256` is no hash and no known word.
    #[error("the payload hash {value:?} is invalid")]
    PayloadHash {
        /// As given.
        value: String,
    },
}

/// Why a signature does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// Both an `Authorization` header and query parameters.
    #[error("the request is signed in more than one way")]
    MultipleMechanisms {
        /// The header's value.
        authorization: String,
    },
    /// The scope does not belong to this endpoint, service or date.
    #[error("the credential scope is wrong")]
    Scope {
        /// All that is wrong with it.
        faults: Vec<ScopeFault>,
        /// Where it was given.
        mechanism: Mechanism,
    },
    /// Headers that must be signed are not.
    #[error("the headers {names:?} are not signed")]
    HeadersNotSigned {
        /// Their names, lower case.
        names: Vec<String>,
    },
    /// Signed too long ago.
    #[error("the signature has expired")]
    Expired {
        /// When it was signed.
        signed: RequestTime,
        /// The time here.
        now: RequestTime,
        /// Tolerance in seconds.
        tolerance: i64,
        /// Where it was given.
        mechanism: Mechanism,
    },
    /// Signed in the future.
    #[error("the signature is not yet valid")]
    NotYetCurrent {
        /// When it was signed.
        signed: RequestTime,
        /// The time here.
        now: RequestTime,
        /// Tolerance in seconds.
        tolerance: i64,
        /// Where it was given.
        mechanism: Mechanism,
    },
    /// A presigned URL is used after its end.
    #[error("the presigned request has expired")]
    PresignedExpired {
        /// `X-Amz-Expires`, if given (Signature Version 2 has none).
        lifetime: Option<i64>,
        /// When it ended.
        expired: RequestTime,
        /// The time here.
        now: RequestTime,
    },
    /// The body does not hash to what was declared and signed.
    #[error("the body does not match its declared hash")]
    PayloadMismatch {
        /// Hexadecimal, as declared.
        declared: String,
        /// Hexadecimal, as computed.
        computed: String,
    },
    /// The signature is not the one that the secret gives.
    #[error("the signature does not match")]
    Mismatch(Box<Mismatch>),
}

/// Why a signer is not recognised.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unrecognized {
    /// Nobody has that access key.
    #[error("unknown access key {access_key}")]
    AccessKey {
        /// The access key id.
        access_key: String,
    },
    /// The session token does not belong to the access key.
    #[error("the session token is invalid")]
    Token {
        /// As given.
        token: String,
    },
    /// The session has ended.
    #[error("the session token has expired")]
    ExpiredToken {
        /// As given.
        token: String,
    },
}

/// Both sides of a signature that does not match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// Who claims to have signed.
    pub access_key: String,
    /// The signature that came with the request.
    pub signature_provided: String,
    /// What was to be signed.
    pub string_to_sign: String,
    /// The canonical request in it; chunks, forms and Signature Version 2 have none.
    pub canonical_request: Option<String>,
}

/// One thing wrong with a credential scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScopeFault {
    /// Not the endpoint's region.
    Region {
        /// As given.
        given: String,
        /// The endpoint's.
        expected: String,
    },
    /// Not the service's signing name.
    Service {
        /// As given.
        given: String,
        /// The service's.
        expected: String,
    },
    /// Not `aws4_request`.
    Terminator {
        /// As given.
        given: String,
    },
    /// Not eight digits.
    DateFormat {
        /// As given.
        given: String,
    },
    /// Not the date of the request.
    Date {
        /// As given.
        given: String,
        /// When the request was signed.
        signed: RequestTime,
    },
}
