//! Conditional requests (RFC 9110, section 13, as S3 applies it).

use api::s3::errors::not_modified;
use wire::{Error, Timestamp};

use crate::errors::precondition;
use crate::version::Version;

/// The conditions of a read, or of the source of a copy.
#[derive(Debug, Clone, Default)]
pub struct Conditions {
    /// `If-Match`.
    pub if_match: Option<String>,
    /// `If-None-Match`.
    pub if_none_match: Option<String>,
    /// `If-Modified-Since`.
    pub if_modified_since: Option<Timestamp>,
    /// `If-Unmodified-Since`.
    pub if_unmodified_since: Option<Timestamp>,
}

/// Whether a list of entity tags names this one. Quotes are optional, as in S3.
pub fn names(list: &str, etag: &str) -> bool {
    list.split(',').map(str::trim).any(|tag| {
        let tag = tag.strip_prefix("W/").unwrap_or(tag);
        tag == "*" || tag.trim_matches('"') == etag
    })
}

impl Conditions {
    /// Decides a read at a time, in milliseconds since 1970. That nothing was modified since a time to come cannot be said:
    /// such a condition is passed over (RFC 9110, section 13.1.3).
    ///
    /// # Errors
    /// `PreconditionFailed`, `NotModified`.
    pub fn check_read(&self, version: &Version, now: i64) -> Result<(), Error> {
        let modified = version.modified_at();
        match (&self.if_match, self.if_unmodified_since) {
            (Some(list), _) if !names(list, &version.etag) => return Err(precondition("If-Match")),
            (None, Some(time)) if modified.seconds > time.seconds => return Err(precondition("If-Unmodified-Since")),
            _ => {}
        }
        let is_unmodified = match (&self.if_none_match, self.if_modified_since) {
            (Some(list), _) => names(list, &version.etag),
            (None, Some(time)) => {
                modified.seconds <= time.seconds && time.seconds <= Timestamp::from_milliseconds(now).seconds
            }
            (None, None) => false,
        };
        if !is_unmodified {
            return Ok(());
        }
        let mut date = String::new();
        modified.write(wire::schema::TimestampFormat::Rfc822, &mut date);
        Err(not_modified("Not Modified").with_header("etag", version.quoted_etag()).with_header("last-modified", date))
    }

    /// Decides about the source of a copy, where nothing is "not modified".
    ///
    /// # Errors
    /// `PreconditionFailed`.
    pub fn check_source(&self, version: &Version, now: i64) -> Result<(), Error> {
        self.check_read(version, now).map_err(|error| {
            if !error.is("NotModified") {
                return match self.if_match {
                    Some(_) => precondition("x-amz-copy-source-If-Match"),
                    None => precondition("x-amz-copy-source-If-Unmodified-Since"),
                };
            }
            match self.if_none_match {
                Some(_) => precondition("x-amz-copy-source-If-None-Match"),
                None => precondition("x-amz-copy-source-If-Modified-Since"),
            }
        })
    }
}

/// The conditions of a write on what is there now.
#[derive(Debug, Clone, Default)]
pub struct WriteConditions {
    /// `If-Match`.
    pub if_match: Option<String>,
    /// `If-None-Match`; S3 takes `*` alone.
    pub if_none_match: Option<String>,
}

impl WriteConditions {
    /// Refuses what S3 does not take.
    ///
    /// # Errors
    /// `NotImplemented`.
    pub fn check(&self) -> Result<(), Error> {
        if self.if_none_match.as_deref().is_some_and(|list| list != "*") {
            return Err(crate::errors::unsupported("If-None-Match"));
        }
        if self.if_match.as_deref() == Some("*") {
            return Err(crate::errors::unsupported("If-Match"));
        }
        if self.if_match.is_some() && self.if_none_match.is_some() {
            return Err(crate::errors::unsupported("If-Match,If-None-Match"));
        }
        Ok(())
    }

    /// Decides a write over the object that is there, if there is one.
    ///
    /// # Errors
    /// `PreconditionFailed`, `NoSuchKey`.
    pub fn check_write(&self, key: &str, current: Option<&Version>) -> Result<(), Error> {
        if self.if_none_match.is_some() && current.is_some() {
            return Err(precondition("If-None-Match"));
        }
        match (&self.if_match, current) {
            (Some(_), None) => Err(crate::errors::no_key(key)),
            (Some(list), Some(version)) if !names(list, &version.etag) => Err(precondition("If-Match")),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_match_with_or_without_quotes() {
        for list in ["abc", "\"abc\"", "W/\"abc\"", "\"x\", \"abc\"", "*"] {
            assert!(names(list, "abc"), "{list}");
        }
        assert!(!names("\"ab\"", "abc"));
    }
}
