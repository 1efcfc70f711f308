//! Checking the attributes of a message that is sent, and choosing those a receiver wants.

use std::collections::BTreeMap;

use api::sqs::{MessageAttributeValue, MessageSystemAttributeValue};
use wire::Error;

use crate::errors::invalid_parameter;
use crate::limits::{ATTRIBUTE_NAME_CHARACTERS_MAX, MESSAGE_ATTRIBUTES_MAX};
use crate::payload::{Attribute, AttributeValue};

/// The only system attribute that a sender may set.
pub const TRACE_HEADER: &str = "AWSTraceHeader";

/// Longest type of an attribute, in characters.
const TYPE_CHARACTERS_MAX: usize = 256;

/// The attributes as they are stored.
///
/// # Errors
/// `InvalidParameterValue` in AWS's words.
pub fn of_message(given: Option<BTreeMap<String, MessageAttributeValue>>) -> Result<Vec<Attribute>, Error> {
    let given = given.unwrap_or_default();
    if given.len() > MESSAGE_ATTRIBUTES_MAX {
        let text = format!(
            "Number of message attributes [{}] exceeds the allowed maximum [{MESSAGE_ATTRIBUTES_MAX}].",
            given.len()
        );
        return Err(invalid_parameter(text));
    }
    let attribute = |(name, value): (String, MessageAttributeValue)| {
        check_name(&name)?;
        if value.string_list_values.is_some_and(|values| !values.is_empty())
            || value.binary_list_values.is_some_and(|values| !values.is_empty())
        {
            return Err(invalid_parameter("Message attribute list values in SendMessage operation are not supported."));
        }
        let binary = value.binary_value.map(|bytes| bytes.to_vec());
        let value_of_type = typed_value("user", &name, &value.data_type, value.string_value, binary)?;
        Ok(Attribute { name, data_type: value.data_type, value: value_of_type })
    };
    given.into_iter().map(attribute).collect()
}

/// The trace header among system attributes, as an attribute.
///
/// # Errors
/// `InvalidParameterValue` in AWS's words.
pub fn of_system(given: Option<BTreeMap<String, MessageSystemAttributeValue>>) -> Result<Option<Attribute>, Error> {
    let mut trace_header = None;
    for (name, value) in given.unwrap_or_default() {
        if name != TRACE_HEADER {
            return Err(invalid_parameter(format!("Message system attribute name '{name}' is invalid.")));
        }
        if value.data_type != "String" {
            return Err(invalid_parameter(format!(
                "The data type of message system attribute '{name}' must be String."
            )));
        }
        let binary = value.binary_value.map(|bytes| bytes.to_vec());
        let value_of_type = typed_value("system", &name, &value.data_type, value.string_value, binary)?;
        trace_header = Some(Attribute { name, data_type: value.data_type, value: value_of_type });
    }
    Ok(trace_header)
}

fn check_name(name: &str) -> Result<(), Error> {
    let lower = name.to_ascii_lowercase();
    let allowed = |character: char| character.is_alphanumeric() || "_-.".contains(character);
    let text = if name.is_empty() {
        "The request must contain non-empty message (user) attribute names.".to_owned()
    } else if name.chars().count() > ATTRIBUTE_NAME_CHARACTERS_MAX {
        "Length of message attribute name must be less than 256 bytes.".to_owned()
    } else if lower.starts_with("aws.") || lower.starts_with("amazon.") {
        "You can't use message attribute names beginning with 'AWS.' or 'Amazon.'. These strings are reserved for \
         internal use."
            .to_owned()
    } else if !name.chars().all(allowed) || name.starts_with('.') || name.ends_with('.') || name.contains("..") {
        format!(
            "The message attribute name '{name}' is invalid. Attribute name can contain A-Z, a-z, 0-9, underscore (_), \
             hyphen (-), and period (.) characters."
        )
    } else {
        return Ok(());
    };
    Err(invalid_parameter(text))
}

/// The value that goes with a type.
fn typed_value(
    kind: &str,
    name: &str,
    data_type: &str,
    text: Option<String>,
    binary: Option<Vec<u8>>,
) -> Result<AttributeValue, Error> {
    if data_type.is_empty() {
        return Err(invalid_parameter(format!(
            "The message ({kind}) attribute '{name}' must contain a non-empty message attribute type."
        )));
    }
    let base = data_type.split('.').next().unwrap_or_default();
    if !["String", "Number", "Binary"].contains(&base) || data_type.len() > TYPE_CHARACTERS_MAX {
        return Err(invalid_parameter(format!(
            "The type of message ({kind}) attribute '{name}' is invalid. You must use only the following supported type \
             prefixes: Binary, Number, String."
        )));
    }
    let empty = || {
        invalid_parameter(format!(
            "Message ({kind}) attribute '{name}' must contain a non-empty value of type '{base}'."
        ))
    };
    if base == "Binary" {
        return match (binary, text) {
            (Some(bytes), None) if !bytes.is_empty() => Ok(AttributeValue::Binary(bytes)),
            _ => Err(empty()),
        };
    }
    let (Some(text), None) = (text.filter(|text| !text.is_empty()), binary) else { return Err(empty()) };
    if let Some(invalid) = text.chars().find(|character| !is_allowed(*character)) {
        return Err(invalid_parameter(format!(
            "Message ({kind}) attribute '{name}' contains the invalid character #x{:X}.",
            u32::from(invalid)
        )));
    }
    if base == "Number" && !is_number(&text) {
        return Err(invalid_parameter(format!(
            "Can't cast the value of message ({kind}) attribute '{name}' to a number."
        )));
    }
    Ok(AttributeValue::Text(text))
}

