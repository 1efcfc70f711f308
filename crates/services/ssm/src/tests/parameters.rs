//! The life of a parameter.

use api::ssm::{
    AddTagsToResourceRequest, DeleteParametersRequest, GetParameterHistoryRequest, GetParametersRequest,
    LabelParameterVersionRequest, ListTagsForResourceRequest, RemoveTagsFromResourceRequest, Tag,
    UnlabelParameterVersionRequest,
};
use platform::testing::{ACCOUNT, NOW, REGION};

use super::*;

fn label(version: Option<i64>, labels: &[&str]) -> LabelParameterVersionRequest {
    LabelParameterVersionRequest {
        name: "/p".to_owned(),
        parameter_version: version,
        labels: labels.iter().map(|label| (*label).to_owned()).collect(),
        ..Default::default()
    }
}

#[tokio::test]
async fn a_parameter_is_read_by_name_arn_version_and_label() {
    let bench = bench();
    assert_eq!(written(&bench, put("/p", "one")).await, 1);
    assert_eq!(written(&bench, overwrite("/p", "two")).await, 2);
    bench.call::<ssm::LabelParameterVersion>(label(Some(1), &["old"])).await.unwrap();
    let arn = format!("arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/p");
    let expected = Parameter {
        name: Some("/p".to_owned()),
        r#type: Some("String".to_owned()),
        value: Some("two".to_owned()),
        version: Some(2),
        last_modified_date: Some(wire::Timestamp::from_milliseconds(NOW)),
        arn: Some(arn.clone()),
        data_type: Some("text".to_owned()),
        ..Default::default()
    };
    assert_eq!(get(&bench, "/p").await, expected);
    assert_eq!(get(&bench, &arn).await, expected);
    for (name, selector) in [("/p:1".to_owned(), ":1"), ("/p:old".to_owned(), ":old"), (format!("{arn}:1"), ":1")] {
        let read = get(&bench, &name).await;
        assert_eq!((read.value.as_deref(), read.selector.as_deref()), (Some("one"), Some(selector)), "{name}");
        assert_eq!(read.name.as_deref(), Some("/p"));
    }
    written(&bench, put("plain", "x")).await;
    assert_eq!(get(&bench, &arn.replace("/p", "/plain")).await.name.as_deref(), Some("plain"));
    for absent in ["/q", "/aws/service/ami", "/p:1:2", "arn:aws:ssm:us-east-1:1:parameter/p", "arn:aws:sqs:x"] {
        assert_eq!(unreadable(&bench, absent).await, "ParameterNotFound", "{absent}");
    }
    let text = "ParameterVersionNotFound: Systems Manager could not find version 9 of /p. Verify the version and try \
                again.";
    assert_eq!(unreadable(&bench, "/p:9").await, text);
}

