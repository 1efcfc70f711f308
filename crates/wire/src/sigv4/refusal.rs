//! How each family of services words a refusal.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::schema::Protocol;
use crate::sigv4::encoding::sha256;
use crate::sigv4::{Invalid, Malformed, ScopeFault, SignatureError, Unrecognized};

/// A family of services that check and word signatures alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// JSON and CBOR by target: status 400.
    Json,
    /// REST with JSON: status 403.
    RestJson,
    /// Query: codes without `Exception`.
    Query,
    /// EC2: nearly all is `AuthFailure`.
    Ec2,
    /// S3.
    S3,
}

impl Dialect {
    /// The family of a service that speaks `protocol`. S3 is the only one of the catalogue that speaks REST with XML.
    pub fn of(protocol: Protocol) -> Dialect {
        match protocol {
            Protocol::Json | Protocol::Cbor | Protocol::CborTarget => Dialect::Json,
            Protocol::RestJson => Dialect::RestJson,
            Protocol::Query => Dialect::Query,
            Protocol::Ec2 => Dialect::Ec2,
            Protocol::RestXml => Dialect::S3,
        }
    }
}

/// What the client is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Error code.
    pub code: &'static str,
    /// HTTP status.
    pub status: u16,
    /// AWS's words.
    pub message: String,
    /// Further elements of an S3 error, in order; empty for all others.
    pub fields: Vec<(&'static str, String)>,
}

impl SignatureError {
    /// The answer that a service of the given family gives.
    pub fn refusal(&self, dialect: Dialect) -> Refusal {
        match dialect {
            Dialect::S3 => self.refusal_s3(),
            Dialect::Ec2 => self.refusal_ec2(),
            Dialect::Json | Dialect::RestJson | Dialect::Query => self.refusal_common(dialect),
        }
    }

    fn refusal_ec2(&self) -> Refusal {
        let (code, status, message) = match self {
            SignatureError::MissingCredentials => {
                ("MissingParameter", 400, "The request must contain the parameter AWSAccessKeyId")
            }
            SignatureError::Unrecognized(Unrecognized::ExpiredToken { .. }) => {
                ("RequestExpired", 400, "Request has expired.")
            }
            _ => ("AuthFailure", 401, "AWS was not able to validate the provided access credentials"),
        };
        Refusal { code, status, message: message.to_owned(), fields: Vec::new() }
    }

    fn refusal_common(&self, dialect: Dialect) -> Refusal {
        let (json, query, query_status) = match self {
            SignatureError::MissingCredentials => {
                ("MissingAuthenticationTokenException", "MissingAuthenticationToken", 403)
            }
            SignatureError::Malformed(_) => ("IncompleteSignatureException", "IncompleteSignature", 400),
            SignatureError::Invalid(_) => ("InvalidSignatureException", "SignatureDoesNotMatch", 403),
            SignatureError::Unrecognized(Unrecognized::ExpiredToken { .. }) => {
                ("ExpiredTokenException", "ExpiredToken", 403)
            }
            SignatureError::Unrecognized(_) => ("UnrecognizedClientException", "InvalidClientTokenId", 403),
        };
        let (code, status) = match dialect {
            Dialect::Json => (json, 400),
            Dialect::RestJson => (json, 403),
            _ => (query, query_status),
        };
        let message = match self {
            SignatureError::MissingCredentials if dialect == Dialect::RestJson => {
                "Missing Authentication Token".to_owned()
            }
            SignatureError::MissingCredentials => "Request is missing Authentication Token".to_owned(),
            SignatureError::Malformed(malformed) => malformed.message(),
            SignatureError::Invalid(invalid) => invalid.message(),
            SignatureError::Unrecognized(Unrecognized::ExpiredToken { .. }) => {
                "The security token included in the request is expired".to_owned()
            }
            SignatureError::Unrecognized(_) => "The security token included in the request is invalid.".to_owned(),
        };
        Refusal { code, status, message, fields: Vec::new() }
    }
}

