//! Keys of tables and indexes, and their bytes: attributes one after the other in an order that is that of the values,
//! behind a hash of the partition key. The hash spreads partitions evenly, so that a parallel scan has equal segments;
//! within one partition everything lies in order of the sort key.

use serde::{Deserialize, Serialize};
use store::KeyRange;

use crate::expression::key_condition::{Operator, Test};
use crate::keys;
use crate::number::Number;
use crate::value::{Item, Kind, Value};

/// An attribute of a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyAttribute {
    /// Its name.
    pub name: String,
    /// Its type: a string, a number or binary.
    pub kind: Kind,
}

/// The key of a table or index. Only global indexes have more than one attribute in a part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeySchema {
    /// The partition key.
    pub hash: Vec<KeyAttribute>,
    /// The sort key; empty if there is none.
    pub range: Vec<KeyAttribute>,
}

impl KeySchema {
    /// All attributes, those of the partition key first.
    pub fn attributes(&self) -> impl Iterator<Item = &KeyAttribute> {
        self.hash.iter().chain(&self.range)
    }

    /// Whether an attribute belongs to the key.
    pub fn has(&self, name: &str) -> bool {
        self.attributes().any(|attribute| attribute.name == name)
    }

    /// The key attributes of an item.
    pub fn of_item(&self, item: &Item) -> Item {
        let part = |attribute: &KeyAttribute| item.get_key_value(&attribute.name);
        self.attributes().filter_map(part).map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    /// The bytes of an item's key; nothing if one of the attributes is missing, of another type, or empty.
    pub fn encode(&self, item: &Item) -> Option<Vec<u8>> {
        let mut key = vec![0; HASH_BYTES];
        for attribute in &self.hash {
            encode_part(item.get(&attribute.name)?, attribute.kind, &mut key)?;
        }
        let hash = hash(&key[HASH_BYTES..]);
        key[..HASH_BYTES].copy_from_slice(&hash.to_be_bytes());
        for attribute in &self.range {
            encode_part(item.get(&attribute.name)?, attribute.kind, &mut key)?;
        }
        Some(key)
    }

    /// The key attributes of an item's key; nothing for bytes that are no such key.
    pub fn decode(&self, key: &[u8]) -> Option<Item> {
        let mut rest = key.get(HASH_BYTES..)?;
        let mut item = Item::new();
        for attribute in self.attributes() {
            let value = match attribute.kind {
                Kind::N => {
                    let (number, behind) = Number::read_key(rest)?;
                    rest = behind;
                    Value::N(number)
                }
                Kind::S => Value::S(String::from_utf8(unescape(&mut rest)?).ok()?),
                Kind::B => Value::B(unescape(&mut rest)?.into()),
                _ => return None,
            };
            item.insert(attribute.name.clone(), value);
        }
        Some(item)
    }

    /// The bytes of the partition key, without the hash in front.
    pub fn encode_hash_key(&self, item: &Item) -> Option<Vec<u8>> {
        let mut key = Vec::new();
        for attribute in &self.hash {
            encode_part(item.get(&attribute.name)?, attribute.kind, &mut key)?;
        }
        Some(key)
    }

    /// The rows of one partition of a collection that meet the tests of the sort key, which are in the schema's order.
    pub fn range(&self, collection: u32, hash_values: &Item, tests: &[&Test]) -> Option<KeyRange> {
        let mut prefix = keys::collection(collection);
        let mut key = vec![0; HASH_BYTES];
        for attribute in &self.hash {
            encode_part(hash_values.get(&attribute.name)?, attribute.kind, &mut key)?;
        }
        let hash = hash(&key[HASH_BYTES..]);
        key[..HASH_BYTES].copy_from_slice(&hash.to_be_bytes());
        prefix.extend_from_slice(&key);
        let mut tests = tests.iter();
        while let Some(test) = tests.next() {
            if test.operator != Operator::Eq {
                debug_assert!(tests.next().is_none(), "only the last test may be an inequality");
                return narrowed(prefix, test);
            }
            let value = test.values.first()?;
            encode_part(value, value.kind(), &mut prefix)?;
        }
        Some(KeyRange::prefix(prefix))
    }
}

/// Bytes of the hash in front of a key.
pub const HASH_BYTES: usize = 4;

/// The part of a partition whose next key attribute meets a test.
fn narrowed(prefix: Vec<u8>, test: &Test) -> Option<KeyRange> {
    let with = |value: &Value| {
        let mut key = prefix.clone();
        encode_part(value, value.kind(), &mut key).map(|()| key)
    };
    let after = |key: &[u8]| KeyRange::prefix(key).end().map(<[u8]>::to_vec).unwrap_or_default();
    let value = test.values.first()?;
    Some(match test.operator {
        Operator::Lt => KeyRange::between(&prefix, with(value)?),
        Operator::Le => KeyRange::between(&prefix, after(&with(value)?)),
        Operator::Gt => KeyRange::between(after(&with(value)?), after(&prefix)),
        Operator::Ge => KeyRange::between(with(value)?, after(&prefix)),
        Operator::Between => KeyRange::between(with(value)?, after(&with(test.values.get(1)?)?)),
        Operator::BeginsWith => {
            let mut start = prefix.clone();
            match value {
                Value::S(text) => escape(text.as_bytes(), &mut start),
                Value::B(bytes) => escape(bytes, &mut start),
                _ => return None,
            }
            KeyRange::prefix(start)
        }
        _ => return None,
    })
}

/// Appends a key attribute. Strings and binaries are escaped and ended, numbers end by themselves.
fn encode_part(value: &Value, kind: Kind, key: &mut Vec<u8>) -> Option<()> {
    match (value, kind) {
        (Value::S(text), Kind::S) => escape(text.as_bytes(), key),
        (Value::B(bytes), Kind::B) => escape(bytes, key),
        (Value::N(number), Kind::N) => {
            number.write_key(key);
            return Some(());
        }
        _ => return None,
    }
    key.extend_from_slice(&END);
    Some(())
}

/// Behind a string or binary: smaller than anything that could go on, an escaped zero byte included.
const END: [u8; 2] = [0x00, 0x01];

fn escape(bytes: &[u8], key: &mut Vec<u8>) {
    for byte in bytes {
        key.push(*byte);
        if *byte == 0 {
            key.push(0xFF);
        }
    }
}

/// What was escaped and ended, which is taken off the front.
fn unescape(rest: &mut &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    loop {
        let (byte, behind) = rest.split_first()?;
        *rest = behind;
        if *byte != 0 {
            bytes.push(*byte);
            continue;
        }
        let (mark, behind) = rest.split_first()?;
        *rest = behind;
        match *mark {
            0xFF => bytes.push(0),
            mark if mark == END[1] => return Some(bytes),
            _ => return None,
        }
    }
}

/// Spreads partition keys evenly: FNV-1a, then the finaliser of MurmurHash3 so that the upper bits depend on all of
/// them. It is part of the format of stored keys and never changes.
fn hash(bytes: &[u8]) -> u32 {
    let mut hash: u64 = 0xCBF2_9CE4_8422_2325;
    for byte in bytes {
        hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01B3);
    }
    hash ^= hash >> 33;
    hash = hash.wrapping_mul(0xFF51_AFD7_ED55_8CCD);
    hash ^= hash >> 33;
    hash = hash.wrapping_mul(0xC4CE_B9FE_1A85_EC53);
    hash ^= hash >> 33;
    (hash >> 32) as u32
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn schema(kind: Kind) -> KeySchema {
        let part = |name: &str, kind| vec![KeyAttribute { name: name.to_owned(), kind }];
        KeySchema { hash: part("h", Kind::S), range: part("r", kind) }
    }

