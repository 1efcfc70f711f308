//! `GetRandomPassword`.

use api::secretsmanager::{GetRandomPasswordRequest, GetRandomPasswordResponse};
use platform::{Ctx, Ids};
use wire::Error;
use zeroize::Zeroizing;

use crate::errors;
use crate::limits::PASSWORD_LENGTH_DEFAULT;
use crate::service::Secrets;

const UPPERCASE: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const LOWERCASE: &str = "abcdefghijklmnopqrstuvwxyz";
const NUMBERS: &str = "0123456789";
const PUNCTUATION: &str = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";

/// A password of the wanted length and kinds of characters.
pub async fn get_random_password(
    secrets: &Secrets,
    _cx: &Ctx,
    input: GetRandomPasswordRequest,
) -> Result<GetRandomPasswordResponse, Error> {
    let password = password(&secrets.platform.ids, &input)?;
    Ok(GetRandomPasswordResponse { random_password: Some(password.to_string()) })
}

fn password(ids: &Ids, input: &GetRandomPasswordRequest) -> Result<Zeroizing<String>, Error> {
    let length = input.password_length.and_then(|length| usize::try_from(length).ok());
    let length = length.unwrap_or(PASSWORD_LENGTH_DEFAULT);
    let kinds = kinds(input);
    let excluded = input.exclude_characters.as_deref().unwrap_or_default();
    let must_have_each = input.require_each_included_type.unwrap_or(true);
    if must_have_each && kinds.iter().any(Vec::is_empty) {
        return Err(errors::parameter("All characters of the desired type have been excluded."));
    }
    let mut pool: Vec<char> = kinds.iter().flatten().copied().collect();
    if input.include_space == Some(true) && !excluded.contains(' ') {
        pool.push(' ');
    }
    if pool.is_empty() {
        return Err(errors::parameter("All characters have been excluded from selection."));
    }
    if must_have_each && length < kinds.len() {
        return Err(errors::parameter("Password length is too short based on the required types."));
    }
    let pick = |from: &[char]| from[ids.below(from.len() as u64) as usize];
    let required = kinds.iter().filter(|_| must_have_each).map(|kind| pick(kind));
    let mut letters: Zeroizing<Vec<char>> = Zeroizing::new(required.collect());
    while letters.len() < length {
        letters.push(pick(&pool));
    }
    // The required ones must not stand at known places.
    for index in (1..letters.len()).rev() {
        letters.swap(index, ids.below(index as u64 + 1) as usize);
    }
    Ok(Zeroizing::new(letters.iter().collect()))
}

/// The characters of each kind that is not left out, less those that are excluded one by one.
fn kinds(input: &GetRandomPasswordRequest) -> Vec<Vec<char>> {
    let excluded = input.exclude_characters.as_deref().unwrap_or_default();
    let all = [
        (UPPERCASE, input.exclude_uppercase),
        (LOWERCASE, input.exclude_lowercase),
        (NUMBERS, input.exclude_numbers),
        (PUNCTUATION, input.exclude_punctuation),
    ];
    let included = all.iter().filter(|(_, is_excluded)| *is_excluded != Some(true));
    included.map(|(kind, _)| kind.chars().filter(|letter| !excluded.contains(*letter)).collect()).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_password_has_32_characters_of_every_kind() {
        let ids = Ids::seeded(3);
        let password = password(&ids, &GetRandomPasswordRequest::default()).unwrap();
        assert_eq!(password.chars().count(), PASSWORD_LENGTH_DEFAULT);
        for kind in [UPPERCASE, LOWERCASE, NUMBERS, PUNCTUATION] {
            assert!(password.contains(|letter| kind.contains(letter)), "{kind}");
        }
        assert!(!password.contains(' '));
    }

    #[test]
    fn what_cannot_be_made_is_refused() {
        let base = GetRandomPasswordRequest::default();
        let refused = |input: &GetRandomPasswordRequest| password(&Ids::seeded(3), input).unwrap_err().to_string();
        let short = GetRandomPasswordRequest { password_length: Some(3), ..base.clone() };
        let text = "InvalidParameterException: Password length is too short based on the required types.";
        assert_eq!(refused(&short), text);
        let no_digits = GetRandomPasswordRequest { exclude_characters: Some(NUMBERS.to_owned()), ..base.clone() };
        let text = "InvalidParameterException: All characters of the desired type have been excluded.";
        assert_eq!(refused(&no_digits), text);
        let nothing = GetRandomPasswordRequest {
            exclude_lowercase: Some(true),
            exclude_uppercase: Some(true),
            exclude_numbers: Some(true),
            exclude_punctuation: Some(true),
            ..base
        };
        let text = "InvalidParameterException: All characters have been excluded from selection.";
        assert_eq!(refused(&nothing), text);
        let blanks = GetRandomPasswordRequest { include_space: Some(true), password_length: Some(4), ..nothing };
        assert_eq!(password(&Ids::seeded(3), &blanks).unwrap().as_str(), "    ");
    }

    proptest! {
        #[test]
        fn exclusions_hold(length in 4i64..200, excluded in "[ -~]{0,60}", flags: [bool; 5], seed: u64) {
            let input = GetRandomPasswordRequest {
                password_length: Some(length),
                exclude_characters: Some(excluded.clone()),
                exclude_numbers: Some(flags[0]),
                exclude_punctuation: Some(flags[1]),
                exclude_uppercase: Some(flags[2]),
                include_space: Some(flags[3]),
                require_each_included_type: Some(flags[4]),
                ..Default::default()
            };
            if let Ok(password) = password(&Ids::seeded(seed), &input) {
                prop_assert_eq!(password.chars().count() as i64, length);
                prop_assert!(!password.contains(|letter| excluded.contains(letter)));
                prop_assert!(!flags[0] || !password.contains(|letter| NUMBERS.contains(letter)));
                prop_assert!(flags[3] || !password.contains(' '));
            }
        }
    }
}
