//! Creates, describes, invokes, updates and deletes a function, reads its log and asks who it is, as a program that uses
//! the AWS SDK for Rust would. Arguments: endpoint, access key, zip file, zip file of the update. Prints one JSON document.

use std::error::Error;
use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_lambda::client::Waiters;
use aws_sdk_lambda::config::{Credentials, SharedCredentialsProvider};
use aws_sdk_lambda::error::ProvideErrorMetadata;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::{FunctionCode, LogType, Runtime};
use serde_json::{Value, json};

/// Longest wait for a function or its log; only failures wait for it.
const PATIENCE: Duration = Duration::from_secs(120);

/// Between two looks at a log that is still being written.
const LOOK: Duration = Duration::from_millis(50);

const NAME: &str = "from-rust";

type Outcome<T> = Result<T, Box<dyn Error>>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [endpoint, key, package, update] = arguments.as_slice() else { return Err("four arguments are needed".into()) };
    let config = configuration(endpoint, key);
    let identity = aws_sdk_sts::Client::new(&config).get_caller_identity().send().await?;
    let lambda = aws_sdk_lambda::Client::new(&config);
    let created = create(&lambda, Blob::new(std::fs::read(package)?)).await?;
    let first = invoke(&lambda).await?;
    let events = log(&aws_sdk_cloudwatchlogs::Client::new(&config)).await?;
    change(&lambda, Blob::new(std::fs::read(update)?)).await?;
    let second = invoke(&lambda).await?;
    let location = lambda.get_function().function_name(NAME).send().await?;
    lambda.delete_function().function_name(NAME).send().await?;
    let refusal = lambda.get_function().function_name(NAME).send().await.expect_err("the function is gone");
    let document = json!({
        "account": identity.account(),
        "arn": created,
        "first": first,
        "second": second,
        "events": events,
        "location": location.code().and_then(|code| code.location()),
        "refusal": [refusal.code(), refusal.message()],
    });
    println!("{document}");
    Ok(())
}

fn configuration(endpoint: &str, key: &str) -> SdkConfig {
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(endpoint)
        .credentials_provider(SharedCredentialsProvider::new(Credentials::new(key, "secret", None, None, "tests")))
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .build()
}

async fn create(lambda: &aws_sdk_lambda::Client, package: Blob) -> Outcome<Option<String>> {
    let created = lambda
        .create_function()
        .function_name(NAME)
        .runtime(Runtime::Python312)
        .handler("app.handler")
        .role("arn:aws:iam::000000000000:role/function")
        .code(FunctionCode::builder().zip_file(package).build())
        .send()
        .await?;
    lambda.wait_until_function_active_v2().function_name(NAME).wait(PATIENCE).await?;
    Ok(created.function_arn)
}

async fn change(lambda: &aws_sdk_lambda::Client, package: Blob) -> Outcome<()> {
    lambda.update_function_code().function_name(NAME).zip_file(package).send().await?;
    lambda.wait_until_function_updated_v2().function_name(NAME).wait(PATIENCE).await?;
    Ok(())
}

async fn invoke(lambda: &aws_sdk_lambda::Client) -> Outcome<Value> {
    let event = Blob::new(r#"{"name":"Ada"}"#);
    let answer = lambda.invoke().function_name(NAME).log_type(LogType::Tail).payload(event).send().await?;
    let payload = answer.payload().map(|payload| serde_json::from_slice::<Value>(payload.as_ref())).transpose()?;
    Ok(json!({ "status": answer.status_code(), "payload": payload, "log": answer.log_result() }))
}

/// The lines that the function has printed, once they are there.
async fn log(logs: &aws_sdk_cloudwatchlogs::Client) -> Outcome<Vec<String>> {
    let group = format!("/aws/lambda/{NAME}");
    let waiting = async {
        loop {
            // The group appears with its first lines.
            let answer = logs.filter_log_events().log_group_name(&group).filter_pattern("greeting").send().await;
            let events = answer.map(|answer| answer.events.unwrap_or_default()).unwrap_or_default();
            if !events.is_empty() {
                return events.into_iter().filter_map(|event| event.message).collect();
            }
            tokio::time::sleep(LOOK).await;
        }
    };
    Ok(tokio::time::timeout(PATIENCE, waiting).await?)
}
