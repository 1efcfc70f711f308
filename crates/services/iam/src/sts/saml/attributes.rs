//! Attributes of an assertion: what AWS reads as wishes for the session, and what trust policies can ask for
//! (IAM user guide, SAML assertions for the authentication response).

use wire::Error;

use super::untrusted;
use crate::sts::session::{self, SessionTags};

/// In front of the names of the attributes that AWS reads.
const PREFIX: &str = "https://aws.amazon.com/SAML/Attributes/";

/// Seconds that an identity provider may wish for.
const SESSION_SECONDS: std::ops::RangeInclusive<i32> = 900..=43_200;

/// Characters of the names of sessions and of source identities.
const NAME_CHARACTERS: std::ops::RangeInclusive<usize> = 2..=64;

/// In front of object identifiers that are spelled as names.
const OBJECT_IDENTIFIER: &str = "urn:oid:";

/// Condition keys by the name of the attribute that sets them.
const CONDITION_KEYS: &[(&str, &str)] = &[
    ("1.3.6.1.4.1.5923.1.1.1.1", "saml:edupersonaffiliation"),
    ("1.3.6.1.4.1.5923.1.1.1.2", "saml:edupersonnickname"),
    ("1.3.6.1.4.1.5923.1.1.1.3", "saml:edupersonorgdn"),
    ("1.3.6.1.4.1.5923.1.1.1.4", "saml:edupersonorgunitdn"),
    ("1.3.6.1.4.1.5923.1.1.1.5", "saml:edupersonprimaryaffiliation"),
    ("1.3.6.1.4.1.5923.1.1.1.6", "saml:edupersonprincipalname"),
    ("1.3.6.1.4.1.5923.1.1.1.7", "saml:edupersonentitlement"),
    ("1.3.6.1.4.1.5923.1.1.1.8", "saml:edupersonprimaryorgunitdn"),
    ("1.3.6.1.4.1.5923.1.1.1.9", "saml:edupersonscopedaffiliation"),
    ("1.3.6.1.4.1.5923.1.1.1.10", "saml:edupersontargetedid"),
    ("1.3.6.1.4.1.5923.1.1.1.11", "saml:edupersonassurance"),
    ("1.3.6.1.4.1.5923.1.2.1.2", "saml:eduorghomepageuri"),
    ("1.3.6.1.4.1.5923.1.2.1.3", "saml:eduorgidentityauthnpolicyuri"),
    ("1.3.6.1.4.1.5923.1.2.1.4", "saml:eduorglegalname"),
    ("1.3.6.1.4.1.5923.1.2.1.5", "saml:eduorgsuperioruri"),
    ("1.3.6.1.4.1.5923.1.2.1.6", "saml:eduorgwhitepagesuri"),
    ("2.5.4.3", "saml:cn"),
    ("2.5.4.3", "saml:commonName"),
    ("2.5.4.4", "saml:surname"),
    ("2.5.4.42", "saml:givenName"),
    ("2.5.4.45", "saml:x500UniqueIdentifier"),
    ("0.9.2342.19200300.100.1.1", "saml:uid"),
    ("0.9.2342.19200300.100.1.3", "saml:mail"),
    ("0.9.2342.19200300.100.1.45", "saml:organizationStatus"),
    ("http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name", "saml:name"),
    ("http://schemas.xmlsoap.org/claims/CommonName", "saml:commonName"),
    ("http://schemas.xmlsoap.org/ws/2005/05/identity/claims/givenname", "saml:givenName"),
    ("http://schemas.xmlsoap.org/ws/2005/05/identity/claims/surname", "saml:surname"),
    ("http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress", "saml:mail"),
    ("http://schemas.microsoft.com/ws/2008/06/identity/claims/primarygroupsid", "saml:primaryGroupSID"),
];

/// What an assertion wishes for the session.
#[derive(Debug, PartialEq, Eq)]
pub struct Wishes {
    /// Its name.
    pub session_name: String,
    /// Roles that may be assumed, each with the provider: pairs of ARNs in either order.
    roles: Vec<String>,
    /// How long it lasts, unless the request says so.
    pub seconds: Option<i32>,
    /// Its source identity.
    pub source_identity: Option<String>,
    /// Its tags.
    pub tags: SessionTags,
}

