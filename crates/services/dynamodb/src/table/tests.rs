//! Operations on tables, and what AWS says when they are refused (dynalite's tests and the DynamoDB conformance suite).

use serde_json::{Value as Json, json};

use crate::testing::Bench;

fn element(name: &str, kind: &str) -> Json {
    json!({"AttributeName": name, "KeyType": kind})
}

fn defined(names: &[&str]) -> Json {
    names.iter().map(|name| json!({"AttributeName": name, "AttributeType": "S"})).collect()
}

fn base() -> Json {
    json!({
        "TableName": "abc", "AttributeDefinitions": defined(&["a"]), "KeySchema": [element("a", "HASH")],
        "BillingMode": "PAY_PER_REQUEST",
    })
}

fn with(more: Json) -> Json {
    let mut input = base();
    for (key, value) in more.as_object().expect("an object") {
        if value.is_null() {
            input.as_object_mut().expect("an object").remove(key);
        } else {
            input[key] = value.clone();
        }
    }
    input
}

fn index(name: &str, keys: Json) -> Json {
    json!({"IndexName": name, "KeySchema": keys, "Projection": {"ProjectionType": "ALL"}})
}

async fn check_refused(bench: &Bench, more: &Json, text: &str) {
    assert_eq!(
        bench.refused("CreateTable", with(more.clone())).await,
        format!("ValidationException: {text}"),
        "{more}"
    );
    assert_eq!(bench.ok("ListTables", json!({})).await, json!({"TableNames": []}), "nothing was made");
}

#[tokio::test]
async fn a_missing_name_has_words_of_its_own() {
    let bench = Bench::new();
    let text = "ValidationException: The parameter 'TableName' is required but was not present in the request";
    for operation in ["CreateTable", "DescribeTable", "UpdateTable", "DeleteTable"] {
        assert_eq!(bench.refused(operation, json!({})).await, text, "{operation}");
    }
}

#[tokio::test]
async fn tables_are_refused_in_aws_words() {
    let bench = Bench::new();
    let invalid = "One or more parameter values were invalid:";
    let both = || json!([element("a", "HASH"), element("b", "RANGE")]);
    let throughput = json!({"ReadCapacityUnits": 1, "WriteCapacityUnits": 1});
    let undefined = "Some index key attributes are not defined in AttributeDefinitions.";
    for (more, text) in [
        (
            json!({"TableName": "ab"}),
            "1 validation error detected: Value 'ab' at 'tableName' failed to satisfy constraint: Member must have length \
             greater than or equal to 3"
                .to_owned(),
        ),
        (
            json!({"ProvisionedThroughput": throughput}),
            format!(
                "{invalid} Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is \
                 PAY_PER_REQUEST"
            ),
        ),
        (
            json!({"BillingMode": null}),
            format!(
                "{invalid} ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is \
                 PROVISIONED"
            ),
        ),
        (
            json!({"KeySchema": both()}),
            "Invalid KeySchema: Some index key attribute have no definition".to_owned(),
        ),
        (
            json!({"KeySchema": [element("x", "HASH")]}),
            format!("{invalid} {undefined} Keys: [x], AttributeDefinitions: [a]"),
        ),
        (
            json!({"AttributeDefinitions": defined(&["a", "b"]), "KeySchema": [element("a", "HASH"), element("a", "RANGE")]}),
            "Both the Hash Key and the Range Key element in the KeySchema have the same name".to_owned(),
        ),
        (
            json!({"KeySchema": [element("a", "RANGE")]}),
            "Invalid KeySchema: The first KeySchemaElement is not a HASH key type".to_owned(),
        ),
        (
            json!({"AttributeDefinitions": defined(&["a", "b"]), "KeySchema": [element("a", "HASH"), element("b", "HASH")]}),
            "Invalid KeySchema: The second KeySchemaElement is not a RANGE key type".to_owned(),
        ),
        (
            json!({"AttributeDefinitions": defined(&["a", "b"])}),
            format!(
                "{invalid} Number of attributes in KeySchema does not exactly match number of attributes defined in \
                 AttributeDefinitions"
            ),
        ),
    ] {
        check_refused(&bench, &more, &text).await;
    }
}

