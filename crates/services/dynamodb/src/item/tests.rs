//! Operations on items: a table of what AWS says (dynalite's tests, which ran against AWS, and the DynamoDB conformance
//! suite), and a comparison with a simple model.

mod model;

use serde_json::{Value as Json, json};

use crate::testing::Bench;

async fn bench() -> Bench {
    let bench = Bench::new();
    let more = json!({
        "AttributeDefinitions": [{"AttributeName": "ix", "AttributeType": "S"}],
        "GlobalSecondaryIndexes": [{
            "IndexName": "gsi1",
            "KeySchema": [{"AttributeName": "ix", "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "ALL"},
        }],
    });
    bench.table("hash", &[("pk", "S")], more).await;
    bench.table("both", &[("pk", "S"), ("sk", "N")], json!({})).await;
    bench.table("bin", &[("pk", "B")], json!({})).await;
    bench
}

fn merged(base: Json, more: &Json) -> Json {
    let mut merged = base;
    for (key, value) in more.as_object().expect("an object") {
        merged[key] = value.clone();
    }
    merged
}

const EMPTY_KEY: &str = "One or more parameter values are not valid. The AttributeValue for a key attribute cannot \
                         contain an empty string value. Key: pk";
const MISMATCH: &str = "The provided key element does not match the schema";

async fn check_refused_put(bench: &Bench, more: &Json, text: &str) {
    let input = merged(json!({"TableName": "hash", "Item": {"pk": {"S": "a"}}}), more);
    assert_eq!(bench.refused("PutItem", input).await, format!("ValidationException: {text}"), "{more}");
}

#[tokio::test]
async fn puts_are_refused_in_aws_words() {
    let bench = bench().await;
    let invalid = "One or more parameter values were invalid:";
    let long = "x".repeat(2049);
    let deep = (0..32).fold(json!({"S": "x"}), |inner, _| json!({"L": [inner]}));
    for (more, text) in [
        (json!({"Item": {"other": {"S": "x"}}}), format!("{invalid} Missing the key pk in the item")),
        (json!({"Item": {"pk": {"N": "1"}}}), format!("{invalid} Type mismatch for key pk expected: S actual: N")),
        (json!({"Item": {"pk": {"L": []}}}), format!("{invalid} Type mismatch for key pk expected: S actual: L")),
        (json!({"Item": {"pk": {"S": ""}}}), EMPTY_KEY.to_owned()),
        (
            json!({"Item": {"pk": {"S": long}}}),
            format!("{invalid} Size of hashkey has exceeded the maximum size limit of2048 bytes"),
        ),
        (
            json!({"Item": {"pk": {"S": "a"}, "ix": {"N": "1"}}}),
            format!("{invalid} Type mismatch for Index Key ix Expected: S Actual: N IndexName: gsi1"),
        ),
        (
            json!({"Item": {"pk": {"S": "a"}, "ix": {"S": ""}}}),
            "One or more parameter values are not valid. A value specified for a secondary index key is not supported. \
             The AttributeValue for a key attribute cannot contain an empty string value. IndexName: gsi1, IndexKey: ix"
                .to_owned(),
        ),
        (
            json!({"Item": {"pk": {"S": "a"}, "v": {}}}),
            "1 validation error detected: Supplied AttributeValue is empty, must contain exactly one of the supported datatypes".to_owned(),
        ),
        (
            json!({"Item": {"pk": {"S": "a"}, "v": {"S": "x", "N": "1"}}}),
            "1 validation error detected: Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported \
             datatypes"
                .to_owned(),
        ),
        (
            json!({"Item": {"pk": {"S": "a"}, "v": {"N": "x"}}}),
            "1 validation error detected: The parameter cannot be converted to a numeric value: x".to_owned(),
        ),
        (
            json!({"Item": {"pk": {"S": "a"}, "v": deep}}),
            "1 validation error detected: Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported \
             limit"
                .to_owned(),
        ),
        (
            json!({"Item": {"pk": {"S": "a"}, "v": {"S": "x".repeat(409_600)}}}),
            "Item size has exceeded the maximum allowed size".to_owned(),
        ),
    ] {
        check_refused_put(&bench, &more, &text).await;
    }
    let input = json!({"TableName": "nowhere", "Item": {"pk": {"S": "a"}}});
    assert_eq!(bench.refused("PutItem", input).await, "ResourceNotFoundException: Requested resource not found");
    let input = json!({"TableName": "bin", "Item": {"pk": {"B": ""}}});
    assert!(bench.refused("PutItem", input).await.contains("cannot contain an empty binary value. Key: pk"));
}

#[tokio::test]
async fn parameters_of_puts_are_refused_in_aws_words() {
    let bench = bench().await;
    let invalid = "One or more parameter values were invalid:";
    for (more, text) in [
        (json!({"ReturnValues": "ALL_NEW"}), "1 validation error detected: ReturnValues can only be ALL_OLD or NONE".to_owned()),
        (
            json!({"Expected": {}, "ConditionExpression": "a = b"}),
            "1 validation error detected: Can not use both expression and non-expression parameters in the same request: Non-expression parameters: \
             {Expected} Expression parameters: {ConditionExpression}"
                .to_owned(),
        ),
        (
            json!({"ExpressionAttributeNames": {"#a": "a"}}),
            "1 validation error detected: ExpressionAttributeNames can only be specified when using expressions".to_owned(),
        ),
        (
            json!({"ExpressionAttributeValues": {":a": {"S": "a"}}}),
            "1 validation error detected: ExpressionAttributeValues can only be specified when using expressions".into(),
        ),
        (
            json!({"ConditionExpression": "pk.x = pk"}),
            "Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: Key: pk".into(),
        ),
        (
            json!({"ConditionExpression": "attribute_exists(ix[0])"}),
            "Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: IndexKey: ix"
                .to_owned(),
        ),
        (
            json!({"Expected": {"a": {}}}),
            format!("1 validation error detected: {invalid} Value must be provided when Exists is null for Attribute: a"),
        ),
        (
            json!({"Expected": {"a": {"Exists": false, "Value": {"S": "x"}}}}),
            format!("1 validation error detected: {invalid} Value cannot be used when Exists is false for Attribute: a"),
        ),
        (
            json!({"Expected": {"a": {"ComparisonOperator": "EQ"}}}),
            format!("1 validation error detected: {invalid} Value or AttributeValueList must be used with ComparisonOperator: EQ for Attribute: a"),
        ),
        (
            json!({"Expected": {"a": {"ComparisonOperator": "BETWEEN", "AttributeValueList": [{"N": "1"}]}}}),
            format!("1 validation error detected: {invalid} Invalid number of argument(s) for the BETWEEN ComparisonOperator"),
        ),
        (
            json!({"TableName": "bad table!@#"}),
            "1 validation error detected: Value 'bad table!@#' at 'tableName' failed to satisfy constraint: Member must \
             satisfy regular expression pattern: [a-zA-Z0-9_.-]+"
                .to_owned(),
        ),
    ] {
        check_refused_put(&bench, &more, &text).await;
    }
}

#[tokio::test]
async fn keys_are_refused_in_aws_words() {
    let bench = bench().await;
    for (table, key, text) in [
        ("both", json!({"pk": {"S": "a"}}), MISMATCH),
        ("both", json!({"pk": {"S": "a"}, "other": {"N": "1"}}), MISMATCH),
        ("both", json!({"pk": {"S": "a"}, "sk": {"S": "1"}}), MISMATCH),
        ("hash", json!({"pk": {"S": "a"}, "sk": {"N": "1"}}), MISMATCH),
        ("hash", json!({}), MISMATCH),
        ("hash", json!({"pk": {"S": ""}}), EMPTY_KEY),
    ] {
        let input = json!({"TableName": table, "Key": key});
        for operation in ["GetItem", "DeleteItem", "UpdateItem"] {
            let expected = format!("ValidationException: {text}");
            assert_eq!(bench.refused(operation, input.clone()).await, expected, "{operation} {key}");
        }
    }
}

#[tokio::test]
async fn updates_are_refused_in_aws_words() {
    let bench = bench().await;
    let invalid = "One or more parameter values were invalid:";
    for (more, text) in [
        (
            json!({"UpdateExpression": "SET pk = :v", "ExpressionAttributeValues": {":v": {"S": "b"}}}),
            format!("{invalid} Cannot update attribute pk. This attribute is part of the key"),
        ),
        (
            json!({"AttributeUpdates": {"pk": {"Action": "DELETE"}}}),
            format!("{invalid} Cannot update attribute pk. This attribute is part of the key"),
        ),
        (
            json!({"UpdateExpression": "SET ix = :v", "ExpressionAttributeValues": {":v": {"N": "1"}}}),
            format!("{invalid} Type mismatch for Index Key ix Expected: S Actual: N IndexName: gsi1"),
        ),
        (
            json!({"UpdateExpression": "SET ix = :v", "ExpressionAttributeValues": {":v": {"S": ""}}}),
            "One or more parameter values are not valid. The update expression attempted to update a secondary index \
             key to a value that is not supported. The AttributeValue for a key attribute cannot contain an empty \
             string value."
                .to_owned(),
        ),
        (
            json!({"UpdateExpression": "SET ix = n", "ConditionExpression": "attribute_exists(pk)"}),
            "The update expression attempted to update the secondary index key to unsupported type".to_owned(),
        ),
        (
            json!({"AttributeUpdates": {"a": {"Action": "PUT"}}}),
            format!("1 validation error detected: {invalid} Only DELETE action is allowed when no attribute value is specified"),
        ),
        (
            json!({"AttributeUpdates": {"a": {"Action": "ADD", "Value": {"S": "x"}}}}),
            format!("1 validation error detected: {invalid} ADD action is not supported for the type S"),
        ),
        (
            json!({"AttributeUpdates": {"n": {"Action": "ADD", "Value": {"SS": ["x"]}}}}),
            "Type mismatch for attribute to update".to_owned(),
        ),
        (
            json!({"UpdateExpression": "SET v = :v", "ExpressionAttributeValues": {":v": {"S": "x".repeat(409_600)}}}),
            "Item size to update has exceeded the maximum allowed size".to_owned(),
        ),
        (
            json!({"UpdateExpression": "SET a = :v", "ExpressionAttributeValues": {":v": {"S": "b"}, ":w": {"S": "c"}}}),
            "1 validation error detected: Value provided in ExpressionAttributeValues unused in expressions: keys: {:w}".to_owned(),
        ),
    ] {
        let item = json!({"pk": {"S": "a"}, "n": {"N": "1"}});
        bench.ok("PutItem", json!({"TableName": "hash", "Item": item})).await;
        let input = merged(json!({"TableName": "hash", "Key": {"pk": {"S": "a"}}}), &more);
        assert_eq!(bench.refused("UpdateItem", input).await, format!("ValidationException: {text}"), "{more}");
        let found = bench.ok("GetItem", json!({"TableName": "hash", "Key": {"pk": {"S": "a"}}})).await;
        assert_eq!(found["Item"], item, "a refused update changes nothing");
    }
}

#[tokio::test]
async fn updates_answer_what_was_asked_for() {
    let bench = bench().await;
    let before = json!({"pk": {"S": "a"}, "a": {"N": "1"}, "m": {"M": {"x": {"S": "y"}, "z": {"S": "z"}}}});
    for (wanted, expected) in [
        ("NONE", json!({})),
        ("ALL_OLD", json!({"Attributes": before})),
        ("UPDATED_OLD", json!({"Attributes": {"a": {"N": "1"}, "m": {"M": {"x": {"S": "y"}}}}})),
        ("UPDATED_NEW", json!({"Attributes": {"a": {"N": "2"}, "b": {"N": "1"}}})),
        (
            "ALL_NEW",
            json!({"Attributes": {"pk": {"S": "a"}, "a": {"N": "2"}, "b": {"N": "1"}, "m": {"M": {"z": {"S": "z"}}}}}),
        ),
    ] {
        bench.ok("PutItem", json!({"TableName": "hash", "Item": before})).await;
        let input = json!({
            "TableName": "hash", "Key": {"pk": {"S": "a"}}, "ReturnValues": wanted,
            "UpdateExpression": "SET a = a + :one, b = :one REMOVE m.x", "ExpressionAttributeValues": {":one": {"N": "1"}},
        });
        assert_eq!(bench.ok("UpdateItem", input).await, expected, "{wanted}");
    }
}

#[tokio::test]
async fn writes_consume_what_aws_counts() {
    // The DynamoDB conformance suite, tier1/putItem/indexConsumedCapacity.test.ts: measured on AWS.
    let bench = Bench::new();
    let more = json!({
        "AttributeDefinitions": [
            {"AttributeName": "g", "AttributeType": "S"}, {"AttributeName": "l", "AttributeType": "S"},
        ],
        "GlobalSecondaryIndexes": [{
            "IndexName": "gsi", "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["proj"]},
        }],
        "LocalSecondaryIndexes": [{
            "IndexName": "lsi",
            "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "l", "KeyType": "RANGE"}],
            "Projection": {"ProjectionType": "ALL"},
        }],
    });
    bench.table("tab", &[("pk", "S"), ("sk", "S")], more).await;
    let units = |answer: &Json| {
        let consumed = &answer["ConsumedCapacity"];
        let index = |kind: &str, name: &str| consumed[kind][name]["CapacityUnits"].as_f64();
        let total = consumed["CapacityUnits"].as_f64();
        (total, index("GlobalSecondaryIndexes", "gsi"), index("LocalSecondaryIndexes", "lsi"))
    };
    let put = |item: Json| json!({"TableName": "tab", "Item": item, "ReturnConsumedCapacity": "INDEXES"});
    let full = json!({"pk": {"S": "a"}, "sk": {"S": "1"}, "g": {"S": "g"}, "l": {"S": "L"}, "proj": {"S": "p"}, "o": {"S": "o"}});
    let sparse = json!({"pk": {"S": "b"}, "sk": {"S": "1"}, "other": {"S": "o"}});
    assert_eq!(units(&bench.ok("PutItem", put(sparse)).await), (Some(1.0), None, None));
    assert_eq!(units(&bench.ok("PutItem", put(full.clone())).await), (Some(3.0), Some(1.0), Some(1.0)));
    assert_eq!(units(&bench.ok("PutItem", put(full.clone())).await), (Some(1.0), None, None), "nothing changes");
    for (expression, expected) in [
        ("SET o = :v", (Some(2.0), None, Some(1.0))),
        ("SET proj = :v", (Some(3.0), Some(1.0), Some(1.0))),
        ("SET g = :v", (Some(4.0), Some(2.0), Some(1.0))),
        ("REMOVE g SET o = :v", (Some(3.0), Some(1.0), Some(1.0))),
        ("SET l = :v", (Some(3.0), None, Some(2.0))),
    ] {
        bench.ok("PutItem", put(full.clone())).await;
        let input = json!({
            "TableName": "tab", "Key": {"pk": {"S": "a"}, "sk": {"S": "1"}}, "UpdateExpression": expression,
            "ExpressionAttributeValues": {":v": {"S": "new"}}, "ReturnConsumedCapacity": "INDEXES",
        });
        assert_eq!(units(&bench.ok("UpdateItem", input).await), expected, "{expression}");
    }
    bench.ok("PutItem", put(full)).await;
    let delete = json!({
        "TableName": "tab", "Key": {"pk": {"S": "a"}, "sk": {"S": "1"}}, "ReturnConsumedCapacity": "INDEXES",
        "ReturnItemCollectionMetrics": "SIZE",
    });
    let answer = bench.ok("DeleteItem", delete).await;
    assert_eq!(units(&answer), (Some(3.0), Some(1.0), Some(1.0)));
    let metrics = json!({"ItemCollectionKey": {"pk": {"S": "a"}}, "SizeEstimateRangeGB": [0.0, 1.0]});
    assert_eq!(answer["ItemCollectionMetrics"], metrics);
}

#[tokio::test]
async fn reads_consume_what_aws_counts() {
    let bench = bench().await;
    let item = json!({"pk": {"S": "a"}, "v": {"S": "x".repeat(4096)}});
    bench.ok("PutItem", json!({"TableName": "hash", "Item": item})).await;
    for (id, consistent, units) in [("a", true, 2.0), ("a", false, 1.0), ("none", true, 1.0), ("none", false, 0.5)] {
        let input = json!({
            "TableName": "hash", "Key": {"pk": {"S": id}}, "ConsistentRead": consistent, "ReturnConsumedCapacity": "TOTAL",
        });
        let expected = json!({"TableName": "hash", "CapacityUnits": units});
        assert_eq!(bench.ok("GetItem", input).await["ConsumedCapacity"], expected);
    }
}

#[tokio::test]
async fn transactions_tell_why_they_were_cancelled() {
    let bench = bench().await;
    let put = |item: Json| json!({"TransactItems": [{"Put": {"TableName": "hash", "Item": item}}]});
    for (item, text) in [
        (json!({"pk": {"N": "5"}}), "Type mismatch for key pk expected: S actual: N"),
        (
            json!({"pk": {"S": "a"}, "ix": {"N": "5"}}),
            "Type mismatch for Index Key ix Expected: S Actual: N IndexName: gsi1",
        ),
    ] {
        let error = bench.call("TransactWriteItems", &put(item)).await.expect_err("cancelled");
        let summary = "Transaction cancelled, please refer cancellation reasons for specific reasons [ValidationError]";
        assert_eq!(error.message.as_deref(), Some(summary));
        let reasons = format!("{:?}", error.members);
        assert!(reasons.contains(text), "{reasons}");
    }
    let error = bench.refused("TransactWriteItems", put(json!({"pk": {"S": ""}}))).await;
    assert_eq!(error, format!("ValidationException: {EMPTY_KEY}"));
    let twice = json!({"TransactItems": [
        {"Put": {"TableName": "hash", "Item": {"pk": {"S": "a"}}}}, {"Delete": {"TableName": "hash", "Key": {"pk": {"S": "a"}}}},
    ]});
    let text = "ValidationException: Transaction request cannot include multiple operations on one item";
    assert_eq!(bench.refused("TransactWriteItems", twice).await, text);
}
