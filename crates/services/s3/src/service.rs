//! The service itself: what its parts share, and what it offers to the platform.

use std::collections::HashSet;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use blob::Digest;
use platform::{Ctx, Firing, Lifecycle, LiveBlobs, OrFailure, Platform, Registration};
use serde::de::DeserializeOwned;
use store::{Abort, Direction, KeyRange, Partition, Transaction};
use wire::Error;

use crate::access_log::{AccessLog, Log};
use crate::bucket::Bucket;
use crate::cors::Origins;
use crate::deliver;
use crate::errors;
use crate::guard::BucketGuard;
use crate::keys;
use crate::limits::SCAN_ROWS;
use crate::offer;
use crate::operations::{bucket_encryption, buckets, notification, replication, restore, tagging, versioning};
use crate::replicate;
use crate::rows;
use crate::version::{Content, Part, Version};
use crate::website::Websites;

/// The service.
pub struct S3 {
    /// What all services share.
    pub platform: Arc<Platform>,
    /// Lines of access logs that wait to be delivered.
    pub access_log: AccessLog,
}

/// The service's offer.
pub fn registration(platform: &Arc<Platform>) -> Registration {
    Arc::new(S3 { platform: Arc::clone(platform), access_log: AccessLog::default() }).registration()
}

impl S3 {
    fn registration(self: &Arc<Self>) -> Registration {
        self.on_timer(deliver::KIND, deliver::fire);
        self.on_timer(restore::KIND, restore::fire);
        self.on_timer(crate::lifecycle::KIND, crate::lifecycle::fire);
        self.on_timer(replicate::KIND, replicate::fire);
        let mut registration = Registration::new(&api::s3::SERVICE);
        offer::access(self, &mut registration);
        offer::charged(self, &mut registration);
        offer::configurations(self, &mut registration);
        platform::operations!(registration, self, api::s3, {
            CreateBucket => buckets::create_bucket,
            DeleteBucket => buckets::delete_bucket,
            DeleteBucketEncryption => bucket_encryption::delete_bucket_encryption,
            DeleteBucketTagging => tagging::delete_bucket_tagging,
            DeleteObjectTagging => tagging::delete_object_tagging,
            GetBucketEncryption => bucket_encryption::get_bucket_encryption,
            GetBucketLocation => buckets::get_bucket_location,
            GetBucketNotificationConfiguration => notification::get_bucket_notification_configuration,
            DeleteBucketReplication => replication::delete_bucket_replication,
            GetBucketReplication => replication::get_bucket_replication,
            PutBucketReplication => replication::put_bucket_replication,
            GetBucketTagging => tagging::get_bucket_tagging,
            GetBucketVersioning => versioning::get_bucket_versioning,
            GetObjectTagging => tagging::get_object_tagging,
            HeadBucket => buckets::head_bucket,
            ListBuckets => buckets::list_buckets,
            PutBucketEncryption => bucket_encryption::put_bucket_encryption,
            PutBucketNotificationConfiguration => notification::put_bucket_notification_configuration,
            PutBucketTagging => tagging::put_bucket_tagging,
            PutBucketVersioning => versioning::put_bucket_versioning,
            PutObjectTagging => tagging::put_object_tagging,
        });
        registration
            .with_lifecycle(Arc::clone(self) as Arc<dyn Lifecycle>)
            .with_guard(Arc::new(BucketGuard(Arc::clone(self))))
            .with_cross_origin(Arc::new(Origins(Arc::clone(self))))
            .with_data_plane(Arc::new(Websites(Arc::clone(self))))
            .with_witness(Arc::new(Log(Arc::clone(self))))
    }

