//! A document's elements, read and not yet judged.

use std::ops::Range;

use crate::json::{Json, Members, Placed};
use crate::network::Network;
use crate::operator::{Comparison, Operator};
use crate::value_type::ValueType;

/// A statement as it is written.
pub(crate) struct RawStatement {
    pub members: Members<Json>,
    pub span: Range<usize>,
}

/// A condition as it is written.
pub(crate) struct RawCondition<'s> {
    pub operator: Operator,
    pub key: &'s str,
    pub values: Vec<String>,
}

impl RawCondition<'_> {
    /// Whether all values are of the operator's type.
    pub(crate) fn is_readable(&self) -> bool {
        let is_readable = |text: &String| match self.operator.comparison {
            Comparison::Numeric(_) => ValueType::Number.accepts(text),
            Comparison::Date(_) => ValueType::Date.accepts(text),
            Comparison::BinaryEquals => ValueType::Binary.accepts(text),
            Comparison::IpAddress => Network::parse(text).is_some(),
            _ => true,
        };
        self.values.iter().all(is_readable)
    }
}

/// The elements of a statement.
pub(crate) const STATEMENT_ELEMENTS: [&str; 9] =
    ["Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"];

impl RawStatement {
    /// `None` if it is no object.
    pub(crate) fn new(placed: Placed) -> Option<RawStatement> {
        match placed.json {
            Json::Object(members) => Some(RawStatement { members, span: placed.span }),
            _ => None,
        }
    }

    pub(crate) fn get(&self, element: &str) -> Option<&Json> {
        self.members.iter().find(|(name, _)| name == element).map(|(_, value)| value)
    }

    pub(crate) fn has(&self, element: &str) -> bool {
        self.get(element).is_some()
    }

    /// The Sid, if there is one and it is not empty.
    pub(crate) fn sid(&self) -> Option<&str> {
        match self.get("Sid") {
            Some(Json::Text(sid)) if !sid.is_empty() => Some(sid),
            _ => None,
        }
    }

    /// The texts of an element, or none if it is missing or of another type.
    pub(crate) fn texts(&self, element: &str) -> Vec<&str> {
        self.get(element).and_then(Json::texts).unwrap_or_default()
    }

    /// The conditions; `None` if they are no object of operators with objects of keys, or an operator with keys is
    /// unknown.
    pub(crate) fn conditions(&self) -> Option<Vec<RawCondition<'_>>> {
        let operators = match self.get("Condition") {
            None => return Some(Vec::new()),
            Some(Json::Object(operators)) => operators,
            Some(_) => return None,
        };
        let mut conditions = Vec::new();
        for (name, keys) in operators {
            let Json::Object(keys) = keys else { return None };
            for (key, values) in keys {
                conditions.push(RawCondition { operator: Operator::parse(name)?, key, values: values.scalars()? });
            }
        }
        Some(conditions)
    }
}

/// The first Sid that a second statement has too.
pub(crate) fn repeated_sid(statements: &[RawStatement]) -> Option<&str> {
    let mut seen = std::collections::HashSet::new();
    statements.iter().filter_map(RawStatement::sid).find(|sid| !seen.insert(*sid))
}
