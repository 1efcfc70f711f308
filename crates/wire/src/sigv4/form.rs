//! The signature of an S3 POST form: the signed text is the form's policy.

use crate::sigv4::credentials::ALGORITHM;
use crate::sigv4::encoding::{hex, hmac_sha256};
use crate::sigv4::scope::check_credential;
use crate::sigv4::verify::signatures_equal;
use crate::sigv4::{
    Credential, Invalid, MAX_PRESIGNED_SECONDS, Malformed, Mechanism, Mismatch, RequestTime, SignatureError,
    SigningKeys, SigningRules, version2,
};

/// What an S3 POST form says about who signed its policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FormCredentials {
    /// No policy and no signature.
    Anonymous,
    /// Signature Version 4.
    Version4 {
        /// Access key and scope.
        credential: Credential,
        /// `x-amz-date`.
        time: RequestTime,
        /// `x-amz-signature`.
        signature: String,
        /// `policy`: base64, as sent.
        policy: String,
        /// Session token.
        token: Option<String>,
    },
    /// Signature Version 2.
    Version2 {
        /// `AWSAccessKeyId`.
        access_key: String,
        /// `signature`: base64.
        signature: String,
        /// `policy`: base64, as sent.
        policy: String,
        /// Session token.
        token: Option<String>,
    },
}

impl FormCredentials {
    /// The access key id that the form claims.
    pub fn access_key(&self) -> Option<&str> {
        match self {
            FormCredentials::Anonymous => None,
            FormCredentials::Version4 { credential, .. } => Some(credential.access_key()),
            FormCredentials::Version2 { access_key, .. } => Some(access_key),
        }
    }

    /// The session token that came along.
    pub fn token(&self) -> Option<&str> {
        match self {
            FormCredentials::Anonymous => None,
            FormCredentials::Version4 { token, .. } | FormCredentials::Version2 { token, .. } => token.as_deref(),
        }
    }
}

/// Reads the credentials of a POST form. `field` finds a field's value by its name, which it compares without case.
///
/// # Errors
/// What is there must be complete and well formed.
pub fn parse_form_credentials<'a>(field: impl Fn(&str) -> Option<&'a str>) -> Result<FormCredentials, Malformed> {
    let field = |name: &'static str| field(name).filter(|value| !value.is_empty());
    let need = |name: &'static str| field(name).ok_or(Malformed::IncompleteForm { field: name });
    let mechanism = Mechanism::Form;
    let token = field("x-amz-security-token").map(str::to_owned);
    if let Some(access_key) = field("AWSAccessKeyId") {
        let (signature, policy) = (need("signature")?.to_owned(), need("policy")?.to_owned());
        return Ok(FormCredentials::Version2 { access_key: access_key.to_owned(), signature, policy, token });
    }
    if field("policy").is_none() && field("x-amz-signature").is_none() && field("x-amz-algorithm").is_none() {
        return Ok(FormCredentials::Anonymous);
    }
    let (policy, algorithm) = (need("policy")?, need("x-amz-algorithm")?);
    let (credential, date) = (need("x-amz-credential")?, need("x-amz-date")?);
    let signature = need("x-amz-signature")?.to_owned();
    if algorithm != ALGORITHM {
        return Err(Malformed::UnsupportedAlgorithm { algorithm: algorithm.to_owned(), mechanism });
    }
    let credential = Credential::parse(credential, mechanism)?;
    let malformed_date = || Malformed::Date { value: date.to_owned(), mechanism };
    let time = RequestTime::parse_basic(date).ok_or_else(malformed_date)?;
    Ok(FormCredentials::Version4 { credential, time, signature, policy: policy.to_owned(), token })
}

/// Verifies the signature of a form's policy. The policy's own expiration and conditions are the service's to check;
/// this refuses only what was signed more than a week ago, or in the future.
///
/// # Errors
/// The first rule that is broken.
pub fn verify_form(
    credentials: &FormCredentials,
    secret: &str,
    rules: &SigningRules<'_>,
    keys: &SigningKeys,
    now: i64,
) -> Result<(), SignatureError> {
    match credentials {
        FormCredentials::Anonymous => Err(SignatureError::MissingCredentials),
        FormCredentials::Version2 { access_key, signature, policy, .. } => {
            Ok(version2::check(access_key, signature, secret, policy.clone())?)
        }
        FormCredentials::Version4 { credential, time, signature, policy, .. } => {
            let mechanism = Mechanism::Form;
            check_credential(credential, time, mechanism, rules)?;
            let signing_key = keys.signing_key(credential, secret);
            let expected = hex(&hmac_sha256(&signing_key, policy.as_bytes()));
            if !signatures_equal(&expected, signature) {
                return Err(Invalid::Mismatch(Box::new(Mismatch {
                    access_key: credential.access_key().to_owned(),
                    signature_provided: signature.clone(),
                    string_to_sign: policy.clone(),
                    canonical_request: None,
                }))
                .into());
            }
            let age = now.saturating_sub(time.unix_seconds);
            let (signed, now) = (time.clone(), RequestTime::at(now));
            if age > MAX_PRESIGNED_SECONDS {
                let tolerance = MAX_PRESIGNED_SECONDS;
                return Err(Invalid::Expired { signed, now, tolerance, mechanism }.into());
            }
            if age < -rules.tolerance() {
                let tolerance = rules.tolerance();
                return Err(Invalid::NotYetCurrent { signed, now, tolerance, mechanism }.into());
            }
            Ok(())
        }
    }
}
