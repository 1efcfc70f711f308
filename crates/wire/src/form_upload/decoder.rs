//! `multipart/form-data` (RFC 7578) as it arrives, in pieces of any size. What comes before the file is kept, and bounded;
//! the file is handed on as it comes.

use bytes::{Buf, Bytes, BytesMut};
use memchr::memmem;

/// Most bytes before the file (S3 API Reference, "POST Object": 20 KB).
const HEAD_BYTES_MAX: usize = 20 * 1024;

/// Longest boundary, in bytes (RFC 2046, section 5.1.1).
const BOUNDARY_BYTES_MAX: usize = 70;

/// The field that carries the file; what comes after it is not read.
const FILE: &str = "file";

/// Why a form cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FormError {
    /// It is no well-formed `multipart/form-data`.
    #[error("the form is not well-formed multipart/form-data")]
    Malformed,
    /// The fields before the file are too large.
    #[error("the fields before the file are too large")]
    TooLarge,
    /// It has no file.
    #[error("the form has no file")]
    NoFile,
}

/// A field of a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormField {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// All that comes before the content of the file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Head {
    /// The fields, in their order.
    pub fields: Vec<FormField>,
    /// The name of the file, without a path; empty if it has none.
    pub file_name: String,
    /// `Content-Type` of the file, if the browser gave one.
    pub file_type: Option<String>,
}

/// Where in the form the decoder is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Before a boundary.
    Boundary,
    /// Behind one.
    BehindBoundary,
    /// In the headers of a part.
    Headers,
    /// In the file.
    File,
    /// Behind the file.
    Done,
}

/// A form being read.
#[derive(Debug)]
pub struct FormDecoder {
    /// What ends a part.
    delimiter: Vec<u8>,
    buffer: BytesMut,
    state: State,
    head: Head,
    /// The name of the field whose value comes next; `None` before the first boundary.
    open: Option<String>,
    taken: usize,
}

impl FormDecoder {
    /// A decoder for the boundary that a `Content-Type` header names.
    ///
    /// # Errors
    /// [`FormError::Malformed`].
    pub fn new(content_type: &str) -> Result<FormDecoder, FormError> {
        let parameters = content_type.split(';').skip(1).map(str::trim);
        let boundary = parameters
            .filter_map(|parameter| parameter.split_once('='))
            .find(|(name, _)| name.trim().eq_ignore_ascii_case("boundary"))
            .map(|(_, value)| value.trim().trim_matches('"'))
            .filter(|boundary| (1..=BOUNDARY_BYTES_MAX).contains(&boundary.len()))
            .ok_or(FormError::Malformed)?;
        Ok(FormDecoder {
            delimiter: format!("\r\n--{boundary}").into_bytes(),
            // The first boundary may have no line break before it.
            buffer: BytesMut::from(&b"\r\n"[..]),
            state: State::Boundary,
            head: Head::default(),
            open: None,
            taken: 0,
        })
    }

    /// Takes in what has arrived.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// All that comes before the file, once it is here: `None` asks for more. It is given once.
    ///
    /// # Errors
    /// [`FormError`].
    pub fn head(&mut self) -> Result<Option<Head>, FormError> {
        // Each step takes something from the buffer, or asks for more.
        loop {
            let is_ready = match self.state {
                State::Boundary => self.value()?,
                State::BehindBoundary => self.behind_boundary()?,
                State::Headers => self.headers()?,
                State::File | State::Done => return Ok(Some(std::mem::take(&mut self.head))),
            };
            if self.taken + self.buffer.len().min(HEAD_BYTES_MAX + 1) > HEAD_BYTES_MAX && self.state != State::File {
                return Err(FormError::TooLarge);
            }
            if !is_ready {
                return Ok(None);
            }
        }
    }

    /// The next piece of the file. `None` asks for more, unless [`FormDecoder::is_done`].
    pub fn file(&mut self) -> Option<Bytes> {
        if self.state != State::File {
            return None;
        }
        if let Some(end) = memmem::find(&self.buffer, &self.delimiter) {
            self.state = State::Done;
            let last = self.buffer.split_to(end).freeze();
            self.buffer.clear();
            return Some(last).filter(|last| !last.is_empty());
        }
        // The end may be the beginning of a delimiter.
        let safe = self.buffer.len().saturating_sub(self.delimiter.len() - 1);
        (safe > 0).then(|| self.buffer.split_to(safe).freeze())
    }

    /// Whether the file has come to its end.
    pub fn is_done(&self) -> bool {
        self.state == State::Done
    }

    fn take(&mut self, bytes: usize) -> BytesMut {
        self.taken += bytes;
        self.buffer.split_to(bytes)
    }

    /// What comes before a boundary: the value of a field, or what comes before the first part.
    fn value(&mut self) -> Result<bool, FormError> {
        let Some(end) = memmem::find(&self.buffer, &self.delimiter) else { return Ok(false) };
        let value = self.take(end);
        self.take(self.delimiter.len());
        if let Some(name) = self.open.take() {
            let value = String::from_utf8(value.to_vec()).map_err(|_| FormError::Malformed)?;
            self.head.fields.push(FormField { name, value });
        }
        self.state = State::BehindBoundary;
        Ok(true)
    }

    fn behind_boundary(&mut self) -> Result<bool, FormError> {
        match self.buffer.get(..2) {
            None => return Ok(false),
            Some(b"\r\n") => {}
            Some(b"--") => return Err(FormError::NoFile),
            Some(_) => return Err(FormError::Malformed),
        }
        self.take(2);
        self.state = State::Headers;
        Ok(true)
    }

