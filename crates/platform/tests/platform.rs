//! A platform from start to shutdown, and calls between its services.

#![allow(clippy::unwrap_used, reason = "a test may fail where it unwraps")]

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use api::{logs, sts};
use blob::BlobStore;
use store::{Partition, Store};
use traca_platform::{
    Call, Clock, Config, Ctx, Ids, Issuer, Lifecycle, OrFailure, Origin, Platform, Principal, Registration, Services,
};
use wire::Error;

const HOME: &str = "111111111111";

fn platform(store: Store, services: Services) -> Arc<Platform> {
    let (clock, ids) = (Clock::real(), Ids::random());
    let issuer = Issuer::in_memory(clock.clone(), ids.clone());
    let (telemetry, blobs) = (Store::memory(), BlobStore::memory());
    let platform = Arc::new(Platform::new(Config::default(), store, telemetry, blobs, clock, ids, issuer));
    platform.install(services);
    platform
}

/// A call of `GetCallerIdentity` in the account [`HOME`].
fn call(platform: &Arc<Platform>, principal: Principal) -> Ctx {
    Ctx::new(Call {
        platform: Arc::clone(platform),
        account: HOME.to_owned(),
        region: "us-east-1".to_owned(),
        principal,
        request_id: "request".to_owned(),
        service: &sts::SERVICE,
        operation: sts::SERVICE.operation("GetCallerIdentity").unwrap(),
        protocol: None,
        source_ip: None,
        endpoint: "http://localhost".to_owned(),
        access_key_id: None,
        user_agent: None,
        trace_header: None,
        origin: Origin::default(),
    })
}

/// Answers with the caller's ARN; log groups called `panic` are fatal.
fn services() -> Services {
    let mut services = Services::default();
    let mut registration = Registration::new(&sts::SERVICE);
    registration.add::<sts::GetCallerIdentity, _, _>(|cx, _| async move {
        Ok(sts::GetCallerIdentityResponse { arn: Some(cx.principal.arn()), ..Default::default() })
    });
    services.register(registration);
    let mut registration = Registration::new(&logs::SERVICE);
    registration.add::<logs::CreateLogGroup, _, _>(|_, input| async move {
        assert!(input.log_group_name != "panic", "this group is fatal");
        Ok(api::Empty)
    });
    services.register(registration);
    services
}

fn group(name: &str) -> logs::CreateLogGroupRequest {
    logs::CreateLogGroupRequest { log_group_name: name.to_owned(), ..Default::default() }
}

#[tokio::test]
async fn services_call_each_other_as_a_named_principal_through_every_stage() {
    let platform = platform(Store::memory(), services());
    let root = call(&platform, Principal::Root { account: HOME.to_owned() });
    let input = sts::GetCallerIdentityRequest {};
    let own = root.call::<sts::GetCallerIdentity>(input.clone()).await.unwrap();
    assert_eq!(own.arn.as_deref(), Some("arn:aws:iam::111111111111:root"));
    let service = root.call_as_service::<sts::GetCallerIdentity>("s3.amazonaws.com", None, input).await.unwrap();
    assert_eq!(service.arn.as_deref(), Some("s3.amazonaws.com"));
    let refused = |outcome: Result<api::Empty, Error>| outcome.unwrap_err().definition.name;
    let invalid = root.call::<logs::CreateLogGroup>(group("no blanks")).await;
    assert_eq!(refused(invalid), "InvalidParameterException", "validation is not skipped");
    let stranger = call(&platform, Principal::Root { account: "222222222222".to_owned() });
    let denied = stranger.call::<logs::CreateLogGroup>(group("a")).await;
    assert_eq!(refused(denied), "AccessDeniedException", "authorisation is not skipped");
    let panicked = root.call::<logs::CreateLogGroup>(group("panic")).await;
    assert_eq!(refused(panicked), "InternalFailure");
    assert!(root.call::<logs::CreateLogGroup>(group("a")).await.is_ok(), "a panic harms nobody else");
    let missing = root.call::<logs::DeleteLogGroup>(Default::default()).await;
    assert_eq!(refused(missing), "NotImplementedException");
}

/// Writes to the store when it starts and when it stops.
struct Diary {
    store: Store,
    entries: AtomicUsize,
}

impl Diary {
    async fn write(&self) -> Result<(), Error> {
        let number = self.entries.fetch_add(1, Ordering::Relaxed);
        let partition = Partition::new("diary").or_failure()?;
        let written = self.store.transact::<_, Error, _>(&partition, move |transaction| {
            transaction.put(&number.to_be_bytes(), b"entry");
            Ok(())
        });
        written.await.or_failure()
    }
}

type Work<T> = Pin<Box<dyn Future<Output = T> + Send>>;

impl Lifecycle for Diary {
    fn start(self: Arc<Self>) -> Work<Result<(), Error>> {
        Box::pin(async move { self.write().await })
    }
    fn stop(self: Arc<Self>) -> Work<()> {
        Box::pin(async move { self.write().await.expect("the store is open until services have stopped") })
    }
    fn reset(self: Arc<Self>) -> Work<()> {
        Box::pin(async {})
    }
    fn live_blobs(self: Arc<Self>) -> traca_platform::LiveBlobs {
        traca_platform::no_blobs()
    }
}

#[tokio::test]
async fn shutdown_lets_services_and_background_work_finish_before_the_store_closes() {
    let store = Store::memory();
    let diary = Arc::new(Diary { store: store.clone(), entries: AtomicUsize::new(0) });
    let mut services = Services::default();
    services.register(Registration::new(&sts::SERVICE).with_lifecycle(diary.clone()));
    let platform = platform(store, services);
    platform.start().await.unwrap();
    assert_eq!(diary.entries.load(Ordering::Relaxed), 1);
    let (stopping, late) = (platform.background.stopping().clone(), diary.clone());
    let task = async move {
        stopping.cancelled().await;
        late.write().await.expect("the store is open until background work has ended");
    };
    platform.background.spawn("diary", task).unwrap();
    platform.shutdown(Duration::from_secs(60)).await;
    assert_eq!(diary.entries.load(Ordering::Relaxed), 3);
    assert!(diary.write().await.is_err(), "the store is closed");
}
