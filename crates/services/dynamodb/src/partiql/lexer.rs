//! Statements as tokens.

/// One token.
#[derive(Debug, Clone, PartialEq)]
pub enum Token {
    /// A word without quotes: a keyword or a name.
    Word(String),
    /// A name in double quotes.
    Quoted(String),
    /// A text in single quotes.
    Text(String),
    /// A number.
    Number(String),
    /// Anything else.
    Symbol(&'static str),
    /// The end.
    End,
}

/// Where a token stands: line, column and length in characters, the first two counted from one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Place {
    line: usize,
    column: usize,
    length: usize,
}

impl std::fmt::Display for Place {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}:{}:{}", self.line, self.column, self.length)
    }
}

/// Symbols, longer ones in front of those they begin with.
const SYMBOLS: [&str; 24] = [
    "<<", ">>", "<=", ">=", "<>", "!=", "=", "<", ">", "(", ")", "[", "]", "{", "}", ",", ".", ":", "?", "*", "+", "-",
    ";", "|",
];

/// Takes a statement apart; nothing if it holds what no statement may.
pub fn tokens(text: &str) -> Option<Vec<(Token, Place)>> {
    let mut tokens: Vec<(Token, Place)> = Vec::new();
    let mut place = Place { line: 1, column: 1, length: 0 };
    let mut rest = text;
    loop {
        let next = skip_blanks(rest)?;
        place.pass(&rest[..rest.len() - next.len()]);
        rest = next;
        let Some(first) = rest.chars().next() else { break };
        let begins_number = first == '.'
            && rest.as_bytes().get(1).is_some_and(u8::is_ascii_digit)
            && !tokens.last().is_some_and(|(token, _)| ends_path(token));
        let (token, length) = match first {
            '\'' => quoted(rest, '\'').map(|(text, length)| (Token::Text(text), length))?,
            '"' => quoted(rest, '"').map(|(text, length)| (Token::Quoted(text), length))?,
            c if c.is_ascii_digit() || begins_number => number(rest),
            c if c.is_alphabetic() || c == '_' || c == '$' => {
                let part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '$');
                let length = rest.find(|c| !part(c)).unwrap_or(rest.len());
                (Token::Word(rest[..length].to_owned()), length)
            }
            _ => {
                let symbol = SYMBOLS.into_iter().find(|symbol| rest.starts_with(symbol))?;
                (Token::Symbol(symbol), symbol.len())
            }
        };
        place.length = rest[..length].chars().count();
        tokens.push((token, place));
        place.pass(&rest[..length]);
        rest = &rest[length..];
    }
    tokens.push((Token::End, place));
    Some(tokens)
}

impl Place {
    /// Goes behind a text.
    fn pass(&mut self, text: &str) {
        match text.rsplit_once('\n') {
            Some((before, last)) => {
                self.line += before.matches('\n').count() + 1;
                self.column = last.chars().count() + 1;
            }
            None => self.column += text.chars().count(),
        }
    }
}

/// What follows blanks and comments; nothing behind a comment without an end.
fn skip_blanks(text: &str) -> Option<&str> {
    let mut rest = text.trim_start();
    loop {
        rest = if let Some(comment) = rest.strip_prefix("--") {
            comment.split_once('\n').map_or("", |(_, behind)| behind)
        } else if let Some(comment) = rest.strip_prefix("/*") {
            comment.split_once("*/")?.1
        } else {
            return Some(rest);
        }
        .trim_start();
    }
}

/// Whether a point behind a token goes on with a path.
fn ends_path(token: &Token) -> bool {
    matches!(token, Token::Word(_) | Token::Quoted(_) | Token::Symbol("]" | ")"))
}

/// A text in quotes, in which doubled quotes stand for themselves; and its length with the quotes.
fn quoted(rest: &str, quote: char) -> Option<(String, usize)> {
    let mut text = String::new();
    let mut characters = rest.char_indices().skip(1).peekable();
    while let Some((index, character)) = characters.next() {
        if character != quote {
            text.push(character);
        } else if characters.peek().is_some_and(|(_, next)| *next == quote) {
            characters.next();
            text.push(quote);
        } else {
            return Some((text, index + quote.len_utf8()));
        }
    }
    None
}

fn number(rest: &str) -> (Token, usize) {
    let bytes = rest.as_bytes();
    let digits = |from: usize| from + bytes[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let mut end = digits(0);
    if bytes.get(end) == Some(&b'.') && bytes.get(end + 1).is_some_and(u8::is_ascii_digit) {
        end = digits(end + 1);
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        let exponent = digits(end + 1 + sign);
        if exponent > end + 1 + sign {
            end = exponent;
        }
    }
    (Token::Number(rest[..end].to_owned()), end)
}
