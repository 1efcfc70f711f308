//! Byte ranges.

use api::s3::errors::invalid_range;
use wire::Error;
use wire::error::Scalar;

/// A part of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stretch {
    /// Where it begins, in bytes.
    pub offset: u64,
    /// Its bytes.
    pub length: u64,
}

impl Stretch {
    /// `Content-Range`.
    pub fn content_range(self, size: u64) -> String {
        format!("bytes {}-{}/{size}", self.offset, self.offset + self.length - 1)
    }
}

/// The part of a body of `size` bytes that a `Range` header asks for. A header that is malformed, or asks for several
/// ranges, counts as absent.
///
/// # Errors
/// `InvalidRange` if no byte of the body is in the range.
pub fn requested(header: &str, size: u64) -> Result<Option<Stretch>, Error> {
    let Some((first, last)) = header.trim().strip_prefix("bytes=").and_then(|range| range.split_once('-')) else {
        return Ok(None);
    };
    let (first, last) = (first.trim(), last.trim());
    let number = |text: &str| {
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        // More than fits is beyond every body.
        is_number.then(|| text.parse::<u64>().unwrap_or(u64::MAX))
    };
    let (offset, end) = match (number(first), number(last)) {
        (None, Some(suffix)) if first.is_empty() => {
            (if suffix == 0 { size } else { size.saturating_sub(suffix) }, size)
        }
        (Some(first), None) if last.is_empty() => (first, size),
        (Some(first), Some(last)) if first <= last => (first, last.saturating_add(1).min(size)),
        _ => return Ok(None),
    };
    if offset >= size {
        return Err(invalid_range("The requested range is not satisfiable")
            .with("RangeRequested", Scalar::from(header))
            .with("ActualObjectSize", Scalar::from(size as i64)));
    }
    Ok(Some(Stretch { offset, length: end - offset }))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of_ten(header: &str) -> Option<(u64, u64)> {
        requested(header, 10).unwrap().map(|stretch| (stretch.offset, stretch.length))
    }

    #[test]
    fn ranges_are_cut_to_the_body() {
        assert_eq!(of_ten("bytes=0-3"), Some((0, 4)));
        assert_eq!(of_ten("bytes=5-"), Some((5, 5)));
        assert_eq!(of_ten("bytes=-3"), Some((7, 3)));
        assert_eq!(of_ten("bytes=-30"), Some((0, 10)));
        assert_eq!(of_ten("bytes=9-99999999999999999999999"), Some((9, 1)));
    }

    #[test]
    fn malformed_ranges_count_as_absent() {
        for header in ["bytes=3-2", "bytes=a-b", "bytes=-", "bytes=0-1,3-4", "items=0-1", "0-1", "bytes=--1"] {
            assert_eq!(of_ten(header), None, "{header}");
        }
    }

    #[test]
    fn ranges_outside_the_body_are_refused() {
        for (header, size) in [("bytes=10-", 10), ("bytes=-0", 10), ("bytes=0-", 0), ("bytes=-5", 0)] {
            assert!(requested(header, size).unwrap_err().is("InvalidRange"), "{header}");
        }
    }

    proptest! {
        #[test]
        fn a_range_is_never_outside_the_body(header in "bytes=[0-9-]{0,24}", size: u32) {
            if let Ok(Some(stretch)) = requested(&header, size.into()) {
                prop_assert!(stretch.length > 0 && stretch.offset + stretch.length <= u64::from(size));
            }
        }
    }
}
