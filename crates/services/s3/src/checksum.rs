//! Checksums of bodies: computed while they pass, compared with what clients declare, combined over parts.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use crc_fast::CrcAlgorithm;
use serde::{Deserialize, Serialize};
use sha1::Digest as _;
use wire::Error;

use crate::errors;

/// How a checksum is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Algorithm {
    /// CRC-32 (ISO-HDLC).
    #[serde(rename = "CRC32")]
    Crc32,
    /// CRC-32C (Castagnoli).
    #[serde(rename = "CRC32C")]
    Crc32C,
    /// CRC-64/NVME, which S3 computes where the client chose nothing.
    #[serde(rename = "CRC64NVME")]
    Crc64Nvme,
    /// MD5.
    #[serde(rename = "MD5")]
    Md5,
    /// SHA-1.
    #[serde(rename = "SHA1")]
    Sha1,
    /// SHA-256.
    #[serde(rename = "SHA256")]
    Sha256,
    /// SHA-512.
    #[serde(rename = "SHA512")]
    Sha512,
}

/// What a checksum of an object in parts is taken over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Scope {
    /// The bytes of the object.
    #[serde(rename = "FULL_OBJECT")]
    Full,
    /// The checksums of its parts.
    #[serde(rename = "COMPOSITE")]
    Composite,
}

/// A checksum of an object or a part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checksum {
    /// How it was computed.
    pub algorithm: Algorithm,
    /// Base64; a composite one ends with `-` and the number of parts.
    pub value: String,
    /// What it is taken over.
    pub scope: Scope,
}

impl Algorithm {
    /// All of them.
    pub const ALL: [Algorithm; 7] = [
        Algorithm::Crc32,
        Algorithm::Crc32C,
        Algorithm::Crc64Nvme,
        Algorithm::Md5,
        Algorithm::Sha1,
        Algorithm::Sha256,
        Algorithm::Sha512,
    ];

    /// As the API spells it.
    pub fn name(self) -> &'static str {
        match self {
            Algorithm::Crc32 => "CRC32",
            Algorithm::Crc32C => "CRC32C",
            Algorithm::Crc64Nvme => "CRC64NVME",
            Algorithm::Md5 => "MD5",
            Algorithm::Sha1 => "SHA1",
            Algorithm::Sha256 => "SHA256",
            Algorithm::Sha512 => "SHA512",
        }
    }

    /// The header that carries it.
    pub fn header(self) -> &'static str {
        match self {
            Algorithm::Crc32 => "x-amz-checksum-crc32",
            Algorithm::Crc32C => "x-amz-checksum-crc32c",
            Algorithm::Crc64Nvme => "x-amz-checksum-crc64nvme",
            Algorithm::Md5 => "x-amz-checksum-md5",
            Algorithm::Sha1 => "x-amz-checksum-sha1",
            Algorithm::Sha256 => "x-amz-checksum-sha256",
            Algorithm::Sha512 => "x-amz-checksum-sha512",
        }
    }

    /// Bytes of its value.
    fn width(self) -> usize {
        match self {
            Algorithm::Crc32 | Algorithm::Crc32C => 4,
            Algorithm::Crc64Nvme => 8,
            Algorithm::Md5 => 16,
            Algorithm::Sha1 => 20,
            Algorithm::Sha256 => 32,
            Algorithm::Sha512 => 64,
        }
    }

    /// Reads the name of an algorithm, in any case.
    ///
    /// # Errors
    /// `InvalidRequest`.
    pub fn parse(name: &str) -> Result<Algorithm, Error> {
        let found = Algorithm::ALL.into_iter().find(|algorithm| algorithm.name().eq_ignore_ascii_case(name));
        let text = "Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, \
                    CRC32C, CRC64NVME, SHA1, SHA256]";
        found.ok_or_else(|| errors::request(text))
    }

    fn crc(self) -> Option<CrcAlgorithm> {
        match self {
            Algorithm::Crc32 => Some(CrcAlgorithm::Crc32IsoHdlc),
            Algorithm::Crc32C => Some(CrcAlgorithm::Crc32Iscsi),
            Algorithm::Crc64Nvme => Some(CrcAlgorithm::Crc64Nvme),
            Algorithm::Md5 | Algorithm::Sha1 | Algorithm::Sha256 | Algorithm::Sha512 => None,
        }
    }

    /// Whether a checksum of the whole object follows from those of its parts.
    pub fn is_combinable(self) -> bool {
        self.crc().is_some()
    }

    /// Refuses what cannot be a value of this algorithm.
    ///
    /// # Errors
    /// `InvalidRequest`.
    pub fn check_value(self, value: &str) -> Result<(), Error> {
        match STANDARD.decode(value) {
            Ok(bytes) if bytes.len() == self.width() => Ok(()),
            _ => Err(errors::request(format!("Value for {} header is invalid.", self.header()))),
        }
    }

    /// The checksum of some bytes.
    pub fn of(self, bytes: &[u8]) -> String {
        let mut hasher = Hasher::new(self);
        hasher.update(bytes);
        hasher.finish()
    }

    /// The checksum of an object made of parts, from checksum and length in bytes of each.
    pub fn combine(self, parts: &[(String, u64)]) -> Option<String> {
        let crc = self.crc()?;
        let mut whole = 0;
        for (value, length) in parts {
            let bytes = STANDARD.decode(value).ok()?;
            let value = bytes.iter().fold(0, |sum: u64, byte| (sum << 8) | u64::from(*byte));
            whole = crc_fast::checksum_combine(crc, whole, value, *length);
        }
        Some(STANDARD.encode(&whole.to_be_bytes()[8 - self.width()..]))
    }

    /// The checksum of the parts' checksums.
    pub fn composite(self, parts: &[(String, u64)]) -> Option<String> {
        let mut all = Vec::new();
        for (value, _) in parts {
            all.extend(STANDARD.decode(value).ok()?);
        }
        Some(format!("{}-{}", self.of(&all), parts.len()))
    }
}

