//! Work that is done to its end whoever waits for it.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

/// A future that runs where it is awaited, and goes on in a task of its own when it is dropped before its end: an
/// invocation whose caller has gone away ends as any other. Nearly all callers stay, and pay for no task.
pub struct Unstoppable<F: Future + Send + 'static> {
    work: Option<Pin<Box<F>>>,
    tracker: TaskTracker,
    /// Who waits for the tracker waits for this work, wherever it runs.
    _token: TaskTrackerToken,
}

impl<F: Future + Send + 'static> Unstoppable<F> {
    /// Work that the tracker knows of.
    pub fn new(work: F, tracker: &TaskTracker) -> Unstoppable<F> {
        Unstoppable { work: Some(Box::pin(work)), tracker: tracker.clone(), _token: tracker.token() }
    }
}

impl<F: Future + Send + 'static> Future for Unstoppable<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let Some(work) = self.work.as_mut() else { unreachable!("polled after its end") };
        let polled = work.as_mut().poll(context);
        if polled.is_ready() {
            self.work = None;
        }
        polled
    }
}

impl<F: Future + Send + 'static> Drop for Unstoppable<F> {
    fn drop(&mut self) {
        // Work that panicked cannot go on, and without a runtime nothing can.
        if let Some(work) = self.work.take()
            && !std::thread::panicking()
            && Handle::try_current().is_ok()
        {
            self.tracker.spawn(async move {
                work.await;
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn work_goes_on_when_nobody_waits_and_the_tracker_waits_for_it() {
        let tracker = TaskTracker::new();
        let (go, gone) = oneshot::channel::<()>();
        let (done, mut ended) = oneshot::channel();
        let work = async move {
            let _ = gone.await;
            let _ = done.send("done");
        };
        let mut waiting = polled_once(Unstoppable::new(work, &tracker)).await;
        assert!(ended.try_recv().is_err());
        drop(waiting.take());
        tracker.close();
        go.send(()).expect("the work goes on");
        tracker.wait().await;
        assert_eq!(ended.try_recv(), Ok("done"));
    }

    #[tokio::test]
    async fn the_result_is_the_works_own() {
        let tracker = TaskTracker::new();
        assert_eq!(Unstoppable::new(async { 7 }, &tracker).await, 7);
        assert!(tracker.is_empty());
    }

    /// Polls once, as a caller does that then goes away.
    async fn polled_once<F: Future + Unpin>(future: F) -> Option<F> {
        let mut future = Some(future);
        std::future::poll_fn(|context| {
            if let Some(future) = future.as_mut() {
                assert!(Pin::new(future).poll(context).is_pending());
            }
            Poll::Ready(())
        })
        .await;
        future
    }
}
