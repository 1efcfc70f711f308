//! What happens to objects, and how it is told: records as Lambda, SQS and SNS get them, and details for the event bus.
//!
//! An event is queued in the transaction that makes it: whatever was acknowledged is told at least once.

use platform::{Ctx, OrFailure, TimerPartition};
use serde_json::{Map, Value, json};
use store::{Abort, Transaction};
use wire::{Error, Timestamp};

use crate::bucket::Bucket;
use crate::deliver::{self, Delivery, Destination};
use crate::keys;
use crate::names::listed;
use crate::replicate;
use crate::replication::status;
use crate::service::S3;
use crate::version::{NULL, Version};

/// What can happen to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `PutObject`.
    Put,
    /// The upload of a form.
    Post,
    /// `CopyObject`.
    Copy,
    /// `CompleteMultipartUpload`.
    Complete,
    /// A version was deleted for good.
    Delete,
    /// A delete marker was put over an object.
    MarkerCreated,
    /// A lifecycle rule deleted a version for good.
    ExpirationDelete,
    /// A lifecycle rule put a delete marker over an object.
    ExpirationMarkerCreated,
    /// A lifecycle rule moved an object to another storage class.
    Transition,
    /// Tags were set.
    TagsPut,
    /// Tags were taken away.
    TagsDelete,
    /// An access control list was set.
    AclPut,
    /// `RestoreObject`.
    RestorePost,
    /// A restored copy is there.
    RestoreCompleted,
    /// A restored copy is gone.
    RestoreDelete,
    /// An object could not be replicated.
    ReplicationFailed,
}

impl Kind {
    /// As records name it.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Put => "ObjectCreated:Put",
            Kind::Post => "ObjectCreated:Post",
            Kind::Copy => "ObjectCreated:Copy",
            Kind::Complete => "ObjectCreated:CompleteMultipartUpload",
            Kind::Delete => "ObjectRemoved:Delete",
            Kind::MarkerCreated => "ObjectRemoved:DeleteMarkerCreated",
            Kind::ExpirationDelete => "LifecycleExpiration:Delete",
            Kind::ExpirationMarkerCreated => "LifecycleExpiration:DeleteMarkerCreated",
            Kind::Transition => "LifecycleTransition",
            Kind::TagsPut => "ObjectTagging:Put",
            Kind::TagsDelete => "ObjectTagging:Delete",
            Kind::AclPut => "ObjectAcl:Put",
            Kind::RestorePost => "ObjectRestore:Post",
            Kind::RestoreCompleted => "ObjectRestore:Completed",
            Kind::RestoreDelete => "ObjectRestore:Delete",
            Kind::ReplicationFailed => "Replication:OperationFailedReplication",
        }
    }

    /// The version of its record (S3 User Guide, "Event message structure").
    fn record_version(self) -> &'static str {
        match self {
            Kind::ReplicationFailed => "2.2",
            Kind::ExpirationDelete
            | Kind::ExpirationMarkerCreated
            | Kind::Transition
            | Kind::TagsPut
            | Kind::TagsDelete
            | Kind::AclPut
            | Kind::RestoreDelete => "2.3",
            _ => "2.1",
        }
    }

    /// What the event bus calls it; `None` for what the bus is not told.
    fn detail_type(self) -> Option<&'static str> {
        Some(match self {
            Kind::Put | Kind::Post | Kind::Copy | Kind::Complete => "Object Created",
            Kind::Delete | Kind::MarkerCreated | Kind::ExpirationDelete | Kind::ExpirationMarkerCreated => {
                "Object Deleted"
            }
            Kind::Transition => "Object Storage Class Changed",
            Kind::TagsPut => "Object Tags Added",
            Kind::TagsDelete => "Object Tags Deleted",
            Kind::AclPut => "Object ACL Updated",
            Kind::RestorePost => "Object Restore Initiated",
            Kind::RestoreCompleted => "Object Restore Completed",
            Kind::RestoreDelete => "Object Restore Expired",
            Kind::ReplicationFailed => return None,
        })
    }

    /// The reason that the event bus is told.
    fn reason(self) -> Option<&'static str> {
        match self {
            Kind::Put => Some("PutObject"),
            Kind::Post => Some("POST Object"),
            Kind::Copy => Some("CopyObject"),
            Kind::Complete => Some("CompleteMultipartUpload"),
            Kind::Delete | Kind::MarkerCreated => Some("DeleteObject"),
            Kind::ExpirationDelete | Kind::ExpirationMarkerCreated => Some("Lifecycle Expiration"),
            _ => None,
        }
    }

    /// How an object was deleted, as the event bus is told.
    fn deletion(self) -> Option<&'static str> {
        match self {
            Kind::Delete | Kind::ExpirationDelete => Some("Permanently Deleted"),
            Kind::MarkerCreated | Kind::ExpirationMarkerCreated => Some("Delete Marker Created"),
            _ => None,
        }
    }

    /// What the object of an event is shown with: its size, its entity tag, its sequencer.
    fn shows(self) -> (bool, bool, bool) {
        match self {
            Kind::TagsPut | Kind::TagsDelete | Kind::AclPut => (false, true, false),
            Kind::Delete | Kind::ExpirationDelete => (false, false, true),
            Kind::MarkerCreated | Kind::ExpirationMarkerCreated => (false, true, true),
            Kind::RestorePost | Kind::RestoreCompleted | Kind::RestoreDelete => (true, true, false),
            _ => (true, true, true),
        }
    }
}

