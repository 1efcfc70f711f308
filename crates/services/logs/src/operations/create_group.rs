//! `CreateLogGroup`.

use api::Empty;
use api::logs::CreateLogGroupRequest;
use api::logs::enums::log_group_class;
use platform::Ctx;
use store::{Abort, Transaction};
use wire::Error;

use crate::limits::GROUPS_MAX;
use crate::names::GroupName;
use crate::records::{GroupRecord, Total, Usage};
use crate::service::Logs;
use crate::{errors, keys, rows};

/// Makes a log group.
pub async fn create_log_group(logs: &Logs, cx: &Ctx, input: CreateLogGroupRequest) -> Result<Empty, Error> {
    check(&input)?;
    let name = GroupName::new(cx, &input.log_group_name);
    let class = input.log_group_class.unwrap_or_else(|| log_group_class::STANDARD.to_owned());
    let group = GroupRecord {
        id: 0,
        created_at: logs.now(),
        class,
        retention_days: None,
        tags: input.tags.unwrap_or_default(),
    };
    logs.transact(move |rows| create(rows, &name, &group)).await?;
    Ok(Empty {})
}

fn check(input: &CreateLogGroupRequest) -> Result<(), Error> {
    let name = input.log_group_name.as_bytes();
    if name.get(..4).is_some_and(|start| start.eq_ignore_ascii_case(b"aws/")) {
        return Err(errors::invalid("Log groups starting with AWS/ are reserved for AWS."));
    }
    if input.kms_key_id.is_some() {
        // No key exists here, so none can be found.
        return Err(errors::invalid("The specified KMS Key Id could not be found."));
    }
    if input.deletion_protection_enabled == Some(true) {
        return Err(errors::unsupported("deletionProtectionEnabled"));
    }
    Ok(())
}

fn create(rows: &mut dyn Transaction, name: &GroupName, group: &GroupRecord) -> Result<(), Abort<Error>> {
    if rows.get(&name.key())?.is_some() {
        return Err(errors::group_exists().into());
    }
    let region = keys::region(&name.account, &name.region);
    let groups: u64 = rows::read(rows, &region)?.unwrap_or_default();
    if groups >= GROUPS_MAX {
        return Err(errors::limit_exceeded().into());
    }
    let mut total: Total = rows::read(rows, &keys::total())?.unwrap_or_default();
    total.last_id += 1;
    let group = GroupRecord { id: total.last_id, ..group.clone() };
    rows::put(rows, &keys::total(), &total)?;
    rows::put(rows, &region, &(groups + 1))?;
    rows::put(rows, &keys::usage(group.id), &Usage::default())?;
    rows::put(rows, &name.key(), &group)
}
