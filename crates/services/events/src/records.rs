//! What the service keeps.

use std::collections::BTreeMap;

use api::events::{
    DeadLetterConfig, HttpParameters as ApiHttpParameters, InputTransformer, KinesisParameters, RetryPolicy,
    SqsParameters, Target as ApiTarget,
};
use serde::{Deserialize, Serialize};

use crate::names::BusId;

/// A bus.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bus {
    /// What it is for.
    pub description: Option<String>,
    /// Its policy, if it has one.
    pub policy: Option<String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// When it was made, in milliseconds since 1970.
    pub created: i64,
    /// When it was changed, in milliseconds since 1970.
    pub modified: i64,
}

/// How many rules a bus has, and a number that changes with them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RulesState {
    /// How many there are.
    pub count: u64,
    /// Another one after every change.
    pub version: u64,
}

/// A rule.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// Unique within the bus.
    pub name: String,
    /// Which events it is about.
    pub pattern: Option<String>,
    /// When it makes events of its own.
    pub schedule: Option<String>,
    /// `ENABLED` or another state of AWS's.
    pub state: String,
    /// What it is for.
    pub description: Option<String>,
    /// The role under which targets without one of their own are called.
    pub role: Option<String>,
    /// Whether that role existed when it was given.
    pub has_role: bool,
    /// Account that made it.
    pub created_by: String,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// Where its events go.
    pub targets: Vec<Target>,
}

impl Rule {
    /// Whether it is at work.
    pub fn is_enabled(&self) -> bool {
        self.state != "DISABLED"
    }
}

/// Where a rule sends events.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// Unique within the rule.
    pub id: String,
    /// The resource.
    pub arn: String,
    /// The role under which it is called.
    pub role: Option<String>,
    /// Whether that role existed when it was given.
    pub has_role: bool,
    /// A text to send in place of the event.
    pub input: Option<String>,
    /// The part of the event to send.
    pub input_path: Option<String>,
    /// The text to send, made of parts of the event.
    pub transformer: Option<Transformer>,
    /// The message group in a queue.
    pub message_group: Option<String>,
    /// What requests to an API destination carry besides the event.
    pub http: Option<HttpParameters>,
    /// Where in the event the partition key of a stream's record is.
    pub partition_key: Option<String>,
    /// ARN of the queue for dead letters.
    pub dead_letters: Option<String>,
    /// How often and for how long to try again, as it was given.
    pub retry: Option<Retry>,
}

/// See [`ApiHttpParameters`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpParameters {
    /// What stands for the asterisks of the path.
    pub path: Vec<String>,
    /// Headers.
    pub headers: BTreeMap<String, String>,
    /// Parameters of the query.
    pub query: BTreeMap<String, String>,
}

/// See [`InputTransformer`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transformer {
    /// Paths by name.
    pub paths: BTreeMap<String, String>,
    /// The text, with names in angle brackets.
    pub template: String,
}

/// See [`RetryPolicy`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retry {
    /// Attempts behind the first one.
    pub attempts: Option<i32>,
    /// Seconds.
    pub age: Option<i32>,
}

impl From<ApiTarget> for Target {
    fn from(target: ApiTarget) -> Target {
        let transformer = |given: InputTransformer| Transformer {
            paths: given.input_paths_map.unwrap_or_default(),
            template: given.input_template,
        };
        let retry = |given: RetryPolicy| Retry {
            attempts: given.maximum_retry_attempts,
            age: given.maximum_event_age_in_seconds,
        };
        let http = |given: ApiHttpParameters| HttpParameters {
            path: given.path_parameter_values.unwrap_or_default(),
            headers: given.header_parameters.unwrap_or_default(),
            query: given.query_string_parameters.unwrap_or_default(),
        };
        Target {
            id: target.id,
            arn: target.arn,
            role: target.role_arn,
            has_role: false,
            input: target.input,
            input_path: target.input_path,
            transformer: target.input_transformer.map(transformer),
            message_group: target.sqs_parameters.and_then(|parameters| parameters.message_group_id),
            http: target.http_parameters.map(http),
            partition_key: target.kinesis_parameters.map(|parameters| parameters.partition_key_path),
            dead_letters: target.dead_letter_config.and_then(|config| config.arn),
            retry: target.retry_policy.map(retry),
        }
    }
}

impl From<Target> for ApiTarget {
    fn from(target: Target) -> ApiTarget {
        let transformer = |kept: Transformer| InputTransformer {
            input_paths_map: Some(kept.paths).filter(|paths| !paths.is_empty()),
            input_template: kept.template,
            ..Default::default()
        };
        let retry =
            |kept: Retry| RetryPolicy { maximum_retry_attempts: kept.attempts, maximum_event_age_in_seconds: kept.age };
        let parameters = |group| SqsParameters { message_group_id: Some(group) };
        let http = |kept: HttpParameters| ApiHttpParameters {
            path_parameter_values: Some(kept.path).filter(|values| !values.is_empty()),
            header_parameters: Some(kept.headers).filter(|values| !values.is_empty()),
            query_string_parameters: Some(kept.query).filter(|values| !values.is_empty()),
        };
        let partition_key = |path| KinesisParameters { partition_key_path: path, ..Default::default() };
        ApiTarget {
            id: target.id,
            arn: target.arn,
            role_arn: target.role,
            input: target.input,
            input_path: target.input_path,
            input_transformer: target.transformer.map(transformer),
            sqs_parameters: target.message_group.map(parameters),
            http_parameters: target.http.map(http),
            kinesis_parameters: target.partition_key.map(partition_key),
            dead_letter_config: target.dead_letters.map(|arn| DeadLetterConfig { arn: Some(arn) }),
            retry_policy: target.retry.map(retry),
            ..Default::default()
        }
    }
}

/// An archive.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Archive {
    /// Under which its events are kept: another one if it is made anew.
    pub id: String,
    /// Unique within account and region.
    pub name: String,
    /// ARN of the bus.
    pub source: String,
    /// What it is for.
    pub description: Option<String>,
    /// Which events it keeps; all if there is none.
    pub pattern: Option<String>,
    /// For how many days; for ever if 0.
    pub retention_days: i32,
    /// Sum of its events, in bytes.
    pub bytes: i64,
    /// How many events it has.
    pub count: i64,
    /// When it was made, in milliseconds since 1970.
    pub created: i64,
}

/// A replay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replay {
    /// Unique within account and region.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// `STARTING`, `RUNNING`, `CANCELLING`, `COMPLETED`, `CANCELLED` or `FAILED`.
    pub state: String,
    /// ARN of the archive.
    pub archive: String,
    /// Under which the archive's events are kept.
    pub archive_id: String,
    /// The bus.
    pub bus: BusId,
    /// ARNs of the rules the events are for; empty for all.
    pub rules: Vec<String>,
    /// Time of the first events, in milliseconds since 1970.
    pub from: i64,
    /// Time behind the last events, in milliseconds since 1970.
    pub until: i64,
    /// Key of the last event that was replayed.
    pub last_key: Option<Vec<u8>>,
    /// Its time, in milliseconds since 1970.
    pub last_time: Option<i64>,
    /// When the replay began, in milliseconds since 1970.
    pub started: i64,
    /// When it ended, in milliseconds since 1970.
    pub ended: Option<i64>,
}

impl Replay {
    /// Whether it is over.
    pub fn is_over(&self) -> bool {
        matches!(self.state.as_str(), "COMPLETED" | "CANCELLED" | "FAILED")
    }
}
