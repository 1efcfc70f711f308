//! Traca's own pages, and the addresses that services serve themselves.

#![allow(clippy::unwrap_used, reason = "a test may fail where it unwraps")]

mod support;

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use platform::{DataFuture, DataPlane, DataRequest, Lifecycle, Mode, Registration};
use store::Partition;
use support::{Fixture, Request};
use wire::{Body, Error};

#[tokio::test]
async fn health_version_and_unknown_pages() {
    let fixture = Fixture::start().await;
    let mut client = fixture.connect().await;
    let health = client.send(&Request::new("GET", "/_traca/health")).await;
    assert_eq!((health.status, health.header("content-type")), (200, Some("application/json")));
    let health: serde_json::Value = serde_json::from_slice(&health.body).unwrap();
    assert_eq!((&health["status"], &health["services"][0]), (&"ok".into(), &"lambda".into()));
    let version = client.send(&Request::new("GET", "/_traca/version")).await;
    assert_eq!(version.text(), "{\"version\":\"1.2.3\"}\n");
    let head = client.send(&Request::new("HEAD", "/_traca/version")).await;
    assert_eq!((head.status, head.body.len()), (200, 0));
    let nothing = client.send(&Request::new("GET", "/_traca/nothing")).await;
    assert_eq!(nothing.status, 404);
    assert!(serde_json::from_slice::<serde_json::Value>(&nothing.body).is_ok());
    assert_eq!(client.send(&Request::new("DELETE", "/_traca/health")).await.status, 405);
}

#[tokio::test]
async fn metrics_count_what_was_asked() {
    let fixture = Fixture::start().await;
    let mut client = fixture.connect().await;
    client.send(&Request::identity()).await;
    client.send(&Request::identity()).await;
    client.send(&Request::sts("Action=Nothing&Version=2011-06-15")).await;
    let reply = client.send(&Request::new("GET", "/_traca/metrics")).await;
    assert!(
        reply.header("content-type").is_some_and(|media_type| media_type.starts_with("application/openmetrics-text"))
    );
    for line in [
        r#"traca_requests_total{service="sts",operation="GetCallerIdentity",status="200"} 2"#,
        r#"traca_requests_total{service="unknown",operation="unknown",status="400"} 1"#,
        "traca_connections 1",
        r#"traca_store_queue_depth{store="control"} 0"#,
    ] {
        assert!(reply.text().lines().any(|candidate| candidate == line), "{line} in {}", reply.text());
    }
}

/// Counts its resets.
#[derive(Default)]
struct Counting(AtomicUsize);

type Work<T> = Pin<Box<dyn Future<Output = T> + Send>>;

impl Lifecycle for Counting {
    fn start(self: Arc<Self>) -> Work<Result<(), Error>> {
        Box::pin(async { Ok(()) })
    }
    fn stop(self: Arc<Self>) -> Work<()> {
        Box::pin(async {})
    }
    fn reset(self: Arc<Self>) -> Work<()> {
        Box::pin(async move {
            self.0.fetch_add(1, Ordering::Relaxed);
        })
    }
    fn live_blobs(self: Arc<Self>) -> platform::LiveBlobs {
        platform::no_blobs()
    }
}

#[tokio::test]
async fn reset_drops_everything_for_local_clients_in_open_mode_alone() {
    let counting = Arc::new(Counting::default());
    let lifecycle = Arc::clone(&counting);
    let fixture = Fixture::with(Mode::Open, |mut services| {
        services.register(Registration::new(&api::kms::SERVICE).with_lifecycle(lifecycle));
        services
    });
    let fixture = fixture.await;
    let partition = Partition::new("test").unwrap();
    for store in [&fixture.platform.store, &fixture.platform.telemetry] {
        let put = store.transact::<_, Error, _>(&partition, |transaction| {
            transaction.put(b"key", b"value");
            Ok(())
        });
        put.await.unwrap();
    }
    let digest = fixture.platform.blobs.put("body".into()).await.unwrap();
    let reset = Request::new("POST", "/_traca/reset");
    for refused in
        [reset.clone().header("origin", "https://evil.example"), reset.clone().header("host", "evil.example")]
    {
        assert_eq!(fixture.send(&refused).await.status, 403);
    }
    assert_eq!(counting.0.load(Ordering::Relaxed), 0);
    assert_eq!(fixture.send(&Request::new("GET", "/_traca/reset")).await.status, 405);
    assert_eq!(fixture.send(&reset).await.status, 200);
    assert_eq!(counting.0.load(Ordering::Relaxed), 1);
    assert_eq!(fixture.platform.store.get(&partition, b"key").await.unwrap(), None);
    assert_eq!(fixture.platform.telemetry.get(&partition, b"key").await.unwrap(), None);
    assert!(fixture.platform.blobs.get(&digest).await.is_err());
    let verifying = Fixture::with(Mode::Verify, |services| services).await;
    assert_eq!(verifying.send(&reset).await.status, 403);
}

/// Serves `/_traca/echo/…` and the host `echo.example`.
struct Echo;

impl DataPlane for Echo {
    fn handles(&self, host: &str, path: &str) -> bool {
        host == "echo.localhost" || path.starts_with("/_traca/echo/")
    }

    fn serve(self: Arc<Self>, request: DataRequest) -> DataFuture {
        let text = format!("{} {} at {}", request.head.method, request.head.uri, request.endpoint);
        assert!(!request.head.uri.path().ends_with("panic"), "this page panics");
        Box::pin(
            async move { http::Response::builder().status(202).body(Body::from(bytes::Bytes::from(text))).unwrap() },
        )
    }
}

#[tokio::test]
async fn services_serve_hosts_and_paths_of_their_own() {
    let fixture = Fixture::with(Mode::Open, |mut services| {
        services.register(Registration::new(&api::apigateway::SERVICE).with_data_plane(Arc::new(Echo)));
        services
    });
    let fixture = fixture.await;
    let mut client = fixture.connect().await;
    let reply = client.send(&Request::new("PUT", "/_traca/echo/1?a=b").body("unread")).await;
    assert_eq!((reply.status, reply.text()), (202, "PUT /_traca/echo/1?a=b at http://localhost:4566"));
    let reply = client.send(&Request::new("GET", "/any").header("host", "Echo.localhost:4566")).await;
    assert_eq!(reply.status, 202);
    assert_eq!(client.send(&Request::new("GET", "/_traca/echo/panic")).await.status, 500);
    assert_eq!(client.send(&Request::identity()).await.status, 200);
}
