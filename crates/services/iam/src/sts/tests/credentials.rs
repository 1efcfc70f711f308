//! Who somebody is, and credentials of one's own.

use std::time::Duration;

use api::sts::{
    self, Credentials, DecodeAuthorizationMessageRequest, GetAccessKeyInfoRequest, GetCallerIdentityRequest,
    GetCallerIdentityResponse, GetSessionTokenRequest,
};
use platform::credentials::{CredentialError, LONG_TERM_PREFIX, authorization_message};
use wire::Error;

use super::*;
use crate::sts::authorization_message::decode_authorization_message;
use crate::sts::session_token::get_session_token;

impl Bench {
    async fn session_token(&self, principal: Principal, input: GetSessionTokenRequest) -> Result<Credentials, Error> {
        let cx = self.cx::<sts::GetSessionToken>(principal);
        Ok(get_session_token(&self.sts, &cx, input).await?.credentials.expect("given"))
    }
}

fn lasting(seconds: i32) -> GetSessionTokenRequest {
    GetSessionTokenRequest { duration_seconds: Some(seconds), ..Default::default() }
}

#[tokio::test]
async fn callers_are_named_as_aws_names_them() {
    let bench = Bench::new();
    for (principal, arn, user_id) in [
        (root(), "arn:aws:iam::111122223333:root", "111122223333"),
        (user(), "arn:aws:iam::111122223333:user/staff/alice", "AIDAALICE"),
        (session(SessionFacts::default()), "arn:aws:sts::111122223333:assumed-role/first/run", "AROAFIRST:run"),
    ] {
        let input = GetCallerIdentityRequest::default();
        let identity = bench.test.call_as::<sts::GetCallerIdentity>(principal, input).await.expect("answered");
        let expected = GetCallerIdentityResponse {
            account: Some(ACCOUNT.to_owned()),
            arn: Some(arn.to_owned()),
            user_id: Some(user_id.to_owned()),
        };
        assert_eq!(identity, expected);
    }
}

#[tokio::test]
async fn nobody_has_no_identity() {
    let bench = Bench::new();
    let input = GetCallerIdentityRequest::default();
    let refused = bench.test.call_as::<sts::GetCallerIdentity>(Principal::Anonymous, input).await.expect_err("refused");
    assert_eq!(refused.definition.code, "MissingAuthenticationToken");
}

#[tokio::test]
async fn the_account_is_read_from_any_key() {
    let bench = Bench::new();
    let account = async |id: &str| {
        let input = GetAccessKeyInfoRequest { access_key_id: id.to_owned(), ..Default::default() };
        bench.test.call::<sts::GetAccessKeyInfo>(input).await
    };
    let minted = bench.test.platform.issuer.access_key_id(LONG_TERM_PREFIX, "444455556666");
    assert_eq!(account(&minted).await.expect("ours").account.as_deref(), Some("444455556666"));
    let of_aws = account("ASIAQNZGKIQY56JQ7WML").await.expect("carries its account");
    assert_eq!(of_aws.account.as_deref(), Some("029608264753"));
    let refused = account("AKIA0000000000000000").await.expect_err("carries none");
    assert!(refused.is("ValidationError"), "{refused}");
    for id in ["AKIA", &"A".repeat(129), "AKIA-0000-0000-0000-0000"] {
        let refused = account(id).await.expect_err("not an id");
        assert!(refused.is("ValidationError"), "{refused}");
        assert!(refused.to_string().contains("1 validation error detected"), "{refused}");
    }
}

#[tokio::test]
async fn a_session_token_acts_for_whoever_asked_until_it_ends() {
    let bench = Bench::new();
    let credentials = bench.session_token(root(), GetSessionTokenRequest::default()).await.expect("minted");
    assert!(credentials.access_key_id.starts_with("ASIA"));
    assert_eq!(credentials.expiration.seconds, START + 3_600, "of an account's root one hour at most");
    assert_eq!(bench.holder(&credentials), root());
    let credentials = bench.session_token(user(), GetSessionTokenRequest::default()).await.expect("minted");
    assert_eq!(credentials.expiration.seconds, START + 43_200);
    let holder = bench.holder(&credentials);
    assert_eq!(holder.arn(), user().arn());
    assert_eq!(holder.facts().map(|facts| (facts.issued_at, facts.mfa_at)), Some((START, None)));
    bench.test.clock.advance(Duration::from_secs(43_200));
    let issuer = &bench.test.platform.issuer;
    let ended =
        issuer.check(&credentials.access_key_id, Some(&credentials.session_token), bench.test.clock.now()).err();
    assert_eq!(ended, Some(CredentialError::ExpiredToken));
}

