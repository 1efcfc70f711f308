//! ARNs, and patterns of them.

use crate::context::Context;
use crate::pattern::{Atom, Pattern, Syntax, Variable, atoms, placeholder, skip_one};

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

/// A pattern of ARNs.
#[derive(Debug, Clone)]
pub(crate) enum ArnPattern {
    /// `*` alone: anything at all.
    Any,
    /// Too few parts, and at least one variable: a text that has to be the ARN.
    Whole(Pattern),
    /// Part by part.
    Parts { parts: Box<[Pattern; PARTS]>, beyond: Option<Box<Beyond>> },
    /// A text that is no pattern of ARNs.
    Malformed,
}

/// How a pattern of resources matches when it does not part by part: a `*` at the end of a part "can expand to match
/// beyond the colon boundaries" ("IAM JSON policy elements: Resource" of the IAM User Guide).
#[derive(Debug, Clone)]
pub(crate) struct Beyond {
    /// The whole text, all of whose wildcards take colons. It is like more texts than the pattern, never fewer.
    loose: Pattern,
    /// The exact reading, where some wildcard must not take colons: pieces, and whether they may.
    exact: Option<Box<[(Atom, bool)]>>,
}

const SYNTAX: Syntax = Syntax { wildcards: true, variables: true };

impl ArnPattern {
    /// The pattern of a `Resource` element: parts left out at the end stand for `*`, unless there are variables.
    pub(crate) fn of_resource(text: &str, variables: bool) -> ArnPattern {
        let syntax = Syntax { variables, ..SYNTAX };
        let mut texts = split_outside_variables(text);
        let has_variables = variables && text.contains("${");
        if texts.len() < PARTS && !has_variables {
            texts.resize(PARTS, "*");
        }
        let filled = texts.join(":");
        match ArnPattern::parse(text, &texts, syntax) {
            ArnPattern::Parts { parts, .. } => {
                let beyond = Beyond::new(&filled, &texts, syntax).map(Box::new);
                ArnPattern::Parts { parts, beyond }
            }
            other => other,
        }
    }

    /// The pattern of an ARN condition: all parts have to be there, and wildcards stay within them.
    pub(crate) fn of_condition(text: &str, variables: bool) -> ArnPattern {
        ArnPattern::parse(text, &split_outside_variables(text), Syntax { variables, ..SYNTAX })
    }

    fn parse(text: &str, parts: &[&str], syntax: Syntax) -> ArnPattern {
        if text == "*" {
            return ArnPattern::Any;
        }
        let patterns: Vec<Pattern> = parts.iter().map(|part| Pattern::parse(part, syntax)).collect();
        match <[Pattern; PARTS]>::try_from(patterns) {
            Ok(parts) => ArnPattern::Parts { parts: Box::new(parts), beyond: None },
            Err(_) => match Pattern::parse(text, syntax) {
                whole @ Pattern::Mixed { has_variables: true, .. } => ArnPattern::Whole(whole),
                _ => ArnPattern::Malformed,
            },
        }
    }

    /// Whether an ARN is like this; `None` stands for a resource or value that is no ARN.
    pub(crate) fn matches(&self, arn: Option<&Arn<'_>>, context: &Context<'_>) -> bool {
        match (self, arn) {
            (ArnPattern::Any, _) => true,
            (ArnPattern::Whole(pattern), Some(arn)) => pattern.matches(arn.text, context),
            (ArnPattern::Parts { parts, beyond }, Some(arn)) => {
                parts.iter().zip(arn.parts).all(|(pattern, text)| pattern.matches(text, context))
                    || beyond.as_ref().is_some_and(|beyond| beyond.matches(arn.text, context))
            }
            _ => false,
        }
    }

    /// The variables in it.
    pub(crate) fn variables(&self) -> impl Iterator<Item = &Variable> {
        let patterns = match self {
            ArnPattern::Parts { parts, .. } => parts.as_slice(),
            ArnPattern::Whole(pattern) => std::slice::from_ref(pattern),
            ArnPattern::Any | ArnPattern::Malformed => &[],
        };
        patterns.iter().flat_map(Pattern::variables)
    }
}

impl Beyond {
    /// `None` if no part but the last ends with `*`.
    fn new(text: &str, parts: &[&str], syntax: Syntax) -> Option<Beyond> {
        let (_, first) = parts.split_last()?;
        if !first.iter().any(|part| part.ends_with('*')) {
            return None;
        }
        let confined = |part: &&str| part.trim_end_matches('*').contains(['*', '?']);
        let exact = first.iter().any(confined).then(|| exact(parts, syntax));
        Some(Beyond { loose: Pattern::parse(text, syntax), exact })
    }

    fn matches(&self, text: &str, context: &Context<'_>) -> bool {
        self.loose.matches(text, context)
            && self.exact.as_ref().is_none_or(|pieces| matches_exactly(pieces, text, context))
    }
}

/// The pieces of a pattern, with colons between the parts, and whether they may take colons.
fn exact(parts: &[&str], syntax: Syntax) -> Box<[(Atom, bool)]> {
    let mut pieces = Vec::new();
    for (place, part) in parts.iter().enumerate() {
        if place > 0 {
            pieces.push((Atom::Text(":".into()), false));
        }
        let atoms = atoms(part, syntax);
        let last = atoms.len().saturating_sub(1);
        let is_last_part = place == PARTS - 1;
        let may = |(index, atom): (usize, Atom)| {
            let at_end = index == last && atom == Atom::Star;
            (atom, is_last_part || at_end)
        };
        pieces.extend(atoms.into_iter().enumerate().map(may));
    }
    pieces.into()
}

/// Follows every way to read the text at once: which ends each further piece can reach. Takes time of the text's length
/// times the number of pieces.
fn matches_exactly(pieces: &[(Atom, bool)], text: &str, context: &Context<'_>) -> bool {
    let mut ends = vec![false; text.len() + 1];
    ends[0] = true;
    for (atom, takes_colons) in pieces {
        let mut next = vec![false; text.len() + 1];
        for start in (0..=text.len()).filter(|start| ends[*start]) {
            let rest = &text[start..];
            match atom {
                Atom::Text(piece) if rest.starts_with(&**piece) => next[start + piece.len()] = true,
                Atom::One if *takes_colons || !rest.starts_with(':') => {
                    if let Some(after) = skip_one(rest) {
                        next[text.len() - after.len()] = true;
                    }
                }
                Atom::Star => {
                    let reach = if *takes_colons { rest.len() } else { rest.find(':').unwrap_or(rest.len()) };
                    let ends_of_star = (start..=start + reach).filter(|end| text.is_char_boundary(*end));
                    for end in ends_of_star {
                        if std::mem::replace(&mut next[end], true) {
                            break;
                        }
                    }
                }
                Atom::Variable(variable) => {
                    if let Some(value) = variable.value(context).filter(|value| rest.starts_with(*value)) {
                        next[start + value.len()] = true;
                    }
                }
                Atom::Text(_) | Atom::One => {}
            }
        }
        ends = next;
    }
    ends[text.len()]
}

/// Splits at the first five colons that do not belong to a variable.
pub(crate) fn split_outside_variables(text: &str) -> Vec<&str> {
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
