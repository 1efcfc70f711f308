//! Where the service keeps what: the keys of its one partition.
//!
//! | Row | Key | Value |
//! |---|---|---|
//! | usage | 1, account, region | [`Usage`](crate::function::Usage) |
//! | function | 2, account, region, name | [`FunctionRecord`](crate::function::FunctionRecord) |
//! | version | 3, account, region, name, number (0 is `$LATEST`) | [`VersionRecord`](crate::function::VersionRecord) |
//! | deployment | 4, account, region, name, number | empty: this version is being made ready |
//! | package | 5, SHA-256, account, region, name, number | empty: this version needs that package |
//! | package of a layer | 5, SHA-256, account, region, name, number, 1 | empty: this layer version needs that package |
//! | alias | 6, account, region, name, alias | [`Alias`](crate::function::Alias) |
//! | policy | 7, account, region, name, qualifier (empty: the function) | [`ResourcePolicy`](crate::permission::ResourcePolicy) |
//! | reservation | 8, account, region, name | reserved concurrent executions |
//! | event invoke configuration | 9, account, region, name, qualifier | [`EventInvokeConfig`](crate::function::EventInvokeConfig) |
//! | runtime management | 10, account, region, name, version | [`RuntimeManagement`](crate::function::RuntimeManagement) |
//! | event source mapping | 11, account, region, UUID | [`Mapping`](crate::mapping::Mapping) |
//! | layer | 12, account, region, name | [`LayerRecord`](crate::layers::LayerRecord) |
//! | layer version | 13, account, region, name, number | [`LayerVersion`](crate::layers::LayerVersion) |
//! | layer policy | 14, account, region, name, number | [`ResourcePolicy`](crate::permission::ResourcePolicy) |
//! | URL | 15, account, region, name, alias (empty: the function) | [`FunctionUrl`](crate::urls::FunctionUrl) |
//! | URL by id | 16, id | the same |
//! | provisioned concurrency | 17, account, region, name, qualifier | [`ProvisionedConcurrency`](crate::function::ProvisionedConcurrency) |
//! | code signing configuration | 18, account, region, id | [`CodeSigningConfig`](crate::code_signing::CodeSigningConfig) |
//! | code signing of a function | 19, account, region, name | the id of its code signing configuration |
//!
//! The control plane of all accounts shares a partition: it is written seldom, and what has to be found at start
//! (deployments cut short, packages still needed) is found without a list of accounts.

use blob::Digest;
use store::keys::{Key, KeyError, KeyReader};
use store::{KeyRange, Partition, StoreError};

use crate::function::{FunctionId, Version};
use crate::layers::LayerId;

/// Format number of all values of this partition.
pub const FORMAT: u8 = 1;

const USAGE: u8 = 1;
const FUNCTION: u8 = 2;
const VERSION: u8 = 3;
const DEPLOYMENT: u8 = 4;
const PACKAGE: u8 = 5;
const ALIAS: u8 = 6;
const POLICY: u8 = 7;
const RESERVATION: u8 = 8;
const EVENT_INVOKE: u8 = 9;
const RUNTIME_MANAGEMENT: u8 = 10;
const MAPPING: u8 = 11;
const LAYER: u8 = 12;
const LAYER_VERSION: u8 = 13;
const LAYER_POLICY: u8 = 14;
const URL: u8 = 15;
const URL_BY_ID: u8 = 16;
const PROVISIONED: u8 = 17;
const CODE_SIGNING: u8 = 18;
const FUNCTION_CODE_SIGNING: u8 = 19;

/// Ends the marks of packages that layers need.
const OF_LAYER: u8 = 1;

const EVENT_PROGRESS: u8 = 1;
const EVENT: u8 = 2;

const SHARD_PROGRESS: u8 = 1;
const LAST_RESULT: u8 = 2;

/// The partition of the control plane.
///
/// # Errors
/// None in practice: the name is constant and short.
pub fn partition() -> Result<Partition, StoreError> {
    Partition::new("lambda")
}

/// The partition of events that wait for their functions: (1, account, region, name, id) is an event's
/// [`Progress`](crate::asynchronous::Progress), (2, account, region, name, id) the [`Event`](crate::asynchronous::Event).
///
/// # Errors
/// None in practice: the name is constant and short.
pub fn events_partition() -> Result<Partition, StoreError> {
    Partition::new("lambda/events")
}

