//! Reading what a request claims about its signer, without believing any of it.

use http::request::Parts;

use crate::sigv4::encoding::{decode_query_text, query_pairs};
use crate::sigv4::{
    Invalid, MAX_CREDENTIAL_BYTES, MAX_PRESIGNED_SECONDS, Malformed, Mechanism, RequestTime, SignatureError,
};

pub(crate) const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const ALGORITHM_V4A: &str = "AWS4-ECDSA-P256-SHA256";

/// What a request says about who signed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credentials {
    /// Nothing.
    Anonymous,
    /// Signature Version 4 in the `Authorization` header.
    Header(SignatureV4),
    /// Signature Version 4 in the query string.
    Presigned {
        /// The signature.
        signature: SignatureV4,
        /// `X-Amz-Expires` in seconds; S3 demands it, other services do not know it.
        expires_seconds: Option<i64>,
    },
    /// Signature Version 2 in the query string (S3 only).
    Version2(SignatureV2),
    /// Signature Version 4A. Recognised, so that the signer can be named, but not verified.
    Version4A(SignatureV4A),
}

impl Credentials {
    /// The access key id that the request claims.
    pub fn access_key(&self) -> Option<&str> {
        match self {
            Credentials::Anonymous => None,
            Credentials::Header(signature) | Credentials::Presigned { signature, .. } => {
                Some(signature.credential.access_key())
            }
            Credentials::Version2(signature) => Some(&signature.access_key),
            Credentials::Version4A(signature) => Some(&signature.access_key),
        }
    }

    /// The signing name of the service in the credential scope.
    pub fn service(&self) -> Option<&str> {
        match self {
            Credentials::Anonymous | Credentials::Version2(_) => None,
            Credentials::Header(signature) | Credentials::Presigned { signature, .. } => {
                Some(signature.credential.service())
            }
            Credentials::Version4A(signature) => Some(&signature.service),
        }
    }

    /// The region in the credential scope.
    pub fn region(&self) -> Option<&str> {
        match self {
            Credentials::Header(signature) | Credentials::Presigned { signature, .. } => {
                Some(signature.credential.region())
            }
            Credentials::Anonymous | Credentials::Version2(_) | Credentials::Version4A(_) => None,
        }
    }

    /// The session token that came along.
    pub fn token(&self) -> Option<&str> {
        match self {
            Credentials::Anonymous => None,
            Credentials::Header(signature) | Credentials::Presigned { signature, .. } => signature.token.as_deref(),
            Credentials::Version2(signature) => signature.token.as_deref(),
            Credentials::Version4A(signature) => signature.token.as_deref(),
        }
    }
}

/// A Signature Version 4 as sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignatureV4 {
    /// Access key and scope.
    pub credential: Credential,
    /// When it was signed.
    pub time: RequestTime,
    /// `SignedHeaders`: names joined by `;`.
    pub signed_headers: String,
    /// The signature, hexadecimal.
    pub signature: String,
    /// Session token.
    pub token: Option<String>,
}

/// A Signature Version 2 in the query string.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignatureV2 {
    /// `AWSAccessKeyId`.
    pub access_key: String,
    /// `Expires`: Unix seconds.
    pub expires: i64,
    /// `Signature`: base64.
    pub signature: String,
    /// `x-amz-security-token`.
    pub token: Option<String>,
}

/// A Signature Version 4A as sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignatureV4A {
    /// Access key id.
    pub access_key: String,
    /// Signing name of the service; this scope has no region.
    pub service: String,
    /// `X-Amz-Region-Set`.
    pub region_set: String,
    /// Session token.
    pub token: Option<String>,
    /// Where it was given.
    pub mechanism: Mechanism,
}

/// `AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request`: exactly five parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    text: String,
    /// Where each of the first four parts ends.
    ends: [usize; 4],
}

