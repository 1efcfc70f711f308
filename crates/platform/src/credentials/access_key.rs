//! Access key ids as AWS spells them: a prefix that says what kind of key it is, and 16 characters of base 32 that
//! carry the account.

/// What stands before the sixteen characters of a long-term key.
pub const LONG_TERM_PREFIX: &str = "AKIA";

/// What stands before the sixteen characters of a temporary key.
pub const TEMPORARY_PREFIX: &str = "ASIA";

/// Bytes behind the sixteen characters.
const ENCODED_BYTES: usize = 10;

/// Characters behind the prefix.
const ENCODED_CHARACTERS: usize = 16;

/// The alphabet of RFC 4648's base 32.
const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// The highest bit tells keys that carry their account from those minted before 2019.
const CARRIES_ACCOUNT: u64 = 1 << 47;

/// The account's 40 bits within the first 48, seven from the end.
const ACCOUNT_MASK: u64 = 0x7fff_ffff_ff80;
const ACCOUNT_SHIFT: u32 = 7;

/// Twelve digits.
const ACCOUNT_MAX: u64 = 999_999_999_999;

/// A key id for an account (12 digits) with the given last 39 bits.
pub(super) fn encode(prefix: &str, account: &str, rest: u64) -> String {
    let account: u64 = account.parse().unwrap_or_default();
    let rest = rest & ((1 << 39) - 1);
    let head = CARRIES_ACCOUNT | (account.min(ACCOUNT_MAX) << ACCOUNT_SHIFT) | (rest >> 32);
    let mut bytes = [0; ENCODED_BYTES];
    bytes[..6].copy_from_slice(&head.to_be_bytes()[2..]);
    bytes[6..].copy_from_slice(&(rest as u32).to_be_bytes());
    let bits = bytes.iter().fold(0u128, |bits, byte| bits << 8 | u128::from(*byte));
    let characters = (0..ENCODED_CHARACTERS).rev().map(|at| char::from(ALPHABET[(bits >> (5 * at)) as usize & 31]));
    prefix.chars().chain(characters).collect()
}

/// The account and the last 39 bits of a key id; `None` if it does not carry an account.
pub(super) fn decode(access_key_id: &str) -> Option<(String, u64)> {
    let characters = access_key_id.as_bytes().get(4..)?;
    if characters.len() != ENCODED_CHARACTERS {
        return None;
    }
    let mut bits = 0u128;
    for character in characters {
        let value = ALPHABET.iter().position(|candidate| candidate == character)?;
        bits = bits << 5 | value as u128;
    }
    let head = (bits >> 32) as u64;
    let account = (head & ACCOUNT_MASK) >> ACCOUNT_SHIFT;
    let valid = head & CARRIES_ACCOUNT != 0 && account <= ACCOUNT_MAX;
    valid.then(|| (format!("{account:012}"), (bits & ((1 << 39) - 1)) as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_account_is_found_where_aws_puts_it() {
        // A key of AWS's own and its account, known from publications on the encoding.
        assert_eq!(decode("ASIAQNZGKIQY56JQ7WML").map(|(account, _)| account).as_deref(), Some("029608264753"));
    }

    #[test]
    fn every_account_survives_the_round_trip() {
        for account in ["000000000000", "123456789012", "999999999999", "000000000001"] {
            for rest in [0, 1, (1 << 39) - 1, 0x55_5555_5555] {
                let key = encode(TEMPORARY_PREFIX, account, rest);
                assert_eq!(key.len(), 20);
                assert_eq!(decode(&key), Some((account.to_owned(), rest)));
            }
        }
    }

    #[test]
    fn keys_that_carry_no_account_are_told_apart() {
        for key in ["", "AKIA", "AKIAIOSFODNN7EXAMPLE", "test", "ASIAQNZGKIQY56JQ7WM", "ASIAQNZGKIQY56JQ7WM1", "ÄÖÜß"]
        {
            assert_eq!(decode(key), None, "{key}");
        }
    }
}
