//! Reading CBOR.

use bytes::Bytes;

use super::{BREAK, DOUBLE, EPOCH_TAG, FALSE, Flavour, HALF, NESTING_LIMIT, NULL, SINGLE, TRUE, UNDEFINED, major};
use crate::codec::{ReadError, ReadResult, Reader, text};
use crate::schema::{Member, Shape};
use crate::timestamp::Timestamp;

/// Pulls values out of a CBOR document.
pub struct CborReader<'a> {
    document: &'a [u8],
    position: usize,
    depth: usize,
    flavour: Flavour,
}

/// How many elements an array or map has.
enum Length {
    Known(u64),
    UntilBreak,
}

/// A number that stands in the document.
enum Number {
    Integer(i64),
    Float(f64),
}

fn malformed() -> ReadError {
    ReadError::new("Invalid CBOR document")
}

fn unexpected(at: &Member, wanted: &str) -> ReadError {
    ReadError::new(format!("Unexpected value at '{}': expected {wanted}", at.name))
}

impl<'a> CborReader<'a> {
    /// A reader of a whole document. An empty document counts as an empty map.
    pub fn new(document: &'a [u8], flavour: Flavour) -> CborReader<'a> {
        let document = if document.is_empty() { &[major::MAP << 5] } else { document };
        CborReader { document, position: 0, depth: 0, flavour }
    }

    /// Checks that nothing follows the item that was read.
    pub fn finish(&mut self) -> ReadResult<()> {
        if self.position == self.document.len() { Ok(()) } else { Err(malformed()) }
    }

    fn peek(&self) -> ReadResult<u8> {
        self.document.get(self.position).copied().ok_or_else(malformed)
    }

    fn take(&mut self, length: u64) -> ReadResult<&'a [u8]> {
        let length = usize::try_from(length).map_err(|_| malformed())?;
        let rest = &self.document[self.position..];
        let taken = rest.get(..length).ok_or_else(malformed)?;
        self.position += length;
        Ok(taken)
    }

    /// An item's major type and argument; `None` for indefinite length.
    fn head(&mut self) -> ReadResult<(u8, Option<u64>)> {
        let first = self.take(1)?[0];
        let argument = match first & 31 {
            small @ 0..=23 => u64::from(small),
            24 => u64::from(self.take(1)?[0]),
            25 => self.big_endian(2)?,
            26 => self.big_endian(4)?,
            27 => self.big_endian(8)?,
            31 => return Ok((first >> 5, None)),
            _ => return Err(malformed()),
        };
        Ok((first >> 5, Some(argument)))
    }

    fn big_endian(&mut self, length: u64) -> ReadResult<u64> {
        Ok(self.take(length)?.iter().fold(0, |value, byte| value << 8 | u64::from(*byte)))
    }

    /// Enters an array or map. The length is not trusted for allocation; each element takes at least one byte.
    fn enter(&mut self, wanted: u8) -> ReadResult<Option<Length>> {
        self.skip_tags()?;
        if self.peek()? >> 5 != wanted {
            return Ok(None);
        }
        self.depth += 1;
        if self.depth > NESTING_LIMIT {
            return Err(malformed());
        }
        Ok(Some(self.head()?.1.map_or(Length::UntilBreak, Length::Known)))
    }

    /// Whether another element follows; takes the break that says no.
    fn more(&mut self, length: &mut Length) -> ReadResult<bool> {
        let more = match length {
            Length::Known(0) => false,
            Length::Known(left) => {
                *left -= 1;
                true
            }
            Length::UntilBreak if self.peek()? == BREAK => {
                self.position += 1;
                false
            }
            Length::UntilBreak => true,
        };
        self.depth -= usize::from(!more);
        Ok(more)
    }

    fn skip_tags(&mut self) -> ReadResult<()> {
        while self.peek()? >> 5 == major::TAG {
            self.head()?;
        }
        Ok(())
    }

    /// Takes a `null` or `undefined` if one is next.
    fn null(&mut self) -> ReadResult<bool> {
        let null = matches!(self.peek()?, NULL | UNDEFINED);
        self.position += usize::from(null);
        Ok(null)
    }

