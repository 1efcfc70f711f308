//! Signatures with RSA, ECDSA, Ed25519 and ML-DSA.

use api::kms::enums::signing_algorithm_spec as names;
use aws_lc_rs::digest::{self, Digest, SHA256, SHA384, SHA512};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256K1_SHA256_ASN1, ECDSA_P384_SHA384_ASN1, ECDSA_P521_SHA512_ASN1, ED25519,
    EcdsaKeyPair, Ed25519KeyPair, PqdsaKeyPair, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384,
    RSA_PKCS1_2048_8192_SHA512, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384, RSA_PSS_SHA512, RsaEncoding,
    RsaKeyPair, UnparsedPublicKey, VerificationAlgorithm,
};

use super::{CryptoError, elliptic, ml_dsa};
use crate::spec::{Curve, KeySpec};

/// How a message is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SigningAlgorithm {
    /// RSA with the padding of PKCS #1 v1.5.
    Pkcs1(Hash),
    /// RSA with PSS; the salt is as long as the digest.
    Pss(Hash),
    /// ECDSA; the signature is DER.
    Ecdsa(Hash),
    /// Ed25519 over the message itself.
    Ed25519,
    /// ML-DSA over the message itself, with an empty context.
    MlDsa,
}

/// The digest of a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hash {
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

/// What is to be signed, or was.
#[derive(Debug, Clone, Copy)]
pub enum ToSign<'a> {
    /// The message.
    Message(&'a [u8]),
    /// Its digest.
    Digest(&'a [u8]),
}

impl SigningAlgorithm {
    /// The algorithm of that name; `None` for those that are not supported.
    pub fn parse(name: &str) -> Option<SigningAlgorithm> {
        Some(match name {
            names::RSASSA_PKCS1_V1_5_SHA_256 => SigningAlgorithm::Pkcs1(Hash::Sha256),
            names::RSASSA_PKCS1_V1_5_SHA_384 => SigningAlgorithm::Pkcs1(Hash::Sha384),
            names::RSASSA_PKCS1_V1_5_SHA_512 => SigningAlgorithm::Pkcs1(Hash::Sha512),
            names::RSASSA_PSS_SHA_256 => SigningAlgorithm::Pss(Hash::Sha256),
            names::RSASSA_PSS_SHA_384 => SigningAlgorithm::Pss(Hash::Sha384),
            names::RSASSA_PSS_SHA_512 => SigningAlgorithm::Pss(Hash::Sha512),
            names::ECDSA_SHA_256 => SigningAlgorithm::Ecdsa(Hash::Sha256),
            names::ECDSA_SHA_384 => SigningAlgorithm::Ecdsa(Hash::Sha384),
            names::ECDSA_SHA_512 => SigningAlgorithm::Ecdsa(Hash::Sha512),
            names::ED25519_SHA_512 => SigningAlgorithm::Ed25519,
            names::ML_DSA_SHAKE_256 => SigningAlgorithm::MlDsa,
            _ => return None,
        })
    }

    /// Bytes of the digest that is signed; `None` where the message itself is.
    pub fn digest_bytes(self) -> Option<usize> {
        self.hash().map(|hash| hash.algorithm().output_len())
    }

    fn hash(self) -> Option<Hash> {
        match self {
            SigningAlgorithm::Pkcs1(hash) | SigningAlgorithm::Pss(hash) | SigningAlgorithm::Ecdsa(hash) => Some(hash),
            SigningAlgorithm::Ed25519 | SigningAlgorithm::MlDsa => None,
        }
    }

    fn rsa_encoding(self) -> Option<&'static dyn RsaEncoding> {
        Some(match self {
            SigningAlgorithm::Pkcs1(Hash::Sha256) => &RSA_PKCS1_SHA256,
            SigningAlgorithm::Pkcs1(Hash::Sha384) => &RSA_PKCS1_SHA384,
            SigningAlgorithm::Pkcs1(Hash::Sha512) => &RSA_PKCS1_SHA512,
            SigningAlgorithm::Pss(Hash::Sha256) => &RSA_PSS_SHA256,
            SigningAlgorithm::Pss(Hash::Sha384) => &RSA_PSS_SHA384,
            SigningAlgorithm::Pss(Hash::Sha512) => &RSA_PSS_SHA512,
            _ => return None,
        })
    }

    /// How signatures of a key of that kind are verified; `None` if the key has no such signatures.
    fn verification(self, spec: KeySpec) -> Option<&'static dyn VerificationAlgorithm> {
        Some(match (self, spec) {
            (SigningAlgorithm::Pkcs1(Hash::Sha256), KeySpec::Rsa(_)) => &RSA_PKCS1_2048_8192_SHA256,
            (SigningAlgorithm::Pkcs1(Hash::Sha384), KeySpec::Rsa(_)) => &RSA_PKCS1_2048_8192_SHA384,
            (SigningAlgorithm::Pkcs1(Hash::Sha512), KeySpec::Rsa(_)) => &RSA_PKCS1_2048_8192_SHA512,
            (SigningAlgorithm::Pss(Hash::Sha256), KeySpec::Rsa(_)) => &RSA_PSS_2048_8192_SHA256,
            (SigningAlgorithm::Pss(Hash::Sha384), KeySpec::Rsa(_)) => &RSA_PSS_2048_8192_SHA384,
            (SigningAlgorithm::Pss(Hash::Sha512), KeySpec::Rsa(_)) => &RSA_PSS_2048_8192_SHA512,
            (SigningAlgorithm::Ecdsa(Hash::Sha256), KeySpec::Ecc(Curve::P256)) => &ECDSA_P256_SHA256_ASN1,
            (SigningAlgorithm::Ecdsa(Hash::Sha256), KeySpec::Ecc(Curve::Secp256k1)) => &ECDSA_P256K1_SHA256_ASN1,
            (SigningAlgorithm::Ecdsa(Hash::Sha384), KeySpec::Ecc(Curve::P384)) => &ECDSA_P384_SHA384_ASN1,
            (SigningAlgorithm::Ecdsa(Hash::Sha512), KeySpec::Ecc(Curve::P521)) => &ECDSA_P521_SHA512_ASN1,
            (SigningAlgorithm::Ed25519, KeySpec::Ed25519) => &ED25519,
            (SigningAlgorithm::MlDsa, KeySpec::MlDsa(set)) => ml_dsa::verification_algorithm(set),
            _ => return None,
        })
    }
}

