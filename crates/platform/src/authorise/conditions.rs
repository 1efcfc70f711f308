//! The condition keys of a call.

use policy::Context;
use wire::Timestamp;
use wire::schema::TimestampFormat;

use super::caller::Subject;
use super::keys;
use crate::context::{Ctx, SignatureFacts};
use crate::guard::{Facts, Need};
use crate::principal::Principal;

/// All keys for deciding a need on a resource with these facts, owned by that account. What the service says of its own
/// call goes before what is generally known of it.
pub(super) fn gather<'a>(
    cx: &'a Ctx,
    subject: &'a Subject,
    need: &'a Need,
    facts: &'a Facts,
    owner: &'a str,
) -> Context<'a> {
    let mut context = Context::new();
    for (key, values) in need.context.iter().chain(&facts.context) {
        context.set_values(key.as_str(), values);
    }
    context.set(keys::RESOURCE_ACCOUNT, owner);
    for (key, value) in &facts.tags {
        context.set(format!("{}{key}", keys::RESOURCE_TAG), value.as_str());
    }
    principal(cx, subject, &mut context);
    session(cx, &mut context);
    way(cx, &mut context);
    let now = cx.platform.clock.now();
    context.set(keys::CURRENT_TIME, iso8601(now.seconds));
    context.set(keys::EPOCH_TIME, now.seconds.to_string());
    let is_global = keys::GLOBAL_SERVICES.contains(&cx.service.id);
    context.set(keys::REQUESTED_REGION, if is_global { keys::GLOBAL_REGION } else { cx.region.as_str() });
    if let (Some(signature), "s3") = (&cx.origin.signature, cx.service.id) {
        signature_keys(signature, cx.origin.is_form, now, &mut context);
    }
    context
}

/// Who calls.
fn principal<'a>(cx: &'a Ctx, subject: &'a Subject, context: &mut Context<'a>) {
    let kind = match &cx.principal {
        Principal::Anonymous => "Anonymous",
        Principal::Root { .. } => "Account",
        Principal::User { .. } => "User",
        Principal::Session { .. } => "AssumedRole",
        Principal::FederatedUser { .. } => "FederatedUser",
        Principal::Service { name, account, source_arn } => {
            context.set(keys::PRINCIPAL_IS_SERVICE, "true");
            context.set(keys::PRINCIPAL_SERVICE_NAME, *name);
            context.set_many(keys::PRINCIPAL_SERVICE_NAMES, vec![(*name).to_owned()]);
            context.set(keys::SOURCE_ACCOUNT, account.as_str());
            if let Some(arn) = source_arn {
                context.set(keys::SOURCE_ARN, arn.as_str());
            }
            return;
        }
    };
    context.set(keys::PRINCIPAL_TYPE, kind);
    context.set(keys::PRINCIPAL_IS_SERVICE, "false");
    context.set(keys::USER_ID, subject.user_id.as_str());
    let Some(account) = cx.principal.account() else { return };
    context.set(keys::PRINCIPAL_ARN, subject.identity_arn.as_str());
    context.set(keys::PRINCIPAL_ACCOUNT, account);
    if let Principal::User { name, .. } = &cx.principal {
        context.set(keys::USER_NAME, name.as_str());
    }
    let session_tags = cx.principal.facts().map_or(&[][..], |facts| &facts.tags);
    for (key, value) in session_tags.iter().chain(subject.tags()) {
        context.set(format!("{}{key}", keys::PRINCIPAL_TAG), value.as_str());
    }
}

/// What temporary credentials carry.
fn session<'a>(cx: &'a Ctx, context: &mut Context<'a>) {
    let Some(facts) = cx.principal.facts() else { return };
    context.set(keys::TOKEN_ISSUE_TIME, iso8601(facts.issued_at));
    context.set(keys::MFA_PRESENT, if facts.mfa_at.is_some() { "true" } else { "false" });
    if let Some(shown) = facts.mfa_at {
        context.set(keys::MFA_AGE, cx.platform.clock.now().seconds.saturating_sub(shown).to_string());
    }
    let optional = [
        (keys::SOURCE_IDENTITY, &facts.source_identity),
        (keys::FEDERATED_PROVIDER, &facts.federated_provider),
        (keys::SOURCE_FUNCTION_ARN, &facts.source_function_arn),
    ];
    for (key, value) in optional {
        if let Some(value) = value {
            context.set(key, value.as_str());
        }
    }
    for (key, values) in &facts.federated_claims {
        context.set_values(key.as_str(), values);
    }
}

/// How the call came here. Calls between services never leave the platform, so they count as encrypted.
fn way<'a>(cx: &'a Ctx, context: &mut Context<'a>) {
    let is_secure = cx.origin.is_secure || cx.protocol.is_none();
    context.set(keys::SECURE_TRANSPORT, if is_secure { "true" } else { "false" });
    if let Some(address) = cx.source_ip {
        context.set(keys::SOURCE_IP, address.to_canonical().to_string());
    }
    if let Some(agent) = &cx.user_agent {
        context.set(keys::USER_AGENT, agent.as_str());
    }
    if let Some(referer) = &cx.origin.referer {
        context.set(keys::REFERER, referer.as_str());
    }
    let via: Vec<String> = cx.origin.via.iter().map(|name| format!("{name}.amazonaws.com")).collect();
    context.set(keys::VIA_SERVICE, if via.is_empty() { "false" } else { "true" });
    if let (Some(first), Some(last)) = (via.first(), via.last()) {
        context.set(keys::CALLED_VIA_FIRST, first.clone());
        context.set(keys::CALLED_VIA_LAST, last.clone());
        context.set_many(keys::CALLED_VIA, via);
    }
}

/// What S3 tells of a signature (S3 API reference, "Amazon S3 Signature Version 4 authentication specific policy keys").
fn signature_keys<'a>(signature: &'a SignatureFacts, is_form: bool, now: Timestamp, context: &mut Context<'a>) {
    context.set("s3:authType", signature.kind(is_form));
    context.set("s3:signatureversion", signature.version);
    if let (Some(signed), true) = (signature.signed_at, signature.is_presigned) {
        let milliseconds = now.milliseconds().saturating_sub(signed.saturating_mul(1_000));
        context.set("s3:signatureAge", milliseconds.to_string());
    }
    if let Some(hash) = &signature.content_hash {
        context.set("s3:x-amz-content-sha256", hash.as_str());
    }
}

fn iso8601(seconds: i64) -> String {
    let mut text = String::new();
    Timestamp { seconds, nanoseconds: 0 }.write(TimestampFormat::Iso8601, &mut text);
    text
}
