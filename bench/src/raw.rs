//! Every single time that was measured, kept in a file beside the figures made of them.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use crate::figures::Figures;

/// A file of lines: name, a tab, one time in microseconds.
pub struct Raw(File);

impl Raw {
    /// Begins the file anew.
    pub fn create(path: &Path) -> io::Result<Raw> {
        Ok(Raw(File::create(path)?))
    }

    /// Keeps the times of one measurement.
    pub fn keep(&mut self, name: &str, figures: &Figures) -> io::Result<()> {
        let lines: String = figures.microseconds().map(|time| format!("{name}\t{time}\n")).collect();
        self.0.write_all(lines.as_bytes())
    }
}
