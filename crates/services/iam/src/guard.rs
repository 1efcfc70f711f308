//! What callers of IAM need to be allowed.
//!
//! A request names a user by its name, a policy by its ARN; policies of callers name users by ARNs with paths. A need
//! says what the request says, and the facts fill in the path.

use std::sync::Arc;

use platform::guard::Members;
use platform::{Ctx, Facts, FactsFuture, Guard, Need, Principal};
use store::Snapshot;
use wire::Error;
use wire::codec::Structure;

use crate::keys;
use crate::names;
use crate::operations::service_linked;
use crate::records::{
    AccessKey, Group, Identity, InstanceProfile, ManagedPolicy, MfaDevice, OidcProvider, Part, Role, SamlProvider,
    User, UserPart,
};
use crate::rows;
use crate::service::Iam;
use crate::tags::Tags;
use crate::view;

/// Says that the need's ARN is that of something which is still to be made, and so is whole.
const NEW_RESOURCE: &str = "traca:NewResource";

/// The service whose machines take roles from instance profiles.
const EC2: &str = "ec2.amazonaws.com";

/// Operations whose user may be left out: it is the caller then.
const OF_ONESELF: &[&str] = &[
    "ChangePassword",
    "CreateAccessKey",
    "CreateLoginProfile",
    "DeactivateMFADevice",
    "DeleteAccessKey",
    "DeleteLoginProfile",
    "GetLoginProfile",
    "GetMFADevice",
    "GetUser",
    "ListAccessKeys",
    "ListMFADevices",
    "UpdateAccessKey",
];

/// Members that name what an operation is about, in the order in which they are looked for, and what they name.
const NAMED_BY: &[(&str, &str)] =
    &[("GroupName", "group"), ("InstanceProfileName", "instance-profile"), ("UserName", "user"), ("RoleName", "role")];

/// Members that hold the ARN of what an operation is about.
const ARNS: &[&str] =
    &["PolicyArn", "OpenIDConnectProviderArn", "SAMLProviderArn", "SerialNumber", "PolicySourceArn", "Arn"];

/// Listings that go by a path, and of what.
const LISTINGS: &[(&str, &str)] = &[
    ("ListGroups", "group"),
    ("ListInstanceProfiles", "instance-profile"),
    ("ListRoles", "role"),
    ("ListUsers", "user"),
];

/// The permissions of IAM.
pub struct IamGuard(Arc<Iam>);

impl IamGuard {
    /// Over the service's rows.
    pub fn new(service: Arc<Iam>) -> IamGuard {
        IamGuard(service)
    }
}

impl Guard for IamGuard {
    fn needs(&self, cx: &Ctx, input: &dyn Structure) -> Vec<Need> {
        let members = Members(input);
        let (resource, is_new) = resource(cx, members);
        let mut needs = Need::of_operation(cx, &resource);
        for need in &mut needs {
            *need = with_conditions(std::mem::replace(need, Need::new("", "")), members);
            if is_new {
                need.context.push((NEW_RESOURCE.to_owned(), vec!["true".to_owned()]));
            }
        }
        if let Some(target) = target(cx, members) {
            let moved = Need::of_operation(cx, &target).into_iter();
            needs.extend(moved.map(|need| need.with(NEW_RESOURCE, vec!["true".to_owned()])));
        }
        if cx.operation.name == "AddRoleToInstanceProfile" {
            let role = members.text("RoleName").unwrap_or_default();
            let need = Need::new("iam:PassRole", names::arn(&cx.account, "role", "/", &role));
            needs.push(need.with("iam:PassedToService", vec![EC2.to_owned()]));
        }
        needs
    }

    fn facts<'a>(&'a self, cx: &'a Ctx, need: &'a Need) -> FactsFuture<'a> {
        Box::pin(async move {
            if need.context.iter().any(|(key, _)| key == NEW_RESOURCE) {
                return Ok(Facts::default());
            }
            let Some((owner, resource)) = names::split_arn(&need.resource) else { return Ok(Facts::default()) };
            if owner != cx.account {
                return Ok(Facts::default());
            }
            let snapshot = self.0.snapshot().await?;
            let found = look_up(&snapshot, owner, resource, &need.resource).await?;
            Ok(found.unwrap_or_default())
        })
    }
}

