//! Code signing configurations: who is to have signed what functions run.
//!
//! There is no AWS Signer here, so that no package is ever signed: a function whose configuration enforces signatures takes
//! no package, and one whose configuration only warns takes every one.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use store::{Abort, Transaction};
use wire::Error;

use crate::functions::rows;
use crate::{FunctionId, Lambda, errors, keys};

/// A code signing configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeSigningConfig {
    /// `csc-` and 17 letters or digits.
    pub id: String,
    /// 12 digits.
    pub account: String,
    /// For example `eu-west-1`.
    pub region: String,
    /// At most 256 characters.
    pub description: Option<String>,
    /// ARNs of the signing profiles whose signatures are good.
    pub publishers: Vec<String>,
    /// Whether what is not signed by one of them is refused.
    pub is_enforced: bool,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// Milliseconds since 1970.
    pub last_modified: i64,
}

impl CodeSigningConfig {
    /// Its ARN.
    pub fn arn(&self) -> String {
        format!("arn:aws:lambda:{}:{}:code-signing-config:{}", self.region, self.account, self.id)
    }

    /// Refuses a package, which is never signed, if signatures are enforced.
    ///
    /// # Errors
    /// `CodeVerificationFailedException`.
    pub fn check_unsigned(&self, function: &FunctionId) -> Result<(), Error> {
        if !self.is_enforced {
            return Ok(());
        }
        let text = format!(
            "Lambda cannot deploy the function. The function or layer might be signed using a signature that the client \
             is not configured to accept. Check the provided signature for {}.",
            function.arn()
        );
        Err(api::lambda::errors::code_verification_failed_exception(text).with("Type", "User".into()))
    }
}

/// The id in the ARN of a configuration of this place.
pub fn id_of_arn<'a>(account: &str, region: &str, arn: &'a str) -> Option<&'a str> {
    let parts: Vec<&str> = arn.split(':').collect();
    match parts.as_slice() {
        ["arn", _, "lambda", its_region, its_account, "code-signing-config", id]
            if *its_region == region && *its_account == account =>
        {
            Some(id)
        }
        _ => None,
    }
}

/// The configuration that a function is to be given.
///
/// # Errors
/// `CodeSigningConfigNotFoundException`.
pub fn read(
    rows: &mut dyn Transaction,
    account: &str,
    region: &str,
    arn: &str,
) -> Result<CodeSigningConfig, Abort<Error>> {
    let found = match id_of_arn(account, region, arn) {
        Some(id) => rows::read(rows, &keys::code_signing(account, region, id))?,
        None => None,
    };
    Ok(found.ok_or_else(|| absent(arn))?)
}

/// What AWS says where a function is to have a configuration that is not there.
pub fn absent(arn: &str) -> Error {
    api::lambda::errors::code_signing_config_not_found_exception(format!(
        "The code signing configuration cannot be found. Check that the provided configuration is not deleted: {arn}."
    ))
    .with("Type", "User".into())
}

/// Refuses new code or layers for a function whose configuration enforces signatures.
///
/// # Errors
/// `CodeVerificationFailedException`.
pub async fn check(lambda: &Lambda, function: &FunctionId) -> Result<(), Error> {
    match of_function(lambda, function).await? {
        Some(config) => config.check_unsigned(function),
        None => Ok(()),
    }
}

/// The configuration that a function has.
///
/// # Errors
/// When the store cannot be read.
pub async fn of_function(lambda: &Lambda, function: &FunctionId) -> Result<Option<CodeSigningConfig>, Error> {
    let Some(id) = lambda.functions.row::<String>(&keys::function_code_signing(function)).await? else {
        return Ok(None);
    };
    lambda.functions.row(&keys::code_signing(&function.account, &function.region, &id)).await
}

/// What AWS says of a configuration that is not there. This error has no `Type`.
pub fn unknown(arn: &str) -> Error {
    api::lambda::errors::resource_not_found_exception(format!(
        "The Lambda code signing configuration {arn} can not be found."
    ))
}

/// What AWS says of a configuration that functions still have.
pub fn in_use(arn: &str) -> Error {
    errors::conflict(format!(
        "Cannot delete the code signing configuration {arn} because one or more functions use it."
    ))
}
