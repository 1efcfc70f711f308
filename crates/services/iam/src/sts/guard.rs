//! What callers of STS need to be allowed.

use std::any::Any;

use api::sts::{
    AssumeRoleRequest, AssumeRoleWithSAMLRequest, AssumeRoleWithWebIdentityRequest, GetFederationTokenRequest, Tag,
};
use platform::credentials::RoleArn;
use platform::{Authority, Ctx, Facts, FactsFuture, Guard, Need};
use wire::codec::Structure;

/// The permissions of STS.
pub struct StsGuard;

impl Guard for StsGuard {
    fn needs(&self, cx: &Ctx, input: &dyn Structure) -> Vec<Need> {
        let input: &dyn Any = input;
        if let Some(input) = input.downcast_ref::<AssumeRoleRequest>() {
            return assume_role(cx, input);
        }
        if let Some(input) = input.downcast_ref::<GetFederationTokenRequest>() {
            return federation_token(cx, input);
        }
        if let Some(input) = input.downcast_ref::<AssumeRoleWithWebIdentityRequest>() {
            return Need::of_operation(cx, resource(&input.role_arn));
        }
        if let Some(input) = input.downcast_ref::<AssumeRoleWithSAMLRequest>() {
            return Need::of_operation(cx, resource(&input.role_arn));
        }
        Need::of_operation(cx, "*")
    }

    fn facts<'a>(&'a self, cx: &'a Ctx, need: &'a Need) -> FactsFuture<'a> {
        Box::pin(async move {
            if RoleArn::parse(&need.resource).is_none() {
                return Ok(Facts::default());
            }
            // A role that does not exist trusts nobody.
            let unknown = Facts { authority: Authority::Resource, ..Facts::default() };
            let Some(role) = cx.platform.role(&need.resource).await? else { return Ok(unknown) };
            let context = role.tags.iter().map(|(key, value)| (format!("iam:ResourceTag/{key}"), vec![value.clone()]));
            let (policy, tags) = (Some(role.trust.clone()), role.tags.clone());
            Ok(Facts { policy, tags, context: context.collect(), ..unknown })
        })
    }
}

/// The role, where the request names one.
fn resource(role_arn: &str) -> &str {
    if RoleArn::parse(role_arn).is_some() { role_arn } else { "*" }
}

fn assume_role(cx: &Ctx, input: &AssumeRoleRequest) -> Vec<Need> {
    let caller = cx.principal.facts();
    let inherited = |key: &String| {
        let tags = caller.map(|facts| facts.tags.as_slice()).unwrap_or_default();
        tags.iter().find(|(given, _)| given.eq_ignore_ascii_case(key)).cloned()
    };
    let handed_on = caller.map(|facts| facts.transitive_tag_keys.as_slice()).unwrap_or_default();
    let mut tags = pairs(input.tags.as_deref());
    tags.extend(handed_on.iter().filter_map(inherited));
    let transitive: Vec<String> =
        input.transitive_tag_keys.iter().flatten().chain(handed_on).map(String::to_owned).collect();
    let source_identity =
        input.source_identity.clone().or_else(|| caller.and_then(|facts| facts.source_identity.clone()));

    let with_context = |action: &'static str| {
        let mut need = Need::new(action, resource(&input.role_arn))
            .with("sts:RoleSessionName", vec![input.role_session_name.clone()])
            .with_request_tags(tags.iter().map(|(key, value)| (key.as_str(), value.as_str())));
        if !transitive.is_empty() {
            need = need.with("sts:TransitiveTagKeys", transitive.clone());
        }
        for (key, value) in [("sts:ExternalId", &input.external_id), ("sts:SourceIdentity", &source_identity)] {
            if let Some(value) = value {
                need = need.with(key, vec![value.clone()]);
            }
        }
        // The code is checked before anything is minted: a call with a wrong one fails, whatever was allowed.
        if input.serial_number.is_some() && input.token_code.is_some() {
            need = need.with("aws:MultiFactorAuthPresent", vec!["true".to_owned()]);
            need = need.with("aws:MultiFactorAuthAge", vec!["0".to_owned()]);
        }
        need
    };
    let mut needs = vec![with_context("sts:AssumeRole")];
    if !tags.is_empty() {
        needs.push(with_context("sts:TagSession"));
    }
    if source_identity.is_some() {
        needs.push(with_context("sts:SetSourceIdentity"));
    }
    needs
}

fn federation_token(cx: &Ctx, input: &GetFederationTokenRequest) -> Vec<Need> {
    let account = cx.principal.account().unwrap_or(&cx.account);
    let federated = format!("arn:aws:sts::{account}:federated-user/{}", input.name);
    let tags = pairs(input.tags.as_deref());
    let with_tags = |action: &'static str| {
        Need::new(action, federated.as_str())
            .with_request_tags(tags.iter().map(|(key, value)| (key.as_str(), value.as_str())))
    };
    let mut needs = vec![with_tags("sts:GetFederationToken")];
    if !tags.is_empty() {
        needs.push(with_tags("sts:TagSession"));
    }
    needs
}

fn pairs(tags: Option<&[Tag]>) -> Vec<(String, String)> {
    tags.unwrap_or_default().iter().map(|tag| (tag.key.clone(), tag.value.clone())).collect()
}
