//! Records of streams, as they are stored and as they are answered.

use std::collections::BTreeMap;

use api::dynamodbstreams::{AttributeValue, Identity, Record, StreamRecord};
use bytes::Bytes;
use wire::{Error, Timestamp};

use super::{Change, Stream};
use crate::encryption::{Protected, SEALED};
use crate::errors;
use crate::item::write::Origin;
use crate::table::Table;
use crate::table::record::View;
use crate::value::{Item, Value, decode_item, encode_item, item_size};

/// First byte of a stored record.
const FORMAT: u8 = 1;
/// Bytes in front of the images: format, kind, time.
const HEAD_BYTES: usize = 10;
/// The item was new.
const INSERTED: u8 = 0;
/// The item was changed.
const MODIFIED: u8 = 1;
/// The item was removed.
const REMOVED: u8 = 2;
/// Added to the kind: by expiry.
const EXPIRED: u8 = 0x10;

/// The row of a record: format, kind, time, and the key, the old and the new image, each with its length in front; these
/// three are sealed in an encrypted table.
///
/// # Errors
/// When the table's key has not been unlocked.
pub fn encode(table: &Table, view: View, change: Change<'_>, place: &[u8]) -> Result<Vec<u8>, Error> {
    let kind = match (change.old, change.new) {
        (None, _) => INSERTED,
        (Some(_), Some(_)) => MODIFIED,
        (Some(_), None) => REMOVED,
    };
    let expired = if change.origin == Origin::Expiry { EXPIRED } else { 0 };
    let mut row = vec![FORMAT, kind | expired];
    row.extend(change.now.to_be_bytes());
    let keys = change.new.or(change.old).map(|item| table.key.of_item(item)).unwrap_or_default();
    let mut images = Vec::new();
    let shows_old = matches!(view, View::OldImage | View::Both);
    let shows_new = matches!(view, View::NewImage | View::Both);
    for image in [Some(&keys), change.old.filter(|_| shows_old), change.new.filter(|_| shows_new)] {
        let bytes = image.map(encode_item).unwrap_or_default();
        images.extend((bytes.len() as u32).to_be_bytes());
        images.extend(bytes);
    }
    row.extend(table.seal(place, images)?);
    Ok(row)
}

/// A record with its images sealed; `None` if they are already, or the row is no record.
///
/// # Errors
/// When the table's key has not been unlocked.
pub fn seal(table: &Table, place: &[u8], row: &Bytes) -> Result<Option<Vec<u8>>, Error> {
    let Some((head, images)) = row.split_first_chunk::<HEAD_BYTES>() else { return Ok(None) };
    if images.first() == Some(&SEALED) {
        return Ok(None);
    }
    Ok(Some([&head[..], &table.seal(place, images.to_vec())?].concat()))
}

/// When the record of a row was made, in milliseconds since 1970.
pub fn time(row: &[u8]) -> Option<i64> {
    let [FORMAT, _, time @ ..] = *row.first_chunk::<HEAD_BYTES>()? else { return None };
    Some(i64::from_be_bytes(time))
}

/// A stored record.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    /// `INSERT`, `MODIFY` or `REMOVE`.
    pub event: &'static str,
    /// Whether expiry did it.
    pub expired: bool,
    /// When, in milliseconds since 1970.
    pub at: i64,
    /// The item's key.
    pub keys: Item,
    /// The item before, if the stream shows it.
    pub old: Option<Item>,
    /// The item afterwards, if the stream shows it.
    pub new: Option<Item>,
}

/// Reads a row.
///
/// # Errors
/// If it is damaged or of another format, or its holder's key has not been unlocked.
pub fn decode(holder: &impl Protected, place: &[u8], row: &Bytes) -> Result<Stored, Error> {
    let damaged = || errors::damaged("stream record");
    let head = row.first_chunk::<HEAD_BYTES>().ok_or_else(damaged)?;
    let images = holder.open(place, &row.slice(HEAD_BYTES..))?;
    read(*head, images).ok_or_else(damaged)
}

