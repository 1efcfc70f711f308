//! CBOR documents (RFC 8949), as Smithy RPC v2 and older Kinesis clients use them.

mod reader;
mod writer;

pub use reader::CborReader;
pub use writer::CborWriter;

/// Which of the two CBOR protocols a document belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flavour {
    /// Smithy RPC v2: timestamps are tag 1 over seconds.
    RpcV2,
    /// `application/x-amz-cbor-1.1`: timestamps are whole milliseconds, with or without a tag.
    Target,
}

/// Deepest nesting of a document that is read; as for JSON.
pub const NESTING_LIMIT: usize = 128;

/// Major types, the top three bits of an item's first byte.
mod major {
    pub(super) const UNSIGNED: u8 = 0;
    pub(super) const NEGATIVE: u8 = 1;
    pub(super) const BYTES: u8 = 2;
    pub(super) const TEXT: u8 = 3;
    pub(super) const ARRAY: u8 = 4;
    pub(super) const MAP: u8 = 5;
    pub(super) const TAG: u8 = 6;
    pub(super) const SIMPLE: u8 = 7;
}

/// First byte of `break`, which ends an item of indefinite length.
const BREAK: u8 = 0xff;
const NULL: u8 = 0xf6;
const UNDEFINED: u8 = 0xf7;
const FALSE: u8 = 0xf4;
const TRUE: u8 = 0xf5;
const HALF: u8 = 0xf9;
const SINGLE: u8 = 0xfa;
const DOUBLE: u8 = 0xfb;
/// Tag of a point in time.
const EPOCH_TAG: u64 = 1;
