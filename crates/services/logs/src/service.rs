//! The service itself: what its parts share, and what it offers to the platform.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use platform::{Ctx, Guard, Lifecycle, OrFailure, Platform, Registration};
use store::{Abort, Partition, Snapshot, Store, Transaction, Watch};
use tokio::sync::Notify;
use wire::Error;

use crate::limits::{HELD_BYTES_MAX, HELD_BYTES_MAX_IN_MEMORY};
use crate::names::GroupName;
use crate::operations::{
    create_group, delete, describe_groups, describe_streams, filter_events, get_events, metric_filter, put_events,
    retention, streams, tags,
};
use crate::{keys, rows, sweep};

/// The service.
pub struct Logs {
    /// What all services share.
    pub platform: Arc<Platform>,
    partition: Partition,
    held_bytes_max: u64,
    sweep_requested: Notify,
}

/// The offer of CloudWatch Logs over the platform's telemetry store.
pub fn registration(platform: &Arc<Platform>) -> Registration {
    Arc::new(Logs::new(Arc::clone(platform))).registration()
}

impl Logs {
    /// The service over the platform's telemetry store.
    pub fn new(platform: Arc<Platform>) -> Logs {
        let on_disk = platform.config.data_directory.is_some();
        let held_bytes_max = if on_disk { HELD_BYTES_MAX } else { HELD_BYTES_MAX_IN_MEMORY };
        Logs::with_budget(platform, held_bytes_max)
    }

    /// As [`Logs::new`], with room for events that hold about so many bytes.
    pub(crate) fn with_budget(platform: Arc<Platform>, held_bytes_max: u64) -> Logs {
        let partition = Partition::new(keys::PARTITION).expect("the name is short and not empty");
        Logs { platform, partition, held_bytes_max, sweep_requested: Notify::new() }
    }

    /// What the service offers to the platform.
    pub fn registration(self: &Arc<Self>) -> Registration {
        let mut registration = Registration::new(&api::logs::SERVICE);
        platform::operations!(registration, self, api::logs, {
            CreateLogGroup => create_group::create_log_group,
            CreateLogStream => streams::create_log_stream,
            DeleteLogGroup => delete::delete_log_group,
            DeleteLogStream => delete::delete_log_stream,
            DeleteRetentionPolicy => retention::delete_retention_policy,
            DescribeLogGroups => describe_groups::describe_log_groups,
            DescribeLogStreams => describe_streams::describe_log_streams,
            FilterLogEvents => filter_events::filter_log_events,
            GetLogEvents => get_events::get_log_events,
            ListTagsForResource => tags::list_tags_for_resource,
            ListTagsLogGroup => tags::list_tags_log_group,
            PutLogEvents => put_events::put_log_events,
            PutRetentionPolicy => retention::put_retention_policy,
            TagLogGroup => tags::tag_log_group,
            TagResource => tags::tag_resource,
            TestMetricFilter => metric_filter::test_metric_filter,
            UntagLogGroup => tags::untag_log_group,
            UntagResource => tags::untag_resource,
        });
        registration
            .with_lifecycle(Arc::clone(self) as Arc<dyn Lifecycle>)
            .with_guard(Arc::clone(self) as Arc<dyn Guard>)
    }

    /// Tells when events arrive in a group, or are removed from it.
    ///
    /// # Errors
    /// `ResourceNotFoundException`.
    pub async fn watch(&self, cx: &Ctx, group: &str) -> Result<Watch, Error> {
        let snapshot = self.snapshot().await?;
        let record = rows::get_group(&snapshot, &GroupName::new(cx, group)).await?;
        Ok(self.telemetry().watch(&self.partition, &keys::events(record.id)))
    }

    /// Milliseconds since 1970.
    pub(crate) fn now(&self) -> i64 {
        self.platform.clock.milliseconds()
    }

    /// The store of telemetry.
    pub(crate) fn telemetry(&self) -> &Store {
        &self.platform.telemetry
    }

    /// The partition of all rows.
    pub(crate) fn partition(&self) -> &Partition {
        &self.partition
    }

    /// About how many bytes all events may hold.
    pub(crate) fn held_bytes_max(&self) -> u64 {
        self.held_bytes_max
    }

    /// The rows as they are now.
    pub(crate) async fn snapshot(&self) -> Result<Snapshot, Error> {
        self.telemetry().snapshot(&self.partition).await.or_failure()
    }

    /// Runs a transaction on the rows.
    pub(crate) async fn transact<R, F>(&self, closure: F) -> Result<R, Error>
    where
        R: Send + 'static,
        F: Fn(&mut dyn Transaction) -> Result<R, Abort<Error>> + Send + Sync + 'static,
    {
        self.telemetry().transact(&self.partition, closure).await.or_failure()
    }

    /// Lets what is no longer wanted be removed soon.
    pub(crate) fn sweep_soon(&self) {
        self.sweep_requested.notify_one();
    }

    /// Waits until [`Logs::sweep_soon`] is called.
    pub(crate) async fn sweep_requested(&self) {
        self.sweep_requested.notified().await;
    }
}

impl Lifecycle for Logs {
    fn start(self: Arc<Self>) -> Pin<Box<dyn Future<Output = Result<(), Error>> + Send>> {
        Box::pin(async move {
            let background = self.platform.background.clone();
            background.spawn("logs sweep", sweep::run(self)).or_failure()
        })
    }

    fn stop(self: Arc<Self>) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        // Everything accepted is in the store; the sweep ends with the platform's background work.
        Box::pin(async {})
    }

    fn reset(self: Arc<Self>) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        // Nothing is held in memory.
        Box::pin(async {})
    }

    fn live_blobs(self: Arc<Self>) -> platform::LiveBlobs {
        platform::no_blobs()
    }
}
