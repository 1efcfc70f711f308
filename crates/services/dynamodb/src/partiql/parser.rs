//! Parsing statements.

use super::check::{check_clashes, check_ordered, compared};
use super::lexer::{Place, Token, tokens};
use super::statement::{Returning, Select, Statement};
use crate::expression::parser::{Call, Operand};
use crate::expression::{Action, Change, Comparator, Condition, Path, Step, Update};
use crate::number::{Number, NumberError};
use crate::value::{DEPTH_MAX, Item, Kind, Value};

const NOT_WELL_FORMED: &str = "Statement wasn't well formed, can't be processed";
/// Most parentheses and operators `NOT` in one another.
const NESTING_MAX: usize = 100;
/// Most values of `IN` (API reference).
const IN_VALUES_MAX: usize = 100;

/// Parses a statement, with the values of its `?`.
///
/// # Errors
/// AWS's text.
pub fn parse(text: &str, parameters: &[Value]) -> Result<Statement, String> {
    let tokens = tokens(text).ok_or_else(|| format!("{NOT_WELL_FORMED}: "))?;
    let mut parser = Parser { tokens, next: 0, parameters, used: 0, depth: 0, within: "root".to_owned() };
    let statement = parser.statement()?;
    parser.take_symbol(";");
    if *parser.peek() != Token::End {
        return Err(parser.left_over());
    }
    if parser.used != parameters.len() {
        return Err("Number of parameters in request and statement don't match.".to_owned());
    }
    Ok(statement)
}

pub(super) struct Parser<'p> {
    tokens: Vec<(Token, Place)>,
    next: usize,
    parameters: &'p [Value],
    used: usize,
    depth: usize,
    /// Where in a value the parser is, for example `root.x[1]`.
    within: String,
}

pub(super) type Parsed<T> = Result<T, String>;

/// Words that begin another clause where the alias of a table could stand.
const CLAUSES: [&str; 10] =
    ["WHERE", "ORDER", "SET", "REMOVE", "RETURNING", "VALUE", "GROUP", "HAVING", "LIMIT", "OFFSET"];
/// Words that are never the name of an attribute inside another.
const KEYWORDS: [&str; 24] = [
    "SELECT", "FROM", "WHERE", "INSERT", "UPDATE", "DELETE", "SET", "VALUES", "AND", "OR", "NOT", "IN", "IS",
    "BETWEEN", "LIKE", "NULL", "MISSING", "EXISTS", "JOIN", "INNER", "OUTER", "CROSS", "LEFT", "RIGHT",
];