impl Malformed {
    /// The words that all services but S3 and EC2 share.
    fn message(&self) -> String {
        match self {
            Malformed::UnsupportedScheme { authorization }
                if authorization.split_once(' ').is_some_and(|(_, rest)| rest.contains('=')) =>
            {
                incomplete_header(&["Credential", "Signature", "SignedHeaders"], authorization)
            }
            Malformed::UnsupportedScheme { authorization } | Malformed::Header { authorization } => format!(
                "Invalid key=value pair (missing equal-sign) in Authorization header (hashed with SHA-256 and encoded \
                 with Base64): '{}'.",
                hashed(authorization)
            ),
            Malformed::IncompleteHeader { missing, authorization } => incomplete_header(missing, authorization),
            Malformed::IncompleteQuery { missing } => {
                let sentences =
                    missing.iter().map(|name| format!("AWS query-string parameters must include '{name}'. "));
                format!("{}Re-examine the query-string parameters.", sentences.collect::<String>())
            }
            Malformed::UnsupportedAlgorithm { algorithm, .. } => {
                format!("Unsupported AWS 'algorithm': '{algorithm}' (only AWS4-HMAC-SHA256 for now). ")
            }
            Malformed::Credential { credential, .. } => format!(
                "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got \
                 '{credential}'"
            ),
            Malformed::Date { value, .. } => format!(
                "Date must be in ISO-8601 'basic format'. Got '{value}'. See http://en.wikipedia.org/wiki/ISO_8601"
            ),
            Malformed::UnsupportedVersion2
            | Malformed::IncompleteVersion2
            | Malformed::IncompleteForm { .. }
            | Malformed::ExpiryNotANumber
            | Malformed::ExpiryNegative
            | Malformed::ExpiryTooLong
            | Malformed::Version2Expiry { .. }
            | Malformed::NoPayloadHash
            | Malformed::PayloadHash { .. } => "The request signature does not conform to AWS standards.".to_owned(),
        }
    }
}

impl Invalid {
    /// The words that all services but S3 and EC2 share.
    fn message(&self) -> String {
        match self {
            Invalid::MultipleMechanisms { .. } => {
                "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header.".to_owned()
            }
            Invalid::Scope { faults, .. } => scope_sentences(faults),
            Invalid::HeadersNotSigned { .. } => {
                "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.".to_owned()
            }
            Invalid::Expired { signed, now, tolerance, .. } => format!(
                "Signature expired: {} is now earlier than {} ({} - {} min.)",
                signed.basic,
                now.plus(-tolerance).basic,
                now.basic,
                tolerance / 60
            ),
            Invalid::NotYetCurrent { signed, now, tolerance, .. } => format!(
                "Signature not yet current: {} is still later than {} ({} + {} min.)",
                signed.basic,
                now.plus(*tolerance).basic,
                now.basic,
                tolerance / 60
            ),
            Invalid::PresignedExpired { expired, now, .. } => {
                format!("Signature expired: {} is now earlier than {}", expired.basic, now.basic)
            }
            Invalid::PayloadMismatch { .. } | Invalid::Mismatch(_) => {
                "The request signature we calculated does not match the signature you provided. Check your AWS Secret \
                 Access Key and signing method. Consult the service documentation for details."
                    .to_owned()
            }
        }
    }
}

/// Headers may hold secrets, so AWS shows only their hash.
fn hashed(authorization: &str) -> String {
    STANDARD.encode(sha256(authorization.as_bytes()))
}

fn incomplete_header(missing: &[&str], authorization: &str) -> String {
    let sentence = |name: &&str| match *name {
        "X-Amz-Date" => {
            "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ".to_owned()
        }
        name => format!("Authorization header requires '{name}' parameter. "),
    };
    let sentences: String = missing.iter().map(sentence).collect();
    format!("{sentences}(Hashed with SHA-256 and encoded with Base64) Authorization={}", hashed(authorization))
}

/// One sentence per fault. A date that is no date also differs from the request's, and AWS says only the latter.
fn scope_sentences(faults: &[ScopeFault]) -> String {
    let sentence = |fault: &ScopeFault| match fault {
        ScopeFault::Region { .. } => "Credential should be scoped to a valid region. ".to_owned(),
        ScopeFault::Service { expected, .. } => {
            format!("Credential should be scoped to correct service: '{expected}'. ")
        }
        ScopeFault::Terminator { given } => {
            format!("Credential should be scoped with a valid terminator: 'aws4_request', not '{given}'. ")
        }
        ScopeFault::DateFormat { .. } => String::new(),
        ScopeFault::Date { given, signed } => format!(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '{given}' != \
             '{}', from '{}'.",
            signed.date(),
            signed.basic
        ),
    };
    faults.iter().map(sentence).collect()
}
