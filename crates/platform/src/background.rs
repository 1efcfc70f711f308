//! Work that outlives the call that started it: bounded, named, counted, and waited for at shutdown.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::metrics::Metrics;

/// Most background tasks at once. A task costs a few KiB; past this number the platform is overloaded and says so.
pub const TASKS_MAX: usize = 4_096;

/// No room for another task, or the platform is stopping.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SpawnError {
    /// [`TASKS_MAX`] tasks are at work.
    #[error("too many background tasks")]
    Overloaded,
    /// The platform is shutting down and takes no more work.
    #[error("the platform is shutting down")]
    Stopping,
}

/// The pool. Cheap to clone.
#[derive(Clone)]
pub struct Background {
    tracker: TaskTracker,
    stopping: CancellationToken,
    permits: Arc<Semaphore>,
    metrics: Arc<Metrics>,
}

impl Background {
    /// An idle pool that reports to `metrics`.
    pub fn new(metrics: Arc<Metrics>) -> Background {
        let permits = Arc::new(Semaphore::new(TASKS_MAX));
        Background { tracker: TaskTracker::new(), stopping: CancellationToken::new(), permits, metrics }
    }

    /// Starts a task, or refuses at once. `name` says what kind of work it is, in metrics and logs.
    pub fn spawn<F>(&self, name: &'static str, task: F) -> Result<(), SpawnError>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        if self.stopping.is_cancelled() {
            return Err(SpawnError::Stopping);
        }
        let permit = Arc::clone(&self.permits).try_acquire_owned().map_err(|_| SpawnError::Overloaded)?;
        self.start(name, Some(permit), task.boxed());
        Ok(())
    }

    /// Starts a task as soon as there is room; the caller's waiting is the back-pressure.
    pub async fn spawn_when_free<F>(&self, name: &'static str, task: F) -> Result<(), SpawnError>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let acquire = Arc::clone(&self.permits).acquire_owned();
        let permit = self.stopping.run_until_cancelled(acquire).await.ok_or(SpawnError::Stopping)?;
        self.start(name, Some(permit.map_err(|_| SpawnError::Stopping)?), task.boxed());
        Ok(())
    }

    /// Starts one of the platform's own loops: it takes no room from others and is dropped, wherever it waits, when the
    /// platform begins to stop. Their number is bounded by whoever starts them.
    pub(crate) fn spawn_endless<F>(&self, name: &'static str, task: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let stopping = self.stopping.clone();
        let until_stopped = async move {
            stopping.run_until_cancelled(task).await;
        };
        self.start(name, None, until_stopped.boxed());
    }

    /// Cancelled when the platform begins to stop: endless tasks end then.
    pub fn stopping(&self) -> &CancellationToken {
        &self.stopping
    }

    /// Takes no more work and waits for what is under way. Returns whether all of it ended before the deadline.
    pub async fn drain(&self, deadline: Duration) -> bool {
        self.stopping.cancel();
        self.tracker.close();
        let drained = tokio::time::timeout(deadline, self.tracker.wait()).await.is_ok();
        if !drained {
            tracing::warn!(tasks = self.tracker.len(), "background tasks were still at work at the deadline");
        }
        drained
    }

    /// Takes a boxed task, so that the scheduler's code for a task is in the program once.
    fn start(&self, name: &'static str, permit: Option<OwnedSemaphorePermit>, task: BoxFuture<'static, ()>) {
        let metrics = Arc::clone(&self.metrics);
        metrics.task_started(name);
        self.tracker.spawn(async move {
            let outcome = AssertUnwindSafe(task).catch_unwind().await;
            if outcome.is_err() {
                tracing::error!(task = name, "a background task panicked");
            }
            metrics.task_ended(name, outcome.is_err());
            drop(permit);
        });
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn pool() -> Background {
        Background::new(Arc::new(Metrics::new()))
    }

    #[tokio::test]
    async fn the_pool_is_bounded() {
        let pool = pool();
        let gate = CancellationToken::new();
        for _ in 0..TASKS_MAX {
            pool.spawn("wait", gate.clone().cancelled_owned()).unwrap();
        }
        assert_eq!(pool.spawn("wait", async {}), Err(SpawnError::Overloaded));
        let waiting = pool.spawn_when_free("wait", async {});
        gate.cancel();
        assert_eq!(waiting.await, Ok(()));
        assert!(pool.drain(Duration::from_secs(60)).await);
    }

    #[tokio::test]
    async fn a_panic_frees_its_place_and_harms_nobody() {
        let pool = pool();
        let done = Arc::new(AtomicUsize::new(0));
        for number in 0..10 {
            let done = Arc::clone(&done);
            let task = async move {
                assert!(number % 2 == 0, "this task fails");
                done.fetch_add(1, Ordering::Relaxed);
            };
            pool.spawn("count", task).unwrap();
        }
        assert!(pool.drain(Duration::from_secs(60)).await);
        assert_eq!(done.load(Ordering::Relaxed), 5);
        assert_eq!(pool.permits.available_permits(), TASKS_MAX);
        assert!(pool.metrics.render().contains(r#"traca_background_panics_total{task="count"} 5"#));
    }

    #[tokio::test(start_paused = true)]
    async fn draining_waits_no_longer_than_its_deadline() {
        let pool = pool();
        pool.spawn("forever", std::future::pending()).unwrap();
        assert!(!pool.drain(Duration::from_secs(5)).await);
        assert_eq!(pool.spawn("late", async {}), Err(SpawnError::Stopping));
        assert_eq!(pool.spawn_when_free("late", async {}).await, Err(SpawnError::Stopping));
    }
}
