//! Which runtimes a function may name.

use blob::Digest;
use runtimes::Support;
use wire::Error;

use crate::errors;

/// Checks a runtime's identifier.
pub fn check(runtime: &str) -> Result<(), Error> {
    match runtimes::find(runtime) {
        Some(Support::Runs(_)) => Ok(()),
        Some(Support::NotBuilt) => Err(errors::unsupported(&format!("the runtime {runtime}"))),
        Some(Support::Retired { successor }) => Err(errors::invalid_parameter(format!(
            "The runtime parameter of {runtime} is no longer supported for creating or updating AWS Lambda functions. \
             We recommend you use the new runtime ({successor}) while creating or updating functions."
        ))),
        None => Err(errors::invalid_parameter(format!(
            "Value {runtime} at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: {} \
             or be a valid ARN",
            runtimes::enum_value_set()
        ))),
    }
}

/// ARN of the version of a runtime that runs here: the same for the same runtime and the same release of this platform,
/// whose clients it names.
pub fn version_arn(region: &str, runtime: &str) -> String {
    let name = format!("traca {} {runtime}", env!("CARGO_PKG_VERSION"));
    format!("arn:aws:lambda:{region}::runtime:{}", Digest::of(name.as_bytes()))
}
