//! Grants: who has which permission on a bucket or an object (S3 User Guide, "Access control list (ACL) overview").

use api::s3::{AccessControlPolicy, Grant as ListedGrant, Grantee as ListedGrantee, errors as s3_errors};
use platform::Principal;
use serde::{Deserialize, Serialize};
use wire::Error;

use crate::bucket::canonical_id;
use crate::errors;
use crate::limits::GRANTS_MAX;

/// A permission for somebody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// Who has it.
    pub grantee: Grantee,
    /// What for.
    pub permission: Permission,
}

/// Who has a permission.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Grantee {
    /// An account, by its canonical id.
    Account(String),
    /// Everybody.
    AllUsers,
    /// Everybody with credentials of any account.
    AuthenticatedUsers,
    /// The service that delivers access logs.
    LogDelivery,
}

/// A permission.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Permission {
    /// All of them.
    FullControl,
    /// To read the object, or to list the bucket.
    Read,
    /// To add objects to the bucket.
    Write,
    /// To read the grants.
    ReadAcp,
    /// To change the grants.
    WriteAcp,
}

const GROUPS: [(&str, Grantee); 3] = [
    ("http://acs.amazonaws.com/groups/global/AllUsers", Grantee::AllUsers),
    ("http://acs.amazonaws.com/groups/global/AuthenticatedUsers", Grantee::AuthenticatedUsers),
    ("http://acs.amazonaws.com/groups/s3/LogDelivery", Grantee::LogDelivery),
];

/// The service that delivers access logs.
pub const LOG_DELIVERY: &str = "logging.s3.amazonaws.com";

/// The permission that an action needs, and whether the object's grants count or the bucket's ("Mapping of ACL permissions
/// and access policy permissions").
pub fn permission_for(action: &str) -> Option<(Permission, bool)> {
    Some(match action {
        "s3:GetObject" | "s3:GetObjectVersion" => (Permission::Read, true),
        "s3:GetObjectAcl" | "s3:GetObjectVersionAcl" => (Permission::ReadAcp, true),
        "s3:PutObjectAcl" | "s3:PutObjectVersionAcl" => (Permission::WriteAcp, true),
        "s3:ListBucket" | "s3:ListBucketVersions" | "s3:ListBucketMultipartUploads" => (Permission::Read, false),
        "s3:PutObject" | "s3:DeleteObject" => (Permission::Write, false),
        "s3:GetBucketAcl" => (Permission::ReadAcp, false),
        "s3:PutBucketAcl" => (Permission::WriteAcp, false),
        _ => return None,
    })
}

impl Permission {
    /// Whether who has this has that, too.
    pub fn includes(self, other: Permission) -> bool {
        self == Permission::FullControl || self == other
    }

    fn name(self) -> &'static str {
        match self {
            Permission::FullControl => "FULL_CONTROL",
            Permission::Read => "READ",
            Permission::Write => "WRITE",
            Permission::ReadAcp => "READ_ACP",
            Permission::WriteAcp => "WRITE_ACP",
        }
    }

    fn parse(name: &str) -> Option<Permission> {
        let all = [Self::FullControl, Self::Read, Self::Write, Self::ReadAcp, Self::WriteAcp].into_iter();
        all.into_iter().find(|permission| permission.name() == name)
    }
}

impl Grantee {
    /// A group, by its address.
    pub fn group(uri: &str) -> Option<Grantee> {
        GROUPS.iter().find(|(known, _)| *known == uri).map(|(_, group)| group.clone())
    }

    /// An account, by its canonical id.
    pub fn account(id: &str) -> Option<Grantee> {
        let is_id = id.len() == CANONICAL_ID_CHARACTERS && id.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_id.then(|| Grantee::Account(id.to_ascii_lowercase()))
    }

    /// Whether that is more or less everybody.
    pub fn is_public(&self) -> bool {
        matches!(self, Grantee::AllUsers | Grantee::AuthenticatedUsers)
    }

    fn listed(&self) -> ListedGrantee {
        match self {
            Grantee::Account(id) => {
                ListedGrantee { id: Some(id.clone()), r#type: "CanonicalUser".to_owned(), ..ListedGrantee::default() }
            }
            group => {
                let uri = GROUPS.iter().find(|(_, known)| known == group).map(|(uri, _)| (*uri).to_owned());
                ListedGrantee { uri, r#type: "Group".to_owned(), ..ListedGrantee::default() }
            }
        }
    }
}

/// Characters of a canonical id.
const CANONICAL_ID_CHARACTERS: usize = 64;

impl Grant {
    /// What an owner has on its own.
    pub fn full_control(account: &str) -> Grant {
        Grant { grantee: Grantee::Account(canonical_id(account)), permission: Permission::FullControl }
    }

    /// Whether a caller has it, on something of that owner.
    pub fn reaches(&self, caller: &Principal, owner: &str, ignores_public: bool) -> bool {
        match &self.grantee {
            Grantee::Account(id) => {
                let account = caller.account().filter(|account| *account != owner);
                account.is_some_and(|account| canonical_id(account) == *id)
            }
            Grantee::AllUsers => !ignores_public,
            Grantee::AuthenticatedUsers => !ignores_public && caller.account().is_some(),
            Grantee::LogDelivery => matches!(caller, Principal::Service { name, .. } if *name == LOG_DELIVERY),
        }
    }
}

/// Grants as the API lists them.
pub fn listed(grants: &[Grant]) -> Vec<ListedGrant> {
    let each = grants.iter().map(|grant| ListedGrant {
        grantee: Some(grant.grantee.listed()),
        permission: Some(grant.permission.name().to_owned()),
    });
    each.collect()
}

/// Reads the document of `PutBucketAcl` and `PutObjectAcl`.
///
/// # Errors
/// `MalformedACLError`, `InvalidArgument`, `UnresolvableGrantByEmailAddress`.
pub fn of_document(document: &AccessControlPolicy, owner: &str) -> Result<Vec<Grant>, Error> {
    let malformed = || {
        s3_errors::malformed_acl_error(
            "The XML you provided was not well-formed or did not validate against our published schema",
        )
    };
    let (Some(named), Some(grants)) = (&document.owner, &document.grants) else { return Err(malformed()) };
    let named = named.id.as_deref().unwrap_or_default();
    if Grantee::account(named).is_none() {
        return Err(errors::argument("Invalid id", "CanonicalUser/ID", named));
    }
    if !named.eq_ignore_ascii_case(&canonical_id(owner)) {
        return Err(s3_errors::access_denied("Access Denied"));
    }
    if grants.len() > GRANTS_MAX {
        return Err(malformed());
    }
    grants
        .iter()
        .map(|grant| {
            let permission = grant.permission.as_deref().and_then(Permission::parse).ok_or_else(malformed)?;
            let grantee = grant.grantee.as_ref().ok_or_else(malformed)?;
            let (id, uri) = (grantee.id.as_deref().unwrap_or_default(), grantee.uri.as_deref().unwrap_or_default());
            let grantee = match grantee.r#type.as_str() {
                "Group" => {
                    Grantee::group(uri).ok_or_else(|| errors::argument("Invalid group uri", "Group/URI", uri))?
                }
                "CanonicalUser" => {
                    Grantee::account(id).ok_or_else(|| errors::argument("Invalid id", "CanonicalUser/ID", id))?
                }
                "AmazonCustomerByEmail" => return Err(errors::no_mail_address()),
                _ => return Err(malformed()),
            };
            Ok(Grant { grantee, permission })
        })
        .collect()
}
