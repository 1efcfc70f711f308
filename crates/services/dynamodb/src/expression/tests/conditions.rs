//! Conditions: what they say of items, and what is wrong with them.

use serde_json::json;

use super::super::condition::{Use, parse};
use super::{context, item, usual};

#[test]
fn conditions_hold_or_not() {
    let item = item(&json!({
        "a": {"N": "5"}, "b": {"N": "7"}, "s": {"S": "hello"}, "bin": {"B": "aGVsbG8="}, "t": {"BOOL": true},
        "n": {"NULL": true}, "ss": {"SS": ["x", "y"]}, "ns": {"NS": ["1", "2"]}, "same": {"SS": ["y", "x"]},
        "l": {"L": [{"N": "1"}, {"S": "one"}, {"M": {"k": {"S": "v"}}}]}, "m": {"M": {"k": {"S": "v"}}},
    }));
    for (text, expected) in [
        ("a = :n", true),
        ("a <> :n", false),
        ("a < b", true),
        ("a >= b", false),
        (":n <= a", true),
        ("a = :s", false),
        ("a <> :s", true),
        ("absent = :n", false),
        ("absent <> :n", true),
        ("absent < :n", false),
        ("NOT absent = :n", true),
        ("s > :s", false),
        ("a BETWEEN :n AND :m", true),
        ("b between :n and :n", false),
        ("absent BETWEEN :n AND :m", false),
        ("a IN (:m, :n)", true),
        ("a IN (:m)", false),
        ("absent IN (:m)", false),
        ("ss = same", true),
        ("l[2] = m", true),
        ("attribute_exists(l[2].k)", true),
        ("attribute_exists(l[9])", false),
        ("attribute_not_exists(m.x)", true),
        ("attribute_type(s, :type)", true),
        ("attribute_type(a, :type)", false),
        ("begins_with(s, :e)", true),
        ("begins_with(bin, :b)", false),
        ("begins_with(a, s)", false),
        ("contains(s, :e)", true),
        ("contains(ss, :s)", false),
        ("contains(ns, :n)", false),
        ("contains(l, m)", true),
        ("contains(m, :s)", false),
        ("size(s) = :n", true),
        ("size(ss) < :n", true),
        ("size(a) = :n", false),
        ("size(l) <> size(m)", true),
        ("a = :n AND b = :n OR t = :t", true),
        ("a = :n AND (b = :n OR t = :t)", true),
        ("b = :n AND a = :n OR b = :n", false),
        ("NOT a = :n OR b = :m", true),
        ("NOT (a = :n OR b = :m)", false),
        ("not not a = :n", true),
        ("n = :null", true),
        ("t = :t", true),
        ("t > :n", false),
        ("(a) = (:n)", true),
        ("(a = :n) AND ((b = :n) OR (t = :t))", true),
    ] {
        let context = usual();
        let condition = parse(Use::Condition, text, &context).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(condition.holds(&item), expected, "{text}");
    }
}

