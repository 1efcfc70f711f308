//! Names of parameters, and how requests name them: by name or ARN, with a version or a label behind a colon.

use api::ssm::errors as modelled;
use platform::Ctx;
use wire::Error;

use crate::errors;
use crate::limits::{ARN_CHARACTERS_MAX, LEVELS_MAX};

/// How the public parameters of AWS, and the references to secrets, begin.
const RESERVED: [&str; 2] = ["aws", "ssm"];

/// Which parameter, and which version of it, a request means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// Whose it is: 12 digits.
    pub account: String,
    /// Where it is.
    pub region: String,
    /// Its name; for one given by its ARN, with a slash in front that it may not have.
    pub name: String,
    /// Whether it was given by its ARN.
    pub by_arn: bool,
    /// The version; `None` for the latest.
    pub selector: Option<Selector>,
}

/// One version of a parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selector {
    /// By number.
    Version(u64),
    /// By label.
    Label(String),
}

impl Reference {
    /// Reads `name`, `name:version`, `name:label`, or an ARN in place of the name.
    ///
    /// # Errors
    /// `ParameterNotFound` for what cannot name a parameter here.
    pub fn parse(cx: &Ctx, text: &str) -> Result<Reference, Error> {
        let (account, region, name, by_arn) = match text.strip_prefix("arn:") {
            None => (cx.account.as_str(), cx.region.as_str(), text.to_owned(), false),
            Some(rest) => {
                let parts: Vec<&str> = rest.splitn(5, ':').collect();
                let [_, "ssm", region, account, resource] = parts[..] else {
                    return Err(errors::parameter_not_found());
                };
                let name = resource.strip_prefix("parameter/").filter(|_| region == cx.region);
                (account, region, format!("/{}", name.ok_or_else(errors::parameter_not_found)?), true)
            }
        };
        let (name, selector) = match name.split_once(':') {
            None => (name, None),
            Some((_, selector)) if selector.is_empty() || selector.contains(':') => {
                return Err(errors::parameter_not_found());
            }
            Some((name, selector)) => (name.to_owned(), Some(Selector::parse(selector))),
        };
        Ok(Reference { account: account.to_owned(), region: region.to_owned(), name, by_arn, selector })
    }

    /// The names that it may have: an ARN does not tell whether a name of one level begins with a slash.
    pub fn names(&self) -> Vec<&str> {
        let bare = self.name.trim_start_matches('/');
        if self.by_arn && !bare.contains('/') { vec![&self.name, bare] } else { vec![&self.name] }
    }

    /// As answers tell it: a colon, then the version or label.
    pub fn selector_text(&self) -> Option<String> {
        self.selector.as_ref().map(|selector| match selector {
            Selector::Version(number) => format!(":{number}"),
            Selector::Label(label) => format!(":{label}"),
        })
    }
}

impl Selector {
    fn parse(text: &str) -> Selector {
        match text.parse() {
            Ok(number) if text.bytes().all(|digit| digit.is_ascii_digit()) => Selector::Version(number),
            _ => Selector::Label(text.to_owned()),
        }
    }
}

/// The ARN of a parameter: a name without a slash in front gets one.
pub fn arn(region: &str, account: &str, name: &str) -> String {
    format!("arn:aws:ssm:{region}:{account}:parameter/{}", name.strip_prefix('/').unwrap_or(name))
}

/// Checks the name of a parameter that is to be written.
///
/// # Errors
/// `ValidationException`, `AccessDeniedException`, `HierarchyLevelLimitExceededException`.
pub fn check(cx: &Ctx, name: &str) -> Result<(), Error> {
    check_prefix(name)?;
    if name.contains('/') && !name.starts_with('/') {
        return Err(errors::validation("Parameter name must be a fully qualified name."));
    }
    let levels = name.strip_prefix('/').unwrap_or(name).split('/');
    if !levels.clone().all(is_level) {
        return Err(errors::validation(errors::PARAMETER_NAME_RULE));
    }
    if levels.count() > LEVELS_MAX {
        return Err(modelled::hierarchy_level_limit_exceeded_exception(format!(
            "A hierarchy can have a maximum of {LEVELS_MAX} levels."
        )));
    }
    if arn(&cx.region, &cx.account, name).len() > ARN_CHARACTERS_MAX {
        return Err(errors::validation(format!(
            "The parameter's ARN must not be longer than {ARN_CHARACTERS_MAX} characters."
        )));
    }
    Ok(())
}

fn check_prefix(name: &str) -> Result<(), Error> {
    let bare = name.trim_start_matches('/').to_ascii_lowercase();
    if !RESERVED.iter().any(|prefix| bare.starts_with(prefix)) {
        return Ok(());
    }
    let is_path = name.bytes().filter(|letter| *letter == b'/').count() > 1;
    Err(if !is_path {
        errors::validation("Parameter name: can't be prefixed with \"aws\" or \"ssm\" (case-insensitive).")
    } else if bare.starts_with("aws") {
        modelled::access_denied_exception(format!("No access to reserved parameter name: {name}."))
    } else {
        errors::validation(errors::PARAMETER_NAME_RULE)
    })
}

/// Checks the path of a request for a hierarchy.
///
/// # Errors
/// `ValidationException`.
pub fn check_path(path: &str) -> Result<(), Error> {
    let inner = path.strip_prefix('/').map(|rest| rest.strip_suffix('/').unwrap_or(rest));
    let holds = inner.is_some_and(|inner| inner.is_empty() || inner.split('/').all(is_level));
    if holds { Ok(()) } else { Err(errors::validation(errors::PATH_RULE)) }
}

fn is_level(level: &str) -> bool {
    let allowed = |letter: u8| letter.is_ascii_alphanumeric() || b"_.-".contains(&letter);
    !level.is_empty() && level.bytes().all(allowed)
}
