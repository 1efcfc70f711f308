//! Whether items and keys fit their table.

use wire::Error;

use crate::errors::{invalid, invalid_value};
use crate::expression::legacy::{AttributeUpdate, AttributeUpdates};
use crate::expression::update::Term;
use crate::expression::{Action, Path, Update};
use crate::limits::{HASH_KEY_BYTES_MAX, RANGE_KEY_BYTES_MAX};
use crate::table::{KeyAttribute, KeySchema, Table};
use crate::value::{Item, Kind, Value};

/// What is wrong with a key. In a transaction the two kinds are told differently.
#[derive(Debug, Clone)]
pub enum Fault {
    /// A value that can be no key of any table: the request is refused as a whole.
    Value(Error),
    /// A value or key that does not fit the table.
    Schema(Error),
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Error {
        match fault {
            Fault::Value(error) | Fault::Schema(error) => error,
        }
    }
}

const NOT_VALID: &str = "One or more parameter values are not valid.";

fn is_empty(value: &Value) -> Option<&'static str> {
    match value {
        Value::S(text) if text.is_empty() => Some("string"),
        Value::B(bytes) if bytes.is_empty() => Some("binary"),
        _ => None,
    }
}

/// Checks the key of a `Key` parameter, and makes its bytes.
///
/// # Errors
/// [`Fault`].
pub fn key(table: &Table, key: &Item) -> Result<Vec<u8>, Fault> {
    let mismatch = || Fault::Schema(invalid("The provided key element does not match the schema"));
    if key.len() != table.key.attributes().count() {
        return Err(mismatch());
    }
    for attribute in table.key.attributes() {
        let value = key.get(&attribute.name).filter(|value| value.kind() == attribute.kind).ok_or_else(mismatch)?;
        check_not_empty(&attribute.name, value)?;
    }
    check_sizes(&table.key, key)?;
    table.key.encode(key).ok_or_else(mismatch)
}

/// Checks a whole item, and makes the bytes of its key.
///
/// # Errors
/// [`Fault`].
pub fn item(table: &Table, item: &Item) -> Result<Vec<u8>, Fault> {
    for KeyAttribute { name, kind } in table.key.attributes() {
        let Some(value) = item.get(name) else {
            return Err(Fault::Schema(invalid_value(format!("Missing the key {name} in the item"))));
        };
        let actual = value.kind();
        if actual != *kind {
            let (expected, actual) = (kind.name(), actual.name());
            let text = format!("Type mismatch for key {name} expected: {expected} actual: {actual}");
            return Err(Fault::Schema(invalid_value(text)));
        }
        check_not_empty(name, value)?;
    }
    check_sizes(&table.key, item)?;
    index_keys(table, item)?;
    table.key.encode(item).ok_or_else(|| Fault::Schema(invalid("The provided key element does not match the schema")))
}

fn check_not_empty(name: &str, value: &Value) -> Result<(), Fault> {
    match is_empty(value) {
        Some(what) => Err(Fault::Value(invalid(format!(
            "{NOT_VALID} The AttributeValue for a key attribute cannot contain an empty {what} value. Key: {name}"
        )))),
        None => Ok(()),
    }
}

/// Checks the attributes of an item that are keys of indexes. AWS names the first index in order of their names.
fn index_keys(table: &Table, item: &Item) -> Result<(), Fault> {
    let mut indexes: Vec<_> = table.indexes().collect();
    indexes.sort_by(|one, two| one.name.cmp(&two.name));
    for index in indexes {
        for KeyAttribute { name, kind } in index.key.attributes().filter(|attribute| !table.key.has(&attribute.name)) {
            let Some(value) = item.get(name) else { continue };
            if value.kind() != *kind {
                return Err(Fault::Schema(index_mismatch(name, *kind, value.kind(), &index.name)));
            }
            if let Some(what) = is_empty(value) {
                return Err(Fault::Value(invalid(format!(
                    "{NOT_VALID} A value specified for a secondary index key is not supported. The AttributeValue for \
                     a key attribute cannot contain an empty {what} value. IndexName: {}, IndexKey: {name}",
                    index.name
                ))));
            }
        }
        check_sizes(&index.key, item)?;
    }
    Ok(())
}

fn index_mismatch(name: &str, expected: Kind, actual: Kind, index: &str) -> Error {
    let (expected, actual) = (expected.name(), actual.name());
    invalid_value(format!(
        "Type mismatch for Index Key {name} Expected: {expected} Actual: {actual} IndexName: {index}"
    ))
}

