//! Event-stream framing: `application/vnd.amazon.eventstream`.
//!
//! ```text
//! total length (4) | headers length (4) | CRC-32 of these 8 | headers | payload | CRC-32 of all before (4)
//! ```
//!
//! Numbers are big-endian. Rules: Smithy, "Amazon Event Stream specification".

use std::borrow::Cow;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use crc_fast::{CrcAlgorithm, checksum};

/// Media type of an event stream.
pub const CONTENT_TYPE: &str = "application/vnd.amazon.eventstream";

/// Most bytes of headers in a message (the specification's limit).
pub const MAX_HEADERS_BYTES: usize = 128 * 1024;

/// Most bytes of payload in a message (the specification's limit).
pub const MAX_PAYLOAD_BYTES: usize = 16 * 1024 * 1024;

/// Longest name of a header, in bytes: its length is one byte.
pub const MAX_HEADER_NAME_BYTES: usize = 255;

/// Longest text or byte value of a header, in bytes (the specification's limit).
pub const MAX_HEADER_VALUE_BYTES: usize = 32 * 1024 - 1;

const PRELUDE_BYTES: usize = 12;
const CRC_BYTES: usize = 4;

/// A message: named headers and a payload.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// Headers in order.
    pub headers: Vec<(Cow<'static, str>, HeaderValue)>,
    /// The payload.
    pub payload: Bytes,
}

/// A value of a header.
#[derive(Debug, Clone, PartialEq)]
pub enum HeaderValue {
    /// True or false.
    Boolean(bool),
    /// 8 bits.
    Byte(i8),
    /// 16 bits.
    Short(i16),
    /// 32 bits.
    Integer(i32),
    /// 64 bits.
    Long(i64),
    /// Bytes, at most [`MAX_HEADER_VALUE_BYTES`].
    Bytes(Bytes),
    /// Text, at most [`MAX_HEADER_VALUE_BYTES`].
    String(Cow<'static, str>),
    /// Milliseconds since 1970.
    Timestamp(i64),
    /// A UUID.
    Uuid([u8; 16]),
}

/// Why a message cannot be written or read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// A limit of the specification is exceeded.
    #[error("the message exceeds a limit of the event stream format")]
    TooLarge,
    /// Lengths that contradict each other.
    #[error("the lengths of the message do not fit")]
    Lengths,
    /// The CRC of the prelude is wrong.
    #[error("the checksum of the message's prelude does not match")]
    PreludeChecksum,
    /// The CRC of the message is wrong.
    #[error("the checksum of the message does not match")]
    MessageChecksum,
    /// A header cannot be read.
    #[error("a header of the message is malformed")]
    Header,
}

impl Message {
    /// An event of a modelled type.
    pub fn event(event_type: impl Into<Cow<'static, str>>, content_type: &'static str, payload: Bytes) -> Message {
        Message::typed("event", ":event-type", event_type.into(), content_type, payload)
    }

    /// The first message of an RPC protocol's stream: the members of the output that are not events.
    pub fn initial_response(content_type: &'static str, payload: Bytes) -> Message {
        Message::event("initial-response", content_type, payload)
    }

    /// A modelled error inside the stream, which ends it.
    pub fn exception(
        exception_type: impl Into<Cow<'static, str>>,
        content_type: &'static str,
        payload: Bytes,
    ) -> Message {
        Message::typed("exception", ":exception-type", exception_type.into(), content_type, payload)
    }

    /// An error that is not modelled, which ends the stream.
    pub fn error(code: impl Into<Cow<'static, str>>, message: impl Into<Cow<'static, str>>) -> Message {
        let headers = vec![
            (":message-type".into(), HeaderValue::String("error".into())),
            (":error-code".into(), HeaderValue::String(code.into())),
            (":error-message".into(), HeaderValue::String(message.into())),
        ];
        Message { headers, payload: Bytes::new() }
    }

