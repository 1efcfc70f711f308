//! Compiled policy documents, by their text: those of resources and of sessions, which live in other services' rows and in
//! session tokens.

use std::num::NonZeroUsize;
use std::sync::Arc;

use lru::LruCache;
use parking_lot::Mutex;
use policy::{Kind, NamedPolicy, Policy, ResourceRules};

/// Most documents held. The largest (a bucket's policy) have 20 KB of text, and compiled about as much again.
const DOCUMENTS_MAX: NonZeroUsize = NonZeroUsize::new(1_024).expect("the number is not zero");

/// What stands for a document that cannot be read: everything is denied.
const DENY_ALL: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*"}]}"#;

/// The same, without principals.
const DENY_ALL_IDENTITY: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}"#;

/// The rules for reading policies that their services have checked before they kept them.
const ANY_RESOURCE: Kind = Kind::Resource(ResourceRules { vendor: None, resource_required: false });

/// What a document is read as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Use {
    Resource,
    RoleTrust,
    Session,
}

/// The documents compiled last.
pub struct Documents(Mutex<Compiled>);

/// Policies by what they are used for and by their text.
type Compiled = LruCache<(Use, Arc<str>), Arc<Policy>>;

impl Default for Documents {
    fn default() -> Documents {
        Documents(Mutex::new(LruCache::new(DOCUMENTS_MAX)))
    }
}

impl Documents {
    /// A resource's policy; a role's is its trust policy.
    pub(super) fn of_resource(&self, text: &Arc<str>, resource: &str) -> NamedPolicy {
        let is_role = resource.starts_with("arn:aws:iam::") && resource.contains(":role/");
        let (purpose, name) =
            if is_role { (Use::RoleTrust, "trust policy") } else { (Use::Resource, "resource policy") };
        NamedPolicy { name: Arc::from(name), policy: self.compiled(purpose, text) }
    }

    /// The inline policy of a session.
    pub(super) fn of_session(&self, text: &str) -> NamedPolicy {
        let text = Arc::from(text);
        NamedPolicy { name: Arc::from("session policy"), policy: self.compiled(Use::Session, &text) }
    }

    fn compiled(&self, purpose: Use, text: &Arc<str>) -> Arc<Policy> {
        let key = (purpose, Arc::clone(text));
        if let Some(policy) = self.0.lock().get(&key) {
            return Arc::clone(policy);
        }
        let (kind, deny_all) = match purpose {
            Use::Resource => (ANY_RESOURCE, DENY_ALL),
            Use::RoleTrust => (Kind::RoleTrust, DENY_ALL),
            Use::Session => (Kind::Session, DENY_ALL_IDENTITY),
        };
        let policy = Policy::parse(text, kind).unwrap_or_else(|malformed| {
            // Services check what they keep, so this is a document from another version, or a damaged one.
            tracing::error!(reason = %malformed, "a stored policy cannot be read: it denies everything");
            let kind = if purpose == Use::Session { Kind::Session } else { ANY_RESOURCE };
            Policy::parse(deny_all, kind).expect("the document is constant and valid")
        });
        let policy = Arc::new(policy);
        self.0.lock().put(key, Arc::clone(&policy));
        policy
    }
}
