//! The bounds of images, with units and sources.

use std::time::Duration;

/// Longest reference, in bytes: a host of 255 and a name of 255 (OCI distribution specification), a tag of 128, a digest.
pub const REFERENCE_BYTES_MAX: usize = 1_024;

/// Largest manifest, in bytes: 4 MB, the least that the OCI distribution specification wants registries to take.
pub const MANIFEST_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Largest configuration of an image, in bytes. It holds the history of its making; real ones have some kilobytes.
pub const CONFIG_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Longest answer of a server that gives out tokens, in bytes.
pub const TOKEN_BYTES_MAX: usize = 256 * 1024;

/// Largest file of credentials, in bytes.
pub const CREDENTIALS_BYTES_MAX: u64 = 1024 * 1024;

/// Most layers of an image: what Docker takes.
pub const LAYERS_MAX: usize = 127;

/// Most bytes of an image, unpacked: 10 GB. AWS Lambda quotas.
pub const IMAGE_BYTES_MAX: u64 = 10 * 1024 * 1024 * 1024;

/// Most files, directories and links of all layers together: each costs an inode.
pub const ENTRIES_MAX: u64 = 1_000_000;

/// Longest path inside an image, in bytes: what Linux takes.
pub const PATH_BYTES_MAX: usize = 4_096;

/// Largest record of a tar archive that only describes the next one, in bytes: long names and extended attributes.
pub const DESCRIPTION_BYTES_MAX: u64 = 1024 * 1024;

/// Longest wait for a registry to begin an answer, and for each further piece of it.
pub const REGISTRY_PATIENCE: Duration = Duration::from_secs(30);

/// Redirects that are followed to where a layer is.
pub const REDIRECTS_MAX: usize = 5;
