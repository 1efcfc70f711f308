//! Hash keys: where in the ring of a stream's shards a record belongs.

use md5::{Digest, Md5};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A number of 128 bits. At rest and in the API it is a decimal text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct HashKey(pub u128);

impl HashKey {
    /// The hash key of a partition key: its MD5 (API reference, PutRecord).
    pub fn of_partition_key(key: &str) -> HashKey {
        HashKey(u128::from_be_bytes(Md5::digest(key.as_bytes()).into()))
    }

    /// Reads a decimal number below 2^128.
    pub fn parse(text: &str) -> Option<HashKey> {
        Some(text).filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?.parse().ok().map(HashKey)
    }
}

impl std::fmt::Display for HashKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(formatter)
    }
}

impl Serialize for HashKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for HashKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<HashKey, D::Error> {
        let text = String::deserialize(deserializer)?;
        HashKey::parse(&text).ok_or_else(|| D::Error::custom("no hash key"))
    }
}

/// The first hash keys of so many shards that share the ring evenly, as Kinesis shares it: each but the last has the
/// same width, rounded down.
pub fn even_starts(shards: u32) -> Vec<u128> {
    let width = even_width(shards);
    (0..u128::from(shards)).map(|index| index * width).collect()
}

fn even_width(shards: u32) -> u128 {
    match u128::from(shards.max(1)) {
        1 => 0,
        // 2^128 itself has no room in the type.
        shards => u128::MAX / shards + u128::from(u128::MAX % shards == shards - 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ring_is_shared_as_aws_shares_it() {
        assert_eq!(even_starts(1), [0]);
        assert_eq!(even_starts(2), [0, 170_141_183_460_469_231_731_687_303_715_884_105_728]);
        // The ranges that the API reference's example of three shards shows.
        assert_eq!(
            even_starts(3),
            [
                0,
                113_427_455_640_312_821_154_458_202_477_256_070_485,
                226_854_911_280_625_642_308_916_404_954_512_140_970
            ]
        );
    }

    #[test]
    fn hash_keys_are_numbers_below_two_to_the_128() {
        assert_eq!(HashKey::parse("340282366920938463463374607431768211455"), Some(HashKey(u128::MAX)));
        for text in ["340282366920938463463374607431768211456", "-1", "+1", "", "x"] {
            assert_eq!(HashKey::parse(text), None, "{text}");
        }
        let key = HashKey::of_partition_key("a");
        assert_eq!(key.to_string(), "16955237001963240173058271559858726497");
    }
}
