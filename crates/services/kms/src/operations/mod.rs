//! The operations, one family per file.

pub mod aliases;
pub mod create_key;
pub mod data_keys;
pub mod decrypt;
pub mod deletion;
pub mod derive_secret;
pub mod describe;
pub mod encapsulation;
pub mod encrypt;
pub mod grant_lists;
pub mod grants;
pub mod import;
pub mod import_parameters;
pub mod macs;
pub mod policies;
pub mod public_key;
pub mod random;
pub mod re_encrypt;
pub mod regions;
pub mod retire;
pub mod rotation;
pub mod sign;
pub mod state;
pub mod tags;

use platform::Ctx;
use wire::Error;

use crate::errors;
use crate::names::KeyName;

/// A key of the caller's own account, by id or ARN: what the operations take that work on no others.
///
/// # Errors
/// `NotFoundException`, `AccessDeniedException` for another account's key.
fn own_key(cx: &Ctx, key_id: &str) -> Result<KeyName, Error> {
    let name = KeyName::parse(cx, key_id)?;
    if name.account == cx.account { Ok(name) } else { Err(errors::foreign_key(cx, &name.arn())) }
}

/// Ends a dry run, in which all checks have passed.
///
/// # Errors
/// `DryRunOperationException`.
fn end_dry_run(dry_run: Option<bool>) -> Result<(), Error> {
    if dry_run == Some(true) { Err(errors::dry_run()) } else { Ok(()) }
}
