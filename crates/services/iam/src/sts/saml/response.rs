//! A response: which part of it the identity provider vouches for, and what that part says about whom.

use api::sts::errors;
use roxmltree::{Document, Node};
use wire::{Error, Timestamp};

use super::provider::Issuer;
use super::xml::{self, ASSERTION, PROTOCOL, SIGNATURE};
use super::{signature, untrusted};

const SUCCESS: &str = "urn:oasis:names:tc:SAML:2.0:status:Success";
const BEARER: &str = "urn:oasis:names:tc:SAML:2.0:cm:bearer";

/// In front of the formats of names whose rest AWS answers alone.
const FORMAT_PREFIX: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:";
/// The format of a name that tells none (SAML core, 2.2.2).
const FORMAT_DEFAULT: &str = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified";

/// An audience that means all of AWS (IAM user guide, SAML assertions for the authentication response).
const AUDIENCE: &str = "urn:amazon:webservices";

/// Seconds within which a response has to be used (AWS's own refusal says 5 minutes), and by which the clock of an
/// identity provider may be ahead.
const REDEEM_SECONDS: i64 = 300;

/// What an assertion says.
#[derive(Debug, PartialEq, Eq)]
pub struct Statement {
    /// `NameID`.
    pub subject: String,
    /// Its format, as AWS answers it.
    pub subject_type: String,
    /// Where the response was meant to be sent.
    pub recipient: String,
    /// Seconds until the session with the identity provider ends, if it says so.
    pub seconds_left: Option<i32>,
    /// Attributes with their values.
    pub attributes: Vec<(String, Vec<String>)>,
}

/// The assertion of a response, if it is the provider's word.
///
/// Signature wrapping, which has one element verified and another one read, has no room here: there is one assertion in the
/// whole document, all signatures stand where SAML puts them, each has to be good, and nothing but the assertion is read.
///
/// # Errors
/// `InvalidIdentityToken` if it is not; `IDPRejectedClaim` if the provider has not let its user in.
pub fn verified<'d>(source: &'d str, document: &'d Document<'d>, issuer: &Issuer) -> Result<Node<'d, 'd>, Error> {
    let malformed = || untrusted("Your request included an invalid SAML response");
    let response = document.root_element();
    if !xml::is(response, PROTOCOL, "Response") || !xml::has_unique_ids(document) {
        return Err(malformed());
    }
    if document.descendants().any(|node| xml::is(node, ASSERTION, "EncryptedAssertion")) {
        return Err(untrusted("Traca does not read encrypted assertions yet"));
    }
    check_status(response)?;
    let assertion = xml::only(response, ASSERTION, "Assertion").ok_or_else(malformed)?;
    let is_only = document.descendants().filter(|node| xml::is(*node, ASSERTION, "Assertion")).count() == 1;
    let is_version_2 = [response, assertion].iter().all(|node| node.attribute("Version") == Some("2.0"));
    if !is_only || !is_version_2 {
        return Err(malformed());
    }
    let issued_by = |node: Node<'d, 'd>| xml::only(node, ASSERTION, "Issuer").and_then(xml::text);
    let is_named = xml::children(response, ASSERTION, "Issuer").next().is_some();
    let is_meant = |node| issued_by(node) == Some(issuer.entity_id.as_str());
    if !is_meant(assertion) || is_named && !is_meant(response) {
        return Err(untrusted("Issuer not present in specified provider"));
    }
    if !is_vouched_for(source, response, assertion, issuer) {
        return Err(untrusted("Response signature invalid"));
    }
    Ok(assertion)
}

