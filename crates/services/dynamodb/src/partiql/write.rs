//! Writing by statements: each becomes an action of a transaction.

use api::dynamodb::errors::duplicate_item_exception;
use platform::Ctx;
use wire::Error;

use super::select::necessary;
use super::statement::{Returning, Statement};
use crate::errors::{invalid, table_missing};
use crate::expression::key_condition::Operator;
use crate::expression::parser::{Call, Operand};
use crate::expression::{Condition, Path, Selection};
use crate::item::capacity::Consumed;
use crate::item::transact_write::{Act, ActKind};
use crate::item::update::Changes;
use crate::item::write::{self, Origin};
use crate::item::{check, put};
use crate::names::TableName;
use crate::service::{DynamoDb, named, writable};
use crate::table::Table;
use crate::value::Item;

/// The action of a statement that writes, or checks.
///
/// # Errors
/// `ResourceNotFoundException`, and AWS's complaints of conditions that do not name one item.
pub async fn act(service: &DynamoDb, cx: &Ctx, statement: &Statement, with_item: bool) -> Result<Act, Error> {
    let name = named(cx, statement.table())?;
    let known = service.known_or_read(cx, &name).await?.ok_or_else(table_missing)?;
    let table = &known.table;
    let (kind, condition) = match statement {
        Statement::Insert { item, .. } => {
            put::check_size(item)?;
            (ActKind::Insert(item.clone()), None)
        }
        Statement::Update { update, condition, .. } => {
            let key = key(table, condition.as_ref())?;
            let changes = Changes::Expression(update.clone());
            (ActKind::Update(key, changes), Some(exists(table, condition.clone())))
        }
        Statement::Delete { condition, .. } => {
            let key = key(table, condition.as_ref())?;
            // What is not there need not meet the rest of the condition.
            let condition = rest(table, condition.clone());
            (ActKind::Delete(key), condition)
        }
        Statement::Select(select) => {
            let key = key(table, select.condition.as_ref())?;
            let paths = select.condition.as_ref().map(Condition::paths).unwrap_or_default();
            if paths.iter().all(|path| table.key.has(path.head())) {
                return Err(invalid("EXISTS() must contain a single item read with additional condition"));
            }
            (ActKind::Check(key), Some(exists(table, select.condition.clone())))
        }
    };
    Ok(Act { name, kind, condition, with_item })
}

/// The key that a condition names by equalities.
pub fn key(table: &Table, condition: Option<&Condition>) -> Result<Item, Error> {
    let tests = necessary(condition);
    let mut key = Item::new();
    for attribute in table.key.attributes() {
        let equal = tests.iter().find(|(name, test)| *name == attribute.name && test.operator == Operator::Eq);
        let Some((name, test)) = equal else {
            return Err(invalid("Where clause does not contain a mandatory equality on all key attributes"));
        };
        key.insert(name.clone(), test.values[0].clone());
    }
    Ok(key)
}

/// A condition that only an item meets that is there.
fn exists(table: &Table, condition: Option<Condition>) -> Condition {
    let path = Path::attribute(table.key.hash[0].name.clone());
    let call = Call { name: "attribute_exists".to_owned(), operands: vec![Operand::Path(path)] };
    let exists = Condition::Function(call);
    match condition {
        Some(condition) => Condition::And(Box::new(exists), Box::new(condition)),
        None => exists,
    }
}

/// A condition, or the item is not there.
fn rest(table: &Table, condition: Option<Condition>) -> Option<Condition> {
    let condition = condition?;
    let only_key = condition.paths().iter().all(|path| table.key.has(path.head()));
    if only_key {
        let absent = Condition::Not(Box::new(exists(table, None)));
        return Some(Condition::Or(Box::new(absent), Box::new(condition)));
    }
    Some(condition)
}

/// What a statement has written.
pub struct Written {
    /// The table.
    pub name: TableName,
    /// What `RETURNING` asked for.
    pub returned: Option<Item>,
    /// What it consumed.
    pub consumed: Consumed,
}

/// Runs one statement by itself.
///
/// # Errors
/// `ConditionalCheckFailedException`, `DuplicateItemException`, and AWS's complaints.
pub async fn run(service: &DynamoDb, cx: &Ctx, statement: &Statement, with_item: bool) -> Result<Written, Error> {
    let act = act(service, cx, statement, with_item).await?;
    let (returning, changed) = match statement {
        Statement::Update { returning, update, .. } => {
            (*returning, update.changes.iter().map(|change| change.path.clone()).collect())
        }
        Statement::Delete { returning, .. } => (*returning, Vec::new()),
        _ => (None, Vec::new()),
    };
    let known = service.known_for_write(cx, &act.name).await?;
    let writer = known.clone();
    let (partition, now) = (act.name.partition(), service.now());
    let written = service
        .transact(&partition, move |rows| {
            let table = writable(rows, &act.name, writer.as_ref())?;
            put::check_condition_paths(&table, act.condition.as_ref())?;
            let key = match &act.kind {
                ActKind::Insert(item) | ActKind::Put(item) => check::item(&table, item),
                ActKind::Delete(key) | ActKind::Check(key) => check::key(&table, key),
                ActKind::Update(key, changes) => {
                    check::key(&table, key).and_then(|bytes| changes.check(&table).map(|()| bytes))
                }
            };
            let found = write::find(rows, &table, key.map_err(Error::from)?)?;
            write::check_condition(act.condition.as_ref(), &found, act.with_item)?;
            let new = match &act.kind {
                ActKind::Insert(_) if found.item.is_some() => {
                    return Err(duplicate_item_exception("Duplicate primary key exists in table").into());
                }
                ActKind::Insert(item) | ActKind::Put(item) => Some(item.clone()),
                ActKind::Delete(_) => None,
                ActKind::Check(_) => found.item.clone(),
                ActKind::Update(key, changes) => {
                    Some(changes.apply(&table, found.item.as_ref(), key).map_err(Error::from)?)
                }
            };
            let consumed = write::replace(rows, &table, &found, new.as_ref(), Origin::Call, now)?;
            let returned = returned(returning, found.item, new, &changed);
            Ok(Written { name: act.name.clone(), returned, consumed })
        })
        .await?;
    service.charge_write(known.as_ref(), &written.consumed);
    Ok(written)
}

fn returned(returning: Option<Returning>, old: Option<Item>, new: Option<Item>, changed: &[Path]) -> Option<Item> {
    let part = |item: Option<Item>| item.map(|item| Selection::new(changed).of_item(item));
    match returning? {
        Returning::AllOld => old,
        Returning::AllNew => new,
        Returning::ModifiedOld => part(old),
        Returning::ModifiedNew => part(new),
    }
}
