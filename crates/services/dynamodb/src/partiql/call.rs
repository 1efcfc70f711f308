//! Calls of functions in statements, and what `SET` sets.

use super::lexer::Token;
use super::parser::{Parsed, Parser};
use crate::expression::parser::{Call, Operand};
use crate::expression::update::Term;
use crate::expression::{Action, Change};

impl Parser<'_> {
    /// `path = operand`, `operand + operand`, `set_add(path, set)` or `set_delete(path, set)`.
    pub(super) fn set(&mut self) -> Parsed<Change> {
        let path = self.path()?;
        self.expect_symbol("=")?;
        if let Token::Word(name) = self.peek()
            && self.is_call()
            && (name.eq_ignore_ascii_case("set_add") || name.eq_ignore_ascii_case("set_delete"))
        {
            return self.set_function(path);
        }
        let left = self.operand()?;
        let term = if self.take_symbol("+") {
            Term::Sum(left, self.operand()?)
        } else if self.take_symbol("-") {
            Term::Difference(left, self.operand()?)
        } else {
            Term::Operand(left)
        };
        Ok(Change { path, action: Action::Set(term) })
    }

    /// A function that changes the set it is assigned to.
    fn set_function(&mut self, path: crate::expression::Path) -> Parsed<Change> {
        let place = self.place();
        let Token::Word(name) = self.take() else { return Err(self.unexpected()) };
        let name = name.to_ascii_uppercase();
        let (operands, first) = self.operands()?;
        let [target, set] = operands.as_slice() else {
            return Err(format!("{name} must have exactly two arguments at {place}"));
        };
        if target.path() != Some(&path) {
            return Err(format!("The first argument to {name} must equal the assignment value at {place}"));
        }
        let Some(set) = set.value().filter(|set| set.kind().is_set()) else {
            return Err(format!("The second argument to {name} must be a value with type SET at {first}"));
        };
        let action = if name == "SET_ADD" { Action::Add(set.clone()) } else { Action::Delete(set.clone()) };
        Ok(Change { path, action })
    }

    /// The operands of a call in their parentheses, and where the first stands.
    fn operands(&mut self) -> Parsed<(Vec<Operand>, super::lexer::Place)> {
        self.expect_symbol("(")?;
        let first = self.place();
        let mut operands = Vec::new();
        if self.take_symbol(")") {
            return Ok((operands, first));
        }
        loop {
            operands.push(self.operand()?);
            if !self.take_symbol(",") {
                self.expect_symbol(")")?;
                return Ok((operands, first));
            }
        }
    }

    /// A call of a function of conditions, or of one that `SET` takes as an operand.
    pub(super) fn call(&mut self) -> Parsed<Call> {
        let place = self.place();
        let Token::Word(name) = self.take() else { return Err(self.unexpected()) };
        let name = name.to_ascii_lowercase();
        let wanted = match name.as_str() {
            "begins_with" | "contains" | "attribute_type" | "list_append" | "if_not_exists" => 2,
            "size" | "attribute_exists" | "attribute_not_exists" => 1,
            _ => return Err(format!("Unrecognized function: {name} at {place}")),
        };
        let (operands, _) = self.operands()?;
        if operands.len() != wanted {
            let (what, count) = ("Incorrect number of operands for operator or function", operands.len());
            return Err(format!("{what}; operator or function: {name}, number of operands: {count}"));
        }
        if matches!(name.as_str(), "attribute_exists" | "attribute_not_exists") && operands[0].path().is_none() {
            let what = "Operator or function requires a document path";
            return Err(format!("{what}; operator or function: {name}"));
        }
        Ok(Call { name, operands })
    }
}
