//! `PutBucketNotificationConfiguration` and `GetBucketNotificationConfiguration`.

use std::sync::Arc;

use api::s3::{
    EventBridgeConfiguration, FilterRule, GetBucketNotificationConfigurationRequest, LambdaFunctionConfiguration,
    NotificationConfiguration, NotificationConfigurationFilter, PutBucketNotificationConfigurationRequest,
    QueueConfiguration, S3KeyFilter, TopicConfiguration, enums::event, errors as s3_errors,
};
use platform::{Call, Ctx};
use serde_json::json;
use wire::Error;
use wire::error::Scalar;

use crate::bucket::Bucket;
use crate::deliver;
use crate::errors::argument;
use crate::limits::{FILTER_BYTES_MAX, NOTIFICATION_RULES_MAX};
use crate::notification::{Notifications, Part, Rule, Target};
use crate::service::S3;

/// Characters of an id that S3 makes up.
const ID_CHARACTERS: usize = 48;

/// What a configuration may name (S3 User Guide, "Supported event types for SQS, SNS, and Lambda").
const EVENTS: [&str; 27] = [
    event::S3_REDUCED_REDUNDANCY_LOST_OBJECT,
    event::S3_OBJECT_CREATED_ANY,
    event::S3_OBJECT_CREATED_PUT,
    event::S3_OBJECT_CREATED_POST,
    event::S3_OBJECT_CREATED_COPY,
    event::S3_OBJECT_CREATED_COMPLETE_MULTIPART_UPLOAD,
    event::S3_OBJECT_REMOVED_ANY,
    event::S3_OBJECT_REMOVED_DELETE,
    event::S3_OBJECT_REMOVED_DELETE_MARKER_CREATED,
    event::S3_OBJECT_RESTORE_ANY,
    event::S3_OBJECT_RESTORE_POST,
    event::S3_OBJECT_RESTORE_COMPLETED,
    event::S3_OBJECT_RESTORE_DELETE,
    event::S3_REPLICATION_ANY,
    event::S3_REPLICATION_OPERATION_FAILED_REPLICATION,
    event::S3_REPLICATION_OPERATION_NOT_TRACKED,
    event::S3_REPLICATION_OPERATION_MISSED_THRESHOLD,
    event::S3_REPLICATION_OPERATION_REPLICATED_AFTER_THRESHOLD,
    event::S3_LIFECYCLE_TRANSITION,
    event::S3_INTELLIGENT_TIERING,
    event::S3_OBJECT_ACL_PUT,
    event::S3_LIFECYCLE_EXPIRATION_ANY,
    event::S3_LIFECYCLE_EXPIRATION_DELETE,
    event::S3_LIFECYCLE_EXPIRATION_DELETE_MARKER_CREATED,
    event::S3_OBJECT_TAGGING_ANY,
    event::S3_OBJECT_TAGGING_PUT,
    event::S3_OBJECT_TAGGING_DELETE,
];

/// Sets whom a bucket tells.
///
/// # Errors
/// `NoSuchBucket`, `InvalidArgument`, `MalformedXML`.
pub async fn put_bucket_notification_configuration(
    service: &Arc<S3>,
    cx: &Ctx,
    input: PutBucketNotificationConfigurationRequest,
) -> Result<api::Empty, Error> {
    let bucket = service.bucket(&input.bucket, input.expected_bucket_owner.as_deref()).await?;
    let asked = read(service, &bucket, input.notification_configuration)?;
    if input.skip_destination_validation != Some(true) {
        try_out(cx, &input.bucket, &bucket, &asked.rules).await?;
    }
    let set = service.on_bucket(&input.bucket, move |bucket, _| {
        bucket.notifications = asked.clone();
        Ok(())
    });
    set.await?;
    Ok(api::Empty)
}

fn read(service: &S3, bucket: &Bucket, document: NotificationConfiguration) -> Result<Notifications, Error> {
    let topics = document.topic_configurations.unwrap_or_default().into_iter();
    let queues = document.queue_configurations.unwrap_or_default().into_iter();
    let functions = document.lambda_function_configurations.unwrap_or_default().into_iter();
    let asked = topics
        .map(|asked| (Target::Topic, asked.id, asked.topic_arn, asked.events, asked.filter))
        .chain(queues.map(|asked| (Target::Queue, asked.id, asked.queue_arn, asked.events, asked.filter)))
        .chain(
            functions.map(|asked| (Target::Function, asked.id, asked.lambda_function_arn, asked.events, asked.filter)),
        );
    let mut rules: Vec<Rule> = Vec::new();
    for (target, id, arn, events, filter) in asked {
        check_arn(bucket, target, &arn)?;
        check_events(&events)?;
        let id = id.filter(|id| !id.is_empty()).unwrap_or_else(|| service.platform.ids.hex(ID_CHARACTERS));
        let rule = Rule { id, target, arn, events, filter: read_filter(filter)? };
        check_beside(&rule, &rules)?;
        rules.push(rule);
    }
    if rules.len() > NOTIFICATION_RULES_MAX {
        return Err(s3_errors::invalid_argument("The maximum number of notification configurations is 100"));
    }
    Ok(Notifications { rules, has_event_bridge: document.event_bridge_configuration.is_some() })
}

