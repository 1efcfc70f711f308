#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use policy::{Caller, Context, Kind, NamedPolicy, Policies, Policy, Request, ResourceRules, decide};

const RULES: ResourceRules = ResourceRules { vendor: None, resource_required: false };

fuzz_target!(|text: &str| {
    for kind in [Kind::Identity, Kind::Managed, Kind::Session, Kind::Resource(RULES), Kind::RoleTrust] {
        let Ok(policy) = Policy::parse(text, kind) else { continue };
        for statement in policy.statements() {
            let span = statement.span();
            assert!(text[span.clone()].starts_with('{') && text[span].ends_with('}'));
            statement.condition_keys().for_each(drop);
        }
        let policy = NamedPolicy { name: "fuzz".into(), policy: Arc::new(policy) };
        let mut context = Context::new();
        context.set("aws:username", "ana");
        let request = Request {
            caller: Caller::User {
                account: "111122223333",
                arn: "arn:aws:iam::111122223333:user/ana",
                id: "AIDAEXAMPLE",
            },
            action: "s3:GetObject",
            resource: "arn:aws:s3:::bucket/key",
            resource_account: "111122223333",
            context: &context,
        };
        let identity = std::slice::from_ref(&policy);
        decide(&request, &Policies { identity, resource: Some(&policy), ..Policies::default() });
    }
});
