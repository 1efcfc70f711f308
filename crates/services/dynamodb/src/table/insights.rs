//! Contributor insights: whether they are on. What they would count is not counted.

use api::dynamodb::{
    ContributorInsightsSummary, DescribeContributorInsightsInput, DescribeContributorInsightsOutput,
    ListContributorInsightsInput, ListContributorInsightsOutput, UpdateContributorInsightsInput,
    UpdateContributorInsightsOutput,
};
use platform::Ctx;
use wire::{Error, Timestamp};

use super::record::Table;
use crate::errors::{self, unsupported};
use crate::service::{DynamoDb, named};

/// Turns insights off. Turning them on is refused: nothing here counts contributors.
///
/// # Errors
/// `ResourceNotFoundException`, and a `ValidationException` for `ENABLE`.
pub async fn update_contributor_insights(
    service: &DynamoDb,
    cx: &Ctx,
    input: UpdateContributorInsightsInput,
) -> Result<UpdateContributorInsightsOutput, Error> {
    let name = named(cx, &input.table_name)?;
    let snapshot = service.snapshot(&name.partition()).await?;
    let table = service.table_in(&snapshot, &name).await?.ok_or_else(|| errors::table_not_found(&name.name))?;
    check_index(&table, input.index_name.as_deref())?;
    if input.contributor_insights_action == "ENABLE" {
        return Err(unsupported("ContributorInsightsAction ENABLE"));
    }
    Ok(UpdateContributorInsightsOutput {
        table_name: Some(input.table_name),
        index_name: input.index_name,
        contributor_insights_status: Some("DISABLED".to_owned()),
        contributor_insights_mode: None,
    })
}

fn check_index(table: &Table, index: Option<&str>) -> Result<(), Error> {
    let known = index.is_none_or(|name| table.globals.iter().any(|index| index.name == name));
    if known { Ok(()) } else { Err(errors::table_missing()) }
}

/// Says that insights are off.
///
/// # Errors
/// `ResourceNotFoundException`.
pub async fn describe_contributor_insights(
    service: &DynamoDb,
    cx: &Ctx,
    input: DescribeContributorInsightsInput,
) -> Result<DescribeContributorInsightsOutput, Error> {
    let name = named(cx, &input.table_name)?;
    let snapshot = service.snapshot(&name.partition()).await?;
    let table = service.table_in(&snapshot, &name).await?.ok_or_else(|| errors::table_not_found(&name.name))?;
    check_index(&table, input.index_name.as_deref())?;
    Ok(DescribeContributorInsightsOutput {
        table_name: Some(input.table_name),
        index_name: input.index_name,
        contributor_insights_status: Some("DISABLED".to_owned()),
        last_update_date_time: Some(Timestamp::from_milliseconds(table.created_at)),
        ..Default::default()
    })
}

/// Lists the tables and indexes with insights: none.
///
/// # Errors
/// `ResourceNotFoundException`.
pub async fn list_contributor_insights(
    service: &DynamoDb,
    cx: &Ctx,
    input: ListContributorInsightsInput,
) -> Result<ListContributorInsightsOutput, Error> {
    if let Some(given) = &input.table_name {
        let name = named(cx, given)?;
        let snapshot = service.snapshot(&name.partition()).await?;
        service.table_in(&snapshot, &name).await?.ok_or_else(|| errors::table_not_found(&name.name))?;
    }
    let none: Vec<ContributorInsightsSummary> = Vec::new();
    Ok(ListContributorInsightsOutput { contributor_insights_summaries: Some(none), next_token: None })
}
