//! Queries and scans: what AWS says when they are refused (dynalite's tests and the DynamoDB conformance suite).

use serde_json::{Value as Json, json};

use crate::testing::Bench;

async fn bench() -> Bench {
    let bench = Bench::new();
    let more = json!({
        "AttributeDefinitions": [{"AttributeName": "g", "AttributeType": "S"}],
        "LocalSecondaryIndexes": [{
            "IndexName": "lsi",
            "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "g", "KeyType": "RANGE"}],
            "Projection": {"ProjectionType": "KEYS_ONLY"},
        }],
        "GlobalSecondaryIndexes": [{
            "IndexName": "gsi", "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "KEYS_ONLY"},
        }],
    });
    bench.table("tab", &[("pk", "S"), ("sk", "N")], more).await;
    bench
}

fn query(condition: &str, more: Json) -> Json {
    let mut input = json!({"TableName": "tab", "KeyConditionExpression": condition});
    let all = json!({":a": {"S": "a"}, ":n": {"N": "1"}, ":e": {"S": ""}});
    let used: serde_json::Map<String, Json> = all
        .as_object()
        .expect("an object")
        .iter()
        .filter(|(name, _)| condition.contains(name.as_str()) || more.to_string().contains(name.as_str()))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    if !used.is_empty() {
        input["ExpressionAttributeValues"] = used.into();
    }
    for (key, value) in more.as_object().expect("an object") {
        input[key] = value.clone();
    }
    input
}

async fn check_refused(bench: &Bench, condition: &str, more: Json, text: &str) {
    let input = query(condition, more.clone());
    assert_eq!(bench.refused("Query", input).await, format!("ValidationException: {text}"), "{condition} {more}");
}

#[tokio::test]
async fn queries_are_refused_in_aws_words() {
    let bench = bench().await;
    let mismatch = "One or more parameter values were invalid: Condition parameter type does not match schema type";
    for (condition, more, text) in [
        ("sk = :n", json!({}), "Query condition missed key schema element: pk"),
        ("elsewhere = :a", json!({}), "Query condition missed key schema element: pk"),
        ("pk = :a AND elsewhere = :a", json!({}), "Query condition missed key schema element: sk"),
        ("pk > :a", json!({}), "Query key condition not supported"),
        ("pk = :n", json!({}), mismatch),
        ("pk = :a AND sk = :a", json!({}), mismatch),
        (
            "pk = :e",
            json!({}),
            "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty \
             string value.",
        ),
        ("pk = :a", json!({"IndexName": "none"}), "The table does not have the specified index: none"),
        (
            "g = :a",
            json!({"IndexName": "gsi", "ConsistentRead": true}),
            "Consistent reads are not supported on global secondary indexes",
        ),
        (
            "g = :a",
            json!({"IndexName": "gsi", "Select": "ALL_ATTRIBUTES"}),
            "One or more parameter values were invalid: Select type ALL_ATTRIBUTES is not supported for global secondary \
             index gsi because its projection type is not ALL",
        ),
        (
            "pk = :a",
            json!({"FilterExpression": "sk = :n"}),
            "Filter Expression can only contain non-primary key attributes: Primary key attribute: sk",
        ),
    ] {
        check_refused(&bench, condition, more, text).await;
    }
    let neither = "ValidationException: Either the KeyConditions or KeyConditionExpression parameter must be specified in \
                   the request.";
    assert_eq!(bench.refused("Query", json!({"TableName": "tab"})).await, neither);
    let missing = json!({"TableName": "none", "KeyConditionExpression": "a = :a", "ExpressionAttributeValues": {":a": {"S": "x"}}});
    let text = "ResourceNotFoundException: Requested resource not found";
    assert_eq!(bench.refused("Query", missing).await, text);
}

#[tokio::test]
async fn parameters_of_queries_are_refused_in_aws_words() {
    let bench = bench().await;
    let key = |pk: &str, sk: &str| json!({"pk": {"S": pk}, "sk": {"N": sk}});
    for (condition, more, text) in [
        ("pk = :a", json!({"ExclusiveStartKey": {"pk": {"S": "a"}}}), "The provided starting key is invalid"),
        (
            "pk = :a",
            json!({"ExclusiveStartKey": key("b", "1")}),
            "The provided starting key is outside query boundaries based on provided conditions",
        ),
        (
            "pk = :a AND sk < :n",
            json!({"ExclusiveStartKey": key("a", "5")}),
            "The provided starting key does not match the range key predicate",
        ),
        (
            "pk = :a",
            json!({"ExclusiveStartKey": {"pk": {"S": "a"}, "sk": {"S": "x"}}}),
            "The provided starting key is invalid: The provided key element does not match the schema",
        ),
        (
            "pk = :a",
            json!({"Select": "SPECIFIC_ATTRIBUTES"}),
            "Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES",
        ),
        (
            "pk = :a",
            json!({"Select": "ALL_PROJECTED_ATTRIBUTES"}),
            "One or more parameter values were invalid: ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an \
             IndexName",
        ),
        (
            "pk = :a",
            json!({"KeyConditions": {}, "QueryFilter": {}}),
            "Can not use both expression and non-expression parameters in the same request: Non-expression parameters: \
             {QueryFilter, KeyConditions} Expression parameters: {KeyConditionExpression}",
        ),
    ] {
        check_refused(&bench, condition, more, text).await;
    }
}

