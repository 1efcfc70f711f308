//! What IAM asks of policies of identities, in its order and its words.

use crate::arn::split_outside_variables;
use crate::document::{RawCondition, RawStatement, STATEMENT_ELEMENTS, repeated_sid};
use crate::json::{Document, Json};
use crate::malformed::{Cause, Malformed};
use crate::policy::{Kind, VERSION_2008, VERSION_2012};

const SYNTAX: &str = "Syntax errors in policy.";
const LEGACY: &str = "The policy failed legacy parsing";

/// Checks a document and hands over its statements.
pub(crate) fn check(document: &Document<'_>, kind: Kind) -> Result<Vec<RawStatement>, Malformed> {
    let statements = syntax(document)?;
    if kind == Kind::Managed && document.get("Version") != Some(Json::Text(VERSION_2012.to_owned())) {
        return Err(Malformed::new(Cause::Version, "Policy document must be version 2012-10-17 or greater."));
    }
    legacy_parsing(&statements, kind)?;
    let resource_complaint = resources(&statements)?;
    statement_ids(&statements)?;
    let lacks = |statement: &&RawStatement, element: &str, opposite: &str| {
        statement.texts(element).is_empty() && statement.texts(opposite).is_empty()
    };
    if statements.iter().any(|statement| lacks(&statement, "Action", "NotAction")) {
        return Err(Malformed::new(Cause::Action, "Policy statement must contain actions."));
    }
    if let Some(complaint) = resource_complaint {
        return Err(Malformed::new(Cause::Resource, complaint));
    }
    for statement in &statements {
        for element in ["Action", "NotAction"] {
            statement.texts(element).into_iter().try_for_each(action)?;
        }
    }
    if statements.iter().any(|statement| lacks(&statement, "Resource", "NotResource")) {
        return Err(Malformed::new(Cause::Resource, "Policy statement must contain resources."));
    }
    Ok(statements)
}

/// Elements, their types, and values from fixed lists.
fn syntax(document: &Document<'_>) -> Result<Vec<RawStatement>, Malformed> {
    let wrong = || Malformed::new(Cause::Syntax, SYNTAX);
    let is_text = |value: &Option<Json>| matches!(value, None | Some(Json::Text(_)));
    let version = document.get("Version");
    let known_version = match &version {
        None => true,
        Some(Json::Text(version)) => version == VERSION_2008 || version == VERSION_2012,
        Some(_) => false,
    };
    let known = document.names().all(|name| matches!(name, "Version" | "Id" | "Statement"));
    if !known || !known_version || !is_text(&document.get("Id")) {
        return Err(wrong());
    }
    let placed = document.placed("Statement").ok_or_else(wrong)?;
    let statements: Option<Vec<RawStatement>> = placed.into_iter().map(RawStatement::new).collect();
    let statements = statements.filter(|statements| !statements.is_empty()).ok_or_else(wrong)?;
    if statements.iter().any(|statement| statement.has("Principal") || statement.has("NotPrincipal")) {
        return Err(Malformed::new(Cause::ProhibitedField, "Policy document should not specify a principal."));
    }
    if statements.iter().all(is_well_typed) { Ok(statements) } else { Err(wrong()) }
}

fn is_well_typed(statement: &RawStatement) -> bool {
    let texts = |element| statement.get(element).is_none_or(|value| value.texts().is_some());
    let effect = matches!(statement.get("Effect"), Some(Json::Text(effect))
        if effect.eq_ignore_ascii_case("Allow") || effect.eq_ignore_ascii_case("Deny"));
    statement.members.iter().all(|(name, _)| STATEMENT_ELEMENTS.contains(&name.as_str()))
        && effect
        && matches!(statement.get("Sid"), None | Some(Json::Text(_)))
        && !(statement.has("Action") && statement.has("NotAction"))
        && !(statement.has("Resource") && statement.has("NotResource"))
        && ["Action", "NotAction", "Resource", "NotResource"].into_iter().all(texts)
        && statement.conditions().is_some()
}

/// What the first generation of the parser is particular about: the case of effects, and condition values. STS takes
/// values that IAM would not store; nothing equals them.
fn legacy_parsing(statements: &[RawStatement], kind: Kind) -> Result<(), Malformed> {
    for statement in statements {
        let effect =
            matches!(statement.get("Effect"), Some(Json::Text(effect)) if effect == "Allow" || effect == "Deny");
        let conditions = statement.conditions().unwrap_or_default();
        if !effect || (kind != Kind::Session && !conditions.iter().all(RawCondition::is_readable)) {
            return Err(Malformed::new(Cause::LegacyParsing, LEGACY));
        }
    }
    Ok(())
}

