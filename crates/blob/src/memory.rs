//! Blobs that are gone with the process.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use bytes::Bytes;
use parking_lot::Mutex;

use crate::digest::Digest;
use crate::error::BlobError;
use crate::limits::MEMORY_BYTES_MAX;
use crate::store::Swept;

/// Blobs in memory.
#[derive(Default)]
pub(crate) struct Memory(Mutex<Content>);

#[derive(Default)]
struct Content {
    blobs: HashMap<Digest, (Bytes, Instant)>,
    bytes: u64,
}

impl Memory {
    /// Keeps content under its digest.
    pub(crate) fn put(&self, digest: Digest, blob: Bytes) -> Result<(), BlobError> {
        let mut content = self.0.lock();
        if let Some((_, written)) = content.blobs.get_mut(&digest) {
            *written = Instant::now();
            return Ok(());
        }
        let length = blob.len() as u64;
        if content.bytes + length > MEMORY_BYTES_MAX {
            return Err(BlobError::DiskFull);
        }
        content.bytes += length;
        content.blobs.insert(digest, (blob, Instant::now()));
        Ok(())
    }

    /// Whether the blob is there; if so, it is as safe from sweeping as one just written.
    pub(crate) fn keep(&self, digest: &Digest) -> bool {
        let mut content = self.0.lock();
        content.blobs.get_mut(digest).map(|(_, written)| *written = Instant::now()).is_some()
    }

    /// The content.
    pub(crate) fn get(&self, digest: &Digest) -> Result<Bytes, BlobError> {
        let content = self.0.lock();
        content.blobs.get(digest).map(|(blob, _)| blob.clone()).ok_or(BlobError::NotFound(*digest))
    }

    /// Removes the blobs that are not `live` and were last written more than `older_than` ago.
    pub(crate) fn sweep(&self, live: impl Fn(&Digest) -> bool, older_than: Duration) -> Swept {
        let mut swept = Swept::default();
        let mut content = self.0.lock();
        content.blobs.retain(|digest, (blob, written)| {
            let removed = written.elapsed() >= older_than && !live(digest);
            if removed {
                swept.blobs += 1;
                swept.bytes += blob.len() as u64;
            }
            !removed
        });
        content.bytes -= swept.bytes;
        swept
    }

    /// Removes all blobs.
    pub(crate) fn clear(&self) {
        *self.0.lock() = Content::default();
    }
}
