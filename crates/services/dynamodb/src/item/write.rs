//! Writing items: the item, its index entries, figures, stream records, expiry and former states, in one transaction.

use std::collections::BTreeMap;

use api::dynamodb::ItemCollectionMetrics;
use api::dynamodb::errors::item_collection_size_limit_exceeded_exception;
use bytes::Bytes;
use sha2::{Digest, Sha256};
use store::{Abort, Transaction};
use wire::Error;
use wire::error::Scalar;

use super::capacity::{Consumed, write_units};
use crate::encryption::{Protected, SEALED};
use crate::expression::Condition;
use crate::limits::ITEM_COLLECTION_BYTES_MAX;
use crate::rows::{self, Figures};
use crate::table::{Index, Table};
use crate::value::{Answer, Item, Value, item_size, write_item, write_value};
use crate::{destination, keys, stream};

/// Who changes an item: stream records tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// A call.
    Call,
    /// Expiry.
    Expiry,
}

/// An item as a transaction finds it.
#[derive(Debug, Clone)]
pub struct Found {
    /// The bytes of its key.
    pub key: Vec<u8>,
    /// The item, if there is one.
    pub item: Option<Item>,
}

/// Reads an item by the bytes of its key.
pub fn find(rows: &mut dyn Transaction, table: &Table, key: Vec<u8>) -> Result<Found, Abort<Error>> {
    let place = keys::item(table.collection, &key);
    let item = rows.get(&place)?.map(|row| table.open_item(&place, &row)).transpose()?;
    Ok(Found { key, item })
}

/// Checks a condition on an item.
///
/// # Errors
/// `ConditionalCheckFailedException`, with the item if that is wanted.
pub fn check_condition(condition: Option<&Condition>, found: &Found, with_item: bool) -> Result<(), Error> {
    let Some(condition) = condition else { return Ok(()) };
    let empty = Item::new();
    if condition.holds(found.item.as_ref().unwrap_or(&empty)) {
        return Ok(());
    }
    Err(condition_failed(found.item.as_ref().filter(|_| with_item)))
}

/// `ConditionalCheckFailedException`.
pub fn condition_failed(item: Option<&Item>) -> Error {
    let error = api::dynamodb::errors::conditional_check_failed_exception("The conditional request failed");
    match item {
        Some(item) => error.with("Item", Scalar::Document(item_json(item))),
        None => error,
    }
}

/// An item as DynamoDB's JSON, for errors that carry one.
pub fn item_json(item: &Item) -> serde_json::Value {
    attributes_json(&write_item(item.clone()))
}

