//! Tables under keys of KMS: what is stored of them, and who reads it.

use std::time::Duration;

use api::kms;
use platform::testing::{ACCOUNT, REGION};
use serde_json::{Value as Json, json};
use store::{Direction, KeyRange};

use super::SEALED;
use crate::testing::Bench;

/// What must not be found in any row.
const SECRET: &str = "the-secret-of-the-item";

async fn key(bench: &Bench) -> String {
    let made = bench.other::<kms::CreateKey>(kms::CreateKeyRequest::default()).await;
    made.key_metadata.and_then(|key| key.arn).unwrap()
}

fn under(key: &str) -> Json {
    json!({"Enabled": true, "SSEType": "KMS", "KMSMasterKeyId": key})
}

async fn table(bench: &Bench, more: Json) {
    let mut all = json!({
        "AttributeDefinitions": [{"AttributeName": "g", "AttributeType": "S"}],
        "GlobalSecondaryIndexes": [{
            "IndexName": "by-g", "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "ALL"},
        }],
        "StreamSpecification": {"StreamEnabled": true, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    });
    for (name, value) in more.as_object().unwrap() {
        all[name] = value.clone();
    }
    bench.table("tab", &[("pk", "S")], all).await;
    let recovery = json!({"PointInTimeRecoveryEnabled": true});
    bench
        .ok("UpdateContinuousBackups", json!({"TableName": "tab", "PointInTimeRecoverySpecification": recovery}))
        .await;
}

async fn put(bench: &Bench, id: &str, value: &str) {
    let item = json!({"pk": {"S": id}, "g": {"S": "g"}, "v": {"S": value}});
    bench.ok("PutItem", json!({"TableName": "tab", "Item": item})).await;
}

async fn rows(bench: &Bench) -> Vec<(bytes::Bytes, bytes::Bytes)> {
    let partition = crate::keys::partition(ACCOUNT, REGION);
    bench.test.platform.store.scan(&partition, KeyRange::all(), Direction::Forward, 10_000).await.unwrap()
}

/// How many rows show the secret.
async fn shown(bench: &Bench) -> usize {
    let shows = |row: &[u8]| row.windows(SECRET.len()).any(|part| part == SECRET.as_bytes());
    rows(bench).await.iter().filter(|(_, row)| shows(row)).count()
}

async fn value(bench: &Bench, table: &str, id: &str) -> Json {
    let found = bench.ok("GetItem", json!({"TableName": table, "Key": {"pk": {"S": id}}})).await;
    found["Item"]["v"]["S"].clone()
}

async fn stream_images(bench: &Bench) -> Vec<Json> {
    let streams = bench.ok("ListStreams", json!({"TableName": "tab"})).await;
    let arn = &streams["Streams"][0]["StreamArn"];
    let described = bench.ok("DescribeStream", json!({"StreamArn": arn})).await;
    let shard = &described["StreamDescription"]["Shards"][0]["ShardId"];
    let input = json!({"StreamArn": arn, "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON"});
    let iterator = bench.ok("GetShardIterator", input).await;
    let read = bench.ok("GetRecords", json!({"ShardIterator": iterator["ShardIterator"]})).await;
    let records = read["Records"].as_array().unwrap().clone();
    records.into_iter().map(|record| record["dynamodb"]["NewImage"]["v"]["S"].clone()).collect()
}

#[tokio::test]
async fn nothing_of_an_item_but_its_keys_is_stored_in_clear() {
    let bench = Bench::new();
    let key = key(&bench).await;
    table(&bench, json!({"SSESpecification": under(&key)})).await;
    put(&bench, "1", SECRET).await;
    put(&bench, "1", &format!("{SECRET} again")).await;
    assert_eq!(shown(&bench).await, 0);
    assert_eq!(value(&bench, "tab", "1").await, json!(format!("{SECRET} again")));
    let query = json!({
        "TableName": "tab", "IndexName": "by-g", "KeyConditionExpression": "g = :g",
        "ExpressionAttributeValues": {":g": {"S": "g"}},
    });
    assert_eq!(bench.ok("Query", query).await["Count"], json!(1));
    assert_eq!(stream_images(&bench).await, [json!(SECRET), json!(format!("{SECRET} again"))]);
    let described = bench.ok("DescribeTable", json!({"TableName": "tab"})).await;
    let expected = json!({"Status": "ENABLED", "SSEType": "KMS", "KMSMasterKeyArn": key});
    assert_eq!(described["Table"]["SSEDescription"], expected);
}

#[tokio::test]
async fn a_row_opens_only_where_it_was_written() {
    let bench = Bench::new();
    let key = key(&bench).await;
    table(&bench, json!({"SSESpecification": under(&key)})).await;
    put(&bench, "1", "one").await;
    put(&bench, "2", "two").await;
    let sealed: Vec<_> = rows(&bench).await.into_iter().filter(|(_, row)| row.first() == Some(&SEALED)).collect();
    let (to, from) = (sealed[0].0.clone(), sealed[1].1.clone());
    let partition = crate::keys::partition(ACCOUNT, REGION);
    let swap = move |rows: &mut dyn store::Transaction| {
        rows.put(&to, &from);
        Ok::<_, store::Abort<wire::Error>>(())
    };
    bench.test.platform.store.transact(&partition, swap).await.unwrap();
    let error = bench.refused("Scan", json!({"TableName": "tab"})).await;
    assert!(error.starts_with("InternalFailure"), "{error}");
}

#[tokio::test]
async fn a_table_in_clear_is_sealed_when_it_gets_a_key_and_keeps_its_own_afterwards() {
    let bench = Bench::new();
    table(&bench, json!({})).await;
    for id in ["1", "2", "3"] {
        put(&bench, id, SECRET).await;
        put(&bench, id, &format!("{SECRET}{id}")).await;
    }
    assert!(shown(&bench).await >= 12);
    let (one, other) = (key(&bench).await, key(&bench).await);
    let answer = bench.ok("UpdateTable", json!({"TableName": "tab", "SSESpecification": under(&one)})).await;
    assert_eq!(answer["TableDescription"]["SSEDescription"]["Status"], json!("UPDATING"));
    // Rows of both kinds are read meanwhile.
    put(&bench, "2", "new").await;
    assert_eq!(value(&bench, "tab", "1").await, json!(format!("{SECRET}1")));
    bench.settle().await;
    assert_eq!(shown(&bench).await, 0);
    let again = json!({"TableName": "tab", "SSESpecification": under(&one)});
    let error = bench.refused("UpdateTable", again).await;
    assert!(error.contains("Table is already encrypted with given KMSMasterKeyId."), "{error}");
    for specification in [under(&other), json!({"Enabled": false}), under(&one)] {
        let described = bench.ok("UpdateTable", json!({"TableName": "tab", "SSESpecification": specification})).await;
        let arn = &described["TableDescription"]["SSEDescription"]["KMSMasterKeyArn"];
        assert_eq!(arn, &specification["KMSMasterKeyId"]);
        bench.service.ciphers.clear();
        assert_eq!(value(&bench, "tab", "2").await, json!("new"));
        assert_eq!(shown(&bench).await, 0);
    }
    assert_eq!(stream_images(&bench).await.len(), 7);
}

#[tokio::test]
async fn without_its_key_a_table_cannot_be_read() {
    let bench = Bench::new();
    let key = key(&bench).await;
    table(&bench, json!({"SSESpecification": under(&key)})).await;
    put(&bench, "1", SECRET).await;
    bench.other::<kms::DisableKey>(kms::DisableKeyRequest { key_id: key.clone(), ..Default::default() }).await;
    // For five minutes the plain key is remembered, as on AWS.
    assert_eq!(value(&bench, "tab", "1").await, json!(SECRET));
    bench.test.clock.advance(Duration::from_secs(5 * 60));
    for (operation, input) in [
        ("GetItem", json!({"TableName": "tab", "Key": {"pk": {"S": "1"}}})),
        ("Scan", json!({"TableName": "tab"})),
        ("PutItem", json!({"TableName": "tab", "Item": {"pk": {"S": "2"}}})),
    ] {
        let error = bench.refused(operation, input).await;
        assert!(error.starts_with("AccessDenied") && error.contains("KMS key access denied error"), "{error}");
        assert!(error.contains("is disabled") && error.contains("Error Code: DisabledException"), "{error}");
    }
    bench.settle().await;
    let described = bench.ok("DescribeTable", json!({"TableName": "tab"})).await;
    assert_eq!(described["Table"]["TableStatus"], json!("INACCESSIBLE_ENCRYPTION_CREDENTIALS"));
    assert!(described["Table"]["SSEDescription"]["InaccessibleEncryptionDateTime"].is_number());
    bench.other::<kms::EnableKey>(kms::EnableKeyRequest { key_id: key, ..Default::default() }).await;
    assert_eq!(value(&bench, "tab", "1").await, json!(SECRET));
    let described = bench.ok("DescribeTable", json!({"TableName": "tab"})).await;
    assert_eq!(described["Table"]["TableStatus"], json!("ACTIVE"));
    assert!(described["Table"]["SSEDescription"]["InaccessibleEncryptionDateTime"].is_null());
}

#[tokio::test]
async fn backups_and_restored_tables_are_as_protected_as_their_source() {
    let bench = Bench::new();
    let key = key(&bench).await;
    table(&bench, json!({"SSESpecification": under(&key)})).await;
    put(&bench, "1", SECRET).await;
    let made = bench.ok("CreateBackup", json!({"TableName": "tab", "BackupName": "first"})).await;
    put(&bench, "1", "later").await;
    bench.settle().await;
    let latest = json!({"SourceTableName": "tab", "TargetTableName": "now", "UseLatestRestorableTime": true});
    bench.ok("RestoreTableToPointInTime", latest).await;
    bench
        .ok(
            "RestoreTableFromBackup",
            json!({
                "BackupArn": made["BackupDetails"]["BackupArn"], "TargetTableName": "restored",
            }),
        )
        .await;
    bench.settle().await;
    assert_eq!(shown(&bench).await, 0);
    assert_eq!(value(&bench, "now", "1").await, json!("later"));
    assert_eq!(value(&bench, "restored", "1").await, json!(SECRET));
    bench
        .ok(
            "RestoreTableFromBackup",
            json!({
                "BackupArn": made["BackupDetails"]["BackupArn"], "TargetTableName": "clear",
                "SSESpecificationOverride": {"Enabled": false},
            }),
        )
        .await;
    bench.settle().await;
    assert_eq!(value(&bench, "clear", "1").await, json!(SECRET));
    assert!(shown(&bench).await > 0);
}

#[tokio::test]
async fn a_deleted_tables_grant_is_taken_back() {
    let bench = Bench::new();
    let key = key(&bench).await;
    bench.table("plain", &[("pk", "S")], json!({"SSESpecification": under(&key)})).await;
    let grants = || async {
        let input = kms::ListGrantsRequest { key_id: key.clone(), ..Default::default() };
        bench.other::<kms::ListGrants>(input).await.grants.unwrap_or_default().len()
    };
    assert_eq!(grants().await, 1);
    bench.ok("DeleteTable", json!({"TableName": "plain"})).await;
    assert_eq!(grants().await, 0);
}