#[tokio::test]
async fn a_shorter_life_is_kept_and_an_impossible_one_refused() {
    let bench = Bench::new();
    let credentials = bench.session_token(root(), lasting(900)).await.expect("minted");
    assert_eq!(credentials.expiration.seconds, START + 900);
    let credentials = bench.session_token(user(), lasting(129_600)).await.expect("minted");
    assert_eq!(credentials.expiration.seconds, START + 129_600);
    for (seconds, bound) in [(899, "greater than or equal to 900"), (129_601, "less than or equal to 129600")] {
        let refused = bench.test.call::<sts::GetSessionToken>(lasting(seconds)).await.expect_err("refused");
        assert!(refused.is("ValidationError"), "{refused}");
        assert!(refused.to_string().contains(bound), "{refused}");
    }
}

#[tokio::test]
async fn only_long_term_credentials_get_a_session_token() {
    let bench = Bench::new();
    let credentials = bench.session_token(user(), GetSessionTokenRequest::default()).await.expect("minted");
    for holder in [bench.holder(&credentials), session(SessionFacts::default())] {
        let refused = bench.session_token(holder, GetSessionTokenRequest::default()).await.expect_err("refused");
        assert_eq!(refused.to_string(), "AccessDeniedException: Cannot call GetSessionToken with session credentials");
    }
    let device = GetSessionTokenRequest {
        serial_number: Some("arn:aws:iam::111122223333:mfa/user".to_owned()),
        token_code: Some("123456".to_owned()),
        ..Default::default()
    };
    let refused = bench.session_token(user(), device).await.expect_err("refused");
    assert!(refused.is("AccessDeniedException"), "{refused}");
}

#[tokio::test]
async fn session_names_are_ascii_words_of_2_to_64_characters() {
    let bench = Bench::new();
    let arn = bench.role("/", "worker", 3_600);
    for (name, text) in [
        (
            "Session1:2",
            "Value 'Session1:2' at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\w+=,.@-]*",
        ),
        ("sëssion", "Member must satisfy regular expression pattern: [\\w+=,.@-]*"),
        ("a", "Member must have length greater than or equal to 2"),
        (&"s".repeat(65), "Member must have length less than or equal to 64"),
    ] {
        let input =
            sts::AssumeRoleRequest { role_arn: arn.clone(), role_session_name: name.to_owned(), ..Default::default() };
        let refused = bench.test.call::<sts::AssumeRole>(input).await.expect_err("refused").to_string();
        assert!(refused.starts_with("ValidationError: 1 validation error detected: "), "{refused}");
        assert!(refused.contains(text), "{refused}");
    }
}

#[tokio::test]
async fn only_messages_of_the_account_are_decoded() {
    let bench = Bench::new();
    let decode = async |message: &str| {
        let cx = bench.cx::<sts::DecodeAuthorizationMessage>(root());
        let input = DecodeAuthorizationMessageRequest { encoded_message: message.to_owned(), ..Default::default() };
        decode_authorization_message(&bench.sts, &cx, input).await.map(|answer| answer.decoded_message)
    };
    let platform = &bench.test.platform;
    let sealed = authorization_message::seal(platform, ACCOUNT, r#"{"allowed":false}"#);
    assert!(!sealed.contains("allowed"));
    assert_eq!(decode(&sealed).await.expect("ours").as_deref(), Some(r#"{"allowed":false}"#));
    let of_another = authorization_message::seal(platform, "999999999999", "{}");
    for message in [of_another.as_str(), &sealed[1..], "nonsense", ""] {
        let refused = decode(message).await.expect_err("refused");
        assert!(refused.is("InvalidAuthorizationMessageException"), "{refused}");
    }
}
