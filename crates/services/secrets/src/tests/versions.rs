//! Versions and staging labels, as AWS was seen to move them.

use api::secretsmanager::{
    self as sm, GetSecretValueRequest, ListSecretVersionIdsRequest, UpdateSecretVersionStageRequest,
};

use super::*;
use crate::stages::{CURRENT, PENDING, PREVIOUS};

fn move_label(label: &str, to: Option<&str>, from: Option<&str>) -> UpdateSecretVersionStageRequest {
    UpdateSecretVersionStageRequest {
        secret_id: "s".to_owned(),
        version_stage: label.to_owned(),
        move_to_version_id: to.map(version),
        remove_from_version_id: from.map(version),
        ..Default::default()
    }
}

fn list(with_deprecated: bool) -> ListSecretVersionIdsRequest {
    ListSecretVersionIdsRequest {
        secret_id: "s".to_owned(),
        include_deprecated: Some(with_deprecated),
        ..Default::default()
    }
}

#[tokio::test]
async fn a_rotation_by_hand_moves_the_labels_as_aws_does() {
    let bench = bench();
    bench.call::<sm::CreateSecret>(create("s", "1", "a")).await.unwrap();
    let answer = bench.call::<sm::PutSecretValue>(put("s", "2", "b", &[PENDING, "OWN"])).await.unwrap();
    assert_eq!(answer.version_stages, Some(vec![PENDING.to_owned(), "OWN".to_owned()]));
    assert_eq!(text(&bench, "s").await, "a");
    let unnamed = refused::<sm::UpdateSecretVersionStage>(&bench, move_label(CURRENT, Some("2"), None)).await;
    let expected = format!(
        "InvalidParameterException: The parameter RemoveFromVersionId can't be empty. Staging label AWSCURRENT is \
         currently attached to version {}, so you must explicitly reference that version in RemoveFromVersionId.",
        version("1")
    );
    assert_eq!(unnamed, expected);
    bench.call::<sm::UpdateSecretVersionStage>(move_label(CURRENT, Some("2"), Some("1"))).await.unwrap();
    let described = describe(&bench, "s").await;
    assert_eq!(labels(&described, "1"), [PREVIOUS]);
    assert_eq!(labels(&described, "2"), [CURRENT, PENDING, "OWN"]);
    bench.call::<sm::PutSecretValue>(put("s", "3", "c", &[])).await.unwrap();
    let described = describe(&bench, "s").await;
    assert_eq!(
        (labels(&described, "2"), labels(&described, "3")),
        (vec![PREVIOUS.into(), "OWN".into()], vec![CURRENT.into()])
    );
    assert!(labels(&described, "1").is_empty());
}

#[tokio::test]
async fn the_current_label_can_only_move() {
    let bench = bench();
    bench.call::<sm::CreateSecret>(create("s", "1", "a")).await.unwrap();
    let off = refused::<sm::UpdateSecretVersionStage>(&bench, move_label(CURRENT, None, Some("1"))).await;
    assert!(off.contains("You can only move staging label AWSCURRENT to a different secret version."), "{off}");
    let nowhere = refused::<sm::UpdateSecretVersionStage>(&bench, move_label(CURRENT, Some("9"), Some("1"))).await;
    assert!(nowhere.starts_with("ResourceNotFoundException"), "{nowhere}");
    let wrong = refused::<sm::UpdateSecretVersionStage>(&bench, move_label("OWN", None, Some("1"))).await;
    assert!(wrong.starts_with("InvalidParameterException"), "{wrong}");
    bench.call::<sm::UpdateSecretVersionStage>(move_label("OWN", Some("1"), None)).await.unwrap();
    bench.call::<sm::UpdateSecretVersionStage>(move_label("OWN", None, Some("1"))).await.unwrap();
    assert_eq!(labels(&describe(&bench, "s").await, "1"), [CURRENT]);
}

#[tokio::test]
async fn a_token_is_one_version() {
    let bench = bench();
    let arn = bench.call::<sm::CreateSecret>(create("s", "1", "a")).await.unwrap().arn.unwrap();
    bench.call::<sm::PutSecretValue>(put("s", "2", "b", &[])).await.unwrap();
    bench.call::<sm::PutSecretValue>(put("s", "1", "a", &[])).await.expect("the same again does nothing");
    assert_eq!(text(&bench, "s").await, "b");
    let token = version("1");
    let expected = format!(
        "ResourceExistsException: You can't use ClientRequestToken {token} because that value is already in use for a \
         version of secret {arn}."
    );
    assert_eq!(refused::<sm::PutSecretValue>(&bench, put("s", "1", "other", &[])).await, expected);
}

