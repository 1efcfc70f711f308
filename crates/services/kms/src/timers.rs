//! What happens to keys in time: they are deleted, rotated, and lose imported material that expires.

use std::sync::Arc;

use platform::{Firing, OrFailure, Timer, TimerPartition};
use serde::{Deserialize, Serialize};
use store::{Abort, Direction, Transaction};
use wire::Error;

use crate::limits::DAY_MS;
use crate::names::{AliasName, KeyName};
use crate::operations::grants::remove_grant;
use crate::operations::import::drop_material;
use crate::operations::rotation::{self, Cause};
use crate::records::{Count, GrantRecord, KeyRecord, KeyState, Manager, MaterialRecord};
use crate::service::{Kms, timestamp};
use crate::{keys, rows};

const DELETE: &str = "kms/delete";
const ROTATE: &str = "kms/rotate";
const EXPIRE: &str = "kms/expire";

/// Grants removed in one transaction: each has a handful of rows, and the store takes 10,000 writes.
const GRANTS_PER_TRANSACTION: usize = 1_000;

/// Which key a timer is about.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct About {
    account: String,
    region: String,
    key: String,
    /// Of expiries: which generation of its material.
    generation: Option<u32>,
}

impl About {
    fn of(record: &KeyRecord, generation: Option<u32>) -> About {
        let (account, region, key) = (record.account.clone(), record.region.clone(), record.id.clone());
        About { account, region, key, generation }
    }

    fn name(&self) -> KeyName {
        KeyName { account: self.account.clone(), region: self.region.clone(), id: self.key.clone() }
    }

    fn timer(&self, timers: &TimerPartition, kind: &'static str, due: i64) -> Timer {
        let payload = serde_json::json!(self);
        timers.timer(self.timer_id(kind), timestamp(due), kind, payload)
    }

    fn timer_id(&self, kind: &'static str) -> String {
        format!("{kind}/{}/{}/{}", self.region, self.key, self.generation.unwrap_or_default())
    }
}

/// The timers of an account.
pub async fn partition(kms: &Kms, account: &str) -> Result<TimerPartition, Error> {
    let partition = keys::partition(account).or_failure()?;
    kms.platform.timers.partition(&partition).await.or_failure()
}

/// Deletes a key at a time, in milliseconds since 1970.
pub fn deletion(timers: &TimerPartition, record: &KeyRecord, at: i64) -> Timer {
    About::of(record, None).timer(timers, DELETE, at)
}

/// Calls a deletion off.
pub fn cancel_deletion(
    timers: &TimerPartition,
    rows: &mut dyn Transaction,
    record: &KeyRecord,
) -> Result<(), Abort<Error>> {
    timers.cancel(rows, &About::of(record, None).timer_id(DELETE))?;
    Ok(())
}

/// Rotates a key at a time, in milliseconds since 1970.
pub fn rotation(timers: &TimerPartition, record: &KeyRecord, at: i64) -> Timer {
    About::of(record, None).timer(timers, ROTATE, at)
}

/// Calls automatic rotation off.
pub fn cancel_rotation(
    timers: &TimerPartition,
    rows: &mut dyn Transaction,
    record: &KeyRecord,
) -> Result<(), Abort<Error>> {
    timers.cancel(rows, &About::of(record, None).timer_id(ROTATE))?;
    Ok(())
}

/// Takes imported material away at a time, in milliseconds since 1970.
pub fn expiry(timers: &TimerPartition, record: &KeyRecord, generation: u32, at: i64) -> Timer {
    About::of(record, Some(generation)).timer(timers, EXPIRE, at)
}

/// Calls an expiry off.
pub fn cancel_expiry(
    timers: &TimerPartition,
    rows: &mut dyn Transaction,
    record: &KeyRecord,
    generation: u32,
) -> Result<(), Abort<Error>> {
    timers.cancel(rows, &About::of(record, Some(generation)).timer_id(EXPIRE))?;
    Ok(())
}

/// Names the handlers.
pub fn install(kms: &Arc<Kms>) {
    let timers = &kms.platform.timers;
    let service = Arc::clone(kms);
    timers.on(DELETE, move |firing| {
        let kms = Arc::clone(&service);
        async move { on_delete(&kms, firing).await }
    });
    let service = Arc::clone(kms);
    timers.on(ROTATE, move |firing| {
        let kms = Arc::clone(&service);
        async move { on_rotate(&kms, firing).await }
    });
    let service = Arc::clone(kms);
    timers.on(EXPIRE, move |firing| {
        let kms = Arc::clone(&service);
        async move { on_expire(&kms, firing).await }
    });
}

fn about(firing: &Firing) -> Option<About> {
    let about = serde_json::from_value(firing.payload.clone());
    about.inspect_err(|error| tracing::error!(%error, timer = firing.id, "a timer cannot be read")).ok()
}

async fn on_rotate(kms: &Kms, firing: Firing) -> Result<(), Error> {
    let Some(about) = about(&firing) else { return Ok(()) };
    rotation::rotate(kms, &about.name(), Cause::Due(firing)).await.map(drop)
}

