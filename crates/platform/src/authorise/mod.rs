//! The authorisation stage that every call passes, from outside or from another service.
//!
//! A service's [`Guard`](crate::Guard) says which permissions a call needs; each is decided by the policy engine from the
//! caller's policies, the resource's policy and the condition keys. What the guard does not know is the account root's
//! alone. Everything refused is recorded for `/_traca/denials`, everything allowed for `/_traca/access`.

mod caller;
mod conditions;
mod denial;
mod documents;
mod internal;
mod keys;
#[cfg(test)]
mod tests;

use policy::{Authority, Policies, Request, Verdict};
use wire::Error;
use wire::codec::Structure;

use crate::access::Refusal;
use crate::config::{Enforcement, Mode};
use crate::context::Ctx;
use crate::guard::{Facts, Need};
use crate::principal::Principal;

use caller::Subject;

pub(crate) use denial::layer_name;
pub use documents::Documents;

/// The permission to hand a role to a service.
const PASS_ROLE: &str = "iam:PassRole";

/// What the caller needs to be allowed for this call, as the service says.
pub(crate) fn needs(cx: &Ctx, input: &dyn Structure) -> Vec<Need> {
    if cx.operation.unsigned || cx.operation.always_allowed {
        return Vec::new();
    }
    cx.platform.services().guard(cx.service).map(|guard| guard.needs(cx, input)).unwrap_or_default()
}

/// Lets a call pass or refuses it. What AWS leaves unsigned is open to all, what no policy can withhold to everyone who
/// is identified.
///
/// # Errors
/// The denial, in the words and codes of the service; the failure of a look-up.
pub(crate) async fn authorise(cx: &Ctx, needs: Vec<Need>) -> Result<(), Error> {
    let is_anonymous = cx.principal == Principal::Anonymous;
    if cx.operation.unsigned || (cx.operation.always_allowed && !is_anonymous) {
        return Ok(());
    }
    if is_anonymous && !cx.origin.is_data_plane && !denial::admits_anonymous(cx.service) {
        return Err(denial::missing_credentials(cx));
    }
    if needs.is_empty() {
        let guard = cx.platform.services().guard(cx.service);
        let is_mapped = guard.is_some_and(|guard| guard.is_decided_by_handler(cx));
        return if is_mapped { Ok(()) } else { authorise_unmapped(cx) };
    }
    let subject = Subject::of(cx).await?;
    for need in &needs {
        authorise_need(cx, &subject, need).await?;
    }
    Ok(())
}

/// An operation of which nobody has said what it needs.
fn authorise_unmapped(cx: &Ctx) -> Result<(), Error> {
    if cx.principal.acts_as_root() && cx.principal.account() == Some(&cx.account) {
        return Ok(());
    }
    let action = cx.operation.actions.first().copied().unwrap_or(cx.operation.name);
    let refusal = Refusal { cx, action, resource: "*", denial: None, context: Vec::new() };
    refuse(cx, refusal, || denial::unmapped(cx, action))
}

async fn authorise_need(cx: &Ctx, subject: &Subject, need: &Need) -> Result<(), Error> {
    let facts = facts(cx, need).await?;
    let resource = facts.resource.as_deref().unwrap_or(&need.resource);
    let owner = facts.owner.as_deref().or_else(|| account_of(resource)).unwrap_or(&cx.account);
    if is_plainly_allowed(cx, need, &facts, owner) || hands_on_freely(cx, need) {
        cx.platform.access.allowed(&cx.principal, need.action, resource);
        return Ok(());
    }
    let compiled = facts.policy.as_ref().map(|text| cx.platform.documents.of_resource(text, resource));
    let context = conditions::gather(cx, subject, need, &facts, owner);
    let request = Request {
        caller: subject.caller(cx),
        action: need.action,
        resource,
        resource_account: owner,
        context: &context,
    };
    let policies = Policies {
        identity: subject.identity(),
        boundary: subject.boundary(),
        session: subject.session(),
        resource: compiled.as_ref(),
        authority: facts.authority,
        granted: facts.granted,
    };
    match policy::decide(&request, &policies) {
        Verdict::Allowed(_) => {
            cx.platform.access.allowed(&cx.principal, need.action, resource);
            Ok(())
        }
        Verdict::Denied(denied) => {
            let context =
                context.iter().map(|(key, values)| (key.to_owned(), values.iter().map(str::to_owned).collect()));
            let context = context.collect();
            let refusal = Refusal { cx, action: need.action, resource, denial: Some(&denied), context };
            refuse(cx, refusal, || denial::error(cx, need.action, resource, owner, &denied))
        }
    }
}

/// What is known of a need's resource. Roles that are handed on are known to IAM, whatever service they are handed to.
async fn facts(cx: &Ctx, need: &Need) -> Result<Facts, Error> {
    if need.action == PASS_ROLE {
        return passed_role(cx, &need.resource).await;
    }
    match cx.platform.services().guard(cx.service) {
        Some(guard) => guard.facts(cx, need).await,
        None => Ok(Facts::default()),
    }
}

async fn passed_role(cx: &Ctx, arn: &str) -> Result<Facts, Error> {
    let account_and_path = arn.strip_prefix("arn:aws:iam::").and_then(|rest| rest.split_once(":role/"));
    let Some((account, path)) = account_and_path else { return Ok(Facts::default()) };
    let name = path.rsplit('/').next().unwrap_or(path);
    let role = cx.platform.directory().role(account, name).await?;
    let tags = role.filter(|role| role.arn == arn).map(|role| role.tags.clone()).unwrap_or_default();
    let context = tags.iter().map(|(key, value)| (format!("iam:ResourceTag/{key}"), vec![value.clone()])).collect();
    Ok(Facts { tags, context, ..Facts::default() })
}

/// The root of the account that owns the resource needs no policy, where there is none that could be against it; nor does
/// a service for what it does of its own accord.
fn is_plainly_allowed(cx: &Ctx, need: &Need, facts: &Facts, owner: &str) -> bool {
    if cx.principal.account() != Some(owner) || facts.policy.is_some() {
        return false;
    }
    match &cx.principal {
        Principal::Service { name, .. } => internal::is_internal(name, need.action, &need.resource),
        principal => principal.acts_as_root() && facts.authority == Authority::Either,
    }
}

/// In open mode an account root may name any role: scripts for emulators invent them, accounts included.
fn hands_on_freely(cx: &Ctx, need: &Need) -> bool {
    cx.platform.config.mode == Mode::Open && cx.principal.acts_as_root() && need.action == PASS_ROLE
}

/// Records a denial, and refuses unless denials are only to be recorded.
fn refuse(cx: &Ctx, refusal: Refusal<'_>, error: impl FnOnce() -> Error) -> Result<(), Error> {
    let passes = cx.platform.config.enforcement == Enforcement::Audit && cx.principal != Principal::Anonymous;
    if passes {
        cx.platform.access.allowed(&cx.principal, refusal.action, refusal.resource);
    }
    cx.platform.access.denied(refusal, passes);
    if passes { Ok(()) } else { Err(error()) }
}

/// The account in an ARN; `None` where it names none.
fn account_of(arn: &str) -> Option<&str> {
    let account = arn.strip_prefix("arn:")?.split(':').nth(3)?;
    (account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit())).then_some(account)
}