#[tokio::test]
async fn scans_are_refused_in_aws_words() {
    let bench = bench().await;
    for (more, text) in [
        (
            json!({"Segment": 0}),
            "The TotalSegments parameter is required but was not present in the request when Segment parameter is present",
        ),
        (
            json!({"TotalSegments": 4}),
            "The Segment parameter is required but was not present in the request when parameter TotalSegments is present",
        ),
        (
            json!({"Segment": 5, "TotalSegments": 5}),
            "The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: 5 is not less \
             than TotalSegments: 5",
        ),
        (
            json!({"Limit": 0}),
            "1 validation error detected: Value '0' at 'limit' failed to satisfy constraint: Member must have value \
             greater than or equal to 1",
        ),
        (
            json!({"ScanFilter": {"a": {"ComparisonOperator": "EQ"}}}),
            "One or more parameter values were invalid: Invalid number of argument(s) for the EQ ComparisonOperator",
        ),
        (
            json!({"ScanFilter": {"a": {"ComparisonOperator": "LT", "AttributeValueList": [{"SS": ["x"]}]}}}),
            "One or more parameter values were invalid: ComparisonOperator LT is not valid for SS AttributeValue type",
        ),
        (
            json!({"AttributesToGet": ["a", "a"]}),
            "One or more parameter values were invalid: Duplicate value in attribute name: a",
        ),
        (
            json!({"FilterExpression": "begins_with(a, :n)", "ExpressionAttributeValues": {":n": {"N": "5"}}}),
            "Invalid FilterExpression: Incorrect operand type for operator or function; operator or function: \
             begins_with, operand type: N",
        ),
    ] {
        let mut input = json!({"TableName": "tab"});
        for (key, value) in more.as_object().expect("an object") {
            input[key] = value.clone();
        }
        assert_eq!(bench.refused("Scan", input).await, format!("ValidationException: {text}"), "{more}");
    }
}

#[tokio::test]
async fn pages_end_where_aws_ends_them() {
    let bench = bench().await;
    for number in 0..3 {
        let item = json!({"pk": {"S": "a"}, "sk": {"N": number.to_string()}, "g": {"S": "g"}, "x": {"S": "y"}});
        bench.ok("PutItem", json!({"TableName": "tab", "Item": item})).await;
    }
    // A page that a limit ends has a key although nothing follows; one that the data ends has none.
    let full = bench.ok("Query", query("pk = :a", json!({"Limit": 3}))).await;
    assert_eq!(full["LastEvaluatedKey"], json!({"pk": {"S": "a"}, "sk": {"N": "2"}}));
    let more = bench.ok("Query", query("pk = :a", json!({"Limit": 4}))).await;
    assert_eq!(more.get("LastEvaluatedKey"), None);
    let filtered = bench.ok("Query", query("pk = :a", json!({"Limit": 2, "FilterExpression": "x = :a"}))).await;
    assert_eq!((&filtered["Count"], &filtered["ScannedCount"]), (&json!(0), &json!(2)));
    assert_eq!(filtered["LastEvaluatedKey"]["sk"], json!({"N": "1"}));
    let counted = bench.ok("Query", query("pk = :a", json!({"Select": "COUNT"}))).await;
    assert_eq!(counted, json!({"Count": 3, "ScannedCount": 3}));
    let input =
        query("pk = :a", json!({"IndexName": "lsi", "ProjectionExpression": "x", "ReturnConsumedCapacity": "INDEXES"}));
    let fetched = bench.ok("Query", input).await;
    assert_eq!(fetched["Items"], json!([{"x": {"S": "y"}}, {"x": {"S": "y"}}, {"x": {"S": "y"}}]));
    let consumed = &fetched["ConsumedCapacity"];
    assert_eq!(consumed["Table"]["CapacityUnits"], json!(1.5), "each item is fetched by itself");
    assert_eq!(consumed["LocalSecondaryIndexes"]["lsi"]["CapacityUnits"], json!(0.5));
}
