//! The encryption that a bucket gives objects by default.

use std::sync::Arc;

use api::s3::{
    BlockedEncryptionTypes, DeleteBucketEncryptionRequest, GetBucketEncryptionOutput, GetBucketEncryptionRequest,
    PutBucketEncryptionRequest, ServerSideEncryptionByDefault, ServerSideEncryptionConfiguration,
    ServerSideEncryptionRule, errors as s3_errors,
};
use platform::Ctx;
use wire::Error;
use wire::error::Scalar;

use crate::encryption::DefaultEncryption;
use crate::service::S3;

/// Sets what a bucket does by default.
///
/// # Errors
/// `NoSuchBucket`, `MalformedXML`, `InvalidArgument`.
pub async fn put_bucket_encryption(
    service: &Arc<S3>,
    _cx: &Ctx,
    input: PutBucketEncryptionRequest,
) -> Result<api::Empty, Error> {
    service.bucket(&input.bucket, input.expected_bucket_owner.as_deref()).await?;
    let asked = read(input.server_side_encryption_configuration)?;
    set(service, &input.bucket, Some(asked)).await
}

/// Goes back to S3's own default.
///
/// # Errors
/// `NoSuchBucket`.
pub async fn delete_bucket_encryption(
    service: &Arc<S3>,
    _cx: &Ctx,
    input: DeleteBucketEncryptionRequest,
) -> Result<api::Empty, Error> {
    service.bucket(&input.bucket, input.expected_bucket_owner.as_deref()).await?;
    set(service, &input.bucket, None).await
}

async fn set(service: &S3, bucket: &str, encryption: Option<DefaultEncryption>) -> Result<api::Empty, Error> {
    let set = service.on_bucket(bucket, move |bucket, _| {
        bucket.encryption = encryption.clone();
        Ok(())
    });
    set.await?;
    Ok(api::Empty)
}

fn malformed() -> Error {
    s3_errors::malformed_xml(
        "The XML you provided was not well-formed or did not validate against our published schema",
    )
}

fn read(document: ServerSideEncryptionConfiguration) -> Result<DefaultEncryption, Error> {
    let [rule]: [ServerSideEncryptionRule; 1] = document.rules.try_into().map_err(|_| malformed())?;
    let blocked = rule.blocked_encryption_types.and_then(|types| types.encryption_type).unwrap_or_default();
    if blocked.iter().any(|kind| kind != "SSE-C" && kind != "NONE") {
        return Err(malformed());
    }
    let default = match rule.apply_server_side_encryption_by_default {
        Some(default) => default,
        // A rule may only block.
        None if !blocked.is_empty() => {
            ServerSideEncryptionByDefault { sse_algorithm: "AES256".to_owned(), ..Default::default() }
        }
        None => return Err(malformed()),
    };
    match default.sse_algorithm.as_str() {
        "aws:kms" | "aws:kms:dsse" => {}
        "AES256" if default.kms_master_key_id.is_none() => {}
        "AES256" => {
            let text = "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse";
            return Err(s3_errors::invalid_argument(text)
                .with("ArgumentName", Scalar::from("ApplyServerSideEncryptionByDefault")));
        }
        _ => return Err(malformed()),
    }
    Ok(DefaultEncryption {
        algorithm: default.sse_algorithm,
        key: default.kms_master_key_id.filter(|key| !key.is_empty()),
        has_bucket_key: rule.bucket_key_enabled.unwrap_or_default(),
        blocked,
    })
}

/// Answers what a bucket does by default.
///
/// # Errors
/// `NoSuchBucket`.
pub async fn get_bucket_encryption(
    service: &Arc<S3>,
    _cx: &Ctx,
    input: GetBucketEncryptionRequest,
) -> Result<GetBucketEncryptionOutput, Error> {
    let bucket = service.bucket(&input.bucket, input.expected_bucket_owner.as_deref()).await?;
    let default = bucket.encryption.unwrap_or_default();
    let by_default = ServerSideEncryptionByDefault {
        sse_algorithm: default.algorithm,
        kms_master_key_id: default.key,
        ..ServerSideEncryptionByDefault::default()
    };
    let rule = ServerSideEncryptionRule {
        apply_server_side_encryption_by_default: Some(by_default),
        bucket_key_enabled: Some(default.has_bucket_key),
        blocked_encryption_types: Some(default.blocked)
            .filter(|blocked| !blocked.is_empty())
            .map(|blocked| BlockedEncryptionTypes { encryption_type: Some(blocked) }),
    };
    let configuration = ServerSideEncryptionConfiguration { rules: vec![rule], ..Default::default() };
    Ok(GetBucketEncryptionOutput { server_side_encryption_configuration: Some(configuration) })
}
