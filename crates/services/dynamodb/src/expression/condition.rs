//! Conditions and filters: `ConditionExpression`, `FilterExpression`, and the syntax of `KeyConditionExpression`.

use super::context::Context;
use super::parser::{Call, Complaint, Operand, Parser};
use super::path::Path;
use super::token::Token;
use crate::value::{Kind, Value};

/// Most operators of one expression (Developer Guide, "Quotas").
pub const OPERATORS_MAX: usize = 300;
/// Most operands of `IN` behind the first.
pub const IN_OPERANDS_MAX: usize = 100;

const REDUNDANT: &str = "The expression has redundant parentheses;";

/// A condition.
#[derive(Debug, Clone, PartialEq)]
pub enum Condition {
    /// Both.
    And(Box<Condition>, Box<Condition>),
    /// Either.
    Or(Box<Condition>, Box<Condition>),
    /// The opposite.
    Not(Box<Condition>),
    /// A comparison of two operands.
    Compare(Comparator, Operand, Operand),
    /// The first operand lies between the others.
    Between(Operand, Operand, Operand),
    /// The first operand equals one of the others.
    In(Operand, Vec<Operand>),
    /// A function that answers yes or no.
    Function(Call),
}

/// How two operands are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparator {
    /// `=`
    Equal,
    /// `<>`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

impl Comparator {
    const ALL: [Comparator; 6] = [
        Comparator::Equal,
        Comparator::NotEqual,
        Comparator::Less,
        Comparator::LessOrEqual,
        Comparator::Greater,
        Comparator::GreaterOrEqual,
    ];

    /// As it is written.
    pub fn symbol(self) -> &'static str {
        match self {
            Comparator::Equal => "=",
            Comparator::NotEqual => "<>",
            Comparator::Less => "<",
            Comparator::LessOrEqual => "<=",
            Comparator::Greater => ">",
            Comparator::GreaterOrEqual => ">=",
        }
    }

    fn is_ordering(self) -> bool {
        !matches!(self, Comparator::Equal | Comparator::NotEqual)
    }
}

/// Which of the three parameters a condition is; they differ in what they complain of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// `ConditionExpression`
    Condition,
    /// `FilterExpression`
    Filter,
    /// `KeyConditionExpression`
    Key,
}

impl Use {
    /// The parameter's name.
    pub fn name(self) -> &'static str {
        match self {
            Use::Condition => "ConditionExpression",
            Use::Filter => "FilterExpression",
            Use::Key => "KeyConditionExpression",
        }
    }
}

/// Parses and checks a condition.
///
/// # Errors
/// AWS's text.
pub fn parse(used_as: Use, text: &str, context: &Context) -> Result<Condition, String> {
    Parser::run(used_as.name(), text, context, |parser| {
        if used_as == Use::Key {
            // Of a key condition AWS tells what comes first, undefined values and operands of wrong types alike.
            parser.wrong_operand = Complaint::Placeholder;
        }
        let mut grammar = Grammar { parser, used_as, operators: 0 };
        let condition = grammar.or()?;
        let operators = grammar.operators;
        if operators > OPERATORS_MAX {
            parser.complaints.add(Complaint::Operators, || {
                format!("The expression contains too many operators; operator count: {operators}")
            });
        }
        Ok(condition)
    })
}

struct Grammar<'p, 'a> {
    parser: &'p mut Parser<'a>,
    used_as: Use,
    operators: usize,
}

impl Grammar<'_, '_> {
    fn or(&mut self) -> Result<Condition, String> {
        let mut left = self.and()?;
        while self.parser.tokens.take_word("OR") {
            self.operators += 1;
            left = Condition::Or(Box::new(left), Box::new(self.and()?));
        }
        Ok(left)
    }

    fn and(&mut self) -> Result<Condition, String> {
        let mut left = self.not()?;
        while self.parser.tokens.take_word("AND") {
            self.operators += 1;
            left = Condition::And(Box::new(left), Box::new(self.not()?));
        }
        Ok(left)
    }

    fn not(&mut self) -> Result<Condition, String> {
        let mut inverted = false;
        let mut found = false;
        while self.parser.tokens.peek().is_word("NOT") {
            self.parser.tokens.take();
            self.operators += 1;
            inverted = !inverted;
            found = true;
        }
        let condition = self.primary()?;
        Ok(match (found, inverted) {
            (true, true) => Condition::Not(Box::new(condition)),
            _ => condition,
        })
    }

