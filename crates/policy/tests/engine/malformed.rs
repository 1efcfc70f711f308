//! What IAM, and S3's parser, which role trust policies share, say to documents that are no policies.

use traca_policy::{Cause, Kind, Policy, ResourceRules};

const S3: Kind = Kind::Resource(ResourceRules { vendor: Some("s3"), resource_required: true });

/// A document of version 2012-10-17 with a statement.
fn document(statement: &str) -> String {
    format!(r#"{{"Version": "2012-10-17", "Statement": {statement}}}"#)
}

/// An allowing statement with `s3:ListBucket` on a bucket, and more or other members.
fn allow(members: &str) -> String {
    document(&format!(r#"{{"Effect": "Allow", {members}}}"#))
}

fn check(kind: Kind, cases: &[(&str, String)]) {
    for (message, text) in cases {
        let complaint = Policy::parse(text, kind).map_or_else(|malformed| malformed.message, |_| String::new());
        assert_eq!(complaint, *message, "{text}");
    }
}

const SYNTAX: &str = "Syntax errors in policy.";
const LEGACY: &str = "The policy failed legacy parsing";
const VERSION: &str = "Policy document must be version 2012-10-17 or greater.";
const NO_ACTIONS: &str = "Policy statement must contain actions.";
const NO_RESOURCES: &str = "Policy statement must contain resources.";
const NO_VENDOR: &str = "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.";

#[test]
fn syntax_of_identity_policies() {
    let statement = r#"{"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "*"}"#;
    let with = |members: &str| allow(&format!(r#""Action": "s3:ListBucket", "Resource": "*", {members}"#));
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    check(
        Kind::Managed,
        &[
            (SYNTAX, "This is not a json document".to_owned()),
            (SYNTAX, String::new()),
            (SYNTAX, "[]".to_owned()),
            (SYNTAX, "null".to_owned()),
            (SYNTAX, deep.clone()),
            (SYNTAX, document(&deep)),
            (SYNTAX, r#"{"Version": "2012-10-17"}"#.to_owned()),
            (SYNTAX, format!(r#"{{"Version": "2013-10-17", "Statement": {statement}}}"#)),
            (SYNTAX, format!(r#"{{"Version": 2012, "Statement": {statement}}}"#)),
            (SYNTAX, format!(r#"{{"Version": "2012-10-17", "Version": "2012-10-17", "Statement": {statement}}}"#)),
            (SYNTAX, format!(r#"{{"Version": "2012-10-17", "Id": ["a"], "Statement": {statement}}}"#)),
            (SYNTAX, format!(r#"{{"Version": "2012-10-17", "Id": {{}}, "Statement": {statement}}}"#)),
            (SYNTAX, format!(r#"{{"Version": "2012-10-17", "Statement": {statement}, "More": 1}}"#)),
            (SYNTAX, document("[]")),
            (SYNTAX, document(r#"["afd"]"#)),
            (SYNTAX, document("1")),
            (SYNTAX, document(r#"{"Action": "s3:ListBucket", "Resource": "*"}"#)),
            (SYNTAX, document(r#"{"Effect": "Perhaps", "Action": "s3:ListBucket", "Resource": "*"}"#)),
            (SYNTAX, document(r#"{"Effect": true, "Action": "s3:ListBucket", "Resource": "*"}"#)),
            (SYNTAX, with(r#""More": "x""#)),
            (SYNTAX, with(r#""Action": "s3:Twice""#)),
            (SYNTAX, with(r#""NotAction": "iam:x""#)),
            (SYNTAX, with(r#""NotResource": "*""#)),
            (SYNTAX, with(r#""NotResource": []"#)),
            (SYNTAX, with(r#""Sid": {}"#)),
            (SYNTAX, with(r#""Sid": []"#)),
            (SYNTAX, allow(r#""Action": {}, "Resource": "*""#)),
            (SYNTAX, allow(r#""Action": [[]], "Resource": "*""#)),
            (SYNTAX, allow(r#""Action": [1], "Resource": "*""#)),
            (SYNTAX, allow(r#""Action": "s3:x", "Resource": {"a": "b"}"#)),
            (SYNTAX, allow(r#""Action": "s3:x", "Resource": ["adf", {}]"#)),
            (SYNTAX, with(r#""Condition": []"#)),
            (SYNTAX, with(r#""Condition": "a""#)),
            (SYNTAX, with(r#""Condition": {"a": "b"}"#)),
            (SYNTAX, with(r#""Condition": {"DateGreaterThan": "b"}"#)),
            (SYNTAX, with(r#""Condition": {"DateGreaterThan": []}"#)),
            (SYNTAX, with(r#""Condition": {"DateGreaterThan": {"a": {}}}"#)),
            (SYNTAX, with(r#""Condition": {"StringEquals": {"a": null}}"#)),
            (SYNTAX, with(r#""Condition": {"StringEquals": {"a": "1"}, "StringEquals": {"b": "1"}}"#)),
            (SYNTAX, with(r#""Condition": {"x": {"a": "1"}}"#)),
            (SYNTAX, with(r#""Condition": {"NullIfExists": {"a": "true"}}"#)),
            (SYNTAX, with(r#""Condition": {"ForAnyValue::StringEqualsIfExists": {"a": "asf"}}"#)),
            (SYNTAX, with(r#""Condition": [{"ForAllValues:StringEquals": {"aws:TagKeys": "Department"}}]"#)),
            ("Policy document should not specify a principal.", with(r#""Principal": "*""#)),
            ("Policy document should not specify a principal.", with(r#""NotPrincipal": {"AWS": "*"}"#)),
        ],
    );
}

#[test]
fn meaning_of_identity_policies() {
    let of_no_version = |members: &str| format!(r#"{{"Statement": {{"Effect": "Allow", {members}}}}}"#);
    let date = |value: &str| {
        allow(&format!(r#""Action": "s3:x", "Resource": "*", "Condition": {{"DateLessThan": {{"a": "{value}"}}}}"#))
    };
    check(
        Kind::Managed,
        &[
            (VERSION, of_no_version(r#""Action": "s3:ListBucket", "Resource": "*""#)),
            (
                VERSION,
                r#"{"Version": "2008-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}"#.into(),
            ),
            (VERSION, r#"{"Statement": {"Effect": "denY", "Action": "*", "Resource": "*"}}"#.into()),
            (LEGACY, document(r#"{"Effect": "denY", "Action": "*", "Resource": "*"}"#)),
            (LEGACY, document(r#"{"Effect": "allow", "Resource": "arn:aws:s3:us-east-1::example_bucket"}"#)),
            (LEGACY, date("sdfdsf")),
            (LEGACY, date("234-13")),
            (LEGACY, date("2016-12-13t2:00:00.593194+1")),
            (LEGACY, date("2016-12-13t2:00:00.1999999999+10:59")),
            (LEGACY, date("2016-12-13t24:00:00Z")),
            (LEGACY, date("9223372036854775808")),
            (LEGACY, allow(r#""Action": "s3:x", "Resource": "*", "Condition": {"NumericEquals": {"a": "ten"}}"#)),
            (LEGACY, allow(r#""Action": "s3:x", "Resource": "*", "Condition": {"IpAddress": {"a": "10.0.0.1/33"}}"#)),
            (LEGACY, allow(r#""Condition": {"DateGreaterThan": {"a": "sdfdsf"}}"#)),
            (
                LEGACY,
                allow(r#""Action": "s3:x", "Resource": "arn:error:s3:::b", "Condition": {"DateLessThan": {"a": "x"}}"#),
            ),
            (LEGACY, allow(r#""Action": "s3:x", "Resource": "arn:aws:s3::example_bucket""#)),
            (LEGACY, allow(r#""Action": "s3:x", "NotResource": "arn:aws:s3::example_bucket""#)),
            (LEGACY, allow(r#""Resource": "arn:aws:s3::example_bucket""#)),
            (LEGACY, allow(r#""Action": "s3:x", "Resource": "arn:aws::::example_bucket""#)),
            (LEGACY, allow(r#""Action": "s3:x", "Resource": "arn:aws::fdsasf""#)),
            (NO_ACTIONS, allow(r#""Resource": "*""#)),
            (NO_ACTIONS, document(r#"{"Effect": "Allow"}"#)),
            (NO_ACTIONS, allow(r#""Action": [], "Resource": "*""#)),
            (NO_ACTIONS, document(r#"[{"Effect": "Deny"}, {"Effect": "Allow", "Action": "s3:x", "Resource": "*"}]"#)),
            (NO_RESOURCES, allow(r#""Action": "s3:x""#)),
            (NO_RESOURCES, allow(r#""Action": "s3:x", "Resource": []"#)),
            (NO_VENDOR, allow(r#""Action": "invalid", "Resource": "*""#)),
            (NO_VENDOR, allow(r#""Action": "invalid""#)),
            (NO_VENDOR, allow(r#""NotAction": "", "Resource": "*""#)),
            ("Vendor a a is not valid", allow(r#""Action": "a a:ListBucket", "Resource": "*""#)),
            ("Vendor s3* is not valid", allow(r#""Action": "s3*:ListBucket", "Resource": "*""#)),
            ("Actions/Condition can contain only one colon.", allow(r#""Action": "s3:List:Bucket", "Resource": "*""#)),
            (
                "Statement IDs (SID) in a single policy must be unique.",
                document(
                    r#"[{"Sid": "a", "Effect": "Allow", "Action": "s3:x", "Resource": "*"}, {"Sid": "a", "Effect": "Allow"}]"#,
                ),
            ),
            (
                "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*",
                allow(r#""Sid": "not plain", "Action": "s3:x", "Resource": "*""#),
            ),
        ],
    );
}

#[test]
fn resources_of_identity_policies() {
    let resource = |text: &str| allow(&format!(r#""Action": "s3:x", "Resource": "{text}""#));
    let iam = "IAM resource path must either be \"*\" or start with user/, federated-user/, role/, group/, instance-profile/, \
               mfa/, server-certificate/, policy/, sms-mfa/, saml-provider/, oidc-provider/, report/, access-report/.";
    check(
        Kind::Managed,
        &[
            ("Resource invalid resource must be in ARN format or \"*\".", resource("invalid resource")),
            ("Resource  must be in ARN format or \"*\".", resource("")),
            ("Resource adf must be in ARN format or \"*\".", allow(r#""Action": "s:3:x", "Resource": ["adf"]"#)),
            ("Partition \"bsd\" is not valid for resource \"arn:bsd:*:*:*:*\".", resource("a:bsd")),
            ("Partition \"b\" is not valid for resource \"arn:b:cad:*:*:*\".", resource("a:b:cad")),
            ("Partition \"b\" is not valid for resource \"arn:b:c:d:e:f:g:h\".", resource("a:b:c:d:e:f:g:h")),
            (
                "Partition \"s3\" is not valid for resource \"arn:s3:::example_bucket:*\".",
                resource("aws:s3:::example_bucket"),
            ),
            (
                "Partition \"error\" is not valid for resource \"arn:error:s3:::example_bucket\".",
                allow(
                    r#""Action": "s3:x", "Resource": ["arn:error:s3:::example_bucket", "arn:error:s3::example_bucket"]"#,
                ),
            ),
            ("Resource vendor must be fully qualified and cannot contain regexes.", resource("arn:aws")),
            ("Resource vendor must be fully qualified and cannot contain regexes.", resource("arn:aws:*:::x")),
            (
                "IAM resource arn:aws:iam:us-east-1::b cannot contain region information.",
                resource("arn:aws:iam:us-east-1::b"),
            ),
            (
                "Resource arn:aws:s3:us-east-1::b can not contain region information.",
                resource("arn:aws:s3:us-east-1::b"),
            ),
            (iam, resource("arn:aws:iam:::example_bucket")),
        ],
    );
}

#[test]
fn policies_that_are_well_formed() {
    let with = |members: &str| allow(&format!(r#""Action": "s3:x", "Resource": "*", {members}"#));
    let resource = |text: &str| allow(&format!(r#""Action": "s3:x", "Resource": "{text}""#));
    let action = |text: &str| allow(&format!(r#""Action": "{text}", "Resource": "*""#));
    let date = |value: &str| with(&format!(r#""Condition": {{"DateLessThan": {{"a": "{value}"}}}}"#));
    let fine: Vec<(&str, String)> = [
        with(r#""Sid": """#),
        with(r#""Condition": {}"#),
        with(r#""Condition": {"a": {}}"#),
        with(r#""Condition": {"DateGreaterThan": {}}"#),
        with(r#""Condition": {"DateGreaterThan": {"a": []}}"#),
        with(r#""Condition": {"NumericLessThan": {"s3:max-keys": 10}, "Bool": {"aws:SecureTransport": true}}"#),
        with(r#""Condition": {"ForAnyValue:StringEqualsIfExists": {"a": "asf"}}"#),
        date("01T"),
        date("2019-07-01T13:20:15Z"),
        date("2016-12-13T21:20:37.593194+00:00"),
        date("2016-12-13t2:00:00.593194+23"),
        date("2016-12-13T21:20:37-05:00"),
        date("-292275054"),
        date("1500000000"),
        action("*"),
        action("*:*"),
        action("iam: asdf safdsf af "),
        action("s3-s:ListBucket"),
        action("s3.s:ListBucket"),
        resource("arn:aws:fdsasf"),
        resource("arn:aws:s3:*"),
        resource("arn:*:iam::*:role/x"),
        resource("arn:aws:iam::111122223333:*"),
        resource("arn:aws:iam:::user/example"),
        resource("arn:aws:cloudwatch:us-east-1::x"),
        resource("arn:aws:s3:us-west-2:123456789012:accesspoint/my-access-point/object/*"),
        allow(r#""NotAction": "s3:x", "NotResource": "*""#),
        format!(r#"{{"Version": "2012-10-17", "Id": "x", "Statement": {}}}"#, r#"[{"Effect": "Deny", "Action": "*", "Resource": "*"}]"#),
        document(r#"[{"Sid": "", "Effect": "Allow", "Action": "*", "Resource": "*"}, {"Sid": "", "Effect": "Deny", "Action": "*", "Resource": "*"}]"#),
    ]
    .into_iter()
    .map(|text| ("", text))
    .collect();
    check(Kind::Managed, &fine);
    // Only policies of their own have to be of the newer version.
    let old = r#"{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}"#.to_owned();
    check(Kind::Identity, &[("", old.clone())]);
    check(Kind::Session, &[("", old)]);
}

#[test]
fn trust_policies() {
    let statement = |members: &str| allow(members);
    let principal = |text: &str| allow(&format!(r#""Principal": {text}, "Action": "sts:AssumeRole""#));
    let ec2 = r#""Principal": {"Service": "ec2.amazonaws.com"}"#;
    let only_sts = "AssumeRole policy may only specify STS AssumeRole actions.";
    check(
        Kind::RoleTrust,
        &[
            ("This policy contains invalid Json", "{invalid".to_owned()),
            ("The policy must contain a valid version string", r#"{"Version": "2011", "Statement": []}"#.to_owned()),
            ("Could not parse the policy: Statement is empty!", document("[]")),
            ("Missing required field Effect", document(r#"{"Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}"#)),
            ("Invalid effect: allow", document(r#"{"Effect": "allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}"#)),
            ("Missing required field Principal", statement(r#""Action": "sts:AssumeRole""#)),
            ("Missing required field Principal cannot be empty!", principal("{}")),
            ("AssumeRolepolicy contained an invalid principal: \"STAR\":\"*\".", principal(r#""*""#)),
            ("Invalid principal in policy: \"AWS\":\"nobody\"", principal(r#"{"AWS": "nobody"}"#)),
            ("Invalid principal in policy: \"AWS\":\"arn:aws:iam::111122223333:user/*\"", principal(r#"{"AWS": "arn:aws:iam::111122223333:user/*"}"#)),
            ("Invalid principal in policy: \"SERVICE\":\"lambda\"", principal(r#"{"Service": "lambda"}"#)),
            ("Allow with NotPrincipal is not allowed.", statement(r#""NotPrincipal": {"AWS": "*"}, "Action": "sts:AssumeRole""#)),
            (
                "AssumeRole policy must not contain NotPrincipal field.",
                document(r#"{"Effect": "Deny", "NotPrincipal": {"AWS": "*"}, "Action": "sts:AssumeRole"}"#),
            ),
            ("Missing required field Action", statement(ec2)),
            (only_sts, statement(&format!(r#"{ec2}, "Action": "*""#))),
            (only_sts, statement(&format!(r#"{ec2}, "Action": ["sts:AssumeRole", "s3:GetObject"]"#))),
            ("Has prohibited field Resource", statement(&format!(r#"{ec2}, "Action": "sts:AssumeRole", "Resource": "*""#))),
            ("AssumeRole policy must not contain resources.", statement(&format!(r#"{ec2}, "Action": "sts:AssumeRole", "NotResource": "*""#))),
            ("Unknown field Resources", statement(&format!(r#"{ec2}, "Action": "sts:AssumeRole", "Resources": "*""#))),
            (
                "The Statement Ids in the policy are not unique",
                document(&format!(r#"[{{"Sid": "a", "Effect": "Allow", {ec2}, "Action": "sts:AssumeRole"}}, {{"Sid": "a", "Effect": "Allow", {ec2}, "Action": "sts:TagSession"}}]"#)),
            ),
            ("", principal(r#"{"AWS": "*"}"#)),
            ("", principal(r#"{"AWS": ["111122223333", "arn:aws:iam::111122223333:root"], "Service": "lambda.amazonaws.com"}"#)),
            ("", principal(r#"{"Service": "logs.eu-west-1.amazonaws.com"}"#)),
            ("", r#"{"Statement": {"Effect": "Allow", "Principal": {"Federated": "accounts.google.com"}, "Action": "sts:AssumeRoleWithWebIdentity"}}"#.to_owned()),
        ],
    );
}

#[test]
fn resource_policies() {
    let rest = r#""Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*""#;
    let with = |members: &str| allow(&format!(r#""Principal": "*", {members}"#));
    check(
        S3,
        &[
            ("This policy contains invalid Json", String::new()),
            ("Missing required field Principal", allow(rest)),
            ("Missing required field Action", with(r#""Resource": "*""#)),
            ("Missing required field Resource", with(r#""Action": "s3:GetObject""#)),
            ("Invalid principal in policy", allow(&format!(r#""Principal": {{"AWS": "x"}}, {rest}"#))),
            ("Policy has invalid action", with(r#""Action": "sqs:SendMessage", "Resource": "*""#)),
            ("Policy has invalid action", with(r#""Action": "GetObject", "Resource": "*""#)),
            ("Policy has invalid resource", with(r#""Action": "s3:GetObject", "Resource": "bucket""#)),
            ("Invalid Condition type : Like", with(&format!(r#"{rest}, "Condition": {{"Like": {{"a": "b"}}}}"#))),
            ("", with(rest)),
            ("", with(r#""Action": "*", "Resource": "*""#)),
            ("", with(r#""NotAction": "S3:GetObject", "NotResource": "arn:aws:s3:::b""#)),
        ],
    );
    let free = Kind::Resource(ResourceRules { vendor: None, resource_required: false });
    check(free, &[("", with(r#""Action": "sqs:SendMessage""#))]);
}

#[test]
fn causes() {
    let cause = |text: &str, kind| Policy::parse(text, kind).expect_err("malformed").cause;
    assert_eq!(cause("", Kind::Managed), Cause::Json);
    assert_eq!(cause("{}", Kind::Managed), Cause::Syntax);
    assert_eq!(cause(&allow(r#""Principal": {"AWS": "x"}, "Action": "s3:x", "Resource": "*""#), S3), Cause::Principal);
    assert_eq!(cause(&allow(r#""Action": "s3:x", "Resource": "b""#), Kind::Managed), Cause::Resource);
}
