//! Credentials that a user hands to somebody else.

use api::sts::{self, GetFederationTokenRequest, GetFederationTokenResponse};
use wire::Error;

use super::*;
use crate::sts::federation_token::get_federation_token;

impl Bench {
    async fn federate(
        &self,
        principal: Principal,
        input: GetFederationTokenRequest,
    ) -> Result<GetFederationTokenResponse, Error> {
        get_federation_token(&self.sts, &self.cx::<sts::GetFederationToken>(principal), input).await
    }
}

fn named(name: &str) -> GetFederationTokenRequest {
    GetFederationTokenRequest { name: name.to_owned(), ..Default::default() }
}

#[tokio::test]
async fn a_federated_user_remembers_its_creator() {
    let bench = Bench::new();
    let asked = GetFederationTokenRequest {
        policy: Some(DOCUMENT.to_owned()),
        tags: Some(vec![tag("team", "blue")]),
        ..named("bob")
    };
    let answer = bench.federate(user(), asked).await.expect("minted");
    let federated = answer.federated_user.expect("named");
    assert_eq!(federated.arn, "arn:aws:sts::111122223333:federated-user/bob");
    assert_eq!(federated.federated_user_id, "111122223333:bob");
    assert!(answer.packed_policy_size.is_some_and(|percent| percent > 0));
    let credentials = answer.credentials.expect("given");
    assert_eq!(credentials.expiration.seconds, START + 43_200);
    let Principal::FederatedUser { creator, facts, .. } = bench.holder(&credentials) else { panic!("another kind") };
    assert_eq!(*creator, user());
    assert_eq!(facts.policy.as_deref(), Some(DOCUMENT));
    assert_eq!(facts.tags, [("team".to_owned(), "blue".to_owned())]);
}

#[tokio::test]
async fn without_policies_the_size_is_nought_and_roots_get_an_hour() {
    let bench = Bench::new();
    let answer = bench.federate(root(), named("bob")).await.expect("minted");
    assert_eq!(answer.packed_policy_size, Some(0));
    assert_eq!(answer.credentials.expect("given").expiration.seconds, START + 3_600);
}

#[tokio::test]
async fn sessions_federate_nobody() {
    let bench = Bench::new();
    let refused = bench.federate(session(SessionFacts::default()), named("bob")).await.expect_err("refused");
    assert_eq!(refused.to_string(), "AccessDeniedException: Cannot call GetFederationToken with session credentials");
}
