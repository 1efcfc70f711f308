//! Grants.

use api::kms::{
    self, CreateGrantRequest, CreateGrantResponse, EncryptRequest, GrantConstraints, ListGrantsRequest,
    ListRetirableGrantsRequest, RetireGrantRequest, RevokeGrantRequest,
};
use platform::testing::TestPlatform;

use super::{bench, create, encryption, refused, symmetric};

const GRANTEE: &str = "arn:aws:iam::111122223333:role/worker";
const RETIRER: &str = "arn:aws:iam::111122223333:user/admin";

fn creation(key: &str, operations: &[&str]) -> CreateGrantRequest {
    CreateGrantRequest {
        key_id: key.to_owned(),
        grantee_principal: Some(GRANTEE.to_owned()),
        retiring_principal: Some(RETIRER.to_owned()),
        operations: operations.iter().map(|operation| (*operation).to_owned()).collect(),
        ..CreateGrantRequest::default()
    }
}

async fn grant(bench: &TestPlatform, key: &str, name: Option<&str>) -> CreateGrantResponse {
    let name = name.map(ToOwned::to_owned);
    let input = CreateGrantRequest { name, ..creation(key, &["Encrypt", "Decrypt"]) };
    bench.call::<kms::CreateGrant>(input).await.expect("granted")
}

async fn listed(bench: &TestPlatform, key: &str) -> Vec<kms::GrantListEntry> {
    let input = ListGrantsRequest { key_id: key.to_owned(), ..ListGrantsRequest::default() };
    bench.call::<kms::ListGrants>(input).await.expect("listed").grants.expect("given")
}

#[tokio::test]
async fn a_grant_is_listed_until_it_ends() {
    let bench = bench();
    let key = symmetric(&bench).await;
    let (id, arn) = (key.key_id, key.arn);
    let made = grant(&bench, &id, None).await;
    let grants = listed(&bench, &id).await;
    assert_eq!(grants.len(), 1);
    let entry = &grants[0];
    assert_eq!((&entry.key_id, &entry.grant_id), (&arn, &made.grant_id));
    assert_eq!(
        (entry.grantee_principal.as_deref(), entry.retiring_principal.as_deref()),
        (Some(GRANTEE), Some(RETIRER))
    );
    assert_eq!((entry.name.as_deref(), &entry.constraints), (Some(""), &None));
    assert_eq!(entry.issuing_account.as_deref(), Some("arn:aws:iam::111122223333:root"));
    let input = ListRetirableGrantsRequest {
        retiring_principal: Some(RETIRER.to_owned()),
        ..ListRetirableGrantsRequest::default()
    };
    let retirable = bench.call::<kms::ListRetirableGrants>(input).await.expect("listed").grants.expect("given");
    assert_eq!(retirable, grants);
    let input = RetireGrantRequest { grant_token: made.grant_token, ..RetireGrantRequest::default() };
    bench.call::<kms::RetireGrant>(input).await.expect("retired");
    assert!(listed(&bench, &id).await.is_empty());
    let made = grant(&bench, &id, None).await;
    let input = || RevokeGrantRequest {
        key_id: id.clone(),
        grant_id: made.grant_id.clone().expect("given"),
        ..RevokeGrantRequest::default()
    };
    bench.call::<kms::RevokeGrant>(input()).await.expect("revoked");
    assert!(refused::<kms::RevokeGrant>(&bench, input()).await.starts_with("NotFoundException: "));
}

#[tokio::test]
async fn a_grant_of_the_same_name_and_contents_is_the_same() {
    let bench = bench();
    let key = symmetric(&bench).await.key_id;
    let (one, again) = (grant(&bench, &key, Some("n")).await, grant(&bench, &key, Some("n")).await);
    assert_eq!(one.grant_id, again.grant_id);
    let other = CreateGrantRequest { name: Some("n".to_owned()), ..creation(&key, &["Encrypt"]) };
    let other = bench.call::<kms::CreateGrant>(other).await.expect("granted");
    assert_ne!(one.grant_id, other.grant_id);
    assert_eq!(listed(&bench, &key).await.len(), 2);
}

#[tokio::test]
async fn grants_that_cannot_be_are_refused() {
    let bench = bench();
    let key = symmetric(&bench).await.key_id;
    let mac = create(&bench, "HMAC_256", "GENERATE_VERIFY_MAC").await.key_id;
    let subset = [("a".to_owned(), "1".to_owned())].into();
    let constraints = GrantConstraints { encryption_context_subset: Some(subset), ..GrantConstraints::default() };
    for (input, expected) in [
        (creation(&key, &["Sign"]), "ValidationException: Grant operation Sign is not supported"),
        (
            CreateGrantRequest { constraints: Some(constraints), ..creation(&mac, &["GenerateMac"]) },
            "ValidationException: Encryption context constraints",
        ),
        (
            CreateGrantRequest { grantee_principal: Some("worker".to_owned()), ..creation(&key, &["Encrypt"]) },
            "InvalidArnException: ",
        ),
        (
            CreateGrantRequest { grantee_principal: None, ..creation(&key, &["Encrypt"]) },
            "ValidationException: GranteePrincipal",
        ),
    ] {
        let text = refused::<kms::CreateGrant>(&bench, input).await;
        assert!(text.starts_with(expected), "{text} is not {expected}");
    }
    assert!(listed(&bench, &key).await.is_empty());
    let input = CreateGrantRequest { dry_run: Some(true), ..creation(&key, &["Encrypt"]) };
    assert!(refused::<kms::CreateGrant>(&bench, input).await.starts_with("DryRunOperationException"));
    assert!(listed(&bench, &key).await.is_empty());
}

#[tokio::test]
async fn a_forged_grant_token_is_refused() {
    let bench = bench();
    let key = symmetric(&bench).await.key_id;
    let token = grant(&bench, &key, None).await.grant_token.expect("given");
    let with = |token: String| EncryptRequest { grant_tokens: Some(vec![token]), ..encryption(&key, b"x") };
    bench.call::<kms::Encrypt>(with(token.clone())).await.expect("encrypted");
    let forged = token.replace(&token[..4], "AAAA");
    assert!(refused::<kms::Encrypt>(&bench, with(forged)).await.starts_with("InvalidGrantTokenException"));
}
