//! Who may assume a role: what its trust policy says to those whom no other policy speaks for.

use policy::{Authority, Caller, Context, Kind, NamedPolicy, Policies, Policy, Request};

use crate::directory::Role;

impl Role {
    /// Whether the trust policy lets a service, or somebody an identity provider vouches for, do `action`
    /// (`sts:AssumeRole`, `sts:TagSession`) in this context. A trust policy that cannot be read lets nobody.
    pub fn trusts(&self, caller: Caller<'_>, action: &str, context: &Context<'_>) -> bool {
        let Ok(policy) = Policy::parse(&self.trust, Kind::RoleTrust) else {
            tracing::warn!(role = self.arn, "the role's trust policy cannot be read");
            return false;
        };
        let trust = NamedPolicy { name: self.arn.as_str().into(), policy: policy.into() };
        let account = self.arn.split(':').nth(4).unwrap_or_default();
        let request = Request { caller, action, resource: &self.arn, resource_account: account, context };
        let policies = Policies { resource: Some(&trust), authority: Authority::Resource, ..Policies::default() };
        policy::decide(&request, &policies).is_allowed()
    }
}
