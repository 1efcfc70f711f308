//! What an expression's placeholders stand for, and which of them were used.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use api::dynamodb::AttributeValue;

use crate::value::{Value, Wording, read_value};

/// Longest text of an expression, in bytes (Developer Guide, "Quotas: expression parameters").
pub const EXPRESSION_BYTES_MAX: usize = 4 * 1024;

/// The placeholders of one request, or of one table of a batch.
#[derive(Debug, Default)]
pub struct Context {
    names: BTreeMap<String, String>,
    values: BTreeMap<String, Value>,
    used: RefCell<BTreeSet<String>>,
}

impl Context {
    /// Checks the placeholders. What is wrong with a value is told with its key in the older wording only.
    ///
    /// # Errors
    /// AWS's text.
    pub fn new(
        names: Option<BTreeMap<String, String>>,
        values: Option<BTreeMap<String, AttributeValue>>,
        wording: Wording,
    ) -> Result<Context, String> {
        if let Some(names) = &names {
            check_names(names)?;
        }
        if let Some(values) = &values {
            if values.is_empty() {
                return Err("ExpressionAttributeValues must not be empty".to_owned());
            }
            check_placeholders("ExpressionAttributeValues", ':', values.keys())?;
        }
        let mut read = BTreeMap::new();
        for (name, value) in values.unwrap_or_default() {
            let value = read_value(value, wording).map_err(|reason| match wording {
                Wording::Current => reason,
                Wording::Older => {
                    format!("ExpressionAttributeValues contains invalid value: {reason} for key {name}")
                }
            })?;
            read.insert(name, value);
        }
        Ok(Context { names: names.unwrap_or_default(), values: read, used: RefCell::default() })
    }

    /// The attribute that a `#name` stands for.
    pub fn name(&self, placeholder: &str) -> Option<&str> {
        let name = self.names.get(placeholder)?;
        self.used.borrow_mut().insert(placeholder.to_owned());
        Some(name)
    }

    /// The value that a `:name` stands for.
    pub fn value(&self, placeholder: &str) -> Option<&Value> {
        let value = self.values.get(placeholder)?;
        self.used.borrow_mut().insert(placeholder.to_owned());
        Some(value)
    }

    /// Checks that every placeholder was used by an expression.
    ///
    /// # Errors
    /// AWS's text, names first.
    pub fn check_used(&self) -> Result<(), String> {
        let used = self.used.borrow();
        let unused = |what: &str, keys: Vec<&str>| {
            let keys: Vec<&str> = keys.into_iter().filter(|key| !used.contains(*key)).collect();
            if keys.is_empty() {
                return Ok(());
            }
            Err(format!("Value provided in {what} unused in expressions: keys: {{{}}}", keys.join(", ")))
        };
        unused("ExpressionAttributeNames", self.names.keys().map(String::as_str).collect())?;
        unused("ExpressionAttributeValues", self.values.keys().map(String::as_str).collect())
    }
}

fn check_names(names: &BTreeMap<String, String>) -> Result<(), String> {
    if names.is_empty() {
        return Err("ExpressionAttributeNames must not be empty".to_owned());
    }
    check_placeholders("ExpressionAttributeNames", '#', names.keys())?;
    for (key, name) in names {
        if name.is_empty() {
            return Err(format!("ExpressionAttributeNames contains invalid value: Empty attribute name for key {key}"));
        }
    }
    Ok(())
}

fn check_placeholders<'k>(what: &str, sign: char, mut keys: impl Iterator<Item = &'k String>) -> Result<(), String> {
    let is_placeholder = |key: &str| {
        key.strip_prefix(sign).is_some_and(|name| {
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        })
    };
    match keys.find(|key| !is_placeholder(key)) {
        Some(key) => Err(format!("{what} contains invalid key: Syntax error; key: \"{key}\"")),
        None => Ok(()),
    }
}
