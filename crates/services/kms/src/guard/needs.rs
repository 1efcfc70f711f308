//! Which actions on which keys a call needs, under which condition keys.

use std::any::Any;

use api::kms::{CreateGrantRequest, DecryptRequest, ReEncryptRequest, RetireGrantRequest};
use platform::guard::Members;
use platform::{Ctx, Need};
use wire::codec::Structure;

use super::{BEHIND_ALIAS, GRANT_ID, REQUEST_ALIAS};
use crate::blob;
use crate::names::{AliasName, KeyName, KeyReference};
use crate::operations::grants::read_token;
use crate::service::Kms;

/// Prefix of the condition keys of encryption contexts.
pub const ENCRYPTION_CONTEXT: &str = "kms:EncryptionContext:";

/// Members that are condition keys, by operation. Those with a default are in [`DEFAULTS`].
const CONDITIONS: [(&str, &[(&str, &str)]); 18] = [
    (
        "CreateKey",
        &[
            ("KeySpec", "kms:KeySpec"),
            ("KeyUsage", "kms:KeyUsage"),
            ("Origin", "kms:KeyOrigin"),
            ("MultiRegion", "kms:MultiRegion"),
            ("BypassPolicyLockoutSafetyCheck", "kms:BypassPolicyLockoutSafetyCheck"),
        ],
    ),
    ("Decrypt", &[("EncryptionAlgorithm", "kms:EncryptionAlgorithm")]),
    ("DeriveSharedSecret", &[("KeyAgreementAlgorithm", "kms:KeyAgreementAlgorithm")]),
    ("EnableKeyRotation", &[("RotationPeriodInDays", "kms:RotationPeriodInDays")]),
    ("Encrypt", &[("EncryptionAlgorithm", "kms:EncryptionAlgorithm")]),
    ("GenerateDataKeyPair", &[("KeyPairSpec", "kms:DataKeyPairSpec")]),
    ("GenerateDataKeyPairWithoutPlaintext", &[("KeyPairSpec", "kms:DataKeyPairSpec")]),
    ("GenerateMac", &[("MacAlgorithm", "kms:MacAlgorithm")]),
    (
        "GetParametersForImport",
        &[("WrappingAlgorithm", "kms:WrappingAlgorithm"), ("WrappingKeySpec", "kms:WrappingKeySpec")],
    ),
    ("ImportKeyMaterial", &[("ExpirationModel", "kms:ExpirationModel"), ("ValidTo", "kms:ValidTo")]),
    ("PutKeyPolicy", &[("BypassPolicyLockoutSafetyCheck", "kms:BypassPolicyLockoutSafetyCheck")]),
    ("ReplicateKey", &[("ReplicaRegion", "kms:ReplicaRegion")]),
    ("ScheduleKeyDeletion", &[("PendingWindowInDays", "kms:ScheduleKeyDeletionPendingWindowInDays")]),
    ("Sign", &[("SigningAlgorithm", "kms:SigningAlgorithm"), ("MessageType", "kms:MessageType")]),
    ("UpdatePrimaryRegion", &[("PrimaryRegion", "kms:PrimaryRegion")]),
    ("Verify", &[("SigningAlgorithm", "kms:SigningAlgorithm"), ("MessageType", "kms:MessageType")]),
    ("VerifyMac", &[("MacAlgorithm", "kms:MacAlgorithm")]),
    ("CreateGrant", &[("GranteePrincipal", "kms:GranteePrincipal"), ("RetiringPrincipal", "kms:RetiringPrincipal")]),
];

