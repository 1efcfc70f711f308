//! A published message.

use std::collections::BTreeMap;

use api::sns::MessageAttributeValue;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use wire::{Error, Timestamp};

use crate::errors::{invalid, invalid_value};
use crate::limits::{MESSAGE_BYTES_MAX, SUBJECT_CHARACTERS_MAX};

/// The protocol of the text for those that have none of their own.
const DEFAULT_TEXT: &str = "default";

/// A message on its way to its subscribers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Its id.
    pub id: String,
    /// ARN of its topic.
    pub topic: String,
    /// The subject.
    pub subject: Option<String>,
    /// The text; the default one if texts differ by protocol.
    pub text: String,
    /// Texts by protocol.
    pub by_protocol: BTreeMap<String, String>,
    /// The attributes.
    pub attributes: BTreeMap<String, Attribute>,
    /// When it was published, in milliseconds since 1970.
    pub published: i64,
    /// Its number, which grows from message to message.
    pub number: u64,
    /// Its group: of FIFO topics, or for fair queues.
    pub group: Option<String>,
    /// Its deduplication id, in FIFO topics.
    pub deduplication_id: Option<String>,
    /// The trace header that came along.
    pub trace_header: Option<String>,
    /// Address under which its publisher reached the platform: links in it start with it.
    pub endpoint: String,
    /// Whether it is signed over SHA-256 (version 2) or SHA-1 (version 1).
    pub signature_version_2: bool,
    /// Subject, texts and attributes of a message of an encrypted topic, which are empty then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealed: Option<String>,
}

/// An attribute of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attribute {
    /// `String`, `String.Array`, `Number` or `Binary`, and what the publisher put behind it.
    #[serde(rename = "Type")]
    pub data_type: String,
    /// The value; in base 64 if it is binary.
    #[serde(rename = "Value")]
    pub value: String,
}

impl Attribute {
    /// Whether the value is bytes.
    pub fn is_binary(&self) -> bool {
        self.data_type.starts_with("Binary")
    }
}

impl Message {
    /// The text for a protocol.
    pub fn text_for(&self, protocol: &str) -> &str {
        self.by_protocol.get(protocol).unwrap_or(&self.text)
    }

    /// When it was published, as AWS writes it.
    pub fn timestamp(&self) -> String {
        let mut text = String::new();
        Timestamp::from_milliseconds(self.published).write_iso8601_milliseconds(&mut text);
        text
    }

    /// The sequence number of a message of a FIFO topic.
    pub fn sequence_number(number: u64) -> String {
        const FIRST: u128 = 10_000_000_000_000_000_000;
        const STEP: u128 = 1_000;
        (FIRST + u128::from(number) * STEP).to_string()
    }
}

/// What a publisher gives as content.
pub struct Content {
    /// The default text.
    pub text: String,
    /// Texts by protocol.
    pub by_protocol: BTreeMap<String, String>,
    /// The attributes.
    pub attributes: BTreeMap<String, Attribute>,
    /// The subject.
    pub subject: Option<String>,
    /// Bytes that count against limits.
    pub size: usize,
}

impl Content {
    /// Checks what a publisher gives.
    ///
    /// # Errors
    /// `InvalidParameter` and `ParameterValueInvalid` in AWS's words.
    pub fn new(
        message: String,
        structure: Option<&str>,
        subject: Option<String>,
        attributes: Option<BTreeMap<String, MessageAttributeValue>>,
    ) -> Result<Content, Error> {
        let content = Content::for_endpoint(message, structure, subject, attributes)?;
        if structure.is_some() && !content.by_protocol.contains_key(DEFAULT_TEXT) {
            return Err(invalid("Message Structure - No default entry in JSON message body"));
        }
        Ok(content)
    }

