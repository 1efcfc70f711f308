//! Engines that fail: what callers are told, and what is left.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;

use super::crowded::Crowd;
use super::{get, partition, put, run, transact};
use crate::engine::{Read, Rows, Write};
use crate::error::EngineError;
use crate::memory::{MemoryEngine, MemoryState};
use crate::overlay::WriteSet;
use crate::readers::Readers;
use crate::{Direction, KeyRange, Partition, Store, StoreError, TransactError};

/// Where an engine can fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Begin,
    Get,
    Apply,
    Commit,
    Rollback,
    Maintain,
}

/// What the next call of a step does instead of its work.
type Plan = Arc<Mutex<VecDeque<(Step, Failure)>>>;

#[derive(Debug, Clone)]
enum Failure {
    /// Succeeds: what follows in the plan comes after this step.
    Nothing,
    Error(EngineError),
    Panic,
}

/// The memory engine, failing to plan.
struct FaultyEngine {
    memory: MemoryEngine,
    plan: Plan,
}

impl FaultyEngine {
    fn reach(&self, step: Step) -> Result<(), EngineError> {
        let mut plan = self.plan.lock();
        if plan.front().is_none_or(|(planned, _)| *planned != step) {
            return Ok(());
        }
        match plan.pop_front() {
            Some((_, Failure::Error(error))) => Err(error),
            Some((_, Failure::Nothing)) | None => Ok(()),
            Some((_, Failure::Panic)) => panic!("the engine panics, to plan"),
        }
    }
}

impl Read for FaultyEngine {
    fn get(&mut self, partition: &Partition, key: &[u8]) -> Result<Option<Bytes>, EngineError> {
        self.reach(Step::Get)?;
        self.memory.get(partition, key)
    }

    fn scan(&mut self, of: &Partition, range: &KeyRange, way: Direction, limit: usize) -> Result<Rows, EngineError> {
        self.memory.scan(of, range, way, limit)
    }

    fn nth_key(&mut self, of: &Partition, range: &KeyRange, index: usize) -> Result<Option<Bytes>, EngineError> {
        self.memory.nth_key(of, range, index)
    }
}

impl Write for FaultyEngine {
    fn begin(&mut self) -> Result<(), EngineError> {
        self.reach(Step::Begin)?;
        self.memory.begin()
    }

    fn apply(&mut self, partition: &Partition, writes: &WriteSet) -> Result<(), EngineError> {
        self.memory.apply(partition, writes)?;
        self.reach(Step::Apply)
    }

    fn clear(&mut self) -> Result<(), EngineError> {
        self.memory.clear()
    }

    fn commit(&mut self) -> Result<(), EngineError> {
        self.reach(Step::Commit)?;
        self.memory.commit()
    }

    fn rollback(&mut self) -> Result<(), EngineError> {
        self.reach(Step::Rollback)?;
        self.memory.rollback()
    }

    fn maintain(&mut self) -> Result<(), EngineError> {
        self.reach(Step::Maintain)?;
        self.memory.maintain()
    }

    fn close(&mut self) -> Result<(), EngineError> {
        self.memory.close()
    }
}

fn faulty() -> (Store, Plan) {
    let (state, plan) = (MemoryState::default(), Plan::default());
    let engine = FaultyEngine { memory: MemoryEngine::new(state.clone()), plan: plan.clone() };
    (Store::start(engine, Readers::Memory(state)).expect("a thread"), plan)
}

fn fatal() -> Failure {
    Failure::Error(EngineError::Fatal("fsync failed".to_owned()))
}

fn full() -> Failure {
    Failure::Error(EngineError::DiskFull)
}

/// Two transactions of one batch; each gets its own result.
async fn two_in_a_batch(store: &Store) -> [Result<(), StoreError>; 2] {
    let crowd = Crowd::gather(store).await;
    let p = partition("p");
    let both = async { tokio::join!(put(store, &p, "a", "1"), put(store, &p, "b", "1")) };
    let release = async {
        crowd.wait_for(store, 2).await;
        crowd.disperse().await
    };
    let ((a, b), _) = tokio::join!(both, release);
    [a, b]
}

