//! Random operations on a table with indexes, beside a map that does the same.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use crate::testing::Bench;

/// An operation on one of a few items.
#[derive(Debug, Clone)]
enum Step {
    Put(u8, u8, Option<u8>, u8),
    Delete(u8, u8),
    Add(u8, u8, i8),
    Move(u8, u8, u8),
    Transact(u8, u8, u8),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let (hash, range) = (0..3_u8, 0..4_u8);
    let step = prop_oneof![
        4 => (hash.clone(), range.clone(), proptest::option::of(0..3_u8), any::<u8>())
            .prop_map(|(hash, range, group, value)| Step::Put(hash, range, group, value)),
        1 => (hash.clone(), range.clone()).prop_map(|(hash, range)| Step::Delete(hash, range)),
        2 => (hash.clone(), range.clone(), any::<i8>()).prop_map(|(hash, range, by)| Step::Add(hash, range, by)),
        2 => (hash.clone(), range.clone(), 0..3_u8).prop_map(|(hash, range, group)| Step::Move(hash, range, group)),
        1 => (hash, range, 0..4_u8).prop_map(|(hash, from, to)| Step::Transact(hash, from, to)),
    ];
    proptest::collection::vec(step, 1..40)
}

type Model = BTreeMap<(u8, u8), (Option<u8>, i64)>;

fn key(hash: u8, range: u8) -> Json {
    json!({"h": {"S": format!("h{hash}")}, "r": {"N": range.to_string()}})
}

fn item((hash, range): (u8, u8), (group, value): (Option<u8>, i64)) -> Json {
    let mut item = key(hash, range);
    item["v"] = json!({"N": value.to_string()});
    if let Some(group) = group {
        item["g"] = json!({"S": format!("g{group}")});
    }
    item
}

async fn run(bench: &Bench, model: &mut Model, step: &Step) {
    match *step {
        Step::Put(hash, range, group, value) => {
            let entry = (group, i64::from(value));
            model.insert((hash, range), entry);
            bench.ok("PutItem", json!({"TableName": "tab", "Item": item((hash, range), entry)})).await;
        }
        Step::Delete(hash, range) => {
            model.remove(&(hash, range));
            bench.ok("DeleteItem", json!({"TableName": "tab", "Key": key(hash, range)})).await;
        }
        Step::Add(hash, range, by) => {
            let entry = model.entry((hash, range)).or_insert((None, 0));
            entry.1 += i64::from(by);
            let input = json!({
                "TableName": "tab", "Key": key(hash, range), "UpdateExpression": "ADD v :by",
                "ExpressionAttributeValues": {":by": {"N": by.to_string()}},
            });
            bench.ok("UpdateItem", input).await;
        }
        Step::Move(hash, range, group) => {
            let input = json!({
                "TableName": "tab", "Key": key(hash, range), "UpdateExpression": "SET g = :g",
                "ConditionExpression": "attribute_exists(h)",
                "ExpressionAttributeValues": {":g": {"S": format!("g{group}")}},
            });
            let moved = bench.call("UpdateItem", &input).await;
            match model.get_mut(&(hash, range)) {
                Some(entry) => entry.0 = Some(group),
                None => assert!(moved.is_err(), "there is nothing to move"),
            }
        }
        Step::Transact(hash, from, to) => {
            if from == to {
                return;
            }
            let moved = model.get(&(hash, from)).copied();
            let value = moved.map_or(0, |(_, value)| value);
            let input = json!({"TransactItems": [
                {"Delete": {"TableName": "tab", "Key": key(hash, from), "ConditionExpression": "attribute_exists(h)"}},
                {"Put": {"TableName": "tab", "Item": item((hash, to), (None, value))}},
            ]});
            let done = bench.call("TransactWriteItems", &input).await;
            assert_eq!(done.is_ok(), moved.is_some());
            if moved.is_some() {
                model.remove(&(hash, from));
                model.insert((hash, to), (None, value));
            }
        }
    }
}

/// All pages of a read.
async fn pages(bench: &Bench, operation: &str, input: Json) -> Vec<Json> {
    let (mut found, mut input) = (Vec::new(), input);
    loop {
        let page = bench.ok(operation, input.clone()).await;
        found.extend(page["Items"].as_array().expect("items").iter().cloned());
        match page.get("LastEvaluatedKey") {
            Some(last) => input["ExclusiveStartKey"] = last.clone(),
            None => return found,
        }
    }
}

