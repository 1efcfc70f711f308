//! What clients of STS see.

use std::sync::Arc;
use std::time::Duration;

use api::Operation;
use api::sts::{
    self, Credentials, GetAccessKeyInfoRequest, GetCallerIdentityRequest, GetCallerIdentityResponse,
    GetSessionTokenRequest,
};
use blob::BlobStore;
use platform::credentials::{CredentialError, LONG_TERM_PREFIX};
use platform::{Call, Clock, Config, Ctx, Ids, Issuer, Platform, Principal, Services};
use store::Store;
use wire::{Error, Timestamp};

const ACCOUNT: &str = "111122223333";
const START: i64 = 1_750_000_000;

/// The service and what it stands on.
struct Bench {
    platform: Arc<Platform>,
    clock: Clock,
}

impl Bench {
    fn new() -> Bench {
        let clock = Clock::controlled(Timestamp { seconds: START, nanoseconds: 0 });
        let ids = Ids::seeded(7);
        let issuer = Issuer::in_memory(clock.clone(), ids.clone());
        let stores = (Store::memory(), Store::memory());
        let config = Config::default();
        let platform = Platform::new(config, stores.0, stores.1, BlobStore::memory(), clock.clone(), ids, issuer);
        let platform = Arc::new(platform);
        let mut services = Services::default();
        services.register(crate::sts());
        platform.install(services);
        Bench { platform, clock }
    }

    /// Calls an operation with a principal's credentials: authorised, validated, handled.
    async fn call<O: Operation>(
        &self,
        principal: Principal,
        access_key_id: Option<String>,
        input: O::Input,
    ) -> Result<O::Output, Error> {
        let cx = Ctx::new(Call {
            platform: Arc::clone(&self.platform),
            account: ACCOUNT.to_owned(),
            region: "eu-west-1".to_owned(),
            principal,
            request_id: "request".to_owned(),
            service: &sts::SERVICE,
            operation: O::definition(),
            protocol: None,
            source_ip: None,
            endpoint: "http://127.0.0.1:4566".to_owned(),
            access_key_id,
            user_agent: None,
            trace_header: None,
            origin: platform::Origin::default(),
        });
        let output = cx.dispatch(Box::new(input)).await?;
        Ok(*output.into_any().downcast::<O::Output>().expect("the operation's own output"))
    }

    /// Asks for a session token with a long-term key of the account's root.
    async fn session_token(&self, input: GetSessionTokenRequest) -> Result<Credentials, Error> {
        let key = self.platform.issuer.access_key_id(LONG_TERM_PREFIX, ACCOUNT);
        let response = self.call::<sts::GetSessionToken>(root(), Some(key), input).await?;
        Ok(response.credentials.expect("given"))
    }
}

fn root() -> Principal {
    Principal::Root { account: ACCOUNT.to_owned() }
}

fn session() -> Principal {
    Principal::Session {
        account: ACCOUNT.to_owned(),
        role: "worker".to_owned(),
        role_id: "AROAEXAMPLE".to_owned(),
        session: "greet".to_owned(),
        facts: Arc::default(),
    }
}

#[tokio::test]
async fn callers_are_named_as_aws_names_them() {
    let bench = Bench::new();
    for (principal, arn, user_id) in [
        (root(), "arn:aws:iam::111122223333:root", "111122223333"),
        (session(), "arn:aws:sts::111122223333:assumed-role/worker/greet", "AROAEXAMPLE:greet"),
    ] {
        let input = GetCallerIdentityRequest::default();
        let identity = bench.call::<sts::GetCallerIdentity>(principal, None, input).await.expect("answered");
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
    let refused = bench.call::<sts::GetCallerIdentity>(Principal::Anonymous, None, input).await.expect_err("refused");
    assert_eq!(refused.definition.code, "MissingAuthenticationToken");
}

#[tokio::test]
async fn the_account_is_read_from_any_key() {
    let bench = Bench::new();
    let account = async |id: &str| {
        let input = GetAccessKeyInfoRequest { access_key_id: id.to_owned(), ..Default::default() };
        bench.call::<sts::GetAccessKeyInfo>(root(), None, input).await
    };
    let minted = bench.platform.issuer.access_key_id(LONG_TERM_PREFIX, "444455556666");
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
    let credentials = bench.session_token(GetSessionTokenRequest::default()).await.expect("minted");
    assert!(credentials.access_key_id.starts_with("ASIA"));
    assert_eq!(credentials.expiration.seconds, START + 3_600, "of an account's root one hour at most");
    let check = |now| bench.platform.issuer.check(&credentials.access_key_id, Some(&credentials.session_token), now);
    let verified = check(bench.clock.now()).expect("valid");
    assert_eq!((verified.principal, verified.secret), (root(), credentials.secret_access_key.clone()));
    bench.clock.advance(Duration::from_secs(3_600));
    assert_eq!(check(bench.clock.now()).map(|_| ()), Err(CredentialError::ExpiredToken));
}

#[tokio::test]
async fn a_shorter_life_is_kept_and_an_impossible_one_refused() {
    let bench = Bench::new();
    let lasting = |seconds| GetSessionTokenRequest { duration_seconds: Some(seconds), ..Default::default() };
    let credentials = bench.session_token(lasting(900)).await.expect("minted");
    assert_eq!(credentials.expiration.seconds, START + 900);
    let credentials = bench.session_token(lasting(129_600)).await.expect("minted");
    assert_eq!(credentials.expiration.seconds, START + 3_600);
    for (seconds, bound) in [(899, "greater than or equal to 900"), (129_601, "less than or equal to 129600")] {
        let refused = bench.session_token(lasting(seconds)).await.expect_err("refused");
        assert!(refused.is("ValidationError"), "{refused}");
        assert!(refused.to_string().contains(bound), "{refused}");
    }
}

#[tokio::test]
async fn only_long_term_credentials_without_a_device_get_a_session_token() {
    let bench = Bench::new();
    let credentials = bench.session_token(GetSessionTokenRequest::default()).await.expect("minted");
    let again = bench.call::<sts::GetSessionToken>(root(), Some(credentials.access_key_id), Default::default());
    let refused = again.await.expect_err("refused");
    assert_eq!(refused.to_string(), "AccessDeniedException: Cannot call GetSessionToken with session credentials");
    let device = GetSessionTokenRequest {
        serial_number: Some("arn:aws:iam::111122223333:mfa/user".to_owned()),
        token_code: Some("123456".to_owned()),
        ..Default::default()
    };
    let refused = bench.session_token(device).await.expect_err("refused");
    assert!(refused.is("AccessDeniedException"), "{refused}");
}
