//! `PutItem`.

use api::dynamodb::{PutItemInput, PutItemOutput};
use platform::Ctx;
use wire::Error;

use super::capacity::Wanted;
use super::check;
use super::write::{self, Origin};
use crate::errors::{framed, invalid};
use crate::expression::condition::{self, Use};
use crate::expression::{Condition, Context, legacy, parameters};
use crate::limits::ITEM_BYTES_MAX;
use crate::service::{DynamoDb, named, writable};
use crate::value::{Answer, Item, Wording, item_size, read_item, write_item};

/// A put as far as it is checked without its table.
struct Request {
    item: Item,
    returns_old: bool,
    condition: Option<Condition>,
    with_item: bool,
    with_metrics: bool,
    wanted: Wanted,
}

impl Request {
    fn new(input: PutItemInput) -> Result<Request, Error> {
        parameters::check(
            &[("ConditionExpression", input.condition_expression.is_some())],
            &[("Expected", input.expected.is_some())],
            input.expression_attribute_names.is_some(),
            input.expression_attribute_values.is_some(),
            Wording::Current,
        )
        .map_err(invalid)?;
        let item = read_item(input.item, Wording::Current).map_err(invalid)?;
        let returns_old = returns_old(input.return_values.as_deref())?;
        let legacy = legacy::read_expected(input.expected, input.conditional_operator.as_deref()).map_err(invalid)?;
        let (names, values) = (input.expression_attribute_names, input.expression_attribute_values);
        let context = Context::new(names, values, Wording::Current).map_err(invalid)?;
        let condition = read_condition(input.condition_expression.as_deref(), &context)?.or(legacy);
        context.check_used().map_err(invalid)?;
        Ok(Request {
            item,
            returns_old,
            condition,
            with_item: input.return_values_on_condition_check_failure.as_deref() == Some("ALL_OLD"),
            with_metrics: input.return_item_collection_metrics.as_deref() == Some("SIZE"),
            wanted: Wanted::named(input.return_consumed_capacity.as_deref()),
        })
    }
}

/// Creates or replaces an item.
///
/// # Errors
/// `ConditionalCheckFailedException`, `ResourceNotFoundException`, and AWS's complaints.
pub async fn put_item(service: &DynamoDb, cx: &Ctx, input: PutItemInput) -> Result<PutItemOutput, Error> {
    let name = named(cx, &input.table_name)?;
    let request = Request::new(input).map_err(framed)?;
    check_size(&request.item)?;
    let known = service.known_for_write(cx, &name).await?;
    let (partition, now) = (name.partition(), service.now());
    let writer = known.clone();
    let (output, consumed) = service
        .transact(&partition, move |rows| {
            let Request { item, condition, .. } = &request;
            let table = writable(rows, &name, writer.as_ref())?;
            check_condition_paths(&table, condition.as_ref())?;
            let key = check::item(&table, item).map_err(Error::from)?;
            let found = write::find(rows, &table, key)?;
            write::check_condition(condition.as_ref(), &found, request.with_item)?;
            let consumed = write::replace(rows, &table, &found, Some(item), Origin::Call, now)?;
            let output = PutItemOutput {
                attributes: found.item.filter(|_| request.returns_old).map(write_item),
                consumed_capacity: consumed.answer(&name.given, request.wanted),
                item_collection_metrics: write::metrics(rows, &table, item, request.with_metrics)?,
            };
            Ok((output, consumed))
        })
        .await?;
    service.charge_write(known.as_ref(), &consumed);
    Ok(output)
}

/// Reads an item that a batch or transaction writes, and checks it as far as that goes without its table.
///
/// # Errors
/// AWS's complaints.
pub fn read(item: Answer) -> Result<Item, Error> {
    let item = read_item(item, Wording::Older).map_err(invalid)?;
    check_size(&item)?;
    Ok(item)
}

/// Checks that an item is no larger than one may be.
///
/// # Errors
/// A `ValidationException`.
pub fn check_size(item: &Item) -> Result<(), Error> {
    if item_size(item) > ITEM_BYTES_MAX {
        return Err(invalid("Item size has exceeded the maximum allowed size"));
    }
    Ok(())
}

/// Whether the old item is to be answered, by the `ReturnValues` of operations that have only that.
///
/// # Errors
/// A `ValidationException` for the other values.
pub fn returns_old(return_values: Option<&str>) -> Result<bool, Error> {
    match return_values {
        None | Some("NONE") => Ok(false),
        Some("ALL_OLD") => Ok(true),
        Some(_) => Err(invalid("ReturnValues can only be ALL_OLD or NONE")),
    }
}

/// Parses a `ConditionExpression`, if there is one.
///
/// # Errors
/// AWS's complaints.
pub fn read_condition(text: Option<&str>, context: &Context) -> Result<Option<Condition>, Error> {
    text.map(|text| condition::parse(Use::Condition, text, context).map_err(invalid)).transpose()
}

/// Checks the paths of a condition against the table.
///
/// # Errors
/// A `ValidationException`.
pub fn check_condition_paths(table: &crate::table::Table, condition: Option<&Condition>) -> Result<(), Error> {
    check::paths(table, condition.map(Condition::paths).unwrap_or_default())
}
