//! Blobs written piece by piece.

use bytes::{Bytes, BytesMut};
use sha2::{Digest as _, Sha256};

use crate::digest::Digest;
use crate::directory::TemporaryFile;
use crate::error::BlobError;
use crate::limits::WRITE_BYTES;
use crate::store::{Backend, blocking};

/// A finished blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    /// Its name.
    pub digest: Digest,
    /// Its bytes.
    pub length: u64,
}

/// Content on its way to becoming a blob. Dropping it unfinished leaves nothing behind.
pub struct BlobWriter {
    backend: Backend,
    /// Away while a write is under way; gone for good when that write was cancelled or failed.
    sink: Option<Sink>,
    /// Content not yet handed to the sink.
    buffer: BytesMut,
    length: u64,
    length_max: u64,
}

/// What has been written so far.
struct Sink {
    hash: Sha256,
    target: Target,
}

enum Target {
    File(TemporaryFile),
    Memory(BytesMut),
}

impl Sink {
    fn write(&mut self, content: &[u8]) -> Result<(), BlobError> {
        self.hash.update(content);
        match &mut self.target {
            Target::File(file) => file.write(content),
            Target::Memory(memory) => {
                memory.extend_from_slice(content);
                Ok(())
            }
        }
    }
}

impl BlobWriter {
    pub(crate) async fn new(backend: Backend, length_max: u64) -> Result<Self, BlobError> {
        let target = match &backend {
            Backend::Memory(_) => Target::Memory(BytesMut::new()),
            Backend::Directory(directory) => {
                let directory = directory.clone();
                Target::File(blocking(move || directory.temporary()).await?)
            }
        };
        let sink = Some(Sink { hash: Sha256::new(), target });
        Ok(Self { backend, sink, buffer: BytesMut::new(), length: 0, length_max })
    }

    /// Appends content.
    ///
    /// # Errors
    /// [`BlobError::TooLarge`], [`BlobError::DiskFull`], [`BlobError::Io`]; nothing can be written after an error.
    pub async fn write(&mut self, content: &[u8]) -> Result<(), BlobError> {
        if self.sink.is_none() {
            return Err(BlobError::Interrupted);
        }
        if content.len() as u64 > self.length_max - self.length {
            self.sink = None;
            return Err(BlobError::TooLarge(self.length_max));
        }
        self.length += content.len() as u64;
        for piece in content.chunks(WRITE_BYTES) {
            self.buffer.extend_from_slice(piece);
            if self.buffer.len() >= WRITE_BYTES {
                self.flush().await?;
            }
        }
        Ok(())
    }

    /// Bytes written so far.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Makes the blob durable.
    ///
    /// # Errors
    /// [`BlobError::DiskFull`], [`BlobError::Poisoned`], [`BlobError::Io`].
    pub async fn finish(mut self) -> Result<Written, BlobError> {
        self.flush().await?;
        let sink = self.sink.take().ok_or(BlobError::Interrupted)?;
        let (backend, length) = (self.backend.clone(), self.length);
        blocking(move || {
            let digest = Digest::from_bytes(sink.hash.finalize().into());
            match (sink.target, backend) {
                (Target::File(file), _) => file.publish(&digest)?,
                (Target::Memory(content), Backend::Memory(memory)) => memory.put(digest, content.freeze())?,
                (Target::Memory(_), Backend::Directory(_)) => return Err(BlobError::Interrupted),
            }
            Ok(Written { digest, length })
        })
        .await
    }

    async fn flush(&mut self) -> Result<(), BlobError> {
        let mut sink = self.sink.take().ok_or(BlobError::Interrupted)?;
        let content: Bytes = self.buffer.split().freeze();
        let sink = blocking(move || {
            sink.write(&content)?;
            Ok(sink)
        });
        self.sink = Some(sink.await?);
        Ok(())
    }
}
