//! The static description of an API: services, operations, shapes and members.
//!
//! `crates/api` is generated from `models/` and consists of these definitions plus one plain struct per shape of each
//! built operation. Every codec, the router and the validator are driven by them, so a fact about an API is written
//! down once. The definitions are also built at run time (and leaked) by tests that replay protocol cases with models
//! of their own.

mod operation;
mod shape;

pub use operation::{ErrorDef, Fault, HttpBinding, OperationCodec, OperationDef, QueryKey, Segment, ServiceDef};
pub use operation::{Protocol, Validation};
pub use shape::{Constraints, Kind, Location, Member, Shape, TimestampFormat, XmlNamespace};
