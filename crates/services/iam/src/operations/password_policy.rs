//! What an account asks of its users' passwords.

use api::Empty;
use api::iam::{GetAccountPasswordPolicyResponse, PasswordPolicy as Shown, UpdateAccountPasswordPolicyRequest};
use platform::Ctx;
use store::Snapshot;
use wire::Error;

use crate::errors;
use crate::keys;
use crate::records::PasswordPolicy;
use crate::rows;
use crate::service::Iam;

/// Characters of a password if the caller names no number. API reference of UpdateAccountPasswordPolicy.
const LENGTH_MIN_DEFAULT: i32 = 6;

/// Replaces the policy: what is not given takes its default.
pub async fn update_account_password_policy(
    service: &Iam,
    cx: &Ctx,
    input: UpdateAccountPasswordPolicyRequest,
) -> Result<Empty, Error> {
    let policy = PasswordPolicy {
        length_min: input.minimum_password_length.unwrap_or(LENGTH_MIN_DEFAULT),
        symbols: input.require_symbols.unwrap_or(false),
        numbers: input.require_numbers.unwrap_or(false),
        uppercase: input.require_uppercase_characters.unwrap_or(false),
        lowercase: input.require_lowercase_characters.unwrap_or(false),
        users_may_change: input.allow_users_to_change_password.unwrap_or(false),
        age_days_max: input.max_password_age,
        reuse_prevented: input.password_reuse_prevention,
        hard_expiry: input.hard_expiry,
    };
    let key = keys::password_policy(&cx.account);
    service.change(&cx.account, move |rows| rows::put(rows, &key, &policy)).await?;
    Ok(Empty)
}

/// Shows the policy.
pub async fn get_account_password_policy(
    service: &Iam,
    cx: &Ctx,
    _: Empty,
) -> Result<GetAccountPasswordPolicyResponse, Error> {
    let policy = read(&service.snapshot().await?, &cx.account).await?;
    let policy = policy.ok_or_else(|| {
        errors::no_such_entity(format!("The Password Policy with domain name {} cannot be found.", cx.account))
    })?;
    Ok(GetAccountPasswordPolicyResponse {
        password_policy: Shown {
            minimum_password_length: Some(policy.length_min),
            require_symbols: Some(policy.symbols),
            require_numbers: Some(policy.numbers),
            require_uppercase_characters: Some(policy.uppercase),
            require_lowercase_characters: Some(policy.lowercase),
            allow_users_to_change_password: Some(policy.users_may_change),
            expire_passwords: Some(policy.age_days_max.is_some()),
            max_password_age: policy.age_days_max,
            password_reuse_prevention: policy.reuse_prevented,
            hard_expiry: policy.hard_expiry,
        },
    })
}

/// Goes back to AWS's default policy.
pub async fn delete_account_password_policy(service: &Iam, cx: &Ctx, _: Empty) -> Result<Empty, Error> {
    let key = keys::password_policy(&cx.account);
    service
        .change(&cx.account, move |rows| {
            if rows.get(&key)?.is_none() {
                let text = "The account policy with name PasswordPolicy cannot be found.";
                return Err(errors::no_such_entity(text).into());
            }
            rows.delete(&key);
            Ok(())
        })
        .await?;
    Ok(Empty)
}

/// The account's own policy, if it has one.
pub async fn read(snapshot: &Snapshot, account: &str) -> Result<Option<PasswordPolicy>, Error> {
    rows::get(snapshot, &keys::password_policy(account)).await
}
