//! Reading a blob, whole or in part.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use futures_core::Stream;

use crate::digest::Digest;
use crate::error::BlobError;
use crate::limits::{CHUNK_BYTES, READ_BYTES_MAX};
use crate::remote::Remote;
use crate::store::blocking;

/// An open blob. Copies are cheap and share the open file.
#[derive(Clone)]
pub struct BlobReader(Source);

#[derive(Clone)]
enum Source {
    File(Arc<OpenFile>),
    Memory(Bytes),
    Remote(Arc<RemoteBlob>),
}

/// A blob on a server.
struct RemoteBlob {
    remote: Arc<Remote>,
    digest: Digest,
    length: u64,
}

struct OpenFile {
    file: File,
    path: PathBuf,
    length: u64,
}

impl BlobReader {
    pub(crate) fn file(file: File, path: PathBuf) -> Result<Self, BlobError> {
        let length = file.metadata().map_err(|error| BlobError::io("read", &path, error))?.len();
        Ok(Self(Source::File(Arc::new(OpenFile { file, path, length }))))
    }

    pub(crate) fn memory(content: Bytes) -> Self {
        Self(Source::Memory(content))
    }

    pub(crate) fn remote(remote: Arc<Remote>, digest: Digest, length: u64) -> Self {
        Self(Source::Remote(Arc::new(RemoteBlob { remote, digest, length })))
    }

    /// Bytes the blob has.
    pub fn length(&self) -> u64 {
        match &self.0 {
            Source::File(open) => open.length,
            Source::Memory(content) => content.len() as u64,
            Source::Remote(blob) => blob.length,
        }
    }

    /// The `length` bytes from byte `offset` on.
    ///
    /// # Errors
    /// [`BlobError::OutOfRange`], [`BlobError::Io`], and [`BlobError::TooLarge`] for more than [`READ_BYTES_MAX`]
    /// bytes.
    pub async fn range(&self, offset: u64, length: u64) -> Result<Bytes, BlobError> {
        self.check(offset, length)?;
        if length > READ_BYTES_MAX {
            return Err(BlobError::TooLarge(READ_BYTES_MAX));
        }
        self.read(offset, length).await
    }

    /// The `length` bytes from byte `offset` on, piece by piece and in order.
    ///
    /// # Errors
    /// [`BlobError::OutOfRange`]; the stream's items may be [`BlobError::Io`].
    pub fn stream(
        &self,
        offset: u64,
        length: u64,
    ) -> Result<impl Stream<Item = Result<Bytes, BlobError>> + Send + use<>, BlobError> {
        let end = self.check(offset, length)?;
        let reader = self.clone();
        Ok(futures_util::stream::try_unfold(offset, move |offset| {
            let reader = reader.clone();
            async move {
                let length = (end - offset).min(CHUNK_BYTES as u64);
                if length == 0 {
                    return Ok(None);
                }
                Ok(Some((reader.read(offset, length).await?, offset + length)))
            }
        }))
    }

    /// Checks a range; returns the offset of its end.
    fn check(&self, offset: u64, length: u64) -> Result<u64, BlobError> {
        let end = offset.saturating_add(length);
        if end > self.length() {
            return Err(BlobError::OutOfRange { offset, end, length: self.length() });
        }
        Ok(end)
    }

    /// Reads a range that is inside the blob and small enough.
    async fn read(&self, offset: u64, length: u64) -> Result<Bytes, BlobError> {
        match &self.0 {
            Source::Memory(content) => Ok(content.slice(offset as usize..(offset + length) as usize)),
            Source::Remote(blob) => blob.remote.read(&blob.digest, offset, length).await,
            Source::File(open) => {
                let open = open.clone();
                blocking(move || {
                    let mut content = vec![0; length as usize];
                    let read = open.file.read_exact_at(&mut content, offset);
                    read.map_err(|error| BlobError::io("read", &open.path, error))?;
                    Ok(content.into())
                })
                .await
            }
        }
    }
}
