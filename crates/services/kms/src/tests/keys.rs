//! Making, describing, listing, tagging, disabling and deleting keys.

use std::time::Duration;

use api::kms::{
    self, CancelKeyDeletionRequest, CreateKeyRequest, DescribeKeyRequest, DisableKeyRequest, EnableKeyRequest,
    GetKeyPolicyRequest, KeyMetadata, ListKeysRequest, ListResourceTagsRequest, PutKeyPolicyRequest, Tag,
    TagResourceRequest, UntagResourceRequest, UpdateKeyDescriptionRequest,
};
use platform::testing::{ACCOUNT, NOW, REGION, TestPlatform};
use wire::Timestamp;

use super::{bench, create, decrypt, describe, encrypt, encryption, eventually, refused, schedule_deletion, symmetric};

fn tag(key: &str, value: &str) -> Tag {
    Tag { tag_key: key.to_owned(), tag_value: value.to_owned(), ..Tag::default() }
}

fn described(key: &str) -> DescribeKeyRequest {
    DescribeKeyRequest { key_id: key.to_owned(), ..DescribeKeyRequest::default() }
}

async fn disable(bench: &TestPlatform, key: &str) {
    let input = DisableKeyRequest { key_id: key.to_owned(), ..DisableKeyRequest::default() };
    bench.call::<kms::DisableKey>(input).await.expect("disabled");
}

#[tokio::test]
async fn a_symmetric_key_is_described_as_aws_does() {
    let bench = bench();
    let key = symmetric(&bench).await;
    let texts = |text: &str| Some(text.to_owned());
    let expected = KeyMetadata {
        aws_account_id: texts(ACCOUNT),
        arn: Some(format!("arn:aws:kms:{REGION}:{ACCOUNT}:key/{}", key.key_id)),
        key_id: key.key_id.clone(),
        creation_date: Some(Timestamp::from_milliseconds(NOW)),
        enabled: Some(true),
        description: texts(""),
        key_usage: texts("ENCRYPT_DECRYPT"),
        key_state: texts("Enabled"),
        origin: texts("AWS_KMS"),
        key_manager: texts("CUSTOMER"),
        customer_master_key_spec: texts("SYMMETRIC_DEFAULT"),
        key_spec: texts("SYMMETRIC_DEFAULT"),
        encryption_algorithms: Some(vec!["SYMMETRIC_DEFAULT".to_owned()]),
        multi_region: Some(false),
        current_key_material_id: key.current_key_material_id.clone(),
        ..KeyMetadata::default()
    };
    assert_eq!(key, expected);
    assert_eq!(key.current_key_material_id.as_ref().map(String::len), Some(64));
    assert_eq!(describe(&bench, &key.key_id).await, expected);
    assert_eq!(describe(&bench, key.arn.as_deref().expect("an ARN")).await, expected);
}

