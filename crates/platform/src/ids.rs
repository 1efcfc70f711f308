//! Random names. One seeded generator, so that a test run can be replayed.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use parking_lot::Mutex;
use rand::rngs::StdRng;
use rand::{Rng, RngExt, SeedableRng};
use sha2::{Digest, Sha256};

/// Source of ids and random bytes. Cryptographically strong (`StdRng`), unless seeded for replay.
#[derive(Debug, Clone)]
pub struct Ids(Arc<Mutex<StdRng>>);

/// S3's second request id: 76 characters, as AWS has them, that say nothing more than the first.
pub fn host_id(request_id: &str) -> String {
    let first = Sha256::digest(request_id.as_bytes());
    let second = Sha256::digest(first);
    STANDARD.encode([&first[..], &second[..24]].concat())
}

/// AWS's alphabet for unique ids and access keys.
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

impl Ids {
    /// Seeded by the operating system.
    pub fn random() -> Ids {
        Ids(Arc::new(Mutex::new(StdRng::from_rng(&mut rand::rng()))))
    }

    /// The same sequence for the same seed.
    pub fn seeded(seed: u64) -> Ids {
        Ids(Arc::new(Mutex::new(StdRng::seed_from_u64(seed))))
    }

    /// Fills a buffer with random bytes.
    pub fn fill(&self, bytes: &mut [u8]) {
        self.0.lock().fill_bytes(bytes);
    }

    /// A version 4 UUID, as in request ids and revision ids.
    pub fn uuid(&self) -> String {
        let mut bytes = [0; 16];
        self.fill(&mut bytes);
        uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
    }

    /// `length` lower-case hexadecimal digits.
    pub fn hex(&self, length: usize) -> String {
        self.characters(length, b"0123456789abcdef")
    }

    /// `length` characters of AWS's base-32 alphabet.
    pub fn base32(&self, length: usize) -> String {
        self.characters(length, BASE32)
    }

    /// A number in `0..bound`.
    pub fn below(&self, bound: u64) -> u64 {
        self.0.lock().random_range(0..bound.max(1))
    }

    fn characters(&self, length: usize, alphabet: &[u8]) -> String {
        let mut random = self.0.lock();
        (0..length).map(|_| alphabet[random.random_range(0..alphabet.len())] as char).collect()
    }
}
