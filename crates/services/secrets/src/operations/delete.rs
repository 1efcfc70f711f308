//! `DeleteSecret`, `RestoreSecret`, and the timer that makes a deletion final.

use std::sync::Arc;

use api::secretsmanager::{DeleteSecretRequest, DeleteSecretResponse, RestoreSecretRequest, RestoreSecretResponse};
use platform::{Ctx, Firing, TimerPartition};
use serde_json::json;
use store::{Abort, Transaction};
use wire::Error;

use crate::limits::{DAY_MS, RECOVERY_DAYS, RECOVERY_DAYS_DEFAULT};
use crate::names::{self, SecretId};
use crate::records::{Deletion, SecretRecord, time};
use crate::service::{DELETION_TIMER, Secrets};
use crate::{errors, keys, rotation, rows};

/// Marks a secret for deletion, or deletes it at once if that is forced.
pub async fn delete_secret(
    secrets: &Secrets,
    cx: &Ctx,
    input: DeleteSecretRequest,
) -> Result<DeleteSecretResponse, Error> {
    let id = SecretId::parse(cx, &input.secret_id)?;
    let force = input.force_delete_without_recovery == Some(true);
    let days = recovery_days(input.recovery_window_in_days, force)?;
    let now = secrets.now();
    let due_at = if force { now } else { now.saturating_add(days * DAY_MS) };
    let deleted = if force {
        delete_now(secrets, &id).await
    } else {
        mark(secrets, &id, Deletion { asked_at: now, due_at }).await
    };
    let (arn, name) = match deleted {
        Ok(record) => (record.arn, record.name),
        // As AWS, forced deletions of what does not exist succeed.
        Err(error) if force && error.is("ResourceNotFoundException") => absent(secrets, &id),
        Err(error) => return Err(error),
    };
    Ok(DeleteSecretResponse { arn: Some(arn), name: Some(name), deletion_date: Some(time(due_at)) })
}

fn recovery_days(days: Option<i64>, force: bool) -> Result<i64, Error> {
    match days {
        Some(_) if force => {
            Err(errors::parameter("You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays."))
        }
        Some(days) if !RECOVERY_DAYS.contains(&days) => {
            Err(errors::parameter("RecoveryWindowInDays value must be between 7 and 30 days (inclusive)."))
        }
        days => Ok(days.unwrap_or(RECOVERY_DAYS_DEFAULT)),
    }
}

fn absent(secrets: &Secrets, id: &SecretId) -> (String, String) {
    let arn = id.arn.clone();
    let new_arn = || names::new_arn(&secrets.platform.ids, &id.region, &id.account, &id.name);
    (arn.unwrap_or_else(new_arn), id.name.clone())
}

async fn mark(secrets: &Secrets, id: &SecretId, deletion: Deletion) -> Result<SecretRecord, Error> {
    let timers = secrets.timers(&id.account).await?;
    let (id, account) = (id.clone(), id.account.clone());
    secrets
        .transact(&account, move |transaction| {
            let mut record = rows::primary(transaction, &id)?;
            check_replicas(&record)?;
            record.deletion = Some(deletion);
            rows::put_secret(transaction, &id.region, &record)?;
            rotation::stop(transaction, &timers, &id)?;
            let payload = json!({ "account": id.account, "region": id.region, "name": id.name });
            let timer_id = keys::deletion_timer(&id.region, &id.name);
            let timer = timers.timer(timer_id, time(deletion.due_at), DELETION_TIMER, payload);
            timers.set(transaction, &timer)?;
            Ok(record)
        })
        .await
}

async fn delete_now(secrets: &Secrets, id: &SecretId) -> Result<SecretRecord, Error> {
    let timers = secrets.timers(&id.account).await?;
    let (id, account) = (id.clone(), id.account.clone());
    secrets
        .transact(&account, move |transaction| {
            let record = rows::secret(transaction, &id)?;
            if record.is_replica(&id.region) {
                return Err(errors::replica().into());
            }
            check_replicas(&record)?;
            remove(transaction, &timers, &id)?;
            Ok(record)
        })
        .await
}

fn check_replicas(record: &SecretRecord) -> Result<(), Error> {
    if record.replicas.is_empty() {
        return Ok(());
    }
    let regions: Vec<&str> = record.replicas.iter().map(|replica| replica.region.as_str()).collect();
    let regions = regions.join(", ");
    Err(errors::parameter(format!("You can't delete secret {} that still has replica regions [{regions}]", record.arn)))
}

/// Removes a secret and the timers that are about it.
pub fn remove(transaction: &mut dyn Transaction, timers: &TimerPartition, id: &SecretId) -> Result<(), Abort<Error>> {
    rows::remove(transaction, &id.region, &id.name)?;
    rotation::stop(transaction, timers, id)?;
    timers.cancel(transaction, &keys::deletion_timer(&id.region, &id.name))?;
    Ok(())
}

/// Takes a deletion back.
pub async fn restore_secret(
    secrets: &Secrets,
    cx: &Ctx,
    input: RestoreSecretRequest,
) -> Result<RestoreSecretResponse, Error> {
    let id = SecretId::parse(cx, &input.secret_id)?;
    let (timers, now) = (secrets.timers(&id.account).await?, secrets.now());
    let account = id.account.clone();
    let record = secrets.transact(&account, move |transaction| {
        let mut record = rows::secret(transaction, &id)?;
        if record.is_replica(&id.region) {
            return Err(errors::replica().into());
        }
        if record.deletion.take().is_some() {
            timers.cancel(transaction, &keys::deletion_timer(&id.region, &id.name))?;
            rotation::restart(&mut record, now);
            rows::put_secret(transaction, &id.region, &record)?;
            rotation::set_schedule(transaction, &timers, &id, &record)?;
        }
        Ok(record)
    });
    let record = record.await?;
    Ok(RestoreSecretResponse { arn: Some(record.arn), name: Some(record.name) })
}

/// Deletes a secret for good, when its time has come.
pub async fn purge(secrets: Arc<Secrets>, firing: Firing) -> Result<(), Error> {
    let Some(id) = secret_of(&firing) else { return Ok(()) };
    let timers = secrets.timers(&id.account).await?;
    let (account, now) = (id.account.clone(), secrets.now());
    secrets
        .transact(&account, move |transaction| {
            if !firing.complete(transaction)? {
                return Ok(());
            }
            let found: Option<SecretRecord> = rows::read(transaction, &keys::secret(&id.region, &id.name))?;
            let deletion = found.and_then(|record| record.deletion);
            if deletion.is_some_and(|deletion| deletion.due_at <= now) {
                remove(transaction, &timers, &id)?;
            }
            Ok(())
        })
        .await
}

/// The secret that a timer is about; `None` for a payload that no version of this program wrote.
pub fn secret_of(firing: &Firing) -> Option<SecretId> {
    let text = |name: &str| firing.payload.get(name)?.as_str().map(str::to_owned);
    Some(SecretId { account: text("account")?, region: text("region")?, name: text("name")?, arn: None })
}
