//! The decision.

use std::sync::Arc;

use crate::caller::Caller;
use crate::context::Context;
use crate::policy::Policy;
use crate::verdict::{Denial, Layer, Verdict};

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// Who asks.
    pub caller: Caller<'a>,
    /// The IAM action, for example `kms:Decrypt`, in any case.
    pub action: &'a str,
    /// ARN of the resource, or `*` for an action that has none.
    pub resource: &'a str,
    /// The account that owns the resource, 12 digits; the caller's own for an action without a resource.
    pub resource_account: &'a str,
    /// The condition keys.
    pub context: &'a Context<'a>,
}

/// The policies that bear on a request.
#[derive(Debug, Clone, Copy, Default)]
pub struct Policies<'a> {
    /// Those of the user and its groups, or of the role.
    pub identity: &'a [NamedPolicy],
    /// The permissions boundary of the user or role.
    pub boundary: Option<&'a NamedPolicy>,
    /// Those handed over when the session began; `None` for callers that are no session or were given none. A session of
    /// `GetFederationToken` without policies has `Some(&[])`: nothing is left to it but what resources grant.
    pub session: Option<&'a [NamedPolicy]>,
    /// The policy of the resource; a role's trust policy when the role is to be assumed.
    pub resource: Option<&'a NamedPolicy>,
    /// How the resource's policy and the caller's own go together.
    pub authority: Authority,
    /// The service itself grants this request, as a KMS grant does: only an explicit denial stands against it.
    pub granted: bool,
}

/// A policy and how it is called in explanations.
#[derive(Debug, Clone)]
pub struct NamedPolicy {
    /// ARN of a managed policy; `inline:NAME` otherwise, with the group's name in front where it comes from a group.
    pub name: Arc<str>,
    /// Compiled.
    pub policy: Arc<Policy>,
}

/// Whose word counts within the account that owns the resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Authority {
    /// The caller's policies or the resource's policy are enough, either of them.
    #[default]
    Either,
    /// The resource's policy has to allow the caller, or to allow the caller's account and so leave it to the caller's
    /// own policies: keys of KMS, trust policies of roles.
    Resource,
}

/// Decides a request. Pure: the same request and policies always have the same verdict.
pub fn decide(_request: &Request<'_>, _policies: &Policies<'_>) -> Verdict {
    Verdict::Denied(Denial::Implicit(Layer::Identity))
}
