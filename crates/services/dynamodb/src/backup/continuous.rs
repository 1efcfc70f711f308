//! Point-in-time recovery: its settings.

use api::dynamodb::errors::table_not_found_exception;
use api::dynamodb::{
    ContinuousBackupsDescription, DescribeContinuousBackupsInput, DescribeContinuousBackupsOutput,
    PointInTimeRecoveryDescription, UpdateContinuousBackupsInput, UpdateContinuousBackupsOutput,
};
use platform::Ctx;
use wire::{Error, Timestamp};

use crate::errors::invalid;
use crate::limits::RECOVERY_DAYS;
use crate::service::{DynamoDb, named};
use crate::table::Table;
use crate::table::record::Recovery;

/// AWS's recovery reaches to five minutes ago; here it reaches to now.
fn describe(table: &Table, now: i64) -> ContinuousBackupsDescription {
    const DAY_MS: i64 = 24 * 60 * 60 * 1_000;
    let recovery = table.recovery.as_ref();
    let status = if recovery.is_some() { "ENABLED" } else { "DISABLED" };
    let earliest = |recovery: &Recovery| recovery.since.max(now - i64::from(recovery.days) * DAY_MS);
    ContinuousBackupsDescription {
        continuous_backups_status: "ENABLED".to_owned(),
        point_in_time_recovery_description: Some(PointInTimeRecoveryDescription {
            point_in_time_recovery_status: Some(status.to_owned()),
            recovery_period_in_days: recovery.map(|recovery| recovery.days),
            earliest_restorable_date_time: recovery.map(earliest).map(Timestamp::from_milliseconds),
            latest_restorable_date_time: recovery.map(|_| Timestamp::from_milliseconds(now)),
        }),
    }
}

fn not_found(error: Error, name: &str) -> Error {
    if error.is("ResourceNotFoundException") {
        return table_not_found_exception(format!("Table not found: {name}"));
    }
    error
}

/// Turns recovery on or off.
///
/// # Errors
/// `TableNotFoundException`.
pub async fn update_continuous_backups(
    service: &DynamoDb,
    cx: &Ctx,
    input: UpdateContinuousBackupsInput,
) -> Result<UpdateContinuousBackupsOutput, Error> {
    let name = named(cx, &input.table_name)?;
    let given = input.point_in_time_recovery_specification;
    if !given.point_in_time_recovery_enabled && given.recovery_period_in_days.is_some() {
        let text = "Invalid Request: Cannot specify RecoveryPeriodInDays when disabling point-in-time recovery.";
        return Err(invalid(text));
    }
    let now = service.now();
    let changed = service
        .change_table(&name, move |_, table| {
            let since = table.recovery.as_ref().map_or(now, |recovery| recovery.since);
            let days = given.recovery_period_in_days.unwrap_or(RECOVERY_DAYS);
            table.recovery = given.point_in_time_recovery_enabled.then_some(Recovery { since, days });
            Ok(describe(table, now))
        })
        .await;
    let description = changed.map_err(|error| not_found(error, &name.name))?;
    Ok(UpdateContinuousBackupsOutput { continuous_backups_description: Some(description) })
}

/// Says how far recovery reaches back.
///
/// # Errors
/// `TableNotFoundException`.
pub async fn describe_continuous_backups(
    service: &DynamoDb,
    cx: &Ctx,
    input: DescribeContinuousBackupsInput,
) -> Result<DescribeContinuousBackupsOutput, Error> {
    let name = named(cx, &input.table_name)?;
    let snapshot = service.snapshot(&name.partition()).await?;
    let missing = || table_not_found_exception(format!("Table not found: {}", name.name));
    let table = service.table_in(&snapshot, &name).await?.ok_or_else(missing)?;
    let description = describe(&table, service.now());
    Ok(DescribeContinuousBackupsOutput { continuous_backups_description: Some(description) })
}
