//! Becoming a role's session with the token of an identity provider.

use api::sts::{AssumeRoleWithWebIdentityRequest, AssumeRoleWithWebIdentityResponse, errors};
use platform::{Ctx, SessionFacts};
use serde_json::Value;
use wire::Error;

use super::assume_role::{SESSION_SECONDS_DEFAULT, assumed_role_user, check_duration, role_session};
use super::federation::Federation;
use super::jwt::{Claims, Jwt};
use super::provider::{Provider, provider_of};
use super::refusals::{denied, unsupported};
use super::session::{self, SessionTags};
use super::{Sts, role_arn};

/// The action that a role's trust policy has to allow.
const ACTION: &str = "sts:AssumeRoleWithWebIdentity";

/// Claim with the session's tags (IAM user guide, passing session tags).
const TAGS_CLAIM: &str = "https://aws.amazon.com/tags";

/// Claim with the source identity.
const SOURCE_IDENTITY_CLAIM: &str = "https://aws.amazon.com/source_identity";

/// Seconds by which the clock of an identity provider may be ahead.
const CLOCK_SKEW_SECONDS: i64 = 300;

/// What a token says about who holds it, once it is believed.
struct Identity {
    subject: String,
    audience: String,
    tags: SessionTags,
    source_identity: Option<String>,
    /// Condition keys.
    conditions: Vec<(String, Vec<String>)>,
}

/// Mints credentials of a role's session for whoever an identity provider vouches for. Nobody signs this call: the token
/// and the role's trust policy decide.
pub async fn assume_role_with_web_identity(
    sts: &Sts,
    cx: &Ctx,
    input: AssumeRoleWithWebIdentityRequest,
) -> Result<AssumeRoleWithWebIdentityResponse, Error> {
    if input.provider_id.is_some() {
        return Err(unsupported("AssumeRoleWithWebIdentity", "ProviderId"));
    }
    if input.minimum_session_token_size.is_some() {
        return Err(unsupported("AssumeRoleWithWebIdentity", "MinimumSessionTokenSize"));
    }
    let refused = || denied(format!("Not authorized to perform {ACTION}"));
    let arn = role_arn::parse(&input.role_arn)?.ok_or_else(refused)?;
    let token = Jwt::parse(&input.web_identity_token).ok_or_else(|| {
        invalid_token("The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)")
    })?;
    let issuer = token.claims.text("iss").ok_or_else(|| missing("iss"))?;
    let provider = provider_of(sts, arn.account, issuer).await?;
    let identity = believe(sts, cx, &token, &provider).await?;
    let role = cx.platform.role(&input.role_arn).await?.ok_or_else(refused)?;
    let federation = Federation {
        action: ACTION,
        provider: &provider.arn,
        session_name: &input.role_session_name,
        tags: &identity.tags,
        source_identity: identity.source_identity.as_deref(),
        conditions: &identity.conditions,
    };
    if !federation.is_trusted(cx, &role) {
        return Err(refused());
    }
    let seconds = input.duration_seconds.unwrap_or(SESSION_SECONDS_DEFAULT);
    check_duration(&role, seconds)?;
    let policy_arns = session::checked_policies(cx, arn.account, input.policy.as_deref(), input.policy_arns).await?;
    let facts = SessionFacts {
        issued_at: cx.platform.clock.now().seconds,
        role_path: role.path.clone(),
        policy: input.policy,
        policy_arns,
        tags: identity.tags.tags,
        transitive_tag_keys: identity.tags.transitive,
        source_identity: identity.source_identity.clone(),
        federated_provider: Some(provider.arn.clone()),
        federated_claims: identity.conditions,
        ..Default::default()
    };
    let packed_policy_size = Some(session::packed_percent(&facts)?).filter(|percent| *percent > 0);
    let assumed = role_session(&arn, &role, input.role_session_name, facts);
    Ok(AssumeRoleWithWebIdentityResponse {
        credentials: Some(session::credentials(cx, &assumed, seconds)?),
        subject_from_web_identity_token: Some(identity.subject),
        assumed_role_user: Some(assumed_role_user(&assumed)),
        packed_policy_size,
        provider: Some(provider.arn),
        audience: Some(identity.audience),
        source_identity: identity.source_identity,
        ..Default::default()
    })
}

