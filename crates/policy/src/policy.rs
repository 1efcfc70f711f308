//! A policy document, compiled.

use std::sync::Arc;

use crate::action::ActionSet;
use crate::arn::ArnPattern;
use crate::condition::Condition;
use crate::document::RawStatement;
use crate::json::{Document, Json};
use crate::malformed::{Cause, Malformed};
use crate::principal::{Principal, PrincipalSet};
use crate::statement::{Effect, ResourceSet, Statement};
use crate::{identity_grammar, resource_grammar};

pub(crate) const VERSION_2008: &str = "2008-10-17";
/// The version that knows policy variables.
pub(crate) const VERSION_2012: &str = "2012-10-17";

/// A policy document, checked and compiled.
#[derive(Debug, Clone)]
pub struct Policy {
    kind: Kind,
    statements: Box<[Statement]>,
}

/// What a document is for, which decides what it may and must contain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Written into a user, group or role: no principal.
    Identity,
    /// A policy of its own, to be attached or to serve as a permissions boundary: as an identity policy, but of version
    /// 2012-10-17.
    Managed,
    /// Handed over with `AssumeRole` or `GetFederationToken`, or to the policy simulator: as an identity policy, but with
    /// condition values that need not be of their operator's type.
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
    /// Checks and compiles a document. How long it may be is for the caller to check; the time this takes is
    /// proportional to its length.
    pub fn parse(text: &str, kind: Kind) -> Result<Policy, Malformed> {
        let of_identity = matches!(kind, Kind::Identity | Kind::Managed | Kind::Session);
        let not_json = if of_identity { "Syntax errors in policy." } else { "This policy contains invalid Json" };
        let document = Document::read(text).ok_or_else(|| Malformed::new(Cause::Json, not_json))?;
        let statements = if of_identity {
            identity_grammar::check(&document, kind)?
        } else {
            resource_grammar::check(&document, kind)?
        };
        let variables = document.get("Version") == Some(Json::Text(VERSION_2012.to_owned()));
        let statements =
            statements.iter().map(|statement| compile(statement, kind, variables)).collect::<Result<_, _>>()?;
        Ok(Policy { kind, statements })
    }

    /// What the document is for.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Its statements, in order.
    pub fn statements(&self) -> &[Statement] {
        &self.statements
    }

    /// The principals that its statements name, those of `NotPrincipal` included, in order. One may come more than once.
    pub fn principals(&self) -> impl Iterator<Item = &Principal> {
        self.statements.iter().flat_map(|statement| &statement.principals).flat_map(|set| &set.principals)
    }
}

fn compile(raw: &RawStatement, kind: Kind, variables: bool) -> Result<Statement, Malformed> {
    let principals = if matches!(kind, Kind::Resource(_) | Kind::RoleTrust) {
        let negated = raw.has("NotPrincipal");
        let element = if negated { "NotPrincipal" } else { "Principal" };
        Some(PrincipalSet { negated, principals: resource_grammar::principals(raw, element, kind)?.into() })
    } else {
        None
    };
    let not_actions = raw.has("NotAction");
    let actions = raw.texts(if not_actions { "NotAction" } else { "Action" });
    let not_resources = raw.has("NotResource");
    let resources = raw.texts(if not_resources { "NotResource" } else { "Resource" });
    let conditions = raw.conditions().unwrap_or_default();
    Ok(Statement {
        effect: if raw.get("Effect") == Some(&Json::Text("Allow".to_owned())) { Effect::Allow } else { Effect::Deny },
        sid: raw.sid().map(Arc::from),
        span: raw.span.clone(),
        principals,
        actions: ActionSet::new(&actions, not_actions),
        resources: (!resources.is_empty()).then(|| ResourceSet {
            negated: not_resources,
            patterns: resources.iter().map(|text| ArnPattern::of_resource(text, variables)).collect(),
        }),
        conditions: conditions
            .iter()
            .map(|condition| Condition::new(condition.operator, condition.key, &condition.values, variables))
            .collect(),
    })
}
