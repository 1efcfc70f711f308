//! What holds whatever the documents and requests are.

use proptest::prelude::*;
use serde_json::{Value, json};
use traca_policy::{Caller, Context, Kind, Policies, Policy, Request, Values, decide};

use crate::support::{ACCOUNT, ANY_SERVICE, SESSION, allows, identity, named};

const KINDS: [Kind; 5] = [Kind::Identity, Kind::Managed, Kind::Session, Kind::Resource(ANY_SERVICE), Kind::RoleTrust];

/// Texts of the kind that policies hold, right and wrong.
fn words() -> impl Strategy<Value = String> {
    let known = prop::sample::select(vec![
        "*",
        "s3:*",
        "s3:Get*",
        "s3:GetObject",
        "sts:AssumeRole",
        "arn:aws:s3:::b/*",
        "arn:aws:s3:::b/${aws:username}",
        "arn:aws:iam::111122223333:root",
        "111122223333",
        "Allow",
        "Deny",
        "2012-10-17",
        "2008-10-17",
        "10.0.0.0/8",
        "2024-04-01T00:00:00Z",
        "-1",
        "true",
        "${",
        "${*}",
        "${a, 'b'}",
        "lambda.amazonaws.com",
    ]);
    prop_oneof![4 => known.prop_map(str::to_owned), 1 => "\\PC{0,12}"]
}

/// Names of elements and operators, right and wrong.
fn names() -> impl Strategy<Value = String> {
    let known = prop::sample::select(vec![
        "Version",
        "Statement",
        "Id",
        "Sid",
        "Effect",
        "Action",
        "NotAction",
        "Resource",
        "NotResource",
        "Principal",
        "NotPrincipal",
        "AWS",
        "Service",
        "Federated",
        "Condition",
        "StringLike",
        "ForAllValues:StringNotEquals",
        "IpAddress",
        "DateLessThan",
        "Null",
        "NumericEqualsIfExists",
        "aws:username",
        "ArnLike",
    ]);
    prop_oneof![8 => known.prop_map(str::to_owned), 1 => "\\PC{0,8}"]
}

fn documents() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![6 => words().prop_map(Value::from), 1 => any::<bool>().prop_map(Value::from), 1 => any::<i32>().prop_map(Value::from), 1 => Just(Value::Null)];
    leaf.prop_recursive(5, 64, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((names(), inner), 0..7).prop_map(|members| members.into_iter().collect()),
        ]
    })
}

/// Statements that are well-formed: an effect, actions, resources, a condition on one key.
fn statements() -> impl Strategy<Value = Value> {
    let actions = prop::collection::vec(
        prop::sample::select(vec!["*", "s3:*", "s3:Get*", "s3:GetObject", "s3:PutObject", "sqs:*"]),
        1..4,
    );
    let resources = prop::collection::vec(
        prop::sample::select(vec![
            "*",
            "arn:aws:s3:::*",
            "arn:aws:s3:::b/*",
            "arn:aws:s3:::b/${aws:username}",
            "arn:aws:sqs:*:*:q",
        ]),
        1..4,
    );
    let operators = prop::sample::select(vec![
        "StringEquals",
        "StringNotEquals",
        "StringLike",
        "ForAllValues:StringEquals",
        "ForAnyValue:StringNotLike",
        "StringEqualsIfExists",
    ]);
    let condition = prop::option::of((operators, prop::collection::vec("[ab*?]{0,3}", 0..3)));
    (prop::sample::select(vec!["Allow", "Deny"]), actions, resources, condition).prop_map(
        |(effect, actions, resources, condition)| {
            let mut statement = json!({"Effect": effect, "Action": actions, "Resource": resources});
            if let Some((operator, values)) = condition {
                statement["Condition"] = json!({operator: {"test:key": values}});
            }
            statement
        },
    )
}

fn requests() -> impl Strategy<Value = (&'static str, &'static str, Context<'static>)> {
    let keys = prop::option::of(prop::collection::vec("[ab*]{0,3}", 0..3));
    (
        prop::sample::select(vec!["s3:GetObject", "s3:PutObject", "sqs:SendMessage", "S3:getOBJECT"]),
        prop::sample::select(vec!["*", "arn:aws:s3:::b/a", "arn:aws:s3:::b", "arn:aws:sqs:eu-west-1:1:q"]),
        keys,
        prop::option::of("[ab]"),
    )
        .prop_map(|(action, resource, values, user)| {
            let mut context = Context::new();
            if let Some(values) = values {
                context.insert("Test:Key".into(), Values::Many(values));
            }
            if let Some(user) = user {
                context.set("aws:username", user);
            }
            (action, resource, context)
        })
}

fn policy_of(statements: &[Value]) -> traca_policy::NamedPolicy {
    named(Kind::Managed, &json!({"Version": "2012-10-17", "Statement": statements}).to_string())
}

/// The definition of wildcards, without any cleverness.
fn like(pattern: &[char], text: &[char]) -> bool {
    match (pattern.split_first(), text.split_first()) {
        (None, rest) => rest.is_none(),
        (Some(('*', behind)), rest) => like(behind, text) || rest.is_some_and(|(_, shorter)| like(pattern, shorter)),
        (Some(('?', pattern)), Some((_, text))) => like(pattern, text),
        (Some((one, pattern)), Some((other, text))) => one == other && like(pattern, text),
        (Some(_), None) => false,
    }
}

