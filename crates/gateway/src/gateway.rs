//! The gateway as a whole.

use std::sync::Arc;
use std::time::Duration;

use platform::Platform;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use wire::router::Router;
use wire::sigv4::SigningKeys;

use crate::limits::{BODY_MEMORY_MAX, BODY_MEMORY_UNIT, CONNECTIONS_MAX};

/// Settings of a gateway.
#[derive(Debug, Clone, Default)]
pub struct GatewayConfig {
    /// Version that Traca's own pages tell.
    pub version: &'static str,
    /// Names of the platform besides `localhost`: hosts under them are trusted as local, and `{bucket}.{domain}` names
    /// a bucket.
    pub domains: Vec<String>,
}

/// Serves a platform to its clients. Cheap to clone.
#[derive(Clone)]
pub struct Gateway(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub platform: Arc<Platform>,
    pub router: Router,
    pub signing_keys: SigningKeys,
    pub version: &'static str,
    pub domains: Vec<String>,
    /// All domains under which a bucket may stand in the host.
    pub bucket_domains: Vec<String>,
    /// A unit of memory for bodies each.
    pub body_memory: Arc<Semaphore>,
    pub connections: Arc<Semaphore>,
    /// Listeners and connections at work.
    pub tasks: TaskTracker,
    /// No more is accepted.
    pub stopping: CancellationToken,
    /// Whatever is still at work is dropped.
    pub aborting: CancellationToken,
}

impl Gateway {
    /// A gateway without listeners.
    pub fn new(platform: Arc<Platform>, config: GatewayConfig) -> Gateway {
        let domains: Vec<String> = config.domains.iter().map(|domain| domain.to_ascii_lowercase()).collect();
        let router =
            domains.iter().fold(Router::new(&api::SERVICES), |router, domain| router.with_bucket_domain(domain));
        let bucket_domains = std::iter::once("localhost".to_owned()).chain(domains.iter().cloned()).collect();
        Gateway(Arc::new(Inner {
            platform,
            router,
            signing_keys: SigningKeys::default(),
            version: config.version,
            domains,
            bucket_domains,
            body_memory: Arc::new(Semaphore::new((BODY_MEMORY_MAX / BODY_MEMORY_UNIT) as usize)),
            connections: Arc::new(Semaphore::new(CONNECTIONS_MAX)),
            tasks: TaskTracker::new(),
            stopping: CancellationToken::new(),
            aborting: CancellationToken::new(),
        }))
    }

    /// Stops accepting, finishes the requests at work, and drops those that are not done at the deadline. Returns
    /// whether all of them were done.
    pub async fn shutdown(&self, deadline: Duration) -> bool {
        self.0.stopping.cancel();
        self.0.tasks.close();
        let finished = tokio::time::timeout(deadline, self.0.tasks.wait()).await.is_ok();
        if !finished {
            tracing::warn!(connections = self.0.tasks.len(), "requests were still at work at the deadline");
            self.0.aborting.cancel();
            self.0.tasks.wait().await;
        }
        finished
    }
}
