//! The service itself: what its parts share, and what it offers to the platform.

use std::sync::Arc;

use platform::{OrFailure, Platform, Registration, TimerPartition};
use store::{Abort, Snapshot, Transaction};
use wire::Error;

use crate::guard::SecretsGuard;
use crate::names::SecretId;
use crate::operations::{
    batch, create, delete, describe, list, password, policies, replicate, stage, tags, update, values, versions,
};
use crate::records::SecretRecord;
use crate::rotation::{cancel, rotate, run};
use crate::{errors, keys, rows};

/// Kind of the timer that deletes a secret.
pub const DELETION_TIMER: &str = "secrets/delete";
/// Kind of the timer of a secret's next scheduled rotation.
pub const SCHEDULE_TIMER: &str = "secrets/schedule";
/// Kind of the timer of a rotation that is under way.
pub const ROTATION_TIMER: &str = "secrets/rotate";

/// The service.
pub struct Secrets {
    /// What all services share.
    pub platform: Arc<Platform>,
}

/// The offer of Secrets Manager.
pub fn registration(platform: &Arc<Platform>) -> Registration {
    let service = Arc::new(Secrets { platform: Arc::clone(platform) });
    service.handle_timers();
    let mut registration = Registration::new(&api::secretsmanager::SERVICE);
    platform::operations!(registration, service, api::secretsmanager, {
        BatchGetSecretValue => batch::batch_get_secret_value,
        CancelRotateSecret => cancel::cancel_rotate_secret,
        CreateSecret => create::create_secret,
        DeleteResourcePolicy => policies::delete_resource_policy,
        DeleteSecret => delete::delete_secret,
        DescribeSecret => describe::describe_secret,
        GetRandomPassword => password::get_random_password,
        GetResourcePolicy => policies::get_resource_policy,
        GetSecretValue => values::get_secret_value,
        ListSecretVersionIds => versions::list_secret_version_ids,
        ListSecrets => list::list_secrets,
        PutResourcePolicy => policies::put_resource_policy,
        PutSecretValue => update::put_secret_value,
        RemoveRegionsFromReplication => replicate::remove_regions_from_replication,
        ReplicateSecretToRegions => replicate::replicate_secret_to_regions,
        RestoreSecret => delete::restore_secret,
        RotateSecret => rotate::rotate_secret,
        StopReplicationToReplica => replicate::stop_replication_to_replica,
        TagResource => tags::tag_resource,
        UntagResource => tags::untag_resource,
        UpdateSecret => update::update_secret,
        UpdateSecretVersionStage => stage::update_secret_version_stage,
        ValidateResourcePolicy => policies::validate_resource_policy,
    });
    registration.with_guard(Arc::new(SecretsGuard(service)))
}

impl Secrets {
    fn handle_timers(self: &Arc<Self>) {
        let timers = &self.platform.timers;
        let service = Arc::clone(self);
        timers.on(DELETION_TIMER, move |firing| delete::purge(Arc::clone(&service), firing));
        let service = Arc::clone(self);
        timers.on(SCHEDULE_TIMER, move |firing| run::begin_scheduled(Arc::clone(&service), firing));
        let service = Arc::clone(self);
        timers.on(ROTATION_TIMER, move |firing| run::go_on(Arc::clone(&service), firing));
    }

    /// Milliseconds since 1970.
    pub fn now(&self) -> i64 {
        self.platform.clock.milliseconds()
    }

    /// An account's rows as they are now.
    pub async fn snapshot(&self, account: &str) -> Result<Snapshot, Error> {
        let partition = keys::partition(account).or_failure()?;
        self.platform.store.snapshot(&partition).await.or_failure()
    }

    /// Runs a transaction on an account's rows.
    pub async fn transact<R, F>(&self, account: &str, closure: F) -> Result<R, Error>
    where
        R: Send + 'static,
        F: Fn(&mut dyn Transaction) -> Result<R, Abort<Error>> + Send + Sync + 'static,
    {
        let partition = keys::partition(account).or_failure()?;
        self.platform.store.transact(&partition, closure).await.or_failure()
    }

    /// An account's partition, as one that may hold timers.
    pub async fn timers(&self, account: &str) -> Result<TimerPartition, Error> {
        let partition = keys::partition(account).or_failure()?;
        self.platform.timers.partition(&partition).await.or_failure()
    }

    /// A secret, whatever its state.
    pub async fn secret(&self, id: &SecretId) -> Result<SecretRecord, Error> {
        let partition = keys::partition(&id.account).or_failure()?;
        let row = self.platform.store.get(&partition, &keys::secret(&id.region, &id.name)).await.or_failure()?;
        rows::meant(row.map(|row| rows::decode(&row)).transpose()?, id)
    }

    /// A secret that is not marked for deletion.
    pub async fn active(&self, id: &SecretId) -> Result<SecretRecord, Error> {
        let record = self.secret(id).await?;
        if record.deletion.is_some() { Err(errors::marked_for_deletion()) } else { Ok(record) }
    }

    /// A secret that may be changed: no replica, and not marked for deletion.
    pub async fn primary(&self, id: &SecretId) -> Result<SecretRecord, Error> {
        let record = self.active(id).await?;
        if record.is_replica(&id.region) { Err(errors::replica()) } else { Ok(record) }
    }

    /// Changes a secret that may be changed, and notes when. Answers it as it is then.
    pub async fn change<F>(&self, id: &SecretId, change: F) -> Result<SecretRecord, Error>
    where
        F: Fn(&mut SecretRecord) -> Result<(), Error> + Send + Sync + 'static,
    {
        let (id, now) = (id.clone(), self.now());
        let account = id.account.clone();
        self.transact(&account, move |transaction| {
            let mut record = rows::primary(transaction, &id)?;
            change(&mut record)?;
            record.changed_at = now;
            rows::put_secret(transaction, &id.region, &record)?;
            Ok(record)
        })
        .await
    }
}
