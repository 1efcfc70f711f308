//! Shards: splitting, merging, setting their number, and listing them.

use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::Bench;

fn range(shard: &Json) -> (u128, u128) {
    let number = |name: &str| shard["HashKeyRange"][name].as_str().unwrap().parse().unwrap();
    (number("StartingHashKey"), number("EndingHashKey"))
}

fn is_open(shard: &&Json) -> bool {
    shard["SequenceNumberRange"].get("EndingSequenceNumber").is_none()
}

#[tokio::test]
async fn a_split_shard_is_read_to_its_end_and_its_children_go_on() {
    let bench = Bench::with_stream("s", 1).await;
    bench.put("s", "a", "before").await;
    let input = json!({"StreamName": "s", "ShardToSplit": "shardId-000000000000", "NewStartingHashKey": "100"});
    bench.ok("SplitShard", input.clone()).await;
    bench.active("s").await;
    let shards = bench.shards("s").await;
    assert_eq!(shards.len(), 3);
    assert_eq!((range(&shards[1]), range(&shards[2])), ((0, 99), (100, u128::MAX)));
    assert_eq!(shards[2]["ParentShardId"], "shardId-000000000000");
    assert!(!is_open(&&shards[0]) && is_open(&&shards[1]));
    let after = bench.put("s", "a", "after").await;
    assert_eq!(after["ShardId"], "shardId-000000000002");
    let from = bench.iterator("s", 0, "TRIM_HORIZON", json!({})).await;
    let answer = bench.ok("GetRecords", json!({"ShardIterator": from})).await;
    assert_eq!(super::texts(&answer), ["before"]);
    assert_eq!(answer.get("NextShardIterator"), None);
    assert_eq!(answer["ChildShards"][1]["ShardId"], "shardId-000000000002");
    assert_eq!(answer["ChildShards"][1]["ParentShards"], json!(["shardId-000000000000"]));
    let again = bench.refused("SplitShard", input).await;
    assert!(again.contains("has already been merged or split"), "{again}");
}

#[tokio::test]
async fn shards_that_follow_one_another_are_merged() {
    let bench = Bench::with_stream("s", 3).await;
    let merge = |one: &str, other: &str| json!({"StreamName": "s", "ShardToMerge": one, "AdjacentShardToMerge": other});
    let apart = bench.refused("MergeShards", merge("shardId-000000000000", "shardId-000000000002")).await;
    assert_eq!(
        apart,
        "InvalidArgumentException: Shards shardId-000000000000 and shardId-000000000002 in stream s under account \
         111122223333 are not an adjacent pair of shards eligible for merging"
    );
    bench.ok("MergeShards", merge("shardId-000000000000", "shardId-000000000001")).await;
    bench.active("s").await;
    let shards = bench.shards("s").await;
    assert_eq!(shards[3]["ParentShardId"], "shardId-000000000000");
    assert_eq!(shards[3]["AdjacentParentShardId"], "shardId-000000000001");
    assert_eq!(range(&shards[3]), (0, range(&shards[2]).0 - 1));
    let missing = bench.refused("MergeShards", merge("shardId-000000000003", "shardId-000000000009")).await;
    assert_eq!(
        missing,
        "ResourceNotFoundException: Could not find shard shardId-000000000009 in stream s under account 111122223333."
    );
}

#[tokio::test]
async fn a_split_is_inside_its_shard() {
    let bench = Bench::with_stream("s", 2).await;
    let split = |at: &str| json!({"StreamName": "s", "ShardToSplit": "shardId-000000000000", "NewStartingHashKey": at});
    for at in ["0", "1", "170141183460469231731687303715884105727", "340282366920938463463374607431768211455"] {
        let refused = bench.refused("SplitShard", split(at)).await;
        assert!(refused.contains("is not both greater than one plus the shard's StartingHashKey 0"), "{refused}");
    }
    bench.ok("SplitShard", split("2")).await;
}

#[tokio::test]
async fn the_number_of_shards_is_doubled_or_halved_at_most() {
    let bench = Bench::with_stream("s", 4).await;
    let update = |count: i32| json!({"StreamName": "s", "TargetShardCount": count, "ScalingType": "UNIFORM_SCALING"});
    let up = bench.refused("UpdateShardCount", update(9)).await;
    assert_eq!(
        up,
        "LimitExceededException: UpdateShardCount cannot scale up over double your current open shard count. Current \
         open shard count: 4 Target shard count: 9"
    );
    assert!(bench.refused("UpdateShardCount", update(1)).await.contains("cannot scale down below half"));
    for count in [8, 4, 8, 4, 8, 4, 8, 4, 8, 4] {
        let answer = bench.ok("UpdateShardCount", update(count)).await;
        assert_eq!(answer["TargetShardCount"], count);
        bench.active("s").await;
    }
    assert!(bench.refused("UpdateShardCount", update(8)).await.starts_with("LimitExceededException"));
    bench.test.clock.advance(Duration::from_secs(86_401));
    bench.ok("UpdateShardCount", update(8)).await;
}