    /// As [`Content::new`], for one endpoint, whose own text need not be accompanied by a default one.
    ///
    /// # Errors
    /// `InvalidParameter` and `ParameterValueInvalid` in AWS's words.
    pub fn for_endpoint(
        message: String,
        structure: Option<&str>,
        subject: Option<String>,
        attributes: Option<BTreeMap<String, MessageAttributeValue>>,
    ) -> Result<Content, Error> {
        if message.is_empty() {
            return Err(invalid("Empty message"));
        }
        let attributes = attributes.unwrap_or_default();
        let sizes = attributes.iter().map(|(name, attribute)| {
            let text = attribute.string_value.as_ref().map_or(0, String::len);
            let binary = attribute.binary_value.as_ref().map_or(0, bytes::Bytes::len);
            name.len() + attribute.data_type.len() + text + binary
        });
        let size = message.len() + sizes.sum::<usize>();
        if size > MESSAGE_BYTES_MAX {
            return Err(invalid("Message too long"));
        }
        check_subject(subject.as_deref())?;
        let (text, by_protocol) = match structure {
            None => (message, BTreeMap::new()),
            Some("json") => structured(&message)?,
            Some(_) => return Err(invalid("MessageStructure")),
        };
        let attributes = attributes.into_iter().map(|(name, given)| Ok((name.clone(), attribute(&name, given)?)));
        Ok(Content { text, by_protocol, attributes: attributes.collect::<Result<_, Error>>()?, subject, size })
    }
}

/// Texts by protocol, from a JSON object; the default one may be missing.
fn structured(message: &str) -> Result<(String, BTreeMap<String, String>), Error> {
    let entries: Map<String, Value> =
        serde_json::from_str(message).map_err(|_| invalid("Message Structure - JSON message body failed to parse"))?;
    let texts: BTreeMap<String, String> = entries
        .into_iter()
        .filter_map(|(name, value)| if let Value::String(text) = value { Some((name, text)) } else { None })
        .collect();
    Ok((texts.get(DEFAULT_TEXT).cloned().unwrap_or_default(), texts))
}

fn check_subject(subject: Option<&str>) -> Result<(), Error> {
    let Some(subject) = subject else { return Ok(()) };
    let plain = subject.chars().all(|character| !character.is_control());
    let starts = subject.chars().next().is_some_and(|first| !first.is_whitespace());
    if plain && starts && subject.chars().count() <= SUBJECT_CHARACTERS_MAX { Ok(()) } else { Err(invalid("Subject")) }
}

fn attribute(name: &str, given: MessageAttributeValue) -> Result<Attribute, Error> {
    check_name(name)?;
    let data_type = given.data_type;
    let base = data_type.split('.').next().unwrap_or_default();
    if !["String", "Number", "Binary"].contains(&base) {
        return Err(invalid_value(format!(
            "The message attribute '{name}' has an invalid message attribute type, the set of supported type prefixes is \
             Binary, Number, and String."
        )));
    }
    let field = if base == "Binary" { "Binary" } else { "String" };
    let (text, binary) = (given.string_value, given.binary_value);
    let is_empty = text.is_none() && binary.is_none();
    let value = match base {
        "Binary" => binary.map(|bytes| STANDARD.encode(bytes)),
        _ => text,
    };
    let value = value.or_else(|| is_empty.then(String::new)).ok_or_else(|| {
        invalid_value(format!("The message attribute '{name}' with type '{data_type}' must use field '{field}'."))
    })?;
    if value.is_empty() {
        return Err(invalid_value(format!(
            "The message attribute '{name}' must contain non-empty message attribute value for message attribute type \
             '{data_type}'."
        )));
    }
    if base == "Number" && value.parse::<f64>().is_err() {
        return Err(invalid_value(format!("Could not cast message attribute '{name}' value to number.")));
    }
    if data_type == "String.Array" && !matches!(serde_json::from_str(&value), Ok(Value::Array(_))) {
        return Err(invalid_value(format!(
            "The message attribute '{name}' with type 'String.Array' must be a JSON array."
        )));
    }
    Ok(Attribute { data_type, value })
}

fn check_name(name: &str) -> Result<(), Error> {
    let allowed = |character: char| character.is_ascii_alphanumeric() || "_-.".contains(character);
    let text = if name.is_empty() || name.len() > 256 {
        "Length of message attribute name must be less than 256 bytes.".to_owned()
    } else if name.starts_with('.') {
        "Invalid message attribute name starting with character '.' was found.".to_owned()
    } else if name.ends_with('.') {
        "Invalid message attribute name ending with character '.' was found.".to_owned()
    } else if let Some(wrong) = name.chars().find(|character| !allowed(*character)) {
        format!(
            "Invalid non-alphanumeric character '#x{:X}' was found in the message attribute name. Can only include \
             alphanumeric characters, hyphens, underscores, or dots.",
            u32::from(wrong)
        )
    } else if name.contains("..") {
        "Message attribute name can not have successive '.' character.".to_owned()
    } else {
        return Ok(());
    };
    Err(invalid_value(text))
}
