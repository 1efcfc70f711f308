//! Durable executions: invocations of a function that go on, after waits, failures and restarts, where their last
//! checkpoint left them.
//!
//! **Invariants.** What a checkpoint was answered is in the store, and so is what an execution waits for: a timer, a
//! callback or another function. An execution that waits runs nowhere and costs nothing but its rows. Memory holds only
//! which executions are being driven; a restart drives those that were ready or running again.

mod callback;
mod chained;
mod describe;
mod drive;
mod envelope;
mod history;
mod keys;
mod limits;
mod record;
mod rows;
mod start;
mod timers;
mod update;

pub use callback::{Callback, delete, send_callback, stop};
pub use describe::{describe_event, describe_operation, describe_summary, describe_whole};
pub use envelope::{read_token, token_text};
pub use limits::{PAGE_BYTES_MAX, SYNCHRONOUS_SECONDS_MAX};
pub use record::{Execution, ExecutionId, Failure, HistoryEvent, Operation, Status};
pub use start::{Start, invoke_version, result_of, start};
pub use timers::handle_timers;
pub use update::{Checkpoint, Checkpointed, checkpoint};

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use platform::{OrFailure, Platform};
use store::{Abort, Direction, KeyRange, Partition, StoreError, Transaction, value};
use wire::Error;

use crate::{Lambda, store_failure};

/// Rows read at a time.
const ROWS_PAGE: usize = 1_000;

/// All durable executions.
pub struct Executions {
    platform: Arc<Platform>,
    partition: Partition,
    /// Those being driven, and whether something new has come for them meanwhile.
    driven: Mutex<HashMap<ExecutionId, bool>>,
}

impl Executions {
    /// The executions in the platform's store.
    ///
    /// # Errors
    /// None in practice: the partition's name is constant.
    pub fn new(platform: Arc<Platform>) -> Result<Executions, Error> {
        Ok(Executions { partition: keys::partition().or_failure()?, platform, driven: Mutex::default() })
    }

    /// Runs a transaction on the rows of executions.
    async fn transact<R, F>(&self, closure: F) -> Result<R, Error>
    where
        R: Send + 'static,
        F: Fn(&mut dyn Transaction) -> Result<R, Abort<Error>> + Send + Sync + 'static,
    {
        self.platform.store.transact(&self.partition, closure).await.or_failure()
    }

    /// An execution.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn execution(&self, id: &ExecutionId) -> Result<Option<Execution>, Error> {
        let row = self.platform.store.get(&self.partition, &keys::execution(id)).await.or_failure()?;
        row.map(|row| value::decode(keys::FORMAT, &row).map_err(StoreError::from).or_failure()).transpose()
    }

    /// All rows of a range, in order.
    async fn all<T: serde::de::DeserializeOwned>(&self, mut range: KeyRange) -> Result<Vec<T>, Error> {
        let mut found = Vec::new();
        loop {
            let scan = self.platform.store.scan(&self.partition, range.clone(), Direction::Forward, ROWS_PAGE);
            let rows = scan.await.or_failure()?;
            let Some((last, _)) = rows.last() else { return Ok(found) };
            range = range.after(last);
            for (_, row) in &rows {
                found.push(value::decode(keys::FORMAT, row).map_err(StoreError::from).or_failure()?);
            }
        }
    }

    /// The operations of an execution, in the order in which they began.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn operations(&self, id: &ExecutionId) -> Result<Vec<Operation>, Error> {
        let mut operations: Vec<Operation> = self.all(keys::operations(id)).await?;
        operations.sort_by_key(|operation| operation.number);
        Ok(operations)
    }

    /// What the callbacks of an execution are named by.
    ///
    /// # Errors
    /// When the store cannot be read.
    async fn callbacks(&self, id: &ExecutionId) -> Result<Vec<String>, Error> {
        Ok(self.operations(id).await?.into_iter().filter_map(|operation| operation.callback).collect())
    }

    /// The history of an execution, in order.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn history(&self, id: &ExecutionId) -> Result<Vec<HistoryEvent>, Error> {
        self.all(keys::events(id)).await
    }

    /// The executions of a function.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn of_function(&self, function: &crate::FunctionId) -> Result<Vec<Execution>, Error> {
        self.all(keys::executions(function)).await
    }

    /// Forgets which executions are being driven, after the store was emptied.
    pub fn reset(&self) {
        self.driven.lock().clear();
    }
}

/// Takes up the executions that were ready or running when the platform ended.
///
/// # Errors
/// When the store fails.
pub async fn load(lambda: &Arc<Lambda>) -> Result<(), Error> {
    lambda.executions.platform.timers.partition(&lambda.executions.partition).await.or_failure()?;
    let active: Vec<ExecutionId> = lambda.executions.all(keys::all_active()).await?;
    for id in active {
        drive::wake(lambda, id)?;
    }
    let chained: Vec<chained::Chained> = lambda.executions.all(keys::all_chained()).await?;
    for call in chained {
        chained::follow(lambda, call)?;
    }
    Ok(())
}

/// Lets the platform do in the background what follows from a change.
fn spawn<F>(lambda: &Lambda, name: &'static str, task: F) -> Result<(), Error>
where
    F: Future<Output = ()> + Send + 'static,
{
    lambda.platform.background.spawn(name, task).map_err(store_failure)
}
