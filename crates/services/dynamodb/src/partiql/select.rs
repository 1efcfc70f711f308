//! Reading by statements.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use platform::Ctx;
use sha2::{Digest, Sha256};
use store::{Direction, KeyRange};
use wire::Error;

use super::statement::Select;
use crate::errors::{invalid, invalid_value};
use crate::expression::key_condition::{Operator, Test};
use crate::expression::parser::Operand;
use crate::expression::{Comparator, Condition, Path};
use crate::item::check;
use crate::keys;
use crate::names::TableName;
use crate::read::page::{self, Page, Request};
use crate::read::query::start_row;
use crate::read::source::{Attributes, Source};
use crate::service::{DynamoDb, named};
use crate::table::{Index, Table};
use crate::value::{Item, Kind, Value, decode_item, encode_item};

/// Tests on top-level attributes that must all hold for a condition to hold.
pub fn necessary(condition: Option<&Condition>) -> Vec<(String, Test)> {
    let mut tests = Vec::new();
    if let Some(condition) = condition {
        collect(condition, &mut tests);
    }
    tests
}

fn collect(condition: &Condition, tests: &mut Vec<(String, Test)>) {
    let top = |path: &Path| (!path.is_nested()).then(|| path.head().to_owned());
    let mut add = |operand: &Operand, operator, values: Vec<Value>| {
        if let Some(name) = operand.path().and_then(top) {
            tests.push((name, Test { operator, values }));
        }
    };
    match condition {
        Condition::And(left, right) => {
            collect(left, tests);
            collect(right, tests);
        }
        Condition::Compare(comparator, left, Operand::Value(value)) => {
            let operator = match comparator {
                Comparator::Equal => Operator::Eq,
                Comparator::Less => Operator::Lt,
                Comparator::LessOrEqual => Operator::Le,
                Comparator::Greater => Operator::Gt,
                Comparator::GreaterOrEqual => Operator::Ge,
                Comparator::NotEqual => return,
            };
            add(left, operator, vec![value.clone()]);
        }
        Condition::Between(value, Operand::Value(low), Operand::Value(high)) => {
            add(value, Operator::Between, vec![low.clone(), high.clone()]);
        }
        Condition::Function(call) if call.name == "begins_with" => {
            if let [value, Operand::Value(start)] = call.operands.as_slice() {
                add(value, Operator::BeginsWith, vec![start.clone()]);
            }
        }
        _ => {}
    }
}

/// The test of an attribute with this type, an equality first.
fn test_of<'t>(tests: &'t [(String, Test)], name: &str, kind: Kind, only_equal: bool) -> Option<&'t Test> {
    let fits = |test: &Test| test.values.iter().all(|value| value.kind() == kind);
    let of_name = || tests.iter().filter(|(found, test)| found == name && fits(test)).map(|(_, test)| test);
    let equal = of_name().find(|test| test.operator == Operator::Eq);
    equal.or_else(|| of_name().find(|_| !only_equal))
}

/// The rows a condition is about: one partition, or a part of it, if it names one.
fn range(source: &Source, condition: Option<&Condition>) -> Option<KeyRange> {
    let tests = necessary(condition);
    let key = source.key();
    let mut hash = Item::new();
    for attribute in &key.hash {
        let test = test_of(&tests, &attribute.name, attribute.kind, true)?;
        hash.insert(attribute.name.clone(), test.values.first()?.clone());
    }
    let mut range_tests = Vec::new();
    for attribute in &key.range {
        let Some(test) = test_of(&tests, &attribute.name, attribute.kind, false) else { break };
        range_tests.push(test);
        if test.operator != Operator::Eq {
            break;
        }
    }
    key.range(source.collection(), &hash, &range_tests)
}

/// What a `SELECT` is run with.
#[derive(Debug, Clone, Copy, Default)]
pub struct Settings<'a> {
    /// `ConsistentRead`
    pub consistent: bool,
    /// `Limit`
    pub limit: Option<i32>,
    /// `NextToken`
    pub token: Option<&'a str>,
    /// The statement's text, which a token is bound to.
    pub text: &'a str,
}

/// Reads items.
///
/// # Errors
/// `ResourceNotFoundException`, and AWS's complaints.
pub async fn run(
    service: &DynamoDb,
    cx: &Ctx,
    select: &Select,
    settings: Settings<'_>,
) -> Result<(TableName, Page), Error> {
    let name = named(cx, &select.table)?;
    let snapshot = service.snapshot(&name.partition()).await?;
    let table = service.readable(cx, &snapshot, &name).await?;
    let request = plan(table, select, settings)?;
    Ok((name, page::read(service, &snapshot, request).await?))
}

