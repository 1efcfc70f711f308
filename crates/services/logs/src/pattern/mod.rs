//! The filter patterns of CloudWatch Logs: which messages a search, a metric filter or a subscription means.
//!
//! Three languages share the name, told apart by their first character: terms (`ERROR -timeout`), conditions on JSON
//! (`{ $.level = "error" }`) and conditions on fields divided by spaces (`[ip, user, status = 4*]`). User guide of
//! CloudWatch Logs, "Filter pattern syntax". Case matters everywhere, and reading and matching take linear time.

mod comparison;
mod expression;
mod fields;
mod json;
mod regular;
mod scanner;
mod terms;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use wire::Error;

use crate::errors;
use fields::Fields;
use json::Json;
use terms::Terms;

/// A filter pattern, ready to be used.
#[derive(Debug)]
pub struct Pattern(Kind);

#[derive(Debug)]
enum Kind {
    Terms(Terms),
    Json(Json),
    Fields(Fields),
}

/// Why a text is no filter pattern, in AWS's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// The closing bracket is not at the end.
    #[error("If a filter pattern starts with '{open}' it must end with '{close}'")]
    Open {
        /// The first character.
        open: char,
        /// What the last one has to be.
        close: char,
    },
    /// A term has characters that need quotation marks, or a regular expression has ones that are not allowed.
    #[error("Invalid character(s) in term '{0}'")]
    Term(String),
    /// Anything else.
    #[error("Invalid filter pattern")]
    Invalid,
}

impl From<PatternError> for Error {
    fn from(error: PatternError) -> Error {
        errors::invalid(error.to_string())
    }
}

impl Pattern {
    /// Reads a pattern. An empty one matches everything.
    ///
    /// # Errors
    /// [`PatternError`]; clients see an `InvalidParameterException`.
    pub fn parse(text: &str) -> Result<Pattern, PatternError> {
        let text = text.trim();
        Ok(Pattern(match text.chars().next() {
            Some('{') => Kind::Json(Json::parse(enclosed(text, '{', '}')?)?),
            Some('[') => Kind::Fields(Fields::parse(enclosed(text, '[', ']')?)?),
            _ => Kind::Terms(Terms::parse(text)?),
        }))
    }

    /// Whether the pattern matches a message.
    pub fn matches(&self, message: &str) -> bool {
        match &self.0 {
            Kind::Terms(terms) => terms.matches(message),
            Kind::Json(json) => json.matches(message),
            Kind::Fields(fields) => fields.matches(message),
        }
    }

    /// What the pattern takes out of a message; `None` if it does not match. Only patterns of fields take anything out:
    /// every field of the message under its name, or under its number if it has none, with `$` in front.
    pub fn extract(&self, message: &str) -> Option<BTreeMap<String, String>> {
        match &self.0 {
            Kind::Fields(fields) => fields.extract(message),
            _ => self.matches(message).then(BTreeMap::new),
        }
    }
}

fn enclosed(text: &str, open: char, close: char) -> Result<&str, PatternError> {
    let inner = text.strip_prefix(open).and_then(|text| text.strip_suffix(close));
    inner.ok_or(PatternError::Open { open, close })
}
