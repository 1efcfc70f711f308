//! `UpdateItem`.

use api::dynamodb::{UpdateItemInput, UpdateItemOutput};
use platform::Ctx;
use wire::Error;

use super::capacity::Wanted;
use super::check::{self, Fault};
use super::put::{check_condition_paths, read_condition};
use super::write::{self, Origin};
use crate::errors::{framed, invalid};
use crate::expression::legacy::AttributeUpdates;
use crate::expression::{Condition, Context, Path, Selection, Update, legacy, parameters, update};
use crate::limits::ITEM_BYTES_MAX;
use crate::service::{DynamoDb, named, writable};
use crate::table::Table;
use crate::value::{Answer, Item, Wording, item_size, read_item, write_item};

/// What an update does to an item.
#[derive(Debug, Clone)]
pub enum Changes {
    /// By `UpdateExpression`.
    Expression(Update),
    /// By `AttributeUpdates`; also nothing at all, which still creates the item.
    Attributes(AttributeUpdates),
}

impl Changes {
    /// Checks the changes against the table.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn check(&self, table: &Table) -> Result<(), Fault> {
        match self {
            Changes::Expression(update) => check::update(table, update),
            Changes::Attributes(updates) => check::attribute_updates(table, updates),
        }
    }

    /// The item afterwards.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn apply(&self, table: &Table, old: Option<&Item>, key: &Item) -> Result<Item, Fault> {
        let mut item = old.cloned().unwrap_or_else(|| key.clone());
        let applied = match self {
            Changes::Expression(update) => update.apply(&mut item),
            Changes::Attributes(updates) => updates.apply(&mut item),
        };
        applied.map_err(|text| Fault::Schema(invalid(text)))?;
        check::updated(table, &item)?;
        if item_size(&item) > ITEM_BYTES_MAX {
            return Err(Fault::Schema(invalid("Item size to update has exceeded the maximum allowed size")));
        }
        if !crate::value::is_within_depth(&item) {
            let text = "Nesting Levels have exceeded supported limits: \
                        Attributes in the item have nested levels beyond supported limit";
            return Err(Fault::Schema(invalid(text)));
        }
        Ok(item)
    }

    fn paths(&self) -> Vec<Path> {
        match self {
            Changes::Expression(update) => update.changes.iter().map(|change| change.path.clone()).collect(),
            Changes::Attributes(updates) => updates.0.keys().map(Path::attribute).collect(),
        }
    }
}

/// What `ReturnValues` asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Returned {
    Nothing,
    AllOld,
    AllNew,
    UpdatedOld,
    UpdatedNew,
}

impl Returned {
    fn named(name: Option<&str>) -> Returned {
        match name {
            Some("ALL_OLD") => Returned::AllOld,
            Some("ALL_NEW") => Returned::AllNew,
            Some("UPDATED_OLD") => Returned::UpdatedOld,
            Some("UPDATED_NEW") => Returned::UpdatedNew,
            _ => Returned::Nothing,
        }
    }

    fn answer(self, old: Option<&Item>, new: &Item, changes: &Changes) -> Option<Answer> {
        let updated = |item: &Item| Some(Selection::new(&changes.paths()).of_item(item.clone()));
        let selected = match self {
            Returned::Nothing => None,
            Returned::AllOld => old.cloned(),
            Returned::AllNew => Some(new.clone()),
            Returned::UpdatedOld => old.and_then(updated),
            Returned::UpdatedNew => updated(new),
        };
        selected.filter(|item| !item.is_empty()).map(write_item)
    }
}

/// An update as far as it is checked without its table.
struct Request {
    key: Item,
    changes: Changes,
    condition: Option<Condition>,
    returned: Returned,
    with_item: bool,
    with_metrics: bool,
    wanted: Wanted,
}

impl Request {
    fn new(input: UpdateItemInput) -> Result<Request, Error> {
        parameters::check(
            &[
                ("UpdateExpression", input.update_expression.is_some()),
                ("ConditionExpression", input.condition_expression.is_some()),
            ],
            &[("AttributeUpdates", input.attribute_updates.is_some()), ("Expected", input.expected.is_some())],
            input.expression_attribute_names.is_some(),
            input.expression_attribute_values.is_some(),
            Wording::Current,
        )
        .map_err(invalid)?;
        let key = read_item(input.key, Wording::Current).map_err(invalid)?;
        let attributes = legacy::read_updates(input.attribute_updates.unwrap_or_default()).map_err(invalid)?;
        let legacy = legacy::read_expected(input.expected, input.conditional_operator.as_deref()).map_err(invalid)?;
        let (names, values) = (input.expression_attribute_names, input.expression_attribute_values);
        let context = Context::new(names, values, Wording::Current).map_err(invalid)?;
        let changes = match input.update_expression.as_deref() {
            Some(text) => Changes::Expression(update::parse(text, &context).map_err(invalid)?),
            None => Changes::Attributes(attributes),
        };
        let condition = read_condition(input.condition_expression.as_deref(), &context)?.or(legacy);
        context.check_used().map_err(invalid)?;
        Ok(Request {
            key,
            changes,
            condition,
            returned: Returned::named(input.return_values.as_deref()),
            with_item: input.return_values_on_condition_check_failure.as_deref() == Some("ALL_OLD"),
            with_metrics: input.return_item_collection_metrics.as_deref() == Some("SIZE"),
            wanted: Wanted::named(input.return_consumed_capacity.as_deref()),
        })
    }
}

/// Changes an item, or creates it.
///
/// # Errors
/// `ConditionalCheckFailedException`, `ResourceNotFoundException`, and AWS's complaints.
pub async fn update_item(service: &DynamoDb, cx: &Ctx, input: UpdateItemInput) -> Result<UpdateItemOutput, Error> {
    let name = named(cx, &input.table_name)?;
    let request = Request::new(input).map_err(framed)?;
    let known = service.known_for_write(cx, &name).await?;
    let (partition, now) = (name.partition(), service.now());
    let writer = known.clone();
    let (output, consumed) = service
        .transact(&partition, move |rows| {
            let Request { key, changes, condition, .. } = &request;
            let table = writable(rows, &name, writer.as_ref())?;
            let key_bytes = check::key(&table, key).map_err(Error::from)?;
            changes.check(&table).map_err(Error::from)?;
            check_condition_paths(&table, condition.as_ref())?;
            let found = write::find(rows, &table, key_bytes)?;
            write::check_condition(condition.as_ref(), &found, request.with_item)?;
            let new = changes.apply(&table, found.item.as_ref(), key).map_err(Error::from)?;
            let consumed = write::replace(rows, &table, &found, Some(&new), Origin::Call, now)?;
            let output = UpdateItemOutput {
                attributes: request.returned.answer(found.item.as_ref(), &new, changes),
                consumed_capacity: consumed.answer(&name.given, request.wanted),
                item_collection_metrics: write::metrics(rows, &table, key, request.with_metrics)?,
            };
            Ok((output, consumed))
        })
        .await?;
    service.charge_write(known.as_ref(), &consumed);
    Ok(output)
}