    /// Names the handler of a kind of timer.
    fn on_timer<F, Fut>(self: &Arc<Self>, kind: &'static str, handler: F)
    where
        F: Fn(Arc<S3>, Firing) -> Fut + Copy + Send + Sync + 'static,
        Fut: Future<Output = Result<(), Error>> + Send + 'static,
    {
        let weak = Arc::downgrade(self);
        self.platform.timers.on(kind, move |firing| {
            let service = weak.upgrade();
            async move {
                match service {
                    Some(service) => handler(service, firing).await,
                    // The platform has ended.
                    None => Ok(()),
                }
            }
        });
    }

    /// A bucket, if it exists.
    ///
    /// # Errors
    /// A failure of the store.
    pub(crate) async fn find_bucket(&self, name: &str) -> Result<Option<Bucket>, Error> {
        if !crate::names::is_bucket_name(name) {
            return Ok(None);
        }
        let row = self.platform.store.get(&keys::bucket_partition(name), &keys::bucket()).await.or_failure()?;
        row.map(|row| rows::decode(&row)).transpose()
    }

    /// A bucket that must exist, and belong to the account that the caller expects.
    ///
    /// # Errors
    /// `NoSuchBucket`, `AccessDenied`.
    pub(crate) async fn bucket(&self, name: &str, expected_owner: Option<&str>) -> Result<Bucket, Error> {
        let bucket = self.find_bucket(name).await?.ok_or_else(|| errors::no_bucket(name))?;
        bucket.check_owner(expected_owner)?;
        Ok(bucket)
    }

    /// Runs a transaction on a bucket, which must exist.
    ///
    /// # Errors
    /// `NoSuchBucket`, and those of the closure.
    pub(crate) async fn on_bucket<R, F>(&self, name: &str, work: F) -> Result<R, Error>
    where
        R: Send + 'static,
        F: Fn(&mut Bucket, &mut dyn Transaction) -> Result<R, Abort<Error>> + Send + Sync + 'static,
    {
        if !crate::names::is_bucket_name(name) {
            return Err(errors::no_bucket(name));
        }
        let owned = name.to_owned();
        self.transact(keys::bucket_partition(name), move |rows| {
            let mut bucket: Bucket = rows::read(rows, &keys::bucket())?.ok_or_else(|| errors::no_bucket(&owned))?;
            let before = bucket.clone();
            let result = work(&mut bucket, rows)?;
            if bucket != before {
                rows::put(rows, &keys::bucket(), &bucket)?;
            }
            Ok(result)
        })
        .await
    }

    /// Runs a transaction.
    pub(crate) async fn transact<R, F>(&self, partition: Partition, closure: F) -> Result<R, Error>
    where
        R: Send + 'static,
        F: Fn(&mut dyn Transaction) -> Result<R, Abort<Error>> + Send + Sync + 'static,
    {
        self.platform.store.transact(&partition, closure).await.or_failure()
    }

    /// Hands each row of a range to `each`, in order.
    async fn each_row<T: DeserializeOwned>(
        &self,
        partition: &Partition,
        mut range: KeyRange,
        mut each: impl FnMut(T),
    ) -> Result<(), Error> {
        loop {
            let found = self.platform.store.scan(partition, range.clone(), Direction::Forward, SCAN_ROWS).await;
            let found = found.or_failure()?;
            for (_, row) in &found {
                each(rows::decode(row)?);
            }
            match found.last() {
                Some((last, _)) if found.len() == SCAN_ROWS => range = range.after(last),
                _ => return Ok(()),
            }
        }
    }

    /// The blobs of a bucket.
    async fn blobs_of(&self, bucket: &str, live: &mut HashSet<Digest>) -> Result<(), Error> {
        let partition = keys::bucket_partition(bucket);
        self.each_row(&partition, keys::versions(""), |version: Version| {
            if let Content::Blob(digest) = version.content {
                live.insert(digest);
            }
        })
        .await?;
        self.each_row(&partition, keys::all_parts(), |parts: Vec<Part>| {
            live.extend(parts.iter().flat_map(|part| &part.pieces).map(|piece| piece.digest));
        })
        .await?;
        self.each_row(&partition, keys::all_uploaded_parts(), |part: Part| {
            live.extend(part.pieces.iter().map(|piece| piece.digest));
        })
        .await
    }

    async fn all_blobs(&self) -> Result<HashSet<Digest>, Error> {
        let (mut live, mut range) = (HashSet::new(), KeyRange::all());
        loop {
            let found = self.platform.store.scan(&keys::index(), range.clone(), Direction::Forward, SCAN_ROWS).await;
            let found = found.or_failure()?;
            for (key, _) in &found {
                let (_, bucket) = rows::key_part(keys::read_indexed(key))?;
                self.blobs_of(&bucket, &mut live).await?;
            }
            match found.last() {
                Some((last, _)) if found.len() == SCAN_ROWS => range = range.after(last),
                _ => return Ok(live),
            }
        }
    }
}

/// The account that owns what a caller makes in a bucket: its own, or the bucket's for callers without one.
pub fn account_of(cx: &Ctx, bucket: &Bucket) -> String {
    cx.principal.account().unwrap_or(&bucket.owner).to_owned()
}

impl Lifecycle for S3 {
    fn start(self: Arc<Self>) -> Pin<Box<dyn Future<Output = Result<(), Error>> + Send>> {
        Box::pin(async move {
            self.load_logged().await?;
            let background = self.platform.background.clone();
            let stopping = background.stopping().clone();
            let deliver = async move {
                stopping.run_until_cancelled(self.deliver_logs()).await;
            };
            background.spawn("s3 access logs", deliver).or_failure()
        })
    }

    fn stop(self: Arc<Self>) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(async move { self.flush_logs().await })
    }

    fn reset(self: Arc<Self>) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(async move { self.access_log.clear() })
    }

    fn live_blobs(self: Arc<Self>) -> LiveBlobs {
        Box::pin(async move { self.all_blobs().await })
    }
}
