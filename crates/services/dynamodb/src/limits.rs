//! Every bound of the service, with its unit and its source. "Quotas" is the Developer Guide's page "Quotas in Amazon
//! DynamoDB".

use std::time::Duration;

/// Most bytes of an item (Quotas).
pub const ITEM_BYTES_MAX: usize = 400 * 1024;
/// Most bytes of a partition key (Quotas).
pub const HASH_KEY_BYTES_MAX: usize = 2_048;
/// Most bytes of a sort key (Quotas).
pub const RANGE_KEY_BYTES_MAX: usize = 1_024;
/// Bytes of items after which a page of `Query` or `Scan` ends (API reference).
pub const PAGE_BYTES: usize = 1024 * 1024;
/// Most bytes that `BatchGetItem` answers (API reference).
pub const BATCH_GET_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Most keys of a `BatchGetItem` (API reference).
pub const BATCH_GET_KEYS_MAX: usize = 100;
/// Most writes of a `BatchWriteItem` (API reference).
pub const BATCH_WRITES_MAX: usize = 25;
/// Most bytes that a transaction reads or writes (Quotas).
pub const TRANSACTION_BYTES_MAX: usize = 4 * 1024 * 1024;
/// How long a client's token keeps a transaction from running again (API reference of `TransactWriteItems`).
pub const TOKEN_LIFETIME_MS: i64 = 10 * 60 * 1_000;
/// Bytes of items that one write capacity unit is for.
pub const WRITE_UNIT_BYTES: usize = 1_024;
/// Bytes of items that one read capacity unit is for.
pub const READ_UNIT_BYTES: usize = 4 * 1_024;

/// Most tables of an account in a region (Quotas; the initial value).
pub const TABLES_MAX: u64 = 2_500;
/// Most local secondary indexes of a table (Quotas).
pub const LOCAL_INDEXES_MAX: usize = 5;
/// Most global secondary indexes of a table (Quotas).
pub const GLOBAL_INDEXES_MAX: usize = 20;
/// Most attributes that all indexes of a table together project by name (Quotas).
pub const PROJECTED_ATTRIBUTES_MAX: usize = 100;
/// Most attributes of a global index's partition key, and of its sort key.
pub const KEY_PARTS_MAX: usize = 4;
/// Longest name of a table or index, in bytes (Quotas).
pub const NAME_BYTES_MAX: usize = 255;
/// Shortest name of a table or index, in bytes (Quotas).
pub const NAME_BYTES_MIN: usize = 3;
/// Most tags of a table (Quotas).
pub const TAGS_MAX: usize = 50;
/// Most tables in one answer of `ListTables` (API reference).
pub const LIST_TABLES_MAX: usize = 100;
/// Largest provisioned throughput, in units per second, beyond which AWS answers another error.
pub const CAPACITY_UNITS_MAX: i64 = 1_000_000_000_000;
/// Most bytes of all items with one partition key, of tables with local indexes (Quotas).
pub const ITEM_COLLECTION_BYTES_MAX: u64 = 10 * 1024 * 1024 * 1024;
/// Most segments of a parallel scan (API reference).
pub const SEGMENTS_MAX: i32 = 1_000_000;
/// Most bytes of a resource policy (Quotas).
pub const POLICY_BYTES_MAX: usize = 20 * 1024;

/// How long stream records are kept (Developer Guide, "Change data capture for DynamoDB Streams").
pub const STREAM_RETENTION_MS: i64 = 24 * 60 * 60 * 1_000;
/// How long a shard takes records before its child does.
pub const SHARD_OPEN_MS: i64 = 4 * 60 * 60 * 1_000;
/// How many records a shard takes before its child does: about what 1,000 writes a second make in a quarter of an hour.
pub const SHARD_RECORDS_MAX: u64 = 1_000_000;
/// How long a shard iterator can be used (API reference of `GetShardIterator`).
pub const ITERATOR_LIFETIME_MS: i64 = 15 * 60 * 1_000;
/// Most records of one `GetRecords` (API reference).
pub const GET_RECORDS_MAX: usize = 1_000;
/// Bytes of records after which an answer of `GetRecords` ends (API reference).
pub const GET_RECORDS_BYTES: usize = 1024 * 1024;
/// Most streams or shards in one answer (API reference).
pub const LIST_STREAMS_MAX: usize = 100;

