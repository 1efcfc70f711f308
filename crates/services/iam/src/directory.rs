//! What IAM knows, as the pipeline asks it on every call.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use platform::credentials::Issuer;
use platform::directory::{NamedPolicy, Role as KnownRole};
use platform::{AccessKey, Directory, DirectoryFuture, OrFailure, Permissions, Principal};
use store::{Snapshot, StoreError};
use wire::Error;

use crate::keys;
use crate::managed;
use crate::names::{self, AWS};
use crate::records::{self, Identity, KeyOwner, Kind, ManagedPolicy, Part, Role, User, UserPart};
use crate::rows;
use crate::service::Iam;

impl Directory for Iam {
    fn access_key<'a>(&'a self, id: &'a str) -> DirectoryFuture<'a, Option<AccessKey>> {
        Box::pin(async move {
            // An id that carries no account is none of ours.
            let Some(account) = Issuer::account_of(id) else { return Ok(None) };
            let generation = self.cache.generation(&account);
            if let Some(known) = self.cache.keys.get(id, generation) {
                return Ok(Some(known));
            }
            let read = self.read_access_key(id).await?;
            if let Some(key) = &read {
                self.cache.keys.put(id, generation, key.clone());
            }
            Ok(read)
        })
    }

    fn permissions<'a>(&'a self, principal: &'a Principal) -> DirectoryFuture<'a, Option<Arc<Permissions>>> {
        Box::pin(async move {
            let (account, id) = match principal {
                Principal::User { account, user_id, .. } => (account, user_id),
                Principal::Session { account, role_id, .. } => (account, role_id),
                Principal::FederatedUser { creator, .. } => return self.permissions(creator).await,
                Principal::Anonymous | Principal::Root { .. } | Principal::Service { .. } => return Ok(None),
            };
            let generation = self.cache.generation(account);
            if let Some(known) = self.cache.permissions.get(id, generation) {
                return Ok(known);
            }
            let read = self.read_permissions(principal).await?.map(Arc::new);
            self.cache.permissions.put(id, generation, read.clone());
            Ok(read)
        })
    }

    fn role<'a>(&'a self, account: &'a str, name: &'a str) -> DirectoryFuture<'a, Option<Arc<KnownRole>>> {
        Box::pin(async move {
            let generation = self.cache.generation(account);
            let key = format!("{account}/{name}");
            if let Some(known) = self.cache.roles.get(&key, generation) {
                return Ok(known);
            }
            let role: Option<Role> = rows::find_identity(&self.snapshot().await?, account, name).await?;
            let known = role.map(|role| Arc::new(known_role(account, role)));
            self.cache.roles.put(&key, generation, known.clone());
            Ok(known)
        })
    }

    fn managed_policy<'a>(&'a self, arn: &'a str) -> DirectoryFuture<'a, Option<NamedPolicy>> {
        Box::pin(async move {
            let Ok((account, _, _)) = names::policy_arn(arn) else { return Ok(None) };
            let snapshot = self.snapshot().await?;
            match self.managed_document(&snapshot, account, arn).await? {
                Some(document) => Ok(Some(self.compile(arn, &document)?)),
                None => Ok(None),
            }
        })
    }

    fn used(&self, access_key_id: &str, service: &'static str, region: &str) {
        self.key_used(access_key_id, service, region);
    }

    fn role_used(&self, account: &str, role_id: &str, service: &'static str, region: &str) {
        Iam::role_used(self, account, role_id, service, region);
    }
}

/// A role as those who hand out its credentials see it.
fn known_role(account: &str, role: Role) -> KnownRole {
    KnownRole {
        arn: role.arn(account),
        path: role.path,
        id: role.id,
        trust: role.part.trust.into(),
        session_seconds_max: role.part.session_seconds_max,
        tags: role.tags.pairs(),
    }
}

impl Iam {
    async fn read_access_key(&self, id: &str) -> Result<Option<AccessKey>, Error> {
        let snapshot = self.snapshot().await?;
        let Some(key) = rows::get::<records::AccessKey>(&snapshot, &keys::access_key(id)).await? else {
            return Ok(None);
        };
        let principal = match &key.owner {
            KeyOwner::Root => Principal::Root { account: key.account.clone() },
            KeyOwner::User(user_id) => match rows::find_by_id::<UserPart>(&snapshot, &key.account, user_id).await? {
                Some(user) => Principal::User {
                    account: key.account.clone(),
                    name: user.name,
                    path: user.path,
                    user_id: user.id,
                    facts: None,
                },
                None => return Ok(None),
            },
        };
        let secret = self.unseal(&secret_purpose(id), &key.sealed_secret)?;
        let secret = String::from_utf8(secret).map_err(|_| StoreError::Read("a secret is no text".into()));
        Ok(Some(AccessKey { principal, secret: secret.or_failure()?, active: key.active }))
    }

