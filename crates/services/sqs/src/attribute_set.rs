//! The attributes of queues: reading what clients set, and writing what they ask for.

use std::collections::BTreeMap;

use wire::Error;

use crate::address::QueueName;
use crate::contents::Counters;
use crate::errors::{self, invalid_attribute, unknown_attribute};
use crate::limits::{
    DELAY_SECONDS_MAX, KMS_REUSE_SECONDS_DEFAULT, KMS_REUSE_SECONDS_MAX, KMS_REUSE_SECONDS_MIN, MESSAGE_BYTES_MAX,
    MESSAGE_BYTES_MIN, RETENTION_SECONDS_MAX, RETENTION_SECONDS_MIN, VISIBILITY_SECONDS_MAX, WAIT_SECONDS_MAX,
};
use crate::policy_document;
use crate::queue::{Queue, Settings};
use crate::redrive::{RedriveAllowPolicy, RedrivePolicy};

/// All attributes but those of FIFO queues.
const NAMES: [&str; 17] = [
    "QueueArn",
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
    "CreatedTimestamp",
    "LastModifiedTimestamp",
    "VisibilityTimeout",
    "MaximumMessageSize",
    "MessageRetentionPeriod",
    "DelaySeconds",
    "ReceiveMessageWaitTimeSeconds",
    "Policy",
    "RedrivePolicy",
    "RedriveAllowPolicy",
    "KmsMasterKeyId",
    "KmsDataKeyReusePeriodSeconds",
    "SqsManagedSseEnabled",
];

/// Those of FIFO queues.
const FIFO_NAMES: [&str; 4] = ["FifoQueue", "ContentBasedDeduplication", "DeduplicationScope", "FifoThroughputLimit"];

/// The text for two kinds of encryption at once.
const ONE_ENCRYPTION: &str = "You can use one type of server-side encryption (SSE) at one time. You can either enable \
                              KMS SSE or SQS SSE.";

/// Sets attributes.
///
/// # Errors
/// `InvalidAttributeName`, `InvalidAttributeValue`, `InvalidParameterValue` in AWS's words.
pub fn apply(settings: &mut Settings, name: &QueueName, given: &BTreeMap<String, String>) -> Result<(), Error> {
    for (attribute, value) in given {
        apply_one(settings, name, attribute, value)?;
    }
    let names_key = given.get("KmsMasterKeyId").is_some_and(|key| !key.is_empty());
    let wants_managed = given.get("SqsManagedSseEnabled").is_some_and(|value| value == "true");
    if names_key && wants_managed {
        return Err(api::sqs::errors::invalid_attribute_name(ONE_ENCRYPTION));
    }
    // The kind named last counts.
    if names_key {
        settings.managed_encryption = false;
    } else if wants_managed {
        if settings.kms_key.is_some() {
            return Err(api::sqs::errors::invalid_attribute_name(ONE_ENCRYPTION));
        }
        settings.kms_reuse_seconds = None;
    }
    if settings.throughput_per_group && !settings.deduplication_per_group {
        const REASON: &str = "perMessageGroupId is allowed only when the value of DeduplicationScope is messageGroup.";
        return Err(errors::invalid_attribute_because("FifoThroughputLimit", REASON));
    }
    Ok(())
}

fn apply_one(settings: &mut Settings, name: &QueueName, attribute: &str, value: &str) -> Result<(), Error> {
    let number = |least: u32, most: u32| {
        let number = value.parse().ok().filter(|number| (least..=most).contains(number));
        number.ok_or_else(|| invalid_attribute(attribute))
    };
    let boolean = || match value.to_ascii_lowercase().as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(invalid_attribute(attribute)),
    };
    let given = Some(value).filter(|value| !value.is_empty());
    match attribute {
        "VisibilityTimeout" => settings.visibility_seconds = number(0, VISIBILITY_SECONDS_MAX.unsigned_abs())?,
        "MaximumMessageSize" => settings.message_bytes_max = number(MESSAGE_BYTES_MIN, MESSAGE_BYTES_MAX)?,
        "MessageRetentionPeriod" => settings.retention_seconds = number(RETENTION_SECONDS_MIN, RETENTION_SECONDS_MAX)?,
        "DelaySeconds" => settings.delay_seconds = number(0, DELAY_SECONDS_MAX.unsigned_abs())?,
        "ReceiveMessageWaitTimeSeconds" => settings.wait_seconds = number(0, WAIT_SECONDS_MAX.unsigned_abs())?,
        "SqsManagedSseEnabled" => settings.managed_encryption = boolean()?,
        "KmsMasterKeyId" => settings.kms_key = given.map(str::to_owned),
        "KmsDataKeyReusePeriodSeconds" => {
            settings.kms_reuse_seconds = Some(number(KMS_REUSE_SECONDS_MIN, KMS_REUSE_SECONDS_MAX)?);
        }
        "Policy" => {
            settings.policy =
                given.map(|policy| policy_document::check(policy).map(|()| policy.to_owned())).transpose()?;
        }
        "RedrivePolicy" => settings.redrive = given.map(|policy| RedrivePolicy::parse(name, policy)).transpose()?,
        "RedriveAllowPolicy" => settings.redrive_allow = given.map(RedriveAllowPolicy::parse).transpose()?,
        _ if !name.is_fifo() => return Err(unknown_attribute(attribute)),
        "FifoQueue" if value == "true" => {}
        "FifoQueue" => {
            return Err(errors::invalid_attribute_because(attribute, "Modifying queue type is not supported."));
        }
        "ContentBasedDeduplication" => settings.content_deduplication = boolean()?,
        "DeduplicationScope" => {
            settings.deduplication_per_group = one_of(attribute, value, ["queue", "messageGroup"])?;
        }
        "FifoThroughputLimit" => {
            settings.throughput_per_group = one_of(attribute, value, ["perQueue", "perMessageGroupId"])?;
        }
        _ => return Err(unknown_attribute(attribute)),
    }
    Ok(())
}

