//! Why a text is no pattern.

use std::fmt;

/// Longest part of the source that a text quotes, in characters.
const QUOTED_CHARACTERS_MAX: usize = 500;

/// Why a text is no pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed {
    /// What is wrong, without the place.
    pub reason: String,
    /// Where, as AWS counts: line and column, from 1.
    pub line: usize,
    /// See [`Malformed::line`].
    pub column: usize,
    /// What is quoted of the source; empty if no place is named.
    source: String,
}

impl Malformed {
    /// Something is wrong in `source` in front of the byte at `position`.
    pub(crate) fn new(reason: impl Into<String>, source: &str, position: usize) -> Malformed {
        let before = &source[..position];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line = before.matches('\n').count() + 1;
        let column = before[line_start..].encode_utf16().count() + 1;
        let mut quoted: String = source.chars().take(QUOTED_CHARACTERS_MAX).collect();
        let left = source.chars().count().saturating_sub(QUOTED_CHARACTERS_MAX);
        quoted.push('"');
        if left > 0 {
            quoted.push_str(&format!("[truncated {left} chars]"));
        }
        Malformed { reason: reason.into(), line, column, source: quoted }
    }

    /// A pattern that is well-formed, and of which AWS names no place.
    pub(crate) fn nowhere(reason: impl Into<String>) -> Malformed {
        Malformed { reason: reason.into(), line: 1, column: 1, source: String::new() }
    }
}

/// The text that AWS answers behind its own introduction.
impl fmt::Display for Malformed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Malformed { reason, line, column, source } = self;
        if source.is_empty() {
            return formatter.write_str(reason);
        }
        write!(formatter, "{reason}\n at [Source: (String)\"{source}; line: {line}, column: {column}]")
    }
}

impl std::error::Error for Malformed {}