/// Condition keys that AWS sets although the request leaves their member out.
const DEFAULTS: [(&str, &str, &str); 11] = [
    ("CreateKey", "kms:KeySpec", "SYMMETRIC_DEFAULT"),
    ("CreateKey", "kms:KeyUsage", "ENCRYPT_DECRYPT"),
    ("CreateKey", "kms:KeyOrigin", "AWS_KMS"),
    ("CreateKey", "kms:MultiRegion", "false"),
    ("Decrypt", "kms:EncryptionAlgorithm", "SYMMETRIC_DEFAULT"),
    ("Encrypt", "kms:EncryptionAlgorithm", "SYMMETRIC_DEFAULT"),
    ("GenerateDataKey", "kms:EncryptionAlgorithm", "SYMMETRIC_DEFAULT"),
    ("GenerateDataKeyPair", "kms:EncryptionAlgorithm", "SYMMETRIC_DEFAULT"),
    ("GenerateDataKeyPairWithoutPlaintext", "kms:EncryptionAlgorithm", "SYMMETRIC_DEFAULT"),
    ("GenerateDataKeyWithoutPlaintext", "kms:EncryptionAlgorithm", "SYMMETRIC_DEFAULT"),
    ("Sign", "kms:MessageType", "RAW"),
];

/// Everything a call needs.
pub fn needs(kms: &Kms, cx: &Ctx, input: &dyn Structure) -> Vec<Need> {
    let members = Members(input);
    let needs = match cx.operation.name {
        "CreateKey" => create_key(cx, members),
        "ListKeys" | "ListAliases" | "ListRetirableGrants" | "GenerateRandom" => Need::of_operation(cx, "*"),
        "Decrypt" => vec![decrypt(cx, input, members)],
        "ReEncrypt" => re_encrypt(cx, input, members),
        "CreateAlias" => {
            let alias = AliasName::here(cx, &text(members, "AliasName")).arn();
            vec![Need::new("kms:CreateAlias", alias), key(cx, "kms:CreateAlias", &text(members, "TargetKeyId"))]
        }
        "UpdateAlias" => {
            let alias = AliasName::here(cx, &text(members, "AliasName")).arn();
            let former = Need::new("kms:UpdateAlias", &alias).with(BEHIND_ALIAS, vec!["true".to_owned()]);
            let new = key(cx, "kms:UpdateAlias", &text(members, "TargetKeyId"));
            vec![Need::new("kms:UpdateAlias", alias), former, new]
        }
        "DeleteAlias" => {
            let alias = AliasName::here(cx, &text(members, "AliasName")).arn();
            let former = Need::new("kms:DeleteAlias", &alias).with(BEHIND_ALIAS, vec!["true".to_owned()]);
            vec![Need::new("kms:DeleteAlias", alias), former]
        }
        "ReplicateKey" => replicate(cx, members),
        "UpdatePrimaryRegion" => {
            let primary = key(cx, "kms:UpdatePrimaryRegion", &text(members, "KeyId"));
            let region = text(members, "PrimaryRegion");
            let replica = KeyName::parse(cx, &text(members, "KeyId")).map(|name| KeyName { region, ..name });
            let replica = replica.map(|name| Need::new("kms:UpdatePrimaryRegion", name.arn()));
            std::iter::once(primary).chain(replica).collect()
        }
        "RetireGrant" => vec![retire(kms, cx, input)],
        "CreateGrant" => vec![create_grant(cx, input, members)],
        "ListGrants" | "RevokeGrant" => {
            let needs = of_key(cx, members).into_iter();
            needs.map(|need| need.with("kms:GrantIsForAWSResource", vec![is_via(cx)])).collect()
        }
        "TagResource" => {
            let tags = members.tags("Tags");
            let tags = || tags.iter().map(|(key, value)| (key.as_str(), value.as_str()));
            of_key(cx, members).into_iter().map(|need| need.with_request_tags(tags())).collect()
        }
        "UntagResource" => {
            let keys = members.texts("TagKeys");
            of_key(cx, members).into_iter().map(|need| need.with("aws:TagKeys", keys.clone())).collect()
        }
        "Encapsulate" => vec![key(cx, "kms:Encapsulate", &text(members, "KeyId"))],
        "Decapsulate" => vec![key(cx, "kms:Decapsulate", &text(members, "KeyId"))],
        "Encrypt"
        | "GenerateDataKey"
        | "GenerateDataKeyWithoutPlaintext"
        | "GenerateDataKeyPair"
        | "GenerateDataKeyPairWithoutPlaintext" => {
            let context = members.tags("EncryptionContext");
            of_key(cx, members).into_iter().map(|need| with_encryption_context(need, context.clone())).collect()
        }
        _ => of_key(cx, members),
    };
    needs.into_iter().map(|need| with_conditions(cx, members, need)).collect()
}

