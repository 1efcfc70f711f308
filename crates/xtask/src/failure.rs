//! What went wrong, in one line for the person at the terminal.

use std::fmt;
use std::path::Path;

/// Result of a command or a part of it.
pub type Outcome<T> = Result<T, Failure>;

/// A failure in words.
#[derive(Debug)]
pub struct Failure(String);

impl Failure {
    /// A failure that the text explains by itself.
    pub fn new(text: impl Into<String>) -> Failure {
        Failure(text.into())
    }

    /// A failure with a file or folder.
    pub fn file(path: &Path, error: impl fmt::Display) -> Failure {
        Failure(format!("{}: {error}", path.display()))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}
