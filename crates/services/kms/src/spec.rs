//! Kinds of keys: what AWS calls key specs and key usages, and the algorithms that go with them.

use api::kms::enums::{
    encapsulation_algorithm_spec, encryption_algorithm_spec, key_agreement_algorithm_spec, key_spec, key_usage_type,
    mac_algorithm_spec, signing_algorithm_spec,
};
use serde::{Deserialize, Serialize};

/// What a key consists of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum KeySpec {
    /// A 256-bit key of AES-GCM.
    Symmetric,
    /// A pair of RSA keys.
    Rsa(RsaSize),
    /// A pair of keys on an elliptic curve.
    Ecc(Curve),
    /// A pair of keys of Ed25519.
    Ed25519,
    /// A key of HMAC.
    Hmac(HmacSize),
    /// A pair of keys of ML-DSA (FIPS 204).
    MlDsa(MlDsa),
    /// A pair of keys of ML-KEM (FIPS 203).
    MlKem(MlKem),
}

/// Bits of an RSA modulus.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RsaSize {
    /// 2,048 bits.
    Bits2048,
    /// 3,072 bits.
    Bits3072,
    /// 4,096 bits.
    Bits4096,
}

/// An elliptic curve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Curve {
    /// NIST P-256, secp256r1.
    P256,
    /// NIST P-384, secp384r1.
    P384,
    /// NIST P-521, secp521r1.
    P521,
    /// secp256k1, the curve of cryptocurrencies.
    Secp256k1,
}

/// The digest under an HMAC, and the length of its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HmacSize {
    /// SHA-224.
    Bits224,
    /// SHA-256.
    Bits256,
    /// SHA-384.
    Bits384,
    /// SHA-512.
    Bits512,
}

/// A parameter set of ML-DSA.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MlDsa {
    /// ML-DSA-44.
    Set44,
    /// ML-DSA-65.
    Set65,
    /// ML-DSA-87.
    Set87,
}

/// A parameter set of ML-KEM.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MlKem {
    /// ML-KEM-512.
    Set512,
    /// ML-KEM-768.
    Set768,
    /// ML-KEM-1024.
    Set1024,
}

/// Every spec under its name in the API.
const NAMES: [(KeySpec, &str); 19] = [
    (KeySpec::Symmetric, key_spec::SYMMETRIC_DEFAULT),
    (KeySpec::Rsa(RsaSize::Bits2048), key_spec::RSA_2048),
    (KeySpec::Rsa(RsaSize::Bits3072), key_spec::RSA_3072),
    (KeySpec::Rsa(RsaSize::Bits4096), key_spec::RSA_4096),
    (KeySpec::Ecc(Curve::P256), key_spec::ECC_NIST_P256),
    (KeySpec::Ecc(Curve::P384), key_spec::ECC_NIST_P384),
    (KeySpec::Ecc(Curve::P521), key_spec::ECC_NIST_P521),
    (KeySpec::Ecc(Curve::Secp256k1), key_spec::ECC_SECG_P256_K1),
    (KeySpec::Ed25519, key_spec::ECC_NIST_EDWARDS25519),
    (KeySpec::Hmac(HmacSize::Bits224), key_spec::HMAC_224),
    (KeySpec::Hmac(HmacSize::Bits256), key_spec::HMAC_256),
    (KeySpec::Hmac(HmacSize::Bits384), key_spec::HMAC_384),
    (KeySpec::Hmac(HmacSize::Bits512), key_spec::HMAC_512),
    (KeySpec::MlDsa(MlDsa::Set44), key_spec::ML_DSA_44),
    (KeySpec::MlDsa(MlDsa::Set65), key_spec::ML_DSA_65),
    (KeySpec::MlDsa(MlDsa::Set87), key_spec::ML_DSA_87),
    (KeySpec::MlKem(MlKem::Set512), key_spec::ML_KEM_512),
    (KeySpec::MlKem(MlKem::Set768), key_spec::ML_KEM_768),
    (KeySpec::MlKem(MlKem::Set1024), key_spec::ML_KEM_1024),
];

impl KeySpec {
    /// The spec of that name; `None` for those that are not supported (`SM2`).
    pub fn parse(name: &str) -> Option<KeySpec> {
        NAMES.iter().find(|(_, known)| *known == name).map(|(spec, _)| *spec)
    }

