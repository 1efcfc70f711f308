//! Expressions as tokens.

use std::ops::Range;

/// One token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Token<'a> {
    /// A letter, then letters, digits and underscores: an attribute, a function, a keyword.
    Name(&'a str),
    /// `#` and what follows.
    NameRef(&'a str),
    /// `:` and what follows.
    ValueRef(&'a str),
    /// Digits.
    Digits(&'a str),
    /// An operator, a parenthesis, or a character that means nothing.
    Symbol(&'a str),
    /// The end of the text.
    End,
}

impl<'a> Token<'a> {
    /// Whether it is this keyword, in any case.
    pub fn is_word(self, word: &str) -> bool {
        matches!(self, Token::Name(name) if name.eq_ignore_ascii_case(word))
    }

    /// Whether it is this symbol.
    pub fn is_symbol(self, symbol: &str) -> bool {
        self == Token::Symbol(symbol)
    }
}

/// The tokens of a text, with their places.
#[derive(Debug)]
pub struct Tokens<'a> {
    text: &'a str,
    tokens: Vec<(Token<'a>, Range<usize>)>,
    next: usize,
}

impl<'a> Tokens<'a> {
    /// Takes a text apart.
    pub fn new(text: &'a str) -> Tokens<'a> {
        let mut tokens = Vec::new();
        let mut position = 0;
        while let Some(start) = text[position..].find(|c| !is_blank(c)).map(|blanks| position + blanks) {
            let token = read(&text[start..]);
            let length = length(token);
            tokens.push((token, start..start + length));
            position = start + length;
        }
        tokens.push((Token::End, text.len()..text.len()));
        Tokens { text, tokens, next: 0 }
    }

    /// The next token, which stays.
    pub fn peek(&self) -> Token<'a> {
        self.tokens[self.next].0
    }

    /// The token behind the next one.
    pub fn peek_second(&self) -> Token<'a> {
        self.tokens.get(self.next + 1).map_or(Token::End, |(token, _)| *token)
    }

    /// Takes the next token; the end stays where it is.
    pub fn take(&mut self) -> Token<'a> {
        let token = self.peek();
        if token != Token::End {
            self.next += 1;
        }
        token
    }

    /// Takes the next token if it is this symbol.
    pub fn take_symbol(&mut self, symbol: &str) -> bool {
        let found = self.peek().is_symbol(symbol);
        self.next += usize::from(found);
        found
    }

    /// Takes the next token if it is this keyword.
    pub fn take_word(&mut self, word: &str) -> bool {
        let found = self.peek().is_word(word);
        self.next += usize::from(found);
        found
    }

    /// Where it stands, to come back with [`Tokens::rewind`].
    pub fn mark(&self) -> usize {
        self.next
    }

    /// Goes back to a mark.
    pub fn rewind(&mut self, mark: usize) {
        self.next = mark;
    }

    /// AWS's words for the next token not being what it should be: the token with its neighbours.
    pub fn syntax_error(&self) -> String {
        let (token, range) = &self.tokens[self.next];
        let shown = if *token == Token::End { "<EOF>" } else { &self.text[range.clone()] };
        let from = self.next.checked_sub(1).map_or(range.start, |before| self.tokens[before].1.start);
        let to = self.tokens.get(self.next + 1).map_or(range.end, |(_, behind)| behind.end.max(range.end));
        format!("Syntax error; token: \"{shown}\", near: \"{}\"", self.text[from..to].trim_end_matches(is_blank))
    }
}

fn is_blank(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\r' | '\n')
}

fn is_part(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// The token at the front of a text that does not begin with a blank.
fn read(text: &str) -> Token<'_> {
    let bytes = text.as_bytes();
    let parts = |from: usize| from + bytes[from..].iter().take_while(|byte| is_part(**byte)).count();
    match bytes[0] {
        first if first.is_ascii_alphabetic() => Token::Name(&text[..parts(0)]),
        first if first.is_ascii_digit() => {
            Token::Digits(&text[..bytes.iter().take_while(|b| b.is_ascii_digit()).count()])
        }
        b'#' if parts(1) > 1 => Token::NameRef(&text[..parts(1)]),
        b':' if parts(1) > 1 => Token::ValueRef(&text[..parts(1)]),
        b'<' | b'>' if bytes.get(1) == Some(&b'=') => Token::Symbol(&text[..2]),
        b'<' if bytes.get(1) == Some(&b'>') => Token::Symbol(&text[..2]),
        _ => Token::Symbol(&text[..text.chars().next().map_or(0, char::len_utf8)]),
    }
}

fn length(token: Token<'_>) -> usize {
    match token {
        Token::Name(text)
        | Token::NameRef(text)
        | Token::ValueRef(text)
        | Token::Digits(text)
        | Token::Symbol(text) => text.len(),
        Token::End => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error_at(text: &str, index: usize) -> String {
        let mut tokens = Tokens::new(text);
        tokens.rewind(index);
        tokens.syntax_error()
    }

    #[test]
    fn errors_show_the_token_with_its_neighbours_as_aws_does() {
        // Recorded in issue trackers: aws/aws-cdk 7591, localstack 2529, dazn-lambda-powertools 242 and 251.
        assert_eq!(error_at("ADD hits : incr", 2), r#"Syntax error; token: ":", near: "hits : incr""#);
        assert_eq!(error_at("set a=:b, updated =:c", 6), r#"Syntax error; token: "=", near: "updated =:c""#);
        assert_eq!(error_at("#as, #Context", 1), r##"Syntax error; token: ",", near: "#as, #Context""##);
        assert_eq!(error_at("INVALID SYNTAX HERE", 0), r#"Syntax error; token: "INVALID", near: "INVALID SYNTAX""#);
        assert_eq!(error_at("SET _123", 1), r#"Syntax error; token: "_", near: "SET _123""#);
        assert_eq!(error_at("SET a = ", 3), r#"Syntax error; token: "<EOF>", near: "=""#);
    }

    #[test]
    fn names_references_and_operators_are_told_apart() {
        let mut tokens = Tokens::new("a_1<=#1 <>:v[12].é");
        let mut all = Vec::new();
        while tokens.peek() != Token::End {
            all.push(tokens.take());
        }
        let symbol = Token::Symbol;
        let expected = [
            Token::Name("a_1"),
            symbol("<="),
            Token::NameRef("#1"),
            symbol("<>"),
            Token::ValueRef(":v"),
            symbol("["),
            Token::Digits("12"),
            symbol("]"),
            symbol("."),
            symbol("é"),
        ];
        assert_eq!(all, expected);
    }
}
