//! JSON Web Tokens: reading them, and checking their signatures with the keys of their issuer (RFC 7515, 7517, 7518).

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ECDSA_P521_SHA512_FIXED, EcdsaVerificationAlgorithm,
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RsaParameters,
    RsaPublicKeyComponents, UnparsedPublicKey,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::{Map, Value};

/// A token that was read, and not yet believed.
pub struct Jwt<'a> {
    header: Header,
    /// What it claims.
    pub claims: Claims,
    /// What is signed: the first two parts and the dot between them.
    signed: &'a str,
    signature: Vec<u8>,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
}

/// What a token claims.
pub struct Claims(Map<String, Value>);

/// A public key of an issuer, of a kind that is known here.
pub struct PublicKey {
    id: Option<String>,
    /// The only algorithm it may be used with, if it says so.
    algorithm: Option<String>,
    material: Material,
}

enum Material {
    Rsa {
        modulus: Vec<u8>,
        exponent: Vec<u8>,
    },
    /// Uncompressed point.
    Ec {
        curve: String,
        point: Vec<u8>,
    },
}

/// A key as its issuer publishes it.
#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    alg: Option<String>,
    n: Option<String>,
    e: Option<String>,
    crv: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

impl<'a> Jwt<'a> {
    /// Reads a token in compact form; `None` for anything else.
    pub fn parse(token: &'a str) -> Option<Jwt<'a>> {
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let header = serde_json::from_slice(&decode(header)?).ok()?;
        let claims = serde_json::from_slice(&decode(claims)?).ok()?;
        Some(Jwt { header, claims: Claims(claims), signed, signature: decode(signature)? })
    }

    /// The key that the token names, if it names one.
    pub fn key_id(&self) -> Option<&str> {
        self.header.kid.as_deref()
    }

    /// Whether one of the keys has made the signature: the one that the token names, or any if it names none.
    pub fn is_signed_by(&self, keys: &[PublicKey]) -> bool {
        let is_meant = |key: &&PublicKey| self.header.kid.is_none() || key.id == self.header.kid;
        keys.iter().filter(is_meant).any(|key| self.is_signed_with(key))
    }

    fn is_signed_with(&self, key: &PublicKey) -> bool {
        let algorithm = self.header.alg.as_str();
        if key.algorithm.as_deref().is_some_and(|only| only != algorithm) {
            return false;
        }
        let (message, signature) = (self.signed.as_bytes(), self.signature.as_slice());
        match &key.material {
            Material::Rsa { modulus, exponent } => rsa(algorithm).is_some_and(|parameters| {
                let key = RsaPublicKeyComponents { n: modulus, e: exponent };
                key.verify(parameters, message, signature).is_ok()
            }),
            Material::Ec { curve, point } => elliptic(algorithm, curve)
                .is_some_and(|parameters| UnparsedPublicKey::new(parameters, point).verify(message, signature).is_ok()),
        }
    }
}

impl Claims {
    /// A claim that is text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_str()
    }

    /// A claim that is one text or a list of them.
    pub fn texts(&self, name: &str) -> Vec<String> {
        match self.0.get(name) {
            Some(Value::String(one)) => vec![one.clone()],
            Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            _ => Vec::new(),
        }
    }

    /// A claim that is a moment, in seconds since 1970; fractions are cut off.
    pub fn seconds(&self, name: &str) -> Option<i64> {
        let value = self.0.get(name)?;
        value.as_i64().or_else(|| value.as_f64().map(|seconds| seconds as i64))
    }

    /// A claim of any form.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// The claims whose names begin with `prefix`, with what follows it.
    pub fn below<'c>(&'c self, prefix: &'c str) -> impl Iterator<Item = (&'c str, &'c Value)> {
        self.0.iter().filter_map(move |(name, value)| Some((name.strip_prefix(prefix)?, value)))
    }
}

/// The keys of a key set document that are meant for signatures and are of a known kind. `None` if it is no key set.
pub fn public_keys(document: &[u8]) -> Option<Vec<PublicKey>> {
    let set: Value = serde_json::from_slice(document).ok()?;
    let keys = set.get("keys")?.as_array()?;
    Some(keys.iter().filter_map(|key| PublicKey::read(serde_json::from_value(key.clone()).ok()?)).collect())
}

impl PublicKey {
    /// Whether it is the key of that id.
    pub fn is(&self, id: &str) -> bool {
        self.id.as_deref() == Some(id)
    }

    fn read(key: Jwk) -> Option<PublicKey> {
        if key.usage.is_some_and(|usage| usage != "sig") {
            return None;
        }
        let material = match key.kty.as_str() {
            "RSA" => Material::Rsa { modulus: decode(&key.n?)?, exponent: decode(&key.e?)? },
            "EC" => {
                let mut point = vec![4];
                point.extend(decode(&key.x?)?);
                point.extend(decode(&key.y?)?);
                Material::Ec { curve: key.crv?, point }
            }
            _ => return None,
        };
        Some(PublicKey { id: key.kid, algorithm: key.alg, material })
    }
}

fn rsa(algorithm: &str) -> Option<&'static RsaParameters> {
    match algorithm {
        "RS256" => Some(&RSA_PKCS1_2048_8192_SHA256),
        "RS384" => Some(&RSA_PKCS1_2048_8192_SHA384),
        "RS512" => Some(&RSA_PKCS1_2048_8192_SHA512),
        _ => None,
    }
}

fn elliptic(algorithm: &str, curve: &str) -> Option<&'static EcdsaVerificationAlgorithm> {
    match (algorithm, curve) {
        ("ES256", "P-256") => Some(&ECDSA_P256_SHA256_FIXED),
        ("ES384", "P-384") => Some(&ECDSA_P384_SHA384_FIXED),
        ("ES512", "P-521") => Some(&ECDSA_P521_SHA512_FIXED),
        _ => None,
    }
}

fn decode(part: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(part).ok()
}

#[cfg(test)]
mod tests;
