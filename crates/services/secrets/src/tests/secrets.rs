//! The life of a secret.

use std::time::Duration;

use api::secretsmanager::{
    self as sm, CreateSecretRequest, DeleteSecretRequest, GetSecretValueRequest, PutResourcePolicyRequest,
    RestoreSecretRequest, Tag, TagResourceRequest, UntagResourceRequest, UpdateSecretRequest,
    ValidateResourcePolicyRequest,
};
use platform::testing::{ACCOUNT, NOW, REGION};

use super::*;
use crate::limits::DAY_MS;

fn delete(secret: &str, days: Option<i64>, force: Option<bool>) -> DeleteSecretRequest {
    DeleteSecretRequest {
        secret_id: secret.to_owned(),
        recovery_window_in_days: days,
        force_delete_without_recovery: force,
        ..Default::default()
    }
}

fn restore(secret: &str) -> RestoreSecretRequest {
    RestoreSecretRequest { secret_id: secret.to_owned(), ..Default::default() }
}

#[tokio::test]
async fn a_new_secret_is_described_as_aws_does() {
    let bench = bench();
    let answer = bench.call::<sm::CreateSecret>(create("app/db", "1", "hunter2")).await.unwrap();
    let arn = answer.arn.unwrap();
    let prefix = format!("arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:app/db-");
    assert_eq!(arn.strip_prefix(&prefix).map(str::len), Some(6));
    assert_eq!((answer.name.as_deref(), answer.version_id), (Some("app/db"), Some(version("1"))));
    let described = describe(&bench, "app/db").await;
    let expected = sm::DescribeSecretResponse {
        arn: Some(arn.clone()),
        name: Some("app/db".to_owned()),
        created_date: Some(wire::Timestamp::from_milliseconds(NOW)),
        last_changed_date: Some(wire::Timestamp::from_milliseconds(NOW)),
        version_ids_to_stages: Some([(version("1"), vec!["AWSCURRENT".to_owned()])].into()),
        ..Default::default()
    };
    assert_eq!(described, expected);
    assert_eq!(text(&bench, &arn).await, "hunter2");
    assert_eq!(text(&bench, arn.rsplit_once('-').unwrap().0).await, "hunter2", "a partial ARN");
    let midnight = NOW - NOW % DAY_MS;
    let read = describe(&bench, "app/db").await.last_accessed_date;
    assert_eq!(read, Some(wire::Timestamp::from_milliseconds(midnight)));
    let wrong = arn.rsplit_once('-').unwrap().0.to_owned() + "-000000";
    let text = "ResourceNotFoundException: Secrets Manager can't find the specified secret.";
    assert_eq!(refused::<sm::GetSecretValue>(&bench, get(&wrong)).await, text);
}

#[tokio::test]
async fn a_repeated_creation_is_the_same_secret_and_another_one_is_refused() {
    let bench = bench();
    let first = bench.call::<sm::CreateSecret>(create("s", "1", "a")).await.unwrap();
    assert_eq!(bench.call::<sm::CreateSecret>(create("s", "1", "a")).await.unwrap(), first);
    let exists = "ResourceExistsException: The operation failed because the secret s already exists.";
    assert_eq!(refused::<sm::CreateSecret>(&bench, create("s", "1", "b")).await, exists);
    assert_eq!(refused::<sm::CreateSecret>(&bench, create("s", "2", "a")).await, exists);
    let untold = CreateSecretRequest { client_request_token: None, ..create("t", "1", "a") };
    let text = "InvalidRequestException: You must provide a ClientRequestToken value. We recommend a UUID-type value.";
    assert_eq!(refused::<sm::CreateSecret>(&bench, untold).await, text);
    let named = refused::<sm::CreateSecret>(&bench, create("Inv Name", "1", "a")).await;
    assert!(named.starts_with("ValidationException: Invalid name. Must be a valid name containing"), "{named}");
}

#[tokio::test]
async fn binary_values_and_secrets_without_a_value() {
    let bench = bench();
    let empty = CreateSecretRequest { secret_string: None, ..create("s", "1", "") };
    let answer = bench.call::<sm::CreateSecret>(empty).await.unwrap();
    assert_eq!(answer.version_id, None);
    assert_eq!(describe(&bench, "s").await.version_ids_to_stages, None);
    let text = "ResourceNotFoundException: Secrets Manager can't find the specified secret value for staging label: \
                AWSCURRENT";
    assert_eq!(refused::<sm::GetSecretValue>(&bench, get("s")).await, text);
    let bytes = bytes::Bytes::from_static(&[0, 255, 7]);
    let binary =
        PutSecretValueRequest { secret_string: None, secret_binary: Some(bytes.clone()), ..put("s", "2", "", &[]) };
    let answer = bench.call::<sm::PutSecretValue>(binary).await.unwrap();
    assert_eq!(answer.version_stages, Some(vec!["AWSCURRENT".to_owned()]));
    let read = bench.call::<sm::GetSecretValue>(get("s")).await.unwrap();
    assert_eq!((read.secret_binary, read.secret_string), (Some(bytes), None));
}

