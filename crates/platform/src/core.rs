//! The platform itself: one value that holds what all services share.

use std::collections::HashSet;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use blob::limits::SWEEP_GRACE;
use blob::{BlobError, BlobStore};
use futures_util::future::join_all;
use store::{Store, StoreError};
use wire::Error;

use crate::access::Access;
use crate::authorise::Documents;
use crate::background::Background;
use crate::clock::Clock;
use crate::config::Config;
use crate::credentials::Issuer;
use crate::directory::{AccessKey, Directory, NobodyElse};
use crate::failure::OrFailure;
use crate::ids::Ids;
use crate::metrics::Metrics;
use crate::sealing::Sealing;
use crate::service::Services;
use crate::timers::{TimerError, Timers};

/// How often blobs that nothing names any more are looked for.
const BLOB_SWEEP_INTERVAL: Duration = Duration::from_secs(3_600);

/// What all services share. State lives in the stores alone.
pub struct Platform {
    /// Settings.
    pub config: Config,
    /// State of the control and data planes: durable before it is acknowledged.
    pub store: Store,
    /// Logs, metrics and traces: a file of their own, flushed at leisure.
    pub telemetry: Store,
    /// Bodies too large for the store.
    pub blobs: BlobStore,
    /// Time.
    pub clock: Clock,
    /// Random names.
    pub ids: Ids,
    /// Mints and checks temporary credentials.
    pub issuer: Issuer,
    /// Keeps small secrets at rest.
    pub sealing: Sealing,
    /// What was allowed and what was not.
    pub access: Access,
    /// Compiled policies of resources and sessions.
    pub documents: Documents,
    /// Figures for operators.
    pub metrics: Arc<Metrics>,
    /// Work that outlives the call that started it.
    pub background: Background,
    /// Durable timers.
    pub timers: Timers,
    services: OnceLock<Services>,
    directory: OnceLock<Arc<dyn Directory>>,
    root_key: OnceLock<(String, AccessKey)>,
}

