//! Blobs written piece by piece.

use std::sync::Arc;

use bytes::BytesMut;
use sha2::{Digest as _, Sha256};
use tokio::task::JoinHandle;

use crate::digest::Digest;
use crate::directory::{Directory, TemporaryFile};
use crate::error::BlobError;
use crate::limits::{SYNC_BYTES, UNSYNCED_BYTES_MAX, WRITE_BYTES};
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
///
/// While one buffer is hashed and written, the next one is filled: who writes waits only when the disk is behind.
pub struct BlobWriter {
    backend: Backend,
    /// Gone for good when a write was cancelled or failed.
    sink: Option<Turn>,
    /// Content not yet handed to the sink.
    buffer: BytesMut,
    length: u64,
    length_max: u64,
    /// Bytes handed to the sink since the disk was last told to begin with them.
    unsynced: u64,
    syncing: Option<JoinHandle<Result<(), BlobError>>>,
}

/// Whose turn it is with what has been written so far.
enum Turn {
    /// Nobody's.
    Idle(Box<Sink>),
    /// A write's.
    Writing(JoinHandle<Result<Box<Sink>, BlobError>>),
}

/// What has been written so far.
struct Sink {
    hash: Sha256,
    target: Target,
    /// A buffer to fill.
    spare: BytesMut,
}

enum Target {
    File(TemporaryFile),
    Memory(BytesMut),
}

impl Sink {
    fn write(&mut self, mut content: BytesMut) -> Result<(), BlobError> {
        self.hash.update(&content);
        match &mut self.target {
            Target::File(file) => file.write(&content)?,
            Target::Memory(memory) => memory.extend_from_slice(&content),
        }
        content.clear();
        self.spare = content;
        Ok(())
    }
}

impl Turn {
    /// The sink, when the write that has it is done.
    async fn over(self) -> Result<Box<Sink>, BlobError> {
        match self {
            Turn::Idle(sink) => Ok(sink),
            Turn::Writing(write) => write.await.unwrap_or(Err(BlobError::Interrupted)),
        }
    }
}

impl BlobWriter {
    pub(crate) async fn new(backend: Backend, length_max: u64) -> Result<Self, BlobError> {
        let target = match &backend {
            Backend::Memory(_) => Target::Memory(BytesMut::new()),
            Backend::Directory(directory) => Target::File(temporary(directory).await?),
            Backend::Remote(remote) => Target::File(temporary(remote.spool()).await?),
        };
        let sink = Some(Turn::Idle(Box::new(Sink { hash: Sha256::new(), target, spare: BytesMut::new() })));
        let buffer = BytesMut::new();
        Ok(Self { backend, sink, buffer, length: 0, length_max, unsynced: 0, syncing: None })
    }

    /// Appends content. That the disk refused it may be told by a later write, or by [`BlobWriter::finish`].
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
        let mut sink = self.sink.take().ok_or(BlobError::Interrupted)?.over().await?;
        self.synced().await?;
        let (backend, length, last) = (self.backend, self.length, self.buffer);
        let (digest, unsent) = blocking(move || {
            sink.write(last)?;
            let digest = Digest::from_bytes(sink.hash.finalize().into());
            let unsent = match (sink.target, backend) {
                (Target::File(file), Backend::Remote(remote)) => Some((file, remote)),
                (Target::File(file), _) => file.publish(&digest).map(|()| None)?,
                (Target::Memory(content), Backend::Memory(memory)) => {
                    memory.put(digest, content.freeze()).map(|()| None)?
                }
                (Target::Memory(_), _) => return Err(BlobError::Interrupted),
            };
            Ok((digest, unsent))
        })
        .await?;
        if let Some((file, remote)) = unsent {
            remote.publish(file, &digest, length).await?;
        }
        Ok(Written { digest, length })
    }

    /// Hands the buffer on, when the one before it is written.
    async fn flush(&mut self) -> Result<(), BlobError> {
        let mut sink = self.sink.take().ok_or(BlobError::Interrupted)?.over().await?;
        self.begin_sync(&sink).await?;
        let content = std::mem::replace(&mut self.buffer, std::mem::take(&mut sink.spare));
        self.unsynced += content.len() as u64;
        self.sink = Some(Turn::Writing(tokio::task::spawn_blocking(move || {
            sink.write(content)?;
            Ok(sink)
        })));
        Ok(())
    }

    /// Has the disk begin with what was written, so that little is left to wait for at the end.
    async fn begin_sync(&mut self, sink: &Sink) -> Result<(), BlobError> {
        let (Target::File(file), Backend::Directory(_)) = (&sink.target, &self.backend) else { return Ok(()) };
        let is_busy = self.syncing.as_ref().is_some_and(|syncing| !syncing.is_finished());
        if self.unsynced < SYNC_BYTES || (is_busy && self.unsynced < UNSYNCED_BYTES_MAX) {
            return Ok(());
        }
        self.synced().await?;
        self.unsynced = 0;
        let file = file.shared()?;
        self.syncing = Some(tokio::task::spawn_blocking(move || file.sync()));
        Ok(())
    }

    /// Waits for the disk. What it could not keep it tells once, so that no such answer may be dropped.
    async fn synced(&mut self) -> Result<(), BlobError> {
        match self.syncing.take() {
            Some(syncing) => syncing.await.unwrap_or(Err(BlobError::Interrupted)),
            None => Ok(()),
        }
    }
}

async fn temporary(directory: &Arc<Directory>) -> Result<TemporaryFile, BlobError> {
    let directory = Arc::clone(directory);
    blocking(move || directory.temporary()).await
}
