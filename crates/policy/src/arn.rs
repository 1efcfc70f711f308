//! ARNs, and patterns of them, which are compared part by part.

use crate::context::Context;
use crate::pattern::{Pattern, Syntax, Unresolved, Variable, placeholder};

/// `arn:partition:service:region:account:` before the last part, which may hold colons itself.
const PARTS: usize = 6;

/// An ARN, split.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arn<'a> {
    text: &'a str,
    parts: [&'a str; PARTS],
}

impl<'a> Arn<'a> {
    /// `None` for a text that is no ARN.
    pub(crate) fn split(text: &'a str) -> Option<Arn<'a>> {
        let mut rest = text.splitn(PARTS, ':');
        let mut parts = [""; PARTS];
        for part in &mut parts {
            *part = rest.next()?;
        }
        (parts[0] == "arn").then_some(Arn { text, parts })
    }
}

/// A pattern of ARNs. A wildcard never reaches beyond its part, except in the last one, where it takes colons and slashes
/// as it takes anything.
#[derive(Debug, Clone)]
pub(crate) enum ArnPattern {
    /// `*` alone: anything at all.
    Any,
    /// A variable that stands for an ARN.
    Whole(Pattern),
    /// Part by part.
    Parts(Box<[Pattern; PARTS]>),
    /// A text that no ARN can be like.
    Never,
}

impl ArnPattern {
    /// The pattern of a `Resource` element: parts left out at the end stand for `*`, and variables are replaced in the
    /// last part only ("Policy variables in the Resource element" of the IAM User Guide).
    pub(crate) fn of_resource(text: &str, variables: bool) -> ArnPattern {
        ArnPattern::parse(text, |part| Syntax { wildcards: true, variables: variables && part == PARTS - 1 }, true)
    }

    /// The pattern of an ARN condition: all parts have to be there, and any may hold variables.
    pub(crate) fn of_condition(text: &str, variables: bool) -> ArnPattern {
        ArnPattern::parse(text, |_| Syntax { wildcards: true, variables }, false)
    }

    fn parse(text: &str, syntax: impl Fn(usize) -> Syntax, fill: bool) -> ArnPattern {
        if text == "*" {
            return ArnPattern::Any;
        }
        if !fill && placeholder(text).is_some_and(|(_, after)| after.is_empty()) {
            return ArnPattern::Whole(Pattern::parse(text, syntax(PARTS - 1)));
        }
        let mut texts = split_outside_variables(text);
        if texts.len() < PARTS && fill {
            texts.resize(PARTS, "*");
        }
        let patterns: Vec<Pattern> =
            texts.iter().enumerate().map(|(part, text)| Pattern::parse(text, syntax(part))).collect();
        match <[Pattern; PARTS]>::try_from(patterns) {
            Ok(parts) => ArnPattern::Parts(Box::new(parts)),
            Err(_) => ArnPattern::Never,
        }
    }

    /// Whether an ARN is like this; `None` stands for a resource or value that is no ARN.
    pub(crate) fn matches(&self, arn: Option<&Arn<'_>>, context: &Context<'_>) -> Result<bool, Unresolved> {
        let (parts, arn) = match (self, arn) {
            (ArnPattern::Any, _) => return Ok(true),
            (ArnPattern::Whole(pattern), Some(arn)) => return pattern.matches(arn.text, context),
            (ArnPattern::Parts(parts), Some(arn)) => (parts, arn),
            _ => return Ok(false),
        };
        for (pattern, text) in parts.iter().zip(arn.parts) {
            if !pattern.matches(text, context)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The variables in it.
    pub(crate) fn variables(&self) -> impl Iterator<Item = &Variable> {
        let patterns = match self {
            ArnPattern::Parts(parts) => parts.as_slice(),
            ArnPattern::Whole(pattern) => std::slice::from_ref(pattern),
            ArnPattern::Any | ArnPattern::Never => &[],
        };
        patterns.iter().flat_map(Pattern::variables)
    }
}

/// Splits at the first five colons that do not belong to a variable.
fn split_outside_variables(text: &str) -> Vec<&str> {
    let mut parts = Vec::with_capacity(PARTS);
    let mut start = 0;
    let mut at = 0;
    while parts.len() < PARTS - 1 && at < text.len() {
        let rest = &text[at..];
        if let Some((_, after)) = placeholder(rest) {
            at = text.len() - after.len();
            continue;
        }
        let character = rest.chars().next().map_or(1, char::len_utf8);
        if rest.starts_with(':') {
            parts.push(&text[start..at]);
            start = at + 1;
        }
        at += character;
    }
    parts.push(&text[start..]);
    parts
}
