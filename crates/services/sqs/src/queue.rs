//! A queue's record: its settings and its numbers.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use bytes::Bytes;
use platform::OrFailure;
use serde::{Deserialize, Serialize};
use store::{StoreError, value};
use wire::Error;

use crate::address::QueueName;
use crate::keys::FORMAT;
use crate::limits::MESSAGE_BYTES_MAX;
use crate::redrive::{RedriveAllowPolicy, RedrivePolicy};

/// What a queue is set to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// Seconds for which a received message is invisible.
    pub visibility_seconds: u32,
    /// Longest message, in bytes.
    pub message_bytes_max: u32,
    /// Seconds for which a message is kept.
    pub retention_seconds: u32,
    /// Seconds for which a message is not delivered.
    pub delay_seconds: u32,
    /// Seconds for which a receiving call waits.
    pub wait_seconds: u32,
    /// Whether SQS manages encryption with keys of its own.
    pub managed_encryption: bool,
    /// The KMS key named for encryption.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kms_key: Option<String>,
    /// Seconds for which a data key is used again, if it was set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kms_reuse_seconds: Option<u32>,
    /// The queue's policy, as it was set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// Where dead letters go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redrive: Option<RedrivePolicy>,
    /// Who may send dead letters here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redrive_allow: Option<RedriveAllowPolicy>,
    /// Whether the body's digest is the deduplication id unless one is given (FIFO queues).
    pub content_deduplication: bool,
    /// Within what a deduplication id is unique (FIFO queues).
    pub deduplication_per_group: bool,
    /// Whether the throughput quota holds per group (FIFO queues).
    pub throughput_per_group: bool,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            visibility_seconds: 30,
            message_bytes_max: MESSAGE_BYTES_MAX,
            retention_seconds: 345_600,
            delay_seconds: 0,
            wait_seconds: 0,
            managed_encryption: true,
            kms_key: None,
            kms_reuse_seconds: None,
            policy: None,
            redrive: None,
            redrive_allow: None,
            content_deduplication: false,
            deduplication_per_group: false,
            throughput_per_group: false,
        }
    }
}

/// A queue at rest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The queue's number, never used again.
    pub number: u64,
    /// The number of its contents, which a purge replaces.
    pub contents: u64,
    /// When it was made, in seconds since 1970.
    pub created: i64,
    /// When its attributes were set last, in seconds since 1970.
    pub modified: i64,
    /// When it was purged last, in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purged: Option<i64>,
    /// Its settings.
    pub settings: Settings,
    /// Its tags.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
}

impl Record {
    /// The stored form.
    ///
    /// # Errors
    /// `InternalFailure`; records always have a stored form.
    pub fn encode(&self) -> Result<Bytes, Error> {
        value::encode(FORMAT, self).map_err(StoreError::from).or_failure()
    }
}

/// A queue as a call finds it.
#[derive(Debug, Clone)]
pub struct Queue {
    /// What it is called.
    pub name: QueueName,
    /// Its record.
    pub record: Record,
    /// The row the record was read from, by which a reader sees whether it still holds.
    pub row: Bytes,
    /// Whether the last call that received found messages: a hint only.
    pub flowing: Arc<AtomicBool>,
}

impl Queue {
    /// The queue in a row.
    ///
    /// # Errors
    /// `InternalFailure` for a row that cannot be read.
    pub fn decode(name: QueueName, row: Bytes) -> Result<Queue, Error> {
        let record = value::decode(FORMAT, &row).map_err(StoreError::from).or_failure()?;
        Ok(Queue { name, record, row, flowing: Arc::default() })
    }

    /// Its settings.
    pub fn settings(&self) -> &Settings {
        &self.record.settings
    }

    /// Whether it is a FIFO queue.
    pub fn is_fifo(&self) -> bool {
        self.name.is_fifo()
    }
}
