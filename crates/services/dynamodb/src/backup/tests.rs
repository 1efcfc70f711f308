//! Backups and recovery bring back what was there, whatever happened meanwhile.

use std::time::Duration;

use serde_json::{Value as Json, json};

use crate::testing::Bench;

async fn put(bench: &Bench, id: u32, value: &str) {
    let item = json!({"pk": {"S": format!("{id}")}, "v": {"S": value}, "g": {"S": "g"}});
    bench.ok("PutItem", json!({"TableName": "tab", "Item": item})).await;
}

async fn bench() -> Bench {
    let bench = Bench::new();
    let more = json!({
        "AttributeDefinitions": [{"AttributeName": "g", "AttributeType": "S"}],
        "GlobalSecondaryIndexes": [{
            "IndexName": "by-g", "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "ALL"},
        }],
    });
    bench.table("tab", &[("pk", "S")], more).await;
    bench
}

async fn items(bench: &Bench, table: &str, index: Option<&str>) -> Vec<String> {
    let mut input = json!({"TableName": table});
    if let Some(index) = index {
        input["IndexName"] = json!(index);
    }
    let found = bench.ok("Scan", input).await;
    let show = |item: &Json| format!("{}={}", item["pk"]["S"].as_str().unwrap(), item["v"]["S"].as_str().unwrap());
    let mut items: Vec<String> = found["Items"].as_array().expect("items").iter().map(show).collect();
    items.sort();
    items
}

#[tokio::test]
async fn a_backup_is_as_the_table_was_when_it_was_asked_for() {
    let bench = bench().await;
    for id in 0..3 {
        put(&bench, id, "before").await;
    }
    let made = bench.ok("CreateBackup", json!({"TableName": "tab", "BackupName": "first"})).await;
    assert_eq!(made["BackupDetails"]["BackupStatus"], json!("CREATING"));
    let arn = made["BackupDetails"]["BackupArn"].clone();
    // Nothing is copied yet: what happens now must not be in the backup.
    put(&bench, 0, "after").await;
    put(&bench, 0, "later").await;
    put(&bench, 9, "new").await;
    bench.ok("DeleteItem", json!({"TableName": "tab", "Key": {"pk": {"S": "1"}}})).await;
    bench.settle().await;
    let described = bench.ok("DescribeBackup", json!({"BackupArn": arn})).await["BackupDescription"].clone();
    assert_eq!(described["BackupDetails"]["BackupStatus"], json!("AVAILABLE"));
    assert_eq!(described["SourceTableDetails"]["ItemCount"], json!(3));
    bench.ok("DeleteTable", json!({"TableName": "tab"})).await;
    bench.settle().await;
    let restore = json!({"BackupArn": arn, "TargetTableName": "restored"});
    let answer = bench.ok("RestoreTableFromBackup", restore).await;
    assert_eq!(answer["TableDescription"]["TableStatus"], json!("CREATING"));
    let error = bench.refused("Scan", json!({"TableName": "restored"})).await;
    assert_eq!(error, "ResourceNotFoundException: Requested resource not found");
    bench.settle().await;
    let expected = ["0=before", "1=before", "2=before"];
    assert_eq!(items(&bench, "restored", None).await, expected);
    assert_eq!(items(&bench, "restored", Some("by-g")).await, expected);
    bench.ok("DeleteBackup", json!({"BackupArn": arn})).await;
    let error = bench.refused("DescribeBackup", json!({"BackupArn": arn})).await;
    assert!(error.starts_with("BackupNotFoundException"), "{error}");
    assert_eq!(bench.ok("ListBackups", json!({})).await["BackupSummaries"], json!([]));
}

#[tokio::test]
async fn recovery_reaches_every_moment_since_it_is_on() {
    let bench = bench().await;
    put(&bench, 0, "zero").await;
    let target = json!({
        "SourceTableName": "tab", "TargetTableName": "past", "UseLatestRestorableTime": true,
    });
    let error = bench.refused("RestoreTableToPointInTime", target).await;
    assert!(error.starts_with("PointInTimeRecoveryUnavailableException"), "{error}");
    let enable = json!({
        "TableName": "tab", "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": true},
    });
    bench.ok("UpdateContinuousBackups", enable).await;
    let mut moments = Vec::new();
    for round in 1..4 {
        bench.test.clock.advance(Duration::from_secs(60));
        put(&bench, 0, &format!("round{round}")).await;
        put(&bench, round, "x").await;
        if round == 3 {
            bench.ok("DeleteItem", json!({"TableName": "tab", "Key": {"pk": {"S": "1"}}})).await;
        }
        moments.push(bench.test.clock.milliseconds());
    }
    bench.test.clock.advance(Duration::from_secs(60));
    for (number, expected) in
        [(1, vec!["0=round1", "1=x"]), (2, vec!["0=round2", "1=x", "2=x"]), (3, vec!["0=round3", "2=x", "3=x"])]
    {
        let name = format!("past{number}");
        let time = moments[number - 1] as f64 / 1_000.0;
        let input = json!({"SourceTableName": "tab", "TargetTableName": name, "RestoreDateTime": time});
        bench.ok("RestoreTableToPointInTime", input).await;
        put(&bench, 7, "while it is copied").await;
        bench.settle().await;
        assert_eq!(items(&bench, &name, None).await, expected, "{number}");
        assert_eq!(items(&bench, &name, Some("by-g")).await, expected, "{number}");
        bench.ok("DeleteItem", json!({"TableName": "tab", "Key": {"pk": {"S": "7"}}})).await;
    }
    let early = json!({"SourceTableName": "tab", "TargetTableName": "never", "RestoreDateTime": 1.0});
    let error = bench.refused("RestoreTableToPointInTime", early).await;
    assert!(error.starts_with("InvalidRestoreTimeException"), "{error}");
}
