//! What names an image: `HOST[:PORT]/NAME[:TAG][@DIGEST]`.

use std::fmt;
use std::str::FromStr;

use blob::Digest;

use crate::limits::REFERENCE_BYTES_MAX;

/// The name of an image in a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// The registry's host, with its port if there is one.
    pub registry: String,
    /// The repository's name.
    pub repository: String,
    /// The tag.
    pub tag: Option<String>,
    /// The digest, which goes before the tag.
    pub digest: Option<Digest>,
}

/// Why a text is no [`Reference`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an image looks like HOST[:PORT]/NAME:TAG or HOST[:PORT]/NAME@sha256:DIGEST")]
pub struct NotAReference;

impl FromStr for Reference {
    type Err = NotAReference;

    fn from_str(text: &str) -> Result<Reference, NotAReference> {
        if text.len() > REFERENCE_BYTES_MAX {
            return Err(NotAReference);
        }
        let (text, digest) = match text.split_once('@') {
            Some((text, digest)) => (text, Some(parse_digest(digest).ok_or(NotAReference)?)),
            None => (text, None),
        };
        let (registry, path) = text.split_once('/').ok_or(NotAReference)?;
        let (repository, tag) = match path.rsplit_once(':') {
            Some((repository, tag)) => (repository, Some(tag.to_owned())),
            None => (path, None),
        };
        let is_named = repository.split('/').all(is_component)
            && tag.as_deref().is_none_or(is_tag)
            && (tag.is_some() || digest.is_some());
        if !is_named || !is_host(registry) {
            return Err(NotAReference);
        }
        Ok(Reference { registry: registry.to_owned(), repository: repository.to_owned(), tag, digest })
    }
}

impl Reference {
    /// What a registry is asked for: the digest, or else the tag.
    pub fn target(&self) -> String {
        match (&self.digest, &self.tag) {
            (Some(digest), _) => format!("sha256:{digest}"),
            (None, tag) => tag.clone().unwrap_or_default(),
        }
    }

    /// The same image by its digest alone.
    pub fn resolved(&self, digest: &Digest) -> String {
        format!("{}/{}@sha256:{digest}", self.registry, self.repository)
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.registry, self.repository)?;
        if let Some(tag) = &self.tag {
            write!(formatter, ":{tag}")?;
        }
        self.digest.as_ref().map_or(Ok(()), |digest| write!(formatter, "@sha256:{digest}"))
    }
}

/// A digest as images write it. Others than SHA-256 are not in use.
pub(crate) fn parse_digest(text: &str) -> Option<Digest> {
    text.strip_prefix("sha256:")?.parse().ok()
}

/// A host says that it is one: by a dot, a port, or as `localhost`.
fn is_host(text: &str) -> bool {
    let (name, port) = match text.rsplit_once(':') {
        Some((name, port)) => (name, Some(port)),
        None => (text, None),
    };
    let is_name = !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'))
        && !name.starts_with(['.', '-'])
        && !name.contains("..");
    let is_port = port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0));
    is_name && is_port && (name.contains('.') || port.is_some() || name == "localhost")
}

/// Lower-case letters and digits, with single separators between them: `.`, `_`, `__` or any number of `-`.
fn is_component(text: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let (Some(first), Some(last)) = (text.bytes().next(), text.bytes().last()) else { return false };
    let separators = text.split(|letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit());
    is_word(first)
        && is_word(last)
        && separators
            .into_iter()
            .all(|run| matches!(run, "" | "." | "_" | "__") || run.bytes().all(|byte| byte == b'-'))
}

fn is_tag(text: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    (1..=128).contains(&text.len())
        && text.bytes().next().is_some_and(is_word)
        && text.bytes().all(|byte| is_word(byte) || matches!(byte, b'.' | b'-'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DIGEST: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn references_are_taken_apart() {
        let parse = |text: &str| text.parse::<Reference>().unwrap();
        let ecr = parse("123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/app:1.0-rc_1");
        assert_eq!(ecr.registry, "123456789012.dkr.ecr.eu-west-1.amazonaws.com");
        assert_eq!((ecr.repository.as_str(), ecr.target().as_str()), ("team/app", "1.0-rc_1"));
        let local = parse(&format!("localhost:5000/a__b/c--d@sha256:{DIGEST}"));
        assert_eq!((local.registry.as_str(), local.tag.as_deref()), ("localhost:5000", None));
        assert_eq!(local.target(), format!("sha256:{DIGEST}"));
        let both = parse(&format!("127.0.0.1:5000/app:latest@sha256:{DIGEST}"));
        assert_eq!((both.tag.as_deref(), both.target()), (Some("latest"), format!("sha256:{DIGEST}")));
        assert_eq!(both.to_string(), format!("127.0.0.1:5000/app:latest@sha256:{DIGEST}"));
        assert_eq!(ecr.resolved(&Digest::of(b"")), format!("{}/team/app@sha256:{DIGEST}", ecr.registry));
    }

    #[test]
    fn other_texts_are_no_references() {
        let bad = [
            "",
            "app",
            "app:latest",
            "library/app:latest",
            "example.com/app",
            "example.com/App:1",
            "example.com/app:",
            "example.com/app:-1",
            "example.com/a..b:1",
            "example.com/a___b:1",
            "example.com//a:1",
            "example.com/../a:1",
            "example.com:x/a:1",
            "example.com:0/a:1",
            "a@b.com/a:1",
            "example.com/a@sha256:12",
            "example.com/a@md5:d41d8cd98f00b204e9800998ecf8427e",
        ];
        for text in bad {
            assert_eq!(text.parse::<Reference>(), Err(NotAReference), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_taken_is_written_the_same(text in "[a-zA-Z0-9.:/@_-]{0,60}") {
            if let Ok(reference) = text.parse::<Reference>() {
                prop_assert_eq!(reference.to_string(), text);
            }
        }
    }
}
