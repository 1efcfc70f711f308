//! Becoming a role's session with the response of a SAML identity provider.

mod attributes;
mod canonical;
mod provider;
mod response;
mod signature;
mod xml;

use std::borrow::Cow;

use api::sts::{AssumeRoleWithSAMLRequest, AssumeRoleWithSAMLResponse, errors};
use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use platform::{Ctx, SessionFacts};
use wire::Error;

use super::Sts;
use super::assume_role::{SESSION_SECONDS_DEFAULT, assumed_role_user, check_duration, role_session};
use super::federation::Federation;
use super::refusals::{denied, invalid, unsupported};
use super::{role_arn, session};
use attributes::Wishes;
use response::Statement;

/// The action that a role's trust policy has to allow.
const ACTION: &str = "sts:AssumeRoleWithSAML";

/// Encryption mode of providers whose plain assertions are refused.
const ENCRYPTION_REQUIRED: &str = "Required";

/// What an identity provider has said, once it is believed.
struct Believed {
    statement: Statement,
    wishes: Wishes,
    issuer: String,
    name_qualifier: String,
    /// Condition keys of the trust policy.
    conditions: Vec<(String, Vec<String>)>,
}

/// Mints credentials of a role's session for whoever a SAML provider vouches for. Nobody signs this call: the provider's
/// signature and the role's trust policy decide.
pub async fn assume_role_with_saml(
    sts: &Sts,
    cx: &Ctx,
    input: AssumeRoleWithSAMLRequest,
) -> Result<AssumeRoleWithSAMLResponse, Error> {
    if input.minimum_session_token_size.is_some() {
        return Err(unsupported("AssumeRoleWithSAML", "MinimumSessionTokenSize"));
    }
    let refused = || denied(format!("Not authorized to perform {ACTION}"));
    let arn = role_arn::parse(&input.role_arn).map_err(|_| invalid("Request ARN is invalid"))?.ok_or_else(refused)?;
    let believed = believe(sts, cx, &input).await?;
    let names_the_pair = believed.wishes.has_role(&input.role_arn, &input.principal_arn);
    let is_of_account = input.principal_arn.split(':').nth(4) == Some(arn.account);
    if !names_the_pair || !is_of_account {
        return Err(refused());
    }
    let role = cx.platform.role(&input.role_arn).await?.ok_or_else(refused)?;
    let federation = Federation {
        action: ACTION,
        provider: &input.principal_arn,
        session_name: &believed.wishes.session_name,
        tags: &believed.wishes.tags,
        source_identity: believed.wishes.source_identity.as_deref(),
        conditions: &believed.conditions,
    };
    if !federation.is_trusted(cx, &role) {
        return Err(refused());
    }
    let seconds = input.duration_seconds.or(believed.wishes.seconds).unwrap_or(SESSION_SECONDS_DEFAULT);
    check_duration(&role, seconds)?;
    let seconds = seconds.min(believed.statement.seconds_left.unwrap_or(i32::MAX));
    let policy_arns = session::checked_policies(cx, arn.account, input.policy.as_deref(), input.policy_arns).await?;
    let Believed { statement, wishes, issuer, name_qualifier, conditions } = believed;
    let facts = SessionFacts {
        issued_at: cx.platform.clock.now().seconds,
        role_path: role.path.clone(),
        policy: input.policy,
        policy_arns,
        tags: wishes.tags.tags,
        transitive_tag_keys: wishes.tags.transitive,
        source_identity: wishes.source_identity.clone(),
        federated_provider: Some(input.principal_arn),
        federated_claims: conditions.into_iter().filter(|(key, _)| stays_in_session(key)).collect(),
        ..Default::default()
    };
    let packed_policy_size = Some(session::packed_percent(&facts)?).filter(|percent| *percent > 0);
    let assumed = role_session(&arn, &role, wishes.session_name, facts);
    Ok(AssumeRoleWithSAMLResponse {
        credentials: Some(session::credentials(cx, &assumed, seconds)?),
        assumed_role_user: Some(assumed_role_user(&assumed)),
        packed_policy_size,
        subject: Some(statement.subject),
        subject_type: Some(statement.subject_type),
        issuer: Some(issuer),
        audience: Some(statement.recipient),
        name_qualifier: Some(name_qualifier),
        source_identity: wishes.source_identity,
        ..Default::default()
    })
}

/// The keys that a session's own requests carry (IAM user guide, condition keys for SAML federation in policies).
fn stays_in_session(key: &str) -> bool {
    ["saml:namequalifier", "saml:sub", "saml:sub_type"].contains(&key)
}

/// Checks who has signed the response, for whom and until when.
async fn believe(sts: &Sts, cx: &Ctx, input: &AssumeRoleWithSAMLRequest) -> Result<Believed, Error> {
    let source = decoded(&input.saml_assertion).ok_or_else(|| untrusted("Invalid base64 SAMLResponse"))?;
    let document = xml::parse(&source, xml::RESPONSE_NODES_MAX)
        .ok_or_else(|| untrusted("Your request included an invalid SAML response"))?;
    let (account, name) = provider_name(&input.principal_arn).ok_or_else(|| invalid("Request ARN is invalid"))?;
    let found = sts.iam.saml_provider(&input.principal_arn).await?;
    let (registered, metadata) = found.ok_or_else(|| untrusted("Specified provider doesn't exist"))?;
    let now = cx.platform.clock.now().seconds;
    if registered.valid_until <= now {
        return Err(untrusted("The metadata of the specified provider have expired"));
    }
    if registered.encryption_mode == ENCRYPTION_REQUIRED {
        return Err(untrusted("The specified provider requires encrypted assertions, which Traca does not read yet"));
    }
    let issuer = provider::read(&metadata).ok_or_else(|| untrusted("Could not parse metadata"))?;
    let assertion = response::verified(&source, &document, &issuer)?;
    let statement = response::read(assertion, now, &registered.id)?;
    let wishes = Wishes::read(&statement.attributes)?;
    let name_qualifier = digest(&SHA1_FOR_LEGACY_USE_ONLY, format!("{}{account}/{name}", issuer.entity_id).as_bytes());
    let name_qualifier = STANDARD.encode(name_qualifier);
    let mut conditions = attributes::conditions(&statement.attributes);
    for (key, value) in [
        ("saml:aud", statement.recipient.clone()),
        ("saml:iss", issuer.entity_id.clone()),
        ("saml:sub", statement.subject.clone()),
        ("saml:sub_type", statement.subject_type.clone()),
        ("saml:namequalifier", name_qualifier.clone()),
        ("saml:doc", format!("{account}/{name}")),
    ] {
        conditions.push((key.to_owned(), vec![value]));
    }
    Ok(Believed { statement, wishes, issuer: issuer.entity_id, name_qualifier, conditions })
}

/// The document in a request; lines may be broken.
fn decoded(written: &str) -> Option<String> {
    let written: String = written.split_ascii_whitespace().collect();
    String::from_utf8(STANDARD.decode(written).ok()?).ok()
}

/// Account and name in a provider's ARN.
fn provider_name(arn: &str) -> Option<(&str, &str)> {
    let mut parts = arn.strip_prefix("arn:aws:iam::")?.splitn(2, ':');
    let (account, resource) = (parts.next()?, parts.next()?);
    Some((account, resource.strip_prefix("saml-provider/").filter(|name| !name.is_empty())?))
}

/// The response proves nothing.
fn untrusted(text: impl Into<Cow<'static, str>>) -> Error {
    errors::invalid_identity_token_exception(text)
}

#[cfg(test)]
mod tests;
