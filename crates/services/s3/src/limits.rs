//! Every bound of the service, with its unit and where it comes from.

use std::time::Duration;

/// Longest key of an object, in bytes of UTF-8 (S3 User Guide, "Naming Amazon S3 objects").
pub const KEY_BYTES_MAX: usize = 1024;

/// Most user-defined metadata of an object: bytes of all names and values together (S3 User Guide, "Working with object
/// metadata").
pub const METADATA_BYTES_MAX: usize = 2048;

/// Largest body that is kept in the store rather than in a blob, in bytes: its write then shares the store's commit.
pub const INLINE_BYTES_MAX: usize = 16 * 1024;

/// Largest object of a single upload, and largest part, in bytes: 5 GiB (S3 User Guide, "Multipart upload limits").
pub const PUT_BYTES_MAX: u64 = 5 * 1024 * 1024 * 1024;

/// Largest object, in bytes: 5 TiB in S3's limits for multipart uploads.
pub const OBJECT_BYTES_MAX: u64 = 5 * 1024 * 1024 * 1024 * 1024;

/// Smallest part that is not the last one, in bytes: 5 MiB (same table).
pub const PART_BYTES_MIN: u64 = 5 * 1024 * 1024;

/// Largest part number (same table).
pub const PART_NUMBER_MAX: i32 = 10_000;

/// Most keys, uploads, versions or parts in one page of a listing, and most keys of one `DeleteObjects`.
pub const PAGE_MAX: i32 = 1000;

/// Rows read at a time while a page of a listing is put together.
pub const SCAN_ROWS: usize = 1000;

/// Buckets of an account (general quota since November 2024).
pub const BUCKETS_MAX: usize = 10_000;

/// Longest policy of a bucket, in bytes (S3 User Guide, "Bucket policies": 20 KB).
pub const POLICY_BYTES_MAX: usize = 20 * 1024;

/// Most rules of a CORS configuration (S3 User Guide, "CORS configuration").
pub const CORS_RULES_MAX: usize = 100;

/// Most routing rules of a website (S3 User Guide, "(Optional) Configuring a webpage redirect").
pub const ROUTING_RULES_MAX: usize = 50;

/// Most configurations of a kind that a bucket may have (API reference, `PutBucketInventoryConfiguration` and its like).
pub const REPORTS_MAX: usize = 1000;

/// Configurations in a page of their listing (API reference, `ListBucketInventoryConfigurations` and its like).
pub const REPORTS_PAGE: usize = 100;

/// Longest id of such a configuration, in characters (S3 User Guide: 64).
pub const REPORT_ID_CHARACTERS_MAX: usize = 64;

/// Most lifecycle rules of a bucket (S3 User Guide, "Managing the lifecycle of objects").
pub const LIFECYCLE_RULES_MAX: usize = 1000;

/// Longest id of a lifecycle rule, in characters (same page).
pub const LIFECYCLE_ID_CHARACTERS_MAX: usize = 255;

/// Most noncurrent versions that a lifecycle rule may keep (API reference, `NoncurrentVersionExpiration`).
pub const NEWER_VERSIONS_MAX: i32 = 100;

/// Rows that one step of a lifecycle run looks at.
pub const LIFECYCLE_STEP_ROWS: usize = 500;

/// Most versions of one key that a lifecycle run acts on at a time; the next run goes on with the rest.
pub const LIFECYCLE_VERSIONS_MAX: usize = 10_000;

/// Most grants of a bucket or an object (S3 User Guide, "Access control list (ACL) overview").
pub const GRANTS_MAX: usize = 100;

/// Longest default retention, in days (S3 User Guide, "Object Lock considerations": 100 years).
pub const LOCK_DAYS_MAX: i32 = 36_500;

/// Longest default retention, in years.
pub const LOCK_YEARS_MAX: i32 = 100;

/// Most tags of an object, and of a bucket.
pub const OBJECT_TAGS_MAX: usize = 10;
/// Most tags of a bucket.
pub const BUCKET_TAGS_MAX: usize = 50;
/// Longest key of a tag, in characters.
pub const TAG_KEY_CHARACTERS_MAX: usize = 128;
/// Longest value of a tag, in characters.
pub const TAG_VALUE_CHARACTERS_MAX: usize = 256;

/// Bytes of a body that are sealed together: a read of one byte opens as many.
pub const CHUNK_BYTES: usize = 64 * 1024;

/// Bytes of a body that are hashed at a time: far more work than handing them to another thread.
pub const HASHED_BYTES: usize = 256 * 1024;

/// Chunks of a body that are read and opened at a time, so that a reader holds 256 KiB.
pub const CHUNKS_READ: u64 = 4;

/// Longest encryption context of a request, in bytes of its JSON (KMS, "Resource quotas": 8,192).
pub const CONTEXT_BYTES_MAX: usize = 8_192;

/// How long an event is offered to a destination that fails, before it is dropped.
pub const DELIVERY_TIME: Duration = Duration::from_secs(24 * 60 * 60);

/// Most rules of a notification configuration (S3 error responses, "InvalidArgument" of notifications).
pub const NOTIFICATION_RULES_MAX: usize = 100;

/// Longest value of a filter of notifications, in bytes.
pub const FILTER_BYTES_MAX: usize = 1024;

/// How long a restoration from an archive takes. S3 takes minutes to days for it; here nothing is far away.
pub const RESTORE_TIME: Duration = Duration::from_secs(1);

/// Milliseconds of a day.
pub const DAY_MILLISECONDS: i64 = 24 * 60 * 60 * 1000;

/// Most rules of a replication configuration (S3 API Reference, "ReplicationConfiguration").
pub const REPLICATION_RULES_MAX: usize = 1000;
