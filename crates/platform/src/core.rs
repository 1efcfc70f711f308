//! The platform itself: one value that holds what all services share.

use std::sync::{Arc, OnceLock};

use blob::BlobStore;
use store::Store;

use crate::authorise::{Authoriser, RootOnly};
use crate::clock::Clock;
use crate::config::Config;
use crate::credentials::Issuer;
use crate::ids::Ids;
use crate::service::Services;

/// What all services share. State lives in the stores alone.
pub struct Platform {
    /// Settings.
    pub config: Config,
    /// State of the control and data planes: durable before it is acknowledged.
    pub store: Store,
    /// Logs, metrics and traces: a file of their own, flushed at leisure.
    pub telemetry: Store,
    /// Bodies too large for the store.
    pub blobs: BlobStore,
    /// Time.
    pub clock: Clock,
    /// Random names.
    pub ids: Ids,
    /// Decides who may do what.
    pub authoriser: Box<dyn Authoriser>,
    /// Mints and checks temporary credentials.
    pub issuer: Issuer,
    services: OnceLock<Services>,
}

impl Platform {
    /// A platform without services; see [`Platform::install`].
    pub fn new(config: Config, store: Store, telemetry: Store, blobs: BlobStore, clock: Clock, ids: Ids, issuer: Issuer) -> Platform {
        Platform {
            config,
            store,
            telemetry,
            blobs,
            clock,
            ids,
            authoriser: Box::new(RootOnly),
            issuer,
            services: OnceLock::new(),
        }
    }

    /// Installs the services, once, before the first call.
    pub fn install(self: &Arc<Self>, services: Services) {
        if self.services.set(services).is_err() {
            tracing::error!("services were installed twice; the first set stays");
        }
    }

    /// The installed services.
    pub fn services(&self) -> &Services {
        self.services.get_or_init(Services::default)
    }
}
