//! Keys whose byte order is the order of their parts.
//!
//! A key is a row of segments. Texts and byte strings are terminated, so that no segment is a prefix of another and
//! `("a", "bc")` differs from `("ab", "c")`; numbers have a fixed width. Two keys compare as their segments do, one
//! after the other, as long as the same position always holds the same kind of segment.
//!
//! | Segment | Bytes |
//! |---|---|
//! | text, bytes | each `00` as `00 FF`, then `00 01` |
//! | u8 to u128 | big-endian |
//! | i64, timestamps | big-endian with the sign bit flipped |

use std::borrow::Cow;
use std::ops::Deref;

use crate::range::KeyRange;

const ESCAPED: u8 = 0x00;
/// Behind `ESCAPED`: a zero byte of the segment itself. Greater than `TERMINATOR`, so that a longer text comes later.
const ZERO: u8 = 0xFF;
/// Behind `ESCAPED`: the end of the segment.
const TERMINATOR: u8 = 0x01;

/// A key under construction, and the finished key: it can be passed wherever a byte slice is wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(Vec<u8>);

impl Key {
    /// The empty key, which is a prefix of every other.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a text.
    #[must_use]
    pub fn text(self, segment: &str) -> Self {
        self.bytes(segment.as_bytes())
    }

    /// Adds a string of bytes.
    #[must_use]
    pub fn bytes(mut self, segment: &[u8]) -> Self {
        escape(&mut self.0, segment);
        self.0.extend([ESCAPED, TERMINATOR]);
        self
    }

    /// Adds one byte, as a kind of row or a shard number.
    #[must_use]
    pub fn u8(mut self, segment: u8) -> Self {
        self.0.push(segment);
        self
    }

    /// Adds a number.
    #[must_use]
    pub fn u32(mut self, segment: u32) -> Self {
        self.0.extend(segment.to_be_bytes());
        self
    }

    /// Adds a number.
    #[must_use]
    pub fn u64(mut self, segment: u64) -> Self {
        self.0.extend(segment.to_be_bytes());
        self
    }

    /// Adds a number, as that of a UUID.
    #[must_use]
    pub fn u128(mut self, segment: u128) -> Self {
        self.0.extend(segment.to_be_bytes());
        self
    }

    /// Adds a signed number; negative ones come first.
    #[must_use]
    pub fn i64(mut self, segment: i64) -> Self {
        self.0.extend((segment ^ i64::MIN).to_be_bytes());
        self
    }

    /// Adds a time in milliseconds since 1970 (before it, negative); earlier ones come first.
    #[must_use]
    pub fn timestamp_millis(self, milliseconds: i64) -> Self {
        self.i64(milliseconds)
    }

    /// The keys that have all segments of this one and more, and this key itself.
    pub fn range(&self) -> KeyRange {
        KeyRange::prefix(&self.0)
    }

    /// The keys that have all segments of this one, followed by a text or byte string that begins with `start`.
    pub fn range_of_segments_starting(&self, start: &[u8]) -> KeyRange {
        let mut prefix = self.0.clone();
        escape(&mut prefix, start);
        KeyRange::prefix(prefix)
    }
}

fn escape(into: &mut Vec<u8>, segment: &[u8]) {
    for byte in segment {
        into.push(*byte);
        if *byte == ESCAPED {
            into.push(ZERO);
        }
    }
}

impl Deref for Key {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl AsRef<[u8]> for Key {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// Why a stored key is not what the reader expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The key ends inside a segment.
    #[error("the key ends too early")]
    Truncated,
    /// A byte string holds an escape that is never written.
    #[error("the key holds an invalid escape")]
    InvalidEscape,
    /// A text is not UTF-8.
    #[error("the key holds a text that is not UTF-8")]
    NotText,
    /// Segments are left over.
    #[error("the key has more segments than expected")]
    TrailingBytes,
}

/// Takes a key apart, segment by segment, in the order in which it was built.
#[derive(Debug, Clone)]
pub struct KeyReader<'a>(&'a [u8]);

impl<'a> KeyReader<'a> {
    /// A reader at the first segment.
    pub fn new(key: &'a [u8]) -> Self {
        Self(key)
    }

    /// Reads a text.
    ///
    /// # Errors
    /// [`KeyError`] when no text is next.
    pub fn text(&mut self) -> Result<String, KeyError> {
        String::from_utf8(self.bytes()?.into_owned()).map_err(|_| KeyError::NotText)
    }

    /// Reads a string of bytes.
    ///
    /// # Errors
    /// [`KeyError`] when no string of bytes is next.
    pub fn bytes(&mut self) -> Result<Cow<'a, [u8]>, KeyError> {
        let mut segment = Cow::Borrowed(&self.0[..0]);
        loop {
            let zero = self.0.iter().position(|byte| *byte == ESCAPED).ok_or(KeyError::Truncated)?;
            let (plain, rest) = self.0.split_at(zero);
            if segment.is_empty() {
                segment = Cow::Borrowed(plain);
            } else {
                segment.to_mut().extend_from_slice(plain);
            }
            let marker = rest.get(1).ok_or(KeyError::Truncated)?;
            self.0 = &rest[2..];
            match *marker {
                TERMINATOR => return Ok(segment),
                ZERO => segment.to_mut().push(ESCAPED),
                _ => return Err(KeyError::InvalidEscape),
            }
        }
    }

    /// Reads one byte.
    ///
    /// # Errors
    /// [`KeyError::Truncated`].
    pub fn u8(&mut self) -> Result<u8, KeyError> {
        self.fixed().map(u8::from_be_bytes)
    }

    /// Reads a number.
    ///
    /// # Errors
    /// [`KeyError::Truncated`].
    pub fn u32(&mut self) -> Result<u32, KeyError> {
        self.fixed().map(u32::from_be_bytes)
    }

    /// Reads a number.
    ///
    /// # Errors
    /// [`KeyError::Truncated`].
    pub fn u64(&mut self) -> Result<u64, KeyError> {
        self.fixed().map(u64::from_be_bytes)
    }

    /// Reads a number.
    ///
    /// # Errors
    /// [`KeyError::Truncated`].
    pub fn u128(&mut self) -> Result<u128, KeyError> {
        self.fixed().map(u128::from_be_bytes)
    }

    /// Reads a signed number.
    ///
    /// # Errors
    /// [`KeyError::Truncated`].
    pub fn i64(&mut self) -> Result<i64, KeyError> {
        self.fixed().map(|bytes| i64::from_be_bytes(bytes) ^ i64::MIN)
    }

    /// Reads a time in milliseconds since 1970.
    ///
    /// # Errors
    /// [`KeyError::Truncated`].
    pub fn timestamp_millis(&mut self) -> Result<i64, KeyError> {
        self.i64()
    }

    /// Checks that nothing is left.
    ///
    /// # Errors
    /// [`KeyError::TrailingBytes`].
    pub fn finish(self) -> Result<(), KeyError> {
        if self.0.is_empty() { Ok(()) } else { Err(KeyError::TrailingBytes) }
    }

    fn fixed<const N: usize>(&mut self) -> Result<[u8; N], KeyError> {
        let (segment, rest) = self.0.split_first_chunk().ok_or(KeyError::Truncated)?;
        self.0 = rest;
        Ok(*segment)
    }
}

#[cfg(test)]
mod tests;
