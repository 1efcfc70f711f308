//! Compressed request bodies (`Content-Encoding: gzip`), which operations with the `requestcompression` trait accept.

use std::io::Read;

use flate2::read::MultiGzDecoder;
use http::HeaderMap;
use http::header::CONTENT_ENCODING;

/// Most bytes that a request body may unpack to: the largest request of such an operation (CloudWatch's PutMetricData
/// takes 1 MB) with ample room.
pub const MAX_UNPACKED_BYTES: usize = 10 * 1024 * 1024;

/// How many times its size a body may unpack to. Metric data packs some 50 times; a bomb up to 1,032 times.
pub const MAX_UNPACK_RATIO: usize = 256;

/// Bodies that unpack to less than this, in bytes, are never taken for bombs.
pub const RATIO_FREE_BYTES: usize = 64 * 1024;

/// Why a body was not unpacked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UnpackError {
    /// Not gzip, or cut short.
    #[error("the body is not valid gzip")]
    Malformed,
    /// It unpacks to more than a request may have.
    #[error("the body unpacks to too many bytes")]
    TooLarge,
}

/// Whether the body is packed with gzip. Any other coding is left to the operation to refuse.
pub fn is_gzip(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_ENCODING).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"gzip"))
}

/// Unpacks a gzip body of at most [`MAX_UNPACKED_BYTES`] and [`MAX_UNPACK_RATIO`].
///
/// # Errors
/// [`UnpackError`]; at most one byte more than the bound is ever held.
pub fn gunzip(body: &[u8]) -> Result<Vec<u8>, UnpackError> {
    let by_ratio = body.len().saturating_mul(MAX_UNPACK_RATIO).max(RATIO_FREE_BYTES);
    let limit = by_ratio.min(MAX_UNPACKED_BYTES);
    let mut unpacked = Vec::new();
    let mut reader = MultiGzDecoder::new(body).take(limit as u64 + 1);
    reader.read_to_end(&mut unpacked).map_err(|_| UnpackError::Malformed)?;
    if unpacked.len() > limit { Err(UnpackError::TooLarge) } else { Ok(unpacked) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail where it unwraps")]

    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use http::HeaderValue;

    use super::*;

    fn gzip(body: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(body).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn a_packed_body_is_unpacked() {
        let body = b"Action=PutMetricData&Namespace=Test".repeat(100);
        assert_eq!(gunzip(&gzip(&body)), Ok(body));
    }

    #[test]
    fn members_that_follow_each_other_are_one_body() {
        let packed = [gzip(b"first "), gzip(b"second")].concat();
        assert_eq!(gunzip(&packed), Ok(b"first second".to_vec()));
    }

    #[test]
    fn a_body_that_is_cut_short_or_no_gzip_is_refused() {
        let packed = gzip(b"some metric data");
        assert_eq!(gunzip(&packed[..packed.len() - 4]), Err(UnpackError::Malformed));
        assert_eq!(gunzip(b"plain"), Err(UnpackError::Malformed));
    }

    #[test]
    fn a_bomb_is_refused_by_its_ratio_and_a_large_body_by_its_size() {
        let bomb = gzip(&vec![0; MAX_UNPACKED_BYTES / 2]);
        assert!(bomb.len() * MAX_UNPACK_RATIO < MAX_UNPACKED_BYTES / 2, "the ratio alone must refuse it");
        assert_eq!(gunzip(&bomb), Err(UnpackError::TooLarge));

        let large: Vec<u8> = (0..=MAX_UNPACKED_BYTES).map(|index| ((index * index) >> 7) as u8).collect();
        assert_eq!(gunzip(&gzip(&large)), Err(UnpackError::TooLarge));
    }

    #[test]
    fn only_gzip_is_recognised_whatever_its_case() {
        let headers = |value| HeaderMap::from_iter([(CONTENT_ENCODING, HeaderValue::from_static(value))]);
        assert!(is_gzip(&headers("gzip")) && is_gzip(&headers("GZIP")));
        assert!(!is_gzip(&headers("aws-chunked")) && !is_gzip(&HeaderMap::new()));
    }
}
