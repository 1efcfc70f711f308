//! `CreateLogStream`.

use api::Empty;
use api::logs::CreateLogStreamRequest;
use platform::Ctx;
use store::{Abort, Transaction};
use wire::Error;

use crate::limits::STREAMS_MAX;
use crate::names::GroupName;
use crate::records::{StreamRecord, Total, Usage};
use crate::service::Logs;
use crate::{errors, keys, rows};

/// Makes a log stream.
pub async fn create_log_stream(logs: &Logs, cx: &Ctx, input: CreateLogStreamRequest) -> Result<Empty, Error> {
    let group = GroupName::new(cx, &input.log_group_name);
    let now = logs.now();
    logs.transact(move |rows| create(rows, &group, &input.log_stream_name, now)).await?;
    Ok(Empty {})
}

fn create(rows: &mut dyn Transaction, group: &GroupName, name: &str, now: i64) -> Result<(), Abort<Error>> {
    let group = rows::group(rows, group)?.id;
    if rows.get(&keys::stream(group, name))?.is_some() {
        return Err(errors::stream_exists().into());
    }
    let mut total: Total = rows::read(rows, &keys::total())?.unwrap_or_default();
    if total.streams >= STREAMS_MAX {
        return Err(errors::limit_exceeded().into());
    }
    total.streams += 1;
    total.last_id += 1;
    let stream = StreamRecord {
        id: total.last_id,
        created_at: now,
        first_event: None,
        last_event: None,
        last_ingestion: None,
        writes: 0,
    };
    let mut usage: Usage = rows::read(rows, &keys::usage(group))?.unwrap_or_default();
    usage.streams += 1;
    rows::put(rows, &keys::usage(group), &usage)?;
    rows::put(rows, &keys::total(), &total)?;
    rows::put(rows, &keys::stream_name(group, stream.id), &name)?;
    rows.put(&keys::stream_time(group, stream.order_time(), name), &[]);
    rows::put(rows, &keys::stream(group, name), &stream)
}
