//! Records: writing them, and reading them back from anywhere.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value as Json, json};

use super::{Bench, texts};
use crate::sequence::SequenceNumber;

fn entries(number: usize, bytes: usize) -> Json {
    let data = BASE64.encode(vec![b'x'; bytes]);
    (0..number).map(|_| json!({"PartitionKey": "a", "Data": data})).collect()
}

#[tokio::test]
async fn iterators_start_where_their_kind_says() {
    let bench = Bench::with_stream("s", 1).await;
    let mut numbers = Vec::new();
    for text in ["0", "1", "2"] {
        numbers.push(bench.put("s", "a", text).await["SequenceNumber"].clone());
        bench.test.clock.advance(Duration::from_secs(10));
    }
    let at = |index: usize| json!({"StartingSequenceNumber": numbers[index]});
    let read = async |kind: &str, more: Json| {
        bench.test.clock.advance(Duration::from_secs(1));
        let from = bench.iterator("s", 0, kind, more).await;
        bench.read(&from).await.concat()
    };
    assert_eq!(read("TRIM_HORIZON", json!({})).await, "012");
    assert_eq!(read("AT_SEQUENCE_NUMBER", at(1)).await, "12");
    assert_eq!(read("AFTER_SEQUENCE_NUMBER", at(1)).await, "2");
    assert_eq!(read("LATEST", json!({})).await, "");
    let began = platform::testing::NOW / 1_000;
    assert_eq!(read("AT_TIMESTAMP", json!({"Timestamp": began - 100})).await, "012");
    assert_eq!(read("AT_TIMESTAMP", json!({"Timestamp": began + 10})).await, "12");
    assert_eq!(read("AT_TIMESTAMP", json!({"Timestamp": began + 11})).await, "2");
    assert_eq!(read("AT_TIMESTAMP", json!({"Timestamp": began + 25})).await, "");
    let shards = bench.shards("s").await;
    let starting = shards[0]["SequenceNumberRange"]["StartingSequenceNumber"].clone();
    assert_eq!(read("AT_SEQUENCE_NUMBER", json!({"StartingSequenceNumber": starting})).await, "012");
}

#[tokio::test]
async fn what_no_iterator_starts_at_is_refused() {
    let bench = Bench::with_stream("s", 2).await;
    let number = bench.put("s", "a", "0").await["SequenceNumber"].clone();
    let refused = async |shard: &str, kind: &str, more: Json| {
        let mut input = json!({"StreamName": "s", "ShardId": shard, "ShardIteratorType": kind});
        for (key, value) in more.as_object().unwrap() {
            input[key] = value.clone();
        }
        bench.refused("GetShardIterator", input).await
    };
    let own = "shardId-000000000000";
    assert!(refused(own, "LATEST", json!({"StartingSequenceNumber": number})).await.contains("LATEST and also a"));
    assert!(refused(own, "AT_SEQUENCE_NUMBER", json!({})).await.contains("and no StartingSequenceNumber."));
    assert!(refused(own, "AT_SEQUENCE_NUMBER", json!({"StartingSequenceNumber": "1"})).await.contains("is invalid."));
    let other = refused("shardId-000000000001", "AT_SEQUENCE_NUMBER", json!({"StartingSequenceNumber": number})).await;
    assert!(other.contains("It encodes shardId-000000000000"), "{other}");
    assert!(refused(own, "AT_TIMESTAMP", json!({"Timestamp": 4_000_000_000_i64})).await.contains("cannot be greater"));
    assert_eq!(
        refused("shardId-000000000007", "LATEST", json!({})).await,
        "ResourceNotFoundException: Shard shardId-000000000007 in stream s under account 111122223333 does not exist"
    );
}

