//! A secret's value in the clear.

use std::fmt;

use bytes::Bytes;
use wire::Error;
use zeroize::Zeroizing;

use crate::errors;
use crate::limits::VALUE_BYTES_MAX;

const TEXT: u8 = b't';
const BINARY: u8 = b'b';

/// A value: text or bytes. It is wiped when it goes, and never printed.
#[derive(Clone, PartialEq, Eq)]
pub enum SecretValue {
    /// `SecretString`.
    Text(Zeroizing<String>),
    /// `SecretBinary`.
    Binary(Zeroizing<Vec<u8>>),
}

impl SecretValue {
    /// What a caller gave; `None` if it gave neither.
    ///
    /// # Errors
    /// `InvalidParameterException` for both at once, `ValidationException` for more than [`VALUE_BYTES_MAX`].
    pub fn of_input(text: Option<String>, binary: Option<Bytes>) -> Result<Option<SecretValue>, Error> {
        let (member, value) = match (text, binary) {
            (None, None) => return Ok(None),
            (Some(_), Some(_)) => {
                return Err(errors::parameter(
                    "You can't specify both a binary secret value and a string secret value in the same secret.",
                ));
            }
            (Some(text), None) => ("secretString", SecretValue::Text(Zeroizing::new(text))),
            (None, Some(binary)) => ("secretBinary", SecretValue::Binary(Zeroizing::new(binary.to_vec()))),
        };
        if value.bytes().len() > VALUE_BYTES_MAX {
            return Err(errors::validation(format!(
                "1 validation error detected: Value at '{member}' failed to satisfy constraint: Member must have length \
                 less than or equal to {VALUE_BYTES_MAX}"
            )));
        }
        Ok(Some(value))
    }

    /// The two members of an answer: the text, or the bytes.
    pub fn into_members(self) -> (Option<String>, Option<Bytes>) {
        match self {
            SecretValue::Text(text) => (Some(text.to_string()), None),
            SecretValue::Binary(binary) => (None, Some(Bytes::copy_from_slice(&binary))),
        }
    }

    /// What is encrypted: the kind, then the bytes.
    pub fn encode(&self) -> Zeroizing<Vec<u8>> {
        let kind = match self {
            SecretValue::Text(_) => TEXT,
            SecretValue::Binary(_) => BINARY,
        };
        let mut encoded = Zeroizing::new(Vec::with_capacity(1 + self.bytes().len()));
        encoded.push(kind);
        encoded.extend_from_slice(self.bytes());
        encoded
    }

    /// Reads what [`SecretValue::encode`] wrote.
    pub fn decode(encoded: &[u8]) -> Option<SecretValue> {
        match encoded.split_first()? {
            (&TEXT, text) => Some(SecretValue::Text(Zeroizing::new(std::str::from_utf8(text).ok()?.to_owned()))),
            (&BINARY, binary) => Some(SecretValue::Binary(Zeroizing::new(binary.to_vec()))),
            _ => None,
        }
    }

    fn bytes(&self) -> &[u8] {
        match self {
            SecretValue::Text(text) => text.as_bytes(),
            SecretValue::Binary(binary) => binary,
        }
    }
}

impl fmt::Debug for SecretValue {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SecretValue(…)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_value_is_text_or_bytes_and_never_seen() {
        let text = SecretValue::of_input(Some("hunter2".to_owned()), None).unwrap().unwrap();
        assert_eq!(format!("{text:?}"), "SecretValue(…)");
        let both = SecretValue::of_input(Some("a".to_owned()), Some(Bytes::from_static(b"b")));
        assert!(both.unwrap_err().is("InvalidParameterException"));
        let long = SecretValue::of_input(Some("ü".repeat(VALUE_BYTES_MAX / 2 + 1)), None).unwrap_err();
        assert!(long.is("ValidationException") && !long.to_string().contains('ü'));
        assert_eq!(SecretValue::of_input(None, None).unwrap(), None);
    }

    proptest! {
        #[test]
        fn values_come_back_as_they_were(text: String, binary: Vec<u8>) {
            for value in [SecretValue::Text(text.clone().into()), SecretValue::Binary(binary.clone().into())] {
                prop_assert_eq!(SecretValue::decode(&value.encode()), Some(value));
            }
        }

        #[test]
        fn damage_is_no_value(bytes: Vec<u8>) {
            if let Some(value) = SecretValue::decode(&bytes) {
                prop_assert_eq!(&*value.encode(), &bytes);
            }
        }
    }
}