#[tokio::test]
async fn shards_are_listed_by_what_was_open_when() {
    let bench = Bench::with_stream("s", 1).await;
    let seconds = || bench.test.clock.now().seconds;
    let began = seconds();
    bench.test.clock.advance(Duration::from_secs(100));
    let split = json!({"StreamName": "s", "ShardToSplit": "shardId-000000000000", "NewStartingHashKey": "100"});
    bench.ok("SplitShard", split).await;
    bench.active("s").await;
    bench.test.clock.advance(Duration::from_secs(100));
    let listed = async |filter: Json| {
        let answer = bench.ok("ListShards", json!({"StreamName": "s", "ShardFilter": filter})).await;
        let ids = answer["Shards"].as_array().unwrap().iter();
        ids.map(|shard| shard["ShardId"].as_str().unwrap()[19..].to_owned()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(listed(json!({"Type": "AT_LATEST"})).await, "1 2");
    assert_eq!(listed(json!({"Type": "AT_TRIM_HORIZON"})).await, "0");
    assert_eq!(listed(json!({"Type": "FROM_TRIM_HORIZON"})).await, "0 1 2");
    assert_eq!(listed(json!({"Type": "AT_TIMESTAMP", "Timestamp": began + 50})).await, "0");
    assert_eq!(listed(json!({"Type": "AT_TIMESTAMP", "Timestamp": began + 150})).await, "1 2");
    assert_eq!(listed(json!({"Type": "FROM_TIMESTAMP", "Timestamp": began + 50})).await, "0 1 2");
    assert_eq!(listed(json!({"Type": "AFTER_SHARD_ID", "ShardId": "shardId-000000000001"})).await, "2");
    let first = bench.ok("ListShards", json!({"StreamName": "s", "MaxResults": 2})).await;
    let rest = bench.ok("ListShards", json!({"NextToken": first["NextToken"]})).await;
    assert_eq!(rest["Shards"].as_array().map(Vec::len), Some(1));
    let both = bench.refused("ListShards", json!({"StreamName": "s", "NextToken": first["NextToken"]})).await;
    assert_eq!(both, "InvalidArgumentException: NextToken and StreamName cannot be provided together.");
    bench.test.clock.advance(Duration::from_secs(25 * 3_600));
    for () in platform::testing::looks() {
        if bench.shards("s").await.len() == 2 {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("the shard that took its last record more than a day ago is still listed");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn the_open_shards_share_the_ring_whatever_is_done_to_them(counts in prop::collection::vec(1..12_i32, 1..6)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let bench = Bench::with_stream("s", 3).await;
            for count in counts {
                let input = json!({"StreamName": "s", "TargetShardCount": count, "ScalingType": "UNIFORM_SCALING"});
                if bench.call("UpdateShardCount", &input).await.is_err() {
                    continue;
                }
                bench.active("s").await;
                let all = bench.shards("s").await;
                let mut open: Vec<_> = all.iter().filter(is_open).map(range).collect();
                open.sort_unstable();
                assert_eq!(open.len(), count as usize);
                assert_eq!((open[0].0, open[open.len() - 1].1), (0, u128::MAX));
                assert!(open.windows(2).all(|pair| pair[0].1 + 1 == pair[1].0), "{open:?}");
                let widths: Vec<u128> = open[..open.len() - 1].iter().map(|(first, last)| last - first).collect();
                assert!(widths.windows(2).all(|pair| pair[0] == pair[1]), "{widths:?}");
            }
        });
    }
}

#[tokio::test]
async fn a_stream_on_demand_splits_the_shard_that_is_offered_too_much() {
    let bench = Bench::new().await;
    bench.ok("CreateStream", json!({"StreamName": "s"})).await;
    bench.active("s").await;
    let record = json!({"PartitionKey": "one", "Data": "eA=="});
    let many = json!({"StreamName": "s", "Records": vec![record; 500]});
    let refused = || async {
        let mut refused = 0;
        for _ in 0..3 {
            refused += bench.ok("PutRecords", many.clone()).await["FailedRecordCount"].as_u64().unwrap();
        }
        refused
    };
    assert!(refused().await > 0);
    assert_eq!(bench.shards("s").await.len(), 4);
    bench.test.clock.advance(Duration::from_mins(15));
    assert!(refused().await > 0);
    let shards = bench.shards("s").await;
    assert_eq!((shards.len(), shards.iter().filter(is_open).count()), (6, 5));
    let parent = shards.iter().find(|shard| !is_open(shard)).unwrap();
    assert!(shards[4..].iter().all(|child| child["ParentShardId"] == parent["ShardId"]));
    assert_eq!((range(&shards[4]).0, range(&shards[5]).1), range(parent));
    bench.put("s", "one", "after").await;
    assert!(refused().await > 0);
    assert_eq!(bench.shards("s").await.len(), 6);
}
