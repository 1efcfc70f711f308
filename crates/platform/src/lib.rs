//! What every service stands on: the context of a call, time, ids, authorisation, calls to other services, durable
//! timers, background work, metrics and limits.
//!
//! **Invariants.** A service reaches another one only through [`Ctx::call`], as a named principal, and so through the
//! same authorisation as any client. Time and randomness come from [`Clock`] and [`Ids`] alone, so that tests can move
//! time and replay. Nothing here listens or speaks a protocol; of HTTP only the types of a message's head are known.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test may fail where it unwraps"))]

pub mod access;
pub mod authorise;
pub mod background;
pub mod clock;
pub mod config;
pub mod context;
pub mod credentials;
pub mod cross_origin;
pub mod data_plane;
pub mod directory;
pub mod dispatch;
pub mod envelope;
pub mod failure;
pub mod guard;
pub mod ids;
pub mod metrics;
pub mod principal;
pub mod sealing;
pub mod service;
pub mod service_role;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod time_travel;
pub mod timers;
pub mod witness;

mod core;

pub use access::Access;
pub use background::Background;
pub use clock::Clock;
pub use config::{Config, Enforcement, Mode};
pub use context::{Call, Ctx, Origin, SignatureFacts};
pub use core::{Platform, ResetError, StartError};
pub use credentials::Issuer;
pub use cross_origin::{CrossOrigin, CrossOriginFuture, ForeignRequest};
pub use data_plane::{DataCaller, DataFuture, DataPlane, DataRequest};
pub use directory::{AccessKey, Directory, DirectoryFuture, NamedPolicy, NobodyElse, Permissions, Role};
pub use failure::OrFailure;
pub use guard::{Authority, Facts, FactsFuture, Guard, Members, Need};
pub use ids::{Ids, host_id};
pub use metrics::Metrics;
pub use principal::{Principal, SessionFacts};
pub use sealing::{Sealing, Unsealable};
pub use service::{Handler, HandlerFuture, Lifecycle, LiveBlobs, Registration, Services, no_blobs};
pub use service_role::{ServiceRole, Trust};
pub use timers::{Firing, Timer, TimerPartition, Timers};
pub use witness::{Served, Witness};
