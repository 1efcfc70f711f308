//! Functions in the store, their deployments finished by hand.

use std::sync::Arc;

use tokio::sync::broadcast::error::TryRecvError;

use super::*;
use crate::configuration;
use crate::function::{CodePackage, Failure, LastUpdate, State};
use crate::testing::{ACCOUNT, Bench, LATEST, REGION, id, request, said};

const IN_PROGRESS: &str = "ResourceConflictException: The operation cannot be performed at this time. \
    An update is in progress for resource: arn:aws:lambda:eu-west-1:111122223333:function:greet";
const PENDING: &str = "ResourceConflictException: The operation cannot be performed at this time. \
    The function is currently in the following state: Pending";

fn code(content: &str) -> CodePackage {
    CodePackage {
        digest: blob::Digest::of(content.as_bytes()),
        size_bytes: content.len() as u64,
        unzipped_bytes: 0,
        image: None,
    }
}

fn new(name: &str) -> NewFunction {
    let request = request(name);
    let configuration = configuration::create(&configuration::settings(&request), name, None, false).unwrap();
    NewFunction {
        id: id(name),
        configuration,
        code: code("one"),
        tags: Default::default(),
        publish: false,
        code_signing: None,
    }
}

fn failure() -> Failure {
    Failure { code: "InvalidRuntime".to_owned(), reason: "no interpreter".to_owned() }
}

/// Changes the code of `greet`.
async fn update(bench: &Bench, content: &str, publish: bool) -> Result<Change, wire::Error> {
    let code = code(content);
    let apply = move |mut latest: FunctionVersion| {
        latest.code = code.clone();
        Ok(latest)
    };
    bench.lambda.functions.edit(&id("greet"), Edit { revision_id: None, publish }, apply).await
}

async fn ready(bench: &Bench) -> FunctionVersion {
    let functions = &bench.lambda.functions;
    let created = functions.create(new("greet")).await.unwrap().latest;
    functions.finish(&created, Ok(())).await.unwrap();
    functions.version(&id("greet"), LATEST).await.unwrap().unwrap().described
}

async fn runs(bench: &Bench, qualifier: Option<&str>) -> Arc<FunctionVersion> {
    resolve(&bench.lambda, &id("greet"), qualifier).await.unwrap()
}

async fn is_needed(bench: &Bench, content: &str) -> bool {
    let functions = &bench.lambda.functions;
    let is_needed = functions.needs_package(&code(content).digest).await.unwrap();
    assert_eq!(functions.packages().await.unwrap().contains(&code(content).digest), is_needed);
    is_needed
}

#[tokio::test]
async fn a_function_is_pending_until_its_deployment_is_finished() {
    let bench = Bench::new();
    let functions = &bench.lambda.functions;
    let created = functions.create(new("greet")).await.unwrap().latest;
    assert_eq!((&created.state, &created.last_update), (&State::Pending, &None));
    assert_eq!(runs(&bench, None).await.state, State::Pending);
    assert_eq!(said(update(&bench, "two", false).await), PENDING);
    assert_eq!(said(functions.publish(&id("greet"), Publication::default()).await), PENDING);
    assert_eq!(functions.deployments().await.unwrap(), [(id("greet"), LATEST)]);
    assert_eq!(said(functions.create(new("greet")).await), "ResourceConflictException: Function already exist: greet");

    functions.finish(&created, Ok(())).await.unwrap();
    let active = runs(&bench, None).await;
    assert_eq!((&active.state, &active.last_update), (&State::Active, &Some(LastUpdate::Successful)));
    assert_ne!(active.revision_id, created.revision_id);
    assert_eq!(active.deployment, created.deployment);
    assert!(functions.deployments().await.unwrap().is_empty());
}

