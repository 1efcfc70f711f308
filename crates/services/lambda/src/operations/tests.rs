//! The control plane as a client sees it.

use std::collections::BTreeMap;
use std::sync::Arc;

use api::lambda::{
    CreateFunction, CreateFunctionRequest, DeleteFunction, DeleteFunctionRequest, Environment, FunctionCode,
    GetAccountSettings, GetAccountSettingsRequest, GetFunction, GetFunctionConfiguration,
    GetFunctionConfigurationRequest, GetFunctionRequest, GetFunctionResponse, ListFunctions, ListFunctionsRequest,
    ListTags, ListTagsRequest, ListVersionsByFunction, ListVersionsByFunctionRequest, PublishVersion,
    PublishVersionRequest, TagResource, TagResourceRequest, UntagResource, UntagResourceRequest, UpdateFunctionCode,
    UpdateFunctionCodeRequest, UpdateFunctionConfiguration, UpdateFunctionConfigurationRequest,
};
use blob::BlobStore;
use store::Store;
use wire::Error;

use crate::testing::{ACCOUNT, Bench, PATIENCE, REGION, id, package, request, said};
use crate::{deployment, sweep};

const NOT_FOUND: &str =
    "ResourceNotFoundException: Function not found: arn:aws:lambda:eu-west-1:111122223333:function:greet";

async fn get(bench: &Bench, name: &str, qualifier: Option<&str>) -> Result<GetFunctionResponse, Error> {
    let input = GetFunctionRequest {
        function_name: name.to_owned(),
        qualifier: qualifier.map(str::to_owned),
        ..GetFunctionRequest::default()
    };
    bench.call::<GetFunction>(input).await
}

fn new_code(name: &str, content: &str) -> UpdateFunctionCodeRequest {
    UpdateFunctionCodeRequest {
        function_name: name.to_owned(),
        zip_file: Some(package(content)),
        ..UpdateFunctionCodeRequest::default()
    }
}

fn arn(name: &str) -> String {
    id(name).arn()
}

#[tokio::test]
async fn a_new_function_is_described_as_on_aws() {
    let bench = Bench::new();
    let created = bench.create("greet").await;
    let text = |value: &str| Some(value.to_owned());
    assert_eq!(created.function_arn, Some(arn("greet")));
    assert_eq!((created.state, created.state_reason_code), (text("Pending"), text("Creating")));
    assert_eq!(created.state_reason, text("The function is being created."));
    assert_eq!((created.last_update_status, created.environment.is_none()), (None, true));
    assert_eq!(created.last_modified, text("2024-01-01T00:00:00.007+0000"));
    assert_eq!((created.version, created.package_type), (text("$LATEST"), text("Zip")));
    assert_eq!(created.architectures, Some(vec!["x86_64".to_owned()]));
    assert_eq!(created.tracing_config.unwrap().mode, text("PassThrough"));
    let snap_start = created.snap_start.unwrap();
    assert_eq!((snap_start.apply_on, snap_start.optimization_status), (text("None"), text("Off")));
    let logging = created.logging_config.unwrap();
    assert_eq!((logging.log_format, logging.log_group), (text("Text"), text("/aws/lambda/greet")));
    let runtime = created.runtime_version_config.unwrap().runtime_version_arn.unwrap();
    assert!(runtime.starts_with("arn:aws:lambda:eu-west-1::runtime:") && runtime.len() == 34 + 64, "{runtime}");

    let active = get(&bench, "greet", None).await.unwrap();
    let configuration = active.configuration.unwrap();
    assert_eq!((configuration.state, configuration.state_reason), (text("Active"), None));
    assert_eq!(configuration.last_update_status, text("Successful"));
    assert_ne!(configuration.revision_id, created.revision_id);
    assert_eq!((active.tags, active.concurrency.is_none()), (None, true));
    assert_eq!(active.code.unwrap().repository_type, text("S3"));
}

