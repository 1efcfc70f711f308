//! Streams themselves: their life, their settings, their consumers.

use std::time::Duration;

use serde_json::json;

use super::Bench;

#[tokio::test]
async fn a_stream_is_made_described_and_deleted() {
    let bench = Bench::with_stream("s", 2).await;
    let answer = bench.ok("DescribeStream", json!({"StreamName": "s"})).await;
    let description = &answer["StreamDescription"];
    assert_eq!(description["StreamARN"], "arn:aws:kinesis:eu-west-1:111122223333:stream/s");
    assert_eq!(description["StreamModeDetails"]["StreamMode"], "PROVISIONED");
    assert_eq!(description["RetentionPeriodHours"], 24);
    assert_eq!(description["EncryptionType"], "NONE");
    assert_eq!(description["EnhancedMonitoring"], json!([{"ShardLevelMetrics": []}]));
    assert_eq!(description.get("KeyId"), None);
    assert_eq!(description["Shards"][1]["HashKeyRange"]["EndingHashKey"], u128::MAX.to_string());
    assert_eq!(description["Shards"][1].get("ParentShardId"), None);
    let again = bench.refused("CreateStream", json!({"StreamName": "s", "ShardCount": 1})).await;
    assert_eq!(again, "ResourceInUseException: Stream s under account 111122223333 already exists.");
    bench.put("s", "a", "1").await;
    bench.ok("DeleteStream", json!({"StreamName": "s"})).await;
    while bench.call("DescribeStreamSummary", &json!({"StreamName": "s"})).await.is_ok() {
        tokio::task::yield_now().await;
    }
    let gone = bench.refused("DescribeStream", json!({"StreamName": "s"})).await;
    assert_eq!(gone, "ResourceNotFoundException: Stream s under account 111122223333 not found.");
    let partition = crate::keys::partition("111122223333", "eu-west-1");
    for range in crate::keys::rows_of(1) {
        let rows = bench.test.platform.store.scan(&partition, range, store::Direction::Forward, 1).await.unwrap();
        assert_eq!(rows, [], "nothing is left of the stream");
    }
}

#[tokio::test]
async fn a_call_without_mode_and_number_makes_a_stream_on_demand() {
    let bench = Bench::new().await;
    bench.ok("CreateStream", json!({"StreamName": "s"})).await;
    bench.active("s").await;
    assert_eq!(bench.shards("s").await.len(), 4);
    let refused = bench.refused(
        "UpdateShardCount",
        json!({
            "StreamName": "s", "TargetShardCount": 8, "ScalingType": "UNIFORM_SCALING",
        }),
    );
    assert_eq!(
        refused.await,
        "ValidationException: Request is invalid. Stream s under account 111122223333 is in On-Demand mode."
    );
    let limits = bench.ok("DescribeLimits", json!({})).await;
    assert_eq!((&limits["OpenShardCount"], &limits["OnDemandStreamCount"]), (&json!(0), &json!(1)));
    let missing =
        bench.refused("CreateStream", json!({"StreamName": "t", "StreamModeDetails": {"StreamMode": "PROVISIONED"}}));
    assert!(missing.await.contains("'shardCount'"));
}

#[tokio::test]
async fn an_account_has_so_many_shards() {
    let bench = Bench::with_stream("s", 499).await;
    let refused = bench.refused("CreateStream", json!({"StreamName": "t", "ShardCount": 2})).await;
    assert!(refused.starts_with("LimitExceededException: This request would exceed the shard limit"), "{refused}");
    assert!(refused.contains("Current shard count for the account: 499. Limit: 500."), "{refused}");
    bench.ok("CreateStream", json!({"StreamName": "t", "ShardCount": 1})).await;
}

