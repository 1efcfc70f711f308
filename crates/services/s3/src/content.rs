//! Bodies on their way out.

use std::io;

use bytes::Bytes;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use platform::OrFailure;
use store::StoreError;
use wire::{Body, Error};

use crate::keys;
use crate::range::Stretch;
use crate::receive::blob_error;
use crate::rows;
use crate::service::S3;
use crate::version::{Content, Part, Piece, Version};

/// A body that can be read.
pub enum Source {
    /// In memory.
    Bytes(Bytes),
    /// In stretches of blobs, in order.
    Pieces(Vec<Piece>),
}

impl S3 {
    /// Finds the body of a version.
    ///
    /// # Errors
    /// `InternalFailure`.
    pub(crate) async fn source(&self, bucket: &str, version: &Version) -> Result<Source, Error> {
        let partition = keys::bucket_partition(bucket);
        match &version.content {
            Content::Empty => Ok(Source::Bytes(Bytes::new())),
            Content::Blob(digest) => {
                Ok(Source::Pieces(vec![Piece { digest: *digest, offset: 0, length: version.size }]))
            }
            Content::Inline(id) => {
                let row = self.platform.store.get(&partition, &keys::body(id)).await.or_failure()?;
                let gone = || StoreError::Read("an object's body is missing".into());
                // The format's number is before it.
                let mut row = row.ok_or_else(gone).or_failure()?;
                Ok(Source::Bytes(row.split_off(row.len().min(1))))
            }
            Content::Parts(id) => {
                let parts = self.parts(bucket, id).await?;
                Ok(Source::Pieces(parts.into_iter().flat_map(|part| part.pieces).collect()))
            }
        }
    }

    /// The parts of an object.
    ///
    /// # Errors
    /// `InternalFailure`.
    pub(crate) async fn parts(&self, bucket: &str, id: &str) -> Result<Vec<Part>, Error> {
        let row = self.platform.store.get(&keys::bucket_partition(bucket), &keys::parts(id)).await.or_failure()?;
        let row = row.ok_or_else(|| StoreError::Read("an object's parts are missing".into())).or_failure()?;
        rows::decode(&row)
    }

    /// The body, or a part of it, as it is sent.
    ///
    /// # Errors
    /// `InternalFailure`.
    pub(crate) async fn read(&self, source: Source, stretch: Stretch) -> Result<Body, Error> {
        let pieces = match source {
            Source::Bytes(bytes) => {
                let (start, end) = (stretch.offset as usize, (stretch.offset + stretch.length) as usize);
                return Ok(Body::from(bytes.slice(start.min(bytes.len())..end.min(bytes.len()))));
            }
            Source::Pieces(pieces) => cut(&pieces, stretch),
        };
        if let Some(first) = pieces.first() {
            // A blob that is not there is told before the answer begins.
            self.platform.blobs.read(&first.digest).await.map_err(blob_error)?;
        }
        let blobs = self.platform.blobs.clone();
        let bodies = stream::iter(pieces).then(move |piece| {
            let blobs = blobs.clone();
            async move { blobs.read(&piece.digest).await?.stream(piece.offset, piece.length) }
        });
        let stream = bodies.try_flatten().map_err(|error| {
            tracing::error!(%error, "the body of an object cannot be read");
            io::Error::other(error)
        });
        Ok(Body::Stream { stream: Box::pin(stream), length: Some(stretch.length), trailers: Default::default() })
    }
}

/// The pieces that a stretch of them is made of.
pub fn cut(pieces: &[Piece], stretch: Stretch) -> Vec<Piece> {
    let end = stretch.offset + stretch.length;
    let (mut at, mut found) = (0, Vec::new());
    for piece in pieces {
        let (from, to) = (stretch.offset.max(at), end.min(at + piece.length));
        if from < to {
            found.push(Piece { digest: piece.digest, offset: piece.offset + from - at, length: to - from });
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
        let piece = |offset, length| Piece { digest, offset, length };
        let pieces = [piece(100, 10), piece(0, 5), piece(50, 10)];
        assert_eq!(cut(&pieces, Stretch { offset: 0, length: 25 }), pieces);
        assert_eq!(cut(&pieces, Stretch { offset: 8, length: 9 }), [piece(108, 2), piece(0, 5), piece(50, 2)]);
        assert_eq!(cut(&pieces, Stretch { offset: 11, length: 2 }), [piece(1, 2)]);
        assert_eq!(cut(&pieces, Stretch { offset: 25, length: 0 }), []);
    }
}
