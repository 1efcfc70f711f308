//! "IAM JSON policy elements: Action", "NotAction", "Resource" and "NotResource".

use traca_policy::Context;

use crate::support::{allows, identity};

#[test]
fn actions() {
    let cases: &[(&str, &str, bool)] = &[
        (r#""*""#, "s3:GetObject", true),
        (r#""s3:GetObject""#, "s3:GetObject", true),
        (r#""s3:GetObject""#, "S3:getobject", true),
        (r#""S3:GETOBJECT""#, "s3:GetObject", true),
        (r#""s3:GetObject""#, "s3:GetObjectVersion", false),
        (r#""s3:GetObject""#, "s3-object-lambda:GetObject", false),
        (r#""s3:*""#, "s3:GetObject", true),
        (r#""s3:*""#, "sqs:SendMessage", false),
        (r#""s3:Get*""#, "s3:GetObject", true),
        (r#""s3:Get*""#, "s3:PutObject", false),
        (r#""s3:*Object""#, "s3:GetObject", true),
        (r#""s3:*Object""#, "s3:GetObjectAcl", false),
        (r#""s3:?etObject""#, "s3:GetObject", true),
        (r#""s3:?etObject""#, "s3:PetObject", true),
        (r#""s3:?etObject""#, "s3:etObject", false),
        (r#""*:GetObject""#, "s3:GetObject", true),
        (r#""*:*""#, "s3:GetObject", true),
        (r#"["sqs:SendMessage", "s3:GetObject"]"#, "s3:GetObject", true),
        (r#"["sqs:SendMessage", "s3:GetObject"]"#, "sqs:ReceiveMessage", false),
        (r#"["s3:Put*", "s3:GetObject", "s3:List*"]"#, "s3:ListBucket", true),
    ];
    for (actions, action, expected) in cases {
        let policies = [identity(&format!(r#"{{"Effect": "Allow", "Action": {actions}, "Resource": "*"}}"#))];
        assert_eq!(allows(&policies, action, "*", &Context::new()), *expected, "Action {actions} and {action}");
        let policies = [identity(&format!(r#"{{"Effect": "Allow", "NotAction": {actions}, "Resource": "*"}}"#))];
        assert_eq!(allows(&policies, action, "*", &Context::new()), !expected, "NotAction {actions} and {action}");
    }
}

#[test]
fn resources() {
    let cases: &[(&str, &str, bool)] = &[
        (r#""*""#, "arn:aws:s3:::bucket/key", true),
        (r#""*""#, "*", true),
        (r#""arn:aws:s3:::bucket""#, "arn:aws:s3:::bucket", true),
        (r#""arn:aws:s3:::bucket""#, "arn:aws:s3:::Bucket", false),
        (r#""arn:aws:s3:::bucket""#, "arn:aws:s3:::bucket/key", false),
        (r#""arn:aws:s3:::bucket/*""#, "arn:aws:s3:::bucket", false),
        (r#""arn:aws:s3:::bucket/*""#, "arn:aws:s3:::bucket/a/b/c", true),
        (r#""arn:aws:s3:::bucket/*""#, "arn:aws:s3:::bucket/a:b", true),
        (r#""arn:aws:s3:::bucket/*/test/*""#, "arn:aws:s3:::bucket/1/2/test/3.jpg", true),
        (r#""arn:aws:s3:::bucket/*/test/*""#, "arn:aws:s3:::bucket/test/3.jpg", false),
        (r#""arn:aws:s3:::bucket?""#, "arn:aws:s3:::bucket1", true),
        (r#""arn:aws:s3:::bucket?""#, "arn:aws:s3:::bucket12", false),
        (r#""arn:aws:s3:::*""#, "arn:aws:s3:::bucket/key", true),
        (r#""arn:aws:s3:::*""#, "*", false),
        (r#""arn:aws:sqs:*:111122223333:jobs""#, "arn:aws:sqs:eu-west-1:111122223333:jobs", true),
        (r#""arn:aws:sqs:eu-*:*:jobs""#, "arn:aws:sqs:eu-west-1:111122223333:jobs", true),
        (r#""arn:aws:sqs:us-*:*:jobs""#, "arn:aws:sqs:eu-west-1:111122223333:jobs", false),
        // A wildcard stays within its part, unless it ends it.
        (r#""arn:aws:lambda:eu-*-1:111122223333:f""#, "arn:aws:lambda:eu-west-1:111122223333:f", true),
        (r#""arn:aws:lambda:e*1:f""#, "arn:aws:lambda:eu-west-1:111122223333:f", false),
        (r#""arn:aws:lambda:e?:f""#, "arn:aws:lambda:e::f", false),
        (r#""arn:aws:lambda:*:function:f""#, "arn:aws:lambda:eu-west-1:111122223333:function:f", true),
        (r#""arn:aws:lambda:eu*:function:f""#, "arn:aws:lambda:eu-west-1:111122223333:function:f", true),
        (r#""arn:aws:lambda:us*:function:f""#, "arn:aws:lambda:eu-west-1:111122223333:function:f", false),
        (r#""arn:aws:lambda:e?-*:function:f""#, "arn:aws:lambda:eu-west-1:111122223333:function:f", true),
        (r#""arn:aws:lambda:e*t-*:function:f""#, "arn:aws:lambda:eu-west-1:111122223333:function:f", true),
        (r#""arn:aws:lambda:e*3:*:f""#, "arn:aws:lambda:eu-west-1:111122223333:function:f", false),
        (r#""arn:aws:lambda:*:*:function:f""#, "arn:aws:lambda:eu-west-1:111122223333:function:f", true),
        (r#""arn:aws:lambda:*:*:function:f*""#, "arn:aws:lambda:eu-west-1:111122223333:function:f:live", true),
        // Parts left out at the end stand for anything.
        (r#""arn:aws:sqs:*""#, "arn:aws:sqs:eu-west-1:111122223333:jobs", true),
        (r#""arn:aws:sqs""#, "arn:aws:sqs:eu-west-1:111122223333:jobs", true),
        (r#""arn:aws:sqs:eu-west-1""#, "arn:aws:sqs:us-east-1:111122223333:jobs", false),
        (r#"["arn:aws:sqs:*:*:a", "arn:aws:sqs:*:*:b"]"#, "arn:aws:sqs:eu-west-1:111122223333:b", true),
        (r#"["arn:aws:sqs:*:*:a", "arn:aws:sqs:*:*:b"]"#, "arn:aws:sqs:eu-west-1:111122223333:c", false),
        (r#""arn:aws:s3:::b/*a*a*a*b""#, "arn:aws:s3:::b/aaaaaaaaaaaaaaaaaaaaaaaaac", false),
    ];
    for (resources, resource, expected) in cases {
        let policies = [identity(&format!(r#"{{"Effect": "Allow", "Action": "*", "Resource": {resources}}}"#))];
        let context = Context::new();
        assert_eq!(
            allows(&policies, "s3:GetObject", resource, &context),
            *expected,
            "Resource {resources}, {resource}"
        );
        let policies = [identity(&format!(r#"{{"Effect": "Allow", "Action": "*", "NotResource": {resources}}}"#))];
        assert_eq!(
            allows(&policies, "s3:GetObject", resource, &context),
            !expected,
            "NotResource {resources}, {resource}"
        );
    }
}

#[test]
fn a_text_that_backtracks_badly_is_decided_all_the_same() {
    let pattern = format!("arn:aws:s3:::b/{}b", "a*".repeat(500));
    let policies = [identity(&format!(r#"{{"Effect": "Allow", "Action": "*", "Resource": "{pattern}"}}"#))];
    let resource = format!("arn:aws:s3:::b/{}", "a".repeat(5000));
    assert!(!allows(&policies, "s3:GetObject", &resource, &Context::new()));
}
