//! Roles by their ARN, and who may assume them: what trust policies say to those whom no other policy speaks for.

use std::sync::Arc;

use policy::{Authority, Caller, Context, Denial, Kind, Layer, NamedPolicy, Policies, Policy, Request, Verdict};
use wire::Error;

use crate::config::Config;
use crate::core::Platform;
use crate::directory::Role;

/// The parts of a role's ARN.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoleArn<'a> {
    /// 12 digits.
    pub account: &'a str,
    /// The role's name, without its path.
    pub name: &'a str,
}

impl<'a> RoleArn<'a> {
    /// Reads `arn:aws:iam::ACCOUNT:role/PATH/NAME`; `None` for anything else.
    pub fn parse(text: &'a str) -> Option<RoleArn<'a>> {
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let ["arn", Config::PARTITION, "iam", "", account, resource] = parts[..] else { return None };
        let name = resource.strip_prefix("role/")?.rsplit('/').next()?;
        (!account.is_empty() && !name.is_empty()).then_some(RoleArn { account, name })
    }
}

impl Platform {
    /// The role of that very ARN, path included.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub async fn role(&self, arn: &str) -> Result<Option<Arc<Role>>, Error> {
        let Some(parts) = RoleArn::parse(arn) else { return Ok(None) };
        let role = self.directory().role(parts.account, parts.name).await?;
        Ok(role.filter(|role| role.arn == arn))
    }
}

impl Role {
    /// Whether the trust policy lets a service, or somebody an identity provider vouches for, do `action`
    /// (`sts:AssumeRole`, `sts:TagSession`) in this context, and why not.
    pub fn decide(&self, caller: Caller<'_>, action: &str, context: &Context<'_>) -> Verdict {
        let Ok(policy) = Policy::parse(&self.trust, Kind::RoleTrust) else {
            tracing::warn!(role = self.arn, "the role's trust policy cannot be read");
            return Verdict::Denied(Denial::Implicit(Layer::Resource));
        };
        let trust = NamedPolicy { name: self.arn.as_str().into(), policy: policy.into() };
        let resource_account = RoleArn::parse(&self.arn).map_or("", |arn| arn.account);
        let request = Request { caller, action, resource: &self.arn, resource_account, context };
        let policies = Policies { resource: Some(&trust), authority: Authority::Resource, ..Policies::default() };
        policy::decide(&request, &policies)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn role(trust: &str) -> Role {
        Role {
            arn: "arn:aws:iam::123456789012:role/worker".to_owned(),
            path: "/".to_owned(),
            id: "AROAEXAMPLE".to_owned(),
            trust: trust.into(),
            session_seconds_max: 3_600,
            tags: Vec::new(),
        }
    }

    #[test]
    fn a_roles_name_is_what_follows_its_path() {
        for arn in ["arn:aws:iam::123456789012:role/worker", "arn:aws:iam::123456789012:role/a/b/worker"] {
            assert_eq!(RoleArn::parse(arn), Some(RoleArn { account: "123456789012", name: "worker" }));
        }
        for arn in [
            "arn:aws:iam::123456789012:user/alice",
            "arn:aws:iam::123456789012:role/",
            "arn:aws:s3::123456789012:role/worker",
            "arn:aws:iam:eu-west-1:123456789012:role/worker",
            "arn:aws:iam::123456789012:role",
            "arn:aws:iam:::role/worker",
            "worker",
            "",
        ] {
            assert_eq!(RoleArn::parse(arn), None, "{arn}");
        }
    }

    #[test]
    fn a_trust_policy_names_who_may_assume_the_role() {
        let trust = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"sts:AssumeRole",
            "Principal":{"Service":"lambda.amazonaws.com"},
            "Condition":{"StringEquals":{"aws:SourceAccount":"123456789012"}}}}"#;
        let mut context = Context::new();
        context.set("aws:SourceAccount", "123456789012");
        let lambda = Caller::Service { name: "lambda.amazonaws.com" };
        let allows = |trust: &str, caller, action, context: &Context<'_>| {
            role(trust).decide(caller, action, context).is_allowed()
        };
        assert!(allows(trust, lambda, "sts:AssumeRole", &context));
        assert!(!allows(trust, Caller::Service { name: "ec2.amazonaws.com" }, "sts:AssumeRole", &context));
        assert!(!allows(trust, lambda, "sts:TagSession", &context));
        assert!(!allows(trust, lambda, "sts:AssumeRole", &Context::new()));
        assert!(!allows("{}", lambda, "sts:AssumeRole", &context));
    }
}
