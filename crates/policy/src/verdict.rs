//! The outcome of a decision, with its reason.

use std::fmt;
use std::sync::Arc;

/// The outcome of a decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The request may go on.
    Allowed(Grant),
    /// It may not.
    Denied(Denial),
}

impl Verdict {
    /// Whether the request may go on.
    pub fn is_allowed(&self) -> bool {
        matches!(self, Verdict::Allowed(_))
    }
}

/// Why a request is allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Grant {
    /// The root user in its own account.
    Root,
    /// The service itself grants it, as a KMS grant does.
    Service,
    /// A statement.
    Statement(DecidingStatement),
}

/// Why a request is denied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Denial {
    /// A statement denies it.
    Explicit(DecidingStatement),
    /// No statement of this layer allows it.
    Implicit(Layer),
}

impl Denial {
    /// AWS's words for the reason, as they end an access-denied message: `with an explicit deny in an identity-based
    /// policy`, `because no identity-based policy allows the kms:Decrypt action`.
    pub fn phrase(&self, action: &str) -> String {
        match self {
            Denial::Explicit(statement) => {
                format!("with an explicit deny in {} {}", statement.layer.article(), statement.layer)
            }
            Denial::Implicit(layer) => format!("because no {layer} allows the {action} action"),
        }
    }
}

/// A group of policies that has its own say. Its text is what AWS calls it in access-denied messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Layer {
    /// Policies of the user, its groups, or the role.
    Identity,
    /// The permissions boundary.
    Boundary,
    /// Policies handed over when the session began.
    Session,
    /// The policy of the resource.
    Resource,
    /// The trust policy of the role to be assumed.
    RoleTrust,
}

impl Layer {
    fn article(self) -> &'static str {
        if self == Layer::Identity { "an" } else { "a" }
    }
}

impl fmt::Display for Layer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Layer::Identity => "identity-based policy",
            Layer::Boundary => "permissions boundary",
            Layer::Session => "session policy",
            Layer::Resource => "resource-based policy",
            Layer::RoleTrust => "role trust policy",
        })
    }
}

/// The statement that decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecidingStatement {
    /// Which group of policies it belongs to.
    pub layer: Layer,
    /// The policy's name, as it was given.
    pub policy: Arc<str>,
    /// Its place in the document, from 0.
    pub index: usize,
    /// Its Sid, if it has one.
    pub sid: Option<Arc<str>>,
}
