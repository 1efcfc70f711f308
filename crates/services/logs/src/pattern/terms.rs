//! Patterns of terms: `ERROR "exact phrase" -excluded ?optional %regular expression%`.

use memchr::memmem::Finder;
use regex::bytes::Regex;

use super::PatternError;
use super::scanner::Scanner;

/// What is looked for in a message.
#[derive(Debug)]
enum Term {
    Text(Box<Finder<'static>>),
    Regex(Regex),
    /// A phrase of white space alone: AWS's way to say "everything".
    Everything,
}

impl Term {
    fn matches(&self, message: &str) -> bool {
        match self {
            Term::Text(text) => text.find(message.as_bytes()).is_some(),
            Term::Regex(expression) => expression.is_match(message.as_bytes()),
            Term::Everything => true,
        }
    }
}

/// A pattern of terms.
#[derive(Debug, Default)]
pub struct Terms {
    /// Have to occur, all of them.
    included: Vec<Term>,
    /// Must not occur.
    excluded: Vec<Term>,
    /// One has to occur. Next to terms of the other kinds AWS ignores these.
    optional: Vec<Term>,
}

impl Terms {
    /// Reads terms, divided by white space.
    pub fn parse(text: &str) -> Result<Terms, PatternError> {
        let mut terms = Terms::default();
        let mut scanner = Scanner::new(text);
        while !scanner.at_end() {
            let kind = if scanner.take("-") {
                &mut terms.excluded
            } else if scanner.take("?") {
                &mut terms.optional
            } else {
                &mut terms.included
            };
            kind.push(term(&mut scanner)?);
        }
        if !terms.included.is_empty() || !terms.excluded.is_empty() {
            terms.optional.clear();
        }
        Ok(terms)
    }

    /// Whether they match a message.
    pub fn matches(&self, message: &str) -> bool {
        self.included.iter().all(|term| term.matches(message))
            && !self.excluded.iter().any(|term| term.matches(message))
            && (self.optional.is_empty() || self.optional.iter().any(|term| term.matches(message)))
    }
}

/// Reads one term and the white space or end behind it.
fn term(scanner: &mut Scanner<'_>) -> Result<Term, PatternError> {
    scanner.at_end();
    let start = scanner.rest();
    let term = if scanner.take("\"") {
        let phrase = scanner.quoted('"').map_err(|_| refused(start))?;
        match phrase.trim() {
            "" if phrase.is_empty() => return Err(refused(start)),
            "" => Term::Everything,
            _ => text(&phrase),
        }
    } else if scanner.take("%") {
        Term::Regex(scanner.regular_expression()?)
    } else {
        let word = scanner.word(|character| character.is_alphanumeric() || character == '_');
        text(word.map_err(|_| refused(start))?)
    };
    let ends = scanner.rest().is_empty() || scanner.rest().starts_with(char::is_whitespace);
    if ends { Ok(term) } else { Err(refused(start)) }
}

fn text(text: &str) -> Term {
    Term::Text(Box::new(Finder::new(text).into_owned()))
}

/// The error that names the term at the beginning of a text.
fn refused(text: &str) -> PatternError {
    text.split_whitespace().next().map_or(PatternError::Invalid, |term| PatternError::Term(term.to_owned()))
}
