//! From what a request calls a key to the key, and whether it may be used for what is asked.

use std::sync::Arc;

use platform::{Ctx, OrFailure};
use wire::Error;

use crate::crypto::SecretKey;
use crate::names::{AliasName, KeyName, KeyReference};
use crate::records::{AliasRecord, KeyRecord, KeyState, Manager, MaterialRecord};
use crate::service::Kms;
use crate::spec::KeyUsage;
use crate::{errors, keys, managed, rows};

impl Kms {
    /// The key that a request calls so: by id, ARN, alias or alias ARN. AWS's own keys are made when they are first
    /// asked for.
    ///
    /// # Errors
    /// `NotFoundException`.
    pub(crate) async fn locate(&self, cx: &Ctx, key_id: &str) -> Result<KeyRecord, Error> {
        self.find(&self.name_of(cx, KeyReference::parse(cx, key_id)?).await?).await
    }

    /// The key behind a reference; whether there is one is another question.
    pub(crate) async fn name_of(&self, cx: &Ctx, reference: KeyReference) -> Result<KeyName, Error> {
        let alias = match reference {
            KeyReference::Key(name) => return Ok(name),
            KeyReference::Alias(alias) => alias,
        };
        if let Some(record) = self.find_alias(&alias).await? {
            return Ok(KeyName { account: alias.account, region: alias.region, id: record.key });
        }
        // Only in its own account, and by its own callers, a service's key comes into being.
        if alias.account == cx.account && managed::is_known(&alias.name) {
            return managed::ensure(self, &alias).await;
        }
        Err(errors::alias_not_found(&alias.arn()))
    }

    /// An alias, if there is one of that name.
    pub(crate) async fn find_alias(&self, alias: &AliasName) -> Result<Option<AliasRecord>, Error> {
        let partition = keys::partition(&alias.account).or_failure()?;
        let row = self.platform.store.get(&partition, &keys::alias(&alias.region, &alias.name)).await.or_failure()?;
        row.map(|row| rows::decode(&row)).transpose()
    }

    /// A key.
    ///
    /// # Errors
    /// `NotFoundException`.
    pub(crate) async fn find(&self, name: &KeyName) -> Result<KeyRecord, Error> {
        self.find_key(name).await?.ok_or_else(|| errors::key_not_found(&name.arn()))
    }

    /// A key, if there is one of that name.
    pub(crate) async fn find_key(&self, name: &KeyName) -> Result<Option<KeyRecord>, Error> {
        let partition = keys::partition(&name.account).or_failure()?;
        let row = self.platform.store.get(&partition, &keys::key(&name.region, &name.id)).await.or_failure()?;
        row.map(|row| rows::decode(&row)).transpose()
    }

    /// The material in use.
    ///
    /// # Errors
    /// `KMSInvalidStateException` if there is none.
    pub(crate) async fn secret(&self, record: &KeyRecord) -> Result<Arc<SecretKey>, Error> {
        let pending = || errors::invalid_state(&record.arn(), "pending import");
        let generation = record.current.as_ref().ok_or_else(pending)?.generation;
        self.generation(record, generation).await?.ok_or_else(pending)
    }

    /// A generation of a key's material; `None` if there is none of that number, or no more.
    pub(crate) async fn generation(&self, record: &KeyRecord, number: u32) -> Result<Option<Arc<SecretKey>>, Error> {
        if let Some(unwrapped) = self.vault.unwrapped(record, number) {
            return Ok(Some(unwrapped));
        }
        let partition = keys::partition(&record.account).or_failure()?;
        let key = keys::material(&record.region, &record.id, number);
        let Some(row) = self.platform.store.get(&partition, &key).await.or_failure()? else { return Ok(None) };
        let material: MaterialRecord = rows::decode(&row)?;
        self.vault.unwrap(record, number, &material)
    }

    /// Checks that a key can be used now.
    ///
    /// # Errors
    /// `DisabledException`, `KMSInvalidStateException`.
    pub(crate) fn require_usable(&self, record: &KeyRecord) -> Result<(), Error> {
        let expired = record.current.as_ref().and_then(|current| current.expires_at).is_some_and(|at| at <= self.now());
        require_enabled(record)?;
        if expired { Err(errors::invalid_state(&record.arn(), "pending import")) } else { Ok(()) }
    }

    /// Checks that a key can be used now, and for this operation.
    ///
    /// # Errors
    /// `DisabledException`, `KMSInvalidStateException`, `InvalidKeyUsageException`.
    pub(crate) fn require_use(&self, cx: &Ctx, record: &KeyRecord, usage: KeyUsage) -> Result<(), Error> {
        self.require_usable(record)?;
        if record.usage == usage {
            return Ok(());
        }
        Err(errors::wrong_usage(&record.arn(), record.usage.name(), cx.operation.name))
    }
}

/// Checks that a key is enabled.
///
/// # Errors
/// `DisabledException`, `KMSInvalidStateException`.
pub fn require_enabled(record: &KeyRecord) -> Result<(), Error> {
    match record.state {
        KeyState::Enabled => Ok(()),
        KeyState::Disabled => Err(errors::disabled(&record.arn())),
        KeyState::PendingImport => Err(errors::invalid_state(&record.arn(), "pending import")),
        KeyState::PendingDeletion { .. } | KeyState::PendingReplicaDeletion { .. } => require_kept(record),
    }
}

/// Checks that a key is not going to be deleted.
///
/// # Errors
/// `KMSInvalidStateException`.
pub fn require_kept(record: &KeyRecord) -> Result<(), Error> {
    match record.state {
        KeyState::PendingDeletion { .. } => Err(errors::invalid_state(&record.arn(), "pending deletion")),
        KeyState::PendingReplicaDeletion { .. } => {
            Err(errors::invalid_state(&record.arn(), "pending replica deletion"))
        }
        KeyState::Enabled | KeyState::Disabled | KeyState::PendingImport => Ok(()),
    }
}

/// Checks that a key is the account's to change.
///
/// # Errors
/// `AccessDeniedException`.
pub fn require_customers(cx: &Ctx, record: &KeyRecord) -> Result<(), Error> {
    match record.manager {
        Manager::Customer => Ok(()),
        Manager::Aws => Err(errors::managed_key(cx, &record.arn())),
    }
}

/// Checks that a key has this algorithm.
///
/// # Errors
/// `InvalidKeyUsageException`.
pub fn require_algorithm(record: &KeyRecord, algorithm: &str) -> Result<(), Error> {
    if record.spec.algorithms(record.usage).contains(&algorithm) {
        return Ok(());
    }
    Err(errors::wrong_algorithm(algorithm, record.spec.name()))
}
