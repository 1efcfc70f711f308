//! `PutItem`.

use api::dynamodb::{PutItemInput, PutItemOutput};
use platform::Ctx;
use wire::Error;

use super::capacity::Wanted;
use super::check;
use super::write::{self, Origin};
use crate::errors::invalid;
use crate::expression::condition::{self, Use};
use crate::expression::{Condition, Context, legacy, parameters};
use crate::limits::ITEM_BYTES_MAX;
use crate::service::{DynamoDb, named, writable};
use crate::value::{Answer, Item, item_size, read_item, write_item};

/// Creates or replaces an item.
///
/// # Errors
/// `ConditionalCheckFailedException`, `ResourceNotFoundException`, and AWS's complaints.
pub async fn put_item(service: &DynamoDb, cx: &Ctx, input: PutItemInput) -> Result<PutItemOutput, Error> {
    let name = named(cx, &input.table_name)?;
    parameters::check(
        &[("ConditionExpression", input.condition_expression.is_some())],
        &[("Expected", input.expected.is_some())],
        input.expression_attribute_names.is_some(),
        input.expression_attribute_values.is_some(),
    )
    .map_err(invalid)?;
    let item = read(input.item)?;
    let returns_old = returns_old(input.return_values.as_deref())?;
    let legacy = legacy::read_expected(input.expected, input.conditional_operator.as_deref()).map_err(invalid)?;
    let context = Context::new(input.expression_attribute_names, input.expression_attribute_values).map_err(invalid)?;
    let condition = read_condition(input.condition_expression.as_deref(), &context)?.or(legacy);
    context.check_used().map_err(invalid)?;
    let with_item = input.return_values_on_condition_check_failure.as_deref() == Some("ALL_OLD");
    let with_metrics = input.return_item_collection_metrics.as_deref() == Some("SIZE");
    let wanted = Wanted::named(input.return_consumed_capacity.as_deref());
    let known = service.known_for_write(cx, &name).await?;
    let (partition, now) = (name.partition(), service.now());
    let writer = known.clone();
    let (output, consumed) = service
        .transact(&partition, move |rows| {
            let table = writable(rows, &name, writer.as_ref())?;
            check_condition_paths(&table, condition.as_ref())?;
            let key = check::item(&table, &item).map_err(Error::from)?;
            let found = write::find(rows, &table, key)?;
            write::check_condition(condition.as_ref(), &found, with_item)?;
            let consumed = write::replace(rows, &table, &found, Some(&item), Origin::Call, now)?;
            let output = PutItemOutput {
                attributes: found.item.filter(|_| returns_old).map(write_item),
                consumed_capacity: consumed.answer(&name.given, wanted),
                item_collection_metrics: write::metrics(rows, &table, &item, with_metrics)?,
            };
            Ok((output, consumed))
        })
        .await?;
    service.charge_write(known.as_ref(), &consumed);
    Ok(output)
}

/// Checks an item that is to be written as far as that goes without its table.
///
/// # Errors
/// AWS's complaints.
pub fn read(item: Answer) -> Result<Item, Error> {
    let item = read_item(item).map_err(invalid)?;
    if item_size(&item) > ITEM_BYTES_MAX {
        return Err(invalid("Item size has exceeded the maximum allowed size"));
    }
    Ok(item)
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
