use std::cmp::Ordering;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

/// A segment of any kind.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Segment {
    Text(String),
    Bytes(Vec<u8>),
    U8(u8),
    U32(u32),
    U64(u64),
    U128(u128),
    I64(i64),
    Time(i64),
}

impl Segment {
    fn add(&self, key: Key) -> Key {
        match self {
            Self::Text(text) => key.text(text),
            Self::Bytes(bytes) => key.bytes(bytes),
            Self::U8(number) => key.u8(*number),
            Self::U32(number) => key.u32(*number),
            Self::U64(number) => key.u64(*number),
            Self::U128(number) => key.u128(*number),
            Self::I64(number) => key.i64(*number),
            Self::Time(number) => key.timestamp_millis(*number),
        }
    }

    /// Reads a segment of the same kind.
    fn read(&self, reader: &mut KeyReader<'_>) -> Result<Self, KeyError> {
        Ok(match self {
            Self::Text(_) => Self::Text(reader.text()?),
            Self::Bytes(_) => Self::Bytes(reader.bytes()?.into_owned()),
            Self::U8(_) => Self::U8(reader.u8()?),
            Self::U32(_) => Self::U32(reader.u32()?),
            Self::U64(_) => Self::U64(reader.u64()?),
            Self::U128(_) => Self::U128(reader.u128()?),
            Self::I64(_) => Self::I64(reader.i64()?),
            Self::Time(_) => Self::Time(reader.timestamp_millis()?),
        })
    }
}

fn key(segments: &[Segment]) -> Key {
    segments.iter().fold(Key::new(), |key, segment| segment.add(key))
}

/// Byte strings that are close to each other and full of the bytes that are escaped.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    vec(prop_oneof![Just(0x00), Just(0x01), Just(0xFF), Just(b'a')], 0..5)
}

/// Two segments of one kind.
fn two_alike() -> impl Strategy<Value = (Segment, Segment)> {
    let text = || prop_oneof!["[\0\u{1}a]{0,4}", any::<String>()];
    let small = || prop_oneof![-2..3_i64, any::<i64>()];
    prop_oneof![
        (text(), text()).prop_map(|(a, b)| (Segment::Text(a), Segment::Text(b))),
        (bytes(), bytes()).prop_map(|(a, b)| (Segment::Bytes(a), Segment::Bytes(b))),
        any::<(u8, u8)>().prop_map(|(a, b)| (Segment::U8(a), Segment::U8(b))),
        any::<(u32, u32)>().prop_map(|(a, b)| (Segment::U32(a), Segment::U32(b))),
        any::<(u64, u64)>().prop_map(|(a, b)| (Segment::U64(a), Segment::U64(b))),
        any::<(u128, u128)>().prop_map(|(a, b)| (Segment::U128(a), Segment::U128(b))),
        (small(), small()).prop_map(|(a, b)| (Segment::I64(a), Segment::I64(b))),
        (small(), small()).prop_map(|(a, b)| (Segment::Time(a), Segment::Time(b))),
    ]
}

proptest! {
    #[test]
    fn keys_sort_as_their_segments_do(pairs in vec(two_alike(), 1..5), equal in 0..4_usize) {
        // Equal segments in front, so that later ones decide.
        let (left, right): (Vec<_>, Vec<_>) =
            pairs.into_iter().enumerate().map(|(at, (a, b))| if at < equal { (a.clone(), a) } else { (a, b) }).unzip();
        prop_assert_eq!(key(&left).cmp(&key(&right)), left.cmp(&right));
    }

    #[test]
    fn keys_can_be_taken_apart(pairs in vec(two_alike(), 0..5)) {
        let segments: Vec<_> = pairs.into_iter().map(|(segment, _)| segment).collect();
        let key = key(&segments);
        let mut reader = KeyReader::new(&key);
        for segment in &segments {
            prop_assert_eq!(&segment.read(&mut reader)?, segment);
        }
        prop_assert_eq!(reader.finish(), Ok(()));
    }

    #[test]
    fn a_range_holds_the_keys_that_go_on_and_no_others(front in bytes(), other in bytes(), behind in bytes()) {
        let range = Key::new().bytes(&front).range();
        prop_assert!(range.contains(&Key::new().bytes(&front)));
        prop_assert!(range.contains(&Key::new().bytes(&front).bytes(&behind)));
        prop_assert_eq!(range.contains(&Key::new().bytes(&other).bytes(&behind)), front == other);
    }

    #[test]
    fn segments_can_be_found_by_their_start(start in bytes(), segment in bytes(), front: u8, other: u8) {
        let range = Key::new().u8(front).range_of_segments_starting(&start);
        let found = range.contains(&Key::new().u8(front).bytes(&segment).text("behind"));
        prop_assert_eq!(found, segment.starts_with(&start));
        if front != other {
            prop_assert!(!range.contains(&Key::new().u8(other).bytes(&segment)));
        }
    }

    #[test]
    fn reading_anything_is_an_error_at_worst(key in vec(any::<u8>(), 0..40), (kind, _) in two_alike()) {
        let mut reader = KeyReader::new(&key);
        while kind.read(&mut reader).is_ok() {}
    }
}

#[test]
fn what_is_no_key_is_refused() {
    assert_eq!(KeyReader::new(b"ab").text(), Err(KeyError::Truncated));
    assert_eq!(KeyReader::new(b"ab\0").text(), Err(KeyError::Truncated));
    assert_eq!(KeyReader::new(b"ab\0\x02").text(), Err(KeyError::InvalidEscape));
    assert_eq!(KeyReader::new(b"\xC3\0\x01").text(), Err(KeyError::NotText));
    assert_eq!(KeyReader::new(b"\0\0\0").u32(), Err(KeyError::Truncated));
    assert_eq!(KeyReader::new(b"a").finish(), Err(KeyError::TrailingBytes));
}

#[test]
fn a_known_key_has_known_bytes() {
    let key = Key::new().text("a\0").u8(7).i64(-1).u32(1);
    assert_eq!(&*key, b"a\0\xFF\0\x01\x07\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF\0\0\0\x01");
    assert_eq!(Key::new().text("a").text("bc").cmp(&Key::new().text("ab").text("c")), Ordering::Less);
}