#[tokio::test]
async fn indexes_are_refused_in_aws_words() {
    let bench = Bench::new();
    let invalid = "One or more parameter values were invalid:";
    let both = || json!([element("a", "HASH"), element("b", "RANGE")]);
    for (more, text) in [
        (json!({"LocalSecondaryIndexes": []}), format!("{invalid} List of LocalSecondaryIndexes is empty")),
        (json!({"GlobalSecondaryIndexes": []}), format!("{invalid} List of GlobalSecondaryIndexes is empty")),
        (
            json!({"LocalSecondaryIndexes": [index("abc", json!([element("a", "HASH")]))]}),
            format!(
                "{invalid} Table KeySchema does not have a range key, which is required when specifying a \
                 LocalSecondaryIndex"
            ),
        ),
        (
            json!({
                "AttributeDefinitions": defined(&["a", "b"]), "KeySchema": both(),
                "LocalSecondaryIndexes": [index("abc", json!([element("a", "HASH")]))],
            }),
            format!("{invalid} Index KeySchema does not have a range key for index: abc"),
        ),
        (
            json!({
                "AttributeDefinitions": defined(&["a", "b"]), "KeySchema": both(),
                "LocalSecondaryIndexes": [index("abc", json!([element("b", "HASH"), element("a", "RANGE")]))],
            }),
            format!(
                "{invalid} Index KeySchema does not have the same leading hash key as table KeySchema for index: abc. \
                 index hash key: b, table hash key: a"
            ),
        ),
        (
            json!({"GlobalSecondaryIndexes": [
                index("abc", json!([element("a", "HASH")])), index("abc", json!([element("a", "HASH")])),
            ]}),
            format!("{invalid} Duplicate index name: abc"),
        ),
        (
            json!({"GlobalSecondaryIndexes": [{
                "IndexName": "abc", "KeySchema": [element("a", "HASH")],
                "Projection": {"ProjectionType": "ALL", "NonKeyAttributes": ["x"]},
            }]}),
            format!("{invalid} ProjectionType is ALL, but NonKeyAttributes is specified"),
        ),
        (
            json!({"GlobalSecondaryIndexes": [{
                "IndexName": "abc", "KeySchema": [element("a", "HASH")], "Projection": {},
            }]}),
            format!("{invalid} Unknown ProjectionType: null"),
        ),
        (
            json!({"AttributeDefinitions": defined(&["a", "b"]), "GlobalSecondaryIndexes": [index("abc", json!([element("a", "HASH")]))]}),
            format!("{invalid} Some AttributeDefinitions are not used. AttributeDefinitions: [a, b], keys used: [a]"),
        ),
        (
            json!({"KeySchema": [element("a", "HASH"), element("b", "RANGE"), element("c", "RANGE")]}),
            "1 validation error detected: Value '[KeySchemaElement(attributeName=a, keyType=HASH), \
             KeySchemaElement(attributeName=b, keyType=RANGE), KeySchemaElement(attributeName=c, keyType=RANGE)]' at \
             'keySchema' failed to satisfy constraint: Member must have length less than or equal to 2"
                .to_owned(),
        ),
    ] {
        check_refused(&bench, &more, &text).await;
    }
}

#[tokio::test]
async fn indexes_may_have_keys_of_several_attributes() {
    let bench = Bench::new();
    let keys = json!([element("h1", "HASH"), element("h2", "HASH"), element("r1", "RANGE"), element("r2", "RANGE")]);
    let more = json!({
        "AttributeDefinitions": defined(&["h1", "h2", "r1", "r2"]),
        "GlobalSecondaryIndexes": [index("multi", keys.clone())],
    });
    bench.table("tab", &[("pk", "S")], more).await;
    let table = bench.ok("DescribeTable", json!({"TableName": "tab"})).await;
    assert_eq!(table["Table"]["GlobalSecondaryIndexes"][0]["KeySchema"], keys);
    for (id, h2, r1, r2) in [("1", "y", "a", "b"), ("2", "y", "a", "a"), ("3", "y", "b", "a"), ("4", "z", "a", "a")] {
        let item = json!({
            "pk": {"S": id}, "h1": {"S": "x"}, "h2": {"S": h2}, "r1": {"S": r1}, "r2": {"S": r2},
        });
        bench.ok("PutItem", json!({"TableName": "tab", "Item": item})).await;
    }
    let query = |condition: &str, values: Json| {
        json!({
            "TableName": "tab", "IndexName": "multi", "KeyConditionExpression": condition,
            "ProjectionExpression": "pk", "ExpressionAttributeValues": values,
        })
    };
    let whole = query("h1 = :x AND h2 = :y", json!({":x": {"S": "x"}, ":y": {"S": "y"}}));
    let found = bench.ok("Query", whole).await;
    assert_eq!(found["Items"], json!([{"pk": {"S": "2"}}, {"pk": {"S": "1"}}, {"pk": {"S": "3"}}]), "in order of both");
    let values = json!({":x": {"S": "x"}, ":y": {"S": "y"}, ":a": {"S": "a"}});
    let part = query("h1 = :x AND h2 = :y AND r1 = :a AND r2 > :a", values.clone());
    assert_eq!(bench.ok("Query", part).await["Items"], json!([{"pk": {"S": "1"}}]));
    let skipping = query("h1 = :x AND h2 = :y AND r2 = :a", values);
    assert!(bench.refused("Query", skipping).await.starts_with("ValidationException"));
    let half = query("h1 = :x", json!({":x": {"S": "x"}}));
    let text = "ValidationException: Query condition missed key schema element: h2";
    assert_eq!(bench.refused("Query", half).await, text);
}