#[tokio::test]
async fn invocations_run_what_they_ran_until_an_update_succeeds() {
    let bench = Bench::new();
    let functions = &bench.lambda.functions;
    let first = ready(&bench).await;
    let second = update(&bench, "two", false).await.unwrap().latest;
    assert_eq!((&second.state, &second.last_update), (&State::Active, &Some(LastUpdate::InProgress)));
    assert_eq!(runs(&bench, None).await.code, first.code);
    assert_eq!(said(update(&bench, "three", false).await), IN_PROGRESS);
    assert!(is_needed(&bench, "one").await && is_needed(&bench, "two").await);

    functions.finish(&second, Err(failure())).await.unwrap();
    let described = functions.version(&id("greet"), LATEST).await.unwrap().unwrap().described;
    assert_eq!(described.last_update, Some(LastUpdate::Failed(failure())));
    assert_eq!(runs(&bench, None).await.code, first.code);
    assert!(functions.publish(&id("greet"), Publication::default()).await.is_err());

    let third = update(&bench, "three", false).await.unwrap().latest;
    assert_eq!(runs(&bench, None).await.code, first.code);
    assert!(is_needed(&bench, "one").await && !is_needed(&bench, "two").await);
    functions.finish(&third, Ok(())).await.unwrap();
    let runs_now = runs(&bench, None).await;
    assert_eq!((&runs_now.code, &runs_now.deployment), (&third.code, &third.deployment));
    assert!(!is_needed(&bench, "one").await && is_needed(&bench, "three").await);
}

#[tokio::test]
async fn a_function_that_never_was_ready_is_made_ready_by_an_update() {
    let bench = Bench::new();
    let functions = &bench.lambda.functions;
    let created = functions.create(new("greet")).await.unwrap().latest;
    functions.finish(&created, Err(failure())).await.unwrap();
    assert_eq!(runs(&bench, None).await.state, State::Failed(failure()));
    let updated = update(&bench, "two", false).await.unwrap().latest;
    assert_eq!(updated.state, State::Pending);
    functions.finish(&updated, Ok(())).await.unwrap();
    assert_eq!(runs(&bench, None).await.state, State::Active);
}

#[tokio::test]
async fn a_deployment_that_comes_too_late_changes_nothing() {
    let bench = Bench::new();
    let functions = &bench.lambda.functions;
    let first = ready(&bench).await;
    let second = update(&bench, "two", false).await.unwrap().latest;
    functions.finish(&first, Err(failure())).await.unwrap();
    let described = functions.version(&id("greet"), LATEST).await.unwrap().unwrap().described;
    assert_eq!(described, second);
    functions.delete(&id("greet")).await.unwrap();
    functions.finish(&second, Ok(())).await.unwrap();
    assert!(functions.version(&id("greet"), LATEST).await.unwrap().is_none());
}

#[tokio::test]
async fn a_stale_revision_changes_nothing() {
    let bench = Bench::new();
    let first = ready(&bench).await;
    let edit = |revision: &str| Edit { revision_id: Some(revision.to_owned()), publish: false };
    let stale = bench.lambda.functions.edit(&id("greet"), edit("old"), Ok).await;
    assert_eq!(
        said(stale),
        "PreconditionFailedException: The Revision Id provided does not match the latest Revision Id. \
         Call the GetFunction/GetAlias API to retrieve the latest Revision Id"
    );
    assert_eq!(*runs(&bench, None).await, first);
    assert!(bench.lambda.functions.edit(&id("greet"), edit(&first.revision_id), Ok).await.is_ok());
}

#[tokio::test]
async fn versions_are_published_once_per_change_and_never_change_themselves() {
    let bench = Bench::new();
    let functions = &bench.lambda.functions;
    ready(&bench).await;
    let described = Publication { description: Some("first".to_owned()), ..Publication::default() };
    let one = functions.publish(&id("greet"), described).await.unwrap();
    assert!(one.is_new);
    assert_eq!((one.version.version, &one.version.state), (Version::Published(1), &State::Active));
    assert_eq!(one.version.configuration.description, "first");
    let again = functions.publish(&id("greet"), Publication::default()).await.unwrap();
    assert!(!again.is_new);
    assert_eq!(again.version, one.version);

    let change = update(&bench, "two", true).await.unwrap();
    let two = change.published.unwrap().version;
    assert_eq!((two.version, &two.state, &two.last_update), (Version::Published(2), &State::Pending, &None));
    functions.finish(&change.latest, Ok(())).await.unwrap();
    functions.finish(&two, Ok(())).await.unwrap();
    assert_eq!(runs(&bench, Some("2")).await.state, State::Active);
    assert_eq!(runs(&bench, Some("1")).await.code, code("one"));
    assert_eq!(runs(&bench, Some("1")).await.configuration.description, "first");

    functions.delete_version(&id("greet"), 2).await.unwrap();
    functions.delete_version(&id("greet"), 2).await.unwrap();
    update(&bench, "three", false).await.unwrap();
    assert_eq!(
        said(resolve(&bench.lambda, &id("greet"), Some("2")).await),
        "ResourceNotFoundException: Function not found: arn:aws:lambda:eu-west-1:111122223333:function:greet:2"
    );
}

