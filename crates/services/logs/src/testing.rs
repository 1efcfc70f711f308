//! A service over empty stores, called as a client would call it.

use std::sync::Arc;

use api::Operation;
use api::logs::{self, CreateLogGroupRequest, CreateLogStreamRequest, InputLogEvent, PutLogEventsRequest};
use blob::BlobStore;
use platform::{Call, Clock, Config, Ctx, Ids, Issuer, Platform, Principal, Services};
use store::Store;
use wire::{Error, Timestamp};

use crate::Logs;

/// The caller's account and region.
pub const ACCOUNT: &str = "111122223333";
pub const REGION: &str = "eu-west-1";

/// What the clock shows at first, in milliseconds since 1970.
pub const NOW: i64 = 1_750_000_000_000;

/// The service and what it stands on.
pub struct Bench {
    pub logs: Arc<Logs>,
    pub clock: Clock,
}

impl Bench {
    /// Over an empty store in memory.
    pub fn new() -> Bench {
        Bench::with_budget(u64::MAX)
    }

    /// With room for events that hold about so many bytes.
    pub fn with_budget(held_bytes_max: u64) -> Bench {
        Bench::over(Store::memory(), held_bytes_max)
    }

    /// Over the given store, as after a restart.
    pub fn over(telemetry: Store, held_bytes_max: u64) -> Bench {
        let clock = Clock::controlled(Timestamp::from_milliseconds(NOW));
        let ids = Ids::seeded(7);
        let issuer = Issuer::in_memory(clock.clone(), ids.clone());
        let stores = (Store::memory(), telemetry);
        let config = Config::default();
        let platform = Platform::new(config, stores.0, stores.1, BlobStore::memory(), clock.clone(), ids, issuer);
        let platform = Arc::new(platform);
        let logs = Arc::new(Logs::with_budget(Arc::clone(&platform), held_bytes_max));
        let mut services = Services::default();
        services.register(logs.registration());
        platform.install(services);
        Bench { logs, clock }
    }

    /// A call of the root of an account.
    pub fn context(&self, account: &str, region: &str) -> Ctx {
        Ctx::new(Call {
            platform: Arc::clone(&self.logs.platform),
            account: account.to_owned(),
            region: region.to_owned(),
            principal: Principal::Root { account: account.to_owned() },
            request_id: "request".to_owned(),
            service: &logs::SERVICE,
            operation: logs::PutLogEvents::definition(),
            protocol: None,
            source_ip: None,
            endpoint: "http://127.0.0.1:4566".to_owned(),
            access_key_id: None,
            user_agent: None,
            trace_header: None,
            origin: platform::Origin::default(),
        })
    }

    /// Calls an operation: authorised, validated, handled.
    pub async fn call<O: Operation>(&self, input: O::Input) -> Result<O::Output, Error> {
        self.context(ACCOUNT, REGION).call::<O>(input).await
    }

    /// Calls an operation that is refused, and returns the error's code and text.
    pub async fn refused<O: Operation>(&self, input: O::Input) -> String
    where
        O::Output: std::fmt::Debug,
    {
        self.call::<O>(input).await.expect_err("refused").to_string()
    }

    /// Makes a group.
    pub async fn group(&self, name: &str) {
        let input = CreateLogGroupRequest { log_group_name: name.to_owned(), ..Default::default() };
        self.call::<logs::CreateLogGroup>(input).await.expect("created");
    }

    /// Makes a stream.
    pub async fn stream(&self, group: &str, name: &str) {
        let input = CreateLogStreamRequest {
            log_group_name: group.to_owned(),
            log_stream_name: name.to_owned(),
            ..Default::default()
        };
        self.call::<logs::CreateLogStream>(input).await.expect("created");
    }

    /// Adds events to a stream.
    pub async fn put(&self, group: &str, stream: &str, events: &[(i64, &str)]) -> logs::PutLogEventsResponse {
        self.call::<logs::PutLogEvents>(write(group, stream, events)).await.expect("accepted")
    }
}

/// A call that adds events to a stream.
pub fn write(group: &str, stream: &str, events: &[(i64, &str)]) -> PutLogEventsRequest {
    let event = |(timestamp, message): &(i64, &str)| InputLogEvent {
        timestamp: *timestamp,
        message: (*message).to_owned(),
        ..Default::default()
    };
    PutLogEventsRequest {
        log_group_name: group.to_owned(),
        log_stream_name: stream.to_owned(),
        log_events: events.iter().map(event).collect(),
        ..Default::default()
    }
}