/// How far an event has come.
pub fn event_progress(function: &FunctionId, id: &str) -> Key {
    of_function(EVENT_PROGRESS, function).text(id)
}

/// How far all events have come.
pub fn all_event_progress() -> KeyRange {
    Key::new().u8(EVENT_PROGRESS).range()
}

/// An event.
pub fn event(function: &FunctionId, id: &str) -> Key {
    of_function(EVENT, function).text(id)
}

/// The function and the id in an event's key.
///
/// # Errors
/// [`KeyError`] if it is another kind of key.
pub fn read_event(key: &[u8]) -> Result<(FunctionId, String), KeyError> {
    let mut reader = KeyReader::new(key);
    reader.u8()?;
    let function = FunctionId { account: reader.text()?, region: reader.text()?, name: reader.text()? };
    let id = reader.text()?;
    reader.finish()?;
    Ok((function, id))
}

/// The partition of what pollers have read: (1, UUID of the mapping, shard) is a shard's
/// [`Progress`](crate::event_source::Progress), (2, UUID of the mapping) the text about its last batch.
///
/// # Errors
/// None in practice: the name is constant and short.
pub fn sources_partition() -> Result<Partition, StoreError> {
    Partition::new("lambda/sources")
}

/// How far a shard was read for a mapping.
pub fn shard_progress(uuid: &str, shard: &str) -> Key {
    Key::new().u8(SHARD_PROGRESS).text(uuid).text(shard)
}

/// How far all shards were read for a mapping.
pub fn all_shard_progress(uuid: &str) -> KeyRange {
    Key::new().u8(SHARD_PROGRESS).text(uuid).range()
}

/// The shard in a key of a shard's progress.
///
/// # Errors
/// [`KeyError`] if it is another kind of key.
pub fn read_shard(key: &[u8]) -> Result<String, KeyError> {
    let mut reader = KeyReader::new(key);
    reader.u8()?;
    reader.text()?;
    let shard = reader.text()?;
    reader.finish()?;
    Ok(shard)
}

