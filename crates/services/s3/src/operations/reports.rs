//! Configurations of which a bucket may have many: inventories, metrics, analyses of storage classes and intelligent
//! tiering. They are kept and answered; nothing is reported on their behalf.

use std::collections::BTreeSet;
use std::sync::Arc;

use api::s3::{
    AnalyticsConfiguration, IntelligentTieringConfiguration, InventoryConfiguration, MetricsConfiguration, Tag,
    errors as s3_errors,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use platform::Ctx;
use store::Direction;
use wire::Error;

use crate::errors;
use crate::keys;
use crate::limits::{REPORT_ID_CHARACTERS_MAX, REPORTS_MAX, REPORTS_PAGE};
use crate::service::S3;
use crate::settings::{self, Setting};

/// A configuration with an id.
trait Report: Setting {
    fn id(&self) -> &str;
    /// Refuses what S3 does not take.
    fn check(&self) -> Result<(), Error>;
}

async fn keep<T: Report>(service: &S3, bucket: &str, id: String, report: T) -> Result<(), Error> {
    report.check()?;
    let is_id = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if id.is_empty() || id.len() > REPORT_ID_CHARACTERS_MAX || !id.bytes().all(is_id) {
        return Err(errors::argument("The specified configuration ID is not valid.", "id", &id));
    }
    if report.id() != id {
        return Err(if T::KIND == "inventory" { errors::id_mismatch() } else { errors::malformed_xml() });
    }
    let kept = service.on_bucket(bucket, move |_, rows| {
        let own = keys::setting(T::KIND, &id);
        let is_new = rows.get(&own)?.is_none();
        if is_new && rows.scan(keys::settings(T::KIND), Direction::Forward, REPORTS_MAX)?.len() >= REPORTS_MAX {
            return Err(errors::too_many_configurations().into());
        }
        settings::put(rows, &id, &report);
        Ok(())
    });
    kept.await
}

fn missing() -> Error {
    s3_errors::no_such_configuration("The specified configuration does not exist.")
}

async fn find<T: Report>(service: &S3, bucket: &str, id: &str) -> Result<T, Error> {
    service.setting(bucket, id).await?.ok_or_else(missing)
}

async fn forget<T: Report>(service: &S3, bucket: &str, id: String) -> Result<(), Error> {
    let found = service.on_bucket(bucket, move |_, rows| settings::remove::<T>(rows, &id)).await?;
    if found { Ok(()) } else { Err(missing()) }
}

/// A page of configurations, and the token of the next one.
async fn page<T: Report>(service: &S3, bucket: &str, token: Option<&str>) -> Result<(Vec<T>, Option<String>), Error> {
    let after = match token {
        None => None,
        Some(token) => {
            let id = STANDARD.decode(token).ok().and_then(|id| String::from_utf8(id).ok());
            let refused =
                || errors::argument("The continuation token provided is incorrect", "continuation-token", token);
            Some(id.ok_or_else(refused)?)
        }
    };
    let mut found: Vec<T> = service.settings_after(bucket, after.as_deref(), REPORTS_PAGE + 1).await?;
    let has_more = found.len() > REPORTS_PAGE;
    found.truncate(REPORTS_PAGE);
    let next = found.last().filter(|_| has_more).map(|last| STANDARD.encode(last.id()));
    Ok((found, next))
}

/// The four operations of a kind.
macro_rules! operations {
    ($what:literal, $setting:ident, $member:ident, $list:ident,
     put $put:ident $put_input:ident, get $get:ident $get_input:ident $get_output:ident,
     delete $delete:ident $delete_input:ident, list $list_name:ident $list_input:ident $list_output:ident) => {
        #[doc = concat!("Keeps ", $what, ".")]
        ///
        /// # Errors
        /// `NoSuchBucket`, `MalformedXML`, `InvalidArgument`, `TooManyConfigurations`.
        pub async fn $put(service: &Arc<S3>, _cx: &Ctx, input: api::s3::$put_input) -> Result<api::Empty, Error> {
            service.bucket(&input.bucket, input.expected_bucket_owner.as_deref()).await?;
            keep(service, &input.bucket, input.id, input.$member).await?;
            Ok(api::Empty)
        }

        #[doc = concat!("Answers ", $what, ".")]
        ///
        /// # Errors
        /// `NoSuchBucket`, `NoSuchConfiguration`.
        pub async fn $get(
            service: &Arc<S3>,
            _cx: &Ctx,
            input: api::s3::$get_input,
        ) -> Result<api::s3::$get_output, Error> {
            service.bucket(&input.bucket, input.expected_bucket_owner.as_deref()).await?;
            let found: $setting = find(service, &input.bucket, &input.id).await?;
            Ok(api::s3::$get_output { $member: Some(found) })
        }

        #[doc = concat!("Forgets ", $what, ".")]
        ///
        /// # Errors
        /// `NoSuchBucket`, `NoSuchConfiguration`.
        pub async fn $delete(service: &Arc<S3>, _cx: &Ctx, input: api::s3::$delete_input) -> Result<api::Empty, Error> {
            service.bucket(&input.bucket, input.expected_bucket_owner.as_deref()).await?;
            forget::<$setting>(service, &input.bucket, input.id).await?;
            Ok(api::Empty)
        }

        #[doc = concat!("Lists the configurations of which each is ", $what, ", by pages.")]
        ///
        /// # Errors
        /// `NoSuchBucket`, `InvalidArgument`.
        pub async fn $list_name(
            service: &Arc<S3>,
            _cx: &Ctx,
            input: api::s3::$list_input,
        ) -> Result<api::s3::$list_output, Error> {
            service.bucket(&input.bucket, input.expected_bucket_owner.as_deref()).await?;
            let (found, next) = page::<$setting>(service, &input.bucket, input.continuation_token.as_deref()).await?;
            Ok(api::s3::$list_output {
                is_truncated: Some(next.is_some()),
                continuation_token: input.continuation_token,
                next_continuation_token: next,
                $list: Some(found).filter(|found| !found.is_empty()),
            })
        }
    };
}

operations! {
    "an inventory", InventoryConfiguration, inventory_configuration, inventory_configuration_list,
    put put_inventory PutBucketInventoryConfigurationRequest,
    get get_inventory GetBucketInventoryConfigurationRequest GetBucketInventoryConfigurationOutput,
    delete delete_inventory DeleteBucketInventoryConfigurationRequest,
    list list_inventories ListBucketInventoryConfigurationsRequest ListBucketInventoryConfigurationsOutput
}

operations! {
    "a filter of metrics", MetricsConfiguration, metrics_configuration, metrics_configuration_list,
    put put_metrics PutBucketMetricsConfigurationRequest,
    get get_metrics GetBucketMetricsConfigurationRequest GetBucketMetricsConfigurationOutput,
    delete delete_metrics DeleteBucketMetricsConfigurationRequest,
    list list_metrics ListBucketMetricsConfigurationsRequest ListBucketMetricsConfigurationsOutput
}

operations! {
    "an analysis", AnalyticsConfiguration, analytics_configuration, analytics_configuration_list,
    put put_analytics PutBucketAnalyticsConfigurationRequest,
    get get_analytics GetBucketAnalyticsConfigurationRequest GetBucketAnalyticsConfigurationOutput,
    delete delete_analytics DeleteBucketAnalyticsConfigurationRequest,
    list list_analytics ListBucketAnalyticsConfigurationsRequest ListBucketAnalyticsConfigurationsOutput
}

operations! {
    "a tiering", IntelligentTieringConfiguration, intelligent_tiering_configuration,
    intelligent_tiering_configuration_list,
    put put_tiering PutBucketIntelligentTieringConfigurationRequest,
    get get_tiering GetBucketIntelligentTieringConfigurationRequest GetBucketIntelligentTieringConfigurationOutput,
    delete delete_tiering DeleteBucketIntelligentTieringConfigurationRequest,
    list list_tierings ListBucketIntelligentTieringConfigurationsRequest ListBucketIntelligentTieringConfigurationsOutput
}

/// What inventories may list besides keys.
const INVENTORY_FIELDS: [&str; 15] = [
    "Size",
    "LastModifiedDate",
    "StorageClass",
    "ETag",
    "IsMultipartUploaded",
    "ReplicationStatus",
    "EncryptionStatus",
    "ObjectLockRetainUntilDate",
    "ObjectLockMode",
    "ObjectLockLegalHoldStatus",
    "IntelligentTieringAccessTier",
    "BucketKeyStatus",
    "ChecksumAlgorithm",
    "ObjectAccessControlList",
    "ObjectOwner",
];

fn one_of(value: &str, known: &[&str]) -> Result<(), Error> {
    if known.contains(&value) { Ok(()) } else { Err(errors::malformed_xml()) }
}

impl Report for InventoryConfiguration {
    fn id(&self) -> &str {
        &self.id
    }

    fn check(&self) -> Result<(), Error> {
        let destination = &self.destination.s3_bucket_destination;
        one_of(&destination.format, &["CSV", "ORC", "Parquet"])?;
        one_of(&self.schedule.frequency, &["Daily", "Weekly"])?;
        one_of(&self.included_object_versions, &["All", "Current"])?;
        for field in self.optional_fields.iter().flatten() {
            one_of(field, &INVENTORY_FIELDS)?;
        }
        check_destination(&destination.bucket)
    }
}

/// Reports go to a bucket that is named by its ARN.
fn check_destination(arn: &str) -> Result<(), Error> {
    match arn.strip_prefix("arn:aws:s3:::") {
        Some(name) if crate::names::is_bucket_name(name) => Ok(()),
        _ => Err(errors::invalid_destination()),
    }
}

impl Report for MetricsConfiguration {
    fn id(&self) -> &str {
        &self.id
    }

    fn check(&self) -> Result<(), Error> {
        let Some(filter) = &self.filter else { return Ok(()) };
        let given =
            [filter.prefix.is_some(), filter.tag.is_some(), filter.access_point_arn.is_some(), filter.and.is_some()];
        let parts = filter.and.as_ref().map(|and| {
            let others = usize::from(and.prefix.is_some()) + usize::from(and.access_point_arn.is_some());
            (others, and.tags.as_deref().unwrap_or_default())
        });
        check_filter(&given, parts)
    }
}

impl Report for AnalyticsConfiguration {
    fn id(&self) -> &str {
        &self.id
    }

    fn check(&self) -> Result<(), Error> {
        if let Some(export) = &self.storage_class_analysis.data_export {
            one_of(&export.output_schema_version, &["V_1"])?;
            one_of(&export.destination.s3_bucket_destination.format, &["CSV"])?;
            check_destination(&export.destination.s3_bucket_destination.bucket)?;
        }
        let Some(filter) = &self.filter else { return Ok(()) };
        let given = [filter.prefix.is_some(), filter.tag.is_some(), filter.and.is_some()];
        let and = filter.and.as_ref();
        check_filter(
            &given,
            and.map(|and| (usize::from(and.prefix.is_some()), and.tags.as_deref().unwrap_or_default())),
        )
    }
}

impl Report for IntelligentTieringConfiguration {
    fn id(&self) -> &str {
        &self.id
    }

    fn check(&self) -> Result<(), Error> {
        one_of(&self.status, &["Enabled", "Disabled"])?;
        let tiers: BTreeSet<&str> = self.tierings.iter().map(|tiering| tiering.access_tier.as_str()).collect();
        if tiers.is_empty() || tiers.len() != self.tierings.len() {
            return Err(errors::malformed_xml());
        }
        for tiering in &self.tierings {
            // Storage classes user guide: from 90 days on for archive access, from 180 for deep archive access, up to 730.
            let least = match tiering.access_tier.as_str() {
                "ARCHIVE_ACCESS" => 90,
                "DEEP_ARCHIVE_ACCESS" => 180,
                _ => return Err(errors::malformed_xml()),
            };
            if !(least..=730).contains(&tiering.days) {
                let tier = &tiering.access_tier;
                let text = format!("'Days' for the {tier} tier must be between {least} and 730");
                return Err(errors::argument(text, "Days", &tiering.days.to_string()));
            }
        }
        let Some(filter) = &self.filter else { return Ok(()) };
        let given = [filter.prefix.is_some(), filter.tag.is_some(), filter.and.is_some()];
        let and = filter.and.as_ref();
        check_filter(
            &given,
            and.map(|and| (usize::from(and.prefix.is_some()), and.tags.as_deref().unwrap_or_default())),
        )
    }
}

/// A filter names exactly one thing; `And` joins at least two, and no tag twice.
fn check_filter(given: &[bool], joined: Option<(usize, &[Tag])>) -> Result<(), Error> {
    if given.iter().filter(|given| **given).count() != 1 {
        return Err(errors::malformed_xml());
    }
    let Some((others, tags)) = joined else { return Ok(()) };
    if others + tags.len() < 2 {
        return Err(errors::malformed_xml());
    }
    let keys: BTreeSet<&str> = tags.iter().map(|tag| tag.key.as_str()).collect();
    if keys.len() == tags.len() { Ok(()) } else { Err(errors::request("Duplicate Tag Keys are not allowed.")) }
}