    /// A condition in parentheses, or one without.
    fn primary(&mut self) -> Result<Condition, String> {
        if !self.parser.tokens.peek().is_symbol("(") {
            return self.simple();
        }
        let mark = self.parser.tokens.mark();
        self.parser.tokens.take();
        if self.stands_operand() {
            // `(a) = :b`: the parentheses are around an operand.
            self.parser.tokens.rewind(mark);
            return self.simple();
        }
        let doubled = self.parser.tokens.peek().is_symbol("(");
        let start = self.parser.tokens.mark();
        let condition = self.deeper(|inner| inner.or())?;
        if doubled && self.used_as != Use::Key && self.is_one_group(start) {
            self.parser.complaints.add(Complaint::Parentheses, || REDUNDANT.to_owned());
        }
        self.parser.expect(")")?;
        Ok(condition)
    }

    /// Parses what is in parentheses.
    fn deeper<T>(&mut self, part: impl FnOnce(&mut Grammar<'_, '_>) -> Result<T, String>) -> Result<T, String> {
        let (used_as, before) = (self.used_as, self.operators);
        let (parsed, operators) = self.parser.nested(REDUNDANT, |parser| {
            let mut inner = Grammar { parser, used_as, operators: before };
            let parsed = part(&mut inner)?;
            Ok((parsed, inner.operators))
        })?;
        self.operators = operators;
        Ok(parsed)
    }

    /// Whether what was parsed since a mark, which begins with a parenthesis, ends with its partner.
    fn is_one_group(&mut self, start: usize) -> bool {
        let end = self.parser.tokens.mark();
        self.parser.tokens.rewind(start);
        let mut depth = 0;
        let mut closed_at = start;
        while self.parser.tokens.mark() < end {
            let token = self.parser.tokens.take();
            depth += i32::from(token.is_symbol("(")) - i32::from(token.is_symbol(")"));
            if depth == 0 {
                closed_at = self.parser.tokens.mark();
                break;
            }
        }
        self.parser.tokens.rewind(end);
        closed_at == end
    }

    /// Whether the parenthesis just taken is around a lone operand, which a comparison follows.
    fn stands_operand(&mut self) -> bool {
        let mark = self.parser.tokens.mark();
        let mut depth = 1;
        let found = loop {
            match self.parser.tokens.take() {
                Token::End => break false,
                token if token.is_symbol("(") => depth += 1,
                token if token.is_symbol(")") => {
                    depth -= 1;
                    if depth == 0 {
                        break true;
                    }
                }
                token if is_condition_word(token) => break false,
                _ => {}
            }
        };
        let follows = self.parser.tokens.peek();
        let compared = Comparator::ALL.iter().any(|comparator| follows.is_symbol(comparator.symbol()))
            || follows.is_word("BETWEEN")
            || follows.is_word("IN");
        self.parser.tokens.rewind(mark);
        found && compared
    }

    /// A comparison or a function.
    fn simple(&mut self) -> Result<Condition, String> {
        let left = self.operand()?;
        let next = self.parser.tokens.peek();
        if let Some(comparator) = Comparator::ALL.into_iter().find(|each| next.is_symbol(each.symbol())) {
            self.parser.tokens.take();
            return self.comparison(comparator, left);
        }
        if self.parser.tokens.take_word("BETWEEN") {
            return self.between(left);
        }
        if self.parser.tokens.take_word("IN") {
            return self.within(left);
        }
        match left {
            Operand::Call(call) => {
                if call.name == "size" {
                    self.misused(&call.name);
                }
                Ok(Condition::Function(call))
            }
            _ => Err(self.parser.tokens.syntax_error()),
        }
    }

    fn comparison(&mut self, comparator: Comparator, left: Operand) -> Result<Condition, String> {
        self.operators += 1;
        let right = self.operand()?;
        self.check_not_conditions([&left, &right]);
        self.check_distinct(comparator.symbol(), &left, [&right]);
        if comparator.is_ordering() {
            self.check_ordered(comparator.symbol(), [&left, &right]);
        }
        Ok(Condition::Compare(comparator, left, right))
    }

    fn between(&mut self, operand: Operand) -> Result<Condition, String> {
        self.operators += 1;
        let low = self.operand()?;
        if !self.parser.tokens.take_word("AND") {
            return Err(self.parser.tokens.syntax_error());
        }
        let high = self.operand()?;
        self.check_not_conditions([&operand, &low, &high]);
        self.check_ordered("BETWEEN", [&operand, &low, &high]);
        self.check_bounds(&low, &high);
        Ok(Condition::Between(operand, low, high))
    }

