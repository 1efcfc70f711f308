//! The service itself: what its parts share, and what it offers to the platform.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use platform::{Guard, Lifecycle, OrFailure, Platform, Registration, Timer, TimerPartition};
use store::{Abort, Partition, Snapshot, Transaction};
use wire::{Error, Timestamp};

use crate::guard::StreamGuard;
use crate::names::StreamName;
use crate::operations::{
    account, consumers, create, delete, describe, encryption, iterators, list, mode, monitoring, policies, put,
    records, reshard, retention, shards, subscribe, tags,
};
use crate::rate::ReadRates;
use crate::stream::{Status, Stream};
use crate::subscriptions::Subscriptions;
use crate::{keys, rows, timers};

/// The service.
pub struct Kinesis {
    /// What all services share.
    pub platform: Arc<Platform>,
    /// How the shards are read.
    pub(crate) reads: ReadRates,
    /// Who reads as an enhanced consumer.
    pub(crate) subscriptions: Subscriptions,
}

/// The offer of the service.
pub fn registration(platform: &Arc<Platform>) -> Registration {
    Arc::new(Kinesis::new(Arc::clone(platform))).registration()
}

impl Kinesis {
    /// The service over the platform's store.
    pub fn new(platform: Arc<Platform>) -> Kinesis {
        Kinesis { platform, reads: ReadRates::default(), subscriptions: Subscriptions::default() }
    }

    /// What the service offers to the platform.
    pub fn registration(self: &Arc<Self>) -> Registration {
        let mut registration = Registration::new(&api::kinesis::SERVICE);
        platform::operations!(registration, self, api::kinesis, {
            AddTagsToStream => tags::add_tags_to_stream,
            CreateStream => create::create_stream,
            DecreaseStreamRetentionPeriod => retention::decrease_stream_retention_period,
            DeleteResourcePolicy => policies::delete_resource_policy,
            DeleteStream => delete::delete_stream,
            DeregisterStreamConsumer => consumers::deregister_stream_consumer,
            DescribeAccountSettings => account::describe_account_settings,
            DescribeLimits => account::describe_limits,
            DescribeStream => describe::describe_stream,
            DescribeStreamConsumer => consumers::describe_stream_consumer,
            DescribeStreamSummary => describe::describe_stream_summary,
            DisableEnhancedMonitoring => monitoring::disable_enhanced_monitoring,
            EnableEnhancedMonitoring => monitoring::enable_enhanced_monitoring,
            GetRecords => records::get_records,
            GetResourcePolicy => policies::get_resource_policy,
            GetShardIterator => iterators::get_shard_iterator,
            IncreaseStreamRetentionPeriod => retention::increase_stream_retention_period,
            ListShards => shards::list_shards,
            ListStreamConsumers => consumers::list_stream_consumers,
            ListStreams => list::list_streams,
            ListTagsForResource => tags::list_tags_for_resource,
            ListTagsForStream => tags::list_tags_for_stream,
            MergeShards => reshard::merge_shards,
            PutRecord => put::put_record,
            PutRecords => put::put_records,
            PutResourcePolicy => policies::put_resource_policy,
            RegisterStreamConsumer => consumers::register_stream_consumer,
            RemoveTagsFromStream => tags::remove_tags_from_stream,
            SplitShard => reshard::split_shard,
            StartStreamEncryption => encryption::start_stream_encryption,
            StopStreamEncryption => encryption::stop_stream_encryption,
            SubscribeToShard => subscribe::subscribe_to_shard,
            TagResource => tags::tag_resource,
            UntagResource => tags::untag_resource,
            UpdateAccountSettings => account::update_account_settings,
            UpdateMaxRecordSize => mode::update_max_record_size,
            UpdateShardCount => reshard::update_shard_count,
            UpdateStreamMode => mode::update_stream_mode,
            UpdateStreamWarmThroughput => mode::update_stream_warm_throughput,
        });
        timers::install(self);
        registration
            .with_lifecycle(Arc::clone(self) as Arc<dyn Lifecycle>)
            .with_guard(Arc::new(StreamGuard(Arc::clone(self))) as Arc<dyn Guard>)
    }

    /// Milliseconds since 1970.
    pub(crate) fn now(&self) -> i64 {
        self.platform.clock.milliseconds()
    }

    /// The rows of a partition as they are now.
    pub(crate) async fn snapshot(&self, partition: &Partition) -> Result<Snapshot, Error> {
        self.platform.store.snapshot(partition).await.or_failure()
    }

    /// Runs a transaction on the rows of a partition.
    pub(crate) async fn transact<R, F>(&self, partition: &Partition, closure: F) -> Result<R, Error>
    where
        R: Send + 'static,
        F: Fn(&mut dyn Transaction) -> Result<R, Abort<Error>> + Send + Sync + 'static,
    {
        self.platform.store.transact(partition, closure).await.or_failure()
    }

    /// A stream as it is now.
    ///
    /// # Errors
    /// `ResourceNotFoundException`.
    pub(crate) async fn stream(&self, name: &StreamName) -> Result<Stream, Error> {
        rows::stream_of(&self.snapshot(&name.partition()).await?, name).await
    }

    /// Changes a stream. One that is left in a passing state gets out of it soon.
    ///
    /// # Errors
    /// `ResourceNotFoundException`, and the closure's own.
    pub(crate) async fn change<R, F>(&self, name: &StreamName, closure: F) -> Result<R, Error>
    where
        R: Send + 'static,
        F: Fn(&mut dyn Transaction, &mut Stream) -> Result<R, Abort<Error>> + Send + Sync + 'static,
    {
        let (timers, settle) = self.settling(name).await?;
        let named = name.clone();
        self.transact(&name.partition(), move |transaction| {
            let mut stream = rows::stream(transaction, &named)?;
            let before = stream.clone();
            let result = closure(transaction, &mut stream)?;
            if stream != before {
                rows::put(transaction, &keys::stream(&named.name), &stream)?;
                if stream.status != Status::Active {
                    timers.set(transaction, &settle)?;
                }
            }
            Ok(result)
        })
        .await
    }

    /// The timers of a stream's partition, and the one that ends passing states.
    pub(crate) async fn settling(&self, name: &StreamName) -> Result<(TimerPartition, Timer), Error> {
        let timers = self.platform.timers.partition(&name.partition()).await.or_failure()?;
        let settle = timers::settle(&timers, name, Timestamp::from_milliseconds(self.now()));
        Ok((timers, settle))
    }
}

impl Lifecycle for Kinesis {
    fn start(self: Arc<Self>) -> Pin<Box<dyn Future<Output = Result<(), Error>> + Send>> {
        Box::pin(async { Ok(()) })
    }

    fn stop(self: Arc<Self>) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        // Everything accepted is in the store; subscriptions end here and are taken up by their clients.
        Box::pin(async move { self.subscriptions.end_all() })
    }

    fn reset(self: Arc<Self>) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(async move {
            self.subscriptions.end_all();
            self.reads.clear();
        })
    }

    fn live_blobs(self: Arc<Self>) -> platform::LiveBlobs {
        platform::no_blobs()
    }
}
