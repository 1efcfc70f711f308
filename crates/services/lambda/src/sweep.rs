//! Removing unpacked packages that no version needs any more.

use std::sync::Arc;
use std::time::Duration;

use crate::Lambda;

/// Wait between sweeps. A package still in use by an environment is left for the next one.
const INTERVAL: Duration = Duration::from_secs(600);

/// Sweeps now and then, and whenever something was deleted, until the platform stops.
pub async fn run(lambda: Arc<Lambda>) {
    let stopping = lambda.platform.background.stopping().clone();
    let clock = lambda.platform.clock.clone();
    loop {
        sweep(&lambda).await;
        let wait = async {
            tokio::select! {
                () = clock.sleep(INTERVAL) => {}
                () = lambda.sweep_requested() => {}
            }
        };
        if stopping.run_until_cancelled(wait).await.is_none() {
            return;
        }
    }
}

/// Removes the packages that are neither needed nor in use.
pub async fn sweep(lambda: &Arc<Lambda>) {
    let service = Arc::clone(lambda);
    let unpacked = tokio::task::spawn_blocking(move || service.packages.unpacked()).await;
    let unpacked = match unpacked {
        Ok(Ok(unpacked)) => unpacked,
        Ok(Err(error)) => return tracing::warn!(%error, "the unpacked packages cannot be listed"),
        // The runtime is ending.
        Err(_) => return,
    };
    for digest in unpacked {
        match lambda.functions.needs_package(&digest).await {
            Ok(true) => {}
            Ok(false) => {
                let service = Arc::clone(lambda);
                let removed = tokio::task::spawn_blocking(move || service.packages.remove(&digest)).await;
                if let Ok(Err(error)) = removed {
                    tracing::warn!(%error, %digest, "an unpacked package cannot be removed");
                }
            }
            Err(error) => return tracing::warn!(%error, "packages cannot be swept"),
        }
    }
}
