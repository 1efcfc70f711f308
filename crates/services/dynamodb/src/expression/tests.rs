//! Expressions as tables of cases. Texts are AWS's, as recorded in dynalite's tests (`test/putItem.js`,
//! `test/updateItem.js`, `test/query.js`, `test/scan.js`), in the DynamoDB conformance suite (`tier3/error-messages`)
//! and in ScyllaDB's tests, which also run against AWS.

mod conditions;
mod limits;
mod model;
mod updates;

use std::collections::BTreeMap;

use api::dynamodb::AttributeValue;
use serde_json::{Value as Json, json};

use super::*;
use crate::value::{Item, Value, Wording};

/// An item or placeholders in DynamoDB's JSON.
pub fn attributes(json: &Json) -> BTreeMap<String, AttributeValue> {
    crate::testing::attributes(json)
}

/// A context with these placeholders.
pub fn context(names: &Json, values: &Json) -> Context {
    let named = names.as_object().expect("an object");
    let names: BTreeMap<String, String> =
        named.iter().map(|(key, name)| (key.clone(), name.as_str().expect("a text").to_owned())).collect();
    let values = attributes(values);
    Context::new((!names.is_empty()).then_some(names), (!values.is_empty()).then_some(values), Wording::Older)
        .expect("valid")
}

/// An item.
pub fn item(json: &Json) -> Item {
    crate::value::read_item(attributes(json), Wording::Older).expect("valid")
}

/// Placeholders that most cases use.
pub fn usual() -> Context {
    context(
        &json!({"#a": "a", "#b": "b", "#size": "size"}),
        &json!({
            ":s": {"S": "text"}, ":e": {"S": ""}, ":n": {"N": "5"}, ":m": {"N": "7"}, ":b": {"B": "aGk="},
            ":t": {"BOOL": true}, ":null": {"NULL": true}, ":ss": {"SS": ["x", "y"]}, ":ns": {"NS": ["1", "2"]},
            ":l": {"L": [{"N": "1"}]}, ":map": {"M": {"k": {"S": "v"}}}, ":type": {"S": "S"}, ":bad": {"S": "X"},
        }),
    )
}

#[test]
fn placeholders_have_a_form_and_are_used() {
    let error = |names: Json, values: Json| {
        let names = names.as_object().map(|names| {
            names.iter().map(|(key, name)| (key.clone(), name.as_str().unwrap_or_default().to_owned())).collect()
        });
        Context::new(names, values.is_object().then(|| attributes(&values)), Wording::Older).expect_err("refused")
    };
    assert_eq!(error(json!({}), Json::Null), "ExpressionAttributeNames must not be empty");
    assert_eq!(error(Json::Null, json!({})), "ExpressionAttributeValues must not be empty");
    let invalid = r#"ExpressionAttributeNames contains invalid key: Syntax error; key: "a""#;
    assert_eq!(error(json!({"a": "a"}), Json::Null), invalid);
    let invalid = r##"ExpressionAttributeNames contains invalid key: Syntax error; key: "#""##;
    assert_eq!(error(json!({"#": "a"}), Json::Null), invalid);
    let invalid = r#"ExpressionAttributeValues contains invalid key: Syntax error; key: ":a b""#;
    assert_eq!(error(Json::Null, json!({":a b": {"S": ""}})), invalid);
    let invalid = "ExpressionAttributeValues contains invalid value: One or more parameter values were invalid: \
                   An string set  may not be empty for key :v";
    assert_eq!(error(Json::Null, json!({":v": {"SS": []}})), invalid);
    let context = context(&json!({"#x": "a", "#y": "b"}), &json!({":v": {"S": ""}}));
    let unused = "Value provided in ExpressionAttributeNames unused in expressions: keys: {#x, #y}";
    assert_eq!(context.check_used(), Err(unused.to_owned()));
    projection::parse("#x, #y", &context).expect("valid");
    let unused = "Value provided in ExpressionAttributeValues unused in expressions: keys: {:v}";
    assert_eq!(context.check_used(), Err(unused.to_owned()));
}

