//! Changes as Kinesis is told of them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use md5::{Digest, Md5};
use serde_json::{Value as Json, json};

use super::{Precision, Queue};
use crate::item::write::item_json;
use crate::stream::record::Stored;
use crate::value::{Item, encode_item, item_size};

/// A record of a stream of Kinesis.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    /// The same for all changes of an item: their order is kept by it.
    pub partition_key: String,
    /// The document.
    pub data: Vec<u8>,
}

/// The record of a change, by its number in the queue.
pub fn told(queue: &Queue, region: &str, number: u64, stored: &Stored) -> Told {
    let size =
        item_size(&stored.keys) + stored.old.as_ref().map_or(0, item_size) + stored.new.as_ref().map_or(0, item_size);
    let mut change = json!({
        "ApproximateCreationDateTime": match queue.precision {
            Precision::Millisecond => stored.at,
            Precision::Microsecond => stored.at * 1_000,
        },
        "Keys": item_json(&stored.keys),
        "SizeBytes": size,
    });
    if let Some(item) = &stored.new {
        change["NewImage"] = item_json(item);
    }
    if let Some(item) = &stored.old {
        change["OldImage"] = item_json(item);
    }
    if queue.precision == Precision::Microsecond {
        change["ApproximateCreationDateTimePrecision"] = json!(queue.precision.name());
    }
    let identity = match stored.expired {
        true => json!({ "principalId": "dynamodb.amazonaws.com", "type": "Service" }),
        false => Json::Null,
    };
    let document = json!({
        "awsRegion": region,
        "eventID": event_id(queue, number),
        "eventName": stored.event,
        "userIdentity": identity,
        "recordFormat": "application/json",
        "tableName": queue.table,
        "dynamodb": change,
        "eventSource": "aws:dynamodb",
    });
    Told { partition_key: partition_key(&stored.keys), data: document.to_string().into_bytes() }
}

/// A digest of the item's key, as AWS has it: 32 digits in upper case.
fn partition_key(keys: &Item) -> String {
    Md5::digest(encode_item(keys)).iter().map(|byte| format!("{byte:02X}")).collect()
}

/// A UUID that is the same however often the record is written, so that readers can tell one that comes again.
fn event_id(queue: &Queue, number: u64) -> String {
    let name = format!("{}/{}/{number}", BASE64.encode(&queue.table_arn), queue.number);
    let digest = Md5::digest(name);
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{}-{}-3{}-8{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..])
}
