use std::sync::Arc;

use super::*;
use crate::principal::SessionFacts;

fn clock() -> Clock {
    Clock::controlled(Timestamp { seconds: 1_700_000_000, nanoseconds: 0 })
}

fn issuer(clock: &Clock) -> Issuer {
    Issuer::in_memory(clock.clone(), Ids::seeded(7))
}

fn session() -> Principal {
    Principal::Session {
        account: "123456789012".to_owned(),
        role: "worker".to_owned(),
        role_id: "AROAEXAMPLE".to_owned(),
        session: "function".to_owned(),
        facts: Arc::default(),
    }
}

#[test]
fn minted_credentials_name_their_principal_until_they_end() {
    let clock = clock();
    let issuer = issuer(&clock);
    for principal in [session(), Principal::Root { account: "000000000042".to_owned() }] {
        let minted = issuer.mint(&principal, Duration::from_secs(900)).unwrap();
        assert!(minted.access_key_id.starts_with("ASIA"));
        assert_eq!(Issuer::account_of(&minted.access_key_id).as_deref(), principal.account());
        assert_eq!(minted.secret_access_key.len(), 40);
        let check = |now| issuer.check(&minted.access_key_id, Some(&minted.session_token), now);
        let verified = check(clock.now()).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(verified.principal, principal);
        assert_eq!(verified.secret, minted.secret_access_key);
        let end = minted.expiration;
        assert_eq!(end.seconds, clock.now().seconds + 900);
        assert!(check(Timestamp { seconds: end.seconds - 1, nanoseconds: 0 }).is_ok());
        assert_eq!(check(end).err(), Some(CredentialError::ExpiredToken));
    }
}

#[test]
fn no_two_sessions_share_a_secret() {
    let issuer = issuer(&clock());
    let first = issuer.mint(&session(), Duration::from_secs(900)).unwrap();
    let second = issuer.mint(&session(), Duration::from_secs(900)).unwrap();
    assert_ne!(first.access_key_id, second.access_key_id);
    assert_ne!(first.secret_access_key, second.secret_access_key);
    let crossed = issuer.check(&first.access_key_id, Some(&second.session_token), first.expiration);
    assert_eq!(crossed.err(), Some(CredentialError::InvalidToken));
}

#[test]
fn altered_missing_and_foreign_tokens_are_told_apart() {
    let clock = clock();
    let issuer = issuer(&clock);
    let minted = issuer.mint(&session(), Duration::from_secs(900)).unwrap();
    let check = |key: &str, token: Option<&str>| issuer.check(key, token, clock.now()).err();
    assert_eq!(check(&minted.access_key_id, None), Some(CredentialError::InvalidToken));
    assert_eq!(check(&minted.access_key_id, Some("")), Some(CredentialError::InvalidToken));
    assert_eq!(check("AKIAIOSFODNN7EXAMPLE", None), Some(CredentialError::Unknown));
    assert_eq!(check("ASIAQNZGKIQY56JQ7WML", Some("IQoJb3JpZ2luX2Vj")), Some(CredentialError::Unknown));
    let bytes = STANDARD.decode(&minted.session_token).unwrap();
    for at in TOKEN_MAGIC.len()..bytes.len() {
        let mut altered = bytes.clone();
        altered[at] ^= 1;
        let token = STANDARD.encode(&altered);
        assert_eq!(check(&minted.access_key_id, Some(&token)), Some(CredentialError::InvalidToken), "byte {at}");
    }
    for length in TOKEN_MAGIC.len()..bytes.len() {
        let token = STANDARD.encode(&bytes[..length]);
        assert_eq!(check(&minted.access_key_id, Some(&token)), Some(CredentialError::InvalidToken), "length {length}");
    }
}

#[test]
fn credentials_outlive_the_process_but_not_the_key() {
    let clock = clock();
    let directory = tempfile::tempdir().unwrap();
    let open = || Issuer::open(directory.path(), clock.clone(), Ids::random()).unwrap();
    let minted = open().mint(&session(), Duration::from_secs(900)).unwrap();
    let check = |issuer: &Issuer| issuer.check(&minted.access_key_id, Some(&minted.session_token), clock.now()).err();
    assert_eq!(check(&open()), None);
    std::fs::remove_file(directory.path().join(KEY_FILE)).unwrap();
    assert_eq!(check(&open()), Some(CredentialError::InvalidToken));
}