    fn headers(&mut self) -> Result<bool, FormError> {
        let Some(end) = memmem::find(&self.buffer, b"\r\n\r\n") else { return Ok(false) };
        let mut headers = self.take(end + 4);
        headers.truncate(end);
        let headers = std::str::from_utf8(headers.chunk()).map_err(|_| FormError::Malformed)?;
        let value_of = |wanted: &str| {
            let mut pairs = headers.split("\r\n").filter_map(|line| line.split_once(':'));
            pairs.find(|(name, _)| name.trim().eq_ignore_ascii_case(wanted)).map(|(_, value)| value.trim())
        };
        let disposition = value_of("content-disposition").ok_or(FormError::Malformed)?;
        let name = parameter(disposition, "name").ok_or(FormError::Malformed)?;
        if name.eq_ignore_ascii_case(FILE) {
            let path = parameter(disposition, "filename").unwrap_or_default();
            self.head.file_name = path.rsplit(['/', '\\']).next().unwrap_or_default().to_owned();
            self.head.file_type = value_of("content-type").map(str::to_owned);
            self.state = State::File;
        } else {
            self.open = Some(name);
            self.state = State::Boundary;
            // An empty value has only the line break that belongs to the delimiter.
            self.unread_line_break();
        }
        Ok(true)
    }

    /// Puts back the line break that ended the headers when the next boundary follows at once.
    fn unread_line_break(&mut self) {
        if self.buffer.starts_with(&self.delimiter[2..]) {
            let rest = self.buffer.split();
            self.buffer.extend_from_slice(b"\r\n");
            self.buffer.extend_from_slice(&rest);
        }
    }
}

/// A parameter of `Content-Disposition`: `name="value"`, in which a backslash before a quote is none of the value's.
fn parameter(disposition: &str, wanted: &str) -> Option<String> {
    let mut rest = disposition.split_once(';')?.1;
    // Each round takes one parameter.
    loop {
        let (name, value) = rest.split_once('=')?;
        let (value, behind) = match value.trim_start().strip_prefix('"') {
            Some(quoted) => quoted_value(quoted)?,
            None => {
                let (value, behind) = value.split_once(';').unwrap_or((value, ""));
                (value.trim().to_owned(), behind)
            }
        };
        if name.trim().eq_ignore_ascii_case(wanted) {
            return Some(value);
        }
        rest = behind.trim_start().strip_prefix(';').unwrap_or(behind);
    }
}

/// A text up to its closing quote, and what comes behind that.
fn quoted_value(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((value, &text[at + 1..])),
            '\\' if text[at + 1..].starts_with('"') => {
                value.push('"');
                characters.next();
            }
            other => value.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TYPE: &str = "multipart/form-data; boundary=\"XX\"";

    fn form(parts: &[(&str, &str)]) -> Vec<u8> {
        let parts: Vec<String> = parts
            .iter()
            .map(|(disposition, value)| {
                format!("--XX\r\nContent-Disposition: form-data; {disposition}\r\n\r\n{value}\r\n")
            })
            .collect();
        (parts.concat() + "--XX--\r\n").into_bytes()
    }

    /// Reads a form that comes in pieces of this size.
    fn read(form: &[u8], size: usize) -> Result<(Head, Vec<u8>), FormError> {
        let mut decoder = FormDecoder::new(TYPE)?;
        let (mut head, mut file) = (None, Vec::new());
        for piece in form.chunks(size.max(1)) {
            decoder.feed(piece);
            if head.is_none() {
                head = decoder.head()?;
            }
            while let Some(bytes) = decoder.file() {
                file.extend_from_slice(&bytes);
            }
        }
        match head {
            Some(head) if decoder.is_done() => Ok((head, file)),
            _ => Err(FormError::Malformed),
        }
    }

    #[test]
    fn fields_come_before_the_file_and_what_follows_is_not_read() {
        let form = form(&[
            ("name=\"key\"", "a/${filename}"),
            ("name=\"empty\"", ""),
            (
                "name=\"FILE\"; filename=\"C:\\\\dir\\\\a \\\"b\\\".txt\"\r\nContent-Type: text/plain",
                "--X\r\n--Xhello\r\n",
            ),
            ("name=\"later\"", "x"),
        ]);
        for size in [1, 2, 3, 7, 10_000] {
            let (head, file) = read(&form, size).unwrap();
            assert_eq!(file, b"--X\r\n--Xhello\r\n");
            assert_eq!(super::super::field(&head.fields, "KEY"), Some("a/${filename}"));
            assert_eq!(super::super::field(&head.fields, "empty"), Some(""));
            assert_eq!((head.fields.len(), head.file_name.as_str()), (2, "a \"b\".txt"));
            assert_eq!(head.file_type.as_deref(), Some("text/plain"));
        }
    }

    #[test]
    fn forms_without_a_file_or_with_too_much_before_it_are_refused() {
        assert_eq!(read(&form(&[("name=\"key\"", "k")]), 10), Err(FormError::NoFile));
        let long = "x".repeat(HEAD_BYTES_MAX);
        assert_eq!(read(&form(&[("name=\"key\"", &long), ("name=\"file\"", "y")]), 100), Err(FormError::TooLarge));
        assert_eq!(read(&form(&[("noname", "k")]), 10), Err(FormError::Malformed));
        for content_type in ["multipart/form-data", "multipart/form-data; boundary=", "text/plain"] {
            assert!(FormDecoder::new(content_type).is_err(), "{content_type}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes: Vec<u8>, size in 1_usize..50) {
            let _ = read(&bytes, size);
        }

        #[test]
        fn a_file_comes_out_as_it_went_in(content in "[ -~\r\n]{0,300}", size in 1_usize..400) {
            prop_assume!(!content.contains("\r\n--XX") && !content.starts_with("--XX"));
            let (_, file) = read(&form(&[("name=\"file\"", &content)]), size).unwrap();
            prop_assert_eq!(file, content.as_bytes());
        }
    }
}