impl Scope {
    /// As the API spells it.
    pub fn name(self) -> &'static str {
        match self {
            Scope::Full => "FULL_OBJECT",
            Scope::Composite => "COMPOSITE",
        }
    }
}

/// A checksum being computed.
pub struct Hasher {
    algorithm: Algorithm,
    state: State,
}

enum State {
    Crc(Box<crc_fast::Digest>),
    Sha1(Box<sha1::Sha1>),
    Sha256(Box<sha2::Sha256>),
    Sha512(Box<sha2::Sha512>),
    Md5(Box<md5::Md5>),
}

impl Hasher {
    /// Of nothing yet.
    pub fn new(algorithm: Algorithm) -> Hasher {
        let state = match algorithm {
            Algorithm::Md5 => State::Md5(Box::default()),
            Algorithm::Sha1 => State::Sha1(Box::default()),
            Algorithm::Sha256 => State::Sha256(Box::default()),
            Algorithm::Sha512 => State::Sha512(Box::default()),
            Algorithm::Crc32 => State::Crc(Box::new(crc_fast::Digest::new(CrcAlgorithm::Crc32IsoHdlc))),
            Algorithm::Crc32C => State::Crc(Box::new(crc_fast::Digest::new(CrcAlgorithm::Crc32Iscsi))),
            Algorithm::Crc64Nvme => State::Crc(Box::new(crc_fast::Digest::new(CrcAlgorithm::Crc64Nvme))),
        };
        Hasher { algorithm, state }
    }

    /// Takes in bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.state {
            State::Crc(digest) => digest.update(bytes),
            State::Sha1(hash) => hash.update(bytes),
            State::Sha256(hash) => hash.update(bytes),
            State::Sha512(hash) => hash.update(bytes),
            State::Md5(hash) => hash.update(bytes),
        }
    }

    /// The checksum in base64.
    pub fn finish(self) -> String {
        match self.state {
            State::Crc(digest) => STANDARD.encode(&digest.finalize().to_be_bytes()[8 - self.algorithm.width()..]),
            State::Sha1(hash) => STANDARD.encode(hash.finalize()),
            State::Sha256(hash) => STANDARD.encode(hash.finalize()),
            State::Sha512(hash) => STANDARD.encode(hash.finalize()),
            State::Md5(hash) => STANDARD.encode(hash.finalize()),
        }
    }
}

/// What a client says about the checksum of a body.
#[derive(Debug, Clone, Default)]
pub struct Declared {
    /// `x-amz-sdk-checksum-algorithm`.
    pub algorithm: Option<String>,
    /// Values that came in headers.
    pub values: Vec<(Algorithm, String)>,
    /// The header of an algorithm that is not built, if the client sent one.
    pub foreign: Option<&'static str>,
}

impl Declared {
    /// The one algorithm that the client chose, with its value if that came in a header.
    ///
    /// # Errors
    /// `InvalidRequest`, `NotImplemented`.
    pub fn chosen(&self) -> Result<Option<(Algorithm, Option<String>)>, Error> {
        if let Some(header) = self.foreign {
            return Err(errors::unsupported(header));
        }
        let named = self.algorithm.as_deref().map(Algorithm::parse).transpose()?;
        match self.values.as_slice() {
            [] => Ok(named.map(|algorithm| (algorithm, None))),
            [(algorithm, value)] => {
                algorithm.check_value(value)?;
                if named.is_some_and(|named| named != *algorithm) {
                    return Err(errors::request("Value for x-amz-sdk-checksum-algorithm header is invalid."));
                }
                Ok(Some((*algorithm, Some(value.clone()))))
            }
            _ => Err(errors::request(
                "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.",
            )),
        }
    }
}