impl Wishes {
    /// Reads what AWS reads.
    ///
    /// # Errors
    /// `InvalidIdentityToken` in AWS's words for what is missing or malformed.
    pub fn read(attributes: &[(String, Vec<String>)]) -> Result<Wishes, Error> {
        let named = |name: &'static str| values(attributes, name);
        let roles: Vec<String> = named("Role").cloned().collect();
        if roles.is_empty() {
            return Err(untrusted("Role is required in AuthnResponse"));
        }
        let session_name = one(named("RoleSessionName"), "RoleSessionName")?
            .ok_or_else(|| untrusted("RoleSessionName is required in AuthnResponse"))?;
        if !is_name(&session_name) {
            return Err(untrusted("RoleSessionName in AuthnResponse must match [a-zA-Z_0-9+=,.@-]{2,64}"));
        }
        let source_identity = one(named("SourceIdentity"), "SourceIdentity")?;
        if source_identity.as_deref().is_some_and(|name| !is_name(name) || name.starts_with("aws:")) {
            return Err(untrusted("Source Identity must match [a-zA-Z_0-9+=,.@-]{2,64} and not begin with \"aws:\""));
        }
        let seconds = one(named("SessionDuration"), "SessionDuration")?.map(|written| {
            let seconds = written.parse().ok().filter(|seconds| SESSION_SECONDS.contains(seconds));
            seconds.ok_or_else(|| untrusted("SessionDuration in AuthnResponse must be from 900 to 43200"))
        });
        let transitive = named("TransitiveTagKeys").cloned().collect();
        let tags = session::checked_tags(tags(attributes)?, transitive, None)?;
        Ok(Wishes { session_name, roles, seconds: seconds.transpose()?, source_identity, tags })
    }

    /// Whether the role is one of those that may be assumed through this provider.
    pub fn has_role(&self, role: &str, provider: &str) -> bool {
        self.roles.iter().filter_map(|pair| pair.split_once(',')).any(|(one, other)| {
            let pair = (one.trim(), other.trim());
            pair == (role, provider) || pair == (provider, role)
        })
    }
}

/// The condition keys of trust policies that the attributes set.
pub fn conditions(attributes: &[(String, Vec<String>)]) -> Vec<(String, Vec<String>)> {
    let mut conditions: Vec<(String, Vec<String>)> = Vec::new();
    for (name, values) in attributes.iter().filter(|(_, values)| !values.is_empty()) {
        let name = name.strip_prefix(OBJECT_IDENTIFIER).unwrap_or(name);
        for (_, key) in CONDITION_KEYS.iter().filter(|(attribute, _)| *attribute == name) {
            match conditions.iter_mut().find(|(known, _)| known == key) {
                Some((_, known)) => known.extend(values.iter().cloned()),
                None => conditions.push(((*key).to_owned(), values.clone())),
            }
        }
    }
    conditions
}

/// The values of one of AWS's attributes.
fn values<'a>(attributes: &'a [(String, Vec<String>)], name: &'static str) -> impl Iterator<Item = &'a String> {
    let name = format!("{PREFIX}{name}");
    attributes.iter().filter(move |(known, _)| *known == name).flat_map(|(_, values)| values)
}

/// The only value of an attribute that has one at most.
fn one<'a>(mut values: impl Iterator<Item = &'a String>, name: &'static str) -> Result<Option<String>, Error> {
    let first = values.next().cloned();
    match values.next() {
        None => Ok(first),
        Some(_) => Err(untrusted(format!("{name} in AuthnResponse must have one value"))),
    }
}

fn tags(attributes: &[(String, Vec<String>)]) -> Result<Vec<(String, String)>, Error> {
    let mut tags = Vec::new();
    for (name, values) in attributes {
        let Some(key) = name.strip_prefix(PREFIX).and_then(|rest| rest.strip_prefix("PrincipalTag:")) else { continue };
        let value = one(values.iter(), "PrincipalTag")?;
        tags.extend(value.map(|value| (key.to_owned(), value)));
    }
    Ok(tags)
}

fn is_name(name: &str) -> bool {
    let is_known = |byte: u8| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte);
    NAME_CHARACTERS.contains(&name.len()) && name.bytes().all(is_known)
}
