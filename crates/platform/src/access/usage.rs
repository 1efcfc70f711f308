//! What principals were allowed, and the least policy that says so.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;

use lru::LruCache;
use parking_lot::Mutex;
use serde_json::{Value, json};

use crate::principal::Principal;

/// Principals remembered; the one that has not called for longest is forgotten first.
const PRINCIPALS_MAX: NonZeroUsize = NonZeroUsize::new(256).expect("the number is not zero");

/// Actions remembered of a principal: more than any service has operations.
const ACTIONS_MAX: usize = 512;

/// Resources remembered of an action; beyond that they are merged into patterns.
const RESOURCES_MAX: usize = 32;

/// Longest resource remembered, in bytes: the longest ARN that policies take. A longer one names nothing that exists.
const RESOURCE_BYTES_MAX: usize = 2_048;

/// Actions with the resources they were allowed on.
type Actions = BTreeMap<String, BTreeSet<String>>;

/// What principals were allowed, by the ARN of the user, role or root.
pub struct Usage(Mutex<LruCache<String, Actions>>);

impl Default for Usage {
    fn default() -> Usage {
        Usage(Mutex::new(LruCache::new(PRINCIPALS_MAX)))
    }
}

impl Usage {
    /// Notes an action on a resource. Nobody and the platform's own services have no policies to be written.
    pub fn record(&self, principal: &Principal, action: &str, resource: &str) {
        let has_policies = !matches!(principal, Principal::Anonymous | Principal::Service { .. });
        if !has_policies || resource.len() > RESOURCE_BYTES_MAX {
            return;
        }
        let arn = principal.identity_arn();
        let mut usage = self.0.lock();
        let actions = usage.get_or_insert_mut(arn, Actions::new);
        if !actions.contains_key(action) {
            if actions.len() >= ACTIONS_MAX {
                return;
            }
            actions.insert(action.to_owned(), BTreeSet::new());
        }
        let Some(resources) = actions.get_mut(action) else { return };
        if resources.contains(resource) || resources.iter().any(|known| covers(known, resource)) {
            return;
        }
        resources.insert(resource.to_owned());
        if resources.len() > RESOURCES_MAX {
            *resources = merged(resources);
        }
    }

    /// The least policy of those whose ARN or plain name this is.
    pub fn least_policy(&self, name: &str) -> Option<Value> {
        let usage = self.0.lock();
        let plain_name = format!("/{name}");
        let meant = |arn: &str| arn == name || (arn.contains(":role/") && arn.ends_with(&plain_name));
        let mut actions = Actions::new();
        for (_, own) in usage.iter().filter(|(arn, _)| meant(arn)) {
            for (action, resources) in own {
                actions.entry(action.clone()).or_default().extend(resources.iter().cloned());
            }
        }
        (!actions.is_empty()).then(|| document(&actions))
    }

    pub fn principals(&self) -> Vec<String> {
        let mut arns: Vec<String> = self.0.lock().iter().map(|(arn, _)| arn.clone()).collect();
        arns.sort_unstable();
        arns
    }

    pub fn clear(&self) {
        self.0.lock().clear();
    }
}

/// A policy: actions that have the same resources share a statement.
fn document(actions: &Actions) -> Value {
    let mut by_resources: BTreeMap<&BTreeSet<String>, Vec<&str>> = BTreeMap::new();
    for (action, resources) in actions {
        by_resources.entry(resources).or_default().push(action);
    }
    let statements: Vec<Value> = by_resources
        .into_iter()
        .map(|(resources, actions)| json!({"Effect": "Allow", "Action": actions, "Resource": resources}))
        .collect();
    json!({"Version": "2012-10-17", "Statement": statements})
}

/// Whether a pattern with one `*` at its end covers a resource.
fn covers(pattern: &str, resource: &str) -> bool {
    pattern.strip_suffix('*').is_some_and(|prefix| resource.starts_with(prefix))
}

