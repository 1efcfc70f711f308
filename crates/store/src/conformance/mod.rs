//! One suite for every engine: what a store promises is checked against a sorted map, under concurrency, with
//! transactions that give up or panic beside others, and with engines that fail.

mod batches;
mod crowded;
mod disk;
mod faults;
mod model;
mod reads;
mod serial;
mod watching;

use std::time::Duration;

use tempfile::TempDir;

use crate::error::StoreError;
use crate::{Abort, Partition, Profile, Store, TransactError, Transaction};

/// No test waits longer than this for something that has to happen.
const PATIENCE: Duration = Duration::from_secs(60);

/// A store under test, with the directory it lives in.
pub(crate) struct Subject {
    pub(crate) store: Store,
    directory: Option<TempDir>,
}

/// A new store of one engine.
type Engine = fn() -> Subject;

fn memory() -> Subject {
    Subject { store: Store::memory(), directory: None }
}

fn durable() -> Subject {
    on_disk(Profile::Durable)
}

fn relaxed() -> Subject {
    on_disk(Profile::Relaxed)
}

fn on_disk(profile: Profile) -> Subject {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let store = Store::open(directory.path(), profile).expect("an empty directory opens");
    Subject { store, directory: Some(directory) }
}

/// Makes a test of each listed function for each engine.
macro_rules! for_every_engine {
    ($($test:ident),* $(,)?) => {
        for_every_engine!(@engine memory [$($test)*]);
        for_every_engine!(@engine durable [$($test)*]);
        for_every_engine!(@engine relaxed [$($test)*]);
    };
    (@engine $engine:ident [$($test:ident)*]) => {
        mod $engine {
            $(
                #[test]
                fn $test() {
                    super::$test(crate::conformance::$engine);
                }
            )*
        }
    };
}
use for_every_engine;

/// Runs a test's future on several threads, and fails it rather than waiting for ever.
fn run<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build();
    let runtime = runtime.expect("a runtime");
    runtime.block_on(async { tokio::time::timeout(PATIENCE, future).await.expect("the test waits for ever") })
}

fn partition(name: &str) -> Partition {
    Partition::new(name).expect("a valid name")
}

/// The error of the tests' own closures.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("gave up: {0}")]
struct GaveUp(String);

type Outcome<R> = Result<R, TransactError<GaveUp>>;

/// A transaction of a test.
async fn transact<R, F>(store: &Store, partition: &Partition, closure: F) -> Outcome<R>
where
    R: Send + 'static,
    F: Fn(&mut dyn Transaction) -> Result<R, Abort<GaveUp>> + Send + Sync + 'static,
{
    store.transact(partition, closure).await
}

async fn put(store: &Store, partition: &Partition, key: &str, value: impl AsRef<[u8]>) -> Result<(), StoreError> {
    let (key, value) = (key.to_owned(), value.as_ref().to_vec());
    let done: Outcome<()> = store
        .transact(partition, move |transaction| {
            transaction.put(key.as_bytes(), &value);
            Ok(())
        })
        .await;
    done.map_err(|error| match error {
        TransactError::Store(error) => error,
        TransactError::Aborted(error) => panic!("{error}"),
    })
}

async fn get(store: &Store, partition: &Partition, key: &str) -> Option<String> {
    let value = store.get(partition, key.as_bytes()).await.expect("readable");
    value.map(|value| String::from_utf8(value.to_vec()).expect("a text"))
}
