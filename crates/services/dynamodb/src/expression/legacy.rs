//! The parameters from before expressions: `Expected`, `QueryFilter`, `ScanFilter`, `KeyConditions` and
//! `AttributeUpdates`. Conditions become the same trees that expressions do.

use std::collections::BTreeMap;

use api::dynamodb::{AttributeValue, AttributeValueUpdate, Condition as ApiCondition, ExpectedAttributeValue};

use super::apply::{add_to, take_from};
use super::condition::{Comparator, Condition};
use super::key_condition::{KeyTests, Operator, Test};
use super::parser::{Call, Operand};
use super::path::Path;
use crate::value::{Item, Kind, Value, Wording, read_value};

const INVALID: &str = "One or more parameter values were invalid:";

/// Checks `KeyConditions`, `QueryFilter` or `ScanFilter`.
///
/// # Errors
/// AWS's text.
pub fn read_conditions(conditions: BTreeMap<String, ApiCondition>, wording: Wording) -> Result<KeyTests, String> {
    let read = |(name, condition): (String, ApiCondition)| {
        let values = read_values(condition.attribute_value_list.unwrap_or_default(), wording)?;
        Ok((name, read_test(&condition.comparison_operator, values)?))
    };
    conditions.into_iter().map(read).collect()
}

fn read_values(values: Vec<AttributeValue>, wording: Wording) -> Result<Vec<Value>, String> {
    values.into_iter().map(|value| read_value(value, wording)).collect()
}

/// Checks that an operator has as many values as it takes, of types it takes.
fn read_test(operator: &str, values: Vec<Value>) -> Result<Test, String> {
    let Some(operator) = Operator::named(operator) else {
        return Err(format!("Unsupported operator on ComparisonOperator {operator}"));
    };
    let enough = match operator {
        Operator::Null | Operator::NotNull => values.is_empty(),
        Operator::Between => values.len() == 2,
        Operator::In => !values.is_empty(),
        _ => values.len() == 1,
    };
    if !enough {
        let name = operator.name();
        return Err(format!("{INVALID} Invalid number of argument(s) for the {name} ComparisonOperator"));
    }
    if values.windows(2).any(|pair| pair[0].kind() != pair[1].kind()) {
        return Err(format!("{INVALID} AttributeValues inside AttributeValueList must be of same type"));
    }
    if let Some(value) = values.iter().find(|value| !takes(operator, value.kind())) {
        let (name, kind) = (operator.name(), value.kind().name());
        return Err(format!("{INVALID} ComparisonOperator {name} is not valid for {kind} AttributeValue type"));
    }
    if operator == Operator::Between && values[0].order(&values[1]) == Some(std::cmp::Ordering::Greater) {
        let text = "The BETWEEN condition was provided a range where the lower bound is greater than the upper bound";
        return Err(text.to_owned());
    }
    Ok(Test { operator, values })
}

fn takes(operator: Operator, kind: Kind) -> bool {
    match operator {
        Operator::Eq | Operator::Ne | Operator::Null | Operator::NotNull => true,
        Operator::BeginsWith => matches!(kind, Kind::S | Kind::B),
        _ => kind.is_ordered(),
    }
}

/// Checks the conditions of a filter and `ConditionalOperator`, and puts them together.
///
/// # Errors
/// AWS's text.
pub fn read_filter(
    conditions: Option<BTreeMap<String, ApiCondition>>,
    operator: Option<&str>,
    wording: Wording,
) -> Result<Option<Condition>, String> {
    let tests = read_conditions(conditions.unwrap_or_default(), wording)?;
    join(tests.into_iter().map(|(name, test)| condition(&name, test)).collect(), operator)
}

