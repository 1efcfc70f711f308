//! KMS: keys, and the cryptography under them.

use std::sync::Arc;

use platform::{Platform, Registration};

/// The service's offer.
pub fn registration(_platform: &Arc<Platform>) -> Registration {
    Registration::new(&api::kms::SERVICE)
}
