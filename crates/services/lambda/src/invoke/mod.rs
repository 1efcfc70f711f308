//! Invoking functions: environments, their logs, and what callers are told.
//!
//! An invocation takes a warm environment of its version or starts one, hands it the event, and answers as soon as the
//! function has. An environment that then gets no other event for a moment is frozen, and its log written: under load
//! neither costs an invocation anything. Nothing on an invocation's way touches the store.

mod ahead;
mod container;
mod extensions;
mod failure;
mod gate;
mod instance;
mod journal;
mod launch;
mod limits;
pub(crate) mod lineage;
mod lines;
mod machine;
mod metrics;
mod operation;
mod pools;
mod processors;
pub(crate) mod provisioned;
mod run;
mod scaling;
mod shipper;
mod streaming;
mod unstoppable;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use image::Registries;
use platform::Platform;
use runtimes::Runtimes;
use sandbox::SandboxConfig;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use tokio_util::task::TaskTracker;

use crate::function::{FunctionId, FunctionVersion, Version};
use crate::functions::FunctionChange;
use crate::package::PackageDirectory;

pub use launch::{EndpointServer, LaunchError};
pub use operation::{invoke, invoke_async, require_active};
pub use run::{Outcome, Request};
pub use streaming::{Part, Streamed, body, invoke_with_response_stream};

use ahead::Ahead;
use gate::Gate;
use instance::Instance;
use launch::Launcher;
use limits::{IDLE_TIMEOUT, PROVISIONED_RENEWAL, REAP_INTERVAL};
use metrics::Metrics;
use pools::Pools;
use provisioned::Provisioned;
use scaling::Scaling;
use shipper::Shipper;

/// What environments need of the process around them.
pub struct InvokeSettings {
    /// Interpreters, client files and SDKs.
    pub runtimes: Arc<Runtimes>,
    /// Directory for unpacked packages, made when absent. They can be made again from the blob store.
    pub packages: PathBuf,
    /// Where container images come from.
    pub registries: Registries,
    /// Refuse runtimes whose exact interpreter is missing.
    pub strict_runtimes: bool,
    /// Memory for environments that are made ahead of need, in MB; 0 makes none.
    pub ahead_memory_mb: u32,
    /// The sandbox's settings.
    pub sandbox: SandboxConfig,
    /// Serves the platform to functions.
    pub serve_endpoint: EndpointServer,
}

/// Runs functions.
pub struct Invoker {
    platform: Arc<Platform>,
    gate: Arc<Gate>,
    scaling: Scaling,
    pools: Pools,
    /// Environments that are kept for versions that asked for them.
    pub(crate) provisioned: Provisioned,
    launcher: Launcher,
    shipper: Shipper,
    metrics: Metrics,
    /// Invocations and endings of environments under way.
    running: TaskTracker,
}

impl Invoker {
    /// An invoker without environments. Must be called inside a tokio runtime.
    pub fn new(platform: Arc<Platform>, settings: InvokeSettings) -> Invoker {
        let shipper = Shipper::start(&platform);
        let launcher = Launcher::new(
            Arc::clone(&platform),
            settings.runtimes,
            settings.strict_runtimes,
            settings.sandbox,
            settings.serve_endpoint,
            shipper.clone(),
            Ahead::new(settings.ahead_memory_mb, platform.clock.clone()),
        );
        let metrics = Metrics::new(&platform.metrics);
        Invoker {
            platform,
            gate: Arc::default(),
            scaling: Scaling::default(),
            pools: Pools::default(),
            provisioned: Provisioned::default(),
            launcher,
            shipper,
            metrics,
            running: TaskTracker::new(),
        }
    }

    /// Makes ready what a version needs besides its packages (its own and its layers'): interpreter, client files, SDK. Part of its deployment.
    ///
    /// # Errors
    /// [`LaunchError`] if this machine cannot run it.
    pub async fn prepare(
        &self,
        version: &FunctionVersion,
        packages: &[Arc<PackageDirectory>],
    ) -> Result<(), LaunchError> {
        self.launcher.prepare(version, packages).await
    }

