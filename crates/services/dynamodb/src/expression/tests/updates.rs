//! Updates: what they make of items, and what is wrong with them.

use serde_json::json;

use super::super::update::parse;
use super::{item, usual};

#[test]
fn updates_change_items() {
    let before = json!({
        "n": {"N": "5"}, "s": {"S": "x"}, "l": {"L": [{"S": "0"}, {"S": "1"}, {"S": "2"}]},
        "m": {"M": {"k": {"N": "1"}}}, "ss": {"SS": ["x", "z"]},
    });
    for (text, changed) in [
        ("SET a = :n", json!({"a": {"N": "5"}})),
        ("set  a=:n,  b = s", json!({"a": {"N": "5"}, "b": {"S": "x"}})),
        ("SET n = n + :m", json!({"n": {"N": "12"}})),
        ("SET n = :m - n", json!({"n": {"N": "2"}})),
        ("SET n = if_not_exists(x, :n) + :n", json!({"n": {"N": "10"}})),
        ("SET n = if_not_exists(n, :m)", json!({})),
        ("SET x = if_not_exists(y, if_not_exists(z, :s))", json!({"x": {"S": "text"}})),
        ("SET l = list_append(l, :l)", json!({"l": {"L": [{"S": "0"}, {"S": "1"}, {"S": "2"}, {"N": "1"}]}})),
        ("SET x = list_append(:l, :l)", json!({"x": {"L": [{"N": "1"}, {"N": "1"}]}})),
        ("SET l[1] = :n", json!({"l": {"L": [{"S": "0"}, {"N": "5"}, {"S": "2"}]}})),
        ("SET l[9] = :n", json!({"l": {"L": [{"S": "0"}, {"S": "1"}, {"S": "2"}, {"N": "5"}]}})),
        ("SET l[9] = :n, l[7] = :m", json!({"l": {"L": [{"S": "0"}, {"S": "1"}, {"S": "2"}, {"N": "7"}, {"N": "5"}]}})),
        ("SET m.x = :n", json!({"m": {"M": {"k": {"N": "1"}, "x": {"N": "5"}}}})),
        ("SET m.k = m.k + :n", json!({"m": {"M": {"k": {"N": "6"}}}})),
        ("SET a = s REMOVE s", json!({"a": {"S": "x"}, "s": null})),
        ("REMOVE s, absent", json!({"s": null})),
        ("REMOVE l[0], l[2]", json!({"l": {"L": [{"S": "1"}]}})),
        ("REMOVE l[0] SET l[1] = :n", json!({"l": {"L": [{"N": "5"}, {"S": "2"}]}})),
        ("REMOVE l[7]", json!({})),
        ("REMOVE m.k", json!({"m": {"M": {}}})),
        ("ADD n :m", json!({"n": {"N": "12"}})),
        ("ADD x :m", json!({"x": {"N": "7"}})),
        ("ADD ss :ss", json!({"ss": {"SS": ["x", "y", "z"]}})),
        ("ADD x :ns", json!({"x": {"NS": ["1", "2"]}})),
        ("DELETE ss :ss", json!({"ss": {"SS": ["z"]}})),
        ("DELETE x :ss", json!({})),
    ] {
        let mut item = item(&before);
        let mut expected = before.clone();
        for (name, value) in changed.as_object().expect("an object") {
            if value.is_null() {
                expected.as_object_mut().expect("an object").remove(name);
            } else {
                expected[name] = value.clone();
            }
        }
        let update = parse(text, &usual()).unwrap_or_else(|error| panic!("{text}: {error}"));
        update.apply(&mut item).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(item, super::item(&expected), "{text}");
    }
}

#[test]
fn the_last_element_of_a_set_takes_the_attribute_along() {
    let mut item = item(&json!({"ss": {"SS": ["x"]}, "l": {"L": [{"SS": ["y"]}, {"S": "z"}]}}));
    let update = parse("DELETE ss :ss, l[0] :ss", &usual()).expect("valid");
    update.apply(&mut item).expect("applied");
    assert_eq!(item, super::item(&json!({"l": {"L": [{"S": "z"}]}})));
}

