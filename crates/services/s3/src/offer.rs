//! The operations on who may use a bucket, and on its configurations.

use std::sync::Arc;

use platform::Registration;

use crate::operations::{acl, cors, features, lifecycle, locks, logging, policy, reports, website};
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
        GetObjectAcl => acl::get_object_acl,
        GetObjectLegalHold => locks::get_object_legal_hold,
        GetObjectLockConfiguration => locks::get_object_lock_configuration,
        GetObjectRetention => locks::get_object_retention,
        GetPublicAccessBlock => policy::get_public_access_block,
        PutBucketAcl => acl::put_bucket_acl,
        PutBucketOwnershipControls => policy::put_bucket_ownership_controls,
        PutBucketPolicy => policy::put_bucket_policy,
        PutObjectAcl => acl::put_object_acl,
        PutObjectLegalHold => locks::put_object_legal_hold,
        PutObjectLockConfiguration => locks::put_object_lock_configuration,
        PutObjectRetention => locks::put_object_retention,
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
        GetBucketAccelerateConfiguration => features::get_bucket_accelerate_configuration,
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
