//! On-demand backups: `CreateBackup`, `DescribeBackup`, `ListBackups`, `DeleteBackup`.

use api::dynamodb::errors::{backup_in_use_exception, backup_not_found_exception, table_not_found_exception};
use api::dynamodb::{
    BackupDescription, BackupDetails, BackupSummary, CreateBackupInput, CreateBackupOutput, DeleteBackupInput,
    DeleteBackupOutput, DescribeBackupInput, DescribeBackupOutput, GlobalSecondaryIndexInfo, ListBackupsInput,
    ListBackupsOutput, LocalSecondaryIndexInfo, ProvisionedThroughput, SourceTableDetails, SourceTableFeatureDetails,
    StreamSpecification, TimeToLiveDescription,
};
use platform::{Ctx, OrFailure};
use store::{Direction, Partition, Transaction};
use wire::{Error, Timestamp};

use super::Backup;
use super::copy::{Copy, Phase, Target};
use crate::background::work::{self, Work};
use crate::errors::invalid;
use crate::limits::LIST_BACKUPS_MAX;
use crate::names::{Resource, TableName};
use crate::rows::{self, Figures};
use crate::service::{DynamoDb, named};
use crate::table::Table;
use crate::table::describe::{describe_key, describe_projection};
use crate::table::record::Throughput;
use crate::{keys, table};

/// Most backups looked through for one answer.
const BACKUPS_READ_MAX: usize = 10_000;

fn time(milliseconds: i64) -> Timestamp {
    Timestamp::from_milliseconds(milliseconds)
}

/// Makes a backup of a table as it is at this moment; its items are copied in the background.
///
/// # Errors
/// `TableNotFoundException`, and AWS's complaints.
pub async fn create_backup(
    service: &DynamoDb,
    cx: &Ctx,
    input: CreateBackupInput,
) -> Result<CreateBackupOutput, Error> {
    let name = named(cx, &input.table_name)?;
    let (plain, now, suffix) = (name.name.clone(), service.now(), service.platform.ids.hex(8));
    let backup_name = input.backup_name;
    let backup = service
        .transact(&name.partition(), move |rows| {
            let found = rows::table(rows, &plain, None)?;
            let missing = || table_not_found_exception(format!("Table not found: {plain}"));
            let mut table =
                found.filter(|found| !found.table.is_restoring()).ok_or_else(missing)?.table.as_ref().clone();
            let backup = Backup {
                number: rows::next_number(rows)?,
                id: format!("{now:014}-{suffix}"),
                name: backup_name.clone(),
                table: table.clone(),
                created_at: now,
                complete: false,
                count: 0,
                bytes: 0,
                hidden: false,
            };
            rows::put(rows, &keys::backup(backup.number), &backup)?;
            // Changes of this very millisecond that came before are part of it.
            let changes = Figures::read(rows, table.collection)?.changes;
            start(rows, &mut table, Target::Backup(backup.number), now, changes)?;
            Ok(backup)
        })
        .await?;
    service.forget(&name);
    service.work_soon();
    Ok(CreateBackupOutput { backup_details: Some(details(&backup)) })
}

/// Begins to copy a table as it was before a time that is now or that recovery reaches; of changes at that time, the
/// first ones up to a number are part of the copy.
pub fn start(
    rows: &mut dyn Transaction,
    table: &mut Table,
    target: Target,
    at: i64,
    from_change: u64,
) -> Result<(), store::Abort<Error>> {
    let copy = Copy {
        source: table.collection,
        source_table: Some(table.name.clone()),
        target,
        at,
        from_change,
        phase: Phase::Items(None),
    };
    table.copies += 1;
    rows::put_table(rows, table)?;
    work::add(rows, &Work::Copy(copy))
}

fn details(backup: &Backup) -> BackupDetails {
    BackupDetails {
        backup_arn: backup.arn(),
        backup_name: backup.name.clone(),
        backup_size_bytes: Some(backup.bytes as i64),
        backup_status: status(backup).to_owned(),
        backup_type: "USER".to_owned(),
        backup_creation_date_time: time(backup.created_at),
        ..Default::default()
    }
}