impl Credential {
    pub(crate) fn parse(text: &str, mechanism: Mechanism) -> Result<Credential, Malformed> {
        let malformed = || Malformed::Credential { credential: text.to_owned(), mechanism };
        if text.len() > MAX_CREDENTIAL_BYTES {
            return Err(malformed());
        }
        let mut slashes = text.match_indices('/').map(|(at, _)| at);
        let mut ends = [0; 4];
        for end in &mut ends {
            *end = slashes.next().ok_or_else(malformed)?;
        }
        if slashes.next().is_some() || ends[0] == 0 {
            return Err(malformed());
        }
        Ok(Credential { text: text.to_owned(), ends })
    }

    /// All five parts as sent.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The access key id.
    pub fn access_key(&self) -> &str {
        &self.text[..self.ends[0]]
    }

    /// The scope's date, `20150830` if well formed.
    pub fn date(&self) -> &str {
        &self.text[self.ends[0] + 1..self.ends[1]]
    }

    /// The scope's region.
    pub fn region(&self) -> &str {
        &self.text[self.ends[1] + 1..self.ends[2]]
    }

    /// The scope's service: a signing name.
    pub fn service(&self) -> &str {
        &self.text[self.ends[2] + 1..self.ends[3]]
    }

    /// The scope's last part, `aws4_request` if well formed.
    pub fn terminator(&self) -> &str {
        &self.text[self.ends[3] + 1..]
    }

    /// All but the access key: what is signed.
    pub fn scope(&self) -> &str {
        &self.text[self.ends[0] + 1..]
    }
}

/// Reads the credentials of a request from its head.
///
/// # Errors
/// What is there must be well formed; whether it is true is for [`crate::sigv4::verify`] to say.
pub fn parse_credentials(parts: &Parts) -> Result<Credentials, SignatureError> {
    let authorization = parts.headers.get(http::header::AUTHORIZATION).map(|value| value.as_bytes());
    let authorization = authorization.map(String::from_utf8_lossy).filter(|value| !value.trim().is_empty());
    let query = QueryCredentials::collect(parts.uri.query().unwrap_or(""));
    match authorization {
        Some(authorization) if query.is_version4() => {
            Err(Invalid::MultipleMechanisms { authorization: authorization.into_owned() }.into())
        }
        Some(authorization) => Ok(parse_header(parts, &authorization)?),
        None if query.is_version4() => Ok(query.into_version4()?),
        None if query.is_version2() => Ok(query.into_version2(parts)?),
        None => Ok(Credentials::Anonymous),
    }
}

fn header_text(parts: &Parts, name: &str) -> Option<String> {
    parts.headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
}

fn parse_header(parts: &Parts, authorization: &str) -> Result<Credentials, Malformed> {
    let trimmed = authorization.trim();
    let (scheme, rest) = trimmed.split_once(char::is_whitespace).unwrap_or((trimmed, ""));
    match scheme {
        ALGORITHM | ALGORITHM_V4A => {}
        "AWS" => return Err(Malformed::UnsupportedVersion2),
        _ if scheme.starts_with("AWS4-") => {
            let algorithm = scheme.to_owned();
            return Err(Malformed::UnsupportedAlgorithm { algorithm, mechanism: Mechanism::Header });
        }
        _ => return Err(Malformed::UnsupportedScheme { authorization: authorization.to_owned() }),
    }
    let components = HeaderComponents::parse(authorization, rest)?;
    let time = header_text(parts, "x-amz-date").or_else(|| header_text(parts, "date"));
    let (credential, signature, signed_headers, time) = components.complete(time, authorization)?;
    let token = header_text(parts, "x-amz-security-token");
    if scheme == ALGORITHM_V4A {
        let region_set = header_text(parts, "x-amz-region-set").unwrap_or_default();
        return parse_version4a(credential, region_set, token, Mechanism::Header);
    }
    let time = RequestTime::parse_header(&time).ok_or(Malformed::Date { value: time, mechanism: Mechanism::Header })?;
    Ok(Credentials::Header(SignatureV4 {
        credential: Credential::parse(credential, Mechanism::Header)?,
        time,
        signed_headers: signed_headers.to_owned(),
        signature: signature.to_owned(),
        token,
    }))
}

