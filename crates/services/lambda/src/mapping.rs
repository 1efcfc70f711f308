//! Event source mappings: which source's records go to which function, and how.

use std::collections::BTreeMap;

use api::lambda::{
    DestinationConfig, EventSourceMappingConfiguration, Filter, FilterCriteria, OnFailure, ScalingConfig,
};
use serde::{Deserialize, Serialize};
use wire::Timestamp;

use crate::FunctionId;

/// An event source mapping.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mapping {
    /// Its id.
    pub uuid: String,
    /// The account it belongs to: 12 digits.
    pub account: String,
    /// Its region.
    pub region: String,
    /// The function that gets the records.
    pub function: FunctionId,
    /// The version or alias of it.
    pub qualifier: Option<String>,
    /// ARN of the queue, the stream or the stream's consumer.
    pub source_arn: String,
    /// Most records of one event.
    pub batch_size: u32,
    /// How long records are gathered, in seconds.
    pub window_seconds: u32,
    /// Patterns of which one has to match; none at all lets everything pass.
    pub filters: Vec<String>,
    /// The function tells which records it could not handle.
    pub reports_failures: bool,
    /// Most events at work at once.
    pub maximum_concurrency: Option<u32>,
    /// What is being done with it, or was last.
    pub state: State,
    /// Whether it is, or will be, at work.
    pub is_enabled: bool,
    /// Milliseconds since 1970.
    pub last_modified: i64,
    /// Changes with every change of a client.
    pub revision: String,
    /// What applies to streams alone.
    #[serde(default)]
    pub stream: Option<StreamSettings>,
    /// Its tags.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
}

/// How a stream is read, and what becomes of records that a function fails on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamSettings {
    /// Where reading begins.
    pub start: Start,
    /// When the mapping first went to work, in milliseconds since 1970: what is latest is told from then on.
    pub began_at: Option<i64>,
    /// Batches of a shard at work at once.
    pub parallelization: u32,
    /// ARN of what takes the records of discarded batches.
    pub on_failure: Option<String>,
    /// Greatest age of a record, in seconds; `None` has no bound.
    pub record_age_seconds: Option<u32>,
    /// Attempts after the first; `None` has no bound.
    pub retries: Option<u32>,
    /// A batch that the function fails on is halved.
    pub bisects: bool,
    /// Length of the windows in which records are aggregated, in seconds; 0 for none.
    pub tumbling_seconds: u32,
}

/// Where the reading of a stream begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Start {
    /// With the oldest record there is.
    TrimHorizon,
    /// With the first one that comes.
    Latest,
    /// With the first one since then, in milliseconds since 1970.
    Timestamp(i64),
}

impl Start {
    /// As AWS spells it.
    pub fn name(self) -> &'static str {
        match self {
            Start::TrimHorizon => "TRIM_HORIZON",
            Start::Latest => "LATEST",
            Start::Timestamp(_) => "AT_TIMESTAMP",
        }
    }
}

/// A mapping's state, as AWS spells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum State {
    /// It is new.
    Creating,
    /// It was switched on.
    Enabling,
    /// It is at work.
    Enabled,
    /// It was switched off.
    Disabling,
    /// It rests.
    Disabled,
    /// It was changed.
    Updating,
    /// It will be gone.
    Deleting,
}

impl State {
    /// Whether something is under way.
    pub fn is_passing(self) -> bool {
        !matches!(self, State::Enabled | State::Disabled)
    }
}

impl Mapping {
    /// Its ARN.
    pub fn arn(&self) -> String {
        format!("arn:aws:lambda:{}:{}:event-source-mapping:{}", self.region, self.account, self.uuid)
    }

    /// ARN of what gets the records.
    pub fn function_arn(&self) -> String {
        self.qualifier.as_ref().map_or_else(|| self.function.arn(), |name| self.function.qualified_arn(name))
    }

    /// As the API describes it; streams also tell what came of the last batch.
    pub fn describe(&self, last_result: Option<&str>) -> EventSourceMappingConfiguration {
        let filters = self.filters.iter().map(|pattern| Filter { pattern: Some(pattern.clone()) }).collect();
        let reports = if self.reports_failures { vec!["ReportBatchItemFailures".to_owned()] } else { Vec::new() };
        let reason = if self.stream.is_some() { "User action" } else { "USER_INITIATED" };
        let mut described = EventSourceMappingConfiguration {
            uuid: Some(self.uuid.clone()),
            batch_size: Some(self.batch_size as i32),
            maximum_batching_window_in_seconds: Some(self.window_seconds as i32),
            event_source_arn: Some(self.source_arn.clone()),
            event_source_mapping_arn: Some(self.arn()),
            filter_criteria: (!self.filters.is_empty()).then_some(FilterCriteria { filters: Some(filters) }),
            function_arn: Some(self.function_arn()),
            function_response_types: Some(reports),
            last_modified: Some(Timestamp::from_milliseconds(self.last_modified)),
            scaling_config: self
                .maximum_concurrency
                .map(|maximum| ScalingConfig { maximum_concurrency: Some(maximum as i32) }),
            state: Some(format!("{:?}", self.state)),
            state_transition_reason: Some(reason.to_owned()),
            ..EventSourceMappingConfiguration::default()
        };
        if let Some(stream) = &self.stream {
            stream.describe(&mut described);
            described.last_processing_result = Some(last_result.unwrap_or(NOTHING_PROCESSED).to_owned());
        }
        described
    }
}

/// What streams tell before their first batch.
const NOTHING_PROCESSED: &str = "No records processed";

impl StreamSettings {
    fn describe(&self, described: &mut EventSourceMappingConfiguration) {
        let unbounded = |bound: Option<u32>| Some(bound.map_or(-1, |bound| bound as i32));
        described.starting_position = Some(self.start.name().to_owned());
        if let Start::Timestamp(at) = self.start {
            described.starting_position_timestamp = Some(Timestamp::from_milliseconds(at));
        }
        described.parallelization_factor = Some(self.parallelization as i32);
        described.maximum_record_age_in_seconds = unbounded(self.record_age_seconds);
        described.maximum_retry_attempts = unbounded(self.retries);
        described.bisect_batch_on_function_error = Some(self.bisects);
        described.tumbling_window_in_seconds = Some(self.tumbling_seconds as i32);
        described.destination_config = Some(DestinationConfig {
            on_failure: Some(OnFailure { destination: self.on_failure.clone() }),
            ..DestinationConfig::default()
        });
    }
}
