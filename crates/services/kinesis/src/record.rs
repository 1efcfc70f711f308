//! Records at rest: a row with what is known of the record and with its data if that is short; longer data lies beside
//! it in parts.
//!
//! A row is `format 1 | arrived at, 8 | is encrypted, 1 | length of the data, 4 | length of the partition key, 2 |
//! partition key | data if it is short`.

use bytes::Bytes;
use platform::OrFailure;
use store::{Snapshot, Transaction};
use wire::Error;

use crate::keys;
use crate::limits::{CHUNK_BYTES, INLINE_BYTES_MAX};
use crate::rows::damaged;

/// First byte of every row.
const FORMAT: u8 = 1;

/// Bytes before the partition key.
const HEAD_BYTES: usize = 16;

/// A record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// When it came, in milliseconds since 1970.
    pub arrived_at: i64,
    /// Its partition key.
    pub partition_key: String,
    /// Its data, or an envelope around them.
    pub data: Bytes,
    /// Whether the data are in an envelope.
    pub is_encrypted: bool,
}

/// Where a record lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Number of the stream.
    pub stream: u64,
    /// Number of the shard.
    pub shard: u32,
    /// Position in the shard.
    pub position: u64,
}

/// A record's own row, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    record: Record,
    length: usize,
}

/// Writes a record.
pub fn write(rows: &mut dyn Transaction, place: Place, record: &Record) {
    let Place { stream, shard, position } = place;
    let mut row = Vec::with_capacity(HEAD_BYTES + record.partition_key.len() + record.data.len().min(INLINE_BYTES_MAX));
    row.push(FORMAT);
    row.extend_from_slice(&record.arrived_at.to_be_bytes());
    row.push(u8::from(record.is_encrypted));
    row.extend_from_slice(&(record.data.len() as u32).to_be_bytes());
    row.extend_from_slice(&(record.partition_key.len() as u16).to_be_bytes());
    row.extend_from_slice(record.partition_key.as_bytes());
    if record.data.len() <= INLINE_BYTES_MAX {
        row.extend_from_slice(&record.data);
    } else {
        for (part, bytes) in (0..).zip(record.data.chunks(CHUNK_BYTES)) {
            rows.put(&keys::data(stream, shard, position, part), bytes);
        }
    }
    rows.put(&keys::record(stream, shard, position), &row);
}

impl Stored {
    /// Reads a row.
    ///
    /// # Errors
    /// `InternalFailure`.
    pub fn decode(row: &Bytes) -> Result<Stored, Error> {
        Stored::parse(row).ok_or_else(|| damaged("a record cannot be read"))
    }

    fn parse(row: &Bytes) -> Option<Stored> {
        let head: &[u8; HEAD_BYTES] = row.first_chunk()?;
        let key_length = usize::from(u16::from_be_bytes([head[14], head[15]]));
        let key = row.get(HEAD_BYTES..HEAD_BYTES + key_length)?;
        let record = Record {
            arrived_at: i64::from_be_bytes(head[1..9].try_into().ok()?),
            partition_key: std::str::from_utf8(key).ok()?.to_owned(),
            data: row.slice(HEAD_BYTES + key_length..),
            is_encrypted: head[9] == 1,
        };
        let length = u32::from_be_bytes(head[10..14].try_into().ok()?) as usize;
        Some(Stored { record, length }).filter(|_| head[0] == FORMAT)
    }

    /// When the record came, in milliseconds since 1970.
    pub fn arrived_at(&self) -> i64 {
        self.record.arrived_at
    }

    /// Bytes of its data and its partition key.
    pub fn size(&self) -> usize {
        self.length + self.record.partition_key.len()
    }

    /// The record with all its data.
    ///
    /// # Errors
    /// `InternalFailure`.
    pub async fn load(self, snapshot: &Snapshot, place: Place) -> Result<Record, Error> {
        let Stored { mut record, length } = self;
        if record.data.len() == length {
            return Ok(record);
        }
        let mut data = Vec::with_capacity(length);
        for part in 0..length.div_ceil(CHUNK_BYTES) as u32 {
            let key = keys::data(place.stream, place.shard, place.position, part);
            data.extend_from_slice(&snapshot.get(&key).await.or_failure()?.unwrap_or_default());
        }
        if data.len() != length {
            return Err(damaged("a record's data are not whole"));
        }
        record.data = data.into();
        Ok(record)
    }
}