/// What the input of an operation declares about checksums.
macro_rules! declared {
    ($input:expr) => {{
        use $crate::checksum::Algorithm;
        let given = [
            (Algorithm::Crc32, &$input.checksum_crc32),
            (Algorithm::Crc32C, &$input.checksum_crc32_c),
            (Algorithm::Crc64Nvme, &$input.checksum_crc64_nvme),
            (Algorithm::Sha1, &$input.checksum_sha1),
            (Algorithm::Sha256, &$input.checksum_sha256),
            (Algorithm::Sha512, &$input.checksum_sha512),
            (Algorithm::Md5, &$input.checksum_md5),
        ];
        let values = given.into_iter().filter_map(|(algorithm, value)| Some((algorithm, value.clone()?))).collect();
        let foreign = [
            ("x-amz-checksum-xxhash64", &$input.checksum_xxhash64),
            ("x-amz-checksum-xxhash3", &$input.checksum_xxhash3),
            ("x-amz-checksum-xxhash128", &$input.checksum_xxhash128),
        ];
        let foreign = foreign.into_iter().find(|(_, value)| value.is_some()).map(|(header, _)| header);
        $crate::checksum::Declared { algorithm: None, values, foreign }
    }};
}

/// Puts a checksum, by algorithm and value, into the output of an operation.
macro_rules! show {
    ($output:expr, $algorithm:expr, $value:expr) => {{
        use $crate::checksum::Algorithm;
        let slot = match $algorithm {
            Algorithm::Crc32 => &mut $output.checksum_crc32,
            Algorithm::Crc32C => &mut $output.checksum_crc32_c,
            Algorithm::Crc64Nvme => &mut $output.checksum_crc64_nvme,
            Algorithm::Sha1 => &mut $output.checksum_sha1,
            Algorithm::Sha256 => &mut $output.checksum_sha256,
            Algorithm::Sha512 => &mut $output.checksum_sha512,
            Algorithm::Md5 => &mut $output.checksum_md5,
        };
        *slot = Some($value.clone());
    }};
}

pub(crate) use {declared, show};

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn checksums_have_their_check_values() {
        // The check values of the catalogue of CRC algorithms and of FIPS 180 for "123456789" and "abc".
        assert_eq!(STANDARD.decode(Algorithm::Crc32.of(b"123456789")).unwrap(), 0xCBF4_3926_u32.to_be_bytes());
        assert_eq!(STANDARD.decode(Algorithm::Crc32C.of(b"123456789")).unwrap(), 0xE306_9283_u32.to_be_bytes());
        let nvme = STANDARD.decode(Algorithm::Crc64Nvme.of(b"123456789")).unwrap();
        assert_eq!(nvme, 0xAE8B_1486_0A79_9888_u64.to_be_bytes());
        assert_eq!(Algorithm::Sha1.of(b"abc"), "qZk+NkcGgWq6PiVxeFDCbJzQ2J0=");
        assert_eq!(Algorithm::Sha256.of(b"abc"), "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=");
        let sha512 = "3a81oZNherrMQXNJriBBMRLm+k6JqX6iCp7u5ktV05ohkpkqJ0/BqDa6PCOj/uu9RU1EI2Q86A4qmslPpUyknw==";
        assert_eq!(Algorithm::Sha512.of(b"abc"), sha512);
        // RFC 1321, appendix A.5.
        assert_eq!(Algorithm::Md5.of(b"abc"), "kAFQmDzST7DWlj99KOF/cg==");
    }

    #[test]
    fn one_checksum_at_most_may_be_declared() {
        let values = vec![(Algorithm::Crc32, Algorithm::Crc32.of(b"")), (Algorithm::Sha1, Algorithm::Sha1.of(b""))];
        let both = Declared { values, ..Declared::default() };
        assert!(both.chosen().unwrap_err().is("InvalidRequest"));
        let short = Declared { values: vec![(Algorithm::Sha1, "AAAA".to_owned())], ..Declared::default() };
        assert!(short.chosen().unwrap_err().is("InvalidRequest"));
        let named = Declared { algorithm: Some("crc32c".to_owned()), ..Declared::default() };
        assert_eq!(named.chosen().unwrap(), Some((Algorithm::Crc32C, None)));
    }

    proptest! {
        #[test]
        fn parts_combine_to_the_whole(parts: Vec<Vec<u8>>) {
            for algorithm in [Algorithm::Crc32, Algorithm::Crc32C, Algorithm::Crc64Nvme] {
                let sums: Vec<_> = parts.iter().map(|part| (algorithm.of(part), part.len() as u64)).collect();
                prop_assert_eq!(algorithm.combine(&sums), Some(algorithm.of(&parts.concat())));
            }
        }
    }
}
