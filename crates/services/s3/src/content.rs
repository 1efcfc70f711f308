//! Bodies on their way out.

use std::io;
use std::sync::Arc;

use blob::BlobReader;
use bytes::Bytes;
use futures_util::stream;
use platform::OrFailure;
use store::StoreError;
use wire::{Body, Error};

use crate::cipher::Cipher;
use crate::envelope::{Envelope, SealedKey};
use crate::keys;
use crate::limits::{CHUNK_BYTES, CHUNKS_READ};
use crate::range::Stretch;
use crate::receive::blob_error;
use crate::rows;
use crate::service::S3;
use crate::version::{Content, Part, Piece, Version};

/// A body that can be read.
pub enum Source {
    /// In memory, as it lay in its row.
    Bytes(Bytes, Option<SealedKey>),
    /// In one blob, whole.
    Blob(Piece),
    /// In parts, in order.
    Parts(Vec<Part>),
}

impl Source {
    /// The stretches of blobs that it lies in, in order; `None` for one in memory.
    pub fn pieces(&self) -> Option<Vec<Piece>> {
        match self {
            Source::Bytes(..) => None,
            Source::Blob(piece) => Some(vec![piece.clone()]),
            Source::Parts(parts) => Some(parts.iter().flat_map(|part| part.pieces.clone()).collect()),
        }
    }
}

impl S3 {
    /// Finds the body of a version; `None` if the version was removed since it was found.
    ///
    /// # Errors
    /// `InternalFailure`.
    pub(crate) async fn source(&self, bucket: &str, version: &Version) -> Result<Option<Source>, Error> {
        let row = match &version.content {
            Content::Empty => return Ok(Some(Source::Bytes(Bytes::new(), None))),
            Content::Blob(digest) => {
                let key = version.body_key.clone();
                return Ok(Some(Source::Blob(Piece { digest: *digest, offset: 0, length: version.size, key })));
            }
            Content::Inline(id) => keys::body(id),
            Content::Parts(id) => keys::parts(id),
        };
        let row = self.platform.store.get(&keys::bucket_partition(bucket), &row).await.or_failure()?;
        let Some(mut row) = row else { return Ok(None) };
        if let Content::Parts(_) = &version.content {
            return rows::decode(&row).map(|parts| Some(Source::Parts(parts)));
        }
        // The format's number is before it.
        Ok(Some(Source::Bytes(row.split_off(row.len().min(1)), version.body_key.clone())))
    }

    /// A small body in the clear.
    ///
    /// # Errors
    /// `InternalFailure`.
    pub(crate) fn open_small(&self, body: Bytes, key: Option<&SealedKey>, envelope: &Envelope) -> Result<Bytes, Error> {
        let Some(key) = key else { return Ok(body) };
        let opened = envelope.cipher(self, key)?.open_all(0, &body);
        Ok(opened.map_err(|error| StoreError::Read(error.to_string().into())).or_failure()?.into())
    }

    /// The body, or a part of it, as it is sent.
    ///
    /// # Errors
    /// `InternalFailure`.
    pub(crate) async fn read(
        self: &Arc<Self>,
        source: Source,
        stretch: Stretch,
        envelope: &Arc<Envelope>,
    ) -> Result<Body, Error> {
        let pieces = match source {
            Source::Bytes(bytes, key) => {
                let bytes = self.open_small(bytes, key.as_ref(), envelope)?;
                let (start, end) = (stretch.offset as usize, (stretch.offset + stretch.length) as usize);
                return Ok(Body::from(bytes.slice(start.min(bytes.len())..end.min(bytes.len()))));
            }
            Source::Blob(piece) => cut(&[piece], stretch),
            Source::Parts(parts) => cut(parts.iter().flat_map(|part| &part.pieces), stretch),
        };
        let mut pieces = pieces.into_iter();
        // A blob that is not there is told before the answer begins.
        let first = match pieces.next() {
            Some(piece) => Some(PieceReader::open(self, envelope, &piece).await?),
            None => None,
        };
        let state = (first, pieces, Arc::clone(self), Arc::clone(envelope));
        let stream = stream::try_unfold(state, |(mut reader, mut pieces, service, envelope)| async move {
            // Ends with the last piece.
            loop {
                if let Some(open) = &mut reader
                    && let Some(bytes) = open.next().await?
                {
                    return Ok(Some((bytes, (reader, pieces, service, envelope))));
                }
                let Some(piece) = pieces.next() else { return Ok(None) };
                let opened = PieceReader::open(&service, &envelope, &piece).await;
                reader = Some(opened.map_err(io::Error::other)?);
            }
        });
        Ok(Body::Stream { stream: Box::pin(stream), length: Some(stretch.length), trailers: Default::default() })
    }
}