    fn typed(
        message_type: &'static str,
        type_header: &'static str,
        type_name: Cow<'static, str>,
        content_type: &'static str,
        payload: Bytes,
    ) -> Message {
        let headers = vec![
            (type_header.into(), HeaderValue::String(type_name)),
            (":content-type".into(), HeaderValue::String(content_type.into())),
            (":message-type".into(), HeaderValue::String(message_type.into())),
        ];
        Message { headers, payload }
    }

    /// The value of the header of that name.
    pub fn header(&self, name: &str) -> Option<&HeaderValue> {
        self.headers.iter().find(|(header, _)| header == name).map(|(_, value)| value)
    }

    /// Writes the message as a frame.
    ///
    /// # Errors
    /// [`FrameError::TooLarge`].
    pub fn encode(&self) -> Result<Bytes, FrameError> {
        let mut headers = BytesMut::new();
        for (name, value) in &self.headers {
            let name_length = u8::try_from(name.len()).map_err(|_| FrameError::TooLarge)?;
            headers.put_u8(name_length);
            headers.put_slice(name.as_bytes());
            value.encode(&mut headers)?;
        }
        if headers.len() > MAX_HEADERS_BYTES || self.payload.len() > MAX_PAYLOAD_BYTES {
            return Err(FrameError::TooLarge);
        }
        let total = PRELUDE_BYTES + headers.len() + self.payload.len() + CRC_BYTES;
        let length = |bytes: usize| u32::try_from(bytes).map_err(|_| FrameError::TooLarge);
        let mut frame = BytesMut::with_capacity(total);
        frame.put_u32(length(total)?);
        frame.put_u32(length(headers.len())?);
        frame.put_u32(crc32(&frame));
        frame.put_slice(&headers);
        frame.put_slice(&self.payload);
        frame.put_u32(crc32(&frame));
        Ok(frame.freeze())
    }
}

impl HeaderValue {
    /// The text, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            HeaderValue::String(text) => Some(text),
            _ => None,
        }
    }

    fn encode(&self, out: &mut BytesMut) -> Result<(), FrameError> {
        match self {
            HeaderValue::Boolean(value) => out.put_u8(u8::from(!value)),
            HeaderValue::Byte(value) => {
                out.put_u8(2);
                out.put_i8(*value);
            }
            HeaderValue::Short(value) => {
                out.put_u8(3);
                out.put_i16(*value);
            }
            HeaderValue::Integer(value) => {
                out.put_u8(4);
                out.put_i32(*value);
            }
            HeaderValue::Long(value) => {
                out.put_u8(5);
                out.put_i64(*value);
            }
            HeaderValue::Bytes(value) => {
                out.put_u8(6);
                encode_value(value, out)?;
            }
            HeaderValue::String(value) => {
                out.put_u8(7);
                encode_value(value.as_bytes(), out)?;
            }
            HeaderValue::Timestamp(value) => {
                out.put_u8(8);
                out.put_i64(*value);
            }
            HeaderValue::Uuid(value) => {
                out.put_u8(9);
                out.put_slice(value);
            }
        }
        Ok(())
    }

    fn decode(bytes: &mut Bytes) -> Result<HeaderValue, FrameError> {
        let short = |_| FrameError::Header;
        Ok(match bytes.try_get_u8().map_err(short)? {
            0 => HeaderValue::Boolean(true),
            1 => HeaderValue::Boolean(false),
            2 => HeaderValue::Byte(bytes.try_get_i8().map_err(short)?),
            3 => HeaderValue::Short(bytes.try_get_i16().map_err(short)?),
            4 => HeaderValue::Integer(bytes.try_get_i32().map_err(short)?),
            5 => HeaderValue::Long(bytes.try_get_i64().map_err(short)?),
            6 => HeaderValue::Bytes(decode_value(bytes)?),
            7 => HeaderValue::String(Cow::Owned(decode_text(&decode_value(bytes)?)?)),
            8 => HeaderValue::Timestamp(bytes.try_get_i64().map_err(short)?),
            9 => {
                let mut uuid = [0; 16];
                bytes.try_copy_to_slice(&mut uuid).map_err(short)?;
                HeaderValue::Uuid(uuid)
            }
            _ => return Err(FrameError::Header),
        })
    }
}