async fn on_expire(kms: &Kms, firing: Firing) -> Result<(), Error> {
    let Some(about) = about(&firing) else { return Ok(()) };
    let generation = about.generation.unwrap_or_default();
    kms.transact(&about.account.clone(), move |rows| {
        let key = keys::key(&about.region, &about.key);
        let Some(mut record) = rows::read::<KeyRecord>(rows, &key)? else { return Ok(()) };
        let material_key = keys::material(&about.region, &about.key, generation);
        let Some(mut material) = rows::read::<MaterialRecord>(rows, &material_key)? else { return Ok(()) };
        if !firing.complete(rows)? {
            return Ok(());
        }
        drop_material(&mut record, generation, &mut material);
        rows::put(rows, &material_key, &material)?;
        rows::put_key(rows, &record)
    })
    .await
}

async fn on_delete(kms: &Kms, firing: Firing) -> Result<(), Error> {
    let Some(about) = about(&firing) else { return Ok(()) };
    let name = about.name();
    let record = kms.find_key(&name).await?;
    if !record.is_some_and(|record| matches!(record.state, KeyState::PendingDeletion { .. })) {
        return kms.transact(&name.account, move |rows| firing.complete(rows).map(drop).map_err(Abort::from)).await;
    }
    while remove_some_grants(kms, &name).await? {}
    let timers = partition(kms, &name.account).await?;
    // The primary may have waited for this replica: its own window begins now.
    let (now, next) = (kms.now(), primary_deletion(kms, &timers, &name).await?);
    kms.transact(&name.account.clone(), move |rows| {
        let Some(record) = rows::read::<KeyRecord>(rows, &keys::key(&name.region, &name.id))? else { return Ok(()) };
        if !firing.complete(rows)? {
            return Ok(());
        }
        remove_key(rows, &record)?;
        leave_regions(rows, &record, &timers, now, next.as_ref())
    })
    .await
}

/// Removes grants of a key that is being deleted; tells whether there were any.
async fn remove_some_grants(kms: &Kms, name: &KeyName) -> Result<bool, Error> {
    let name = name.clone();
    kms.transact(&name.account.clone(), move |rows| {
        let range = keys::grants_of(&name.region, &name.id);
        let grants: Vec<GrantRecord> = rows::read_all(rows, range, GRANTS_PER_TRANSACTION)?;
        for grant in &grants {
            remove_grant(rows, &name, grant);
        }
        Ok(!grants.is_empty())
    })
    .await
}

/// Removes a key's own rows and its aliases.
fn remove_key(rows: &mut dyn Transaction, record: &KeyRecord) -> Result<(), Abort<Error>> {
    let (region, id) = (&record.region, &record.id);
    let marks = rows.scan(keys::aliases_of_key(region, id), Direction::Forward, crate::limits::ALIASES_PER_KEY_MAX)?;
    for (mark, _) in marks {
        let name = rows::key_part(keys::read_alias_of_key(&mark))?;
        let alias = AliasName { account: record.account.clone(), region: region.clone(), name };
        rows.delete(&keys::alias(region, &alias.name));
        rows.delete(&mark);
    }
    rows.delete_range(keys::materials_of(region, id));
    rows.delete_range(keys::grant_names_of(region, id));
    rows.delete(&keys::key(region, id));
    if record.manager == Manager::Customer {
        let mut count: Count = rows::read(rows, &keys::count(region))?.unwrap_or_default();
        count.keys = count.keys.saturating_sub(1);
        rows::put(rows, &keys::count(region), &count)?;
    }
    Ok(())
}

/// The timer of a primary key that waits for its last replica to go.
async fn primary_deletion(kms: &Kms, timers: &TimerPartition, replica: &KeyName) -> Result<Option<Timer>, Error> {
    let snapshot = kms.snapshot(&replica.account).await?;
    let regions = rows::get(&snapshot, &keys::multi_region(&replica.id)).await?;
    let Some(regions): Option<crate::records::MultiRegionRecord> = regions else { return Ok(None) };
    let primary = KeyName { region: regions.primary, ..replica.clone() };
    let Some(record) = kms.find_key(&primary).await? else { return Ok(None) };
    let KeyState::PendingReplicaDeletion { window_days } = record.state else { return Ok(None) };
    Ok(Some(deletion(timers, &record, kms.now() + i64::from(window_days) * DAY_MS)))
}

/// Takes a deleted key off the list of regions, and lets a primary that has waited for it go on.
fn leave_regions(
    rows: &mut dyn Transaction,
    gone: &KeyRecord,
    timers: &TimerPartition,
    now: i64,
    next: Option<&Timer>,
) -> Result<(), Abort<Error>> {
    let Some(mut regions) = rows::regions(rows, gone)? else { return Ok(()) };
    let key = keys::multi_region(&gone.id);
    if regions.primary == gone.region {
        rows.delete(&key);
        return Ok(());
    }
    regions.replicas.remove(&gone.region);
    rows::put(rows, &key, &regions)?;
    let primary_key = keys::key(&regions.primary, &gone.id);
    let (Some(mut primary), Some(timer)) = (rows::read::<KeyRecord>(rows, &primary_key)?, next) else { return Ok(()) };
    if let (KeyState::PendingReplicaDeletion { window_days }, true) = (primary.state, regions.replicas.is_empty()) {
        primary.state = KeyState::PendingDeletion { at: now + i64::from(window_days) * DAY_MS };
        rows::put_key(rows, &primary)?;
        timers.set(rows, timer)?;
    }
    Ok(())
}
