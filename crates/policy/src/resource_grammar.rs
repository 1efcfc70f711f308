//! What is asked of policies that name principals: those of resources, and trust policies of roles. They have a parser of
//! their own in AWS, with its own words, which S3 and IAM pass on.

use crate::document::{RawCondition, RawStatement, STATEMENT_ELEMENTS, repeated_sid};
use crate::json::{Document, Json};
use crate::malformed::{Cause, Malformed};
use crate::operator::Operator;
use crate::policy::{Kind, ResourceRules, VERSION_2008, VERSION_2012};
use crate::principal::Principal;

/// The principals of a statement, by the member they stand under and as they were read.
type Principals = Vec<Principal>;

/// Checks a document and hands over its statements.
pub(crate) fn check(document: &Document<'_>, kind: Kind) -> Result<Vec<RawStatement>, Malformed> {
    for name in document.names() {
        if !matches!(name, "Version" | "Id" | "Statement") {
            return Err(Malformed::new(Cause::UnknownField, format!("Unknown field {name}")));
        }
    }
    let known_version = match document.get("Version") {
        None => true,
        Some(Json::Text(version)) => version == VERSION_2008 || version == VERSION_2012,
        Some(_) => false,
    };
    if !known_version {
        return Err(Malformed::new(Cause::Version, "The policy must contain a valid version string"));
    }
    if !matches!(document.get("Id"), None | Some(Json::Text(_))) {
        return Err(syntax());
    }
    let placed = document.placed("Statement").ok_or_else(|| missing("Statement"))?;
    let statements: Option<Vec<RawStatement>> = placed.into_iter().map(RawStatement::new).collect();
    let statements = statements.ok_or_else(syntax)?;
    if statements.is_empty() {
        return Err(Malformed::new(Cause::MissingField, "Could not parse the policy: Statement is empty!"));
    }
    statements.iter().try_for_each(|one| statement(one, kind))?;
    match repeated_sid(&statements) {
        None => Ok(statements),
        Some(_) => Err(Malformed::new(Cause::StatementId, "The Statement Ids in the policy are not unique")),
    }
}

fn syntax() -> Malformed {
    Malformed::new(Cause::Syntax, "Syntax error in policy.")
}

fn missing(element: &str) -> Malformed {
    Malformed::new(Cause::MissingField, format!("Missing required field {element}"))
}

fn statement(statement: &RawStatement, kind: Kind) -> Result<(), Malformed> {
    for (name, _) in &statement.members {
        if !STATEMENT_ELEMENTS.contains(&name.as_str()) {
            return Err(Malformed::new(Cause::UnknownField, format!("Unknown field {name}")));
        }
    }
    if !matches!(statement.get("Sid"), None | Some(Json::Text(_))) {
        return Err(syntax());
    }
    let allows = match statement.get("Effect") {
        None => return Err(missing("Effect")),
        Some(Json::Text(effect)) if effect == "Allow" => true,
        Some(Json::Text(effect)) if effect == "Deny" => false,
        Some(Json::Text(effect)) => {
            return Err(Malformed::new(Cause::Effect, format!("Invalid effect: {effect}")));
        }
        Some(_) => return Err(syntax()),
    };
    who(statement, kind, allows)?;
    let conditions = statement.conditions().ok_or_else(|| invalid_conditions(statement, kind))?;
    if !conditions.iter().all(RawCondition::is_readable) {
        return Err(Malformed::new(Cause::Condition, "Syntax error in policy."));
    }
    match kind {
        Kind::Resource(rules) => {
            actions(statement, rules)?;
            resources(statement, rules)
        }
        _ => trust(statement),
    }
}

/// S3 names the operator that it does not know.
fn invalid_conditions(statement: &RawStatement, kind: Kind) -> Malformed {
    let unknown = match statement.get("Condition") {
        Some(Json::Object(operators)) => operators.iter().find(|(name, _)| Operator::parse(name).is_none()),
        _ => None,
    };
    match unknown {
        Some((name, _)) if kind != Kind::RoleTrust => {
            Malformed::new(Cause::Condition, format!("Invalid Condition type : {name}"))
        }
        _ => Malformed::new(Cause::Condition, "Syntax error in policy."),
    }
}

/// `Principal` and `NotPrincipal`.
fn who(statement: &RawStatement, kind: Kind, allows: bool) -> Result<(), Malformed> {
    if statement.has("NotPrincipal") {
        let complaint = match kind {
            _ if allows => "Allow with NotPrincipal is not allowed.",
            Kind::RoleTrust => "AssumeRole policy must not contain NotPrincipal field.",
            _ if statement.has("Principal") => "Syntax error in policy.",
            _ => return principals(statement, "NotPrincipal", kind).map(|_| ()),
        };
        return Err(Malformed::new(Cause::ProhibitedField, complaint));
    }
    principals(statement, "Principal", kind).map(|_| ())
}

