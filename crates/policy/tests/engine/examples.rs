//! Every condition of the template in `examples/iam`, decided.

use serde_json::{Map, Value, json};
use traca_policy::{Caller, Kind, NamedPolicy, Policies, Request, decide};

use crate::support::{ACCOUNT, SESSION, context, named};

const TEMPLATE: &str = include_str!("../../../../examples/iam/template.json");

/// The document of a resource of the template, for the stage `dev` in `eu-west-1`.
fn document(resource: &str, property: &str) -> String {
    let template: Value = serde_json::from_str(TEMPLATE).expect("the template is JSON");
    resolve(&template["Resources"][resource]["Properties"][property]).to_string()
}

/// Replaces `Ref` and `Fn::Sub`.
fn resolve(value: &Value) -> Value {
    let substitute = |text: &str| {
        text.replace("${Stage}", "dev").replace("${AWS::Region}", "eu-west-1").replace("${AWS::AccountId}", ACCOUNT)
    };
    match value {
        Value::Object(members) => match (members.get("Ref"), members.get("Fn::Sub")) {
            (Some(Value::String(name)), _) => json!(substitute(&format!("${{{name}}}"))),
            (_, Some(Value::String(text))) => json!(substitute(text)),
            _ => {
                Value::Object(members.iter().map(|(name, value)| (name.clone(), resolve(value))).collect::<Map<_, _>>())
            }
        },
        Value::Array(items) => items.iter().map(resolve).collect(),
        other => other.clone(),
    }
}

fn order_role() -> Vec<NamedPolicy> {
    ["OrderItems", "OrderFiles", "OrderSecrets"]
        .map(|resource| named(Kind::Managed, &document(resource, "PolicyDocument")))
        .into()
}

type Keys = &'static [(&'static str, &'static [&'static str])];

fn check(cases: &[(&str, &str, Keys, bool)]) {
    let policies = order_role();
    for (action, resource, keys, expected) in cases {
        let mut context = context(keys);
        context.set("aws:userid", "AROAIOSFODNN7EXAMPLE:run");
        let request = Request { caller: SESSION, action, resource, resource_account: ACCOUNT, context: &context };
        let verdict = decide(&request, &Policies { identity: &policies, ..Policies::default() });
        assert_eq!(verdict.is_allowed(), *expected, "{action} on {resource} with {keys:?}: {verdict:?}");
    }
}

#[test]
fn items() {
    const TABLE: &str = "arn:aws:dynamodb:eu-west-1:111122223333:table/dev-orders";
    const OWN: (&str, &[&str]) = ("dynamodb:LeadingKeys", &["AROAIOSFODNN7EXAMPLE:run"]);
    const FOREIGN: (&str, &[&str]) = ("dynamodb:LeadingKeys", &["AROAIOSFODNN7EXAMPLE:other"]);
    const MIXED: (&str, &[&str]) =
        ("dynamodb:LeadingKeys", &["AROAIOSFODNN7EXAMPLE:run", "AROAIOSFODNN7EXAMPLE:other"]);
    check(&[
        ("dynamodb:GetItem", TABLE, &[OWN], true),
        ("dynamodb:GetItem", TABLE, &[FOREIGN], false),
        ("dynamodb:GetItem", TABLE, &[], false),
        ("dynamodb:BatchGetItem", TABLE, &[MIXED], false),
        ("dynamodb:Scan", TABLE, &[OWN], false),
        ("dynamodb:Query", "arn:aws:dynamodb:eu-west-1:111122223333:table/dev-orders/index/by-date", &[OWN], true),
        ("dynamodb:Query", "arn:aws:dynamodb:eu-west-1:111122223333:table/live-orders", &[OWN], false),
        ("dynamodb:Query", "arn:aws:dynamodb:eu-west-2:111122223333:table/dev-orders", &[OWN], false),
        ("dynamodb:PutItem", TABLE, &[OWN, ("dynamodb:Attributes", &["orderId", "lines"])], true),
        ("dynamodb:PutItem", TABLE, &[OWN, ("dynamodb:Attributes", &["orderId", "price"])], false),
        ("dynamodb:PutItem", TABLE, &[FOREIGN, ("dynamodb:Attributes", &["orderId"])], false),
        ("dynamodb:UpdateItem", TABLE, &[OWN], true),
        ("dynamodb:UpdateItem", TABLE, &[MIXED], false),
        ("dynamodb:DeleteItem", TABLE, &[OWN], false),
    ]);
}

