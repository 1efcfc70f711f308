//! Checks of a signature that need no secret: scope, signed headers and time.

use http::request::Parts;

use crate::sigv4::credentials::SignatureV4;
use crate::sigv4::{
    Credential, Credentials, Dialect, Invalid, MAX_SKEW_JSON_SECONDS, MAX_SKEW_SECONDS, Malformed, Mechanism,
    RequestTime, ScopeFault, SignatureError,
};

/// What a signature must fit: the endpoint that the request was routed to.
#[derive(Debug, Clone, Copy)]
pub struct SigningRules<'a> {
    /// The family of the service: how paths are canonicalised, payloads declared and failures ordered.
    pub dialect: Dialect,
    /// The service's signing name.
    pub service: &'a str,
    /// The only region that is accepted, if the endpoint has one.
    pub region: Option<&'a str>,
    /// The bucket that the host names (S3 virtual hosts); Signature Version 2 signs it.
    pub host_bucket: Option<&'a str>,
}

impl SigningRules<'_> {
    /// How far clocks may differ, in seconds.
    pub fn tolerance(&self) -> i64 {
        match self.dialect {
            Dialect::Json | Dialect::RestJson => MAX_SKEW_JSON_SECONDS,
            Dialect::Query | Dialect::Ec2 | Dialect::S3 => MAX_SKEW_SECONDS,
        }
    }
}

/// Checks everything that AWS checks before it looks the access key up: for S3 the scope and the signed headers, for
/// the others also the time (S3 looks at the time last).
///
/// # Errors
/// The first rule that is broken, in AWS's order.
pub fn check_scope(
    parts: &Parts,
    credentials: &Credentials,
    rules: &SigningRules<'_>,
    now: i64,
) -> Result<(), SignatureError> {
    let (signature, mechanism) = match credentials {
        Credentials::Anonymous => return Err(SignatureError::MissingCredentials),
        Credentials::Version2(_) if rules.dialect == Dialect::S3 => return Ok(()),
        Credentials::Version2(_) => return Err(Malformed::UnsupportedVersion2.into()),
        Credentials::Version4A(signature) => {
            let (algorithm, mechanism) = ("AWS4-ECDSA-P256-SHA256".to_owned(), signature.mechanism);
            return Err(Malformed::UnsupportedAlgorithm { algorithm, mechanism }.into());
        }
        Credentials::Header(signature) => (signature, Mechanism::Header),
        Credentials::Presigned { signature, .. } => (signature, Mechanism::Query),
    };
    if rules.dialect != Dialect::S3 {
        check_time(credentials, rules, now)?;
    } else if matches!(credentials, Credentials::Presigned { expires_seconds: None, .. }) {
        return Err(Malformed::IncompleteQuery { missing: vec!["X-Amz-Expires"] }.into());
    }
    check_credential(&signature.credential, &signature.time, mechanism, rules)?;
    Ok(check_signed_headers(parts, signature, rules)?)
}

pub(crate) fn check_credential(
    credential: &Credential,
    signed: &RequestTime,
    mechanism: Mechanism,
    rules: &SigningRules<'_>,
) -> Result<(), Invalid> {
    let mut faults = Vec::new();
    let date = credential.date();
    if let Some(expected) = rules.region.filter(|expected| *expected != credential.region()) {
        faults.push(ScopeFault::Region { given: credential.region().to_owned(), expected: expected.to_owned() });
    }
    if credential.service() != rules.service {
        let (given, expected) = (credential.service().to_owned(), rules.service.to_owned());
        faults.push(ScopeFault::Service { given, expected });
    }
    if credential.terminator() != "aws4_request" {
        faults.push(ScopeFault::Terminator { given: credential.terminator().to_owned() });
    }
    if date.len() != 8 || !date.bytes().all(|byte| byte.is_ascii_digit()) {
        faults.push(ScopeFault::DateFormat { given: date.to_owned() });
    }
    if date != signed.date() {
        faults.push(ScopeFault::Date { given: date.to_owned(), signed: signed.clone() });
    }
    if faults.is_empty() { Ok(()) } else { Err(Invalid::Scope { faults, mechanism }) }
}

/// Every service wants `host` signed; S3 also all `x-amz-*` headers and `Content-MD5`. The payload hash is exempt: it
/// is part of the canonical request whether its header is signed or not.
fn check_signed_headers(parts: &Parts, signature: &SignatureV4, rules: &SigningRules<'_>) -> Result<(), Invalid> {
    let is_signed = |name: &str| signature.signed_headers.split(';').any(|signed| signed.eq_ignore_ascii_case(name));
    let mut names = Vec::new();
    if !is_signed("host") && !is_signed(":authority") {
        names.push("host".to_owned());
    }
    if rules.dialect == Dialect::S3 {
        for name in parts.headers.keys().map(http::HeaderName::as_str) {
            let must_be_signed = name == "content-md5" || name.starts_with("x-amz-");
            if must_be_signed && name != "x-amz-content-sha256" && !is_signed(name) {
                names.push(name.to_owned());
            }
        }
    }
    names.sort();
    if names.is_empty() { Ok(()) } else { Err(Invalid::HeadersNotSigned { names }) }
}

/// Checks the time of a signature against the clock.
pub(crate) fn check_time(credentials: &Credentials, rules: &SigningRules<'_>, now: i64) -> Result<(), Invalid> {
    let (signature, lifetime, mechanism) = match credentials {
        Credentials::Header(signature) => (signature, None, Mechanism::Header),
        Credentials::Presigned { signature, expires_seconds } => (signature, *expires_seconds, Mechanism::Query),
        Credentials::Version2(signature) => {
            let expired = RequestTime::at(signature.expires);
            return if now > signature.expires {
                Err(Invalid::PresignedExpired { lifetime: None, expired, now: RequestTime::at(now) })
            } else {
                Ok(())
            };
        }
        Credentials::Anonymous | Credentials::Version4A(_) => return Ok(()),
    };
    let signed = &signature.time;
    let tolerance = rules.tolerance();
    let age = now.saturating_sub(signed.unix_seconds);
    if age < -tolerance {
        let (signed, now) = (signed.clone(), RequestTime::at(now));
        return Err(Invalid::NotYetCurrent { signed, now, tolerance, mechanism });
    }
    // Query services take a presigned request for as long as a signed one, whatever lifetime it asks for: the tokens of
    // EKS, which are presigned calls of STS, live by that.
    let lifetime = lifetime.filter(|_| !matches!(rules.dialect, Dialect::Query | Dialect::Ec2));
    match lifetime {
        Some(lifetime) if age > lifetime || lifetime == 0 => {
            let expired = signed.plus(lifetime);
            Err(Invalid::PresignedExpired { lifetime: Some(lifetime), expired, now: RequestTime::at(now) })
        }
        None if age > tolerance => {
            let (signed, now) = (signed.clone(), RequestTime::at(now));
            Err(Invalid::Expired { signed, now, tolerance, mechanism })
        }
        _ => Ok(()),
    }
}
