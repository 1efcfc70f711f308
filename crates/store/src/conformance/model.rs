//! Random transactions, and a sorted map that says what they have to do.

use std::collections::BTreeMap;
use std::ops::Bound;

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;

use super::{Engine, GaveUp, for_every_engine, partition, run, transact};
use crate::{Abort, Direction, KeyRange, Partition, Pending, Store, TransactError, Transaction};

/// The reference: what a partition holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Model(BTreeMap<Bytes, Bytes>);

impl Transaction for Model {
    fn get(&mut self, key: &[u8]) -> Result<Option<Bytes>, Pending> {
        Ok(self.0.get(key).cloned())
    }

    fn scan(&mut self, range: KeyRange, direction: Direction, limit: usize) -> Result<Vec<(Bytes, Bytes)>, Pending> {
        let rows = self.0.iter().filter(|(key, _)| range.contains(key));
        let rows = rows.map(|(key, value)| (key.clone(), value.clone()));
        Ok(match direction {
            Direction::Forward => rows.take(limit).collect(),
            Direction::Backward => rows.rev().take(limit).collect(),
        })
    }

    fn put(&mut self, key: &[u8], value: &[u8]) {
        self.0.insert(Bytes::copy_from_slice(key), Bytes::copy_from_slice(value));
    }

    fn delete(&mut self, key: &[u8]) {
        self.0.remove(key);
    }

    fn delete_range(&mut self, range: KeyRange) {
        self.0.retain(|key, _| !range.contains(key));
    }
}

/// One step of a transaction.
#[derive(Debug, Clone)]
pub(super) enum Step {
    Get(Vec<u8>),
    Scan(KeyRange, Direction, usize),
    Put(Vec<u8>, Vec<u8>),
    Delete(Vec<u8>),
    DeleteRange(KeyRange),
}

/// What a step saw.
pub(super) type Seen = Vec<(Bytes, Bytes)>;

/// Runs the steps and returns what the reading ones saw.
pub(super) fn run_steps(transaction: &mut dyn Transaction, steps: &[Step]) -> Result<Vec<Seen>, Pending> {
    let mut seen = Vec::new();
    for step in steps {
        match step {
            Step::Get(key) => {
                let value = transaction.get(key)?;
                seen.push(value.map(|value| (Bytes::copy_from_slice(key), value)).into_iter().collect());
            }
            Step::Scan(range, direction, limit) => seen.push(transaction.scan(range.clone(), *direction, *limit)?),
            Step::Put(key, value) => transaction.put(key, value),
            Step::Delete(key) => transaction.delete(key),
            Step::DeleteRange(range) => transaction.delete_range(range.clone()),
        }
    }
    Ok(seen)
}

/// Short keys over few bytes, among them the smallest and the largest, so that transactions meet often.
fn key() -> impl Strategy<Value = Vec<u8>> {
    vec(prop_oneof![Just(0x00), Just(b'a'), Just(b'b'), Just(0xFF)], 0..4)
}

/// Values of few bytes, and some around the size from which they lie apart from their keys on disk.
fn value() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        3 => vec(any::<u8>(), 0..4),
        1 => (any::<u8>(), 900..1_100_usize).prop_map(|(byte, length)| vec![byte; length]),
    ]
}

fn range() -> impl Strategy<Value = KeyRange> {
    prop_oneof![
        Just(KeyRange::all()),
        key().prop_map(KeyRange::prefix),
        key().prop_map(KeyRange::starting_at),
        (key(), key()).prop_map(|(start, end)| KeyRange::between(start, end)),
        (key(), key()).prop_map(|(prefix, key)| KeyRange::prefix(prefix).after(&key)),
        (key(), key()).prop_map(|(prefix, key)| KeyRange::prefix(prefix).before(&key)),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let direction = prop_oneof![Just(Direction::Forward), Just(Direction::Backward)];
    prop_oneof![
        2 => key().prop_map(Step::Get),
        3 => (range(), direction, 0..6_usize).prop_map(|(range, direction, limit)| Step::Scan(range, direction, limit)),
        5 => (key(), value()).prop_map(|(key, value)| Step::Put(key, value)),
        2 => key().prop_map(Step::Delete),
        1 => range().prop_map(Step::DeleteRange),
    ]
}

/// The steps of one transaction.
pub(super) fn steps() -> impl Strategy<Value = Vec<Step>> {
    vec(step(), 1..8)
}

/// Everything a partition holds, read in both directions and compared.
pub(super) async fn contents(store: &Store, partition: &Partition) -> Model {
    let forward = store.scan(partition, KeyRange::all(), Direction::Forward, 1000).await.expect("readable");
    let mut backward = store.scan(partition, KeyRange::all(), Direction::Backward, 1000).await.expect("readable");
    backward.reverse();
    assert_eq!(forward, backward);
    let bounds: (Bound<Bytes>, Bound<Bytes>) = (Bound::Unbounded, Bound::Unbounded);
    let model = BTreeMap::from_iter(forward.iter().cloned());
    assert!(model.range(bounds).map(|(key, value)| (key.clone(), value.clone())).eq(forward), "keys are in order");
    Model(model)
}

/// Transactions one after the other, some of which give up, do what they do to a sorted map; and so does a store that
/// was reopened.
fn transactions_behave_like_a_sorted_map(engine: Engine) {
    let transactions = vec((steps(), any::<bool>(), any::<bool>()), 1..12);
    let config = ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(transactions in transactions)| {
        run(async {
            let subject = engine();
            let parts = [partition("first"), partition("first and more")];
            let mut models = [Model::default(), Model::default()];
            for (steps, second, gives_up) in transactions {
                let part = usize::from(second);
                let mut expected = models[part].clone();
                let expected_seen = run_steps(&mut expected, &steps).expect("the model answers");
                let outcome = transact(&subject.store, &parts[part], move |transaction| {
                    let seen = run_steps(transaction, &steps)?;
                    if gives_up { Err(Abort::With(GaveUp(format!("{seen:?}")))) } else { Ok(seen) }
                });
                match outcome.await {
                    Ok(seen) => {
                        assert_eq!(seen, expected_seen);
                        models[part] = expected;
                    }
                    Err(TransactError::Aborted(GaveUp(seen))) => assert_eq!(seen, format!("{expected_seen:?}")),
                    Err(error) => panic!("{error}"),
                }
            }
            for (part, model) in parts.iter().zip(&models) {
                assert_eq!(&contents(&subject.store, part).await, model);
            }
        });
    });
}

for_every_engine!(transactions_behave_like_a_sorted_map);
