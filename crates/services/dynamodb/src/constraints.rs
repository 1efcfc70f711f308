//! What is wrong with an input that breaks the constraints of its members, in the order and the words that AWS has for
//! each operation.

use wire::Error;
use wire::codec::Structure;
use wire::codec::Writer;
use wire::codec::json::JsonWriter;
use wire::codec::value::{Dynamic, Value};
use wire::schema::OperationDef;
use wire::validate::{Failure, show, summary};

use crate::errors::{framed, invalid};
use crate::limits::{NAME_BYTES_MAX, NAME_BYTES_MIN};
use crate::names::is_name_byte;

const RETURN_VALUES: &str = "Failed to satisfy constraint: Member must satisfy enum value set: [ALL_OLD, UPDATED_OLD, ALL_NEW, UPDATE_NEW, NONE]";
const CONDITIONAL_OPERATOR: &str = "Failed to satisfy constraint: Member must satisfy enum value set: [ALL, OR]";
const NO_TABLE_NAME: &str =
    "Value at 'TableName' failed to satisfy constraint: Member must have length greater than or equal to 1";
/// What AWS asks of the keys of `RequestItems`, names or ARNs as they are.
const TABLE_NAMES: &str = "Map keys must satisfy constraint: [Member must have length less than or equal to 255, \
                           Member must have length greater than or equal to 3, \
                           Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+]";

/// The order in which AWS names the members of an operation; those that are not here follow in the model's.
fn order(operation: &str) -> &'static [&'static str] {
    match operation {
        "PutItem" => &["returnConsumedCapacity", "tableName", "item", "conditionalOperator", "expected"],
        "DeleteItem" => &[
            "returnConsumedCapacity",
            "tableName",
            "returnValues",
            "returnItemCollectionMetrics",
            "conditionalOperator",
        ],
        "UpdateItem" => &[
            "returnConsumedCapacity",
            "tableName",
            "returnItemCollectionMetrics",
            "returnValues",
            "conditionalOperator",
            "key",
        ],
        "GetItem" => &["returnConsumedCapacity", "attributesToGet", "tableName"],
        "TransactWriteItems" => &["clientRequestToken", "returnConsumedCapacity", "returnItemCollectionMetrics"],
        "CreateTable" => &[
            "attributeDefinitions",
            "tableName",
            "billingMode",
            "provisionedThroughput",
            "keySchema",
            "globalSecondaryIndexes",
        ],
        _ => &[],
    }
}

fn member(failure: &Failure) -> &str {
    failure.path.split('.').next().unwrap_or_default()
}

/// What is wrong with an input that breaks a constraint.
pub fn reword(operation: &'static OperationDef, input: &dyn Structure) -> Error {
    let dynamic = Dynamic::of(input);
    let mut failures = wire::validate::failures(&dynamic);
    failures.extend(table_name(&dynamic, &failures));
    if operation.name == "BatchGetItem" {
        failures.extend(request_items(input, &dynamic, operation.name));
        failures.sort_by_key(|failure| member(failure) != "requestItems");
    }
    let order = order(operation.name);
    let rank = |failure: &Failure| order.iter().position(|name| *name == member(failure)).unwrap_or(order.len());
    failures.sort_by_key(rank);
    match operation.name {
        "PutItem" | "DeleteItem" | "UpdateItem" => write(operation.name, &failures),
        "Query" if failures.iter().any(|failure| failure.path == "conditionalOperator") => {
            invalid(CONDITIONAL_OPERATOR)
        }
        "BatchGetItem" | "BatchWriteItem" => batch(&failures),
        _ => told(&failures),
    }
}

fn told(failures: &[Failure]) -> Error {
    invalid(summary(failures.iter().map(|failure| failure.text.as_str())))
}

