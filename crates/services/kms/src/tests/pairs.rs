//! Keys with a public half.

use api::kms::{
    self, DecapsulateRequest, DecryptRequest, DeriveSharedSecretRequest, EncapsulateRequest, EncryptRequest,
    GetPublicKeyRequest, SignRequest, VerifyRequest,
};
use platform::testing::TestPlatform;

use super::{bench, create, decryption, encryption, refused, symmetric};

async fn public_key(bench: &TestPlatform, key: &str) -> Vec<u8> {
    let input = GetPublicKeyRequest { key_id: key.to_owned(), ..GetPublicKeyRequest::default() };
    bench.call::<kms::GetPublicKey>(input).await.expect("given").public_key.expect("given").to_vec()
}

fn signing(key: &str, algorithm: &str, kind: &str, message: &[u8]) -> SignRequest {
    SignRequest {
        key_id: key.to_owned(),
        message: message.to_vec().into(),
        message_type: Some(kind.to_owned()),
        signing_algorithm: algorithm.to_owned(),
        ..SignRequest::default()
    }
}

fn verifying(signed: &SignRequest, signature: &[u8]) -> VerifyRequest {
    VerifyRequest {
        key_id: signed.key_id.clone(),
        message: signed.message.clone(),
        message_type: signed.message_type.clone(),
        signature: signature.to_vec().into(),
        signing_algorithm: signed.signing_algorithm.clone(),
        ..VerifyRequest::default()
    }
}

#[tokio::test]
async fn signatures_are_verified_and_false_ones_refused() {
    let bench = bench();
    for (spec, algorithm, kind, message) in [
        ("RSA_2048", "RSASSA_PSS_SHA_384", "DIGEST", &[1; 48][..]),
        ("RSA_2048", "RSASSA_PKCS1_V1_5_SHA_256", "RAW", b"message"),
        ("ECC_NIST_P256", "ECDSA_SHA_256", "RAW", b"message"),
        ("ECC_SECG_P256K1", "ECDSA_SHA_256", "DIGEST", &[2; 32]),
        ("ECC_NIST_EDWARDS25519", "ED25519_SHA_512", "RAW", b"message"),
        ("ML_DSA_44", "ML_DSA_SHAKE_256", "RAW", b"message"),
    ] {
        let key = create(&bench, spec, "SIGN_VERIFY").await;
        let input = signing(&key.key_id, algorithm, kind, message);
        let signed = bench.call::<kms::Sign>(input.clone()).await.expect("signed");
        assert_eq!((signed.key_id, signed.signing_algorithm.as_deref()), (key.arn, Some(algorithm)));
        let signature = signed.signature.expect("given");
        let verified = bench.call::<kms::Verify>(verifying(&input, &signature)).await.expect("verified");
        assert_eq!(verified.signature_valid, Some(true), "{spec}");
        let text = refused::<kms::Verify>(&bench, verifying(&input, b"no signature")).await;
        assert_eq!(text, "KMSInvalidSignatureException", "{spec}");
    }
}

#[tokio::test]
async fn digests_and_algorithms_have_to_fit() {
    let bench = bench();
    let key = create(&bench, "RSA_2048", "SIGN_VERIFY").await.key_id;
    let ask = |algorithm, kind, message: &[u8]| signing(&key, algorithm, kind, message);
    for (input, expected) in [
        (
            ask("RSASSA_PSS_SHA_256", "DIGEST", b"short"),
            "ValidationException: Digest is invalid length for algorithm RSASSA_PSS_SHA_256.",
        ),
        (
            ask("ECDSA_SHA_256", "RAW", b"x"),
            "InvalidKeyUsageException: Algorithm ECDSA_SHA_256 is incompatible with key spec RSA_2048.",
        ),
        (ask("SM2DSA", "RAW", b"x"), "UnsupportedOperationException: SigningAlgorithm SM2DSA is not supported."),
    ] {
        assert_eq!(refused::<kms::Sign>(&bench, input).await, expected);
    }
}

