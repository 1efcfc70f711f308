//! Everything an account's identities may do, in one listing.

use api::iam::{
    AttachedPolicy, GetAccountAuthorizationDetailsRequest, GetAccountAuthorizationDetailsResponse, GroupDetail,
    ManagedPolicyDetail, Policy, PolicyDetail, PolicyVersion, RoleDetail, UserDetail,
};
use platform::Ctx;
use serde::de::DeserializeOwned;
use store::Snapshot;
use store::keys::Key;
use wire::Error;

use super::{inline, instance_profiles, policies, policy_versions};
use crate::documents::encoded;
use crate::errors;
use crate::keys;
use crate::managed;
use crate::paging::{Page, encode};
use crate::records::{Group, Identity, InstanceProfile, Kind, ManagedPolicy, Part, PolicyUse, Role, User};
use crate::rows;
use crate::service::Iam;
use crate::view;

/// The parts of the listing, in their order; a marker says how far it went in which of them.
const SECTIONS: [&str; 5] = ["User", "Group", "Role", "LocalManagedPolicy", "AWSManagedPolicy"];

/// A listing being filled.
struct Listing<'a> {
    service: &'a Iam,
    account: &'a str,
    snapshot: Snapshot,
    left: usize,
    answer: GetAccountAuthorizationDetailsResponse,
}

/// Lists users, groups, roles and policies with all that hangs on them.
pub async fn get_account_authorization_details(
    service: &Iam,
    cx: &Ctx,
    input: GetAccountAuthorizationDetailsRequest,
) -> Result<GetAccountAuthorizationDetailsResponse, Error> {
    let page = Page::of(input.marker.as_deref(), input.max_items)?;
    let (first, mut after) = match &page.after {
        None => (0, None),
        Some(marker) => {
            let (section, name) = marker.split_once(':').unwrap_or_default();
            let section = section.parse().ok().filter(|section| *section < SECTIONS.len());
            let section: usize = section.ok_or_else(|| errors::invalid("Invalid Marker."))?;
            (section, Some(name.to_owned()))
        }
    };
    let filter = input.filter.unwrap_or_default();
    let wanted = |section: &str| filter.is_empty() || filter.iter().any(|wanted| wanted == section);
    let mut listing = Listing {
        service,
        account: &cx.account,
        snapshot: service.snapshot().await?,
        left: page.items_max,
        answer: GetAccountAuthorizationDetailsResponse {
            user_detail_list: Some(Vec::new()),
            group_detail_list: Some(Vec::new()),
            role_detail_list: Some(Vec::new()),
            policies: Some(Vec::new()),
            is_truncated: Some(false),
            marker: None,
        },
    };
    for (index, section) in SECTIONS.iter().enumerate().skip(first) {
        if !wanted(section) {
            continue;
        }
        if let Some(name) = listing.fill(index, after.take().unwrap_or_default()).await? {
            listing.answer.is_truncated = Some(true);
            listing.answer.marker = Some(encode(&format!("{index}:{name}")));
            break;
        }
    }
    Ok(listing.answer)
}

