//! Roles that services of the platform act under because a resource of theirs names one: a rule's target, a schedule, a
//! pipe.

use std::sync::Arc;

use policy::{Caller, Context};
use wire::Error;

use crate::config::Mode;
use crate::context::Ctx;
use crate::core::Platform;
use crate::credentials::RoleArn;
use crate::directory::Role;
use crate::principal::{Principal, SessionFacts};

/// A role that a service acts under.
#[derive(Debug, Clone, Copy)]
pub struct ServiceRole<'a> {
    /// The service's name as a principal: `events.amazonaws.com`.
    pub service: &'static str,
    /// The account of the resource: 12 digits. The role has to be its own.
    pub account: &'a str,
    /// ARN of the role.
    pub role_arn: &'a str,
    /// ARN of the resource, which trust policies may ask for (`aws:SourceArn`).
    pub source_arn: &'a str,
}

/// What came of looking at a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// It exists and lets the service assume it.
    Given,
    /// It was never created, which the root may do in open mode: what is done under it is done as by the root.
    Unconfined,
    /// It does not exist, does not trust the service, or belongs to another account.
    Refused,
}

impl ServiceRole<'_> {
    /// Looks at a role that a caller gives to a resource.
    ///
    /// # Errors
    /// A failure of the directory.
    pub async fn check(&self, cx: &Ctx) -> Result<Trust, Error> {
        Ok(match self.find(&cx.platform).await? {
            Some(role) if self.is_trusted_by(&role) => Trust::Given,
            Some(_) => Trust::Refused,
            None if cx.platform.config.mode == Mode::Open && cx.principal.acts_as_root() => Trust::Unconfined,
            None => Trust::Refused,
        })
    }

    /// As whom the service acts; `had_role` says whether the role existed when it was given. `None` when it is gone or
    /// trusts the service no more.
    ///
    /// # Errors
    /// A failure of the directory.
    pub async fn session(
        &self,
        platform: &Platform,
        had_role: bool,
        session: &str,
    ) -> Result<Option<Principal>, Error> {
        let role = self.find(platform).await?;
        let is_unconfined = role.is_none() && !had_role && platform.config.mode == Mode::Open;
        if !role.as_ref().map_or(is_unconfined, |role| self.is_trusted_by(role)) {
            return Ok(None);
        }
        let name = self.role_arn.rsplit('/').next().unwrap_or_default();
        let facts = SessionFacts {
            issued_at: platform.clock.now().seconds,
            role_path: role.as_ref().map_or_else(|| "/".to_owned(), |role| role.path.clone()),
            is_unconfined,
            ..SessionFacts::default()
        };
        Ok(Some(Principal::Session {
            account: self.account.to_owned(),
            role: name.to_owned(),
            // What was never created has no id; its name stands in.
            role_id: role.map_or_else(|| name.to_owned(), |role| role.id.clone()),
            session: session.to_owned(),
            facts: Arc::new(facts),
        }))
    }

    async fn find(&self, platform: &Platform) -> Result<Option<Arc<Role>>, Error> {
        let is_own = RoleArn::parse(self.role_arn).is_some_and(|arn| arn.account == self.account);
        if is_own { platform.role(self.role_arn).await } else { Ok(None) }
    }

    fn is_trusted_by(&self, role: &Role) -> bool {
        let mut context = Context::new();
        context.set("aws:SourceAccount", self.account);
        context.set("aws:SourceArn", self.source_arn);
        context.set("aws:PrincipalIsAWSService", "true");
        context.set("aws:PrincipalServiceName", self.service);
        role.decide(Caller::Service { name: self.service }, "sts:AssumeRole", &context).is_allowed()
    }
}