/// Statements do not read indexes whose keys have several attributes of a kind.
///
/// # Errors
/// A `ValidationException`.
pub fn check_single_keys(index: &Index) -> Result<(), Error> {
    if index.key.hash.len() > 1 || index.key.range.len() > 1 {
        return Err(invalid(
            "PartiQL statements cannot be executed on tables with multi-attribute HASH keys or multi-attribute RANGE \
             keys.",
        ));
    }
    Ok(())
}

fn plan(table: Arc<Table>, select: &Select, settings: Settings<'_>) -> Result<Request, Error> {
    if let Some(index) = &select.index {
        let found = table.index(index).ok_or_else(|| invalid("The table does not have the specified index"))?;
        check_single_keys(found.0)?;
        if !found.1 && settings.consistent {
            return Err(invalid("Strongly consistent read is not supported on Global Secondary Indexes"));
        }
    }
    let source = Source::new(table, select.index.as_deref(), settings.consistent)?;
    check::paths(&source.table, select.paths.iter().flatten())?;
    check_projected(&source, select)?;
    let narrowed = range(&source, select.condition.as_ref());
    let direction = direction(&source, select, narrowed.is_some())?;
    let mut range = narrowed.unwrap_or_else(|| keys::items(source.collection()));
    if let Some(token) = settings.token {
        let start = read_token(token, settings.text)?;
        let key = start_row(&source, &start)?;
        range = match direction {
            Direction::Forward => range.after(&key),
            Direction::Backward => range.before(&key),
        };
    }
    let attributes = select.paths.clone().map_or(Attributes::Held, Attributes::Some);
    let needs_items = match &source.index {
        Some((_, true)) => source.needs_items(false, attributes.paths(), None)?,
        _ => false,
    };
    Ok(Request {
        source,
        range,
        direction,
        limit: settings.limit.map(|limit| limit.max(1) as usize),
        filter: select.condition.clone(),
        attributes,
        needs_items,
        consistent: settings.consistent,
    })
}

/// An index answers and filters by what it holds.
fn check_projected(source: &Source, select: &Select) -> Result<(), Error> {
    let Some((index, local)) = &source.index else { return Ok(()) };
    let paths = select.condition.as_ref().map(Condition::paths).unwrap_or_default();
    let mut missing: Vec<&str> =
        paths.into_iter().map(Path::head).filter(|head| !source.table.projects(index, head)).collect();
    missing.dedup();
    if !missing.is_empty() {
        let (name, missing) = (&index.name, missing.join(", "));
        return Err(invalid_value(format!(
            "Secondary index {name} does not project one or more filter attributes: [{missing}]"
        )));
    }
    let heads = select.paths.iter().flatten().map(Path::head);
    let missing: Vec<&str> = heads.filter(|head| !source.table.projects(index, head)).collect();
    if !missing.is_empty() && !local {
        let (name, missing) = (&index.name, missing.join(", "));
        return Err(invalid_value(format!("Global secondary index {name} does not project [{missing}]")));
    }
    Ok(())
}

/// Rows have an order within a partition: that of the sort key.
fn direction(source: &Source, select: &Select, one_partition: bool) -> Result<Direction, Error> {
    let Some((_, ascending)) = select.order.last() else { return Ok(Direction::Forward) };
    if !one_partition {
        return Err(invalid("Must have WHERE clause in the statement when using ORDER BY clause."));
    }
    if let Some((name, _)) = select.order.iter().find(|(name, _)| !source.key().has(name)) {
        return Err(invalid(format!("Variable reference {name} in ORDER BY clause must be part of the primary key")));
    }
    let of_range = select.order.iter().find(|(name, _)| source.key().range.iter().any(|part| part.name == *name));
    let ascending = of_range.map_or(*ascending, |(_, ascending)| *ascending);
    Ok(if ascending { Direction::Forward } else { Direction::Backward })
}

/// Bytes of the statement's digest in a token.
const DIGEST_BYTES: usize = 8;

fn digest(text: &str) -> [u8; DIGEST_BYTES] {
    let mut digest = [0; DIGEST_BYTES];
    digest.copy_from_slice(&Sha256::digest(text)[..DIGEST_BYTES]);
    digest
}

/// A token that goes on behind an item, for the same statement only.
pub fn token(last: &Item, text: &str) -> String {
    let mut bytes = digest(text).to_vec();
    bytes.extend(encode_item(last));
    URL_SAFE_NO_PAD.encode(bytes)
}

fn read_token(token: &str, text: &str) -> Result<Item, Error> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok().filter(|bytes| bytes.starts_with(&digest(text)));
    let item = bytes.and_then(|bytes| decode_item(&Bytes::from(bytes[DIGEST_BYTES..].to_vec())));
    item.ok_or_else(|| invalid("NextToken does not match request"))
}
