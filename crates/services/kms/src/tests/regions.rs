//! Multi-Region keys.

use api::Operation;
use api::kms::{
    self, CreateKeyRequest, DescribeKeyRequest, KeyMetadata, ReplicateKeyRequest, RotateKeyOnDemandRequest,
    ScheduleKeyDeletionRequest, UpdatePrimaryRegionRequest,
};
use platform::Principal;
use platform::testing::{ACCOUNT, REGION, TestPlatform};
use std::time::Duration;
use wire::Error;

use super::{bench, decryption, describe, encrypt, eventually, refused, symmetric};

const OTHER: &str = "us-west-2";

/// Calls an operation in another region.
pub async fn there<O: Operation>(bench: &TestPlatform, input: O::Input) -> Result<O::Output, Error> {
    let root = Principal::Root { account: ACCOUNT.to_owned() };
    bench.context::<O>(root).in_region(OTHER).call::<O>(input).await
}

async fn described_there(bench: &TestPlatform, key: &str) -> Result<KeyMetadata, Error> {
    let input = DescribeKeyRequest { key_id: key.to_owned(), ..DescribeKeyRequest::default() };
    there::<kms::DescribeKey>(bench, input).await.map(|output| output.key_metadata.expect("shown"))
}

async fn primary(bench: &TestPlatform) -> KeyMetadata {
    let input = CreateKeyRequest { multi_region: Some(true), ..CreateKeyRequest::default() };
    bench.call::<kms::CreateKey>(input).await.expect("made").key_metadata.expect("shown")
}

fn replication(key: &str) -> ReplicateKeyRequest {
    let (key_id, replica_region) = (key.to_owned(), OTHER.to_owned());
    ReplicateKeyRequest { key_id, replica_region, ..ReplicateKeyRequest::default() }
}

fn kind(key: &KeyMetadata) -> Option<&str> {
    key.multi_region_configuration.as_ref()?.multi_region_key_type.as_deref()
}

#[tokio::test]
async fn a_replica_decrypts_what_its_primary_encrypted_before_and_after_a_rotation() {
    let bench = bench();
    let key = primary(&bench).await;
    assert!(key.key_id.starts_with("mrk-"));
    assert_eq!(kind(&key), Some("PRIMARY"));
    let before = encrypt(&bench, &key.key_id, b"before").await;
    assert!(described_there(&bench, &key.key_id).await.is_err());
    let made = bench.call::<kms::ReplicateKey>(replication(&key.key_id)).await.expect("replicated");
    let shown = made.replica_key_metadata.expect("shown");
    assert_eq!((shown.key_state.as_deref(), kind(&shown)), (Some("Creating"), Some("REPLICA")));
    let input = RotateKeyOnDemandRequest { key_id: key.key_id.clone(), ..RotateKeyOnDemandRequest::default() };
    bench.call::<kms::RotateKeyOnDemand>(input.clone()).await.expect("rotated");
    let after = encrypt(&bench, &key.key_id, b"after").await;
    for (blob, message) in [(before, &b"before"[..]), (after, b"after")] {
        let opened = there::<kms::Decrypt>(&bench, decryption(&blob)).await.expect("decrypted");
        assert_eq!(opened.plaintext.as_deref(), Some(message));
        assert_eq!(opened.key_id, shown.arn);
    }
    let text = there::<kms::RotateKeyOnDemand>(&bench, input).await.expect_err("refused").to_string();
    assert!(text.starts_with("UnsupportedOperationException: "), "{text}");
    let text = refused::<kms::ReplicateKey>(&bench, replication(&key.key_id)).await;
    assert!(text.starts_with("AlreadyExistsException: "), "{text}");
}

#[tokio::test]
async fn the_primary_moves() {
    let bench = bench();
    let key = primary(&bench).await.key_id;
    bench.call::<kms::ReplicateKey>(replication(&key)).await.expect("replicated");
    let input = UpdatePrimaryRegionRequest {
        key_id: key.clone(),
        primary_region: OTHER.to_owned(),
        ..UpdatePrimaryRegionRequest::default()
    };
    bench.call::<kms::UpdatePrimaryRegion>(input).await.expect("moved");
    assert_eq!(kind(&describe(&bench, &key).await), Some("REPLICA"));
    let moved = described_there(&bench, &key).await.expect("described");
    assert_eq!(kind(&moved), Some("PRIMARY"));
    let configuration = moved.multi_region_configuration.expect("shown");
    let replicas: Vec<_> = configuration.replica_keys.expect("shown").into_iter().map(|key| key.region).collect();
    assert_eq!(replicas, [Some(REGION.to_owned())]);
}

#[tokio::test]
async fn a_primary_waits_for_its_replicas_to_go() {
    let bench = bench();
    bench.platform.start().await.expect("started");
    let key = primary(&bench).await.key_id;
    bench.call::<kms::ReplicateKey>(replication(&key)).await.expect("replicated");
    let week = || ScheduleKeyDeletionRequest {
        key_id: key.clone(),
        pending_window_in_days: Some(7),
        ..ScheduleKeyDeletionRequest::default()
    };
    let scheduled = bench.call::<kms::ScheduleKeyDeletion>(week()).await.expect("scheduled");
    assert_eq!((scheduled.key_state.as_deref(), scheduled.deletion_date), (Some("PendingReplicaDeletion"), None));
    there::<kms::ScheduleKeyDeletion>(&bench, week()).await.expect("scheduled");
    bench.clock.advance(Duration::from_secs(8 * 86_400));
    eventually(async || described_there(&bench, &key).await.is_err()).await;
    assert_eq!(describe(&bench, &key).await.key_state.as_deref(), Some("PendingDeletion"));
    bench.clock.advance(Duration::from_secs(8 * 86_400));
    let input = || DescribeKeyRequest { key_id: key.clone(), ..DescribeKeyRequest::default() };
    eventually(async || bench.call::<kms::DescribeKey>(input()).await.is_err()).await;
}

#[tokio::test]
async fn a_key_of_one_region_stays_there() {
    let bench = bench();
    let key = symmetric(&bench).await;
    let text = refused::<kms::ReplicateKey>(&bench, replication(&key.key_id)).await;
    assert!(text.starts_with("UnsupportedOperationException: "), "{text}");
    let blob = encrypt(&bench, &key.key_id, b"x").await;
    let text = there::<kms::Decrypt>(&bench, decryption(&blob)).await.expect_err("refused").to_string();
    assert!(text.starts_with("AccessDeniedException: The ciphertext refers to"), "{text}");
}
