//! A body on its way into a blob: sealed chunk by chunk, so that no more than one of them is held.

use blob::{BlobError, BlobWriter, Digest};
use platform::OrFailure;
use store::StoreError;
use wire::Error;

use crate::cipher::Cipher;
use crate::envelope::{Envelope, SealedKey};
use crate::limits::{CHUNK_BYTES, PUT_BYTES_MAX};
use crate::service::S3;

/// A body being sealed and written.
pub struct BodyWriter {
    writer: BlobWriter,
    cipher: Cipher,
    key: SealedKey,
    chunk: Vec<u8>,
    number: u64,
}

/// Room for the seals of the largest body's chunks, in bytes.
const SEALS_BYTES_MAX: u64 = PUT_BYTES_MAX / 1024;

impl BodyWriter {
    /// Begins a body under a new key.
    ///
    /// # Errors
    /// As the blob store has them.
    pub async fn begin(service: &S3, envelope: &Envelope) -> Result<BodyWriter, Error> {
        let writer = service.platform.blobs.writer(PUT_BYTES_MAX + SEALS_BYTES_MAX).await;
        let writer = writer.map_err(crate::receive::blob_error)?;
        let (cipher, key) = new_cipher(service, envelope)?;
        Ok(BodyWriter { writer, cipher, key, chunk: Vec::with_capacity(CHUNK_BYTES), number: 0 })
    }

    /// Appends to it.
    ///
    /// # Errors
    /// As the blob store has them.
    pub async fn write(&mut self, mut bytes: &[u8]) -> Result<(), BlobError> {
        while !bytes.is_empty() {
            let (now, rest) = bytes.split_at(bytes.len().min(CHUNK_BYTES - self.chunk.len()));
            self.chunk.extend_from_slice(now);
            bytes = rest;
            if self.chunk.len() == CHUNK_BYTES {
                self.flush().await?;
            }
        }
        Ok(())
    }

    async fn flush(&mut self) -> Result<(), BlobError> {
        self.cipher.seal(self.number, &mut self.chunk);
        self.number += 1;
        self.writer.write(&self.chunk).await?;
        self.chunk.clear();
        Ok(())
    }

    /// Makes it durable.
    ///
    /// # Errors
    /// As the blob store has them.
    pub async fn finish(mut self) -> Result<(Digest, SealedKey), BlobError> {
        if !self.chunk.is_empty() {
            self.flush().await?;
        }
        Ok((self.writer.finish().await?.digest, self.key))
    }
}

/// A small body, sealed in one piece.
///
/// # Errors
/// `InternalError`.
pub fn sealed_small(service: &S3, envelope: &Envelope, body: &[u8]) -> Result<(Vec<u8>, SealedKey), Error> {
    let (cipher, key) = new_cipher(service, envelope)?;
    let mut sealed = body.to_vec();
    cipher.seal(0, &mut sealed);
    Ok((sealed, key))
}

fn new_cipher(service: &S3, envelope: &Envelope) -> Result<(Cipher, SealedKey), Error> {
    let (secret, key) = envelope.new_key(service);
    let refused = || StoreError::Read("a new key of a body has a wrong length".into());
    Ok((Cipher::new(&secret).ok_or_else(refused).or_failure()?, key))
}
