//! Streams: what their records show, and how they are read.

use std::time::Duration;

use serde_json::{Value as Json, json};

use crate::testing::Bench;

async fn bench(view: &str) -> (Bench, Json) {
    let bench = Bench::new();
    let stream = json!({"StreamSpecification": {"StreamEnabled": true, "StreamViewType": view}});
    bench.table("tab", &[("pk", "S")], stream).await;
    let table = bench.ok("DescribeTable", json!({"TableName": "tab"})).await;
    (bench, table["Table"]["LatestStreamArn"].clone())
}

async fn shards(bench: &Bench, arn: &Json) -> Vec<Json> {
    let stream = bench.ok("DescribeStream", json!({"StreamArn": arn})).await;
    stream["StreamDescription"]["Shards"].as_array().expect("shards").clone()
}

async fn iterator(bench: &Bench, arn: &Json, shard: &Json, kind: &str, number: &Json) -> Json {
    let mut input = json!({"StreamArn": arn, "ShardId": shard["ShardId"], "ShardIteratorType": kind});
    if number.is_string() {
        input["SequenceNumber"] = number.clone();
    }
    bench.ok("GetShardIterator", input).await["ShardIterator"].clone()
}

async fn put(bench: &Bench, id: &str, value: u32) {
    let item = json!({"pk": {"S": id}, "v": {"N": value.to_string()}});
    bench.ok("PutItem", json!({"TableName": "tab", "Item": item})).await;
}

#[tokio::test]
async fn records_show_what_their_view_says() {
    let image = |value: &str| json!({"pk": {"S": "a"}, "v": {"N": value}});
    for (view, old, new) in [
        ("KEYS_ONLY", false, false),
        ("NEW_IMAGE", false, true),
        ("OLD_IMAGE", true, false),
        ("NEW_AND_OLD_IMAGES", true, true),
    ] {
        let (bench, arn) = bench(view).await;
        put(&bench, "a", 1).await;
        put(&bench, "a", 1).await;
        put(&bench, "a", 2).await;
        bench.ok("DeleteItem", json!({"TableName": "tab", "Key": {"pk": {"S": "a"}}})).await;
        bench.ok("DeleteItem", json!({"TableName": "tab", "Key": {"pk": {"S": "a"}}})).await;
        let shard = shards(&bench, &arn).await.remove(0);
        let from = iterator(&bench, &arn, &shard, "TRIM_HORIZON", &Json::Null).await;
        let answer = bench.ok("GetRecords", json!({"ShardIterator": from})).await;
        let records = answer["Records"].as_array().expect("records");
        let events: Vec<&Json> = records.iter().map(|record| &record["eventName"]).collect();
        assert_eq!(events, ["INSERT", "MODIFY", "REMOVE"], "{view}: nothing is told of what changes nothing");
        let change = &records[1]["dynamodb"];
        assert_eq!(change["Keys"], json!({"pk": {"S": "a"}}));
        assert_eq!(change.get("OldImage"), old.then(|| image("1")).as_ref(), "{view}");
        assert_eq!(change.get("NewImage"), new.then(|| image("2")).as_ref(), "{view}");
        assert_eq!(change["StreamViewType"], json!(view));
    }
}