#[test]
fn updates_of_the_wrong_items_are_refused() {
    let invalid_path = "The document path provided in the update expression is invalid for update";
    let wrong_type = "An operand in the update expression has an incorrect data type";
    let missing = "The provided expression refers to an attribute that does not exist in the item";
    let overflow = "Number overflow. Attempting to store a number with magnitude larger than supported range";
    for (text, expected) in [
        ("SET a = absent", missing),
        ("SET a = :n, b = a", missing),
        ("SET a = absent + :n", missing),
        ("SET a = list_append(absent, :l)", missing),
        ("SET a = s + :n", wrong_type),
        ("SET a = list_append(s, :l)", wrong_type),
        ("SET big = big + big", overflow),
        ("SET a.b = :n", invalid_path),
        ("SET s.b = :n", invalid_path),
        ("SET s[0] = :n", invalid_path),
        ("REMOVE a.b", invalid_path),
        ("REMOVE s[1]", invalid_path),
        ("ADD s :n", wrong_type),
        ("ADD n :ss", wrong_type),
        ("ADD a.b :n", invalid_path),
        ("DELETE s :ss", wrong_type),
        ("DELETE ss :ns", wrong_type),
    ] {
        let mut item = item(&json!({"s": {"S": "x"}, "n": {"N": "1"}, "ss": {"SS": ["x"]}, "big": {"N": "9e125"}}));
        let update = parse(text, &usual()).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(update.apply(&mut item), Err(expected.to_owned()), "{text}");
    }
}

#[test]
fn updates_are_refused_in_aws_words() {
    let overlap = "Two document paths overlap with each other; must remove or rewrite one of these paths;";
    let conflict = "Two document paths conflict with each other; must remove or rewrite one of these paths;";
    let wrong = |name: &str, kind: &str| {
        format!("Incorrect operand type for operator or function; operator or function: {name}, operand type: {kind}")
    };
    let misplaced = |clause: &str, kind: &str| {
        format!(
            "Incorrect operand type for operator or function; operator: {clause}, operand type: {kind}, typeSet: \
             ALLOWED_FOR_{clause}_OPERAND"
        )
    };
    for (text, reason) in [
        ("", "The expression can not be empty;".to_owned()),
        ("INVALID SYNTAX HERE", r#"Syntax error; token: "INVALID", near: "INVALID SYNTAX""#.to_owned()),
        ("SET", r#"Syntax error; token: "<EOF>", near: "SET""#.to_owned()),
        ("SET a = :n,", r#"Syntax error; token: "<EOF>", near: ",""#.to_owned()),
        ("SET :n = a", r#"Syntax error; token: ":n", near: "SET :n =""#.to_owned()),
        ("SET _123 = :n", r#"Syntax error; token: "_", near: "SET _123""#.to_owned()),
        ("SET a = :n + :n + :n", r#"Syntax error; token: "+", near: ":n + :n""#.to_owned()),
        ("SET a = if_not_exists(a, :n + :n)", r#"Syntax error; token: "+", near: ":n + :n""#.to_owned()),
        ("ADD a b", r#"Syntax error; token: "b", near: "a b""#.to_owned()),
        ("SET a = :n SET b = :n", r#"The "SET" section can only be used once in an update expression;"#.to_owned()),
        ("SET name = :n", "Attribute name is a reserved keyword; reserved keyword: name".to_owned()),
        ("SET a = f(b)", "Invalid function name; function: f".to_owned()),
        ("SET a = LIST_APPEND(b, c)", "Invalid function name; function: LIST_APPEND".to_owned()),
        ("SET a = size(b)", "The function is not allowed in an update expression; function: size".to_owned()),
        (
            "SET a = list_append(list_append(b, c), d)",
            "The function is not allowed to be used this way in an expression; function: list_append".to_owned(),
        ),
        (
            "SET a = list_append(:l)",
            "Incorrect number of operands for operator or function; operator or function: list_append, number of \
             operands: 1"
                .to_owned(),
        ),
        (
            "SET a = if_not_exists(:n, :m)",
            "Operator or function requires a document path; operator or function: if_not_exists".to_owned(),
        ),
        ("SET a = list_append(:l, :s)", wrong("list_append", "S")),
        ("SET a = :s + :n", wrong("+", "S")),
        ("SET a = b - :ss", wrong("-", "SS")),
        ("ADD a :s", misplaced("ADD", "STRING")),
        ("DELETE a :n", misplaced("DELETE", "NUMBER")),
        ("SET a = :n, a = :m", format!("{overlap} path one: [a], path two: [a]")),
        ("SET a = :n REMOVE a", format!("{overlap} path one: [a], path two: [a]")),
        ("SET a.b.c = :n, a.b = :m", format!("{overlap} path one: [a, b, c], path two: [a, b]")),
        ("SET a[1][1] = :n, a[1] = :m", format!("{overlap} path one: [a, [1], [1]], path two: [a, [1]]")),
        ("SET a.b = :n, a[1] = :m", format!("{conflict} path one: [a, b], path two: [a, [1]]")),
        ("SET a = :zz", "An expression attribute value used in expression is not defined; attribute value: :zz".into()),
        (
            "SET #zz = :n",
            "An expression attribute name used in the document path is not defined; attribute name: #zz".to_owned(),
        ),
    ] {
        let error = parse(text, &usual()).expect_err(text);
        assert_eq!(error, format!("Invalid UpdateExpression: {reason}"), "{text}");
    }
}