/// Checks audience, signature and times of a token.
async fn believe(sts: &Sts, cx: &Ctx, token: &Jwt<'_>, provider: &Provider) -> Result<Identity, Error> {
    let claims = &token.claims;
    let audiences = claims.texts("aud");
    if audiences.is_empty() {
        return Err(missing("aud"));
    }
    // A token for several audiences was made for the party that it is authorised for.
    let party = claims.text("azp").filter(|_| audiences.len() > 1).map(str::to_owned);
    let candidates = party.map_or_else(|| audiences.clone(), |party| vec![party]);
    let is_known = |audience: &String| provider.client_ids.contains(audience);
    let audience = candidates.into_iter().find(is_known).ok_or_else(|| invalid_token("Incorrect token audience"))?;
    let now = cx.platform.clock.now().seconds;
    let keys = sts.issuer_keys.get(&provider.issuer, &provider.thumbprints, token.key_id(), now).await?;
    if !token.is_signed_by(keys.keys()) {
        return Err(invalid_token("The web identity token's signature is not valid"));
    }
    check_times(claims, now)?;
    let subject = claims.text("sub").ok_or_else(|| missing("sub"))?.to_owned();
    let host = &provider.host;
    let mut conditions = vec![
        (format!("{host}:sub"), vec![subject.clone()]),
        (format!("{host}:aud"), vec![audience.clone()]),
        (format!("{host}:oaud"), audiences),
    ];
    let methods = claims.texts("amr");
    if !methods.is_empty() {
        conditions.push((format!("{host}:amr"), methods));
    }
    let source_identity = claims.text(SOURCE_IDENTITY_CLAIM).map(str::to_owned);
    Ok(Identity { subject, audience, tags: tags(claims)?, source_identity, conditions })
}

fn check_times(claims: &Claims, now: i64) -> Result<(), Error> {
    let expires = claims.seconds("exp").ok_or_else(|| missing("exp"))?;
    if expires <= now {
        return Err(errors::expired_token_exception(format!(
            "Token expired: current date/time {now} must be before the expiration date/time {expires}"
        )));
    }
    let issued = claims.seconds("iat").ok_or_else(|| missing("iat"))?;
    let begins = claims.seconds("nbf").unwrap_or(issued);
    if issued.max(begins) > now.saturating_add(CLOCK_SKEW_SECONDS) {
        return Err(invalid_token("The web identity token is not valid yet"));
    }
    Ok(())
}

/// Session tags, in the nested form (`principal_tags` with lists of one value) or the flattened one.
fn tags(claims: &Claims) -> Result<SessionTags, Error> {
    let mut tags = Vec::new();
    let mut transitive = Vec::new();
    if let Some(nested) = claims.get(TAGS_CLAIM) {
        for (key, value) in nested.get("principal_tags").and_then(Value::as_object).into_iter().flatten() {
            tags.extend(first_text(value).map(|value| (key.clone(), value.to_owned())));
        }
        let keys = nested.get("transitive_tag_keys").and_then(Value::as_array).into_iter().flatten();
        transitive.extend(keys.filter_map(Value::as_str).map(str::to_owned));
    }
    for (key, value) in claims.below(&format!("{TAGS_CLAIM}/principal_tags/")) {
        tags.extend(first_text(value).map(|value| (key.to_owned(), value.to_owned())));
    }
    transitive.extend(claims.texts(&format!("{TAGS_CLAIM}/transitive_tag_keys")));
    session::checked_tags(tags, transitive, None)
}

fn first_text(value: &Value) -> Option<&str> {
    value.as_str().or_else(|| value.as_array()?.first()?.as_str())
}

fn invalid_token(text: &'static str) -> Error {
    errors::invalid_identity_token_exception(text)
}

fn missing(claim: &str) -> Error {
    errors::invalid_identity_token_exception(format!("Missing a required claim: {claim}"))
}
