//! Whether an event matches.
//!
//! A field that holds an array has each of its elements as a value. Where the elements are objects, one of them has to
//! match everything that the pattern says of the object; only that a field is *absent* has to hold of all of them.

use serde_json::{Map, Value};

use crate::operand::Operand;
use crate::{Fields, Node};

/// Whether an event matches.
pub fn matches(root: &Fields, event: &Value) -> bool {
    event.as_object().is_some_and(|event| object_matches(root, event, &[event]))
}

/// Whether an object matches. `siblings` are the objects at the same place of the event, itself among them.
fn object_matches(fields: &Fields, object: &Map<String, Value>, siblings: &[&Map<String, Value>]) -> bool {
    let holds = |(name, node): &(String, Node)| match node {
        Node::Leaf(operands) => leaf_matches(operands, name, object, siblings),
        Node::Object(inner) => inner_matches(inner, name, object, siblings),
    };
    let chosen = |alternatives: &Vec<Fields>| alternatives.iter().any(|inner| object_matches(inner, object, siblings));
    fields.fields.iter().all(holds) && fields.choices.iter().all(chosen)
}

fn inner_matches(inner: &Fields, name: &str, object: &Map<String, Value>, siblings: &[&Map<String, Value>]) -> bool {
    let below: Vec<&Map<String, Value>> =
        siblings.iter().filter_map(|sibling| sibling.get(name)).flat_map(objects).collect();
    let mut own = object.get(name).map(objects).unwrap_or_default();
    let nothing = Map::new();
    if own.is_empty() {
        own.push(&nothing);
    }
    own.into_iter().any(|object| object_matches(inner, object, &below))
}

/// The objects that a value is, or that are in an array, however deep.
fn objects(value: &Value) -> Vec<&Map<String, Value>> {
    match value {
        Value::Object(object) => vec![object],
        Value::Array(elements) => elements.iter().flat_map(objects).collect(),
        _ => Vec::new(),
    }
}

fn leaf_matches(
    operands: &[Operand],
    name: &str,
    object: &Map<String, Value>,
    siblings: &[&Map<String, Value>],
) -> bool {
    let applies = |value: &Value| operands.iter().any(|operand| operand.applies(value));
    let any = &|_: &Value| true;
    let present = || siblings.iter().any(|sibling| sibling.get(name).is_some_and(|value| some_scalar(value, any)));
    object.get(name).is_some_and(|value| some_scalar(value, &applies))
        || (operands.contains(&Operand::Absent) && !present())
}

/// Whether something holds of a value, or of one in an array, however deep. Objects are no values.
fn some_scalar(value: &Value, holds: &dyn Fn(&Value) -> bool) -> bool {
    match value {
        Value::Array(elements) => elements.iter().any(|element| some_scalar(element, holds)),
        Value::Object(_) => false,
        scalar => holds(scalar),
    }
}
