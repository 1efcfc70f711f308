//! Grants asked for in headers: canned lists, and one header for each permission.

use api::s3::errors as s3_errors;
use wire::Error;

use super::grant::{Grant, Grantee, Permission};
use super::{Access, PublicAccessBlock};
use crate::bucket::{Bucket, canonical_id};
use crate::errors;

/// The grants that a request asks for in its headers.
#[derive(Debug, Clone, Default)]
pub struct AskedGrants {
    /// `x-amz-acl`.
    pub canned: Option<String>,
    /// The headers `x-amz-grant-…` with their values.
    pub headers: Vec<(Permission, &'static str, String)>,
}

/// Takes them from an input; those for writing exist for buckets alone.
macro_rules! asked_grants {
    ($input:expr $(, $write:ident)?) => {{
        use $crate::access::Permission;
        let headers = [
            (Permission::FullControl, "x-amz-grant-full-control", $input.grant_full_control.clone()),
            (Permission::Read, "x-amz-grant-read", $input.grant_read.clone()),
            (Permission::ReadAcp, "x-amz-grant-read-acp", $input.grant_read_acp.clone()),
            (Permission::WriteAcp, "x-amz-grant-write-acp", $input.grant_write_acp.clone()),
            $((Permission::Write, "x-amz-grant-write", $input.$write.clone()),)?
        ];
        let given = headers.into_iter().filter_map(|(permission, name, value)| Some((permission, name, value?)));
        $crate::access::AskedGrants { canned: $input.acl.clone(), headers: given.collect() }
    }};
}

pub(crate) use asked_grants;

/// The canned lists of buckets and objects.
const CANNED: [&str; 8] = [
    "private",
    "public-read",
    "public-read-write",
    "authenticated-read",
    "aws-exec-read",
    "bucket-owner-read",
    "bucket-owner-full-control",
    "log-delivery-write",
];

/// Refuses what is no canned list.
///
/// # Errors
/// `InvalidArgument`.
pub fn check_canned(canned: Option<&str>) -> Result<(), Error> {
    match canned {
        Some(canned) if !CANNED.contains(&canned) => Err(s3_errors::invalid_argument("")
            .with("ArgumentName", "x-amz-acl".into())
            .with("ArgumentValue", canned.into())),
        _ => Ok(()),
    }
}

impl AskedGrants {
    /// Whether the request asks for any.
    pub fn is_empty(&self) -> bool {
        self.canned.is_none() && self.headers.is_empty()
    }

    /// The grants on something of `owner` in this bucket; `None` if the request asks for none.
    ///
    /// # Errors
    /// `InvalidRequest`, `InvalidArgument`, `UnresolvableGrantByEmailAddress`.
    pub fn grants(&self, owner: &str, bucket_owner: &str) -> Result<Option<Vec<Grant>>, Error> {
        check_canned(self.canned.as_deref())?;
        match (&self.canned, self.headers.is_empty()) {
            (None, true) => Ok(None),
            (Some(canned), true) => Ok(Some(of_canned(canned, owner, bucket_owner))),
            (Some(_), false) => Err(both_kinds()),
            (None, false) => {
                let each = self.headers.iter().map(|(permission, name, value)| of_header(*permission, name, value));
                Ok(Some(each.collect::<Result<Vec<_>, _>>()?.concat()))
            }
        }
    }

