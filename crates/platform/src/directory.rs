//! Who exists, with what credentials and which policies: what IAM knows and the pipeline asks on every call.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

pub use policy::NamedPolicy;
use wire::Error;

use crate::principal::Principal;

/// An answer under way.
pub type DirectoryFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send + 'a>>;

/// The users, roles and access keys of all accounts. Answers come from memory once they were asked for, and are right
/// from the moment the change behind them was acknowledged.
pub trait Directory: Send + Sync + 'static {
    /// The long-term access key of that id (`AKIA…`).
    fn access_key<'a>(&'a self, id: &'a str) -> DirectoryFuture<'a, Option<AccessKey>>;

    /// What an identity may do: a user with its groups, or a session's role. `None` when it does not exist (any more).
    fn permissions<'a>(&'a self, principal: &'a Principal) -> DirectoryFuture<'a, Option<Arc<Permissions>>>;

    /// The role of that name, whatever its path: who may assume it and what its sessions are.
    fn role<'a>(&'a self, account: &'a str, name: &'a str) -> DirectoryFuture<'a, Option<Arc<Role>>>;

    /// The managed policy of that ARN, of the account's own or of AWS's, as a session policy asks for it.
    fn managed_policy<'a>(&'a self, arn: &'a str) -> DirectoryFuture<'a, Option<NamedPolicy>>;

    /// Notes that an access key was used, for `GetAccessKeyLastUsed`. Cheap; kept for a while in memory.
    fn used(&self, access_key_id: &str, service: &'static str, region: &str);

    /// Notes that a session of the role of that unique id called, for `RoleLastUsed`. As cheap as [`Directory::used`]; a
    /// directory may leave it unnoted.
    fn role_used(&self, _account: &str, _role_id: &str, _service: &'static str, _region: &str) {}
}

/// The directory of a platform without IAM: there is nobody but account roots, and nobody has policies.
#[derive(Debug, Default)]
pub struct NobodyElse;

impl Directory for NobodyElse {
    fn access_key<'a>(&'a self, _: &'a str) -> DirectoryFuture<'a, Option<AccessKey>> {
        Box::pin(std::future::ready(Ok(None)))
    }

    fn permissions<'a>(&'a self, _: &'a Principal) -> DirectoryFuture<'a, Option<Arc<Permissions>>> {
        Box::pin(std::future::ready(Ok(None)))
    }

    fn role<'a>(&'a self, _: &'a str, _: &'a str) -> DirectoryFuture<'a, Option<Arc<Role>>> {
        Box::pin(std::future::ready(Ok(None)))
    }

    fn managed_policy<'a>(&'a self, _: &'a str) -> DirectoryFuture<'a, Option<NamedPolicy>> {
        Box::pin(std::future::ready(Ok(None)))
    }

    fn used(&self, _: &str, _: &'static str, _: &str) {}
}

/// A long-term access key.
#[derive(Clone)]
pub struct AccessKey {
    /// Whose it is.
    pub principal: Principal,
    /// 40 characters.
    pub secret: String,
    /// Inactive keys are refused as unknown ones are.
    pub active: bool,
}

/// A role, as those who hand out its credentials see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// ARN, with the path.
    pub arn: String,
    /// `/`, or `/…/`.
    pub path: String,
    /// The role's unique id (`AROA…`); another one once a role of the same name was made anew.
    pub id: String,
    /// The trust policy, as JSON.
    pub trust: Arc<str>,
    /// Longest life of its sessions, in seconds.
    pub session_seconds_max: i32,
    /// Its tags.
    pub tags: Vec<(String, String)>,
}

/// What decides the rights of a user or role.
#[derive(Debug, Clone, Default)]
pub struct Permissions {
    /// Inline, attached and inherited policies.
    pub policies: Vec<NamedPolicy>,
    /// The permissions boundary.
    pub boundary: Option<NamedPolicy>,
    /// Tags of the user or role, for `aws:PrincipalTag/…`.
    pub tags: Vec<(String, String)>,
}