/// What came of a mapping's last batch.
pub fn last_result(uuid: &str) -> Key {
    Key::new().u8(LAST_RESULT).text(uuid)
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

/// All versions of all functions of all accounts.
pub fn every_version() -> KeyRange {
    Key::new().u8(VERSION).range()
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

/// An alias of a function.
pub fn alias(id: &FunctionId, name: &str) -> Key {
    aliases(id).text(name)
}

/// All aliases of a function, by name.
pub fn aliases(id: &FunctionId) -> Key {
    of_function(ALIAS, id)
}

/// The resource policy of a function (without qualifier), a version or an alias.
pub fn policy(id: &FunctionId, qualifier: Option<&str>) -> Key {
    policies(id).text(qualifier.unwrap_or_default())
}

/// All resource policies of a function.
pub fn policies(id: &FunctionId) -> Key {
    of_function(POLICY, id)
}

/// The concurrency reserved for a function.
pub fn reservation(id: &FunctionId) -> Key {
    of_function(RESERVATION, id)
}

/// All reservations of an account in a region.
pub fn reservations(account: &str, region: &str) -> Key {
    Key::new().u8(RESERVATION).text(account).text(region)
}

/// All reservations of all accounts.
pub fn all_reservations() -> KeyRange {
    Key::new().u8(RESERVATION).range()
}

/// How asynchronous invocations of a version or an alias are treated.
pub fn event_invoke(id: &FunctionId, qualifier: &str) -> Key {
    event_invokes(id).text(qualifier)
}

/// All such configurations of a function.
pub fn event_invokes(id: &FunctionId) -> Key {
    of_function(EVENT_INVOKE, id)
}

/// How the runtime of a version is kept current.
pub fn runtime_management(id: &FunctionId, version: Version) -> Key {
    runtime_managements(id).u64(number(version))
}

/// All such configurations of a function.
pub fn runtime_managements(id: &FunctionId) -> Key {
    of_function(RUNTIME_MANAGEMENT, id)
}

/// The provisioned concurrency of a version or an alias.
pub fn provisioned(id: &FunctionId, qualifier: &str) -> Key {
    provisioned_of(id).text(qualifier)
}

/// The provisioned concurrency of all versions and aliases of a function.
pub fn provisioned_of(id: &FunctionId) -> Key {
    of_function(PROVISIONED, id)
}

/// The provisioned concurrency of all functions of an account in a region.
pub fn provisioned_in(account: &str, region: &str) -> Key {
    Key::new().u8(PROVISIONED).text(account).text(region)
}

/// The provisioned concurrency of all functions of all accounts.
pub fn all_provisioned() -> KeyRange {
    Key::new().u8(PROVISIONED).range()
}

/// A code signing configuration.
pub fn code_signing(account: &str, region: &str, id: &str) -> Key {
    code_signings(account, region).text(id)
}

/// All code signing configurations of an account in a region.
pub fn code_signings(account: &str, region: &str) -> Key {
    Key::new().u8(CODE_SIGNING).text(account).text(region)
}

/// The code signing configuration that a function has.
pub fn function_code_signing(id: &FunctionId) -> Key {
    of_function(FUNCTION_CODE_SIGNING, id)
}

/// Which functions of an account in a region have which code signing configuration.
pub fn functions_code_signing(account: &str, region: &str) -> Key {
    Key::new().u8(FUNCTION_CODE_SIGNING).text(account).text(region)
}

/// An event source mapping.
pub fn mapping(account: &str, region: &str, uuid: &str) -> Key {
    mappings(account, region).text(uuid)
}

/// All event source mappings of an account in a region.
pub fn mappings(account: &str, region: &str) -> Key {
    Key::new().u8(MAPPING).text(account).text(region)
}

/// All event source mappings of all accounts.
pub fn all_mappings() -> KeyRange {
    Key::new().u8(MAPPING).range()
}

/// The address of a function (without alias) or of an alias.
pub fn url(id: &FunctionId, alias: Option<&str>) -> Key {
    urls(id).text(alias.unwrap_or_default())
}

/// The addresses of a function and its aliases.
pub fn urls(id: &FunctionId) -> Key {
    of_function(URL, id)
}

/// An address by its id.
pub fn url_by_id(id: &str) -> Key {
    Key::new().u8(URL_BY_ID).text(id)
}

/// A layer.
pub fn layer(id: &LayerId) -> Key {
    layers(&id.account, &id.region).text(&id.name)
}

/// All layers of an account in a region.
pub fn layers(account: &str, region: &str) -> Key {
    Key::new().u8(LAYER).text(account).text(region)
}

/// One version of a layer.
pub fn layer_version(id: &LayerId, number: u64) -> Key {
    layer_versions(id).u64(number)
}

/// All versions of a layer.
pub fn layer_versions(id: &LayerId) -> Key {
    of_layer(LAYER_VERSION, id)
}

/// The resource policy of a version of a layer.
pub fn layer_policy(id: &LayerId, number: u64) -> Key {
    of_layer(LAYER_POLICY, id).u64(number)
}

/// The mark that a version of a layer needs a package.
pub fn layer_package(digest: &Digest, id: &LayerId, number: u64) -> Key {
    let key = Key::new().u8(PACKAGE).bytes(digest.as_bytes());
    key.text(&id.account).text(&id.region).text(&id.name).u64(number).u8(OF_LAYER)
}

fn of_layer(kind: u8, id: &LayerId) -> Key {
    Key::new().u8(kind).text(&id.account).text(&id.region).text(&id.name)
}

/// The function in a key that begins with its kind, account, region and name.
///
/// # Errors
/// [`KeyError`] if it is another kind of key.
pub fn read_owner(key: &[u8]) -> Result<FunctionId, KeyError> {
    let mut reader = KeyReader::new(key);
    reader.u8()?;
    Ok(FunctionId { account: reader.text()?, region: reader.text()?, name: reader.text()? })
}

/// The qualifier in the key of an event invoke configuration or of provisioned concurrency.
///
/// # Errors
/// [`KeyError`] if it is another kind of key.
pub fn read_qualifier(key: &[u8]) -> Result<String, KeyError> {
    let mut reader = KeyReader::new(key);
    reader.u8()?;
    for _ in 0..3 {
        reader.text()?;
    }
    reader.text()
}

fn of_function(kind: u8, id: &FunctionId) -> Key {
    Key::new().u8(kind).text(&id.account).text(&id.region).text(&id.name)
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
