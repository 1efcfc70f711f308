//! Reading patterns. Texts and places of errors are those of AWS.

use serde_json::{Number, Value};

use crate::cidr::Cidr;
use crate::lexer::{Lexer, Token};
use crate::malformed::Malformed;
use crate::operand::{Operand, Range, compare, fold};
use crate::wildcard::Wildcard;
use crate::{DEPTH_MAX, Fields, Node};

/// The field whose alternatives are whole objects.
const OR: &str = "$or";

/// The field names that no alternative of `$or` may have: then it is a field like any other.
const OPERATORS: [&str; 9] =
    ["prefix", "suffix", "anything-but", "numeric", "cidr", "exists", "equals-ignore-case", "wildcard", "exactly"];

/// Most asterisks of a wildcard: AWS refuses the six of its own example of a pattern that is too complex
/// (`*:*:*:*:*:event-bus/*`, user guide, "Wildcard matching complexity").
const WILDCARDS_MAX: usize = 5;

const TOO_COMPLEX: &str = "Rule is too complex - try using fewer wildcard characters or fewer repeating character \
                           sequences after a wildcard character";
const ONE_KEY: &str = "Only one key allowed in match expression";
const TOO_MANY: &str = "Too many elements in numeric expression";

/// Reads a pattern.
pub fn parse(source: &str) -> Result<Fields, Malformed> {
    let mut reader = Reader { lexer: Lexer::new(source), whole: serde_json::from_str(source).ok() };
    if reader.lexer.next()? != Token::ObjectStart {
        return Err(reader.lexer.unseen("Filter is not an object"));
    }
    let whole = reader.whole.take();
    let fields = reader.fields(whole.as_ref(), 1)?;
    reader.lexer.finish()?;
    Ok(fields)
}

struct Reader<'s> {
    lexer: Lexer<'s>,
    /// The same text as a value, to look ahead in: whether a `$or` is one is only known at its end.
    whole: Option<Value>,
}

