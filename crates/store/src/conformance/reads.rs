//! Reads outside transactions.

use std::time::Duration;

use super::{Engine, for_every_engine, get, partition, put, run, transact};
use crate::limits::{READ_CONNECTIONS_MAX, SCAN_BYTES_MAX, SCAN_ROWS_MAX, VALUE_BYTES_MAX};
use crate::{Direction, KeyRange, Limit, StoreError};

/// A snapshot stays as it was taken, while writes go on beside it.
fn a_snapshot_does_not_change(engine: Engine) {
    run(async {
        let subject = engine();
        let (store, p) = (&subject.store, partition("p"));
        put(store, &p, "a", "old").await.expect("written");
        let snapshot = store.snapshot(&p).await.expect("taken");
        put(store, &p, "a", "new").await.expect("written");
        put(store, &p, "b", "new").await.expect("written");
        assert_eq!(snapshot.get(b"a").await, Ok(Some("old".into())));
        assert_eq!(snapshot.get(b"b").await, Ok(None));
        let rows = snapshot.scan(KeyRange::all(), Direction::Forward, 10).await;
        assert_eq!(rows, Ok(vec![("a".into(), "old".into())]));
        let all = snapshot.scan(KeyRange::all(), Direction::Backward, SCAN_ROWS_MAX).await;
        assert_eq!(all, rows);
        assert_eq!(get(store, &p, "a").await.as_deref(), Some("new"));
        store.clear().await.expect("cleared");
        assert_eq!(snapshot.get(b"a").await, Ok(Some("old".into())));
    });
}

/// A transaction that has returned is seen by every later read.
fn reads_see_what_was_acknowledged(engine: Engine) {
    run(async {
        let subject = engine();
        let tasks: Vec<_> = (0..8)
            .map(|task| {
                let store = subject.store.clone();
                tokio::spawn(async move {
                    let p = partition(&format!("task {task}"));
                    for round in 0..50 {
                        put(&store, &p, "round", round.to_string()).await.expect("written");
                        assert_eq!(get(&store, &p, "round").await, Some(round.to_string()));
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.expect("no panic");
        }
    });
}

/// However many snapshots are asked for, each is answered as soon as others are given up.
fn more_snapshots_than_connections_wait_their_turn(engine: Engine) {
    run(async {
        let subject = engine();
        let (store, p) = (&subject.store, partition("p"));
        put(store, &p, "a", "1").await.expect("written");
        let tasks: Vec<_> = (0..4 * READ_CONNECTIONS_MAX)
            .map(|_| {
                let (store, p) = (store.clone(), p.clone());
                tokio::spawn(async move {
                    let snapshot = store.snapshot(&p).await.expect("taken");
                    tokio::task::yield_now().await;
                    snapshot.get(b"a").await
                })
            })
            .collect();
        for task in tasks {
            assert_eq!(task.await.expect("no panic"), Ok(Some("1".into())));
        }
    });
}

/// A scan returns everything it was asked for, or an error: never a part.
fn scans_are_bounded(engine: Engine) {
    run(async {
        let subject = engine();
        let (store, p) = (&subject.store, partition("p"));
        let rows = SCAN_BYTES_MAX / VALUE_BYTES_MAX;
        for number in 0..rows {
            put(store, &p, &format!("{number:03}"), vec![0; VALUE_BYTES_MAX]).await.expect("written");
        }
        let error = store.scan(&p, KeyRange::all(), Direction::Forward, rows).await.expect_err("too many bytes");
        assert!(matches!(error, StoreError::LimitExceeded { limit: Limit::ScanBytes, .. }), "{error}");
        let fewer = store.scan(&p, KeyRange::all(), Direction::Forward, rows - 1).await.expect("just fits");
        assert_eq!(fewer.len(), rows - 1);
        let inside = transact(store, &p, move |transaction| {
            transaction.put(b"zzz", b"");
            Ok(transaction.scan(KeyRange::all(), Direction::Forward, rows)?.len())
        });
        assert!(inside.await.is_err(), "nor inside a transaction");
        let error = store.scan(&p, KeyRange::all(), Direction::Forward, SCAN_ROWS_MAX + 1).await.expect_err("too long");
        assert!(matches!(error, StoreError::LimitExceeded { limit: Limit::ScanRows, .. }), "{error}");
    });
}

/// Clearing removes everything from every partition, and the store is as good as new.
fn clear_removes_everything(engine: Engine) {
    run(async {
        let subject = engine();
        let store = &subject.store;
        for name in ["p", "q"] {
            put(store, &partition(name), "a", "1").await.expect("written");
        }
        let mut watch = store.watch(&partition("q"), b"never written");
        store.clear().await.expect("cleared");
        watch.changed().await.expect("told");
        for name in ["p", "q"] {
            assert_eq!(get(store, &partition(name), "a").await, None);
        }
        put(store, &partition("p"), "a", "2").await.expect("written");
        assert_eq!(get(store, &partition("p"), "a").await.as_deref(), Some("2"));
    });
}

/// Nobody is told about a failure that did not happen.
fn a_healthy_store_is_not_fatal(engine: Engine) {
    run(async {
        let subject = engine();
        put(&subject.store, &partition("p"), "a", "1").await.expect("written");
        let short = Duration::from_millis(20);
        assert!(tokio::time::timeout(short, subject.store.fatal()).await.is_err());
    });
}

for_every_engine!(
    a_snapshot_does_not_change,
    reads_see_what_was_acknowledged,
    more_snapshots_than_connections_wait_their_turn,
    scans_are_bounded,
    clear_removes_everything,
    a_healthy_store_is_not_fatal,
);