#[test]
fn a_full_disk_refuses_the_batch_and_the_store_goes_on() {
    for step in [Step::Begin, Step::Apply, Step::Commit] {
        run(async {
            let (store, plan) = faulty();
            let p = partition("p");
            put(&store, &p, "before", "1").await.expect("written");
            plan.lock().push_back((step, full()));
            if step == Step::Begin {
                assert_eq!(put(&store, &p, "a", "1").await, Err(StoreError::DiskFull));
            } else {
                let refused = two_in_a_batch(&store).await;
                assert!(refused.contains(&Err(StoreError::DiskFull)), "{step:?}: {refused:?}");
                for (key, outcome) in ["a", "b"].into_iter().zip(refused) {
                    assert_eq!(get(&store, &p, key).await.is_some(), outcome.is_ok(), "{step:?}");
                }
            }
            put(&store, &p, "after", "1").await.expect("there is room again");
            assert_eq!(get(&store, &p, "before").await.as_deref(), Some("1"));
            assert_eq!(get(&store, &p, "after").await.as_deref(), Some("1"));
        });
    }
}

/// After an error that leaves the disk's content unknown, every call fails and the process is told.
fn check_poisoned(plan_steps: &[(Step, Failure)]) {
    run(async {
        let (store, plan) = faulty();
        let p = partition("p");
        put(&store, &p, "before", "1").await.expect("written");
        let mut watch = store.watch(&p, b"");
        plan.lock().extend(plan_steps.iter().cloned());
        let read = transact(&store, &p, |transaction| {
            transaction.put(b"a", b"1");
            Ok(transaction.get(b"before")?)
        })
        .await;
        let error = store.fatal().await;
        assert!(matches!(error, StoreError::Poisoned(_)), "{error}");
        // Upkeep comes after the results.
        if plan_steps.iter().any(|(step, _)| *step == Step::Maintain) {
            read.expect("committed before");
        } else {
            assert_eq!(read, Err(TransactError::Store(error.clone())));
        }
        assert_eq!(put(&store, &p, "later", "1").await, Err(error.clone()));
        assert_eq!(store.get(&p, b"before").await, Err(error.clone()));
        assert_eq!(store.snapshot(&p).await.err(), Some(error.clone()));
        assert_eq!(store.clear().await, Err(error));
        // What was committed before is still told; then the end is.
        while watch.changed().await.is_ok() {}
        store.shutdown().await;
    });
}

#[test]
fn an_engine_that_fails_poisons_the_store() {
    for step in [Step::Begin, Step::Get, Step::Apply, Step::Commit] {
        check_poisoned(&[(step, fatal())]);
    }
    check_poisoned(&[(Step::Commit, Failure::Nothing), (Step::Maintain, fatal())]);
}

#[test]
fn a_rollback_that_fails_poisons_the_store() {
    check_poisoned(&[(Step::Commit, full()), (Step::Rollback, fatal())]);
}

#[test]
fn an_engine_that_panics_leaves_nobody_waiting() {
    check_poisoned(&[(Step::Commit, Failure::Panic)]);
}

#[test]
fn everybody_in_a_failed_batch_is_told() {
    run(async {
        let (store, plan) = faulty();
        plan.lock().push_back((Step::Commit, fatal()));
        for outcome in two_in_a_batch(&store).await {
            assert_eq!(outcome, Err(StoreError::Poisoned("fsync failed".into())));
        }
    });
}

#[test]
fn a_closure_that_hides_a_failed_read_cannot_commit() {
    run(async {
        let (store, plan) = faulty();
        let p = partition("p");
        plan.lock().push_back((Step::Get, fatal()));
        let outcome = transact(&store, &p, |transaction| {
            transaction.put(b"a", b"1");
            Ok(transaction.get(b"before").is_ok())
        });
        assert_eq!(outcome.await, Err(TransactError::Store(StoreError::Poisoned("fsync failed".into()))));
    });
}