    /// The grants on a new object, and the account that owns it.
    ///
    /// # Errors
    /// `AccessControlListNotSupported` where there are no grants, `AccessDenied` for those that are blocked, and those
    /// of [`AskedGrants::grants`].
    pub fn of_new_object(
        &self,
        writer: &str,
        bucket: &Bucket,
        access: &Access,
    ) -> Result<(String, Option<Vec<Grant>>), Error> {
        check_canned(self.canned.as_deref())?;
        if self.canned.is_some() && !self.headers.is_empty() {
            return Err(both_kinds());
        }
        let is_handed_over = self.canned.as_deref() == Some("bucket-owner-full-control");
        if !bucket.takes_grants() {
            let names_owner = self.headers.iter().all(|(permission, _, value)| {
                *permission == Permission::FullControl && value.contains(&canonical_id(&bucket.owner))
            });
            if self.canned.is_some() && !is_handed_over || !names_owner {
                return Err(errors::no_grants());
            }
            return Ok((bucket.owner.clone(), None));
        }
        let is_preferred = bucket.ownership.as_deref() == Some("BucketOwnerPreferred");
        let owner = if is_preferred && is_handed_over { &bucket.owner } else { writer };
        let grants = self.grants(owner, &bucket.owner)?;
        if access.block().block_public_acls && grants.iter().flatten().any(|grant| grant.grantee.is_public()) {
            return Err(s3_errors::access_denied("Access Denied"));
        }
        Ok((owner.to_owned(), grants))
    }
}

impl PublicAccessBlock {
    /// Whether these grants are refused.
    pub fn refuses(&self, grants: &[Grant]) -> bool {
        self.block_public_acls && grants.iter().any(|grant| grant.grantee.is_public())
    }
}

fn both_kinds() -> Error {
    errors::request("Specifying both Canned ACLs and Header Grants is not allowed")
}

/// The grants of a canned list (S3 User Guide, "Canned ACL").
fn of_canned(canned: &str, owner: &str, bucket_owner: &str) -> Vec<Grant> {
    let grant = |grantee: Grantee, permission| Grant { grantee, permission };
    let for_bucket_owner = |permission| {
        let account = Grantee::Account(canonical_id(bucket_owner));
        (owner != bucket_owner).then(|| grant(account, permission))
    };
    let mut grants = vec![Grant::full_control(owner)];
    match canned {
        "public-read" => grants.push(grant(Grantee::AllUsers, Permission::Read)),
        "public-read-write" => {
            grants.push(grant(Grantee::AllUsers, Permission::Read));
            grants.push(grant(Grantee::AllUsers, Permission::Write));
        }
        "authenticated-read" => grants.push(grant(Grantee::AuthenticatedUsers, Permission::Read)),
        "bucket-owner-read" => grants.extend(for_bucket_owner(Permission::Read)),
        "bucket-owner-full-control" => grants.extend(for_bucket_owner(Permission::FullControl)),
        "log-delivery-write" => {
            grants.push(grant(Grantee::LogDelivery, Permission::Write));
            grants.push(grant(Grantee::LogDelivery, Permission::ReadAcp));
        }
        _ => {}
    }
    grants
}

/// The grants of a header: `id="…", uri="…"`.
fn of_header(permission: Permission, name: &str, value: &str) -> Result<Vec<Grant>, Error> {
    let each = value.split(',').map(str::trim).map(|item| {
        let unknown = || errors::argument("Argument format not recognized", name, item);
        let (kind, given) = item.split_once('=').ok_or_else(unknown)?;
        let given = given.trim().trim_matches('"');
        let grantee = match kind.trim() {
            "id" => Grantee::account(given).ok_or_else(|| errors::argument("Invalid id", "id", given))?,
            "uri" => Grantee::group(given).ok_or_else(|| errors::argument("Invalid group uri", "uri", given))?,
            "emailAddress" => return Err(errors::no_mail_address()),
            _ => return Err(unknown()),
        };
        Ok(Grant { grantee, permission })
    });
    each.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_names_accounts_and_groups() {
        let id = "a".repeat(64);
        let value = format!("id=\"{id}\", uri=\"http://acs.amazonaws.com/groups/global/AllUsers\"");
        let grants = of_header(Permission::Read, "x-amz-grant-read", &value).unwrap();
        assert_eq!(grants.len(), 2);
        assert!(grants[1].grantee.is_public());
        for (value, text) in [
            ("nobody", "Argument format not recognized"),
            ("name=x", "Argument format not recognized"),
            ("id=12", "Invalid id"),
            ("uri=http://example.com", "Invalid group uri"),
        ] {
            let error = of_header(Permission::Read, "x-amz-grant-read", value).unwrap_err();
            assert_eq!(error.message.as_deref(), Some(text), "{value}");
        }
    }
}
