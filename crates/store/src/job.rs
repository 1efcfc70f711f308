//! A transaction on its way through the writer, with the types of its result erased.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use tokio::sync::oneshot;

use crate::error::{StoreError, TransactError};
use crate::partition::Partition;
use crate::transaction::{Abort, Transaction};

/// How a closure ended.
pub(crate) enum Verdict {
    /// It returned a result: its writes are to be committed.
    Commit,
    /// It gave up with its own reason.
    Abort,
    /// It passed on that a read was not answered.
    Pending,
    /// It panicked with this message.
    Panicked(Arc<str>),
}

/// One waiting transaction.
pub(crate) trait Job: Send {
    /// The partition it works on.
    fn partition(&self) -> &Partition;
    /// Whether anybody still waits for the result.
    fn is_wanted(&self) -> bool;
    /// Runs the closure.
    fn run(&mut self, transaction: &mut dyn Transaction) -> Verdict;
    /// Reports what the last run returned, now that it is durable, or why it is not.
    fn finish(self: Box<Self>, outcome: Result<(), StoreError>);
}

/// The result a caller waits for.
pub(crate) type Reply<R, E> = oneshot::Sender<Result<R, TransactError<E>>>;

/// A [`Job`] with its types.
pub(crate) struct TypedJob<R, E, F> {
    partition: Partition,
    closure: F,
    returned: Option<Result<R, E>>,
    reply: Reply<R, E>,
}

impl<R, E, F> TypedJob<R, E, F> {
    /// A transaction that has not run yet.
    pub(crate) fn new(partition: Partition, closure: F, reply: Reply<R, E>) -> Self {
        Self { partition, closure, returned: None, reply }
    }
}

impl<R, E, F> Job for TypedJob<R, E, F>
where
    R: Send,
    E: Send,
    F: Fn(&mut dyn Transaction) -> Result<R, Abort<E>> + Send,
{
    fn partition(&self) -> &Partition {
        &self.partition
    }

    fn is_wanted(&self) -> bool {
        !self.reply.is_closed()
    }

    fn run(&mut self, transaction: &mut dyn Transaction) -> Verdict {
        // A panicking closure leaves nothing half done: all it could change is its overlay, which is dropped.
        match catch_unwind(AssertUnwindSafe(|| (self.closure)(transaction))) {
            Ok(Ok(result)) => {
                self.returned = Some(Ok(result));
                Verdict::Commit
            }
            Ok(Err(Abort::With(error))) => {
                self.returned = Some(Err(error));
                Verdict::Abort
            }
            Ok(Err(Abort::Pending(_))) => Verdict::Pending,
            Err(payload) => Verdict::Panicked(panic_message(payload.as_ref())),
        }
    }

    fn finish(self: Box<Self>, outcome: Result<(), StoreError>) {
        let result = match (outcome, self.returned) {
            (Err(error), _) => Err(TransactError::Store(error)),
            (Ok(()), Some(Ok(result))) => Ok(result),
            (Ok(()), Some(Err(error))) => Err(TransactError::Aborted(error)),
            (Ok(()), None) => Err(TransactError::Store(StoreError::Closed)),
        };
        // The caller may have stopped waiting; what was committed stays committed.
        let _ = self.reply.send(result);
    }
}

fn panic_message(payload: &(dyn Any + Send)) -> Arc<str> {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message").into()
}
