//! Who exists, with what credentials and which policies: what IAM knows and the pipeline asks on every call.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use policy::Policy;
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

    /// Notes that an access key was used, for `GetAccessKeyLastUsed`. Cheap; kept for a while in memory.
    fn used(&self, access_key_id: &str, service: &'static str, region: &str);
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

/// A policy and how it is called in explanations.
#[derive(Debug, Clone)]
pub struct NamedPolicy {
    /// ARN of a managed policy; `inline:NAME` otherwise, with the group's name in front where it comes from a group.
    pub name: Arc<str>,
    /// Compiled.
    pub policy: Arc<Policy>,
}
