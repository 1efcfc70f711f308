//! Pages of lists.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use platform::OrFailure;
use serde::de::DeserializeOwned;
use store::Direction;
use store::keys::{Key, KeyReader};
use wire::Error;

use crate::errors::invalid;
use crate::keys;
use crate::limits::{PAGE, ROWS_PER_PAGE};
use crate::rows;
use crate::service::Events;

/// What a list is about.
pub struct Listing<'a> {
    /// What the keys of all rows begin with.
    pub all: Key,
    /// What the names begin with.
    pub name_prefix: Option<&'a str>,
    /// Names on the page.
    pub limit: Option<i32>,
    /// The token of the page before.
    pub token: Option<&'a str>,
}

/// The records of a page that are wanted, each with its name, and the token of the next page.
///
/// # Errors
/// `ValidationException` for a token that no answer of ours carried.
pub async fn read<T: DeserializeOwned>(
    service: &Events,
    listing: Listing<'_>,
    wanted: impl Fn(&T) -> bool,
) -> Result<(Vec<(String, T)>, Option<String>), Error> {
    let Listing { all, name_prefix, limit, token } = listing;
    let mut range = all.range_of_segments_starting(name_prefix.unwrap_or_default().as_bytes());
    if let Some(token) = token {
        let after = STANDARD.decode(token).ok().filter(|key| range.contains(key));
        range = range.after(&after.ok_or_else(|| invalid("NextToken", "The token is not valid."))?);
    }
    let limit = limit.map_or(PAGE, |limit| (limit.max(1) as usize).min(PAGE));
    let found = service.store().scan(&keys::partition(), range, Direction::Forward, ROWS_PER_PAGE + 1).await;
    let found = found.or_failure()?;
    let mut records = Vec::new();
    for (place, (key, row)) in found.iter().enumerate() {
        if records.len() == limit || place == ROWS_PER_PAGE {
            // The page ends in front of this row.
            let last = place.checked_sub(1).and_then(|before| found.get(before));
            return Ok((records, last.map(|(key, _)| STANDARD.encode(key))));
        }
        let record: T = rows::decode(row)?;
        if wanted(&record) {
            let name = rows::key_part(KeyReader::new(key.get(all.len()..).unwrap_or_default()).text())?;
            records.push((name, record));
        }
    }
    Ok((records, None))
}
