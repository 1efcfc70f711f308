//! What AWS answers, case by case. The cases lie in `cases/`, in groups that share tables and name their source; each is
//! a call and what comes of it: an answer that has at least these members (`ok`), one that is exactly this (`exactly`),
//! members that are not there (`absent`), an error with its text (`error`), or one of a name (`fails`).

use serde_json::{Value as Json, json};

use crate::testing::Bench;

/// Cases that there are at least, so that none is lost unnoticed.
const CASES_MIN: usize = 1_150;

/// The files, and whether their cases want a table with indexes.
const FILES: [(&str, bool, &str); 13] = [
    ("batches", true, include_str!("../cases/batches.json")),
    ("captures", true, include_str!("../cases/captures.json")),
    ("capacity", true, include_str!("../cases/capacity.json")),
    ("conditions", false, include_str!("../cases/conditions.json")),
    ("items", true, include_str!("../cases/items.json")),
    ("legacy", true, include_str!("../cases/legacy.json")),
    ("numbers", false, include_str!("../cases/numbers.json")),
    ("partiql", false, include_str!("../cases/partiql.json")),
    ("projections", false, include_str!("../cases/projections.json")),
    ("queries", true, include_str!("../cases/queries.json")),
    ("statements", true, include_str!("../cases/statements.json")),
    ("transactions", true, include_str!("../cases/transactions.json")),
    ("updates", false, include_str!("../cases/updates.json")),
];

/// Table `tab`, with a local and two global indexes if that is wanted, and table `oth`.
async fn bench(indexed: bool) -> Bench {
    let bench = Bench::new();
    let key = |name: &str, kind: &str| json!({"AttributeName": name, "KeyType": kind});
    let index = |name: &str, schema: Json, projection: &str| json!({"IndexName": name, "KeySchema": schema, "Projection": {"ProjectionType": projection}});
    let indexes = json!({
        "AttributeDefinitions": [
            {"AttributeName": "g", "AttributeType": "S"}, {"AttributeName": "l", "AttributeType": "N"},
        ],
        "LocalSecondaryIndexes": [index("lsi", json!([key("pk", "HASH"), key("l", "RANGE")]), "ALL")],
        "GlobalSecondaryIndexes": [
            index("gsi", json!([key("g", "HASH")]), "KEYS_ONLY"),
            index("gsi2", json!([key("g", "HASH"), key("l", "RANGE")]), "ALL"),
        ],
    });
    let more = if indexed { indexes } else { json!({}) };
    bench.table("tab", &[("pk", "S"), ("sk", "N")], more).await;
    bench.table("oth", &[("pk", "S")], json!({})).await;
    bench
}

/// Puts a long text where a case has only its length: `@x400` stands for 400 times the letter.
fn expand(json: &mut Json) {
    match json {
        Json::String(text) => {
            if let Some(length) = text.strip_prefix("@x").and_then(|length| length.parse().ok()) {
                *text = "x".repeat(length);
            }
        }
        Json::Array(all) => all.iter_mut().for_each(expand),
        Json::Object(all) => all.values_mut().for_each(expand),
        _ => {}
    }
}

/// The call of a case: on table `tab` unless it says otherwise.
fn input(case: &Json) -> Json {
    let mut input = case["in"].clone();
    expand(&mut input);
    let operation = case["do"].as_str().expect("an operation");
    let takes_table = !["Batch", "Transact", "Execute"].iter().any(|prefix| operation.starts_with(prefix));
    if takes_table && input.get("TableName").is_none() {
        input["TableName"] = json!("tab");
    }
    input
}

/// Whether an answer has all that is expected: objects may have more, lists are as long.
fn has(answer: &Json, expected: &Json) -> bool {
    match (answer, expected) {
        (Json::Object(answer), Json::Object(expected)) => {
            expected.iter().all(|(name, value)| answer.get(name).is_some_and(|found| has(found, value)))
        }
        (Json::Array(answer), Json::Array(expected)) => {
            answer.len() == expected.len() && answer.iter().zip(expected).all(|(found, value)| has(found, value))
        }
        (Json::Number(answer), Json::Number(expected)) => answer.as_f64() == expected.as_f64(),
        _ => answer == expected,
    }
}

/// What is wrong with the outcome of a case.
fn fault(case: &Json, outcome: &Result<Json, wire::Error>) -> Option<String> {
    let answer = match (outcome, case["error"].as_str(), case["fails"].as_str()) {
        (Err(error), Some(text), _) if error.to_string() == text => return None,
        (Err(error), _, Some(name)) if error.is(name) => return None,
        (Err(error), ..) => return Some(format!("refused: {error}")),
        (Ok(answer), None, None) => answer,
        (Ok(answer), ..) => return Some(format!("answered: {answer}")),
    };
    let exact = case.get("exactly").is_none_or(|exactly| answer == exactly);
    let complete = case.get("ok").is_none_or(|expected| has(answer, expected));
    let absent = case["absent"].as_array().into_iter().flatten().all(|path| {
        let steps = path.as_array().into_iter().flatten().filter_map(Json::as_str);
        steps.fold(answer, |json, step| &json[step]).is_null()
    });
    (!(exact && complete && absent)).then(|| format!("answered: {answer}"))
}

#[tokio::test]
async fn every_case_is_answered_as_aws_answers_it() {
    let mut count = 0;
    let mut faults = Vec::new();
    for (file, indexed, text) in FILES {
        let groups: Vec<Json> = serde_json::from_str(text).unwrap_or_else(|error| panic!("{file}: {error}"));
        for group in &groups {
            let source = group["source"].as_str().filter(|source| !source.is_empty()).expect("a source");
            let bench = bench(indexed).await;
            for case in group["setup"].as_array().expect("a list") {
                bench.ok(case["do"].as_str().expect("an operation"), input(case)).await;
            }
            for case in group["cases"].as_array().expect("a list") {
                count += 1;
                let outcome = bench.call(case["do"].as_str().expect("an operation"), &input(case)).await;
                if let Some(fault) = fault(case, &outcome) {
                    faults.push(format!("{file} ({source}): {case}\n    {fault}"));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{} of {count} cases:\n{}", faults.len(), faults.join("\n"));
    assert!(count >= CASES_MIN, "{count} cases");
}