/// As S3 names a kind of destination in errors.
fn argument_of(target: Target) -> &'static str {
    match target {
        Target::Topic => "Topic",
        Target::Queue => "Queue",
        Target::Function => "CloudFunction",
    }
}

fn check_arn(bucket: &Bucket, target: Target, arn: &str) -> Result<(), Error> {
    let service = match target {
        Target::Topic => "sns",
        Target::Queue => "sqs",
        Target::Function => "lambda",
    };
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let is_account = |text: &str| text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit());
    let region = match parts.as_slice() {
        ["arn", "aws", of, region, account, name] if *of == service && is_account(account) && !name.is_empty() => {
            region
        }
        _ => return Err(argument("The ARN could not be parsed", argument_of(target), arn)),
    };
    if *region != bucket.region {
        let text = "The notification destination service region is not valid for the bucket location constraint";
        return Err(argument(text, argument_of(target), arn));
    }
    Ok(())
}

fn check_events(events: &[String]) -> Result<(), Error> {
    if events.is_empty() {
        return Err(s3_errors::malformed_xml(
            "The XML you provided was not well-formed or did not validate against our published schema",
        ));
    }
    match events.iter().find(|event| !EVENTS.contains(&event.as_str())) {
        Some(unknown) => {
            let text = format!("The event '{unknown}' is not supported for notifications");
            Err(argument(text, "Event", unknown))
        }
        None => Ok(()),
    }
}

fn read_filter(filter: Option<NotificationConfigurationFilter>) -> Result<Vec<Part>, Error> {
    let rules = filter.and_then(|filter| filter.key).and_then(|key| key.filter_rules).unwrap_or_default();
    let mut parts = Vec::new();
    for rule in rules {
        let (name, value) = (rule.name.unwrap_or_default(), rule.value.unwrap_or_default());
        if value.len() > FILTER_BYTES_MAX {
            let text = "filter rule value cannot exceed 1024 bytes";
            return Err(argument(text, "FilterRule.Value", &value));
        }
        let part = match name.to_ascii_lowercase().as_str() {
            "prefix" => Part::Prefix(value),
            "suffix" => Part::Suffix(value),
            _ => {
                let text = "filter rule name must be either prefix or suffix";
                return Err(argument(text, "FilterRule.Name", &name));
            }
        };
        let is_same = |other: &Part| std::mem::discriminant(other) == std::mem::discriminant(&part);
        if parts.iter().any(is_same) {
            let name = name.to_ascii_lowercase();
            let text = format!("Cannot specify more than one {name} rule in a filter.");
            return Err(argument(text, "FilterRule.Name", &name));
        }
        parts.push(part);
    }
    Ok(parts)
}

/// Refuses a rule that has the id of another one, or tells of what another one tells of.
fn check_beside(rule: &Rule, others: &[Rule]) -> Result<(), Error> {
    for other in others {
        if other.id == rule.id {
            let text = "Same ID used for multiple configurations. IDs must be unique";
            return Err(argument(text, "Id", &rule.id));
        }
        if rule.overlaps(other) {
            let text = match rule.filter.is_empty() && other.filter.is_empty() {
                true => "Configurations overlap. Configurations on the same bucket cannot share a common event type.",
                false => {
                    "Configuration is ambiguously defined. Cannot have overlapping suffixes in two rules if the prefixes \
                     are overlapping for the same event type."
                }
            };
            return Err(s3_errors::invalid_argument(text));
        }
    }
    Ok(())
}

