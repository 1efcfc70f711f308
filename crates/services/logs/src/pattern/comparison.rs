//! Comparing one value.

use regex::bytes::Regex;

use super::PatternError;
use super::scanner::Scanner;

/// A value of a message.
#[derive(Debug, Clone, Copy)]
pub struct Scalar<'a> {
    /// As it is written.
    pub text: &'a str,
    /// Its value, if it is a number.
    pub number: Option<f64>,
}

/// A text with `*` in front or behind for any text there. Elsewhere a `*` is itself.
#[derive(Debug)]
struct Wildcard {
    any_before: bool,
    any_after: bool,
    text: String,
}

impl Wildcard {
    fn new(text: &str) -> Wildcard {
        let (any_before, text) = text.strip_prefix('*').map_or((false, text), |text| (true, text));
        let (any_after, text) = text.strip_suffix('*').map_or((false, text), |text| (true, text));
        Wildcard { any_before, any_after, text: text.to_owned() }
    }

    fn matches(&self, text: &str) -> bool {
        match (self.any_before, self.any_after) {
            (false, false) => text == self.text,
            (true, false) => text.ends_with(&self.text),
            (false, true) => text.starts_with(&self.text),
            (true, true) => memchr::memmem::find(text.as_bytes(), self.text.as_bytes()).is_some(),
        }
    }
}

/// What a value is compared with.
#[derive(Debug)]
enum Operand {
    Text(Wildcard),
    /// A number; a value that is none is compared with its text.
    Number(f64, Wildcard),
    Regex(Regex),
}

impl Operand {
    fn equals(&self, value: Scalar<'_>) -> bool {
        match (self, value.number) {
            (Operand::Number(number, _), Some(value)) => *number == value,
            (Operand::Text(text) | Operand::Number(_, text), _) => text.matches(value.text),
            (Operand::Regex(expression), _) => expression.is_match(value.text.as_bytes()),
        }
    }
}

/// A comparison that a value may fulfil.
#[derive(Debug)]
pub struct Comparison(Inner);

#[derive(Debug)]
enum Inner {
    Equal(Operand),
    NotEqual(Operand),
    Less(f64),
    LessOrEqual(f64),
    Greater(f64),
    GreaterOrEqual(f64),
}

impl Comparison {
    /// Reads an operator and what follows it.
    pub fn parse(scanner: &mut Scanner<'_>) -> Result<Comparison, PatternError> {
        // The longer marks first: they begin with the shorter ones.
        Ok(Comparison(if scanner.take("!=") {
            Inner::NotEqual(operand(scanner)?)
        } else if scanner.take("<=") {
            Inner::LessOrEqual(bound(scanner)?)
        } else if scanner.take(">=") {
            Inner::GreaterOrEqual(bound(scanner)?)
        } else if scanner.take("=") {
            Inner::Equal(operand(scanner)?)
        } else if scanner.take("<") {
            Inner::Less(bound(scanner)?)
        } else if scanner.take(">") {
            Inner::Greater(bound(scanner)?)
        } else {
            return Err(PatternError::Invalid);
        }))
    }

    /// Whether a value fulfils it. What is no number is neither less nor greater than one.
    pub fn holds(&self, value: Scalar<'_>) -> bool {
        let is = |holds: fn(f64, f64) -> bool, bound: f64| value.number.is_some_and(|number| holds(number, bound));
        match &self.0 {
            Inner::Equal(operand) => operand.equals(value),
            Inner::NotEqual(operand) => !operand.equals(value),
            Inner::Less(bound) => is(|number, bound| number < bound, *bound),
            Inner::LessOrEqual(bound) => is(|number, bound| number <= bound, *bound),
            Inner::Greater(bound) => is(|number, bound| number > bound, *bound),
            Inner::GreaterOrEqual(bound) => is(|number, bound| number >= bound, *bound),
        }
    }
}

fn operand(scanner: &mut Scanner<'_>) -> Result<Operand, PatternError> {
    if scanner.take("\"") {
        return Ok(Operand::Text(Wildcard::new(&scanner.quoted('"')?)));
    }
    if scanner.take("%") {
        return Ok(Operand::Regex(scanner.regular_expression()?));
    }
    let word = bare(scanner)?;
    Ok(match number(word) {
        Some(number) => Operand::Number(number, Wildcard::new(word)),
        None => Operand::Text(Wildcard::new(word)),
    })
}

fn bound(scanner: &mut Scanner<'_>) -> Result<f64, PatternError> {
    number(bare(scanner)?).ok_or(PatternError::Invalid)
}

/// A value without quotation marks.
fn bare<'a>(scanner: &mut Scanner<'a>) -> Result<&'a str, PatternError> {
    scanner.at_end();
    scanner.word(|character| character.is_ascii_alphanumeric() || "*._+-".contains(character))
}

/// The value of a number: digits with an optional sign, fraction and exponent, and nothing else.
pub fn number(text: &str) -> Option<f64> {
    let number_like = text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
    if !number_like || !text.contains(|character: char| character.is_ascii_digit()) {
        return None;
    }
    text.parse().ok().filter(|number: &f64| number.is_finite())
}
