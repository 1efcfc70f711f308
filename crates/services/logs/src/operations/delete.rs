//! `DeleteLogGroup` and `DeleteLogStream`: what is deleted is gone at once; its events are removed in the background.

use api::Empty;
use api::logs::{DeleteLogGroupRequest, DeleteLogStreamRequest};
use platform::Ctx;
use store::{Abort, Transaction};
use wire::Error;

use crate::names::GroupName;
use crate::records::{Total, Usage};
use crate::service::Logs;
use crate::{keys, rows};

/// Deletes a group with its streams and events.
pub async fn delete_log_group(logs: &Logs, cx: &Ctx, input: DeleteLogGroupRequest) -> Result<Empty, Error> {
    let name = GroupName::new(cx, &input.log_group_name);
    logs.transact(move |rows| {
        let group = rows::group(rows, &name)?;
        let region = keys::region(&name.account, &name.region);
        let groups: u64 = rows::read(rows, &region)?.unwrap_or_default();
        rows::put(rows, &region, &groups.saturating_sub(1))?;
        rows.delete(&name.key());
        rows.put(&keys::doomed(group.id, 0), &[]);
        Ok(())
    })
    .await?;
    logs.sweep_soon();
    Ok(Empty {})
}

/// Deletes a stream with its events.
pub async fn delete_log_stream(logs: &Logs, cx: &Ctx, input: DeleteLogStreamRequest) -> Result<Empty, Error> {
    let group = GroupName::new(cx, &input.log_group_name);
    logs.transact(move |rows| delete_stream(rows, &group, &input.log_stream_name)).await?;
    logs.sweep_soon();
    Ok(Empty {})
}

fn delete_stream(rows: &mut dyn Transaction, group: &GroupName, name: &str) -> Result<(), Abort<Error>> {
    let group = rows::group(rows, group)?.id;
    let stream = rows::stream(rows, group, name)?;
    let mut total: Total = rows::read(rows, &keys::total())?.unwrap_or_default();
    total.streams = total.streams.saturating_sub(1);
    let mut usage: Usage = rows::read(rows, &keys::usage(group))?.unwrap_or_default();
    usage.streams = usage.streams.saturating_sub(1);
    rows::put(rows, &keys::total(), &total)?;
    rows::put(rows, &keys::usage(group), &usage)?;
    rows.delete(&keys::stream(group, name));
    rows.delete(&keys::stream_name(group, stream.id));
    rows.delete(&keys::stream_time(group, stream.order_time(), name));
    rows.put(&keys::doomed(group, stream.id), &[]);
    Ok(())
}
