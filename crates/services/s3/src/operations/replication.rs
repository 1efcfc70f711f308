//! `PutBucketReplication`, `GetBucketReplication` and `DeleteBucketReplication`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use api::s3::{
    AccessControlTranslation, DeleteBucketReplicationRequest, DeleteMarkerReplication, Destination as ShownDestination,
    EncryptionConfiguration, ExistingObjectReplication, GetBucketReplicationOutput, GetBucketReplicationRequest,
    Metrics, PutBucketReplicationRequest, ReplicaModifications, ReplicationConfiguration, ReplicationRule,
    ReplicationRuleAndOperator, ReplicationRuleFilter, ReplicationTime, ReplicationTimeValue, SourceSelectionCriteria,
    SseKmsEncryptedObjects, Tag, errors as s3_errors,
};
use platform::Ctx;
use wire::Error;
use wire::error::Scalar;

use crate::bucket::Versioning;
use crate::errors;
use crate::limits::REPLICATION_RULES_MAX;
use crate::replicate;
use crate::replication::{Destination, Filter, Replication, Rule};
use crate::service::S3;

/// Characters of an id that S3 makes up.
const ID_CHARACTERS: usize = 48;

/// Sets what a bucket copies where.
///
/// # Errors
/// `NoSuchBucket`, `InvalidRequest`, `InvalidArgument`, `MalformedXML`.
pub async fn put_bucket_replication(
    service: &Arc<S3>,
    cx: &Ctx,
    input: PutBucketReplicationRequest,
) -> Result<api::Empty, Error> {
    let bucket = service.bucket(&input.bucket, input.expected_bucket_owner.as_deref()).await?;
    if bucket.versioning != Versioning::Enabled {
        let text = "Versioning must be 'Enabled' on the bucket to apply a replication configuration";
        return Err(errors::request(text).with("BucketName", Scalar::from(input.bucket.as_str())));
    }
    let document = input.replication_configuration;
    if document.rules.is_empty() || document.rules.len() > REPLICATION_RULES_MAX {
        return Err(errors::malformed_xml());
    }
    let (mut rules, mut ids) = (Vec::new(), BTreeSet::new());
    for rule in document.rules {
        let rule = read(service, rule)?;
        if !ids.insert(rule.id.clone()) {
            return Err(s3_errors::invalid_argument("Rule Id must be unique"));
        }
        check_destination(service, &input.bucket, &rule.destination).await?;
        rules.push(rule);
    }
    let has_role = replicate::check_role(cx, &input.bucket, &bucket.owner, &document.role).await?;
    let replication = Replication { role: document.role, has_role, rules };
    set(service, &input.bucket, Some(replication)).await
}

/// Stops copying.
///
/// # Errors
/// `NoSuchBucket`.
pub async fn delete_bucket_replication(
    service: &Arc<S3>,
    _cx: &Ctx,
    input: DeleteBucketReplicationRequest,
) -> Result<api::Empty, Error> {
    service.bucket(&input.bucket, input.expected_bucket_owner.as_deref()).await?;
    set(service, &input.bucket, None).await
}

async fn set(service: &S3, bucket: &str, replication: Option<Replication>) -> Result<api::Empty, Error> {
    let set = service.on_bucket(bucket, move |bucket, _| {
        bucket.replication = replication.clone();
        Ok(())
    });
    set.await?;
    Ok(api::Empty)
}

async fn check_destination(service: &S3, source: &str, destination: &Destination) -> Result<(), Error> {
    if destination.bucket.strip_prefix("arn:aws:s3:::").is_none_or(str::is_empty) {
        return Err(s3_errors::invalid_argument("Invalid bucket ARN"));
    }
    if destination.name() == source {
        return Err(errors::request("Destination bucket cannot be the same as the source bucket."));
    }
    // One that does not exist is told in the same words.
    match service.find_bucket(destination.name()).await? {
        Some(bucket) if bucket.versioning == Versioning::Enabled => Ok(()),
        _ => Err(errors::request("Destination bucket must have versioning enabled.")),
    }
}