/// The definition of wildcards in resources: before the fifth colon they take no colon, but for a `*` that ends its part.
fn resource_like(pattern: &[char], text: &[char], colons: usize) -> bool {
    let Some((first, behind)) = pattern.split_first() else { return text.is_empty() };
    let takes = |character: char| {
        let ends_part = *first == '*' && (behind.is_empty() || behind[0] == ':');
        character != ':' || colons >= 5 || ends_part
    };
    match (first, text.split_first()) {
        ('*', rest) => {
            let longer = |(one, shorter): (&char, &[char])| takes(*one) && resource_like(pattern, shorter, colons);
            resource_like(behind, text, colons) || rest.is_some_and(longer)
        }
        ('?', Some((one, shorter))) => takes(*one) && resource_like(behind, shorter, colons),
        (one, Some((other, shorter))) => {
            one == other && resource_like(behind, shorter, colons + usize::from(*one == ':'))
        }
        (_, None) => false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_document_is_answered_and_any_policy_decides(
        document in documents(), text in "\\PC{0,60}", action in "\\PC{0,12}", resource in "\\PC{0,24}", key in words(), value in words(),
    ) {
        let document = document.to_string();
        let wrapped = format!(r#"{{"Version": "2012-10-17", "Statement": {document}}}"#);
        let mut context = Context::new();
        context.set(key, value);
        for kind in KINDS {
            for text in [&document, &wrapped, &text] {
                let Ok(policy) = Policy::parse(text, kind) else { continue };
                for caller in [SESSION, Caller::Anonymous, Caller::Service { name: "lambda.amazonaws.com" }] {
                    let request = Request { caller, action: &action, resource: &resource, resource_account: ACCOUNT, context: &context };
                    for statement in policy.statements() {
                        statement.speaks_of(&request);
                    }
                }
            }
        }
    }

    #[test]
    fn any_condition_value_is_decided(operator in names(), values in prop::collection::vec(words(), 0..4), given in prop::collection::vec(words(), 0..4)) {
        let condition = json!({operator: {"test:key": values}});
        let text = json!({"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": condition}}).to_string();
        if let Ok(policy) = Policy::parse(&text, Kind::Identity) {
            let mut context = Context::new();
            context.set_many("test:key", given);
            let request = Request { caller: SESSION, action: "s3:x", resource: "*", resource_account: ACCOUNT, context: &context };
            policy.statements()[0].speaks_of(&request);
        }
    }

    #[test]
    fn a_denial_wins_whatever_else_there_is(
        before in prop::collection::vec(statements(), 0..4), after in prop::collection::vec(statements(), 0..4), (action, resource, context) in requests(),
    ) {
        let deny = json!({"Effect": "Deny", "Action": action, "Resource": "*"});
        let all: Vec<Value> = before.into_iter().chain([deny]).chain(after).collect();
        prop_assert!(!allows(&[policy_of(&all)], action, resource, &context));
        let open = [identity(r#"{"Effect": "Allow", "Action": "*", "Resource": "*"}"#)];
        let policy = policy_of(&all);
        for policies in [
            Policies { identity: &open, boundary: Some(&policy), ..Policies::default() },
            Policies { identity: &open, session: Some(std::slice::from_ref(&policy)), ..Policies::default() },
        ] {
            let request = Request { caller: SESSION, action, resource, resource_account: ACCOUNT, context: &context };
            prop_assert!(!decide(&request, &policies).is_allowed());
        }
    }

    #[test]
    fn one_more_allowing_statement_takes_nothing_away(
        some in prop::collection::vec(statements(), 1..5), mut more in statements(), (action, resource, context) in requests(),
    ) {
        more["Effect"] = json!("Allow");
        let with: Vec<Value> = some.iter().cloned().chain([more]).collect();
        if allows(&[policy_of(&some)], action, resource, &context) {
            prop_assert!(allows(&[policy_of(&with)], action, resource, &context));
        }
    }

    #[test]
    fn the_order_of_statements_and_policies_is_of_no_matter(
        some in prop::collection::vec(statements(), 1..6), (action, resource, context) in requests(),
    ) {
        let together = allows(&[policy_of(&some)], action, resource, &context);
        let apart: Vec<_> = some.iter().rev().map(|one| policy_of(std::slice::from_ref(one))).collect();
        prop_assert_eq!(together, allows(&apart, action, resource, &context));
    }

    #[test]
    fn wildcards_mean_what_their_definition_says(pattern in "[ab*?é]{0,8}", text in "[abé]{0,10}") {
        let statement = json!({"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"StringLike": {"test:key": pattern}}});
        let mut context = Context::new();
        context.set("test:key", text.clone());
        let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
        prop_assert_eq!(allows(&[policy_of(&[statement])], "s3:x", "*", &context), like(&pattern, &text));
    }

    #[test]
    fn resources_mean_what_their_definition_says(
        parts in prop::collection::vec("[ab*?]{0,3}", 3), last in "[ab*?:]{0,4}", text in "[ab:]{3,12}",
    ) {
        let pattern = format!("arn:aws:s3:{}:{}:{}{last}", parts[0], parts[1], parts[2]);
        let resource = format!("arn:aws:s3:{text}");
        let statement = json!({"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": pattern});
        let document = json!({"Version": "2012-10-17", "Statement": statement}).to_string();
        let policy = Policy::parse(&document, Kind::Resource(ANY_SERVICE)).expect("well-formed");
        let context = Context::new();
        let request = Request { caller: SESSION, action: "s3:x", resource: &resource, resource_account: ACCOUNT, context: &context };
        let is_arn = resource.split(':').count() >= 6;
        let characters = |text: &str| text.chars().collect::<Vec<char>>();
        let expected = is_arn && resource_like(&characters(&pattern), &characters(&resource), 0);
        prop_assert_eq!(policy.statements()[0].speaks_of(&request), expected, "{} and {}", pattern, resource);
    }
}