    async fn read_permissions(&self, principal: &Principal) -> Result<Option<Permissions>, Error> {
        let snapshot = self.snapshot().await?;
        match principal {
            Principal::User { account, user_id, .. } => {
                let user: Option<User> = rows::find_by_id(&snapshot, account, user_id).await?;
                let Some(user) = user else { return Ok(None) };
                let mut permissions = self.permissions_of(&snapshot, account, &user).await?;
                for group in rows::groups_of(&snapshot, account, &user).await? {
                    permissions.policies.extend(self.policies_of(&snapshot, account, &group).await?);
                }
                Ok(Some(permissions))
            }
            Principal::Session { account, role, role_id, .. } => {
                let role: Option<Role> = rows::find_identity(&snapshot, account, role).await?;
                match role.filter(|role| role.id == *role_id) {
                    Some(role) => Ok(Some(self.permissions_of(&snapshot, account, &role).await?)),
                    None => Ok(None),
                }
            }
            _ => Ok(None),
        }
    }

    async fn permissions_of<P: Part>(
        &self,
        snapshot: &Snapshot,
        account: &str,
        identity: &Identity<P>,
    ) -> Result<Permissions, Error> {
        let policies = self.policies_of(snapshot, account, identity).await?;
        let boundary = match &identity.boundary {
            Some(arn) => {
                let document = self.managed_document(snapshot, account, arn).await?;
                let document = document.ok_or_else(|| missing(arn)).or_failure()?;
                Some(self.compile(arn, &document)?)
            }
            None => None,
        };
        Ok(Permissions { policies, boundary, tags: identity.tags.pairs() })
    }

    /// The inline and attached policies of a user, group or role.
    async fn policies_of<P: Part>(
        &self,
        snapshot: &Snapshot,
        account: &str,
        identity: &Identity<P>,
    ) -> Result<Vec<NamedPolicy>, Error> {
        let mut policies = Vec::new();
        for name in identity.inline.keys() {
            let key = keys::inline(account, P::KIND, &identity.name, name);
            let document: Option<String> = rows::get(snapshot, &key).await?;
            let document = document.ok_or_else(|| missing(name)).or_failure()?;
            let shown = match P::KIND {
                Kind::Group => format!("inline:{}/{name}", identity.name),
                Kind::User | Kind::Role => format!("inline:{name}"),
            };
            policies.push(self.compile(&shown, &document)?);
        }
        for arn in &identity.attached {
            let document = self.managed_document(snapshot, account, arn).await?;
            let document = document.ok_or_else(|| missing(arn)).or_failure()?;
            policies.push(self.compile(arn, &document)?);
        }
        Ok(policies)
    }

    /// The document in force of a managed policy of the account or of AWS.
    pub(crate) async fn managed_document(
        &self,
        snapshot: &Snapshot,
        account: &str,
        arn: &str,
    ) -> Result<Option<String>, Error> {
        if names::policy_arn(arn)?.0 == AWS {
            return Ok(managed::find(arn).map(|policy| policy.document.to_owned()));
        }
        let Some(policy) = rows::get_policy(snapshot, account, arn).await? else { return Ok(None) };
        self.version_document(snapshot, account, &policy, policy.default_version).await.map(Some)
    }

    /// The document of a version of a customer managed policy.
    pub(crate) async fn version_document(
        &self,
        snapshot: &Snapshot,
        account: &str,
        policy: &ManagedPolicy,
        version: u32,
    ) -> Result<String, Error> {
        let document = rows::get(snapshot, &keys::policy_version(account, &policy.name, version)).await?;
        document.ok_or_else(|| missing(&policy.name)).or_failure()
    }

    /// A document of ours, which was checked before it was written.
    fn compile(&self, name: &str, document: &str) -> Result<NamedPolicy, Error> {
        let compiled = self.cache.compile(document);
        let policy = compiled.map_err(|malformed| StoreError::Read(malformed.to_string().into())).or_failure()?;
        Ok(NamedPolicy { name: name.into(), policy })
    }

    /// Opens a secret of a row.
    pub(crate) fn unseal(&self, purpose: &str, sealed: &str) -> Result<Vec<u8>, Error> {
        let sealed = STANDARD.decode(sealed).map_err(|_| StoreError::Read("a sealed secret is no base 64".into()));
        let opened = self.platform.sealing.open(purpose, &sealed.or_failure()?);
        Ok(opened.map_err(|error| StoreError::Read(error.to_string().into())).or_failure()?.to_vec())
    }

    /// Seals a secret for a row.
    pub(crate) fn seal(&self, purpose: &str, secret: &[u8]) -> String {
        STANDARD.encode(self.platform.sealing.seal(purpose, secret))
    }
}

/// What an access key's secret is sealed as.
pub(crate) fn secret_purpose(access_key_id: &str) -> String {
    format!("iam/access-key/{access_key_id}")
}

fn missing(name: &str) -> StoreError {
    StoreError::Read(format!("the document of the policy {name} is missing").into())
}
