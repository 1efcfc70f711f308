//! Key material that is brought in.

use std::time::Duration;

use api::kms::{
    self, CreateKeyRequest, DeleteImportedKeyMaterialRequest, GetParametersForImportRequest,
    GetParametersForImportResponse, ImportKeyMaterialRequest, KeyMetadata, ReplicateKeyRequest,
    RotateKeyOnDemandRequest,
};
use platform::testing::{NOW, TestPlatform};
use wire::Timestamp;

use super::regions::there;
use super::{bench, decrypt, decryption, describe, encrypt, encryption, eventually, refused, symmetric};
use crate::crypto::{OaepDigest, rsa_encrypt};

async fn external(bench: &TestPlatform) -> KeyMetadata {
    let input = CreateKeyRequest { origin: Some("EXTERNAL".to_owned()), ..CreateKeyRequest::default() };
    bench.call::<kms::CreateKey>(input).await.expect("made").key_metadata.expect("shown")
}

fn parameters(key: &str) -> GetParametersForImportRequest {
    GetParametersForImportRequest {
        key_id: key.to_owned(),
        wrapping_algorithm: "RSAES_OAEP_SHA_256".to_owned(),
        wrapping_key_spec: "RSA_2048".to_owned(),
        ..GetParametersForImportRequest::default()
    }
}

/// An import of that material, for good.
async fn import(bench: &TestPlatform, key: &str, material: &[u8]) -> ImportKeyMaterialRequest {
    let given = bench.call::<kms::GetParametersForImport>(parameters(key)).await.expect("given");
    let GetParametersForImportResponse { import_token, public_key, .. } = given;
    let wrapped = rsa_encrypt(&public_key.expect("given"), OaepDigest::Sha256, material).expect("wrapped");
    ImportKeyMaterialRequest {
        key_id: key.to_owned(),
        import_token: import_token.expect("given"),
        encrypted_key_material: wrapped.into(),
        expiration_model: Some("KEY_MATERIAL_DOES_NOT_EXPIRE".to_owned()),
        ..ImportKeyMaterialRequest::default()
    }
}

fn deletion(key: &str) -> DeleteImportedKeyMaterialRequest {
    DeleteImportedKeyMaterialRequest { key_id: key.to_owned(), ..DeleteImportedKeyMaterialRequest::default() }
}

#[tokio::test]
async fn a_key_works_while_its_material_is_here() {
    let bench = bench();
    let key = external(&bench).await;
    let (id, arn) = (key.key_id, key.arn.expect("an ARN"));
    assert_eq!((key.enabled, key.key_state.as_deref()), (Some(false), Some("PendingImport")));
    assert_eq!(key.current_key_material_id, None);
    let pending = format!("KMSInvalidStateException: {arn} is pending import.");
    assert_eq!(refused::<kms::Encrypt>(&bench, encryption(&id, b"x")).await, pending);
    let input = import(&bench, &id, &[4; 32]).await;
    let imported = bench.call::<kms::ImportKeyMaterial>(input).await.expect("imported");
    let shown = describe(&bench, &id).await;
    assert_eq!((shown.enabled, shown.key_state.as_deref()), (Some(true), Some("Enabled")));
    assert_eq!(shown.expiration_model.as_deref(), Some("KEY_MATERIAL_DOES_NOT_EXPIRE"));
    assert_eq!(shown.current_key_material_id, imported.key_material_id);
    let blob = encrypt(&bench, &id, b"secret").await;
    bench.call::<kms::DeleteImportedKeyMaterial>(deletion(&id)).await.expect("deleted");
    assert_eq!(decrypt(&bench, &blob).await.expect_err("refused").to_string(), pending);
    let shown = describe(&bench, &id).await;
    assert_eq!((shown.key_state.as_deref(), shown.expiration_model), (Some("PendingImport"), None));
    let input = import(&bench, &id, &[5; 32]).await;
    assert!(refused::<kms::ImportKeyMaterial>(&bench, input).await.starts_with("IncorrectKeyMaterialException"));
    let input = import(&bench, &id, &[4; 32]).await;
    let again = bench.call::<kms::ImportKeyMaterial>(input).await.expect("imported");
    assert_eq!(again.key_material_id, imported.key_material_id);
    assert_eq!(decrypt(&bench, &blob).await.expect("decrypted"), b"secret");
}