/// What would have an effect at AWS and has none here is refused by name.
fn refuse_unsupported(rule: &ReplicationRule) -> Result<(), Error> {
    let modifications =
        rule.source_selection_criteria.as_ref().and_then(|criteria| criteria.replica_modifications.as_ref());
    let to = &rule.destination;
    let wanted = [
        ("ReplicaModifications", modifications.is_some_and(|modifications| modifications.status == "Enabled")),
        (
            "ExistingObjectReplication",
            rule.existing_object_replication.as_ref().is_some_and(|existing| existing.status == "Enabled"),
        ),
        ("ReplicationTime", to.replication_time.as_ref().is_some_and(|time| time.status == "Enabled")),
        ("Metrics", to.metrics.as_ref().is_some_and(|metrics| metrics.status == "Enabled")),
    ];
    match wanted.into_iter().find(|(_, is_wanted)| *is_wanted) {
        Some((name, _)) => Err(s3_errors::not_implemented(format!("Traca does not support {name} of S3 yet."))),
        None => Ok(()),
    }
}

fn read(service: &S3, rule: ReplicationRule) -> Result<Rule, Error> {
    refuse_unsupported(&rule)?;
    let is_new = rule.filter.is_some();
    if is_new && rule.priority.is_none() {
        return Err(s3_errors::invalid_argument(
            "Priority must be specified for this version of Cross Region Replication configuration schema. Please refer to S3 Developer Guide for more information.",
        ));
    }
    if is_new && rule.delete_marker_replication.is_none() {
        let text = "DeleteMarkerReplication must be specified for this version of Cross Region Replication configuration schema. Please refer to S3 Developer Guide for more information.";
        return Err(s3_errors::invalid_argument(text));
    }
    let is_enabled = match rule.status.as_str() {
        "Enabled" => true,
        "Disabled" => false,
        _ => return Err(errors::malformed_xml()),
    };
    let filter = match rule.filter {
        None => Filter::Old(rule.prefix),
        Some(_) if rule.prefix.is_some() => return Err(errors::malformed_xml()),
        Some(filter) => read_filter(filter)?,
    };
    let selection = rule.source_selection_criteria.unwrap_or_default();
    let minutes = |value: ReplicationTimeValue| value.minutes;
    let to = rule.destination;
    Ok(Rule {
        id: rule.id.filter(|id| !id.is_empty()).unwrap_or_else(|| service.platform.ids.hex(ID_CHARACTERS)),
        priority: rule.priority,
        is_enabled,
        filter,
        destination: Destination {
            bucket: to.bucket,
            account: to.account,
            storage_class: to.storage_class,
            owner: to.access_control_translation.map(|translation| translation.owner),
            kms_key: to.encryption_configuration.and_then(|configuration| configuration.replica_kms_key_id),
            time: to.replication_time.map(|time| (time.status, minutes(time.time))),
            metrics: to.metrics.map(|metrics| (metrics.status, metrics.event_threshold.and_then(minutes))),
        },
        delete_markers: rule.delete_marker_replication.and_then(|markers| markers.status),
        kms_objects: selection.sse_kms_encrypted_objects.map(|objects| objects.status),
        replica_modifications: selection.replica_modifications.map(|modifications| modifications.status),
        existing_objects: rule.existing_object_replication.map(|existing| existing.status),
    })
}

fn read_filter(filter: ReplicationRuleFilter) -> Result<Filter, Error> {
    match (filter.prefix, filter.tag, filter.and) {
        (None, None, None) => Ok(Filter::All),
        (Some(prefix), None, None) => Ok(Filter::Prefix(prefix)),
        (None, Some(tag), None) => Ok(Filter::Tag(tag.key, tag.value)),
        (None, None, Some(and)) => {
            let tags = and.tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value));
            Ok(Filter::And(and.prefix, tags.collect()))
        }
        _ => Err(errors::malformed_xml()),
    }
}

