#![no_main]

use libfuzzer_sys::fuzz_target;
use policy::{Caller, Context, Kind, Policy, Request};
use traca_fuzz::json_text;

/// Operators and their opposites. Addresses and ARNs are not among them: what is none satisfies neither.
const OPPOSITES: [(&str, &str); 5] = [
    ("StringEquals", "StringNotEquals"),
    ("StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase"),
    ("StringLike", "StringNotLike"),
    ("NumericEquals", "NumericNotEquals"),
    ("DateEquals", "DateNotEquals"),
];

fuzz_target!(|text: &str| {
    let mut lines = text.splitn(3, '\n');
    let (Some(operator), Some(value), Some(given)) = (lines.next(), lines.next(), lines.next()) else { return };
    let mut context = Context::new();
    context.set("test:key", given);
    context.set("aws:username", "ana");
    let request = Request {
        caller: Caller::Anonymous,
        action: "a:b",
        resource: "*",
        resource_account: "111122223333",
        context: &context,
    };
    let holds = |operator: &str| {
        let text = format!(
            r#"{{"Version": "2012-10-17", "Statement": {{"Effect": "Allow", "Action": "*", "Resource": "*",
                "Condition": {{{}: {{"test:key": {}}}}}}}}}"#,
            json_text(operator),
            json_text(value)
        );
        let policy = Policy::parse(&text, Kind::Identity).ok()?;
        Some(policy.statements()[0].speaks_of(&request))
    };
    assert_eq!(holds(operator), holds(operator));
    for (plain, negated) in OPPOSITES {
        assert_eq!(holds(plain).map(|holds| !holds), holds(negated), "{plain} {value:?} {given:?}");
    }
    for (plain, negated) in [("IpAddress", "NotIpAddress"), ("ArnLike", "ArnNotLike")] {
        assert!(holds(plain) != Some(true) || holds(negated) != Some(true), "{plain} {value:?} {given:?}");
    }
});
