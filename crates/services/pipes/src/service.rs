//! The service itself: what its parts share, and what it offers to the platform.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use platform::{Guard, Lifecycle, OrFailure, Platform, Registration};
use store::{Abort, Direction, Transaction};
use wire::{Error, Timestamp};

use crate::guard::PipeGuard;
use crate::limits::ROWS_READ;
use crate::names::PipeName;
use crate::operations::{lists, pipes, tags};
use crate::record::{Pipe, State};
use crate::running::{self, Running};
use crate::{errors, keys, rows, timers};

/// The service.
pub struct Pipes {
    /// What all services share.
    pub platform: Arc<Platform>,
    /// The pipes that run.
    pub(crate) running: Running,
}

/// The offer of the service.
pub fn registration(platform: &Arc<Platform>) -> Registration {
    let service = Arc::new(Pipes { platform: Arc::clone(platform), running: Running::default() });
    let mut registration = Registration::new(&api::pipes::SERVICE);
    platform::operations!(registration, service, api::pipes, {
        CreatePipe => pipes::create_pipe,
        DeletePipe => pipes::delete_pipe,
        DescribePipe => pipes::describe_pipe,
        ListPipes => lists::list_pipes,
        ListTagsForResource => tags::list_tags_for_resource,
        StartPipe => pipes::start_pipe,
        StopPipe => pipes::stop_pipe,
        TagResource => tags::tag_resource,
        UntagResource => tags::untag_resource,
        UpdatePipe => pipes::update_pipe,
    });
    timers::install(&service);
    registration
        .with_lifecycle(Arc::clone(&service) as Arc<dyn Lifecycle>)
        .with_guard(Arc::new(PipeGuard(service)) as Arc<dyn Guard>)
}

impl Pipes {
    /// Milliseconds since 1970.
    pub(crate) fn now(&self) -> i64 {
        self.platform.clock.milliseconds()
    }

    /// Runs a transaction on the rows.
    pub(crate) async fn transact<R, F>(&self, closure: F) -> Result<R, Error>
    where
        R: Send + 'static,
        F: Fn(&mut dyn Transaction) -> Result<R, Abort<Error>> + Send + Sync + 'static,
    {
        self.platform.store.transact(&keys::partition(), closure).await.or_failure()
    }

    /// A pipe as it is now, if it exists.
    pub(crate) async fn find(&self, name: &PipeName) -> Result<Option<Pipe>, Error> {
        let key = keys::pipe(&name.account, &name.region, &name.name);
        let row = self.platform.store.get(&keys::partition(), &key).await.or_failure()?;
        row.map(|row| rows::decode(&row)).transpose()
    }

    /// Changes a pipe. One that is left in a passing state gets out of it soon.
    ///
    /// # Errors
    /// `NotFoundException`, and the closure's own.
    pub(crate) async fn change<F>(&self, name: &PipeName, closure: F) -> Result<Pipe, Error>
    where
        F: Fn(&mut Pipe) -> Result<(), Error> + Send + Sync + 'static,
    {
        let timers = self.platform.timers.partition(&keys::partition()).await.or_failure()?;
        let settle = timers::settle(&timers, name, Timestamp::from_milliseconds(self.now()));
        let name = name.clone();
        self.transact(move |transaction| {
            let key = keys::pipe(&name.account, &name.region, &name.name);
            let mut pipe: Pipe = rows::read(transaction, &key)?.ok_or_else(|| errors::no_pipe(&name.name))?;
            closure(&mut pipe)?;
            rows::put(transaction, &key, &pipe)?;
            if !pipe.state.is_settled() {
                timers.set(transaction, &settle)?;
            }
            Ok(pipe)
        })
        .await
    }

    async fn start_all(self: &Arc<Self>) -> Result<(), Error> {
        let mut range = keys::pipes();
        loop {
            let found =
                self.platform.store.scan(&keys::partition(), range.clone(), Direction::Forward, ROWS_READ).await;
            let found = found.or_failure()?;
            for (_, row) in &found {
                let pipe: Pipe = rows::decode(row)?;
                if pipe.state == State::Running {
                    running::start(self, pipe)?;
                }
            }
            match found.last() {
                Some((last, _)) if found.len() == ROWS_READ => range = range.after(last),
                _ => return Ok(()),
            }
        }
    }
}

impl Lifecycle for Pipes {
    fn start(self: Arc<Self>) -> Pin<Box<dyn Future<Output = Result<(), Error>> + Send>> {
        Box::pin(async move { self.start_all().await })
    }

    fn stop(self: Arc<Self>) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        // What is under way comes again: nothing has left its source before its target had it.
        Box::pin(async move { self.running.stop_all() })
    }

    fn before_reset(self: Arc<Self>) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(async move { self.running.stop_all() })
    }

    fn reset(self: Arc<Self>) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(async {})
    }

    fn live_blobs(self: Arc<Self>) -> platform::LiveBlobs {
        platform::no_blobs()
    }
}
