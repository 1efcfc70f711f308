//! The service as its callers see it, over a real KMS.

mod listing;
mod replication;
mod rotation;
mod secrets;
mod versions;

use std::time::Duration;

use api::Operation;
use api::secretsmanager::{
    self as sm, CreateSecretRequest, DescribeSecretRequest, DescribeSecretResponse, GetSecretValueRequest,
    PutSecretValueRequest,
};
use platform::testing::{ACCOUNT, TestPlatform};
use platform::{Ctx, Principal};
use wire::Error;

use crate::registration;

/// A platform with KMS and the service.
pub fn bench() -> TestPlatform {
    TestPlatform::new(|platform| vec![service_kms::registration(platform), registration(platform)])
}

/// A token that names a version: `version("1")`.
pub fn version(mark: &str) -> String {
    format!("{mark:0>32}")
}

/// A request for a secret with a text.
pub fn create(name: &str, token: &str, text: &str) -> CreateSecretRequest {
    CreateSecretRequest {
        name: name.to_owned(),
        client_request_token: Some(version(token)),
        secret_string: Some(text.to_owned()),
        ..Default::default()
    }
}

/// A request for a further version.
pub fn put(secret: &str, token: &str, text: &str, labels: &[&str]) -> PutSecretValueRequest {
    let labels: Vec<String> = labels.iter().map(|label| (*label).to_owned()).collect();
    PutSecretValueRequest {
        secret_id: secret.to_owned(),
        client_request_token: Some(version(token)),
        secret_string: Some(text.to_owned()),
        version_stages: (!labels.is_empty()).then_some(labels),
        ..Default::default()
    }
}

/// The current text of a secret.
pub async fn text(bench: &TestPlatform, secret: &str) -> String {
    let answer = bench.call::<sm::GetSecretValue>(get(secret)).await.expect("readable");
    answer.secret_string.expect("a text")
}

/// A request for the current value.
pub fn get(secret: &str) -> GetSecretValueRequest {
    GetSecretValueRequest { secret_id: secret.to_owned(), ..Default::default() }
}

/// Everything about a secret.
pub async fn describe(bench: &TestPlatform, secret: &str) -> DescribeSecretResponse {
    let request = DescribeSecretRequest { secret_id: secret.to_owned(), ..Default::default() };
    bench.call::<sm::DescribeSecret>(request).await.expect("described")
}

/// The labels of a version.
pub fn labels(described: &DescribeSecretResponse, token: &str) -> Vec<String> {
    let versions = described.version_ids_to_stages.clone().unwrap_or_default();
    versions.get(&version(token)).cloned().unwrap_or_default()
}

/// Calls what is refused, and answers the error's code and text.
pub async fn refused<O: Operation>(bench: &TestPlatform, input: O::Input) -> String {
    match bench.call::<O>(input).await {
        Ok(_) => panic!("it should be refused"),
        Err(error) => error.to_string(),
    }
}

/// Calls as the root, in another region.
pub async fn call_in<O: Operation>(bench: &TestPlatform, region: &str, input: O::Input) -> Result<O::Output, Error> {
    let root = Principal::Root { account: ACCOUNT.to_owned() };
    let cx: Ctx = bench.context::<O>(root).in_region(region);
    cx.call::<O>(input).await
}

/// Longer than anything takes on the slowest machine; only failures wait for it.
const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until something is so. The timers' drivers run on their own.
pub async fn eventually<F, Fut>(mut condition: F)
where
    F: FnMut() -> Fut,
    Fut: Future<Output = bool>,
{
    let wait = async {
        while !condition().await {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.expect("it came to be");
}
