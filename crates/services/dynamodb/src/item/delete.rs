//! `DeleteItem`.

use api::dynamodb::{DeleteItemInput, DeleteItemOutput};
use platform::Ctx;
use wire::Error;

use super::capacity::Wanted;
use super::check;
use super::put::{check_condition_paths, read_condition, returns_old};
use super::write::{self, Origin};
use crate::errors::{framed, invalid};
use crate::expression::{Condition, Context, legacy, parameters};
use crate::service::{DynamoDb, named, writable};
use crate::value::{Item, Wording, read_item, write_item};

/// A deletion as far as it is checked without its table.
struct Request {
    key: Item,
    returns_old: bool,
    condition: Option<Condition>,
    with_item: bool,
    with_metrics: bool,
    wanted: Wanted,
}

impl Request {
    fn new(input: DeleteItemInput) -> Result<Request, Error> {
        parameters::check(
            &[("ConditionExpression", input.condition_expression.is_some())],
            &[("Expected", input.expected.is_some())],
            input.expression_attribute_names.is_some(),
            input.expression_attribute_values.is_some(),
            Wording::Current,
        )
        .map_err(invalid)?;
        let key = read_item(input.key, Wording::Current).map_err(invalid)?;
        let returns_old = returns_old(input.return_values.as_deref())?;
        let legacy = legacy::read_expected(input.expected, input.conditional_operator.as_deref()).map_err(invalid)?;
        let (names, values) = (input.expression_attribute_names, input.expression_attribute_values);
        let context = Context::new(names, values, Wording::Current).map_err(invalid)?;
        let condition = read_condition(input.condition_expression.as_deref(), &context)?.or(legacy);
        context.check_used().map_err(invalid)?;
        Ok(Request {
            key,
            returns_old,
            condition,
            with_item: input.return_values_on_condition_check_failure.as_deref() == Some("ALL_OLD"),
            with_metrics: input.return_item_collection_metrics.as_deref() == Some("SIZE"),
            wanted: Wanted::named(input.return_consumed_capacity.as_deref()),
        })
    }
}

/// Deletes an item; one that does not exist too.
///
/// # Errors
/// `ConditionalCheckFailedException`, `ResourceNotFoundException`, and AWS's complaints.
pub async fn delete_item(service: &DynamoDb, cx: &Ctx, input: DeleteItemInput) -> Result<DeleteItemOutput, Error> {
    let name = named(cx, &input.table_name)?;
    let request = Request::new(input).map_err(framed)?;
    let known = service.known_for_write(cx, &name).await?;
    let (partition, now) = (name.partition(), service.now());
    let writer = known.clone();
    let (output, consumed) = service
        .transact(&partition, move |rows| {
            let Request { key, condition, .. } = &request;
            let table = writable(rows, &name, writer.as_ref())?;
            check_condition_paths(&table, condition.as_ref())?;
            let key_bytes = check::key(&table, key).map_err(Error::from)?;
            let found = write::find(rows, &table, key_bytes)?;
            write::check_condition(condition.as_ref(), &found, request.with_item)?;
            let consumed = write::replace(rows, &table, &found, None, Origin::Call, now)?;
            let output = DeleteItemOutput {
                attributes: found.item.filter(|_| request.returns_old).map(write_item),
                consumed_capacity: consumed.answer(&name.given, request.wanted),
                item_collection_metrics: write::metrics(rows, &table, key, request.with_metrics)?,
            };
            Ok((output, consumed))
        })
        .await?;
    service.charge_write(known.as_ref(), &consumed);
    Ok(output)
}
