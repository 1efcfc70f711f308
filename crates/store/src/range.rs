//! Half-open ranges of keys.

use bytes::Bytes;

/// The order in which a scan returns keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Smallest key first.
    Forward,
    /// Largest key first.
    Backward,
}

/// The keys from `start` (included) to `end` (excluded, or unbounded when absent), in byte order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRange {
    start: Bytes,
    end: Option<Bytes>,
}

impl KeyRange {
    /// Every key of the partition.
    pub fn all() -> Self {
        Self { start: Bytes::new(), end: None }
    }

    /// The keys from `start`, included, to `end`, excluded.
    pub fn between(start: impl AsRef<[u8]>, end: impl AsRef<[u8]>) -> Self {
        Self { start: Bytes::copy_from_slice(start.as_ref()), end: Some(Bytes::copy_from_slice(end.as_ref())) }
    }

    /// The keys from `start`, included, to the end of the partition.
    pub fn starting_at(start: impl AsRef<[u8]>) -> Self {
        Self { start: Bytes::copy_from_slice(start.as_ref()), end: None }
    }

    /// The keys that begin with `prefix`.
    pub fn prefix(prefix: impl AsRef<[u8]>) -> Self {
        let prefix = prefix.as_ref();
        Self { start: Bytes::copy_from_slice(prefix), end: after_prefix(prefix) }
    }

    /// The part of this range after `key`: the next page of a forward scan that ended with `key`.
    #[must_use]
    pub fn after(mut self, key: &[u8]) -> Self {
        let mut successor = Vec::with_capacity(key.len() + 1);
        successor.extend_from_slice(key);
        successor.push(0);
        if successor.as_slice() > self.start.as_ref() {
            self.start = successor.into();
        }
        self
    }

    /// The part of this range before `key`: the next page of a backward scan that ended with `key`.
    #[must_use]
    pub fn before(mut self, key: &[u8]) -> Self {
        if self.end.as_deref().is_none_or(|end| key < end) {
            self.end = Some(Bytes::copy_from_slice(key));
        }
        self
    }

    /// The part of this range at or after `key`.
    #[must_use]
    pub(crate) fn not_before(mut self, key: &[u8]) -> Self {
        if key > self.start.as_ref() {
            self.start = Bytes::copy_from_slice(key);
        }
        self
    }

    /// The first key the range may hold.
    pub fn start(&self) -> &[u8] {
        &self.start
    }

    /// The first key behind the range, or `None` when it reaches to the end of the partition.
    pub fn end(&self) -> Option<&[u8]> {
        self.end.as_deref()
    }

    /// Whether the range holds this key.
    pub fn contains(&self, key: &[u8]) -> bool {
        key >= self.start.as_ref() && self.end.as_deref().is_none_or(|end| key < end)
    }

    /// Whether no key can be in the range.
    pub fn is_empty(&self) -> bool {
        self.end.as_deref().is_some_and(|end| end <= self.start.as_ref())
    }

    /// Whether some key can be in both ranges.
    pub fn overlaps(&self, other: &Self) -> bool {
        let before = |start: &[u8], end: Option<&[u8]>| end.is_none_or(|end| start < end);
        !self.is_empty()
            && !other.is_empty()
            && before(&self.start, other.end.as_deref())
            && before(&other.start, self.end.as_deref())
    }
}

/// The smallest key greater than every key that begins with `prefix`, if there is one.
fn after_prefix(prefix: &[u8]) -> Option<Bytes> {
    let last = prefix.iter().rposition(|byte| *byte != 0xFF)?;
    let mut end = prefix[..=last].to_vec();
    end[last] += 1;
    Some(end.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_range_holds_exactly_the_keys_with_that_prefix() {
        let range = KeyRange::prefix([1, 0xFF]);
        assert!(range.contains(&[1, 0xFF]));
        assert!(range.contains(&[1, 0xFF, 0xFF, 0xFF]));
        assert!(!range.contains(&[1, 0xFE, 0xFF]));
        assert!(!range.contains(&[2]));
        assert_eq!(KeyRange::prefix([0xFF, 0xFF]).end(), None);
        assert_eq!(KeyRange::prefix([]), KeyRange::all());
    }

    #[test]
    fn paging_leaves_out_the_key_it_continues_from() {
        let range = KeyRange::prefix("a");
        assert!(!range.clone().after(b"ab").contains(b"ab"));
        assert!(range.clone().after(b"ab").contains(b"ab\0"));
        assert!(!range.clone().before(b"ab").contains(b"ab"));
        assert!(range.clone().before(b"ab").contains(b"aa"));
        assert_eq!(range.clone().after(b"A"), range, "a key in front of the range changes nothing");
        assert_eq!(range.clone().before(b"z"), range, "a key behind the range changes nothing");
    }

    #[test]
    fn overlap_needs_a_common_key() {
        assert!(KeyRange::between("a", "c").overlaps(&KeyRange::between("b", "d")));
        assert!(!KeyRange::between("a", "c").overlaps(&KeyRange::between("c", "d")));
        assert!(KeyRange::all().overlaps(&KeyRange::starting_at("x")));
        assert!(!KeyRange::between("c", "a").overlaps(&KeyRange::all()));
    }
}
