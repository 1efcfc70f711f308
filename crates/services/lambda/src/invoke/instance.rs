//! A running environment together with what belongs to it.

use std::any::Any;
use std::sync::Arc;

use platform::Principal;
use sandbox::Environment;

use super::journal::Journal;
use crate::function::FunctionVersion;
use crate::package::PackageDirectory;

/// An environment of one deployment of one version.
pub struct Instance {
    /// What it runs.
    pub version: Arc<FunctionVersion>,
    /// Its processes.
    pub environment: Environment,
    /// Its log.
    pub journal: Journal,
    /// The session it runs as.
    pub identity: Principal,
    /// When its credentials end, in seconds since 1970.
    pub credentials_end: i64,
    /// Serves the platform's endpoint to its function as long as it lives.
    pub endpoint: Box<dyn Any + Send + Sync>,
    /// Keep the unpacked package and layers where they are.
    pub packages: Vec<Arc<PackageDirectory>>,
}

impl Instance {
    /// Ends its processes, and waits until they are gone. Its log is still open.
    pub async fn end_open(self) -> Journal {
        let Instance { environment, mut journal, endpoint, packages, .. } = self;
        if let Err(error) = environment.shutdown(&mut journal).await {
            tracing::warn!(%error, "an environment could not be ended");
        }
        drop((endpoint, packages));
        journal
    }

    /// Ends its processes, and waits until they are gone and its log is handed on.
    pub async fn end(self) {
        let mut journal = self.end_open().await;
        journal.flush().await;
    }
}
