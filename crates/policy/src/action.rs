//! The actions of a statement, sorted so that one is found without looking at all of them.

use crate::context::Context;
use crate::pattern::{Pattern, Syntax};

/// An action as requests name it, in lower case: actions are compared without regard to case.
#[derive(Debug, Clone)]
pub(crate) struct Action {
    text: String,
    colon: usize,
}

impl Action {
    pub(crate) fn new(text: &str) -> Action {
        let text = text.to_ascii_lowercase();
        let colon = text.find(':').unwrap_or(text.len());
        Action { text, colon }
    }

    fn service(&self) -> &str {
        &self.text[..self.colon]
    }

    fn name(&self) -> &str {
        self.text.get(self.colon + 1..).unwrap_or("")
    }
}

/// The actions of an `Action` or `NotAction` element.
#[derive(Debug, Clone)]
pub(crate) struct ActionSet {
    /// `NotAction`: all but these.
    negated: bool,
    /// `*` is one of them.
    all: bool,
    /// Sorted by service.
    services: Box<[ServiceActions]>,
}

/// The actions of one service, `*` for any.
#[derive(Debug, Clone)]
struct ServiceActions {
    service: Box<str>,
    /// Without wildcards, sorted.
    exact: Box<[Box<str>]>,
    patterns: Box<[Pattern]>,
}

/// Wildcards, and no variables: they have no place in actions.
const SYNTAX: Syntax = Syntax { wildcards: true, variables: false };

impl ActionSet {
    /// Compiles actions that were found well-formed: `*` or `vendor:name`.
    pub(crate) fn new(actions: &[&str], negated: bool) -> ActionSet {
        let mut all = false;
        let mut split: Vec<(String, String)> = Vec::with_capacity(actions.len());
        for action in actions {
            match action.to_ascii_lowercase().split_once(':') {
                Some((service, name)) => split.push((service.to_owned(), name.to_owned())),
                None => all = true,
            }
        }
        split.sort();
        split.dedup();
        let services = split.chunk_by(|(one, _), (other, _)| one == other).map(ServiceActions::new).collect();
        ActionSet { negated, all, services }
    }

    /// Whether the statement speaks of an action.
    pub(crate) fn covers(&self, action: &Action) -> bool {
        let listed = self.all || self.lists(action.service(), action.name()) || self.lists("*", action.name());
        listed != self.negated
    }

    fn lists(&self, service: &str, name: &str) -> bool {
        let place = self.services.binary_search_by(|actions| (*actions.service).cmp(service));
        place.is_ok_and(|place| self.services[place].list(name))
    }
}

impl ServiceActions {
    /// Of pairs of one service and a name, sorted and not empty.
    fn new(actions: &[(String, String)]) -> ServiceActions {
        let service = actions.first().map_or("", |(service, _)| service).into();
        let (patterns, exact): (Vec<&str>, Vec<&str>) =
            actions.iter().map(|(_, name)| name.as_str()).partition(|name| name.contains(['*', '?']));
        ServiceActions {
            service,
            exact: exact.into_iter().map(Into::into).collect(),
            patterns: patterns.into_iter().map(|name| Pattern::parse(name, SYNTAX)).collect(),
        }
    }

    fn list(&self, name: &str) -> bool {
        let no_variables = Context::new();
        self.exact.binary_search_by(|exact| (**exact).cmp(name)).is_ok()
            || self.patterns.iter().any(|pattern| pattern.matches(name, &no_variables))
    }
}