#[test]
fn files() {
    const BUCKET: &str = "arn:aws:s3:::dev-orders-eu";
    const INCOMING: &str = "arn:aws:s3:::dev-orders-eu/incoming/a.csv";
    const INVOICE: &str = "arn:aws:s3:::dev-orders-eu/invoices/1.pdf";
    const DEV: (&str, &[&str]) = ("s3:ExistingObjectTag/Stage", &["dev"]);
    const ENCRYPTED: (&str, &[&str]) = ("s3:x-amz-server-side-encryption", &["AES256"]);
    check(&[
        ("s3:ListBucket", BUCKET, &[("s3:prefix", &["incoming/2024/"])], true),
        ("s3:ListBucket", BUCKET, &[("s3:prefix", &["secret/"])], false),
        ("s3:ListBucket", BUCKET, &[], false),
        ("s3:ListBucket", "arn:aws:s3:::live-orders-eu", &[("s3:prefix", &["incoming/"])], false),
        ("s3:GetObject", INCOMING, &[DEV], true),
        ("s3:GetObject", INCOMING, &[("s3:ExistingObjectTag/Stage", &["live"])], false),
        ("s3:GetObject", INCOMING, &[], false),
        ("s3:GetObject", INVOICE, &[DEV], false),
        ("s3:GetObject", INCOMING, &[DEV, ("aws:SecureTransport", &["true"])], true),
        ("s3:GetObject", INCOMING, &[DEV, ("aws:SecureTransport", &["false"])], false),
        ("s3:PutObject", INVOICE, &[ENCRYPTED], true),
        ("s3:PutObject", INVOICE, &[("s3:x-amz-server-side-encryption", &["aws:kms"])], false),
        ("s3:PutObject", INVOICE, &[], false),
        ("s3:PutObject", INCOMING, &[ENCRYPTED], false),
    ]);
}

#[test]
fn secrets() {
    const SECRET: &str = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:dev/database-a1b2c3";
    const KEY: &str = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
    check(&[
        ("secretsmanager:GetSecretValue", SECRET, &[("secretsmanager:ResourceTag/Stage", &["dev"])], true),
        ("secretsmanager:GetSecretValue", SECRET, &[("secretsmanager:ResourceTag/Stage", &["live"])], false),
        ("secretsmanager:GetSecretValue", SECRET, &[], false),
        ("secretsmanager:PutSecretValue", SECRET, &[("secretsmanager:ResourceTag/Stage", &["dev"])], false),
        ("kms:Decrypt", KEY, &[("kms:ViaService", &["secretsmanager.eu-west-1.amazonaws.com"])], true),
        ("kms:Decrypt", KEY, &[("kms:ViaService", &["ssm.eu-west-1.amazonaws.com"])], false),
        ("kms:Decrypt", KEY, &[], false),
    ]);
}

#[test]
fn trust() {
    let trust = named(Kind::RoleTrust, &document("OrderRole", "AssumeRolePolicyDocument"));
    let policies =
        Policies { resource: Some(&trust), authority: traca_policy::Authority::Resource, ..Policies::default() };
    for (name, account, expected) in [
        ("lambda.amazonaws.com", ACCOUNT, true),
        ("lambda.amazonaws.com", "999999999999", false),
        ("ec2.amazonaws.com", ACCOUNT, false),
    ] {
        let mut context = traca_policy::Context::new();
        context.set("aws:SourceAccount", account);
        let request = Request {
            caller: Caller::Service { name },
            action: "sts:AssumeRole",
            resource: "arn:aws:iam::111122223333:role/dev-orders",
            resource_account: ACCOUNT,
            context: &context,
        };
        assert_eq!(decide(&request, &policies).is_allowed(), expected, "{name} for {account}");
    }
}