/// A member's text; empty if it is not set.
fn text(members: Members<'_>, name: &str) -> String {
    members.text(name).unwrap_or_default()
}

/// A need on what a request calls a key.
fn key(cx: &Ctx, action: &'static str, key_id: &str) -> Need {
    match KeyReference::parse(cx, key_id) {
        Ok(KeyReference::Key(name)) => Need::new(action, name.arn()),
        Ok(KeyReference::Alias(alias)) => Need::new(action, alias.arn()).with(REQUEST_ALIAS, vec![alias.name]),
        Err(_) => Need::new(action, "*"),
    }
}

/// The operation's own actions on the key in `KeyId`.
fn of_key(cx: &Ctx, members: Members<'_>) -> Vec<Need> {
    let key_id = text(members, "KeyId");
    cx.operation.actions.iter().map(|action| key(cx, action, &key_id)).collect()
}

fn create_key(cx: &Ctx, members: Members<'_>) -> Vec<Need> {
    let mut needs = vec![Need::new("kms:CreateKey", "*")];
    let tags = members.tags("Tags");
    if !tags.is_empty() {
        needs.push(Need::new("kms:TagResource", cx.arn("kms", "key/*")));
    }
    let tags = || tags.iter().map(|(key, value)| (key.as_str(), value.as_str()));
    needs.into_iter().map(|need| need.with_request_tags(tags())).collect()
}

fn replicate(cx: &Ctx, members: Members<'_>) -> Vec<Need> {
    let tags = members.tags("Tags");
    let mut needs = of_key(cx, members);
    needs.push(Need::new("kms:CreateKey", "*"));
    if !tags.is_empty() {
        let replica = KeyName::parse(cx, &text(members, "KeyId"));
        let replica = replica.map(|name| KeyName { region: text(members, "ReplicaRegion"), ..name }.arn());
        needs.push(Need::new("kms:TagResource", replica.unwrap_or_else(|_| "*".to_owned())));
    }
    needs
}

fn decrypt(cx: &Ctx, input: &dyn Structure, members: Members<'_>) -> Need {
    let any: &dyn Any = input;
    let blob = any.downcast_ref::<DecryptRequest>().and_then(|request| request.ciphertext_blob.as_deref());
    let need = key_or_ciphertext(cx, "kms:Decrypt", members.text("KeyId"), blob);
    with_encryption_context(need, members.tags("EncryptionContext"))
}

fn re_encrypt(cx: &Ctx, input: &dyn Structure, members: Members<'_>) -> Vec<Need> {
    let any: &dyn Any = input;
    let blob = any.downcast_ref::<ReEncryptRequest>().and_then(|request| request.ciphertext_blob.as_deref());
    let from = key_or_ciphertext(cx, "kms:ReEncryptFrom", members.text("SourceKeyId"), blob);
    let to = key(cx, "kms:ReEncryptTo", &text(members, "DestinationKeyId"));
    let is_same = (from.resource == to.resource).to_string();
    let algorithm = |member| members.text(member).unwrap_or_else(|| "SYMMETRIC_DEFAULT".to_owned());
    let from = with_encryption_context(from, members.tags("SourceEncryptionContext"))
        .with("kms:EncryptionAlgorithm", vec![algorithm("SourceEncryptionAlgorithm")])
        .with("kms:ReEncryptOnSameKey", vec![is_same.clone()]);
    let to = with_encryption_context(to, members.tags("DestinationEncryptionContext"))
        .with("kms:EncryptionAlgorithm", vec![algorithm("DestinationEncryptionAlgorithm")])
        .with("kms:ReEncryptOnSameKey", vec![is_same]);
    vec![from, to]
}

