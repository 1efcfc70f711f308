//! What the grammars of all expressions share: operands, paths, function calls, and the order of complaints.

use super::context::{Context, EXPRESSION_BYTES_MAX};
use super::path::{Path, Step};
use super::reserved::is_reserved;
use super::token::{Token, Tokens};
use crate::value::{DEPTH_MAX, Kind, Value};

/// An operand of an operator or function.
#[derive(Debug, Clone, PartialEq)]
pub enum Operand {
    /// A place in the item.
    Path(Path),
    /// A value of the request.
    Value(Value),
    /// A function of other operands.
    Call(Call),
}

/// A call of a function.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// Its name, which may be of no function there is.
    pub name: String,
    /// What it is called with.
    pub operands: Vec<Operand>,
}

impl Operand {
    /// The type of a value of the request.
    pub fn value_kind(&self) -> Option<Kind> {
        match self {
            Operand::Value(value) => Some(value.kind()),
            _ => None,
        }
    }

    /// The value of the request, if it is one.
    pub fn value(&self) -> Option<&Value> {
        match self {
            Operand::Value(value) => Some(value),
            _ => None,
        }
    }

    /// The path, if it is one.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Operand::Path(path) => Some(path),
            _ => None,
        }
    }
}

/// What is wrong with an expression besides its syntax: the first complaint of each kind. A syntax error ends the
/// parsing; of these, the one of the first kind in AWS's order is told.
#[derive(Debug, Default)]
pub struct Complaints(Vec<(Complaint, String)>);

/// Kinds of complaints, in the order in which AWS tells them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Complaint {
    /// Parentheses in parentheses.
    Parentheses,
    /// A function that does not exist.
    UnknownFunction,
    /// A function where it may not stand.
    MisusedFunction,
    /// A reserved word as an attribute.
    Reserved,
    /// A clause of an update given twice.
    Section,
    /// Too many operators.
    Operators,
    /// A placeholder that stands for nothing.
    Placeholder,
    /// A path with too many steps.
    PathDepth,
    /// Two paths that lead to the same place.
    Overlap,
    /// Two paths that contradict each other.
    Conflict,
    /// The wrong number of operands.
    Count,
    /// An operand given twice.
    Distinct,
    /// An operand of the wrong type.
    Operand,
}

impl Complaints {
    /// Notes a complaint, unless there is one of its kind.
    pub fn add(&mut self, complaint: Complaint, text: impl FnOnce() -> String) {
        if !self.0.iter().any(|(noted, _)| *noted == complaint) {
            self.0.push((complaint, text()));
        }
    }

    /// The complaint to be told.
    pub fn first(self) -> Result<(), String> {
        match self.0.into_iter().min_by_key(|(complaint, _)| *complaint) {
            Some((_, text)) => Err(text),
            None => Ok(()),
        }
    }
}

/// A parser at work.
#[derive(Debug)]
pub struct Parser<'a> {
    /// The tokens.
    pub tokens: Tokens<'a>,
    /// The placeholders.
    pub context: &'a Context,
    /// What was found wrong.
    pub complaints: Complaints,
    /// As which kind of complaint an operand of the wrong type is noted.
    pub wrong_operand: Complaint,
    depth: usize,
}

/// Most parentheses and calls in one another, so that 4 KB of text cannot exhaust the stack. Parentheses that join
/// comparisons need two operators each, of which there may be 300 in all.
const NESTING_MAX: usize = 150;