#[tokio::test]
async fn an_iterator_is_good_for_five_minutes_and_over_restarts() {
    let bench = Bench::with_stream("s", 1).await;
    bench.put("s", "a", "0").await;
    let from = bench.iterator("s", 0, "TRIM_HORIZON", json!({})).await;
    let store = bench.test.platform.store.clone();
    let again = Bench::over(store).await;
    assert_eq!(again.read(&from).await, ["0"]);
    again.test.clock.advance(Duration::from_secs(300));
    assert_eq!(again.read(&from).await, ["0"]);
    again.test.clock.advance(Duration::from_secs(1));
    let expired = again.refused("GetRecords", json!({"ShardIterator": from})).await;
    assert_eq!(
        expired,
        "ExpiredIteratorException: Iterator expired. The iterator was created at time Sun Jun 15 15:06:40 UTC 2025 \
         while right now it is Sun Jun 15 15:11:41 UTC 2025 which is further in the future than the tolerated delay of \
         300000 milliseconds."
    );
    let mut bytes = BASE64.decode(&from).unwrap();
    bytes[40] ^= 1;
    for text in [BASE64.encode(bytes), "x".to_owned(), BASE64.encode([0, 0, 0, 0, 0, 0, 0, 1])] {
        let refused = again.refused("GetRecords", json!({"ShardIterator": text})).await;
        assert_eq!(refused, "InvalidArgumentException: Invalid ShardIterator.");
    }
}

#[tokio::test]
async fn a_shard_takes_a_thousand_records_a_second() {
    let bench = Bench::with_stream("s", 1).await;
    for _ in 0..2 {
        let answer = bench.ok("PutRecords", json!({"StreamName": "s", "Records": entries(500, 1)})).await;
        assert_eq!(answer["FailedRecordCount"], 0);
    }
    let answer = bench.ok("PutRecords", json!({"StreamName": "s", "Records": entries(2, 1)})).await;
    assert_eq!(answer["FailedRecordCount"], 2);
    let error = json!({
        "ErrorCode": "ProvisionedThroughputExceededException",
        "ErrorMessage": "Rate exceeded for shard shardId-000000000000 in stream s under account 111122223333.",
    });
    assert_eq!(answer["Records"], json!([error, error]));
    let one = bench.refused("PutRecord", json!({"StreamName": "s", "PartitionKey": "a", "Data": ""})).await;
    assert!(one.starts_with("ProvisionedThroughputExceededException: Rate exceeded for shard"), "{one}");
    bench.test.clock.advance(Duration::from_millis(1));
    let answer = bench.ok("PutRecords", json!({"StreamName": "s", "Records": entries(2, 1)})).await;
    assert_eq!(answer["FailedRecordCount"], 1, "a millisecond makes room for one");
}

#[tokio::test]
async fn a_shard_takes_a_megabyte_a_second_and_is_read_five_times() {
    let bench = Bench::with_stream("s", 1).await;
    let answer = bench.ok("PutRecords", json!({"StreamName": "s", "Records": entries(3, 600_000)})).await;
    assert_eq!(answer["FailedRecordCount"], 2);
    let from = bench.iterator("s", 0, "TRIM_HORIZON", json!({})).await;
    for _ in 0..5 {
        bench.ok("GetRecords", json!({"ShardIterator": from, "Limit": 1})).await;
        bench.test.clock.advance(Duration::from_millis(100));
    }
    for _ in 0..3 {
        bench.call("GetRecords", &json!({"ShardIterator": from})).await.ok();
    }
    let refused = bench.refused("GetRecords", json!({"ShardIterator": from})).await;
    assert_eq!(
        refused,
        "ProvisionedThroughputExceededException: Rate exceeded for Shard - 111122223333/s/shardId-000000000000"
    );
    bench.test.clock.advance(Duration::from_secs(10));
    bench.ok("GetRecords", json!({"ShardIterator": from})).await;
}

#[tokio::test]
async fn records_may_be_ten_megabytes_if_the_stream_says_so() {
    let bench = Bench::with_stream("s", 1).await;
    let large = "y".repeat(10 * 1_048_576);
    let input = json!({"StreamName": "s", "PartitionKey": "a", "Data": BASE64.encode(&large)});
    let refused = bench.refused("PutRecord", input.clone()).await;
    assert_eq!(
        refused,
        "ValidationException: 1 validation error detected: Value at 'data' failed to satisfy constraint: Member must \
         have length less than or equal to 1048576"
    );
    let arn = "arn:aws:kinesis:eu-west-1:111122223333:stream/s";
    bench.ok("UpdateMaxRecordSize", json!({"StreamARN": arn, "MaxRecordSizeInKiB": 10_240})).await;
    bench.active("s").await;
    bench.ok("PutRecord", input).await;
    let from = bench.iterator("s", 0, "TRIM_HORIZON", json!({})).await;
    assert!(bench.read(&from).await == [large]);
}

