//! The keys of the service's rows. Names are told apart without regard to case, as AWS does, so keys hold them in lower
//! case; the rows hold them as they were given.

use store::keys::{Key, KeyError, KeyReader};

use crate::records::Kind;

/// Format number of all rows.
pub const FORMAT: u8 = 1;

/// Name of the partition that holds all rows.
pub const PARTITION: &str = "iam";

const ACCOUNT: u8 = 1;
const USER: u8 = 2;
const GROUP: u8 = 3;
const ROLE: u8 = 4;
const POLICY: u8 = 5;
const POLICY_VERSION: u8 = 6;
const INLINE: u8 = 7;
const MEMBER: u8 = 8;
const ATTACHED: u8 = 9;
const BOUND: u8 = 10;
const POLICY_USE: u8 = 11;
const ACCESS_KEY: u8 = 12;
const KEY_USE: u8 = 13;
const ROLE_USE: u8 = 14;
const INSTANCE_PROFILE: u8 = 15;
const ROLE_PROFILE: u8 = 16;
const MFA_DEVICE: u8 = 17;
const OIDC_PROVIDER: u8 = 18;
const SAML_PROVIDER: u8 = 19;
const SAML_METADATA: u8 = 20;
const ALIAS: u8 = 21;
const PASSWORD_POLICY: u8 = 22;
const REPORT: u8 = 23;
const DELETION: u8 = 24;
const UNIQUE_ID: u8 = 25;
const REPORT_PIECE: u8 = 26;

/// What the account as a whole has: its alias, how many of everything.
pub fn account(account: &str) -> Key {
    Key::new().u8(ACCOUNT).text(account)
}

/// A user, group or role.
pub fn identity(account: &str, kind: Kind, name: &str) -> Key {
    identities(account, kind).text(&folded(name))
}

/// In front of all users, groups or roles of an account.
pub fn identities(account: &str, kind: Kind) -> Key {
    let kind = match kind {
        Kind::User => USER,
        Kind::Group => GROUP,
        Kind::Role => ROLE,
    };
    Key::new().u8(kind).text(account)
}

/// The name of the user or group whose unique id this is.
pub fn unique_id(account: &str, id: &str) -> Key {
    Key::new().u8(UNIQUE_ID).text(account).text(id)
}

/// A customer managed policy, by its name: a name is taken whatever its path.
pub fn policy(account: &str, name: &str) -> Key {
    policies(account).text(&folded(name))
}

/// In front of all customer managed policies of an account.
pub fn policies(account: &str) -> Key {
    Key::new().u8(POLICY).text(account)
}

/// The document of a version of a customer managed policy.
pub fn policy_version(account: &str, name: &str, version: u32) -> Key {
    policy_versions(account, name).u32(version)
}

/// In front of all versions of a customer managed policy.
pub fn policy_versions(account: &str, name: &str) -> Key {
    Key::new().u8(POLICY_VERSION).text(account).text(&folded(name))
}

/// The document of an inline policy.
pub fn inline(account: &str, kind: Kind, name: &str, policy: &str) -> Key {
    Key::new().u8(INLINE).text(account).u8(kind as u8).text(&folded(name)).text(policy)
}

/// A user's membership in the group of that unique id.
pub fn member(account: &str, group_id: &str, user: &str) -> Key {
    members(account, group_id).text(&folded(user))
}

/// In front of the memberships in the group of that unique id.
pub fn members(account: &str, group_id: &str) -> Key {
    Key::new().u8(MEMBER).text(account).text(group_id)
}

/// A managed policy's attachment to a user, group or role.
pub fn attached(account: &str, policy_arn: &str, kind: Kind, name: &str) -> Key {
    Key::new().u8(ATTACHED).text(account).text(policy_arn).u8(kind as u8).text(&folded(name))
}

/// In front of the attachments of a managed policy.
pub fn attachments(account: &str, policy_arn: &str) -> Key {
    Key::new().u8(ATTACHED).text(account).text(policy_arn)
}

/// A managed policy's use as the boundary of a user or role.
pub fn bound(account: &str, policy_arn: &str, kind: Kind, name: &str) -> Key {
    Key::new().u8(BOUND).text(account).text(policy_arn).u8(kind as u8).text(&folded(name))
}

/// In front of the uses of a managed policy as a boundary.
pub fn bounds(account: &str, policy_arn: &str) -> Key {
    Key::new().u8(BOUND).text(account).text(policy_arn)
}

/// The kind and name at the end of a key of [`attached`] or [`bound`].
///
/// # Errors
/// [`KeyError`] if it is another kind of key.
pub fn read_attached(key: &[u8]) -> Result<(u8, String), KeyError> {
    let mut reader = KeyReader::new(key);
    reader.u8()?;
    reader.text()?;
    reader.text()?;
    Ok((reader.u8()?, reader.text()?))
}

/// How often a managed policy, of the account or of AWS, is attached and used as a boundary.
pub fn policy_use(account: &str, policy_arn: &str) -> Key {
    policy_uses(account).text(policy_arn)
}