#[tokio::test]
async fn what_does_not_hold_is_refused_and_changes_nothing() {
    let bench = bench();
    written(&bench, put("/p", "one")).await;
    let exists = "ParameterAlreadyExists: The parameter already exists. To overwrite this value, set the overwrite option \
                  in the request to true.";
    assert_eq!(refused::<ssm::PutParameter>(&bench, put("/p", "two")).await, exists);
    let untyped = PutParameterRequest { r#type: None, ..put("/q", "x") };
    let text = "ValidationException: A parameter type is required when you create a parameter.";
    assert_eq!(refused::<ssm::PutParameter>(&bench, untyped).await, text);
    let other = PutParameterRequest { r#type: Some("SecureString".to_owned()), ..overwrite("/p", "x") };
    assert!(refused::<ssm::PutParameter>(&bench, other).await.starts_with("HierarchyTypeMismatchException"));
    let typed = PutParameterRequest { data_type: Some("Text".to_owned()), ..put("/q", "x") };
    let text =
        "ValidationException: The following data type is not supported: Text (Data type names are all lowercase.)";
    assert_eq!(refused::<ssm::PutParameter>(&bench, typed).await, text);
    let tag = Tag { key: "a".to_owned(), value: "b".to_owned(), ..Default::default() };
    let tagged = PutParameterRequest { tags: Some(vec![tag]), ..overwrite("/p", "x") };
    assert!(refused::<ssm::PutParameter>(&bench, tagged).await.contains("tags and overwrite can't be used together"));
    let pattern = PutParameterRequest { allowed_pattern: Some(r"\d{1,4}".to_owned()), ..put("/q", "12345") };
    let text =
        r"ParameterPatternMismatchException: Parameter value, cannot be validated against allowedPattern: \d{1,4}";
    assert_eq!(refused::<ssm::PutParameter>(&bench, pattern).await, text);
    let pattern = PutParameterRequest { allowed_pattern: Some("(".to_owned()), ..put("/q", "x") };
    assert!(refused::<ssm::PutParameter>(&bench, pattern).await.starts_with("InvalidAllowedPatternException"));
    let slow = PutParameterRequest { allowed_pattern: Some(r"(a+)+\1b".to_owned()), ..put("/q", &"a".repeat(2_000)) };
    assert!(refused::<ssm::PutParameter>(&bench, slow).await.starts_with("ParameterPatternMismatchException"));
    let long = refused::<ssm::PutParameter>(&bench, put("/q", &"x".repeat(4_097))).await;
    assert!(long.contains("Standard tier parameters support a maximum parameter value of 4096 characters."), "{long}");
    assert_eq!(get(&bench, "/p").await.value.as_deref(), Some("one"));
    assert_eq!(unreadable(&bench, "/q").await, "ParameterNotFound");
}

#[tokio::test]
async fn names_have_awss_rules() {
    let bench = bench();
    let deep = "/a".repeat(16);
    for (name, text) in [
        ("aws", "ValidationException: Parameter name: can't be prefixed with \"aws\" or \"ssm\" (case-insensitive)."),
        ("/SSMx", "ValidationException: Parameter name: can't be prefixed with \"aws\" or \"ssm\" (case-insensitive)."),
        ("/aws/x", "AccessDeniedException: No access to reserved parameter name: /aws/x."),
        ("/ssm/x", "ValidationException: Parameter name: can't be prefixed with \"ssm\" (case-insensitive). If formed"),
        ("a/b", "ValidationException: Parameter name must be a fully qualified name."),
        ("a b", "ValidationException: Parameter name: can't be prefixed with \"ssm\""),
        ("/a//b", "ValidationException: Parameter name: can't be prefixed with \"ssm\""),
        ("/a/", "ValidationException: Parameter name: can't be prefixed with \"ssm\""),
        (&deep, "HierarchyLevelLimitExceededException: A hierarchy can have a maximum of 15 levels."),
        (&"x".repeat(1_000), "ValidationException: The parameter's ARN must not be longer"),
    ] {
        let refusal = refused::<ssm::PutParameter>(&bench, put(name, "x")).await;
        assert!(refusal.starts_with(text), "{name}: {refusal}");
    }
    written(&bench, put(&"/a".repeat(15), "x")).await;
    written(&bench, put("a.b_c-9", "x")).await;
}

#[tokio::test]
async fn secure_strings_are_encrypted_for_their_own_parameter() {
    let store = store::Store::memory();
    let bench = TestPlatform::over(store.clone(), blob::BlobStore::memory(), |platform| {
        vec![service_kms::registration(platform), registration(platform)]
    });
    let secure =
        |name: &str, value: &str| PutParameterRequest { r#type: Some("SecureString".to_owned()), ..put(name, value) };
    written(&bench, secure("/s", "correct horse")).await;
    let long = "correct ".repeat(1_000);
    let advanced = PutParameterRequest { tier: Some("Intelligent-Tiering".to_owned()), ..secure("/l", &long) };
    let answer = bench.call::<ssm::PutParameter>(advanced).await.unwrap();
    assert_eq!(answer.tier.as_deref(), Some("Advanced"));
    assert_eq!(get(&bench, "/s").await.value.as_deref(), Some("correct horse"));
    assert_eq!(get(&bench, "/l").await.value, Some(long));
    let request = GetParameterRequest { name: "/s".to_owned(), ..Default::default() };
    let encrypted = bench.call::<ssm::GetParameter>(request).await.unwrap().parameter.unwrap().value.unwrap();
    assert!(!encrypted.contains("horse"));
    let partition = crate::keys::partition(ACCOUNT).unwrap();
    let rows = store.scan(&partition, store::KeyRange::all(), store::Direction::Forward, 100).await.unwrap();
    assert!(rows.iter().all(|(_, row)| !row.windows(7).any(|window| window == b"correct")));
    let described = bench.call::<ssm::DescribeParameters>(Default::default()).await.unwrap().parameters.unwrap();
    assert_eq!(described[1].key_id.as_deref(), Some("alias/aws/ssm"));
    let missing = PutParameterRequest { key_id: Some("alias/none".to_owned()), ..secure("/m", "x") };
    let refusal = refused::<ssm::PutParameter>(&bench, missing).await;
    assert!(refusal.starts_with("InvalidKeyId: "), "{refusal}");
    let plain = PutParameterRequest { key_id: Some("alias/aws/ssm".to_owned()), ..put("/m", "x") };
    assert!(refused::<ssm::PutParameter>(&bench, plain).await.starts_with("ValidationException"));
}

#[tokio::test]
async fn tiers_only_go_up() {
    let bench = bench();
    let tiered =
        |tier: &str, request: PutParameterRequest| PutParameterRequest { tier: Some(tier.to_owned()), ..request };
    let tier = async |request| bench.call::<ssm::PutParameter>(request).await.unwrap().tier.unwrap();
    assert_eq!(tier(put("/p", "x")).await, "Standard");
    assert_eq!(tier(tiered("Intelligent-Tiering", overwrite("/p", "x"))).await, "Standard");
    assert_eq!(tier(tiered("Advanced", overwrite("/p", "x"))).await, "Advanced");
    assert_eq!(tier(overwrite("/p", &"x".repeat(8_192))).await, "Advanced");
    let down = refused::<ssm::PutParameter>(&bench, tiered("Standard", overwrite("/p", "x"))).await;
    assert!(down.contains("You can't downgrade a parameter from the advanced-parameter tier"), "{down}");
    let long = refused::<ssm::PutParameter>(&bench, overwrite("/p", &"x".repeat(8_193))).await;
    assert!(long.contains("8192 characters"), "{long}");
}

#[tokio::test]
async fn labels_move_and_keep_the_oldest_version() {
    let bench = bench();
    for value in 1..=3 {
        written(&bench, overwrite("/p", &value.to_string())).await;
    }
    let answer = bench.call::<ssm::LabelParameterVersion>(label(None, &["a", "1b", "awsc", "d e"])).await.unwrap();
    assert_eq!(answer.parameter_version, Some(3));
    assert_eq!(answer.invalid_labels.unwrap(), ["1b", "awsc", "d e"]);
    bench.call::<ssm::LabelParameterVersion>(label(Some(1), &["a"])).await.unwrap();
    assert_eq!(get(&bench, "/p:a").await.value.as_deref(), Some("1"));
    let many: Vec<String> = (0..10).map(|number| format!("l{number}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let refusal = refused::<ssm::LabelParameterVersion>(&bench, label(Some(1), &many)).await;
    assert!(refusal.starts_with("ParameterVersionLabelLimitExceeded"), "{refusal}");
    for value in 4..=100 {
        written(&bench, overwrite("/p", &value.to_string())).await;
    }
    let refusal = refused::<ssm::PutParameter>(&bench, overwrite("/p", "101")).await;
    let text = "ParameterMaxVersionLimitExceeded: You attempted to create a new version of /p by calling the PutParameter \
                API with the overwrite flag. Version 1, the oldest version, can't be deleted";
    assert!(refusal.starts_with(text), "{refusal}");
    let unlabel = UnlabelParameterVersionRequest {
        name: "/p".to_owned(),
        parameter_version: 1,
        labels: vec!["a".to_owned(), "z".to_owned()],
        ..Default::default()
    };
    let answer = bench.call::<ssm::UnlabelParameterVersion>(unlabel).await.unwrap();
    assert_eq!((answer.removed_labels.unwrap(), answer.invalid_labels.unwrap()), (vec!["a".into()], vec!["z".into()]));
    assert_eq!(written(&bench, overwrite("/p", "101")).await, 101);
    assert!(unreadable(&bench, "/p:1").await.starts_with("ParameterVersionNotFound"));
    let (mut seen, mut token) = (Vec::new(), None);
    loop {
        let request = GetParameterHistoryRequest { name: "/p".to_owned(), next_token: token, ..Default::default() };
        let page = bench.call::<ssm::GetParameterHistory>(request).await.unwrap();
        seen.extend(page.parameters.unwrap().into_iter().filter_map(|entry| entry.version));
        token = page.next_token;
        if token.is_none() {
            break;
        }
    }
    assert_eq!(seen, (2..=101).collect::<Vec<i64>>());
}

#[tokio::test]
async fn several_are_read_and_deleted_at_once() {
    let bench = bench();
    written(&bench, put("/a", "1")).await;
    written(&bench, put("/b", "2")).await;
    let names = ["/b", "/none", "/a", "/a:7"].map(str::to_owned).to_vec();
    let request = GetParametersRequest { names: names.clone(), ..Default::default() };
    let answer = bench.call::<ssm::GetParameters>(request).await.unwrap();
    let values: Vec<_> = answer.parameters.unwrap().into_iter().filter_map(|parameter| parameter.value).collect();
    assert_eq!(
        (values, answer.invalid_parameters.unwrap()),
        (vec!["2".into(), "1".into()], vec!["/none".into(), "/a:7".into()])
    );
    let request = DeleteParametersRequest { names, ..Default::default() };
    let answer = bench.call::<ssm::DeleteParameters>(request).await.unwrap();
    assert_eq!(answer.deleted_parameters.unwrap(), ["/b", "/a"]);
    assert_eq!(answer.invalid_parameters.unwrap(), ["/none", "/a:7"]);
    assert_eq!(written(&bench, put("/a", "new")).await, 1);
}

#[tokio::test]
async fn tags_belong_to_a_parameter_that_there_is() {
    let bench = bench();
    written(&bench, put("/p", "1")).await;
    let tag = |key: &str| Tag { key: key.to_owned(), value: "v".to_owned(), ..Default::default() };
    let add = AddTagsToResourceRequest {
        resource_type: "Parameter".to_owned(),
        resource_id: "/p".to_owned(),
        tags: vec![tag("a"), tag("b")],
        ..Default::default()
    };
    bench.call::<ssm::AddTagsToResource>(add.clone()).await.unwrap();
    let absent = AddTagsToResourceRequest { resource_id: "/q".to_owned(), ..add.clone() };
    assert!(refused::<ssm::AddTagsToResource>(&bench, absent).await.starts_with("InvalidResourceId"));
    let document = AddTagsToResourceRequest { resource_type: "Document".to_owned(), ..add };
    assert!(refused::<ssm::AddTagsToResource>(&bench, document).await.starts_with("InvalidResourceId"));
    let remove = RemoveTagsFromResourceRequest {
        resource_type: "Parameter".to_owned(),
        resource_id: "/p".to_owned(),
        tag_keys: vec!["a".to_owned()],
        ..Default::default()
    };
    bench.call::<ssm::RemoveTagsFromResource>(remove).await.unwrap();
    let list = ListTagsForResourceRequest {
        resource_type: "Parameter".to_owned(),
        resource_id: "/p".to_owned(),
        ..Default::default()
    };
    let tags = bench.call::<ssm::ListTagsForResource>(list).await.unwrap().tag_list.unwrap();
    assert_eq!(tags, [tag("b")]);
}