/// What the operation is about, and whether it is still to be made.
fn resource(cx: &Ctx, members: Members<'_>) -> (String, bool) {
    let operation = cx.operation.name;
    let named = |kind: &str, name: &str| names::arn(&cx.account, kind, "/", name);
    if let Some((_, kind)) = LISTINGS.iter().find(|(listing, _)| *listing == operation) {
        let prefix = members.text("PathPrefix").unwrap_or_else(|| "/".to_owned());
        return (names::arn(&cx.account, kind, &prefix, ""), true);
    }
    if let Some(made) = made(cx, members) {
        return (made, true);
    }
    match operation {
        "GetAccessKeyLastUsed" => {
            return (named("access-key", &members.text("AccessKeyId").unwrap_or_default()), false);
        }
        "GetServiceLinkedRoleDeletionStatus" => {
            let task = members.text("DeletionTaskId").unwrap_or_default();
            let role = service_linked::role_of_task(&task).map_or("*".to_owned(), |role| named("role", role));
            return (role, false);
        }
        _ => {}
    }
    for (member, kind) in NAMED_BY {
        if let Some(name) = members.text(member) {
            return (named(kind, &name), false);
        }
    }
    if OF_ONESELF.contains(&operation) {
        return (oneself(cx), false);
    }
    for member in ARNS {
        if let Some(arn) = members.text(member) {
            return (arn, false);
        }
    }
    ("*".to_owned(), false)
}

/// The ARN of what an operation makes.
fn made(cx: &Ctx, members: Members<'_>) -> Option<String> {
    let (kind, member) = match cx.operation.name {
        "CreateGroup" => ("group", "GroupName"),
        "CreateInstanceProfile" => ("instance-profile", "InstanceProfileName"),
        "CreatePolicy" => ("policy", "PolicyName"),
        "CreateRole" => ("role", "RoleName"),
        "CreateSAMLProvider" => ("saml-provider", "Name"),
        "CreateUser" => ("user", "UserName"),
        "CreateVirtualMFADevice" => ("mfa", "VirtualMFADeviceName"),
        "CreateOpenIDConnectProvider" => {
            let url = members.text("Url").unwrap_or_default();
            let url = url.split_once("://").map_or(url.as_str(), |(_, rest)| rest);
            return Some(names::arn(&cx.account, "oidc-provider", "/", url));
        }
        "CreateServiceLinkedRole" => {
            let service = members.text("AWSServiceName").unwrap_or_default();
            let suffix = members.text("CustomSuffix");
            let role = service_linked::role_name(&service, suffix.as_deref()).unwrap_or_else(|| "*".to_owned());
            return Some(names::arn(&cx.account, "role", &service_linked::path(&service), &role));
        }
        _ => return None,
    };
    let path = members.text("Path").unwrap_or_else(|| "/".to_owned());
    Some(names::arn(&cx.account, kind, &path, &members.text(member).unwrap_or_default()))
}

/// The ARN that a user or group is moved to. API reference of UpdateUser and UpdateGroup: both have to be allowed.
fn target(cx: &Ctx, members: Members<'_>) -> Option<String> {
    let (kind, old, new) = match cx.operation.name {
        "UpdateUser" => ("user", "UserName", "NewUserName"),
        "UpdateGroup" => ("group", "GroupName", "NewGroupName"),
        _ => return None,
    };
    let name = members.text(new).or_else(|| members.text(old))?;
    let path = members.text("NewPath").unwrap_or_else(|| "/".to_owned());
    Some(names::arn(&cx.account, kind, &path, &name))
}

/// The caller as a resource.
fn oneself(cx: &Ctx) -> String {
    match &cx.principal {
        Principal::User { .. } | Principal::Root { .. } => cx.principal.arn(),
        _ => "*".to_owned(),
    }
}

