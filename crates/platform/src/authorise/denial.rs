//! How AWS says no: each service in its own code and words.

use policy::{Denial, Layer};
use wire::error::common;
use wire::schema::{Protocol, ServiceDef};
use wire::sigv4::{Dialect, SignatureError};
use wire::{Error, protocol};

use crate::context::Ctx;
use crate::principal::Principal;

/// Services whose resource policies can admit callers without credentials (S3, SQS and SNS developer guides).
const ANONYMOUS_SERVICES: [&str; 3] = ["s3", "sns", "sqs"];

/// Services that leave the resource out of the text where the action has none.
const SILENT_WITHOUT_RESOURCE: [&str; 3] = ["s3", "secretsmanager", "sts"];

/// Whether a call without credentials is decided at all.
pub(super) fn admits_anonymous(service: &ServiceDef) -> bool {
    ANONYMOUS_SERVICES.contains(&service.id)
}

/// The call carries no credentials and needs some.
pub(super) fn missing_credentials(cx: &Ctx) -> Error {
    let refusal = SignatureError::MissingCredentials.refusal(Dialect::of(spoken(cx)));
    protocol::signature_refused(Some(cx.service), refusal)
}

/// The operation is the account root's alone.
pub(super) fn unmapped(cx: &Ctx, action: &str) -> Error {
    let text = format!("User: {} is not authorized to perform: {action}", cx.principal.arn());
    protocol::access_denied(cx.service, spoken(cx), text)
}

/// A permission is missing or withheld.
pub(super) fn error(cx: &Ctx, action: &str, resource: &str, owner: &str, denial: &Denial) -> Error {
    let is_anonymous = cx.principal == Principal::Anonymous;
    if is_anonymous && cx.service.id != "s3" {
        return missing_credentials(cx);
    }
    if action == super::PASS_ROLE && cx.principal.account() != Some(owner) {
        return Error::new(&common::ACCESS_DENIED, "Cross-account pass role is not allowed.");
    }
    // S3 explains itself only to callers of the bucket's own account (user guide, "Troubleshoot access denied").
    let text = if cx.service.id == "s3" && (is_anonymous || cx.principal.account() != Some(owner)) {
        "Access Denied".to_owned()
    } else {
        text(cx, action, resource, denial)
    };
    protocol::access_denied(cx.service, spoken(cx), text)
}

/// `User: ARN is not authorized to perform: ACTION on resource: ARN because …`, in the service's own spelling.
fn text(cx: &Ctx, action: &str, resource: &str, denial: &Denial) -> String {
    let action = spelled(action);
    let mut text = format!("User: {} is not authorized to perform: {action}", cx.principal.arn());
    match cx.service.id {
        service if resource == "*" && SILENT_WITHOUT_RESOURCE.contains(&service) => {}
        "s3" => text.push_str(&format!(" on resource: \"{resource}\"")),
        _ => text.push_str(&format!(" on resource: {resource}")),
    }
    // STS does not tell who was silent.
    let is_told = !(action.starts_with("sts:") && matches!(denial, Denial::Implicit(_)));
    if is_told {
        text.push(' ');
        text.push_str(&denial.phrase(&action));
    }
    text
}

/// SQS puts its actions in lower case, SNS its own name in upper case.
fn spelled(action: &str) -> String {
    match action.split_once(':') {
        Some(("sqs", _)) => action.to_ascii_lowercase(),
        Some(("sns", name)) => format!("SNS:{name}"),
        _ => action.to_owned(),
    }
}

/// The protocol the caller spoke; the service's first one for calls between services.
fn spoken(cx: &Ctx) -> Protocol {
    cx.protocol.or_else(|| cx.service.protocols.first().copied()).unwrap_or(Protocol::Json)
}

/// The layer's name as machines read it.
pub(crate) fn layer_name(layer: Layer) -> &'static str {
    match layer {
        Layer::Identity => "identity",
        Layer::Boundary => "boundary",
        Layer::Session => "session",
        Layer::Resource => "resource",
        Layer::RoleTrust => "trust",
    }
}
