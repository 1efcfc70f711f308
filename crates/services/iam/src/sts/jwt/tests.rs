//! Which tokens are read, and whose signatures count.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair,
    EcdsaSigningAlgorithm, KeyPair, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RsaEncoding, RsaKeyPair,
};
use proptest::prelude::*;
use serde_json::json;

use super::*;

fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The first two parts of a token.
fn unsigned(algorithm: &str, key_id: Option<&str>) -> String {
    let header = json!({"alg": algorithm, "typ": "JWT", "kid": key_id}).to_string();
    let claims = json!({"iss": "https://issuer.example", "aud": ["one", "two"], "exp": 2_000.5}).to_string();
    format!("{}.{}", encode(header.as_bytes()), encode(claims.as_bytes()))
}

fn elliptic_token(
    algorithm: &str,
    curve: &str,
    kind: &'static EcdsaSigningAlgorithm,
    key_id: Option<&str>,
) -> (String, Value) {
    let key = EcdsaKeyPair::generate(kind).expect("a key");
    let signed = unsigned(algorithm, key_id);
    let signature = key.sign(&SystemRandom::new(), signed.as_bytes()).expect("signed");
    let point = &key.public_key().as_ref()[1..];
    let (x, y) = point.split_at(point.len() / 2);
    let jwk = json!({"kty": "EC", "use": "sig", "kid": key_id, "crv": curve, "x": encode(x), "y": encode(y)});
    (format!("{signed}.{}", encode(signature.as_ref())), jwk)
}

fn rsa_key() -> RsaKeyPair {
    RsaKeyPair::generate(KeySize::Rsa2048).expect("a key")
}

fn rsa_token(
    key: &RsaKeyPair,
    algorithm: &str,
    encoding: &'static dyn RsaEncoding,
    jwk_algorithm: &str,
) -> (String, Value) {
    let signed = unsigned(algorithm, Some("rsa"));
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign(encoding, &SystemRandom::new(), signed.as_bytes(), &mut signature).expect("signed");
    let (n, e) = (key.public_key().modulus(), key.public_key().exponent());
    let (n, e) = (encode(n.big_endian_without_leading_zero()), encode(e.big_endian_without_leading_zero()));
    (
        format!("{signed}.{}", encode(&signature)),
        json!({"kty": "RSA", "kid": "rsa", "alg": jwk_algorithm, "n": n, "e": e}),
    )
}

fn keys(keys: &[Value]) -> Vec<PublicKey> {
    public_keys(json!({"keys": keys}).to_string().as_bytes()).expect("a key set")
}

fn holds(token: &str, published: &[Value]) -> bool {
    Jwt::parse(token).expect("a token").is_signed_by(&keys(published))
}

#[test]
fn signatures_of_every_algorithm_are_checked() {
    for (algorithm, curve, kind) in [
        ("ES256", "P-256", &ECDSA_P256_SHA256_FIXED_SIGNING),
        ("ES384", "P-384", &ECDSA_P384_SHA384_FIXED_SIGNING),
        ("ES512", "P-521", &ECDSA_P521_SHA512_FIXED_SIGNING),
    ] {
        let (token, jwk) = elliptic_token(algorithm, curve, kind, Some("ec"));
        let (_, other) = elliptic_token(algorithm, curve, kind, Some("ec"));
        assert!(holds(&token, std::slice::from_ref(&jwk)), "{algorithm}");
        assert!(!holds(&token, std::slice::from_ref(&other)), "{algorithm}: another key");
        assert!(holds(&token, &[other, jwk]), "{algorithm}: one of two");
    }
    let key = rsa_key();
    let encodings: [(&str, &'static dyn RsaEncoding); 3] =
        [("RS256", &RSA_PKCS1_SHA256), ("RS384", &RSA_PKCS1_SHA384), ("RS512", &RSA_PKCS1_SHA512)];
    for (algorithm, encoding) in encodings {
        let (token, jwk) = rsa_token(&key, algorithm, encoding, algorithm);
        assert!(holds(&token, &[jwk]), "{algorithm}");
        let (token, jwk) = rsa_token(&key, algorithm, encoding, "PS256");
        assert!(!holds(&token, &[jwk]), "{algorithm}: the key is meant for another algorithm");
    }
}

#[test]
fn a_token_without_a_real_signature_is_signed_by_nobody() {
    let (token, jwk) = elliptic_token("ES256", "P-256", &ECDSA_P256_SHA256_FIXED_SIGNING, Some("ec"));
    let (signed, signature) = token.rsplit_once('.').expect("three parts");
    assert!(!holds(&format!("{signed}."), std::slice::from_ref(&jwk)), "no signature");
    for algorithm in ["none", "HS256", "RS256", "ES384", "es256"] {
        let forged = format!("{}.{signature}", unsigned(algorithm, Some("ec")));
        assert!(!holds(&forged, std::slice::from_ref(&jwk)), "{algorithm}");
    }
    let other_claims = encode(br#"{"iss":"https://issuer.example","sub":"admin"}"#);
    let header = signed.split_once('.').expect("two parts").0;
    assert!(!holds(&format!("{header}.{other_claims}.{signature}"), std::slice::from_ref(&jwk)), "other claims");
    let renamed = json!({"kid": "other"});
    let mut other = jwk.clone();
    other["kid"] = renamed["kid"].clone();
    assert!(!holds(&token, &[other]), "the token names another key");
}

#[test]
fn a_token_that_names_no_key_may_be_of_any() {
    let (token, jwk) = elliptic_token("ES256", "P-256", &ECDSA_P256_SHA256_FIXED_SIGNING, None);
    let (_, other) = elliptic_token("ES256", "P-256", &ECDSA_P256_SHA256_FIXED_SIGNING, Some("other"));
    assert!(holds(&token, &[other, jwk]));
}

#[test]
fn only_keys_for_signatures_of_known_kinds_are_read() {
    let (_, jwk) = elliptic_token("ES256", "P-256", &ECDSA_P256_SHA256_FIXED_SIGNING, Some("ec"));
    let mut for_encryption = jwk.clone();
    for_encryption["use"] = json!("enc");
    let published = [jwk, for_encryption, json!({"kty": "oct", "k": "AQAB"}), json!({"kty": "RSA"}), json!(7)];
    assert_eq!(keys(&published).len(), 1);
    for document in ["", "{}", "[]", r#"{"keys":{}}"#] {
        assert!(public_keys(document.as_bytes()).is_none(), "{document}");
    }
}

#[test]
fn claims_are_read_in_the_forms_that_issuers_use() {
    let token = format!("{}.", unsigned("ES256", None));
    let claims = Jwt::parse(&token).expect("a token").claims;
    assert_eq!(claims.text("iss"), Some("https://issuer.example"));
    assert_eq!(claims.texts("aud"), ["one", "two"]);
    assert_eq!(claims.texts("iss"), ["https://issuer.example"]);
    assert_eq!(claims.seconds("exp"), Some(2_000));
    assert_eq!((claims.text("aud"), claims.seconds("iss"), claims.texts("exp").len()), (None, None, 0));
}

proptest! {
    #[test]
    fn nothing_that_is_sent_makes_the_reader_stumble(text in ".{0,200}", parts in proptest::collection::vec("[A-Za-z0-9_-]{0,60}", 1..5)) {
        for token in [text, parts.join(".")] {
            if let Some(token) = Jwt::parse(&token) {
                prop_assert!(!token.is_signed_by(&[]));
            }
        }
    }
}