    fn item(hash: &str, range: Value) -> Item {
        Item::from([("h".to_owned(), Value::S(hash.to_owned())), ("r".to_owned(), range)])
    }

    fn ordered() -> impl Strategy<Value = (Value, Value)> {
        let number = |value: i32| Value::N(Number::parse(&format!("{value}e-1")).expect("in range"));
        prop_oneof![
            ("[\\x00-\\x02a]{0,3}", "[\\x00-\\x02a]{0,3}").prop_map(|(a, b)| (Value::S(a), Value::S(b))),
            (any::<i32>(), any::<i32>()).prop_map(move |(a, b)| (number(a), number(b))),
            (proptest::collection::vec(0..3_u8, 0..4), proptest::collection::vec(0..3_u8, 0..4))
                .prop_map(|(a, b)| (Value::B(a.into()), Value::B(b.into()))),
        ]
    }

    proptest! {
        #[test]
        fn ranges_hold_exactly_the_keys_that_meet_the_test((bound, value) in ordered(), third in ordered()) {
            let schema = schema(bound.kind());
            let key = keys::item(1, &schema.encode(&item("x", value.clone())).expect("a key"));
            let own = item("x", value.clone());
            prop_assert_eq!(schema.decode(&schema.encode(&own).expect("a key")), Some(own));
            let order = value.order(&bound).expect("comparable");
            let upper = if third.0.kind() == bound.kind() { third.0 } else { bound.clone() };
            let hash = Item::from([("h".to_owned(), Value::S("x".into()))]);
            for (operator, values, expected) in [
                (Operator::Eq, vec![bound.clone()], order.is_eq()),
                (Operator::Lt, vec![bound.clone()], order.is_lt()),
                (Operator::Le, vec![bound.clone()], order.is_le()),
                (Operator::Gt, vec![bound.clone()], order.is_gt()),
                (Operator::Ge, vec![bound.clone()], order.is_ge()),
                (
                    Operator::Between,
                    vec![bound.clone(), upper.clone()],
                    order.is_ge() && value.order(&upper).is_some_and(std::cmp::Ordering::is_le),
                ),
            ] {
                let test = Test { operator, values };
                let range = schema.range(1, &hash, &[&test]).expect("a range");
                prop_assert_eq!(range.contains(&key), expected, "{:?}", operator);
            }
            if bound.kind() != Kind::N {
                let test = Test { operator: Operator::BeginsWith, values: vec![bound.clone()] };
                let range = schema.range(1, &hash, &[&test]).expect("a range");
                let expected = crate::expression::evaluate::begins_with(&value, &bound);
                prop_assert_eq!(range.contains(&key), expected);
            }
        }

        #[test]
        fn another_partition_is_never_in_the_range(one in "[\\x00-\\x02a]{0,3}", two in "[\\x00-\\x02a]{0,3}") {
            let schema = schema(Kind::S);
            let key = keys::item(1, &schema.encode(&item(&two, Value::S("r".into()))).expect("a key"));
            let hash = Item::from([("h".to_owned(), Value::S(one.clone()))]);
            prop_assert_eq!(schema.range(1, &hash, &[]).expect("a range").contains(&key), one == two);
        }
    }

    #[test]
    fn hashes_are_spread_evenly() {
        let mut buckets = [0; 16];
        for number in 0..16_000 {
            buckets[(hash(format!("user#{number}").as_bytes()) >> 28) as usize] += 1;
        }
        assert!(buckets.iter().all(|count| (800..1_200).contains(count)), "{buckets:?}");
    }
}
