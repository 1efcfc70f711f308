//! A platform for the tests of a service: empty stores, a clock that stands still until it is moved, seeded ids.

use std::sync::Arc;
use std::time::{Duration, Instant};

use api::Operation;
use blob::BlobStore;
use store::Store;
use wire::{Error, Timestamp};

use crate::credentials::KEY_BYTES;
use crate::{Call, Clock, Config, Ctx, Ids, Issuer, Origin, Platform, Principal, Registration, Services};

/// The caller's account.
pub const ACCOUNT: &str = "111122223333";

/// The caller's region.
pub const REGION: &str = "eu-west-1";

/// What the clock shows at first, in milliseconds since 1970.
pub const NOW: i64 = 1_750_000_000_000;

/// Seed of the ids.
const SEED: u64 = 7;

/// The installation's key: always the same, so that what was sealed is read back after a restart over the same state.
const INSTALLATION_KEY: [u8; KEY_BYTES] = [7; KEY_BYTES];

/// How long a test looks for what is about to happen in the background. Only a failing test waits so long.
const PATIENCE: Duration = Duration::from_secs(60);

/// Looks at something that is about to happen: as many as there is patience for, however fast the machine is.
pub fn looks() -> impl Iterator<Item = ()> {
    let end = Instant::now() + PATIENCE;
    std::iter::from_fn(move || (Instant::now() < end).then_some(()))
}

/// A platform with the services under test.
pub struct TestPlatform {
    /// The platform.
    pub platform: Arc<Platform>,
    /// Its clock.
    pub clock: Clock,
}

impl TestPlatform {
    /// Over empty stores in memory.
    pub fn new(services: impl FnOnce(&Arc<Platform>) -> Vec<Registration>) -> TestPlatform {
        TestPlatform::over(Store::memory(), BlobStore::memory(), services)
    }

    /// Over the given state, as after a restart.
    pub fn over(
        store: Store,
        blobs: BlobStore,
        services: impl FnOnce(&Arc<Platform>) -> Vec<Registration>,
    ) -> TestPlatform {
        TestPlatform::start(Config::default(), store, blobs, services)
    }

    /// Over empty stores in memory, with other settings.
    pub fn configured(config: Config, services: impl FnOnce(&Arc<Platform>) -> Vec<Registration>) -> TestPlatform {
        TestPlatform::start(config, Store::memory(), BlobStore::memory(), services)
    }

    fn start(
        config: Config,
        store: Store,
        blobs: BlobStore,
        services: impl FnOnce(&Arc<Platform>) -> Vec<Registration>,
    ) -> TestPlatform {
        let clock = Clock::controlled(Timestamp::from_milliseconds(NOW));
        let ids = Ids::seeded(SEED);
        let issuer = Issuer::with_key(&INSTALLATION_KEY, clock.clone(), ids.clone());
        let platform = Platform::new(config, store, Store::memory(), blobs, clock.clone(), ids, issuer);
        let platform = Arc::new(platform);
        let mut offered = Services::default();
        for registration in services(&platform) {
            offered.register(registration);
        }
        platform.install(offered);
        TestPlatform { platform, clock }
    }

    /// A call of an operation by this principal, in its own account.
    pub fn context<O: Operation>(&self, principal: Principal) -> Ctx {
        Ctx::new(Call {
            platform: Arc::clone(&self.platform),
            account: principal.account().unwrap_or(ACCOUNT).to_owned(),
            region: REGION.to_owned(),
            principal,
            request_id: self.platform.ids.uuid(),
            service: O::service(),
            operation: O::definition(),
            protocol: None,
            source_ip: None,
            endpoint: self.platform.config.endpoint.clone(),
            access_key_id: None,
            user_agent: None,
            trace_header: None,
            origin: Origin::default(),
        })
    }

    /// Calls an operation as the root of [`ACCOUNT`], through authorisation and validation.
    pub async fn call<O: Operation>(&self, input: O::Input) -> Result<O::Output, Error> {
        self.call_as::<O>(Principal::Root { account: ACCOUNT.to_owned() }, input).await
    }

    /// Calls an operation as somebody.
    pub async fn call_as<O: Operation>(&self, principal: Principal, input: O::Input) -> Result<O::Output, Error> {
        self.context::<O>(principal).dispatch_typed::<O>(input).await
    }
}
