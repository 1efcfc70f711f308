//! Whether a role trusts somebody whom an identity provider vouches for.

use platform::access::Refusal;
use platform::{Ctx, Role};
use policy::{Caller, Context, Verdict};

use super::session::SessionTags;

/// Somebody whom an identity provider vouches for, on the way to a role's session.
pub struct Federation<'r> {
    /// The action that the role's trust policy has to allow.
    pub action: &'static str,
    /// ARN of the provider.
    pub provider: &'r str,
    /// Name of the session to be.
    pub session_name: &'r str,
    /// Tags of the session to be.
    pub tags: &'r SessionTags,
    /// Source identity of the session to be.
    pub source_identity: Option<&'r str>,
    /// Condition keys that come from the provider.
    pub conditions: &'r [(String, Vec<String>)],
}

impl Federation<'_> {
    /// Decides from the role's trust policy. What it denies is explained where all denials are.
    pub fn is_trusted(&self, cx: &Ctx, role: &Role) -> bool {
        let context = self.context(cx, role);
        let tags = (!self.tags.tags.is_empty()).then_some("sts:TagSession");
        let source_identity = self.source_identity.map(|_| "sts:SetSourceIdentity");
        let actions = [Some(self.action), tags, source_identity];
        actions.into_iter().flatten().all(|action| {
            let caller = Caller::Federated { provider: self.provider };
            let Verdict::Denied(denial) = role.decide(caller, action, &context) else { return true };
            let keys = context.iter().map(|(key, values)| (key.to_owned(), values.iter().map(str::to_owned).collect()));
            let refusal = Refusal { cx, action, resource: &role.arn, denial: Some(&denial), context: keys.collect() };
            cx.platform.access.denied(refusal, false);
            false
        })
    }

    /// The condition keys of the request.
    fn context<'c>(&'c self, cx: &'c Ctx, role: &'c Role) -> Context<'c> {
        let mut context = Context::new();
        for (key, values) in self.conditions {
            match values.as_slice() {
                [one] => context.set(key.as_str(), one.as_str()),
                many => context.set_many(key.as_str(), many.to_vec()),
            }
        }
        context.set("aws:FederatedProvider", self.provider);
        context.set("sts:RoleSessionName", self.session_name);
        context.set("aws:RequestedRegion", cx.region.as_str());
        context.set("aws:SecureTransport", if cx.origin.is_secure { "true" } else { "false" });
        if let Some(address) = cx.source_ip {
            context.set("aws:SourceIp", address.to_string());
        }
        for (key, value) in &role.tags {
            context.set(format!("aws:ResourceTag/{key}"), value.as_str());
            context.set(format!("iam:ResourceTag/{key}"), value.as_str());
        }
        for (key, value) in &self.tags.tags {
            context.set(format!("aws:RequestTag/{key}"), value.as_str());
        }
        if !self.tags.tags.is_empty() {
            context.set_many("aws:TagKeys", self.tags.tags.iter().map(|(key, _)| key.clone()).collect());
            context.set_many("sts:TransitiveTagKeys", self.tags.transitive.clone());
        }
        if let Some(source_identity) = self.source_identity {
            context.set("sts:SourceIdentity", source_identity);
        }
        context
    }
}
