//! Container images: what names them, the registries that hold them, and the root file systems that they become.
//!
//! Manifests, configurations and layers are those of the OCI image specification 1.1 and of Docker's schema 2; registries
//! speak the OCI distribution specification. No daemon and no other program is needed.
//!
//! **Invariants.** Whatever is used has the digest by which it was asked for. Nothing is written outside the directory of
//! the root, whatever links the layers hold. Every document, layer and root has a bound ([`limits`]).

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test may fail where it unwraps"))]

mod challenge;
mod credentials;
mod document;
mod error;
pub mod limits;
mod reference;
mod registry;
mod root;
mod tar;

pub use credentials::{Credentials, CredentialsError};
pub use document::{Compression, Image, Layer, Settings};
pub use error::ImageError;
pub use reference::{NotAReference, Reference};
pub use registry::{Mapping, NotAMapping, Registries};
pub use root::{Root, is_directory, is_program};
