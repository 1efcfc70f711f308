//! What a registered identity provider's metadata say about its responses: who it is, and which keys are its own.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use roxmltree::Node;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::xml::{self, METADATA, SIGNATURE};

/// Most certificates of a provider that are tried (IAM quotas, keys per SAML provider).
const CERTIFICATES_MAX: usize = 10;

/// Most nodes of a metadata document: what 10,000,000 characters, the most that IAM keeps, say in earnest.
const METADATA_NODES_MAX: u32 = 1_000_000;

/// An identity provider.
#[derive(Debug, PartialEq, Eq)]
pub struct Issuer {
    /// What it calls itself.
    pub entity_id: String,
    /// The public keys it signs with, as its certificates carry them. Certificates are pinned by being registered: their
    /// names, authorities and times say nothing more.
    pub keys: Vec<Vec<u8>>,
}

/// Reads a metadata document; `None` for one that does not describe an identity provider.
pub fn read(document: &str) -> Option<Issuer> {
    let document = xml::parse(document, METADATA_NODES_MAX)?;
    let entity = document.root_element();
    if !xml::is(entity, METADATA, "EntityDescriptor") {
        return None;
    }
    let described = xml::children(entity, METADATA, "IDPSSODescriptor")
        .flat_map(|role| xml::children(role, METADATA, "KeyDescriptor"))
        // A key without a named use is for signatures as well.
        .filter(|key| key.attribute("use").is_none_or(|usage| usage == "signing"));
    let certificates = described
        .flat_map(|key| xml::children(key, SIGNATURE, "KeyInfo"))
        .flat_map(|info| xml::children(info, SIGNATURE, "X509Data"))
        .flat_map(|data| xml::children(data, SIGNATURE, "X509Certificate"));
    let keys = certificates.take(CERTIFICATES_MAX).filter_map(public_key).collect();
    Some(Issuer { entity_id: entity.attribute("entityID")?.to_owned(), keys })
}

fn public_key(certificate: Node<'_, '_>) -> Option<Vec<u8>> {
    let written: String = xml::text(certificate)?.split_ascii_whitespace().collect();
    let der = STANDARD.decode(written).ok()?;
    let (_, certificate) = X509Certificate::from_der(&der).ok()?;
    Some(certificate.public_key().subject_public_key.data.to_vec())
}
