//! Rotations at work.

use std::sync::Arc;

use api::lambda::{InvocationRequest, Invoke};
use platform::{Firing, Principal, TimerPartition};
use serde_json::json;
use store::{Abort, Transaction};
use wire::Error;

use super::rotate::PRINCIPAL;
use super::{RotationRecord, Running, begin, set_rotation_timer, set_schedule, unfinished};
use crate::limits::{ROTATION_ATTEMPTS_MAX, ROTATION_PAUSE};
use crate::names::SecretId;
use crate::operations::delete::secret_of;
use crate::records::SecretRecord;
use crate::service::Secrets;
use crate::stages::{CURRENT, PENDING};
use crate::{keys, rows};

/// The steps in their order. User guide of Secrets Manager, "Rotation function".
const STEPS: [&str; 4] = ["createSecret", "setSecret", "testSecret", "finishSecret"];
/// The step that a trial of the set-up takes.
const TRIAL: [&str; 1] = ["testSecret"];

/// Begins the rotation whose window has opened, or takes one up again that failed in an earlier window.
pub async fn begin_scheduled(secrets: Arc<Secrets>, firing: Firing) -> Result<(), Error> {
    let Some(id) = secret_of(&firing) else { return Ok(()) };
    let (timers, now) = (secrets.timers(&id.account).await?, secrets.now());
    let token = secrets.platform.ids.uuid();
    let account = id.account.clone();
    secrets
        .transact(&account, move |transaction| {
            if !firing.complete(transaction)? {
                return Ok(());
            }
            let Some(mut record) = at_work(transaction, &id)? else { return Ok(()) };
            let token = unfinished(&record).map_or_else(|| token.clone(), str::to_owned);
            let Some(rotation) = record.rotation.as_mut().filter(|rotation| rotation.is_enabled) else { return Ok(()) };
            rotation.plan(now);
            if rotation.running.is_none() {
                begin(transaction, &timers, &id, &mut record, Running { token, failures: 0, is_trial: false }, now)?;
            }
            rows::put_secret(transaction, &id.region, &record)?;
            set_schedule(transaction, &timers, &id, &record)
        })
        .await
}

/// Takes the rotation that is under way through its steps, and ends it or sets its timer again.
pub async fn go_on(secrets: Arc<Secrets>, firing: Firing) -> Result<(), Error> {
    let Some(id) = secret_of(&firing) else { return Ok(()) };
    let record = match secrets.secret(&id).await {
        Ok(record) => record,
        Err(error) if error.is("ResourceNotFoundException") => return Ok(()),
        Err(error) => return Err(error),
    };
    let outcome = match running(&record) {
        Some((rotation, running)) => take_steps(&secrets, &id, &record.arn, rotation, running).await,
        None => Ok(()),
    };
    let (timers, now) = (secrets.timers(&id.account).await?, secrets.now());
    let (account, succeeded) = (id.account.clone(), outcome.is_ok());
    if let Err(reason) = outcome {
        tracing::warn!(secret = record.arn, reason, "a rotation failed");
    }
    secrets
        .transact(&account, move |transaction| {
            if firing.complete(transaction)? {
                end(transaction, &timers, &id, succeeded, now)?;
            }
            Ok(())
        })
        .await
}

fn running(record: &SecretRecord) -> Option<(&RotationRecord, &Running)> {
    let rotation = record.rotation.as_ref().filter(|_| record.deletion.is_none())?;
    Some((rotation, rotation.running.as_ref()?))
}

/// Invokes the function for one step after the other. The reason of a failure holds nothing that the function said: that
/// could be a secret, and stands in the function's own log.
async fn take_steps(
    secrets: &Secrets,
    id: &SecretId,
    arn: &str,
    rotation: &RotationRecord,
    running: &Running,
) -> Result<(), String> {
    let steps = if running.is_trial { &TRIAL[..] } else { &STEPS[..] };
    for step in steps {
        let event = json!({ "Step": step, "SecretId": arn, "ClientRequestToken": running.token });
        let request = InvocationRequest {
            function_name: rotation.lambda_arn.clone(),
            payload: Some(event.to_string().into()),
            ..Default::default()
        };
        let principal =
            Principal::Service { name: PRINCIPAL, account: id.account.clone(), source_arn: Some(arn.to_owned()) };
        let answer = secrets.platform.call_as::<Invoke>(principal, &id.account, &id.region, request).await;
        let answer = answer.map_err(|error| format!("{step}: {}", error.definition.name))?;
        if let Some(kind) = answer.function_error {
            return Err(format!("{step}: the function failed ({kind})"));
        }
    }
    Ok(())
}

/// Ends a run.
fn end(
    transaction: &mut dyn Transaction,
    timers: &TimerPartition,
    id: &SecretId,
    steps_succeeded: bool,
    now: i64,
) -> Result<(), Abort<Error>> {
    let Some(mut record) = at_work(transaction, id)? else { return Ok(()) };
    let Some(running) = record.rotation.as_mut().and_then(|rotation| rotation.running.take()) else { return Ok(()) };
    if running.is_trial {
        end_trial(transaction, id, &mut record, &running)?;
        return rows::put_secret(transaction, &id.region, &record);
    }
    let is_current = record.labels.version(CURRENT) == Some(running.token.as_str());
    let Some(rotation) = &mut record.rotation else { return Ok(()) };
    if steps_succeeded && is_current {
        rotation.last_rotated_at = Some(now);
        if rotation.rules.as_ref().is_some_and(|rules| rules.automatically_after_days.is_some()) {
            rotation.plan(now);
        }
        record.changed_at = now;
    } else if running.failures + 1 < ROTATION_ATTEMPTS_MAX {
        let pause = ROTATION_PAUSE.as_millis() as i64 * (1 << running.failures);
        rotation.running = Some(Running { failures: running.failures + 1, ..running });
        set_rotation_timer(transaction, timers, id, now + pause)?;
    }
    rows::put_secret(transaction, &id.region, &record)?;
    set_schedule(transaction, timers, id, &record)
}

/// Removes the version that a trial was made on.
fn end_trial(
    transaction: &mut dyn Transaction,
    id: &SecretId,
    record: &mut SecretRecord,
    running: &Running,
) -> Result<(), Abort<Error>> {
    if unfinished(record) == Some(running.token.as_str()) {
        record.labels.remove(PENDING);
    }
    if !record.labels.has(&running.token) {
        for place in record.places(&id.region) {
            transaction.delete(&keys::version(&place.region, &id.name, &running.token));
            transaction.delete(&keys::value(&place.region, &id.name, &running.token));
        }
    }
    Ok(())
}

/// The secret, if it may be rotated.
fn at_work(transaction: &mut dyn Transaction, id: &SecretId) -> Result<Option<SecretRecord>, Abort<Error>> {
    let found: Option<SecretRecord> = rows::read(transaction, &keys::secret(&id.region, &id.name))?;
    Ok(found.filter(|record| record.deletion.is_none() && !record.is_replica(&id.region)))
}
