//! The operations on who may use a bucket, and on its configurations.

use std::sync::Arc;

use platform::Registration;

use crate::charge::charged_operations;
use crate::operations::{
    acl, attributes, complete, copy, cors, delete, features, get, lifecycle, list, locks, logging, policy, put,
    reports, restore, uploads, website,
};
use crate::service::S3;

/// Adds the operations that decide who may use a bucket and its objects.
pub fn access(service: &Arc<S3>, registration: &mut Registration) {
    platform::operations!(registration, service, api::s3, {
        DeleteBucketOwnershipControls => policy::delete_bucket_ownership_controls,
        DeleteBucketPolicy => policy::delete_bucket_policy,
        DeletePublicAccessBlock => policy::delete_public_access_block,
        GetBucketAcl => acl::get_bucket_acl,
        GetBucketOwnershipControls => policy::get_bucket_ownership_controls,
        GetBucketPolicy => policy::get_bucket_policy,
        GetBucketPolicyStatus => policy::get_bucket_policy_status,
        GetObjectLegalHold => locks::get_object_legal_hold,
        GetObjectLockConfiguration => locks::get_object_lock_configuration,
        GetObjectRetention => locks::get_object_retention,
        GetPublicAccessBlock => policy::get_public_access_block,
        PutBucketAcl => acl::put_bucket_acl,
        PutBucketOwnershipControls => policy::put_bucket_ownership_controls,
        PutBucketPolicy => policy::put_bucket_policy,
        PutPublicAccessBlock => policy::put_public_access_block,
    });
}

/// Adds the operations on the configurations of a bucket.
pub fn configurations(service: &Arc<S3>, registration: &mut Registration) {
    platform::operations!(registration, service, api::s3, {
        DeleteBucketAnalyticsConfiguration => reports::delete_analytics,
        DeleteBucketCors => cors::delete_bucket_cors,
        DeleteBucketIntelligentTieringConfiguration => reports::delete_tiering,
        DeleteBucketInventoryConfiguration => reports::delete_inventory,
        DeleteBucketLifecycle => lifecycle::delete_bucket_lifecycle,
        DeleteBucketMetricsConfiguration => reports::delete_metrics,
        DeleteBucketWebsite => website::delete_bucket_website,
        GetBucketAbac => features::get_bucket_abac,
        GetBucketAnalyticsConfiguration => reports::get_analytics,
        GetBucketCors => cors::get_bucket_cors,
        GetBucketIntelligentTieringConfiguration => reports::get_tiering,
        GetBucketInventoryConfiguration => reports::get_inventory,
        GetBucketLifecycleConfiguration => lifecycle::get_bucket_lifecycle_configuration,
        GetBucketLogging => logging::get_bucket_logging,
        GetBucketMetricsConfiguration => reports::get_metrics,
        GetBucketRequestPayment => features::get_bucket_request_payment,
        GetBucketWebsite => website::get_bucket_website,
        ListBucketAnalyticsConfigurations => reports::list_analytics,
        ListBucketIntelligentTieringConfigurations => reports::list_tierings,
        ListBucketInventoryConfigurations => reports::list_inventories,
        ListBucketMetricsConfigurations => reports::list_metrics,
        PutBucketAbac => features::put_bucket_abac,
        PutBucketAccelerateConfiguration => features::put_bucket_accelerate_configuration,
        PutBucketAnalyticsConfiguration => reports::put_analytics,
        PutBucketCors => cors::put_bucket_cors,
        PutBucketIntelligentTieringConfiguration => reports::put_tiering,
        PutBucketInventoryConfiguration => reports::put_inventory,
        PutBucketLifecycleConfiguration => lifecycle::put_bucket_lifecycle_configuration,
        PutBucketLogging => logging::put_bucket_logging,
        PutBucketMetricsConfiguration => reports::put_metrics,
        PutBucketRequestPayment => features::put_bucket_request_payment,
        PutBucketWebsite => website::put_bucket_website,
    });
}

/// Adds the operations whose answers tell whether the caller is charged.
pub fn charged(service: &Arc<S3>, registration: &mut Registration) {
    charged_operations!(registration, service, {
        AbortMultipartUpload => uploads::abort_multipart_upload,
        CompleteMultipartUpload => complete::complete_multipart_upload,
        CopyObject => copy::copy_object,
        CreateMultipartUpload => uploads::create_multipart_upload,
        DeleteObject => delete::delete_object,
        DeleteObjects => delete::delete_objects,
        GetBucketAccelerateConfiguration => features::get_bucket_accelerate_configuration,
        GetObject => get::get_object,
        GetObjectAcl => acl::get_object_acl,
        GetObjectAttributes => attributes::get_object_attributes,
        HeadObject => get::head_object,
        ListMultipartUploads => uploads::list_multipart_uploads,
        ListObjectVersions => list::list_object_versions,
        ListObjects => list::list_objects,
        ListObjectsV2 => list::list_objects_v2,
        ListParts => uploads::list_parts,
        PutObject => put::put_object,
        PutObjectAcl => acl::put_object_acl,
        PutObjectLegalHold => locks::put_object_legal_hold,
        PutObjectLockConfiguration => locks::put_object_lock_configuration,
        PutObjectRetention => locks::put_object_retention,
        RestoreObject => restore::restore_object,
        UploadPart => uploads::upload_part,
        UploadPartCopy => copy::upload_part_copy,
    });
}