#[tokio::test]
async fn arns_carry_the_qualifier_that_was_asked_for() {
    let bench = Bench::new();
    bench.create("greet").await;
    let publish = || PublishVersionRequest { function_name: "greet".to_owned(), ..Default::default() };
    let published = bench.call::<PublishVersion>(publish()).await.unwrap();
    assert_eq!(published.function_arn, Some(format!("{}:1", arn("greet"))));
    for (name, qualifier, suffix) in [
        ("greet", None, ""),
        ("greet", Some("$LATEST"), ":$LATEST"),
        ("greet:1", None, ":1"),
        ("greet", Some("1"), ":1"),
    ] {
        let found = get(&bench, name, qualifier).await.unwrap().configuration.unwrap();
        assert_eq!(found.function_arn, Some(format!("{}{suffix}", arn("greet"))));
    }
    assert_eq!(said(get(&bench, "greet", Some("PROD")).await), format!("{NOT_FOUND}:PROD"));
    assert_eq!(said(get(&bench, "greet:2", None).await), format!("{NOT_FOUND}:2"));
    let input = ListVersionsByFunctionRequest { function_name: "greet".to_owned(), ..Default::default() };
    let versions = bench.call::<ListVersionsByFunction>(input).await.unwrap().versions.unwrap();
    let listed: Vec<_> = versions.into_iter().map(|version| (version.version.unwrap(), version.state)).collect();
    assert_eq!(listed, [("$LATEST".to_owned(), None), ("1".to_owned(), None)]);
}

#[tokio::test]
async fn functions_are_unknown_until_created_and_after_deletion() {
    let bench = Bench::new();
    let delete = || DeleteFunctionRequest { function_name: "greet".to_owned(), ..Default::default() };
    let configuration = || GetFunctionConfigurationRequest { function_name: "greet".to_owned(), ..Default::default() };
    let settings = || UpdateFunctionConfigurationRequest { function_name: "greet".to_owned(), ..Default::default() };
    for _ in 0..2 {
        assert_eq!(said(get(&bench, "greet", None).await), NOT_FOUND);
        assert_eq!(said(bench.call::<GetFunctionConfiguration>(configuration()).await), NOT_FOUND);
        assert_eq!(said(bench.call::<DeleteFunction>(delete()).await), NOT_FOUND);
        assert_eq!(said(bench.call::<UpdateFunctionCode>(new_code("greet", "x")).await), NOT_FOUND);
        assert_eq!(said(bench.call::<UpdateFunctionConfiguration>(settings()).await), NOT_FOUND);
        bench.create("greet").await;
        assert_eq!(
            said(bench.call::<CreateFunction>(request("greet")).await),
            "ResourceConflictException: Function already exist: greet"
        );
        let latest = DeleteFunctionRequest { qualifier: Some("$LATEST".to_owned()), ..delete() };
        assert_eq!(
            said(bench.call::<DeleteFunction>(latest).await),
            "InvalidParameterValueException: $LATEST version cannot be deleted without deleting the function."
        );
        assert_eq!(bench.call::<DeleteFunction>(delete()).await.unwrap().status_code, Some(204));
    }
}

#[tokio::test]
async fn other_accounts_have_their_own_functions() {
    let bench = Bench::new();
    bench.create("greet").await;
    let other = bench.context("999999999999");
    let input = GetFunctionRequest { function_name: "greet".to_owned(), ..Default::default() };
    assert!(other.call::<GetFunction>(input).await.unwrap_err().is("ResourceNotFoundException"));
    let input = DeleteFunctionRequest { function_name: arn("greet"), ..Default::default() };
    assert!(other.call::<DeleteFunction>(input).await.unwrap_err().is("AccessDeniedException"));
    assert!(get(&bench, "greet", None).await.is_ok());
}

