//! Tags of objects and buckets.

use std::collections::BTreeMap;

use api::s3::errors::{bad_request, invalid_tag};
use api::s3::{Tag, Tagging};
use percent_encoding::percent_decode_str;
use wire::Error;
use wire::error::Scalar;

use crate::errors::argument;
use crate::limits::{TAG_KEY_CHARACTERS_MAX, TAG_VALUE_CHARACTERS_MAX};

/// Tags by key.
pub type Tags = BTreeMap<String, String>;

/// Reads the tags of a document.
///
/// # Errors
/// `InvalidTag`, `BadRequest`.
pub fn of_document(tagging: Tagging, max: usize) -> Result<Tags, Error> {
    checked(tagging.tag_set.into_iter().map(|tag| (tag.key, tag.value)), max)
}

/// Reads `x-amz-tagging`: a query string.
///
/// # Errors
/// `InvalidArgument`, `InvalidTag`, `BadRequest`.
pub fn of_header(header: &str, max: usize) -> Result<Tags, Error> {
    let malformed = || {
        let text = "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag \
                    name duplicates.";
        argument(text, "x-amz-tagging", header)
    };
    let decode = |text: &str| -> Result<String, Error> {
        let text = text.replace('+', " ");
        Ok(percent_decode_str(&text).decode_utf8().map_err(|_| malformed())?.into_owned())
    };
    let mut pairs = BTreeMap::new();
    for pair in header.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        if pairs.insert(decode(key)?, decode(value)?).is_some() {
            return Err(malformed());
        }
    }
    if pairs.keys().any(|key| key.starts_with(SYSTEM)) {
        return Err(invalid_tag("Your TagKey cannot be prefixed with aws:"));
    }
    checked(pairs, max)
}

/// What the keys of tags begin with that AWS sets itself.
const SYSTEM: &str = "aws:";

fn checked(pairs: impl IntoIterator<Item = (String, String)>, max: usize) -> Result<Tags, Error> {
    let mut tags = Tags::new();
    for (key, value) in pairs {
        let refuse = |text: &str| Err(invalid_tag(text.to_owned()).with("TagKey", Scalar::from(key.as_str())));
        if key.is_empty() || key.chars().count() > TAG_KEY_CHARACTERS_MAX || !key.chars().all(is_tag_character) {
            return refuse("The TagKey you have provided is invalid");
        }
        if key.starts_with(SYSTEM) {
            return refuse("System tags cannot be added/updated by requester");
        }
        if value.chars().count() > TAG_VALUE_CHARACTERS_MAX || !value.chars().all(is_tag_character) {
            let error = invalid_tag("The TagValue you have provided is invalid");
            return Err(error.with("TagKey", Scalar::from(key)).with("TagValue", Scalar::from(value)));
        }
        if tags.contains_key(&key) {
            return refuse("Cannot provide multiple Tags with the same key");
        }
        tags.insert(key, value);
    }
    if tags.len() > max {
        let what = if max == crate::limits::OBJECT_TAGS_MAX { "Object" } else { "Bucket" };
        return Err(bad_request(format!("{what} tags cannot be greater than {max}")));
    }
    Ok(tags)
}

/// Letters, digits and blanks of all scripts, and `+ - = . _ : / @` (S3 User Guide, "Categorizing your storage using
/// tags").
fn is_tag_character(character: char) -> bool {
    character.is_alphanumeric() || character == ' ' || "+-=._:/@".contains(character)
}

/// Tags as the API lists them.
pub fn listed(tags: &Tags) -> Vec<Tag> {
    let each = tags.iter().map(|(key, value)| Tag { key: key.clone(), value: value.clone(), ..Tag::default() });
    each.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_come_as_a_query_string() {
        let tags = of_header("a=1&b%20c=x+y&d", 10).unwrap();
        let expected = [("a", "1"), ("b c", "x y"), ("d", "")].map(|(key, value)| (key.to_owned(), value.to_owned()));
        assert_eq!(tags, Tags::from(expected));
        assert!(of_header("a=1&a=2", 10).unwrap_err().is("InvalidArgument"));
        assert!(of_header("aws:x=1", 10).unwrap_err().is("InvalidTag"));
        assert!(of_header("a=1&b=2", 1).unwrap_err().is("BadRequest"));
        assert!(of_header("a=%00", 1).unwrap_err().is("InvalidTag"));
    }
}
