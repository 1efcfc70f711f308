//! Transactions that run at the same time have the effect of some order of them.

use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;

use super::model::{Model, Seen, Step, contents, run_steps, steps};
use super::{Engine, Outcome, for_every_engine, partition, run, transact};
use crate::{Direction, KeyRange, Store, Transaction};

const COUNTER: &[u8] = b"counter";

/// The same step, on keys of its own that the counter is not among.
fn beside_the_counter(step: Step) -> Step {
    let key = |key: &[u8]| [b"random/", key].concat();
    let range = |range: KeyRange| match range.end() {
        Some(end) => KeyRange::between(key(range.start()), key(end)),
        None => KeyRange::between(key(range.start()), "random0"),
    };
    match step {
        Step::Get(got) => Step::Get(key(&got)),
        Step::Scan(scanned, direction, limit) => Step::Scan(range(scanned), direction, limit),
        Step::Put(put, value) => Step::Put(key(&put), value),
        Step::Delete(deleted) => Step::Delete(key(&deleted)),
        Step::DeleteRange(deleted) => Step::DeleteRange(range(deleted)),
    }
}

/// Takes the next number of a counter, which is the transaction's place in the order of all.
fn take_number(transaction: &mut dyn Transaction) -> Result<u64, crate::Pending> {
    let last = transaction
        .get(COUNTER)?
        .map_or(0, |value| u64::from_be_bytes(value.as_ref().try_into().expect("eight bytes")));
    transaction.put(COUNTER, &(last + 1).to_be_bytes());
    Ok(last + 1)
}

/// A transaction's place in the order, what it did, and what it saw.
type Record = (u64, Vec<Step>, Vec<Seen>);

async fn run_all(store: Store, transactions: Vec<Vec<Step>>) -> Vec<Record> {
    let mut records = Vec::new();
    for steps in transactions {
        let steps: Vec<Step> = steps.into_iter().map(beside_the_counter).collect();
        let run = steps.clone();
        let outcome: Outcome<(u64, Vec<Seen>)> = transact(&store, &partition("p"), move |transaction| {
            let number = take_number(transaction)?;
            Ok((number, run_steps(transaction, &run)?))
        })
        .await;
        let (number, seen) = outcome.expect("committed");
        records.push((number, steps, seen));
    }
    records
}

/// Several tasks run random transactions at once. Each takes a number; repeated in the order of the numbers on a
/// sorted map, every transaction sees the same and the end is the same.
fn concurrent_transactions_have_an_order(engine: Engine) {
    let tasks = vec(vec(steps(), 1..10), 2..6);
    let config = ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(tasks in tasks)| {
        run(async {
            let subject = engine();
            let tasks: Vec<_> =
                tasks.into_iter().map(|steps| tokio::spawn(run_all(subject.store.clone(), steps))).collect();
            let mut records = Vec::new();
            for task in tasks {
                records.extend(task.await.expect("no panic"));
            }
            records.sort_by_key(|(number, ..)| *number);
            let mut model = Model::default();
            for (number, steps, seen) in records {
                assert_eq!(take_number(&mut model).expect("the model answers"), number);
                assert_eq!(run_steps(&mut model, &steps).expect("the model answers"), seen);
            }
            assert_eq!(contents(&subject.store, &partition("p")).await, model);
        });
    });
}

/// Two transactions each read what the other writes. Whichever comes second has to see the first.
fn write_skew_is_impossible(engine: Engine) {
    run(async {
        let subject = engine();
        for round in 0..100 {
            let on_call = partition(&format!("round {round}"));
            super::put(&subject.store, &on_call, "alice", "on").await.expect("written");
            super::put(&subject.store, &on_call, "bob", "on").await.expect("written");
            let leave = |who: &'static str, other: &'static str| {
                transact(&subject.store, &on_call, move |transaction| {
                    if transaction.get(other.as_bytes())?.is_some() {
                        transaction.delete(who.as_bytes());
                    }
                    Ok(())
                })
            };
            let (alice, bob) = tokio::join!(leave("alice", "bob"), leave("bob", "alice"));
            alice.expect("committed");
            bob.expect("committed");
            let left = subject.store.scan(&on_call, KeyRange::all(), Direction::Forward, 10).await.expect("readable");
            assert_eq!(left.len(), 1, "exactly one of them may leave");
        }
    });
}

/// Transactions add a row only while a range has fewer than five. A row added beside has to be seen.
fn phantoms_are_impossible(engine: Engine) {
    run(async {
        let subject = engine();
        let store = Arc::new(subject.store.clone());
        let tasks: Vec<_> = (0..64_u8)
            .map(|number| {
                let store = store.clone();
                tokio::spawn(async move {
                    transact(&store, &partition("p"), move |transaction| {
                        let rows = transaction.scan(KeyRange::prefix("seat/"), Direction::Backward, 5)?;
                        if rows.len() < 5 {
                            transaction.put(&[b"seat/", &[number][..]].concat(), b"taken");
                        }
                        Ok(rows.len() < 5)
                    })
                    .await
                })
            })
            .collect();
        let mut taken = 0;
        for task in tasks {
            taken += usize::from(task.await.expect("no panic").expect("committed"));
        }
        assert_eq!(taken, 5);
        let rows = store.scan(&partition("p"), KeyRange::prefix("seat/"), Direction::Forward, 100).await;
        assert_eq!(rows.expect("readable").len(), 5);
    });
}

for_every_engine!(concurrent_transactions_have_an_order, write_skew_is_impossible, phantoms_are_impossible);