#[tokio::test]
async fn packages_that_cannot_be_used_change_nothing() {
    let bench = Bench::new();
    let with = |code: FunctionCode| CreateFunctionRequest { code, ..request("greet") };
    let zip = |bytes: Vec<u8>| FunctionCode { zip_file: Some(bytes.into()), ..FunctionCode::default() };
    let text = |value: &str| Some(value.to_owned());
    let s3 = FunctionCode { s3_bucket: text("bucket"), ..FunctionCode::default() };
    for (code, expected) in [
        (zip(b"garbage".to_vec()), "InvalidParameterValueException: Could not unzip uploaded file. "),
        (zip(Vec::new()), "InvalidParameterValueException: Uploaded file must be a non-empty zip"),
        (zip(vec![0; 52_428_801]), "RequestEntityTooLargeException: Zipped size must be smaller than 52428800 bytes"),
        (s3, "InvalidParameterValueException: Please provide both S3Bucket and S3Key parameters "),
        (
            FunctionCode { image_uri: text("image"), ..FunctionCode::default() },
            "InvalidParameterValueException: Please provide a source for function code.",
        ),
        (FunctionCode::default(), "InvalidParameterValueException: Please provide a source for function code."),
    ] {
        let refused = said(bench.call::<CreateFunction>(with(code)).await);
        assert!(refused.starts_with(expected), "{refused}");
    }
    assert_eq!(said(get(&bench, "greet", None).await), NOT_FOUND);
    assert!(bench.lambda.packages.unpacked().unwrap().is_empty());
}

#[tokio::test]
async fn a_dry_run_checks_everything_and_changes_nothing() {
    let bench = Bench::new();
    bench.create("greet").await;
    let before = get(&bench, "greet", None).await.unwrap().configuration;
    let dry = UpdateFunctionCodeRequest { dry_run: Some(true), ..new_code("greet", "two") };
    let answer = bench.call::<UpdateFunctionCode>(dry.clone()).await.unwrap();
    assert_ne!(answer.code_sha256, before.as_ref().unwrap().code_sha256);
    assert_eq!(get(&bench, "greet", None).await.unwrap().configuration, before);
    let stale = UpdateFunctionCodeRequest { revision_id: Some("old".to_owned()), ..dry.clone() };
    assert!(bench.call::<UpdateFunctionCode>(stale).await.unwrap_err().is("PreconditionFailedException"));
    let garbage = UpdateFunctionCodeRequest { zip_file: Some("garbage".into()), ..dry };
    assert!(bench.call::<UpdateFunctionCode>(garbage).await.unwrap_err().is("InvalidParameterValueException"));
}

#[tokio::test]
async fn updates_are_in_progress_and_then_successful() {
    let bench = Bench::new();
    bench.create("greet").await;
    let variables = BTreeMap::from([("NAME".to_owned(), "1".to_owned())]);
    let input = UpdateFunctionConfigurationRequest {
        function_name: "greet".to_owned(),
        timeout: Some(10),
        environment: Some(Environment { variables: Some(variables.clone()) }),
        ..Default::default()
    };
    let updated = bench.call::<UpdateFunctionConfiguration>(input).await.unwrap();
    assert_eq!(updated.last_update_status.as_deref(), Some("InProgress"));
    assert_eq!(updated.last_update_status_reason.as_deref(), Some("The function is being created."));
    assert_eq!((updated.last_update_status_reason_code.as_deref(), updated.timeout), (Some("Creating"), Some(10)));
    bench.settle("greet").await;

    let input = UpdateFunctionCodeRequest { publish: Some(true), ..new_code("greet", "two") };
    let published = bench.call::<UpdateFunctionCode>(input).await.unwrap();
    assert_eq!(published.function_arn, Some(format!("{}:1", arn("greet"))));
    assert_eq!((published.state.as_deref(), published.last_update_status), (Some("Pending"), None));
    bench.settle("greet").await;
    for qualifier in ["$LATEST", "1"] {
        let found = get(&bench, "greet", Some(qualifier)).await.unwrap().configuration.unwrap();
        assert_eq!((found.state.as_deref(), found.last_update_status.as_deref()), (Some("Active"), Some("Successful")));
        assert_eq!(found.environment.unwrap().variables, Some(variables.clone()));
        assert_eq!(
            (found.timeout, found.memory_size, found.code_sha256),
            (Some(10), Some(128), published.code_sha256.clone())
        );
    }
}