#[tokio::test]
async fn deletion_protection_and_tags() {
    let bench = Bench::new();
    let tags = json!([{"Key": "k", "Value": "v"}]);
    bench.ok("CreateTable", with(json!({"DeletionProtectionEnabled": true, "Tags": tags}))).await;
    let error = bench.refused("DeleteTable", json!({"TableName": "abc"})).await;
    let text = "ValidationException: Resource cannot be deleted as it is currently protected against deletion. Disable \
                deletion protection first.";
    assert_eq!(error, text);
    let arn = bench.ok("DescribeTable", json!({"TableName": "abc"})).await["Table"]["TableArn"].clone();
    bench.ok("TagResource", json!({"ResourceArn": arn, "Tags": [{"Key": "x", "Value": "y"}]})).await;
    bench.ok("UntagResource", json!({"ResourceArn": arn, "TagKeys": ["k"]})).await;
    let listed = bench.ok("ListTagsOfResource", json!({"ResourceArn": arn})).await;
    assert_eq!(listed, json!({"Tags": [{"Key": "x", "Value": "y"}]}));
    bench.ok("UpdateTable", json!({"TableName": "abc", "DeletionProtectionEnabled": false})).await;
    bench.ok("DeleteTable", json!({"TableName": "abc"})).await;
}

#[tokio::test]
async fn a_new_table_of_an_old_name_is_empty_and_nothing_is_left_behind() {
    let bench = Bench::with_table("tab", &[("pk", "S")]).await;
    let put = json!({"TableName": "tab", "Item": {"pk": {"S": "a"}}});
    bench.ok("PutItem", put.clone()).await;
    bench.ok("DeleteTable", json!({"TableName": "tab"})).await;
    bench.table("tab", &[("pk", "S")], json!({})).await;
    assert_eq!(bench.ok("Scan", json!({"TableName": "tab"})).await["Count"], json!(0));
    bench.settle().await;
    bench.ok("PutItem", put).await;
    assert_eq!(bench.ok("Scan", json!({"TableName": "tab"})).await["Count"], json!(1));
    bench.ok("DeleteTable", json!({"TableName": "tab"})).await;
    bench.settle().await;
    let partition = crate::keys::partition(platform::testing::ACCOUNT, platform::testing::REGION);
    let rows = bench.test.platform.store.scan(&partition, store::KeyRange::all(), store::Direction::Forward, 100);
    let rows = rows.await.expect("readable");
    assert_eq!(rows.len(), 1, "only the last number is left: {rows:?}");
}