/// The `Credential=…, SignedHeaders=…, Signature=…` of an `Authorization` header.
#[derive(Default)]
struct HeaderComponents<'a> {
    credential: Option<&'a str>,
    signed_headers: Option<&'a str>,
    signature: Option<&'a str>,
}

impl<'a> HeaderComponents<'a> {
    fn parse(authorization: &str, text: &'a str) -> Result<HeaderComponents<'a>, Malformed> {
        let mut components = HeaderComponents::default();
        for component in text.split([',', ' ']).map(str::trim).filter(|component| !component.is_empty()) {
            let malformed = || Malformed::Header { authorization: authorization.to_owned() };
            let (name, value) = component.split_once('=').ok_or_else(malformed)?;
            let slot = match name {
                "Credential" => &mut components.credential,
                "SignedHeaders" => &mut components.signed_headers,
                "Signature" => &mut components.signature,
                _ => continue,
            };
            *slot = Some(value).filter(|value| !value.is_empty());
        }
        Ok(components)
    }

    /// Credential, signature, signed headers and date, if all are there.
    fn complete(
        self,
        time: Option<String>,
        authorization: &str,
    ) -> Result<(&'a str, &'a str, &'a str, String), Malformed> {
        match (self.credential, self.signature, self.signed_headers, time) {
            (Some(credential), Some(signature), Some(signed_headers), Some(time)) => {
                Ok((credential, signature, signed_headers, time))
            }
            (credential, signature, signed_headers, time) => {
                let present = [
                    ("Credential", credential.is_some()),
                    ("Signature", signature.is_some()),
                    ("SignedHeaders", signed_headers.is_some()),
                    ("X-Amz-Date", time.is_some()),
                ];
                let missing = present.iter().filter(|(_, is_present)| !is_present).map(|(name, _)| *name).collect();
                Err(Malformed::IncompleteHeader { missing, authorization: authorization.to_owned() })
            }
        }
    }
}

fn parse_version4a(
    credential: &str,
    region_set: String,
    token: Option<String>,
    mechanism: Mechanism,
) -> Result<Credentials, Malformed> {
    let malformed = || Malformed::Credential { credential: credential.to_owned(), mechanism };
    let parts: Vec<&str> = credential.split('/').collect();
    let &[access_key, _date, service, _terminator] = parts.as_slice() else { return Err(malformed()) };
    if access_key.is_empty() || credential.len() > MAX_CREDENTIAL_BYTES {
        return Err(malformed());
    }
    let (access_key, service) = (access_key.to_owned(), service.to_owned());
    Ok(Credentials::Version4A(SignatureV4A { access_key, service, region_set, token, mechanism }))
}

/// The signature parameters of a query string, decoded. Names of version 4 compare without case.
#[derive(Default)]
struct QueryCredentials {
    algorithm: Option<String>,
    credential: Option<String>,
    signature: Option<String>,
    signed_headers: Option<String>,
    date: Option<String>,
    expires: Option<String>,
    token: Option<String>,
    region_set: Option<String>,
    version2_access_key: Option<String>,
    version2_signature: Option<String>,
    version2_expires: Option<String>,
}

impl QueryCredentials {
    fn collect(query: &str) -> QueryCredentials {
        let mut found = QueryCredentials::default();
        for (name, value) in query_pairs(query) {
            let slot = match name {
                "AWSAccessKeyId" => &mut found.version2_access_key,
                "Signature" => &mut found.version2_signature,
                "Expires" => &mut found.version2_expires,
                _ => match found.version4_slot(name) {
                    Some(slot) => slot,
                    None => continue,
                },
            };
            *slot = Some(decode_query_text(value).into_owned());
        }
        found
    }

