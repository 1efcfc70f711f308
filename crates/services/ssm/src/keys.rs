//! The keys of the service's rows. The partition is the account's, so keys begin with the region.

use store::keys::Key;
use store::{KeyRange, Partition, StoreError};

/// Format number of all rows.
pub const FORMAT: u8 = 1;

const PARAMETER: u8 = 1;
const VERSION: u8 = 2;
const COUNT: u8 = 3;

/// Where all parameters of an account lie.
///
/// # Errors
/// [`StoreError::LimitExceeded`] for an account id of absurd length.
pub fn partition(account: &str) -> Result<Partition, StoreError> {
    Partition::new(format!("ssm/{account}"))
}

/// A parameter.
pub fn parameter(region: &str, name: &str) -> Key {
    parameters(region).text(name)
}

/// In front of all parameters of a region.
pub fn parameters(region: &str) -> Key {
    Key::new().u8(PARAMETER).text(region)
}

/// The parameters whose names begin so.
pub fn parameters_starting(region: &str, start: &str) -> KeyRange {
    parameters(region).range_of_segments_starting(start.as_bytes())
}

/// A version of a parameter.
pub fn version(region: &str, name: &str, number: u64) -> Key {
    versions(region, name).u64(number)
}

/// In front of the versions of a parameter, in their order.
pub fn versions(region: &str, name: &str) -> Key {
    Key::new().u8(VERSION).text(region).text(name)
}

/// How many parameters of a tier there are in a region.
pub fn count(region: &str, tier: &str) -> Key {
    Key::new().u8(COUNT).text(region).text(tier)
}

/// Id of the timer of a parameter's policy; the index tells its policies apart.
pub fn policy_timer(region: &str, name: &str, index: usize) -> String {
    format!("policy/{region}/{index}/{name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_ranges_of_names() {
        let range = parameters_starting("r", "/a/");
        assert!(range.contains(&parameter("r", "/a/b")) && range.contains(&parameter("r", "/a/b/c")));
        assert!(!range.contains(&parameter("r", "/a")) && !range.contains(&parameter("r", "/ab/c")));
        assert!(!range.contains(&parameter("r2", "/a/b")));
        assert!(parameters_starting("r", "").contains(&parameter("r", "x")));
        assert!(version("r", "a", 9) < version("r", "a", 10));
    }
}