fn attributes_json(attributes: &Answer) -> serde_json::Value {
    attributes
        .iter()
        .map(|(name, value)| (name.clone(), attribute_json(value)))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

fn attribute_json(value: &api::dynamodb::AttributeValue) -> serde_json::Value {
    use api::dynamodb::AttributeValue as V;
    use base64::Engine;
    use serde_json::json;
    let encode = |bytes: &Bytes| base64::engine::general_purpose::STANDARD.encode(bytes);
    match value {
        V::S(text) => json!({ "S": text }),
        V::N(text) => json!({ "N": text }),
        V::B(bytes) => json!({ "B": encode(bytes) }),
        V::SS(set) => json!({ "SS": set }),
        V::NS(set) => json!({ "NS": set }),
        V::BS(set) => json!({ "BS": set.iter().map(encode).collect::<Vec<_>>() }),
        V::M(map) => json!({ "M": attributes_json(map) }),
        V::L(list) => json!({ "L": list.iter().map(attribute_json).collect::<Vec<_>>() }),
        V::NULL(value) => json!({ "NULL": value }),
        V::BOOL(value) => json!({ "BOOL": value }),
        V::Unset | V::Several => json!({}),
    }
}

/// Replaces an item by another, or by nothing, and says what that consumes.
pub fn replace(
    rows: &mut dyn Transaction,
    table: &Table,
    found: &Found,
    new: Option<&Item>,
    origin: Origin,
    now: i64,
) -> Result<Consumed, Abort<Error>> {
    let old = found.item.as_ref();
    let (before, after) = (old.map(item_size), new.map(item_size));
    let mut consumed = Consumed::of_table(write_units(before.max(after).unwrap_or(0)));
    if old == new {
        return Ok(consumed);
    }
    let row = keys::item(table.collection, &found.key);
    match new {
        Some(item) => rows.put(&row, &table.seal_item(&row, item)?),
        None => rows.delete(&row),
    }
    let mut figures = Figures::read(rows, table.collection)?;
    let figures_before = figures.clone();
    figures.change(table.collection, before, after);
    for index in table.indexes() {
        replace_entry(rows, table, index, found, new, &mut figures, &mut consumed)?;
    }
    if table.recovery.is_some() || table.copies > 0 {
        figures.changes += 1;
        let place = keys::former(table.collection, now, figures.changes);
        rows.put(&place, &former_row(table, &place, &found.key, old)?);
    }
    if figures != figures_before {
        figures.write(rows, table.collection);
    }
    note_collection_size(rows, table, old.or(new), before, after)?;
    mark_expiry(rows, table, &found.key, old, new);
    let change = stream::Change { old, new, origin, now };
    if let Some(settings) = table.stream.as_ref().filter(|settings| settings.enabled) {
        stream::append(rows, table, settings, change)?;
    }
    destination::tell(rows, table, change)?;
    Ok(consumed)
}

/// The row that keeps what an item was.
fn former_row(table: &Table, place: &[u8], key: &[u8], old: Option<&Item>) -> Result<Vec<u8>, Error> {
    let mut row = (key.len() as u32).to_be_bytes().to_vec();
    row.extend_from_slice(key);
    if let Some(item) = old {
        row.extend(table.seal_item(place, item)?);
    }
    Ok(row)
}

/// Such a row with its item sealed; `None` if there is nothing to seal.
pub fn seal_former(table: &Table, place: &[u8], row: &Bytes) -> Result<Option<Vec<u8>>, Error> {
    let Some((key, Some(item))) =
        read_former(row).filter(|(_, item)| item.as_ref().is_some_and(|item| item.first() != Some(&SEALED)))
    else {
        return Ok(None);
    };
    let mut sealed = (key.len() as u32).to_be_bytes().to_vec();
    sealed.extend(key);
    sealed.extend(table.seal(place, item.to_vec())?);
    Ok(Some(sealed))
}

/// The key of such a row, and the item if there was one.
pub fn read_former(row: &Bytes) -> Option<(Vec<u8>, Option<Bytes>)> {
    let length = u32::from_be_bytes(*row.first_chunk::<4>()?) as usize;
    let key = row.get(4..4 + length)?.to_vec();
    let item = row.slice(4 + length..);
    Some((key, (!item.is_empty()).then_some(item)))
}

fn replace_entry(
    rows: &mut dyn Transaction,
    table: &Table,
    index: &Index,
    found: &Found,
    new: Option<&Item>,
    figures: &mut Figures,
    consumed: &mut Consumed,
) -> Result<(), Abort<Error>> {
    let old_entry = found.item.as_ref().and_then(|item| table.entry(index, item));
    let new_entry = new.and_then(|item| table.entry(index, item));
    if old_entry == new_entry {
        return Ok(());
    }
    let old_key = old_entry.as_ref().and_then(|entry| entry_key(index, entry, &found.key));
    let new_key = new_entry.as_ref().and_then(|entry| entry_key(index, entry, &found.key));
    let (before, after) = (old_entry.as_ref().map(item_size), new_entry.as_ref().map(item_size));
    let local = table.locals.iter().any(|local| local.collection == index.collection);
    // While an index is being filled, an item may not have its entry yet: only what is there was counted.
    let counted = match &old_key {
        Some(key) if index.backfilling => rows.get(&keys::item(index.collection, key))?.is_some(),
        _ => true,
    };
    if old_key == new_key {
        consumed.add_index(&index.name, local, write_units(before.max(after).unwrap_or(0)));
    } else {
        let units = before.map_or(0.0, write_units) + after.map_or(0.0, write_units);
        consumed.add_index(&index.name, local, units);
        if let Some(key) = &old_key {
            rows.delete(&keys::item(index.collection, key));
        }
    }
    if let (Some(key), Some(entry)) = (&new_key, &new_entry) {
        let place = keys::item(index.collection, key);
        rows.put(&place, &table.seal_item(&place, entry)?);
    }
    figures.change(index.collection, before.filter(|_| counted), after);
    Ok(())
}

/// Longest key of an index entry of which the item's own key is part, in bytes: what is longer would not fit into a key
/// of the store, and has a digest in its place.
const ENTRY_KEY_BYTES_MAX: usize = 8_000;
/// In front of a digest: no item's key, which begins with a hash and text, can be mistaken for one by its length.
const DIGEST_MARK: u8 = 0xFF;

/// The key of an index entry: the index's key, then the item's own, so that items with equal index keys have an order.
pub fn entry_key(index: &Index, entry: &Item, item_key: &[u8]) -> Option<Vec<u8>> {
    let mut key = index.key.encode(entry)?;
    if key.len() + item_key.len() <= ENTRY_KEY_BYTES_MAX {
        key.extend_from_slice(item_key);
    } else {
        key.push(DIGEST_MARK);
        key.extend_from_slice(&Sha256::digest(item_key));
    }
    Some(key)
}

/// Keeps the size of the item collection of tables with local indexes.
fn note_collection_size(
    rows: &mut dyn Transaction,
    table: &Table,
    item: Option<&Item>,
    before: Option<usize>,
    after: Option<usize>,
) -> Result<(), Abort<Error>> {
    let Some(hash_key) = item.filter(|_| !table.locals.is_empty()).and_then(|item| table.key.encode_hash_key(item))
    else {
        return Ok(());
    };
    let key = keys::collection_size(table.collection, &hash_key);
    let size: u64 = rows::read(rows, &key)?.unwrap_or_default();
    let size = (size + after.unwrap_or(0) as u64).saturating_sub(before.unwrap_or(0) as u64);
    if size > ITEM_COLLECTION_BYTES_MAX && after > before {
        return Err(item_collection_size_limit_exceeded_exception("Collection size exceeded.").into());
    }
    if size == 0 {
        rows.delete(&key);
        return Ok(());
    }
    rows::put(rows, &key, &size)
}

/// What is answered of an item collection, if that is wanted and the table has local indexes.
pub fn metrics(
    rows: &mut dyn Transaction,
    table: &Table,
    item: &Item,
    wanted: bool,
) -> Result<Option<ItemCollectionMetrics>, Abort<Error>> {
    if !wanted || table.locals.is_empty() {
        return Ok(None);
    }
    let Some(hash_key) = table.key.encode_hash_key(item) else { return Ok(None) };
    let size: u64 = rows::read(rows, &keys::collection_size(table.collection, &hash_key))?.unwrap_or_default();
    let lower = (size >> 30) as f64;
    let hash = table.key.hash.iter().filter_map(|attribute| item.get_key_value(&attribute.name));
    let key: BTreeMap<_, _> = hash.map(|(name, value)| (name.clone(), write_value(value.clone()))).collect();
    Ok(Some(ItemCollectionMetrics {
        item_collection_key: Some(key),
        size_estimate_range_gb: Some(vec![lower, lower + 1.0]),
    }))
}

/// The second at which an item expires: of a number that is no date of the last five years or later, AWS says that it
/// never does.
pub fn expiry(table: &Table, item: &Item) -> Option<u64> {
    let settings = table.time_to_live.as_ref().filter(|settings| settings.enabled)?;
    match item.get(&settings.attribute)? {
        Value::N(number) => number.to_i64().and_then(|second| u64::try_from(second).ok()),
        _ => None,
    }
}

fn mark_expiry(rows: &mut dyn Transaction, table: &Table, key: &[u8], old: Option<&Item>, new: Option<&Item>) {
    let (before, after) = (old.and_then(|item| expiry(table, item)), new.and_then(|item| expiry(table, item)));
    if before == after {
        return;
    }
    if let Some(second) = before {
        rows.delete(&keys::expiry(table.collection, second, key));
    }
    if let Some(second) = after {
        rows.put(&keys::expiry(table.collection, second, key), &[]);
    }
}
