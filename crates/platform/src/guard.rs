//! What a service says about its own resources, so that a call on them can be decided: the two functions by which a
//! service joins enforcement.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use wire::Error;
use wire::codec::Structure;

use crate::context::Ctx;

mod members;

pub use members::Members;
pub use policy::Authority;

/// The permissions of a service's operations.
pub trait Guard: Send + Sync + 'static {
    /// Everything the caller needs to be allowed for this call, in the order in which it is decided; the first need that
    /// is denied refuses the call. An empty answer means the operation has no mapping: it is the account root's alone.
    ///
    /// The input was read but not validated: where it names no resource, the need's resource is `*`, and the handler
    /// will refuse the input. Pure and quick; what has to be looked up belongs to [`Guard::facts`].
    fn needs(&self, cx: &Ctx, input: &dyn Structure) -> Vec<Need>;

    /// Whether the handler of this call decides itself, with [`Ctx::authorise`]: operations on many things at once, that
    /// answer a denial for each of them. Such a call has no needs.
    fn is_decided_by_handler(&self, cx: &Ctx) -> bool {
        let _ = cx;
        false
    }

    /// What is known of the resource of a need. Asked once per need; a resource that does not exist has no facts.
    fn facts<'a>(&'a self, cx: &'a Ctx, need: &'a Need) -> FactsFuture<'a>;
}

/// Facts being looked up.
pub type FactsFuture<'a> = Pin<Box<dyn Future<Output = Result<Facts, Error>> + Send + 'a>>;

/// One permission a call needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    /// The IAM action, for example `kms:Decrypt`.
    pub action: &'static str,
    /// ARN of the resource, or `*` for an action that has none.
    pub resource: String,
    /// Condition keys of the service and of the request (`dynamodb:LeadingKeys`, `aws:RequestTag/team`, `aws:TagKeys`)
    /// with their values. A key that AWS leaves out of the request's context is left out here.
    pub context: Vec<(String, Vec<String>)>,
}

impl Need {
    /// A need without condition keys of its own.
    pub fn new(action: &'static str, resource: impl Into<String>) -> Need {
        Need { action, resource: resource.into(), context: Vec::new() }
    }

    /// The operation's own actions, as the catalogue has them, each on the same resource.
    pub fn of_operation(cx: &Ctx, resource: &str) -> Vec<Need> {
        cx.operation.actions.iter().map(|action| Need::new(action, resource)).collect()
    }

    /// Adds a condition key.
    pub fn with(mut self, key: impl Into<String>, values: Vec<String>) -> Need {
        self.context.push((key.into(), values));
        self
    }

    /// Adds `aws:RequestTag/…` and `aws:TagKeys` for tags that the request sets.
    pub fn with_request_tags<'t>(mut self, tags: impl IntoIterator<Item = (&'t str, &'t str)>) -> Need {
        let mut keys = Vec::new();
        for (key, value) in tags {
            self.context.push((format!("aws:RequestTag/{key}"), vec![value.to_owned()]));
            keys.push(key.to_owned());
        }
        if keys.is_empty() { self } else { self.with("aws:TagKeys", keys) }
    }
}

/// What is known of a resource.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// Its full ARN where the need could only tell a part of it, as a secret's name without its random suffix: decisions
    /// are made on this one. `None` keeps the need's.
    pub resource: Option<String>,
    /// Its resource policy, as JSON. Compiled forms are cached by text.
    pub policy: Option<Arc<str>>,
    /// How that policy and the caller's own policies go together.
    pub authority: Authority,
    /// Its tags, for `aws:ResourceTag/…`.
    pub tags: Vec<(String, String)>,
    /// Further condition keys that depend on the resource's state (`kms:KeySpec`, `secretsmanager:resource/Type`).
    pub context: Vec<(String, Vec<String>)>,
    /// The account that owns the resource, where its ARN does not tell (buckets of S3): 12 digits.
    pub owner: Option<String>,
    /// The service itself grants this need to this caller, as a KMS grant does. An explicit denial still wins.
    pub granted: bool,
}
