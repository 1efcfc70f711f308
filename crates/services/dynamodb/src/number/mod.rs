//! DynamoDB's numbers: exact decimals of up to 38 significant digits, between 1E-130 and 9.99…E+125 on either side of
//! zero (Developer Guide, "Data types: Number").

mod arithmetic;
mod key;

#[cfg(test)]
mod tests;

use std::cmp::Ordering;
use std::fmt;

/// Most significant digits of a number.
pub const DIGITS_MAX: u32 = 38;
/// Largest power of ten of a number's first digit.
pub const MAGNITUDE_MAX: i32 = 125;
/// Smallest power of ten of a number's first digit.
pub const MAGNITUDE_MIN: i32 = -130;

/// A number: `±coefficient × 10^exponent`. The coefficient never ends with a zero digit, so that equal numbers have
/// equal fields; zero has coefficient and exponent 0 and is not negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Number {
    negative: bool,
    coefficient: u128,
    exponent: i16,
}

/// Why a text is no number, or a result cannot be held. The texts are AWS's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NumberError {
    /// The text is not a decimal number.
    #[error("The parameter cannot be converted to a numeric value: {0}")]
    NotANumber(String),
    /// Its first digit stands too far to the left. AWS also says this of sums that need more than 38 digits.
    #[error("Number overflow. Attempting to store a number with magnitude larger than supported range")]
    Overflow,
    /// Its first digit stands too far to the right.
    #[error("Number underflow. Attempting to store a number with magnitude smaller than supported range")]
    Underflow,
    /// More than [`DIGITS_MAX`] digits.
    #[error("Attempting to store more than 38 significant digits in a Number")]
    TooPrecise,
}