/// Whether the assertion or the response around it is signed, and every signature is good.
fn is_vouched_for<'d>(source: &'d str, response: Node<'d, 'd>, assertion: Node<'d, 'd>, issuer: &Issuer) -> bool {
    let all: Vec<_> = response.descendants().filter(|node| xml::is(*node, SIGNATURE, "Signature")).collect();
    let places: Vec<_> = all.iter().filter_map(|signature| signature.parent()).collect();
    let is_in_place = match places.as_slice() {
        [one] => [response, assertion].contains(one),
        [outer, inner] => *outer == response && *inner == assertion || *outer == assertion && *inner == response,
        _ => false,
    };
    let is_valid =
        |(element, found): (&Node<'d, 'd>, &Node<'d, 'd>)| signature::is_valid(source, *element, *found, &issuer.keys);
    is_in_place && places.iter().zip(&all).all(is_valid)
}

fn check_status(response: Node<'_, '_>) -> Result<(), Error> {
    let status = xml::only(response, PROTOCOL, "Status");
    let code = status.and_then(|status| xml::only(status, PROTOCOL, "StatusCode")?.attribute("Value"));
    match code {
        Some(SUCCESS) => Ok(()),
        _ => Err(errors::idp_rejected_claim_exception("The identity provider reported that authentication failed")),
    }
}

/// Reads a verified assertion and checks for whom and when it holds. `provider_id` is the unique id of the registered
/// provider, which may be part of where its responses are sent.
///
/// # Errors
/// `InvalidIdentityToken`, `ExpiredTokenException`.
pub fn read(assertion: Node<'_, '_>, now: i64, provider_id: &str) -> Result<Statement, Error> {
    let issued = required_time(assertion, "IssueInstant")?;
    if issued > now.saturating_add(REDEEM_SECONDS) {
        return Err(untrusted("The SAML assertion is not valid yet"));
    }
    if issued.saturating_add(REDEEM_SECONDS) <= now {
        return Err(expired("Token must be redeemed within 5 minutes of issuance"));
    }
    let conditions = xml::only(assertion, ASSERTION, "Conditions");
    let conditions = conditions.ok_or_else(|| untrusted("Response does not contain the required audience."))?;
    check_conditions(conditions, now, provider_id)?;
    let subject = xml::only(assertion, ASSERTION, "Subject").ok_or_else(|| missing("Subject"))?;
    let name = xml::only(subject, ASSERTION, "NameID").ok_or_else(|| missing("NameID"))?;
    let value = xml::text(name).filter(|name| !name.is_empty()).ok_or_else(|| missing("NameID"))?;
    let format = name.attribute("Format").unwrap_or(FORMAT_DEFAULT);
    Ok(Statement {
        subject: value.to_owned(),
        subject_type: format.strip_prefix(FORMAT_PREFIX).unwrap_or(format).to_owned(),
        recipient: recipient(subject, now, provider_id)?,
        seconds_left: seconds_left(assertion, now)?,
        attributes: attributes(assertion)?,
    })
}

/// Checks the times of the conditions and that AWS is among the audiences of each restriction.
fn check_conditions(conditions: Node<'_, '_>, now: i64, provider_id: &str) -> Result<(), Error> {
    check_times(conditions, now)?;
    let mut is_for_aws = false;
    for condition in conditions.children().filter(Node::is_element) {
        if xml::is(condition, ASSERTION, "AudienceRestriction") {
            let mut audiences = xml::children(condition, ASSERTION, "Audience").filter_map(xml::text);
            is_for_aws = audiences.any(|audience| audience == AUDIENCE || is_endpoint(audience, provider_id));
            if !is_for_aws {
                break;
            }
        } else if !["OneTimeUse", "ProxyRestriction"].iter().any(|name| xml::is(condition, ASSERTION, name)) {
            return Err(untrusted("The SAML assertion has a condition that is not known"));
        }
    }
    if is_for_aws { Ok(()) } else { Err(untrusted("Response does not contain the required audience.")) }
}

