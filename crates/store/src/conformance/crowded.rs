//! A way to make transactions wait together, so that they land in one batch.

use std::sync::{Arc, Mutex, mpsc};

use super::{Outcome, partition, transact};
use crate::Store;

/// A transaction that keeps the writer busy until released.
pub(super) struct Crowd {
    release: mpsc::Sender<()>,
    blocker: tokio::task::JoinHandle<Outcome<()>>,
}

impl Crowd {
    /// Blocks the writer; returns once it is blocked.
    pub(super) async fn gather(store: &Store) -> Self {
        let (release, released) = mpsc::channel();
        let released = Arc::new(Mutex::new(released));
        let (entered, wait_entered) = tokio::sync::oneshot::channel();
        let entered = Mutex::new(Some(entered));
        let store = store.clone();
        let blocker = tokio::spawn(async move {
            transact(&store, &partition("blocker"), move |transaction| {
                transaction.put(b"blocked", b"yes");
                if let Some(entered) = entered.lock().expect("unshared").take() {
                    entered.send(()).expect("somebody waits");
                }
                // Ends with an error once the sender is gone: a failing test must not leave the thread behind.
                let _ = released.lock().expect("unshared").recv();
                Ok(())
            })
            .await
        });
        wait_entered.await.expect("the writer runs the blocker");
        Self { release, blocker }
    }

    /// Waits until so many transactions stand in the queue.
    pub(super) async fn wait_for(&self, store: &Store, waiting: usize) {
        while store.stats().queue_depth < waiting {
            tokio::task::yield_now().await;
        }
    }

    /// Lets the writer go on; returns what became of the blocking transaction.
    pub(super) async fn disperse(self) -> Outcome<()> {
        self.release.send(()).expect("the blocker waits");
        self.blocker.await.expect("no panic")
    }
}