fn check_sizes(schema: &KeySchema, item: &Item) -> Result<(), Fault> {
    let bytes = |attributes: &[KeyAttribute]| -> usize {
        let size = |value: &Value| match value {
            Value::S(text) => text.len(),
            Value::B(bytes) => bytes.len(),
            _ => 0,
        };
        attributes.iter().filter_map(|attribute| item.get(&attribute.name)).map(size).sum()
    };
    if bytes(&schema.hash) > HASH_KEY_BYTES_MAX {
        let text = format!("Size of hashkey has exceeded the maximum size limit of{HASH_KEY_BYTES_MAX} bytes");
        return Err(Fault::Value(invalid_value(text)));
    }
    if bytes(&schema.range) > RANGE_KEY_BYTES_MAX {
        let text =
            format!("Aggregated size of all range keys has exceeded the size limit of {RANGE_KEY_BYTES_MAX} bytes");
        return Err(Fault::Value(invalid_value(text)));
    }
    Ok(())
}

/// Checks that paths do not lead into key attributes, which have nothing in them.
///
/// # Errors
/// A `ValidationException`.
pub fn paths<'p>(table: &Table, paths: impl IntoIterator<Item = &'p Path>) -> Result<(), Error> {
    let text = "Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed";
    for path in paths.into_iter().filter(|path| path.is_nested()) {
        let head = path.head();
        if table.key.has(head) {
            return Err(invalid(format!("{text}: Key: {head}")));
        }
        if table.indexes().any(|index| index.key.has(head)) {
            return Err(invalid(format!("{text}: IndexKey: {head}")));
        }
    }
    Ok(())
}

/// Checks an update against the table before anything is known of the item.
///
/// # Errors
/// [`Fault`].
pub fn update(table: &Table, update: &Update) -> Result<(), Fault> {
    for change in &update.changes {
        let value = match &change.action {
            Action::Set(Term::Operand(operand)) => operand.value(),
            Action::Set(_) | Action::Remove => None,
            Action::Add(value) | Action::Delete(value) => Some(value),
        };
        changed(table, change.path.head(), value.filter(|_| !change.path.is_nested()))?;
    }
    paths(table, update.changes.iter().map(|change| &change.path)).map_err(Fault::Schema)
}

/// Checks `AttributeUpdates` against the table.
///
/// # Errors
/// [`Fault`].
pub fn attribute_updates(table: &Table, updates: &AttributeUpdates) -> Result<(), Fault> {
    for (name, update) in &updates.0 {
        let value = match update {
            AttributeUpdate::Put(value) | AttributeUpdate::Add(value) | AttributeUpdate::Subtract(value) => Some(value),
            AttributeUpdate::Remove => None,
        };
        changed(table, name, value)?;
    }
    Ok(())
}

/// Checks that an attribute may be changed, and the value it gets if that is known.
fn changed(table: &Table, name: &str, value: Option<&Value>) -> Result<(), Fault> {
    if table.key.has(name) {
        let text = format!("Cannot update attribute {name}. This attribute is part of the key");
        return Err(Fault::Schema(invalid_value(text)));
    }
    let Some(value) = value else { return Ok(()) };
    let mut indexes: Vec<_> = table.indexes().filter(|index| index.key.has(name)).collect();
    indexes.sort_by(|one, two| one.name.cmp(&two.name));
    let Some(index) = indexes.first() else { return Ok(()) };
    let expected = table.kind_of(name).unwrap_or(Kind::S);
    if value.kind() != expected {
        return Err(Fault::Schema(index_mismatch(name, expected, value.kind(), &index.name)));
    }
    updated_value(value)
}

fn updated_value(value: &Value) -> Result<(), Fault> {
    match is_empty(value) {
        Some(what) => Err(Fault::Value(invalid(format!(
            "{NOT_VALID} The update expression attempted to update a secondary index key to a value that is not \
             supported. The AttributeValue for a key attribute cannot contain an empty {what} value."
        )))),
        None => Ok(()),
    }
}

/// Checks an item after an update: keys of indexes have kept their types.
///
/// # Errors
/// [`Fault`].
pub fn updated(table: &Table, item: &Item) -> Result<(), Fault> {
    for index in table.indexes() {
        for KeyAttribute { name, kind } in index.key.attributes() {
            let Some(value) = item.get(name) else { continue };
            if value.kind() != *kind {
                let text = "The update expression attempted to update the secondary index key to unsupported type";
                return Err(Fault::Schema(invalid(text)));
            }
            updated_value(value)?;
        }
        check_sizes(&index.key, item)?;
    }
    Ok(())
}