fn read(head: [u8; HEAD_BYTES], mut rest: Bytes) -> Option<Stored> {
    let [FORMAT, kind, time @ ..] = head else { return None };
    let event = match kind & !EXPIRED {
        INSERTED => "INSERT",
        MODIFIED => "MODIFY",
        REMOVED => "REMOVE",
        _ => return None,
    };
    let mut image = || {
        let length = u32::from_be_bytes(*rest.first_chunk::<4>()?) as usize;
        let bytes = (rest.len() >= 4 + length).then(|| rest.slice(4..4 + length))?;
        rest = rest.slice(4 + length..);
        Some((!bytes.is_empty()).then_some(bytes))
    };
    let (keys, old, new) = (image()??, image()?, image()?);
    let read = |image: Option<Bytes>| match image {
        Some(bytes) => decode_item(&bytes).map(Some),
        None => Some(None),
    };
    Some(Stored {
        event,
        expired: kind & EXPIRED != 0,
        at: i64::from_be_bytes(time),
        keys: decode_item(&keys)?,
        old: read(old)?,
        new: read(new)?,
    })
}

/// The number of a record as a sequence number, 21 digits like AWS's shortest.
pub fn sequence_number(number: u64) -> String {
    (SEQUENCE_BASE + u128::from(number)).to_string()
}

const SEQUENCE_BASE: u128 = 100_000_000_000_000_000_000;

/// The number behind a sequence number.
pub fn parse_sequence_number(text: &str) -> Option<u64> {
    let number: u128 = text.parse().ok()?;
    u64::try_from(number.checked_sub(SEQUENCE_BASE)?).ok()
}

/// The version of the form of records (Developer Guide).
const EVENT_VERSION: &str = "1.1";

/// A record as it is answered.
pub fn answer(stream: &Stream, region: &str, number: u64, stored: Stored, event_id: String) -> Record {
    let size =
        item_size(&stored.keys) + stored.old.as_ref().map_or(0, item_size) + stored.new.as_ref().map_or(0, item_size);
    let identity = stored.expired.then(|| Identity {
        principal_id: Some("dynamodb.amazonaws.com".to_owned()),
        r#type: Some("Service".to_owned()),
    });
    Record {
        event_id: Some(event_id),
        event_name: Some(stored.event.to_owned()),
        event_version: Some(EVENT_VERSION.to_owned()),
        event_source: Some("aws:dynamodb".to_owned()),
        aws_region: Some(region.to_owned()),
        dynamodb: Some(StreamRecord {
            // AWS tells the second.
            approximate_creation_date_time: Some(Timestamp::from_milliseconds(stored.at / 1_000 * 1_000)),
            keys: Some(images(stored.keys)),
            new_image: stored.new.map(images),
            old_image: stored.old.map(images),
            sequence_number: Some(sequence_number(number)),
            size_bytes: Some(size as i64),
            stream_view_type: Some(stream.view.name().to_owned()),
        }),
        user_identity: identity,
    }
}

fn images(item: Item) -> BTreeMap<String, AttributeValue> {
    item.into_iter().map(|(name, value)| (name, image(value))).collect()
}

/// A value in the streams API's form, which is the tables' own under another name.
fn image(value: Value) -> AttributeValue {
    match value {
        Value::S(text) => AttributeValue::S(text),
        Value::N(number) => AttributeValue::N(number.to_string()),
        Value::B(bytes) => AttributeValue::B(bytes),
        Value::Bool(value) => AttributeValue::BOOL(value),
        Value::Null => AttributeValue::NULL(true),
        Value::Ss(set) => AttributeValue::SS(set),
        Value::Ns(set) => AttributeValue::NS(set.iter().map(ToString::to_string).collect()),
        Value::Bs(set) => AttributeValue::BS(set),
        Value::L(list) => AttributeValue::L(list.into_iter().map(image).collect()),
        Value::M(map) => AttributeValue::M(images(map)),
    }
}