#[tokio::test]
async fn versions_are_read_by_id_or_label() {
    let bench = bench();
    bench.call::<sm::CreateSecret>(create("s", "1", "a")).await.unwrap();
    bench.call::<sm::PutSecretValue>(put("s", "2", "b", &[])).await.unwrap();
    let by = |id: Option<&str>, label: Option<&str>| GetSecretValueRequest {
        version_id: id.map(version),
        version_stage: label.map(str::to_owned),
        ..get("s")
    };
    let read = bench.call::<sm::GetSecretValue>(by(None, Some(PREVIOUS))).await.unwrap();
    assert_eq!((read.version_id, read.secret_string.as_deref()), (Some(version("1")), Some("a")));
    let read = bench.call::<sm::GetSecretValue>(by(Some("1"), None)).await.unwrap();
    assert_eq!(read.version_stages, Some(vec![PREVIOUS.to_owned()]));
    let wrong = refused::<sm::GetSecretValue>(&bench, by(Some("1"), Some(CURRENT))).await;
    let text = "InvalidRequestException: You provided a VersionStage that is not associated to the provided VersionId.";
    assert_eq!(wrong, text);
    let absent = refused::<sm::GetSecretValue>(&bench, by(Some("9"), None)).await;
    let text = "ResourceNotFoundException: Secrets Manager can't find the specified secret value for VersionId: ";
    assert_eq!(absent, text.to_owned() + &version("9"));
}

#[tokio::test]
async fn deprecated_versions_are_listed_only_if_asked_for_and_pages_go_on() {
    let bench = bench();
    bench.call::<sm::CreateSecret>(create("s", "1", "a")).await.unwrap();
    for number in 2..=4 {
        bench.clock.advance(std::time::Duration::from_secs(1));
        bench.call::<sm::PutSecretValue>(put("s", &number.to_string(), "b", &[])).await.unwrap();
    }
    let listed = bench.call::<sm::ListSecretVersionIds>(list(false)).await.unwrap();
    let ids = |answer: &sm::ListSecretVersionIdsResponse| -> Vec<String> {
        let versions = answer.versions.as_deref().unwrap_or_default();
        versions.iter().filter_map(|entry| entry.version_id.clone()).collect()
    };
    assert_eq!(ids(&listed), [version("3"), version("4")]);
    let keys = listed.versions.unwrap()[0].kms_key_ids.clone();
    assert_eq!(keys, Some(vec!["DefaultEncryptionKey".to_owned()]));
    let mut seen = Vec::new();
    let mut token = None;
    loop {
        let page = ListSecretVersionIdsRequest { max_results: Some(3), next_token: token, ..list(true) };
        let page = bench.call::<sm::ListSecretVersionIds>(page).await.unwrap();
        seen.extend(ids(&page));
        token = page.next_token;
        if token.is_none() {
            break;
        }
    }
    assert_eq!(seen, ["1", "2", "3", "4"].map(version));
    let junk = ListSecretVersionIdsRequest { next_token: Some("junk".to_owned()), ..list(true) };
    assert!(refused::<sm::ListSecretVersionIds>(&bench, junk).await.starts_with("InvalidNextTokenException"));
}

#[tokio::test]
async fn old_versions_without_labels_go_and_young_ones_stay() {
    let bench = bench();
    bench.call::<sm::CreateSecret>(create("s", "1", "a")).await.unwrap();
    let count = async |bench: &TestPlatform| {
        let mut request = list(true);
        let mut found = 0;
        loop {
            let page = bench.call::<sm::ListSecretVersionIds>(request.clone()).await.unwrap();
            found += page.versions.unwrap().len();
            request.next_token = page.next_token;
            if request.next_token.is_none() {
                return found;
            }
        }
    };
    for number in 2..=110 {
        bench.call::<sm::PutSecretValue>(put("s", &number.to_string(), "b", &[])).await.unwrap();
    }
    assert_eq!(count(&bench).await, 110, "younger than a day");
    bench.clock.advance(std::time::Duration::from_secs(2 * 86_400));
    bench.call::<sm::PutSecretValue>(put("s", "111", "c", &[])).await.unwrap();
    assert_eq!(count(&bench).await, 100);
    assert_eq!(text(&bench, "s").await, "c");
}