/// A piece being read.
struct PieceReader {
    reader: BlobReader,
    /// `None` for a blob in the clear.
    cipher: Option<Cipher>,
    /// Where in the body it goes on, and where it ends, in bytes.
    at: u64,
    end: u64,
}

impl PieceReader {
    async fn open(service: &S3, envelope: &Envelope, piece: &Piece) -> Result<PieceReader, Error> {
        let reader = service.platform.blobs.read(&piece.digest).await.map_err(blob_error)?;
        let cipher = piece.key.as_ref().map(|key| envelope.cipher(service, key)).transpose()?;
        Ok(PieceReader { reader, cipher, at: piece.offset, end: piece.offset + piece.length })
    }

    /// The next bytes; `None` at the end.
    async fn next(&mut self) -> io::Result<Option<Bytes>> {
        if self.at == self.end {
            return Ok(None);
        }
        let read = self.read().await.inspect_err(|error| {
            tracing::error!(%error, "the body of an object cannot be read");
        })?;
        self.at += read.len() as u64;
        Ok(Some(read))
    }

    async fn read(&self) -> io::Result<Bytes> {
        let chunk = CHUNK_BYTES as u64;
        let Some(cipher) = &self.cipher else {
            let length = (self.end - self.at).min(chunk * CHUNKS_READ);
            return self.reader.range(self.at, length).await.map_err(io::Error::other);
        };
        let first = self.at / chunk;
        let behind = (first + CHUNKS_READ).min((self.end - 1) / chunk + 1);
        let (from, to) = (first * cipher.sealed_chunk_bytes(), behind * cipher.sealed_chunk_bytes());
        let length = to.min(self.reader.length()).saturating_sub(from);
        let sealed = self.reader.range(from, length).await.map_err(io::Error::other)?;
        let opened = Bytes::from(cipher.open_all(first, &sealed).map_err(io::Error::other)?);
        let start = (self.at - first * chunk) as usize;
        let end = (self.end.min(behind * chunk) - first * chunk) as usize;
        if end > opened.len() {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "a stored body is shorter than its row says"));
        }
        Ok(opened.slice(start..end))
    }
}

/// The pieces that a stretch of them is made of.
pub fn cut<'p>(pieces: impl IntoIterator<Item = &'p Piece>, stretch: Stretch) -> Vec<Piece> {
    let end = stretch.offset + stretch.length;
    let (mut at, mut found) = (0, Vec::new());
    for piece in pieces {
        let (from, to) = (stretch.offset.max(at), end.min(at + piece.length));
        if from < to {
            let (offset, length) = (piece.offset + from - at, to - from);
            found.push(Piece { digest: piece.digest, offset, length, key: piece.key.clone() });
        }
        at += piece.length;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stretch_is_cut_from_the_pieces_that_it_touches() {
        let digest = blob::Digest::of(b"x");
        let piece = |offset, length| Piece { digest, offset, length, key: None };
        let pieces = [piece(100, 10), piece(0, 5), piece(50, 10)];
        assert_eq!(cut(&pieces, Stretch { offset: 0, length: 25 }), pieces);
        assert_eq!(cut(&pieces, Stretch { offset: 8, length: 9 }), [piece(108, 2), piece(0, 5), piece(50, 2)]);
        assert_eq!(cut(&pieces, Stretch { offset: 11, length: 2 }), [piece(1, 2)]);
        assert_eq!(cut(&pieces, Stretch { offset: 25, length: 0 }), []);
    }
}