/// Forms of resources. A complaint found here is uttered later, behind those about statement ids and actions; resources
/// behind the first complaint are not looked at.
fn resources(statements: &[RawStatement]) -> Result<Option<String>, Malformed> {
    for element in ["Resource", "NotResource"] {
        for resource in statements.iter().flat_map(|statement| statement.texts(element)) {
            if resource == "*" || resource.starts_with("${") {
                continue;
            }
            if let Some(complaint) = resource_complaint(resource) {
                return Ok(Some(complaint));
            }
            let colons = resource.matches(':').count();
            let has_vendor = split_outside_variables(resource).get(2).is_some_and(|vendor| !vendor.is_empty());
            if !has_vendor || (colons < 5 && resource.contains("::")) {
                return Err(Malformed::new(Cause::LegacyParsing, LEGACY));
            }
        }
    }
    Ok(None)
}

/// Beginnings of the last part of an IAM ARN.
const IAM_RESOURCES: [&str; 13] = [
    "user/",
    "federated-user/",
    "role/",
    "group/",
    "instance-profile/",
    "mfa/",
    "server-certificate/",
    "policy/",
    "sms-mfa/",
    "saml-provider/",
    "oidc-provider/",
    "report/",
    "access-report/",
];

fn resource_complaint(resource: &str) -> Option<String> {
    let parts = split_outside_variables(resource);
    let [_, partition, rest @ ..] = parts.as_slice() else {
        return Some(format!("Resource {resource} must be in ARN format or \"*\"."));
    };
    let part = |place: usize| rest.get(place).copied();
    if !matches!(*partition, "aws" | "aws-cn" | "aws-us-gov" | "*") && !partition.starts_with("${") {
        // At least four parts are shown after the partition; those left out are `*`.
        let filled = (0..4).map(|place| part(place).unwrap_or("*")).collect::<Vec<_>>().join(":");
        return Some(format!("Partition \"{partition}\" is not valid for resource \"arn:{partition}:{filled}\"."));
    }
    let vendor = match part(0) {
        Some(vendor) if !vendor.contains(['*', '?']) => vendor,
        _ => return Some("Resource vendor must be fully qualified and cannot contain regexes.".to_owned()),
    };
    let names_region = part(1).is_some_and(|region| !region.is_empty());
    let names_no_account = part(2).is_some_and(str::is_empty);
    let relative = part(3).unwrap_or("*");
    match vendor {
        "iam" if names_region && rest.len() > 2 => {
            Some(format!("IAM resource {resource} cannot contain region information."))
        }
        "iam" if relative != "*" && !IAM_RESOURCES.iter().any(|beginning| relative.starts_with(beginning)) => {
            let beginnings = IAM_RESOURCES.join(", ");
            Some(format!("IAM resource path must either be \"*\" or start with {beginnings}."))
        }
        "s3" if names_region && names_no_account => {
            Some(format!("Resource {resource} can not contain region information."))
        }
        _ => None,
    }
}

fn statement_ids(statements: &[RawStatement]) -> Result<(), Malformed> {
    let is_plain = |sid: &str| sid.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if !statements.iter().filter_map(RawStatement::sid).all(is_plain) {
        let message = "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression \
                       [0-9A-Za-z]*";
        return Err(Malformed::new(Cause::StatementId, message));
    }
    match repeated_sid(statements) {
        None => Ok(()),
        Some(_) => Err(Malformed::new(Cause::StatementId, "Statement IDs (SID) in a single policy must be unique.")),
    }
}

fn action(action: &str) -> Result<(), Malformed> {
    if action == "*" {
        return Ok(());
    }
    let mut parts = action.split(':');
    let (vendor, name, further) = (parts.next().unwrap_or(""), parts.next(), parts.next());
    let complaint = if name.is_none() {
        "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.".to_owned()
    } else if further.is_some() {
        "Actions/Condition can contain only one colon.".to_owned()
    } else if vendor != "*" && !vendor.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.')) {
        format!("Vendor {vendor} is not valid")
    } else {
        return Ok(());
    };
    Err(Malformed::new(Cause::Action, complaint))
}