/// Checks `Expected` and `ConditionalOperator`, and puts them together.
///
/// # Errors
/// AWS's text.
pub fn read_expected(
    expected: Option<BTreeMap<String, ExpectedAttributeValue>>,
    operator: Option<&str>,
) -> Result<Option<Condition>, String> {
    let read = |(name, expected): (String, ExpectedAttributeValue)| read_expectation(&name, expected);
    join(expected.unwrap_or_default().into_iter().map(read).collect::<Result<_, _>>()?, operator)
}

fn join(conditions: Vec<Condition>, operator: Option<&str>) -> Result<Option<Condition>, String> {
    if operator.is_some() && conditions.is_empty() {
        return Err("ConditionalOperator cannot be used without Filter or Expected".to_owned());
    }
    if operator.is_some() && conditions.len() == 1 {
        return Err("ConditionalOperator can only be used when Filter or Expected has two or more elements".to_owned());
    }
    let either = operator == Some("OR");
    Ok(conditions.into_iter().reduce(|left, right| {
        let (left, right) = (Box::new(left), Box::new(right));
        if either { Condition::Or(left, right) } else { Condition::And(left, right) }
    }))
}

fn read_expectation(name: &str, expected: ExpectedAttributeValue) -> Result<Condition, String> {
    let ExpectedAttributeValue { value, exists, comparison_operator, attribute_value_list } = expected;
    if value.is_some() && attribute_value_list.is_some() {
        let text = "Value and AttributeValueList cannot be used together for Attribute";
        return Err(format!("{INVALID} {text}: {name}"));
    }
    if let Some(operator) = comparison_operator {
        if exists.is_some() {
            let text = "Exists and ComparisonOperator cannot be used together for Attribute";
            return Err(format!("{INVALID} {text}: {name}"));
        }
        let given = value.is_some() || attribute_value_list.is_some();
        if !given && operator != "NULL" && operator != "NOT_NULL" {
            let text = "Value or AttributeValueList must be used with ComparisonOperator";
            return Err(format!("{INVALID} {text}: {operator} for Attribute: {name}"));
        }
        let values =
            read_values(attribute_value_list.unwrap_or_else(|| value.into_iter().collect()), Wording::Current)?;
        return Ok(condition(name, read_test(&operator, values)?));
    }
    if attribute_value_list.is_some() {
        let text = "AttributeValueList can only be used with a ComparisonOperator for Attribute";
        return Err(format!("{INVALID} {text}: {name}"));
    }
    match (exists, value) {
        (None | Some(true), None) => {
            let exists = exists.map_or("null", |_| "true");
            Err(format!("{INVALID} Value must be provided when Exists is {exists} for Attribute: {name}"))
        }
        (Some(false), Some(_)) => {
            Err(format!("{INVALID} Value cannot be used when Exists is false for Attribute: {name}"))
        }
        (Some(false), None) => Ok(function("attribute_not_exists", name, None)),
        (_, Some(value)) => {
            let values = vec![read_value(value, Wording::Current)?];
            Ok(condition(name, Test { operator: Operator::Eq, values }))
        }
    }
}

fn function(function: &str, attribute: &str, value: Option<Value>) -> Condition {
    let path = Operand::Path(Path::attribute(attribute));
    let operands = std::iter::once(path).chain(value.map(Operand::Value)).collect();
    Condition::Function(Call { name: function.to_owned(), operands })
}