impl Listing<'_> {
    /// Adds what a section has behind `after`. Answers the last name if there is more.
    async fn fill(&mut self, section: usize, after: String) -> Result<Option<String>, Error> {
        match section {
            0 => self.users(after).await,
            1 => self.groups(after).await,
            2 => self.roles(after).await,
            3 => self.policies(after).await,
            _ => self.aws_policies(&after).await,
        }
    }

    /// The records of a section that still fit, and the last name if there is more.
    async fn records<T: DeserializeOwned>(
        &mut self,
        prefix: &Key,
        after: String,
        name: impl Fn(&T) -> &str,
    ) -> Result<(Vec<T>, Option<String>), Error> {
        // One more than fits, so that a full page of the last section is known to be the end.
        let page = Page { after: (!after.is_empty()).then(|| after.clone()), items_max: self.left + 1 };
        let mut found = rows::page(&self.snapshot, prefix, &page, |_: &T| true).await?.items;
        let more = found.len() > self.left;
        found.truncate(self.left);
        self.left -= found.len();
        let last = found.last().map_or(after, |last| name(last).to_ascii_lowercase());
        Ok((found, more.then_some(last)))
    }

    async fn users(&mut self, after: String) -> Result<Option<String>, Error> {
        let prefix = keys::identities(self.account, Kind::User);
        let (users, more) = self.records(&prefix, after, |user: &User| user.name.as_str()).await?;
        for user in users {
            let groups = rows::groups_of(&self.snapshot, self.account, &user).await?;
            let detail = UserDetail {
                arn: Some(user.arn(self.account)),
                create_date: Some(view::at(user.created)),
                user_policy_list: self.inline(&user).await?,
                group_list: Some(groups.into_iter().map(|group| group.name).collect()),
                attached_managed_policies: Some(attached(&user)),
                permissions_boundary: view::boundary(user.boundary.as_ref()),
                tags: user.tags.list_if_any(),
                path: Some(user.path),
                user_name: Some(user.name),
                user_id: Some(user.id),
            };
            self.answer.user_detail_list.get_or_insert_default().push(detail);
        }
        Ok(more)
    }

    async fn groups(&mut self, after: String) -> Result<Option<String>, Error> {
        let prefix = keys::identities(self.account, Kind::Group);
        let (groups, more) = self.records(&prefix, after, |group: &Group| group.name.as_str()).await?;
        for group in groups {
            let detail = GroupDetail {
                arn: Some(group.arn(self.account)),
                create_date: Some(view::at(group.created)),
                group_policy_list: Some(self.inline(&group).await?.unwrap_or_default()),
                attached_managed_policies: Some(attached(&group)),
                path: Some(group.path),
                group_name: Some(group.name),
                group_id: Some(group.id),
            };
            self.answer.group_detail_list.get_or_insert_default().push(detail);
        }
        Ok(more)
    }

    async fn roles(&mut self, after: String) -> Result<Option<String>, Error> {
        let prefix = keys::identities(self.account, Kind::Role);
        let (roles, more) = self.records(&prefix, after, |role: &Role| role.name.as_str()).await?;
        for role in roles {
            let used = self.service.last_use(&keys::role_use(self.account, &role.id)).await?;
            let detail = RoleDetail {
                arn: Some(role.arn(self.account)),
                create_date: Some(view::at(role.created)),
                assume_role_policy_document: Some(encoded(&role.part.trust)),
                instance_profile_list: Some(self.instance_profiles(&role).await?),
                role_policy_list: Some(self.inline(&role).await?.unwrap_or_default()),
                attached_managed_policies: Some(attached(&role)),
                permissions_boundary: view::boundary(role.boundary.as_ref()),
                tags: role.tags.list_if_any(),
                role_last_used: Some(view::role_use(used)),
                path: Some(role.path),
                role_name: Some(role.name),
                role_id: Some(role.id),
            };
            self.answer.role_detail_list.get_or_insert_default().push(detail);
        }
        Ok(more)
    }

    async fn policies(&mut self, after: String) -> Result<Option<String>, Error> {
        let prefix = keys::policies(self.account);
        let (policies, more) = self.records(&prefix, after, |policy: &ManagedPolicy| policy.name.as_str()).await?;
        for policy in policies {
            let mut versions = policy_versions::versions(&policy);
            for version in &mut versions {
                let number = version.version_id.as_deref().and_then(view::read_version_id).unwrap_or_default();
                let document = self.service.version_document(&self.snapshot, self.account, &policy, number).await?;
                version.document = Some(encoded(&document));
            }
            let used = self.policy_use(&policy.arn(self.account)).await?;
            let shown = view::policy(self.account, &policy, used, view::Extent::Full);
            self.answer.policies.get_or_insert_default().push(policy_detail(shown, versions));
        }
        Ok(more)
    }

    /// Those of AWS's policies that are used in the account.
    async fn aws_policies(&mut self, after: &str) -> Result<Option<String>, Error> {
        let uses = policies::uses(&self.snapshot, self.account).await?;
        let mut last = after;
        for policy in managed::all().iter().filter(|policy| policy.name > after) {
            let Some(used) = uses.get(&policy.arn()) else { continue };
            if self.left == 0 {
                return Ok(Some(last.to_owned()));
            }
            (self.left, last) = (self.left - 1, policy.name);
            let shown = view::aws_policy(policy, *used, view::Extent::Full);
            let versions = vec![policy_versions::aws_version(policy)];
            self.answer.policies.get_or_insert_default().push(policy_detail(shown, versions));
        }
        Ok(None)
    }

    /// The inline policies of an identity; `None` if it has none.
    async fn inline<P: Part>(&self, identity: &Identity<P>) -> Result<Option<Vec<PolicyDetail>>, Error> {
        let mut details = Vec::with_capacity(identity.inline.len());
        for name in identity.inline.keys() {
            let document = inline::document(&self.snapshot, self.account, identity, name).await?;
            let policy_document = Some(encoded(&document));
            details.push(PolicyDetail { policy_name: Some(name.clone()), policy_document });
        }
        Ok((!details.is_empty()).then_some(details))
    }

    async fn instance_profiles(&self, role: &Role) -> Result<Vec<api::iam::InstanceProfile>, Error> {
        let prefix = keys::role_profiles(self.account, &role.name);
        let mut profiles = Vec::new();
        for (_, name) in rows::all::<String>(&self.snapshot, &prefix).await? {
            let key = keys::instance_profile(self.account, &name);
            if let Some(profile) = rows::get::<InstanceProfile>(&self.snapshot, &key).await? {
                profiles.push(instance_profiles::shown(&self.snapshot, self.account, &profile, false).await?);
            }
        }
        Ok(profiles)
    }

    async fn policy_use(&self, arn: &str) -> Result<PolicyUse, Error> {
        Ok(rows::get(&self.snapshot, &keys::policy_use(self.account, arn)).await?.unwrap_or_default())
    }
}

fn attached<P: Part>(identity: &Identity<P>) -> Vec<AttachedPolicy> {
    identity.attached.iter().map(|arn| view::attached_policy(arn)).collect()
}

fn policy_detail(policy: Policy, versions: Vec<PolicyVersion>) -> ManagedPolicyDetail {
    ManagedPolicyDetail {
        policy_name: policy.policy_name,
        policy_id: policy.policy_id,
        arn: policy.arn,
        path: policy.path,
        default_version_id: policy.default_version_id,
        attachment_count: policy.attachment_count,
        permissions_boundary_usage_count: policy.permissions_boundary_usage_count,
        is_attachable: policy.is_attachable,
        description: policy.description,
        create_date: policy.create_date,
        update_date: policy.update_date,
        policy_version_list: Some(versions),
    }
}
