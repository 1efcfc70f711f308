//! Types of condition values that not every text is a value of.

use std::net::IpAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::{condition, instant};

/// A type of condition values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueType {
    /// Decimal numbers.
    Number,
    /// Points in time, in W3C's form of ISO 8601 or in seconds since 1970.
    Date,
    /// IP addresses.
    Address,
    /// Bytes in base 64.
    Binary,
}

impl ValueType {
    /// Whether a text is a value of the type.
    pub fn accepts(self, text: &str) -> bool {
        match self {
            ValueType::Number => condition::number(text).is_some(),
            ValueType::Date => instant::parse(text).is_some(),
            ValueType::Address => text.parse::<IpAddr>().is_ok(),
            ValueType::Binary => STANDARD.decode(text).is_ok(),
        }
    }
}
