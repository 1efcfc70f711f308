//! The service as its callers see it, over a real KMS.

mod hierarchy;
mod parameters;
mod policies;

use std::time::Duration;

use api::Operation;
use api::ssm::{self, GetParameterRequest, Parameter, PutParameterRequest};
use platform::testing::TestPlatform;

use crate::registration;

/// A platform with KMS and the service.
pub fn bench() -> TestPlatform {
    TestPlatform::new(|platform| vec![service_kms::registration(platform), registration(platform)])
}

/// A request for a text.
pub fn put(name: &str, value: &str) -> PutParameterRequest {
    PutParameterRequest {
        name: name.to_owned(),
        value: value.to_owned(),
        r#type: Some("String".to_owned()),
        ..Default::default()
    }
}

/// A request for a further version.
pub fn overwrite(name: &str, value: &str) -> PutParameterRequest {
    PutParameterRequest { overwrite: Some(true), ..put(name, value) }
}

/// Writes a parameter, and answers its version.
pub async fn written(bench: &TestPlatform, request: PutParameterRequest) -> i64 {
    bench.call::<ssm::PutParameter>(request).await.expect("written").version.expect("a version")
}

/// A parameter, decrypted.
pub async fn get(bench: &TestPlatform, name: &str) -> Parameter {
    let request = GetParameterRequest { name: name.to_owned(), with_decryption: Some(true), ..Default::default() };
    bench.call::<ssm::GetParameter>(request).await.expect("readable").parameter.expect("a parameter")
}

/// Calls what is refused, and answers the error's code and text.
pub async fn refused<O: Operation>(bench: &TestPlatform, input: O::Input) -> String {
    match bench.call::<O>(input).await {
        Ok(_) => panic!("it should be refused"),
        Err(error) => error.to_string(),
    }
}

/// What reading a parameter is refused with.
pub async fn unreadable(bench: &TestPlatform, name: &str) -> String {
    let request = GetParameterRequest { name: name.to_owned(), ..Default::default() };
    refused::<ssm::GetParameter>(bench, request).await
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
