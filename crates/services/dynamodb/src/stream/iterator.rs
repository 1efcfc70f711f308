//! Shard iterators: texts that say where to go on reading. They hold everything themselves, so they survive restarts.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;

/// Where to go on reading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Iterator {
    /// ARN of the stream. Whoever uses the iterator needs the right to read this stream, and it is this stream that is
    /// read: an iterator that was tampered with opens nothing.
    pub arn: String,
    /// The stream's number.
    pub stream: u32,
    /// The shard's number.
    pub shard: u32,
    /// The number of the next record.
    pub next: u64,
    /// When it was made, in milliseconds since 1970.
    pub made_at: i64,
}

/// Bytes of an iterator's numbers.
const BYTES: usize = 24;

impl Iterator {
    /// The text: the stream's ARN, and the numbers in base64.
    pub fn text(&self) -> String {
        let mut bytes = self.stream.to_be_bytes().to_vec();
        bytes.extend(self.shard.to_be_bytes());
        bytes.extend(self.next.to_be_bytes());
        bytes.extend(self.made_at.to_be_bytes());
        format!("{}|1|{}", self.arn, BASE64.encode(bytes))
    }

    /// Reads a text.
    pub fn parse(text: &str) -> Option<Iterator> {
        let (arn, rest) = text.split_once('|')?;
        let bytes: [u8; BYTES] = BASE64.decode(rest.strip_prefix("1|")?).ok()?.try_into().ok()?;
        let number =
            |range: std::ops::Range<usize>| bytes[range].iter().fold(0_u64, |n, byte| n << 8 | u64::from(*byte));
        Some(Iterator {
            arn: arn.to_owned(),
            stream: number(0..4) as u32,
            shard: number(4..8) as u32,
            next: number(8..16),
            made_at: number(16..24) as i64,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_iterator_is_read_as_it_was_written() {
        let iterator = Iterator { arn: "arn:x".into(), stream: 3, shard: 4, next: u64::MAX, made_at: 5 };
        assert_eq!(Iterator::parse(&iterator.text()), Some(iterator));
        for text in ["", "arn", "arn|1|", "arn|2|AAAA", "arn|1|====", "arn|1|AAAA"] {
            assert_eq!(Iterator::parse(text), None, "{text}");
        }
    }
}
