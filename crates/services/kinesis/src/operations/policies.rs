//! Resource policies of streams and consumers.

use api::kinesis::{
    DeleteResourcePolicyInput, GetResourcePolicyInput, GetResourcePolicyOutput, PutResourcePolicyInput,
    errors as modelled,
};
use platform::Ctx;
use policy::{Kind, Policy, ResourceRules};
use wire::Error;

use crate::errors::invalid;
use crate::limits::POLICY_BYTES_MAX;
use crate::operations::consumers::{self, Resource};
use crate::service::Kinesis;

/// What a policy may say.
const RULES: Kind = Kind::Resource(ResourceRules { vendor: Some("kinesis"), resource_required: true });

/// What stands for a policy where there is none.
const NO_POLICY: &str = "{}";

/// Sets the policy of a stream or consumer.
///
/// # Errors
/// `ResourceNotFoundException`, `InvalidArgumentException`.
pub async fn put_resource_policy(
    service: &Kinesis,
    cx: &Ctx,
    input: PutResourcePolicyInput,
) -> Result<api::Empty, Error> {
    let resource = Resource::new(cx, &input.resource_arn, input.stream_id.as_deref())?;
    if input.policy.len() > POLICY_BYTES_MAX {
        return Err(invalid(format!("The policy is longer than {POLICY_BYTES_MAX} bytes.")));
    }
    Policy::parse(&input.policy, RULES).map_err(|malformed| invalid(malformed.message))?;
    let put = move |fields: consumers::Fields<'_>| {
        *fields.policy = Some(input.policy.clone());
        Ok(())
    };
    consumers::change_resource(service, resource, put).await?;
    Ok(api::Empty)
}

/// Answers the policy of a stream or consumer.
///
/// # Errors
/// `ResourceNotFoundException`, `InvalidArgumentException`.
pub async fn get_resource_policy(
    service: &Kinesis,
    cx: &Ctx,
    input: GetResourcePolicyInput,
) -> Result<GetResourcePolicyOutput, Error> {
    let resource = Resource::new(cx, &input.resource_arn, input.stream_id.as_deref())?;
    let policy = consumers::resource(service, &resource).await?.policy;
    Ok(GetResourcePolicyOutput { policy: policy.unwrap_or_else(|| NO_POLICY.to_owned()) })
}

/// Removes the policy of a stream or consumer.
///
/// # Errors
/// `ResourceNotFoundException`, `InvalidArgumentException`.
pub async fn delete_resource_policy(
    service: &Kinesis,
    cx: &Ctx,
    input: DeleteResourcePolicyInput,
) -> Result<api::Empty, Error> {
    let resource = Resource::new(cx, &input.resource_arn, input.stream_id.as_deref())?;
    let delete = move |fields: consumers::Fields<'_>| {
        if fields.policy.take().is_none() {
            let text = format!("No resource policy found for resource ARN {}", input.resource_arn);
            return Err(modelled::resource_not_found_exception(text).into());
        }
        Ok(())
    };
    consumers::change_resource(service, resource, delete).await?;
    Ok(api::Empty)
}
