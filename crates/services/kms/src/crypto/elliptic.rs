//! Making keys on elliptic curves.

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P256K1_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING,
    ECDSA_P521_SHA512_ASN1_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair,
};
use zeroize::Zeroizing;

use super::{CryptoError, PairBytes};
use crate::spec::Curve;

/// The signing algorithm of a curve; its keys are those of key agreement too.
pub(super) fn signing_algorithm(curve: Curve) -> &'static EcdsaSigningAlgorithm {
    match curve {
        Curve::P256 => &ECDSA_P256_SHA256_ASN1_SIGNING,
        Curve::P384 => &ECDSA_P384_SHA384_ASN1_SIGNING,
        Curve::P521 => &ECDSA_P521_SHA512_ASN1_SIGNING,
        Curve::Secp256k1 => &ECDSA_P256K1_SHA256_ASN1_SIGNING,
    }
}

/// Makes a key pair.
pub(super) fn generate(curve: Curve) -> Result<PairBytes, CryptoError> {
    let key = EcdsaKeyPair::generate(signing_algorithm(curve))?;
    Ok(PairBytes { secret: Zeroizing::new(key.to_pkcs8v1()?.as_ref().to_vec()), public: public_der(key.public_key())? })
}

/// The public key of a private one on that curve.
pub(super) fn public_of(curve: Curve, pkcs8: &[u8]) -> Result<Vec<u8>, CryptoError> {
    public_der(EcdsaKeyPair::from_pkcs8(signing_algorithm(curve), pkcs8)?.public_key())
}

/// Makes a key pair of Ed25519.
pub(super) fn generate_ed25519() -> Result<PairBytes, CryptoError> {
    let key = Ed25519KeyPair::generate()?;
    Ok(PairBytes { secret: Zeroizing::new(key.to_pkcs8v1()?.as_ref().to_vec()), public: public_der(key.public_key())? })
}

/// The public key of a private one of Ed25519.
pub(super) fn public_of_ed25519(pkcs8: &[u8]) -> Result<Vec<u8>, CryptoError> {
    public_der(Ed25519KeyPair::from_pkcs8_maybe_unchecked(pkcs8)?.public_key())
}

/// A public key as `SubjectPublicKeyInfo`.
pub(super) fn public_der(key: &impl AsDer<PublicKeyX509Der<'static>>) -> Result<Vec<u8>, CryptoError> {
    Ok(key.as_der()?.as_ref().to_vec())
}
