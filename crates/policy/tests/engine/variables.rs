//! "IAM policy elements: Variables and tags".

use traca_policy::Kind;

use crate::support::{allows, context, identity, named};

/// The resource a statement allows, the one asked for, the keys, and whether it is allowed.
type Case = (&'static str, &'static str, &'static [(&'static str, &'static [&'static str])], bool);

#[test]
fn in_resources() {
    let cases: &[Case] = &[
        ("arn:aws:s3:::b/${aws:username}", "arn:aws:s3:::b/ana", &[("aws:username", &["ana"])], true),
        ("arn:aws:s3:::b/${aws:username}", "arn:aws:s3:::b/eva", &[("aws:username", &["ana"])], false),
        ("arn:aws:s3:::b/${aws:username}/*", "arn:aws:s3:::b/ana/x/y", &[("aws:username", &["ana"])], true),
        ("arn:aws:s3:::b/${AWS:UserName}", "arn:aws:s3:::b/ana", &[("aws:username", &["ana"])], true),
        ("arn:aws:s3:::b/${aws:username}", "arn:aws:s3:::b/", &[], false),
        ("arn:aws:s3:::b/${aws:username}", "arn:aws:s3:::b/${aws:username}", &[], false),
        (
            "arn:aws:s3:::b/${aws:PrincipalTag/team}/*",
            "arn:aws:s3:::b/red/x",
            &[("aws:PrincipalTag/team", &["red"])],
            true,
        ),
        ("arn:aws:s3:::b/${aws:PrincipalTag/team, 'common'}/*", "arn:aws:s3:::b/common/x", &[], true),
        (
            "arn:aws:s3:::b/${aws:PrincipalTag/team, 'common'}/*",
            "arn:aws:s3:::b/red/x",
            &[("aws:PrincipalTag/team", &["red"])],
            true,
        ),
        (
            "arn:aws:s3:::b/${aws:PrincipalTag/team,'common'}/*",
            "arn:aws:s3:::b/common/x",
            &[("aws:PrincipalTag/team", &["red"])],
            false,
        ),
        // A value's own wildcards are characters like any other.
        ("arn:aws:s3:::b/${aws:username}", "arn:aws:s3:::b/ana", &[("aws:username", &["*"])], false),
        ("arn:aws:s3:::b/${aws:username}", "arn:aws:s3:::b/*", &[("aws:username", &["*"])], true),
        ("arn:aws:s3:::b/a${*}b", "arn:aws:s3:::b/a*b", &[], true),
        ("arn:aws:s3:::b/a${*}b", "arn:aws:s3:::b/axb", &[], false),
        ("arn:aws:s3:::b/a${?}b", "arn:aws:s3:::b/a?b", &[], true),
        ("arn:aws:s3:::b/a${?}b", "arn:aws:s3:::b/axb", &[], false),
        ("arn:aws:s3:::b/${$}{x}", "arn:aws:s3:::b/${x}", &[], true),
        ("arn:aws:s3:::b/*-${aws:username}", "arn:aws:s3:::b/1-2-ana", &[("aws:username", &["ana"])], true),
        ("arn:aws:s3:::b/*${aws:username}?", "arn:aws:s3:::b/anaanab", &[("aws:username", &["ana"])], true),
        // Variables stand for any part, and for the whole.
        (
            "arn:aws:sqs:${aws:RequestedRegion}:1:q",
            "arn:aws:sqs:eu-west-1:1:q",
            &[("aws:RequestedRegion", &["eu-west-1"])],
            true,
        ),
        (
            "arn:aws:sqs:*:${aws:PrincipalAccount}:q",
            "arn:aws:sqs:eu-west-1:1:q",
            &[("aws:PrincipalAccount", &["1"])],
            true,
        ),
        ("arn:${test:P}:${test:S}:::b", "arn:aws:s3:::b", &[("test:P", &["aws"]), ("test:S", &["s3"])], true),
        ("${test:Arn}", "arn:aws:s3:::b", &[("test:Arn", &["arn:aws:s3:::b"])], true),
        ("${test:Arn}", "arn:aws:s3:::c", &[("test:Arn", &["arn:aws:s3:::b"])], false),
        ("arn:aws:${test:S}", "arn:aws:s3:::b", &[("test:S", &["s3"])], false),
        // A multi-valued key has no value to put here, and keeps the default away.
        ("arn:aws:s3:::b/${test:Many}", "arn:aws:s3:::b/x", &[("test:Many", &["x", "y"])], false),
        ("arn:aws:s3:::b/${test:Many, 'x'}", "arn:aws:s3:::b/x", &[("test:Many", &["x", "y"])], false),
        ("arn:aws:s3:::b/${unclosed", "arn:aws:s3:::b/${unclosed", &[], true),
    ];
    for (pattern, resource, keys, expected) in cases {
        let policies = [identity(&format!(r#"{{"Effect": "Allow", "Action": "*", "Resource": "{pattern}"}}"#))];
        assert_eq!(allows(&policies, "s3:GetObject", resource, &context(keys)), *expected, "{pattern} and {resource}");
    }
}

#[test]
fn version_2008_knows_none() {
    let text = |version| {
        format!(
            r#"{{{version}"Statement": {{"Effect": "Allow", "Action": "*", "Resource": "arn:aws:s3:::b/${{aws:username}}"}}}}"#
        )
    };
    let keys = context(&[("aws:username", &["ana"])]);
    for version in [r#""Version": "2008-10-17", "#, ""] {
        let policies = [named(Kind::Identity, &text(version))];
        assert!(!allows(&policies, "s3:GetObject", "arn:aws:s3:::b/ana", &keys));
        assert!(allows(&policies, "s3:GetObject", "arn:aws:s3:::b/${aws:username}", &keys));
    }
    let policies = [named(Kind::Identity, &text(r#""Version": "2012-10-17", "#))];
    assert!(allows(&policies, "s3:GetObject", "arn:aws:s3:::b/ana", &keys));
}

/// Operator and value, keys, whether the condition holds.
type Condition = (&'static str, &'static str, &'static [(&'static str, &'static [&'static str])], bool);

#[test]
fn in_conditions() {
    let cases: &[Condition] = &[
        ("StringEquals", "${aws:username}", &[("test:Key", &["ana"]), ("aws:username", &["ana"])], true),
        ("StringEquals", "${aws:username}", &[("test:Key", &["eva"]), ("aws:username", &["ana"])], false),
        ("StringEquals", "${aws:username}", &[("test:Key", &[""])], false),
        ("StringEquals", "x-${aws:username}-*", &[("test:Key", &["x-ana-*"]), ("aws:username", &["ana"])], true),
        ("StringEquals", "x-${aws:username}-*", &[("test:Key", &["x-ana-1"]), ("aws:username", &["ana"])], false),
        ("StringLike", "x-${aws:username}-*", &[("test:Key", &["x-ana-1"]), ("aws:username", &["ana"])], true),
        ("StringNotEquals", "${aws:username}", &[("test:Key", &["eva"]), ("aws:username", &["ana"])], true),
        // A variable without a value equals nothing.
        ("StringNotEquals", "${aws:username}", &[("test:Key", &["eva"])], true),
        ("StringNotEquals", "${aws:username, 'ana'}", &[("test:Key", &["eva"])], true),
        ("StringEqualsIgnoreCase", "X${aws:username}", &[("test:Key", &["xANA"]), ("aws:username", &["Ana"])], true),
        (
            "ArnLike",
            "arn:aws:iam::${test:Account}:role/*",
            &[("test:Key", &["arn:aws:iam::1:role/a"]), ("test:Account", &["1"])],
            true,
        ),
        (
            "ArnLike",
            "arn:aws:iam::${test:Account}:role/*",
            &[("test:Key", &["arn:aws:iam::2:role/a"]), ("test:Account", &["1"])],
            false,
        ),
        ("ArnEquals", "${test:Other}", &[("test:Key", &["arn:aws:s3:::b"]), ("test:Other", &["arn:aws:s3:::b"])], true),
        ("Bool", "${test:Flag}", &[("test:Key", &["true"]), ("test:Flag", &["True"])], true),
    ];
    for (operator, value, keys, expected) in cases {
        let policies = [identity(&format!(
            r#"{{"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {{"{operator}": {{"test:Key": "{value}"}}}}}}"#
        ))];
        assert_eq!(
            allows(&policies, "s3:GetObject", "*", &context(keys)),
            *expected,
            "{operator} {value} given {keys:?}"
        );
    }
}

#[test]
fn a_not_resource_with_an_unknown_variable_leaves_nothing_out() {
    let policies = [identity(r#"{"Effect": "Allow", "Action": "*", "NotResource": "arn:aws:s3:::b/${aws:username}"}"#)];
    let ana = context(&[("aws:username", &["ana"])]);
    assert!(allows(&policies, "s3:GetObject", "arn:aws:s3:::b/eva", &ana));
    assert!(!allows(&policies, "s3:GetObject", "arn:aws:s3:::b/ana", &ana));
    assert!(allows(&policies, "s3:GetObject", "arn:aws:s3:::b/ana", &context(&[])));
}