/// Whether a text is a decimal number with an optional fraction and exponent, as Java reads them.
fn is_number(text: &str) -> bool {
    let finite = |number: f64| number.is_finite();
    let plain = text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
    plain && text.parse::<f64>().is_ok_and(finite)
}

/// Whether a character may stand in a body: those of XML 1.0.
pub fn is_allowed(character: char) -> bool {
    matches!(character, '\u{9}' | '\u{A}' | '\u{D}' | '\u{20}'..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..)
}

/// Which attributes a receiver wants.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    all: bool,
    names: Vec<String>,
    prefixes: Vec<String>,
}

impl Wanted {
    /// Reads `All`, `.*`, names, and beginnings of names (`bar.*`).
    pub fn new(names: Option<Vec<String>>) -> Wanted {
        let mut wanted = Wanted::default();
        for name in names.unwrap_or_default() {
            match name.strip_suffix(".*") {
                _ if name == "All" => wanted.all = true,
                Some("") => wanted.all = true,
                Some(prefix) => wanted.prefixes.push(prefix.to_owned()),
                None => wanted.names.push(name),
            }
        }
        wanted
    }

    /// The wanted ones among a message's attributes.
    pub fn select(&self, attributes: Vec<Attribute>) -> Vec<Attribute> {
        attributes.into_iter().filter(|attribute| self.wants(&attribute.name)).collect()
    }

    fn wants(&self, name: &str) -> bool {
        self.all
            || self.names.iter().any(|wanted| wanted == name)
            || self.prefixes.iter().any(|prefix| name.starts_with(prefix.as_str()))
    }
}

/// An attribute as clients read it.
pub fn to_client(attribute: Attribute) -> (String, MessageAttributeValue) {
    let mut value = MessageAttributeValue { data_type: attribute.data_type, ..MessageAttributeValue::default() };
    match attribute.value {
        AttributeValue::Text(text) => value.string_value = Some(text),
        AttributeValue::Binary(bytes) => value.binary_value = Some(bytes.into()),
    }
    (attribute.name, value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(name: &str, data_type: &str, text: &str) -> Result<Vec<Attribute>, Error> {
        let value = MessageAttributeValue {
            data_type: data_type.to_owned(),
            string_value: Some(text.to_owned()),
            ..MessageAttributeValue::default()
        };
        of_message(Some(BTreeMap::from([(name.to_owned(), value)])))
    }

    #[test]
    fn attributes_are_checked_as_aws_checks_them() {
        for (name, data_type, value) in
            [("a", "String", "x"), ("a.b-c_1", "Number.int", "-1.5e3"), ("ä", "String.x", " ")]
        {
            assert!(one(name, data_type, value).is_ok(), "{name}");
        }
        let refusals = [
            (
                "ErrorDetails",
                "String",
                "",
                "Message (user) attribute 'ErrorDetails' must contain a non-empty value of type 'String'.",
            ),
            ("n", "Number", "x", "Can't cast the value of message (user) attribute 'n' to a number."),
            (
                "t",
                "Text",
                "x",
                "The type of message (user) attribute 't' is invalid. You must use only the following supported type prefixes: Binary, Number, String.",
            ),
            ("b", "Binary", "x", "Message (user) attribute 'b' must contain a non-empty value of type 'Binary'."),
        ];
        for (name, data_type, value, text) in refusals {
            let error = one(name, data_type, value).expect_err(name);
            assert_eq!(error.message.as_deref(), Some(text));
        }
        for name in [".a", "a.", "a..b", "AWS.a", "a b", "", &"x".repeat(257)] {
            assert!(one(name, "String", "x").is_err(), "{name}");
        }
        for number in ["inf", "NaN", "0x1", "1e999", ""] {
            assert!(one("n", "Number", number).is_err(), "{number}");
        }
    }

    #[test]
    fn receivers_choose_by_name_beginning_or_all() {
        let attributes = || one("Hel.lo", "String", "x").unwrap();
        let wants = |names: &[&str]| {
            let names = names.iter().map(|name| (*name).to_owned()).collect();
            !Wanted::new(Some(names)).select(attributes()).is_empty()
        };
        assert!(wants(&["All"]) && wants(&[".*"]) && wants(&["Hel.lo"]) && wants(&["Hel.*"]));
        assert!(!wants(&[]) && !wants(&["Hel"]) && !wants(&["Bar.*", "all"]));
    }
}
