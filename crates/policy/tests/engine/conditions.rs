//! "IAM JSON policy elements: Condition operators", and "Single-valued vs. multivalued context keys".

use traca_policy::{Context, Kind, Policy};

use crate::support::{allows, context, identity, named};

/// Operator, the policy's values as JSON, the request's values (`None`: the key is absent), and whether it holds.
type Case = (&'static str, &'static str, Option<&'static [&'static str]>, bool);

fn check(cases: &[Case]) {
    for (operator, values, request, expected) in cases {
        for (effect, other) in [("Allow", "Deny"), ("Deny", "Allow")] {
            let statement = format!(
                r#"{{"Effect": "{effect}", "Action": "*", "Resource": "*", "Condition": {{"{operator}": {{"test:Key": {values}}}}}}}"#
            );
            let entries: Vec<(&str, &[&str])> = request.iter().map(|values| ("TEST:key", *values)).collect();
            let mut policies = vec![identity(&statement)];
            if other == "Allow" {
                policies.push(identity(r#"{"Effect": "Allow", "Action": "*", "Resource": "*"}"#));
            }
            let holds = allows(&policies, "s3:GetObject", "*", &context(&entries)) == (effect == "Allow");
            assert_eq!(holds, *expected, "{effect} if {operator} {values}, given {request:?}");
        }
    }
}

#[test]
fn strings() {
    check(&[
        ("StringEquals", r#""blue""#, Some(&["blue"]), true),
        ("StringEquals", r#""blue""#, Some(&["Blue"]), false),
        ("StringEquals", r#""blue""#, Some(&["blue "]), false),
        ("StringEquals", r#""bl*""#, Some(&["blue"]), false),
        ("StringEquals", r#""bl*""#, Some(&["bl*"]), true),
        ("StringEquals", r#"["red", "blue"]"#, Some(&["blue"]), true),
        ("StringEquals", r#"["red", "blue"]"#, Some(&["green"]), false),
        ("StringEquals", r#""""#, Some(&[""]), true),
        ("StringEquals", r#"[]"#, Some(&["blue"]), false),
        ("StringNotEquals", r#"[]"#, Some(&["blue"]), false),
        ("StringNotEquals", r#"[]"#, None, false),
        ("StringNotEqualsIfExists", r#"[]"#, None, true),
        ("ForAllValues:StringEquals", r#"[]"#, None, true),
        ("ForAllValues:StringEquals", r#"[]"#, Some(&["blue"]), false),
        ("ForAnyValue:StringNotEquals", r#"[]"#, Some(&["blue"]), false),
        ("StringEquals", r#""blue""#, None, false),
        ("StringNotEquals", r#""blue""#, Some(&["green"]), true),
        ("StringNotEquals", r#""blue""#, Some(&["blue"]), false),
        ("StringNotEquals", r#"["red", "blue"]"#, Some(&["blue"]), false),
        ("StringNotEquals", r#"["red", "blue"]"#, Some(&["green"]), true),
        ("StringNotEquals", r#""blue""#, None, true),
        ("StringEqualsIgnoreCase", r#""BLUE""#, Some(&["blue"]), true),
        ("StringEqualsIgnoreCase", r#""ÄRGER""#, Some(&["ärger"]), true),
        ("StringEqualsIgnoreCase", r#""BLUE""#, Some(&["green"]), false),
        ("StringEqualsIgnoreCase", r#""BLUE""#, None, false),
        ("StringNotEqualsIgnoreCase", r#""BLUE""#, Some(&["blue"]), false),
        ("StringNotEqualsIgnoreCase", r#""BLUE""#, Some(&["green"]), true),
        ("StringNotEqualsIgnoreCase", r#""BLUE""#, None, true),
        ("StringLike", r#""home/*""#, Some(&["home/ana/photo"]), true),
        ("StringLike", r#""home/*""#, Some(&["home/"]), true),
        ("StringLike", r#""home/*""#, Some(&["work/ana"]), false),
        ("StringLike", r#""home/*""#, Some(&["Home/ana"]), false),
        ("StringLike", r#""a?c""#, Some(&["abc"]), true),
        ("StringLike", r#""a?c""#, Some(&["ac"]), false),
        ("StringLike", r#""a?c""#, Some(&["aüc"]), true),
        ("StringLike", r#""*b*""#, Some(&["aabaa"]), true),
        ("StringLike", r#""a*b?d*""#, Some(&["axxbxbcdy"]), true),
        ("StringLike", r#"["", "home/", "home/*"]"#, Some(&[""]), true),
        ("StringLike", r#""home/*""#, None, false),
        ("StringNotLike", r#""home/*""#, Some(&["work/ana"]), true),
        ("StringNotLike", r#""home/*""#, Some(&["home/ana"]), false),
        ("StringNotLike", r#""home/*""#, None, true),
    ]);
}

#[test]
fn numbers() {
    check(&[
        ("NumericEquals", r#""10""#, Some(&["10"]), true),
        ("NumericEquals", "10", Some(&["10.0"]), true),
        ("NumericEquals", "10", Some(&["11"]), false),
        ("NumericEquals", "10", Some(&["ten"]), false),
        ("NumericEquals", "10", None, false),
        ("NumericNotEquals", "10", Some(&["11"]), true),
        ("NumericNotEquals", "10", Some(&["10"]), false),
        ("NumericNotEquals", "10", None, true),
        ("NumericNotEquals", "10", Some(&["ten"]), true),
        ("NumericEquals", "1", Some(&["01"]), true),
        ("NumericEquals", "1", Some(&["+1"]), true),
        ("NumericEquals", "1", Some(&["1e0"]), true),
        ("NumericEquals", "1", Some(&[""]), false),
        ("NumericLessThan", "10", Some(&["9.99"]), true),
        ("NumericLessThan", "10", Some(&["10"]), false),
        ("NumericLessThan", "10", None, false),
        ("NumericLessThanEquals", "10", Some(&["10"]), true),
        ("NumericLessThanEquals", "10", Some(&["10.01"]), false),
        ("NumericGreaterThan", "-3", Some(&["-2"]), true),
        ("NumericGreaterThan", "10", Some(&["10"]), false),
        ("NumericGreaterThan", "10", Some(&["NaN"]), false),
        ("NumericGreaterThan", "10", Some(&["inf"]), false),
        ("NumericGreaterThanEquals", "10", Some(&["10"]), true),
        ("NumericGreaterThanEquals", r#"["10", "20"]"#, Some(&["15"]), true),
        ("NumericGreaterThanEquals", "10", Some(&["9"]), false),
    ]);
}

#[test]
fn dates() {
    check(&[
        ("DateEquals", r#""2024-04-01T12:00:00Z""#, Some(&["2024-04-01T12:00:00Z"]), true),
        ("DateEquals", r#""2024-04-01T12:00:00Z""#, Some(&["2024-04-01T14:00:00+02:00"]), true),
        ("DateEquals", r#""2024-04-01T12:00:00Z""#, Some(&["2024-04-01T07:00:00-05:00"]), true),
        ("DateEquals", r#""2024-04-01T12:00:00Z""#, Some(&["2024-04-01T12:00:00.000Z"]), true),
        ("DateEquals", r#""2024-04-01T12:00:00Z""#, Some(&["1711972800"]), true),
        ("DateEquals", r#""1711972800""#, Some(&["2024-04-01T12:00:00Z"]), true),
        ("DateEquals", "1711972800", Some(&["1711972800"]), true),
        ("DateEquals", r#""2024-04-01""#, Some(&["2024-04-01T00:00:00Z"]), true),
        ("DateEquals", r#""2024-04""#, None, false),
        ("DateEquals", r#""2024-04-01""#, Some(&["soon"]), false),
        ("DateNotEquals", r#""2024-04-01""#, Some(&["2024-04-02T00:00:00Z"]), true),
        ("DateNotEquals", r#""2024-04-01""#, Some(&["2024-04-01T00:00:00Z"]), false),
        ("DateNotEquals", r#""2024-04-01""#, None, true),
        ("DateNotEquals", r#""2024-04-01""#, Some(&["soon"]), true),
        ("DateLessThan", r#""2024-04-01T00:00:00Z""#, Some(&["2024-03-31T23:59:59.999Z"]), true),
        ("DateLessThan", r#""2024-04-01T00:00:00Z""#, Some(&["2024-04-01T00:00:00Z"]), false),
        ("DateLessThan", r#""2024-03-01T00:00:00Z""#, Some(&["2024-02-29T23:00:00Z"]), true),
        ("DateLessThanEquals", r#""2024-04-01T00:00:00Z""#, Some(&["2024-04-01T00:00:00Z"]), true),
        ("DateGreaterThan", r#""2024-04-01T00:00:00Z""#, Some(&["2024-04-01T00:00:01Z"]), true),
        ("DateGreaterThan", r#""2024-04-01T00:00:00Z""#, Some(&["1969-12-31T23:59:59Z"]), false),
        ("DateGreaterThan", r#""-0001-01-01T00:00:00Z""#, Some(&["1969-12-31T23:59:59Z"]), true),
        ("DateGreaterThanEquals", r#""2024-04-01T00:00:00Z""#, Some(&["2024-04-01T00:00:00Z"]), true),
        ("DateGreaterThanEquals", r#""2024-04-01T00:00:00Z""#, None, false),
    ]);
}

#[test]
fn truth_values_and_binaries() {
    check(&[
        ("Bool", r#""true""#, Some(&["true"]), true),
        ("Bool", "true", Some(&["true"]), true),
        ("Bool", r#""True""#, Some(&["TRUE"]), true),
        ("Bool", r#""true""#, Some(&["false"]), false),
        ("Bool", r#""false""#, Some(&["false"]), true),
        ("Bool", r#""false""#, None, false),
        ("Bool", r#""yes""#, Some(&["yes"]), false),
        ("BoolIfExists", r#""false""#, None, true),
        ("BoolIfExists", r#""false""#, Some(&["true"]), false),
        ("BinaryEquals", r#""QmluYXJ5VmFsdWVJbkJhc2U2NA==""#, Some(&["QmluYXJ5VmFsdWVJbkJhc2U2NA=="]), true),
        ("BinaryEquals", r#""QmluYXJ5VmFsdWVJbkJhc2U2NA==""#, Some(&["QmluYXJ5"]), false),
        ("BinaryEquals", r#""QmluYXJ5""#, Some(&["not base64!"]), false),
        ("BinaryEquals", r#""QmluYXJ5""#, None, false),
    ]);
}

#[test]
fn addresses() {
    check(&[
        ("IpAddress", r#""203.0.113.0/24""#, Some(&["203.0.113.77"]), true),
        ("IpAddress", r#""203.0.113.0/24""#, Some(&["203.0.114.1"]), false),
        ("IpAddress", r#""203.0.113.9/24""#, Some(&["203.0.113.77"]), true),
        ("IpAddress", r#""203.0.113.5""#, Some(&["203.0.113.5"]), true),
        ("IpAddress", r#""203.0.113.5""#, Some(&["203.0.113.6"]), false),
        ("IpAddress", r#""0.0.0.0/0""#, Some(&["8.8.8.8"]), true),
        ("IpAddress", r#""0.0.0.0/0""#, Some(&["2001:db8::1"]), false),
        ("IpAddress", r#""2001:db8:1234:5678::/64""#, Some(&["2001:DB8:1234:5678::1"]), true),
        ("IpAddress", r#""2001:db8:1234:5678::/64""#, Some(&["2001:db8:1234:5679::1"]), false),
        ("IpAddress", r#""::/0""#, Some(&["2001:db8::1"]), true),
        ("IpAddress", r#""203.0.113.0/24""#, Some(&["::ffff:203.0.113.9"]), true),
        ("IpAddress", r#"["198.51.100.0/24", "203.0.113.0/24"]"#, Some(&["203.0.113.1"]), true),
        ("IpAddress", r#""203.0.113.0/24""#, Some(&["localhost"]), false),
        ("IpAddress", r#""203.0.113.0/24""#, None, false),
        ("NotIpAddress", r#""203.0.113.0/24""#, Some(&["198.51.100.1"]), true),
        ("NotIpAddress", r#""203.0.113.0/24""#, Some(&["203.0.113.1"]), false),
        ("NotIpAddress", r#"["203.0.113.0/24", "198.51.100.0/24"]"#, Some(&["198.51.100.1"]), false),
        ("NotIpAddress", r#""203.0.113.0/24""#, None, true),
        ("NotIpAddress", r#""203.0.113.0/24""#, Some(&["localhost"]), false),
    ]);
}

#[test]
fn arns() {
    check(&[
        (
            "ArnEquals",
            r#""arn:aws:sns:us-east-1:123456789012:t""#,
            Some(&["arn:aws:sns:us-east-1:123456789012:t"]),
            true,
        ),
        ("ArnEquals", r#""arn:aws:sns:*:123456789012:t*""#, Some(&["arn:aws:sns:eu-west-1:123456789012:topic"]), true),
        ("ArnLike", r#""arn:aws:sns:*:123456789012:*""#, Some(&["arn:aws:sns:eu-west-1:123456789012:t"]), true),
        ("ArnLike", r#""arn:aws:s3:::bucket/*""#, Some(&["arn:aws:s3:::bucket/a/b:c"]), true),
        ("ArnLike", r#""arn:aws:s3:*:*:bucket""#, Some(&["arn:aws:s3:::bucket"]), true),
        ("ArnLike", r#""arn:aws:s3:::bucket""#, Some(&["bucket"]), false),
        ("ArnLike", r#""*""#, Some(&["arn:aws:s3:::bucket"]), true),
        ("ArnLike", r#""arn:aws:s3:::bucket""#, None, false),
        ("ArnNotEquals", r#""arn:aws:s3:::bucket""#, Some(&["arn:aws:s3:::other"]), true),
        ("ArnNotEquals", r#""arn:aws:s3:::bucket""#, None, true),
        ("ArnNotLike", r#""arn:aws:s3:::b*""#, Some(&["arn:aws:s3:::bucket"]), false),
        ("ArnNotLike", r#""arn:aws:s3:::b*""#, Some(&["arn:aws:s3:::tub"]), true),
        ("ArnNotLike", r#""arn:aws:s3:::b*""#, Some(&["tub"]), false),
    ]);
}

#[test]
fn existence() {
    check(&[
        ("Null", r#""true""#, None, true),
        ("Null", r#""true""#, Some(&["value"]), false),
        ("Null", r#""true""#, Some(&[]), true),
        ("Null", r#""false""#, None, false),
        ("Null", r#""false""#, Some(&["value"]), true),
        ("Null", "false", Some(&["one", "two"]), true),
        ("StringEqualsIfExists", r#""blue""#, None, true),
        ("StringEqualsIfExists", r#""blue""#, Some(&["green"]), false),
        ("StringEqualsIfExists", r#""blue""#, Some(&["blue"]), true),
        ("StringNotEqualsIfExists", r#""blue""#, None, true),
        ("NumericLessThanIfExists", "10", None, true),
        ("NumericLessThanIfExists", "10", Some(&["12"]), false),
        ("IpAddressIfExists", r#""203.0.113.0/24""#, None, true),
        ("ArnLikeIfExists", r#""arn:aws:s3:::b""#, None, true),
        ("ForAllValues:StringEqualsIfExists", r#""blue""#, None, true),
        ("ForAnyValue:StringEqualsIfExists", r#""blue""#, None, false),
        ("ForAnyValue:StringEqualsIfExists", r#""blue""#, Some(&["green"]), false),
    ]);
}

#[test]
fn several_values() {
    check(&[
        ("ForAllValues:StringEquals", r#"["a", "b"]"#, Some(&["a"]), true),
        ("ForAllValues:StringEquals", r#"["a", "b"]"#, Some(&["a", "b"]), true),
        ("ForAllValues:StringEquals", r#"["a", "b"]"#, Some(&["a", "c"]), false),
        ("ForAllValues:StringEquals", r#"["a", "b"]"#, Some(&[]), true),
        ("ForAllValues:StringEquals", r#"["a", "b"]"#, None, true),
        ("ForAllValues:StringLike", r#"["user*"]"#, Some(&["userId", "userName"]), true),
        ("ForAllValues:StringLike", r#"["user*"]"#, Some(&["userId", "data"]), false),
        ("ForAllValues:StringNotEquals", r#"["a", "b"]"#, Some(&["c", "d"]), true),
        ("ForAllValues:StringNotEquals", r#"["a", "b"]"#, Some(&["a", "d"]), false),
        ("ForAllValues:StringNotEquals", r#"["a", "b"]"#, None, true),
        ("ForAnyValue:StringEquals", r#"["a", "b"]"#, Some(&["a", "c"]), true),
        ("ForAnyValue:StringEquals", r#"["a", "b"]"#, Some(&["c", "d"]), false),
        ("ForAnyValue:StringEquals", r#"["a", "b"]"#, Some(&[]), false),
        ("ForAnyValue:StringEquals", r#"["a", "b"]"#, None, false),
        ("ForAnyValue:StringNotEquals", r#"["a", "b"]"#, Some(&["a", "c"]), true),
        ("ForAnyValue:StringNotEquals", r#"["a", "b"]"#, Some(&["a", "b"]), false),
        ("ForAnyValue:StringNotEquals", r#"["a", "b"]"#, None, false),
        ("ForAnyValue:StringLike", r#""*@example.com""#, Some(&["x@test.org", "y@example.com"]), true),
        ("ForAnyValue:NumericGreaterThan", "5", Some(&["1", "6"]), true),
        ("ForAllValues:NumericGreaterThan", "5", Some(&["1", "6"]), false),
        ("ForAllValues:IpAddress", r#""10.0.0.0/8""#, Some(&["10.1.1.1", "10.2.2.2"]), true),
        ("ForAllValues:ArnLike", r#""arn:aws:s3:::a*""#, Some(&["arn:aws:s3:::a", "arn:aws:s3:::b"]), false),
        ("ForAnyValue:Bool", "true", Some(&["false", "true"]), true),
    ]);
}

/// Without a set operator, a multi-valued key satisfies nothing, whatever its values: AWS answers so for `aws:TagKeys`.
#[test]
fn a_multivalued_key_takes_a_set_operator() {
    let everything = identity(r#"{"Effect": "Allow", "Action": "*", "Resource": "*"}"#);
    for operator in ["StringEquals", "StringNotEquals", "StringEqualsIfExists", "StringNotEqualsIfExists"] {
        let statement = |effect: &str| {
            identity(&format!(
                r#"{{"Effect": "{effect}", "Action": "*", "Resource": "*", "Condition": {{"{operator}": {{"aws:TagKeys": "team"}}}}}}"#
            ))
        };
        for values in [vec!["team"], vec!["stage"], vec!["team", "stage"]] {
            let values: Vec<String> = values.into_iter().map(str::to_owned).collect();
            let mut context = Context::new();
            context.set_values("aws:tagkeys", &values);
            assert!(!allows(&[statement("Allow")], "s3:GetObject", "*", &context), "Allow {operator} {values:?}");
            let policies = [statement("Deny"), everything.clone()];
            assert!(allows(&policies, "s3:GetObject", "*", &context), "Deny {operator} {values:?}");
        }
    }
}

#[test]
fn one_value_of_any_other_key_is_just_compared() {
    let policies = [identity(
        r#"{"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"StringEquals": {"test:Key": "own"}}}"#,
    )];
    for (values, expected) in
        [(vec!["own"], true), (vec!["other"], false), (vec!["own", "other"], false), (vec![], false)]
    {
        let values: Vec<String> = values.into_iter().map(str::to_owned).collect();
        let mut context = Context::new();
        context.set_values("test:Key", &values);
        assert_eq!(allows(&policies, "s3:GetObject", "*", &context), expected, "{values:?}");
    }
}

/// What cannot be read in the policy grants nothing and withholds what it can.
#[test]
fn an_arn_that_is_none_denies_rather_than_allows() {
    let bucket = context(&[("test:Key", &["arn:aws:s3:::bucket"])]);
    for operator in ["ArnLike", "ArnNotLike"] {
        let statement = |effect: &str| {
            identity(&format!(
                r#"{{"Effect": "{effect}", "Action": "*", "Resource": "*", "Condition": {{"{operator}": {{"test:Key": "bucket"}}}}}}"#
            ))
        };
        assert!(!allows(&[statement("Allow")], "s3:GetObject", "*", &bucket));
        let everything = identity(r#"{"Effect": "Allow", "Action": "*", "Resource": "*"}"#);
        assert!(!allows(&[statement("Deny"), everything], "s3:GetObject", "*", &bucket));
    }
}

/// STS takes session policies with values that IAM would not store.
#[test]
fn values_of_the_wrong_type_equal_nothing() {
    for (operator, value, given, expected) in [
        ("NumericEquals", "ten", "10", false),
        ("NumericNotEquals", "ten", "10", true),
        ("IpAddress", "203.0.113.0/33", "203.0.113.1", false),
        ("NotIpAddress", "2001:db8::1/32", "2001:db8::1", true),
        ("DateLessThan", "soon", "2024-04-01", false),
    ] {
        let text = format!(
            r#"{{"Statement": {{"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {{"{operator}": {{"test:Key": "{value}"}}}}}}}}"#
        );
        assert!(Policy::parse(&text, Kind::Identity).is_err(), "{operator} {value}");
        let policies = [named(Kind::Session, &text)];
        let context = context(&[("test:Key", &[given])]);
        assert_eq!(allows(&policies, "s3:GetObject", "*", &context), expected, "{operator} {value}");
    }
}

/// "Conditions with multiple keys or values": operators and keys are joined by AND, values by OR.
#[test]
fn operators_and_keys_all_have_to_hold() {
    let policies = [identity(
        r#"{"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {
            "StringEquals": {"test:Team": ["red", "blue"], "test:Stage": "dev"},
            "IpAddress": {"aws:SourceIp": "10.0.0.0/8"}
        }}"#,
    )];
    let full: [(&str, &[&str]); 3] =
        [("test:team", &["blue"]), ("test:stage", &["dev"]), ("aws:sourceip", &["10.1.1.1"])];
    assert!(allows(&policies, "s3:GetObject", "*", &context(&full)));
    for left_out in 0..full.len() {
        let rest: Vec<_> =
            full.iter().enumerate().filter(|(place, _)| *place != left_out).map(|(_, one)| *one).collect();
        assert!(!allows(&policies, "s3:GetObject", "*", &context(&rest)), "without {:?}", full[left_out]);
    }
}