/// The request in which something happens, carried into its transaction.
#[derive(Clone)]
pub struct Occasion {
    bucket: String,
    /// `None` if nobody is told of anything.
    timers: Option<TimerPartition>,
    /// Tells its events from all others.
    id: String,
    now: i64,
    /// As records name who did it.
    principal: String,
    /// As the event bus names who did it.
    requester: String,
    source_ip: Option<String>,
    request_id: String,
    trace: Option<String>,
}

impl Occasion {
    /// Of a request on a bucket.
    ///
    /// # Errors
    /// A failure of the store.
    pub async fn of(service: &S3, cx: &Ctx, name: &str, bucket: &Bucket) -> Result<Occasion, Error> {
        let own = Occasion::quiet(service, name, bucket).await?;
        let requester = cx.principal.account().map_or_else(|| cx.principal.user_id(), str::to_owned);
        Ok(Occasion {
            principal: match &cx.principal {
                platform::Principal::Root { account } => customer_id(account),
                platform::Principal::Anonymous => "Anonymous".to_owned(),
                other => format!("AWS:{}", other.user_id()),
            },
            requester,
            source_ip: cx.source_ip.map(|address| address.to_string()),
            request_id: cx.request_id.clone(),
            trace: cx.trace_header.clone(),
            ..own
        })
    }

    /// Of S3's own work on a bucket: lifecycle rules, restores, replication.
    ///
    /// # Errors
    /// A failure of the store.
    pub async fn quiet(service: &S3, name: &str, bucket: &Bucket) -> Result<Occasion, Error> {
        let is_told = !bucket.notifications.rules.is_empty() || bucket.notifications.has_event_bridge;
        let is_told = is_told || bucket.replication.is_some();
        let timers = match is_told {
            true => Some(service.platform.timers.partition(&keys::bucket_partition(name)).await.or_failure()?),
            false => None,
        };
        Ok(Occasion {
            bucket: name.to_owned(),
            timers,
            id: service.platform.ids.uuid(),
            now: service.platform.clock.milliseconds(),
            principal: "s3.amazonaws.com".to_owned(),
            requester: "s3.amazonaws.com".to_owned(),
            source_ip: None,
            request_id: service.platform.ids.uuid(),
            trace: None,
        })
    }

    /// The bucket it is on.
    pub fn bucket(&self) -> &str {
        &self.bucket
    }

