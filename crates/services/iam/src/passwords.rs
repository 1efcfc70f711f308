//! Passwords: how they are kept, and what an account's policy asks of them.

use std::num::NonZeroU32;

use aws_lc_rs::pbkdf2;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use platform::{Ids, OrFailure};
use store::StoreError;
use wire::Error;

use crate::errors;
use crate::limits::{PASSWORD_ROUNDS, PASSWORDS_REMEMBERED_MAX};
use crate::records::{Login, PasswordHash, PasswordPolicy};

const SALT_BYTES: usize = 16;
const HASH_BYTES: usize = 32;

/// Signs that count as symbols. API reference of UpdateAccountPasswordPolicy.
const SYMBOLS: &str = "!@#$%^&*()_+-=[]{}|'";

/// Characters of a password if the account has no policy of its own. User guide, "Default password policy".
const DEFAULT_LENGTH_MIN: i32 = 8;

/// Kinds of characters of a password if the account has no policy of its own.
const DEFAULT_KINDS_MIN: usize = 3;

/// What is to be kept of a password. Takes about a tenth of a second of a core.
///
/// # Errors
/// When the work could not be done.
pub async fn hash(ids: &Ids, password: String) -> Result<PasswordHash, Error> {
    let mut salt = [0; SALT_BYTES];
    ids.fill(&mut salt);
    blocking(move || {
        let mut hash = [0; HASH_BYTES];
        pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, rounds(PASSWORD_ROUNDS), &salt, password.as_bytes(), &mut hash);
        PasswordHash { rounds: PASSWORD_ROUNDS, salt: STANDARD.encode(salt), hash: STANDARD.encode(hash) }
    })
    .await
}

/// Which of the kept passwords this is, if any.
///
/// # Errors
/// When the work could not be done.
pub async fn find(hashes: Vec<PasswordHash>, password: String) -> Result<Option<usize>, Error> {
    blocking(move || hashes.iter().position(|kept| matches(kept, &password))).await
}

fn matches(kept: &PasswordHash, password: &str) -> bool {
    let (Ok(salt), Ok(hash)) = (STANDARD.decode(&kept.salt), STANDARD.decode(&kept.hash)) else { return false };
    let algorithm = pbkdf2::PBKDF2_HMAC_SHA256;
    pbkdf2::verify(algorithm, rounds(kept.rounds), &salt, password.as_bytes(), &hash).is_ok()
}

fn rounds(rounds: u32) -> NonZeroU32 {
    NonZeroU32::new(rounds).unwrap_or(NonZeroU32::MIN)
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| StoreError::Read(error.to_string().into())).or_failure()
}

/// Checks a password against the account's policy, or the default one.
///
/// # Errors
/// `PasswordPolicyViolation`.
pub fn check(password: &str, policy: Option<&PasswordPolicy>) -> Result<(), Error> {
    let has = |wanted: fn(char) -> bool| password.chars().any(wanted);
    let kinds = [
        (has(|character| character.is_ascii_uppercase()), "uppercase letter"),
        (has(|character| character.is_ascii_lowercase()), "lowercase letter"),
        (has(|character| character.is_ascii_digit()), "number"),
        (has(|character| SYMBOLS.contains(character)), "symbol"),
    ];
    let length_min = policy.map_or(DEFAULT_LENGTH_MIN, |policy| policy.length_min);
    if password.chars().count() < usize::try_from(length_min).unwrap_or_default() {
        return Err(errors::password_refused(format!("Password should have a minimum length of {length_min}")));
    }
    let Some(policy) = policy else {
        if kinds.iter().filter(|(present, _)| *present).count() < DEFAULT_KINDS_MIN {
            let text = "Password should have at least three of the following: uppercase letter, lowercase letter, \
                        number, symbol";
            return Err(errors::password_refused(text));
        }
        return Ok(());
    };
    let wanted = [policy.uppercase, policy.lowercase, policy.numbers, policy.symbols];
    for ((present, kind), wanted) in kinds.iter().zip(wanted) {
        if wanted && !present {
            return Err(errors::password_refused(format!("Password should have at least one {kind}")));
        }
    }
    Ok(())
}

/// Earlier passwords that must not be used again, the present one among them.
pub fn prevented<'a>(login: &'a Login, policy: Option<&PasswordPolicy>) -> &'a [PasswordHash] {
    let reuse = policy.and_then(|policy| policy.reuse_prevented).unwrap_or_default();
    let count = usize::try_from(reuse).unwrap_or_default().min(login.hashes.len());
    &login.hashes[..count]
}

/// Puts a password in front of those that are remembered.
pub fn remember(login: &mut Login, hash: PasswordHash) {
    login.hashes.insert(0, hash);
    login.hashes.truncate(PASSWORDS_REMEMBERED_MAX);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(password: &str, policy: Option<&PasswordPolicy>) -> Option<String> {
        check(password, policy).err().and_then(|error| error.message).map(String::from)
    }

    #[test]
    fn the_default_policy_asks_for_eight_characters_of_three_kinds() {
        assert_eq!(refused("Passw0rd", None), None);
        assert_eq!(refused("Pass0rd", None).as_deref(), Some("Password should have a minimum length of 8"));
        assert!(refused("password1", None).is_some());
    }

    #[test]
    fn a_policy_of_the_accounts_own_is_asked_alone() {
        let mut policy = PasswordPolicy {
            length_min: 6,
            symbols: false,
            numbers: false,
            uppercase: false,
            lowercase: false,
            users_may_change: true,
            age_days_max: None,
            reuse_prevented: None,
            hard_expiry: None,
        };
        assert_eq!(refused("aaaaaa", Some(&policy)), None);
        policy.uppercase = true;
        assert_eq!(
            refused("aaaaaa", Some(&policy)).as_deref(),
            Some("Password should have at least one uppercase letter")
        );
        policy.symbols = true;
        assert_eq!(refused("Aaaaaa", Some(&policy)).as_deref(), Some("Password should have at least one symbol"));
        assert_eq!(refused("Aaaaa'", Some(&policy)), None);
    }

    #[tokio::test]
    async fn a_password_is_recognised_and_not_kept() {
        let kept = hash(&Ids::seeded(1), "Passw0rd!".to_owned()).await.unwrap();
        assert!(!format!("{kept:?}").contains("Passw0rd"));
        assert_eq!(find(vec![kept.clone()], "Passw0rd!".to_owned()).await.unwrap(), Some(0));
        assert_eq!(find(vec![kept], "passw0rd!".to_owned()).await.unwrap(), None);
    }
}