    /// A text or byte string; pieces of one of indefinite length are joined.
    fn string_of(&mut self, wanted: u8) -> ReadResult<Option<std::borrow::Cow<'a, [u8]>>> {
        self.skip_tags()?;
        if self.peek()? >> 5 != wanted {
            return Ok(None);
        }
        if let (_, Some(length)) = self.head()? {
            return self.take(length).map(|bytes| Some(bytes.into()));
        }
        let mut joined = Vec::new();
        while self.peek()? != BREAK {
            match self.head()? {
                (kind, Some(length)) if kind == wanted => joined.extend_from_slice(self.take(length)?),
                _ => return Err(malformed()),
            }
        }
        self.position += 1;
        Ok(Some(joined.into()))
    }

    fn text(&mut self) -> ReadResult<Option<std::borrow::Cow<'a, str>>> {
        use std::borrow::Cow;
        Ok(match self.string_of(major::TEXT)? {
            None => None,
            Some(Cow::Borrowed(bytes)) => Some(std::str::from_utf8(bytes).map_err(|_| malformed())?.into()),
            Some(Cow::Owned(bytes)) => Some(String::from_utf8(bytes).map_err(|_| malformed())?.into()),
        })
    }

    fn number(&mut self) -> ReadResult<Option<Number>> {
        self.skip_tags()?;
        let first = self.peek()?;
        let width = match first {
            HALF => 2,
            SINGLE => 4,
            DOUBLE => 8,
            _ if first >> 5 > major::NEGATIVE => return Ok(None),
            _ => {
                let (kind, argument) = self.head()?;
                let value = i64::try_from(argument.ok_or_else(malformed)?).map_err(|_| malformed())?;
                return Ok(Some(Number::Integer(if kind == major::NEGATIVE { !value } else { value })));
            }
        };
        self.position += 1;
        let bits = self.big_endian(width)?;
        Ok(Some(Number::Float(match width {
            2 => half_to_double(bits as u16),
            4 => f64::from(f32::from_bits(bits as u32)),
            _ => f64::from_bits(bits),
        })))
    }

    /// Passes over one item of any kind.
    fn skip(&mut self) -> ReadResult<()> {
        self.skip_tags()?;
        let kind = self.peek()? >> 5;
        match kind {
            major::UNSIGNED | major::NEGATIVE => self.head()?.1.map(drop).ok_or_else(malformed),
            major::BYTES | major::TEXT => self.string_of(kind).map(drop),
            major::ARRAY | major::MAP => {
                let mut length = self.enter(kind)?.ok_or_else(malformed)?;
                while self.more(&mut length)? {
                    self.skip()?;
                    if kind == major::MAP {
                        self.skip()?;
                    }
                }
                Ok(())
            }
            _ => match self.peek()? {
                BREAK => Err(malformed()),
                _ => {
                    // Simple values and floats: the argument is the value.
                    debug_assert_eq!(kind, major::SIMPLE);
                    self.head().map(drop)
                }
            },
        }
    }

    /// One item as a JSON value. Bytes have no JSON form and are refused.
    fn json(&mut self) -> ReadResult<serde_json::Value> {
        use serde_json::Value;
        self.skip_tags()?;
        Ok(match self.peek()? {
            NULL | UNDEFINED => {
                self.position += 1;
                Value::Null
            }
            first @ (TRUE | FALSE) => {
                self.position += 1;
                Value::Bool(first == TRUE)
            }
            first if first >> 5 == major::TEXT => Value::String(self.text()?.ok_or_else(malformed)?.into_owned()),
            first if first >> 5 == major::ARRAY => {
                let mut length = self.enter(major::ARRAY)?.ok_or_else(malformed)?;
                let mut items = Vec::new();
                while self.more(&mut length)? {
                    items.push(self.json()?);
                }
                Value::Array(items)
            }
            first if first >> 5 == major::MAP => {
                let mut length = self.enter(major::MAP)?.ok_or_else(malformed)?;
                let mut entries = serde_json::Map::new();
                while self.more(&mut length)? {
                    let key = self.text()?.ok_or_else(malformed)?.into_owned();
                    entries.insert(key, self.json()?);
                }
                Value::Object(entries)
            }
            _ => match self.number()?.ok_or_else(malformed)? {
                Number::Integer(value) => value.into(),
                Number::Float(value) => value.into(),
            },
        })
    }
}

/// IEEE 754 half precision: 1 sign bit, 5 exponent bits, 10 fraction bits.
fn half_to_double(bits: u16) -> f64 {
    let sign = if bits & 0x8000 != 0 { -1.0 } else { 1.0 };
    let exponent = i32::from(bits >> 10 & 0x1f);
    let fraction = f64::from(bits & 0x3ff);
    sign * match exponent {
        0 => fraction * 2.0_f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1024.0 + fraction) * 2.0_f64.powi(exponent - 25),
    }
}