#[tokio::test]
async fn streams_are_listed_by_name_in_pages() {
    let bench = Bench::new().await;
    for name in ["c", "a", "b"] {
        bench.ok("CreateStream", json!({"StreamName": name, "ShardCount": 1})).await;
    }
    let first = bench.ok("ListStreams", json!({"Limit": 2})).await;
    assert_eq!(first["StreamNames"], json!(["a", "b"]));
    assert_eq!(first["HasMoreStreams"], true);
    let rest = bench.ok("ListStreams", json!({"NextToken": first["NextToken"]})).await;
    assert_eq!((&rest["StreamNames"], &rest["HasMoreStreams"]), (&json!(["c"]), &json!(false)));
    assert_eq!(rest.get("NextToken"), None);
    let after = bench.ok("ListStreams", json!({"ExclusiveStartStreamName": "b"})).await;
    assert_eq!(after["StreamNames"], json!(["c"]));
    bench.test.clock.advance(Duration::from_secs(301));
    let expired = bench.refused("ListStreams", json!({"NextToken": first["NextToken"]})).await;
    assert!(expired.starts_with("ExpiredNextTokenException"), "{expired}");
}

#[tokio::test]
async fn retention_goes_from_a_day_to_a_year() {
    let bench = Bench::with_stream("s", 1).await;
    let input = |hours: i32| json!({"StreamName": "s", "RetentionPeriodHours": hours});
    let short = bench.refused("DecreaseStreamRetentionPeriod", input(23)).await;
    assert_eq!(
        short,
        "InvalidArgumentException: Minimum allowed retention period is 24 hours. Requested retention period (23 hours) is too short."
    );
    assert!(bench.refused("IncreaseStreamRetentionPeriod", input(8_761)).await.contains("is too long"));
    bench.ok("IncreaseStreamRetentionPeriod", input(8_760)).await;
    bench.active("s").await;
    let wrong = bench.refused("IncreaseStreamRetentionPeriod", input(48)).await;
    assert!(wrong.contains("can not be shorter than existing retention period (8760 hours)"), "{wrong}");
    bench.ok("DecreaseStreamRetentionPeriod", input(48)).await;
    bench.active("s").await;
    let answer = bench.ok("DescribeStreamSummary", json!({"StreamName": "s"})).await;
    assert_eq!(answer["StreamDescriptionSummary"]["RetentionPeriodHours"], 48);
}

#[tokio::test]
async fn tags_of_both_families_are_the_same_tags() {
    let bench = Bench::with_stream("s", 1).await;
    let arn = "arn:aws:kinesis:eu-west-1:111122223333:stream/s";
    bench.ok("AddTagsToStream", json!({"StreamName": "s", "Tags": {"a": "1", "b": "2"}})).await;
    bench.ok("TagResource", json!({"ResourceARN": arn, "Tags": {"c": "3"}})).await;
    let page = bench.ok("ListTagsForStream", json!({"StreamName": "s", "Limit": 2})).await;
    assert_eq!(page["Tags"], json!([{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}]));
    assert_eq!(page["HasMoreTags"], true);
    let rest = bench.ok("ListTagsForStream", json!({"StreamARN": arn, "ExclusiveStartTagKey": "b"})).await;
    assert_eq!(rest["Tags"], json!([{"Key": "c", "Value": "3"}]));
    bench.ok("RemoveTagsFromStream", json!({"StreamName": "s", "TagKeys": ["a"]})).await;
    bench.ok("UntagResource", json!({"ResourceARN": arn, "TagKeys": ["c"]})).await;
    let left = bench.ok("ListTagsForResource", json!({"ResourceARN": arn})).await;
    assert_eq!(left["Tags"], json!([{"Key": "b", "Value": "2"}]));
    let bad = bench.refused("AddTagsToStream", json!({"StreamName": "s", "Tags": {"a;b": "1"}})).await;
    assert!(bad.starts_with("InvalidArgumentException: Some tags contain invalid characters."), "{bad}");
}

