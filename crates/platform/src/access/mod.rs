//! What was refused and what was allowed: the explanations behind `/_traca/denials` and `/_traca/access`.
//!
//! Both are kept in memory alone and within bounds. They are for whoever runs the platform; no caller of an AWS API ever
//! sees them.

mod denials;
mod usage;

use serde_json::Value;

use crate::clock::Clock;
use crate::principal::Principal;

pub use denials::Refusal;

use denials::Denials;
use usage::Usage;

/// The records of one run.
pub struct Access {
    clock: Clock,
    denials: Denials,
    usage: Usage,
}

impl Access {
    /// No records yet.
    pub fn new(clock: Clock) -> Access {
        Access { clock, denials: Denials::default(), usage: Usage::default() }
    }

    /// Notes that a need was granted.
    pub fn allowed(&self, principal: &Principal, action: &str, resource: &str) {
        self.usage.record(principal, action, resource);
    }

    /// Notes that a need was denied; `passed` tells that the call went on all the same.
    pub fn denied(&self, refusal: Refusal<'_>, passed: bool) {
        self.denials.record(self.clock.now(), refusal, passed);
    }

    /// The last denials, the latest first, as JSON.
    pub fn denials(&self) -> Value {
        self.denials.document()
    }

    /// The least policy under which all would have been allowed that these principals were allowed so far: those whose
    /// ARN or plain name this is. `None` if they have not called anything.
    pub fn least_policy(&self, name: &str) -> Option<Value> {
        self.usage.least_policy(name)
    }

    /// The ARNs of those who have called anything.
    pub fn principals(&self) -> Vec<String> {
        self.usage.principals()
    }

    /// Forgets everything.
    pub fn clear(&self) {
        self.denials.clear();
        self.usage.clear();
    }
}
