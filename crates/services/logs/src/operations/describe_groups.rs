//! `DescribeLogGroups`.

use api::logs::{DescribeLogGroupsRequest, DescribeLogGroupsResponse, LogGroup};
use platform::{Ctx, OrFailure};
use store::{Direction, KeyRange, Snapshot};
use wire::Error;

use crate::limits::{DESCRIBE_ITEMS_MAX, EXAMINED_GROUPS_MAX, SCANNED_ROWS_MAX};
use crate::names::GroupName;
use crate::records::{GroupRecord, Usage};
use crate::service::Logs;
use crate::{errors, keys, rows, token};

/// Lists groups by name.
pub async fn describe_log_groups(
    logs: &Logs,
    cx: &Ctx,
    input: DescribeLogGroupsRequest,
) -> Result<DescribeLogGroupsResponse, Error> {
    check(cx, &input)?;
    let snapshot = logs.snapshot().await?;
    if let Some(identifiers) = &input.log_group_identifiers {
        return named(cx, &snapshot, identifiers).await;
    }
    let after = input.next_token.as_deref().map(token::unseal).transpose()?;
    let limit = input.limit.map_or(DESCRIBE_ITEMS_MAX, |limit| limit.max(1) as usize).min(DESCRIBE_ITEMS_MAX);
    let (found, last) = search(cx, &snapshot, &input, after.as_deref(), limit).await?;
    let mut groups = Vec::with_capacity(found.len());
    for (name, group) in &found {
        groups.push(match &input.log_group_name_pattern {
            Some(_) => brief(name, group),
            None => full(&snapshot, name, group).await?,
        });
    }
    Ok(DescribeLogGroupsResponse { log_groups: Some(groups), next_token: last.map(|name| token::seal(&name)) })
}

fn check(cx: &Ctx, input: &DescribeLogGroupsRequest) -> Result<(), Error> {
    if input.log_group_name_prefix.is_some() && input.log_group_name_pattern.is_some() {
        let text = "LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.";
        return Err(errors::invalid(text));
    }
    let filtered = input.log_group_name_prefix.is_some()
        || input.log_group_name_pattern.is_some()
        || input.log_group_class.is_some()
        || input.next_token.is_some()
        || input.limit.is_some();
    if input.log_group_identifiers.is_some() && filtered {
        return Err(errors::invalid("logGroupIdentifiers cannot be combined with other filters."));
    }
    // No account is linked to another here: only one's own can be asked for.
    if input.account_identifiers.iter().flatten().any(|account| *account != cx.account) {
        return Err(errors::unsupported("accountIdentifiers"));
    }
    Ok(())
}

/// The groups of those names, of which some may not exist.
async fn named(cx: &Ctx, snapshot: &Snapshot, identifiers: &[String]) -> Result<DescribeLogGroupsResponse, Error> {
    let names = identifiers.iter().map(|identifier| GroupName::identified(cx, identifier));
    let mut names = names.collect::<Result<Vec<_>, _>>()?;
    names.sort_unstable_by(|one, other| one.name.cmp(&other.name));
    names.dedup();
    let mut groups = Vec::with_capacity(names.len());
    for name in names {
        if let Some(group) = rows::get(snapshot, &name.key()).await? {
            groups.push(full(snapshot, &name, &group).await?);
        }
    }
    Ok(DescribeLogGroupsResponse { log_groups: Some(groups), next_token: None })
}

type Found = Vec<(GroupName, GroupRecord)>;

/// The next groups that are looked for, and the name of the last one looked at if there are more behind it.
async fn search(
    cx: &Ctx,
    snapshot: &Snapshot,
    input: &DescribeLogGroupsRequest,
    after: Option<&str>,
    limit: usize,
) -> Result<(Found, Option<String>), Error> {
    let prefix = input.log_group_name_prefix.as_deref().unwrap_or_default();
    let groups = keys::groups(&cx.account, &cx.region);
    let mut range: KeyRange = groups.range_of_segments_starting(prefix.as_bytes());
    if let Some(after) = after {
        range = range.after(&GroupName::new(cx, after).key());
    }
    let (mut found, mut examined, mut last) = (Vec::new(), 0, None);
    loop {
        let scanned = snapshot.scan(range.clone(), Direction::Forward, SCANNED_ROWS_MAX).await.or_failure()?;
        for (key, row) in &scanned {
            if found.len() == limit || examined == EXAMINED_GROUPS_MAX {
                return Ok((found, last));
            }
            examined += 1;
            let name = GroupName::new(cx, &rows::key_part(keys::read_group_name(key))?);
            last = Some(name.name.clone());
            let group: GroupRecord = rows::decode(row)?;
            if wanted(input, &name, &group) {
                found.push((name, group));
            }
        }
        match scanned.last() {
            Some((key, _)) if scanned.len() == SCANNED_ROWS_MAX => range = range.after(key),
            _ => return Ok((found, None)),
        }
    }
}

fn wanted(input: &DescribeLogGroupsRequest, name: &GroupName, group: &GroupRecord) -> bool {
    input.log_group_class.as_ref().is_none_or(|class| *class == group.class)
        && input.log_group_name_pattern.as_ref().is_none_or(|pattern| name.name.contains(pattern))
}

/// What a search by pattern tells of a group.
fn brief(name: &GroupName, group: &GroupRecord) -> LogGroup {
    LogGroup {
        log_group_name: Some(name.name.clone()),
        creation_time: Some(group.created_at),
        metric_filter_count: Some(0),
        arn: Some(format!("{}:*", name.arn())),
        log_group_arn: Some(name.arn()),
        log_group_class: Some(group.class.clone()),
        ..Default::default()
    }
}

async fn full(snapshot: &Snapshot, name: &GroupName, group: &GroupRecord) -> Result<LogGroup, Error> {
    let usage: Usage = rows::get(snapshot, &keys::usage(group.id)).await?.unwrap_or_default();
    Ok(LogGroup {
        retention_in_days: group.retention_days,
        stored_bytes: Some(i64::try_from(usage.bytes).unwrap_or(i64::MAX)),
        deletion_protection_enabled: Some(false),
        ..brief(name, group)
    })
}
