//! Signatures inside what they sign (<https://www.w3.org/TR/xmldsig-core1/>), of the one form that SAML allows: one
//! reference, to the element that holds the signature, which is digested without the signature.

use aws_lc_rs::digest;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384,
    RSA_PKCS1_2048_8192_SHA512, UnparsedPublicKey, VerificationAlgorithm,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use roxmltree::Node;

use super::canonical::Canonical;
use super::xml::{self, EXCLUSIVE, SIGNATURE};

const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";
const EXCLUSIVE_WITH_COMMENTS: &str = "http://www.w3.org/2001/10/xml-exc-c14n#WithComments";

/// Whether the signature that an element holds is one of these keys' over that very element. Keys are as certificates
/// carry them: an RSA key in PKCS #1, a point of a curve. What the signature says about its key is not looked at.
pub fn is_valid<'d>(source: &'d str, element: Node<'d, 'd>, signature: Node<'d, 'd>, keys: &[Vec<u8>]) -> bool {
    verify(source, element, signature, keys).is_some()
}

fn verify<'d>(source: &'d str, element: Node<'d, 'd>, signature: Node<'d, 'd>, keys: &[Vec<u8>]) -> Option<()> {
    let mut parts = signature.children().filter(Node::is_element);
    let (signed, value, key) = (parts.next()?, parts.next()?, parts.next());
    let is_plain = xml::is(signed, SIGNATURE, "SignedInfo")
        && xml::is(value, SIGNATURE, "SignatureValue")
        && key.is_none_or(|key| xml::is(key, SIGNATURE, "KeyInfo"))
        && parts.next().is_none();
    if !is_plain {
        return None;
    }
    let mut parts = signed.children().filter(Node::is_element);
    let (canonicalization, method, reference) = (parts.next()?, parts.next()?, parts.next()?);
    let is_plain = xml::is(canonicalization, SIGNATURE, "CanonicalizationMethod")
        && xml::is(method, SIGNATURE, "SignatureMethod")
        && xml::is(reference, SIGNATURE, "Reference")
        && parts.next().is_none();
    if !is_plain {
        return None;
    }
    let message = canonical(source, canonicalization)?.spell(signed);
    let (algorithm, value) = (algorithm(method)?, bytes(value)?);
    let is_genuine = |key: &Vec<u8>| UnparsedPublicKey::new(algorithm, key).verify(message.as_bytes(), &value).is_ok();
    if !keys.iter().any(is_genuine) {
        return None;
    }
    check_reference(source, element, signature, reference)
}

/// Whether the reference is to the element, and its digest is right.
fn check_reference<'d>(
    source: &'d str,
    element: Node<'d, 'd>,
    signature: Node<'d, 'd>,
    reference: Node<'d, 'd>,
) -> Option<()> {
    let id = element.attribute("ID").filter(|id| !id.is_empty())?;
    if reference.attribute("URI")?.strip_prefix('#')? != id {
        return None;
    }
    let mut parts = reference.children().filter(Node::is_element);
    let (transforms, method, expected) = (parts.next()?, parts.next()?, parts.next()?);
    let is_plain = xml::is(transforms, SIGNATURE, "Transforms")
        && xml::is(method, SIGNATURE, "DigestMethod")
        && xml::is(expected, SIGNATURE, "DigestValue")
        && parts.next().is_none();
    let mut parts = transforms.children().filter(Node::is_element);
    let (enveloped, exclusive) = (parts.next()?, parts.next()?);
    let is_plain = is_plain
        && xml::is(enveloped, SIGNATURE, "Transform")
        && enveloped.attribute("Algorithm") == Some(ENVELOPED)
        && xml::is(exclusive, SIGNATURE, "Transform")
        && parts.next().is_none();
    if !is_plain {
        return None;
    }
    let spelled = canonical(source, exclusive)?.without(signature).spell(element);
    let actual = digest::digest(digest_algorithm(method)?, spelled.as_bytes());
    (actual.as_ref() == bytes(expected)?).then_some(())
}

/// The canonicalization that an element names.
fn canonical<'d>(source: &'d str, method: Node<'d, 'd>) -> Option<Canonical<'d>> {
    let has_comments = match method.attribute("Algorithm")? {
        EXCLUSIVE => false,
        EXCLUSIVE_WITH_COMMENTS => true,
        _ => return None,
    };
    let mut parameters = method.children().filter(Node::is_element);
    let prefixes = match parameters.next() {
        Some(parameter) if xml::is(parameter, EXCLUSIVE, "InclusiveNamespaces") => parameter.attribute("PrefixList"),
        Some(_) => return None,
        None => None,
    };
    parameters.next().is_none().then(|| Canonical::new(source, has_comments, prefixes))
}

/// The algorithm of the signature itself. SHA-1 is not among them: collisions of it can be made.
fn algorithm(method: Node<'_, '_>) -> Option<&'static dyn VerificationAlgorithm> {
    if method.has_children() && method.children().any(|child| child.is_element()) {
        return None;
    }
    match method.attribute("Algorithm")? {
        "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256" => Some(&RSA_PKCS1_2048_8192_SHA256),
        "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384" => Some(&RSA_PKCS1_2048_8192_SHA384),
        "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512" => Some(&RSA_PKCS1_2048_8192_SHA512),
        "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256" => Some(&ECDSA_P256_SHA256_FIXED),
        "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384" => Some(&ECDSA_P384_SHA384_FIXED),
        _ => None,
    }
}

fn digest_algorithm(method: Node<'_, '_>) -> Option<&'static digest::Algorithm> {
    match method.attribute("Algorithm")? {
        "http://www.w3.org/2001/04/xmlenc#sha256" => Some(&digest::SHA256),
        "http://www.w3.org/2001/04/xmldsig-more#sha384" => Some(&digest::SHA384),
        "http://www.w3.org/2001/04/xmlenc#sha512" => Some(&digest::SHA512),
        _ => None,
    }
}

/// What is written in base 64, in as many lines as it likes.
fn bytes(node: Node<'_, '_>) -> Option<Vec<u8>> {
    let written: String = xml::text(node)?.split_ascii_whitespace().collect();
    STANDARD.decode(written).ok()
}
