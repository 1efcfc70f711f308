//! Texts with wildcards and policy variables: `home/${aws:username}/*`.

use crate::context::{Context, Values};

/// A text of a policy that values of a request are compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Pattern {
    /// `*` alone.
    Any,
    /// No wildcard, no variable.
    Exact(Box<str>),
    /// The rest.
    Mixed { atoms: Box<[Atom]>, has_variables: bool },
}

/// A piece of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Atom {
    Text(Box<str>),
    /// `*`: any characters, or none.
    Star,
    /// `?`: one character.
    One,
    Variable(Variable),
}

/// `${key}` or `${key, 'default'}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Variable {
    pub key: Box<str>,
    default: Option<Box<str>>,
}

/// How a text of a policy is to be read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Syntax {
    /// `*` and `?` are wildcards.
    pub wildcards: bool,
    /// `${…}` is a variable or an escape; so since version 2012-10-17 of the language.
    pub variables: bool,
}

impl Pattern {
    pub(crate) fn parse(text: &str, syntax: Syntax) -> Pattern {
        let mut atoms = atoms(text, syntax);
        match atoms.as_mut_slice() {
            [] => Pattern::Exact("".into()),
            [Atom::Star] => Pattern::Any,
            [Atom::Text(text)] => Pattern::Exact(std::mem::take(text)),
            _ => {
                let has_variables = atoms.iter().any(|atom| matches!(atom, Atom::Variable(_)));
                Pattern::Mixed { atoms: atoms.into(), has_variables }
            }
        }
    }

    /// Whether a text is what the pattern says. A pattern with a variable that has no value in this request is like
    /// nothing. Takes time of at most the text's length times the pattern's.
    pub(crate) fn matches(&self, text: &str, context: &Context<'_>) -> bool {
        match self {
            Pattern::Any => true,
            Pattern::Exact(exact) => **exact == *text,
            Pattern::Mixed { atoms, .. } => self.is_resolved(context) && glob(atoms, text, context),
        }
    }

    /// Whether all its variables have values.
    pub(crate) fn is_resolved(&self, context: &Context<'_>) -> bool {
        self.variables().all(|variable| variable.value(context).is_some())
    }

    /// The same in lower case, for [`Pattern::matches_ignoring_case`].
    pub(crate) fn to_lower_case(&self) -> Pattern {
        match self {
            Pattern::Any => Pattern::Any,
            Pattern::Exact(text) => Pattern::Exact(text.to_lowercase().into()),
            Pattern::Mixed { atoms, has_variables } => {
                let lower = |atom: &Atom| match atom {
                    Atom::Text(text) => Atom::Text(text.to_lowercase().into()),
                    other => other.clone(),
                };
                Pattern::Mixed { atoms: atoms.iter().map(lower).collect(), has_variables: *has_variables }
            }
        }
    }

    /// Whether a text in lower case is what this pattern in lower case says, whatever the case of its variables' values.
    pub(crate) fn matches_ignoring_case(&self, lower: &str, context: &Context<'_>) -> bool {
        let Pattern::Mixed { atoms, has_variables: true } = self else { return self.matches(lower, context) };
        let resolve = |atom: &Atom| match atom {
            Atom::Variable(variable) => variable.value(context).map(|value| Atom::Text(value.to_lowercase().into())),
            other => Some(other.clone()),
        };
        let resolved: Option<Vec<Atom>> = atoms.iter().map(resolve).collect();
        resolved.is_some_and(|atoms| glob(&atoms, lower, context))
    }

    /// The variables in it.
    pub(crate) fn variables(&self) -> impl Iterator<Item = &Variable> {
        let atoms: &[Atom] = match self {
            Pattern::Mixed { atoms, has_variables: true } => atoms,
            _ => &[],
        };
        atoms.iter().filter_map(|atom| if let Atom::Variable(variable) = atom { Some(variable) } else { None })
    }
}

impl Variable {
    /// Its value, or the default if the key is absent. A multi-valued key has no value to put here, and its presence
    /// keeps the default away.
    pub(crate) fn value<'v>(&'v self, context: &'v Context<'_>) -> Option<&'v str> {
        match context.get(&self.key) {
            Some(Values::One(value)) => Some(value),
            Some(values) if !values.is_empty() => None,
            _ => self.default.as_deref(),
        }
    }
}

/// Splits a text into its pieces.
pub(crate) fn atoms(text: &str, syntax: Syntax) -> Vec<Atom> {
    let mut atoms = Vec::new();
    let mut plain = String::new();
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        if syntax.variables
            && let Some((inner, after)) = placeholder(rest)
        {
            rest = after;
            match inner {
                "*" | "?" | "$" => plain.push_str(inner),
                _ => {
                    flush(&mut plain, &mut atoms);
                    atoms.push(Atom::Variable(variable(inner)));
                }
            }
            continue;
        }
        rest = &rest[character.len_utf8()..];
        match character {
            '*' if syntax.wildcards => {
                flush(&mut plain, &mut atoms);
                if atoms.last() != Some(&Atom::Star) {
                    atoms.push(Atom::Star);
                }
            }
            '?' if syntax.wildcards => {
                flush(&mut plain, &mut atoms);
                atoms.push(Atom::One);
            }
            _ => plain.push(character),
        }
    }
    flush(&mut plain, &mut atoms);
    atoms
}

fn flush(plain: &mut String, atoms: &mut Vec<Atom>) {
    if !plain.is_empty() {
        atoms.push(Atom::Text(std::mem::take(plain).into()));
    }
}

/// What stands in the `${…}` at the beginning of a text, and what follows it.
pub(crate) fn placeholder(text: &str) -> Option<(&str, &str)> {
    text.strip_prefix("${")?.split_once('}')
}

/// Reads `key` or `key, 'default'`.
fn variable(inner: &str) -> Variable {
    let (key, default) = match inner.split_once(',') {
        Some((key, default)) => (key, default.trim().strip_prefix('\'').and_then(|text| text.strip_suffix('\''))),
        None => (inner, None),
    };
    Variable { key: key.trim().into(), default: default.map(Into::into) }
}

/// Compares from left to right; where a piece does not fit, the latest `*` takes one character more. Only the latest
/// has to be tried again: an earlier one could win nothing that it cannot.
fn glob(atoms: &[Atom], text: &str, context: &Context<'_>) -> bool {
    let mut place = 0;
    let mut rest = text;
    let mut retry: Option<(usize, &str)> = None;
    loop {
        let step = match atoms.get(place) {
            None if rest.is_empty() => return true,
            None => None,
            Some(Atom::Star) => {
                place += 1;
                if place == atoms.len() {
                    return true;
                }
                retry = Some((place, rest));
                continue;
            }
            Some(Atom::One) => skip_one(rest),
            Some(Atom::Text(piece)) => rest.strip_prefix(&**piece),
            Some(Atom::Variable(variable)) => variable.value(context).and_then(|value| rest.strip_prefix(value)),
        };
        if let Some(after) = step {
            rest = after;
            place += 1;
            continue;
        }
        let Some((after_star, from)) = retry else { return false };
        let Some(shorter) = skip_one(from) else { return false };
        // A plain text right behind the star tells where it can fit next.
        rest = match &atoms[after_star] {
            Atom::Text(piece) => match shorter.find(&**piece) {
                Some(offset) => &shorter[offset..],
                None => return false,
            },
            _ => shorter,
        };
        place = after_star;
        retry = Some((after_star, rest));
    }
}

pub(crate) fn skip_one(text: &str) -> Option<&str> {
    let mut characters = text.chars();
    characters.next().map(|_| characters.as_str())
}