#[tokio::test]
async fn consumers_are_registered_once_and_known_by_their_time() {
    let bench = Bench::with_stream("s", 1).await;
    let stream = "arn:aws:kinesis:eu-west-1:111122223333:stream/s";
    let input = json!({"StreamARN": stream, "ConsumerName": "c"});
    let made = bench.ok("RegisterStreamConsumer", input.clone()).await;
    assert_eq!(made["Consumer"]["ConsumerStatus"], "CREATING");
    let arn = made["Consumer"]["ConsumerARN"].as_str().unwrap().to_owned();
    assert_eq!(arn, format!("{stream}/consumer/c:1750000000"));
    while bench.ok("DescribeStreamConsumer", json!({"ConsumerARN": arn})).await["ConsumerDescription"]["ConsumerStatus"]
        != "ACTIVE"
    {
        tokio::task::yield_now().await;
    }
    let again = bench.refused("RegisterStreamConsumer", input.clone()).await;
    assert!(again.starts_with("ResourceInUseException"), "{again}");
    let busy = bench.refused("DeleteStream", json!({"StreamName": "s"})).await;
    assert!(busy.starts_with("ResourceInUseException"), "{busy}");
    let other = bench.refused("DescribeStreamConsumer", json!({"ConsumerARN": format!("{stream}/consumer/c:1")})).await;
    assert!(other.starts_with("ResourceNotFoundException"), "{other}");
    bench.ok("DeregisterStreamConsumer", input.clone()).await;
    while bench.call("DescribeStreamConsumer", &input).await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert_eq!(bench.ok("ListStreamConsumers", json!({"StreamARN": stream})).await, json!({"Consumers": []}));
}

#[tokio::test]
async fn a_policy_is_checked_kept_and_removed_once() {
    let bench = Bench::with_stream("s", 1).await;
    let arn = "arn:aws:kinesis:eu-west-1:111122223333:stream/s";
    let policy = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"AWS": "444455556666"}, "Action": "kinesis:PutRecord", "Resource": arn,
    }]})
    .to_string();
    bench.ok("PutResourcePolicy", json!({"ResourceARN": arn, "Policy": policy})).await;
    assert_eq!(bench.ok("GetResourcePolicy", json!({"ResourceARN": arn})).await, json!({"Policy": policy}));
    let bad = bench.refused("PutResourcePolicy", json!({"ResourceARN": arn, "Policy": "{"})).await;
    assert!(bad.starts_with("InvalidArgumentException"), "{bad}");
    bench.ok("DeleteResourcePolicy", json!({"ResourceARN": arn})).await;
    assert_eq!(bench.ok("GetResourcePolicy", json!({"ResourceARN": arn})).await, json!({"Policy": "{}"}));
    let gone = bench.refused("DeleteResourcePolicy", json!({"ResourceARN": arn})).await;
    assert_eq!(gone, format!("ResourceNotFoundException: No resource policy found for resource ARN {arn}"));
}

#[tokio::test]
async fn metrics_of_shards_and_the_accounts_commitment_are_kept() {
    let bench = Bench::with_stream("s", 1).await;
    let input = json!({"StreamName": "s", "ShardLevelMetrics": ["OutgoingBytes", "IncomingBytes"]});
    let answer = bench.ok("EnableEnhancedMonitoring", input).await;
    assert_eq!(answer["CurrentShardLevelMetrics"], json!([]));
    assert_eq!(answer["DesiredShardLevelMetrics"], json!(["IncomingBytes", "OutgoingBytes"]));
    bench.active("s").await;
    let input = json!({"StreamName": "s", "ShardLevelMetrics": ["ALL"]});
    let answer = bench.ok("DisableEnhancedMonitoring", input).await;
    assert_eq!(answer["DesiredShardLevelMetrics"], json!([]));
    let settings = bench.ok("DescribeAccountSettings", json!({})).await;
    assert_eq!(settings, json!({"MinimumThroughputBillingCommitment": {"Status": "DISABLED"}}));
    let enable = |status: &str| json!({"MinimumThroughputBillingCommitment": {"Status": status}});
    bench.ok("UpdateAccountSettings", enable("ENABLED")).await;
    assert!(bench.refused("UpdateAccountSettings", enable("DISABLED")).await.contains("within 24 hours"));
    bench.test.clock.advance(Duration::from_secs(86_400));
    bench.ok("UpdateAccountSettings", enable("DISABLED")).await;
}
