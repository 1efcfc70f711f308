//! Parameters of a form post or a query string.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use crate::codec::{ReadError, ReadResult};

/// Decoded parameters, sorted by key so that all that begin with a prefix stand together.
#[derive(Debug, Default)]
pub struct Form<'a> {
    pairs: Vec<(Cow<'a, str>, Cow<'a, str>)>,
}

impl<'a> Form<'a> {
    /// Parses `key=value&…` texts; parameters may be split over the URL and the body. Of several values under one key
    /// the first counts.
    pub fn parse(sources: &[&'a str]) -> ReadResult<Form<'a>> {
        let mut pairs = Vec::new();
        for pair in sources.iter().flat_map(|source| source.split('&')).filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            pairs.push((decode(key)?, decode(value)?));
        }
        pairs.sort_by(|(a, _), (b, _)| a.cmp(b));
        Ok(Form { pairs })
    }

    /// The value of a parameter.
    pub fn get(&self, key: &str) -> Option<&str> {
        let index = self.pairs.partition_point(|(name, _)| name.as_ref() < key);
        self.pairs.get(index).filter(|(name, _)| name == key).map(|(_, value)| value.as_ref())
    }

    /// All values of a parameter, in the order in which they came.
    pub fn all<'f>(&'f self, key: &'f str) -> impl Iterator<Item = &'f str> {
        let index = self.pairs.partition_point(|(name, _)| name.as_ref() < key);
        self.pairs[index..].iter().take_while(move |(name, _)| name == key).map(|(_, value)| value.as_ref())
    }

    /// All parameters, sorted by key.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs.iter().map(|(key, value)| (key.as_ref(), value.as_ref()))
    }

    /// Whether any key begins with the text.
    pub(super) fn has_prefix(&self, prefix: &str) -> bool {
        let index = self.pairs.partition_point(|(name, _)| name.as_ref() < prefix);
        self.pairs.get(index).is_some_and(|(name, _)| name.starts_with(prefix))
    }
}

/// Undoes form encoding: `+` is a blank, `%XX` a byte; bytes must be UTF-8.
pub(crate) fn decode(text: &str) -> ReadResult<Cow<'_, str>> {
    if memchr::memchr2(b'%', b'+', text.as_bytes()).is_none() {
        return Ok(Cow::Borrowed(text));
    }
    let spaced = text.replace('+', " ");
    match percent_decode_str(&spaced).decode_utf8() {
        Ok(decoded) => Ok(Cow::Owned(decoded.into_owned())),
        Err(_) => Err(ReadError::new("Request parameters are not valid UTF-8")),
    }
}