#[tokio::test]
async fn versions_and_aliases_cannot_be_updated() {
    let bench = Bench::new();
    bench.create("greet").await;
    let before = get(&bench, "greet", None).await.unwrap().configuration;
    for name in ["greet:1", "greet:PROD"] {
        assert_eq!(
            said(bench.call::<UpdateFunctionCode>(new_code(name, "two")).await),
            "InvalidParameterValueException: This operation is permitted on Lambda functions only. Aliases and versions \
             do not support this operation. Please specify either a function name or an unqualified function ARN."
        );
    }
    assert_eq!(get(&bench, "greet", None).await.unwrap().configuration, before);
    assert!(bench.call::<UpdateFunctionCode>(new_code("greet:$LATEST", "two")).await.is_ok());
}

#[tokio::test]
async fn a_version_can_be_published_at_creation() {
    let bench = Bench::new();
    let input = CreateFunctionRequest { publish: Some(true), ..request("greet") };
    let created = bench.call::<CreateFunction>(input).await.unwrap();
    assert_eq!((created.version.as_deref(), created.function_arn), (Some("1"), Some(arn("greet"))));
    bench.settle("greet").await;
    let found = get(&bench, "greet", Some("1")).await.unwrap().configuration.unwrap();
    assert_eq!(found.state.as_deref(), Some("Active"));
}

#[tokio::test]
async fn lists_come_in_pages() {
    let bench = Bench::new();
    for number in 0..55 {
        bench.call::<CreateFunction>(request(&format!("f{number:02}"))).await.unwrap();
    }
    let list = async |max_items, marker, all: bool| {
        let function_version = all.then(|| "ALL".to_owned());
        let input = ListFunctionsRequest { max_items, marker, function_version, master_region: None };
        let page = bench.call::<ListFunctions>(input).await.unwrap();
        let arns: Vec<_> = page.functions.unwrap().into_iter().map(|found| found.function_arn.unwrap()).collect();
        (arns, page.next_marker)
    };
    let (first, marker) = list(None, None, false).await;
    let (second, end) = list(Some(10_000), marker, false).await;
    assert_eq!((first.len(), second.len(), end), (50, 5, None));
    assert_eq!((first[0].clone(), second[4].clone()), (arn("f00"), arn("f54")));
    let mut all = Vec::new();
    let mut marker = None;
    for _ in 0..8 {
        let (page, next) = list(Some(7), marker, true).await;
        all.extend(page);
        marker = next;
    }
    assert_eq!((all.len(), marker), (55, None));
    assert!(all.iter().all(|arn| arn.ends_with(":$LATEST")));
    let invalid = ListFunctionsRequest { marker: Some("?".to_owned()), ..Default::default() };
    assert!(bench.call::<ListFunctions>(invalid).await.unwrap_err().is("InvalidParameterValueException"));
    let edge = ListFunctionsRequest { master_region: Some("us-east-1".to_owned()), ..Default::default() };
    assert!(bench.call::<ListFunctions>(edge).await.unwrap_err().is("InvalidParameterValueException"));
}

