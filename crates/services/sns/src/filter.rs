//! Filter policies: which messages a subscriber wants.

use pattern::Pattern;
use serde_json::{Map, Value};
use wire::Error;

use crate::errors::invalid;
use crate::limits::{FILTER_BYTES_MAX, FILTER_COMBINATIONS_MAX, FILTER_KEYS_MAX};
use crate::message::Message;

/// What a policy looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The message's attributes.
    Attributes,
    /// The message's text, which is JSON.
    Body,
}

/// Reads and checks a policy. `context` stands in front of what is wrong.
///
/// # Errors
/// `InvalidParameter` in AWS's words.
pub fn parse(text: &str, scope: Scope, context: &str) -> Result<Pattern, Error> {
    let refuse = |reason: String| invalid(format!("{context}FilterPolicy: {reason}"));
    if text.len() > FILTER_BYTES_MAX {
        return Err(refuse("Filter policy is too long".to_owned()));
    }
    let pattern = Pattern::parse(text).map_err(|malformed| {
        let broken = serde_json::from_str::<serde::de::IgnoredAny>(text).is_err();
        let introduction = if broken { "failed to parse JSON. " } else { "" };
        refuse(format!("{introduction}{malformed}"))
    })?;
    if scope == Scope::Attributes && pattern.is_nested() {
        return Err(invalid("Filter policy scope MessageAttributes does not support nested filter policy"));
    }
    if pattern.keys() > FILTER_KEYS_MAX {
        return Err(refuse(format!("Filter policy can not have more than {FILTER_KEYS_MAX} keys")));
    }
    if pattern.combinations() > FILTER_COMBINATIONS_MAX {
        return Err(refuse("Filter policy is too complex".to_owned()));
    }
    Ok(pattern)
}

/// Whether a message is wanted.
pub fn accepts(pattern: &Pattern, scope: Scope, message: &Message) -> bool {
    match scope {
        Scope::Attributes => pattern.matches(&attributes(message)),
        Scope::Body => serde_json::from_str(&message.text).is_ok_and(|body: Value| pattern.matches(&body)),
    }
}

/// Attributes as the values that policies compare: numbers as numbers, arrays as arrays; bytes cannot be compared.
fn attributes(message: &Message) -> Value {
    let mut values = Map::new();
    for (name, attribute) in &message.attributes {
        let text = || Value::String(attribute.value.clone());
        let value = match attribute.data_type.as_str() {
            "String.Array" => serde_json::from_str(&attribute.value).unwrap_or_else(|_| text()),
            kind if kind.starts_with("Number") => serde_json::from_str(&attribute.value).unwrap_or_else(|_| text()),
            _ if attribute.is_binary() => continue,
            _ => text(),
        };
        values.insert(name.clone(), value);
    }
    Value::Object(values)
}
