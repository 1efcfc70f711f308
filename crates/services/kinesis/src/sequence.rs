//! Sequence numbers, in the form in which Kinesis writes them: 188 bits as a decimal number.
//!
//! | Hexadecimal digits | Meaning |
//! |---|---|
//! | 1 | 2 |
//! | 9 | when the shard was opened, in seconds since 1970 |
//! | 1 | last digit of the shard's number |
//! | 16 | position in the shard |
//! | 2 | 0 |
//! | 9 | when the record came, in seconds since 1970 |
//! | 8 | number of the shard |
//! | 1 | format: 2 |
//!
//! So the numbers of a shard grow with the position, and those of a shard's children are greater than its own.

/// The largest position, which a closed shard ends with.
pub const POSITION_MAX: u64 = i64::MAX as u64;

/// Hexadecimal digits of a number.
const DIGITS: usize = 47;

/// Words of 32 bits that hold them.
const WORDS: usize = 6;

/// A sequence number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SequenceNumber {
    /// When the shard was opened, in seconds since 1970.
    pub opened: i64,
    /// Number of the shard.
    pub shard: u32,
    /// Position in the shard.
    pub position: u64,
    /// When the record came, in seconds since 1970.
    pub arrived: i64,
}

impl SequenceNumber {
    /// The decimal number.
    pub fn text(self) -> String {
        let hex = format!(
            "2{:09x}{:x}{:016x}00{:09x}{:08x}2",
            self.opened & 0xf_ffff_ffff,
            self.shard & 0xf,
            self.position,
            self.arrived & 0xf_ffff_ffff,
            self.shard
        );
        let mut words = [0_u32; WORDS];
        for digit in hex.bytes().filter_map(|byte| char::from(byte).to_digit(16)) {
            multiply_add(&mut words, 16, digit);
        }
        let mut decimal = Vec::new();
        while words.iter().any(|word| *word != 0) {
            decimal.push(b'0' + divide(&mut words, 10) as u8);
        }
        decimal.reverse();
        String::from_utf8(decimal).unwrap_or_default()
    }

    /// Reads a decimal number.
    pub fn parse(text: &str) -> Option<SequenceNumber> {
        let mut words = [0_u32; WORDS];
        if text.is_empty() || text.len() > DIGITS + 10 {
            return None;
        }
        for byte in text.bytes() {
            let digit = char::from(byte).to_digit(10)?;
            if multiply_add(&mut words, 10, digit) != 0 {
                return None;
            }
        }
        let hex: String = words.iter().map(|word| format!("{word:08x}")).collect();
        let hex = hex.strip_prefix('0').filter(|hex| hex.len() == DIGITS)?;
        let part = |range: std::ops::Range<usize>| u64::from_str_radix(&hex[range], 16).ok();
        let is_ours = hex.starts_with('2') && hex.ends_with('2') && &hex[27..29] == "00";
        let (shard, position) = (part(38..46)? as u32, part(11..27)?);
        if !is_ours || part(10..11)? != u64::from(shard & 0xf) || position > POSITION_MAX {
            return None;
        }
        Some(SequenceNumber { opened: part(1..10)? as i64, shard, position, arrived: part(29..38)? as i64 })
    }
}

/// Multiplies the number, most significant word first, and adds; what does not fit is answered.
fn multiply_add(words: &mut [u32; WORDS], factor: u32, add: u32) -> u32 {
    let mut carry = u64::from(add);
    for word in words.iter_mut().rev() {
        let value = u64::from(*word) * u64::from(factor) + carry;
        *word = value as u32;
        carry = value >> 32;
    }
    carry as u32
}

/// Divides the number, most significant word first, and answers the remainder.
fn divide(words: &mut [u32; WORDS], divisor: u32) -> u32 {
    let mut rest = 0_u64;
    for word in words.iter_mut() {
        let value = rest << 32 | u64::from(*word);
        *word = (value / u64::from(divisor)) as u32;
        rest = value % u64::from(divisor);
    }
    rest as u32
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_number_of_aws_is_understood() {
        // The API reference's example of PutRecord (a shard opened in January 2014).
        let number = SequenceNumber::parse("49543463076548007577105092703039560359975228518395019266").unwrap();
        assert_eq!(number.shard, 0);
        assert_eq!(number.text(), "49543463076548007577105092703039560359975228518395019266");
    }

    #[test]
    fn other_numbers_are_not() {
        let own = SequenceNumber { opened: 1, shard: 2, position: 3, arrived: 4 }.text();
        let too_long = format!("{own}0");
        for text in ["", "0", "1", "x", &own[1..], &too_long, &"9".repeat(58)] {
            assert_eq!(SequenceNumber::parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn numbers_are_read_as_they_are_written(
            opened in 0..0xf_ffff_ffff_i64, shard: u32, position in 0..=POSITION_MAX, arrived in 0..0xf_ffff_ffff_i64,
        ) {
            let number = SequenceNumber { opened, shard, position, arrived };
            prop_assert_eq!(SequenceNumber::parse(&number.text()), Some(number));
        }

        #[test]
        fn numbers_grow_with_the_position_whatever_the_times(
            opened in 0..4_000_000_000_i64, shard in 0..5_000_u32, position in 0..POSITION_MAX, times: (u32, u32),
        ) {
            let at = |position, arrived: u32| {
                SequenceNumber { opened, shard, position, arrived: i64::from(arrived) }.text()
            };
            let (first, second) = (at(position, times.0), at(position + 1, times.1));
            prop_assert!(first.len() < second.len() || first.len() == second.len() && first < second);
        }
    }
}
