//! What a sender hands over: the body and its attributes.

use crate::binary::{Input, Output};

/// A message's body and attributes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payload {
    /// The body.
    pub body: String,
    /// The attributes, in the order of their names.
    pub attributes: Vec<Attribute>,
}

/// An attribute of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    /// Unique within the message.
    pub name: String,
    /// `String`, `Number` or `Binary`, and what the sender put behind it.
    pub data_type: String,
    /// The value.
    pub value: AttributeValue,
}

/// The value of an attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttributeValue {
    /// Of `String` and `Number`.
    Text(String),
    /// Of `Binary`.
    Binary(Vec<u8>),
}

impl Attribute {
    /// Bytes that count against the size of the message: name, type and value.
    pub fn size(&self) -> usize {
        let value = match &self.value {
            AttributeValue::Text(text) => text.len(),
            AttributeValue::Binary(bytes) => bytes.len(),
        };
        self.name.len() + self.data_type.len() + value
    }
}

impl Payload {
    /// The size of the message in bytes, as limits count it.
    pub fn size(&self) -> usize {
        self.body.len() + self.attributes.iter().map(Attribute::size).sum::<usize>()
    }

    /// The stored form.
    pub fn encode(&self) -> Vec<u8> {
        let mut output = Output(Vec::with_capacity(self.size() + 16 + 16 * self.attributes.len()));
        output.bytes(self.body.as_bytes());
        for attribute in &self.attributes {
            output.bytes(attribute.name.as_bytes());
            output.bytes(attribute.data_type.as_bytes());
            match &attribute.value {
                AttributeValue::Text(text) => {
                    output.byte(1);
                    output.bytes(text.as_bytes());
                }
                AttributeValue::Binary(bytes) => {
                    output.byte(2);
                    output.bytes(bytes);
                }
            }
        }
        output.0
    }

    /// Reads what [`Payload::encode`] wrote.
    pub fn decode(stored: &[u8]) -> Option<Payload> {
        let mut input = Input(stored);
        let body = input.text()?;
        let mut attributes = Vec::new();
        // Each round consumes at least one byte.
        while !input.0.is_empty() {
            let (name, data_type) = (input.text()?, input.text()?);
            let value = match input.byte()? {
                1 => AttributeValue::Text(input.text()?),
                2 => AttributeValue::Binary(input.bytes()?.to_vec()),
                _ => return None,
            };
            attributes.push(Attribute { name, data_type, value });
        }
        Some(Payload { body, attributes })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn attribute() -> impl Strategy<Value = Attribute> {
        let value = prop_oneof![
            ".{0,20}".prop_map(AttributeValue::Text),
            proptest::collection::vec(any::<u8>(), 0..20).prop_map(AttributeValue::Binary),
        ];
        (".{1,10}", "[A-Z]{1,8}", value).prop_map(|(name, data_type, value)| Attribute { name, data_type, value })
    }

    proptest! {
        #[test]
        fn payloads_read_back(body in ".{0,200}", attributes in proptest::collection::vec(attribute(), 0..10)) {
            let payload = Payload { body, attributes };
            prop_assert_eq!(Payload::decode(&payload.encode()), Some(payload));
        }

        #[test]
        fn rows_of_any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            let _ = Payload::decode(&bytes);
        }
    }
}
