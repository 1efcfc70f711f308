//! A future that is polled again where it is when it was woken while it was being polled.
//!
//! A connection wakes itself several times in a request: its body is asked for, its answer is there. Each time its task
//! would be queued, and another thread be woken to look whether it can take it, which costs more than going on at once.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use futures_util::task::AtomicWaker;

/// The future is being polled.
const POLLING: u8 = 1;
/// It was woken since it was last polled.
const WOKEN: u8 = 2;

/// How often a future that goes on waking itself is polled before other tasks of its thread have their turn.
const POLLS_MAX: usize = 16;

/// The future.
pub(crate) struct Awake<F> {
    future: Pin<Box<F>>,
    wakes: Arc<Wakes>,
    /// Wakes through `wakes`.
    waker: Waker,
}

#[derive(Default)]
struct Wakes {
    state: AtomicU8,
    /// Who is to be woken when the future is not being polled.
    task: AtomicWaker,
}

impl<F: Future> Awake<F> {
    /// Polls `future`.
    pub fn new(future: F) -> Awake<F> {
        let wakes = Arc::<Wakes>::default();
        let waker = Waker::from(Arc::clone(&wakes));
        Awake { future: Box::pin(future), wakes, waker }
    }
}

impl<F: Future> Future for Awake<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = &mut *self;
        this.wakes.task.register(context.waker());
        for _ in 0..POLLS_MAX {
            this.wakes.state.swap(POLLING, Ordering::AcqRel);
            let polled = this.future.as_mut().poll(&mut Context::from_waker(&this.waker));
            if polled.is_ready() {
                return polled;
            }
            // Fails if it was woken meanwhile; whoever wakes it from now on wakes the task.
            if this.wakes.state.compare_exchange(POLLING, 0, Ordering::AcqRel, Ordering::Acquire).is_ok() {
                return Poll::Pending;
            }
        }
        this.wakes.state.store(0, Ordering::Release);
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.state.fetch_or(WOKEN, Ordering::AcqRel) & POLLING == 0 {
            self.task.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::sync::atomic::AtomicUsize;

    use super::*;

    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn what_wakes_itself_goes_on_without_waking_its_task() {
        let count = Arc::new(Count(AtomicUsize::new(0)));
        let waker = Waker::from(Arc::clone(&count));
        let mut polls = 0;
        let mut future = Awake::new(poll_fn(|context| {
            polls += 1;
            context.waker().wake_by_ref();
            if polls == 3 { Poll::Ready(polls) } else { Poll::Pending }
        }));
        assert_eq!(Pin::new(&mut future).poll(&mut Context::from_waker(&waker)), Poll::Ready(3));
        assert_eq!(count.0.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn what_never_rests_lets_others_have_their_turn() {
        let count = Arc::new(Count(AtomicUsize::new(0)));
        let waker = Waker::from(Arc::clone(&count));
        let mut polls = 0;
        let mut future = Awake::new(poll_fn(|context| {
            polls += 1;
            context.waker().wake_by_ref();
            Poll::<()>::Pending
        }));
        assert!(Pin::new(&mut future).poll(&mut Context::from_waker(&waker)).is_pending());
        drop(future);
        assert_eq!((polls, count.0.load(Ordering::Relaxed)), (POLLS_MAX, 1));
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn others_wake_it() {
        let (sender, receiver) = tokio::sync::oneshot::channel();
        let waiting = tokio::spawn(Awake::new(async move {
            tokio::task::yield_now().await;
            receiver.await
        }));
        tokio::task::spawn_blocking(move || sender.send(7)).await.expect("sent").expect("received");
        assert_eq!(waiting.await.expect("no panic"), Ok(7));
    }
}