#[tokio::test]
async fn a_deleted_secret_can_be_restored_until_its_time_has_come() {
    let bench = bench();
    bench.platform.start().await.unwrap();
    bench.call::<sm::CreateSecret>(create("s", "1", "a")).await.unwrap();
    let between = "InvalidParameterException: RecoveryWindowInDays value must be between 7 and 30 days (inclusive).";
    assert_eq!(refused::<sm::DeleteSecret>(&bench, delete("s", Some(6), None)).await, between);
    let both = "InvalidParameterException: You can't use ForceDeleteWithoutRecovery in conjunction with \
                RecoveryWindowInDays.";
    assert_eq!(refused::<sm::DeleteSecret>(&bench, delete("s", Some(7), Some(true))).await, both);
    let answer = bench.call::<sm::DeleteSecret>(delete("s", Some(7), None)).await.unwrap();
    assert_eq!(answer.deletion_date, Some(wire::Timestamp::from_milliseconds(NOW + 7 * DAY_MS)));
    let marked = "InvalidRequestException: You can't perform this operation on the secret because it was marked for \
                  deletion.";
    assert_eq!(refused::<sm::GetSecretValue>(&bench, get("s")).await, marked);
    assert_eq!(refused::<sm::PutSecretValue>(&bench, put("s", "2", "b", &[])).await, marked);
    assert_eq!(refused::<sm::DeleteSecret>(&bench, delete("s", None, None)).await, marked);
    let again = refused::<sm::CreateSecret>(&bench, create("s", "3", "c")).await;
    assert!(again.ends_with("a secret with this name is already scheduled for deletion."), "{again}");
    bench.call::<sm::RestoreSecret>(restore("s")).await.unwrap();
    assert_eq!(text(&bench, "s").await, "a");
    bench.call::<sm::DeleteSecret>(delete("s", None, None)).await.unwrap();
    bench.clock.advance(Duration::from_secs(30 * 86_400 - 1));
    assert!(describe(&bench, "s").await.deleted_date.is_some());
    bench.clock.advance(Duration::from_secs(2));
    let request = sm::DescribeSecretRequest { secret_id: "s".to_owned(), ..Default::default() };
    eventually(|| async { bench.call::<sm::DescribeSecret>(request.clone()).await.is_err() }).await;
    bench.call::<sm::CreateSecret>(create("s", "1", "new")).await.expect("the name is free");
}

#[tokio::test]
async fn a_forced_deletion_is_final_at_once() {
    let bench = bench();
    let old = bench.call::<sm::CreateSecret>(create("s", "1", "a")).await.unwrap().arn.unwrap();
    bench.call::<sm::DeleteSecret>(delete("s", None, Some(true))).await.unwrap();
    assert!(refused::<sm::RestoreSecret>(&bench, restore("s")).await.starts_with("ResourceNotFoundException"));
    let absent = bench.call::<sm::DeleteSecret>(delete("s", None, Some(true))).await.unwrap();
    assert_eq!(absent.name.as_deref(), Some("s"), "as AWS, it succeeds");
    let new = bench.call::<sm::CreateSecret>(create("s", "1", "b")).await.unwrap().arn.unwrap();
    assert_ne!(old, new);
    assert!(refused::<sm::GetSecretValue>(&bench, get(&old)).await.starts_with("ResourceNotFoundException"));
}

#[tokio::test]
async fn tags_are_absent_until_there_were_some() {
    let bench = bench();
    bench.call::<sm::CreateSecret>(create("s", "1", "a")).await.unwrap();
    assert_eq!(describe(&bench, "s").await.tags, None);
    let tag = |key: &str, value: &str| Tag { key: Some(key.to_owned()), value: Some(value.to_owned()) };
    let add = TagResourceRequest {
        secret_id: "s".to_owned(),
        tags: vec![tag("b", "1"), tag("a", "2")],
        ..Default::default()
    };
    bench.call::<sm::TagResource>(add.clone()).await.unwrap();
    assert_eq!(describe(&bench, "s").await.tags, Some(add.tags));
    let keys = vec!["a".to_owned(), "b".to_owned(), "c".to_owned()];
    let remove = UntagResourceRequest { secret_id: "s".to_owned(), tag_keys: keys, ..Default::default() };
    bench.call::<sm::UntagResource>(remove).await.unwrap();
    assert_eq!(describe(&bench, "s").await.tags, Some(Vec::new()));
    let many = (0..51).map(|number| tag(&number.to_string(), "")).collect();
    let many = TagResourceRequest { secret_id: "s".to_owned(), tags: many, ..Default::default() };
    assert!(refused::<sm::TagResource>(&bench, many).await.starts_with("LimitExceededException"));
}

