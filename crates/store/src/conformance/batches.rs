//! Transactions that share a commit do not share their fate.

use super::crowded::Crowd;
use super::{Engine, GaveUp, Outcome, for_every_engine, get, partition, put, run, transact};
use crate::limits::{
    DELETE_RANGE_ROWS_MAX, KEY_BYTES_MAX, QUEUE_DEPTH_MAX, SCAN_ROWS_MAX, TRANSACTION_BYTES_MAX,
    TRANSACTION_WRITES_MAX, VALUE_BYTES_MAX,
};
use crate::{Abort, Direction, KeyRange, Limit, StoreError, TransactError, Transaction};

/// In one batch one transaction gives up, one panics, one goes over a limit; the others commit, see each other's
/// writes and none of the failed ones'.
fn failing_transactions_harm_nobody_in_their_batch(engine: Engine) {
    run(async {
        let subject = engine();
        let (store, p) = (&subject.store, partition("p"));
        let crowd = Crowd::gather(store).await;
        let first = transact(store, &p, |transaction| {
            transaction.put(b"first", b"1");
            Ok(())
        });
        let gives_up = transact(store, &p, |transaction| -> Result<(), Abort<GaveUp>> {
            transaction.put(b"first", b"overwritten");
            transaction.put(b"gives up", b"1");
            Err(GaveUp("on purpose".to_owned()).into())
        });
        let panics = transact(store, &p, |transaction| -> Result<(), Abort<GaveUp>> {
            transaction.delete_range(KeyRange::all());
            panic!("on purpose, number {}", 7)
        });
        let too_large = transact(store, &p, |transaction| {
            transaction.put(b"first", &vec![0; VALUE_BYTES_MAX + 1]);
            Ok(())
        });
        let last = transact(store, &p, |transaction| {
            let rows = transaction.scan(KeyRange::all(), Direction::Forward, 10)?;
            transaction.put(b"last", b"1");
            Ok(rows)
        });
        let all = async { tokio::join!(biased; first, gives_up, panics, too_large, last) };
        let release = async {
            crowd.wait_for(store, 5).await;
            crowd.disperse().await
        };
        let ((first, gives_up, panics, too_large, last), blocker) = tokio::join!(all, release);
        blocker.expect("committed");
        first.expect("committed");
        assert_eq!(gives_up, Err(TransactError::Aborted(GaveUp("on purpose".to_owned()))));
        let message = "on purpose, number 7".into();
        assert_eq!(panics, Err(TransactError::Store(StoreError::ClosurePanicked(message))));
        let (limit, actual, max) = (Limit::ValueBytes, VALUE_BYTES_MAX + 1, VALUE_BYTES_MAX);
        assert_eq!(too_large, Err(StoreError::LimitExceeded { limit, actual, max }.into()));
        assert_eq!(last.expect("committed"), [("first".into(), "1".into())]);

        let stats = store.stats();
        assert_eq!((stats.commits, stats.batch_transactions_max), (1, 6), "they shared one commit");
        assert_eq!((stats.transactions_committed, stats.transactions_aborted, stats.transactions_refused), (3, 1, 2));
        let rows = store.scan(&p, KeyRange::all(), Direction::Forward, 10).await.expect("readable");
        assert_eq!(rows, [("first".into(), "1".into()), ("last".into(), "1".into())]);
    });
}

/// Nothing of a batch can be read before its commit.
fn nothing_is_visible_before_the_commit(engine: Engine) {
    run(async {
        let subject = engine();
        let crowd = Crowd::gather(&subject.store).await;
        assert_eq!(get(&subject.store, &partition("blocker"), "blocked").await, None);
        crowd.disperse().await.expect("committed");
        assert_eq!(get(&subject.store, &partition("blocker"), "blocked").await.as_deref(), Some("yes"));
    });
}

/// A caller that stopped waiting before its transaction ran gets nothing written, and the queue's place is free again.
fn an_abandoned_transaction_is_not_run(engine: Engine) {
    run(async {
        let subject = engine();
        let (store, p) = (subject.store.clone(), partition("p"));
        let crowd = Crowd::gather(&store).await;
        let abandoned = {
            let store = store.clone();
            tokio::spawn(async move { put(&store, &partition("p"), "abandoned", "1").await })
        };
        crowd.wait_for(&store, 1).await;
        abandoned.abort();
        assert!(abandoned.await.expect_err("aborted").is_cancelled());
        crowd.disperse().await.expect("committed");
        put(&store, &p, "next", "1").await.expect("written");
        assert_eq!(get(&store, &p, "abandoned").await, None);
    });
}

/// A shutdown finishes what was accepted, and refuses what comes later.
fn shutdown_finishes_what_was_queued(engine: Engine) {
    run(async {
        let subject = engine();
        let store = &subject.store;
        let p = partition("p");
        let crowd = Crowd::gather(store).await;
        let queued = {
            let store = store.clone();
            tokio::spawn(async move { put(&store, &partition("p"), "queued", "1").await })
        };
        crowd.wait_for(store, 1).await;
        let mut watch = store.watch(&p, b"later");
        let (blocker, ()) = tokio::join!(crowd.disperse(), store.shutdown());
        blocker.expect("committed");
        queued.await.expect("no panic").expect("committed");
        assert_eq!(put(store, &p, "later", "1").await, Err(StoreError::Closed));
        assert_eq!(store.get(&p, b"queued").await, Err(StoreError::Closed));
        assert_eq!(store.clear().await, Err(StoreError::Closed));
        assert_eq!(watch.changed().await, Err(StoreError::Closed));
        store.shutdown().await;
    });
}