#[tokio::test]
async fn tags_are_kept_replaced_removed_and_limited() {
    let bench = Bench::new();
    bench.create("greet").await;
    let tags = |pairs: &[(&str, &str)]| {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect::<BTreeMap<_, _>>()
    };
    let tag = async |resource: String, tags| {
        bench.call::<TagResource>(TagResourceRequest { resource, tags, ..Default::default() }).await.map(|_| ())
    };
    let listed = async || {
        let input = ListTagsRequest { resource: arn("greet"), ..Default::default() };
        bench.call::<ListTags>(input).await.unwrap().tags.unwrap()
    };
    assert_eq!(listed().await, BTreeMap::new());
    tag(arn("greet"), tags(&[("a", "1"), ("b", "2")])).await.unwrap();
    tag(arn("greet"), tags(&[("b", "3")])).await.unwrap();
    assert_eq!(listed().await, tags(&[("a", "1"), ("b", "3")]));
    let keys = vec!["a".to_owned(), "absent".to_owned()];
    let input = UntagResourceRequest { resource: arn("greet"), tag_keys: keys, ..Default::default() };
    bench.call::<UntagResource>(input).await.unwrap();
    assert_eq!(get(&bench, "greet", None).await.unwrap().tags, Some(tags(&[("b", "3")])));

    let many: BTreeMap<_, _> = (0..50).map(|number| (format!("k{number}"), String::new())).collect();
    let limit = "InvalidParameterValueException: Number of tags exceeds resource tag limit.";
    assert_eq!(said(tag(arn("greet"), many.clone()).await), limit);
    let full = CreateFunctionRequest { tags: Some(many), ..request("full") };
    bench.call::<CreateFunction>(full).await.unwrap();
    assert_eq!(said(tag(arn("full"), tags(&[("one", "more")])).await), limit);

    assert!(tag(arn("greet"), tags(&[("AWS:x", "1")])).await.unwrap_err().is("InvalidParameterValueException"));
    assert_eq!(
        said(tag(arn("greet"), BTreeMap::new()).await),
        "InvalidParameterValueException: An error occurred and the request cannot be processed."
    );
    assert_eq!(
        said(tag(format!("{}:1", arn("greet")), tags(&[("a", "1")])).await),
        "InvalidParameterValueException: \
         Tags on function aliases and versions are not supported. Please specify a function ARN."
    );
    assert!(tag(arn("absent"), tags(&[("a", "1")])).await.unwrap_err().is("ResourceNotFoundException"));
    let mapping = "arn:aws:lambda:eu-west-1:111122223333:event-source-mapping:12345678-1234-1234-1234-123456789012";
    assert!(tag(mapping.to_owned(), tags(&[("a", "1")])).await.unwrap_err().is("ResourceNotFoundException"));
    assert_eq!(listed().await, tags(&[("b", "3")]));
}

#[tokio::test]
async fn account_settings_tell_what_is_used() {
    let bench = Bench::new();
    let settings = async || bench.call::<GetAccountSettings>(GetAccountSettingsRequest::default()).await.unwrap();
    assert_eq!(settings().await.account_usage.unwrap().function_count, Some(0));
    bench.create("greet").await;
    let answer = settings().await;
    let usage = answer.account_usage.unwrap();
    assert_eq!((usage.function_count, usage.total_code_size), (Some(1), Some(package("#!/bin/sh").len() as i64)));
    let limit = answer.account_limit.unwrap();
    assert_eq!((limit.total_code_size, limit.concurrent_executions), (Some(80_530_636_800), Some(1_000)));
    assert_eq!((limit.code_size_zipped, limit.code_size_unzipped), (Some(52_428_800), Some(262_144_000)));
}

#[tokio::test]
async fn a_deployment_cut_short_is_taken_up_by_the_next_process() {
    let (store, blobs) = (Store::memory(), BlobStore::memory());
    let data = tempfile::tempdir().unwrap();
    let first = Bench::over(store.clone(), blobs.clone(), Some(data.path().to_owned()));
    // A platform that is stopping starts no more work.
    first.lambda.platform.background.drain(std::time::Duration::ZERO).await;
    let created = first.call::<CreateFunction>(request("greet")).await.unwrap();
    assert_eq!(created.state.as_deref(), Some("Pending"));
    drop(first);
    let second = Bench::over(store, blobs, Some(data.path().to_owned()));
    let state = async || get(&second, "greet", None).await.unwrap().configuration.unwrap().state;
    assert_eq!(state().await.as_deref(), Some("Pending"));
    deployment::resume(&second.lambda).await.unwrap();
    second.settle("greet").await;
    assert_eq!(state().await.as_deref(), Some("Active"));
    assert_eq!(second.lambda.packages.unpacked().unwrap().len(), 1);
}