impl Number {
    /// The number of a text in DynamoDB's notation: digits with an optional sign, point and exponent.
    ///
    /// # Errors
    /// [`NumberError`].
    pub fn parse(text: &str) -> Result<Number, NumberError> {
        let not_a_number = || NumberError::NotANumber(text.to_owned());
        let (negative, unsigned) = match text.as_bytes().first() {
            Some(b'-') => (true, &text[1..]),
            Some(b'+') => (false, &text[1..]),
            _ => (false, text),
        };
        let (mantissa, exponent) = match unsigned.find(['e', 'E']) {
            Some(at) => (&unsigned[..at], parse_exponent(&unsigned[at + 1..]).ok_or_else(not_a_number)?),
            None => (unsigned, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let is_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.len() + fraction.len() == 0 || !is_digits(whole) || !is_digits(fraction) {
            return Err(not_a_number());
        }
        let scale = exponent.saturating_sub(fraction.len() as i64);
        let number = Self::from_digits(negative, whole.bytes().chain(fraction.bytes()), scale)?;
        // Zero is held to the range by the exponent that is written with it.
        match exponent {
            _ if !number.is_zero() => Ok(number),
            exponent if exponent > i64::from(MAGNITUDE_MAX) => Err(NumberError::Overflow),
            exponent if exponent < i64::from(MAGNITUDE_MIN) => Err(NumberError::Underflow),
            _ => Ok(number),
        }
    }

    /// As [`Number::parse`] by the older of AWS's two checks, in which the power of ten of the first digit wraps around
    /// at 32 bits: what is just too large for them is told to be too small, and what does not fit to be no number.
    ///
    /// # Errors
    /// [`NumberError`].
    pub fn parse_wrapping(text: &str) -> Result<Number, NumberError> {
        Number::parse(text).map_err(|error| {
            let Some((mantissa, exponent)) = text.split_once(['e', 'E']) else { return error };
            let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
            let Some(exponent) = parse_exponent(exponent) else { return error };
            let fits = |value: i64| i32::try_from(value).is_ok();
            if !fits(exponent) || !fits((fraction.len() as i64).saturating_sub(exponent)) {
                return NumberError::NotANumber(text.to_owned());
            }
            let wraps = !fits(exponent + whole.trim_start_matches(['+', '-', '0']).len() as i64);
            if error == NumberError::Overflow && wraps { NumberError::Underflow } else { error }
        })
    }

    /// A whole number.
    pub fn from_u64(value: u64) -> Number {
        Self::normalised(false, u128::from(value), 0).unwrap_or_default()
    }

    /// The number as a whole number, if it is one that fits.
    pub fn to_i64(self) -> Option<i64> {
        let scale = 10_i128.checked_pow(u32::try_from(self.exponent).ok()?)?;
        let magnitude = i128::try_from(self.coefficient).ok()?.checked_mul(scale)?;
        i64::try_from(if self.negative { -magnitude } else { magnitude }).ok()
    }

    /// From digits of which the last stands for `10^exponent`.
    fn from_digits(negative: bool, digits: impl Iterator<Item = u8>, exponent: i64) -> Result<Number, NumberError> {
        let (mut coefficient, mut significant, mut zeros, mut total) = (0_u128, 0_i64, 0_i64, 0_i64);
        for digit in digits {
            total += 1;
            if digit == b'0' {
                zeros += i64::from(coefficient != 0);
                continue;
            }
            if coefficient != 0 {
                significant += zeros + 1;
            } else {
                significant = 1;
            }
            // Beyond 38 digits only their number matters.
            if significant <= i64::from(DIGITS_MAX) {
                coefficient = coefficient * 10_u128.pow(zeros as u32 + 1) + u128::from(digit - b'0');
            }
            zeros = 0;
        }
        if coefficient == 0 {
            return Ok(Number::default());
        }
        let magnitude = exponent.saturating_add(zeros).saturating_add(significant - 1);
        debug_assert!(total >= significant);
        if magnitude > i64::from(MAGNITUDE_MAX) {
            return Err(NumberError::Overflow);
        }
        if magnitude < i64::from(MAGNITUDE_MIN) {
            return Err(NumberError::Underflow);
        }
        if significant > i64::from(DIGITS_MAX) {
            return Err(NumberError::TooPrecise);
        }
        Ok(Number { negative, coefficient, exponent: (exponent + zeros) as i16 })
    }

    /// The number with these fields once trailing zeros are gone; sums that do not fit overflow, as AWS says it.
    fn normalised(negative: bool, mut coefficient: u128, mut exponent: i32) -> Result<Number, NumberError> {
        if coefficient == 0 {
            return Ok(Number::default());
        }
        while coefficient.is_multiple_of(10) {
            coefficient /= 10;
            exponent += 1;
        }
        let digits = coefficient.ilog10() + 1;
        let magnitude = exponent + digits as i32 - 1;
        if digits > DIGITS_MAX || magnitude > MAGNITUDE_MAX {
            return Err(NumberError::Overflow);
        }
        if magnitude < MAGNITUDE_MIN {
            return Err(NumberError::Underflow);
        }
        Ok(Number { negative, coefficient, exponent: exponent as i16 })
    }

    fn is_zero(self) -> bool {
        self.coefficient == 0
    }

    /// How many significant digits it has; one for zero.
    pub fn digits(self) -> u32 {
        self.coefficient.checked_ilog10().map_or(1, |power| power + 1)
    }

    /// The power of ten of its first digit.
    pub fn magnitude(self) -> i32 {
        i32::from(self.exponent) + self.digits() as i32 - 1
    }

    /// Bytes it counts for in an item: about one per two digits and one more, as AWS measures it (dynalite's tests
    /// hold what AWS answered).
    pub fn size(self) -> usize {
        if self.is_zero() {
            return 1;
        }
        let digits = self.digits() as usize;
        let odd = digits % 2 == 1 || self.magnitude() % 2 != 0;
        1 + digits.div_ceil(2) + usize::from(!odd) + usize::from(self.negative)
    }
}

/// The number behind an `E`; nothing if it does not fit 64 bits.
fn parse_exponent(text: &str) -> Option<i64> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let magnitude = digits.parse::<i64>().ok()?;
    Some(if negative { -magnitude } else { magnitude })
}

/// Plain notation without an exponent, as AWS answers numbers.
impl fmt::Display for Number {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.negative {
            formatter.write_str("-")?;
        }
        let digits = self.coefficient.to_string();
        let exponent = i32::from(self.exponent);
        if exponent >= 0 {
            return write!(formatter, "{digits}{:0<width$}", "", width = exponent as usize);
        }
        let places = exponent.unsigned_abs() as usize;
        if digits.len() > places {
            let (whole, fraction) = digits.split_at(digits.len() - places);
            return write!(formatter, "{whole}.{fraction}");
        }
        write!(formatter, "0.{digits:0>places$}")
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Number) -> Ordering {
        match (self.negative, other.negative) {
            (false, true) => return Ordering::Greater,
            (true, false) => return Ordering::Less,
            _ => {}
        }
        let order = match (self.is_zero(), other.is_zero()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            (false, false) => {
                let aligned = |number: &Number| number.coefficient * 10_u128.pow(DIGITS_MAX - number.digits());
                self.magnitude().cmp(&other.magnitude()).then_with(|| aligned(self).cmp(&aligned(other)))
            }
        };
        if self.negative { order.reverse() } else { order }
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Number) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
