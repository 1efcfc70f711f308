//! What calls need, and what is known of keys when they are decided.

use std::collections::{BTreeMap, BTreeSet};

use api::Operation;
use api::kms::{
    self, CreateAliasRequest, CreateGrantRequest, CreateKeyRequest, DecryptRequest, GrantConstraints, ReEncryptRequest,
    SERVICE, Tag, UpdateAliasRequest,
};
use platform::guard::Authority;
use platform::testing::{ACCOUNT, REGION, TestPlatform};
use platform::{Facts, Need, Principal};
use wire::codec::Structure;
use wire::codec::json::JsonReader;

use super::{bench, decryption, encrypt, encryption, symmetric};

fn root() -> Principal {
    Principal::Root { account: ACCOUNT.to_owned() }
}

fn worker() -> Principal {
    Principal::User {
        account: ACCOUNT.to_owned(),
        name: "worker".to_owned(),
        path: "/".to_owned(),
        user_id: "AIDAEXAMPLE".to_owned(),
        facts: None,
    }
}

fn needs<O: Operation>(bench: &TestPlatform, input: O::Input) -> Vec<Need> {
    let guard = bench.platform.services().guard(&SERVICE).expect("offered");
    guard.needs(&bench.context::<O>(root()), &input as &dyn Structure)
}

async fn facts<O: Operation>(bench: &TestPlatform, caller: Principal, need: &Need) -> Facts {
    let guard = bench.platform.services().guard(&SERVICE).expect("offered");
    guard.facts(&bench.context::<O>(caller), need).await.expect("looked up")
}

fn value<'n>(need: &'n Need, key: &str) -> Option<&'n [String]> {
    need.context.iter().find(|(name, _)| name == key).map(|(_, values)| values.as_slice())
}

fn arn(id: &str) -> String {
    format!("arn:aws:kms:{REGION}:{ACCOUNT}:key/{id}")
}

#[tokio::test]
async fn a_ciphertext_names_the_key_that_is_needed() {
    let bench = bench();
    let key = symmetric(&bench).await.key_id;
    let blob = encrypt(&bench, &key, b"x").await;
    let context = BTreeMap::from([("a".to_owned(), "1".to_owned())]);
    let input = DecryptRequest { encryption_context: Some(context), ..decryption(&blob) };
    let needs = needs::<kms::Decrypt>(&bench, input);
    assert_eq!(needs.len(), 1);
    assert_eq!((needs[0].action, &needs[0].resource), ("kms:Decrypt", &arn(&key)));
    assert_eq!(value(&needs[0], "kms:EncryptionContext:a"), Some(&["1".to_owned()][..]));
    assert_eq!(value(&needs[0], "kms:EncryptionContextKeys"), Some(&["a".to_owned()][..]));
    assert_eq!(value(&needs[0], "kms:CallerAccount"), Some(&[ACCOUNT.to_owned()][..]));
    assert_eq!(value(&needs[0], "kms:EncryptionAlgorithm"), Some(&["SYMMETRIC_DEFAULT".to_owned()][..]));
}

#[tokio::test]
async fn moving_a_message_needs_both_keys() {
    let bench = bench();
    let (one, other) = (symmetric(&bench).await.key_id, symmetric(&bench).await.key_id);
    let input = ReEncryptRequest {
        ciphertext_blob: Some(encrypt(&bench, &one, b"x").await.into()),
        destination_key_id: other.clone(),
        ..ReEncryptRequest::default()
    };
    let needs = needs::<kms::ReEncrypt>(&bench, input);
    let pairs: Vec<_> = needs.iter().map(|need| (need.action, need.resource.clone())).collect();
    assert_eq!(pairs, [("kms:ReEncryptFrom", arn(&one)), ("kms:ReEncryptTo", arn(&other))]);
    assert_eq!(value(&needs[0], "kms:ReEncryptOnSameKey"), Some(&["false".to_owned()][..]));
}

