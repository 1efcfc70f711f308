//! Deleting keys, which takes days, so that mistakes can be taken back.

use api::kms::{
    CancelKeyDeletionRequest, CancelKeyDeletionResponse, ScheduleKeyDeletionRequest, ScheduleKeyDeletionResponse,
};
use platform::Ctx;
use wire::Error;

use crate::limits::{DAY_MS, DELETION_DAYS_DEFAULT};
use crate::operations::own_key;
use crate::records::{KeyState, Origin};
use crate::resolve::{require_customers, require_kept};
use crate::service::{Kms, timestamp};
use crate::{errors, rows, timers};

/// The range of the waiting period in days.
const WINDOW_DAYS: std::ops::RangeInclusive<i32> = 7..=30;

/// Schedules a key's deletion. A primary key with replicas waits for theirs first.
pub async fn schedule_key_deletion(
    kms: &Kms,
    cx: &Ctx,
    input: ScheduleKeyDeletionRequest,
) -> Result<ScheduleKeyDeletionResponse, Error> {
    let name = own_key(cx, &input.key_id)?;
    let window_days = input.pending_window_in_days.unwrap_or(DELETION_DAYS_DEFAULT);
    if !WINDOW_DAYS.contains(&window_days) {
        return Err(errors::invalid(format!(
            "PendingWindowInDays must be between {} and {} (inclusive).",
            WINDOW_DAYS.start(),
            WINDOW_DAYS.end()
        )));
    }
    let partition = timers::partition(kms, &cx.account).await?;
    let at = kms.now() + i64::from(window_days) * DAY_MS;
    let timer = timers::deletion(&partition, &kms.find(&name).await?, at);
    let call = cx.clone();
    let record = kms
        .transact(&cx.account, move |rows| {
            let mut record = rows::key(rows, &name)?;
            require_customers(&call, &record)?;
            require_kept(&record)?;
            let regions = rows::regions(rows, &record)?;
            let has_replicas =
                regions.is_some_and(|regions| regions.primary == record.region && !regions.replicas.is_empty());
            if has_replicas {
                record.state = KeyState::PendingReplicaDeletion { window_days };
            } else {
                record.state = KeyState::PendingDeletion { at };
                partition.set(rows, &timer)?;
            }
            rows::put_key(rows, &record)?;
            Ok(record)
        })
        .await?;
    let is_waiting = matches!(record.state, KeyState::PendingReplicaDeletion { .. });
    Ok(ScheduleKeyDeletionResponse {
        key_id: Some(record.arn()),
        deletion_date: (!is_waiting).then(|| timestamp(at)),
        key_state: Some(record.state.name().to_owned()),
        pending_window_in_days: Some(window_days),
    })
}

/// Takes a scheduled deletion back; the key is disabled then.
pub async fn cancel_key_deletion(
    kms: &Kms,
    cx: &Ctx,
    input: CancelKeyDeletionRequest,
) -> Result<CancelKeyDeletionResponse, Error> {
    let name = own_key(cx, &input.key_id)?;
    let partition = timers::partition(kms, &cx.account).await?;
    let call = cx.clone();
    let arn = kms
        .transact(&cx.account, move |rows| {
            let mut record = rows::key(rows, &name)?;
            require_customers(&call, &record)?;
            if require_kept(&record).is_ok() {
                return Err(errors::invalid_state(&record.arn(), "not pending deletion").into());
            }
            let is_complete = record.origin == Origin::AwsKms || record.current.is_some();
            record.state = if is_complete { KeyState::Disabled } else { KeyState::PendingImport };
            timers::cancel_deletion(&partition, rows, &record)?;
            rows::put_key(rows, &record)?;
            Ok(record.arn())
        })
        .await?;
    Ok(CancelKeyDeletionResponse { key_id: Some(arn) })
}