/// In front of the use of all managed policies in an account.
pub fn policy_uses(account: &str) -> Key {
    Key::new().u8(POLICY_USE).text(account)
}

/// The ARN in a key of [`policy_use`].
///
/// # Errors
/// [`KeyError`] if it is another kind of key.
pub fn read_policy_use(key: &[u8]) -> Result<String, KeyError> {
    let mut reader = KeyReader::new(key);
    reader.u8()?;
    reader.text()?;
    reader.text()
}

/// An access key.
pub fn access_key(id: &str) -> Key {
    Key::new().u8(ACCESS_KEY).text(id)
}

/// When an access key was last used.
pub fn key_use(id: &str) -> Key {
    Key::new().u8(KEY_USE).text(id)
}

/// When a role's sessions were last used. By unique id, so that a role that is made anew was never used.
pub fn role_use(account: &str, role_id: &str) -> Key {
    Key::new().u8(ROLE_USE).text(account).text(role_id)
}

/// An instance profile.
pub fn instance_profile(account: &str, name: &str) -> Key {
    instance_profiles(account).text(&folded(name))
}

/// In front of all instance profiles of an account.
pub fn instance_profiles(account: &str) -> Key {
    Key::new().u8(INSTANCE_PROFILE).text(account)
}

/// The mark that a role is in an instance profile.
pub fn role_profile(account: &str, role: &str, profile: &str) -> Key {
    role_profiles(account, role).text(&folded(profile))
}

/// In front of the marks of the instance profiles that a role is in.
pub fn role_profiles(account: &str, role: &str) -> Key {
    Key::new().u8(ROLE_PROFILE).text(account).text(&folded(role))
}

/// A virtual MFA device.
pub fn mfa_device(account: &str, serial_number: &str) -> Key {
    mfa_devices(account).text(serial_number)
}

/// In front of all virtual MFA devices of an account.
pub fn mfa_devices(account: &str) -> Key {
    Key::new().u8(MFA_DEVICE).text(account)
}

/// An OIDC provider, by its URL without the scheme.
pub fn oidc_provider(account: &str, url: &str) -> Key {
    oidc_providers(account).text(url)
}

/// In front of all OIDC providers of an account.
pub fn oidc_providers(account: &str) -> Key {
    Key::new().u8(OIDC_PROVIDER).text(account)
}

/// A SAML provider.
pub fn saml_provider(account: &str, name: &str) -> Key {
    saml_providers(account).text(&folded(name))
}

/// In front of all SAML providers of an account.
pub fn saml_providers(account: &str) -> Key {
    Key::new().u8(SAML_PROVIDER).text(account)
}

/// A piece of a SAML provider's metadata document.
pub fn saml_metadata(account: &str, name: &str, piece: u32) -> Key {
    saml_metadata_pieces(account, name).u32(piece)
}

/// In front of the pieces of a SAML provider's metadata document.
pub fn saml_metadata_pieces(account: &str, name: &str) -> Key {
    Key::new().u8(SAML_METADATA).text(account).text(&folded(name))
}

/// The account that has an alias: no two accounts share one.
pub fn alias(alias: &str) -> Key {
    Key::new().u8(ALIAS).text(alias)
}

/// An account's password policy.
pub fn password_policy(account: &str) -> Key {
    Key::new().u8(PASSWORD_POLICY).text(account)
}

/// An account's credential report.
pub fn report(account: &str) -> Key {
    Key::new().u8(REPORT).text(account)
}

/// A piece of an account's credential report.
pub fn report_piece(account: &str, piece: u32) -> Key {
    report_pieces(account).u32(piece)
}

/// In front of the pieces of an account's credential report.
pub fn report_pieces(account: &str) -> Key {
    Key::new().u8(REPORT_PIECE).text(account)
}

/// The last deletion of a service-linked role.
pub fn deletion(account: &str, role: &str) -> Key {
    Key::new().u8(DELETION).text(account).text(&folded(role))
}

/// A name as it is told apart from others.
fn folded(name: &str) -> String {
    name.to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_differ_in_case_alone_share_a_row() {
        assert_eq!(identity("1", Kind::User, "Alice"), identity("1", Kind::User, "aLICE"));
        assert_ne!(identity("1", Kind::User, "alice"), identity("1", Kind::Role, "alice"));
        assert_ne!(identity("1", Kind::User, "alice"), identity("2", Kind::User, "alice"));
    }

    #[test]
    fn what_a_key_says_is_read_back() {
        let key = attached("1", "arn:aws:iam::aws:policy/A", Kind::Group, "Staff");
        assert!(attachments("1", "arn:aws:iam::aws:policy/A").range().contains(&key));
        assert_eq!(read_attached(&key), Ok((Kind::Group as u8, "staff".to_owned())));
        assert_eq!(read_policy_use(&policy_use("1", "arn")), Ok("arn".to_owned()));
    }
}
