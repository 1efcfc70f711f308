//! Replicas: secrets that follow a primary in another region.

use api::secretsmanager::{
    RemoveRegionsFromReplicationRequest, RemoveRegionsFromReplicationResponse, ReplicaRegionType,
    ReplicateSecretToRegionsRequest, ReplicateSecretToRegionsResponse, StopReplicationToReplicaRequest,
    StopReplicationToReplicaResponse,
};
use platform::{Ctx, TimerPartition};
use store::{Abort, Transaction};
use wire::Error;

use super::delete;
use super::update::open;
use crate::encryption;
use crate::limits::{CHANGE_ATTEMPTS_MAX, REPLICAS_MAX};
use crate::names::SecretId;
use crate::records::{ReplicaRecord, SecretRecord, VersionRecord};
use crate::service::Secrets;
use crate::{errors, keys, rows};

/// Adds replicas to a new or changed primary.
///
/// # Errors
/// `InvalidParameterException` for a region that cannot have one.
pub fn add_regions(record: &mut SecretRecord, home: &str, regions: &[ReplicaRegionType]) -> Result<(), Error> {
    for wanted in regions {
        let region = wanted.region.as_deref().unwrap_or_default();
        if region.is_empty() || region == home {
            return Err(errors::parameter("Invalid replica region."));
        }
        if record.replicas.iter().any(|replica| replica.region == region && replica.failure.is_none()) {
            return Err(errors::parameter(format!("Secret is already replicated to region {region}.")));
        }
        record.replicas.retain(|replica| replica.region != region);
        record.replicas.push(ReplicaRecord {
            region: region.to_owned(),
            kms_key_id: wanted.kms_key_id.clone().filter(|key| !key.is_empty()),
            failure: None,
        });
    }
    if record.replicas.len() > REPLICAS_MAX {
        return Err(errors::limit("The secret has too many replicas."));
    }
    record.primary_region = Some(home.to_owned());
    Ok(())
}

/// What new replicas are made of.
pub struct Copies {
    /// Whether a secret of the same name in the replica's region is overwritten.
    pub force: bool,
    /// Versions that there are already, encrypted for the replica's region.
    pub versions: Vec<Copy>,
}

/// A version for a replica.
pub struct Copy {
    /// The replica's region.
    pub region: String,
    /// The version's id.
    pub id: String,
    /// Its row there.
    pub row: VersionRecord,
    /// Its encrypted value.
    pub envelope: Vec<u8>,
}

impl Copies {
    /// Makes the replicas that a primary names and that there are not yet, and notes in the primary those that cannot be.
    pub fn put(
        &self,
        transaction: &mut dyn Transaction,
        timers: &TimerPartition,
        id: &SecretId,
        record: &mut SecretRecord,
    ) -> Result<(), Abort<Error>> {
        for index in 0..record.replicas.len() {
            let replica = record.replicas[index].clone();
            if replica.failure.is_some() {
                continue;
            }
            let there = SecretId { region: replica.region.clone(), arn: None, ..id.clone() };
            let place = replica.place(&record.arn);
            let found: Option<SecretRecord> = rows::read(transaction, &keys::secret(&there.region, &there.name))?;
            let is_own = |found: &SecretRecord| found.arn == place.arn && found.primary_region == record.primary_region;
            let own = found.as_ref().filter(|found| is_own(found)).map(|found| found.accessed_at);
            if found.is_some() && own.is_none() {
                if !self.force {
                    record.replicas[index].failure = Some(format!(
                        "Replication failed: Secret name simple already exists in region {}.",
                        replica.region
                    ));
                    continue;
                }
                delete::remove(transaction, timers, &there)?;
            }
            if own.is_none() {
                rows::count_up(transaction, &replica.region)?;
            }
            let copy = SecretRecord {
                arn: place.arn,
                kms_key_id: place.kms_key_id,
                accessed_at: own.flatten(),
                replicas: Vec::new(),
                ..record.clone()
            };
            rows::put(transaction, &keys::secret(&there.region, &there.name), &copy)?;
            for copy in self.versions.iter().filter(|copy| copy.region == replica.region) {
                rows::put_version(transaction, (&copy.region, &id.name, &copy.id), &copy.row, &copy.envelope)?;
            }
        }
        Ok(())
    }
}

/// Adds replicas to a secret.
pub async fn replicate_secret_to_regions(
    secrets: &Secrets,
    cx: &Ctx,
    input: ReplicateSecretToRegionsRequest,
) -> Result<ReplicateSecretToRegionsResponse, Error> {
    let id = SecretId::parse(cx, &input.secret_id)?;
    for _ in 0..CHANGE_ATTEMPTS_MAX {
        let before = secrets.primary(&id).await?;
        let mut after = before.clone();
        add_regions(&mut after, &id.region, &input.add_replica_regions)?;
        after.changed_at = secrets.now();
        let versions = copies(secrets, cx, &id, &before, &mut after).await?;
        let copies = Copies { force: input.force_overwrite_replica_secret == Some(true), versions };
        if let Some(record) = store_replicas(secrets, &id, before, after, copies).await? {
            let replication_status = record.replication_status();
            return Ok(ReplicateSecretToRegionsResponse { arn: Some(record.arn), replication_status });
        }
    }
    Err(errors::contended())
}

