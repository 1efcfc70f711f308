//! What every service stands on: the context of a call, time, ids, authorisation, calls to other services, durable
//! timers, background work, metrics and limits.
//!
//! **Invariants.** A service reaches another one only through [`Ctx::call`], as a named principal, and so through the
//! same authorisation as any client. Time and randomness come from [`Clock`] and [`Ids`] alone, so that tests can move
//! time and replay. Nothing here knows HTTP.

pub mod authorise;
pub mod clock;
pub mod config;
pub mod context;
pub mod credentials;
pub mod dispatch;
pub mod ids;
pub mod principal;
pub mod service;

mod core;

pub use authorise::{AccessRequest, Authoriser, Decision, RootOnly};
pub use clock::Clock;
pub use config::{Config, Mode};
pub use context::{Call, Ctx};
pub use core::Platform;
pub use ids::Ids;
pub use principal::Principal;
pub use service::{Handler, HandlerFuture, Lifecycle, Registration, Services};