#[tokio::test]
async fn each_kind_of_key_shows_its_algorithms() {
    let bench = bench();
    let list = |names: &[&str]| Some(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
    let key = create(&bench, "HMAC_256", "GENERATE_VERIFY_MAC").await;
    assert_eq!((key.mac_algorithms, key.encryption_algorithms), (list(&["HMAC_SHA_256"]), None));
    assert_eq!(key.current_key_material_id, None);
    let key = create(&bench, "RSA_2048", "ENCRYPT_DECRYPT").await;
    assert_eq!(key.encryption_algorithms, list(&["RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"]));
    let key = create(&bench, "ECC_SECG_P256K1", "SIGN_VERIFY").await;
    assert_eq!(key.signing_algorithms, list(&["ECDSA_SHA_256"]));
    let key = create(&bench, "ECC_NIST_P384", "KEY_AGREEMENT").await;
    assert_eq!((key.key_agreement_algorithms, key.signing_algorithms), (list(&["ECDH"]), None));
}

#[tokio::test]
async fn keys_that_cannot_be_are_refused() {
    let bench = bench();
    let ask = |spec: &str, usage: Option<&str>| CreateKeyRequest {
        key_spec: Some(spec.to_owned()),
        key_usage: usage.map(ToOwned::to_owned),
        ..CreateKeyRequest::default()
    };
    for (input, expected) in [
        (
            ask("HMAC_256", None),
            "ValidationException: You must specify a KeyUsage value for all KMS keys except for symmetric encryption \
             keys.",
        ),
        (
            ask("ECC_NIST_P256", Some("ENCRYPT_DECRYPT")),
            "ValidationException: KeyUsage ENCRYPT_DECRYPT is not compatible with KeySpec ECC_NIST_P256",
        ),
        (
            CreateKeyRequest { customer_master_key_spec: Some("RSA_2048".into()), ..ask("RSA_2048", None) },
            "ValidationException: You cannot specify KeySpec and CustomerMasterKeySpec in the same request. \
             CustomerMasterKeySpec is deprecated.",
        ),
        (
            ask("SM2", Some("SIGN_VERIFY")),
            "UnsupportedOperationException: KeySpec SM2 is not supported in this region.",
        ),
        (
            CreateKeyRequest { origin: Some("AWS_CLOUDHSM".into()), ..CreateKeyRequest::default() },
            "UnsupportedOperationException: Origin AWS_CLOUDHSM is not supported.",
        ),
        (
            CreateKeyRequest { custom_key_store_id: Some("cks-1".into()), ..CreateKeyRequest::default() },
            "ValidationException: The parameter CustomKeyStoreId is not supported.",
        ),
        (
            CreateKeyRequest { tags: Some(vec![tag("a", "1"), tag("a", "2")]), ..CreateKeyRequest::default() },
            "TagException: Duplicate tag keys",
        ),
        (
            CreateKeyRequest { tags: Some(vec![tag("AWS:key", "1")]), ..CreateKeyRequest::default() },
            "TagException: Tags beginning with aws: are reserved",
        ),
    ] {
        assert_eq!(refused::<kms::CreateKey>(&bench, input).await, expected);
    }
    let listed = bench.call::<kms::ListKeys>(ListKeysRequest::default()).await.expect("listed");
    assert_eq!(listed.keys.as_deref(), Some(&[][..]));
}

#[tokio::test]
async fn what_is_no_key_is_not_found_in_awss_words() {
    let bench = bench();
    let id = "00000000-0000-4000-8000-000000000000";
    let arn = format!("arn:aws:kms:{REGION}:{ACCOUNT}:key/{id}");
    for (key, expected) in [
        (id, format!("Key '{arn}' does not exist")),
        (&arn, format!("Key '{arn}' does not exist")),
        ("fake-key-id", "Invalid keyId 'fake-key-id'".to_owned()),
        ("mrk-fake-key-id", "Invalid keyId 'mrk-fake-key-id'".to_owned()),
        (&arn.replace(REGION, "ap-southeast-1"), "Invalid arn ap-southeast-1".to_owned()),
        ("alias/missing", format!("Alias arn:aws:kms:{REGION}:{ACCOUNT}:alias/missing is not found.")),
    ] {
        let text = refused::<kms::DescribeKey>(&bench, described(key)).await;
        assert_eq!(text, format!("NotFoundException: {expected}"));
    }
}

#[tokio::test]
async fn keys_are_listed_page_by_page() {
    let bench = bench();
    let mut made = Vec::new();
    for _ in 0..5 {
        made.push(symmetric(&bench).await.key_id);
    }
    made.sort();
    let (mut listed, mut marker) = (Vec::new(), None);
    loop {
        let input = ListKeysRequest { limit: Some(2), marker, ..ListKeysRequest::default() };
        let page = bench.call::<kms::ListKeys>(input).await.expect("listed");
        listed.extend(page.keys.expect("given").into_iter().filter_map(|key| key.key_id));
        assert_eq!(page.truncated, Some(page.next_marker.is_some()));
        marker = page.next_marker;
        if marker.is_none() {
            break;
        }
    }
    assert_eq!(listed, made);
    let input = ListKeysRequest { marker: Some("%".to_owned()), ..ListKeysRequest::default() };
    assert!(refused::<kms::ListKeys>(&bench, input).await.starts_with("InvalidMarkerException: "));
}

#[tokio::test]
async fn tags_are_added_replaced_and_removed() {
    let bench = bench();
    let key = symmetric(&bench).await.key_id;
    let add = |tags: Vec<Tag>| TagResourceRequest { key_id: key.clone(), tags, ..TagResourceRequest::default() };
    bench.call::<kms::TagResource>(add(vec![tag("a", "1"), tag("b", "2")])).await.expect("tagged");
    bench.call::<kms::TagResource>(add(vec![tag("b", "3")])).await.expect("tagged");
    let many = (0..49).map(|number| tag(&number.to_string(), "")).collect();
    assert_eq!(refused::<kms::TagResource>(&bench, add(many)).await, "TagException: Too many tags");
    let keys = vec!["a".to_owned(), "missing".to_owned()];
    let input = UntagResourceRequest { key_id: key.clone(), tag_keys: keys, ..UntagResourceRequest::default() };
    bench.call::<kms::UntagResource>(input).await.expect("untagged");
    let input = ListResourceTagsRequest { key_id: key, ..ListResourceTagsRequest::default() };
    let listed = bench.call::<kms::ListResourceTags>(input).await.expect("listed");
    assert_eq!((listed.tags, listed.truncated), (Some(vec![tag("b", "3")]), Some(false)));
}

#[tokio::test]
async fn a_disabled_key_does_nothing_until_it_is_enabled() {
    let bench = bench();
    let key = symmetric(&bench).await;
    let blob = encrypt(&bench, &key.key_id, b"secret").await;
    disable(&bench, &key.key_id).await;
    let expected = format!("DisabledException: {} is disabled.", key.arn.expect("an ARN"));
    assert_eq!(refused::<kms::Encrypt>(&bench, encryption(&key.key_id, b"x")).await, expected);
    assert_eq!(decrypt(&bench, &blob).await.expect_err("refused").to_string(), expected);
    let state = describe(&bench, &key.key_id).await;
    assert_eq!((state.enabled, state.key_state.as_deref()), (Some(false), Some("Disabled")));
    let input = EnableKeyRequest { key_id: key.key_id, ..EnableKeyRequest::default() };
    bench.call::<kms::EnableKey>(input).await.expect("enabled");
    assert_eq!(decrypt(&bench, &blob).await.expect("decrypted"), b"secret");
}

#[tokio::test]
async fn a_scheduled_key_is_deleted_in_time_and_its_ciphertext_with_it() {
    let bench = bench();
    bench.platform.start().await.expect("started");
    let key = symmetric(&bench).await;
    let arn = key.arn.expect("an ARN");
    let blob = encrypt(&bench, &key.key_id, b"secret").await;
    schedule_deletion(&bench, &key.key_id).await;
    let state = describe(&bench, &key.key_id).await;
    assert_eq!(state.key_state.as_deref(), Some("PendingDeletion"));
    assert_eq!(state.deletion_date, Some(Timestamp::from_milliseconds(NOW + 7 * 86_400_000)));
    let text = decrypt(&bench, &blob).await.expect_err("refused").to_string();
    assert_eq!(text, format!("KMSInvalidStateException: {arn} is pending deletion."));
    let input = UpdateKeyDescriptionRequest { key_id: key.key_id.clone(), ..UpdateKeyDescriptionRequest::default() };
    assert!(refused::<kms::UpdateKeyDescription>(&bench, input).await.starts_with("KMSInvalidStateException"));
    bench.clock.advance(Duration::from_secs(7 * 86_400 + 1));
    eventually(async || bench.call::<kms::DescribeKey>(described(&key.key_id)).await.is_err()).await;
    let text = decrypt(&bench, &blob).await.expect_err("refused").to_string();
    assert!(text.starts_with("AccessDeniedException: The ciphertext refers to a customer master key that does not"));
}

#[tokio::test]
async fn a_deletion_that_is_taken_back_leaves_the_key_disabled() {
    let bench = bench();
    bench.platform.start().await.expect("started");
    let key = symmetric(&bench).await.key_id;
    let input = || CancelKeyDeletionRequest { key_id: key.clone(), ..CancelKeyDeletionRequest::default() };
    let text = refused::<kms::CancelKeyDeletion>(&bench, input()).await;
    assert!(text.starts_with("KMSInvalidStateException: ") && text.ends_with(" is not pending deletion."), "{text}");
    schedule_deletion(&bench, &key).await;
    bench.call::<kms::CancelKeyDeletion>(input()).await.expect("cancelled");
    bench.clock.advance(Duration::from_secs(30 * 86_400));
    assert_eq!(describe(&bench, &key).await.key_state.as_deref(), Some("Disabled"));
}

#[tokio::test]
async fn the_keys_of_aws_appear_on_first_use_and_cannot_be_changed() {
    let bench = bench();
    let key = describe(&bench, "alias/aws/ssm").await;
    assert_eq!(key.key_manager.as_deref(), Some("AWS"));
    assert_eq!(describe(&bench, "alias/aws/ssm").await.key_id, key.key_id);
    assert!(refused::<kms::DescribeKey>(&bench, described("alias/aws/unknown")).await.starts_with("NotFoundException"));
    let input = DisableKeyRequest { key_id: key.key_id.clone(), ..DisableKeyRequest::default() };
    assert!(refused::<kms::DisableKey>(&bench, input).await.starts_with("AccessDeniedException: User: "));
    let input = GetKeyPolicyRequest { key_id: key.key_id.clone(), ..GetKeyPolicyRequest::default() };
    let policy = bench.call::<kms::GetKeyPolicy>(input).await.expect("given").policy.expect("given");
    assert!(policy.contains(&format!("\"kms:ViaService\" : \"ssm.{REGION}.amazonaws.com\"")), "{policy}");
}

#[tokio::test]
async fn a_policy_is_replaced_unless_it_locks_its_author_out() {
    let bench = bench();
    let key = symmetric(&bench).await.key_id;
    let statement = |principal: &str, action: &str| {
        format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"{principal}"}},
            "Action":"{action}","Resource":"*"}}]}}"#
        )
    };
    let root = format!("arn:aws:iam::{ACCOUNT}:root");
    let ask = |policy: String, bypass| PutKeyPolicyRequest {
        key_id: key.clone(),
        policy,
        bypass_policy_lockout_safety_check: bypass,
        ..PutKeyPolicyRequest::default()
    };
    let locked_out = "MalformedPolicyDocumentException: The new key policy will not allow you to update the key \
                      policy in the future.";
    let other = "arn:aws:iam::999988887777:root";
    for policy in [statement(&root, "kms:Describe*"), statement(other, "kms:*")] {
        assert_eq!(refused::<kms::PutKeyPolicy>(&bench, ask(policy, None)).await, locked_out);
    }
    for policy in ["{", "[]", r#"{"Version":"2012-10-17"}"#] {
        let text = refused::<kms::PutKeyPolicy>(&bench, ask(policy.to_owned(), Some(true))).await;
        assert!(text.starts_with("MalformedPolicyDocumentException: "), "{text}");
    }
    let policy = statement(&root, "kms:*");
    bench.call::<kms::PutKeyPolicy>(ask(policy.clone(), None)).await.expect("replaced");
    let shown = || GetKeyPolicyRequest { key_id: key.clone(), ..GetKeyPolicyRequest::default() };
    let given = bench.call::<kms::GetKeyPolicy>(shown()).await.expect("given").policy.expect("given");
    let read = |text: &str| serde_json::from_str::<serde_json::Value>(text).expect("JSON");
    assert_eq!(read(&given), read(&policy));
    // Whoever insists loses the key, as on AWS: not even the account's root is above a key policy.
    bench.call::<kms::PutKeyPolicy>(ask(statement(other, "kms:*"), Some(true))).await.expect("replaced");
    assert!(refused::<kms::GetKeyPolicy>(&bench, shown()).await.starts_with("AccessDeniedException: "));
}