/// Whether a value is the second of two.
fn one_of(attribute: &str, value: &str, [first, second]: [&str; 2]) -> Result<bool, Error> {
    if value == first || value == second { Ok(value == second) } else { Err(invalid_attribute(attribute)) }
}

/// The attributes that can be set, with the values that clients would set. Those that are not set are left out.
pub fn settable(settings: &Settings, fifo: bool) -> BTreeMap<&'static str, String> {
    let mut values = BTreeMap::from([
        ("VisibilityTimeout", settings.visibility_seconds.to_string()),
        ("MaximumMessageSize", settings.message_bytes_max.to_string()),
        ("MessageRetentionPeriod", settings.retention_seconds.to_string()),
        ("DelaySeconds", settings.delay_seconds.to_string()),
        ("ReceiveMessageWaitTimeSeconds", settings.wait_seconds.to_string()),
        ("SqsManagedSseEnabled", settings.managed_encryption.to_string()),
    ]);
    let optional = [
        ("Policy", settings.policy.clone()),
        ("RedrivePolicy", settings.redrive.as_ref().map(|policy| policy.text.clone())),
        ("RedriveAllowPolicy", settings.redrive_allow.as_ref().map(|policy| policy.text.clone())),
        ("KmsMasterKeyId", settings.kms_key.clone()),
        ("KmsDataKeyReusePeriodSeconds", reuse_seconds(settings)),
    ];
    values.extend(optional.into_iter().filter_map(|(name, value)| Some((name, value?))));
    if fifo {
        let choice = |second: bool, values: [&str; 2]| values[usize::from(second)].to_owned();
        values.insert("FifoQueue", "true".to_owned());
        values.insert("ContentBasedDeduplication", settings.content_deduplication.to_string());
        values.insert("DeduplicationScope", choice(settings.deduplication_per_group, ["queue", "messageGroup"]));
        values.insert("FifoThroughputLimit", choice(settings.throughput_per_group, ["perQueue", "perMessageGroupId"]));
    }
    values
}

fn reuse_seconds(settings: &Settings) -> Option<String> {
    settings.kms_key.as_ref()?;
    Some(settings.kms_reuse_seconds.unwrap_or(KMS_REUSE_SECONDS_DEFAULT).to_string())
}

/// Which attributes a client asks for.
#[derive(Debug)]
pub struct Asked {
    all: bool,
    names: Vec<String>,
}

impl Asked {
    /// Checks the names.
    ///
    /// # Errors
    /// `InvalidAttributeName`.
    pub fn new(names: Option<Vec<String>>) -> Result<Asked, Error> {
        let names = names.unwrap_or_default();
        let known = |name: &str| name == "All" || NAMES.contains(&name) || FIFO_NAMES.contains(&name);
        match names.iter().find(|name| !known(name)) {
            Some(unknown) => Err(unknown_attribute(unknown)),
            None => Ok(Asked { all: names.iter().any(|name| name == "All"), names }),
        }
    }

    /// Whether the numbers of messages are asked for.
    pub fn wants_counts(&self) -> bool {
        self.all || self.names.iter().any(|name| name.starts_with("Approximate"))
    }

    /// The attributes of a queue that were asked for.
    pub fn select(&self, queue: &Queue, counters: Counters) -> BTreeMap<String, String> {
        let mut values = settable(queue.settings(), queue.is_fifo());
        values.extend([
            ("QueueArn", queue.name.arn()),
            ("ApproximateNumberOfMessages", counters.ready.to_string()),
            ("ApproximateNumberOfMessagesNotVisible", counters.in_flight.to_string()),
            ("ApproximateNumberOfMessagesDelayed", counters.delayed.to_string()),
            ("CreatedTimestamp", queue.record.created.to_string()),
            ("LastModifiedTimestamp", queue.record.modified.to_string()),
        ]);
        let wanted = |name: &str| self.all || self.names.iter().any(|asked| asked == name);
        let wanted = values.into_iter().filter(|(name, _)| wanted(name));
        wanted.map(|(name, value)| (name.to_owned(), value)).collect()
    }
}
