//! Stored values: one byte with the number of their format, then JSON, so that later versions can read older rows and
//! people can read them too.

use bytes::{BufMut, Bytes, BytesMut};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error::StoreError;

/// Why a value cannot be written or read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ValueError {
    /// The stored row has a format this version does not know.
    #[error("a stored value has format {found}, and this version knows formats up to {known}")]
    UnknownVersion {
        /// The format number found.
        found: u8,
        /// The newest format number asked for.
        known: u8,
    },
    /// The stored row is empty, or is not what its format number promises.
    #[error("a stored value cannot be read: {0}")]
    Malformed(String),
    /// The value has no JSON form, such as a map whose keys are not texts.
    #[error("a value cannot be stored: {0}")]
    NotStorable(String),
}

impl From<ValueError> for StoreError {
    fn from(error: ValueError) -> Self {
        Self::Read(error.to_string().into())
    }
}

/// The stored form of `value` in format number `version`.
///
/// # Errors
/// [`ValueError::NotStorable`].
pub fn encode<T: Serialize>(version: u8, value: &T) -> Result<Bytes, ValueError> {
    let mut stored = BytesMut::new();
    stored.put_u8(version);
    let mut writer = stored.writer();
    serde_json::to_writer(&mut writer, value).map_err(|error| ValueError::NotStorable(error.to_string()))?;
    Ok(writer.into_inner().freeze())
}

/// The value of a row stored in format number `version`, the only one there is so far.
///
/// # Errors
/// [`ValueError::UnknownVersion`] when the row has another format, and [`ValueError::Malformed`].
pub fn decode<T: DeserializeOwned>(version: u8, stored: &[u8]) -> Result<T, ValueError> {
    let (found, json) = split(stored)?;
    if found != version {
        return Err(ValueError::UnknownVersion { found, known: version });
    }
    serde_json::from_slice(json).map_err(|error| ValueError::Malformed(error.to_string()))
}

/// The value of a row stored in format number `newest` or an older one. `upgrade` turns a value of the given format
/// into the next one, and is called as often as it takes.
///
/// # Errors
/// [`ValueError::UnknownVersion`] when the row is newer than `newest`, [`ValueError::Malformed`], and what `upgrade`
/// returns.
pub fn decode_upgrading<T: DeserializeOwned>(
    newest: u8,
    stored: &[u8],
    upgrade: impl Fn(u8, Value) -> Result<Value, ValueError>,
) -> Result<T, ValueError> {
    let (found, json) = split(stored)?;
    if found == newest {
        return decode(newest, stored);
    }
    if found > newest {
        return Err(ValueError::UnknownVersion { found, known: newest });
    }
    let malformed = |error: serde_json::Error| ValueError::Malformed(error.to_string());
    let oldest = serde_json::from_slice(json).map_err(malformed)?;
    let value = (found..newest).try_fold(oldest, |value, version| upgrade(version, value))?;
    serde_json::from_value(value).map_err(malformed)
}

fn split(stored: &[u8]) -> Result<(u8, &[u8]), ValueError> {
    match stored.split_first() {
        Some((version, json)) => Ok((*version, json)),
        None => Err(ValueError::Malformed("it is empty".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_newer_row_is_refused_and_names_both_formats() {
        let stored = encode(3, &json!({"a": 1})).expect("storable");
        let error = decode::<Value>(2, &stored).expect_err("newer");
        assert_eq!(error.to_string(), "a stored value has format 3, and this version knows formats up to 2");
        let error = decode_upgrading::<Value>(2, &stored, |_, value| Ok(value)).expect_err("newer");
        assert_eq!(error, ValueError::UnknownVersion { found: 3, known: 2 });
    }

    #[test]
    fn an_older_row_takes_every_step_to_the_newest_format() {
        let stored = encode(1, &json!({"steps": []})).expect("storable");
        let read: Value = decode_upgrading(3, &stored, |from, mut value| {
            value["steps"].as_array_mut().expect("an array").push(from.into());
            Ok(value)
        })
        .expect("upgraded");
        assert_eq!(read, json!({"steps": [1, 2]}));
    }

    #[test]
    fn damaged_rows_are_errors() {
        for stored in [&b""[..], b"\x01", b"\x01{", b"\x01[1,", b"\x01\xFF"] {
            assert!(matches!(decode::<Value>(1, stored), Err(ValueError::Malformed(_))), "{stored:?}");
        }
    }

    proptest! {
        #[test]
        fn numbers_and_texts_come_back_bit_for_bit(float in proptest::num::f64::NORMAL, text: String, number: u64) {
            let stored = encode(1, &(float, &text, number)).expect("storable");
            prop_assert_eq!(decode::<(f64, String, u64)>(1, &stored).expect("readable"), (float, text, number));
        }
    }
}
