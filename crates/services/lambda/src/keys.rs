//! Where the service keeps what: the keys of its one partition.
//!
//! | Row | Key | Value |
//! |---|---|---|
//! | usage | 1, account, region | [`Usage`](crate::function::Usage) |
//! | function | 2, account, region, name | [`FunctionRecord`](crate::function::FunctionRecord) |
//! | version | 3, account, region, name, number (0 is `$LATEST`) | [`VersionRecord`](crate::function::VersionRecord) |
//! | deployment | 4, account, region, name, number | empty: this version is being made ready |
//! | package | 5, SHA-256, account, region, name, number | empty: this version needs that package |
//!
//! The control plane of all accounts shares a partition: it is written seldom, and what has to be found at start
//! (deployments cut short, packages still needed) is found without a list of accounts.

use blob::Digest;
use store::keys::{Key, KeyError, KeyReader};
use store::{KeyRange, Partition, StoreError};

use crate::function::{FunctionId, Version};

/// Format number of all values of this partition.
pub const FORMAT: u8 = 1;

const USAGE: u8 = 1;
const FUNCTION: u8 = 2;
const VERSION: u8 = 3;
const DEPLOYMENT: u8 = 4;
const PACKAGE: u8 = 5;

/// The partition of the control plane.
///
/// # Errors
/// None in practice: the name is constant and short.
pub fn partition() -> Result<Partition, StoreError> {
    Partition::new("lambda")
}

/// What an account uses in a region.
pub fn usage(account: &str, region: &str) -> Key {
    Key::new().u8(USAGE).text(account).text(region)
}

/// A function.
pub fn function(id: &FunctionId) -> Key {
    functions(&id.account, &id.region).text(&id.name)
}

/// All functions of an account in a region.
pub fn functions(account: &str, region: &str) -> Key {
    Key::new().u8(FUNCTION).text(account).text(region)
}

/// The function a function's key names.
///
/// # Errors
/// [`KeyError`] if it is another kind of key.
pub fn read_function(key: &[u8]) -> Result<FunctionId, KeyError> {
    let mut reader = KeyReader::new(key);
    reader.u8()?;
    let id = FunctionId { account: reader.text()?, region: reader.text()?, name: reader.text()? };
    reader.finish()?;
    Ok(id)
}

/// One version of a function.
pub fn version(id: &FunctionId, version: Version) -> Key {
    versions(id).u64(number(version))
}

/// All versions of a function, `$LATEST` first.
pub fn versions(id: &FunctionId) -> Key {
    all_versions(&id.account, &id.region).text(&id.name)
}

/// All versions of all functions of an account in a region.
pub fn all_versions(account: &str, region: &str) -> Key {
    Key::new().u8(VERSION).text(account).text(region)
}

/// The mark of a version that is being made ready.
pub fn deployment(id: &FunctionId, version: Version) -> Key {
    located(Key::new().u8(DEPLOYMENT), id, version)
}

/// The marks of all versions that are being made ready.
pub fn deployments() -> KeyRange {
    Key::new().u8(DEPLOYMENT).range()
}

/// The function and version a deployment's key names.
///
/// # Errors
/// [`KeyError`] if it is another kind of key.
pub fn read_deployment(key: &[u8]) -> Result<(FunctionId, Version), KeyError> {
    let mut reader = KeyReader::new(key);
    reader.u8()?;
    let id = FunctionId { account: reader.text()?, region: reader.text()?, name: reader.text()? };
    let version = match reader.u64()? {
        0 => Version::Latest,
        number => Version::Published(number),
    };
    reader.finish()?;
    Ok((id, version))
}

/// The mark that a version needs a package.
pub fn package(digest: &Digest, id: &FunctionId, version: Version) -> Key {
    located(Key::new().u8(PACKAGE).bytes(digest.as_bytes()), id, version)
}

/// The marks of all packages that any version needs.
pub fn packages() -> KeyRange {
    Key::new().u8(PACKAGE).range()
}

/// The package a package's mark names.
///
/// # Errors
/// [`KeyError`] if it is another kind of key.
pub fn read_package(key: &[u8]) -> Result<Digest, KeyError> {
    let mut reader = KeyReader::new(key);
    reader.u8()?;
    let digest = <[u8; 32]>::try_from(reader.bytes()?.as_ref());
    digest.map(Digest::from_bytes).map_err(|_| KeyError::Truncated)
}

/// The marks of all versions that need a package.
pub fn package_users(digest: &Digest) -> KeyRange {
    Key::new().u8(PACKAGE).bytes(digest.as_bytes()).range()
}

fn located(key: Key, id: &FunctionId, version: Version) -> Key {
    key.text(&id.account).text(&id.region).text(&id.name).u64(number(version))
}

fn number(version: Version) -> u64 {
    match version {
        Version::Latest => 0,
        Version::Published(number) => number,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deployment_is_read_back_from_its_key() {
        let id = FunctionId { account: "111122223333".into(), region: "eu-west-1".into(), name: "greet".into() };
        for version in [Version::Latest, Version::Published(1), Version::Published(u64::MAX)] {
            let key = deployment(&id, version);
            assert!(deployments().contains(&key));
            assert_eq!(read_deployment(&key), Ok((id.clone(), version)));
        }
        assert!(read_deployment(&usage("111122223333", "eu-west-1")).is_err());
    }

    #[test]
    fn a_name_that_begins_another_has_its_own_versions() {
        let id = |name: &str| FunctionId { account: "1".into(), region: "r".into(), name: name.into() };
        assert!(!versions(&id("a")).range().contains(&version(&id("ab"), Version::Latest)));
        assert!(versions(&id("a")).range().contains(&version(&id("a"), Version::Published(7))));
    }
}
