#![no_main]

use libfuzzer_sys::fuzz_target;
use policy::{Caller, Context, Kind, Policy, Request, ResourceRules};
use traca_fuzz::json_text;

const RULES: ResourceRules = ResourceRules { vendor: None, resource_required: true };

fuzz_target!(|text: &str| {
    let Some((pattern, arn)) = text.split_once('\n') else { return };
    let mut context = Context::new();
    context.set("aws:username", "ana");
    context.set("aws:SourceArn", arn);
    let request = Request {
        caller: Caller::Anonymous,
        action: "a:b",
        resource: arn,
        resource_account: "111122223333",
        context: &context,
    };
    let pattern = json_text(pattern);
    let answer = |members: &str| {
        let text = format!(
            r#"{{"Version": "2012-10-17", "Statement": {{"Effect": "Allow", "Principal": "*", "Action": "*", {members}}}}}"#
        );
        let policy = Policy::parse(&text, Kind::Resource(RULES)).ok()?;
        Some(policy.statements()[0].speaks_of(&request))
    };
    let resource = answer(&format!(r#""Resource": {pattern}"#));
    let not_resource = answer(&format!(r#""NotResource": {pattern}"#));
    answer(&format!(r#""Resource": "*", "Condition": {{"ArnLike": {{"aws:SourceArn": {pattern}}}}}"#));
    assert_eq!(resource.map(|covers| !covers), not_resource);
});
