//! Who asks, with all policies that speak for or against it.

use std::sync::{Arc, LazyLock};

use policy::{Caller, Kind, NamedPolicy, Policy};
use wire::Error;

use crate::context::Ctx;
use crate::directory::Permissions;
use crate::principal::{Principal, SessionFacts};

/// What a federated user whom the root has asked for may do before its session policies narrow it.
static EVERYTHING: LazyLock<Vec<NamedPolicy>> = LazyLock::new(|| {
    let text = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;
    let policy = Policy::parse(text, Kind::Identity).expect("the document is constant and valid");
    vec![NamedPolicy { name: Arc::from("account root"), policy: Arc::new(policy) }]
});

/// A caller and its policies.
pub(super) struct Subject {
    /// As STS spells it.
    pub arn: String,
    /// `aws:PrincipalArn`.
    pub identity_arn: String,
    /// `aws:userid`.
    pub user_id: String,
    /// Who a federated user's credentials were made for.
    creator: Option<(String, String)>,
    permissions: Option<Arc<Permissions>>,
    session: Option<Vec<NamedPolicy>>,
    has_everything: bool,
}

impl Subject {
    /// Looks up the caller's policies.
    pub async fn of(cx: &Ctx) -> Result<Subject, Error> {
        let principal = &cx.principal;
        let creator = match principal {
            Principal::FederatedUser { creator, .. } => Some(creator.as_ref()),
            _ => None,
        };
        let holder = creator.unwrap_or(principal);
        let has_policies =
            matches!(holder, Principal::User { .. } | Principal::Session { .. }) && !holder.acts_as_root();
        let permissions = if has_policies { cx.platform.directory().permissions(holder).await? } else { None };
        if let (Principal::Session { account, role_id, .. }, true) = (holder, permissions.is_some()) {
            cx.platform.directory().role_used(account, role_id, cx.service.signing_name, &cx.region);
        }
        let session = match principal.facts() {
            Some(facts) => session_policies(cx, facts, creator.is_some()).await?,
            None => None,
        };
        Ok(Subject {
            arn: principal.arn(),
            identity_arn: principal.identity_arn(),
            user_id: principal.user_id(),
            creator: creator.map(|creator| (creator.arn(), creator.user_id())),
            permissions,
            session,
            has_everything: creator.is_some_and(Principal::acts_as_root),
        })
    }

    /// The caller as policies see it.
    pub fn caller<'a>(&'a self, cx: &'a Ctx) -> Caller<'a> {
        let arn = &self.arn;
        match &cx.principal {
            Principal::Anonymous => Caller::Anonymous,
            principal if principal.acts_as_root() => {
                Caller::Root { account: principal.account().unwrap_or(&cx.account) }
            }
            Principal::Root { account } => Caller::Root { account },
            Principal::User { account, user_id, .. } => Caller::User { account, arn, id: user_id },
            Principal::Session { account, role_id, .. } => {
                Caller::Session { account, arn, role_arn: &self.identity_arn, role_id, id: &self.user_id }
            }
            Principal::FederatedUser { account, .. } => {
                let (user_arn, user_id) =
                    self.creator.as_ref().map_or((arn.as_str(), account.as_str()), |(arn, id)| (arn, id));
                Caller::FederatedUser { account, arn, user_arn, user_id }
            }
            Principal::Service { name, .. } => Caller::Service { name },
        }
    }

    /// Policies of the user and its groups, or of the role. Somebody who does not exist any more has none.
    pub fn identity(&self) -> &[NamedPolicy] {
        match &self.permissions {
            Some(permissions) => &permissions.policies,
            None if self.has_everything => &EVERYTHING,
            None => &[],
        }
    }

    /// The permissions boundary.
    pub fn boundary(&self) -> Option<&NamedPolicy> {
        self.permissions.as_ref()?.boundary.as_ref()
    }

    /// The session's own policies; `None` if it has none.
    pub fn session(&self) -> Option<&[NamedPolicy]> {
        self.session.as_deref()
    }

    /// Tags of the user or role, without those of the session.
    pub fn tags(&self) -> &[(String, String)] {
        self.permissions.as_ref().map_or(&[], |permissions| &permissions.tags)
    }
}

/// The policies that were handed over when the session began. One that does not exist any more allows nothing.
async fn session_policies(
    cx: &Ctx,
    facts: &SessionFacts,
    is_always_limited: bool,
) -> Result<Option<Vec<NamedPolicy>>, Error> {
    if facts.policy.is_none() && facts.policy_arns.is_empty() && !is_always_limited {
        return Ok(None);
    }
    let mut policies = Vec::new();
    policies.extend(facts.policy.as_deref().map(|text| cx.platform.documents.of_session(text)));
    for arn in &facts.policy_arns {
        policies.extend(cx.platform.directory().managed_policy(arn).await?);
    }
    Ok(Some(policies))
}