#[tokio::test]
async fn rsa_encrypts_within_its_limit() {
    let bench = bench();
    let key = create(&bench, "RSA_2048", "ENCRYPT_DECRYPT").await.key_id;
    let algorithm = || Some("RSAES_OAEP_SHA_256".to_owned());
    let ask = |message: &[u8]| EncryptRequest { encryption_algorithm: algorithm(), ..encryption(&key, message) };
    let blob = bench.call::<kms::Encrypt>(ask(&[7; 190])).await.expect("encrypted").ciphertext_blob.expect("given");
    let input = DecryptRequest { key_id: Some(key.clone()), encryption_algorithm: algorithm(), ..decryption(&blob) };
    let opened = bench.call::<kms::Decrypt>(input.clone()).await.expect("decrypted");
    assert_eq!(opened.plaintext.as_deref(), Some(&[7; 190][..]));
    assert_eq!(
        refused::<kms::Encrypt>(&bench, ask(&[7; 191])).await,
        "ValidationException: Algorithm RSAES_OAEP_SHA_256 and key spec RSA_2048 cannot encrypt data larger than 190 \
         bytes."
    );
    let input = DecryptRequest { ciphertext_blob: Some(vec![1; 256].into()), ..input };
    assert_eq!(refused::<kms::Decrypt>(&bench, input).await, "InvalidCiphertextException");
}

#[tokio::test]
async fn two_keys_agree_on_one_secret() {
    let bench = bench();
    let one = create(&bench, "ECC_NIST_P521", "KEY_AGREEMENT").await.key_id;
    let other = create(&bench, "ECC_NIST_P521", "KEY_AGREEMENT").await.key_id;
    let ask = |key: &str, public: Vec<u8>| DeriveSharedSecretRequest {
        key_id: key.to_owned(),
        key_agreement_algorithm: "ECDH".to_owned(),
        public_key: public.into(),
        ..DeriveSharedSecretRequest::default()
    };
    let (one_public, other_public) = (public_key(&bench, &one).await, public_key(&bench, &other).await);
    let here = bench.call::<kms::DeriveSharedSecret>(ask(&one, other_public)).await.expect("agreed");
    let there = bench.call::<kms::DeriveSharedSecret>(ask(&other, one_public)).await.expect("agreed");
    assert_eq!(here.shared_secret, there.shared_secret);
    assert_eq!(here.key_origin.as_deref(), Some("AWS_KMS"));
    let text = refused::<kms::DeriveSharedSecret>(&bench, ask(&one, vec![1; 158])).await;
    assert!(text.starts_with("ValidationException: The public key is not a valid key"), "{text}");
}

#[tokio::test]
async fn an_encapsulated_secret_is_opened_by_its_key() {
    let bench = bench();
    let key = create(&bench, "ML_KEM_768", "ENCAPSULATE_DECAPSULATE").await.key_id;
    let input = EncapsulateRequest {
        key_id: key.clone(),
        encapsulation_algorithm: "ML_KEM".to_owned(),
        ..EncapsulateRequest::default()
    };
    let sealed = bench.call::<kms::Encapsulate>(input).await.expect("encapsulated");
    let input = DecapsulateRequest {
        key_id: key,
        encapsulation_algorithm: "ML_KEM".to_owned(),
        shared_secret_ciphertext_blob: sealed.shared_secret_ciphertext_blob.expect("given"),
        ..DecapsulateRequest::default()
    };
    let opened = bench.call::<kms::Decapsulate>(input).await.expect("opened");
    assert_eq!(opened.shared_secret, sealed.shared_secret);
}

#[tokio::test]
async fn a_symmetric_key_has_no_public_half() {
    let bench = bench();
    let key = symmetric(&bench).await;
    let input = GetPublicKeyRequest { key_id: key.key_id, ..GetPublicKeyRequest::default() };
    let text = refused::<kms::GetPublicKey>(&bench, input).await;
    assert!(text.starts_with("UnsupportedOperationException: "), "{text}");
}