    fn version4_slot(&mut self, name: &str) -> Option<&mut Option<String>> {
        let name = name.get(..6).filter(|prefix| prefix.eq_ignore_ascii_case("x-amz-")).map(|_| &name[6..])?;
        let slots = [
            ("Algorithm", &mut self.algorithm),
            ("Credential", &mut self.credential),
            ("Signature", &mut self.signature),
            ("SignedHeaders", &mut self.signed_headers),
            ("Date", &mut self.date),
            ("Expires", &mut self.expires),
            ("Security-Token", &mut self.token),
            ("Region-Set", &mut self.region_set),
        ];
        slots.into_iter().find(|(slot, _)| slot.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    fn is_version4(&self) -> bool {
        self.algorithm.is_some() || self.credential.is_some() || self.signature.is_some()
    }

    fn is_version2(&self) -> bool {
        self.version2_access_key.is_some() || (self.version2_signature.is_some() && self.version2_expires.is_some())
    }

    fn into_version4(self) -> Result<Credentials, Malformed> {
        let present = |value: Option<String>| value.filter(|value| !value.is_empty());
        let (Some(algorithm), Some(credential), Some(signature), Some(signed_headers), Some(date)) = (
            present(self.algorithm.clone()),
            present(self.credential.clone()),
            present(self.signature.clone()),
            present(self.signed_headers.clone()),
            present(self.date.clone()),
        ) else {
            return Err(self.incomplete());
        };
        let mechanism = Mechanism::Query;
        match algorithm.as_str() {
            ALGORITHM => {}
            ALGORITHM_V4A => {
                return parse_version4a(&credential, self.region_set.unwrap_or_default(), self.token, mechanism);
            }
            _ => return Err(Malformed::UnsupportedAlgorithm { algorithm, mechanism }),
        }
        let time = RequestTime::parse_basic(&date).ok_or(Malformed::Date { value: date, mechanism })?;
        let expires_seconds = self.expires.as_deref().map(parse_lifetime).transpose()?;
        let credential = Credential::parse(&credential, mechanism)?;
        let signature = SignatureV4 { credential, time, signed_headers, signature, token: self.token };
        Ok(Credentials::Presigned { signature, expires_seconds })
    }

    fn incomplete(&self) -> Malformed {
        let present = [
            ("X-Amz-Algorithm", &self.algorithm),
            ("X-Amz-Credential", &self.credential),
            ("X-Amz-Signature", &self.signature),
            ("X-Amz-SignedHeaders", &self.signed_headers),
            ("X-Amz-Date", &self.date),
        ];
        let absent = present.iter().filter(|(_, value)| value.as_deref().is_none_or(str::is_empty));
        Malformed::IncompleteQuery { missing: absent.map(|(name, _)| *name).collect() }
    }

    fn into_version2(self, parts: &Parts) -> Result<Credentials, Malformed> {
        let (Some(access_key), Some(signature), Some(expires)) =
            (self.version2_access_key, self.version2_signature, self.version2_expires)
        else {
            return Err(Malformed::IncompleteVersion2);
        };
        let expires = expires.parse().map_err(|_| Malformed::Version2Expiry { value: expires })?;
        let token = self.token.or_else(|| header_text(parts, "x-amz-security-token"));
        // A base64 `+` that the client left unescaped reads as a blank in a query.
        let signature = signature.replace(' ', "+");
        Ok(Credentials::Version2(SignatureV2 { access_key, expires, signature, token }))
    }
}

/// Reads `X-Amz-Expires`. Zero is a lifetime that has always ended.
fn parse_lifetime(text: &str) -> Result<i64, Malformed> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Malformed::ExpiryNotANumber);
    }
    if text.starts_with('-') {
        return Err(Malformed::ExpiryNegative);
    }
    match text.parse() {
        Ok(seconds) if seconds <= MAX_PRESIGNED_SECONDS => Ok(seconds),
        _ => Err(Malformed::ExpiryTooLong),
    }
}
