//! `UpdateExpression`: syntax and checks.

use super::condition::OPERATORS_MAX;
use super::context::Context;
use super::parser::{Call, Complaint, Operand, Parser};
use super::path::Path;
use super::token::Token;
use crate::value::{Kind, Value};

/// A change of one place of an item.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The place.
    pub path: Path,
    /// What happens there.
    pub action: Action,
}

/// What happens at a place.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// It gets a value.
    Set(Term),
    /// It is removed.
    Remove,
    /// A number is added to it, or elements to a set.
    Add(Value),
    /// Elements are taken out of a set.
    Delete(Value),
}

/// What is set: an operand, or a sum or difference of two.
#[derive(Debug, Clone, PartialEq)]
pub enum Term {
    /// One operand.
    Operand(Operand),
    /// The sum of two numbers.
    Sum(Operand, Operand),
    /// The difference of two numbers.
    Difference(Operand, Operand),
}

/// An update, with its changes as they were written.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Update {
    /// The changes. Their paths do not clash.
    pub changes: Vec<Change>,
}

/// Parses and checks an update.
///
/// # Errors
/// AWS's text.
pub fn parse(text: &str, context: &Context) -> Result<Update, String> {
    Parser::run("UpdateExpression", text, context, |parser| {
        let mut grammar = Grammar { parser, changes: Vec::new(), paths: Vec::new(), clauses: Vec::new(), operators: 0 };
        loop {
            grammar.clause()?;
            if grammar.parser.tokens.peek() == Token::End {
                break;
            }
        }
        let (changes, operators) = (std::mem::take(&mut grammar.changes), grammar.operators);
        if operators > OPERATORS_MAX {
            parser.complaints.add(Complaint::Operators, || {
                format!("The expression contains too many operators; operator count: {operators}")
            });
        }
        Ok(Update { changes })
    })
}

struct Grammar<'p, 'a> {
    parser: &'p mut Parser<'a>,
    changes: Vec<Change>,
    paths: Vec<Path>,
    clauses: Vec<&'static str>,
    operators: usize,
}

const CLAUSES: [&str; 4] = ["SET", "REMOVE", "ADD", "DELETE"];

impl Grammar<'_, '_> {
    /// A keyword and what follows it.
    fn clause(&mut self) -> Result<(), String> {
        let next = self.parser.tokens.peek();
        let Some(clause) = CLAUSES.into_iter().find(|clause| next.is_word(clause)) else {
            return Err(self.parser.tokens.syntax_error());
        };
        self.parser.tokens.take();
        if self.clauses.contains(&clause) {
            self.parser.complaints.add(Complaint::Section, || {
                format!("The \"{clause}\" section can only be used once in an update expression;")
            });
        }
        self.clauses.push(clause);
        loop {
            self.change(clause)?;
            if !self.parser.tokens.take_symbol(",") {
                return Ok(());
            }
        }
    }

    fn change(&mut self, clause: &str) -> Result<(), String> {
        let path = self.parser.path()?;
        let action = match clause {
            "SET" => {
                self.parser.expect("=")?;
                self.operators += 1;
                Action::Set(self.term()?)
            }
            "REMOVE" => Action::Remove,
            "ADD" => Action::Add(self.set_or_number("ADD")?),
            _ => Action::Delete(self.set_or_number("DELETE")?),
        };
        self.parser.check_clashes(&self.paths, &path);
        self.paths.push(path.clone());
        self.changes.push(Change { path, action });
        Ok(())
    }

    fn term(&mut self) -> Result<Term, String> {
        if self.parser.tokens.take_symbol("(") {
            let too_deep = self.parser.tokens.syntax_error();
            let (term, operators) = self.inner_term(&too_deep)?;
            self.operators = operators;
            self.parser.expect(")")?;
            return Ok(term);
        }
        let left = self.operand()?;
        let name = match self.parser.tokens.peek() {
            Token::Symbol(name @ ("+" | "-")) => name,
            _ => return Ok(Term::Operand(left)),
        };
        self.parser.tokens.take();
        self.operators += 1;
        let right = self.operand()?;
        for operand in [&left, &right] {
            if let Some(kind) = operand.value_kind().filter(|kind| *kind != Kind::N) {
                self.parser.wrong_type(name, kind.name());
            }
        }
        Ok(if name == "+" { Term::Sum(left, right) } else { Term::Difference(left, right) })
    }

    fn inner_term(&mut self, too_deep: &str) -> Result<(Term, usize), String> {
        let before = self.operators;
        self.parser.nested(too_deep, |parser| {
            let mut inner =
                Grammar { parser, changes: Vec::new(), paths: Vec::new(), clauses: Vec::new(), operators: before };
            Ok((inner.term()?, inner.operators))
        })
    }

    fn operand(&mut self) -> Result<Operand, String> {
        let operand = self.parser.operand()?;
        if let Operand::Call(call) = &operand {
            self.check_call(call);
        }
        Ok(operand)
    }

    fn check_call(&mut self, call: &Call) {
        let name = call.name.as_str();
        for inner in &call.operands {
            let Operand::Call(inner) = inner else { continue };
            self.check_call(inner);
            if inner.name == "list_append" {
                self.parser.complaints.add(Complaint::MisusedFunction, || {
                    "The function is not allowed to be used this way in an expression; function: list_append".into()
                });
            }
        }
        match name {
            "if_not_exists" | "list_append" => {}
            "attribute_exists" | "attribute_not_exists" | "attribute_type" | "begins_with" | "contains" | "size" => {
                self.parser.complaints.add(Complaint::MisusedFunction, || {
                    format!("The function is not allowed in an update expression; function: {name}")
                });
                return;
            }
            _ => {
                let text = || format!("Invalid function name; function: {name}");
                self.parser.complaints.add(Complaint::UnknownFunction, text);
                return;
            }
        }
        if !self.parser.check_count(name, call.operands.len(), 2) {
            return;
        }
        if name == "if_not_exists" && call.operands[0].path().is_none() {
            self.parser.complaints.add(Complaint::Operand, || {
                format!("Operator or function requires a document path; operator or function: {name}")
            });
        }
        if name == "list_append" {
            for operand in &call.operands {
                if let Some(kind) = operand.value_kind().filter(|kind| *kind != Kind::L) {
                    self.parser.wrong_type(name, kind.name());
                }
            }
        }
    }

    /// The value behind the path of `ADD` and `DELETE`.
    fn set_or_number(&mut self, clause: &str) -> Result<Value, String> {
        if !matches!(self.parser.tokens.peek(), Token::ValueRef(_)) {
            return Err(self.parser.tokens.syntax_error());
        }
        let Operand::Value(value) = self.parser.operand()? else { return Err(self.parser.tokens.syntax_error()) };
        let kind = value.kind();
        if !(kind.is_set() || (clause == "ADD" && kind == Kind::N)) {
            self.parser.complaints.add(Complaint::Operand, || {
                let what = "Incorrect operand type for operator or function; operator";
                format!("{what}: {clause}, operand type: {}, typeSet: ALLOWED_FOR_{clause}_OPERAND", kind.long_name())
            });
        }
        Ok(value)
    }
}
