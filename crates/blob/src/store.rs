//! The handle everybody holds.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::digest::Digest;
use crate::directory::Directory;
use crate::error::BlobError;
use crate::limits::{PART_BYTES, READ_BYTES_MAX};
use crate::memory::Memory;
use crate::reader::BlobReader;
use crate::remote::{Remote, RemoteConfig};
use crate::writer::BlobWriter;

/// A store of blobs. Copies are cheap and share everything.
#[derive(Clone)]
pub struct BlobStore(Backend);

impl std::fmt::Debug for BlobStore {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("BlobStore").finish_non_exhaustive()
    }
}

/// Where the blobs are.
#[derive(Clone)]
pub(crate) enum Backend {
    /// Files of a local directory.
    Directory(Arc<Directory>),
    /// The process's memory.
    Memory(Arc<Memory>),
    /// A bucket of a server.
    Remote(Arc<Remote>),
}

/// What a sweep removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Blobs removed.
    pub blobs: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl BlobStore {
    /// The blobs in directory `path`, which is created when missing and locked against other processes. What
    /// unfinished writes have left is removed.
    ///
    /// # Errors
    /// [`BlobError::Locked`] and [`BlobError::Io`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self, BlobError> {
        Ok(Self(Backend::Directory(Arc::new(Directory::open(path.as_ref())?))))
    }

    /// The blobs in a bucket of a server. Directory `spool`, which is created when missing and locked against other
    /// processes, holds content until it was sent.
    ///
    /// # Errors
    /// [`BlobError::Remote`] if the server cannot be reached, refuses, or keeps another installation's blobs there;
    /// [`BlobError::Locked`] and [`BlobError::Io`].
    pub async fn open_remote(config: RemoteConfig, spool: impl AsRef<Path>) -> Result<Self, BlobError> {
        let spool = spool.as_ref().to_owned();
        let spool = blocking(move || Directory::open(&spool)).await?;
        Ok(Self(Backend::Remote(Arc::new(Remote::open(config, spool).await?))))
    }

    /// An empty store that is gone with its last handle.
    pub fn memory() -> Self {
        Self(Backend::Memory(Arc::default()))
    }

    /// Whether blobs can be written: for health checks. A store that has failed stays so until it is reopened.
    ///
    /// # Errors
    /// [`BlobError::Poisoned`].
    pub fn check(&self) -> Result<(), BlobError> {
        match &self.0 {
            Backend::Directory(directory) => directory.check(),
            Backend::Remote(remote) => remote.spool().check(),
            Backend::Memory(_) => Ok(()),
        }
    }

    /// Keeps content that is already in memory. The blob is durable when this returns.
    ///
    /// # Errors
    /// [`BlobError::DiskFull`], [`BlobError::Poisoned`], [`BlobError::Io`].
    pub async fn put(&self, content: Bytes) -> Result<Digest, BlobError> {
        if let Backend::Remote(remote) = &self.0 {
            if content.len() > PART_BYTES {
                let mut writer = self.writer(content.len() as u64).await?;
                writer.write(&content).await?;
                return writer.finish().await.map(|written| written.digest);
            }
            let digest = Digest::of(&content);
            return remote.put_blob(&digest, content).await.map(|()| digest);
        }
        let backend = self.0.clone();
        blocking(move || {
            let digest = Digest::of(&content);
            match backend {
                Backend::Remote(_) => return Err(BlobError::Interrupted),
                Backend::Memory(memory) => memory.put(digest, content)?,
                Backend::Directory(directory) => {
                    if !directory.keep(&digest, Some(content.len() as u64))? {
                        let mut file = directory.temporary()?;
                        file.write(&content)?;
                        file.publish(&digest)?;
                    }
                }
            }
            Ok(digest)
        })
        .await
    }

    /// Begins a blob whose content comes piece by piece, and which may have at most `length_max` bytes.
    ///
    /// # Errors
    /// As [`BlobStore::put`].
    pub async fn writer(&self, length_max: u64) -> Result<BlobWriter, BlobError> {
        BlobWriter::new(self.0.clone(), length_max).await
    }

    /// Opens a blob. It stays readable when it is removed meanwhile.
    ///
    /// # Errors
    /// [`BlobError::NotFound`], [`BlobError::Io`].
    pub async fn read(&self, digest: &Digest) -> Result<BlobReader, BlobError> {
        match &self.0 {
            Backend::Memory(memory) => memory.get(digest).map(BlobReader::memory),
            Backend::Directory(directory) => {
                let (directory, digest) = (directory.clone(), *digest);
                blocking(move || BlobReader::file(directory.open_blob(&digest)?, directory.path(&digest))).await
            }
            Backend::Remote(remote) => {
                let length = remote.length(digest).await?.ok_or(BlobError::NotFound(*digest))?;
                Ok(BlobReader::remote(Arc::clone(remote), *digest, length))
            }
        }
    }

    /// The whole content, checked against its digest.
    ///
    /// # Errors
    /// [`BlobError::NotFound`], [`BlobError::Damaged`], [`BlobError::Io`], and [`BlobError::TooLarge`] for a blob of
    /// more than [`READ_BYTES_MAX`] bytes.
    pub async fn get(&self, digest: &Digest) -> Result<Bytes, BlobError> {
        let reader = self.read(digest).await?;
        if reader.length() > READ_BYTES_MAX {
            return Err(BlobError::TooLarge(READ_BYTES_MAX));
        }
        let (content, digest) = (reader.range(0, reader.length()).await?, *digest);
        blocking(move || if Digest::of(&content) == digest { Ok(content) } else { Err(BlobError::Damaged(digest)) })
            .await
    }

    /// Where the blob is as a file, if this store keeps files: for mounting and for programs that want a path.
    pub fn path(&self, digest: &Digest) -> Option<PathBuf> {
        match &self.0 {
            Backend::Directory(directory) => Some(directory.path(digest)),
            Backend::Memory(_) | Backend::Remote(_) => None,
        }
    }

    /// Whether the blob is there. If so, its grace period begins anew: call this before naming in a row a blob that
    /// was not just written.
    ///
    /// # Errors
    /// [`BlobError::Poisoned`], [`BlobError::Io`].
    pub async fn keep(&self, digest: &Digest) -> Result<bool, BlobError> {
        match &self.0 {
            Backend::Memory(memory) => Ok(memory.keep(digest)),
            Backend::Remote(remote) => remote.keep(digest).await,
            Backend::Directory(directory) => {
                let (directory, digest) = (directory.clone(), *digest);
                blocking(move || directory.keep(&digest, None)).await
            }
        }
    }

    /// Removes the blobs for which `live` is false and that were last written, or kept, at least `older_than` ago:
    /// [`SWEEP_GRACE`](crate::limits::SWEEP_GRACE), so that a blob is never removed between its being written and its
    /// row being written.
    ///
    /// # Errors
    /// [`BlobError::Io`]; part of the work may be done.
    pub async fn sweep(
        &self,
        live: impl Fn(&Digest) -> bool + Send + 'static,
        older_than: Duration,
    ) -> Result<Swept, BlobError> {
        match self.0.clone() {
            Backend::Directory(directory) => blocking(move || directory.sweep(live, older_than)).await,
            Backend::Memory(memory) => blocking(move || Ok(memory.sweep(live, older_than))).await,
            Backend::Remote(remote) => remote.sweep(live, older_than).await,
        }
    }

    /// Removes all blobs.
    ///
    /// # Errors
    /// [`BlobError::Poisoned`], [`BlobError::Io`].
    pub async fn clear(&self) -> Result<(), BlobError> {
        match self.0.clone() {
            Backend::Directory(directory) => blocking(move || directory.clear()).await,
            Backend::Memory(memory) => {
                memory.clear();
                Ok(())
            }
            Backend::Remote(remote) => remote.clear().await,
        }
    }
}

/// Runs work that waits for the disk or computes for long where it holds up no other task.
pub(crate) async fn blocking<R, F>(work: F) -> Result<R, BlobError>
where
    R: Send + 'static,
    F: FnOnce() -> Result<R, BlobError> + Send + 'static,
{
    tokio::task::spawn_blocking(work).await.unwrap_or(Err(BlobError::Interrupted))
}