#[tokio::test]
async fn imports_that_do_not_hold_are_refused() {
    let bench = bench();
    let (key, other) = (external(&bench).await.key_id, external(&bench).await.key_id);
    let good = import(&bench, &key, &[4; 32]).await;
    let expires = |valid_to| ImportKeyMaterialRequest { expiration_model: None, valid_to, ..good.clone() };
    let valid_to = "ValidationException: A validTo date must be set if the ExpirationModel is KEY_MATERIAL_EXPIRES";
    for (input, expected) in [
        (expires(None), valid_to),
        (expires(Some(Timestamp::from_milliseconds(NOW - 1))), "ValidationException: The validTo date"),
        (ImportKeyMaterialRequest { key_id: other, ..good.clone() }, "InvalidImportTokenException"),
        (ImportKeyMaterialRequest { import_token: vec![1; 100].into(), ..good.clone() }, "InvalidImportTokenException"),
        (
            ImportKeyMaterialRequest { encrypted_key_material: vec![1; 256].into(), ..good.clone() },
            "InvalidCiphertextException",
        ),
        (import(&bench, &key, &[4; 31]).await, "IncorrectKeyMaterialException"),
    ] {
        let text = refused::<kms::ImportKeyMaterial>(&bench, input).await;
        assert!(text.starts_with(expected), "{text} is not {expected}");
    }
    bench.clock.advance(Duration::from_secs(86_401));
    let text = refused::<kms::ImportKeyMaterial>(&bench, good).await;
    assert!(text.starts_with("ExpiredImportTokenException"), "{text}");
    let own = symmetric(&bench).await;
    assert_eq!(
        refused::<kms::GetParametersForImport>(&bench, parameters(&own.key_id)).await,
        format!(
            "UnsupportedOperationException: {} origin is AWS_KMS which is not valid for this operation.",
            own.arn.expect("an ARN")
        )
    );
}

#[tokio::test]
async fn material_expires() {
    let bench = bench();
    bench.platform.start().await.expect("started");
    let key = external(&bench).await.key_id;
    let input = ImportKeyMaterialRequest {
        expiration_model: Some("KEY_MATERIAL_EXPIRES".to_owned()),
        valid_to: Some(Timestamp::from_milliseconds(NOW + 60_000)),
        ..import(&bench, &key, &[4; 32]).await
    };
    bench.call::<kms::ImportKeyMaterial>(input).await.expect("imported");
    let shown = describe(&bench, &key).await;
    assert_eq!(shown.valid_to, Some(Timestamp::from_milliseconds(NOW + 60_000)));
    encrypt(&bench, &key, b"x").await;
    bench.clock.advance(Duration::from_secs(60));
    let text = refused::<kms::Encrypt>(&bench, encryption(&key, b"x")).await;
    assert!(text.ends_with(" is pending import."), "{text}");
    eventually(async || describe(&bench, &key).await.key_state.as_deref() == Some("PendingImport")).await;
}

#[tokio::test]
async fn new_material_waits_for_a_rotation() {
    let bench = bench();
    let key = external(&bench).await.key_id;
    let input = import(&bench, &key, &[4; 32]).await;
    let first = bench.call::<kms::ImportKeyMaterial>(input).await.expect("imported").key_material_id;
    let blob = encrypt(&bench, &key, b"secret").await;
    let input = ImportKeyMaterialRequest {
        import_type: Some("NEW_KEY_MATERIAL".to_owned()),
        ..import(&bench, &key, &[5; 32]).await
    };
    let second = bench.call::<kms::ImportKeyMaterial>(input).await.expect("imported").key_material_id;
    assert_eq!(describe(&bench, &key).await.current_key_material_id, first);
    let rotate = || RotateKeyOnDemandRequest { key_id: key.clone(), ..RotateKeyOnDemandRequest::default() };
    bench.call::<kms::RotateKeyOnDemand>(rotate()).await.expect("rotated");
    assert_eq!(describe(&bench, &key).await.current_key_material_id, second);
    assert_eq!(decrypt(&bench, &blob).await.expect("decrypted"), b"secret");
    assert!(refused::<kms::RotateKeyOnDemand>(&bench, rotate()).await.starts_with("KMSInvalidStateException"));
}

#[tokio::test]
async fn a_replica_takes_no_other_material_than_its_primary() {
    let bench = bench();
    let input = CreateKeyRequest {
        origin: Some("EXTERNAL".to_owned()),
        multi_region: Some(true),
        ..CreateKeyRequest::default()
    };
    let key = bench.call::<kms::CreateKey>(input).await.expect("made").key_metadata.expect("shown").key_id;
    let input = import(&bench, &key, &[4; 32]).await;
    bench.call::<kms::ImportKeyMaterial>(input).await.expect("imported");
    let blob = encrypt(&bench, &key, b"secret").await;
    let input = ReplicateKeyRequest {
        key_id: key.clone(),
        replica_region: "us-west-2".to_owned(),
        ..ReplicateKeyRequest::default()
    };
    bench.call::<kms::ReplicateKey>(input).await.expect("replicated");
    for (material, expected) in [([5; 32], false), ([4; 32], true)] {
        let given = there::<kms::GetParametersForImport>(&bench, parameters(&key)).await.expect("given");
        let public = given.public_key.expect("given");
        let input = ImportKeyMaterialRequest {
            key_id: key.clone(),
            import_token: given.import_token.expect("given"),
            encrypted_key_material: rsa_encrypt(&public, OaepDigest::Sha256, &material).expect("wrapped").into(),
            expiration_model: Some("KEY_MATERIAL_DOES_NOT_EXPIRE".to_owned()),
            ..ImportKeyMaterialRequest::default()
        };
        assert_eq!(there::<kms::ImportKeyMaterial>(&bench, input).await.is_ok(), expected);
    }
    let opened = there::<kms::Decrypt>(&bench, decryption(&blob)).await.expect("decrypted");
    assert_eq!(opened.plaintext.as_deref(), Some(&b"secret"[..]));
}
