//! Encryption, decryption, data keys and MACs.

use std::collections::BTreeMap;

use api::kms::{
    self, DecryptRequest, EncryptRequest, GenerateDataKeyPairRequest, GenerateDataKeyRequest,
    GenerateDataKeyWithoutPlaintextRequest, GenerateMacRequest, GenerateRandomRequest, ReEncryptRequest, RecipientInfo,
    VerifyMacRequest,
};

use super::{bench, create, decrypt, decryption, encrypt, encryption, refused, symmetric};

fn context(pairs: &[(&str, &str)]) -> Option<BTreeMap<String, String>> {
    Some(pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect())
}

#[tokio::test]
async fn a_message_comes_back_only_in_its_context_and_unaltered() {
    let bench = bench();
    let key = symmetric(&bench).await;
    let input =
        EncryptRequest { encryption_context: context(&[("a", "1"), ("b", "2")]), ..encryption(&key.key_id, b"secret") };
    let output = bench.call::<kms::Encrypt>(input).await.expect("encrypted");
    assert_eq!(output.key_id, key.arn);
    assert_eq!(output.encryption_algorithm.as_deref(), Some("SYMMETRIC_DEFAULT"));
    let blob = output.ciphertext_blob.expect("given").to_vec();
    let within = |pairs| DecryptRequest { encryption_context: context(pairs), ..decryption(&blob) };
    let opened = bench.call::<kms::Decrypt>(within(&[("b", "2"), ("a", "1")])).await.expect("decrypted");
    assert_eq!(opened.plaintext.as_deref(), Some(&b"secret"[..]));
    assert_eq!(opened.key_material_id, key.current_key_material_id);
    for pairs in [&[][..], &[("a", "1")], &[("a", "1"), ("b", "2"), ("c", "3")], &[("a", "2"), ("b", "1")]] {
        assert_eq!(refused::<kms::Decrypt>(&bench, within(pairs)).await, "InvalidCiphertextException", "{pairs:?}");
    }
    let mut altered = blob.clone();
    *altered.last_mut().expect("not empty") ^= 1;
    let input = DecryptRequest { encryption_context: context(&[("a", "1"), ("b", "2")]), ..decryption(&altered) };
    assert_eq!(refused::<kms::Decrypt>(&bench, input).await, "InvalidCiphertextException");
    assert_eq!(refused::<kms::Decrypt>(&bench, decryption(b"no ciphertext")).await, "InvalidCiphertextException");
}

#[tokio::test]
async fn the_named_key_has_to_be_the_ciphertexts() {
    let bench = bench();
    let (one, other) = (symmetric(&bench).await.key_id, symmetric(&bench).await.key_id);
    let blob = encrypt(&bench, &one, b"secret").await;
    let with = |key: &str| DecryptRequest { key_id: Some(key.to_owned()), ..decryption(&blob) };
    assert!(bench.call::<kms::Decrypt>(with(&one)).await.is_ok());
    let expected = "IncorrectKeyException: The key ID in the request does not identify a CMK that can perform this \
                    operation.";
    assert_eq!(refused::<kms::Decrypt>(&bench, with(&other)).await, expected);
    let mac = create(&bench, "HMAC_224", "GENERATE_VERIFY_MAC").await;
    assert_eq!(refused::<kms::Decrypt>(&bench, with(&mac.key_id)).await, expected);
}

#[tokio::test]
async fn keys_are_used_only_for_what_they_are() {
    let bench = bench();
    let (key, mac) = (symmetric(&bench).await, create(&bench, "HMAC_256", "GENERATE_VERIFY_MAC").await);
    let arn = mac.arn.expect("an ARN");
    assert_eq!(
        refused::<kms::Encrypt>(&bench, encryption(&mac.key_id, b"x")).await,
        format!("InvalidKeyUsageException: {arn} key usage is GENERATE_VERIFY_MAC which is not valid for Encrypt.")
    );
    let input =
        EncryptRequest { encryption_algorithm: Some("RSAES_OAEP_SHA_256".to_owned()), ..encryption(&key.key_id, b"x") };
    assert_eq!(
        refused::<kms::Encrypt>(&bench, input).await,
        "InvalidKeyUsageException: Algorithm RSAES_OAEP_SHA_256 is incompatible with key spec SYMMETRIC_DEFAULT."
    );
    let input = GenerateMacRequest {
        key_id: mac.key_id,
        message: b"x".to_vec().into(),
        mac_algorithm: "HMAC_SHA_512".to_owned(),
        ..GenerateMacRequest::default()
    };
    assert_eq!(
        refused::<kms::GenerateMac>(&bench, input).await,
        "InvalidKeyUsageException: Algorithm HMAC_SHA_512 is incompatible with key spec HMAC_256."
    );
}

#[tokio::test]
async fn a_message_moves_to_another_key_and_context() {
    let bench = bench();
    let (one, other) = (symmetric(&bench).await, symmetric(&bench).await);
    let blob = encrypt(&bench, &one.key_id, b"secret").await;
    let input = ReEncryptRequest {
        ciphertext_blob: Some(blob.into()),
        destination_key_id: other.key_id.clone(),
        destination_encryption_context: context(&[("a", "1")]),
        ..ReEncryptRequest::default()
    };
    let moved = bench.call::<kms::ReEncrypt>(input).await.expect("moved");
    assert_eq!((moved.source_key_id, moved.key_id.clone()), (one.arn, other.arn));
    let blob = moved.ciphertext_blob.expect("given");
    let input = DecryptRequest { encryption_context: context(&[("a", "1")]), ..decryption(&blob) };
    let opened = bench.call::<kms::Decrypt>(input).await.expect("decrypted");
    assert_eq!((opened.plaintext.as_deref(), opened.key_id), (Some(&b"secret"[..]), moved.key_id));
}

