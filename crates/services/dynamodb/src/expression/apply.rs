//! Changing items.

use super::parser::{Call, Operand};
use super::path::{Path, Step};
use super::update::{Action, Change, Term, Update};
use crate::value::{Item, Value};

const INVALID_PATH: &str = "The document path provided in the update expression is invalid for update";
const WRONG_TYPE: &str = "An operand in the update expression has an incorrect data type";
const MISSING: &str = "The provided expression refers to an attribute that does not exist in the item";

impl Update {
    /// Makes the changes. All values are taken from the item as it was before the first of them, and elements of lists
    /// have the places they had then.
    ///
    /// # Errors
    /// AWS's text; the item may be changed in part.
    pub fn apply(&self, item: &mut Item) -> Result<(), String> {
        let mut sets = Vec::new();
        let mut removals: Vec<&Path> = Vec::new();
        for Change { path, action } in &self.changes {
            if let Action::Set(term) = action {
                sets.push((path, evaluate(term, item)?));
            }
        }
        // In the order of the places, so that elements behind the end of a list are appended in that order.
        sets.sort_by_key(|(path, _)| *path);
        for (path, value) in sets {
            Place::of(item, path)?.set(value);
        }
        for Change { path, action } in &self.changes {
            match action {
                Action::Set(_) => {}
                Action::Remove => {
                    Place::of(item, path)?;
                    removals.push(path);
                }
                Action::Add(value) => Place::of(item, path)?.add(value)?,
                Action::Delete(value) => {
                    if Place::of(item, path)?.take_out(value)? {
                        removals.push(path);
                    }
                }
            }
        }
        // The last places first, so that those in front of them stay where they are.
        removals.sort();
        for path in removals.into_iter().rev() {
            Place::of(item, path)?.remove();
        }
        Ok(())
    }
}

fn evaluate(term: &Term, item: &Item) -> Result<Value, String> {
    let number = |operand: &Operand| match resolve(operand, item)? {
        Value::N(number) => Ok(number),
        _ => Err(WRONG_TYPE.to_owned()),
    };
    match term {
        Term::Operand(operand) => resolve(operand, item),
        Term::Sum(left, right) => number(left)?.plus(number(right)?).map(Value::N).map_err(|error| error.to_string()),
        Term::Difference(left, right) => {
            number(left)?.minus(number(right)?).map(Value::N).map_err(|error| error.to_string())
        }
    }
}

fn resolve(operand: &Operand, item: &Item) -> Result<Value, String> {
    match operand {
        Operand::Value(value) => Ok(value.clone()),
        Operand::Path(path) => path.get(item).cloned().ok_or_else(|| MISSING.to_owned()),
        Operand::Call(Call { name, operands }) => match (name.as_str(), operands.as_slice()) {
            ("if_not_exists", [first, otherwise]) => match first.path().and_then(|path| path.get(item)) {
                Some(value) => Ok(value.clone()),
                None => resolve(otherwise, item),
            },
            ("list_append", [front, back]) => match (resolve(front, item)?, resolve(back, item)?) {
                (Value::L(mut front), Value::L(back)) => {
                    front.extend(back);
                    Ok(Value::L(front))
                }
                _ => Err(WRONG_TYPE.to_owned()),
            },
            _ => Err(WRONG_TYPE.to_owned()),
        },
    }
}

/// A place in an item, of which everything in front of the last step exists.
enum Place<'i, 'p> {
    Attribute(&'i mut Item, &'p str),
    Element(&'i mut Vec<Value>, usize),
}

impl<'i, 'p> Place<'i, 'p> {
    fn of(item: &'i mut Item, path: &'p Path) -> Result<Place<'i, 'p>, String> {
        let invalid = || INVALID_PATH.to_owned();
        let (last, steps) = path.0.split_last().ok_or_else(invalid)?;
        let Some((Step::Attribute(head), rest)) = steps.split_first() else {
            let Step::Attribute(name) = last else { return Err(invalid()) };
            return Ok(Place::Attribute(item, name));
        };
        let mut value = item.get_mut(head).ok_or_else(invalid)?;
        for step in rest {
            value = match (step, value) {
                (Step::Attribute(name), Value::M(map)) => map.get_mut(name),
                (Step::Index(index), Value::L(list)) => list.get_mut(*index),
                _ => None,
            }
            .ok_or_else(invalid)?;
        }
        match (last, value) {
            (Step::Attribute(name), Value::M(map)) => Ok(Place::Attribute(map, name)),
            (Step::Index(index), Value::L(list)) => Ok(Place::Element(list, *index)),
            _ => Err(invalid()),
        }
    }

    fn get(&mut self) -> Option<&mut Value> {
        match self {
            Place::Attribute(map, name) => map.get_mut(*name),
            Place::Element(list, index) => list.get_mut(*index),
        }
    }

    /// Gives the place a value; behind the end of a list it is appended.
    fn set(self, value: Value) {
        match self {
            Place::Attribute(map, name) => {
                map.insert(name.to_owned(), value);
            }
            Place::Element(list, index) => match list.get_mut(index) {
                Some(element) => *element = value,
                None => list.push(value),
            },
        }
    }

    fn remove(self) {
        match self {
            Place::Attribute(map, name) => {
                map.remove(name);
            }
            Place::Element(list, index) => {
                if index < list.len() {
                    list.remove(index);
                }
            }
        }
    }

    fn add(mut self, added: &Value) -> Result<(), String> {
        match self.get() {
            Some(value) => add_to(value, added).unwrap_or_else(|| Err(WRONG_TYPE.to_owned())),
            None => {
                self.set(added.clone());
                Ok(())
            }
        }
    }

    /// Takes elements out of a set; answers whether nothing is left of it.
    fn take_out(mut self, taken: &Value) -> Result<bool, String> {
        match self.get() {
            Some(value) => take_from(value, taken).ok_or_else(|| WRONG_TYPE.to_owned()),
            None => Ok(false),
        }
    }
}

/// Adds a number to a number or elements to a set; nothing if the types do not go together.
pub fn add_to(value: &mut Value, added: &Value) -> Option<Result<(), String>> {
    fn union<T: Ord + Clone>(set: &mut Vec<T>, more: &[T]) {
        set.extend_from_slice(more);
        set.sort_unstable();
        set.dedup();
    }
    match (value, added) {
        (Value::N(number), Value::N(added)) => match number.plus(*added) {
            Ok(sum) => *number = sum,
            Err(error) => return Some(Err(error.to_string())),
        },
        (Value::Ss(set), Value::Ss(more)) => union(set, more),
        (Value::Ns(set), Value::Ns(more)) => union(set, more),
        (Value::Bs(set), Value::Bs(more)) => union(set, more),
        _ => return None,
    }
    Some(Ok(()))
}

/// Takes elements out of a set and answers whether it is empty then; nothing if the types do not go together.
pub fn take_from(value: &mut Value, taken: &Value) -> Option<bool> {
    fn difference<T: PartialEq>(set: &mut Vec<T>, taken: &[T]) -> bool {
        set.retain(|element| !taken.contains(element));
        set.is_empty()
    }
    match (value, taken) {
        (Value::Ss(set), Value::Ss(taken)) => Some(difference(set, taken)),
        (Value::Ns(set), Value::Ns(taken)) => Some(difference(set, taken)),
        (Value::Bs(set), Value::Bs(taken)) => Some(difference(set, taken)),
        _ => None,
    }
}