impl Hash {
    fn algorithm(self) -> &'static digest::Algorithm {
        match self {
            Hash::Sha256 => &SHA256,
            Hash::Sha384 => &SHA384,
            Hash::Sha512 => &SHA512,
        }
    }
}

impl<'a> ToSign<'a> {
    /// The digest to sign: given, or made from the message.
    fn digest(self, hash: Hash) -> Result<Digest, CryptoError> {
        match self {
            ToSign::Message(message) => Ok(digest::digest(hash.algorithm(), message)),
            ToSign::Digest(digest) => Ok(Digest::import_less_safe(digest, hash.algorithm())?),
        }
    }

    /// The message to sign.
    fn message(self) -> Result<&'a [u8], CryptoError> {
        match self {
            ToSign::Message(message) => Ok(message),
            ToSign::Digest(_) => Err(CryptoError),
        }
    }
}

/// A private key that signs.
pub enum SigningKey {
    /// RSA.
    Rsa(RsaKeyPair),
    /// ECDSA.
    Ecdsa(EcdsaKeyPair),
    /// Ed25519.
    Ed25519(Ed25519KeyPair),
    /// ML-DSA.
    MlDsa(PqdsaKeyPair),
}

impl SigningKey {
    /// Reads PKCS #8.
    ///
    /// # Errors
    /// [`CryptoError`].
    pub fn read(spec: KeySpec, pkcs8: &[u8]) -> Result<SigningKey, CryptoError> {
        Ok(match spec {
            KeySpec::Rsa(_) => SigningKey::Rsa(RsaKeyPair::from_pkcs8(pkcs8)?),
            KeySpec::Ecc(curve) => {
                SigningKey::Ecdsa(EcdsaKeyPair::from_pkcs8(elliptic::signing_algorithm(curve), pkcs8)?)
            }
            KeySpec::Ed25519 => SigningKey::Ed25519(Ed25519KeyPair::from_pkcs8_maybe_unchecked(pkcs8)?),
            KeySpec::MlDsa(set) => SigningKey::MlDsa(PqdsaKeyPair::from_pkcs8(ml_dsa::signing_algorithm(set), pkcs8)?),
            KeySpec::Symmetric | KeySpec::Hmac(_) | KeySpec::MlKem(_) => return Err(CryptoError),
        })
    }

    /// Signs.
    ///
    /// # Errors
    /// [`CryptoError`] if the key has no such algorithm, or the digest is of another length.
    pub fn sign(&self, algorithm: SigningAlgorithm, to_sign: ToSign<'_>) -> Result<Vec<u8>, CryptoError> {
        match (self, algorithm.hash()) {
            (SigningKey::Rsa(key), Some(hash)) => {
                let encoding = algorithm.rsa_encoding().ok_or(CryptoError)?;
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign_digest(encoding, &to_sign.digest(hash)?, &mut signature)?;
                Ok(signature)
            }
            (SigningKey::Ecdsa(key), Some(hash)) => Ok(key.sign_digest(&to_sign.digest(hash)?)?.as_ref().to_vec()),
            (SigningKey::Ed25519(key), None) => Ok(key.try_sign(to_sign.message()?)?.as_ref().to_vec()),
            (SigningKey::MlDsa(key), None) => {
                let mut signature = vec![0; key.algorithm().signature_len()];
                let length = key.sign(to_sign.message()?, &mut signature)?;
                signature.truncate(length);
                Ok(signature)
            }
            _ => Err(CryptoError),
        }
    }
}

/// Whether that is the signature of a public key (DER of `SubjectPublicKeyInfo`).
pub fn verify(
    spec: KeySpec,
    public: &[u8],
    algorithm: SigningAlgorithm,
    signed: ToSign<'_>,
    signature: &[u8],
) -> Result<bool, CryptoError> {
    let key = UnparsedPublicKey::new(algorithm.verification(spec).ok_or(CryptoError)?, public);
    Ok(match algorithm.hash() {
        Some(hash) => key.verify_digest(&signed.digest(hash)?, signature).is_ok(),
        None => key.verify(signed.message()?, signature).is_ok(),
    })
}
