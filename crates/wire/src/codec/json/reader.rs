//! Reading JSON.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;

use super::NESTING_LIMIT;
use super::scan::plain_length;
use super::wording::{Found, Wording};
use crate::codec::{ReadError, ReadResult, Reader, text};
use crate::schema::{Location, Member, Shape};
use crate::timestamp::Timestamp;

/// Pulls values out of a JSON text.
pub struct JsonReader<'a> {
    text: &'a str,
    /// Byte offset of what is read next; always at a character boundary.
    position: usize,
    depth: usize,
    wording: Wording,
    /// The root is a REST document: its structure has members that travel elsewhere.
    rest_root: bool,
}

fn malformed() -> ReadError {
    // AWS sends no text with a document that is not JSON.
    ReadError::new("")
}

impl<'a> JsonReader<'a> {
    /// A reader of a whole document. A document of nothing but blanks counts as `{}`.
    pub fn new(document: &'a [u8], wording: Wording) -> ReadResult<JsonReader<'a>> {
        let text = std::str::from_utf8(document).map_err(|_| malformed())?;
        let text = if text.trim_ascii().is_empty() { "{}" } else { text };
        Ok(JsonReader { text, position: 0, depth: 0, wording, rest_root: false })
    }

    /// The document of a REST operation: members of the root structure that travel in headers, path or query are not
    /// looked for in it.
    pub fn for_rest(document: &'a [u8]) -> ReadResult<JsonReader<'a>> {
        Ok(JsonReader { rest_root: true, ..JsonReader::new(document, Wording::Class)? })
    }

    /// Checks that nothing follows the value that was read.
    pub fn finish(&mut self) -> ReadResult<()> {
        self.skip_blanks();
        if self.position == self.text.len() { Ok(()) } else { Err(malformed()) }
    }

    fn skip_blanks(&mut self) {
        let bytes = self.text.as_bytes();
        while let Some(b' ' | b'\n' | b'\t' | b'\r') = bytes.get(self.position) {
            self.position += 1;
        }
    }

    /// The next byte that is not blank, without taking it.
    fn peek(&mut self) -> ReadResult<u8> {
        self.skip_blanks();
        self.text.as_bytes().get(self.position).copied().ok_or_else(malformed)
    }

    fn take(&mut self, byte: u8) -> ReadResult<()> {
        if self.peek()? != byte {
            return Err(malformed());
        }
        self.position += 1;
        Ok(())
    }

    fn rest(&self) -> &'a str {
        &self.text[self.position..]
    }

    fn take_word(&mut self, word: &str) -> bool {
        let found = self.rest().starts_with(word);
        self.position += if found { word.len() } else { 0 };
        found
    }

    /// What kind of value comes next, without taking it.
    fn found(&mut self) -> Found {
        match self.peek() {
            Ok(b'"') => Found::String,
            Ok(b't') => Found::True,
            Ok(b'f') => Found::False,
            Ok(b'[') => Found::List,
            Ok(b'{') => Found::Object,
            Ok(b'-' | b'0'..=b'9') => {
                let mut ahead = JsonReader { ..*self };
                match ahead.number() {
                    Ok(number) if number.contains('.') => Found::Decimal,
                    Ok(_) => Found::Number,
                    Err(_) => Found::Nothing,
                }
            }
            _ => Found::Nothing,
        }
    }

    fn enter(&mut self) -> ReadResult<()> {
        self.position += 1;
        self.depth += 1;
        if self.depth > NESTING_LIMIT { Err(malformed()) } else { Ok(()) }
    }

    /// After an element: takes a comma and goes on, or the closing byte and ends.
    fn more(&mut self, close: u8) -> ReadResult<bool> {
        let next = self.peek()?;
        self.position += 1;
        if next == b',' {
            Ok(true)
        } else if next == close {
            self.depth -= 1;
            Ok(false)
        } else {
            Err(malformed())
        }
    }

    /// Takes the closing byte if the composite value just entered is empty.
    fn empty(&mut self, close: u8) -> ReadResult<bool> {
        let empty = self.peek()? == close;
        if empty {
            self.position += 1;
            self.depth -= 1;
        }
        Ok(empty)
    }

    /// A string, without copying it where it has no escapes.
    fn text(&mut self) -> ReadResult<Cow<'a, str>> {
        self.take(b'"')?;
        let rest = self.rest();
        let length = plain_length(rest.as_bytes());
        match rest.as_bytes().get(length) {
            Some(b'"') => {
                self.position += length + 1;
                Ok(Cow::Borrowed(&rest[..length]))
            }
            Some(b'\\') => self.escaped_text().map(Cow::Owned),
            _ => Err(malformed()),
        }
    }

