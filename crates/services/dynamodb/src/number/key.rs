//! Numbers as bytes whose order is the order of the numbers. They end by themselves, so that another part of a key can
//! follow, and they are also how numbers are kept in items.
//!
//! | Number | Bytes |
//! |---|---|
//! | negative | `00`, complement of the magnitude, complements of the digit pairs, `FF` |
//! | zero | `01` |
//! | positive | `02`, the magnitude plus 130, digit pairs each plus 1, `00` |

use super::{MAGNITUDE_MIN, Number};

const NEGATIVE: u8 = 0;
const ZERO: u8 = 1;
const POSITIVE: u8 = 2;

impl Number {
    /// Appends the bytes.
    pub fn write_key(self, out: &mut Vec<u8>) {
        if self.is_zero() {
            out.push(ZERO);
            return;
        }
        let mask = if self.negative { 0xFF } else { 0 };
        out.push(if self.negative { NEGATIVE } else { POSITIVE });
        out.push((self.magnitude() - MAGNITUDE_MIN) as u8 ^ mask);
        let digits = self.digits();
        let pairs = digits.div_ceil(2);
        let mut rest = if digits % 2 == 1 { self.coefficient * 10 } else { self.coefficient };
        let start = out.len();
        for _ in 0..pairs {
            out.push(((rest % 100) as u8 + 1) ^ mask);
            rest /= 100;
        }
        out[start..].reverse();
        out.push(mask);
    }

    /// Reads a number from the front of the bytes, and returns it with the bytes behind it.
    pub fn read_key(bytes: &[u8]) -> Option<(Number, &[u8])> {
        let (kind, rest) = bytes.split_first()?;
        let (negative, mask) = match *kind {
            ZERO => return Some((Number::default(), rest)),
            NEGATIVE => (true, 0xFF),
            POSITIVE => (false, 0),
            _ => return None,
        };
        let (magnitude, mut rest) = rest.split_first()?;
        let magnitude = i32::from(magnitude ^ mask) + MAGNITUDE_MIN;
        let (mut coefficient, mut digits) = (0_u128, 0);
        loop {
            let (byte, behind) = rest.split_first()?;
            rest = behind;
            let pair = (byte ^ mask).checked_sub(1);
            let Some(pair) = pair else { break };
            coefficient = coefficient.checked_mul(100)?.checked_add(u128::from(pair))?;
            digits += 2;
        }
        let number = Number::normalised(negative, coefficient, magnitude - digits + 1).ok()?;
        Some((number, rest))
    }
}
