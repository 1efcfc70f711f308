//! Conditions on the fields of a line divided by spaces: `[ip, user, ..., status = 4*, bytes > 1000]`.

use std::collections::BTreeMap;

use super::PatternError;
use super::comparison::{Comparison, Scalar, number};
use super::expression::Expression;
use super::scanner::Scanner;

/// A pattern on fields.
#[derive(Debug)]
pub struct Fields {
    /// The fields from the beginning of the line.
    before: Vec<Field>,
    /// Whether any number of fields may follow those.
    open: bool,
    /// The fields up to the end of the line.
    after: Vec<Field>,
}

/// What is said about one field.
#[derive(Debug)]
struct Field {
    name: Option<String>,
    condition: Option<Expression<Comparison>>,
}

impl Fields {
    /// Reads what stands between the brackets.
    pub fn parse(text: &str) -> Result<Fields, PatternError> {
        let mut scanner = Scanner::new(text);
        let mut fields = Fields { before: Vec::new(), open: false, after: Vec::new() };
        loop {
            if scanner.take("...") {
                if fields.open {
                    return Err(PatternError::Invalid);
                }
                fields.open = true;
            } else {
                let field = field(&mut scanner)?;
                if fields.open { fields.after.push(field) } else { fields.before.push(field) }
            }
            if scanner.at_end() {
                return Ok(fields);
            }
            scanner.expect(",")?;
        }
    }

    /// Whether they match a message.
    pub fn matches(&self, message: &str) -> bool {
        self.matching(message).is_some()
    }

    /// The fields of a message it matches, by name or number.
    pub fn extract(&self, message: &str) -> Option<BTreeMap<String, String>> {
        let values = self.matching(message)?;
        let behind = values.len() - self.after.len();
        let named = values.iter().enumerate().map(|(index, value)| {
            let field = match index.checked_sub(behind) {
                Some(index) => self.after.get(index),
                None => self.before.get(index),
            };
            let name = field.and_then(|field| field.name.clone()).unwrap_or_else(|| (index + 1).to_string());
            (format!("${name}"), (*value).to_owned())
        });
        Some(named.collect())
    }

    /// The fields of a message, if it matches.
    fn matching<'a>(&self, message: &'a str) -> Option<Vec<&'a str>> {
        let values = split(message);
        let said = self.before.len() + self.after.len();
        if values.len() < said || (values.len() > said && !self.open) {
            return None;
        }
        let behind = values.len() - self.after.len();
        let before = self.before.iter().zip(&values);
        let after = self.after.iter().zip(&values[behind..]);
        before.chain(after).all(|(field, value)| field.holds(value)).then_some(values)
    }
}

impl Field {
    fn holds(&self, value: &str) -> bool {
        let value = Scalar { text: value, number: number(value) };
        self.condition.as_ref().is_none_or(|condition| condition.holds(&|comparison| comparison.holds(value)))
    }
}

/// Reads one field: nothing, a name, or conditions that all repeat one name.
fn field(scanner: &mut Scanner<'_>) -> Result<Field, PatternError> {
    if scanner.at_end() || scanner.rest().starts_with(',') {
        return Ok(Field { name: None, condition: None });
    }
    let bare = scanner.rest();
    if !bare.starts_with('(') {
        let name = name(scanner)?;
        if scanner.at_end() || scanner.rest().starts_with(',') {
            return Ok(Field { name: Some(name.to_owned()), condition: None });
        }
        *scanner = scanner.back_to(bare);
    }
    let mut known: Option<&str> = None;
    let condition = Expression::parse(scanner, &mut |scanner| {
        let name = name(scanner)?;
        if *known.get_or_insert(name) != name {
            return Err(PatternError::Invalid);
        }
        Comparison::parse(scanner)
    })?;
    Ok(Field { name: known.map(str::to_owned), condition: Some(condition) })
}

fn name<'a>(scanner: &mut Scanner<'a>) -> Result<&'a str, PatternError> {
    scanner.at_end();
    scanner.word(|character| character.is_ascii_alphanumeric() || "_-".contains(character))
}

/// The fields of a line: divided by white space, but for what stands in brackets or quotation marks.
fn split(line: &str) -> Vec<&str> {
    let mut fields = Vec::new();
    let mut rest = line.trim_start();
    // Where no closing mark is left, none is looked for again: the time stays linear.
    let mut unclosed = [false; 2];
    while let Some(first) = rest.chars().next() {
        let close = match first {
            '[' if !unclosed[0] => Some((0, ']')),
            '"' if !unclosed[1] => Some((1, '"')),
            _ => None,
        };
        if let Some((kind, close)) = close {
            if let Some(end) = rest[1..].find(close) {
                fields.push(&rest[1..=end]);
                rest = rest[end + 2..].trim_start();
                continue;
            }
            unclosed[kind] = true;
        }
        let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
        fields.push(&rest[..end]);
        rest = rest[end..].trim_start();
    }
    fields
}