#[tokio::test]
async fn a_description_and_a_key_can_be_given_and_taken_away() {
    let bench = bench();
    bench.call::<sm::CreateSecret>(create("s", "1", "a")).await.unwrap();
    let key = bench.call::<api::kms::CreateKey>(Default::default()).await.unwrap();
    let key = key.key_metadata.unwrap().arn.unwrap();
    let update = UpdateSecretRequest {
        secret_id: "s".to_owned(),
        client_request_token: Some(version("2")),
        description: Some("mine".to_owned()),
        kms_key_id: Some(key.clone()),
        ..Default::default()
    };
    let answer = bench.call::<sm::UpdateSecret>(update.clone()).await.unwrap();
    assert_eq!(answer.version_id, None);
    let described = describe(&bench, "s").await;
    assert_eq!((described.description.as_deref(), described.kms_key_id), (Some("mine"), Some(key.clone())));
    let disable = api::kms::DisableKeyRequest { key_id: key.clone(), ..Default::default() };
    bench.call::<api::kms::DisableKey>(disable).await.unwrap();
    let failure = refused::<sm::GetSecretValue>(&bench, get("s")).await;
    assert!(failure.starts_with("DecryptionFailure: "), "the version was encrypted anew: {failure}");
    let enable = api::kms::EnableKeyRequest { key_id: key, ..Default::default() };
    bench.call::<api::kms::EnableKey>(enable).await.unwrap();
    let back = UpdateSecretRequest {
        description: Some(String::new()),
        kms_key_id: Some(String::new()),
        secret_string: Some("b".to_owned()),
        ..update
    };
    assert_eq!(bench.call::<sm::UpdateSecret>(back).await.unwrap().version_id, Some(version("2")));
    let described = describe(&bench, "s").await;
    assert_eq!((described.description, described.kms_key_id), (None, None));
    assert_eq!(text(&bench, "s").await, "b");
    let missing = CreateSecretRequest { kms_key_id: Some("alias/none".to_owned()), ..create("t", "1", "a") };
    let failure = refused::<sm::CreateSecret>(&bench, missing).await;
    assert!(failure.starts_with("EncryptionFailure: "), "{failure}");
    assert!(refused::<sm::GetSecretValue>(&bench, get("t")).await.starts_with("ResourceNotFoundException"));
}

#[tokio::test]
async fn policies_are_checked_before_they_are_kept() {
    let bench = bench();
    bench.call::<sm::CreateSecret>(create("s", "1", "a")).await.unwrap();
    let statement = |principal: &str| {
        format!(
            r#"{{"Version": "2012-10-17", "Statement": [{{"Effect": "Allow", "Principal": {{"AWS": "{principal}"}},
            "Action": "secretsmanager:GetSecretValue", "Resource": "*"}}]}}"#
        )
    };
    let put = |policy: String, block: Option<bool>| PutResourcePolicyRequest {
        secret_id: "s".to_owned(),
        resource_policy: policy,
        block_public_policy: block,
        ..Default::default()
    };
    let malformed = "MalformedPolicyDocumentException: This resource policy contains a syntax error.";
    assert_eq!(refused::<sm::PutResourcePolicy>(&bench, put("{}".to_owned(), None)).await, malformed);
    let public = refused::<sm::PutResourcePolicy>(&bench, put(statement("*"), Some(true))).await;
    assert!(public.starts_with("PublicPolicyException: "), "{public}");
    let policy = statement("111122223333");
    bench.call::<sm::PutResourcePolicy>(put(policy.clone(), Some(true))).await.unwrap();
    let request = sm::GetResourcePolicyRequest { secret_id: "s".to_owned(), ..Default::default() };
    let read = bench.call::<sm::GetResourcePolicy>(request.clone()).await.unwrap();
    assert_eq!(read.resource_policy, Some(policy), "as it was given");
    let request = sm::DeleteResourcePolicyRequest { secret_id: "s".to_owned(), ..Default::default() };
    bench.call::<sm::DeleteResourcePolicy>(request).await.unwrap();
    let request = sm::GetResourcePolicyRequest { secret_id: "s".to_owned(), ..Default::default() };
    assert_eq!(bench.call::<sm::GetResourcePolicy>(request).await.unwrap().resource_policy, None);
    let request = ValidateResourcePolicyRequest { resource_policy: statement("*"), ..Default::default() };
    let checked = bench.call::<sm::ValidateResourcePolicy>(request).await.unwrap();
    assert_eq!(checked.policy_validation_passed, Some(false));
}

#[tokio::test]
async fn a_value_is_nowhere_in_the_store() {
    let store = store::Store::memory();
    let blobs = blob::BlobStore::memory();
    let bench = TestPlatform::over(store.clone(), blobs, |platform| {
        vec![service_kms::registration(platform), registration(platform)]
    });
    bench.call::<sm::CreateSecret>(create("s", "1", "correct horse")).await.unwrap();
    let partition = crate::keys::partition(ACCOUNT).unwrap();
    let rows = store.scan(&partition, store::KeyRange::all(), store::Direction::Forward, 100).await.unwrap();
    assert!(rows.len() >= 3);
    for (_, row) in rows {
        assert!(!row.windows(7).any(|window| window == b"correct"));
    }
    let request = GetSecretValueRequest { version_id: Some(version("1")), ..get("s") };
    let read = bench.call::<sm::GetSecretValue>(request).await.unwrap();
    assert!(!format!("{read:?}").contains("horse"), "an answer does not print its secret");
}