#[tokio::test]
async fn an_alias_is_decided_as_the_key_behind_it() {
    let bench = bench();
    let key = symmetric(&bench).await.key_id;
    let alias = CreateAliasRequest {
        alias_name: "alias/app".to_owned(),
        target_key_id: key.clone(),
        ..CreateAliasRequest::default()
    };
    bench.call::<kms::CreateAlias>(alias).await.expect("made");
    let need = &needs::<kms::Encrypt>(&bench, encryption("alias/app", b"x"))[0];
    assert_eq!(value(need, "kms:RequestAlias"), Some(&["alias/app".to_owned()][..]));
    let known = facts::<kms::Encrypt>(&bench, root(), need).await;
    assert_eq!(known.resource, Some(arn(&key)));
    assert_eq!(known.authority, Authority::Resource);
    assert!(known.policy.expect("a policy").contains("kms:*"));
    let has = |key: &str, value: &str| known.context.contains(&(key.to_owned(), vec![value.to_owned()]));
    assert!(has("kms:KeySpec", "SYMMETRIC_DEFAULT") && has("kms:ResourceAliases", "alias/app"));
    let input = UpdateAliasRequest {
        alias_name: "alias/app".to_owned(),
        target_key_id: key.clone(),
        ..UpdateAliasRequest::default()
    };
    let needs = needs::<kms::UpdateAlias>(&bench, input);
    let mut decided = Vec::new();
    for need in &needs {
        decided.push(facts::<kms::UpdateAlias>(&bench, root(), need).await.resource);
    }
    assert_eq!(decided, [None, Some(arn(&key)), Some(arn(&key))]);
    assert_eq!(needs[0].resource, format!("arn:aws:kms:{REGION}:{ACCOUNT}:alias/app"));
}

#[tokio::test]
async fn a_new_key_needs_the_right_to_tag_it() {
    let bench = bench();
    let tag = Tag { tag_key: "team".to_owned(), tag_value: "blue".to_owned(), ..Tag::default() };
    let input = CreateKeyRequest { tags: Some(vec![tag]), ..CreateKeyRequest::default() };
    let needs = needs::<kms::CreateKey>(&bench, input);
    let actions: Vec<_> = needs.iter().map(|need| need.action).collect();
    assert_eq!(actions, ["kms:CreateKey", "kms:TagResource"]);
    assert_eq!(value(&needs[0], "aws:RequestTag/team"), Some(&["blue".to_owned()][..]));
    assert_eq!(value(&needs[0], "kms:KeySpec"), Some(&["SYMMETRIC_DEFAULT".to_owned()][..]));
}

#[tokio::test]
async fn a_grant_holds_for_its_grantee_its_operations_and_its_context_only() {
    let bench = bench();
    let key = symmetric(&bench).await.key_id;
    let subset = BTreeMap::from([("a".to_owned(), "1".to_owned())]);
    let input = CreateGrantRequest {
        key_id: key.clone(),
        grantee_principal: Some(worker().arn()),
        operations: vec!["Encrypt".to_owned()],
        constraints: Some(GrantConstraints {
            encryption_context_subset: Some(subset.clone()),
            ..GrantConstraints::default()
        }),
        ..CreateGrantRequest::default()
    };
    bench.call::<kms::CreateGrant>(input).await.expect("granted");
    let mut wider = subset.clone();
    wider.insert("b".to_owned(), "2".to_owned());
    for (context, caller, expected) in [
        (Some(subset.clone()), worker(), true),
        (Some(wider), worker(), true),
        (None, worker(), false),
        (Some(subset), root(), false),
    ] {
        let input = kms::EncryptRequest { encryption_context: context, ..encryption(&key, b"x") };
        let need = &needs::<kms::Encrypt>(&bench, input)[0];
        assert_eq!(facts::<kms::Encrypt>(&bench, caller, need).await.granted, expected);
    }
    let blob = encrypt(&bench, &key, b"x").await;
    let need = &needs::<kms::Decrypt>(&bench, decryption(&blob))[0];
    assert!(!facts::<kms::Decrypt>(&bench, worker(), need).await.granted);
}

/// Every operation that is built has needs, whatever its input: none is left to the root alone.
#[test]
fn every_operation_has_needs() {
    let bench = bench();
    let guard = bench.platform.services().guard(&SERVICE).expect("offered");
    let built =
        SERVICE.operations.iter().filter(|operation| bench.platform.services().handler(&SERVICE, operation).is_some());
    let mut names = BTreeSet::new();
    for operation in built {
        let codec = operation.codec.expect("its types are there");
        let mut reader = JsonReader::for_rest(b"{}").expect("a document");
        let input = (codec.read_input)(&mut reader).expect("an empty input");
        let mut call = (*bench.context::<kms::Encrypt>(root())).clone();
        call.operation = operation;
        let needs = guard.needs(&platform::Ctx::new(call), input.as_ref());
        assert!(!needs.is_empty(), "{}", operation.name);
        names.insert(operation.name);
    }
    assert!(names.len() > 45, "{names:?}");
}