    /// The rest of a string that has an escape.
    fn escaped_text(&mut self) -> ReadResult<String> {
        let mut out = String::new();
        loop {
            let rest = self.rest();
            let length = plain_length(rest.as_bytes());
            out.push_str(&rest[..length]);
            self.position += length + 1;
            match rest.as_bytes().get(length) {
                Some(b'"') => return Ok(out),
                Some(b'\\') => out.push(self.escape()?),
                _ => return Err(malformed()),
            }
        }
    }

    /// What follows a backslash.
    fn escape(&mut self) -> ReadResult<char> {
        let escape = *self.text.as_bytes().get(self.position).ok_or_else(malformed)?;
        if !escape.is_ascii() {
            return Err(malformed());
        }
        self.position += 1;
        Ok(match escape {
            b'"' | b'\\' | b'/' => char::from(escape),
            b'n' => '\n',
            b't' => '\t',
            b'r' => '\r',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'u' => return self.unicode_escape(),
            _ => return Err(malformed()),
        })
    }

    /// `XXXX` after `\u`, with the second half of a surrogate pair. A lone half becomes U+FFFD.
    fn unicode_escape(&mut self) -> ReadResult<char> {
        let unit = self.hexadecimal()?;
        if !(0xd800..0xdc00).contains(&unit) {
            return Ok(char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        let after_high = self.position;
        if self.take_word("\\u") {
            let low = self.hexadecimal()?;
            if (0xdc00..0xe000).contains(&low) {
                let code = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
                return Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            self.position = after_high;
        }
        Ok(char::REPLACEMENT_CHARACTER)
    }

    fn hexadecimal(&mut self) -> ReadResult<u32> {
        let digits = self.text.as_bytes().get(self.position..self.position + 4).ok_or_else(malformed)?;
        let mut value = 0;
        for digit in digits {
            value = value * 16 + char::from(*digit).to_digit(16).ok_or_else(malformed)?;
        }
        self.position += 4;
        Ok(value)
    }

    /// A number's text, checked against JSON's grammar.
    fn number(&mut self) -> ReadResult<&'a str> {
        let rest = self.rest();
        let bytes = rest.as_bytes();
        let digits = |from: usize| bytes[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        let mut end = usize::from(bytes.first() == Some(&b'-'));
        let whole = digits(end);
        if whole == 0 || (whole > 1 && bytes[end] == b'0') {
            return Err(malformed());
        }
        end += whole;
        if bytes.get(end) == Some(&b'.') {
            let fraction = digits(end + 1);
            end += 1 + fraction;
            if fraction == 0 {
                return Err(malformed());
            }
        }
        if let Some(b'e' | b'E') = bytes.get(end) {
            let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
            let exponent = digits(end + 1 + sign);
            end += 1 + sign + exponent;
            if exponent == 0 {
                return Err(malformed());
            }
        }
        self.position += end;
        Ok(&rest[..end])
    }

    /// Passes over one value of any kind, checking its form.
    fn skip(&mut self) -> ReadResult<()> {
        match self.peek()? {
            b'"' => self.text().map(drop),
            b'{' => {
                self.enter()?;
                let mut more = !self.empty(b'}')?;
                while more {
                    self.text()?;
                    self.take(b':')?;
                    self.skip()?;
                    more = self.more(b'}')?;
                }
                Ok(())
            }
            b'[' => {
                self.enter()?;
                let mut more = !self.empty(b']')?;
                while more {
                    self.skip()?;
                    more = self.more(b']')?;
                }
                Ok(())
            }
            b'-' | b'0'..=b'9' => self.number().map(drop),
            _ if self.take_word("true") || self.take_word("false") || self.take_word("null") => Ok(()),
            _ => Err(malformed()),
        }
    }

    /// Takes a `null` if one is next.
    fn null(&mut self) -> ReadResult<bool> {
        // Nearly nothing is null: one byte tells.
        Ok(self.peek()? == b'n' && self.take_word("null"))
    }
}

/// The member of that wire name. Documents mostly have their members in the model's order, so the search begins where
/// the last one ended.
fn find(members: &'static [Member], name: &str, from: usize, rest_root: bool) -> Option<usize> {
    let matches = |index: &usize| {
        let member = &members[*index];
        member.wire_name() == name && (!rest_root || member.location == Location::Body)
    };
    let from = from.min(members.len());
    (from..members.len()).find(matches).or_else(|| (0..from).find(matches))
}

impl Reader for JsonReader<'_> {
    fn structure(
        &mut self,
        shape: &'static Shape,
        each: &mut dyn FnMut(usize, &mut dyn Reader) -> ReadResult<()>,
    ) -> ReadResult<()> {
        if self.peek()? != b'{' {
            return Err(self.wording.structure(self.found(), shape));
        }
        let rest_root = std::mem::take(&mut self.rest_root);
        self.enter()?;
        if self.empty(b'}')? {
            return Ok(());
        }
        let members = shape.members();
        let mut next = 0;
        loop {
            let name = self.text()?;
            self.take(b':')?;
            match find(members, &name, next, rest_root) {
                Some(index) => {
                    next = index + 1;
                    if !self.null()? {
                        each(index, self)?;
                    }
                }
                None => self.skip()?,
            }
            if !self.more(b'}')? {
                return Ok(());
            }
        }
    }

    fn list(&mut self, _: &'static Member, each: &mut dyn FnMut(&mut dyn Reader) -> ReadResult<()>) -> ReadResult<()> {
        if self.peek()? != b'[' {
            return Err(self.wording.list(self.found()));
        }
        self.enter()?;
        if self.empty(b']')? {
            return Ok(());
        }
        loop {
            if !self.null()? {
                each(self)?;
            }
            if !self.more(b']')? {
                return Ok(());
            }
        }
    }

    fn map(
        &mut self,
        _: &'static Member,
        each: &mut dyn FnMut(String, &mut dyn Reader) -> ReadResult<()>,
    ) -> ReadResult<()> {
        if self.peek()? != b'{' {
            return Err(self.wording.map(self.found()));
        }
        self.enter()?;
        if self.empty(b'}')? {
            return Ok(());
        }
        loop {
            let key = self.text()?;
            self.take(b':')?;
            if !self.null()? {
                each(key.into_owned(), self)?;
            }
            if !self.more(b'}')? {
                return Ok(());
            }
        }
    }

    fn string(&mut self, at: &'static Member) -> ReadResult<String> {
        if self.peek()? != b'"' {
            return Err(self.wording.scalar(at, self.found()));
        }
        self.text().map(Cow::into_owned)
    }

    /// Decimals are truncated, as AWS does; a value too large for the shape is refused.
    fn integer(&mut self, at: &'static Member) -> ReadResult<i64> {
        if !matches!(self.peek()?, b'-' | b'0'..=b'9') {
            return Err(self.wording.scalar(at, self.found()));
        }
        let number = self.number()?;
        let value = match number.parse() {
            Ok(value) => Some(value),
            Err(_) => number.parse::<f64>().ok().filter(|value| value.abs() < 9.2e18).map(|value| value as i64),
        };
        match value {
            Some(value) if text::fits(at, value) => Ok(value),
            _ => Err(self.wording.scalar(at, Found::Number)),
        }
    }

    fn float(&mut self, at: &'static Member) -> ReadResult<f64> {
        match self.peek()? {
            b'"' => {
                let found = self.found();
                let special = self.text()?;
                match &*special {
                    "NaN" | "Infinity" | "-Infinity" => {
                        text::parse_float(&special).ok_or_else(|| self.wording.scalar(at, found))
                    }
                    _ => Err(self.wording.scalar(at, found)),
                }
            }
            b'-' | b'0'..=b'9' => self.number()?.parse().map_err(|_| malformed()),
            _ => Err(self.wording.scalar(at, self.found())),
        }
    }

    fn boolean(&mut self, at: &'static Member) -> ReadResult<bool> {
        self.peek()?;
        if self.take_word("true") {
            Ok(true)
        } else if self.take_word("false") {
            Ok(false)
        } else {
            Err(self.wording.scalar(at, self.found()))
        }
    }

    fn blob(&mut self, at: &'static Member) -> ReadResult<Bytes> {
        if self.peek()? != b'"' {
            return Err(self.wording.blob(self.found()));
        }
        let text = self.text()?;
        BASE64.decode(&*text).map(Bytes::from).map_err(|_| self.wording.base64(&text, at.shape.sensitive))
    }

    fn timestamp(&mut self, at: &'static Member) -> ReadResult<Timestamp> {
        let parsed = match self.peek()? {
            b'"' => {
                let text = self.text()?;
                Timestamp::parse(&text)
            }
            b'-' | b'0'..=b'9' => Timestamp::parse(self.number()?),
            _ => return Err(self.wording.scalar(at, self.found())),
        };
        parsed.ok_or_else(|| self.wording.scalar(at, Found::String))
    }

    fn document(&mut self, _: &'static Member) -> ReadResult<serde_json::Value> {
        self.skip_blanks();
        let start = self.position;
        // Skipping first bounds the nesting and finds the end.
        self.skip()?;
        serde_json::from_str(&self.text[start..self.position]).map_err(|_| malformed())
    }
}