fn sorted(mut items: Vec<Json>) -> Vec<Json> {
    items.sort_by_key(|item| (item["h"].to_string(), item["r"].to_string()));
    items
}

async fn compare(bench: &Bench, model: &Model) {
    let all: Vec<Json> = model.iter().map(|(key, entry)| item(*key, *entry)).collect();
    let scanned = pages(bench, "Scan", json!({"TableName": "tab", "Limit": 3})).await;
    assert_eq!(sorted(scanned), sorted(all.clone()));
    for hash in 0..3 {
        let of_hash: Vec<Json> =
            model.iter().filter(|((found, _), _)| *found == hash).map(|(key, entry)| item(*key, *entry)).collect();
        for forward in [true, false] {
            let input = json!({
                "TableName": "tab", "KeyConditionExpression": "h = :h", "ScanIndexForward": forward, "Limit": 2,
                "ExpressionAttributeValues": {":h": {"S": format!("h{hash}")}},
            });
            let mut expected = of_hash.clone();
            if !forward {
                expected.reverse();
            }
            assert_eq!(pages(bench, "Query", input).await, expected);
        }
    }
    for group in 0..3 {
        let of_group: Vec<Json> = model
            .iter()
            .filter(|(_, (found, _))| *found == Some(group))
            .map(|(key, entry)| item(*key, *entry))
            .collect();
        let input = json!({
            "TableName": "tab", "IndexName": "by-group", "KeyConditionExpression": "g = :g", "Limit": 1,
            "ExpressionAttributeValues": {":g": {"S": format!("g{group}")}},
        });
        assert_eq!(sorted(pages(bench, "Query", input).await), sorted(of_group));
    }
    let table = bench.ok("DescribeTable", json!({"TableName": "tab"})).await;
    assert_eq!(table["Table"]["ItemCount"], json!(model.len()));
    let indexed = model.values().filter(|(group, _)| group.is_some()).count();
    assert_eq!(table["Table"]["GlobalSecondaryIndexes"][0]["ItemCount"], json!(indexed));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn a_table_with_indexes_does_what_a_map_does(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let bench = Bench::new();
            let more = json!({
                "AttributeDefinitions": [{"AttributeName": "g", "AttributeType": "S"}],
                "StreamSpecification": {"StreamEnabled": true, "StreamViewType": "NEW_AND_OLD_IMAGES"},
                "GlobalSecondaryIndexes": [{
                    "IndexName": "by-group", "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}],
                    "Projection": {"ProjectionType": "ALL"},
                }],
            });
            bench.table("tab", &[("h", "S"), ("r", "N")], more).await;
            let mut model = Model::new();
            for step in &steps {
                run(&bench, &mut model, step).await;
            }
            compare(&bench, &model).await;
            replay(&bench, &model).await;
        });
    }
}

/// A stream's records, one after the other, lead to the same items.
async fn replay(bench: &Bench, model: &Model) {
    let table = bench.ok("DescribeTable", json!({"TableName": "tab"})).await;
    let arn = table["Table"]["LatestStreamArn"].clone();
    let stream = bench.ok("DescribeStream", json!({"StreamArn": arn})).await;
    let shard = stream["StreamDescription"]["Shards"][0]["ShardId"].clone();
    let input = json!({"StreamArn": arn, "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON"});
    let iterator = bench.ok("GetShardIterator", input).await["ShardIterator"].clone();
    let records = bench.ok("GetRecords", json!({"ShardIterator": iterator})).await;
    let mut items: BTreeMap<String, Json> = BTreeMap::new();
    for record in records["Records"].as_array().expect("records") {
        let change = &record["dynamodb"];
        let key = change["Keys"].to_string();
        assert_eq!(items.get(&key), change.get("OldImage"), "the old image is what was there");
        assert_ne!(change.get("OldImage"), change.get("NewImage"), "nothing is told of what did not change");
        match change.get("NewImage") {
            Some(image) => items.insert(key, image.clone()),
            None => items.remove(&key),
        };
    }
    let all: Vec<Json> = model.iter().map(|(key, entry)| item(*key, *entry)).collect();
    assert_eq!(sorted(items.into_values().collect()), sorted(all));
}
