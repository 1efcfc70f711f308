//! Conditions of a statement.

use std::net::IpAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::arn::{Arn, ArnPattern};
use crate::context::{Context, Values};
use crate::instant::{self, Instant};
use crate::network::Network;
use crate::operator::{Comparison, Operator, Order, Qualifier};
use crate::pattern::{Pattern, Syntax, Variable};
use crate::statement::Effect;

/// One key under one operator, with the values it is compared with.
#[derive(Debug, Clone)]
pub(crate) struct Condition {
    operator: Operator,
    key: Box<str>,
    operands: Operands,
}

/// The policy's values, read once. A value that is no number, date, network or base 64 is left out: nothing equals it.
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

    /// Whether the request satisfies the condition of a statement with that effect.
    pub(crate) fn holds(&self, context: &Context<'_>, effect: Effect) -> bool {
        let values = context.get(&self.key).filter(|values| !values.is_empty());
        if let Operands::Absence(wanted) = &self.operands {
            return wanted.contains(&values.is_none());
        }
        let holds_for = |value: &str| self.holds_for(value, context, effect);
        match (self.operator.qualifier, values) {
            (Qualifier::ForAllValues, values) => values.is_none_or(|values| values.iter().all(holds_for)),
            (Qualifier::ForAnyValue, values) => values.is_some_and(|values| values.iter().any(holds_for)),
            (Qualifier::Unqualified, None) => {
                self.operator.if_exists || self.operator.negated && !self.operands.is_empty()
            }
            (Qualifier::Unqualified, Some(Values::One(value))) => holds_for(value),
            // A multi-valued key takes a qualifier. Without one AWS leaves the condition unsatisfied, whatever the
            // operator and the effect.
            (Qualifier::Unqualified, Some(Values::Many(_))) => false,
        }
    }

    /// Whether one value satisfies it. Where there is nothing to compare with, or the value cannot be an address or ARN,
    /// not even a negated operator is satisfied.
    fn holds_for(&self, value: &str, context: &Context<'_>, effect: Effect) -> bool {
        if self.operands.is_empty() {
            return false;
        }
        match self.operands.include(value, context) {
            Inclusion::Yes => !self.operator.negated,
            Inclusion::No => self.operator.negated,
            Inclusion::Incomparable => false,
            // What cannot be decided denies rather than allows.
            Inclusion::Unreadable => effect == Effect::Deny,
        }
    }

    /// The key compared, and the keys of variables in the values.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&*self.key).chain(self.operands.variables().map(|variable| &*variable.key))
    }
}

/// Whether a value of the request is among the policy's.
enum Inclusion {
    Yes,
    No,
    /// The request's value is not of the operator's type.
    Incomparable,
    /// One of the policy's is not.
    Unreadable,
}

impl From<bool> for Inclusion {
    fn from(included: bool) -> Inclusion {
        if included { Inclusion::Yes } else { Inclusion::No }
    }
}

impl Operands {
    /// Whether a value of the request equals one of these, or stands in the wanted order to one of them. What is no number
    /// or date is unequal to all that are.
    fn include(&self, value: &str, context: &Context<'_>) -> Inclusion {
        let included = match self {
            Operands::Text(patterns) => patterns.iter().any(|pattern| pattern.matches(value, context)),
            Operands::TextIgnoringCase(patterns) => {
                let value = value.to_lowercase();
                patterns.iter().any(|pattern| pattern.matches_ignoring_case(&value, context))
            }
            Operands::Bool(patterns) => {
                let value = truth(value).map_or("", |truth| if truth { "true" } else { "false" });
                patterns.iter().any(|pattern| pattern.matches_ignoring_case(value, context))
            }
            Operands::Arns(patterns) => return include_arn(patterns, value, context),
            Operands::Numbers(order, numbers) => number(value).is_some_and(|value| {
                numbers.iter().any(|number| value.partial_cmp(number).is_some_and(|ordering| order.holds(ordering)))
            }),
            Operands::Dates(order, instants) => instant::parse(value)
                .is_some_and(|value| instants.iter().any(|instant| order.holds(value.cmp(instant)))),
            Operands::Binary(binaries) => STANDARD.decode(value).is_ok_and(|value| binaries.contains(&value)),
            Operands::Networks(networks) => match value.parse::<IpAddr>() {
                Ok(address) => networks.iter().any(|network| network.contains(address)),
                Err(_) => return Inclusion::Incomparable,
            },
            Operands::Absence(_) => false,
        };
        included.into()
    }

    /// Whether the policy names no value.
    fn is_empty(&self) -> bool {
        match self {
            Operands::Text(patterns) | Operands::TextIgnoringCase(patterns) | Operands::Bool(patterns) => {
                patterns.is_empty()
            }
            Operands::Arns(patterns) => patterns.is_empty(),
            // Values that were left out as unreadable are values all the same.
            Operands::Numbers(..) | Operands::Dates(..) | Operands::Binary(_) | Operands::Networks(_) => false,
            Operands::Absence(wanted) => wanted.is_empty(),
        }
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

fn include_arn(patterns: &[ArnPattern], value: &str, context: &Context<'_>) -> Inclusion {
    let Some(arn) = Arn::split(value) else {
        let any = patterns.iter().any(|pattern| matches!(pattern, ArnPattern::Any));
        return if any { Inclusion::Yes } else { Inclusion::Incomparable };
    };
    for pattern in patterns {
        match pattern {
            ArnPattern::Malformed => return Inclusion::Unreadable,
            pattern if pattern.matches(Some(&arn), context) => return Inclusion::Yes,
            _ => {}
        }
    }
    Inclusion::No
}

/// Reads a decimal number: no infinities, no hexadecimal.
pub(crate) fn number(text: &str) -> Option<f64> {
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
