//! What is kept of groups and schedules.

use std::collections::BTreeMap;

use api::scheduler::enums::{action_after_completion, flexible_time_window_mode, schedule_group_state, schedule_state};
use api::scheduler::{
    CreateScheduleInput, DeadLetterConfig, EventBridgeParameters, FlexibleTimeWindow, GetScheduleOutput,
    KinesisParameters, RetryPolicy, SqsParameters, Target as ApiTarget,
};
use serde::{Deserialize, Serialize};
use wire::Timestamp;

use crate::limits::{AGE_SECONDS_MAX, RETRIES_MAX};
use crate::names::Place;

/// A group of schedules.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// When it was made, in milliseconds since 1970.
    pub created_at: i64,
    /// When it was last changed, in milliseconds since 1970.
    pub modified_at: i64,
    /// It and its schedules are about to go.
    pub is_deleting: bool,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// What the caller named the call by that made it.
    pub token: Option<String>,
}

impl Group {
    /// Its state in the API's form.
    pub fn state(&self) -> String {
        if self.is_deleting { schedule_group_state::DELETING } else { schedule_group_state::ACTIVE }.to_owned()
    }
}

/// A schedule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Schedule {
    /// Its group.
    pub group: String,
    /// Its name.
    pub name: String,
    /// When it comes.
    pub settings: Settings,
    /// When it was made, in milliseconds since 1970.
    pub created_at: i64,
    /// When it was last changed, in milliseconds since 1970.
    pub modified_at: i64,
    /// Tells two states of it apart.
    pub revision: String,
    /// What the caller named the call by that made it.
    pub token: Option<String>,
}

/// What a caller says of a schedule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// `at(…)`, `rate(…)` or `cron(…)`.
    pub expression: String,
    /// The time zone's name.
    pub zone: String,
    /// It does not come before, in milliseconds since 1970.
    pub start: Option<i64>,
    /// It does not come after, in milliseconds since 1970.
    pub end: Option<i64>,
    /// What it is for.
    pub description: Option<String>,
    /// Whether it comes at all.
    pub is_enabled: bool,
    /// Minutes after its time within which the call is made.
    pub window: Option<i32>,
    /// It is deleted when it will not come again.
    pub delete_after: bool,
    /// What is called.
    pub target: Target,
}

/// What a schedule calls.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Target {
    /// A resource, or an operation of the SDK.
    pub arn: String,
    /// The role under which it is called.
    pub role: String,
    /// Whether that role existed when it was given.
    pub has_role: bool,
    /// What it is called with.
    pub input: Option<String>,
    /// ARN of the queue for dead letters.
    pub dead_letters: Option<String>,
    /// Most attempts behind the first one.
    pub retries: i32,
    /// Age at which a call is given up, in seconds.
    pub age_seconds: i32,
    /// Detail type and source of an event.
    pub event: Option<(String, String)>,
    /// The partition key of a record.
    pub partition_key: Option<String>,
    /// The group of a message.
    pub message_group: Option<String>,
}

impl Settings {
    /// What a caller says, as it is kept; `has_role` says whether the target's role exists.
    pub fn new(input: CreateScheduleInput, has_role: bool) -> Settings {
        let date = |at: Option<Timestamp>| at.map(Timestamp::milliseconds);
        Settings {
            expression: input.schedule_expression,
            zone: input.schedule_expression_timezone.unwrap_or_else(|| "UTC".to_owned()),
            start: date(input.start_date),
            end: date(input.end_date),
            description: input.description,
            is_enabled: input.state.as_deref() != Some(schedule_state::DISABLED),
            window: input.flexible_time_window.maximum_window_in_minutes,
            delete_after: input.action_after_completion.as_deref() == Some(action_after_completion::DELETE),
            target: Target::new(input.target, has_role),
        }
    }

    /// Whether it comes, in the API's form.
    pub fn state(&self) -> String {
        if self.is_enabled { schedule_state::ENABLED } else { schedule_state::DISABLED }.to_owned()
    }

    fn window(&self) -> FlexibleTimeWindow {
        let mode =
            if self.window.is_some() { flexible_time_window_mode::FLEXIBLE } else { flexible_time_window_mode::OFF };
        FlexibleTimeWindow { mode: mode.to_owned(), maximum_window_in_minutes: self.window, ..Default::default() }
    }
}

impl Target {
    fn new(target: ApiTarget, has_role: bool) -> Target {
        let retry = target.retry_policy.unwrap_or_default();
        Target {
            arn: target.arn,
            role: target.role_arn,
            has_role,
            input: target.input,
            dead_letters: target.dead_letter_config.and_then(|config| config.arn),
            retries: retry.maximum_retry_attempts.unwrap_or(RETRIES_MAX),
            age_seconds: retry.maximum_event_age_in_seconds.unwrap_or(AGE_SECONDS_MAX),
            event: target.event_bridge_parameters.map(|event| (event.detail_type, event.source)),
            partition_key: target.kinesis_parameters.map(|parameters| parameters.partition_key),
            message_group: target.sqs_parameters.and_then(|parameters| parameters.message_group_id),
        }
    }

    fn describe(self) -> ApiTarget {
        let event = |(detail_type, source)| EventBridgeParameters { detail_type, source, ..Default::default() };
        ApiTarget {
            arn: self.arn,
            role_arn: self.role,
            dead_letter_config: self.dead_letters.map(|arn| DeadLetterConfig { arn: Some(arn) }),
            retry_policy: Some(RetryPolicy {
                maximum_event_age_in_seconds: Some(self.age_seconds),
                maximum_retry_attempts: Some(self.retries),
            }),
            input: self.input,
            event_bridge_parameters: self.event.map(event),
            kinesis_parameters: self
                .partition_key
                .map(|partition_key| KinesisParameters { partition_key, ..Default::default() }),
            sqs_parameters: self.message_group.map(|group| SqsParameters { message_group_id: Some(group) }),
            ..Default::default()
        }
    }
}

impl Schedule {
    /// The API's form.
    pub fn describe(self, place: &Place) -> GetScheduleOutput {
        let after =
            if self.settings.delete_after { action_after_completion::DELETE } else { action_after_completion::NONE };
        let settings = self.settings;
        GetScheduleOutput {
            arn: Some(place.schedule_arn(&self.group, &self.name)),
            group_name: Some(self.group),
            name: Some(self.name),
            state: Some(settings.state()),
            flexible_time_window: Some(settings.window()),
            schedule_expression: Some(settings.expression),
            start_date: settings.start.map(Timestamp::from_milliseconds),
            end_date: settings.end.map(Timestamp::from_milliseconds),
            description: settings.description,
            schedule_expression_timezone: Some(settings.zone),
            creation_date: Some(Timestamp::from_milliseconds(self.created_at)),
            last_modification_date: Some(Timestamp::from_milliseconds(self.modified_at)),
            kms_key_arn: None,
            target: Some(settings.target.describe()),
            action_after_completion: Some(after.to_owned()),
        }
    }
}