/// The condition that a test of a top-level attribute is.
pub fn condition(name: &str, test: Test) -> Condition {
    let path = || Operand::Path(Path::attribute(name));
    let mut values = test.values.into_iter();
    let mut next = || values.next().unwrap_or(Value::Null);
    let mut compare = |comparator| Condition::Compare(comparator, path(), Operand::Value(next()));
    match test.operator {
        Operator::Eq => compare(Comparator::Equal),
        Operator::Ne => compare(Comparator::NotEqual),
        Operator::Le => compare(Comparator::LessOrEqual),
        Operator::Lt => compare(Comparator::Less),
        Operator::Ge => compare(Comparator::GreaterOrEqual),
        Operator::Gt => compare(Comparator::Greater),
        Operator::NotNull => function("attribute_exists", name, None),
        Operator::Null => function("attribute_not_exists", name, None),
        Operator::Contains => function("contains", name, Some(next())),
        Operator::NotContains => {
            let absent = Condition::Not(Box::new(function("contains", name, Some(next()))));
            // What is missing contains nothing, and still does not match.
            Condition::And(Box::new(function("attribute_exists", name, None)), Box::new(absent))
        }
        Operator::BeginsWith => function("begins_with", name, Some(next())),
        Operator::In => Condition::In(path(), values.map(Operand::Value).collect()),
        Operator::Between => {
            let (low, high) = (next(), next());
            Condition::Between(path(), Operand::Value(low), Operand::Value(high))
        }
    }
}

/// The checked content of `AttributeUpdates`.
#[derive(Debug, Clone, PartialEq)]
pub struct AttributeUpdates(pub BTreeMap<String, AttributeUpdate>);

/// One change of a top-level attribute.
#[derive(Debug, Clone, PartialEq)]
pub enum AttributeUpdate {
    /// It gets a value.
    Put(Value),
    /// A number is added to it, or elements to a set or list.
    Add(Value),
    /// Elements are taken out of a set.
    Subtract(Value),
    /// It is removed.
    Remove,
}

/// Checks `AttributeUpdates`.
///
/// # Errors
/// AWS's text.
pub fn read_updates(updates: BTreeMap<String, AttributeValueUpdate>) -> Result<AttributeUpdates, String> {
    let read = |(name, update): (String, AttributeValueUpdate)| Ok::<_, String>((name, read_update(update)?));
    Ok(AttributeUpdates(updates.into_iter().map(read).collect::<Result<_, _>>()?))
}

fn read_update(update: AttributeValueUpdate) -> Result<AttributeUpdate, String> {
    let action = update.action.as_deref().unwrap_or("PUT");
    let Some(value) = update.value.map(|value| read_value(value, Wording::Current)).transpose()? else {
        if action == "DELETE" {
            return Ok(AttributeUpdate::Remove);
        }
        return Err(format!("{INVALID} Only DELETE action is allowed when no attribute value is specified"));
    };
    let kind = value.kind();
    match action {
        "DELETE" if kind.is_set() => Ok(AttributeUpdate::Subtract(value)),
        "DELETE" => Err(format!("{INVALID} DELETE action with value is not supported for the type {}", kind.name())),
        "ADD" if kind.is_set() || matches!(kind, Kind::N | Kind::L) => Ok(AttributeUpdate::Add(value)),
        "ADD" => Err(format!("{INVALID} ADD action is not supported for the type {}", kind.name())),
        _ => Ok(AttributeUpdate::Put(value)),
    }
}

impl AttributeUpdates {
    /// Makes the changes.
    ///
    /// # Errors
    /// AWS's text; the item may be changed in part.
    pub fn apply(&self, item: &mut Item) -> Result<(), String> {
        let mismatch = || "Type mismatch for attribute to update".to_owned();
        for (name, update) in &self.0 {
            match (update, item.get_mut(name)) {
                (AttributeUpdate::Put(value), _) | (AttributeUpdate::Add(value), None) => {
                    item.insert(name.clone(), value.clone());
                }
                (AttributeUpdate::Remove, _) => {
                    item.remove(name);
                }
                (AttributeUpdate::Add(Value::L(more)), Some(Value::L(list))) => list.extend(more.iter().cloned()),
                (AttributeUpdate::Add(added), Some(value)) => {
                    add_to(value, added).ok_or_else(mismatch)??;
                }
                (AttributeUpdate::Subtract(_), None) => {}
                (AttributeUpdate::Subtract(taken), Some(value)) => {
                    if take_from(value, taken).ok_or_else(mismatch)? {
                        item.remove(name);
                    }
                }
            }
        }
        Ok(())
    }
}
