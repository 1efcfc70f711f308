//! Destinations: how they stand, and what reaches the streams.

use std::collections::BTreeMap;
use std::time::Duration;

use api::kinesis;
use platform::testing::{ACCOUNT, REGION};
use serde_json::{Value as Json, json};

use crate::limits::{DELIVERY_RECORDS, DELIVERY_TURN_CALLS};
use crate::testing::Bench;

fn arn(stream: &str) -> String {
    format!("arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/{stream}")
}

/// A table, and streams of one shard each.
async fn bench(streams: &[&str]) -> Bench {
    bench_of(streams, 1).await
}

/// A table, and streams of so many shards each.
async fn bench_of(streams: &[&str], shards: i32) -> Bench {
    let bench = Bench::with_table("tab", &[("pk", "S")]).await;
    // Streams become active by a timer. The service's own background work stays off: the tests do it.
    bench.test.platform.timers.start().await.expect("the store works");
    for stream in streams {
        let create = kinesis::CreateStreamInput {
            stream_name: (*stream).to_owned(),
            shard_count: Some(shards),
            ..Default::default()
        };
        bench.other::<kinesis::CreateStream>(create).await;
        active(&bench, stream).await;
    }
    bench
}

/// Looks at a stream until it is in use.
async fn active(bench: &Bench, stream: &str) {
    for () in platform::testing::looks() {
        let input = kinesis::DescribeStreamInput { stream_name: Some(stream.to_owned()), ..Default::default() };
        let described = bench.other::<kinesis::DescribeStream>(input).await;
        if described.stream_description.stream_status == "ACTIVE" {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("{stream} does not become active");
}

/// The records of a stream, with their partition keys.
async fn records(bench: &Bench, stream: &str) -> Vec<(String, Json)> {
    let input = kinesis::GetShardIteratorInput {
        stream_name: Some(stream.to_owned()),
        shard_id: "shardId-000000000000".to_owned(),
        shard_iterator_type: "TRIM_HORIZON".to_owned(),
        ..Default::default()
    };
    let mut iterator = bench.other::<kinesis::GetShardIterator>(input).await.shard_iterator.expect("an iterator");
    let mut records = Vec::new();
    loop {
        bench.test.clock.advance(Duration::from_secs(1));
        let input = kinesis::GetRecordsInput { shard_iterator: iterator, ..Default::default() };
        let answer = bench.other::<kinesis::GetRecords>(input).await;
        let read = |record: kinesis::Record| {
            (record.partition_key.unwrap_or_default(), serde_json::from_slice(&record.data).expect("a document"))
        };
        let none = answer.records.is_empty();
        records.extend(answer.records.into_iter().map(read));
        match answer.next_shard_iterator {
            Some(next) if !none => iterator = next,
            _ => return records,
        }
    }
}

async fn enable(bench: &Bench, stream: &str) -> Json {
    bench.ok("EnableKinesisStreamingDestination", json!({"TableName": "tab", "StreamArn": arn(stream)})).await
}

async fn destinations(bench: &Bench) -> Json {
    let described = bench.ok("DescribeKinesisStreamingDestination", json!({"TableName": "tab"})).await;
    assert_eq!(described["TableName"], "tab");
    described["KinesisDataStreamDestinations"].clone()
}

async fn put(bench: &Bench, id: &str, value: u32) {
    let item = json!({"pk": {"S": id}, "v": {"N": value.to_string()}});
    bench.ok("PutItem", json!({"TableName": "tab", "Item": item})).await;
}

#[tokio::test]
async fn changes_reach_the_stream_in_the_form_of_aws() {
    let bench = bench(&["changes"]).await;
    put(&bench, "before", 1).await;
    enable(&bench, "changes").await;
    bench.deliver().await;
    put(&bench, "a", 1).await;
    put(&bench, "a", 1).await;
    put(&bench, "a", 2).await;
    bench.ok("DeleteItem", json!({"TableName": "tab", "Key": {"pk": {"S": "a"}}})).await;
    bench.deliver().await;
    let mut told = records(&bench, "changes").await;
    assert_eq!(told.len(), 3, "what was before is not told, nor what changes nothing: {told:?}");
    for (partition_key, record) in &mut told {
        assert_eq!(*partition_key, told_key(partition_key), "32 digits in upper case");
        let id = record["eventID"].take();
        assert_eq!(id.as_str().map(str::len), Some(36));
        let at = record["dynamodb"]["ApproximateCreationDateTime"].take();
        assert!(at.as_i64().is_some_and(|at| at > 1_000_000_000_000 && at < 100_000_000_000_000), "milliseconds: {at}");
    }
    assert_eq!(told[0].0, told[2].0, "one item, one partition key");
    let image = |value: &str| json!({"pk": {"S": "a"}, "v": {"N": value}});
    let record = |event: &str, change: Json| {
        json!({
            "awsRegion": REGION, "eventID": null, "eventName": event, "userIdentity": null,
            "recordFormat": "application/json", "tableName": "tab", "dynamodb": change, "eventSource": "aws:dynamodb",
        })
    };
    let keys = json!({"pk": {"S": "a"}});
    let expected = [
        record(
            "INSERT",
            json!({"ApproximateCreationDateTime": null, "Keys": keys, "NewImage": image("1"), "SizeBytes": 9}),
        ),
        record(
            "MODIFY",
            json!({
                "ApproximateCreationDateTime": null, "Keys": keys, "NewImage": image("2"), "OldImage": image("1"),
                "SizeBytes": 15,
            }),
        ),
        record(
            "REMOVE",
            json!({"ApproximateCreationDateTime": null, "Keys": keys, "OldImage": image("2"), "SizeBytes": 9}),
        ),
    ];
    for ((_, record), expected) in told.iter().zip(expected) {
        assert_eq!(*record, expected);
    }
}

fn told_key(key: &str) -> String {
    let digits = key.chars().filter(|digit| digit.is_ascii_digit() || ('A'..='F').contains(digit));
    digits.take(32).collect()
}

#[tokio::test]
async fn a_destination_goes_through_the_states_of_aws() {
    let bench = bench(&["one", "two"]).await;
    let not_valid = "ValidationException: Table is not in a valid state to enable Kinesis Streaming Destination: ";
    let must_be_over = format!(
        "{not_valid}EnableKinesisStreamingDestination must be DISABLED or ENABLE_FAILED to perform ENABLE operation."
    );
    let must_be_active = format!("{not_valid}KinesisStreamingDestination must be ACTIVE to perform DISABLE operation.");
    let of = |stream: &str| json!({"TableName": "tab", "StreamArn": arn(stream)});
    assert_eq!(destinations(&bench).await, json!([]));
    let answer = json!({
        "TableName": "tab", "StreamArn": arn("one"), "DestinationStatus": "ENABLING",
        "EnableKinesisStreamingConfiguration": {},
    });
    assert_eq!(enable(&bench, "one").await, answer);
    for stream in ["one", "two"] {
        assert_eq!(bench.refused("EnableKinesisStreamingDestination", of(stream)).await, must_be_over);
        assert_eq!(bench.refused("DisableKinesisStreamingDestination", of(stream)).await, must_be_active);
    }
    assert_eq!(destinations(&bench).await, json!([{"StreamArn": arn("one"), "DestinationStatus": "ENABLING"}]));
    bench.deliver().await;
    assert_eq!(destinations(&bench).await, json!([{"StreamArn": arn("one"), "DestinationStatus": "ACTIVE"}]));
    let update = |stream: &str, precision: &str| {
        let configuration = json!({"ApproximateCreationDateTimePrecision": precision});
        json!({"TableName": "tab", "StreamArn": arn(stream), "UpdateKinesisStreamingConfiguration": configuration})
    };
    let error = bench.refused("UpdateKinesisStreamingDestination", update("two", "MICROSECOND")).await;
    assert_eq!(
        error,
        format!(
            "{not_valid}No streaming destination with streamArn: {} found for table with tableName: tab",
            arn("two")
        )
    );
    let error = bench.refused("UpdateKinesisStreamingDestination", update("one", "MILLISECOND")).await;
    assert!(error.contains("Precision is already set to the desired value of MILLISECOND for tableId: "), "{error}");
    let error = bench.refused("UpdateKinesisStreamingDestination", of("one")).await;
    assert!(
        error.contains("UpdateKinesisStreamingConfiguration cannot be null or contain only null values"),
        "{error}"
    );
    let updated = bench.ok("UpdateKinesisStreamingDestination", update("one", "MICROSECOND")).await;
    assert_eq!(updated["DestinationStatus"], "UPDATING");
    let error = bench.refused("UpdateKinesisStreamingDestination", update("one", "MILLISECOND")).await;
    assert!(error.starts_with(&format!("{not_valid}Kinesis streaming is not in ACTIVE state.")), "{error}");
    bench.deliver().await;
    put(&bench, "a", 1).await;
    let mut disable = of("one");
    disable["EnableKinesisStreamingConfiguration"] = json!({});
    let error = bench.refused("DisableKinesisStreamingDestination", disable).await;
    assert!(
        error.ends_with("Stream cannot be disabled using EnableKinesisStreamingConfiguration parameters"),
        "{error}"
    );
    let answer = bench.ok("DisableKinesisStreamingDestination", of("one")).await;
    assert_eq!(answer, json!({"TableName": "tab", "StreamArn": arn("one"), "DestinationStatus": "DISABLING"}));
    put(&bench, "b", 1).await;
    bench.deliver().await;
    let told = records(&bench, "one").await;
    let keys: Vec<&Json> = told.iter().map(|(_, record)| &record["dynamodb"]["Keys"]["pk"]["S"]).collect();
    assert_eq!(keys, ["a"], "what happened before it was disabled is told, what happened afterwards is not");
    let change = &told[0].1["dynamodb"];
    assert_eq!(change["ApproximateCreationDateTimePrecision"], "MICROSECOND");
    assert!(change["ApproximateCreationDateTime"].as_i64().is_some_and(|at| at > 1_000_000_000_000_000), "{change}");
    assert_eq!(bench.refused("DisableKinesisStreamingDestination", of("one")).await, must_be_active);
    another_takes_its_place(&bench).await;
}

/// A stream that is told no more stays listed behind the one that is.
async fn another_takes_its_place(bench: &Bench) {
    enable(bench, "two").await;
    bench.deliver().await;
    let one = json!({
        "StreamArn": arn("one"), "DestinationStatus": "DISABLED", "ApproximateCreationDateTimePrecision": "MICROSECOND",
    });
    let two = json!({"StreamArn": arn("two"), "DestinationStatus": "ACTIVE"});
    assert_eq!(destinations(bench).await, json!([two, one]));
}

#[tokio::test]
async fn streams_that_cannot_be_used_fail_behind_the_answer() {
    let bench = bench(&[]).await;
    let elsewhere = format!("arn:aws:kinesis:ap-south-1:{ACCOUNT}:stream/changes");
    for (stream, reason) in [
        (arn("nowhere"), "User does not have a permission to use kinesis stream"),
        (
            elsewhere,
            "The kinesis Arn used to enable kinesis replication belongs to a stream which is not in the current region",
        ),
    ] {
        let input = json!({"TableName": "tab", "StreamArn": stream});
        bench.ok("EnableKinesisStreamingDestination", input).await;
        bench.deliver().await;
        let failed =
            json!({"StreamArn": stream, "DestinationStatus": "ENABLE_FAILED", "DestinationStatusDescription": reason});
        assert_eq!(destinations(&bench).await[0], failed);
    }
    put(&bench, "a", 1).await;
}

#[tokio::test]
async fn a_stream_that_is_full_gets_everything_later_and_in_order() {
    let bench = bench(&["changes"]).await;
    enable(&bench, "changes").await;
    bench.deliver().await;
    // More than a shard takes in a second.
    for value in 0..600 {
        put(&bench, "hot", value).await;
        put(&bench, &format!("item-{value}"), 0).await;
    }
    let mut rounds = 0;
    while !bench.is_delivered().await {
        bench.deliver().await;
        bench.test.clock.advance(Duration::from_secs(1));
        rounds += 1;
        assert!(rounds < 10, "it never gets there");
    }
    assert!(rounds > 1, "the shard took everything at once, and nothing was tested");
    let mut told: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (_, record) in records(&bench, "changes").await {
        let text = |value: &Json| value.as_str().expect("a text").to_owned();
        let change = &record["dynamodb"];
        told.entry(text(&change["Keys"]["pk"]["S"])).or_default().push(text(&change["NewImage"]["v"]["N"]));
    }
    assert_eq!(told.len(), 601);
    let hot = told.remove("hot").expect("it was written");
    assert_eq!(hot, (0..600).map(|value: u32| value.to_string()).collect::<Vec<_>>());
}

/// Items in one call of `BatchWriteItem`.
const BATCH: usize = 25;

#[tokio::test]
async fn a_table_that_never_rests_holds_up_no_other() {
    // Shards enough for more than a turn of the first table within one second.
    let bench = bench_of(&["busy", "quiet"], 10).await;
    bench.table("other", &[("pk", "S")], json!({})).await;
    for (table, stream) in [("tab", "busy"), ("other", "quiet")] {
        let input = json!({"TableName": table, "StreamArn": arn(stream)});
        bench.ok("EnableKinesisStreamingDestination", input).await;
    }
    bench.deliver().await;
    let of_a_turn = DELIVERY_TURN_CALLS * DELIVERY_RECORDS;
    for batch in 0..=of_a_turn / BATCH {
        let item = |number| json!({"PutRequest": {"Item": {"pk": {"S": format!("{batch}-{number}")}}}});
        let items: Vec<Json> = (0..BATCH).map(item).collect();
        bench.ok("BatchWriteItem", json!({"RequestItems": {"tab": items}})).await;
    }
    bench.ok("PutItem", json!({"TableName": "other", "Item": {"pk": {"S": "a"}}})).await;
    bench.deliver().await;
    let waiting = bench.queued().await.len();
    assert_eq!(waiting, BATCH, "one turn of the busy table, and all of the quiet one");
    bench.deliver().await;
    assert!(bench.is_delivered().await, "the rest has its turn behind it");
}

#[tokio::test]
async fn what_happened_before_a_table_went_is_told() {
    let bench = bench(&["changes"]).await;
    enable(&bench, "changes").await;
    bench.deliver().await;
    put(&bench, "a", 1).await;
    bench.ok("DeleteTable", json!({"TableName": "tab"})).await;
    bench.deliver().await;
    assert_eq!(records(&bench, "changes").await.len(), 1);
    assert!(bench.is_delivered().await);
    assert!(
        bench.refused("DescribeKinesisStreamingDestination", json!({"TableName": "tab"})).await.starts_with("Resource")
    );
}

#[tokio::test]
async fn changes_of_an_encrypted_table_wait_sealed_and_arrive_in_clear() {
    let bench = bench(&["changes"]).await;
    enable(&bench, "changes").await;
    bench.deliver().await;
    put(&bench, "early", 1).await;
    let sealed = json!({"TableName": "tab", "SSESpecification": {"Enabled": true}});
    bench.ok("UpdateTable", sealed).await;
    put(&bench, "secret-one", 1).await;
    let rows = bench.queued().await;
    assert_eq!(rows.len(), 2);
    assert!(!rows[1].windows(10).any(|bytes| bytes == b"secret-one"));
    bench.settle().await;
    assert!(!bench.queued().await[0].windows(5).any(|bytes| bytes == b"early"), "what was there is sealed, too");
    bench.deliver().await;
    let told = records(&bench, "changes").await;
    let keys: Vec<&Json> = told.iter().map(|(_, record)| &record["dynamodb"]["Keys"]["pk"]["S"]).collect();
    assert_eq!(keys, ["early", "secret-one"]);
}
