//! What callers need to be allowed, and what roles say about it.

use api::sts::{self, AssumeRoleRequest, GetFederationTokenRequest};
use platform::{Authority, Guard, Need};

use super::*;
use crate::sts::guard::StsGuard;

const ARN: &str = "arn:aws:iam::111122223333:role/worker";

fn values<'n>(need: &'n Need, key: &str) -> Option<&'n [String]> {
    need.context.iter().find(|(name, _)| name == key).map(|(_, values)| values.as_slice())
}

#[test]
fn a_plain_request_needs_the_role_alone() {
    let bench = Bench::new();
    let cx = bench.cx::<sts::AssumeRole>(user());
    let input = AssumeRoleRequest {
        role_arn: ARN.to_owned(),
        role_session_name: "work".to_owned(),
        external_id: Some("secret-id".to_owned()),
        ..Default::default()
    };
    let needs = StsGuard.needs(&cx, &input);
    let [need] = needs.as_slice() else { panic!("{needs:?}") };
    assert_eq!((need.action, need.resource.as_str()), ("sts:AssumeRole", ARN));
    assert_eq!(values(need, "sts:RoleSessionName"), Some(&["work".to_owned()][..]));
    assert_eq!(values(need, "sts:ExternalId"), Some(&["secret-id".to_owned()][..]));
    for key in ["sts:SourceIdentity", "aws:TagKeys", "sts:TransitiveTagKeys", "aws:MultiFactorAuthPresent"] {
        assert_eq!(values(need, key), None, "{key}");
    }
    let unreadable = AssumeRoleRequest { role_arn: "worker".to_owned(), ..Default::default() };
    assert_eq!(StsGuard.needs(&cx, &unreadable)[0].resource, "*");
}

#[test]
fn tags_and_source_identities_need_more_inherited_ones_too() {
    let bench = Bench::new();
    let caller = session(SessionFacts {
        tags: vec![("Team".to_owned(), "blue".to_owned()), ("own".to_owned(), "1".to_owned())],
        transitive_tag_keys: vec!["Team".to_owned()],
        source_identity: Some("alice".to_owned()),
        ..Default::default()
    });
    let cx = bench.cx::<sts::AssumeRole>(caller);
    let input =
        AssumeRoleRequest { role_arn: ARN.to_owned(), tags: Some(vec![tag("stage", "test")]), ..Default::default() };
    let needs = StsGuard.needs(&cx, &input);
    let actions: Vec<&str> = needs.iter().map(|need| need.action).collect();
    assert_eq!(actions, ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"]);
    for need in &needs {
        assert_eq!(values(need, "aws:RequestTag/stage"), Some(&["test".to_owned()][..]));
        assert_eq!(values(need, "aws:RequestTag/Team"), Some(&["blue".to_owned()][..]));
        assert_eq!(values(need, "aws:RequestTag/own"), None);
        assert_eq!(values(need, "sts:SourceIdentity"), Some(&["alice".to_owned()][..]));
        assert_eq!(values(need, "sts:TransitiveTagKeys"), Some(&["Team".to_owned()][..]));
    }
}

#[test]
fn other_operations_need_their_own_action() {
    let bench = Bench::new();
    let cx = bench.cx::<sts::GetFederationToken>(user());
    let input = GetFederationTokenRequest { name: "bob".to_owned(), ..Default::default() };
    let needs = StsGuard.needs(&cx, &input);
    assert_eq!(needs, [Need::new("sts:GetFederationToken", "arn:aws:sts::111122223333:federated-user/bob")]);
    let cx = bench.cx::<sts::DecodeAuthorizationMessage>(user());
    let needs = StsGuard.needs(&cx, &sts::DecodeAuthorizationMessageRequest::default());
    assert_eq!(needs, [Need::new("sts:DecodeAuthorizationMessage", "*")]);
}

#[tokio::test]
async fn a_role_has_the_last_word_and_one_that_is_not_there_trusts_nobody() {
    let bench = Bench::new();
    let arn = bench.role("/", "worker", 3_600);
    let cx = bench.cx::<sts::AssumeRole>(user());
    let facts = StsGuard.facts(&cx, &Need::new("sts:AssumeRole", arn)).await.expect("looked up");
    assert_eq!((facts.policy.as_deref(), facts.authority), (Some(TRUST), Authority::Resource));
    let facts = StsGuard.facts(&cx, &Need::new("sts:AssumeRole", "arn:aws:iam::111122223333:role/none")).await;
    let facts = facts.expect("looked up");
    assert_eq!((facts.policy.as_deref(), facts.authority), (None, Authority::Resource));
    let facts = StsGuard.facts(&cx, &Need::new("sts:GetCallerIdentity", "*")).await.expect("nothing to look up");
    assert_eq!(facts.authority, Authority::Either);
}
