//! The forms in which a function can be named: `name`, `name:qualifier`, `account:function:name`, a full ARN, and every
//! mixture AWS's own pattern admits.

use std::sync::LazyLock;

use platform::Ctx;
use regex::Regex;
use wire::Error;
use wire::error::common;

use crate::errors;
use crate::function::{FunctionId, Version};

/// Longest plain name of a new function, in characters. API reference, CreateFunction.
const NAME_CHARACTERS_MAX: usize = 64;
/// Longest name of a new function in any other form, in characters. API reference, CreateFunction.
const ARN_CHARACTERS_MAX: usize = 140;

/// What a function's policy may let other accounts do that leaves the function as it is.
const OPEN_TO_OTHERS: [&str; 8] = [
    "GetAlias",
    "GetFunction",
    "GetFunctionConfiguration",
    "GetPolicy",
    "Invoke",
    "InvokeAsync",
    "InvokeWithResponseStream",
    "ListVersionsByFunction",
];

/// AWS's pattern for names, as its validation errors quote it.
const NAME_PATTERN: &str = r"(arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?([a-zA-Z0-9-_]+)(:(\$LATEST|[a-zA-Z0-9-_]+))?";

/// The same pattern with names for its parts; it also admits the dots and qualifiers that only some operations take.
static PARTS: LazyLock<Regex> = LazyLock::new(|| {
    let pattern = r"^(?:arn:(?:aws[a-zA-Z-]*)?:lambda:)?(?:(?P<region>(?:eusc-)?[a-z]{2}(?:-gov|-iso[a-z]?)?-[a-z]+-[0-9]):)?(?:(?P<account>[0-9]{12}):)?(?:function:)?(?P<name>[a-zA-Z0-9_.-]+)(?::(?P<qualifier>\$LATEST(?:\.PUBLISHED)?|[a-zA-Z0-9_-]+))?$";
    Regex::new(pattern).expect("the pattern is constant and valid")
});

/// A function as a caller names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The function meant.
    pub function: FunctionId,
    /// The version or alias meant, if the caller said one.
    pub qualifier: Option<String>,
}

impl Target {
    /// Its ARN, with the qualifier if the caller said one.
    pub fn arn(&self) -> String {
        match &self.qualifier {
            Some(qualifier) => self.function.qualified_arn(qualifier),
            None => self.function.arn(),
        }
    }
}

/// The parts of a name; what it does not say is absent.
#[derive(Debug, PartialEq, Eq)]
struct Parts<'a> {
    region: Option<&'a str>,
    account: Option<&'a str>,
    name: &'a str,
    qualifier: Option<&'a str>,
}

/// The function that `name` and the separate parameter `qualifier` mean to this caller.
///
/// # Errors
/// `ResourceNotFoundException` for another region, `AccessDeniedException` for another account,
/// `InvalidParameterValueException` for two different qualifiers, `ValidationException` for anything else.
pub fn target(cx: &Ctx, name: &str, qualifier: Option<&str>) -> Result<Target, Error> {
    let parts = parse(name).ok_or_else(|| errors::validation(&[pattern_failure(name)]))?;
    let function = locate(cx, &parts)?;
    if function.account != cx.account && !opens_to_others(cx) {
        return Err(other_account(cx, &function));
    }
    match (qualifier, parts.qualifier) {
        (Some(given), Some(derived)) if given != derived => Err(errors::invalid_parameter(
            "The derived qualifier from the function name does not match the specified qualifier.",
        )),
        (given, derived) => Ok(Target { function, qualifier: given.or(derived).map(str::to_owned) }),
    }
}

/// The function that `name` means to this caller, for operations that concern it as a whole or change `$LATEST`.
///
/// # Errors
/// As [`target`], and `InvalidParameterValueException` for a version or an alias.
pub fn whole_function(cx: &Ctx, name: &str) -> Result<FunctionId, Error> {
    let target = target(cx, name, None)?;
    if target.qualifier.is_some_and(|qualifier| qualifier != "$LATEST") {
        return Err(errors::invalid_parameter(
            "This operation is permitted on Lambda functions only. Aliases and versions do not support this operation. \
             Please specify either a function name or an unqualified function ARN.",
        ));
    }
    Ok(target.function)
}

/// The function that is to be created under this name.
///
/// # Errors
/// `InvalidParameterValueException` for a plain name that is too long; otherwise as [`target`].
pub fn new_function(cx: &Ctx, name: &str) -> Result<FunctionId, Error> {
    let Some(parts) = parse(name).filter(|parts| parts.qualifier.is_none() && !parts.name.contains('.')) else {
        let mut items = vec![pattern_failure(name)];
        items.extend(length_failure(name, ARN_CHARACTERS_MAX));
        return Err(errors::validation(&items));
    };
    if let Some(item) = length_failure(name, ARN_CHARACTERS_MAX).filter(|_| parts.name != name) {
        return Err(errors::validation(&[item]));
    }
    if let Some(item) = length_failure(parts.name, NAME_CHARACTERS_MAX) {
        return Err(errors::invalid_parameter(errors::validation_text(&[item])));
    }
    let function = locate(cx, &parts)?;
    if function.account != cx.account { Err(other_account(cx, &function)) } else { Ok(function) }
}

