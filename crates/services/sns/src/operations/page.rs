//! Pages of lists.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use platform::OrFailure;
use store::{Direction, KeyRange, Partition};
use wire::Error;

use crate::errors::invalid;
use crate::limits::PAGE;
use crate::service::Sns;

/// Rows, and the token of the next page.
pub type Page = (Vec<(Bytes, Bytes)>, Option<String>);

/// The rows of a range behind those of the page that a token ends.
///
/// # Errors
/// `InvalidParameter` for a token that no answer of ours carried.
pub async fn read(service: &Sns, partition: &Partition, range: KeyRange, token: Option<&str>) -> Result<Page, Error> {
    let range = match token.filter(|token| !token.is_empty()) {
        Some(token) => {
            let after = STANDARD.decode(token).ok().filter(|key| range.contains(key));
            range.after(&after.ok_or_else(|| invalid("NextToken"))?)
        }
        None => range,
    };
    let mut rows = service.store().scan(partition, range, Direction::Forward, PAGE + 1).await.or_failure()?;
    let more = rows.len() > PAGE;
    rows.truncate(PAGE);
    let token = rows.last().filter(|_| more).map(|(key, _)| STANDARD.encode(key));
    Ok((rows, token))
}
