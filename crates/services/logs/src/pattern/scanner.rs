//! Reading the parts that the languages share.

use regex::bytes::Regex;

use super::PatternError;
use super::regular;

/// Most regular expressions in one pattern. User guide of CloudWatch Logs, quotas of filter patterns.
const REGULAR_EXPRESSIONS_MAX: usize = 2;

/// A place in a pattern.
#[derive(Debug)]
pub struct Scanner<'a> {
    rest: &'a str,
    regular_expressions: usize,
}

impl<'a> Scanner<'a> {
    /// At the beginning of a text.
    pub fn new(text: &'a str) -> Scanner<'a> {
        Scanner { rest: text, regular_expressions: 0 }
    }

    /// What has not been read.
    pub fn rest(&self) -> &'a str {
        self.rest
    }

    /// The same scanner at an earlier place.
    pub fn back_to(&self, rest: &'a str) -> Scanner<'a> {
        Scanner { rest, regular_expressions: self.regular_expressions }
    }

    /// Skips white space; returns whether the end is reached.
    pub fn at_end(&mut self) -> bool {
        self.rest = self.rest.trim_start();
        self.rest.is_empty()
    }

    /// Reads a mark, if it is next, with white space in front.
    pub fn take(&mut self, mark: &str) -> bool {
        self.rest = self.rest.trim_start();
        self.take_here(mark)
    }

    /// Reads a mark, if it is next, without white space in front.
    pub fn take_here(&mut self, mark: &str) -> bool {
        match self.rest.strip_prefix(mark) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// Reads a mark that has to be next.
    pub fn expect(&mut self, mark: &str) -> Result<(), PatternError> {
        if self.take(mark) { Ok(()) } else { Err(PatternError::Invalid) }
    }

    /// Reads characters as long as they are of a kind; at least one.
    pub fn word(&mut self, is_part: impl Fn(char) -> bool) -> Result<&'a str, PatternError> {
        let end = self.rest.find(|character| !is_part(character)).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        if word.is_empty() {
            return Err(PatternError::Invalid);
        }
        self.rest = rest;
        Ok(word)
    }

    /// Reads a text up to the closing mark, whose opening one has been read. A backslash keeps the next character.
    pub fn quoted(&mut self, close: char) -> Result<String, PatternError> {
        let mut text = String::new();
        let mut characters = self.rest.char_indices();
        while let Some((at, character)) = characters.next() {
            if character == close {
                self.rest = &self.rest[at + close.len_utf8()..];
                return Ok(text);
            }
            match character {
                '\\' => text.push(characters.next().ok_or(PatternError::Invalid)?.1),
                other => text.push(other),
            }
        }
        Err(PatternError::Invalid)
    }

    /// Reads a regular expression up to the closing `%`, the opening one having been read.
    pub fn regular_expression(&mut self) -> Result<Regex, PatternError> {
        let mut escaped = false;
        let end = self.rest.find(|character| {
            let ends = character == '%' && !escaped;
            escaped = character == '\\' && !escaped;
            ends
        });
        let end = end.ok_or(PatternError::Invalid)?;
        let (expression, rest) = self.rest.split_at(end);
        self.rest = &rest[1..];
        self.regular_expressions += 1;
        if self.regular_expressions > REGULAR_EXPRESSIONS_MAX {
            return Err(PatternError::Invalid);
        }
        regular::compile(expression)
    }
}
