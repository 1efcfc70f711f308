//! The service itself: what its parts share, and what it offers to the platform.

use std::future::Future;
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use lru::LruCache;
use parking_lot::Mutex;
use platform::{Ctx, Lifecycle, OrFailure, Platform, Registration};
use store::{Abort, Partition, Store, Transaction};
use uuid::Uuid;
use wire::Error;

use crate::address::QueueName;
use crate::errors;
use crate::guard::QueueGuard;
use crate::keys;
use crate::limits::CACHED_QUEUES_MAX;
use crate::move_task;
use crate::operations::{
    attributes, create_queue, dead_letters, delete_message, delete_queue, list_queues, move_tasks, permissions, purge,
    receive, send, tags, visibility,
};
use crate::poll::Polls;
use crate::protection::Protection;
use crate::queue::Queue;
use crate::sweep;

/// The service.
pub struct Sqs {
    /// What all services share.
    pub platform: Arc<Platform>,
    /// Calls that wait for messages.
    pub(crate) polls: Polls,
    /// Queues as they were read last; each use compares them with their rows.
    cache: Mutex<LruCache<QueueName, Arc<Queue>>>,
}

/// The offer of SQS.
pub fn registration(platform: &Arc<Platform>) -> Registration {
    Arc::new(Sqs::new(Arc::clone(platform))).registration()
}

impl Sqs {
    /// The service over the platform's store.
    pub fn new(platform: Arc<Platform>) -> Sqs {
        let capacity = NonZeroUsize::new(CACHED_QUEUES_MAX).expect("the bound is not zero");
        Sqs { platform, polls: Polls::default(), cache: Mutex::new(LruCache::new(capacity)) }
    }

    /// What the service offers to the platform.
    pub fn registration(self: &Arc<Self>) -> Registration {
        let mut registration = Registration::new(&api::sqs::SERVICE);
        platform::operations!(registration, self, api::sqs, {
            AddPermission => permissions::add_permission,
            CancelMessageMoveTask => move_tasks::cancel_message_move_task,
            ChangeMessageVisibility => visibility::change_message_visibility,
            ChangeMessageVisibilityBatch => visibility::change_message_visibility_batch,
            CreateQueue => create_queue::create_queue,
            DeleteMessage => delete_message::delete_message,
            DeleteMessageBatch => delete_message::delete_message_batch,
            DeleteQueue => delete_queue::delete_queue,
            GetQueueAttributes => attributes::get_queue_attributes,
            GetQueueUrl => list_queues::get_queue_url,
            ListDeadLetterSourceQueues => dead_letters::list_dead_letter_source_queues,
            ListMessageMoveTasks => move_tasks::list_message_move_tasks,
            ListQueueTags => tags::list_queue_tags,
            ListQueues => list_queues::list_queues,
            PurgeQueue => purge::purge_queue,
            ReceiveMessage => receive::receive_message,
            RemovePermission => permissions::remove_permission,
            SendMessage => send::send_message,
            SendMessageBatch => send::send_message_batch,
            SetQueueAttributes => attributes::set_queue_attributes,
            StartMessageMoveTask => move_tasks::start_message_move_task,
            TagQueue => tags::tag_queue,
            UntagQueue => tags::untag_queue,
        });
        let guard = Arc::new(QueueGuard(Arc::clone(self)));
        registration.with_lifecycle(Arc::clone(self) as Arc<dyn Lifecycle>).with_guard(guard)
    }

    /// Milliseconds since 1970.
    pub(crate) fn now(&self) -> i64 {
        self.platform.clock.milliseconds()
    }

    /// A random id.
    pub(crate) fn id(&self) -> Uuid {
        let mut bytes = [0; 16];
        self.platform.ids.fill(&mut bytes);
        uuid::Builder::from_random_bytes(bytes).into_uuid()
    }

    pub(crate) fn store(&self) -> &Store {
        &self.platform.store
    }

    /// A queue as it is now.
    ///
    /// # Errors
    /// `QueueDoesNotExist`.
    pub(crate) async fn queue(&self, cx: &Ctx, name: &QueueName) -> Result<Arc<Queue>, Error> {
        self.find(name).await?.ok_or_else(|| errors::queue_does_not_exist(cx))
    }