/// Reads a `Principal` or `NotPrincipal` element.
pub(crate) fn principals(statement: &RawStatement, element: &str, kind: Kind) -> Result<Principals, Malformed> {
    let members = match statement.get(element) {
        None => return Err(missing("Principal")),
        Some(Json::Text(text)) if text == "*" && kind != Kind::RoleTrust => return Ok(vec![Principal::Everybody]),
        Some(Json::Text(text)) if text == "*" => {
            let message = "AssumeRolepolicy contained an invalid principal: \"STAR\":\"*\".";
            return Err(Malformed::new(Cause::Principal, message));
        }
        Some(Json::Text(_)) => return Err(Malformed::new(Cause::Principal, "Principal must be a JSON object.")),
        Some(Json::Object(members)) => members,
        Some(_) => return Err(syntax()),
    };
    let mut principals = Principals::new();
    for (sort, names) in members {
        if !matches!(sort.as_str(), "AWS" | "Service" | "Federated" | "CanonicalUser") {
            return Err(invalid_principal(format!("\"{sort}\""), kind));
        }
        for name in names.texts().ok_or_else(syntax)? {
            let principal = principal(sort, name, kind);
            let shown =
                || format!("\"{}\":\"{name}\"", if sort == "AWS" { "AWS".to_owned() } else { sort.to_uppercase() });
            principals.push(principal.ok_or_else(|| invalid_principal(shown(), kind))?);
        }
    }
    if principals.is_empty() {
        return Err(Malformed::new(Cause::MissingField, "Missing required field Principal cannot be empty!"));
    }
    Ok(principals)
}

/// S3 keeps the principal itself for the error's `Detail`; IAM shows it.
fn invalid_principal(shown: String, kind: Kind) -> Malformed {
    let message = match kind {
        Kind::RoleTrust => format!("Invalid principal in policy: {shown}"),
        _ => "Invalid principal in policy".to_owned(),
    };
    Malformed::new(Cause::Principal, message)
}

fn principal(sort: &str, name: &str, kind: Kind) -> Option<Principal> {
    match sort {
        "AWS" => Principal::aws(name),
        "Service" => is_service(name).then(|| Principal::Service(name.into())),
        "Federated" => (!name.is_empty()).then(|| Principal::Federated(name.into())),
        "CanonicalUser" => {
            let is_id = name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
            (is_id && kind != Kind::RoleTrust).then(|| Principal::CanonicalUser(name.to_ascii_lowercase().into()))
        }
        _ => None,
    }
}

/// Whether a text has the form of a service's name: `lambda.amazonaws.com`, `logs.eu-west-1.amazonaws.com`.
fn is_service(name: &str) -> bool {
    let labels = |rest: &str| {
        rest.split('.').all(|label| {
            !label.is_empty()
                && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        })
    };
    let rest = name.strip_suffix(".amazonaws.com").or_else(|| name.strip_suffix(".amazonaws.com.cn"));
    name == "*" || rest.or_else(|| name.strip_suffix(".amazon.com")).is_some_and(labels)
}

fn actions(statement: &RawStatement, rules: ResourceRules) -> Result<(), Malformed> {
    let invalid = || Malformed::new(Cause::Action, "Policy has invalid action");
    let names = one_of(statement, "Action", "NotAction")?.ok_or_else(|| missing("Action"))?;
    for action in names {
        if action == "*" {
            continue;
        }
        let (vendor, name) = action.split_once(':').ok_or_else(invalid)?;
        let of_vendor = rules.vendor.is_none_or(|expected| vendor.eq_ignore_ascii_case(expected));
        let well_formed = vendor.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'));
        if !of_vendor || !well_formed || name.is_empty() || name.contains(':') {
            return Err(invalid());
        }
    }
    Ok(())
}

fn resources(statement: &RawStatement, rules: ResourceRules) -> Result<(), Malformed> {
    let Some(names) = one_of(statement, "Resource", "NotResource")? else {
        return if rules.resource_required { Err(missing("Resource")) } else { Ok(()) };
    };
    let is_arn = |name: &str| name == "*" || name.splitn(6, ':').count() == 6 && name.starts_with("arn:");
    if names.into_iter().all(is_arn) {
        return Ok(());
    }
    Err(Malformed::new(Cause::Resource, "Policy has invalid resource"))
}

/// The texts of an element or its opposite; `None` if neither is there or the list is empty.
fn one_of<'s>(statement: &'s RawStatement, element: &str, opposite: &str) -> Result<Option<Vec<&'s str>>, Malformed> {
    let value = match (statement.get(element), statement.get(opposite)) {
        (Some(_), Some(_)) => return Err(syntax()),
        (value, None) | (None, value) => value,
    };
    let texts = value.map(|value| value.texts().ok_or_else(syntax)).transpose()?;
    Ok(texts.filter(|texts| !texts.is_empty()))
}

/// Trust policies speak of STS actions, and of no resource but the role.
fn trust(statement: &RawStatement) -> Result<(), Malformed> {
    let names = one_of(statement, "Action", "NotAction")?.ok_or_else(|| missing("Action"))?;
    if !names.iter().all(|name| name.get(..4).is_some_and(|vendor| vendor.eq_ignore_ascii_case("sts:"))) {
        let message = "AssumeRole policy may only specify STS AssumeRole actions.";
        return Err(Malformed::new(Cause::Action, message));
    }
    if statement.has("Resource") {
        return Err(Malformed::new(Cause::ProhibitedField, "Has prohibited field Resource"));
    }
    if statement.has("NotResource") {
        return Err(Malformed::new(Cause::ProhibitedField, "AssumeRole policy must not contain resources."));
    }
    Ok(())
}
