//! `BatchGetItem`.

use std::collections::{BTreeMap, BTreeSet};

use api::dynamodb::{BatchGetItemInput, BatchGetItemOutput, KeysAndAttributes};
use platform::Ctx;
use wire::Error;

use super::capacity::{Consumed, Meter, Wanted, read_units};
use super::{check, get};
use crate::constraints;
use crate::errors::invalid;
use crate::expression::{Context, Path, parameters};
use crate::limits::{BATCH_GET_BYTES_MAX, BATCH_GET_KEYS_MAX};
use crate::names::TableName;
use crate::service::{DynamoDb, named};
use crate::throttle::Kind;
use crate::value::{Answer, Item, Wording, item_size, read_item, write_item};

/// The keys wanted of one table.
struct Wish {
    name: TableName,
    keys: Vec<Item>,
    paths: Option<Vec<Path>>,
    consistent: bool,
    given: KeysAndAttributes,
}

/// Reads items of several tables.
///
/// # Errors
/// `ResourceNotFoundException`, and AWS's complaints.
pub async fn batch_get_item(
    service: &DynamoDb,
    cx: &Ctx,
    input: BatchGetItemInput,
) -> Result<BatchGetItemOutput, Error> {
    constraints::check_tables(&input, input.request_items.keys(), "BatchGetItem")?;
    check_not_mixed(&input.request_items)?;
    let mut wishes = Vec::new();
    let mut count = 0;
    for (table, given) in input.request_items {
        let wish = read(named(cx, &table)?, given)?;
        count += wish.keys.len();
        wishes.push(wish);
    }
    if count > BATCH_GET_KEYS_MAX {
        return Err(invalid("Too many items requested for the BatchGetItem call"));
    }
    let mut answer = Responses::default();
    for wish in &wishes {
        answer.add(service, cx, wish).await?;
    }
    // If nothing at all could be read, the call fails.
    if let Some(error) = answer.throttled.take().filter(|_| answer.items.is_empty()) {
        return Err(error);
    }
    let wanted = Wanted::named(input.return_consumed_capacity.as_deref());
    Ok(BatchGetItemOutput {
        responses: Some(answer.items),
        unprocessed_keys: Some(answer.unprocessed),
        consumed_capacity: answer.meter.answer(wanted),
    })
}

/// One request has expressions for all tables, or for none.
fn check_not_mixed(items: &BTreeMap<String, KeysAndAttributes>) -> Result<(), Error> {
    let new = items.values().any(|given| given.projection_expression.is_some());
    let old = items.values().any(|given| given.attributes_to_get.is_some());
    parameters::check(&[("ProjectionExpression", new)], &[("AttributesToGet", old)], false, false, Wording::Current)
        .map_err(invalid)
}

fn read(name: TableName, given: KeysAndAttributes) -> Result<Wish, Error> {
    parameters::check(
        &[("ProjectionExpression", given.projection_expression.is_some())],
        &[("AttributesToGet", given.attributes_to_get.is_some())],
        given.expression_attribute_names.is_some(),
        false,
        Wording::Current,
    )
    .map_err(invalid)?;
    let attributes = get::read_attributes(given.attributes_to_get.clone())?;
    let context = Context::new(given.expression_attribute_names.clone(), None, Wording::Current).map_err(invalid)?;
    let paths = get::read_projection(given.projection_expression.as_deref(), &context)?.or(attributes);
    context.check_used().map_err(invalid)?;
    let mut keys: Vec<Item> = Vec::new();
    for key in &given.keys {
        let key = read_item(key.clone(), Wording::Current).map_err(invalid)?;
        if keys.contains(&key) {
            return Err(invalid("Provided list of item keys contains duplicates"));
        }
        keys.push(key);
    }
    Ok(Wish { name, keys, paths, consistent: given.consistent_read.unwrap_or(false), given })
}

#[derive(Default)]
struct Responses {
    items: BTreeMap<String, Vec<Answer>>,
    unprocessed: BTreeMap<String, KeysAndAttributes>,
    meter: Meter,
    bytes: usize,
    /// Why a table was not read at all.
    throttled: Option<Error>,
}

impl Responses {
    /// Reads the items of one table; what no longer fits is left for another call.
    async fn add(&mut self, service: &DynamoDb, cx: &Ctx, wish: &Wish) -> Result<(), Error> {
        let snapshot = service.snapshot(&wish.name.partition()).await?;
        let table = service.readable(cx, &snapshot, &wish.name).await?;
        check::paths(&table, wish.paths.iter().flatten())?;
        let throttled = service.buckets.admit_read(&table, None, service.now()).err();
        let mut keys = Vec::new();
        let mut seen = BTreeSet::new();
        for key in &wish.keys {
            let bytes = check::key(&table, key).map_err(Error::from)?;
            if !seen.insert(bytes.clone()) {
                return Err(invalid("Provided list of item keys contains duplicates"));
            }
            keys.push(bytes);
        }
        if let Some(error) = throttled {
            self.throttled = Some(error);
            self.unprocessed.insert(wish.name.given.clone(), wish.given.clone());
            return Ok(());
        }
        let mut items = Vec::new();
        let mut left = Vec::new();
        let mut consumed = Consumed::of_table(0.0);
        for (key, given) in keys.iter().zip(&wish.given.keys) {
            let item = if left.is_empty() { get::read(&snapshot, &table, key).await? } else { None };
            let size = item.as_ref().map_or(0, item_size);
            if !left.is_empty() || self.bytes + size > BATCH_GET_BYTES_MAX {
                left.push(given.clone());
                continue;
            }
            self.bytes += size;
            consumed.add_table(read_units(size, wish.consistent));
            items.extend(item.map(|item| write_item(get::select(item, wish.paths.as_deref()))));
        }
        service.buckets.charge(&table, &consumed, Kind::Read, service.now());
        self.meter.add(&wish.name.given, &consumed);
        self.items.insert(wish.name.given.clone(), items);
        if !left.is_empty() {
            let unprocessed = KeysAndAttributes { keys: left, ..wish.given.clone() };
            self.unprocessed.insert(wish.name.given.clone(), unprocessed);
        }
        Ok(())
    }
}
