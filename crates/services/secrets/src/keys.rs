//! The keys of the service's rows. The partition is the account's, so keys begin with the region.

use store::keys::Key;
use store::{Partition, StoreError};

/// Format number of all rows.
pub const FORMAT: u8 = 1;

const SECRET: u8 = 1;
const VERSION: u8 = 2;
const VALUE: u8 = 3;
const COUNT: u8 = 4;

/// Where all secrets of an account lie.
///
/// # Errors
/// [`StoreError::LimitExceeded`] for an account id of absurd length.
pub fn partition(account: &str) -> Result<Partition, StoreError> {
    Partition::new(format!("secrets/{account}"))
}

/// A secret.
pub fn secret(region: &str, name: &str) -> Key {
    secrets(region).text(name)
}

/// In front of all secrets of a region.
pub fn secrets(region: &str) -> Key {
    Key::new().u8(SECRET).text(region)
}

/// A version of a secret.
pub fn version(region: &str, name: &str, id: &str) -> Key {
    versions(region, name).text(id)
}

/// In front of the versions of a secret.
pub fn versions(region: &str, name: &str) -> Key {
    Key::new().u8(VERSION).text(region).text(name)
}

/// The encrypted value of a version.
pub fn value(region: &str, name: &str, id: &str) -> Key {
    values(region, name).text(id)
}

/// In front of the encrypted values of a secret.
pub fn values(region: &str, name: &str) -> Key {
    Key::new().u8(VALUE).text(region).text(name)
}

/// How many secrets there are in a region.
pub fn count(region: &str) -> Key {
    Key::new().u8(COUNT).text(region)
}

/// Id of the timer that deletes a secret.
pub fn deletion_timer(region: &str, name: &str) -> String {
    format!("delete/{region}/{name}")
}

/// Id of the timer of a secret's next scheduled rotation.
pub fn schedule_timer(region: &str, name: &str) -> String {
    format!("schedule/{region}/{name}")
}

/// Id of the timer of the rotation that is under way.
pub fn rotation_timer(region: &str, name: &str) -> String {
    format!("rotate/{region}/{name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_whose_names_begin_alike_keep_their_rows_apart() {
        assert!(secrets("r").range().contains(&secret("r", "a/b")));
        assert!(!secrets("r").range().contains(&secret("r2", "a")));
        assert!(!versions("r", "a").range().contains(&version("r", "ab", "1")));
        assert!(!values("r", "a").range().contains(&version("r", "a", "1")));
    }
}
