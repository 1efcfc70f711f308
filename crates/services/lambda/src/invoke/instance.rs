//! A running environment together with what belongs to it.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use platform::Principal;
use sandbox::{Environment, ShutdownReason};
use wire::Timestamp;

use super::failure::Failure;
use super::journal::Journal;
use super::lineage::Segment;
use super::provisioned::Slot;
use crate::function::FunctionVersion;
use crate::package::PackageDirectory;

/// An environment of one deployment of one version.
pub struct Instance {
    /// What it runs.
    pub version: Arc<FunctionVersion>,
    /// Its processes.
    pub environment: Environment,
    /// Its log.
    pub journal: Journal,
    /// The end of its last invocation, if that is not in the log yet.
    pub unwritten: Option<End>,
    /// The session it runs as.
    pub identity: Principal,
    /// When its credentials end, in seconds since 1970.
    pub credentials_end: i64,
    /// Serves the platform's endpoint to its function as long as it lives.
    pub endpoint: Box<dyn Any + Send + Sync>,
    /// Its place among the provisioned environments of its version, if it is one of them.
    pub slot: Option<Slot>,
    /// Keep the unpacked package and layers where they are.
    pub packages: Vec<Arc<PackageDirectory>>,
    /// Why it ends, once it is to.
    pub reason: ShutdownReason,
}

impl Instance {
    /// Whether it was provisioned and is not wanted any more, after which its place is no longer counted.
    pub fn release(&mut self) -> bool {
        self.slot.as_mut().is_some_and(Slot::release)
    }
}

/// The end of an invocation, for its log.
pub struct End {
    /// Id of the request.
    pub request_id: String,
    /// When it was answered.
    pub at: Timestamp,
    /// How long the function took.
    pub duration: Duration,
    /// How long the initialisation took that the invocation waited for.
    pub init: Option<Duration>,
    /// What the platform has to say about it.
    pub failure: Option<Failure>,
    /// Its place in its trace, if it is traced.
    pub segment: Option<Segment>,
}