/// Fewer patterns: resources that differ in their last part alone (`…:log-stream:a`, `…/object`) become one pattern; if
/// that is not enough, those of the same service and account, and in the end all.
fn merged(resources: &BTreeSet<String>) -> BTreeSet<String> {
    let cut_last: fn(&str) -> String = |arn| match arn.rfind(['/', ':']) {
        Some(at) if arn.matches(':').count() >= 5 => format!("{}*", &arn[..=at]),
        _ => arn.to_owned(),
    };
    let cut_service: fn(&str) -> String = |arn| {
        let end = arn.match_indices(':').nth(4).map(|(at, _)| at);
        end.map_or_else(|| arn.to_owned(), |end| format!("{}*", &arn[..=end]))
    };
    for cut in [cut_last, cut_service] {
        let fewer: BTreeSet<String> = resources.iter().map(|arn| cut(arn)).collect();
        if fewer.len() <= RESOURCES_MAX / 2 {
            return fewer;
        }
    }
    BTreeSet::from(["*".to_owned()])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(name: &str) -> Principal {
        Principal::User {
            account: "111122223333".to_owned(),
            name: name.to_owned(),
            path: "/".to_owned(),
            user_id: "AIDAEXAMPLE".to_owned(),
            facts: None,
        }
    }

    const ALICE: &str = "arn:aws:iam::111122223333:user/alice";

    #[test]
    fn actions_on_the_same_resources_share_a_statement() {
        let usage = Usage::default();
        for action in ["sqs:SendMessage", "sqs:ReceiveMessage"] {
            usage.record(&user("alice"), action, "arn:aws:sqs:eu-west-1:111122223333:q");
        }
        usage.record(&user("alice"), "lambda:ListFunctions", "*");
        usage.record(&user("bob"), "sqs:DeleteQueue", "arn:aws:sqs:eu-west-1:111122223333:q");
        let policy = usage.least_policy(ALICE).unwrap();
        assert_eq!(
            policy,
            json!({"Version": "2012-10-17", "Statement": [
                {"Effect": "Allow", "Action": ["lambda:ListFunctions"], "Resource": ["*"]},
                {
                    "Effect": "Allow",
                    "Action": ["sqs:ReceiveMessage", "sqs:SendMessage"],
                    "Resource": ["arn:aws:sqs:eu-west-1:111122223333:q"],
                },
            ]})
        );
        assert_eq!(usage.least_policy("arn:aws:iam::111122223333:user/nobody"), None);
    }

    #[test]
    fn many_resources_become_a_pattern_that_covers_them() {
        let usage = Usage::default();
        for object in 0..10 * RESOURCES_MAX {
            usage.record(&user("alice"), "s3:GetObject", &format!("arn:aws:s3:::bucket/folder/{object}"));
        }
        let policy = usage.least_policy(ALICE).unwrap();
        assert_eq!(policy["Statement"][0]["Resource"], json!(["arn:aws:s3:::bucket/folder/*"]));
    }

    #[test]
    fn neither_principals_nor_actions_nor_resources_grow_without_bound() {
        let usage = Usage::default();
        for number in 0..2 * PRINCIPALS_MAX.get() {
            usage.record(&user(&format!("user-{number}")), "a:B", "*");
        }
        for number in 0..2 * ACTIONS_MAX {
            usage.record(&user("alice"), &format!("a:{number}"), "*");
        }
        for number in 0..10 * RESOURCES_MAX {
            usage.record(&user("alice"), "a:1", &format!("arn:aws:x{number}:eu-west-1:111122223333:thing/{number}"));
        }
        assert_eq!(usage.principals().len(), PRINCIPALS_MAX.get());
        let usage = usage.0.lock();
        assert_eq!(usage.peek(ALICE).unwrap().len(), ACTIONS_MAX);
        assert!(usage.peek(ALICE).unwrap()["a:1"].len() <= RESOURCES_MAX);
    }
}