/// Where the only confirmation of the subject says that the response goes.
fn recipient(subject: Node<'_, '_>, now: i64, provider_id: &str) -> Result<String, Error> {
    let confirmation = xml::only(subject, ASSERTION, "SubjectConfirmation");
    let confirmation = confirmation.filter(|confirmation| confirmation.attribute("Method") == Some(BEARER));
    let data = confirmation.and_then(|confirmation| xml::only(confirmation, ASSERTION, "SubjectConfirmationData"));
    let data = data.ok_or_else(|| missing("SubjectConfirmationData"))?;
    required_time(data, "NotOnOrAfter")?;
    check_times(data, now)?;
    let recipient = data.attribute("Recipient").ok_or_else(|| missing("Recipient"))?;
    if !is_endpoint(recipient, provider_id) {
        return Err(untrusted("The Recipient of the SAML assertion is not an AWS sign-in endpoint"));
    }
    Ok(recipient.to_owned())
}

/// Whether an address is one of AWS's sign-in endpoints: for all regions or one, for all providers or this one.
fn is_endpoint(address: &str, provider_id: &str) -> bool {
    let Some((host, path)) = address.strip_prefix("https://").and_then(|rest| rest.split_once('/')) else {
        return false;
    };
    let is_region = |region: &str| {
        let is_known = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        !region.is_empty() && region.bytes().all(is_known)
    };
    let is_host = host == "signin.aws.amazon.com" || host.strip_suffix(".signin.aws.amazon.com").is_some_and(is_region);
    is_host && (path == "saml" || path.strip_prefix("saml/acs/") == Some(provider_id))
}

/// Seconds until the first end of a session with the provider that the assertion tells.
fn seconds_left(assertion: Node<'_, '_>, now: i64) -> Result<Option<i32>, Error> {
    let mut first = None;
    for statement in xml::children(assertion, ASSERTION, "AuthnStatement") {
        if let Some(ends) = time(statement, "SessionNotOnOrAfter")? {
            if ends <= now {
                return Err(expired("The session with the identity provider has ended"));
            }
            let left = i32::try_from(ends - now).unwrap_or(i32::MAX);
            first = Some(first.map_or(left, |first: i32| first.min(left)));
        }
    }
    Ok(first)
}

fn attributes(assertion: Node<'_, '_>) -> Result<Vec<(String, Vec<String>)>, Error> {
    let mut attributes: Vec<(String, Vec<String>)> = Vec::new();
    let statements = xml::children(assertion, ASSERTION, "AttributeStatement");
    for attribute in statements.flat_map(|statement| xml::children(statement, ASSERTION, "Attribute")) {
        let name = attribute.attribute("Name").ok_or_else(|| missing("Name"))?;
        let values: Option<Vec<String>> = xml::children(attribute, ASSERTION, "AttributeValue")
            .map(|value| xml::text(value).map(str::to_owned))
            .collect();
        // Values that are not plain text belong to somebody else.
        attributes.extend(values.map(|values| (name.to_owned(), values)));
    }
    Ok(attributes)
}

fn check_times(node: Node<'_, '_>, now: i64) -> Result<(), Error> {
    if time(node, "NotBefore")?.is_some_and(|begins| begins > now.saturating_add(REDEEM_SECONDS)) {
        return Err(untrusted("The SAML assertion is not valid yet"));
    }
    if time(node, "NotOnOrAfter")?.is_some_and(|ends| ends <= now) {
        return Err(expired("The SAML assertion has expired"));
    }
    Ok(())
}

fn required_time(node: Node<'_, '_>, name: &'static str) -> Result<i64, Error> {
    time(node, name)?.ok_or_else(|| missing(name))
}

/// A moment in seconds since 1970; fractions are cut off.
fn time(node: Node<'_, '_>, name: &'static str) -> Result<Option<i64>, Error> {
    let Some(written) = node.attribute(name) else { return Ok(None) };
    // SAML's times are dates, which numbers, another spelling that AWS takes elsewhere, are not.
    let read = Timestamp::parse(written).filter(|_| written.contains('T'));
    read.map(|time| Some(time.seconds)).ok_or_else(|| untrusted(format!("{name} in AuthnResponse is not a valid time")))
}

fn missing(what: &str) -> Error {
    untrusted(format!("{what} is required in AuthnResponse"))
}

fn expired(text: &'static str) -> Error {
    errors::expired_token_exception(text)
}
