//! Records as answers show them.

use api::iam;
use wire::Timestamp;

use crate::documents::encoded;
use crate::managed::AwsPolicy;
use crate::names;
use crate::records::{Group, InstanceProfile, KeyOwner, ManagedPolicy, MfaDevice, PolicyUse, Role, Use, User};

/// How much of something an answer shows. AWS's answers differ: the API reference of the list operations says which
/// members they leave out, and recorded answers show the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// In the answer to its creation, and inside of other things.
    Brief,
    /// In lists.
    Listed,
    /// When it is asked for by name.
    Full,
}

/// A point in time.
pub fn at(seconds: i64) -> Timestamp {
    Timestamp { seconds, nanoseconds: 0 }
}

/// A permissions boundary.
pub fn boundary(arn: Option<&String>) -> Option<iam::AttachedPermissionsBoundary> {
    arn.map(|arn| iam::AttachedPermissionsBoundary {
        permissions_boundary_type: Some("Policy".to_owned()),
        permissions_boundary_arn: Some(arn.clone()),
    })
}

/// A user.
pub fn user(account: &str, user: &User, extent: Extent) -> iam::User {
    let full = extent == Extent::Full;
    iam::User {
        path: user.path.clone(),
        user_name: user.name.clone(),
        user_id: user.id.clone(),
        arn: user.arn(account),
        create_date: at(user.created),
        permissions_boundary: full.then(|| boundary(user.boundary.as_ref())).flatten(),
        tags: full.then(|| user.tags.list_if_any()).flatten(),
        ..Default::default()
    }
}

/// A group.
pub fn group(account: &str, group: &Group) -> iam::Group {
    iam::Group {
        path: group.path.clone(),
        group_name: group.name.clone(),
        group_id: group.id.clone(),
        arn: group.arn(account),
        create_date: at(group.created),
    }
}

/// A role. `used` is looked at for [`Extent::Full`] alone.
pub fn role(account: &str, role: &Role, extent: Extent, used: Option<Use>) -> iam::Role {
    let full = extent == Extent::Full;
    let told = extent != Extent::Brief;
    iam::Role {
        path: role.path.clone(),
        role_name: role.name.clone(),
        role_id: role.id.clone(),
        arn: role.arn(account),
        create_date: at(role.created),
        assume_role_policy_document: Some(encoded(&role.part.trust)),
        description: role.part.description.clone().filter(|_| told),
        max_session_duration: told.then_some(role.part.session_seconds_max),
        permissions_boundary: full.then(|| boundary(role.boundary.as_ref())).flatten(),
        tags: full.then(|| role.tags.list_if_any()).flatten(),
        role_last_used: full.then(|| role_use(used)),
        ..Default::default()
    }
}

/// When a role was last used; empty for one that never was.
pub fn role_use(used: Option<Use>) -> iam::RoleLastUsed {
    match used {
        Some(used) => iam::RoleLastUsed { last_used_date: Some(at(used.at)), region: Some(used.region) },
        None => iam::RoleLastUsed::default(),
    }
}

/// A customer managed policy.
pub fn policy(account: &str, policy: &ManagedPolicy, used: PolicyUse, extent: Extent) -> iam::Policy {
    let full = extent == Extent::Full;
    iam::Policy {
        policy_name: Some(policy.name.clone()),
        policy_id: Some(policy.id.clone()),
        arn: Some(policy.arn(account)),
        path: Some(policy.path.clone()),
        default_version_id: Some(version_id(policy.default_version)),
        attachment_count: Some(count(used.attachments)),
        permissions_boundary_usage_count: Some(count(used.boundaries)),
        is_attachable: Some(true),
        description: policy.description.clone().filter(|_| full),
        create_date: Some(at(policy.created)),
        update_date: Some(at(policy.updated)),
        tags: full.then(|| policy.tags.list()),
    }
}

/// One of AWS's managed policies.
pub fn aws_policy(policy: &AwsPolicy, used: PolicyUse, extent: Extent) -> iam::Policy {
    let full = extent == Extent::Full;
    iam::Policy {
        policy_name: Some(policy.name.to_owned()),
        policy_id: Some(policy.id()),
        arn: Some(policy.arn()),
        path: Some(policy.path.to_owned()),
        default_version_id: Some(policy.version.to_owned()),
        attachment_count: Some(count(used.attachments)),
        permissions_boundary_usage_count: Some(count(used.boundaries)),
        is_attachable: Some(true),
        description: policy.description.filter(|_| full).map(str::to_owned),
        create_date: Some(at(policy.created)),
        update_date: Some(at(policy.updated)),
        tags: full.then(Vec::new),
    }
}

/// `v1`, `v2`, …
pub fn version_id(version: u32) -> String {
    format!("v{version}")
}

/// The number in a version's id; `None` for one that no policy of ours has.
pub fn read_version_id(id: &str) -> Option<u32> {
    id.strip_prefix('v')?.parse().ok()
}

/// A number of things, which quotas keep small.
pub fn count(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

/// A managed policy as it is attached.
pub fn attached_policy(arn: &str) -> iam::AttachedPolicy {
    let name = arn.rsplit('/').next().unwrap_or_default();
    iam::AttachedPolicy { policy_name: Some(name.to_owned()), policy_arn: Some(arn.to_owned()) }
}

/// An instance profile with its roles.
pub fn instance_profile(account: &str, profile: &InstanceProfile, roles: &[Role], full: bool) -> iam::InstanceProfile {
    iam::InstanceProfile {
        path: profile.path.clone(),
        instance_profile_name: profile.name.clone(),
        instance_profile_id: profile.id.clone(),
        arn: names::arn(account, "instance-profile", &profile.path, &profile.name),
        create_date: at(profile.created),
        roles: roles.iter().map(|one| role(account, one, Extent::Brief, None)).collect(),
        tags: full.then(|| profile.tags.list()),
    }
}

/// An MFA device in use.
pub fn mfa_device(device: &MfaDevice, user_name: &str) -> Option<iam::MFADevice> {
    let (_, since) = device.enabled.as_ref()?;
    Some(iam::MFADevice {
        user_name: user_name.to_owned(),
        serial_number: device.serial_number.clone(),
        enable_date: at(*since),
    })
}

/// The user that owns something; `None` for the root.
pub fn owner_id(owner: &KeyOwner) -> Option<&str> {
    match owner {
        KeyOwner::Root => None,
        KeyOwner::User(id) => Some(id),
    }
}
