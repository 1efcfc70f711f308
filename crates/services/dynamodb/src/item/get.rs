//! `GetItem`.

use api::dynamodb::{GetItemInput, GetItemOutput};
use platform::{Ctx, OrFailure};
use store::Snapshot;
use wire::Error;

use super::capacity::{Consumed, Wanted, read_units};
use super::check;
use crate::encryption::Protected;
use crate::errors::{invalid, invalid_value};
use crate::expression::{Context, Path, Selection, parameters, projection};
use crate::keys;
use crate::service::{DynamoDb, named};
use crate::table::Table;
use crate::throttle::Kind;
use crate::value::{Item, Wording, item_size, read_item, write_item};

/// Reads an item.
///
/// # Errors
/// `ResourceNotFoundException`, and AWS's complaints.
pub async fn get_item(service: &DynamoDb, cx: &Ctx, input: GetItemInput) -> Result<GetItemOutput, Error> {
    let name = named(cx, &input.table_name)?;
    parameters::check(
        &[("ProjectionExpression", input.projection_expression.is_some())],
        &[("AttributesToGet", input.attributes_to_get.is_some())],
        input.expression_attribute_names.is_some(),
        false,
        Wording::Current,
    )
    .map_err(invalid)?;
    let key = read_item(input.key, Wording::Current).map_err(invalid)?;
    let attributes = read_attributes(input.attributes_to_get)?;
    let context = Context::new(input.expression_attribute_names, None, Wording::Current).map_err(invalid)?;
    let paths = read_projection(input.projection_expression.as_deref(), &context)?.or(attributes);
    context.check_used().map_err(invalid)?;
    let snapshot = service.snapshot(&name.partition()).await?;
    let table = service.readable(cx, &snapshot, &name).await?;
    let key = check::key(&table, &key).map_err(Error::from)?;
    check::paths(&table, paths.iter().flatten())?;
    service.buckets.admit_read(&table, None, service.now())?;
    let item = read(&snapshot, &table, &key).await?;
    let consistent = input.consistent_read.unwrap_or(false);
    let units = read_units(item.as_ref().map_or(0, item_size), consistent);
    let consumed = Consumed::of_table(units);
    service.buckets.charge(&table, &consumed, Kind::Read, service.now());
    let wanted = Wanted::named(input.return_consumed_capacity.as_deref());
    Ok(GetItemOutput {
        item: item.map(|item| write_item(select(item, paths.as_deref()))),
        consumed_capacity: consumed.answer(&name.given, wanted),
    })
}

/// Reads an item of a snapshot.
pub async fn read(snapshot: &Snapshot, table: &Table, key: &[u8]) -> Result<Option<Item>, Error> {
    let place = keys::item(table.collection, key);
    let row = snapshot.get(&place).await.or_failure()?;
    row.map(|row| table.open_item(&place, &row)).transpose()
}

/// The parts of an item that paths name; all of it without any.
pub fn select(item: Item, paths: Option<&[Path]>) -> Item {
    match paths {
        Some(paths) => Selection::new(paths).of_item(item),
        None => item,
    }
}

/// Parses a `ProjectionExpression`, if there is one.
///
/// # Errors
/// AWS's complaints.
pub fn read_projection(text: Option<&str>, context: &Context) -> Result<Option<Vec<Path>>, Error> {
    text.map(|text| projection::parse(text, context).map_err(invalid)).transpose()
}

/// Checks `AttributesToGet`, if it is there.
///
/// # Errors
/// AWS's complaints.
pub fn read_attributes(attributes: Option<Vec<String>>) -> Result<Option<Vec<Path>>, Error> {
    let Some(attributes) = attributes else { return Ok(None) };
    for (index, name) in attributes.iter().enumerate() {
        if attributes[..index].contains(name) {
            return Err(invalid_value(format!("Duplicate value in attribute name: {name}")));
        }
    }
    Ok(Some(attributes.into_iter().map(Path::attribute).collect()))
}
