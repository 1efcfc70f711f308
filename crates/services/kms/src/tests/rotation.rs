//! Rotation.

use std::time::Duration;

use api::kms::{
    self, DisableKeyRequest, EnableKeyRequest, EnableKeyRotationRequest, GetKeyRotationStatusRequest,
    ListKeyRotationsRequest, RotateKeyOnDemandRequest, RotationsListEntry,
};
use platform::testing::{NOW, TestPlatform};
use wire::Timestamp;

use super::{bench, create, decrypt, describe, encrypt, eventually, refused, symmetric};

const DAY: Duration = Duration::from_secs(86_400);

fn on_demand(key: &str) -> RotateKeyOnDemandRequest {
    RotateKeyOnDemandRequest { key_id: key.to_owned(), ..RotateKeyOnDemandRequest::default() }
}

async fn enable(bench: &TestPlatform, key: &str, days: i32) {
    let input = EnableKeyRotationRequest {
        key_id: key.to_owned(),
        rotation_period_in_days: Some(days),
        ..EnableKeyRotationRequest::default()
    };
    bench.call::<kms::EnableKeyRotation>(input).await.expect("enabled");
}

async fn rotations(bench: &TestPlatform, key: &str, all: bool) -> Vec<RotationsListEntry> {
    let input = ListKeyRotationsRequest {
        key_id: key.to_owned(),
        include_key_material: all.then(|| "ALL_KEY_MATERIAL".to_owned()),
        ..ListKeyRotationsRequest::default()
    };
    bench.call::<kms::ListKeyRotations>(input).await.expect("listed").rotations.expect("given")
}

#[tokio::test]
async fn what_was_encrypted_before_a_rotation_is_read_after_it() {
    let bench = bench();
    let key = symmetric(&bench).await;
    let before = encrypt(&bench, &key.key_id, b"before").await;
    bench.call::<kms::RotateKeyOnDemand>(on_demand(&key.key_id)).await.expect("rotated");
    let after = encrypt(&bench, &key.key_id, b"after").await;
    assert_eq!(decrypt(&bench, &before).await.expect("decrypted"), b"before");
    assert_eq!(decrypt(&bench, &after).await.expect("decrypted"), b"after");
    let current = describe(&bench, &key.key_id).await.current_key_material_id;
    assert_ne!(current, key.current_key_material_id);
    let listed = rotations(&bench, &key.key_id, false).await;
    assert_eq!(listed.len(), 1);
    assert_eq!((listed[0].rotation_type.as_deref(), &listed[0].key_material_id), (Some("ON_DEMAND"), &current));
    let all = rotations(&bench, &key.key_id, true).await;
    let states: Vec<_> = all.iter().filter_map(|entry| entry.key_material_state.as_deref()).collect();
    assert_eq!(states, ["NON_CURRENT", "CURRENT"]);
    assert_eq!((&all[0].key_material_id, all[0].rotation_date), (&key.current_key_material_id, None));
}

#[tokio::test]
async fn a_key_rotates_by_itself_again_and_again() {
    let bench = bench();
    bench.platform.start().await.expect("started");
    let key = symmetric(&bench).await.key_id;
    let blob = encrypt(&bench, &key, b"secret").await;
    enable(&bench, &key, 90).await;
    let status = || GetKeyRotationStatusRequest { key_id: key.clone(), ..GetKeyRotationStatusRequest::default() };
    let shown = bench.call::<kms::GetKeyRotationStatus>(status()).await.expect("shown");
    assert_eq!((shown.key_rotation_enabled, shown.rotation_period_in_days), (Some(true), Some(90)));
    assert_eq!(shown.next_rotation_date, Some(Timestamp::from_milliseconds(NOW + 90 * 86_400_000)));
    for round in 1..=2 {
        bench.clock.advance(91 * DAY);
        eventually(async || rotations(&bench, &key, false).await.len() == round).await;
    }
    assert_eq!(rotations(&bench, &key, false).await[0].rotation_type.as_deref(), Some("AUTOMATIC"));
    assert_eq!(decrypt(&bench, &blob).await.expect("decrypted"), b"secret");
}

#[tokio::test]
async fn a_disabled_key_rotates_when_it_is_enabled_again() {
    let bench = bench();
    bench.platform.start().await.expect("started");
    let key = symmetric(&bench).await.key_id;
    enable(&bench, &key, 90).await;
    let input = DisableKeyRequest { key_id: key.clone(), ..DisableKeyRequest::default() };
    bench.call::<kms::DisableKey>(input).await.expect("disabled");
    bench.clock.advance(100 * DAY);
    let input = EnableKeyRequest { key_id: key.clone(), ..EnableKeyRequest::default() };
    bench.call::<kms::EnableKey>(input).await.expect("enabled");
    eventually(async || rotations(&bench, &key, false).await.len() == 1).await;
}

#[tokio::test]
async fn on_demand_rotations_are_limited() {
    let bench = bench();
    let key = symmetric(&bench).await;
    for _ in 0..crate::limits::ON_DEMAND_ROTATIONS_MAX {
        bench.call::<kms::RotateKeyOnDemand>(on_demand(&key.key_id)).await.expect("rotated");
    }
    let text = refused::<kms::RotateKeyOnDemand>(&bench, on_demand(&key.key_id)).await;
    assert!(text.starts_with("LimitExceededException: The on-demand rotations limit has been reached"), "{text}");
}

#[tokio::test]
async fn only_symmetric_keys_rotate() {
    let bench = bench();
    let key = create(&bench, "ECC_NIST_P256", "SIGN_VERIFY").await.key_id;
    let text = refused::<kms::RotateKeyOnDemand>(&bench, on_demand(&key)).await;
    assert!(text.starts_with("UnsupportedOperationException: "), "{text}");
    let input = EnableKeyRotationRequest { key_id: key.clone(), ..EnableKeyRotationRequest::default() };
    assert!(refused::<kms::EnableKeyRotation>(&bench, input).await.starts_with("UnsupportedOperationException: "));
    let input = GetKeyRotationStatusRequest { key_id: key, ..GetKeyRotationStatusRequest::default() };
    let shown = bench.call::<kms::GetKeyRotationStatus>(input).await.expect("shown");
    assert_eq!((shown.key_rotation_enabled, shown.next_rotation_date), (Some(false), None));
}
