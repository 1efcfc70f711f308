//! Names of buckets, keys of objects, and what names a source of a copy.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use wire::Error;
use wire::error::Scalar;

use crate::errors::argument;
use crate::limits::KEY_BYTES_MAX;

/// What `encoding-type=url` leaves as it is, besides letters and digits.
const PLAIN: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'*').remove(b'/').remove(b' ');

/// Whether a bucket may have this name (S3 User Guide, "General purpose bucket naming rules").
pub fn is_bucket_name(name: &str) -> bool {
    let bytes = name.as_bytes();
    let is_edge = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let is_inner = |byte: &u8| is_edge(byte) || matches!(byte, b'-' | b'.');
    let is_address = name.split('.').count() == 4 && name.split('.').all(|label| label.parse::<u8>().is_ok());
    (3..=63).contains(&bytes.len())
        && bytes.iter().all(is_inner)
        && bytes.first().is_some_and(is_edge)
        && bytes.last().is_some_and(is_edge)
        && !name.contains("..")
        && !is_address
        && !["xn--", "sthree-", "amzn-s3-demo-"].iter().any(|prefix| name.starts_with(prefix))
        && !["-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"].iter().any(|suffix| name.ends_with(suffix))
}

/// Refuses keys that are too long.
///
/// # Errors
/// `KeyTooLongError`.
pub fn check_key(key: &str) -> Result<(), Error> {
    if key.len() <= KEY_BYTES_MAX {
        return Ok(());
    }
    Err(api::s3::errors::key_too_long_error("Your key is too long")
        .with("Size", Scalar::from(key.len() as i64))
        .with("MaxSizeAllowed", Scalar::from(KEY_BYTES_MAX as i64)))
}

/// A text in a listing, encoded if the client asked for it.
pub fn listed(text: &str, is_encoded: bool) -> String {
    if is_encoded { utf8_percent_encode(text, PLAIN).to_string().replace(' ', "+") } else { text.to_owned() }
}

/// Reads `encoding-type`.
///
/// # Errors
/// `InvalidArgument`.
pub fn is_encoded(encoding: Option<&str>) -> Result<bool, Error> {
    match encoding {
        None | Some("") => Ok(false),
        Some("url") => Ok(true),
        Some(other) => Err(argument("Invalid Encoding Method specified in Request", "encoding-type", other)),
    }
}

/// What is copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopySource {
    /// Its bucket.
    pub bucket: String,
    /// Its key.
    pub key: String,
    /// Its version, if one is named.
    pub version: Option<String>,
}

impl CopySource {
    /// Reads `x-amz-copy-source`: `[/]bucket/key[?versionId=id]`, percent-encoded, or an ARN of an object.
    ///
    /// # Errors
    /// `InvalidArgument`.
    pub fn parse(text: &str) -> Result<CopySource, Error> {
        let malformed = || {
            argument(
                "Copy Source must mention the source bucket and key: sourcebucket/sourcekey",
                "x-amz-copy-source",
                text,
            )
        };
        let (path, query) = text.split_once('?').unwrap_or((text, ""));
        let decoded = percent_decode_str(path).decode_utf8().map_err(|_| malformed())?;
        let path = decoded.strip_prefix("arn:aws:s3:::").unwrap_or(&decoded);
        let path = path.strip_prefix('/').unwrap_or(path);
        let (bucket, key) = path.split_once('/').ok_or_else(malformed)?;
        if bucket.is_empty() || key.is_empty() {
            return Err(malformed());
        }
        let version = match query {
            "" => None,
            _ => match query.strip_prefix("versionId=") {
                Some(id) => Some(percent_decode_str(id).decode_utf8().map_err(|_| malformed())?.into_owned()),
                None => {
                    let text = "Unsupported copy source parameter.";
                    return Err(argument(text, "x-amz-copy-source", query));
                }
            },
        };
        if version.as_deref() == Some("") {
            return Err(argument("Version id cannot be the empty string", "x-amz-copy-source", ""));
        }
        Ok(CopySource { bucket: bucket.to_owned(), key: key.to_owned(), version })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_of_buckets_follow_the_rules() {
        for name in ["abc", "my-bucket", "my.bucket.1", "1ab", &"a".repeat(63)] {
            assert!(is_bucket_name(name), "{name}");
        }
        let long = "a".repeat(64);
        for name in ["ab", "Abc", "a_b", "-ab", "ab-", "a..b", "192.168.0.1", "xn--ab", "a-s3alias", "../etc", &long] {
            assert!(!is_bucket_name(name), "{name}");
        }
    }

    #[test]
    fn a_source_is_decoded_once_and_may_name_a_version() {
        let source = CopySource::parse("/b-1/a%20b%2Bc/%2525?versionId=v1").unwrap();
        let expected = CopySource { bucket: "b-1".into(), key: "a b+c/%25".into(), version: Some("v1".into()) };
        assert_eq!(source, expected);
        assert_eq!(CopySource::parse("b-1/k+k").unwrap().key, "k+k");
        for text in ["", "/", "bucket", "bucket/", "/bucket/", "b/k?versionId=", "b/k?acl"] {
            assert!(CopySource::parse(text).unwrap_err().is("InvalidArgument"), "{text}");
        }
    }

    #[test]
    fn listed_texts_are_encoded_as_java_does_it() {
        assert_eq!(listed("a b/ä+%*~", true), "a+b/%C3%A4%2B%25*%7E");
        assert_eq!(listed("a b", false), "a b");
    }

    proptest! {
        #[test]
        fn any_source_is_read_or_refused(text: String) {
            let _ = CopySource::parse(&text);
        }
    }
}
