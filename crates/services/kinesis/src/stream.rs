//! What is kept of a stream, of its consumers and of the account.

use std::collections::BTreeMap;

use api::kinesis::enums::{encryption_type, stream_mode, stream_status};
use api::kinesis::{self as model, StreamModeDetails};
use serde::{Deserialize, Serialize};
use wire::{Error, Timestamp};

use crate::errors;
use crate::limits::{RECORD_KIB_DEFAULT, RETENTION_HOURS_MIN};
use crate::names::{StreamName, consumer_arn};

/// Where a stream or consumer is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    /// Just made.
    Creating,
    /// In use.
    Active,
    /// Just changed.
    Updating,
    /// About to go.
    Deleting,
}

impl Status {
    /// As the API spells it.
    pub fn text(self) -> &'static str {
        match self {
            Status::Creating => stream_status::CREATING,
            Status::Active => stream_status::ACTIVE,
            Status::Updating => stream_status::UPDATING,
            Status::Deleting => stream_status::DELETING,
        }
    }
}

/// A stream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stream {
    /// Its name.
    pub name: String,
    /// The number on which its rows hang.
    pub number: u64,
    /// Where it is in its life.
    pub status: Status,
    /// Its shards are the service's own business.
    pub on_demand: bool,
    /// When it was made, in milliseconds since 1970.
    pub created_at: i64,
    /// How long records are kept, in hours.
    pub retention_hours: i32,
    /// Names of the metrics that are kept of each shard.
    pub shard_metrics: Vec<String>,
    /// The key of KMS that records are encrypted under, as it was given.
    pub key_id: Option<String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// Its resource policy.
    pub policy: Option<String>,
    /// Largest data of a record, in KiB.
    pub record_kib: i32,
    /// The throughput it is kept ready for, in MiB per second.
    pub warm_mibps: Option<i32>,
    /// Shards ever made: the number of the next one.
    pub shards: u32,
    /// Shards that take records.
    pub open_shards: u32,
    /// When the number of shards was last set, in milliseconds since 1970: those within a day.
    pub shard_count_updates: Vec<i64>,
    /// When the mode was last set, in milliseconds since 1970: those within a day.
    pub mode_updates: Vec<i64>,
}

impl Stream {
    /// A stream without shards.
    pub fn new(name: &str, number: u64, on_demand: bool, created_at: i64) -> Stream {
        Stream {
            name: name.to_owned(),
            number,
            status: Status::Creating,
            on_demand,
            created_at,
            retention_hours: RETENTION_HOURS_MIN,
            shard_metrics: Vec::new(),
            key_id: None,
            tags: BTreeMap::new(),
            policy: None,
            record_kib: RECORD_KIB_DEFAULT,
            warm_mibps: None,
            shards: 0,
            open_shards: 0,
            shard_count_updates: Vec::new(),
            mode_updates: Vec::new(),
        }
    }

    /// Checks that it may be changed.
    ///
    /// # Errors
    /// `ResourceInUseException`.
    pub fn check_active(&self, name: &StreamName) -> Result<(), Error> {
        match self.status {
            Status::Active => Ok(()),
            status => Err(errors::not_active(name, status.text())),
        }
    }

    /// Checks that records may be put into it and read from it.
    ///
    /// # Errors
    /// `ResourceNotFoundException`.
    pub fn check_usable(&self, name: &StreamName) -> Result<(), Error> {
        if self.status == Status::Deleting { Err(errors::no_stream(name)) } else { Ok(()) }
    }

    /// The time before which records are no longer kept, in milliseconds since 1970.
    pub fn horizon(&self, now: i64) -> i64 {
        now.saturating_sub(i64::from(self.retention_hours) * crate::limits::HOUR_MS)
    }

    /// Its mode in the API's form.
    pub fn mode(&self) -> StreamModeDetails {
        let mode = if self.on_demand { stream_mode::ON_DEMAND } else { stream_mode::PROVISIONED };
        StreamModeDetails { stream_mode: mode.to_owned(), ..Default::default() }
    }

    /// What records are encrypted with, in the API's form.
    pub fn encryption(&self) -> &'static str {
        if self.key_id.is_some() { encryption_type::KMS } else { encryption_type::NONE }
    }

    /// The metrics of each shard in the API's form.
    pub fn monitoring(&self) -> Vec<model::EnhancedMetrics> {
        vec![model::EnhancedMetrics { shard_level_metrics: Some(self.shard_metrics.clone()) }]
    }
}

/// A consumer with throughput of its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Consumer {
    /// Its name.
    pub name: String,
    /// When it was registered, in milliseconds since 1970.
    pub created_at: i64,
    /// Where it is in its life.
    pub status: Status,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// Its resource policy.
    pub policy: Option<String>,
}

impl Consumer {
    /// Its ARN.
    pub fn arn(&self, stream: &StreamName) -> String {
        consumer_arn(stream, &self.name, self.created_at.div_euclid(1_000))
    }

    /// The API's form.
    pub fn describe(&self, stream: &StreamName) -> model::Consumer {
        model::Consumer {
            consumer_name: self.name.clone(),
            consumer_arn: self.arn(stream),
            consumer_status: self.status.text().to_owned(),
            consumer_creation_timestamp: seconds(self.created_at),
        }
    }
}

/// Settings of the account.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Account {
    /// Since when the account pays for a least throughput, in milliseconds since 1970.
    pub committed_at: Option<i64>,
    /// When that ended, in milliseconds since 1970.
    pub ended_at: Option<i64>,
}

/// A time at which a stream or consumer was made: AWS answers whole seconds.
pub fn seconds(milliseconds: i64) -> Timestamp {
    Timestamp { seconds: milliseconds.div_euclid(1_000), nanoseconds: 0 }
}