fn status(backup: &Backup) -> &'static str {
    if backup.complete { "AVAILABLE" } else { "CREATING" }
}

fn provisioned(throughput: &Throughput) -> ProvisionedThroughput {
    ProvisionedThroughput {
        read_capacity_units: throughput.read,
        write_capacity_units: throughput.write,
        ..Default::default()
    }
}

fn describe(backup: &Backup) -> BackupDescription {
    let table = &backup.table;
    BackupDescription {
        backup_details: Some(details(backup)),
        source_table_details: Some(SourceTableDetails {
            table_name: table.name.clone(),
            table_id: table.id.clone(),
            table_arn: Some(table.arn()),
            table_size_bytes: Some(backup.bytes as i64),
            key_schema: describe_key(&table.key),
            table_creation_date_time: time(table.created_at),
            provisioned_throughput: provisioned(&table.billing.throughput),
            item_count: Some(backup.count as i64),
            billing_mode: Some(if table.billing.on_demand { "PAY_PER_REQUEST" } else { "PROVISIONED" }.to_owned()),
            ..Default::default()
        }),
        source_table_feature_details: Some(features(table)),
    }
}

fn features(table: &Table) -> SourceTableFeatureDetails {
    let local = |index: &table::Index| LocalSecondaryIndexInfo {
        index_name: Some(index.name.clone()),
        key_schema: Some(describe_key(&index.key)),
        projection: Some(describe_projection(&index.projection)),
    };
    let global = |index: &table::Index| GlobalSecondaryIndexInfo {
        index_name: Some(index.name.clone()),
        key_schema: Some(describe_key(&index.key)),
        projection: Some(describe_projection(&index.projection)),
        provisioned_throughput: Some(provisioned(&index.throughput)),
        on_demand_throughput: None,
    };
    let stream = table.stream.as_ref().filter(|stream| stream.enabled);
    let expiry = table.time_to_live.as_ref().filter(|settings| settings.enabled);
    SourceTableFeatureDetails {
        local_secondary_indexes: (!table.locals.is_empty()).then(|| table.locals.iter().map(local).collect()),
        global_secondary_indexes: (!table.globals.is_empty()).then(|| table.globals.iter().map(global).collect()),
        stream_description: stream.map(|stream| StreamSpecification {
            stream_enabled: true,
            stream_view_type: Some(stream.view.name().to_owned()),
            ..Default::default()
        }),
        time_to_live_description: expiry.map(|settings| TimeToLiveDescription {
            time_to_live_status: Some("ENABLED".to_owned()),
            attribute_name: Some(settings.attribute.clone()),
        }),
        ..Default::default()
    }
}

fn not_found(arn: &str) -> Error {
    backup_not_found_exception(format!("Backup not found: {arn}"))
}

/// The table of a backup's ARN, and the backup's id.
fn parse(arn: &str) -> Result<(TableName, String), Error> {
    match Resource::parse(arn) {
        Some(Resource::Backup(table, id)) => Ok((table, id)),
        _ => Err(invalid("Invalid Backup ARN")),
    }
}

async fn all(service: &DynamoDb, partition: &Partition) -> Result<Vec<Backup>, Error> {
    let snapshot = service.snapshot(partition).await?;
    let found = snapshot.scan(keys::backups(), Direction::Forward, BACKUPS_READ_MAX).await.or_failure()?;
    let read = found.iter().map(|(_, row)| rows::decode::<Backup>(row)).collect::<Result<Vec<_>, _>>()?;
    Ok(read.into_iter().filter(|backup| !backup.hidden).collect())
}

/// The backup of an ARN.
pub async fn find(service: &DynamoDb, arn: &str) -> Result<(TableName, Backup), Error> {
    let (table, id) = parse(arn)?;
    let backups = all(service, &table.partition()).await?;
    let backup = backups.into_iter().find(|backup| backup.id == id && backup.table.name == table.name);
    Ok((table, backup.ok_or_else(|| not_found(arn))?))
}

