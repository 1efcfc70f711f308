//! Pages of lists. A marker is the last entry's own name, so that a page needs no memory here.

use api::kms::errors::invalid_marker_exception;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use wire::Error;

use crate::errors;

/// The size of a page.
///
/// # Errors
/// `ValidationException` above `max`.
pub fn limit(asked: Option<i32>, default: usize, max: usize) -> Result<usize, Error> {
    match asked {
        None => Ok(default),
        // The generic validator has refused numbers below one.
        Some(asked) => {
            let size = usize::try_from(asked).unwrap_or(1).max(1);
            if size > max { Err(errors::above("limit", asked, max)) } else { Ok(size) }
        }
    }
}

/// A marker that goes on behind this entry.
pub fn marker(last: &str) -> String {
    URL_SAFE_NO_PAD.encode(last)
}

/// The entry that a marker goes on behind.
///
/// # Errors
/// `InvalidMarkerException`.
pub fn read_marker(marker: Option<&str>) -> Result<Option<String>, Error> {
    let Some(marker) = marker else { return Ok(None) };
    let bytes = URL_SAFE_NO_PAD.decode(marker).ok();
    let last = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    Ok(Some(last.ok_or_else(|| invalid_marker_exception(format!("Could not deserialize marker '{marker}'")))?))
}

/// A page.
pub struct Page<T> {
    /// Its entries.
    pub entries: Vec<T>,
    /// The marker of the next one; `None` on the last.
    pub next_marker: Option<String>,
}

impl<T> Page<T> {
    /// Of entries in order, of which one more than fit were looked up. `name_of` tells what a marker is made of.
    pub fn of(mut entries: Vec<T>, limit: usize, name_of: impl Fn(&T) -> String) -> Page<T> {
        let is_truncated = entries.len() > limit;
        entries.truncate(limit);
        let next_marker = entries.last().filter(|_| is_truncated).map(|last| marker(&name_of(last)));
        Page { entries, next_marker }
    }

    /// The same page with other entries.
    pub fn map<U>(self, change: impl FnMut(T) -> U) -> Page<U> {
        Page { entries: self.entries.into_iter().map(change).collect(), next_marker: self.next_marker }
    }

    /// Whether there is another one.
    pub fn truncated(&self) -> Option<bool> {
        Some(self.next_marker.is_some())
    }
}
