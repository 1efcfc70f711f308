//! What holds for an account in a region.

use api::kinesis::enums::{
    minimum_throughput_billing_commitment_input_status as asked,
    minimum_throughput_billing_commitment_output_status as status,
};
use api::kinesis::{
    DescribeAccountSettingsInput, DescribeAccountSettingsOutput, DescribeLimitsInput, DescribeLimitsOutput,
    MinimumThroughputBillingCommitmentOutput, UpdateAccountSettingsInput, UpdateAccountSettingsOutput,
};
use platform::{Ctx, OrFailure};
use wire::{Error, Timestamp};

use crate::errors::invalid;
use crate::limits::{DAY_MS, ON_DEMAND_STREAMS_MAX, SHARDS_MAX};
use crate::service::Kinesis;
use crate::stream::Account;
use crate::{keys, reshard, rows};

/// How long an account commits itself at least, in milliseconds: 24 hours (API reference, UpdateAccountSettings).
const COMMITMENT_MS: i64 = DAY_MS;

/// Answers the quotas and their use.
///
/// # Errors
/// A failure of the store.
pub async fn describe_limits(
    service: &Kinesis,
    cx: &Ctx,
    _: DescribeLimitsInput,
) -> Result<DescribeLimitsOutput, Error> {
    let partition = keys::partition(&cx.account, &cx.region);
    let (open, on_demand) = service
        .transact(&partition, |transaction| {
            let on_demand = rows::streams(transaction)?.iter().filter(|stream| stream.on_demand).count();
            Ok((reshard::open_of_account(transaction)?, on_demand))
        })
        .await?;
    Ok(DescribeLimitsOutput {
        shard_limit: SHARDS_MAX as i32,
        open_shard_count: open as i32,
        on_demand_stream_count: on_demand as i32,
        on_demand_stream_count_limit: ON_DEMAND_STREAMS_MAX as i32,
        ..Default::default()
    })
}

/// Answers the settings of the account.
///
/// # Errors
/// A failure of the store.
pub async fn describe_account_settings(
    service: &Kinesis,
    cx: &Ctx,
    _: DescribeAccountSettingsInput,
) -> Result<DescribeAccountSettingsOutput, Error> {
    let partition = keys::partition(&cx.account, &cx.region);
    let row = service.platform.store.get(&partition, &keys::account()).await.or_failure()?;
    let account: Account = row.map(|row| rows::decode(&row)).transpose()?.unwrap_or_default();
    Ok(DescribeAccountSettingsOutput { minimum_throughput_billing_commitment: Some(describe(&account)) })
}

/// Commits the account to a least throughput, or ends that.
///
/// # Errors
/// `InvalidArgumentException` before the commitment may end.
pub async fn update_account_settings(
    service: &Kinesis,
    cx: &Ctx,
    input: UpdateAccountSettingsInput,
) -> Result<UpdateAccountSettingsOutput, Error> {
    let partition = keys::partition(&cx.account, &cx.region);
    let (is_enabled, now) = (input.minimum_throughput_billing_commitment.status == asked::ENABLED, service.now());
    let account = service
        .transact(&partition, move |transaction| {
            let mut account: Account = rows::read(transaction, &keys::account())?.unwrap_or_default();
            match (account.committed_at, is_enabled) {
                (None, true) => account = Account { committed_at: Some(now), ended_at: None },
                (Some(since), false) if now < since.saturating_add(COMMITMENT_MS) => {
                    let text = "The minimum throughput billing commitment cannot be disabled within 24 hours.";
                    return Err(invalid(text).into());
                }
                (Some(_), false) => account = Account { committed_at: None, ended_at: Some(now) },
                _ => {}
            }
            rows::put(transaction, &keys::account(), &account)?;
            Ok(account)
        })
        .await?;
    Ok(UpdateAccountSettingsOutput { minimum_throughput_billing_commitment: Some(describe(&account)) })
}

fn describe(account: &Account) -> MinimumThroughputBillingCommitmentOutput {
    let status = if account.committed_at.is_some() { status::ENABLED } else { status::DISABLED };
    let earliest = account.committed_at.map(|since| since.saturating_add(COMMITMENT_MS));
    MinimumThroughputBillingCommitmentOutput {
        status: status.to_owned(),
        started_at: account.committed_at.map(Timestamp::from_milliseconds),
        ended_at: account.ended_at.map(Timestamp::from_milliseconds),
        earliest_allowed_end_at: earliest.map(Timestamp::from_milliseconds),
    }
}
