//! Whether a function's role can read a source.

use api::sqs::{DeleteMessage, GetQueueAttributes, GetQueueAttributesRequest, ReceiveMessage};
use platform::Ctx;
use wire::Error;

use crate::destination::Way;
use crate::event_source::{Source, SourceError, queue_url};
use crate::function::FunctionVersion;
use crate::{Lambda, errors, role};

/// Checks that the function's role may read the source.
///
/// # Errors
/// `InvalidParameterValueException`, in AWS's words for each kind of source.
pub async fn check(lambda: &Lambda, cx: &Ctx, arn: &str, version: &FunctionVersion) -> Result<(), Error> {
    match Source::of_arn(arn) {
        Some(source) => check_stream(cx, &source, version).await,
        None => check_queue(lambda, cx, arn, version).await,
    }
}

async fn check_stream(cx: &Ctx, source: &Source, version: &FunctionVersion) -> Result<(), Error> {
    let role = role::session(&cx.platform, version).await?;
    let arn = source.arn();
    let actions = if source.is_kinesis() {
        "GetRecords, GetShardIterator, DescribeStream, ListShards, and ListStreams"
    } else {
        "GetRecords, GetShardIterator, DescribeStream, and ListStreams"
    };
    source.check(&cx.platform, role).await?.map_err(|error| match error {
        SourceError::Absent => errors::invalid_parameter(format!("Stream not found: {arn}")),
        SourceError::Denied => errors::invalid_parameter(format!(
            "Cannot access stream {arn}. Please ensure the role can perform the {actions} Actions on your stream in IAM."
        )),
    })
}

/// Checks too that messages stay hidden as long as the function may take.
async fn check_queue(lambda: &Lambda, cx: &Ctx, source: &str, version: &FunctionVersion) -> Result<(), Error> {
    let parts: Vec<&str> = source.split(':').collect();
    let [_, _, _, region, account, _] = parts.as_slice() else {
        return Err(errors::invalid_parameter("Unrecognized event source, must be kinesis, dynamodb or sqs."));
    };
    let input = GetQueueAttributesRequest {
        queue_url: queue_url(lambda, source),
        attribute_names: Some(vec!["VisibilityTimeout".to_owned()]),
        ..GetQueueAttributesRequest::default()
    };
    for way in [
        Way::of::<ReceiveMessage>("sqs:ReceiveMessage", "SQS", source),
        Way::of::<DeleteMessage>("sqs:DeleteMessage", "SQS", source),
        Way::of::<GetQueueAttributes>("sqs:GetQueueAttributes", "SQS", source),
    ] {
        if !role::may(cx, &version.function, &version.configuration, &way).await? {
            return Err(errors::role_may_not(&way));
        }
    }
    let role = role::session(&cx.platform, version).await?;
    let answer = cx.platform.call_as::<GetQueueAttributes>(role, account, region, input).await.map_err(|error| {
        if error.is("QueueDoesNotExist") {
            return errors::invalid_parameter(
                "Error occurred while ReceiveMessage. SQS Error Code: AWS.SimpleQueueService.NonExistentQueue. \
                 SQS Error Message: The specified queue does not exist.",
            );
        }
        error
    })?;
    let attributes = answer.attributes.unwrap_or_default();
    let visibility: u32 = attributes.get("VisibilityTimeout").and_then(|text| text.parse().ok()).unwrap_or(u32::MAX);
    let timeout = version.configuration.timeout_seconds;
    if visibility < timeout {
        return Err(errors::invalid_parameter(format!(
            "Queue visibility timeout: {visibility} seconds is less than Function timeout: {timeout} seconds"
        )));
    }
    Ok(())
}
