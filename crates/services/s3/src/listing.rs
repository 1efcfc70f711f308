//! Pages of keys: by prefix, rolled up at a delimiter, from a place on.

use platform::OrFailure;
use serde::de::DeserializeOwned;
use store::{Direction, KeyRange};
use wire::Error;

use crate::errors::argument;
use crate::keys;
use crate::limits::{PAGE_MAX, SCAN_ROWS};
use crate::rows;
use crate::service::S3;

/// What a listing asks for.
pub struct Query<'a> {
    /// The bucket.
    pub bucket: &'a str,
    /// Keys begin with this.
    pub prefix: &'a str,
    /// Keys are rolled up where this comes next after the prefix.
    pub delimiter: Option<&'a str>,
    /// Keys and rolled up prefixes come after this one.
    pub marker: &'a str,
    /// Most keys and prefixes.
    pub max: usize,
}

/// A page of a listing.
pub struct Page<T> {
    /// Rows, with their keys.
    pub rows: Vec<(String, T)>,
    /// Prefixes that stand for all keys that begin with them.
    pub prefixes: Vec<String>,
    /// The last key or prefix, if there is more.
    pub next: Option<String>,
}

/// Reads `max-keys` and its like.
///
/// # Errors
/// `InvalidArgument`.
pub fn page_size(max: Option<i32>, name: &str) -> Result<i32, Error> {
    match max {
        None => Ok(PAGE_MAX),
        Some(max) if max >= 0 => Ok(max.min(PAGE_MAX)),
        Some(max) => {
            let text = format!("Argument {name} must be an integer between 0 and 2147483647");
            Err(argument(text, name, &max.to_string()))
        }
    }
}

/// The prefix that a key is rolled up into.
pub fn rolled_up<'k>(key: &'k str, prefix: &str, delimiter: Option<&str>) -> Option<&'k str> {
    let delimiter = delimiter.filter(|delimiter| !delimiter.is_empty())?;
    let at = key[prefix.len()..].find(delimiter)?;
    Some(&key[..prefix.len() + at + delimiter.len()])
}

impl S3 {
    /// A page of the rows of a kind. `range` gives those whose keys begin with a prefix; `from` those after the marker.
    ///
    /// # Errors
    /// A failure of the store.
    pub(crate) async fn page<T: DeserializeOwned>(
        &self,
        query: &Query<'_>,
        from: KeyRange,
        range: fn(&str) -> KeyRange,
    ) -> Result<Page<T>, Error> {
        let partition = keys::bucket_partition(query.bucket);
        let mut page = Page { rows: Vec::new(), prefixes: Vec::new(), next: None };
        if query.max == 0 {
            return Ok(page);
        }
        let (mut from, mut last) = (from, String::new());
        loop {
            let limit = SCAN_ROWS.min(query.max + 1);
            let found = self.platform.store.scan(&partition, from.clone(), Direction::Forward, limit).await;
            let found = found.or_failure()?;
            let mut jump = None;
            for (row_key, row) in &found {
                let key = rows::key_part(keys::read_object(row_key))?;
                let group = rolled_up(&key, query.prefix, query.delimiter);
                if group.is_some_and(|group| group <= query.marker) {
                    jump = group.map(range);
                    break;
                }
                if page.rows.len() + page.prefixes.len() == query.max {
                    page.next = Some(last);
                    return Ok(page);
                }
                match group {
                    Some(group) => {
                        group.clone_into(&mut last);
                        page.prefixes.push(group.to_owned());
                        // All the others of the group are passed over at once.
                        jump = Some(range(group));
                        break;
                    }
                    None => {
                        last.clone_from(&key);
                        page.rows.push((key, rows::decode(row)?));
                    }
                }
            }
            let next = match (jump, found.last()) {
                (Some(group), _) => group.end().map(|end| beginning_at(&from, end)),
                (None, Some((last, _))) if found.len() == limit => Some(from.clone().after(last)),
                _ => None,
            };
            match next {
                Some(next) => from = next,
                None => return Ok(page),
            }
        }
    }
}

/// The part of a range from a key on.
fn beginning_at(range: &KeyRange, start: &[u8]) -> KeyRange {
    match range.end() {
        Some(end) => KeyRange::between(start, end),
        None => KeyRange::starting_at(start),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_rolled_up_behind_the_first_delimiter_after_the_prefix() {
        assert_eq!(rolled_up("a/b/c", "", Some("/")), Some("a/"));
        assert_eq!(rolled_up("a/b/c", "a/", Some("/")), Some("a/b/"));
        assert_eq!(rolled_up("a/b", "a/", Some("/")), None);
        assert_eq!(rolled_up("a/b", "", None), None);
        assert_eq!(rolled_up("xäy", "", Some("ä")), Some("xä"));
    }
}