    fn within(&mut self, operand: Operand) -> Result<Condition, String> {
        self.operators += 1;
        self.parser.expect("(")?;
        let mut choices = vec![self.operand()?];
        while self.parser.tokens.take_symbol(",") {
            choices.push(self.operand()?);
        }
        self.parser.expect(")")?;
        if choices.len() > IN_OPERANDS_MAX {
            let count = choices.len();
            self.parser.complaints.add(Complaint::Count, || {
                format!("The IN operator is provided with too many operands; number of operands: {count}")
            });
        }
        self.check_not_conditions(std::iter::once(&operand).chain(&choices));
        self.check_distinct("IN", &operand, &choices);
        Ok(Condition::In(operand, choices))
    }

    /// An operand, in parentheses or not; calls are checked.
    fn operand(&mut self) -> Result<Operand, String> {
        if self.parser.tokens.take_symbol("(") {
            if self.parser.tokens.peek().is_symbol("(") && self.used_as != Use::Key {
                self.parser.complaints.add(Complaint::Parentheses, || REDUNDANT.to_owned());
            }
            let operand = self.deeper(|inner| inner.operand())?;
            self.parser.expect(")")?;
            return Ok(operand);
        }
        let operand = self.parser.operand()?;
        self.check_calls(&operand);
        Ok(operand)
    }

    fn check_calls(&mut self, operand: &Operand) {
        let Operand::Call(call) = operand else { return };
        for inner in &call.operands {
            self.check_calls(inner);
        }
        self.check_not_conditions(&call.operands);
        self.check_call(call);
    }

    fn check_call(&mut self, call: &Call) {
        let name = call.name.as_str();
        let needed = match name {
            "attribute_exists" | "attribute_not_exists" | "size" => 1,
            "attribute_type" | "begins_with" | "contains" => 2,
            "if_not_exists" | "list_append" => {
                self.parser.complaints.add(Complaint::MisusedFunction, || {
                    format!("The function is not allowed in a condition expression; function: {name}")
                });
                return;
            }
            _ => {
                let text = || format!("Invalid function name; function: {name}");
                self.parser.complaints.add(Complaint::UnknownFunction, text);
                return;
            }
        };
        if !self.parser.check_count(name, call.operands.len(), needed) {
            return;
        }
        if needed == 2 {
            self.check_distinct(name, &call.operands[0], [&call.operands[1]]);
        }
        self.check_operands(name, &call.operands);
    }

    fn check_operands(&mut self, name: &str, operands: &[Operand]) {
        match name {
            "attribute_exists" | "attribute_not_exists" if operands[0].path().is_none() => {
                self.parser.complaints.add(Complaint::Operand, || {
                    format!("Operator or function requires a document path; operator or function: {name}")
                });
            }
            "begins_with" => {
                let wrong = operands.iter().filter_map(result_kind).find(|kind| !matches!(kind, Kind::S | Kind::B));
                if let Some(kind) = wrong {
                    self.parser.wrong_type(name, kind.name());
                }
            }
            "attribute_type" => self.check_type_name(name, &operands[1]),
            "size" => {
                if let Some(kind @ (Kind::N | Kind::Bool | Kind::Null)) = result_kind(&operands[0]) {
                    self.parser.wrong_type(name, kind.name());
                }
            }
            _ => {}
        }
    }

    fn check_type_name(&mut self, name: &str, operand: &Operand) {
        match operand {
            Operand::Value(Value::S(kind)) if Kind::named(kind).is_some() => {}
            Operand::Value(Value::S(kind)) => self.parser.complaints.add(Complaint::Operand, || {
                format!(
                    "Invalid attribute type name found; type: {kind}, valid types: {{B,NULL,SS,BOOL,L,BS,N,NS,S,M}}"
                )
            }),
            Operand::Value(value) => self.parser.wrong_type(name, value.kind().name()),
            _ => self.parser.wrong_type(name, "{NS,SS,L,BS,N,M,B,BOOL,NULL,S}"),
        }
    }

