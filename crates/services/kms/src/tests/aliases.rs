//! Aliases.

use api::kms::{self, CreateAliasRequest, DeleteAliasRequest, ListAliasesRequest, UpdateAliasRequest};
use platform::testing::{ACCOUNT, REGION, TestPlatform};

use super::{bench, create, describe, encrypt, refused, symmetric};

fn creation(name: &str, key: &str) -> CreateAliasRequest {
    let (alias_name, target_key_id) = (name.to_owned(), key.to_owned());
    CreateAliasRequest { alias_name, target_key_id, ..CreateAliasRequest::default() }
}

fn update(name: &str, key: &str) -> UpdateAliasRequest {
    let (alias_name, target_key_id) = (name.to_owned(), key.to_owned());
    UpdateAliasRequest { alias_name, target_key_id, ..UpdateAliasRequest::default() }
}

async fn names(bench: &TestPlatform, key: Option<&str>) -> Vec<String> {
    let input = ListAliasesRequest { key_id: key.map(ToOwned::to_owned), ..ListAliasesRequest::default() };
    let listed = bench.call::<kms::ListAliases>(input).await.expect("listed").aliases.expect("given");
    listed.into_iter().filter_map(|alias| alias.alias_name).collect()
}

#[tokio::test]
async fn an_alias_stands_for_its_key_until_it_stands_for_another() {
    let bench = bench();
    let (one, other) = (symmetric(&bench).await.key_id, symmetric(&bench).await.key_id);
    bench.call::<kms::CreateAlias>(creation("alias/app", &one)).await.expect("made");
    bench.call::<kms::CreateAlias>(creation("alias/app/two", &one)).await.expect("made");
    assert_eq!(describe(&bench, "alias/app").await.key_id, one);
    assert_eq!(describe(&bench, &format!("arn:aws:kms:{REGION}:{ACCOUNT}:alias/app")).await.key_id, one);
    encrypt(&bench, "alias/app", b"x").await;
    assert_eq!(names(&bench, Some(&one)).await, ["alias/app", "alias/app/two"]);
    bench.call::<kms::UpdateAlias>(update("alias/app", &other)).await.expect("updated");
    assert_eq!(describe(&bench, "alias/app").await.key_id, other);
    assert_eq!(names(&bench, Some(&one)).await, ["alias/app/two"]);
    assert_eq!(names(&bench, Some(&other)).await, ["alias/app"]);
    let input = DeleteAliasRequest { alias_name: "alias/app".to_owned(), ..DeleteAliasRequest::default() };
    bench.call::<kms::DeleteAlias>(input.clone()).await.expect("deleted");
    assert_eq!(names(&bench, None).await, ["alias/app/two"]);
    let text = refused::<kms::DeleteAlias>(&bench, input).await;
    assert_eq!(text, format!("NotFoundException: Alias arn:aws:kms:{REGION}:{ACCOUNT}:alias/app is not found."));
}

#[tokio::test]
async fn names_that_cannot_be_are_refused() {
    let bench = bench();
    let key = symmetric(&bench).await.key_id;
    bench.call::<kms::CreateAlias>(creation("alias/a", &key)).await.expect("made");
    for (name, expected) in [
        (
            "app",
            "ValidationException: Alias must start with the prefix \"alias/\". Please see \
             https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html"
                .to_owned(),
        ),
        ("alias/aws/s3", "NotAuthorizedException".to_owned()),
        ("alias/a:b", "InvalidAliasNameException: alias/a:b contains invalid characters for an alias".to_owned()),
        (
            "alias/a",
            format!(
                "AlreadyExistsException: An alias with the name arn:aws:kms:{REGION}:{ACCOUNT}:alias/a already exists"
            ),
        ),
    ] {
        assert_eq!(refused::<kms::CreateAlias>(&bench, creation(name, &key)).await, expected);
    }
    let text = refused::<kms::CreateAlias>(&bench, creation("alias/b", "alias/a")).await;
    assert_eq!(text, "NotFoundException: Invalid keyId 'alias/a'");
}

#[tokio::test]
async fn an_alias_turns_only_to_a_key_of_its_kind() {
    let bench = bench();
    let (key, mac) = (symmetric(&bench).await.key_id, create(&bench, "HMAC_256", "GENERATE_VERIFY_MAC").await.key_id);
    bench.call::<kms::CreateAlias>(creation("alias/a", &key)).await.expect("made");
    assert!(refused::<kms::UpdateAlias>(&bench, update("alias/a", &mac)).await.starts_with("ValidationException"));
    assert_eq!(describe(&bench, "alias/a").await.key_id, key);
}
