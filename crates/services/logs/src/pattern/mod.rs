//! The filter patterns of CloudWatch Logs: which messages a search, a metric filter or a subscription means.
//!
//! Three languages share the name, told apart by their first character: terms (`ERROR -timeout`), conditions on JSON
//! (`{ $.level = "error" }`) and conditions on fields divided by spaces (`[ip, user, status = 4*]`). User guide of
//! CloudWatch Logs, "Filter pattern syntax".

mod terms;

use std::collections::BTreeMap;

use wire::Error;

use terms::Terms;

/// A filter pattern, ready to be used.
#[derive(Debug)]
pub struct Pattern(Kind);

#[derive(Debug)]
enum Kind {
    Terms(Terms),
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// `InvalidParameterException` with AWS's words.
    pub fn parse(text: &str) -> Result<Pattern, Error> {
        let text = text.trim();
        Ok(Pattern(Kind::Terms(Terms::parse(text)?)))
    }

    /// Whether the pattern matches a message.
    pub fn matches(&self, message: &str) -> bool {
        match &self.0 {
            Kind::Terms(terms) => terms.matches(message),
        }
    }

    /// What the pattern takes out of a message; `None` if it does not match.
    pub fn extract(&self, message: &str) -> Option<BTreeMap<String, String>> {
        self.matches(message).then(BTreeMap::new)
    }
}