    /// The state of a new version with regard to replication.
    pub fn replication(&self, bucket: &Bucket, key: &str, version: &Version) -> Option<String> {
        let replication = bucket.replication.as_ref().filter(|_| self.timers.is_some())?;
        let is_copied = !replication.rules_for(key, version).is_empty();
        is_copied.then(|| status::PENDING.to_owned())
    }

    /// Notes that a version is to be copied, in the transaction that makes or changes it, if it is.
    ///
    /// # Errors
    /// A failure of the store.
    pub fn replicate(
        &self,
        rows: &mut dyn Transaction,
        bucket: &Bucket,
        key: &str,
        version: &Version,
    ) -> Result<(), Abort<Error>> {
        let is_own = version.replication.as_deref() != Some(status::REPLICA);
        match &self.timers {
            Some(timers) if is_own && self.replication(bucket, key, version).is_some() => {
                replicate::enqueue(rows, timers, &self.bucket, key, version, self.now)
            }
            _ => Ok(()),
        }
    }

    /// Queues an event for all who are told of it, in the transaction that makes it.
    ///
    /// # Errors
    /// A failure of the store.
    pub fn tell(
        &self,
        rows: &mut dyn Transaction,
        bucket: &Bucket,
        kind: Kind,
        key: &str,
        version: &Version,
    ) -> Result<(), Abort<Error>> {
        let Some(timers) = &self.timers else { return Ok(()) };
        let told = bucket.notifications.rules.iter().filter(|rule| rule.is_told(kind, key));
        let mut deliveries: Vec<(Destination, String)> = told
            .map(|rule| {
                let record = json!({ "Records": [self.record(bucket, kind, key, version, &rule.id)] });
                (Destination::Rule(rule.target, rule.arn.clone()), record.to_string())
            })
            .collect();
        if bucket.notifications.has_event_bridge
            && let Some(detail_type) = kind.detail_type()
        {
            let detail = self.detail(kind, key, version).to_string();
            deliveries.push((Destination::EventBus(detail_type.to_owned()), detail));
        }
        for (number, (destination, body)) in deliveries.into_iter().enumerate() {
            let delivery = Delivery {
                bucket: self.bucket.clone(),
                owner: bucket.owner.clone(),
                region: bucket.region.clone(),
                destination,
                body,
                trace: self.trace.clone(),
                since: self.now,
            };
            let id = format!("event/{}/{}/{number}/{}/{key}", self.id, kind.name(), version.sequence);
            let due = Timestamp::from_milliseconds(self.now);
            timers.set(rows, &timers.timer(id, due, deliver::KIND, delivery.encode()))?;
        }
        Ok(())
    }

    /// Queues what follows from a change of a version's tags or grants: an event, and another copy of the tags.
    ///
    /// # Errors
    /// A failure of the store.
    pub fn changed(
        &self,
        rows: &mut dyn Transaction,
        bucket: &Bucket,
        kind: Kind,
        key: &str,
        version: &Version,
    ) -> Result<(), Abort<Error>> {
        if matches!(kind, Kind::TagsPut | Kind::TagsDelete) {
            self.replicate(rows, bucket, key, version)?;
        }
        self.tell(rows, bucket, kind, key, version)
    }