#[tokio::test]
async fn iterators_begin_where_they_are_asked_to() {
    let (bench, arn) = bench("NEW_IMAGE").await;
    for value in 0..3 {
        put(&bench, "a", value).await;
    }
    let shard = shards(&bench, &arn).await.remove(0);
    let values = async |iterator: Json| {
        let answer = bench.ok("GetRecords", json!({"ShardIterator": iterator})).await;
        let value = |record: &Json| record["dynamodb"]["NewImage"]["v"]["N"].as_str().expect("a number").to_owned();
        let values: Vec<String> = answer["Records"].as_array().expect("records").iter().map(value).collect();
        (values.join(","), answer["NextShardIterator"].clone())
    };
    let from = iterator(&bench, &arn, &shard, "TRIM_HORIZON", &Json::Null).await;
    let first = bench.ok("GetRecords", json!({"ShardIterator": from, "Limit": 1})).await;
    let number = first["Records"][0]["dynamodb"]["SequenceNumber"].clone();
    assert_eq!(values(first["NextShardIterator"].clone()).await.0, "1,2");
    assert_eq!(values(iterator(&bench, &arn, &shard, "AT_SEQUENCE_NUMBER", &number).await).await.0, "0,1,2");
    assert_eq!(values(iterator(&bench, &arn, &shard, "AFTER_SEQUENCE_NUMBER", &number).await).await.0, "1,2");
    let (none, next) = values(iterator(&bench, &arn, &shard, "LATEST", &Json::Null).await).await;
    assert_eq!(none, "");
    put(&bench, "a", 9).await;
    assert_eq!(values(next.clone()).await.0, "9");
    bench.test.clock.advance(Duration::from_secs(16 * 60));
    let error = bench.refused("GetRecords", json!({"ShardIterator": next})).await;
    assert!(error.starts_with("ExpiredIteratorException"), "{error}");
}

#[tokio::test]
async fn shards_follow_one_another_and_records_are_kept_for_a_day() {
    let (bench, arn) = bench("KEYS_ONLY").await;
    put(&bench, "a", 1).await;
    bench.test.clock.advance(Duration::from_secs(5 * 60 * 60));
    put(&bench, "b", 1).await;
    let both = shards(&bench, &arn).await;
    assert_eq!(both.len(), 2);
    assert_eq!(both[1]["ParentShardId"], both[0]["ShardId"]);
    let ended = both[0]["SequenceNumberRange"]["EndingSequenceNumber"].clone();
    assert_eq!(ended, both[0]["SequenceNumberRange"]["StartingSequenceNumber"], "it took one record");
    let from = iterator(&bench, &arn, &both[0], "TRIM_HORIZON", &Json::Null).await;
    let answer = bench.ok("GetRecords", json!({"ShardIterator": from})).await;
    assert_eq!(answer["Records"].as_array().map(Vec::len), Some(1));
    assert_eq!(answer.get("NextShardIterator"), None, "the shard has ended");
    bench.test.clock.advance(Duration::from_secs(20 * 60 * 60));
    bench.settle().await;
    let from = iterator(&bench, &arn, &both[1], "TRIM_HORIZON", &Json::Null).await;
    let answer = bench.ok("GetRecords", json!({"ShardIterator": from})).await;
    assert_eq!(answer["Records"].as_array().map(Vec::len), Some(1), "the later record is still there");
    let input = json!({
        "StreamArn": arn, "ShardId": both[0]["ShardId"], "ShardIteratorType": "AT_SEQUENCE_NUMBER", "SequenceNumber": ended,
    });
    let error = bench.refused("GetShardIterator", input).await;
    assert!(error.starts_with("TrimmedDataAccessException"), "{error}");
}

#[tokio::test]
async fn a_stream_outlives_its_table_for_a_day() {
    let (bench, arn) = bench("KEYS_ONLY").await;
    put(&bench, "a", 1).await;
    bench.ok("DeleteTable", json!({"TableName": "tab"})).await;
    bench.settle().await;
    let stream = bench.ok("DescribeStream", json!({"StreamArn": arn})).await;
    assert_eq!(stream["StreamDescription"]["StreamStatus"], json!("DISABLED"));
    let shard = shards(&bench, &arn).await.remove(0);
    let from = iterator(&bench, &arn, &shard, "TRIM_HORIZON", &Json::Null).await;
    assert_eq!(
        bench.ok("GetRecords", json!({"ShardIterator": from})).await["Records"].as_array().map(Vec::len),
        Some(1)
    );
    bench.test.clock.advance(Duration::from_secs(25 * 60 * 60));
    bench.settle().await;
    assert_eq!(bench.ok("ListStreams", json!({})).await, json!({"Streams": []}));
    let error = bench.refused("DescribeStream", json!({"StreamArn": arn})).await;
    assert!(error.starts_with("ResourceNotFoundException"), "{error}");
}