fn encode_value(value: &[u8], out: &mut BytesMut) -> Result<(), FrameError> {
    let length = u16::try_from(value.len()).ok().filter(|_| value.len() <= MAX_HEADER_VALUE_BYTES);
    out.put_u16(length.ok_or(FrameError::TooLarge)?);
    out.put_slice(value);
    Ok(())
}

fn decode_value(bytes: &mut Bytes) -> Result<Bytes, FrameError> {
    let length = usize::from(bytes.try_get_u16().map_err(|_| FrameError::Header)?);
    take(bytes, length)
}

fn decode_text(bytes: &Bytes) -> Result<String, FrameError> {
    std::str::from_utf8(bytes).map(str::to_owned).map_err(|_| FrameError::Header)
}

fn take(bytes: &mut Bytes, length: usize) -> Result<Bytes, FrameError> {
    if bytes.len() < length { Err(FrameError::Header) } else { Ok(bytes.split_to(length)) }
}

fn crc32(bytes: &[u8]) -> u32 {
    u32::try_from(checksum(CrcAlgorithm::Crc32IsoHdlc, bytes)).expect("a CRC-32 has 32 bits")
}

/// An incremental reader of frames. It never holds more than one message.
#[derive(Debug, Default)]
pub struct MessageDecoder {
    frame: BytesMut,
}

impl MessageDecoder {
    /// Takes bytes off `input` until a message is complete; `None` when `input` is used up before.
    ///
    /// # Errors
    /// What is wrong with the frame. The stream cannot be read on after that.
    pub fn decode(&mut self, input: &mut Bytes) -> Result<Option<Message>, FrameError> {
        if !self.fill(input, PRELUDE_BYTES) {
            return Ok(None);
        }
        let mut prelude = &self.frame[..PRELUDE_BYTES];
        let (total, headers_length, prelude_crc) = (prelude.get_u32(), prelude.get_u32(), prelude.get_u32());
        if crc32(&self.frame[..PRELUDE_BYTES - CRC_BYTES]) != prelude_crc {
            return Err(FrameError::PreludeChecksum);
        }
        let (total, headers_length) = (total as usize, headers_length as usize);
        if headers_length > MAX_HEADERS_BYTES {
            return Err(FrameError::TooLarge);
        }
        let around = PRELUDE_BYTES + headers_length + CRC_BYTES;
        let payload_length = total.checked_sub(around).ok_or(FrameError::Lengths)?;
        if payload_length > MAX_PAYLOAD_BYTES {
            return Err(FrameError::TooLarge);
        }
        if !self.fill(input, total) {
            return Ok(None);
        }
        let mut frame = std::mem::take(&mut self.frame).freeze();
        let mut message_crc = frame.split_off(total - CRC_BYTES);
        if crc32(&frame) != message_crc.get_u32() {
            return Err(FrameError::MessageChecksum);
        }
        frame.advance(PRELUDE_BYTES);
        let headers = decode_headers(frame.split_to(headers_length))?;
        Ok(Some(Message { headers, payload: frame }))
    }

    /// Whether the stream ends between two messages.
    pub fn is_at_boundary(&self) -> bool {
        self.frame.is_empty()
    }

    /// Moves bytes from `input` until the frame has `length` of them.
    fn fill(&mut self, input: &mut Bytes, length: usize) -> bool {
        let missing = length.saturating_sub(self.frame.len()).min(input.len());
        self.frame.extend_from_slice(&input.split_to(missing));
        self.frame.len() >= length
    }
}

fn decode_headers(mut bytes: Bytes) -> Result<Vec<(Cow<'static, str>, HeaderValue)>, FrameError> {
    let mut headers = Vec::new();
    while !bytes.is_empty() {
        let length = usize::from(bytes.get_u8());
        let name = decode_text(&take(&mut bytes, length)?)?;
        headers.push((Cow::Owned(name), HeaderValue::decode(&mut bytes)?));
    }
    Ok(headers)
}

#[cfg(test)]
mod tests;