/// Describes a backup.
///
/// # Errors
/// `BackupNotFoundException`.
pub async fn describe_backup(
    service: &DynamoDb,
    _: &Ctx,
    input: DescribeBackupInput,
) -> Result<DescribeBackupOutput, Error> {
    let (_, backup) = find(service, &input.backup_arn).await?;
    Ok(DescribeBackupOutput { backup_description: Some(describe(&backup)) })
}

/// Deletes a backup.
///
/// # Errors
/// `BackupNotFoundException`, `BackupInUseException`.
pub async fn delete_backup(service: &DynamoDb, _: &Ctx, input: DeleteBackupInput) -> Result<DeleteBackupOutput, Error> {
    let (table, backup) = find(service, &input.backup_arn).await?;
    let number = backup.number;
    let arn = input.backup_arn;
    service
        .transact(&table.partition(), move |rows| {
            let backup: Option<Backup> = rows::read(rows, &keys::backup(number))?;
            let complete = backup.ok_or_else(|| not_found(&arn))?.complete;
            let read = rows.scan(keys::all_work(), Direction::Forward, BACKUPS_READ_MAX)?;
            let work = read.iter().map(|(_, row)| rows::decode::<Work>(row)).collect::<Result<Vec<_>, _>>()?;
            let restoring = work.iter().any(|work| matches!(work, Work::Copy(copy) if copy.source == number));
            if !complete || restoring {
                return Err(backup_in_use_exception(format!("Backup is being used: {arn}")).into());
            }
            rows.delete(&keys::backup(number));
            table::remove::doom(rows, number);
            Ok(())
        })
        .await?;
    service.work_soon();
    let mut description = describe(&backup);
    if let Some(details) = &mut description.backup_details {
        details.backup_status = "DELETED".to_owned();
    }
    Ok(DeleteBackupOutput { backup_description: Some(description) })
}

/// Lists backups, the oldest first.
///
/// # Errors
/// AWS's complaints.
pub async fn list_backups(service: &DynamoDb, cx: &Ctx, input: ListBackupsInput) -> Result<ListBackupsOutput, Error> {
    let table = input.table_name.as_deref().map(|name| named(cx, name)).transpose()?;
    let partition = match &table {
        Some(table) => table.partition(),
        None => keys::partition(&cx.account, &cx.region),
    };
    let mut backups = all(service, &partition).await?;
    let from = input.time_range_lower_bound.map(|bound| bound.milliseconds());
    let to = input.time_range_upper_bound.map(|bound| bound.milliseconds());
    let of_users = !matches!(input.backup_type.as_deref(), Some("SYSTEM" | "AWS_BACKUP"));
    backups.retain(|backup| {
        of_users
            && table.as_ref().is_none_or(|table| backup.table.name == table.name)
            && from.is_none_or(|from| backup.created_at >= from)
            && to.is_none_or(|to| backup.created_at < to)
    });
    if let Some(start) = &input.exclusive_start_backup_arn {
        let at = backups.iter().position(|backup| backup.arn() == *start);
        backups.drain(..at.map_or(backups.len(), |at| at + 1));
    }
    let limit = input.limit.map_or(LIST_BACKUPS_MAX, |limit| limit.clamp(1, LIST_BACKUPS_MAX as i32) as usize);
    let more = backups.len() > limit;
    backups.truncate(limit);
    let last = backups.last().filter(|_| more).map(Backup::arn);
    let summary = |backup: Backup| BackupSummary {
        table_name: Some(backup.table.name.clone()),
        table_id: Some(backup.table.id.clone()),
        table_arn: Some(backup.table.arn()),
        backup_arn: Some(backup.arn()),
        backup_creation_date_time: Some(time(backup.created_at)),
        backup_status: Some(status(&backup).to_owned()),
        backup_type: Some("USER".to_owned()),
        backup_size_bytes: Some(backup.bytes as i64),
        backup_name: Some(backup.name),
        ..Default::default()
    };
    Ok(ListBackupsOutput {
        backup_summaries: Some(backups.into_iter().map(summary).collect()),
        last_evaluated_backup_arn: last,
    })
}