    /// Its name in the API.
    pub fn name(self) -> &'static str {
        NAMES.iter().find(|(spec, _)| *spec == self).map_or("", |(_, name)| name)
    }

    /// Whether the key is a pair, of which one half is public.
    pub fn is_pair(self) -> bool {
        !matches!(self, KeySpec::Symmetric | KeySpec::Hmac(_))
    }

    /// What a key of this kind may be used for.
    pub fn usages(self) -> &'static [KeyUsage] {
        use KeyUsage::{Encapsulation, Encryption, KeyAgreement, Mac, Signing};
        match self {
            KeySpec::Symmetric => &[Encryption],
            KeySpec::Rsa(_) => &[Encryption, Signing],
            KeySpec::Ecc(Curve::Secp256k1) | KeySpec::Ed25519 | KeySpec::MlDsa(_) => &[Signing],
            KeySpec::Ecc(_) => &[Signing, KeyAgreement],
            KeySpec::Hmac(_) => &[Mac],
            KeySpec::MlKem(_) => &[Encapsulation],
        }
    }

    /// The algorithms of a key of this kind when it is used so, in AWS's order.
    pub fn algorithms(self, usage: KeyUsage) -> &'static [&'static str] {
        match (self, usage) {
            (KeySpec::Symmetric, _) => &[encryption_algorithm_spec::SYMMETRIC_DEFAULT],
            (KeySpec::Rsa(_), KeyUsage::Encryption) => {
                &[encryption_algorithm_spec::RSAES_OAEP_SHA_1, encryption_algorithm_spec::RSAES_OAEP_SHA_256]
            }
            (KeySpec::Rsa(_), _) => &[
                signing_algorithm_spec::RSASSA_PKCS1_V1_5_SHA_256,
                signing_algorithm_spec::RSASSA_PKCS1_V1_5_SHA_384,
                signing_algorithm_spec::RSASSA_PKCS1_V1_5_SHA_512,
                signing_algorithm_spec::RSASSA_PSS_SHA_256,
                signing_algorithm_spec::RSASSA_PSS_SHA_384,
                signing_algorithm_spec::RSASSA_PSS_SHA_512,
            ],
            (KeySpec::Ecc(_), KeyUsage::KeyAgreement) => &[key_agreement_algorithm_spec::ECDH],
            (KeySpec::Ecc(Curve::P256 | Curve::Secp256k1), _) => &[signing_algorithm_spec::ECDSA_SHA_256],
            (KeySpec::Ecc(Curve::P384), _) => &[signing_algorithm_spec::ECDSA_SHA_384],
            (KeySpec::Ecc(Curve::P521), _) => &[signing_algorithm_spec::ECDSA_SHA_512],
            (KeySpec::Ed25519, _) => &[signing_algorithm_spec::ED25519_SHA_512],
            (KeySpec::Hmac(HmacSize::Bits224), _) => &[mac_algorithm_spec::HMAC_SHA_224],
            (KeySpec::Hmac(HmacSize::Bits256), _) => &[mac_algorithm_spec::HMAC_SHA_256],
            (KeySpec::Hmac(HmacSize::Bits384), _) => &[mac_algorithm_spec::HMAC_SHA_384],
            (KeySpec::Hmac(HmacSize::Bits512), _) => &[mac_algorithm_spec::HMAC_SHA_512],
            (KeySpec::MlDsa(_), _) => &[signing_algorithm_spec::ML_DSA_SHAKE_256],
            (KeySpec::MlKem(_), _) => &[encapsulation_algorithm_spec::ML_KEM],
        }
    }
}

impl TryFrom<String> for KeySpec {
    type Error = String;

    fn try_from(name: String) -> Result<KeySpec, String> {
        KeySpec::parse(&name).ok_or_else(|| format!("unknown key spec {name}"))
    }
}

impl From<KeySpec> for String {
    fn from(spec: KeySpec) -> String {
        spec.name().to_owned()
    }
}

impl RsaSize {
    /// Bytes of the modulus.
    pub fn modulus_bytes(self) -> usize {
        match self {
            RsaSize::Bits2048 => 256,
            RsaSize::Bits3072 => 384,
            RsaSize::Bits4096 => 512,
        }
    }
}

impl HmacSize {
    /// Bytes of the key, which are those of the digest.
    pub fn key_bytes(self) -> usize {
        match self {
            HmacSize::Bits224 => 28,
            HmacSize::Bits256 => 32,
            HmacSize::Bits384 => 48,
            HmacSize::Bits512 => 64,
        }
    }
}

/// What a key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum KeyUsage {
    /// `ENCRYPT_DECRYPT`.
    #[serde(rename = "ENCRYPT_DECRYPT")]
    Encryption,
    /// `SIGN_VERIFY`.
    #[serde(rename = "SIGN_VERIFY")]
    Signing,
    /// `GENERATE_VERIFY_MAC`.
    #[serde(rename = "GENERATE_VERIFY_MAC")]
    Mac,
    /// `KEY_AGREEMENT`.
    #[serde(rename = "KEY_AGREEMENT")]
    KeyAgreement,
    /// `ENCAPSULATE_DECAPSULATE`.
    #[serde(rename = "ENCAPSULATE_DECAPSULATE")]
    Encapsulation,
}

impl KeyUsage {
    /// The usage of that name.
    pub fn parse(name: &str) -> Option<KeyUsage> {
        use KeyUsage::{Encapsulation, Encryption, KeyAgreement, Mac, Signing};
        [Encryption, Signing, Mac, KeyAgreement, Encapsulation].into_iter().find(|usage| usage.name() == name)
    }

    /// Its name in the API.
    pub fn name(self) -> &'static str {
        match self {
            KeyUsage::Encryption => key_usage_type::ENCRYPT_DECRYPT,
            KeyUsage::Signing => key_usage_type::SIGN_VERIFY,
            KeyUsage::Mac => key_usage_type::GENERATE_VERIFY_MAC,
            KeyUsage::KeyAgreement => key_usage_type::KEY_AGREEMENT,
            KeyUsage::Encapsulation => key_usage_type::ENCAPSULATE_DECAPSULATE,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spec_has_a_name_of_its_own_and_algorithms_for_each_usage() {
        for (spec, name) in NAMES {
            assert_eq!((KeySpec::parse(name), spec.name()), (Some(spec), name));
            assert!(!spec.usages().is_empty());
            for usage in spec.usages() {
                assert!(!spec.algorithms(*usage).is_empty());
                assert_eq!(KeyUsage::parse(usage.name()), Some(*usage));
            }
        }
        assert_eq!(KeySpec::parse("SM2"), None);
    }
}
