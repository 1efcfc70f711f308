//! Generated code is what the models say.

use std::path::Path;

use super::Finding;
use crate::failure::Outcome;

/// Generates in a scratch folder and compares.
pub fn check(repository: &Path) -> Outcome<Vec<Finding>> {
    let differing = crate::r#gen::differing(repository)?;
    Ok(differing.iter().map(|path| format!("{path} is out of date: run `cargo xtask gen`")).collect())
}
