//! Iterators: texts that say where to go on reading. They hold everything themselves, so they survive restarts, and a
//! mark that only this installation can make, so that nobody else makes them.
//!
//! In base64: `0 0 0 0 0 0 0 1 | mark, 16 | made at, 8 | stream, 8 | shard, 4 | position, 8 | ARN of the stream`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use platform::Sealing;

use crate::names::StreamName;

/// Where to go on reading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Iterator {
    /// The stream.
    pub name: StreamName,
    /// The stream's number: another stream of that name is another stream.
    pub stream: u64,
    /// The shard's number.
    pub shard: u32,
    /// The position of the next record.
    pub position: u64,
    /// When it was made, in milliseconds since 1970.
    pub made_at: i64,
}

/// What every iterator of Kinesis begins with.
const FORMAT: [u8; 8] = [0, 0, 0, 0, 0, 0, 0, 1];

const MARK_BYTES: usize = 16;
const NUMBER_BYTES: usize = 28;

/// What the mark is for.
const PURPOSE: &str = "kinesis/iterator";

impl Iterator {
    /// The text.
    pub fn text(&self, sealing: &Sealing) -> String {
        let mut body = Vec::with_capacity(NUMBER_BYTES + 128);
        body.extend_from_slice(&self.made_at.to_be_bytes());
        body.extend_from_slice(&self.stream.to_be_bytes());
        body.extend_from_slice(&self.shard.to_be_bytes());
        body.extend_from_slice(&self.position.to_be_bytes());
        body.extend_from_slice(self.name.arn().as_bytes());
        let mark = sealing.fingerprint(PURPOSE, &body);
        BASE64.encode([&FORMAT[..], &mark[..MARK_BYTES], &body].concat())
    }

    /// Reads a text, whoever made it: the stream it names is the one whose reading has to be allowed.
    pub fn read(text: &str) -> Option<Iterator> {
        Iterator::split(text).and_then(|(_, body)| Iterator::of_body(&body))
    }

    /// Reads a text of this installation.
    pub fn parse(text: &str, sealing: &Sealing) -> Option<Iterator> {
        let (mark, body) = Iterator::split(text)?;
        let own = sealing.fingerprint(PURPOSE, &body);
        Iterator::of_body(&body).filter(|_| own[..MARK_BYTES] == mark[..])
    }

    fn split(text: &str) -> Option<(Vec<u8>, Vec<u8>)> {
        let bytes = BASE64.decode(text).ok()?;
        let (mark, body) = bytes.strip_prefix(&FORMAT)?.split_at_checked(MARK_BYTES)?;
        Some((mark.to_vec(), body.to_vec()))
    }

    fn of_body(body: &[u8]) -> Option<Iterator> {
        let (numbers, arn) = body.split_at_checked(NUMBER_BYTES)?;
        let number = |range: std::ops::Range<usize>| {
            numbers[range].iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte))
        };
        Some(Iterator {
            name: StreamName::parse_arn(std::str::from_utf8(arn).ok()?)?,
            stream: number(8..16),
            shard: number(16..20) as u32,
            position: number(20..28),
            made_at: number(0..8) as i64,
        })
    }
}
