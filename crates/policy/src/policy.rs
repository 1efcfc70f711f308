//! A policy document, compiled.

use crate::malformed::{Cause, Malformed};

/// A policy document, checked and compiled.
#[derive(Debug, Clone)]
pub struct Policy {
    kind: Kind,
}

/// What a document is for, which decides what it may and must contain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Written into a user, group or role: no principal.
    Identity,
    /// A policy of its own, to be attached or to serve as a permissions boundary: as an identity policy, but of version
    /// 2012-10-17.
    Managed,
    /// Handed over with `AssumeRole` or `GetFederationToken`; written as an identity policy is.
    Session,
    /// Attached to a resource: has principals.
    Resource(ResourceRules),
    /// Says who may assume a role: has principals, no resources, and actions of STS only.
    RoleTrust,
}

/// How the resource policies of a service differ from each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResourceRules {
    /// Actions must be of this service (`s3`), or `*`; `None` for any service.
    pub vendor: Option<&'static str>,
    /// Whether every statement has to name resources. A statement without any speaks of the resource it is attached to.
    pub resource_required: bool,
}

impl Policy {
    /// Checks and compiles a document. How long it may be is for the caller to check.
    pub fn parse(_text: &str, _kind: Kind) -> Result<Policy, Malformed> {
        Err(Malformed { cause: Cause::Json, message: "Syntax errors in policy.".to_owned() })
    }

    /// What the document is for.
    pub fn kind(&self) -> Kind {
        self.kind
    }
}
