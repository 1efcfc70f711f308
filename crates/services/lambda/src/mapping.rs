//! Event source mappings: which source's records go to which function, and how.

use api::lambda::{EventSourceMappingConfiguration, Filter, FilterCriteria, ScalingConfig};
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
    /// ARN of the queue.
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

    /// As the API describes it.
    pub fn describe(&self) -> EventSourceMappingConfiguration {
        let filters = self.filters.iter().map(|pattern| Filter { pattern: Some(pattern.clone()) }).collect();
        let reports = if self.reports_failures { vec!["ReportBatchItemFailures".to_owned()] } else { Vec::new() };
        EventSourceMappingConfiguration {
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
            state_transition_reason: Some("USER_INITIATED".to_owned()),
            ..EventSourceMappingConfiguration::default()
        }
    }
}