impl Reader<'_> {
    /// An object behind its opening brace.
    fn fields(&mut self, ahead: Option<&Value>, depth: usize) -> Result<Fields, Malformed> {
        if depth > DEPTH_MAX {
            return Err(self.lexer.seen("Rule is nested too deep"));
        }
        let mut fields = Fields::default();
        // Every round consumes a field.
        while let Token::Name(name) = self.lexer.next()? {
            let inside = ahead.and_then(|ahead| ahead.get(&name));
            match self.lexer.next()? {
                Token::ObjectStart => {
                    let inner = self.fields(inside, depth + 1)?;
                    put(&mut fields, name, Node::Object(inner));
                }
                Token::ArrayStart if name == OR && inside.is_some_and(is_choice) => {
                    fields.choices.push(self.choice(inside, depth)?);
                }
                Token::ArrayStart => {
                    let operands = self.leaf()?;
                    put(&mut fields, name, Node::Leaf(operands));
                }
                _ => return Err(self.lexer.unseen(format!("\"{name}\" must be an object or an array"))),
            }
        }
        if fields.fields.is_empty() && fields.choices.is_empty() {
            return Err(self.lexer.unseen("Empty objects are not allowed"));
        }
        Ok(fields)
    }

    /// The alternatives of a `$or` behind its opening bracket.
    fn choice(&mut self, ahead: Option<&Value>, depth: usize) -> Result<Vec<Fields>, Malformed> {
        let mut alternatives = Vec::new();
        while self.lexer.next()? == Token::ObjectStart {
            let inside = ahead.and_then(|ahead| ahead.get(alternatives.len()));
            alternatives.push(self.fields(inside, depth + 1)?);
        }
        Ok(alternatives)
    }

    /// The alternatives of a leaf behind its opening bracket.
    fn leaf(&mut self) -> Result<Vec<Operand>, Malformed> {
        let mut operands = Vec::new();
        // Every round consumes an alternative.
        loop {
            operands.push(match self.lexer.next()? {
                Token::ArrayEnd => break,
                Token::ObjectStart => self.expression()?,
                Token::Text(text) => Operand::Equal(Value::String(text)),
                Token::Number(number) => Operand::Equal(Value::Number(number)),
                Token::Boolean(value) => Operand::Equal(Value::Bool(value)),
                Token::Null => Operand::Equal(Value::Null),
                _ => return Err(self.lexer.unseen("Match value must be String, number, true, false, or null")),
            });
        }
        if operands.is_empty() {
            return Err(self.lexer.unseen("Empty arrays are not allowed"));
        }
        Ok(operands)
    }

    /// `{"operator": …}` behind its opening brace.
    fn expression(&mut self) -> Result<Operand, Malformed> {
        let Token::Name(operator) = self.lexer.next()? else {
            return Err(self.lexer.unseen("Match expression name not found"));
        };
        let value = self.lexer.next()?;
        let operand = match operator.as_str() {
            "numeric" => return self.numeric(&value),
            "anything-but" => return self.anything_but(value),
            "prefix" | "suffix" if value == Token::ObjectStart => return self.ignoring_case(&operator),
            "prefix" => Operand::Prefix(self.text_of("prefix", value)?),
            "suffix" => Operand::Suffix(self.text_of("suffix", value)?),
            "equals-ignore-case" => Operand::EqualIgnoringCase(fold(&self.text_of("equals-ignore-case", value)?)),
            "wildcard" => self.wildcard(value)?,
            // AWS says prefix here too.
            "cidr" => {
                let text = self.text_of("prefix", value)?;
                Operand::Cidr(Cidr::parse(&text).map_err(|reason| self.lexer.seen(reason))?)
            }
            "exists" => match value {
                Token::Boolean(true) => Operand::Present,
                Token::Boolean(false) => Operand::Absent,
                _ => return Err(self.lexer.unseen("exists match pattern must be either true or false.")),
            },
            _ => return Err(self.unrecognized(&operator)),
        };
        self.end_of_object(ONE_KEY)?;
        Ok(operand)
    }

    fn unrecognized(&self, operator: &str) -> Malformed {
        self.lexer.unseen(format!("Unrecognized match type {operator}"))
    }

    /// The text that an operator needs.
    fn text_of(&self, operator: &str, value: Token) -> Result<String, Malformed> {
        match value {
            Token::Text(text) => Ok(text),
            _ => Err(self.lexer.unseen(format!("{operator} match pattern must be a string"))),
        }
    }

    fn wildcard(&self, value: Token) -> Result<Operand, Malformed> {
        let text = self.text_of("wildcard", value)?;
        let wildcard = Wildcard::parse(&text).map_err(|reason| self.lexer.seen(reason))?;
        if wildcard.asterisks() > WILDCARDS_MAX {
            return Err(Malformed::nowhere(TOO_COMPLEX));
        }
        Ok(Operand::Wildcard(wildcard))
    }

    fn end_of_object(&mut self, otherwise: &str) -> Result<(), Malformed> {
        if self.lexer.next()? == Token::ObjectEnd { Ok(()) } else { Err(self.lexer.unseen(otherwise)) }
    }

    fn end_of_array(&mut self, otherwise: &str) -> Result<(), Malformed> {
        if self.lexer.next()? == Token::ArrayEnd { Ok(()) } else { Err(self.lexer.unseen(otherwise)) }
    }

    /// `{"prefix": {"equals-ignore-case": …}}` behind its second opening brace.
    fn ignoring_case(&mut self, outer: &str) -> Result<Operand, Malformed> {
        let Token::Name(operator) = self.lexer.next()? else {
            let expression = if outer == "prefix" { "Prefix" } else { "Suffix" };
            return Err(self.lexer.unseen(format!("{expression} expression name not found")));
        };
        if operator != "equals-ignore-case" {
            return Err(self.lexer.unseen(format!("Unsupported {outer} pattern: {operator}")));
        }
        let value = self.lexer.next()?;
        let text = fold(&self.text_of("equals-ignore-case", value)?);
        self.end_of_object(ONE_KEY)?;
        self.end_of_object(ONE_KEY)?;
        Ok(if outer == "prefix" { Operand::PrefixIgnoringCase(text) } else { Operand::SuffixIgnoringCase(text) })
    }

    fn anything_but(&mut self, value: Token) -> Result<Operand, Malformed> {
        let others = match value {
            Token::ObjectStart => self.anything_but_expression()?,
            Token::ArrayStart => self.anything_but_list()?,
            Token::Text(text) => vec![Operand::Equal(Value::String(text))],
            Token::Number(number) => vec![Operand::Equal(Value::Number(number))],
            _ => {
                const TEXT: &str = "Value of anything-but must be an array or single string/number value.";
                return Err(self.lexer.unseen(TEXT));
            }
        };
        self.end_of_object(TOO_MANY)?;
        Ok(Operand::AnythingBut(others))
    }

    fn anything_but_list(&mut self) -> Result<Vec<Operand>, Malformed> {
        let (mut texts, mut numbers, mut others) = (false, false, Vec::new());
        // Every round consumes an element.
        loop {
            match self.lexer.next()? {
                Token::ArrayEnd => break,
                Token::Text(text) => {
                    texts = true;
                    others.push(Operand::Equal(Value::String(text)));
                }
                Token::Number(number) => {
                    numbers = true;
                    others.push(Operand::Equal(Value::Number(number)));
                }
                _ => return Err(self.lexer.unseen("Inside anything but list, start|null|boolean is not supported.")),
            }
        }
        if texts == numbers {
            const TEXT: &str =
                "Inside anything but list, either all values are number or string, mixed type is not supported";
            return Err(self.lexer.unseen(TEXT));
        }
        Ok(others)
    }

    /// `{"anything-but": {"prefix": …}}` behind its second opening brace: a text or a list of texts.
    fn anything_but_expression(&mut self) -> Result<Vec<Operand>, Malformed> {
        let Token::Name(operator) = self.lexer.next()? else {
            return Err(self.lexer.unseen("Anything-But expression name not found"));
        };
        if !["prefix", "suffix", "equals-ignore-case", "wildcard"].contains(&operator.as_str()) {
            return Err(self.lexer.unseen(format!("Unsupported anything-but pattern: {operator}")));
        }
        let mut others = Vec::new();
        match self.lexer.next()? {
            Token::Text(text) => others.push(self.excluded(&operator, text)?),
            Token::ArrayStart => {
                // Every round consumes an element.
                loop {
                    match self.lexer.next()? {
                        Token::ArrayEnd => break,
                        Token::Text(text) => others.push(self.excluded(&operator, text)?),
                        _ => {
                            let text = format!(
                                "Inside anything-but/{operator} list, number|start|null|boolean is not supported."
                            );
                            return Err(self.lexer.unseen(text));
                        }
                    }
                }
                if others.is_empty() {
                    return Err(self.lexer.unseen("Empty arrays are not allowed"));
                }
            }
            _ => {
                let what = if ["prefix", "suffix"].contains(&operator.as_str()) { "prefix/suffix" } else { &operator };
                return Err(self.lexer.unseen(format!("{what} match pattern must be a string")));
            }
        }
        self.end_of_object(ONE_KEY)?;
        Ok(others)
    }

    fn excluded(&self, operator: &str, text: String) -> Result<Operand, Malformed> {
        match operator {
            "prefix" | "suffix" if text.is_empty() => Err(self.lexer.seen("Null prefix/suffix not allowed")),
            "prefix" => Ok(Operand::Prefix(text)),
            "suffix" => Ok(Operand::Suffix(text)),
            "wildcard" => self.wildcard(Token::Text(text)),
            _ => Ok(Operand::EqualIgnoringCase(fold(&text))),
        }
    }

    /// `{"numeric": […]}` behind its operator.
    fn numeric(&mut self, value: &Token) -> Result<Operand, Malformed> {
        if *value != Token::ArrayStart {
            return Err(self.lexer.unseen("Value of numeric must be an array."));
        }
        let operator = match self.lexer.next()? {
            Token::Text(operator) => operator,
            other => {
                return Err(self.lexer.seen(format!("Invalid member in numeric match: {}", spelled(&other))));
            }
        };
        let value = self.lexer.next()?;
        let spoken = if operator == "=" { "equals" } else { operator.as_str() };
        if !["=", "<", "<=", ">", ">="].contains(&operator.as_str()) {
            return Err(self.lexer.unseen(format!("Unrecognized numeric range operator: {operator}")));
        }
        let number = self.number_of(spoken, value)?;
        let range = match operator.as_str() {
            "=" => Range { bottom: Some((number.clone(), true)), top: Some((number, true)) },
            "<" | "<=" => Range { bottom: None, top: Some((number, operator == "<=")) },
            _ => return self.numeric_from(number, operator == ">="),
        };
        self.end_of_array(TOO_MANY)?;
        self.end_of_object(TOO_MANY)?;
        Ok(Operand::Numeric(range))
    }

    /// What may follow a lower end: nothing, or an upper end.
    fn numeric_from(&mut self, bottom: Number, closed: bool) -> Result<Operand, Malformed> {
        let operator = match self.lexer.next()? {
            Token::ArrayEnd => {
                self.end_of_object(TOO_MANY)?;
                return Ok(Operand::Numeric(Range { bottom: Some((bottom, closed)), top: None }));
            }
            Token::Text(operator) => operator,
            other => return Err(self.lexer.seen(format!("Bad value in numeric range: {}", spelled(&other)))),
        };
        if operator != "<" && operator != "<=" {
            return Err(self.lexer.seen(format!("Bad numeric range operator: {operator}")));
        }
        let value = self.lexer.next()?;
        let top = self.number_of(&operator, value)?;
        let next = self.lexer.next()?;
        if next != Token::ArrayEnd {
            return Err(self.lexer.unseen("Too many terms in numeric range expression"));
        }
        if compare(&bottom, &top).is_ge() {
            return Err(self.lexer.seen("Bottom must be less than top"));
        }
        self.end_of_object(TOO_MANY)?;
        let range = Range { bottom: Some((bottom, closed)), top: Some((top, operator == "<=")) };
        Ok(Operand::Numeric(range))
    }

    fn number_of(&self, operator: &str, value: Token) -> Result<Number, Malformed> {
        match value {
            Token::Number(number) => Ok(number),
            _ => Err(self.lexer.unseen(format!("Value of {operator} must be numeric"))),
        }
    }
}

/// Adds a field; of fields of the same name the last one counts.
fn put(fields: &mut Fields, name: String, node: Node) {
    fields.fields.retain(|(other, _)| *other != name);
    fields.fields.push((name, node));
}

/// Whether the value of `$or` is a choice: at least two objects, none of which looks like a match expression.
fn is_choice(value: &Value) -> bool {
    let Some(alternatives) = value.as_array() else { return false };
    let plain = |alternative: &Value| {
        alternative.as_object().is_some_and(|fields| fields.keys().all(|name| !OPERATORS.contains(&name.as_str())))
    };
    alternatives.len() >= 2 && alternatives.iter().all(plain)
}

/// A token as it stands in the text.
fn spelled(token: &Token) -> String {
    match token {
        Token::ObjectStart => "{".to_owned(),
        Token::ObjectEnd => "}".to_owned(),
        Token::ArrayStart => "[".to_owned(),
        Token::ArrayEnd => "]".to_owned(),
        Token::Name(text) | Token::Text(text) => text.clone(),
        Token::Number(number) => number.to_string(),
        Token::Boolean(value) => value.to_string(),
        Token::Null => "null".to_owned(),
    }
}
