//! Watchers are told of every commit they asked about.

use std::task::Poll;

use super::{Engine, GaveUp, Outcome, for_every_engine, get, partition, put, run, transact};
use crate::{Abort, KeyRange, Watch};

/// Whether a watch has something to tell now.
async fn is_told(watch: &mut Watch) -> bool {
    let mut changed = std::pin::pin!(watch.changed());
    std::future::poll_fn(|context| Poll::Ready(changed.as_mut().poll(context).is_ready())).await
}

/// A watch tells of commits under its prefix: of keys, of ranges, and of nothing else.
fn a_watch_tells_of_its_prefix_only(engine: Engine) {
    run(async {
        let subject = engine();
        let (store, p) = (&subject.store, partition("p"));
        let mut queue = store.watch(&p, b"queue/1/");
        let mut everything = store.watch(&p, b"");
        assert!(!is_told(&mut queue).await);

        put(store, &p, "queue/2/a", "1").await.expect("written");
        put(store, &partition("q"), "queue/1/a", "1").await.expect("written");
        let gave_up: Outcome<()> = transact(store, &p, |transaction| {
            transaction.put(b"queue/1/a", b"1");
            Err(Abort::With(GaveUp(String::new())))
        })
        .await;
        assert!(gave_up.is_err());
        // A commit's watchers are told before the next transaction's result is sent.
        put(store, &p, "other", "1").await.expect("written");
        assert!(!is_told(&mut queue).await);
        everything.changed().await.expect("told of another key");

        put(store, &p, "queue/1/a", "1").await.expect("written");
        put(store, &p, "queue/1/b", "1").await.expect("written");
        queue.changed().await.expect("told of a key");

        put(store, &p, "other", "2").await.expect("written");
        let _ = is_told(&mut queue).await;
        let removed: Outcome<()> = transact(store, &p, |transaction| {
            transaction.delete_range(KeyRange::prefix("queue/"));
            Ok(())
        })
        .await;
        removed.expect("committed");
        queue.changed().await.expect("told of a range");
    });
}

/// A consumer that reads, then waits, misses nothing, however the writes fall.
fn nothing_is_missed(engine: Engine) {
    run(async {
        let subject = engine();
        let (store, p) = (&subject.store, partition("p"));
        let rounds = 200;
        let mut watch = store.watch(&p, b"number");
        let consumer = async {
            loop {
                if get(store, &p, "number").await == Some(rounds.to_string()) {
                    return;
                }
                watch.changed().await.expect("the store is open");
            }
        };
        let producer = async {
            for round in 0..=rounds {
                put(store, &p, "number", round.to_string()).await.expect("written");
            }
        };
        tokio::join!(consumer, producer);
    });
}

for_every_engine!(a_watch_tells_of_its_prefix_only, nothing_is_missed);
