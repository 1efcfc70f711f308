//! The bounds of packages, with units and sources.

/// Largest zip file sent directly, in bytes: 50 MB. AWS Lambda quotas.
pub const ZIPPED_BYTES_MAX: usize = 50 * 1024 * 1024;

/// The files of a package stay below this many bytes together: 250 MB. AWS Lambda quotas.
pub const UNZIPPED_BYTES_MAX: u64 = 250 * 1024 * 1024;

/// Entries of a package stay below this number, which no real package reaches: each costs some 300 bytes of memory while
/// the package is read, and an inode afterwards.
pub const ENTRIES_MAX: usize = 100_000;

/// Files and directories of a package stay below this number, those included that no entry names but some path implies.
pub const PATHS_MAX: usize = 2 * ENTRIES_MAX;

/// Longest path inside a package, in bytes: Linux allows 4,096 for the whole path, the directory's own included.
pub const PATH_BYTES_MAX: usize = 3_072;

/// Longest name of one file or directory, in bytes: what Linux file systems take.
pub const NAME_BYTES_MAX: usize = 255;

/// Longest target of a symbolic link, in bytes: what Linux takes.
pub const LINK_BYTES_MAX: u64 = 4_096;

/// Packages read or unpacked at once; each holds its zip file in memory and keeps one core busy.
pub const READERS_MAX: usize = 4;
