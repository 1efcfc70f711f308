//! `PutRetentionPolicy` and `DeleteRetentionPolicy`.

use api::Empty;
use api::logs::{DeleteRetentionPolicyRequest, PutRetentionPolicyRequest};
use platform::Ctx;
use wire::Error;

use crate::limits::RETENTION_DAYS;
use crate::names::GroupName;
use crate::service::Logs;
use crate::{errors, rows};

/// Sets how long a group keeps its events.
pub async fn put_retention_policy(logs: &Logs, cx: &Ctx, input: PutRetentionPolicyRequest) -> Result<Empty, Error> {
    if !RETENTION_DAYS.contains(&input.retention_in_days) {
        let text = format!("Invalid retention value. Valid values are: {RETENTION_DAYS:?}");
        return Err(errors::invalid(text));
    }
    set(logs, GroupName::new(cx, &input.log_group_name), Some(input.retention_in_days)).await
}

/// Lets a group keep its events for ever.
pub async fn delete_retention_policy(
    logs: &Logs,
    cx: &Ctx,
    input: DeleteRetentionPolicyRequest,
) -> Result<Empty, Error> {
    set(logs, GroupName::new(cx, &input.log_group_name), None).await
}

async fn set(logs: &Logs, name: GroupName, days: Option<i32>) -> Result<Empty, Error> {
    logs.transact(move |rows| {
        let mut group = rows::group(rows, &name)?;
        group.retention_days = days;
        rows::put(rows, &name.key(), &group)
    })
    .await?;
    logs.sweep_soon();
    Ok(Empty {})
}
