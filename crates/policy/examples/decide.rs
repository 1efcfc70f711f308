//! How long a decision takes: `cargo run --release -p traca-policy --example decide`.
//!
//! Prints the median and the 99th percentile of decisions for a role of ten statements, and for one that also carries a
//! policy of more than a thousand actions, a permissions boundary and a resource policy.
#![allow(clippy::print_stdout, reason = "a measurement speaks on its terminal")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use traca_policy::{Caller, Context, Kind, NamedPolicy, Policies, Policy, Request, ResourceRules, decide};

const ACCOUNT: &str = "111122223333";
/// Decisions measured together, so that reading the clock does not count.
const BATCH: u32 = 100;
/// Batches measured.
const BATCHES: usize = 2_000;

fn named(kind: Kind, text: &str) -> Result<NamedPolicy, Box<dyn std::error::Error>> {
    Ok(NamedPolicy { name: "example".into(), policy: Arc::new(Policy::parse(text, kind)?) })
}

/// Ten statements, of which the last allows the request and two have conditions and variables.
fn ten_statements() -> String {
    let others = ["logs", "xray", "sqs", "sns", "kms", "ssm", "events"].map(|service| {
        format!(
            r#"{{"Effect": "Allow", "Action": ["{service}:Get*", "{service}:Put*", "{service}:List*"],
                "Resource": "arn:aws:{service}:*:{ACCOUNT}:dev-*"}}"#
        )
    });
    format!(
        r#"{{"Version": "2012-10-17", "Statement": [{}, {}, {}, {}]}}"#,
        others.join(", "),
        r#"{"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}"#,
        r#"{"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::dev-*/${aws:userid}/*"}"#,
        r#"{"Effect": "Allow", "Action": ["dynamodb:GetItem", "dynamodb:PutItem"], "Resource": "arn:aws:dynamodb:*:*:table/dev-*",
            "Condition": {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": "${aws:userid}"}}}"#,
    )
}

/// A policy in the manner of `ReadOnlyAccess`.
fn thousand_actions() -> String {
    let actions: Vec<String> = (0..1_200).map(|number| format!("\"service{}:List{number}*\"", number % 150)).collect();
    format!(
        r#"{{"Version": "2012-10-17", "Statement": {{"Effect": "Allow", "Action": [{}], "Resource": "*"}}}}"#,
        actions.join(", ")
    )
}

/// The keys a call commonly has.
fn context() -> Context<'static> {
    let mut context = Context::new();
    for (key, value) in [
        ("aws:PrincipalArn", "arn:aws:iam::111122223333:role/worker"),
        ("aws:PrincipalAccount", ACCOUNT),
        ("aws:PrincipalType", "AssumedRole"),
        ("aws:userid", "AROAIOSFODNN7EXAMPLE:run"),
        ("aws:SourceIp", "127.0.0.1"),
        ("aws:CurrentTime", "2024-04-01T12:00:00Z"),
        ("aws:EpochTime", "1711972800"),
        ("aws:SecureTransport", "true"),
        ("aws:RequestedRegion", "eu-west-1"),
        ("aws:UserAgent", "Boto3/1.34"),
        ("aws:ViaAWSService", "false"),
        ("aws:PrincipalIsAWSService", "false"),
        ("aws:PrincipalTag/team", "orders"),
        ("aws:ResourceTag/stage", "dev"),
    ] {
        context.set(key, value);
    }
    context.set_many("dynamodb:LeadingKeys", vec!["AROAIOSFODNN7EXAMPLE:run".to_owned()]);
    context
}

fn measure(name: &str, request: &Request<'_>, policies: &Policies<'_>) {
    assert!(decide(request, policies).is_allowed(), "the example is allowed");
    let mut times: Vec<Duration> = (0..BATCHES)
        .map(|_| {
            let start = Instant::now();
            for _ in 0..BATCH {
                black_box(decide(black_box(request), black_box(policies)));
            }
            start.elapsed() / BATCH
        })
        .collect();
    times.sort();
    println!("{name}: median {:?}, 99th percentile {:?}", times[BATCHES / 2], times[BATCHES * 99 / 100]);
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let role = [named(Kind::Managed, &ten_statements())?];
    let rich = [named(Kind::Managed, &thousand_actions())?, role[0].clone()];
    let rules = ResourceRules { vendor: None, resource_required: true };
    let door = r#"{"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Principal": {"AWS": "*"}, "Action": "dynamodb:*",
        "Resource": "*", "Condition": {"StringNotEquals": {"aws:PrincipalAccount": "111122223333"}}}}"#;
    let door = named(Kind::Resource(rules), door)?;
    let context = context();
    let request = Request {
        caller: Caller::Session {
            account: ACCOUNT,
            arn: "arn:aws:sts::111122223333:assumed-role/worker/run",
            role_arn: "arn:aws:iam::111122223333:role/worker",
            role_id: "AROAIOSFODNN7EXAMPLE",
            id: "AROAIOSFODNN7EXAMPLE:run",
        },
        action: "dynamodb:GetItem",
        resource: "arn:aws:dynamodb:eu-west-1:111122223333:table/dev-orders",
        resource_account: ACCOUNT,
        context: &context,
    };
    measure("ten statements", &request, &Policies { identity: &role, ..Policies::default() });
    let all = Policies { identity: &rich, boundary: Some(&role[0]), resource: Some(&door), ..Policies::default() };
    measure("a thousand actions more, boundary, resource policy", &request, &all);
    Ok(())
}
