//! The decision.

use std::sync::Arc;

use crate::caller::Caller;
use crate::context::Context;
use crate::policy::{Kind, Policy};
use crate::principal::Closeness;
use crate::statement::{Effect, Prepared};
use crate::verdict::{DecidingStatement, Denial, Grant, Layer, Verdict};

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
///
/// The order is that of "Policy evaluation logic" in the IAM User Guide: a denial anywhere is final; then the resource's
/// policy may allow on its own, as far as it names the caller closely enough; else identity policies, permissions
/// boundary and session policies all have to allow.
pub fn decide(request: &Request<'_>, policies: &Policies<'_>) -> Verdict {
    let prepared = Prepared::new(request, policies.boundary.is_some());
    match Findings::gather(&prepared, policies) {
        Err(denial) => Verdict::Denied(Denial::Explicit(denial)),
        Ok(findings) => match findings.decide(request, policies) {
            Ok(grant) => Verdict::Allowed(grant),
            Err(layer) => Verdict::Denied(Denial::Implicit(layer)),
        },
    }
}

/// What the groups of policies say, none of which denies.
struct Findings<'p> {
    identity: Option<Found<'p>>,
    boundary: Option<Found<'p>>,
    session: Option<Found<'p>>,
    resource: Option<Found<'p>>,
}

/// A statement that speaks of the request.
#[derive(Clone, Copy)]
struct Found<'p> {
    layer: Layer,
    policy: &'p NamedPolicy,
    index: usize,
    closeness: Closeness,
}

impl<'p> Findings<'p> {
    /// Asks every group; ends at the first denial.
    fn gather(prepared: &Prepared<'_>, policies: &Policies<'p>) -> Result<Findings<'p>, DecidingStatement> {
        Ok(Findings {
            identity: find(prepared, Layer::Identity, policies.identity)?,
            boundary: find(prepared, Layer::Boundary, policies.boundary)?,
            session: find(prepared, Layer::Session, policies.session.unwrap_or_default())?,
            resource: find(prepared, policies.resource_layer(), policies.resource)?,
        })
    }

    fn decide(&self, request: &Request<'_>, policies: &Policies<'_>) -> Result<Grant, Layer> {
        let silent = policies.resource_layer();
        let resource = match (self.resource, policies.granted) {
            (_, true) => Some((Closeness::Itself, Grant::Service)),
            (found, false) => found.map(|found| (found.closeness, found.grant())),
        };
        let Some(account) = request.caller.account() else {
            return resource.map(|(_, grant)| grant).ok_or(silent);
        };
        if account != request.resource_account {
            let own = self.own_account(request, policies)?;
            return if resource.is_some() { Ok(own) } else { Err(silent) };
        }
        match resource {
            Some((Closeness::Itself, grant)) => return Ok(grant),
            Some((Closeness::Origin, grant)) => {
                return self.within_limits(policies).map(|()| grant);
            }
            Some((Closeness::Account, _)) => {}
            None if policies.authority == Authority::Resource => return Err(silent),
            None => {}
        }
        self.own_account(request, policies)
    }

    /// What the policies of the caller's own account say of it.
    fn own_account(&self, request: &Request<'_>, policies: &Policies<'_>) -> Result<Grant, Layer> {
        if let Caller::Root { .. } = request.caller {
            return Ok(Grant::Root);
        }
        let identity = self.identity.ok_or(Layer::Identity)?;
        self.within_limits(policies)?;
        Ok(identity.grant())
    }

    /// Whether the permissions boundary and the session policies, where there are any, allow it too.
    fn within_limits(&self, policies: &Policies<'_>) -> Result<(), Layer> {
        if policies.boundary.is_some() && self.boundary.is_none() {
            return Err(Layer::Boundary);
        }
        if policies.session.is_some() && self.session.is_none() {
            return Err(Layer::Session);
        }
        Ok(())
    }
}

impl Policies<'_> {
    fn resource_layer(&self) -> Layer {
        match self.resource {
            Some(named) if named.policy.kind() == Kind::RoleTrust => Layer::RoleTrust,
            _ => Layer::Resource,
        }
    }
}

impl Found<'_> {
    fn statement(&self) -> DecidingStatement {
        DecidingStatement {
            layer: self.layer,
            policy: self.policy.name.clone(),
            index: self.index,
            sid: self.policy.policy.statements().get(self.index).and_then(|statement| statement.sid.clone()),
        }
    }

    fn grant(&self) -> Grant {
        Grant::Statement(self.statement())
    }
}

/// The statement of a group of policies that allows the request, the one that names the caller most closely if several
/// do; or the first that denies it.
fn find<'p>(
    prepared: &Prepared<'_>,
    layer: Layer,
    policies: impl IntoIterator<Item = &'p NamedPolicy>,
) -> Result<Option<Found<'p>>, DecidingStatement> {
    let mut allowing: Option<Found<'p>> = None;
    for policy in policies {
        for (index, statement) in policy.policy.statements().iter().enumerate() {
            let close_enough = allowing.is_some_and(|found| found.closeness == Closeness::Itself);
            if statement.effect == Effect::Allow && close_enough {
                continue;
            }
            let Some(closeness) = statement.closeness(prepared) else { continue };
            let found = Found { layer, policy, index, closeness };
            match statement.effect {
                Effect::Deny => return Err(found.statement()),
                Effect::Allow if allowing.is_none_or(|other| other.closeness < closeness) => allowing = Some(found),
                Effect::Allow => {}
            }
        }
    }
    Ok(allowing)
}