/// Most streams of Kinesis that a description of a table's destinations shows, those included that are told no more.
pub const DESTINATIONS_LISTED_MAX: usize = 20;
/// Most queues to streams of Kinesis that are looked at in one round: one for each table.
pub const QUEUES_MAX: usize = 2 * TABLES_MAX as usize;
/// Most changes in one call of Kinesis (API reference of `PutRecords`).
pub const DELIVERY_RECORDS: usize = 500;
/// Bytes of changes in one call of Kinesis, half of what `PutRecords` takes: they are in memory twice.
pub const DELIVERY_BYTES: usize = 5 * 1024 * 1024;
/// Calls of Kinesis for one table before the next one's changes have their turn.
pub const DELIVERY_TURN_CALLS: usize = 8;
/// How long a stream is left alone after it has refused something; twice as long each further time.
pub const DELIVERY_RETRY_MIN: Duration = Duration::from_millis(100);
/// See [`DELIVERY_RETRY_MIN`].
pub const DELIVERY_RETRY_MAX: Duration = Duration::from_secs(10);

/// Days in which point-in-time recovery reaches back, unless set (API reference).
pub const RECOVERY_DAYS: i32 = 35;
/// Most backups in one answer of `ListBackups` (API reference).
pub const LIST_BACKUPS_MAX: usize = 100;

/// How long a table's plain key is held for each of its users (Developer Guide, "DynamoDB encryption at rest").
pub const CIPHER_LIFETIME_MS: i64 = 5 * 60 * 1_000;
/// Most keys of tables held at a time, each for one user; a few hundred bytes each.
pub const CIPHERS_CACHED_MAX: usize = 4_096;
/// Shortest and longest time of an incremental export (Developer Guide, "Requesting a table export").
pub const EXPORT_WINDOW_MIN_MS: i64 = 15 * 60 * 1_000;
/// See [`EXPORT_WINDOW_MIN_MS`].
pub const EXPORT_WINDOW_MAX_MS: i64 = 24 * 60 * 60 * 1_000;
/// How long a client's token stands for an export or import (API reference).
pub const EXPORT_TOKEN_LIFETIME_MS: i64 = 8 * 60 * 60 * 1_000;
/// Bytes of JSON after which an export begins another file: they are in memory until it is written.
pub const EXPORT_FILE_BYTES: usize = 8 * 1024 * 1024;
/// Most exports, or imports, in one answer (API reference).
pub const LIST_TRANSFERS_MAX: i32 = 25;
/// Most bytes of one record of an import: an item of 400 KB of numbers, escaped, stays below.
pub const IMPORT_RECORD_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Records that cannot be read after which an import ends (Developer Guide, "DynamoDB data import").
pub const IMPORT_ERRORS_MAX: u64 = 10_000;
/// Most imports at once of an account in a region (Quotas).
pub const IMPORTS_AT_ONCE_MAX: usize = 50;
/// Most exports at once of an account in a region (Quotas).
pub const EXPORTS_AT_ONCE_MAX: usize = 300;
/// Seconds of unused throughput that can be used later (Developer Guide, "Burst and adaptive capacity").
pub const BURST_SECONDS: f64 = 300.0;
/// The same where a table on demand has a maximum.
pub const ON_DEMAND_BURST_SECONDS: f64 = 1.0;
/// Most buckets of units in memory, two for each table and each of its indexes; beyond it the memory is emptied.
pub const BUCKETS_MAX: usize = 100_000;
/// Tables and indexes of an account in a region that are being made, filled or restored at once (Quotas).
pub const CHANGES_AT_ONCE_MAX: usize = 500;
/// Rows that background work changes in one transaction: about 10 ms of the store's writer.
pub const CHUNK_ROWS: usize = 200;
/// Bytes of rows that background work changes in one transaction.
pub const CHUNK_BYTES: usize = 2 * 1024 * 1024;
/// How often background work looks for what has come due while nobody called for it.
pub const SWEEP_INTERVAL: Duration = Duration::from_secs(10);
/// Rows of a range read at a time for a page, at first; then as many as are likely to fill it.
pub const PAGE_ROWS_FIRST: usize = 32;
/// Most rows of a range read at a time for a page: with items of 400 KB they stay under the store's limit of one scan.
pub const PAGE_ROWS_MAX: usize = 128;
/// Most table descriptions held in memory; each is a few KiB. Beyond it the memory is emptied.
pub const TABLES_CACHED_MAX: usize = 4_096;
/// Most bytes that one of our transactions writes of a batch, indexes and images included.
pub const BATCH_TRANSACTION_BYTES: usize = 8 * 1024 * 1024;
