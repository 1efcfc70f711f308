//! Unpacking container images: the layers that the blob store has become a root file system.

use std::io::{self, Read};
use std::path::Path;

use blob::{BlobError, BlobReader, BlobStore};
use bytes::{Buf, Bytes};
use image::{ImageError, Layer, Root};
use tokio::runtime::Handle;

use super::PackageError;
use crate::container::ContainerImage;

/// Bytes of a blob that are held while it is unpacked.
const READ_BYTES: u64 = 1024 * 1024;

/// An image whose blobs are open.
pub struct OpenImage(Vec<(Layer, BlobReader)>);

impl OpenImage {
    /// Opens the layers.
    pub async fn open(image: &ContainerImage, blobs: &BlobStore) -> Result<OpenImage, PackageError> {
        let mut layers = Vec::with_capacity(image.layers.len());
        for layer in &image.layers {
            let reader = blobs.read(&layer.digest).await.map_err(|error| match error {
                BlobError::NotFound(digest) => PackageError::Missing(digest),
                other => other.into(),
            })?;
            layers.push((layer.described(), reader));
        }
        Ok(OpenImage(layers))
    }

    /// Unpacks it into an empty directory. Must be called where one may block.
    pub fn unpack(&self, directory: &Path, handle: &Handle) -> Result<(), PackageError> {
        let mut root = Root::new(directory)?;
        for (layer, reader) in &self.0 {
            root.apply(layer, || Ok(BlobContent::new(reader.clone(), handle.clone())))?;
        }
        Ok(root.make_places(&sandbox::IMAGE_DIRECTORIES, &sandbox::IMAGE_FILES)?)
    }
}

/// A blob's content, read by who may block.
struct BlobContent {
    reader: BlobReader,
    handle: Handle,
    offset: u64,
    piece: Bytes,
}

impl BlobContent {
    fn new(reader: BlobReader, handle: Handle) -> BlobContent {
        BlobContent { reader, handle, offset: 0, piece: Bytes::new() }
    }
}

impl Read for BlobContent {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.piece.is_empty() {
            let length = READ_BYTES.min(self.reader.length() - self.offset);
            let reading = self.reader.range(self.offset, length);
            self.piece = self.handle.block_on(reading).map_err(io::Error::other)?;
            self.offset += length;
        }
        let length = buffer.len().min(self.piece.len());
        self.piece.copy_to_slice(&mut buffer[..length]);
        Ok(length)
    }
}

impl From<ImageError> for PackageError {
    fn from(error: ImageError) -> PackageError {
        match error {
            ImageError::Blob(error) => error.into(),
            ImageError::Io(error) => error.into(),
            other => PackageError::Image(other.to_string()),
        }
    }
}