#[tokio::test]
async fn a_version_is_published_of_the_package_the_caller_has_seen() {
    let bench = Bench::new();
    let first = ready(&bench).await;
    let publication = Publication { code_sha256: Some("other".to_owned()), ..Publication::default() };
    assert_eq!(
        said(bench.lambda.functions.publish(&id("greet"), publication).await),
        format!(
            "InvalidParameterValueException: CodeSHA256 (other) is different from current CodeSHA256 in $LATEST ({}). \
             Please try again with the CodeSHA256 in $LATEST.",
            first.code.sha256()
        )
    );
}

#[tokio::test]
async fn usage_follows_every_change() {
    let bench = Bench::new();
    let functions = &bench.lambda.functions;
    let usage = async || {
        let usage = functions.usage(ACCOUNT, REGION).await.unwrap();
        (usage.functions, usage.code_bytes)
    };
    ready(&bench).await;
    assert_eq!(usage().await, (1, 3));
    functions.publish(&id("greet"), Publication::default()).await.unwrap();
    assert_eq!(usage().await, (1, 6));
    update(&bench, "longer", false).await.unwrap();
    assert_eq!(usage().await, (1, 9));
    functions.delete_version(&id("greet"), 1).await.unwrap();
    assert_eq!(usage().await, (1, 6));
    functions.delete(&id("greet")).await.unwrap();
    assert_eq!(usage().await, (0, 0));
    assert!(!is_needed(&bench, "one").await && !is_needed(&bench, "longer").await);
    assert!(functions.deployments().await.unwrap().is_empty());
}

#[tokio::test]
async fn packages_beyond_the_accounts_share_are_refused() {
    let bench = Bench::new();
    let mut first = new("greet");
    first.code.size_bytes = CODE_STORAGE_BYTES_MAX;
    bench.lambda.functions.create(first).await.unwrap();
    let refused = bench.lambda.functions.create(new("other")).await;
    assert_eq!(said(refused), "CodeStorageExceededException: Code storage limit exceeded.");
    assert_eq!(bench.lambda.functions.usage(ACCOUNT, REGION).await.unwrap().functions, 1);
}

#[tokio::test]
async fn a_warm_resolution_does_not_reach_the_store() {
    let bench = Bench::new();
    ready(&bench).await;
    let first = runs(&bench, None).await;
    bench.lambda.platform.store.shutdown().await;
    assert!(Arc::ptr_eq(&first, &runs(&bench, Some("$LATEST")).await));
}

#[tokio::test]
async fn listeners_hear_when_invocations_run_something_else() {
    let bench = Bench::new();
    let functions = &bench.lambda.functions;
    let mut changes = functions.changes();
    let first = ready(&bench).await;
    functions.publish(&id("greet"), Publication::default()).await.unwrap();
    functions.delete_version(&id("greet"), 1).await.unwrap();
    functions.delete(&id("greet")).await.unwrap();
    let changed = FunctionChange::Changed(first.function, LATEST);
    let gone = FunctionChange::VersionDeleted(id("greet"), Version::Published(1));
    for expected in [changed, gone, FunctionChange::Deleted(id("greet"))] {
        assert_eq!(changes.recv().await.unwrap(), expected);
    }
    assert!(matches!(changes.try_recv(), Err(TryRecvError::Empty)));
}