impl<'a> Parser<'a> {
    /// Runs a grammar over a whole text.
    ///
    /// # Errors
    /// AWS's text, behind `Invalid …Expression: `.
    pub fn run<T>(
        what: &str,
        text: &'a str,
        context: &'a Context,
        grammar: impl FnOnce(&mut Parser<'a>) -> Result<T, String>,
    ) -> Result<T, String> {
        let parse = || {
            if text.is_empty() {
                return Err("The expression can not be empty;".to_owned());
            }
            if text.len() > EXPRESSION_BYTES_MAX {
                // AWS tells the size of all expressions but this one.
                let size = if what == "UpdateExpression" {
                    String::new()
                } else {
                    format!(" expression size: {}", text.len())
                };
                return Err(format!("Expression size has exceeded the maximum allowed size;{size}"));
            }
            let (tokens, complaints) = (Tokens::new(text), Complaints::default());
            let mut parser = Parser { tokens, context, complaints, wrong_operand: Complaint::Operand, depth: 0 };
            let parsed = grammar(&mut parser)?;
            if parser.tokens.peek() != Token::End {
                return Err(parser.tokens.syntax_error());
            }
            parser.complaints.first()?;
            Ok(parsed)
        };
        parse().map_err(|reason| format!("Invalid {what}: {reason}"))
    }

    /// Takes this symbol or fails.
    pub fn expect(&mut self, symbol: &str) -> Result<(), String> {
        if self.tokens.take_symbol(symbol) { Ok(()) } else { Err(self.tokens.syntax_error()) }
    }

    /// Runs part of the grammar one level deeper; `too_deep` is the complaint if that is too deep.
    pub fn nested<T>(
        &mut self,
        too_deep: &str,
        part: impl FnOnce(&mut Self) -> Result<T, String>,
    ) -> Result<T, String> {
        self.depth += 1;
        if self.depth > NESTING_MAX {
            return Err(too_deep.to_owned());
        }
        let result = part(self);
        self.depth -= 1;
        result
    }

    /// An operand: a path, a value, or a function call.
    pub fn operand(&mut self) -> Result<Operand, String> {
        match self.tokens.peek() {
            Token::ValueRef(name) => {
                self.tokens.take();
                Ok(Operand::Value(self.value(name)))
            }
            Token::Name(name) if self.tokens.peek_second().is_symbol("(") => {
                self.tokens.take();
                let too_deep = format!("Invalid function name; function: {name}");
                self.nested(&too_deep, |parser| parser.call(name)).map(Operand::Call)
            }
            _ => self.path().map(Operand::Path),
        }
    }

    /// The operands of a call, with the parentheses.
    fn call(&mut self, name: &str) -> Result<Call, String> {
        self.expect("(")?;
        let mut operands = vec![self.operand()?];
        while self.tokens.take_symbol(",") {
            operands.push(self.operand()?);
        }
        self.expect(")")?;
        Ok(Call { name: name.to_owned(), operands })
    }

    /// The value a placeholder stands for; complains if there is none.
    fn value(&mut self, placeholder: &str) -> Value {
        match self.context.value(placeholder) {
            Some(value) => value.clone(),
            None => {
                self.complaints.add(Complaint::Placeholder, || {
                    let what = "An expression attribute value used in expression is not defined";
                    format!("{what}; attribute value: {placeholder}")
                });
                Value::Null
            }
        }
    }

    /// A path.
    pub fn path(&mut self) -> Result<Path, String> {
        let mut steps = vec![Step::Attribute(self.attribute()?)];
        loop {
            if self.tokens.take_symbol(".") {
                steps.push(Step::Attribute(self.attribute()?));
            } else if self.tokens.peek().is_symbol("[") {
                self.tokens.take();
                let Token::Digits(digits) = self.tokens.peek() else { return Err(self.tokens.syntax_error()) };
                self.tokens.take();
                self.expect("]")?;
                // No list is this long, so what is beyond means the same place: none.
                steps.push(Step::Index(digits.parse().unwrap_or(usize::MAX)));
            } else {
                break;
            }
        }
        if steps.len() > DEPTH_MAX {
            let elements = steps.len();
            self.complaints.add(Complaint::PathDepth, || {
                format!("The document path has too many nesting elements; nesting elements: {elements}")
            });
        }
        Ok(Path(steps))
    }

    /// The name of an attribute or what stands for it.
    fn attribute(&mut self) -> Result<String, String> {
        match self.tokens.peek() {
            Token::Name(name) => {
                self.tokens.take();
                if is_reserved(name) {
                    self.complaints.add(Complaint::Reserved, || {
                        format!("Attribute name is a reserved keyword; reserved keyword: {name}")
                    });
                }
                Ok(name.to_owned())
            }
            Token::NameRef(placeholder) => {
                self.tokens.take();
                match self.context.name(placeholder) {
                    Some(name) => Ok(name.to_owned()),
                    None => {
                        self.complaints.add(Complaint::Placeholder, || {
                            let what = "An expression attribute name used in the document path is not defined";
                            format!("{what}; attribute name: {placeholder}")
                        });
                        Ok(placeholder.to_owned())
                    }
                }
            }
            _ => Err(self.tokens.syntax_error()),
        }
    }

    /// Complains of the wrong number of operands.
    pub fn check_count(&mut self, name: &str, count: usize, needed: usize) -> bool {
        if count != needed {
            self.complaints.add(Complaint::Count, || {
                let what = "Incorrect number of operands for operator or function; operator or function";
                format!("{what}: {name}, number of operands: {count}")
            });
        }
        count == needed
    }

    /// Complains of an operand of the wrong type.
    pub fn wrong_type(&mut self, name: &str, kind: &str) {
        self.complaints.add(self.wrong_operand, || {
            let what = "Incorrect operand type for operator or function; operator or function";
            format!("{what}: {name}, operand type: {kind}")
        });
    }

    /// Complains of a path that clashes with one before it.
    pub fn check_clashes(&mut self, before: &[Path], path: &Path) {
        use super::path::{Clash, clash};
        for other in before {
            let (complaint, verb) = match clash(other, path) {
                Some(Clash::Overlap) => (Complaint::Overlap, "overlap"),
                Some(Clash::Conflict) => (Complaint::Conflict, "conflict"),
                None => continue,
            };
            self.complaints.add(complaint, || {
                format!(
                    "Two document paths {verb} with each other; must remove or rewrite one of these paths; \
                     path one: {other}, path two: {path}"
                )
            });
        }
    }
}
