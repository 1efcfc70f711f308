//! The bucket as a website.

use std::sync::Arc;

use api::s3::{
    DeleteBucketWebsiteRequest, GetBucketWebsiteOutput, GetBucketWebsiteRequest, PutBucketWebsiteRequest,
    WebsiteConfiguration, errors as s3_errors,
};
use platform::Ctx;
use wire::Error;
use wire::error::Scalar;

use crate::errors;
use crate::limits::ROUTING_RULES_MAX;
use crate::service::S3;
use crate::settings::ONLY;

/// Makes the bucket a website.
///
/// # Errors
/// `NoSuchBucket`, `MalformedXML`, `InvalidArgument`, `InvalidRequest`.
pub async fn put_bucket_website(
    service: &Arc<S3>,
    _cx: &Ctx,
    input: PutBucketWebsiteRequest,
) -> Result<api::Empty, Error> {
    service.bucket(&input.bucket, input.expected_bucket_owner.as_deref()).await?;
    check(&input.website_configuration)?;
    service.put_setting(&input.bucket, input.website_configuration).await?;
    Ok(api::Empty)
}

/// Answers how the bucket is a website.
///
/// # Errors
/// `NoSuchBucket`, `NoSuchWebsiteConfiguration`.
pub async fn get_bucket_website(
    service: &Arc<S3>,
    _cx: &Ctx,
    input: GetBucketWebsiteRequest,
) -> Result<GetBucketWebsiteOutput, Error> {
    service.bucket(&input.bucket, input.expected_bucket_owner.as_deref()).await?;
    let found: Option<WebsiteConfiguration> = service.setting(&input.bucket, ONLY).await?;
    let found = found.ok_or_else(|| missing(&input.bucket))?;
    Ok(GetBucketWebsiteOutput {
        redirect_all_requests_to: found.redirect_all_requests_to,
        index_document: found.index_document,
        error_document: found.error_document,
        routing_rules: found.routing_rules,
    })
}

/// The bucket is no website.
pub fn missing(bucket: &str) -> Error {
    let error = s3_errors::no_such_website_configuration("The specified bucket does not have a website configuration");
    error.with("BucketName", Scalar::from(bucket))
}

/// The bucket is no website any more.
///
/// # Errors
/// `NoSuchBucket`.
pub async fn delete_bucket_website(
    service: &Arc<S3>,
    _cx: &Ctx,
    input: DeleteBucketWebsiteRequest,
) -> Result<api::Empty, Error> {
    service.bucket(&input.bucket, input.expected_bucket_owner.as_deref()).await?;
    service.remove_setting::<WebsiteConfiguration>(&input.bucket).await?;
    Ok(api::Empty)
}

fn check_protocol(protocol: Option<&str>) -> Result<(), Error> {
    match protocol {
        None | Some("http" | "https") => Ok(()),
        Some(_) => Err(errors::request(
            "Invalid protocol, protocol can be http or https. If not defined the protocol will be selected automatically.",
        )),
    }
}

/// Refuses what S3 does not take.
fn check(website: &WebsiteConfiguration) -> Result<(), Error> {
    if let Some(redirect) = &website.redirect_all_requests_to {
        if website.index_document.is_some() || website.error_document.is_some() || website.routing_rules.is_some() {
            let text = "RedirectAllRequestsTo cannot be provided in conjunction with other Routing Rules.";
            return Err(errors::argument(text, "RedirectAllRequestsTo", "not null"));
        }
        return check_protocol(redirect.protocol.as_deref());
    }
    let Some(index) = &website.index_document else {
        let text = "A value for IndexDocument Suffix must be provided if RedirectAllRequestsTo is empty";
        return Err(errors::argument(text, "IndexDocument", "null"));
    };
    if index.suffix.is_empty() || index.suffix.contains('/') {
        let text = "The IndexDocument Suffix is not well formed";
        return Err(errors::argument(text, "IndexDocument", &index.suffix));
    }
    if website.error_document.as_ref().is_some_and(|document| document.key.is_empty()) {
        return Err(errors::malformed_xml());
    }
    let Some(rules) = &website.routing_rules else { return Ok(()) };
    if rules.is_empty() {
        return Err(errors::malformed_xml());
    }
    if rules.len() > ROUTING_RULES_MAX {
        let text = format!(
            "{} routing rules provided, the number of routing rules in a website configuration is limited to 50.",
            rules.len()
        );
        return Err(errors::request(text));
    }
    for rule in rules {
        let redirect = &rule.redirect;
        if redirect.replace_key_prefix_with.is_some() && redirect.replace_key_with.is_some() {
            return Err(errors::request("You can only define ReplaceKeyPrefix or ReplaceKey but not both."));
        }
        let condition = rule.condition.as_ref();
        if condition.is_some_and(|it| it.http_error_code_returned_equals.is_none() && it.key_prefix_equals.is_none()) {
            let text = "Condition cannot be empty. To redirect all requests without a condition, the condition element \
                        shouldn't be present.";
            return Err(errors::request(text));
        }
        check_protocol(redirect.protocol.as_deref())?;
        if let Some(code) = &redirect.http_redirect_code
            && !code.parse::<u16>().is_ok_and(|code| (300..400).contains(&code))
        {
            let text =
                format!("The provided HTTP redirect code ({code}) is not valid. Valid codes are 3XX except 300.");
            return Err(errors::request(text));
        }
        if let Some(code) = condition.and_then(|condition| condition.http_error_code_returned_equals.as_ref())
            && !code.parse::<u16>().is_ok_and(|code| (400..600).contains(&code))
        {
            let text = format!("The provided HTTP error code ({code}) is not valid. Valid codes are 4XX or 5XX.");
            return Err(errors::request(text));
        }
    }
    Ok(())
}