    /// A record for Lambda, SQS and SNS.
    fn record(&self, bucket: &Bucket, kind: Kind, key: &str, version: &Version, rule: &str) -> Value {
        let (has_size, has_etag, has_sequencer) = kind.shows();
        let mut object = Map::new();
        object.insert("key".to_owned(), json!(listed(key, true)));
        if has_size {
            object.insert("size".to_owned(), json!(version.size));
        }
        if has_etag {
            object.insert("eTag".to_owned(), json!(etag(version)));
        }
        if version.id != NULL {
            object.insert("versionId".to_owned(), json!(version.id));
        }
        if has_sequencer {
            object.insert("sequencer".to_owned(), json!(sequencer(version)));
        }
        let mut record = json!({
            "eventVersion": kind.record_version(),
            "eventSource": "aws:s3",
            "awsRegion": bucket.region,
            "eventTime": iso(self.now),
            "eventName": kind.name(),
            "userIdentity": { "principalId": self.principal },
            "requestParameters": { "sourceIPAddress": self.source_ip.as_deref().unwrap_or("s3.amazonaws.com") },
            "responseElements": {
                "x-amz-request-id": self.request_id,
                "x-amz-id-2": platform::host_id(&self.request_id),
            },
            "s3": {
                "s3SchemaVersion": "1.0",
                "configurationId": rule,
                "bucket": {
                    "name": self.bucket,
                    "ownerIdentity": { "principalId": customer_id(&bucket.owner) },
                    "arn": format!("arn:aws:s3:::{}", self.bucket),
                },
                "object": object,
            },
        });
        if let (Kind::RestoreCompleted, Some(expires)) = (kind, version.restored_until()) {
            record["glacierEventData"] = json!({
                "restoreEventData": {
                    "lifecycleRestorationExpiryTime": iso(expires),
                    "lifecycleRestoreStorageClass": version.storage_class(),
                },
            });
        }
        record
    }

    /// The detail of an event for the event bus.
    fn detail(&self, kind: Kind, key: &str, version: &Version) -> Value {
        let (has_size, has_etag, has_sequencer) = kind.shows();
        let mut object = Map::new();
        object.insert("key".to_owned(), json!(key));
        if has_size {
            object.insert("size".to_owned(), json!(version.size));
        }
        if has_etag {
            object.insert("etag".to_owned(), json!(etag(version)));
        }
        if version.id != NULL {
            object.insert("version-id".to_owned(), json!(version.id));
        }
        if has_sequencer {
            object.insert("sequencer".to_owned(), json!(sequencer(version)));
        }
        let mut detail = Map::new();
        detail.insert("version".to_owned(), json!("0"));
        detail.insert("bucket".to_owned(), json!({ "name": self.bucket }));
        detail.insert("object".to_owned(), Value::Object(object));
        detail.insert("request-id".to_owned(), json!(self.request_id));
        detail.insert("requester".to_owned(), json!(self.requester));
        let restored = version.restored_until().filter(|_| kind == Kind::RestoreCompleted).map(iso);
        let is_restore = matches!(kind, Kind::RestorePost | Kind::RestoreCompleted | Kind::RestoreDelete);
        let further = [
            ("source-ip-address", self.source_ip.clone()),
            ("reason", kind.reason().map(str::to_owned)),
            ("deletion-type", kind.deletion().map(str::to_owned)),
            ("restore-expiry-time", restored),
            ("source-storage-class", is_restore.then(|| version.storage_class())),
            ("destination-storage-class", (kind == Kind::Transition).then(|| version.storage_class())),
        ];
        for (name, value) in further {
            if let Some(value) = value {
                detail.insert(name.to_owned(), json!(value));
            }
        }
        Value::Object(detail)
    }
}

/// The entity tag of a version; that of a delete marker is the one of nothing, as S3 tells it.
fn etag(version: &Version) -> &str {
    if version.is_marker { "d41d8cd98f00b204e9800998ecf8427e" } else { &version.etag }
}

/// Puts the events of a key in order: of two, the later one's is greater as text.
fn sequencer(version: &Version) -> String {
    format!("00{:016X}", version.sequence)
}

/// A time as records have it: with milliseconds.
pub fn iso(milliseconds: i64) -> String {
    let mut text = String::new();
    Timestamp::from_milliseconds(milliseconds).write_iso8601_milliseconds(&mut text);
    text
}

/// The id by which records know an account as a customer: 14 characters.
fn customer_id(account: &str) -> String {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let digest = blob::Digest::of(format!("customer {account}").as_bytes());
    let letters = digest.as_bytes().iter().take(13).map(|byte| char::from(ALPHABET[usize::from(byte % 32)]));
    std::iter::once('A').chain(letters).collect()
}