/// The labelled versions, encrypted for the regions that are new.
async fn copies(
    secrets: &Secrets,
    cx: &Ctx,
    id: &SecretId,
    before: &SecretRecord,
    after: &mut SecretRecord,
) -> Result<Vec<Copy>, Error> {
    let old = before.places(&id.region);
    let places: Vec<_> = after.places(&id.region).into_iter().filter(|place| !old.contains(place)).collect();
    let mut copies = Vec::new();
    for version in before.labels.by_version().into_keys() {
        let Some(value) = open(secrets, cx, id, before, &version).await? else { continue };
        for place in &places {
            let row = VersionRecord {
                created_at: after.changed_at,
                kms_key_id: place.kms_key_id.clone(),
                accessed_at: None,
                has_value: true,
            };
            match encryption::seal(cx, &id.account, place, &version, &value).await {
                Ok(envelope) => {
                    copies.push(Copy { region: place.region.clone(), id: version.clone(), row, envelope });
                }
                Err(error) => {
                    let replica = after.replicas.iter_mut().find(|replica| replica.region == place.region);
                    if let Some(replica) = replica {
                        replica.failure = Some(error.message.unwrap_or_default().into_owned());
                    }
                }
            }
        }
    }
    Ok(copies)
}

/// `None` if the secret has changed meanwhile.
async fn store_replicas(
    secrets: &Secrets,
    id: &SecretId,
    before: SecretRecord,
    after: SecretRecord,
    copies: Copies,
) -> Result<Option<SecretRecord>, Error> {
    let timers = secrets.timers(&id.account).await?;
    let (id, account) = (id.clone(), id.account.clone());
    secrets
        .transact(&account, move |transaction| {
            if rows::primary(transaction, &id)? != before {
                return Ok(None);
            }
            let mut record = after.clone();
            copies.put(transaction, &timers, &id, &mut record)?;
            rows::put_secret(transaction, &id.region, &record)?;
            Ok(Some(record))
        })
        .await
}

/// Deletes replicas of a secret.
pub async fn remove_regions_from_replication(
    secrets: &Secrets,
    cx: &Ctx,
    input: RemoveRegionsFromReplicationRequest,
) -> Result<RemoveRegionsFromReplicationResponse, Error> {
    let id = SecretId::parse(cx, &input.secret_id)?;
    let (timers, now) = (secrets.timers(&id.account).await?, secrets.now());
    let account = id.account.clone();
    let record = secrets.transact(&account, move |transaction| {
        let mut record = rows::primary(transaction, &id)?;
        for region in &input.remove_replica_regions {
            let index = record.replicas.iter().position(|replica| replica.region == *region);
            let index =
                index.ok_or_else(|| errors::parameter(format!("Secret is not replicated to region {region}.")))?;
            if record.replicas.remove(index).failure.is_none() {
                let there = SecretId { region: region.clone(), arn: None, ..id.clone() };
                delete::remove(transaction, &timers, &there)?;
            }
        }
        leave_alone(&mut record, now);
        rows::put_secret(transaction, &id.region, &record)?;
        Ok(record)
    });
    let record = record.await?;
    let replication_status = Some(record.replication_status().unwrap_or_default());
    Ok(RemoveRegionsFromReplicationResponse { arn: Some(record.arn), replication_status })
}

/// Makes a replica a secret of its own.
pub async fn stop_replication_to_replica(
    secrets: &Secrets,
    cx: &Ctx,
    input: StopReplicationToReplicaRequest,
) -> Result<StopReplicationToReplicaResponse, Error> {
    let id = SecretId::parse(cx, &input.secret_id)?;
    let (account, now) = (id.account.clone(), secrets.now());
    let arn = secrets.transact(&account, move |transaction| {
        let mut replica = rows::secret(transaction, &id)?;
        let Some(home) = replica.primary_region.clone().filter(|home| *home != id.region) else {
            return Err(errors::request("The secret is not a replica.").into());
        };
        if let Some(mut primary) = rows::read::<SecretRecord>(transaction, &keys::secret(&home, &id.name))? {
            primary.replicas.retain(|known| known.region != id.region);
            leave_alone(&mut primary, now);
            rows::put_secret(transaction, &home, &primary)?;
        }
        replica.primary_region = None;
        replica.changed_at = now;
        // The function that rotated it is in the other region.
        replica.rotation = None;
        rows::put_secret(transaction, &id.region, &replica)?;
        Ok(replica.arn)
    });
    Ok(StopReplicationToReplicaResponse { arn: Some(arn.await?) })
}

/// A primary without replicas is a secret like any other.
fn leave_alone(record: &mut SecretRecord, now: i64) {
    if record.replicas.is_empty() {
        record.primary_region = None;
    }
    record.changed_at = now;
}
