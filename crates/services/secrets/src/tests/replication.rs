//! Replicas.

use api::secretsmanager::{
    self as sm, CreateSecretRequest, DeleteSecretRequest, DescribeSecretRequest, RemoveRegionsFromReplicationRequest,
    ReplicaRegionType, ReplicateSecretToRegionsRequest, StopReplicationToReplicaRequest,
};
use platform::testing::REGION;

use super::*;

const ELSEWHERE: &str = "us-east-2";

fn region(name: &str) -> Vec<ReplicaRegionType> {
    vec![ReplicaRegionType { region: Some(name.to_owned()), ..Default::default() }]
}

async fn replicated() -> (TestPlatform, String) {
    let bench = bench();
    let request = CreateSecretRequest { add_replica_regions: Some(region(ELSEWHERE)), ..create("s", "1", "a") };
    let answer = bench.call::<sm::CreateSecret>(request).await.unwrap();
    let status = &answer.replication_status.unwrap()[0];
    assert_eq!((status.region.as_deref(), status.status.as_deref()), (Some(ELSEWHERE), Some("InSync")));
    let arn = answer.arn.unwrap().replace(REGION, ELSEWHERE);
    (bench, arn)
}

async fn text_there(bench: &TestPlatform, secret: &str) -> Result<Option<String>, Error> {
    call_in::<sm::GetSecretValue>(bench, ELSEWHERE, get(secret)).await.map(|answer| answer.secret_string)
}

#[tokio::test]
async fn a_replica_follows_its_primary_and_cannot_be_changed() {
    let (bench, arn) = replicated().await;
    assert_eq!(text_there(&bench, &arn).await.unwrap().as_deref(), Some("a"));
    bench.call::<sm::PutSecretValue>(put("s", "2", "b", &[])).await.unwrap();
    assert_eq!(text_there(&bench, "s").await.unwrap().as_deref(), Some("b"));
    let request = DescribeSecretRequest { secret_id: arn.clone(), ..Default::default() };
    let described = call_in::<sm::DescribeSecret>(&bench, ELSEWHERE, request).await.unwrap();
    assert_eq!(described.primary_region.as_deref(), Some(REGION));
    assert_eq!(labels(&described, "1"), ["AWSPREVIOUS"]);
    assert_eq!(described.replication_status, None);
    let refusal = call_in::<sm::PutSecretValue>(&bench, ELSEWHERE, put(&arn, "3", "c", &[])).await.unwrap_err();
    let text = "InvalidParameterException: Operation not permitted on a replica secret. Call must be made in primary \
                secret's region.";
    assert_eq!(refusal.to_string(), text);
    let delete = DeleteSecretRequest { secret_id: "s".to_owned(), ..Default::default() };
    let refusal = refused::<sm::DeleteSecret>(&bench, delete.clone()).await;
    assert!(refusal.ends_with(&format!("that still has replica regions [{ELSEWHERE}]")), "{refusal}");
    let remove = RemoveRegionsFromReplicationRequest {
        secret_id: "s".to_owned(),
        remove_replica_regions: vec![ELSEWHERE.to_owned()],
        ..Default::default()
    };
    bench.call::<sm::RemoveRegionsFromReplication>(remove).await.unwrap();
    assert!(text_there(&bench, &arn).await.unwrap_err().is("ResourceNotFoundException"));
    assert_eq!(describe(&bench, "s").await.primary_region, None);
    bench.call::<sm::DeleteSecret>(delete).await.unwrap();
}

#[tokio::test]
async fn a_replica_that_is_let_go_stands_alone() {
    let (bench, arn) = replicated().await;
    let stop = StopReplicationToReplicaRequest { secret_id: arn.clone(), ..Default::default() };
    call_in::<sm::StopReplicationToReplica>(&bench, ELSEWHERE, stop).await.unwrap();
    assert_eq!(describe(&bench, "s").await.replication_status, None);
    call_in::<sm::PutSecretValue>(&bench, ELSEWHERE, put(&arn, "2", "own", &[])).await.unwrap();
    assert_eq!(text_there(&bench, &arn).await.unwrap().as_deref(), Some("own"));
    assert_eq!(text(&bench, "s").await, "a");
}

#[tokio::test]
async fn a_name_that_is_taken_elsewhere_is_overwritten_only_by_force() {
    let bench = bench();
    call_in::<sm::CreateSecret>(&bench, ELSEWHERE, create("s", "9", "theirs")).await.unwrap();
    bench.call::<sm::CreateSecret>(create("s", "1", "ours")).await.unwrap();
    let replicate = ReplicateSecretToRegionsRequest {
        secret_id: "s".to_owned(),
        add_replica_regions: region(ELSEWHERE),
        ..Default::default()
    };
    let answer = bench.call::<sm::ReplicateSecretToRegions>(replicate.clone()).await.unwrap();
    let status = &answer.replication_status.unwrap()[0];
    assert_eq!(status.status.as_deref(), Some("Failed"));
    let text = "Replication failed: Secret name simple already exists in region us-east-2.";
    assert_eq!(status.status_message.as_deref(), Some(text));
    assert_eq!(text_there(&bench, "s").await.unwrap().as_deref(), Some("theirs"));
    let force = ReplicateSecretToRegionsRequest { force_overwrite_replica_secret: Some(true), ..replicate.clone() };
    let answer = bench.call::<sm::ReplicateSecretToRegions>(force).await.unwrap();
    assert_eq!(answer.replication_status.unwrap()[0].status.as_deref(), Some("InSync"));
    assert_eq!(text_there(&bench, "s").await.unwrap().as_deref(), Some("ours"));
    let home = ReplicateSecretToRegionsRequest { add_replica_regions: region(REGION), ..replicate };
    let refusal = refused::<sm::ReplicateSecretToRegions>(&bench, home).await;
    assert_eq!(refusal, "InvalidParameterException: Invalid replica region.");
}