#[test]
fn services_and_nobody_hold_no_credentials() {
    let issuer = issuer(&clock());
    let service = Principal::Service { name: "s3.amazonaws.com", account: "000000000000".to_owned(), source_arn: None };
    for principal in [Principal::Anonymous, service] {
        assert_eq!(issuer.mint(&principal, Duration::from_secs(900)), Err(MintError::NoHolder));
    }
}

#[test]
fn secrets_do_not_reach_logs() {
    let minted = issuer(&clock()).mint(&session(), Duration::from_secs(900)).unwrap();
    let shown = format!("{minted:?}");
    assert!(!shown.contains(&minted.secret_access_key) && !shown.contains(&minted.session_token));
}

/// A session that carries more than fits into a token unpacked.
fn loaded(policy: &str) -> Principal {
    let facts = SessionFacts {
        issued_at: 1_700_000_000,
        role_path: "/teams/".to_owned(),
        policy: Some(policy.repeat(60)),
        policy_arns: vec!["arn:aws:iam::aws:policy/ReadOnlyAccess".to_owned()],
        tags: vec![("team".to_owned(), "blue".to_owned())],
        transitive_tag_keys: vec!["team".to_owned()],
        source_identity: Some("alice".to_owned()),
        mfa_at: Some(1_699_999_990),
        federated_provider: Some("accounts.example.com".to_owned()),
        federated_claims: vec![("accounts.example.com:sub".to_owned(), vec!["one".to_owned()])],
        source_function_arn: Some("arn:aws:lambda:eu-west-1:123456789012:function:greet".to_owned()),
        is_unconfined: true,
    };
    let Principal::Session { account, role, role_id, session, .. } = session() else { unreachable!() };
    Principal::Session { account, role, role_id, session, facts: Arc::new(facts) }
}

#[test]
fn all_that_a_session_carries_comes_back_packed_or_not() {
    let clock = clock();
    let issuer = issuer(&clock);
    let user = |facts| Principal::User {
        account: "123456789012".to_owned(),
        name: "alice".to_owned(),
        path: "/".to_owned(),
        user_id: "AIDAEXAMPLE".to_owned(),
        facts,
    };
    let federated = Principal::FederatedUser {
        account: "123456789012".to_owned(),
        name: "bob".to_owned(),
        creator: Arc::new(user(None)),
        facts: Arc::default(),
    };
    for principal in [loaded("{\"Version\":\"2012-10-17\",\"Statement\":[]}"), user(Some(Arc::default())), federated] {
        let minted = issuer.mint(&principal, Duration::from_secs(900)).unwrap();
        assert!(minted.session_token.len() <= TOKEN_BYTES_MAX);
        let verified = issuer.check(&minted.access_key_id, Some(&minted.session_token), clock.now()).unwrap();
        assert_eq!(verified.principal, principal);
    }
}

#[test]
fn packed_tokens_are_sealed_like_plain_ones() {
    let clock = clock();
    let issuer = issuer(&clock);
    let minted = issuer.mint(&loaded("{\"Statement\":[]}"), Duration::from_secs(900)).unwrap();
    let bytes = STANDARD.decode(&minted.session_token).unwrap();
    for at in TOKEN_MAGIC.len()..bytes.len() {
        let mut altered = bytes.clone();
        altered[at] ^= 1;
        let checked = issuer.check(&minted.access_key_id, Some(&STANDARD.encode(&altered)), clock.now());
        assert_eq!(checked.err(), Some(CredentialError::InvalidToken), "byte {at}");
    }
}

#[test]
fn a_session_that_carries_too_much_gets_no_token() {
    let long: String = (0..1_000_u32).map(|number| number.wrapping_mul(2_654_435_761).to_string()).collect();
    let minted = issuer(&clock()).mint(&loaded(&long), Duration::from_secs(900));
    assert_eq!(minted, Err(MintError::TooLarge));
}

#[test]
fn tokens_of_another_format_are_invalid() {
    let clock = clock();
    let issuer = issuer(&clock);
    let minted = issuer.mint(&session(), Duration::from_secs(900)).unwrap();
    let mut bytes = STANDARD.decode(&minted.session_token).unwrap();
    bytes[TOKEN_MAGIC.len() - 1] = 1;
    let checked = issuer.check(&minted.access_key_id, Some(&STANDARD.encode(&bytes)), clock.now());
    assert_eq!(checked.err(), Some(CredentialError::InvalidToken));
}
