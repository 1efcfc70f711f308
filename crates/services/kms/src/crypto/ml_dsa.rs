//! Making keys of ML-DSA.

use aws_lc_rs::signature::{
    KeyPair, ML_DSA_44, ML_DSA_44_SIGNING, ML_DSA_65, ML_DSA_65_SIGNING, ML_DSA_87, ML_DSA_87_SIGNING, PqdsaKeyPair,
    PqdsaSigningAlgorithm, PqdsaVerificationAlgorithm,
};
use zeroize::Zeroizing;

use super::elliptic::public_der;
use super::{CryptoError, PairBytes};
use crate::spec::MlDsa;

/// The signing algorithm of a parameter set.
pub(super) fn signing_algorithm(set: MlDsa) -> &'static PqdsaSigningAlgorithm {
    match set {
        MlDsa::Set44 => &ML_DSA_44_SIGNING,
        MlDsa::Set65 => &ML_DSA_65_SIGNING,
        MlDsa::Set87 => &ML_DSA_87_SIGNING,
    }
}

/// The verification algorithm of a parameter set.
pub(super) fn verification_algorithm(set: MlDsa) -> &'static PqdsaVerificationAlgorithm {
    match set {
        MlDsa::Set44 => &ML_DSA_44,
        MlDsa::Set65 => &ML_DSA_65,
        MlDsa::Set87 => &ML_DSA_87,
    }
}

/// Makes a key pair.
pub(super) fn generate(set: MlDsa) -> Result<PairBytes, CryptoError> {
    let key = PqdsaKeyPair::generate(signing_algorithm(set))?;
    Ok(PairBytes { secret: Zeroizing::new(key.to_pkcs8v1()?.as_ref().to_vec()), public: public_der(key.public_key())? })
}

/// The public key of a private one of that parameter set.
pub(super) fn public_of(set: MlDsa, pkcs8: &[u8]) -> Result<Vec<u8>, CryptoError> {
    public_der(PqdsaKeyPair::from_pkcs8(signing_algorithm(set), pkcs8)?.public_key())
}
