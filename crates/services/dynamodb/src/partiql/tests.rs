//! Statements: what they do, and what is wrong with them.

use proptest::prelude::*;
use serde_json::json;

use crate::testing::Bench;

async fn bench() -> Bench {
    let bench = Bench::with_table("tab", &[("pk", "S"), ("sk", "N")]).await;
    for number in 0..4 {
        let statement = format!("INSERT INTO tab VALUE {{'pk': 'a', 'sk': {number}, 'v': 'x{number}', 'n': {number}}}");
        bench.ok("ExecuteStatement", json!({"Statement": statement})).await;
    }
    bench
}

async fn items(bench: &Bench, statement: &str) -> serde_json::Value {
    bench.ok("ExecuteStatement", json!({"Statement": statement})).await["Items"].clone()
}

#[tokio::test]
async fn statements_read_and_write_items() {
    let bench = bench().await;
    let found = items(&bench, "SELECT v FROM \"tab\" WHERE pk = 'a' AND sk >= 2 ORDER BY sk DESC").await;
    assert_eq!(found, json!([{"v": {"S": "x3"}}, {"v": {"S": "x2"}}]));
    assert_eq!(items(&bench, "select sk from tab where n in [1, 3]").await.as_array().map(Vec::len), Some(2));
    let found =
        items(&bench, "SELECT sk FROM tab WHERE pk = 'a' AND begins_with(v, 'x') AND NOT sk BETWEEN 1 AND 3").await;
    assert_eq!(found, json!([{"sk": {"N": "0"}}]));
    assert_eq!(
        items(&bench, "SELECT * FROM tab WHERE zz IS MISSING AND n = 0").await.as_array().map(Vec::len),
        Some(1)
    );
    let update =
        "UPDATE tab SET n = n + 10 SET tags = <<'a', 'b'>> REMOVE v WHERE pk = 'a' AND sk = 1 RETURNING ALL NEW *";
    let expected = json!([{"pk": {"S": "a"}, "sk": {"N": "1"}, "n": {"N": "11"}, "tags": {"SS": ["a", "b"]}}]);
    assert_eq!(items(&bench, update).await, expected);
    let update = "UPDATE tab SET tags = set_delete(tags, <<'a'>>) WHERE pk = 'a' AND sk = 1 RETURNING MODIFIED NEW *";
    assert_eq!(items(&bench, update).await, json!([{"tags": {"SS": ["b"]}}]));
    let delete = "DELETE FROM tab WHERE pk = 'a' AND sk = 0 AND n = 0 RETURNING ALL OLD *";
    assert_eq!(items(&bench, delete).await[0]["v"], json!({"S": "x0"}));
    assert_eq!(items(&bench, "DELETE FROM tab WHERE pk = 'a' AND sk = 0").await, json!([]));
}

#[tokio::test]
async fn pages_go_on_with_their_own_statement_only() {
    let bench = bench().await;
    let statement = "SELECT sk FROM tab WHERE pk = ?";
    let page = |token: serde_json::Value| {
        let mut input = json!({"Statement": statement, "Parameters": [{"S": "a"}], "Limit": 3});
        if token.is_string() {
            input["NextToken"] = token;
        }
        input
    };
    let first = bench.ok("ExecuteStatement", page(json!(null))).await;
    assert_eq!(first["Items"].as_array().map(Vec::len), Some(3));
    let second = bench.ok("ExecuteStatement", page(first["NextToken"].clone())).await;
    assert_eq!(second["Items"], json!([{"sk": {"N": "3"}}]));
    let other = json!({"Statement": "SELECT * FROM tab", "NextToken": first["NextToken"]});
    assert_eq!(bench.refused("ExecuteStatement", other).await, "ValidationException: NextToken does not match request");
}

