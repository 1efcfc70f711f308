//! Policies and requests in few words.

use std::sync::Arc;

use traca_policy::{Caller, Context, Kind, NamedPolicy, Policies, Policy, Request, ResourceRules, Verdict, decide};

pub const ACCOUNT: &str = "111122223333";
pub const OTHER_ACCOUNT: &str = "444455556666";

pub const USER: Caller<'static> =
    Caller::User { account: ACCOUNT, arn: "arn:aws:iam::111122223333:user/division/ana", id: "AIDAIOSFODNN7EXAMPLE" };

pub const SESSION: Caller<'static> = Caller::Session {
    account: ACCOUNT,
    arn: "arn:aws:sts::111122223333:assumed-role/worker/run",
    role_arn: "arn:aws:iam::111122223333:role/service/worker",
    role_id: "AROAIOSFODNN7EXAMPLE",
    id: "AROAIOSFODNN7EXAMPLE:run",
};

pub const FEDERATED_USER: Caller<'static> = Caller::FederatedUser {
    account: ACCOUNT,
    arn: "arn:aws:sts::111122223333:federated-user/guest",
    user_arn: "arn:aws:iam::111122223333:user/division/ana",
    user_id: "AIDAIOSFODNN7EXAMPLE",
};

pub const ROOT: Caller<'static> = Caller::Root { account: ACCOUNT };
pub const SERVICE: Caller<'static> = Caller::Service { name: "s3.amazonaws.com" };

/// Rules of a resource policy that any service could have.
pub const ANY_SERVICE: ResourceRules = ResourceRules { vendor: None, resource_required: true };

/// Compiles a document, named after its kind.
pub fn named(kind: Kind, text: &str) -> NamedPolicy {
    let policy = Policy::parse(text, kind).unwrap_or_else(|malformed| panic!("{malformed}: {text}"));
    NamedPolicy { name: format!("{kind:?}").into(), policy: Arc::new(policy) }
}

/// A document of one statement, of version 2012-10-17.
pub fn document(statement: &str) -> String {
    format!(r#"{{"Version": "2012-10-17", "Statement": [{statement}]}}"#)
}

/// An identity policy of one statement.
pub fn identity(statement: &str) -> NamedPolicy {
    named(Kind::Identity, &document(statement))
}

/// A resource policy of one statement.
pub fn resource(statement: &str) -> NamedPolicy {
    named(Kind::Resource(ANY_SERVICE), &document(statement))
}

/// A context of keys with their values: one value makes a single-valued key.
pub fn context(entries: &[(&'static str, &[&'static str])]) -> Context<'static> {
    let mut context = Context::new();
    for (key, values) in entries {
        match values {
            [one] => context.set(*key, *one),
            many => context.set_many(*key, many.iter().map(|value| (*value).to_owned()).collect()),
        }
    }
    context
}

/// Decides on identity policies alone, for the user.
pub fn allows(policies: &[NamedPolicy], action: &str, resource: &str, context: &Context<'_>) -> bool {
    let request = Request { caller: USER, action, resource, resource_account: ACCOUNT, context };
    decide(&request, &Policies { identity: policies, ..Policies::default() }).is_allowed()
}

/// Decides `s3:GetObject` on an object of the caller's own account.
pub fn decide_for(caller: Caller<'_>, policies: &Policies<'_>) -> Verdict {
    decide_in(caller, ACCOUNT, policies)
}

/// Decides `s3:GetObject` on an object of an account.
pub fn decide_in(caller: Caller<'_>, account: &str, policies: &Policies<'_>) -> Verdict {
    let context = Context::new();
    let request = Request {
        caller,
        action: "s3:GetObject",
        resource: "arn:aws:s3:::bucket/key",
        resource_account: account,
        context: &context,
    };
    decide(&request, policies)
}
