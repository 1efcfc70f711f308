//! A statement, compiled.

use std::ops::Range;
use std::sync::Arc;

use crate::action::{Action, ActionSet};
use crate::arn::{Arn, ArnPattern};
use crate::condition::Condition;
use crate::context::Context;
use crate::decide::Request;
use crate::principal::{Closeness, PrincipalSet};

/// What a statement says about the requests it speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Effect {
    /// They may go on.
    Allow,
    /// They may not, whatever else allows them.
    Deny,
}

/// A statement of a policy.
#[derive(Debug, Clone)]
pub struct Statement {
    pub(crate) effect: Effect,
    pub(crate) sid: Option<Arc<str>>,
    pub(crate) span: Range<usize>,
    /// `None` in policies of identities, which need not say whom they speak of.
    pub(crate) principals: Option<PrincipalSet>,
    pub(crate) actions: ActionSet,
    /// `None` where the statement speaks of the resource it is attached to.
    pub(crate) resources: Option<ResourceSet>,
    pub(crate) conditions: Box<[Condition]>,
}

/// A `Resource` or `NotResource` element.
#[derive(Debug, Clone)]
pub(crate) struct ResourceSet {
    /// `NotResource`: all but these.
    pub negated: bool,
    pub patterns: Box<[ArnPattern]>,
}

/// A request with what every statement would otherwise take apart again.
pub(crate) struct Prepared<'r> {
    pub request: &'r Request<'r>,
    pub action: Action,
    pub resource: Option<Arn<'r>>,
    /// The caller has a permissions boundary.
    pub bounded: bool,
}

impl<'r> Prepared<'r> {
    pub(crate) fn new(request: &'r Request<'r>, bounded: bool) -> Prepared<'r> {
        Prepared { request, action: Action::new(request.action), resource: Arn::split(request.resource), bounded }
    }
}

impl Statement {
    /// Whether it allows or denies.
    pub fn effect(&self) -> Effect {
        self.effect
    }

    /// Its Sid, if it has one.
    pub fn sid(&self) -> Option<&str> {
        self.sid.as_deref()
    }

    /// Where it stands in its document, in bytes: from its opening brace to behind its closing one.
    pub fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// Whether it speaks of a request, of a caller without a permissions boundary.
    pub fn speaks_of(&self, request: &Request<'_>) -> bool {
        self.closeness(&Prepared::new(request, false)).is_some()
    }

    /// Whether it would speak of a request if all its conditions held.
    pub fn covers(&self, request: &Request<'_>) -> bool {
        self.subject_closeness(&Prepared::new(request, false)).is_some()
    }

    /// The condition keys it looks at, those in policy variables included. One may come more than once.
    pub fn condition_keys(&self) -> impl Iterator<Item = &str> {
        let of_resources =
            self.resources.iter().flat_map(|resources| &resources.patterns).flat_map(ArnPattern::variables);
        let of_conditions = self.conditions.iter().flat_map(Condition::keys);
        of_resources.map(|variable| &*variable.key).chain(of_conditions)
    }

    /// How closely it names the caller, if it speaks of the request at all.
    pub(crate) fn closeness(&self, prepared: &Prepared<'_>) -> Option<Closeness> {
        let closeness = self.subject_closeness(prepared)?;
        let context = prepared.request.context;
        self.conditions.iter().all(|condition| condition.holds(context, self.effect)).then_some(closeness)
    }

    /// The same, whatever the conditions say. What is cheap to find out comes first.
    fn subject_closeness(&self, prepared: &Prepared<'_>) -> Option<Closeness> {
        if !self.actions.covers(&prepared.action) {
            return None;
        }
        let closeness = match &self.principals {
            // "Do not use resource-based policy statements that include a NotPrincipal element with a Deny effect for
            // users or roles that have a permissions boundary": they are denied, listed or not.
            Some(principals) if principals.negated && prepared.bounded && self.effect == Effect::Deny => {
                Closeness::Itself
            }
            Some(principals) => principals.names(&prepared.request.caller)?,
            None => Closeness::Itself,
        };
        let resource = prepared.resource.as_ref();
        let covered =
            self.resources.as_ref().is_none_or(|resources| resources.cover(resource, prepared.request.context));
        covered.then_some(closeness)
    }
}

impl ResourceSet {
    fn cover(&self, resource: Option<&Arn<'_>>, context: &Context<'_>) -> bool {
        self.patterns.iter().any(|pattern| pattern.matches(resource, context)) != self.negated
    }
}