/// A need on the key that a request names, or else that a ciphertext names.
fn key_or_ciphertext(cx: &Ctx, action: &'static str, key_id: Option<String>, blob: Option<&[u8]>) -> Need {
    match (key_id, blob.and_then(blob::key_of)) {
        (Some(key_id), _) => key(cx, action, &key_id),
        (None, Some(named)) => {
            let name = KeyName { account: named.account, region: cx.region.clone(), id: named.id };
            Need::new(action, name.arn())
        }
        (None, None) => Need::new(action, "*"),
    }
}

fn create_grant(cx: &Ctx, input: &dyn Structure, members: Members<'_>) -> Need {
    let need = key(cx, "kms:CreateGrant", &text(members, "KeyId"))
        .with("kms:GrantOperations", members.texts("Operations"))
        .with("kms:GrantIsForAWSResource", vec![is_via(cx)]);
    let any: &dyn Any = input;
    let constraints = any.downcast_ref::<CreateGrantRequest>().and_then(|request| request.constraints.clone());
    let constraints = constraints.unwrap_or_default();
    let (kind, context) = match (constraints.encryption_context_equals, constraints.encryption_context_subset) {
        (Some(equals), _) => ("EncryptionContextEquals", equals),
        (None, Some(subset)) => ("EncryptionContextSubset", subset),
        (None, None) => return need,
    };
    with_encryption_context(need.with("kms:GrantConstraintType", vec![kind.to_owned()]), context.into_iter().collect())
}

fn retire(kms: &Kms, cx: &Ctx, input: &dyn Structure) -> Need {
    let any: &dyn Any = input;
    let request = any.downcast_ref::<RetireGrantRequest>();
    let token = request.and_then(|request| request.grant_token.as_deref());
    if let Some(token) = token.and_then(|token| read_token(kms, token).ok()) {
        let name = KeyName { account: token.account, region: token.region, id: token.key };
        return Need::new("kms:RetireGrant", name.arn()).with(GRANT_ID, vec![token.grant]);
    }
    let key_id = request.and_then(|request| request.key_id.as_deref()).unwrap_or_default();
    let need = key(cx, "kms:RetireGrant", key_id);
    match request.and_then(|request| request.grant_id.clone()) {
        Some(grant) => need.with(GRANT_ID, vec![grant]),
        None => need,
    }
}

fn with_encryption_context(need: Need, context: Vec<(String, String)>) -> Need {
    if context.is_empty() {
        return need;
    }
    let keys = context.iter().map(|(key, _)| key.clone()).collect();
    let need = need.with("kms:EncryptionContextKeys", keys);
    context.into_iter().fold(need, |need, (key, value)| need.with(format!("{ENCRYPTION_CONTEXT}{key}"), vec![value]))
}

fn is_via(cx: &Ctx) -> String {
    cx.via_service().is_some().to_string()
}

/// Adds what the request says of itself.
fn with_conditions(cx: &Ctx, members: Members<'_>, mut need: Need) -> Need {
    let operation = cx.operation.name;
    if let Some(account) = cx.principal.account() {
        need = need.with("kms:CallerAccount", vec![account.to_owned()]);
    }
    if let Some(service) = cx.via_service() {
        need = need.with("kms:ViaService", vec![service]);
    }
    let conditions = CONDITIONS.iter().find(|(name, _)| *name == operation).map_or(&[][..], |(_, list)| list);
    for (member, condition) in conditions {
        if let Some(value) = members.text(member) {
            need = need.with(*condition, vec![value]);
        }
    }
    for (_, condition, value) in DEFAULTS.iter().filter(|(name, ..)| *name == operation) {
        if !need.context.iter().any(|(key, _)| key == condition) {
            need = need.with(*condition, vec![(*value).to_owned()]);
        }
    }
    need
}
