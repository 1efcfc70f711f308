//! The signatures of messages: RSA over SHA-1 (version 1) or SHA-256 (version 2), under a key that the installation makes
//! once, with a certificate that clients can fetch.

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use platform::Ids;
use rcgen::{CertificateParams, DistinguishedName, DnType, PKCS_RSA_SHA256};
use rsa::pkcs8::DecodePrivateKey;
use rsa::rand_core::{CryptoRng, RngCore};
use rsa::{Pkcs1v15Sign, RsaPrivateKey};
use rustls::pki_types::PrivatePkcs8KeyDer;
use serde::{Deserialize, Serialize};
use sha1::Sha1;
use sha2::{Digest, Sha256};

/// What stands in front of a digest within a signature (RFC 8017, 9.2): its algorithm.
const SHA1_PREFIX: [u8; 15] =
    [0x30, 0x21, 0x30, 0x09, 0x06, 0x05, 0x2b, 0x0e, 0x03, 0x02, 0x1a, 0x05, 0x00, 0x04, 0x14];
const SHA256_PREFIX: [u8; 19] =
    [0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20];

/// A key and its certificate.
pub struct Signer {
    key: RsaPrivateKey,
    ids: Ids,
    certificate: String,
    file_name: String,
}

/// A signer at rest. The key is sealed.
#[derive(Serialize, Deserialize)]
pub struct Stored {
    /// The sealed key (PKCS #8), in base 64.
    pub key: String,
    /// The certificate, in PEM form.
    pub certificate: String,
}

/// Why a signer cannot be made.
#[derive(Debug)]
pub struct Unusable(pub String);

impl Signer {
    /// Makes a key (PKCS #8) and its certificate (PEM).
    ///
    /// # Errors
    /// [`Unusable`].
    pub fn generate() -> Result<(Vec<u8>, String), Unusable> {
        let unusable = |error: &dyn std::fmt::Display| Unusable(error.to_string());
        let key = KeyPair::generate(KeySize::Rsa2048).map_err(|error| unusable(&error))?;
        let der: Pkcs8V1Der<'_> = key.as_der().map_err(|error| unusable(&error))?;
        let der = der.as_ref().to_vec();
        let private = PrivatePkcs8KeyDer::from(der.clone());
        let private = rcgen::KeyPair::from_pkcs8_der_and_sign_algo(&private, &PKCS_RSA_SHA256);
        let private = private.map_err(|error| unusable(&error))?;
        let mut parameters =
            CertificateParams::new(vec!["sns.amazonaws.com".to_owned()]).map_err(|error| unusable(&error))?;
        parameters.distinguished_name = DistinguishedName::new();
        parameters.distinguished_name.push(DnType::CommonName, "sns.amazonaws.com");
        let certificate = parameters.self_signed(&private).map_err(|error| unusable(&error))?;
        Ok((der, certificate.pem()))
    }

    /// The signer of a key and its certificate.
    ///
    /// # Errors
    /// [`Unusable`].
    pub fn new(key: &[u8], certificate: String, ids: Ids) -> Result<Signer, Unusable> {
        let key = RsaPrivateKey::from_pkcs8_der(key).map_err(|error| Unusable(error.to_string()))?;
        let digest = Sha256::digest(certificate.as_bytes());
        let name: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        Ok(Signer { key, ids, certificate, file_name: format!("SimpleNotificationService-{name}.pem") })
    }

    /// The certificate, in PEM form.
    pub fn certificate(&self) -> &str {
        &self.certificate
    }

    /// What the certificate's file is called.
    pub fn file_name(&self) -> &str {
        &self.file_name
    }

    /// A signature over a text, in base 64.
    pub fn sign(&self, text: &str, version_2: bool) -> String {
        let prefixed = if version_2 {
            [&SHA256_PREFIX[..], &Sha256::digest(text.as_bytes())[..]].concat()
        } else {
            [&SHA1_PREFIX[..], &Sha1::digest(text.as_bytes())[..]].concat()
        };
        let mut blinding = Blinding(self.ids.clone());
        let signed = self.key.sign_with_rng(&mut blinding, Pkcs1v15Sign::new_unprefixed(), &prefixed);
        STANDARD.encode(signed.expect("a key of 2,048 bits signs every digest"))
    }
}

/// Bytes as text.
pub fn text_of(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// The bytes of a text; none if it is none of [`text_of`].
pub fn bytes_of(text: &str) -> Vec<u8> {
    STANDARD.decode(text).unwrap_or_default()
}

/// The platform's randomness, for blinding.
struct Blinding(Ids);

impl RngCore for Blinding {
    fn next_u32(&mut self) -> u32 {
        rsa::rand_core::impls::next_u32_via_fill(self)
    }

    fn next_u64(&mut self) -> u64 {
        rsa::rand_core::impls::next_u64_via_fill(self)
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        self.0.fill(bytes);
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), rsa::rand_core::Error> {
        self.fill_bytes(bytes);
        Ok(())
    }
}

impl CryptoRng for Blinding {}

#[cfg(test)]
mod tests {
    use rsa::pkcs8::DecodePrivateKey;

    use super::*;

    #[test]
    fn both_versions_hold_under_the_certificates_key() {
        let (key, certificate) = Signer::generate().unwrap();
        let public = RsaPrivateKey::from_pkcs8_der(&key).unwrap().to_public_key();
        let signer = Signer::new(&key, certificate, Ids::seeded(1)).unwrap();
        assert!(signer.certificate().starts_with("-----BEGIN CERTIFICATE-----"));
        for (version_2, prefix, digest) in [
            (false, &SHA1_PREFIX[..], Sha1::digest(b"text").to_vec()),
            (true, &SHA256_PREFIX[..], Sha256::digest(b"text").to_vec()),
        ] {
            let signature = STANDARD.decode(signer.sign("text", version_2)).unwrap();
            let hashed = [prefix, &digest].concat();
            public.verify(Pkcs1v15Sign::new_unprefixed(), &hashed, &signature).unwrap();
        }
    }
}
