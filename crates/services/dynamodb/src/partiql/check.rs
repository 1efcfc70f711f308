//! What statements may not compare and change, once they are parsed.

use super::parser::Parsed;
use crate::expression::parser::Operand;
use crate::expression::path::{Clash, clash};
use crate::expression::{Change, Comparator, Condition};
use crate::value::Value;

/// A comparison; of a function that answers yes or no with one of them, that answer or the other.
pub fn compared(comparator: Comparator, left: Operand, right: Operand) -> Condition {
    match (comparator, left, right) {
        (Comparator::Equal | Comparator::NotEqual, Operand::Call(call), Operand::Value(Value::Bool(answer)))
            if call.name != "size" =>
        {
            let function = Condition::Function(call);
            let holds = answer == (comparator == Comparator::Equal);
            if holds { function } else { Condition::Not(Box::new(function)) }
        }
        (comparator, left, right) => Condition::Compare(comparator, left, right),
    }
}

/// Checks that an operator that orders has operands of types with an order.
///
/// # Errors
/// AWS's text.
pub fn check_ordered(operator: &str, operands: &[&Operand]) -> Parsed<()> {
    match operands.iter().filter_map(|operand| operand.value_kind()).find(|kind| !kind.is_ordered()) {
        Some(kind) => Err(format!(
            "Incorrect operand type for operator or function; operator or function: {operator}, operand type: {}",
            kind.name()
        )),
        None => Ok(()),
    }
}

/// Checks that no two changes are of the same place.
///
/// # Errors
/// AWS's text.
pub fn check_clashes(changes: &[Change]) -> Parsed<()> {
    for (index, change) in changes.iter().enumerate() {
        for before in &changes[..index] {
            let verb = match clash(&before.path, &change.path) {
                Some(Clash::Overlap) => "overlap",
                Some(Clash::Conflict) => "conflict",
                None => continue,
            };
            return Err(format!(
                "Two document paths {verb} with each other; must remove or rewrite one of these paths; \
                 path one: {}, path two: {}",
                before.path, change.path
            ));
        }
    }
    Ok(())
}
