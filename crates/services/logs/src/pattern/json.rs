//! Conditions on messages that are JSON: `{ $.status >= 500 && $.path != "/health*" }`.

use serde_json::Value;

use super::PatternError;
use super::comparison::{Comparison, Scalar};
use super::expression::Expression;
use super::scanner::Scanner;

/// Most wildcards in one selector. User guide of CloudWatch Logs, quotas of JSON filter patterns.
const SELECTOR_WILDCARDS_MAX: usize = 1;

/// Most wildcards in all selectors of one pattern. The same page.
const PATTERN_WILDCARDS_MAX: usize = 3;

/// A pattern on JSON.
#[derive(Debug)]
pub struct Json(Expression<Condition>);

/// A condition on some values of a message.
#[derive(Debug)]
struct Condition {
    selector: Vec<Step>,
    test: Test,
}

/// One step from a value to a part of it.
#[derive(Debug)]
enum Step {
    Key(String),
    Index(usize),
    /// Every key or element.
    Each,
}

#[derive(Debug)]
enum Test {
    Compares(Comparison),
    IsTrue,
    IsFalse,
    IsNull,
    NotExists,
}

impl Json {
    /// Reads what stands between the braces.
    pub fn parse(text: &str) -> Result<Json, PatternError> {
        let mut scanner = Scanner::new(text);
        let mut wildcards = 0;
        let expression = Expression::parse(&mut scanner, &mut |scanner| {
            let condition = condition(scanner)?;
            let here = condition.selector.iter().filter(|step| matches!(step, Step::Each)).count();
            wildcards += here;
            if here > SELECTOR_WILDCARDS_MAX || wildcards > PATTERN_WILDCARDS_MAX {
                return Err(PatternError::Invalid);
            }
            Ok(condition)
        })?;
        if scanner.at_end() { Ok(Json(expression)) } else { Err(PatternError::Invalid) }
    }

    /// Whether it matches a message. What is no JSON never matches.
    pub fn matches(&self, message: &str) -> bool {
        if !message.trim_start().starts_with(['{', '[']) {
            return false;
        }
        let Ok(message) = serde_json::from_str::<Value>(message) else { return false };
        self.0.holds(&|condition| condition.holds(&message))
    }
}

impl Condition {
    fn holds(&self, message: &Value) -> bool {
        let mut values = select(&self.selector, message).into_iter();
        match &self.test {
            Test::Compares(comparison) => values.any(|value| compares(comparison, value)),
            Test::IsTrue => values.any(|value| *value == Value::Bool(true)),
            Test::IsFalse => values.any(|value| *value == Value::Bool(false)),
            Test::IsNull => values.any(Value::is_null),
            Test::NotExists => values.next().is_none(),
        }
    }
}

/// Only texts and numbers can be compared: on anything else, neither `=` nor `!=` holds.
fn compares(comparison: &Comparison, value: &Value) -> bool {
    match value {
        Value::String(text) => comparison.holds(Scalar { text, number: None }),
        Value::Number(number) => comparison.holds(Scalar { text: &number.to_string(), number: number.as_f64() }),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => false,
    }
}

/// The values a selector leads to: one at most, unless it has a wildcard.
fn select<'a>(selector: &[Step], message: &'a Value) -> Vec<&'a Value> {
    let mut values = vec![message];
    for step in selector {
        values = match step {
            Step::Key(key) => values.into_iter().filter_map(|value| value.as_object()?.get(key)).collect(),
            Step::Index(index) => values.into_iter().filter_map(|value| value.as_array()?.get(*index)).collect(),
            Step::Each => values.into_iter().flat_map(parts).collect(),
        };
    }
    values
}

fn parts(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(elements) => elements.iter().collect(),
        Value::Object(members) => members.values().collect(),
        _ => Vec::new(),
    }
}

fn condition(scanner: &mut Scanner<'_>) -> Result<Condition, PatternError> {
    let selector = selector(scanner)?;
    let test = match keyword(scanner) {
        None => Test::Compares(Comparison::parse(scanner)?),
        Some("IS") => match keyword(scanner) {
            Some("TRUE") => Test::IsTrue,
            Some("FALSE") => Test::IsFalse,
            Some("NULL") => Test::IsNull,
            _ => return Err(PatternError::Invalid),
        },
        Some("NOT") if keyword(scanner) == Some("EXISTS") => Test::NotExists,
        Some(_) => return Err(PatternError::Invalid),
    };
    Ok(Condition { selector, test })
}

/// Reads a word, if one is next.
fn keyword<'a>(scanner: &mut Scanner<'a>) -> Option<&'a str> {
    scanner.at_end();
    scanner.word(|character| character.is_ascii_alphabetic()).ok()
}

/// Reads `$` and the steps behind it: `.key`, `.*`, `[0]`, `[*]`, `['key']`, `.["key"]`.
fn selector(scanner: &mut Scanner<'_>) -> Result<Vec<Step>, PatternError> {
    scanner.expect("$")?;
    let mut steps = Vec::new();
    loop {
        let dotted = scanner.take_here(".");
        if scanner.take_here("[") {
            steps.push(bracketed(scanner)?);
        } else if !dotted {
            break;
        } else if scanner.take_here("*") {
            steps.push(Step::Each);
        } else {
            let key = scanner.word(|character| character.is_ascii_alphanumeric() || "-_".contains(character))?;
            steps.push(Step::Key(key.to_owned()));
        }
    }
    if steps.is_empty() { Err(PatternError::Invalid) } else { Ok(steps) }
}

fn bracketed(scanner: &mut Scanner<'_>) -> Result<Step, PatternError> {
    let step = if scanner.take("*") {
        Step::Each
    } else if scanner.take("'") {
        Step::Key(scanner.quoted('\'')?)
    } else if scanner.take("\"") {
        Step::Key(scanner.quoted('"')?)
    } else {
        scanner.at_end();
        let digits = scanner.word(|character| character.is_ascii_digit())?;
        Step::Index(digits.parse().map_err(|_| PatternError::Invalid)?)
    };
    scanner.expect("]")?;
    Ok(step)
}
