//! How clients reach the platform: listeners, connections and the pipeline that every request passes.
//!
//! HTTP/1.1 and HTTP/2 (with prior knowledge, or negotiated under TLS) share one port. A request is routed, identified,
//! read into its operation's typed input, authorised, validated and handled (the last three by `platform`), and its
//! outcome is rendered in the protocol that the request spoke. Paths under `/_traca/` are Traca's own; services may
//! serve further hosts and paths (`platform::DataPlane`).
//!
//! **Invariants.** Bad input is answered with AWS's error and changes nothing; a panic costs one request; everything a
//! client can make grow is bounded in [`limits`]. Nothing here knows a service beyond its definition.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test may fail where it unwraps"))]

pub mod limits;

mod admin;
mod answer;
mod authority;
mod awake;
mod body;
mod browser;
mod checked;
mod clock_page;
mod connection;
mod cross_origin;
mod failure;
mod form_upload;
mod gateway;
mod hoisted;
mod identity;
mod listen;
mod pipeline;
mod signer;

pub use authority::Authority;
pub use connection::{ConnectionInfo, Source};
pub use gateway::{Gateway, GatewayConfig};
pub use listen::{Bound, Doors, Listen, ListenError, Served, TlsFiles};
