//! The Extensions API: who runs beside the runtime, and what they are told.

mod registry;
mod routes;
pub(super) mod words;

pub(crate) use registry::{Event, Registry};
pub(super) use routes::route;
