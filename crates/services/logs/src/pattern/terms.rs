//! Patterns of terms: `ERROR "exact phrase" -excluded ?optional`.

use wire::Error;

#[derive(Debug)]
pub struct Terms(Vec<String>);

impl Terms {
    pub fn parse(text: &str) -> Result<Terms, Error> {
        Ok(Terms(text.split_whitespace().map(str::to_owned).collect()))
    }

    pub fn matches(&self, message: &str) -> bool {
        self.0.iter().all(|term| message.contains(term.as_str()))
    }
}
