//! What is kept of a pipe.

use std::collections::BTreeMap;

use api::pipes::enums::{pipe_state, requested_pipe_state, requested_pipe_state_describe_response};
use api::pipes::{DescribePipeResponse, Pipe as PipeSummary, PipeSourceParameters, PipeTargetParameters};
use serde::{Deserialize, Serialize};
use wire::Timestamp;

use crate::document;
use crate::names::PipeName;

/// Where a pipe is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum State {
    /// Just made.
    Creating,
    /// Just changed.
    Updating,
    /// About to run.
    Starting,
    /// Running.
    Running,
    /// About to stop.
    Stopping,
    /// Stopped.
    Stopped,
    /// About to go.
    Deleting,
}

impl State {
    /// As the API spells it.
    pub fn text(self) -> &'static str {
        match self {
            State::Creating => pipe_state::CREATING,
            State::Updating => pipe_state::UPDATING,
            State::Starting => pipe_state::STARTING,
            State::Running => pipe_state::RUNNING,
            State::Stopping => pipe_state::STOPPING,
            State::Stopped => pipe_state::STOPPED,
            State::Deleting => pipe_state::DELETING,
        }
    }

    /// Whether it stays so until somebody changes it.
    pub fn is_settled(self) -> bool {
        matches!(self, State::Running | State::Stopped)
    }
}

/// A pipe.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pipe {
    /// Which one.
    pub name: PipeName,
    /// Tells it from another of that name.
    pub id: String,
    /// What it is for.
    pub description: Option<String>,
    /// Whether it shall run.
    pub is_wanted: bool,
    /// Where it is in its life.
    pub state: State,
    /// ARN of the source.
    pub source: String,
    /// The source's parameters, as JSON of the API.
    pub source_parameters: String,
    /// ARN of the function that enriches events.
    pub enrichment: Option<String>,
    /// What that function gets, where it is not the event.
    pub enrichment_template: Option<String>,
    /// ARN of the target.
    pub target: String,
    /// The target's parameters, as JSON of the API.
    pub target_parameters: String,
    /// The role under which all is done.
    pub role: String,
    /// Whether that role existed when it was given.
    pub has_role: bool,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// When it was made, in milliseconds since 1970.
    pub created_at: i64,
    /// When it was last changed, in milliseconds since 1970.
    pub modified_at: i64,
}

impl Pipe {
    /// The source's parameters.
    pub fn source_parameters(&self) -> PipeSourceParameters {
        document::read(&self.source_parameters)
    }

    /// The target's parameters.
    pub fn target_parameters(&self) -> PipeTargetParameters {
        document::read(&self.target_parameters)
    }

    /// What it shall be, as those who ask for this pipe are told.
    pub fn goal(&self) -> &'static str {
        match self.state {
            State::Deleting => requested_pipe_state_describe_response::DELETED,
            _ => self.wanted(),
        }
    }

    /// Whether it shall run, as lists spell it.
    pub fn wanted(&self) -> &'static str {
        if self.is_wanted { requested_pipe_state::RUNNING } else { requested_pipe_state::STOPPED }
    }

    /// All of it in the API's form.
    pub fn describe(self) -> DescribePipeResponse {
        let (source_parameters, target_parameters) = (self.source_parameters(), self.target_parameters());
        let enrichment_parameters = self.enrichment_template.clone().map(|template| {
            api::pipes::PipeEnrichmentParameters { input_template: Some(template), ..Default::default() }
        });
        DescribePipeResponse {
            arn: Some(self.name.arn()),
            desired_state: Some(self.goal().to_owned()),
            current_state: Some(self.state.text().to_owned()),
            name: Some(self.name.name),
            description: self.description,
            state_reason: None,
            source: Some(self.source),
            source_parameters: Some(source_parameters),
            enrichment: self.enrichment,
            enrichment_parameters,
            target: Some(self.target),
            target_parameters: Some(target_parameters),
            role_arn: Some(self.role),
            tags: Some(self.tags),
            creation_time: Some(Timestamp::from_milliseconds(self.created_at)),
            last_modified_time: Some(Timestamp::from_milliseconds(self.modified_at)),
            ..Default::default()
        }
    }

    /// Its summary in the API's form.
    pub fn summary(self) -> PipeSummary {
        PipeSummary {
            arn: Some(self.name.arn()),
            desired_state: Some(self.wanted().to_owned()),
            current_state: Some(self.state.text().to_owned()),
            state_reason: None,
            name: Some(self.name.name),
            creation_time: Some(Timestamp::from_milliseconds(self.created_at)),
            last_modified_time: Some(Timestamp::from_milliseconds(self.modified_at)),
            source: Some(self.source),
            target: Some(self.target),
            enrichment: self.enrichment,
        }
    }
}

/// How far a pipe has read a shard.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The last record that is done; `None` at the start.
    pub after: Option<String>,
    /// The shard is closed and all of it done.
    pub is_done: bool,
    /// Attempts at the records that follow.
    pub tried: u32,
    /// Records that the next attempt takes at most, after a failure.
    pub most: Option<usize>,
}