#[tokio::test]
async fn a_client_that_hangs_up_leaves_nothing_half_done() {
    let bench = Bench::new();
    for number in 0..20 {
        let name = format!("f{number}");
        let mut call = Box::pin(bench.call::<CreateFunction>(request(&name)));
        // The client goes away as soon as the function is in the store, before it is told so.
        while futures_util::poll!(&mut call).is_pending() {
            if bench.lambda.functions.function(&id(&name)).await.unwrap().is_some() {
                break;
            }
            tokio::task::yield_now().await;
        }
        drop(call);
        bench.settle(&name).await;
        let delete = DeleteFunctionRequest { function_name: name.clone(), ..Default::default() };
        let warm = crate::functions::resolve(&bench.lambda, &id(&name), None).await.unwrap();
        let mut call = Box::pin(bench.call::<DeleteFunction>(delete));
        while futures_util::poll!(&mut call).is_pending() {
            if bench.lambda.functions.function(&id(&name)).await.unwrap().is_none() {
                break;
            }
            tokio::task::yield_now().await;
        }
        drop(call);
        let gone = async {
            while crate::functions::resolve(&bench.lambda, &warm.function, None).await.is_ok() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, gone).await.expect("a deleted function is forgotten");
    }
}

#[tokio::test]
async fn a_missing_package_fails_the_function_and_names_the_reason() {
    let (store, blobs) = (Store::memory(), BlobStore::memory());
    let first = Bench::over(store.clone(), blobs, None);
    first.lambda.platform.background.drain(std::time::Duration::ZERO).await;
    first.call::<CreateFunction>(request("greet")).await.unwrap();
    let second = Bench::over(store, BlobStore::memory(), None);
    let clock = second.clock.clone();
    deployment::resume(&second.lambda).await.unwrap();
    let mut settled = std::pin::pin!(second.settle("greet"));
    // The attempts are far apart; time passes as they wait for it.
    loop {
        tokio::select! {
            () = &mut settled => break,
            () = tokio::task::yield_now() => { clock.advance(std::time::Duration::from_secs(60)); }
        }
    }
    let found = get(&second, "greet", None).await.unwrap().configuration.unwrap();
    assert_eq!((found.state.as_deref(), found.state_reason_code.as_deref()), (Some("Failed"), Some("InternalError")));
    assert!(found.state_reason.unwrap().starts_with("package "));
}

#[tokio::test]
async fn packages_go_when_their_last_function_goes() {
    let bench = Bench::new();
    bench.create("greet").await;
    bench.create("other").await;
    let unpacked = || bench.lambda.packages.unpacked().unwrap().len();
    assert_eq!(unpacked(), 1);
    for (name, left) in [("greet", 1), ("other", 0)] {
        let input = DeleteFunctionRequest { function_name: name.to_owned(), ..Default::default() };
        bench.call::<DeleteFunction>(input).await.unwrap();
        sweep::sweep(&bench.lambda).await;
        assert_eq!(unpacked(), left, "after {name}");
    }
}

#[tokio::test]
async fn many_clients_create_the_same_function_once() {
    let bench = Arc::new(Bench::new());
    let outcomes = futures_util::future::join_all((0..16).map(|_| {
        let bench = Arc::clone(&bench);
        async move { bench.call::<CreateFunction>(request("greet")).await }
    }))
    .await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    assert_eq!(bench.lambda.functions.usage(ACCOUNT, REGION).await.unwrap().functions, 1);
}
