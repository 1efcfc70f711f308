//! AWS Lambda: functions, their versions and packages, and their invocation.
//!
//! **Invariants.** What was answered is in the store and the blob store; memory holds copies that every change of this
//! process invalidates. A parameter that has no effect here is refused by name.

pub mod errors;
pub mod function;
pub mod functions;
pub mod keys;
pub mod names;
pub mod package;

use std::sync::Arc;

use platform::Platform;
use wire::Error;

pub use function::{FunctionId, FunctionVersion, Version};
use functions::Functions;

/// The service.
pub struct Lambda {
    /// What all services share.
    pub platform: Arc<Platform>,
    /// The functions of all accounts.
    pub functions: Functions,
}

impl Lambda {
    /// The service over the platform's stores.
    ///
    /// # Errors
    /// None in practice.
    pub fn new(platform: Arc<Platform>) -> Result<Lambda, Error> {
        let functions = Functions::new(Arc::clone(&platform))?;
        Ok(Lambda { platform, functions })
    }
}