/// The condition keys that the request sets.
fn with_conditions(mut need: Need, members: Members<'_>) -> Need {
    let tags = members.tags("Tags");
    need = need.with_request_tags(tags.iter().map(|(key, value)| (key.as_str(), value.as_str())));
    let removed = members.texts("TagKeys");
    if !removed.is_empty() {
        need = need.with("aws:TagKeys", removed);
    }
    let attaches = need.action.contains(":Attach") || need.action.contains(":Detach");
    if let Some(arn) = members.text("PolicyArn").filter(|_| attaches) {
        need = need.with("iam:PolicyARN", vec![arn]);
    }
    if let Some(arn) = members.text("PermissionsBoundary") {
        need = need.with("iam:PermissionsBoundary", vec![arn]);
    }
    if let Some(service) = members.text("AWSServiceName") {
        need = need.with("iam:AWSServiceName", vec![service]);
    }
    need
}

/// What is known of the resource of an ARN: `resource` is what follows the account in it.
async fn look_up(snapshot: &Snapshot, account: &str, resource: &str, arn: &str) -> Result<Option<Facts>, Error> {
    let (kind, _) = resource.split_once('/').unwrap_or((resource, ""));
    let name = resource.rsplit('/').next().unwrap_or_default();
    let facts = match kind {
        "user" => rows::find_identity(snapshot, account, name).await?.map(|user: User| of(account, &user)),
        "group" => rows::find_identity(snapshot, account, name).await?.map(|group: Group| of(account, &group)),
        "role" => rows::find_identity(snapshot, account, name).await?.map(|role: Role| of(account, &role)),
        "access-key" => {
            let key: Option<AccessKey> = rows::get(snapshot, &keys::access_key(name)).await?;
            let owner = key.filter(|key| key.account == account);
            match owner.as_ref().and_then(|key| view::owner_id(&key.owner)) {
                Some(id) => rows::find_by_id::<UserPart>(snapshot, account, id).await?.map(|user| of(account, &user)),
                None => None,
            }
        }
        "policy" => {
            rows::get_policy(snapshot, account, arn).await?.map(|policy: ManagedPolicy| tagged(&policy.tags, None))
        }
        "instance-profile" => {
            let found: Option<InstanceProfile> = rows::get(snapshot, &keys::instance_profile(account, name)).await?;
            let found = found.filter(|profile| profile.name == name);
            found.map(|profile| tagged(&profile.tags, Some(names::arn(account, kind, &profile.path, &profile.name))))
        }
        "mfa" => {
            let found: Option<MfaDevice> = rows::get(snapshot, &keys::mfa_device(account, arn)).await?;
            found.map(|device| tagged(&device.tags, None))
        }
        "oidc-provider" => {
            let url = resource.split_once('/').map_or("", |(_, url)| url);
            let found: Option<OidcProvider> = rows::get(snapshot, &keys::oidc_provider(account, url)).await?;
            found.map(|provider| tagged(&provider.tags, None))
        }
        "saml-provider" => {
            let found: Option<SamlProvider> = rows::get(snapshot, &keys::saml_provider(account, name)).await?;
            found.map(|provider| tagged(&provider.tags, None))
        }
        _ => None,
    };
    Ok(facts)
}

fn tagged(tags: &Tags, resource: Option<String>) -> Facts {
    Facts { resource, tags: tags.pairs(), ..Facts::default() }
}

fn of<P: Part>(account: &str, identity: &Identity<P>) -> Facts {
    let mut facts = tagged(&identity.tags, Some(identity.arn(account)));
    let tags = facts.tags.iter().map(|(key, value)| (format!("iam:ResourceTag/{key}"), vec![value.clone()]));
    facts.context = tags.collect();
    if let Some(arn) = &identity.boundary {
        facts.context.push(("iam:PermissionsBoundary".to_owned(), vec![arn.clone()]));
    }
    facts
}