/// Why the platform could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The clock could not be read.
    #[error("the clock cannot be restored: {0}")]
    Clock(#[from] StoreError),
    /// A service could not take up its work.
    #[error("a service cannot start: {0}")]
    Service(Error),
    /// The timers could not be read.
    #[error("timers cannot start: {0}")]
    Timers(#[from] TimerError),
}

/// Why a reset stopped half-way; it may be tried again.
#[derive(Debug, thiserror::Error)]
pub enum ResetError {
    /// A store could not be emptied.
    #[error("a store cannot be emptied: {0}")]
    Store(#[from] StoreError),
    /// The bodies could not be removed.
    #[error("bodies cannot be removed: {0}")]
    Blobs(#[from] BlobError),
}

impl Platform {
    /// A platform without services; see [`Platform::install`].
    pub fn new(
        config: Config,
        store: Store,
        telemetry: Store,
        blobs: BlobStore,
        clock: Clock,
        ids: Ids,
        issuer: Issuer,
    ) -> Platform {
        let sealing = issuer.sealing();
        let metrics = Arc::new(Metrics::new());
        let background = Background::new(Arc::clone(&metrics));
        let timers = Timers::new(store.clone(), clock.clone(), ids.clone(), background.clone());
        let access = Access::new(clock.clone());
        Platform {
            config,
            store,
            telemetry,
            blobs,
            clock,
            ids,
            issuer,
            sealing,
            access,
            documents: Documents::default(),
            metrics,
            background,
            timers,
            services: OnceLock::new(),
            directory: OnceLock::new(),
            root_key: OnceLock::new(),
        }
    }

    /// Installs the services, once, before the first call.
    pub fn install(self: &Arc<Self>, services: Services) {
        if self.services.set(services).is_err() {
            tracing::error!("services were installed twice; the first set stays");
        }
    }

    /// Installs what knows the users, roles and access keys, once, before the first call. Without it there are none.
    pub fn install_directory(&self, directory: Arc<dyn Directory>) {
        if self.directory.set(directory).is_err() {
            tracing::error!("a directory was installed twice; the first one stays");
        }
    }

    /// Who exists, with what credentials and which policies.
    pub fn directory(&self) -> &Arc<dyn Directory> {
        self.directory.get_or_init(|| Arc::new(NobodyElse))
    }

    /// Installs the account root's own access key, once, before the first request.
    pub fn install_root_key(&self, id: String, key: AccessKey) {
        if self.root_key.set((id, key)).is_err() {
            tracing::error!("a key of the root was installed twice; the first one stays");
        }
    }

    /// The long-term access key of that id: the root's own, or a user's.
    pub async fn access_key(&self, id: &str) -> Result<Option<AccessKey>, Error> {
        match self.root_key.get() {
            Some((root, key)) if root == id => Ok(Some(key.clone())),
            _ => self.directory().access_key(id).await,
        }
    }

    /// The installed services.
    pub fn services(&self) -> &Services {
        self.services.get_or_init(Services::default)
    }

    /// Lets the services take up what an earlier run left behind, then fires the timers that fell due meanwhile. To be
    /// called once, after [`Platform::install`] and before the first request.
    pub async fn start(self: &Arc<Self>) -> Result<(), StartError> {
        self.restore_clock().await?;
        for lifecycle in self.services().lifecycles() {
            lifecycle.start().await.map_err(StartError::Service)?;
        }
        let platform = Arc::clone(self);
        self.background.spawn_endless("blob sweep", async move {
            loop {
                platform.clock.sleep(BLOB_SWEEP_INTERVAL).await;
                if let Err(error) = platform.sweep_blobs().await {
                    tracing::warn!(%error, "blobs that nothing names were not removed");
                }
            }
        });
        Ok(self.timers.start().await?)
    }

    /// Removes the blobs that no row of any service names and that are older than the grace period. Answers their number.
    ///
    /// # Errors
    /// When a service cannot tell which blobs it needs: then nothing is removed.
    pub async fn sweep_blobs(&self) -> Result<u64, Error> {
        let mut live = HashSet::new();
        for lifecycle in self.services().lifecycles() {
            live.extend(lifecycle.live_blobs().await?);
        }
        let swept = self.blobs.sweep(move |digest| live.contains(digest), SWEEP_GRACE).await.or_failure()?;
        Ok(swept.blobs)
    }

    /// Drops all state of all accounts, and takes the clock back to the machine's: the stores first, then what the services hold in memory, so that nothing stale
    /// can be read back in between, then the bodies that nothing names any more. What services would still have written
    /// behind their answers is not written.
    pub async fn reset(&self) -> Result<(), ResetError> {
        join_all(self.services().lifecycles().map(|lifecycle| lifecycle.before_reset())).await;
        self.store.clear().await?;
        self.telemetry.clear().await?;
        self.clock.go_back();
        self.timers.relist().await?;
        join_all(self.services().lifecycles().map(|lifecycle| lifecycle.reset())).await;
        self.access.clear();
        Ok(self.blobs.clear().await?)
    }

    /// Ends the platform's work after the last request was answered: services finish or hand back what they accepted,
    /// background work gets until `deadline`, and the stores are closed.
    pub async fn shutdown(&self, deadline: Duration) {
        let stop = async {
            join_all(self.services().lifecycles().map(|lifecycle| lifecycle.stop())).await;
        };
        if tokio::time::timeout(deadline, stop).await.is_err() {
            tracing::warn!("services were still stopping at the deadline");
        }
        self.background.drain(deadline).await;
        self.telemetry.shutdown().await;
        self.store.shutdown().await;
    }

    /// The figures for operators as text, those of the stores up to date.
    pub fn render_metrics(&self) -> String {
        self.metrics.store("control", &self.store.stats());
        self.metrics.store("telemetry", &self.telemetry.stats());
        self.metrics.render()
    }
}
