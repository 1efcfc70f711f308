//! Content-addressed bodies: function packages, objects and everything else too large for a row of the store.
//!
//! A blob is named by the SHA-256 of its content, so that writing the same content twice keeps it once and a blob
//! never changes. It is durable before its digest is returned; the row that names it is written afterwards. Blobs that
//! no row names are removed by [`BlobStore::sweep`]. `docs/durability.md` describes files and guarantees.

mod digest;
mod directory;
mod error;
pub mod limits;
mod memory;
mod reader;
mod remote;
mod store;
mod writer;

#[cfg(test)]
mod tests;

pub use digest::{Digest, DigestError};
pub use error::BlobError;
pub use reader::BlobReader;
pub use remote::RemoteConfig;
pub use store::{BlobStore, Swept};
pub use writer::{BlobWriter, Written};