    /// Sets how many invocations at once are reserved for a function.
    pub fn reserve(&self, function: &FunctionId, limit: Option<u32>) {
        self.gate.reserve(function, limit);
    }

    /// Sets how many environments each version of a function keeps initialised; those that are not named keep none.
    pub fn provision(&self, function: &FunctionId, wanted: &HashMap<Version, u32>) {
        self.gate.provision(function, wanted);
        self.provisioned.set(function, wanted);
    }

    /// Whether a function is reserved nothing at all.
    pub fn is_shut(&self, function: &FunctionId) -> bool {
        self.gate.is_shut(function)
    }

    /// Looks after the environments until the platform stops: freezes those that rest, retires those of changed functions,
    /// ends old ones.
    pub async fn look_after(self: Arc<Self>, changes: broadcast::Receiver<FunctionChange>) {
        // The sandbox is started ahead of the first invocation; if it cannot be, that invocation will say why.
        if let Err(error) = self.launcher.sandbox().await {
            tracing::error!(%error, "functions cannot be isolated on this machine");
        }
        let stopping = self.platform.background.stopping();
        let stock = stopping.run_until_cancelled(self.launcher.keep_stock(&self.metrics));
        tokio::join!(self.cool_down(), self.renew(changes), stock);
    }

    async fn renew(&self, mut changes: broadcast::Receiver<FunctionChange>) {
        let stopping = self.platform.background.stopping();
        loop {
            tokio::select! {
                () = stopping.cancelled() => return,
                change = changes.recv() => match change {
                    Ok(change) => self.retire(&change),
                    // Some changes were missed: every environment may be stale.
                    Err(RecvError::Lagged(_)) => {
                        self.launcher.forget(None);
                        self.pools.clear().into_iter().for_each(|instance| self.end(instance));
                    }
                    Err(RecvError::Closed) => return,
                },
                () = tokio::time::sleep(REAP_INTERVAL) => self.reap(),
            }
        }
    }

    /// Ends everything: what is under way gets until `deadline`.
    pub async fn stop(&self, deadline: Duration) {
        self.pools.close().into_iter().for_each(|instance| self.end(instance));
        self.running.close();
        if tokio::time::timeout(deadline, self.running.wait()).await.is_err() {
            tracing::warn!(invocations = self.running.len(), "invocations were still under way at the deadline");
        }
        self.shipper.flush().await;
        // What could not be written by now finds the store closed.
        self.shipper.forget().await;
    }

    /// The log lines of all environments that have been started are written no more.
    pub async fn forget_logs(&self) {
        self.shipper.forget().await;
    }

    /// Ends all environments, after all state was dropped.
    pub async fn reset(&self) {
        self.gate.reset();
        self.provisioned.reset();
        self.launcher.forget(None);
        // Some may have been started since the logs were forgotten.
        self.shipper.forget().await;
        for instance in self.pools.clear() {
            instance.end().await;
        }
    }

    fn retire(&self, change: &FunctionChange) {
        self.launcher.forget(Some(change.function()));
        let version = match change {
            FunctionChange::Changed(_, version) | FunctionChange::VersionDeleted(_, version) => Some(*version),
            FunctionChange::Deleted(_) => None,
        };
        // The environments of the new deployment, if there already are some, are started again.
        for instance in self.pools.retire(change.function(), version) {
            self.end(instance);
        }
    }

    fn reap(&self) {
        if let Some(deadline) = self.platform.clock.monotonic().checked_sub(IDLE_TIMEOUT) {
            let renewal = self.platform.clock.now().seconds + PROVISIONED_RENEWAL.as_secs() as i64;
            self.pools.expired(deadline, renewal).into_iter().for_each(|instance| self.end(instance));
        }
        self.metrics.idle(self.pools.idle());
    }

    /// Ends what is idle and was not promised to be kept.
    fn end_idle(&self) {
        self.pools.on_demand().into_iter().for_each(|instance| self.end(instance));
    }

    /// Ends an environment in the background.
    fn end(&self, instance: Instance) {
        self.running.spawn(instance.end());
    }
}