#[tokio::test]
async fn data_keys_have_the_length_asked_for_and_decrypt_to_themselves() {
    let bench = bench();
    let key = symmetric(&bench).await.key_id;
    for (spec, number, length) in [(Some("AES_128"), None, 16), (Some("AES_256"), None, 32), (None, Some(1024), 1024)] {
        let input = GenerateDataKeyRequest {
            key_id: key.clone(),
            key_spec: spec.map(ToOwned::to_owned),
            number_of_bytes: number,
            ..GenerateDataKeyRequest::default()
        };
        let made = bench.call::<kms::GenerateDataKey>(input).await.expect("made");
        let plaintext = made.plaintext.expect("given");
        assert_eq!(plaintext.len(), length);
        assert_eq!(decrypt(&bench, &made.ciphertext_blob.expect("given")).await.expect("decrypted"), plaintext);
    }
    let expected = "ValidationException: Please specify either number of bytes or key spec.";
    for (spec, number) in [(None, None), (Some("AES_128".to_owned()), Some(16))] {
        let input = GenerateDataKeyWithoutPlaintextRequest {
            key_id: key.clone(),
            key_spec: spec,
            number_of_bytes: number,
            ..GenerateDataKeyWithoutPlaintextRequest::default()
        };
        assert_eq!(refused::<kms::GenerateDataKeyWithoutPlaintext>(&bench, input).await, expected);
    }
}

#[tokio::test]
async fn the_private_half_of_a_data_key_pair_is_encrypted() {
    let bench = bench();
    let key = symmetric(&bench).await.key_id;
    let ask = |spec: &str| GenerateDataKeyPairRequest {
        key_id: key.clone(),
        key_pair_spec: spec.to_owned(),
        ..GenerateDataKeyPairRequest::default()
    };
    let made = bench.call::<kms::GenerateDataKeyPair>(ask("ECC_NIST_P256")).await.expect("made");
    let private = made.private_key_plaintext.expect("given");
    assert_eq!(decrypt(&bench, &made.private_key_ciphertext_blob.expect("given")).await.expect("decrypted"), private);
    assert_eq!(made.public_key.expect("given").len(), 91);
    let text = refused::<kms::GenerateDataKeyPair>(&bench, ask("SM2")).await;
    assert_eq!(text, "UnsupportedOperationException: KeyPairSpec SM2 is not supported.");
}

#[tokio::test]
async fn a_dry_run_says_so_and_an_enclave_is_refused() {
    let bench = bench();
    let key = symmetric(&bench).await.key_id;
    let input = EncryptRequest { dry_run: Some(true), ..encryption(&key, b"x") };
    let text = refused::<kms::Encrypt>(&bench, input).await;
    assert_eq!(text, "DryRunOperationException: The request would have succeeded, but the DryRun option is set.");
    let input = DecryptRequest {
        key_id: Some(key.clone()),
        dry_run: Some(true),
        dry_run_modifiers: Some(vec!["IGNORE_CIPHERTEXT".to_owned()]),
        ..DecryptRequest::default()
    };
    assert!(refused::<kms::Decrypt>(&bench, input).await.starts_with("DryRunOperationException"));
    let blob = encrypt(&bench, &key, b"x").await;
    let input = DecryptRequest { recipient: Some(RecipientInfo::default()), ..decryption(&blob) };
    let text = refused::<kms::Decrypt>(&bench, input).await;
    assert_eq!(text, "ValidationException: The parameter Recipient is not supported.");
}

#[tokio::test]
async fn a_mac_is_the_messages_only() {
    let bench = bench();
    let key = create(&bench, "HMAC_384", "GENERATE_VERIFY_MAC").await.key_id;
    let input = GenerateMacRequest {
        key_id: key.clone(),
        message: b"message".to_vec().into(),
        mac_algorithm: "HMAC_SHA_384".to_owned(),
        ..GenerateMacRequest::default()
    };
    let mac = bench.call::<kms::GenerateMac>(input).await.expect("made").mac.expect("given");
    assert_eq!(mac.len(), 48);
    let verify = |message: &'static [u8]| VerifyMacRequest {
        key_id: key.clone(),
        message: message.into(),
        mac: mac.clone(),
        mac_algorithm: "HMAC_SHA_384".to_owned(),
        ..VerifyMacRequest::default()
    };
    let verified = bench.call::<kms::VerifyMac>(verify(b"message")).await.expect("verified");
    assert_eq!(verified.mac_valid, Some(true));
    assert_eq!(refused::<kms::VerifyMac>(&bench, verify(b"massage")).await, "KMSInvalidMacException");
}

#[tokio::test]
async fn random_bytes_are_as_many_as_asked_for() {
    let bench = bench();
    let ask = |number| GenerateRandomRequest { number_of_bytes: number, ..GenerateRandomRequest::default() };
    let one = bench.call::<kms::GenerateRandom>(ask(Some(44))).await.expect("given").plaintext.expect("given");
    let other = bench.call::<kms::GenerateRandom>(ask(Some(44))).await.expect("given").plaintext.expect("given");
    assert_eq!((one.len(), one == other), (44, false));
    let text = refused::<kms::GenerateRandom>(&bench, ask(None)).await;
    assert_eq!(text, "ValidationException: NumberOfBytes is required.");
    let text = refused::<kms::GenerateRandom>(&bench, ask(Some(1025))).await;
    assert!(text.starts_with("ValidationException: 1 validation error detected: Value '1025' at 'numberOfBytes'"));
}