impl Reader for CborReader<'_> {
    fn structure(
        &mut self,
        shape: &'static Shape,
        each: &mut dyn FnMut(usize, &mut dyn Reader) -> ReadResult<()>,
    ) -> ReadResult<()> {
        let Some(mut length) = self.enter(major::MAP)? else {
            return Err(ReadError::new(format!("Unexpected value: expected {}", shape.name)));
        };
        while self.more(&mut length)? {
            let name = self.text()?.ok_or_else(malformed)?;
            match shape.members().iter().position(|member| member.wire_name() == name) {
                Some(index) if !self.null()? => each(index, self)?,
                Some(_) => {}
                None => self.skip()?,
            }
        }
        Ok(())
    }

    fn list(&mut self, at: &'static Member, each: &mut dyn FnMut(&mut dyn Reader) -> ReadResult<()>) -> ReadResult<()> {
        let mut length = self.enter(major::ARRAY)?.ok_or_else(|| unexpected(at, "a list"))?;
        while self.more(&mut length)? {
            if !self.null()? {
                each(self)?;
            }
        }
        Ok(())
    }

    fn map(
        &mut self,
        at: &'static Member,
        each: &mut dyn FnMut(String, &mut dyn Reader) -> ReadResult<()>,
    ) -> ReadResult<()> {
        let mut length = self.enter(major::MAP)?.ok_or_else(|| unexpected(at, "a map"))?;
        while self.more(&mut length)? {
            let key = self.text()?.ok_or_else(malformed)?.into_owned();
            if !self.null()? {
                each(key, self)?;
            }
        }
        Ok(())
    }

    fn string(&mut self, at: &'static Member) -> ReadResult<String> {
        self.text()?.map(std::borrow::Cow::into_owned).ok_or_else(|| unexpected(at, "a string"))
    }

    fn integer(&mut self, at: &'static Member) -> ReadResult<i64> {
        match self.number()? {
            Some(Number::Integer(value)) if text::fits(at, value) => Ok(value),
            Some(Number::Float(value))
                if value.fract() == 0.0 && value.abs() < 9.2e18 && text::fits(at, value as i64) =>
            {
                Ok(value as i64)
            }
            _ => Err(unexpected(at, "an integer")),
        }
    }

    fn float(&mut self, at: &'static Member) -> ReadResult<f64> {
        match self.number()? {
            Some(Number::Integer(value)) => Ok(value as f64),
            Some(Number::Float(value)) => Ok(value),
            None => Err(unexpected(at, "a number")),
        }
    }

    fn boolean(&mut self, at: &'static Member) -> ReadResult<bool> {
        self.skip_tags()?;
        let first = self.peek()?;
        if !matches!(first, TRUE | FALSE) {
            return Err(unexpected(at, "a boolean"));
        }
        self.position += 1;
        Ok(first == TRUE)
    }

    fn blob(&mut self, at: &'static Member) -> ReadResult<Bytes> {
        let bytes = self.string_of(major::BYTES)?.ok_or_else(|| unexpected(at, "bytes"))?;
        Ok(Bytes::from(bytes.into_owned()))
    }

    fn timestamp(&mut self, at: &'static Member) -> ReadResult<Timestamp> {
        let tagged = self.peek()? == major::TAG << 5 | EPOCH_TAG as u8;
        let number = self.number()?.ok_or_else(|| unexpected(at, "a timestamp"))?;
        match (number, self.flavour) {
            // Old clients count milliseconds, and some of them put the tag of seconds before it all the same.
            (Number::Integer(value), Flavour::Target) => Ok(Timestamp::from_milliseconds(value)),
            (Number::Integer(seconds), Flavour::RpcV2) => Ok(Timestamp { seconds, nanoseconds: 0 }),
            (Number::Float(value), Flavour::Target) if !tagged => Ok(Timestamp::from_milliseconds(value as i64)),
            (Number::Float(value), _) => Timestamp::from_seconds(value).ok_or_else(|| unexpected(at, "a timestamp")),
        }
    }

    fn document(&mut self, _: &'static Member) -> ReadResult<serde_json::Value> {
        self.json()
    }
}
