//! The bucket's policy, what is blocked of public access, and who owns objects.

use std::sync::Arc;

use api::s3::{
    DeleteBucketOwnershipControlsRequest, DeleteBucketPolicyRequest, DeletePublicAccessBlockRequest,
    GetBucketOwnershipControlsOutput, GetBucketOwnershipControlsRequest, GetBucketPolicyOutput, GetBucketPolicyRequest,
    GetBucketPolicyStatusOutput, GetBucketPolicyStatusRequest, GetPublicAccessBlockOutput, GetPublicAccessBlockRequest,
    OwnershipControls, OwnershipControlsRule, PolicyStatus, PublicAccessBlockConfiguration,
    PutBucketOwnershipControlsRequest, PutBucketPolicyRequest, PutPublicAccessBlockRequest, errors as s3_errors,
};
use platform::Ctx;
use wire::Error;
use wire::error::Scalar;

use crate::access::{BucketPolicy, PublicAccessBlock};
use crate::bucket::Bucket;
use crate::errors;
use crate::guard::bucket_arn;
use crate::service::S3;

/// The policy is for the bucket's own account alone, whoever it lets in.
fn check_own(cx: &Ctx, bucket: &Bucket) -> Result<(), Error> {
    if cx.principal.account() == Some(&bucket.owner) {
        return Ok(());
    }
    Err(s3_errors::method_not_allowed("The specified method is not allowed against this resource."))
}

/// Gives the bucket a policy.
///
/// # Errors
/// `NoSuchBucket`, `MalformedPolicy`, `MethodNotAllowed` for other accounts, `AccessDenied` for a public one that is
/// blocked.
pub async fn put_bucket_policy(
    service: &Arc<S3>,
    cx: &Ctx,
    input: PutBucketPolicyRequest,
) -> Result<api::Empty, Error> {
    let bucket = service.bucket(&input.bucket, input.expected_bucket_owner.as_deref()).await?;
    check_own(cx, &bucket)?;
    let binds_root = input.confirm_remove_self_bucket_access == Some(true);
    let policy = BucketPolicy { binds_root, ..BucketPolicy::parse(&input.policy.unwrap_or_default(), &input.bucket)? };
    if policy.is_public && service.access(&input.bucket).await?.block().block_public_policy {
        let text = format!(
            "User: {} is not authorized to perform: s3:PutBucketPolicy on resource: \"{}\" because public policies are \
             blocked by the BlockPublicPolicy block public access setting.",
            cx.principal.arn(),
            bucket_arn(&input.bucket)
        );
        return Err(s3_errors::access_denied(text));
    }
    service.change_access(&input.bucket, move |access| access.policy = Some(policy.clone())).await?;
    Ok(api::Empty)
}

async fn policy_of(service: &S3, cx: &Ctx, name: &str, owner: Option<&str>) -> Result<BucketPolicy, Error> {
    check_own(cx, &service.bucket(name, owner).await?)?;
    service.access(name).await?.policy.ok_or_else(|| {
        s3_errors::no_such_bucket_policy("The bucket policy does not exist").with("BucketName", Scalar::from(name))
    })
}

/// Answers the bucket's policy.
///
/// # Errors
/// `NoSuchBucket`, `NoSuchBucketPolicy`, `MethodNotAllowed`.
pub async fn get_bucket_policy(
    service: &Arc<S3>,
    cx: &Ctx,
    input: GetBucketPolicyRequest,
) -> Result<GetBucketPolicyOutput, Error> {
    let policy = policy_of(service, cx, &input.bucket, input.expected_bucket_owner.as_deref()).await?;
    Ok(GetBucketPolicyOutput { policy: Some(policy.text) })
}

/// Answers whether the policy is public.
///
/// # Errors
/// As [`get_bucket_policy`].
pub async fn get_bucket_policy_status(
    service: &Arc<S3>,
    cx: &Ctx,
    input: GetBucketPolicyStatusRequest,
) -> Result<GetBucketPolicyStatusOutput, Error> {
    let policy = policy_of(service, cx, &input.bucket, input.expected_bucket_owner.as_deref()).await?;
    let status = PolicyStatus { is_public: Some(policy.is_public) };
    Ok(GetBucketPolicyStatusOutput { policy_status: Some(status) })
}

/// Takes the bucket's policy away.
///
/// # Errors
/// `NoSuchBucket`, `MethodNotAllowed`.
pub async fn delete_bucket_policy(
    service: &Arc<S3>,
    cx: &Ctx,
    input: DeleteBucketPolicyRequest,
) -> Result<api::Empty, Error> {
    check_own(cx, &service.bucket(&input.bucket, input.expected_bucket_owner.as_deref()).await?)?;
    service.change_access(&input.bucket, |access| access.policy = None).await?;
    Ok(api::Empty)
}

/// Sets what is blocked of public access.
///
/// # Errors
/// `NoSuchBucket`.
pub async fn put_public_access_block(
    service: &Arc<S3>,
    _cx: &Ctx,
    input: PutPublicAccessBlockRequest,
) -> Result<api::Empty, Error> {
    service.bucket(&input.bucket, input.expected_bucket_owner.as_deref()).await?;
    let asked = input.public_access_block_configuration;
    let block = PublicAccessBlock {
        block_public_acls: asked.block_public_acls == Some(true),
        ignore_public_acls: asked.ignore_public_acls == Some(true),
        block_public_policy: asked.block_public_policy == Some(true),
        restrict_public_buckets: asked.restrict_public_buckets == Some(true),
    };
    service.change_access(&input.bucket, move |access| access.block = Some(block)).await?;
    Ok(api::Empty)
}

