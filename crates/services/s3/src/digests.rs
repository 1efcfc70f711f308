//! MD5 and checksum of a body, taken beside what else is done with it.

use bytes::BytesMut;
use md5::{Digest as _, Md5};
use tokio::task::JoinHandle;
use wire::Error;

use crate::checksum::{Algorithm, Hasher};
use crate::limits::HASHED_BYTES;

/// The digests of a body that comes in pieces. The first [`HASHED_BYTES`] are hashed where they come; a body of more is
/// hashed in another thread, a buffer at a time, while the next one is filled.
pub struct Digests {
    turn: Turn,
    /// What is to be hashed next, of a body that is hashed elsewhere.
    buffer: BytesMut,
    hashed: usize,
}

/// Whose turn it is with the sums.
enum Turn {
    /// Nobody's.
    Idle(Box<Sums>),
    /// A thread's.
    Hashing(JoinHandle<Box<Sums>>),
    /// The thread was lost.
    Lost,
}

struct Sums {
    md5: Md5,
    checksum: Hasher,
    /// A buffer to fill.
    spare: BytesMut,
}

impl Sums {
    fn take(&mut self, bytes: &[u8]) {
        self.md5.update(bytes);
        self.checksum.update(bytes);
    }
}

impl Digests {
    /// Of nothing yet.
    pub fn new(algorithm: Algorithm) -> Digests {
        let sums = Sums { md5: Md5::new(), checksum: Hasher::new(algorithm), spare: BytesMut::new() };
        Digests { turn: Turn::Idle(Box::new(sums)), buffer: BytesMut::new(), hashed: 0 }
    }

    /// Takes in bytes.
    ///
    /// # Errors
    /// `InternalError` if the process is ending.
    pub async fn take(&mut self, bytes: &[u8]) -> Result<(), Error> {
        if let Turn::Idle(sums) = &mut self.turn
            && self.hashed + bytes.len() <= HASHED_BYTES
        {
            self.hashed += bytes.len();
            sums.take(bytes);
            return Ok(());
        }
        self.hashed = HASHED_BYTES;
        for piece in bytes.chunks(HASHED_BYTES) {
            self.buffer.extend_from_slice(piece);
            if self.buffer.len() >= HASHED_BYTES {
                self.hand_on().await?;
            }
        }
        Ok(())
    }

    async fn hand_on(&mut self) -> Result<(), Error> {
        let mut sums = self.over().await?;
        let mut bytes = std::mem::replace(&mut self.buffer, std::mem::take(&mut sums.spare));
        self.turn = Turn::Hashing(tokio::task::spawn_blocking(move || {
            sums.take(&bytes);
            bytes.clear();
            sums.spare = bytes;
            sums
        }));
        Ok(())
    }

    async fn over(&mut self) -> Result<Box<Sums>, Error> {
        let sums = match std::mem::replace(&mut self.turn, Turn::Lost) {
            Turn::Idle(sums) => Some(sums),
            Turn::Hashing(hashing) => hashing.await.ok(),
            Turn::Lost => None,
        };
        sums.ok_or_else(|| api::s3::errors::internal_error("We encountered an internal error. Please try again."))
    }

    /// The MD5, and the checksum in base64.
    ///
    /// # Errors
    /// As [`Digests::take`].
    pub async fn finish(mut self) -> Result<([u8; 16], String), Error> {
        let mut sums = self.over().await?;
        sums.take(&self.buffer);
        Ok((sums.md5.finalize().into(), sums.checksum.finish()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::receive::hex;

    #[tokio::test]
    async fn digests_do_not_depend_on_how_a_body_is_cut() {
        let body: Vec<u8> = (0..HASHED_BYTES * 3 + 5).map(|at| (at * 7 + at / 250) as u8).collect();
        let whole = (hex(&Md5::digest(&body)), Algorithm::Crc64Nvme.of(&body));
        for piece in [1000, HASHED_BYTES - 1, HASHED_BYTES, HASHED_BYTES + 1, body.len()] {
            let mut digests = Digests::new(Algorithm::Crc64Nvme);
            for piece in body.chunks(piece) {
                digests.take(piece).await.unwrap();
            }
            let (md5, checksum) = digests.finish().await.unwrap();
            assert_eq!((hex(&md5), checksum), whole, "{piece}");
        }
    }
}
