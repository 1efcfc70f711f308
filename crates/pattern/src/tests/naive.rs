//! The same language, written down as plainly as possible: an event is a set of paths with values, where a path says which
//! element of each array it goes through; a pattern matches if some choice of elements makes all its leaves hold.

use std::collections::BTreeMap;

use serde_json::Value;

/// Where a value is: names, and for each array passed the place of the element.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Name(String),
    Element(usize),
}

type Leaves = Vec<(Vec<Step>, Value)>;

pub fn matches(pattern: &Value, event: &Value) -> bool {
    let mut leaves = Leaves::new();
    flatten(event, &mut Vec::new(), &mut leaves);
    alternatives(pattern, &[]).iter().any(|wanted| all_hold(wanted, &leaves, &BTreeMap::new()))
}

fn flatten(value: &Value, path: &mut Vec<Step>, leaves: &mut Leaves) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                path.push(Step::Name(name.clone()));
                flatten(value, path, leaves);
                path.pop();
            }
        }
        Value::Array(elements) => {
            for (place, element) in elements.iter().enumerate() {
                path.push(Step::Element(place));
                flatten(element, path, leaves);
                path.pop();
            }
        }
        scalar => leaves.push((path.clone(), scalar.clone())),
    }
}

/// A pattern without `$or`: names that lead to each leaf, and its operands.
type Wanted = Vec<(Vec<String>, Vec<Value>)>;

/// The patterns without `$or` of which one has to match.
fn alternatives(pattern: &Value, path: &[String]) -> Vec<Wanted> {
    let mut combined: Vec<Wanted> = vec![Vec::new()];
    for (name, node) in pattern.as_object().unwrap() {
        let mut below = path.to_vec();
        below.push(name.clone());
        let options: Vec<Wanted> = match node {
            Value::Array(choices) if name == "$or" && is_choice(choices) => {
                choices.iter().flat_map(|choice| alternatives(choice, path)).collect()
            }
            Value::Array(operands) => vec![vec![(below, operands.clone())]],
            object => alternatives(object, &below),
        };
        combined = combined
            .iter()
            .flat_map(|one| options.iter().map(|other| one.iter().chain(other).cloned().collect()))
            .collect();
    }
    combined
}

fn is_choice(choices: &[Value]) -> bool {
    choices.len() >= 2 && choices.iter().all(Value::is_object)
}

/// Whether all leaves can hold with the same element of each array of objects. `chosen` maps the place of an array to
/// the element that was chosen there.
fn all_hold(wanted: &[(Vec<String>, Vec<Value>)], leaves: &Leaves, chosen: &BTreeMap<Vec<Step>, usize>) -> bool {
    let Some(((names, operands), rest)) = wanted.split_first() else { return true };
    let at_leaf: Vec<&(Vec<Step>, Value)> = leaves.iter().filter(|(path, _)| names_of(path) == *names).collect();
    let absent = operands.iter().any(|operand| operand == &serde_json::json!({"exists": false}));
    if absent && at_leaf.is_empty() && all_hold(rest, leaves, chosen) {
        return true;
    }
    at_leaf.iter().any(|(path, value)| {
        let mut chosen = chosen.clone();
        consistent(path, &mut chosen)
            && operands.iter().any(|operand| holds(operand, value))
            && all_hold(rest, leaves, &chosen)
    })
}

fn names_of(path: &[Step]) -> Vec<String> {
    path.iter().filter_map(|step| if let Step::Name(name) = step { Some(name.clone()) } else { None }).collect()
}

/// Notes the elements that a path goes through on its way to its last name; those behind it belong to the leaf's own
/// array, of which any element will do.
fn consistent(path: &[Step], chosen: &mut BTreeMap<Vec<Step>, usize>) -> bool {
    let last_name = path.iter().rposition(|step| matches!(step, Step::Name(_))).unwrap_or(0);
    for place in 0..last_name {
        if let Step::Element(element) = path[place] {
            let before = *chosen.entry(path[..place].to_vec()).or_insert(element);
            if before != element {
                return false;
            }
        }
    }
    true
}

fn holds(operand: &Value, value: &Value) -> bool {
    let Some(expression) = operand.as_object() else { return equal(operand, value) };
    let (operator, argument) = expression.iter().next().unwrap();
    let text = value.as_str();
    let folded = |text: &str| text.to_lowercase();
    match (operator.as_str(), argument) {
        ("exists", _) => argument == &Value::Bool(true),
        ("anything-but", Value::Array(others)) => !others.iter().any(|other| equal(other, value)),
        ("anything-but", Value::Object(_)) => !holds(argument, value),
        ("anything-but", other) => !equal(other, value),
        ("prefix", Value::String(prefix)) => text.is_some_and(|text| text.starts_with(prefix.as_str())),
        ("suffix", Value::String(suffix)) => text.is_some_and(|text| text.ends_with(suffix.as_str())),
        ("prefix", inner) => {
            text.is_some_and(|text| folded(text).starts_with(&folded(inner["equals-ignore-case"].as_str().unwrap())))
        }
        ("suffix", inner) => {
            text.is_some_and(|text| folded(text).ends_with(&folded(inner["equals-ignore-case"].as_str().unwrap())))
        }
        ("equals-ignore-case", other) => text.is_some_and(|text| folded(text) == folded(other.as_str().unwrap())),
        ("wildcard", form) => text.is_some_and(|text| of_form(form.as_str().unwrap().as_bytes(), text.as_bytes())),
        ("cidr", _) => text.is_some_and(|text| text.starts_with("10.0.0.")),
        ("numeric", terms) => value.as_f64().is_some_and(|number| {
            terms.as_array().unwrap().chunks(2).all(|term| {
                let bound = term[1].as_f64().unwrap();
                match term[0].as_str().unwrap() {
                    ">" => number > bound,
                    ">=" => number >= bound,
                    "<" => number < bound,
                    "<=" => number <= bound,
                    _ => number == bound,
                }
            })
        }),
        _ => unreachable!("an operator of the test"),
    }
}

fn equal(one: &Value, other: &Value) -> bool {
    match (one.as_f64(), other.as_f64()) {
        (Some(one), Some(other)) => one == other,
        _ => one == other,
    }
}

fn of_form(form: &[u8], text: &[u8]) -> bool {
    match form.split_first() {
        None => text.is_empty(),
        Some((b'*', rest)) => (0..=text.len()).any(|skipped| of_form(rest, &text[skipped..])),
        Some((first, rest)) => text.first() == Some(first) && of_form(rest, &text[1..]),
    }
}
