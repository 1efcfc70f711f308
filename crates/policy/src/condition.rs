//! Conditions of a statement.

use std::net::IpAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::arn::{Arn, ArnPattern};
use crate::context::Context;
use crate::instant::{self, Instant};
use crate::network::Network;
use crate::operator::{Comparison, Operator, Order, Qualifier};
use crate::pattern::{Pattern, Syntax, Unresolved, Variable};
use crate::statement::Effect;

/// One key under one operator, with the values it is compared with.
#[derive(Debug, Clone)]
pub(crate) struct Condition {
    operator: Operator,
    key: Box<str>,
    operands: Operands,
}

/// The policy's values, read once. A value that is not of the operator's type is left out: nothing is equal to it.
#[derive(Debug, Clone)]
enum Operands {
    Text(Box<[Pattern]>),
    /// Patterns in lower case.
    TextIgnoringCase(Box<[Pattern]>),
    Numbers(Order, Box<[f64]>),
    Dates(Order, Box<[Instant]>),
    Bool(Box<[Pattern]>),
    Binary(Box<[Vec<u8>]>),
    Networks(Box<[Network]>),
    Arns(Box<[ArnPattern]>),
    /// Which of the key's absence (`true`) and presence (`false`) is wanted.
    Absence(Box<[bool]>),
}

impl Condition {
    /// Compiles a condition; `variables` says whether the document's version knows policy variables.
    pub(crate) fn new(operator: Operator, key: &str, values: &[String], variables: bool) -> Condition {
        let pattern = |text: &str, wildcards| Pattern::parse(text, Syntax { wildcards, variables });
        let operands = match operator.comparison {
            Comparison::StringEquals => Operands::Text(values.iter().map(|text| pattern(text, false)).collect()),
            Comparison::StringLike => Operands::Text(values.iter().map(|text| pattern(text, true)).collect()),
            Comparison::StringEqualsIgnoreCase => {
                Operands::TextIgnoringCase(values.iter().map(|text| pattern(text, false).to_lower_case()).collect())
            }
            Comparison::Numeric(order) => {
                Operands::Numbers(order, values.iter().filter_map(|text| number(text)).collect())
            }
            Comparison::Date(order) => {
                Operands::Dates(order, values.iter().filter_map(|text| instant::parse(text)).collect())
            }
            Comparison::Bool => {
                Operands::Bool(values.iter().map(|text| pattern(text, false).to_lower_case()).collect())
            }
            Comparison::BinaryEquals => {
                Operands::Binary(values.iter().filter_map(|text| STANDARD.decode(text).ok()).collect())
            }
            Comparison::IpAddress => {
                Operands::Networks(values.iter().filter_map(|text| Network::parse(text)).collect())
            }
            Comparison::ArnLike => {
                Operands::Arns(values.iter().map(|text| ArnPattern::of_condition(text, variables)).collect())
            }
            Comparison::Null => Operands::Absence(values.iter().filter_map(|text| truth(text)).collect()),
        };
        Condition { operator, key: key.into(), operands }
    }

    /// Whether the request satisfies the condition. A policy variable without a value leaves it unsatisfied.
    pub(crate) fn holds(&self, context: &Context<'_>, effect: Effect) -> bool {
        let values = context.get(&self.key).filter(|values| !values.is_empty());
        if let Operands::Absence(wanted) = &self.operands {
            return wanted.contains(&values.is_none());
        }
        let Some(values) = values else {
            return match self.operator.qualifier {
                _ if self.operator.if_exists => true,
                Qualifier::ForAllValues => true,
                Qualifier::ForAnyValue => false,
                Qualifier::Unqualified => self.operator.negated,
            };
        };
        let each_holds = |value: &str| match self.operands.include(value, context) {
            Ok(included) => included != self.operator.negated,
            Err(Unresolved) => false,
        };
        match self.operator.qualifier {
            Qualifier::ForAllValues => values.iter().all(each_holds),
            Qualifier::ForAnyValue => values.iter().any(each_holds),
            // AWS asks for a qualifier where a key has several values. Where it is missing, the statement is read the
            // way that grants less.
            Qualifier::Unqualified => match effect {
                Effect::Allow => values.iter().all(each_holds),
                Effect::Deny => values.iter().any(each_holds),
            },
        }
    }

    /// The key compared, and the keys of variables in the values.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&*self.key).chain(self.operands.variables().map(|variable| &*variable.key))
    }
}

impl Operands {
    /// Whether a value of the request equals one of these, or stands in the wanted order to one of them. Where none does
    /// and a variable has no value, it is unknown.
    fn include(&self, value: &str, context: &Context<'_>) -> Result<bool, Unresolved> {
        let found = match self {
            Operands::Text(patterns) => return any(patterns, |pattern| pattern.matches(value, context)),
            Operands::TextIgnoringCase(patterns) => {
                let value = value.to_lowercase();
                return any(patterns, |pattern| pattern.matches_ignoring_case(&value, context));
            }
            Operands::Bool(patterns) => {
                let value = truth(value).map_or("", |truth| if truth { "true" } else { "false" });
                return any(patterns, |pattern| pattern.matches_ignoring_case(value, context));
            }
            Operands::Arns(patterns) => {
                let arn = Arn::split(value);
                return any(patterns, |pattern| pattern.matches(arn.as_ref(), context));
            }
            Operands::Numbers(order, numbers) => number(value).is_some_and(|value| {
                numbers.iter().any(|number| value.partial_cmp(number).is_some_and(|ordering| order.holds(ordering)))
            }),
            Operands::Dates(order, instants) => instant::parse(value)
                .is_some_and(|value| instants.iter().any(|instant| order.holds(value.cmp(instant)))),
            Operands::Binary(binaries) => STANDARD.decode(value).is_ok_and(|value| binaries.contains(&value)),
            Operands::Networks(networks) => {
                value.parse::<IpAddr>().is_ok_and(|address| networks.iter().any(|network| network.contains(address)))
            }
            Operands::Absence(_) => false,
        };
        Ok(found)
    }

    fn variables(&self) -> Box<dyn Iterator<Item = &Variable> + '_> {
        match self {
            Operands::Text(patterns) | Operands::TextIgnoringCase(patterns) | Operands::Bool(patterns) => {
                Box::new(patterns.iter().flat_map(Pattern::variables))
            }
            Operands::Arns(patterns) => Box::new(patterns.iter().flat_map(ArnPattern::variables)),
            _ => Box::new(std::iter::empty()),
        }
    }
}

/// Whether one of the patterns matches; unknown if none does but one has a variable without a value.
pub(crate) fn any<P>(
    patterns: &[P],
    mut matches: impl FnMut(&P) -> Result<bool, Unresolved>,
) -> Result<bool, Unresolved> {
    let mut outcome = Ok(false);
    for pattern in patterns {
        match matches(pattern) {
            Ok(true) => return Ok(true),
            Ok(false) => {}
            Err(Unresolved) => outcome = Err(Unresolved),
        }
    }
    outcome
}

/// Reads a decimal number: no infinities, no hexadecimal.
fn number(text: &str) -> Option<f64> {
    let of_number = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.' | b'e' | b'E');
    if text.bytes().all(of_number) { text.parse().ok().filter(|number: &f64| number.is_finite()) } else { None }
}

fn truth(text: &str) -> Option<bool> {
    if text.eq_ignore_ascii_case("true") {
        Some(true)
    } else if text.eq_ignore_ascii_case("false") {
        Some(false)
    } else {
        None
    }
}
