//! Finding the bytes of a JSON string that do not stand for themselves.

/// Bytes that are looked at together.
const WORD_BYTES: usize = size_of::<u64>();
/// A one in every byte.
const ONES: u64 = u64::from_ne_bytes([0x01; WORD_BYTES]);
/// The highest bit of every byte.
const HIGH_BITS: u64 = u64::from_ne_bytes([0x80; WORD_BYTES]);

/// Whether a byte ends a run of plain text: a quote, a backslash or a control character.
fn is_special(byte: u8) -> bool {
    matches!(byte, b'"' | b'\\' | 0..=0x1f)
}

/// Sets the highest bit of the first special byte of a word, counted from the low end. Bytes above it may be marked
/// without being special; bytes below it never are.
fn marks(word: u64) -> u64 {
    let is = |byte: u8| {
        let zero_where_equal = word ^ (ONES * u64::from(byte));
        zero_where_equal.wrapping_sub(ONES) & !zero_where_equal
    };
    let is_control = word.wrapping_sub(ONES * 0x20) & !word;
    (is(b'"') | is(b'\\') | is_control) & HIGH_BITS
}

/// How many bytes from the start stand for themselves: the position of the first quote, backslash or control character,
/// or the length if there is none.
pub(super) fn plain_length(bytes: &[u8]) -> usize {
    // Eight bytes at a time: strings are most of any document.
    let (words, tail) = bytes.as_chunks::<WORD_BYTES>();
    for (index, word) in words.iter().enumerate() {
        let marks = marks(u64::from_le_bytes(*word));
        if marks != 0 {
            return index * WORD_BYTES + marks.trailing_zeros() as usize / 8;
        }
    }
    let tail_start = words.len() * WORD_BYTES;
    tail.iter().position(|byte| is_special(*byte)).map_or(bytes.len(), |position| tail_start + position)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_special_byte_is_found_wherever_it_stands() {
        for length in 0..20 {
            for first in 0..=length {
                for byte in 0..=u8::MAX {
                    let mut bytes = vec![b'a'; length];
                    bytes[first..].fill(byte);
                    let expected = bytes.iter().position(|byte| is_special(*byte)).unwrap_or(length);
                    assert_eq!(plain_length(&bytes), expected, "{byte:#x} from {first} of {length}");
                }
            }
        }
    }

    #[test]
    fn neighbours_do_not_disturb() {
        for (special, next) in [(b'"', b'#'), (b'"', b'!'), (b'\\', b']'), (0x1f, b' '), (0, 0x80), (b'\n', 0xff)] {
            let bytes = [0x80, next, 0xa0, special, next, special, 0x7f, 0x20, next];
            assert_eq!(plain_length(&bytes), 3, "{special:#x} {next:#x}");
        }
    }
}