    /// Functions that answer yes or no are no operands.
    fn check_not_conditions<'o>(&mut self, operands: impl IntoIterator<Item = &'o Operand>) {
        const CONDITIONS: [&str; 5] =
            ["attribute_exists", "attribute_not_exists", "attribute_type", "begins_with", "contains"];
        for operand in operands {
            if let Operand::Call(call) = operand
                && CONDITIONS.contains(&call.name.as_str())
            {
                self.misused(&call.name);
            }
        }
    }

    fn misused(&mut self, name: &str) {
        self.parser.complaints.add(Complaint::MisusedFunction, || {
            format!("The function is not allowed to be used this way in an expression; function: {name}")
        });
    }

    fn check_distinct<'o>(&mut self, name: &str, first: &Operand, others: impl IntoIterator<Item = &'o Operand>) {
        let Some(path) = first.path() else { return };
        if others.into_iter().any(|other| other.path() == Some(path)) {
            self.parser.complaints.add(Complaint::Distinct, || {
                format!(
                    "The first operand must be distinct from the remaining operands for this operator or function; \
                     operator: {name}, first operand: {path}"
                )
            });
        }
    }

    fn check_ordered<'o>(&mut self, name: &str, operands: impl IntoIterator<Item = &'o Operand>) {
        for operand in operands {
            if let Some(kind) = operand.value_kind().filter(|kind| !kind.is_ordered()) {
                self.parser.wrong_type(name, kind.name());
            }
        }
    }

    fn check_bounds(&mut self, low: &Operand, high: &Operand) {
        let (Operand::Value(low), Operand::Value(high)) = (low, high) else { return };
        let reason = if low.kind() != high.kind() {
            "same data type for lower and upper bounds"
        } else if low.order(high) == Some(std::cmp::Ordering::Greater) {
            "upper bound to be greater than or equal to lower bound"
        } else {
            return;
        };
        self.parser.complaints.add(Complaint::Operand, || {
            let (low, high) = (shown(low), shown(high));
            let bounds = format!("lower bound operand: {low}, upper bound operand: {high}");
            format!("The BETWEEN operator requires {reason}; {bounds}")
        });
    }
}

fn is_condition_word(token: Token<'_>) -> bool {
    ["AND", "OR", "NOT", "BETWEEN", "IN"].iter().any(|word| token.is_word(word))
        || Comparator::ALL.iter().any(|comparator| token.is_symbol(comparator.symbol()))
}

/// The type an operand is known to have.
fn result_kind(operand: &Operand) -> Option<Kind> {
    match operand {
        Operand::Call(call) if call.name == "size" => Some(Kind::N),
        operand => operand.value_kind(),
    }
}

/// A value as AWS's messages show it.
fn shown(value: &Value) -> String {
    let content = match value {
        Value::S(text) => text.clone(),
        Value::N(number) => number.to_string(),
        Value::B(bytes) => {
            format!("java.nio.HeapByteBuffer[pos=0 lim={length} cap={length}]", length = bytes.len())
        }
        _ => String::new(),
    };
    format!("AttributeValue: {{{}:{content}}}", value.kind().name())
}

impl Condition {
    /// Calls `visit` with every path of the condition.
    pub fn visit_paths<'c>(&'c self, visit: &mut dyn FnMut(&'c Path)) {
        match self {
            Condition::And(left, right) | Condition::Or(left, right) => {
                left.visit_paths(visit);
                right.visit_paths(visit);
            }
            Condition::Not(inner) => inner.visit_paths(visit),
            Condition::Compare(_, left, right) => {
                visit_operand(left, visit);
                visit_operand(right, visit);
            }
            Condition::Between(value, low, high) => {
                visit_operand(value, visit);
                visit_operand(low, visit);
                visit_operand(high, visit);
            }
            Condition::In(value, choices) => {
                visit_operand(value, visit);
                choices.iter().for_each(|choice| visit_operand(choice, visit));
            }
            Condition::Function(call) => call.operands.iter().for_each(|each| visit_operand(each, visit)),
        }
    }

    /// Every path of the condition.
    pub fn paths(&self) -> Vec<&Path> {
        let mut paths = Vec::new();
        self.visit_paths(&mut |path| paths.push(path));
        paths
    }
}

fn visit_operand<'c>(operand: &'c Operand, visit: &mut dyn FnMut(&'c Path)) {
    match operand {
        Operand::Path(path) => visit(path),
        Operand::Value(_) => {}
        Operand::Call(call) => call.operands.iter().for_each(|inner| visit_operand(inner, visit)),
    }
}