/// The queue has a bound; whoever finds it full waits.
fn a_full_queue_makes_callers_wait(engine: Engine) {
    run(async {
        let subject = engine();
        let store = &subject.store;
        let crowd = Crowd::gather(store).await;
        let waiting: Vec<_> = (0..QUEUE_DEPTH_MAX + 10)
            .map(|number| {
                let store = store.clone();
                tokio::spawn(async move { put(&store, &partition("p"), &number.to_string(), "1").await })
            })
            .collect();
        crowd.wait_for(store, QUEUE_DEPTH_MAX).await;
        assert_eq!(store.stats().queue_depth, store.stats().queue_depth_max);
        crowd.disperse().await.expect("committed");
        for task in waiting {
            task.await.expect("no panic").expect("committed");
        }
        assert_eq!(store.stats().transactions_committed, QUEUE_DEPTH_MAX as u64 + 11);
    });
}

/// What a transaction is told when it goes over a limit.
async fn refused(engine: Engine, closure: fn(&mut dyn Transaction)) -> (Limit, usize, usize) {
    let subject = engine();
    let p = partition("p");
    put(&subject.store, &p, "before", "1").await.expect("written");
    let outcome: Outcome<()> = transact(&subject.store, &p, move |transaction| {
        transaction.put(b"before", b"2");
        closure(transaction);
        Ok(())
    })
    .await;
    assert_eq!(get(&subject.store, &p, "before").await.as_deref(), Some("1"), "nothing was changed");
    match outcome {
        Err(TransactError::Store(StoreError::LimitExceeded { limit, actual, max })) => (limit, actual, max),
        other => panic!("not refused: {other:?}"),
    }
}

/// Each limit refuses the transaction that goes over it, even if its closure returns a result.
fn limits_are_enforced(engine: Engine) {
    run(async {
        let key = refused(engine, |transaction| transaction.put(&vec![0; KEY_BYTES_MAX + 1], b""));
        assert_eq!(key.await, (Limit::KeyBytes, KEY_BYTES_MAX + 1, KEY_BYTES_MAX));
        let deleted = refused(engine, |transaction| transaction.delete(&vec![0; KEY_BYTES_MAX + 1]));
        assert_eq!(deleted.await, (Limit::KeyBytes, KEY_BYTES_MAX + 1, KEY_BYTES_MAX));
        let writes = refused(engine, |transaction| (0..=TRANSACTION_WRITES_MAX).for_each(|_| transaction.delete(b"k")));
        // "before" was written too.
        assert_eq!(writes.await, (Limit::TransactionWrites, TRANSACTION_WRITES_MAX + 1, TRANSACTION_WRITES_MAX));
        let bytes = refused(engine, |transaction| {
            (0..5_u8).for_each(|number| transaction.put(&[number], &vec![0; VALUE_BYTES_MAX]));
        });
        let (limit, actual, max) = bytes.await;
        assert_eq!((limit, max), (Limit::TransactionBytes, TRANSACTION_BYTES_MAX));
        assert!(actual > max);
        let scan = refused(engine, |transaction| {
            let _ = transaction.scan(KeyRange::all(), Direction::Forward, SCAN_ROWS_MAX + 1);
        });
        assert_eq!(scan.await, (Limit::ScanRows, SCAN_ROWS_MAX + 1, SCAN_ROWS_MAX));
    });
}

/// A range delete refuses to hold the writer up for too long, and the store's own does it in pieces.
fn large_ranges_are_deleted_in_pieces(engine: Engine) {
    run(async {
        let subject = engine();
        let (store, p) = (&subject.store, partition("p"));
        let rows = DELETE_RANGE_ROWS_MAX as u32 + 1;
        for first in (0..rows).step_by(TRANSACTION_WRITES_MAX) {
            let outcome: Outcome<()> = transact(store, &p, move |transaction| {
                for number in first..rows.min(first + TRANSACTION_WRITES_MAX as u32) {
                    transaction.put(&[b"row/", &number.to_be_bytes()[..]].concat(), b"");
                }
                Ok(())
            })
            .await;
            outcome.expect("written");
        }
        put(store, &p, "other", "1").await.expect("written");
        let at_once: Outcome<()> = transact(store, &p, |transaction| {
            transaction.delete_range(KeyRange::prefix("row/"));
            Ok(())
        })
        .await;
        let (limit, actual, max) = (Limit::DeleteRangeRows, DELETE_RANGE_ROWS_MAX + 1, DELETE_RANGE_ROWS_MAX);
        assert_eq!(at_once, Err(StoreError::LimitExceeded { limit, actual, max }.into()));
        store.delete_range(&p, KeyRange::prefix("row/")).await.expect("deleted");
        let left = store.scan(&p, KeyRange::all(), Direction::Forward, 10).await.expect("readable");
        assert_eq!(left, [("other".into(), "1".into())]);
    });
}

for_every_engine!(
    failing_transactions_harm_nobody_in_their_batch,
    nothing_is_visible_before_the_commit,
    an_abandoned_transaction_is_not_run,
    shutdown_finishes_what_was_queued,
    a_full_queue_makes_callers_wait,
    limits_are_enforced,
    large_ranges_are_deleted_in_pieces,
);
