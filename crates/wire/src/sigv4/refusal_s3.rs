//! How S3 words a refusal.

use crate::sigv4::{
    Invalid, Malformed, Mechanism, Mismatch, Refusal, RequestTime, ScopeFault, SignatureError, Unrecognized,
};

type Fields = Vec<(&'static str, String)>;

const ONE_MECHANISM: &str = "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature \
                             query string parameter or the Authorization header should be specified";
const THREE_COMPONENTS: &str =
    "the authorization header requires three components: Credential, SignedHeaders, and Signature.";
const QUERY_PARAMETERS: &str = "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, \
                                X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.";
const EXPIRY_TOO_LONG: &str = "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires \
                               must be less than 604800 seconds";
const PAYLOAD_HASH: &str = "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, \
     STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER, \
     STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD, STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER or a valid sha256 \
     value.";

impl SignatureError {
    /// The answer that S3 gives.
    pub(crate) fn refusal_s3(&self) -> Refusal {
        match self {
            SignatureError::MissingCredentials => denied("Access Denied"),
            SignatureError::Malformed(malformed) => malformed.refusal_s3(),
            SignatureError::Invalid(invalid) => invalid.refusal_s3(),
            SignatureError::Unrecognized(unrecognized) => unrecognized.refusal_s3(),
        }
    }
}

impl Malformed {
    fn refusal_s3(&self) -> Refusal {
        match self {
            Malformed::UnsupportedScheme { authorization } => {
                invalid_argument("Unsupported Authorization Type", "Authorization", authorization)
            }
            Malformed::UnsupportedVersion2 => refuse(
                "InvalidRequest",
                400,
                "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.",
            ),
            Malformed::IncompleteHeader { missing, .. } if *missing == ["X-Amz-Date"] => no_date(),
            Malformed::Header { .. } | Malformed::IncompleteHeader { .. } => {
                malformed(Mechanism::Header, THREE_COMPONENTS)
            }
            Malformed::IncompleteQuery { .. } => query_error(QUERY_PARAMETERS),
            Malformed::IncompleteVersion2 => {
                denied("Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters")
            }
            Malformed::IncompleteForm { field } => {
                let rule = format!("Bucket POST must contain a field named '{field}'.");
                let hint = "If it is specified, please check the order of the fields.";
                invalid_argument(&format!("{rule}  {hint}"), field, "")
            }
            Malformed::UnsupportedAlgorithm { algorithm, mechanism } => match mechanism {
                Mechanism::Header => invalid_argument("Unsupported Authorization Type", "Authorization", algorithm),
                Mechanism::Query => {
                    query_error("X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256 and AWS4-ECDSA-P256-SHA256\"")
                }
                Mechanism::Form => invalid_argument("Only AWS4-HMAC-SHA256 is supported", "X-Amz-Algorithm", algorithm),
            },
            Malformed::Credential { mechanism, .. } => malformed(
                *mechanism,
                "the Credential is mal-formed; expecting \"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\".",
            ),
            Malformed::Date { value, mechanism } => match mechanism {
                Mechanism::Header => no_date(),
                Mechanism::Query => {
                    query_error("X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"")
                }
                Mechanism::Form => {
                    invalid_argument("X-Amz-Date must be formated via ISO8601 Long format", "X-Amz-Date", value)
                }
            },
            Malformed::ExpiryNotANumber => query_error("X-Amz-Expires should be a number"),
            Malformed::ExpiryNegative => query_error("X-Amz-Expires must be non-negative"),
            Malformed::ExpiryTooLong => query_error(EXPIRY_TOO_LONG),
            Malformed::Version2Expiry { value } => {
                denied(&format!("Invalid date (should be seconds since epoch): {value}"))
            }
            Malformed::NoPayloadHash => {
                refuse("InvalidRequest", 400, "Missing required header for this request: x-amz-content-sha256")
            }
            Malformed::PayloadHash { value } => invalid_argument(PAYLOAD_HASH, "x-amz-content-sha256", value),
        }
    }
}

impl Invalid {
    fn refusal_s3(&self) -> Refusal {
        match self {
            Invalid::MultipleMechanisms { authorization } => {
                invalid_argument(ONE_MECHANISM, "Authorization", authorization)
            }
            Invalid::Scope { faults, mechanism } => match faults.first() {
                Some(fault) => scope(fault, *mechanism),
                None => malformed(*mechanism, "the Credential is mal-formed."),
            },
            Invalid::HeadersNotSigned { names } => {
                denied("There were headers present in the request which were not signed")
                    .with(vec![("HeadersNotSigned", names.join(", "))])
            }
            Invalid::NotYetCurrent { signed, now, mechanism: Mechanism::Query, .. } => {
                denied("Request is not yet valid")
                    .with(vec![("X-Amz-Date", signed.basic.clone()), ("ServerTime", now.extended())])
            }
            Invalid::Expired { signed, now, tolerance, .. } | Invalid::NotYetCurrent { signed, now, tolerance, .. } => {
                skewed(signed, now, *tolerance)
            }
            Invalid::PresignedExpired { lifetime, expired, now } => {
                let lifetime = lifetime.map(|lifetime| ("X-Amz-Expires", lifetime.to_string()));
                let times = [("Expires", expired.extended()), ("ServerTime", now.extended())];
                denied("Request has expired").with(lifetime.into_iter().chain(times).collect())
            }
            Invalid::PayloadMismatch { declared, computed } => refuse(
                "XAmzContentSHA256Mismatch",
                400,
                "The provided 'x-amz-content-sha256' header does not match what was computed.",
            )
            .with(vec![
                ("ClientComputedContentSHA256", declared.clone()),
                ("S3ComputedContentSHA256", computed.clone()),
            ]),
            Invalid::Mismatch(mismatch) => does_not_match(mismatch),
        }
    }
}

impl Unrecognized {
    fn refusal_s3(&self) -> Refusal {
        match self {
            Unrecognized::AccessKey { access_key } => {
                refuse("InvalidAccessKeyId", 403, "The AWS Access Key Id you provided does not exist in our records.")
                    .with(vec![("AWSAccessKeyId", access_key.clone())])
            }
            Unrecognized::Token { token } => {
                refuse("InvalidToken", 400, "The provided token is malformed or otherwise invalid.")
                    .with(vec![("Token-0", token.clone())])
            }
            Unrecognized::ExpiredToken { token } => {
                refuse("ExpiredToken", 400, "The provided token has expired.").with(vec![("Token-0", token.clone())])
            }
        }
    }
}

impl Refusal {
    fn with(self, fields: Fields) -> Refusal {
        Refusal { fields, ..self }
    }
}

fn refuse(code: &'static str, status: u16, message: &str) -> Refusal {
    Refusal { code, status, message: message.to_owned(), fields: Vec::new() }
}

fn denied(message: &str) -> Refusal {
    refuse("AccessDenied", 403, message)
}

fn no_date() -> Refusal {
    denied("AWS authentication requires a valid Date or x-amz-date header")
}

fn query_error(message: &str) -> Refusal {
    refuse("AuthorizationQueryParametersError", 400, message)
}

fn invalid_argument(message: &str, name: &str, value: &str) -> Refusal {
    refuse("InvalidArgument", 400, message)
        .with(vec![("ArgumentName", name.to_owned()), ("ArgumentValue", value.to_owned())])
}

/// A credential that cannot be used: each mechanism has a code and an introduction of its own.
fn malformed(mechanism: Mechanism, message: &str) -> Refusal {
    match mechanism {
        Mechanism::Header => {
            refuse("AuthorizationHeaderMalformed", 400, &format!("The authorization header is malformed; {message}"))
        }
        Mechanism::Query => query_error(&format!("Error parsing the X-Amz-Credential parameter; {message}")),
        Mechanism::Form => refuse("InvalidArgument", 400, message),
    }
}

fn scope(fault: &ScopeFault, mechanism: Mechanism) -> Refusal {
    match fault {
        ScopeFault::Region { given, expected } => {
            malformed(mechanism, &format!("the region '{given}' is wrong; expecting '{expected}'"))
                .with(vec![("Region", expected.clone())])
        }
        ScopeFault::Service { given, expected } => {
            malformed(mechanism, &format!("incorrect service \"{given}\". This endpoint belongs to \"{expected}\"."))
        }
        ScopeFault::Terminator { given } => {
            malformed(mechanism, &format!("incorrect terminal \"{given}\". This endpoint uses \"aws4_request\"."))
        }
        ScopeFault::DateFormat { given } => malformed(
            mechanism,
            &format!(
                "incorrect date format \"{given}\". This date in the credential must be in the format \"yyyyMMdd\"."
            ),
        ),
        ScopeFault::Date { given, signed } => {
            let date = signed.date();
            let message =
                format!("Invalid credential date \"{given}\". This date is not the same as X-Amz-Date: \"{date}\".");
            match mechanism {
                Mechanism::Query => query_error(&message),
                _ => malformed(mechanism, &message),
            }
        }
    }
}

fn skewed(signed: &RequestTime, now: &RequestTime, tolerance_seconds: i64) -> Refusal {
    refuse("RequestTimeTooSkewed", 403, "The difference between the request time and the current time is too large.")
        .with(vec![
            ("RequestTime", signed.basic.clone()),
            ("ServerTime", now.extended()),
            ("MaxAllowedSkewMilliseconds", (tolerance_seconds * 1000).to_string()),
        ])
}

/// S3 shows both sides of the comparison, as text and as bytes.
fn does_not_match(mismatch: &Mismatch) -> Refusal {
    let bytes = |text: &str| text.bytes().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ");
    let mut fields = vec![
        ("AWSAccessKeyId", mismatch.access_key.clone()),
        ("StringToSign", mismatch.string_to_sign.clone()),
        ("SignatureProvided", mismatch.signature_provided.clone()),
        ("StringToSignBytes", bytes(&mismatch.string_to_sign)),
    ];
    if let Some(canonical_request) = &mismatch.canonical_request {
        fields.push(("CanonicalRequest", canonical_request.clone()));
        fields.push(("CanonicalRequestBytes", bytes(canonical_request)));
    }
    refuse(
        "SignatureDoesNotMatch",
        403,
        "The request signature we calculated does not match the signature you provided. Check your key and signing \
         method.",
    )
    .with(fields)
}