/// Answers what a bucket copies where.
///
/// # Errors
/// `NoSuchBucket`, `ReplicationConfigurationNotFoundError`.
pub async fn get_bucket_replication(
    service: &Arc<S3>,
    _cx: &Ctx,
    input: GetBucketReplicationRequest,
) -> Result<GetBucketReplicationOutput, Error> {
    let bucket = service.bucket(&input.bucket, input.expected_bucket_owner.as_deref()).await?;
    let replication = bucket.replication.ok_or_else(|| {
        s3_errors::replication_configuration_not_found_error("The replication configuration was not found")
            .with("BucketName", Scalar::from(input.bucket.as_str()))
    })?;
    let configuration = ReplicationConfiguration {
        role: replication.role,
        rules: replication.rules.into_iter().map(shown).collect(),
        ..ReplicationConfiguration::default()
    };
    Ok(GetBucketReplicationOutput { replication_configuration: Some(configuration) })
}

fn shown(rule: Rule) -> ReplicationRule {
    let (prefix, filter) = show_filter(rule.filter);
    let selects = rule.kms_objects.is_some() || rule.replica_modifications.is_some();
    ReplicationRule {
        id: Some(rule.id),
        priority: rule.priority,
        prefix,
        filter,
        status: if rule.is_enabled { "Enabled" } else { "Disabled" }.to_owned(),
        source_selection_criteria: selects.then(|| SourceSelectionCriteria {
            sse_kms_encrypted_objects: rule
                .kms_objects
                .map(|status| SseKmsEncryptedObjects { status, ..SseKmsEncryptedObjects::default() }),
            replica_modifications: rule
                .replica_modifications
                .map(|status| ReplicaModifications { status, ..ReplicaModifications::default() }),
        }),
        existing_object_replication: rule
            .existing_objects
            .map(|status| ExistingObjectReplication { status, ..ExistingObjectReplication::default() }),
        destination: show_destination(rule.destination),
        delete_marker_replication: rule.delete_markers.map(|status| DeleteMarkerReplication { status: Some(status) }),
        ..ReplicationRule::default()
    }
}

fn show_destination(to: Destination) -> ShownDestination {
    let time = |minutes| ReplicationTimeValue { minutes };
    ShownDestination {
        bucket: to.bucket,
        account: to.account,
        storage_class: to.storage_class,
        access_control_translation: to
            .owner
            .map(|owner| AccessControlTranslation { owner, ..AccessControlTranslation::default() }),
        encryption_configuration: to.kms_key.map(|key| EncryptionConfiguration { replica_kms_key_id: Some(key) }),
        replication_time: to.time.map(|(status, minutes)| ReplicationTime {
            status,
            time: time(minutes),
            ..ReplicationTime::default()
        }),
        metrics: to.metrics.map(|(status, minutes)| Metrics {
            status,
            event_threshold: minutes.map(|minutes| time(Some(minutes))),
            ..Metrics::default()
        }),
        ..ShownDestination::default()
    }
}

fn show_filter(filter: Filter) -> (Option<String>, Option<ReplicationRuleFilter>) {
    let tag = |key, value| Tag { key, value, ..Tag::default() };
    let none = ReplicationRuleFilter::default;
    match filter {
        Filter::Old(prefix) => (prefix, None),
        Filter::All => (None, Some(none())),
        Filter::Prefix(prefix) => (None, Some(ReplicationRuleFilter { prefix: Some(prefix), ..none() })),
        Filter::Tag(key, value) => (None, Some(ReplicationRuleFilter { tag: Some(tag(key, value)), ..none() })),
        Filter::And(prefix, tags) => {
            let tags: BTreeMap<String, String> = tags;
            let tags = tags.into_iter().map(|(key, value)| tag(key, value)).collect();
            let and = ReplicationRuleAndOperator { prefix, tags: Some(tags) };
            (None, Some(ReplicationRuleFilter { and: Some(and), ..none() }))
        }
    }
}
