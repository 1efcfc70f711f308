//! Sums and differences, exact or refused.

use super::{Number, NumberError};

/// A sum whose digits reach over more places than this has more than 38 digits, whatever cancels: with different
/// exponents the last digit stays, and only neighbouring magnitudes cancel at all, by at most one place in front.
const PLACES_MAX: i32 = 39;

impl Number {
    /// The exact sum.
    ///
    /// # Errors
    /// [`NumberError::Overflow`] (also for a sum of more than 38 digits: AWS says so) and [`NumberError::Underflow`].
    pub fn plus(self, other: Number) -> Result<Number, NumberError> {
        if self.is_zero() {
            return Ok(other);
        }
        if other.is_zero() {
            return Ok(self);
        }
        let low = i32::from(self.exponent.min(other.exponent));
        let high = self.magnitude().max(other.magnitude());
        if high - low + 1 > PLACES_MAX {
            return Err(NumberError::Overflow);
        }
        let (left, right) = (self.scaled_to(low)?, other.scaled_to(low)?);
        if self.negative == other.negative {
            return Self::normalised(self.negative, left.checked_add(right).ok_or(NumberError::Overflow)?, low);
        }
        let negative = if left >= right { self.negative } else { other.negative };
        Self::normalised(negative, left.abs_diff(right), low)
    }

    /// The exact difference.
    ///
    /// # Errors
    /// As [`Number::plus`].
    pub fn minus(self, other: Number) -> Result<Number, NumberError> {
        self.plus(Number { negative: !other.negative && !other.is_zero(), ..other })
    }

    /// The coefficient for a smaller exponent. One that does not fit has 39 digits, and then so has the result.
    fn scaled_to(self, exponent: i32) -> Result<u128, NumberError> {
        let power = (i32::from(self.exponent) - exponent).unsigned_abs();
        let scale = 10_u128.checked_pow(power).ok_or(NumberError::Overflow)?;
        self.coefficient.checked_mul(scale).ok_or(NumberError::Overflow)
    }
}