/// Of writes of one item. Without its key or item, a request is told in the older words.
fn write(operation: &str, failures: &[Failure]) -> Error {
    let broken = |path: &str| failures.iter().any(|failure| failure.path == path);
    if broken("key") || broken("item") {
        return told(failures);
    }
    let is_nameless = |failure: &Failure| failure.path == "tableName" && failure.text.contains("Value '' at");
    if failures.iter().any(is_nameless) {
        return framed(invalid(NO_TABLE_NAME));
    }
    if operation == "UpdateItem" && broken("returnValues") {
        return framed(invalid(RETURN_VALUES));
    }
    let texts = failures.iter().map(|failure| match failure.path.as_str() {
        "returnValues" => RETURN_VALUES,
        "conditionalOperator" => CONDITIONAL_OPERATOR,
        _ => failure.text.as_str(),
    });
    invalid(summary(texts))
}

/// Of batches: members of `RequestItems` are named as requests spell them, and without their values.
fn batch(failures: &[Failure]) -> Error {
    let texts: Vec<String> = failures
        .iter()
        .map(|failure| {
            let (_, constraint) = failure.text.rsplit_once(" failed to satisfy constraint: ").unwrap_or_default();
            let table = failure.path.strip_prefix("requestItems.").and_then(|rest| rest.strip_suffix(".member.keys"));
            let at = match table {
                Some(table) => format!("RequestItems.{table}.member.Keys"),
                None if failure.text.starts_with("Value '{}' at") => "RequestItems".to_owned(),
                None => return failure.text.replace(", Member must not be null]", "]"),
            };
            format!("Value at '{at}' failed to satisfy constraint: {constraint}")
        })
        .collect();
    invalid(summary(texts.iter().map(String::as_str)))
}

/// What a table's name breaks that the model, which takes ARNs too, does not hold.
fn table_name(input: &Dynamic, failures: &[Failure]) -> Option<Failure> {
    let Some(Value::String(name)) = input.get("TableName") else { return None };
    let known = failures.iter().any(|failure| failure.path == "tableName");
    if known || name.starts_with("arn:") || name.bytes().all(is_name_byte) {
        return None;
    }
    let constraint = "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+";
    let text = format!("Value '{name}' at 'tableName' failed to satisfy constraint: {constraint}");
    Some(Failure { path: "tableName".to_owned(), text })
}

/// Whether a batch may name a table so: by what can be a name, or by an ARN.
fn names_table(name: &str) -> bool {
    let is_name = || (NAME_BYTES_MIN..=NAME_BYTES_MAX).contains(&name.len()) && name.bytes().all(is_name_byte);
    name.starts_with("arn:") || is_name()
}

/// Checks the names of tables of a batch.
///
/// # Errors
/// A `ValidationException`.
pub fn check_tables<'n>(
    input: &dyn Structure,
    mut names: impl Iterator<Item = &'n String>,
    operation: &str,
) -> Result<(), Error> {
    if names.all(|name| names_table(name)) {
        return Ok(());
    }
    match request_items(input, &Dynamic::of(input), operation) {
        Some(failure) => Err(told(&[failure])),
        None => Ok(()),
    }
}

/// What names of tables in `RequestItems` break. The value is shown as JSON for reads, and as Java prints it for writes.
fn request_items(input: &dyn Structure, dynamic: &Dynamic, operation: &str) -> Option<Failure> {
    let (member, value) = dynamic.all_members().find(|(member, _)| member.name == "RequestItems")?;
    let value = value?;
    let Value::Map(tables) = value else { return None };
    if tables.keys().all(|name| names_table(name)) {
        return None;
    }
    let shown = if operation == "BatchGetItem" {
        json(input).get("RequestItems").map(ToString::to_string).unwrap_or_default()
    } else {
        let mut shown = String::new();
        show(value, member.shape, &mut shown);
        shown
    };
    let text = format!("Value '{shown}' at 'requestItems' failed to satisfy constraint: {TABLE_NAMES}");
    Some(Failure { path: "requestItems".to_owned(), text })
}

fn json(input: &dyn Structure) -> serde_json::Value {
    let mut writer = JsonWriter::new();
    writer.begin_structure(input.shape());
    input.write_members(&mut writer);
    writer.end_structure();
    serde_json::from_str(&writer.finish()).unwrap_or_default()
}