#[tokio::test]
async fn an_index_is_filled_while_items_change() {
    let bench = Bench::with_table("tab", &[("pk", "S")]).await;
    for number in 0..500 {
        let item = json!({"pk": {"S": format!("{number}")}, "g": {"S": format!("g{}", number % 2)}});
        bench.ok("PutItem", json!({"TableName": "tab", "Item": item})).await;
    }
    let update = json!({
        "TableName": "tab", "AttributeDefinitions": defined(&["g"]),
        "GlobalSecondaryIndexUpdates": [{"Create": index("by-g", json!([element("g", "HASH")]))}],
    });
    bench.ok("UpdateTable", update).await;
    let described = bench.ok("DescribeTable", json!({"TableName": "tab"})).await["Table"].clone();
    assert_eq!(described["TableStatus"], json!("UPDATING"));
    assert_eq!(described["GlobalSecondaryIndexes"][0]["Backfilling"], json!(true));
    let scan = json!({"TableName": "tab", "IndexName": "by-g"});
    let text = "ValidationException: Cannot read from backfilling global secondary index: by-g";
    assert_eq!(bench.refused("Scan", scan.clone()).await, text);
    // Before their turn, items may change, go and come.
    let item = json!({"pk": {"S": "7"}, "g": {"S": "other"}});
    bench.ok("PutItem", json!({"TableName": "tab", "Item": item})).await;
    bench.ok("DeleteItem", json!({"TableName": "tab", "Key": {"pk": {"S": "8"}}})).await;
    bench.ok("PutItem", json!({"TableName": "tab", "Item": {"pk": {"S": "new"}, "g": {"S": "g0"}}})).await;
    bench.settle().await;
    assert_eq!(bench.ok("Scan", scan).await["Count"], json!(500));
    let described = bench.ok("DescribeTable", json!({"TableName": "tab"})).await["Table"].clone();
    assert_eq!(described["GlobalSecondaryIndexes"][0]["ItemCount"], json!(500));
    assert_eq!(described["TableStatus"], json!("ACTIVE"));
    let query = json!({
        "TableName": "tab", "IndexName": "by-g", "KeyConditionExpression": "g = :g", "Select": "COUNT",
        "ExpressionAttributeValues": {":g": {"S": "g0"}},
    });
    assert_eq!(bench.ok("Query", query).await["Count"], json!(250));
}

#[tokio::test]
async fn items_expire_and_their_stream_says_who_did_it() {
    let bench = Bench::new();
    let stream = json!({"StreamSpecification": {"StreamEnabled": true, "StreamViewType": "OLD_IMAGE"}});
    bench.table("tab", &[("pk", "S")], stream).await;
    let now = platform::testing::NOW / 1_000;
    for (id, at) in [
        ("old", json!({"N": (now - 5).to_string()})),
        ("later", json!({"N": (now + 60).to_string()})),
        ("text", json!({"S": "1"})),
        ("ancient", json!({"N": "1"})),
    ] {
        bench.ok("PutItem", json!({"TableName": "tab", "Item": {"pk": {"S": id}, "ends": at}})).await;
    }
    let specification = |enabled| json!({"Enabled": enabled, "AttributeName": "ends"});
    let input = json!({"TableName": "tab", "TimeToLiveSpecification": specification(true)});
    bench.ok("UpdateTimeToLive", input.clone()).await;
    assert_eq!(bench.refused("UpdateTimeToLive", input).await, "ValidationException: TimeToLive is already enabled");
    bench.settle().await;
    let ids = |answer: Json| {
        let mut ids: Vec<String> =
            answer["Items"].as_array().expect("items").iter().map(|item| item["pk"]["S"].to_string()).collect();
        ids.sort();
        ids
    };
    let left = ids(bench.ok("Scan", json!({"TableName": "tab"})).await);
    assert_eq!(left, [r#""ancient""#, r#""later""#, r#""text""#]);
    bench.test.clock.advance(std::time::Duration::from_secs(61));
    bench.settle().await;
    assert_eq!(ids(bench.ok("Scan", json!({"TableName": "tab"})).await), [r#""ancient""#, r#""text""#]);
    let arn = bench.ok("DescribeTable", json!({"TableName": "tab"})).await["Table"]["LatestStreamArn"].clone();
    let shards = bench.ok("DescribeStream", json!({"StreamArn": arn})).await["StreamDescription"]["Shards"].clone();
    let input = json!({"StreamArn": arn, "ShardId": shards[0]["ShardId"], "ShardIteratorType": "TRIM_HORIZON"});
    let iterator = bench.ok("GetShardIterator", input).await["ShardIterator"].clone();
    let records = bench.ok("GetRecords", json!({"ShardIterator": iterator})).await["Records"].clone();
    let removed: Vec<&Json> =
        records.as_array().expect("records").iter().filter(|record| record["eventName"] == "REMOVE").collect();
    assert_eq!(removed.len(), 2);
    let service = json!({"PrincipalId": "dynamodb.amazonaws.com", "Type": "Service"});
    assert_eq!(removed[0]["userIdentity"], service);
    assert_eq!(removed[0]["dynamodb"]["OldImage"]["pk"], json!({"S": "old"}));
}