#[tokio::test]
async fn statements_are_refused_in_aws_words() {
    // The DynamoDB conformance suite, tier3/error-messages/partiql.test.ts.
    let bench = bench().await;
    let key = "Where clause does not contain a mandatory equality on all key attributes";
    for (statement, error) in [
        ("INSERT INTO tab VALUE {'pk': 'a', 'sk': 1}", "DuplicateItemException: Duplicate primary key exists in table"),
        ("UPDATE tab SET n = 1 WHERE pk = 'a'", &format!("ValidationException: {key}")),
        ("DELETE FROM tab WHERE n = 1", &format!("ValidationException: {key}")),
        (
            "UPDATE tab SET n = 1 WHERE pk = 'zz' AND sk = 1",
            "ConditionalCheckFailedException: The conditional request failed",
        ),
        (
            "DELETE FROM tab WHERE pk = 'a' AND sk = 1 RETURNING MODIFIED NEW *",
            "ValidationException: Invalid returning clause: RETURNING MODIFIED NEW *. Only RETURNING ALL OLD * is \
             allowed in DELETE statements.",
        ),
        (
            "SELECT * FROM \"tab\".\"none\" WHERE pk = 'a'",
            "ValidationException: The table does not have the specified index",
        ),
        (
            "SELECT * FROM \"tab\".\"a\".\"b\"",
            "ValidationException: A path may contain at most 2 components in the FROM clause",
        ),
        ("SELECT * FROM \"\"", "ValidationException: Path component cannot be an empty string"),
        ("SELECT * FROM none", "ResourceNotFoundException: Requested resource not found"),
        (
            "SELECT * FROM tab WHERE v < true",
            "ValidationException: Incorrect operand type for operator or function; operator or function: <, operand \
             type: BOOL",
        ),
        (
            "SELECT * FROM tab WHERE v = ?",
            "ValidationException: Number of parameters in request and statement don't match.",
        ),
    ] {
        assert_eq!(bench.refused("ExecuteStatement", json!({"Statement": statement})).await, error, "{statement}");
    }
    let error = bench.refused("ExecuteStatement", json!({"Statement": "SELECT * FROM \"tab"})).await;
    assert!(error.starts_with("ValidationException: Statement wasn't well formed, can't be processed"), "{error}");
}

#[tokio::test]
async fn batches_and_transactions_of_statements() {
    let bench = bench().await;
    let batch = json!({"Statements": [
        {"Statement": "SELECT v FROM tab WHERE pk = 'a' AND sk = 1"},
        {"Statement": "INSERT INTO tab VALUE {'pk': 'a', 'sk': 1}"},
    ]});
    let answer = bench.ok("BatchExecuteStatement", batch).await;
    assert_eq!(answer["Responses"][0]["Item"], json!({"v": {"S": "x1"}}));
    assert_eq!(answer["Responses"][1]["Error"]["Code"], json!("DuplicateItem"));
    let write = json!({"TransactStatements": [
        {"Statement": "UPDATE tab SET n = 100 WHERE pk = 'a' AND sk = 1"},
        {"Statement": "EXISTS(SELECT * FROM tab WHERE pk = 'a' AND sk = 2 AND n = 3)"},
    ]});
    let error = bench.refused("ExecuteTransaction", write).await;
    assert!(error.ends_with("[None, ConditionalCheckFailed]"), "{error}");
    let read = json!({"TransactStatements": [{"Statement": "SELECT n FROM tab WHERE pk = 'a' AND sk = 1"}]});
    let answer = bench.ok("ExecuteTransaction", read).await;
    assert_eq!(answer["Responses"], json!([{"Item": {"n": {"N": "1"}}}]));
    let returning = "UPDATE tab SET n = 1 WHERE pk = 'a' AND sk = 1 RETURNING ALL NEW *";
    let error = bench.refused("ExecuteTransaction", json!({"TransactStatements": [{"Statement": returning}]})).await;
    let expected = "ValidationException: Validation failed in TransactStatements[0]: RETURNING clause is not supported \
                    in ExecuteTransaction.";
    assert_eq!(error, expected);
}

fn pieces() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "SELECT ",
        "* ",
        "FROM ",
        "t ",
        "\"tab\".\"i\" ",
        "WHERE ",
        "a ",
        "= ",
        "'x' ",
        "1 ",
        "? ",
        "AND ",
        "NOT ",
        "( ",
        ") ",
        "[ ",
        "] ",
        "<< ",
        ">> ",
        "{ ",
        "} ",
        ": ",
        ", ",
        "INSERT INTO ",
        "VALUE ",
        "UPDATE ",
        "SET ",
        "REMOVE ",
        "DELETE ",
        "RETURNING ALL OLD * ",
        "IN ",
        "IS ",
        "MISSING ",
        "BETWEEN ",
        "begins_with(",
        "ORDER BY ",
        "'",
        "\"",
        "é",
        "- ",
    ]);
    proptest::collection::vec(piece, 0..20).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn any_text_is_parsed_or_refused(text in prop_oneof![pieces(), any::<String>()]) {
        let _ = super::parser::parse(&text, &[]);
    }

    #[test]
    fn deep_statements_are_refused(depth in 90..2_000_usize, piece in prop::sample::select(vec!["(", "[", "NOT ", "{'a':"])) {
        let text = format!("SELECT * FROM tab WHERE {}", piece.repeat(depth));
        prop_assert!(super::parser::parse(&text, &[]).is_err());
    }
}