#[tokio::test]
async fn a_call_answers_so_many_records_and_says_how_far_behind_they_are() {
    let bench = Bench::with_stream("s", 1).await;
    bench.put("s", "a", "0").await;
    bench.test.clock.advance(Duration::from_secs(3));
    bench.put("s", "a", "1").await;
    let from = bench.iterator("s", 0, "TRIM_HORIZON", json!({})).await;
    let first = bench.ok("GetRecords", json!({"ShardIterator": from, "Limit": 1})).await;
    assert_eq!((texts(&first), &first["MillisBehindLatest"]), (vec!["0".to_owned()], &json!(3_000)));
    let second = bench.ok("GetRecords", json!({"ShardIterator": first["NextShardIterator"]})).await;
    assert_eq!((texts(&second), &second["MillisBehindLatest"]), (vec!["1".to_owned()], &json!(0)));
    assert_eq!(second["Records"][0]["PartitionKey"], "a");
    assert_eq!(second["Records"][0].get("EncryptionType"), None);
    let third = bench.ok("GetRecords", json!({"ShardIterator": second["NextShardIterator"]})).await;
    assert_eq!((texts(&third), &third["MillisBehindLatest"]), (vec![], &json!(0)));
}

#[tokio::test]
async fn records_past_their_retention_are_not_read_and_then_removed() {
    let bench = Bench::with_stream("s", 1).await;
    bench.put("s", "a", "old").await;
    bench.test.clock.advance(Duration::from_secs(24 * 3_600 - 60));
    bench.put("s", "a", &"new".repeat(2_000)).await;
    bench.test.clock.advance(Duration::from_secs(61));
    let from = bench.iterator("s", 0, "TRIM_HORIZON", json!({})).await;
    assert_eq!(bench.read(&from).await, ["new".repeat(2_000)]);
    bench.test.clock.advance(Duration::from_secs(24 * 3_600));
    let partition = crate::keys::partition("111122223333", "eu-west-1");
    for () in platform::testing::looks() {
        let [records, data, ..] = crate::keys::rows_of(1);
        let mut left = 0;
        for range in [records, data] {
            let rows = bench.test.platform.store.scan(&partition, range, store::Direction::Forward, 10).await;
            left += rows.unwrap().len();
        }
        if left == 0 {
            bench.test.clock.advance(Duration::from_secs(1));
            let after = bench.put("s", "a", "later").await;
            let number = SequenceNumber::parse(after["SequenceNumber"].as_str().unwrap()).unwrap();
            assert_eq!(number.position, 3, "numbers go on");
            return;
        }
        // A removal that was under way when the clock was moved leaves the rest to the next one, an hour later.
        bench.test.clock.advance(Duration::from_secs(60));
        tokio::task::yield_now().await;
    }
    panic!("records past their retention are still there");
}

#[tokio::test]
async fn records_go_where_their_hash_key_says() {
    let bench = Bench::with_stream("s", 2).await;
    let put = async |hash: &str| {
        let input = json!({"StreamName": "s", "PartitionKey": "a", "ExplicitHashKey": hash, "Data": ""});
        bench.ok("PutRecord", input).await["ShardId"].clone()
    };
    assert_eq!(put("0").await, "shardId-000000000000");
    assert_eq!(put("170141183460469231731687303715884105727").await, "shardId-000000000000");
    assert_eq!(put("170141183460469231731687303715884105728").await, "shardId-000000000001");
    assert_eq!(put("340282366920938463463374607431768211455").await, "shardId-000000000001");
    let input = json!({
        "StreamName": "s", "PartitionKey": "a", "Data": "", "ExplicitHashKey": "340282366920938463463374607431768211456",
    });
    let refused = bench.refused("PutRecord", input).await;
    assert_eq!(
        refused,
        "InvalidArgumentException: Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1]. \
         Specified value was 340282366920938463463374607431768211456"
    );
    let missing = bench.refused("PutRecord", json!({"StreamName": "s", "Data": ""})).await;
    assert!(missing.contains("Value null at 'partitionKey'"), "{missing}");
    let ordering = json!({"StreamName": "s", "PartitionKey": "a", "Data": "", "SequenceNumberForOrdering": "5"});
    let refused = bench.refused("PutRecord", ordering).await;
    assert!(refused.contains("ExclusiveMinimumSequenceNumber 5 used in PutRecord on stream s"), "{refused}");
}