/// Answers what is blocked of public access.
///
/// # Errors
/// `NoSuchBucket`, `NoSuchPublicAccessBlockConfiguration`.
pub async fn get_public_access_block(
    service: &Arc<S3>,
    _cx: &Ctx,
    input: GetPublicAccessBlockRequest,
) -> Result<GetPublicAccessBlockOutput, Error> {
    service.bucket(&input.bucket, input.expected_bucket_owner.as_deref()).await?;
    let block = service.access(&input.bucket).await?.block.ok_or_else(|| {
        let text = "The public access block configuration was not found";
        s3_errors::no_such_public_access_block_configuration(text).with("BucketName", Scalar::from(input.bucket))
    })?;
    let configuration = PublicAccessBlockConfiguration {
        block_public_acls: Some(block.block_public_acls),
        ignore_public_acls: Some(block.ignore_public_acls),
        block_public_policy: Some(block.block_public_policy),
        restrict_public_buckets: Some(block.restrict_public_buckets),
    };
    Ok(GetPublicAccessBlockOutput { public_access_block_configuration: Some(configuration) })
}

/// Blocks nothing any more.
///
/// # Errors
/// `NoSuchBucket`.
pub async fn delete_public_access_block(
    service: &Arc<S3>,
    _cx: &Ctx,
    input: DeletePublicAccessBlockRequest,
) -> Result<api::Empty, Error> {
    service.bucket(&input.bucket, input.expected_bucket_owner.as_deref()).await?;
    service.change_access(&input.bucket, |access| access.block = None).await?;
    Ok(api::Empty)
}

/// Sets who owns new objects.
///
/// # Errors
/// `NoSuchBucket`, `MalformedXML`, `InvalidBucketAclWithObjectOwnership` where the bucket has grants for others.
pub async fn put_bucket_ownership_controls(
    service: &Arc<S3>,
    _cx: &Ctx,
    input: PutBucketOwnershipControlsRequest,
) -> Result<api::Empty, Error> {
    service.bucket(&input.bucket, input.expected_bucket_owner.as_deref()).await?;
    let [rule] = &input.ownership_controls.rules[..] else { return Err(errors::malformed_xml()) };
    let ownership = rule.object_ownership.clone();
    if !OWNERSHIPS.contains(&ownership.as_str()) {
        return Err(errors::malformed_xml());
    }
    service
        .on_bucket(&input.bucket, move |bucket, rows| {
            if ownership == OWNERSHIPS[0] {
                let access: Option<crate::access::Access> = crate::rows::read(rows, &crate::keys::access())?;
                let own = crate::access::Grant::full_control(&bucket.owner).grantee;
                let grants = access.and_then(|access| access.grants).unwrap_or_default();
                if grants.iter().any(|grant| grant.grantee != own) {
                    let text = "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting";
                    return Err(s3_errors::invalid_bucket_acl_with_object_ownership(text).into());
                }
            }
            bucket.ownership = Some(ownership.clone());
            Ok(())
        })
        .await?;
    Ok(api::Empty)
}

/// The ways in which objects are owned; under the first there are no grants.
pub const OWNERSHIPS: [&str; 3] = ["BucketOwnerEnforced", "BucketOwnerPreferred", "ObjectWriter"];

/// Answers who owns new objects.
///
/// # Errors
/// `NoSuchBucket`, `OwnershipControlsNotFoundError`.
pub async fn get_bucket_ownership_controls(
    service: &Arc<S3>,
    _cx: &Ctx,
    input: GetBucketOwnershipControlsRequest,
) -> Result<GetBucketOwnershipControlsOutput, Error> {
    let bucket = service.bucket(&input.bucket, input.expected_bucket_owner.as_deref()).await?;
    let object_ownership = bucket.ownership.ok_or_else(|| {
        let text = "The bucket ownership controls were not found";
        s3_errors::ownership_controls_not_found_error(text).with("BucketName", Scalar::from(input.bucket))
    })?;
    let rule = OwnershipControlsRule { object_ownership, ..OwnershipControlsRule::default() };
    let controls = OwnershipControls { rules: vec![rule], ..OwnershipControls::default() };
    Ok(GetBucketOwnershipControlsOutput { ownership_controls: Some(controls) })
}

/// Leaves objects to whoever writes them.
///
/// # Errors
/// `NoSuchBucket`.
pub async fn delete_bucket_ownership_controls(
    service: &Arc<S3>,
    _cx: &Ctx,
    input: DeleteBucketOwnershipControlsRequest,
) -> Result<api::Empty, Error> {
    service.bucket(&input.bucket, input.expected_bucket_owner.as_deref()).await?;
    service
        .on_bucket(&input.bucket, |bucket, _| {
            bucket.ownership = None;
            Ok(())
        })
        .await?;
    Ok(api::Empty)
}
