//! `TransactGetItems`.

use api::dynamodb::{Get, ItemResponse, TransactGetItemsInput, TransactGetItemsOutput};
use platform::Ctx;
use wire::Error;

use super::capacity::{Consumed, Meter, Wanted, read_units};
use super::check::{self, Fault};
use super::get;
use super::transact_write::{Reason, canceled, same_place};
use crate::errors::invalid;
use crate::expression::{Context, Path, parameters};
use crate::limits::TRANSACTION_BYTES_MAX;
use crate::names::TableName;
use crate::service::{DynamoDb, named};
use crate::throttle::Kind;
use crate::value::{Item, Wording, item_size, read_item, write_item};

/// One item that is wanted.
struct Wish {
    name: TableName,
    key: Item,
    paths: Option<Vec<Path>>,
}

/// Reads items of several tables as they are at one moment.
///
/// # Errors
/// `TransactionCanceledException`, `ResourceNotFoundException`, and AWS's complaints.
pub async fn transact_get_items(
    service: &DynamoDb,
    cx: &Ctx,
    input: TransactGetItemsInput,
) -> Result<TransactGetItemsOutput, Error> {
    let wishes = input.transact_items.into_iter().map(|item| read(cx, item.get)).collect::<Result<Vec<_>, _>>()?;
    let partition = same_place(wishes.iter().map(|wish| &wish.name))?;
    let snapshot = service.snapshot(&partition).await?;
    let mut keys = Vec::new();
    let mut reasons = Vec::new();
    for wish in &wishes {
        let table = service.readable(cx, &snapshot, &wish.name).await?;
        check::paths(&table, wish.paths.iter().flatten())?;
        let throttled = service.buckets.admit_read(&table, None, service.now()).err();
        match check::key(&table, &wish.key) {
            Ok(key) => {
                reasons.push(throttled.as_ref().map_or_else(Reason::none, Reason::throttled));
                keys.push((table, key));
            }
            Err(Fault::Value(error)) => return Err(error),
            Err(Fault::Schema(error)) => reasons.push(Reason::validation(&error)),
        }
    }
    if reasons.iter().any(Reason::is_failure) {
        return Err(canceled(&reasons));
    }
    let mut meter = Meter::default();
    let mut responses = Vec::new();
    let mut bytes = 0;
    for ((table, key), wish) in keys.into_iter().zip(wishes) {
        let item = get::read(&snapshot, &table, &key).await?;
        let size = item.as_ref().map_or(0, item_size);
        bytes += size;
        let consumed = Consumed::of_table(read_units(size, true)).doubled();
        service.buckets.charge(&table, &consumed, Kind::Read, service.now());
        meter.add(&wish.name.given, &consumed);
        let item = item.map(|item| write_item(get::select(item, wish.paths.as_deref())));
        responses.push(ItemResponse { item });
    }
    if bytes > TRANSACTION_BYTES_MAX {
        return Err(invalid("Collection size exceeded the maximum allowed size of 4 MB"));
    }
    let wanted = Wanted::named(input.return_consumed_capacity.as_deref());
    Ok(TransactGetItemsOutput {
        consumed_capacity: meter.answer_transaction(wanted, false),
        responses: Some(responses),
    })
}

fn read(cx: &Ctx, get: Get) -> Result<Wish, Error> {
    let name = named(cx, &get.table_name)?;
    parameters::check(
        &[("ProjectionExpression", get.projection_expression.is_some())],
        &[],
        get.expression_attribute_names.is_some(),
        false,
        Wording::Older,
    )
    .map_err(invalid)?;
    let key = read_item(get.key, Wording::Older).map_err(invalid)?;
    let context = Context::new(get.expression_attribute_names, None, Wording::Older).map_err(invalid)?;
    let paths = get::read_projection(get.projection_expression.as_deref(), &context)?;
    context.check_used().map_err(invalid)?;
    Ok(Wish { name, key, paths })
}