/// Names and values of what a validation finds wrong, as S3 numbers them. Further ones go unnamed.
const FOUND: [(&str, &str); 10] = [
    ("ArgumentName1", "ArgumentValue1"),
    ("ArgumentName2", "ArgumentValue2"),
    ("ArgumentName3", "ArgumentValue3"),
    ("ArgumentName4", "ArgumentValue4"),
    ("ArgumentName5", "ArgumentValue5"),
    ("ArgumentName6", "ArgumentValue6"),
    ("ArgumentName7", "ArgumentValue7"),
    ("ArgumentName8", "ArgumentValue8"),
    ("ArgumentName9", "ArgumentValue9"),
    ("ArgumentName10", "ArgumentValue10"),
];

/// Tells each destination that it will be told.
async fn try_out(cx: &Ctx, name: &str, bucket: &Bucket, rules: &[Rule]) -> Result<(), Error> {
    let now = cx.platform.clock.milliseconds();
    let test = json!({
        "Service": "Amazon S3",
        "Event": "s3:TestEvent",
        "Time": crate::event::iso(now),
        "Bucket": name,
        "RequestId": cx.request_id,
        "HostId": platform::host_id(&cx.request_id),
    });
    let owner = Ctx::new(Call { account: bucket.owner.clone(), region: bucket.region.clone(), ..(**cx).clone() });
    let mut found = Vec::new();
    for rule in rules {
        let tried = deliver::send(&owner, name, rule.target, &rule.arn, &test.to_string(), true).await;
        let Err(error) = tried else { continue };
        if error.definition.status >= 500 {
            return Err(error);
        }
        let is_missing = !deliver::exists(&owner, rule.target, &rule.arn).await?;
        found.push(match (rule.target, is_missing) {
            (Target::Function, _) => {
                (format!("{}, null", rule.arn), format!("Not authorized to invoke function [{}]", rule.arn))
            }
            (Target::Queue, true) => (rule.arn.clone(), "The destination queue does not exist".to_owned()),
            (Target::Topic, true) => (rule.arn.clone(), "The destination topic does not exist".to_owned()),
            (target, false) => {
                let kind = if target == Target::Queue { "queue" } else { "topic" };
                let text = "do not allow S3 to publish notifications from this bucket";
                (rule.arn.clone(), format!("Permissions on the destination {kind} {text}"))
            }
        });
    }
    if found.is_empty() {
        return Ok(());
    }
    let error = s3_errors::invalid_argument("Unable to validate the following destination configurations");
    Err(FOUND.iter().zip(found).fold(error, |error, ((name, value), (arn, reason))| {
        error.with(name, Scalar::from(arn)).with(value, Scalar::from(reason))
    }))
}

/// Answers whom a bucket tells.
///
/// # Errors
/// `NoSuchBucket`.
pub async fn get_bucket_notification_configuration(
    service: &Arc<S3>,
    _cx: &Ctx,
    input: GetBucketNotificationConfigurationRequest,
) -> Result<NotificationConfiguration, Error> {
    let bucket = service.bucket(&input.bucket, input.expected_bucket_owner.as_deref()).await?;
    let mut shown = NotificationConfiguration::default();
    for rule in bucket.notifications.rules {
        let (id, filter) = (Some(rule.id), show_filter(rule.filter));
        match rule.target {
            Target::Topic => shown.topic_configurations.get_or_insert_default().push(TopicConfiguration {
                id,
                topic_arn: rule.arn,
                events: rule.events,
                filter,
                ..TopicConfiguration::default()
            }),
            Target::Queue => shown.queue_configurations.get_or_insert_default().push(QueueConfiguration {
                id,
                queue_arn: rule.arn,
                events: rule.events,
                filter,
                ..QueueConfiguration::default()
            }),
            Target::Function => {
                shown.lambda_function_configurations.get_or_insert_default().push(LambdaFunctionConfiguration {
                    id,
                    lambda_function_arn: rule.arn,
                    events: rule.events,
                    filter,
                    ..LambdaFunctionConfiguration::default()
                });
            }
        }
    }
    shown.event_bridge_configuration = bucket.notifications.has_event_bridge.then(EventBridgeConfiguration::default);
    Ok(shown)
}

fn show_filter(parts: Vec<Part>) -> Option<NotificationConfigurationFilter> {
    let rules = parts.into_iter().map(|part| {
        let (name, value) = match part {
            Part::Prefix(value) => ("Prefix", value),
            Part::Suffix(value) => ("Suffix", value),
        };
        FilterRule { name: Some(name.to_owned()), value: Some(value) }
    });
    let rules: Vec<FilterRule> = rules.collect();
    if rules.is_empty() {
        return None;
    }
    Some(NotificationConfigurationFilter { key: Some(S3KeyFilter { filter_rules: Some(rules) }) })
}
