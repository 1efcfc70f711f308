//! The service itself: what its parts share, and what it offers to the platform.

use std::sync::Arc;

use platform::{Platform, Registration};

/// The service.
pub struct Kinesis {
    /// What all services share.
    pub platform: Arc<Platform>,
}

/// The offer of the service.
pub fn registration(platform: &Arc<Platform>) -> Registration {
    let _service = Arc::new(Kinesis { platform: Arc::clone(platform) });
    Registration::new(&api::kinesis::SERVICE)
}
