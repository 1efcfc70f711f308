//! What `KeyConditionExpression` and `KeyConditions` ask of each key attribute.

use std::collections::BTreeMap;

use super::condition::{Comparator, Condition};
use super::parser::Operand;
use crate::value::Value;

/// A comparison as the older parameters name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "AWS's names, which say what they are")]
pub enum Operator {
    Eq,
    Ne,
    Le,
    Lt,
    Ge,
    Gt,
    NotNull,
    Null,
    Contains,
    NotContains,
    BeginsWith,
    In,
    Between,
}

impl Operator {
    const ALL: [Operator; 13] = [
        Operator::Eq,
        Operator::Ne,
        Operator::Le,
        Operator::Lt,
        Operator::Ge,
        Operator::Gt,
        Operator::NotNull,
        Operator::Null,
        Operator::Contains,
        Operator::NotContains,
        Operator::BeginsWith,
        Operator::In,
        Operator::Between,
    ];

    /// The name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Operator::Eq => "EQ",
            Operator::Ne => "NE",
            Operator::Le => "LE",
            Operator::Lt => "LT",
            Operator::Ge => "GE",
            Operator::Gt => "GT",
            Operator::NotNull => "NOT_NULL",
            Operator::Null => "NULL",
            Operator::Contains => "CONTAINS",
            Operator::NotContains => "NOT_CONTAINS",
            Operator::BeginsWith => "BEGINS_WITH",
            Operator::In => "IN",
            Operator::Between => "BETWEEN",
        }
    }

    /// The operator of that name.
    pub fn named(name: &str) -> Option<Operator> {
        Self::ALL.into_iter().find(|operator| operator.name() == name)
    }
}

/// What is asked of one attribute.
#[derive(Debug, Clone, PartialEq)]
pub struct Test {
    /// How it is compared.
    pub operator: Operator,
    /// With what: as many values as the operator takes.
    pub values: Vec<Value>,
}

/// Tests by attribute.
pub type KeyTests = BTreeMap<String, Test>;

/// The tests of a parsed `KeyConditionExpression`.
///
/// # Errors
/// AWS's text for conditions that are none on keys.
pub fn from_expression(condition: &Condition) -> Result<KeyTests, String> {
    let mut tests = KeyTests::new();
    collect(condition, &mut tests)?;
    Ok(tests)
}

fn collect(condition: &Condition, tests: &mut KeyTests) -> Result<(), String> {
    let invalid = |operator: &str| Err(format!("Invalid operator used in KeyConditionExpression: {operator}"));
    match condition {
        Condition::And(left, right) => {
            collect(left, tests)?;
            collect(right, tests)
        }
        Condition::Or(..) => invalid("OR"),
        Condition::Not(_) => invalid("NOT"),
        Condition::In(..) => invalid("IN"),
        Condition::Compare(Comparator::NotEqual, ..) => invalid("<>"),
        Condition::Compare(comparator, left, right) => compare(*comparator, left, right, tests),
        Condition::Between(value, low, high) => {
            let Operand::Path(_) = value else { return Err(not_first("BETWEEN")) };
            add(Operator::Between, &[value, low, high], tests)
        }
        Condition::Function(call) if call.name == "begins_with" => {
            let Some(Operand::Path(_)) = call.operands.first() else { return Err(not_first("begins_with")) };
            let operands: Vec<&Operand> = call.operands.iter().collect();
            add(Operator::BeginsWith, &operands, tests)
        }
        Condition::Function(call) => invalid(&call.name),
    }
}

fn not_first(operator: &str) -> String {
    format!(
        "Invalid condition in KeyConditionExpression: {operator} operator must have the key attribute as its first \
         operand"
    )
}

fn compare(comparator: Comparator, left: &Operand, right: &Operand, tests: &mut KeyTests) -> Result<(), String> {
    let reversed = !matches!(left, Operand::Path(_));
    let operator = match (comparator, reversed) {
        (Comparator::Less, false) | (Comparator::Greater, true) => Operator::Lt,
        (Comparator::LessOrEqual, false) | (Comparator::GreaterOrEqual, true) => Operator::Le,
        (Comparator::Greater, false) | (Comparator::Less, true) => Operator::Gt,
        (Comparator::GreaterOrEqual, false) | (Comparator::LessOrEqual, true) => Operator::Ge,
        (Comparator::Equal | Comparator::NotEqual, _) => Operator::Eq,
    };
    add(operator, &if reversed { [right, left] } else { [left, right] }, tests)
}

/// Notes a test: of the operands, one names the attribute and the others are values.
fn add(operator: Operator, operands: &[&Operand], tests: &mut KeyTests) -> Result<(), String> {
    let mut attribute = None;
    let mut values = Vec::new();
    for operand in operands {
        match operand {
            Operand::Path(_) if attribute.is_some() => {
                let what = "Invalid condition in KeyConditionExpression";
                return Err(format!("{what}: Multiple attribute names used in one condition"));
            }
            Operand::Path(path) if path.is_nested() => {
                return Err("KeyConditionExpressions cannot have conditions on nested attributes".to_owned());
            }
            Operand::Path(path) => attribute = Some(path.head().to_owned()),
            Operand::Value(value) => values.push(value.clone()),
            Operand::Call(_) => return Err("KeyConditionExpressions cannot contain nested operations".to_owned()),
        }
    }
    let Some(attribute) = attribute else {
        return Err("Invalid condition in KeyConditionExpression: No key attribute specified".to_owned());
    };
    if tests.insert(attribute, Test { operator, values }).is_some() {
        return Err("Invalid KeyConditionExpression: KeyConditionExpressions must only contain one condition per key"
            .to_owned());
    }
    Ok(())
}
