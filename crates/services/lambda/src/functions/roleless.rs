//! Functions whose role did not exist when they were given it, for whoever looks into a data directory.

use store::{Direction, Store, StoreError, value};

use crate::function::{FunctionVersion, VersionRecord};
use crate::keys;

/// Rows read at once.
const ROWS_PAGE: usize = 256;

/// Most functions that are named.
pub const NAMED_MAX: usize = 100;

/// The first [`NAMED_MAX`] functions, of all accounts, whose role did not exist when they were given it: in open mode they
/// act as the account root as long as there is no such role.
///
/// # Errors
/// [`StoreError`] if the state cannot be read.
pub async fn without_role(store: &Store) -> Result<Vec<FunctionVersion>, StoreError> {
    let partition = keys::partition()?;
    let mut range = keys::every_version();
    let mut found = Vec::new();
    loop {
        let rows = store.scan(&partition, range.clone(), Direction::Forward, ROWS_PAGE).await?;
        let Some((last, _)) = rows.last() else { return Ok(found) };
        range = range.after(last);
        for (_, row) in &rows {
            let record: VersionRecord = value::decode(keys::FORMAT, row)?;
            if !record.described.configuration.has_role {
                found.push(record.described);
            }
            if found.len() == NAMED_MAX {
                return Ok(found);
            }
        }
    }
}