#[test]
fn conditions_are_refused_in_aws_words() {
    let count = |name: &str, count: usize| {
        let text = "Incorrect number of operands for operator or function; operator or function";
        format!("{text}: {name}, number of operands: {count}")
    };
    let misused =
        |name: &str| format!("The function is not allowed to be used this way in an expression; function: {name}");
    let redundant = || "The expression has redundant parentheses;".to_owned();
    for (text, reason) in [
        ("", "The expression can not be empty;".to_owned()),
        ("a", r#"Syntax error; token: "<EOF>", near: "a""#.to_owned()),
        ("a =", r#"Syntax error; token: "<EOF>", near: "=""#.to_owned()),
        ("a = :n b", r#"Syntax error; token: "b", near: ":n b""#.to_owned()),
        ("a == :n", r#"Syntax error; token: "=", near: "== :n""#.to_owned()),
        ("user-id = :n", r#"Syntax error; token: "-", near: "user-id""#.to_owned()),
        ("a IN ()", r#"Syntax error; token: ")", near: "()""#.to_owned()),
        ("name = :n", "Attribute name is a reserved keyword; reserved keyword: name".to_owned()),
        ("((a = :n))", redundant()),
        ("(((a = :n)))", redundant()),
        ("((a)) = :n", redundant()),
        ("a = :n AND ((b = :n))", redundant()),
        ("dog(a)", "Invalid function name; function: dog".to_owned()),
        ("ATTRIBUTE_EXISTS(a)", "Invalid function name; function: ATTRIBUTE_EXISTS".to_owned()),
        ("size(a)", misused("size")),
        ("attribute_exists(a) = :t", misused("attribute_exists")),
        ("contains(attribute_exists(a), :t)", misused("attribute_exists")),
        (
            "if_not_exists(a, b) = :n",
            "The function is not allowed in a condition expression; function: if_not_exists".to_owned(),
        ),
        ("attribute_exists(a, b)", count("attribute_exists", 2)),
        ("begins_with(a)", count("begins_with", 1)),
        ("size(a, b) = :n", count("size", 2)),
        (
            "attribute_exists(:n)",
            "Operator or function requires a document path; operator or function: attribute_exists".to_owned(),
        ),
        // The order of complaints: parentheses, unknown and misused functions, reserved words, everything else.
        ("((dog(a)))", redundant()),
        ("dog(name)", "Invalid function name; function: dog".to_owned()),
        ("size(name)", misused("size")),
        ("name = :zz", "Attribute name is a reserved keyword; reserved keyword: name".to_owned()),
    ] {
        let error = parse(Use::Condition, text, &usual()).expect_err(text);
        assert_eq!(error, format!("Invalid ConditionExpression: {reason}"), "{text}");
    }
    let error = parse(Use::Filter, "a", &usual()).expect_err("refused");
    assert!(error.starts_with("Invalid FilterExpression: Syntax error;"), "{error}");
}

#[test]
fn operands_are_refused_in_aws_words() {
    let wrong = |name: &str, kind: &str| {
        format!("Incorrect operand type for operator or function; operator or function: {name}, operand type: {kind}")
    };
    let distinct = |name: &str, path: &str| {
        format!(
            "The first operand must be distinct from the remaining operands for this operator or function; \
             operator: {name}, first operand: {path}"
        )
    };
    for (text, reason) in [
        ("begins_with(a, :n)", wrong("begins_with", "N")),
        ("begins_with(:ss, :s)", wrong("begins_with", "SS")),
        ("attribute_type(a, :n)", wrong("attribute_type", "N")),
        ("attribute_type(a, b)", wrong("attribute_type", "{NS,SS,L,BS,N,M,B,BOOL,NULL,S}")),
        (
            "attribute_type(a, :bad)",
            "Invalid attribute type name found; type: X, valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}".to_owned(),
        ),
        ("size(:n) = :n", wrong("size", "N")),
        ("size(:t) = :n", wrong("size", "BOOL")),
        ("a < :t", wrong("<", "BOOL")),
        ("a >= :map", wrong(">=", "M")),
        ("a BETWEEN :t AND :t", wrong("BETWEEN", "BOOL")),
        (
            "a BETWEEN :m AND :n",
            "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; lower bound \
             operand: AttributeValue: {N:7}, upper bound operand: AttributeValue: {N:5}"
                .to_owned(),
        ),
        (
            "a BETWEEN :n AND :s",
            "The BETWEEN operator requires same data type for lower and upper bounds; lower bound operand: \
             AttributeValue: {N:5}, upper bound operand: AttributeValue: {S:text}"
                .to_owned(),
        ),
        ("a = a", distinct("=", "[a]")),
        ("contains(#a, a)", distinct("contains", "[a]")),
        ("a.b[1] IN (:n, a.b[1])", distinct("IN", "[a, b, [1]]")),
        ("a = :zz", "An expression attribute value used in expression is not defined; attribute value: :zz".to_owned()),
        (
            "#zz = :n",
            "An expression attribute name used in the document path is not defined; attribute name: #zz".to_owned(),
        ),
    ] {
        let error = parse(Use::Condition, text, &usual()).expect_err(text);
        assert_eq!(error, format!("Invalid ConditionExpression: {reason}"), "{text}");
    }
}

#[test]
fn key_conditions_become_tests_of_attributes() {
    use super::super::key_condition::{Operator, from_expression};
    let tests = |text: &str| {
        let context = context(&json!({}), &json!({":a": {"S": "a"}, ":b": {"S": "b"}}));
        let parsed = parse(Use::Key, text, &context)?;
        from_expression(&parsed).map(|tests| {
            tests.into_iter().map(|(name, test)| (name, test.operator, test.values.len())).collect::<Vec<_>>()
        })
    };
    let one = |name: &str, operator| (name.to_owned(), operator, 1);
    let both = |operator| Ok(vec![one("pk", Operator::Eq), one("sk", operator)]);
    assert_eq!(tests("pk = :a"), Ok(vec![one("pk", Operator::Eq)]));
    assert_eq!(tests("((pk = :a)) AND ((sk <= :b))"), both(Operator::Le));
    assert_eq!(tests("pk = :a AND :b <= sk"), both(Operator::Ge));
    assert_eq!(tests(":b > sk AND :a = pk"), both(Operator::Lt));
    assert_eq!(tests("pk = :a AND begins_with(sk, :b)"), both(Operator::BeginsWith));
    let between = Ok(vec![one("pk", Operator::Eq), ("sk".to_owned(), Operator::Between, 2)]);
    assert_eq!(tests("pk = :a AND sk BETWEEN :a AND :b"), between);
    let invalid = "Invalid condition in KeyConditionExpression:";
    for (text, expected) in [
        ("pk = :a OR sk = :b", "Invalid operator used in KeyConditionExpression: OR".to_owned()),
        ("NOT pk = :a", "Invalid operator used in KeyConditionExpression: NOT".to_owned()),
        ("pk IN (:a)", "Invalid operator used in KeyConditionExpression: IN".to_owned()),
        ("pk <> :a", "Invalid operator used in KeyConditionExpression: <>".to_owned()),
        ("contains(pk, :a)", "Invalid operator used in KeyConditionExpression: contains".to_owned()),
        ("attribute_exists(pk)", "Invalid operator used in KeyConditionExpression: attribute_exists".to_owned()),
        ("pk = :a AND sk.x = :b", "KeyConditionExpressions cannot have conditions on nested attributes".to_owned()),
        ("size(pk) = :a", "KeyConditionExpressions cannot contain nested operations".to_owned()),
        (
            "pk = :a AND pk = :b",
            "Invalid KeyConditionExpression: KeyConditionExpressions must only contain one condition per key"
                .to_owned(),
        ),
        ("pk = sk", format!("{invalid} Multiple attribute names used in one condition")),
        (":a = :b", format!("{invalid} No key attribute specified")),
        (
            ":a BETWEEN pk AND sk",
            format!("{invalid} BETWEEN operator must have the key attribute as its first operand"),
        ),
        (
            "begins_with(:a, pk)",
            format!("{invalid} begins_with operator must have the key attribute as its first operand"),
        ),
    ] {
        assert_eq!(tests(text), Err(expected), "{text}");
    }
}
