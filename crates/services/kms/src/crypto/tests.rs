//! Known answers, and each algorithm against itself and against tampering.

use super::*;
use crate::spec::{Curve, HmacSize, MlDsa, MlKem, RsaSize};

fn hex(digits: &str) -> Vec<u8> {
    let digits: Vec<u8> = digits.bytes().filter(u8::is_ascii_hexdigit).collect();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).expect("digits"), 16).expect("digits");
    digits.chunks(2).map(byte).collect()
}

#[test]
fn hmac_answers_as_rfc_4231_says() {
    let expected = [
        (HmacSize::Bits224, "a30e01098bc6dbbf45690f3a7e9e6d0f8bbea2a39e6148008fd05e44"),
        (HmacSize::Bits256, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
        (
            HmacSize::Bits384,
            "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649",
        ),
        (
            HmacSize::Bits512,
            "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b\
             4b636e070a38bce737",
        ),
    ];
    for (size, mac) in expected {
        let key = MacKey::new(size, b"Jefe");
        assert_eq!(key.sign(b"what do ya want for nothing?"), hex(mac), "{size:?}");
        assert!(key.verify(b"what do ya want for nothing?", &hex(mac)));
        assert!(!key.verify(b"what do ya want for something?", &hex(mac)));
        assert!(!key.verify(b"what do ya want for nothing?", &hex(mac)[1..]));
    }
}

#[test]
fn ed25519_answers_as_rfc_8032_says() {
    let seed = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
    let pkcs8 = hex(&format!("302e020100300506032b657004220420{seed}"));
    let pair = import_pair(KeySpec::Ed25519, pkcs8.into()).expect("a key");
    let public = hex("302a300506032b6570032100d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
    assert_eq!(pair.public, public);
    let key = SigningKey::read(KeySpec::Ed25519, &pair.secret).expect("a key");
    let signature = key.sign(SigningAlgorithm::Ed25519, ToSign::Message(b"")).expect("signed");
    let expected = "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0\
                    595bbe24655141438e7a100b";
    assert_eq!(signature, hex(expected));
}

#[test]
fn ecdsa_verifies_the_signature_of_rfc_6979() {
    let public = hex("3059301306072a8648ce3d020106082a8648ce3d030107034200 04
         60FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6CE669622E60F29FB6
         7903FE1008B8BC99A41AE9E95628BC64F2F1B20C2D7E9F5177A3C294D4462299");
    let signature = hex("3046 022100 EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716
         022100 F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8");
    let algorithm = SigningAlgorithm::parse("ECDSA_SHA_256").expect("known");
    let verified = |message| {
        verify(KeySpec::Ecc(Curve::P256), &public, algorithm, ToSign::Message(message), &signature).expect("tried")
    };
    assert!(verified(b"sample"));
    assert!(!verified(b"simple"));
}

#[test]
fn every_signing_key_signs_messages_and_digests() {
    let message = b"to whom it may concern";
    let specs = [
        KeySpec::Rsa(RsaSize::Bits2048),
        KeySpec::Ecc(Curve::P256),
        KeySpec::Ecc(Curve::P384),
        KeySpec::Ecc(Curve::P521),
        KeySpec::Ecc(Curve::Secp256k1),
        KeySpec::Ed25519,
        KeySpec::MlDsa(MlDsa::Set44),
        KeySpec::MlDsa(MlDsa::Set65),
        KeySpec::MlDsa(MlDsa::Set87),
    ];
    for spec in specs {
        let made = generate_pair(spec).expect("made");
        let pair = import_pair(spec, made.secret).expect("read back");
        assert_eq!(pair.public, made.public, "{spec:?}");
        let SecretKey::Signing(key) = SecretKey::read(spec, KeyUsage::Signing, &pair.secret).expect("a key") else {
            panic!("{spec:?} signs");
        };
        for name in spec.algorithms(KeyUsage::Signing) {
            let algorithm = SigningAlgorithm::parse(name).expect("known");
            let signature = key.sign(algorithm, ToSign::Message(message)).expect("signed");
            let verified = |signed, signature: &[u8]| verify(spec, &pair.public, algorithm, signed, signature);
            assert_eq!(verified(ToSign::Message(message), &signature), Ok(true), "{name}");
            assert_eq!(verified(ToSign::Message(b"other"), &signature), Ok(false), "{name}");
            assert_eq!(verified(ToSign::Message(message), &signature[1..]), Ok(false), "{name}");
            let Some(length) = algorithm.digest_bytes() else { continue };
            let digest = vec![7; length];
            let signature = key.sign(algorithm, ToSign::Digest(&digest)).expect("signed");
            assert_eq!(verified(ToSign::Digest(&digest), &signature), Ok(true), "{name}");
            assert!(key.sign(algorithm, ToSign::Digest(&digest[1..])).is_err(), "{name}");
        }
    }
}

#[test]
fn a_key_of_another_kind_is_no_key() {
    let pair = generate_pair(KeySpec::Ecc(Curve::P256)).expect("made");
    for spec in [KeySpec::Ecc(Curve::P384), KeySpec::Rsa(RsaSize::Bits2048), KeySpec::Ed25519] {
        assert!(import_pair(spec, pair.secret.clone()).is_err(), "{spec:?}");
    }
    let pair = generate_pair(KeySpec::Rsa(RsaSize::Bits2048)).expect("made");
    assert!(import_pair(KeySpec::Rsa(RsaSize::Bits3072), pair.secret).is_err());
    assert!(import_pair(KeySpec::Ed25519, SecretBytes::default()).is_err());
}

#[test]
fn rsa_encrypts_up_to_its_limit() {
    let size = RsaSize::Bits2048;
    let pair = generate_pair(KeySpec::Rsa(size)).expect("made");
    let key = RsaDecryptionKey::read(&pair.secret).expect("a key");
    for (digest, max) in [(OaepDigest::Sha1, 214), (OaepDigest::Sha256, 190)] {
        assert_eq!(rsa_plaintext_max(size, digest), max);
        let message = vec![9; max];
        let ciphertext = rsa_encrypt(&pair.public, digest, &message).expect("encrypted");
        assert_eq!(&**key.decrypt(digest, &ciphertext).expect("decrypted"), &message);
        assert!(rsa_encrypt(&pair.public, digest, &vec![9; max + 1]).is_err());
        let other = if digest == OaepDigest::Sha1 { OaepDigest::Sha256 } else { OaepDigest::Sha1 };
        assert!(key.decrypt(other, &ciphertext).is_err());
        assert!(key.decrypt(digest, &ciphertext[1..]).is_err());
    }
}

#[test]
fn both_sides_agree_and_strange_keys_are_refused() {
    for curve in [Curve::P256, Curve::P384, Curve::P521] {
        let (one, other) = (generate_pair(KeySpec::Ecc(curve)), generate_pair(KeySpec::Ecc(curve)));
        let (one, other) = (one.expect("made"), other.expect("made"));
        let agree = |secret: &[u8], public: &[u8]| AgreementKey::read(curve, secret).expect("a key").agree(public);
        assert_eq!(agree(&one.secret, &other.public), agree(&other.secret, &one.public));
        let mut off_curve = other.public.clone();
        *off_curve.last_mut().expect("not empty") ^= 1;
        assert_eq!(agree(&one.secret, &off_curve), Err(PeerKeyRejected));
        for other_curve in [Curve::P256, Curve::P384, Curve::P521, Curve::Secp256k1] {
            let strange = generate_pair(KeySpec::Ecc(other_curve)).expect("made").public;
            assert_eq!(agree(&one.secret, &strange).is_ok(), other_curve == curve, "{other_curve:?}");
        }
        assert_eq!(agree(&one.secret, b""), Err(PeerKeyRejected));
    }
    assert!(AgreementKey::read(Curve::Secp256k1, &[]).is_err());
}

#[test]
fn an_encapsulated_secret_is_opened() {
    for set in [MlKem::Set512, MlKem::Set768, MlKem::Set1024] {
        let pair = generate_pair(KeySpec::MlKem(set)).expect("made");
        let (ciphertext, secret) = encapsulate(set, &pair.public).expect("encapsulated");
        let key = KemKey::read(set, &pair.secret).expect("a key");
        assert_eq!(key.decapsulate(&ciphertext).expect("opened"), secret);
        assert!(key.decapsulate(&ciphertext[1..]).is_err());
        assert!(encapsulate(set, &pair.public[1..]).is_err());
    }
}

#[test]
fn wrapped_material_is_unwrapped_only_whole() {
    let pair = generate_pair(KeySpec::Rsa(RsaSize::Bits2048)).expect("made");
    for (algorithm, digest) in
        [(WrappingAlgorithm::OaepSha1, OaepDigest::Sha1), (WrappingAlgorithm::OaepSha256, OaepDigest::Sha256)]
    {
        let wrapped = rsa_encrypt(&pair.public, digest, &[3; 32]).expect("wrapped");
        let key = WrappingKey::read(algorithm, &pair.secret).expect("a key");
        assert_eq!(&**key.unwrap(&wrapped).expect("unwrapped"), &[3; 32]);
        assert!(key.unwrap(&wrapped[..255]).is_err());
    }
    // An AES key under RSA, and the material under the AES key.
    use aws_lc_rs::key_wrap::{AES_256, AesKek, KeyWrapPadded};
    let mut buffer = vec![0; 64];
    let material = [5; 21];
    let kek = AesKek::new(&AES_256, &[8; 32]).expect("a key");
    let inner = kek.wrap_with_padding(&material, &mut buffer).expect("wrapped").to_vec();
    let outer = rsa_encrypt(&pair.public, OaepDigest::Sha256, &[8; 32]).expect("wrapped");
    let key = WrappingKey::read(WrappingAlgorithm::KeyWrapSha256, &pair.secret).expect("a key");
    let wrapped = [outer, inner].concat();
    assert_eq!(&**key.unwrap(&wrapped).expect("unwrapped"), &material);
    for length in [0, 255, 256, 260, wrapped.len() - 1] {
        assert!(key.unwrap(&wrapped[..length]).is_err(), "{length}");
    }
}
