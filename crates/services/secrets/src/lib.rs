//! Secrets Manager: secrets, their versions and their rotation.

use std::sync::Arc;

use platform::{Platform, Registration};

/// The service's offer.
pub fn registration(_platform: &Arc<Platform>) -> Registration {
    Registration::new(&api::secretsmanager::SERVICE)
}