/// Whether a function's policy can let other accounts do this; that it does was checked before.
fn opens_to_others(cx: &Ctx) -> bool {
    OPEN_TO_OTHERS.contains(&cx.operation.name)
}

/// The version a qualifier names; `None` if it can only be an alias.
pub fn version(qualifier: &str) -> Option<Version> {
    if qualifier == "$LATEST" {
        return Some(Version::Latest);
    }
    let is_number = qualifier.bytes().all(|byte| byte.is_ascii_digit());
    // A leading zero, the number 0 and a number beyond all others name versions that do not exist.
    is_number.then(|| match qualifier.parse() {
        Ok(number) if !qualifier.starts_with('0') => Version::Published(number),
        Ok(_) | Err(_) => Version::Published(u64::MAX),
    })
}

/// The ARN of what `name` and the separate parameter `qualifier` mean to this caller, wherever it is: the function's
/// alone if `is_whole`. `None` if it is no name.
pub fn arn(cx: &Ctx, name: &str, qualifier: Option<&str>, is_whole: bool) -> Option<String> {
    let parts = parse(name)?;
    let (region, account) = (parts.region.unwrap_or(&cx.region), parts.account.unwrap_or(&cx.account));
    let function = FunctionId { account: account.to_owned(), region: region.to_owned(), name: parts.name.to_owned() };
    Some(match qualifier.or(parts.qualifier).filter(|_| !is_whole) {
        Some(qualifier) => function.qualified_arn(qualifier),
        None => function.arn(),
    })
}

/// The function in an ARN of a function, a version or an alias.
pub fn function_of_arn(arn: &str) -> Option<FunctionId> {
    parts_of_arn(arn).map(|(function, _)| function)
}

/// The function in an ARN, and the version or alias.
pub fn parts_of_arn(arn: &str) -> Option<(FunctionId, Option<String>)> {
    let parts = parse(arn).filter(|_| arn.starts_with("arn:"))?;
    let (region, account) = (parts.region?.to_owned(), parts.account?.to_owned());
    let function = FunctionId { account, region, name: parts.name.to_owned() };
    Some((function, parts.qualifier.map(str::to_owned)))
}

/// The function and the qualifier that a function in this place means by a name.
pub fn qualified_target(near: &FunctionId, name: &str) -> Option<(FunctionId, Option<String>)> {
    let parts = parse(name)?;
    let function = FunctionId {
        account: parts.account.unwrap_or(&near.account).to_owned(),
        region: parts.region.unwrap_or(&near.region).to_owned(),
        name: parts.name.to_owned(),
    };
    Some((function, parts.qualifier.map(str::to_owned)))
}

fn parse(name: &str) -> Option<Parts<'_>> {
    let is_plain = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    if is_plain {
        return Some(Parts { region: None, account: None, name, qualifier: None });
    }
    let captures = PARTS.captures(name)?;
    let part = |part: &str| captures.name(part).map(|found| found.as_str());
    Some(Parts { region: part("region"), account: part("account"), name: part("name")?, qualifier: part("qualifier") })
}

fn locate(cx: &Ctx, parts: &Parts<'_>) -> Result<FunctionId, Error> {
    let region = parts.region.unwrap_or(&cx.region);
    let account = parts.account.unwrap_or(&cx.account);
    let function = FunctionId { account: account.to_owned(), region: region.to_owned(), name: parts.name.to_owned() };
    if region != cx.region {
        let text = format!("Functions from '{region}' are not reachable in this region ('{}')", cx.region);
        return Err(errors::not_found(text));
    }
    Ok(function)
}

/// The answer about a function of another account.
fn other_account(cx: &Ctx, function: &FunctionId) -> Error {
    let action = cx.operation.actions.first().copied().unwrap_or(cx.operation.name);
    let (principal, arn) = (cx.principal.arn(), function.arn());
    let text = format!(
        "User: {principal} is not authorized to perform: {action} on resource: {arn} \
         because no resource-based policy allows the {action} action"
    );
    Error::new(&common::ACCESS_DENIED, text)
}

fn pattern_failure(name: &str) -> String {
    constraint(name, &format!("Member must satisfy regular expression pattern: {NAME_PATTERN}"))
}

fn length_failure(name: &str, characters_max: usize) -> Option<String> {
    let too_long = name.chars().count() > characters_max;
    too_long.then(|| constraint(name, &format!("Member must have length less than or equal to {characters_max}")))
}

fn constraint(name: &str, constraint: &str) -> String {
    format!("Value '{name}' at 'functionName' failed to satisfy constraint: {constraint}")
}

#[cfg(test)]
mod tests;
