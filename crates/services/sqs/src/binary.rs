//! A compact form for rows: numbers of fixed width, texts with their length in front. Written by [`Output`], read back by
//! [`Input`], which refuses whatever does not fit.

/// A row being written.
#[derive(Default)]
pub struct Output(pub Vec<u8>);

impl Output {
    /// Adds one byte.
    pub fn byte(&mut self, value: u8) {
        self.0.push(value);
    }

    /// Adds a number.
    pub fn number(&mut self, value: u64) {
        self.0.extend(value.to_be_bytes());
    }

    /// Adds a signed number.
    pub fn signed(&mut self, value: i64) {
        self.0.extend(value.to_be_bytes());
    }

    /// Adds bytes with their length. Rows are shorter than 4 GiB by far.
    pub fn bytes(&mut self, value: &[u8]) {
        self.0.extend((value.len() as u32).to_be_bytes());
        self.0.extend(value);
    }

    /// Adds a text, or that there is none.
    pub fn optional(&mut self, value: Option<&str>) {
        self.byte(u8::from(value.is_some()));
        if let Some(value) = value {
            self.bytes(value.as_bytes());
        }
    }
}

/// A row being read. Every method answers `None` where the row ends too early or holds something else.
pub struct Input<'a>(pub &'a [u8]);

impl<'a> Input<'a> {
    /// Reads one byte.
    pub fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    /// Reads so many bytes.
    pub fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    /// Reads a number.
    pub fn number(&mut self) -> Option<u64> {
        Some(u64::from_be_bytes(self.take(8)?.try_into().ok()?))
    }

    /// Reads a signed number.
    pub fn signed(&mut self) -> Option<i64> {
        Some(i64::from_be_bytes(self.take(8)?.try_into().ok()?))
    }

    /// Reads bytes with their length.
    pub fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = u32::from_be_bytes(self.take(4)?.try_into().ok()?);
        self.take(length as usize)
    }

    /// Reads a text.
    pub fn text(&mut self) -> Option<String> {
        String::from_utf8(self.bytes()?.to_vec()).ok()
    }

    /// Reads a text that may be absent.
    pub fn optional(&mut self) -> Option<Option<String>> {
        match self.byte()? {
            0 => Some(None),
            1 => self.text().map(Some),
            _ => None,
        }
    }
}
