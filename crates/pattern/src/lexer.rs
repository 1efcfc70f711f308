//! JSON, token by token, with the places that AWS's error texts name: those where its own reader stands when it gives up.
//! That reader looks at a string's content only when it needs it, so a string that is merely of the wrong type is
//! reported behind its opening quote.

use serde_json::{Number, Value};

use crate::malformed::Malformed;

/// What ends a number, `true`, `false` or `null`.
const SCALAR_ENDS: [char; 7] = [',', ']', '}', ' ', '\t', '\r', '\n'];

/// A token.
#[derive(Debug, Clone, PartialEq)]
pub enum Token {
    /// `{`
    ObjectStart,
    /// `}`
    ObjectEnd,
    /// `[`
    ArrayStart,
    /// `]`
    ArrayEnd,
    /// A field's name, with its colon.
    Name(String),
    /// A text.
    Text(String),
    /// A number.
    Number(Number),
    /// `true` or `false`.
    Boolean(bool),
    /// `null`.
    Null,
}

/// Reads tokens.
pub struct Lexer<'s> {
    source: &'s str,
    position: usize,
    /// Where the reader stands before it looks at the last token's content.
    lazy: usize,
    /// What surrounds the next token: `{` or `[`, innermost last, and whether something stands in front of it there.
    open: Vec<(u8, bool)>,
    /// A name was read and its value is next.
    named: bool,
}

impl<'s> Lexer<'s> {
    /// At the first token.
    pub fn new(source: &'s str) -> Lexer<'s> {
        Lexer { source, position: 0, lazy: 0, open: Vec::new(), named: false }
    }

    /// An error at the last token, whose content nobody has looked at.
    pub fn unseen(&self, reason: impl Into<String>) -> Malformed {
        Malformed::new(reason, self.source, self.lazy)
    }

    /// An error behind the last token.
    pub fn seen(&self, reason: impl Into<String>) -> Malformed {
        Malformed::new(reason, self.source, self.position)
    }

    /// The next token.
    ///
    /// # Errors
    /// [`Malformed`] where the text is no JSON.
    pub fn next(&mut self) -> Result<Token, Malformed> {
        self.skip_blanks();
        if self.named {
            self.named = false;
            return self.value();
        }
        let Some((bracket, filled)) = self.open.last().copied() else { return self.value() };
        let end = if bracket == b'{' { b'}' } else { b']' };
        if self.peek() == Some(end) {
            self.advance();
            self.open.pop();
            return Ok(if end == b'}' { Token::ObjectEnd } else { Token::ArrayEnd });
        }
        if filled {
            if self.peek() != Some(b',') {
                let what = if bracket == b'{' { "Object" } else { "Array" };
                return Err(self.unexpected(&format!("was expecting comma to separate {what} entries")));
            }
            self.advance();
            self.skip_blanks();
        }
        if let Some(open) = self.open.last_mut() {
            open.1 = true;
        }
        if bracket == b'{' { self.name() } else { self.value() }
    }

    /// Checks that nothing follows.
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn finish(&mut self) -> Result<(), Malformed> {
        self.skip_blanks();
        if self.peek().is_none() { Ok(()) } else { Err(self.unexpected("was expecting the end of the text")) }
    }

    fn name(&mut self) -> Result<Token, Malformed> {
        if self.peek() != Some(b'"') {
            return Err(self.unexpected("was expecting double-quote to start field name"));
        }
        let name = self.text()?;
        self.skip_blanks();
        if self.peek() != Some(b':') {
            return Err(self.unexpected("was expecting a colon to separate field name and value"));
        }
        self.advance();
        self.named = true;
        self.skip_blanks();
        // AWS's reader has begun to look at the value when it hands out the name.
        self.lazy = self.position + self.begun();
        Ok(Token::Name(name))
    }

    /// How much of the next value a reader has seen that only looks at what it has to: a bracket, an opening quote, or all
    /// of another scalar.
    fn begun(&self) -> usize {
        let rest = &self.source[self.position..];
        match rest.as_bytes().first() {
            Some(b'{' | b'[' | b'"') => 1,
            _ => rest.find(SCALAR_ENDS).unwrap_or(rest.len()),
        }
    }

    fn value(&mut self) -> Result<Token, Malformed> {
        match self.peek() {
            Some(bracket @ (b'{' | b'[')) => {
                self.advance();
                self.open.push((bracket, false));
                Ok(if bracket == b'{' { Token::ObjectStart } else { Token::ArrayStart })
            }
            Some(b'"') => {
                let lazy = self.position + 1;
                let text = self.text()?;
                self.lazy = lazy;
                Ok(Token::Text(text))
            }
            Some(_) => self.scalar(),
            None => Err(self.seen("Unexpected end-of-input")),
        }
    }

    /// A number, `true`, `false` or `null`.
    fn scalar(&mut self) -> Result<Token, Malformed> {
        let rest = &self.source[self.position..];
        let length = rest.find(SCALAR_ENDS).unwrap_or(rest.len());
        let word = &rest[..length];
        let token = match serde_json::from_str(word) {
            Ok(Value::Number(number)) => Token::Number(number),
            Ok(Value::Bool(value)) => Token::Boolean(value),
            Ok(Value::Null) => Token::Null,
            _ if length == 0 => return Err(self.unexpected("expected a value")),
            _ => {
                let expected = "was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')";
                self.position += length;
                return Err(self.seen(format!("Unrecognized token '{word}': {expected}")));
            }
        };
        self.position += length;
        self.lazy = self.position;
        Ok(token)
    }

    /// A string, from its opening quote to its closing one.
    fn text(&mut self) -> Result<String, Malformed> {
        let start = self.position;
        let bytes = self.source.as_bytes();
        let mut end = start + 1;
        // Ends at the closing quote or at the end of the text.
        while bytes.get(end).is_some_and(|byte| *byte != b'"') {
            end += if bytes[end] == b'\\' { 2 } else { 1 };
        }
        self.position = (end + 1).min(bytes.len());
        let text = self.source.get(start..=end).and_then(|quoted| serde_json::from_str(quoted).ok());
        // A broken escape may end within a character; the place is then that of the string's start.
        if !self.source.is_char_boundary(self.position) {
            self.position = start;
        }
        self.lazy = self.position;
        text.ok_or_else(|| self.seen("Unexpected end-of-input or illegal character in a string value"))
    }

    fn unexpected(&self, expected: &str) -> Malformed {
        match self.source[self.position..].chars().next() {
            Some(character) => {
                let reason =
                    format!("Unexpected character ('{character}' (code {})): {expected}", u32::from(character));
                Malformed::new(reason, self.source, self.position + character.len_utf8())
            }
            None => self.seen(format!("Unexpected end-of-input: {expected}")),
        }
    }

    fn peek(&self) -> Option<u8> {
        self.source.as_bytes().get(self.position).copied()
    }

    fn advance(&mut self) {
        self.position += 1;
        self.lazy = self.position;
    }

    fn skip_blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.position += 1;
        }
    }
}
