//! Time to live: its settings. [`crate::background`] removes what has expired.

use api::dynamodb::{
    DescribeTimeToLiveInput, DescribeTimeToLiveOutput, TimeToLiveDescription, TimeToLiveSpecification,
    UpdateTimeToLiveInput, UpdateTimeToLiveOutput,
};
use platform::Ctx;
use wire::Error;

use super::record::{Table, TimeToLive};
use crate::background::work::{self, Work};
use crate::errors::{self, invalid};
use crate::service::{DynamoDb, named};

/// How long the settings stand before they can be changed again (API reference of `UpdateTimeToLive`: up to an hour).
const SETTLING_MS: i64 = 60 * 60 * 1_000;

/// Turns expiry on or off.
///
/// # Errors
/// `ResourceNotFoundException`, and AWS's complaints.
pub async fn update_time_to_live(
    service: &DynamoDb,
    cx: &Ctx,
    input: UpdateTimeToLiveInput,
) -> Result<UpdateTimeToLiveOutput, Error> {
    let name = named(cx, &input.table_name)?;
    let TimeToLiveSpecification { enabled, attribute_name, .. } = input.time_to_live_specification;
    if attribute_name.is_empty() {
        return Err(invalid("TimeToLiveSpecification.AttributeName must be non empty"));
    }
    let (attribute, now) = (attribute_name.clone(), service.now());
    service
        .change_table(&name, move |rows, table| {
            check(table, enabled, &attribute, now)?;
            table.time_to_live = Some(TimeToLive { attribute: attribute.clone(), enabled, changed_at: now });
            // Marks of an earlier attribute go, and those of what is there already are made, in the background.
            work::add(
                rows,
                &Work::MarkExpiries { table: table.name.clone(), collection: table.collection, after: None },
            )
        })
        .await?;
    service.work_soon();
    let specification = TimeToLiveSpecification { enabled, attribute_name, ..Default::default() };
    Ok(UpdateTimeToLiveOutput { time_to_live_specification: Some(specification) })
}

fn check(table: &Table, enabled: bool, attribute: &str, now: i64) -> Result<(), Error> {
    let current = table.time_to_live.as_ref();
    match current.filter(|current| current.enabled) {
        Some(current) if current.attribute != attribute => {
            let name = &current.attribute;
            return Err(invalid(format!(
                "TimeToLive is active on a different AttributeName: current AttributeName is {name}"
            )));
        }
        Some(_) if enabled => return Err(invalid("TimeToLive is already enabled")),
        None if !enabled => return Err(invalid("TimeToLive is already disabled")),
        _ => {}
    }
    if current.is_some_and(|current| now - current.changed_at < SETTLING_MS) {
        return Err(invalid("Time to live has been modified multiple times within a fixed interval"));
    }
    Ok(())
}

/// Says whether items expire.
///
/// # Errors
/// `ResourceNotFoundException`.
pub async fn describe_time_to_live(
    service: &DynamoDb,
    cx: &Ctx,
    input: DescribeTimeToLiveInput,
) -> Result<DescribeTimeToLiveOutput, Error> {
    let name = named(cx, &input.table_name)?;
    let snapshot = service.snapshot(&name.partition()).await?;
    let table = service.table_in(&snapshot, &name).await?.ok_or_else(|| errors::table_not_found(&name.name))?;
    let enabled = table.time_to_live.as_ref().filter(|settings| settings.enabled);
    let status = if enabled.is_some() { "ENABLED" } else { "DISABLED" };
    let description = TimeToLiveDescription {
        time_to_live_status: Some(status.to_owned()),
        attribute_name: enabled.map(|settings| settings.attribute.clone()),
    };
    Ok(DescribeTimeToLiveOutput { time_to_live_description: Some(description) })
}