    /// A queue as it is now, if it exists.
    pub(crate) async fn find(&self, name: &QueueName) -> Result<Option<Arc<Queue>>, Error> {
        let partition = keys::partition_of(name);
        let Some(row) = self.store().get(&partition, &keys::queue(&name.name)).await.or_failure()? else {
            return Ok(None);
        };
        if let Some(cached) = self.cached(name).filter(|cached| cached.row == row) {
            return Ok(Some(cached));
        }
        let queue = Arc::new(Queue::decode(name.clone(), row)?);
        self.keep(&queue);
        Ok(Some(queue))
    }

    /// Runs a transaction on a queue.
    ///
    /// # Errors
    /// `QueueDoesNotExist`, and those of the closure.
    pub(crate) async fn on_queue<R, F>(&self, cx: &Ctx, name: &QueueName, work: F) -> Result<R, Error>
    where
        R: Send + 'static,
        F: Fn(&Queue, &mut dyn Transaction) -> Result<R, Abort<Error>> + Send + Sync + 'static,
    {
        let missing = errors::queue_does_not_exist(cx);
        let done = self.on_queue_if_any(name, work).await?;
        done.ok_or(missing)
    }

    /// As [`Sqs::on_queue`]; answers `None` if there is no such queue.
    pub(crate) async fn on_queue_if_any<R, F>(&self, name: &QueueName, work: F) -> Result<Option<R>, Error>
    where
        R: Send + 'static,
        F: Fn(&Queue, &mut dyn Transaction) -> Result<R, Abort<Error>> + Send + Sync + 'static,
    {
        let cached = self.cached(name);
        let known = cached.clone();
        let owned = name.clone();
        let partition = keys::partition_of(name);
        let done = self.transact(&partition, move |rows| {
            let Some(row) = rows.get(&keys::queue(&owned.name))? else { return Ok(None) };
            let queue = match &known {
                Some(queue) if queue.row == row => Arc::clone(queue),
                _ => Arc::new(Queue::decode(owned.clone(), row)?),
            };
            let result = work(&queue, rows)?;
            Ok(Some((result, queue)))
        });
        let Some((result, queue)) = done.await? else { return Ok(None) };
        if !cached.is_some_and(|cached| Arc::ptr_eq(&cached, &queue)) {
            self.keep(&queue);
        }
        Ok(Some(result))
    }

    /// Runs a transaction.
    pub(crate) async fn transact<R, F>(&self, partition: &Partition, closure: F) -> Result<R, Error>
    where
        R: Send + 'static,
        F: Fn(&mut dyn Transaction) -> Result<R, Abort<Error>> + Send + Sync + 'static,
    {
        self.store().transact(partition, closure).await.or_failure()
    }

    /// How a queue keeps its payloads, as far as is known; the transaction will tell.
    pub(crate) fn likely_protection(&self, name: &QueueName) -> Protection {
        self.cached(name).map_or(Protection::Managed, |queue| Protection::of(queue.settings()))
    }

    /// Whether the last call that received from a queue found messages.
    pub(crate) fn is_flowing(&self, name: &QueueName) -> bool {
        self.cached(name).is_some_and(|queue| queue.flowing.load(Ordering::Relaxed))
    }

    /// Notes whether a call that received from a queue found messages.
    pub(crate) fn note_flow(&self, name: &QueueName, found: bool) {
        if let Some(queue) = self.cached(name) {
            queue.flowing.store(found, Ordering::Relaxed);
        }
    }

    fn cached(&self, name: &QueueName) -> Option<Arc<Queue>> {
        self.cache.lock().get(name).cloned()
    }

    fn keep(&self, queue: &Arc<Queue>) {
        self.cache.lock().put(queue.name.clone(), Arc::clone(queue));
    }
}

impl Lifecycle for Sqs {
    fn start(self: Arc<Self>) -> Pin<Box<dyn Future<Output = Result<(), Error>> + Send>> {
        Box::pin(async move {
            move_task::resume(&self).await?;
            let background = self.platform.background.clone();
            background.spawn("sqs sweep", sweep::run(self)).or_failure()
        })
    }

    fn stop(self: Arc<Self>) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        // Everything accepted is in the store; the background work ends with the platform's.
        Box::pin(async {})
    }

    fn reset(self: Arc<Self>) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(async move { self.cache.lock().clear() })
    }

    fn live_blobs(self: Arc<Self>) -> platform::LiveBlobs {
        platform::no_blobs()
    }
}