#[test]
fn projections_take_parts_and_lists_close_up() {
    let whole = item(&json!({
        "a": {"M": {"b": {"S": "x"}, "c": {"S": "y"}}},
        "l": {"L": [{"S": "0"}, {"S": "1"}, {"S": "2"}]},
        "s": {"S": "z"},
    }));
    for (text, expected) in [
        ("a, s", json!({"a": {"M": {"b": {"S": "x"}, "c": {"S": "y"}}}, "s": {"S": "z"}})),
        ("a.b", json!({"a": {"M": {"b": {"S": "x"}}}})),
        ("l[2], l[0]", json!({"l": {"L": [{"S": "0"}, {"S": "2"}]}})),
        ("l[9], a.zz, s.x, absent", json!({})),
        ("a.b, a.c", json!({"a": {"M": {"b": {"S": "x"}, "c": {"S": "y"}}}})),
    ] {
        let paths = projection::parse(text, &Context::default()).expect(text);
        assert_eq!(Selection::new(&paths).of_item(whole.clone()), item(&expected), "{text}");
    }
}

#[test]
fn projections_are_refused_in_aws_words() {
    let invalid = "Invalid ProjectionExpression:";
    let overlap = "Two document paths overlap with each other; must remove or rewrite one of these paths;";
    for (text, reason) in [
        ("", "The expression can not be empty;".to_owned()),
        ("a,", r#"Syntax error; token: "<EOF>", near: ",""#.to_owned()),
        ("a b", r#"Syntax error; token: "b", near: "a b""#.to_owned()),
        ("a.[1]", r#"Syntax error; token: "[", near: ".[1""#.to_owned()),
        ("abort", "Attribute name is a reserved keyword; reserved keyword: abort".to_owned()),
        ("a, a", format!("{overlap} path one: [a], path two: [a]")),
        ("a, a.b", format!("{overlap} path one: [a], path two: [a, b]")),
        ("a[0].x, a[0]", format!("{overlap} path one: [a, [0], x], path two: [a, [0]]")),
        (
            "a[0], a.b",
            "Two document paths conflict with each other; must remove or rewrite one of these paths; \
             path one: [a, [0]], path two: [a, b]"
                .to_owned(),
        ),
        (
            "#zz",
            "An expression attribute name used in the document path is not defined; attribute name: #zz".to_owned(),
        ),
    ] {
        let error = projection::parse(text, &usual()).expect_err(text);
        assert_eq!(error, format!("{invalid} {reason}"), "{text}");
    }
}

#[test]
fn parameters_that_exclude_each_other_are_refused() {
    let check = |new: bool, old: bool, names: bool, values: bool| {
        let new = [("UpdateExpression", new), ("ConditionExpression", false)];
        parameters::check(&new, &[("AttributeUpdates", old), ("Expected", old)], names, values, Wording::Older)
    };
    assert_eq!(check(true, false, true, true), Ok(()));
    let text = "Can not use both expression and non-expression parameters in the same request: \
                Non-expression parameters: {AttributeUpdates, Expected} Expression parameters: {UpdateExpression}";
    assert_eq!(check(true, true, false, false), Err(text.to_owned()));
    let text = "ExpressionAttributeNames can only be specified when using expressions";
    assert_eq!(check(false, true, true, true), Err(text.to_owned()));
    let text = "ExpressionAttributeValues can only be specified when using expressions: UpdateExpression and \
                ConditionExpression are null";
    assert_eq!(check(false, false, false, true), Err(text.to_owned()));
}

#[test]
fn values_are_found_by_path() {
    let item = item(&json!({"a": {"L": [{"M": {"b": {"N": "1"}}}]}}));
    let path = projection::parse("a[0].b", &Context::default()).expect("valid").remove(0);
    assert_eq!(path.get(&item), Some(&Value::N(crate::number::Number::from_u64(1))));
    assert_eq!(path.to_string(), "[a, [0], b]");
}