impl Parser<'_> {
    pub(super) fn peek(&self) -> &Token {
        self.tokens.get(self.next).map_or(&Token::End, |(token, _)| token)
    }

    pub(super) fn take(&mut self) -> Token {
        let token = self.peek().clone();
        self.next += usize::from(token != Token::End);
        token
    }

    /// Where the next token stands.
    pub(super) fn place(&self) -> Place {
        self.tokens.get(self.next).map(|(_, place)| *place).unwrap_or_default()
    }

    /// Whether the next two tokens begin a call.
    pub(super) fn is_call(&self) -> bool {
        let behind = self.tokens.get(self.next + 1).map(|(token, _)| token);
        matches!((self.peek(), behind), (Token::Word(_), Some(Token::Symbol("("))))
    }

    fn left_over(&self) -> String {
        format!("{NOT_WELL_FORMED}: Unexpected token after expression")
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(self.peek(), Token::Word(found) if found.eq_ignore_ascii_case(word))
    }

    fn take_word(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        self.next += usize::from(found);
        found
    }

    pub(super) fn take_symbol(&mut self, symbol: &str) -> bool {
        let found = matches!(self.peek(), Token::Symbol(found) if *found == symbol);
        self.next += usize::from(found);
        found
    }

    fn expect_word(&mut self, word: &str) -> Parsed<()> {
        if self.take_word(word) { Ok(()) } else { Err(self.unexpected()) }
    }

    pub(super) fn expect_symbol(&mut self, symbol: &str) -> Parsed<()> {
        if self.take_symbol(symbol) { Ok(()) } else { Err(self.unexpected()) }
    }

    pub(super) fn unexpected(&self) -> String {
        match self.peek() {
            Token::End => format!("{NOT_WELL_FORMED}: Unexpected end of statement"),
            Token::Word(text) | Token::Quoted(text) | Token::Text(text) | Token::Number(text) => {
                format!("{NOT_WELL_FORMED}: Unexpected token: {text}")
            }
            Token::Symbol(symbol) => format!("{NOT_WELL_FORMED}: Unexpected token: {symbol}"),
        }
    }

    pub(super) fn deeper<T>(&mut self, part: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        self.depth += 1;
        if self.depth > NESTING_MAX {
            return Err(self.unexpected());
        }
        let result = part(self);
        self.depth -= 1;
        result
    }

    fn statement(&mut self) -> Parsed<Statement> {
        if self.take_word("SELECT") {
            return self.select().map(Statement::Select);
        }
        if self.take_word("EXISTS") {
            self.expect_symbol("(")?;
            self.expect_word("SELECT")?;
            let select = self.select()?;
            self.expect_symbol(")")?;
            return Ok(Statement::Select(Select { exists: true, ..select }));
        }
        if self.take_word("INSERT") {
            self.expect_word("INTO")?;
            let table = self.name()?;
            if !self.take_word("VALUE") {
                return Err(self.left_over());
            }
            if self.take_symbol("{") {
                return Ok(Statement::Insert { table, item: self.deeper(|parser| parser.map(true))? });
            }
            return match self.value()? {
                Value::M(item) => Ok(Statement::Insert { table, item }),
                _ => Err(format!("{NOT_WELL_FORMED}: Expected a tuple")),
            };
        }
        if self.take_word("UPDATE") {
            return self.update();
        }
        if self.take_word("FROM") {
            return self.update_of_rows();
        }
        if self.take_word("DELETE") {
            self.expect_word("FROM")?;
            if self.is_over() || self.is_word("WHERE") {
                return Err(format!("{NOT_WELL_FORMED}: Expected identifier for simple path"));
            }
            let table = self.name()?;
            self.check_no_alias()?;
            let condition = self.condition_clause()?;
            let returning = self.returning()?;
            if let Some(other) = returning.filter(|returning| *returning != Returning::AllOld) {
                return Err(format!(
                    "Invalid returning clause: {}. Only RETURNING ALL OLD * is allowed in DELETE statements.",
                    other.text()
                ));
            }
            return Ok(Statement::Delete { table, condition, returning });
        }
        Err(self.unexpected())
    }

    fn select(&mut self) -> Parsed<Select> {
        let paths = if self.take_symbol("*") {
            None
        } else {
            let mut paths = vec![self.selected()?];
            while self.take_symbol(",") {
                paths.push(self.selected()?);
            }
            Some(paths)
        };
        self.expect_word("FROM")?;
        if self.is_over() {
            return Err(format!("{NOT_WELL_FORMED}: Unexpected term"));
        }
        let mut names = vec![self.name()?];
        while self.take_symbol(".") {
            names.push(self.name()?);
        }
        if names.len() > 2 {
            return Err("A path may contain at most 2 components in the FROM clause".to_owned());
        }
        let index = names.get(1).cloned();
        self.check_no_alias()?;
        let condition = self.condition_clause()?;
        let mut order = Vec::new();
        if self.take_word("ORDER") {
            self.expect_word("BY")?;
            loop {
                let name = self.name()?;
                let descending = self.take_word("DESC");
                let _ = !descending && self.take_word("ASC");
                order.push((name, !descending));
                if !self.take_symbol(",") {
                    break;
                }
            }
        }
        Ok(Select { paths, table: names.swap_remove(0), index, condition, order, exists: false })
    }

    /// A path that a `SELECT` answers.
    fn selected(&mut self) -> Parsed<Path> {
        if self.is_call() {
            return Err(format!("Unexpected path component at {}", self.place()));
        }
        self.path()
    }

    /// Behind a table only another clause may follow.
    fn check_no_alias(&self) -> Parsed<()> {
        match self.peek() {
            Token::Word(word) if CLAUSES.iter().any(|clause| word.eq_ignore_ascii_case(clause)) => Ok(()),
            Token::Word(_) | Token::Quoted(_) => Err("Aliasing is not supported".to_owned()),
            _ => Ok(()),
        }
    }

    fn update(&mut self) -> Parsed<Statement> {
        let table = self.name()?;
        self.check_no_alias()?;
        let update = self.changes()?;
        let condition = self.condition_clause()?;
        let returning = self.returning()?;
        Ok(Statement::Update { table, update, condition, returning })
    }

    /// `FROM table WHERE … SET …`: an update with its condition in front.
    fn update_of_rows(&mut self) -> Parsed<Statement> {
        let table = self.name()?;
        self.check_no_alias()?;
        let condition = self.condition_clause()?;
        let update = self.changes()?;
        let returning = self.returning()?;
        Ok(Statement::Update { table, update, condition, returning })
    }

    fn changes(&mut self) -> Parsed<Update> {
        let mut changes = Vec::new();
        loop {
            if self.take_word("SET") {
                loop {
                    changes.push(self.set()?);
                    if !self.take_symbol(",") {
                        break;
                    }
                }
            } else if self.take_word("REMOVE") {
                loop {
                    changes.push(Change { path: self.path()?, action: Action::Remove });
                    if !self.take_symbol(",") {
                        break;
                    }
                }
            } else {
                break;
            }
        }
        if changes.is_empty() {
            return Err(self.unexpected());
        }
        check_clashes(&changes)?;
        Ok(Update { changes })
    }

    fn returning(&mut self) -> Parsed<Option<Returning>> {
        if !self.take_word("RETURNING") {
            return Ok(None);
        }
        let all = self.take_word("ALL");
        if !all {
            self.expect_word("MODIFIED")?;
        }
        let old = self.take_word("OLD");
        if !old {
            self.expect_word("NEW")?;
        }
        self.expect_symbol("*")?;
        Ok(Some(match (all, old) {
            (true, true) => Returning::AllOld,
            (true, false) => Returning::AllNew,
            (false, true) => Returning::ModifiedOld,
            (false, false) => Returning::ModifiedNew,
        }))
    }

    fn condition_clause(&mut self) -> Parsed<Option<Condition>> {
        if self.take_word("WHERE") { self.or().map(Some) } else { Ok(None) }
    }

    fn or(&mut self) -> Parsed<Condition> {
        let mut left = self.and()?;
        while self.take_word("OR") {
            self.check_right_side()?;
            left = Condition::Or(Box::new(left), Box::new(self.and()?));
        }
        Ok(left)
    }

    /// Whether nothing follows.
    fn is_over(&self) -> bool {
        matches!(self.peek(), Token::End | Token::Symbol(";"))
    }

    fn check_right_side(&self) -> Parsed<()> {
        if self.is_over() {
            return Err(format!("{NOT_WELL_FORMED}: Missing right-hand side expression of infix operator"));
        }
        Ok(())
    }

    fn and(&mut self) -> Parsed<Condition> {
        let mut left = self.not()?;
        while self.take_word("AND") {
            self.check_right_side()?;
            left = Condition::And(Box::new(left), Box::new(self.not()?));
        }
        Ok(left)
    }

    fn not(&mut self) -> Parsed<Condition> {
        if self.take_word("NOT") {
            return self.deeper(|parser| parser.not().map(|inner| Condition::Not(Box::new(inner))));
        }
        if self.take_symbol("(") {
            let inner = self.deeper(Self::or)?;
            self.expect_symbol(")")?;
            return Ok(inner);
        }
        self.comparison()
    }

    fn comparison(&mut self) -> Parsed<Condition> {
        let left = self.operand()?;
        let comparator = match self.peek() {
            Token::Symbol("=") => Some(Comparator::Equal),
            Token::Symbol("<>" | "!=") => Some(Comparator::NotEqual),
            Token::Symbol("<") => Some(Comparator::Less),
            Token::Symbol("<=") => Some(Comparator::LessOrEqual),
            Token::Symbol(">") => Some(Comparator::Greater),
            Token::Symbol(">=") => Some(Comparator::GreaterOrEqual),
            _ => None,
        };
        if let Some(comparator) = comparator {
            self.take();
            let right = self.operand()?;
            if !matches!(comparator, Comparator::Equal | Comparator::NotEqual) {
                check_ordered(comparator.symbol(), &[&left, &right])?;
            }
            return Ok(compared(comparator, left, right));
        }
        if self.take_word("BETWEEN") {
            let low = self.operand()?;
            self.expect_word("AND")?;
            let high = self.operand()?;
            check_ordered("BETWEEN", &[&left, &low, &high])?;
            return Ok(Condition::Between(left, low, high));
        }
        if self.take_word("IN") {
            return self.within(left);
        }
        if self.take_word("IS") {
            return self.is(left);
        }
        match left {
            Operand::Call(call) => Ok(Condition::Function(call)),
            _ => Err(self.unexpected()),
        }
    }

    fn within(&mut self, operand: Operand) -> Parsed<Condition> {
        let close = if self.take_symbol("[") { "]" } else { ")" };
        if close == ")" {
            self.expect_symbol("(")?;
        }
        let mut values = vec![self.operand()?];
        while self.take_symbol(",") {
            values.push(self.operand()?);
        }
        self.expect_symbol(close)?;
        if values.len() > IN_VALUES_MAX {
            let count = values.len();
            return Err(format!("The IN operator is provided with too many operands; number of operands: {count}"));
        }
        Ok(Condition::In(operand, values))
    }

    fn is(&mut self, operand: Operand) -> Parsed<Condition> {
        let inverted = self.take_word("NOT");
        let condition = if self.take_word("MISSING") {
            Condition::Function(Call { name: "attribute_not_exists".to_owned(), operands: vec![operand] })
        } else if let Some(kind) = self.type_name() {
            let kind = Operand::Value(Value::S(kind.name().to_owned()));
            Condition::Function(Call { name: "attribute_type".to_owned(), operands: vec![operand, kind] })
        } else if !self.take_word("NULL") {
            return Err(format!("{NOT_WELL_FORMED}: Expected type name"));
        } else {
            Condition::Compare(Comparator::Equal, operand, Operand::Value(Value::Null))
        };
        Ok(if inverted { Condition::Not(Box::new(condition)) } else { condition })
    }

    /// The name of a type, if one follows.
    fn type_name(&mut self) -> Option<Kind> {
        let Token::Word(word) = self.peek() else { return None };
        let kind = match word.to_ascii_uppercase().as_str() {
            "BOOL" | "BOOLEAN" => Kind::Bool,
            "STRING" => Kind::S,
            "NUMBER" | "NUMERIC" | "DECIMAL" | "INT" | "INTEGER" => Kind::N,
            "BINARY" | "BLOB" => Kind::B,
            "LIST" => Kind::L,
            "MAP" | "STRUCT" | "TUPLE" => Kind::M,
            _ => return None,
        };
        self.take();
        Some(kind)
    }

    pub(super) fn operand(&mut self) -> Parsed<Operand> {
        if self.is_word("IS") || self.is_word("LIKE") {
            return Err(format!("{NOT_WELL_FORMED}: Unexpected operator"));
        }
        if ["ORDER", "WHERE", "FROM", "SELECT"].iter().any(|word| self.is_word(word)) {
            return Err(format!("{NOT_WELL_FORMED}: Unexpected keyword"));
        }
        match self.peek() {
            Token::Word(_) if self.is_call() => self.deeper(Self::call).map(Operand::Call),
            Token::Word(word) if !is_literal(word) => self.path().map(Operand::Path),
            Token::Quoted(_) => self.path().map(Operand::Path),
            _ => self.value().map(Operand::Value),
        }
    }

    fn name(&mut self) -> Parsed<String> {
        match self.take() {
            Token::Quoted(name) if name.is_empty() => Err("Path component cannot be an empty string".to_owned()),
            Token::Word(name) | Token::Quoted(name) => Ok(name),
            _ => {
                self.next = self.next.saturating_sub(1);
                Err(self.unexpected())
            }
        }
    }

    pub(super) fn path(&mut self) -> Parsed<Path> {
        let mut steps = vec![Step::Attribute(self.name()?)];
        loop {
            if self.take_symbol(".") {
                if KEYWORDS.iter().any(|word| self.is_word(word)) {
                    return Err(format!("{NOT_WELL_FORMED}: Invalid path dot component"));
                }
                steps.push(Step::Attribute(self.name()?));
            } else if self.take_symbol("[") {
                let index = match self.take() {
                    Token::Number(digits) => digits.parse().ok().map(Step::Index),
                    Token::Text(name) => Some(Step::Attribute(name)),
                    _ => None,
                };
                steps.push(index.ok_or_else(|| self.unexpected())?);
                self.expect_symbol("]")?;
            } else {
                break;
            }
        }
        if steps.len() > DEPTH_MAX {
            return Err(format!("The document path has too many nesting elements; nesting elements: {}", steps.len()));
        }
        Ok(Path(steps))
    }

    fn value(&mut self) -> Parsed<Value> {
        if self.is_call() {
            let (place, within) = (self.place(), &self.within);
            let Token::Word(name) = self.peek() else { return Err(self.unexpected()) };
            return Err(format!("Unsupported data type: {name} under key {within} at {place}"));
        }
        match self.take() {
            Token::End | Token::Symbol(";") => Err(format!("{NOT_WELL_FORMED}: Unexpected term")),
            Token::Text(text) => Ok(Value::S(text)),
            Token::Number(text) => self.number(&text),
            Token::Symbol("-") => match self.take() {
                Token::Number(text) => self.number(&format!("-{text}")),
                _ => Err(self.unexpected()),
            },
            Token::Symbol("?") => {
                let value = self.parameters.get(self.used).cloned();
                self.used += 1;
                value.ok_or_else(|| "Number of parameters in request and statement don't match.".to_owned())
            }
            Token::Symbol("[") => self.deeper(|parser| parser.values("]")).map(Value::L),
            Token::Symbol("<<") => self.deeper(|parser| parser.values(">>")).and_then(set),
            Token::Symbol("{") => self.deeper(|parser| parser.map(false)).map(Value::M),
            Token::Word(word) if word.eq_ignore_ascii_case("true") => Ok(Value::Bool(true)),
            Token::Word(word) if word.eq_ignore_ascii_case("false") => Ok(Value::Bool(false)),
            Token::Word(word) if word.eq_ignore_ascii_case("null") => Ok(Value::Null),
            _ => {
                self.next = self.next.saturating_sub(1);
                Err(self.unexpected())
            }
        }
    }

    fn values(&mut self, close: &str) -> Parsed<Vec<Value>> {
        let mut values = Vec::new();
        if self.take_symbol(close) {
            return Ok(values);
        }
        loop {
            let step = format!("[{}]", values.len());
            values.push(self.inner(&step)?);
            if !self.take_symbol(",") {
                self.expect_symbol(close)?;
                return Ok(values);
            }
        }
    }

    /// A value inside another.
    fn inner(&mut self, step: &str) -> Parsed<Value> {
        let outer = self.within.len();
        self.within.push_str(step);
        let value = self.value();
        self.within.truncate(outer);
        value
    }

    fn number(&self, text: &str) -> Parsed<Value> {
        Number::parse_wrapping(text).map(Value::N).map_err(|error| match error {
            NumberError::NotANumber(_) => format!("{NOT_WELL_FORMED}: "),
            error => format!("{error} under {}", self.within),
        })
    }

    /// Attributes up to the closing brace, of an item or of a map within one.
    fn map(&mut self, is_item: bool) -> Parsed<Item> {
        let mut map = Item::new();
        if self.take_symbol("}") {
            return Ok(map);
        }
        loop {
            let name = match self.take() {
                Token::Text(name) | Token::Quoted(name) | Token::Word(name) => name,
                _ => return Err(self.unexpected()),
            };
            self.expect_symbol(":")?;
            let step = if is_item { String::new() } else { format!(".{name}") };
            map.insert(name, self.inner(&step)?);
            if !self.take_symbol(",") {
                self.expect_symbol("}")?;
                return Ok(map);
            }
        }
    }
}

fn is_literal(word: &str) -> bool {
    ["true", "false", "null"].iter().any(|literal| word.eq_ignore_ascii_case(literal))
}

/// The set of some values, all of one type.
fn set(values: Vec<Value>) -> Parsed<Value> {
    use api::dynamodb::AttributeValue as V;
    let Some(first) = values.first().map(Value::kind) else {
        return Err("Empty bags are not supported".to_owned());
    };
    let mut texts = Vec::new();
    let mut binaries = Vec::new();
    for value in values {
        match crate::value::write_value(value) {
            V::S(text) if first == Kind::S => texts.push(text),
            V::N(text) if first == Kind::N => texts.push(text),
            V::B(bytes) => binaries.push(bytes),
            _ => return Err(format!("{NOT_WELL_FORMED}: A set holds strings, numbers or binaries of one type")),
        }
    }
    let set = match first {
        Kind::N => V::NS(texts),
        Kind::B => V::BS(binaries),
        _ => V::SS(texts),
    };
    crate::value::read_value(set, crate::value::Wording::Older)
}
