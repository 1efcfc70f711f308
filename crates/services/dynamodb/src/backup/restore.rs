//! New tables from backups and from the past of other tables.

use std::collections::BTreeMap;

use api::dynamodb::errors::{
    invalid_restore_time_exception, point_in_time_recovery_unavailable_exception, table_already_exists_exception,
    table_not_found_exception,
};
use api::dynamodb::{
    GlobalSecondaryIndex, LocalSecondaryIndex, OnDemandThroughput, ProvisionedThroughput, RestoreTableFromBackupInput,
    RestoreTableFromBackupOutput, RestoreTableToPointInTimeInput, RestoreTableToPointInTimeOutput, SSESpecification,
};
use platform::Ctx;
use wire::Error;

use super::copy::{Copy, Phase, Target};
use super::on_demand;
use crate::background::work::{self, Work};
use crate::encryption::{Unlocked, change};
use crate::errors::{invalid, invalid_value, unsupported};
use crate::names::TableName;
use crate::rows::{self, Figures};
use crate::service::{DynamoDb, named};
use crate::table::record::{Billing, Restored, Throughput};
use crate::table::{Table, create, describe, schema};

/// What a restore changes of the table it restores.
struct Overrides {
    billing_mode: Option<String>,
    throughput: Option<ProvisionedThroughput>,
    on_demand: Option<OnDemandThroughput>,
    globals: Option<Vec<GlobalSecondaryIndex>>,
    locals: Option<Vec<LocalSecondaryIndex>>,
    encryption: Option<SSESpecification>,
}

/// Makes a table of a backup. It can be used once all items are in it.
///
/// # Errors
/// `BackupNotFoundException`, `TableAlreadyExistsException`, and AWS's complaints.
pub async fn restore_table_from_backup(
    service: &DynamoDb,
    cx: &Ctx,
    input: RestoreTableFromBackupInput,
) -> Result<RestoreTableFromBackupOutput, Error> {
    if input.vector_index_override.is_some() {
        return Err(unsupported("VectorIndexOverride"));
    }
    let (source, backup) = on_demand::find(service, &input.backup_arn).await?;
    if !backup.complete {
        let text = format!("Backup is being created: {}", input.backup_arn);
        return Err(api::dynamodb::errors::backup_in_use_exception(text));
    }
    let name = target(cx, &source, &input.target_table_name)?;
    let overrides = Overrides {
        billing_mode: input.billing_mode_override,
        throughput: input.provisioned_throughput_override,
        on_demand: input.on_demand_throughput_override,
        globals: input.global_secondary_index_override,
        locals: input.local_secondary_index_override,
        encryption: input.sse_specification_override,
    };
    let restored = Restored {
        backup_arn: Some(backup.arn()),
        table_arn: backup.table.arn(),
        time: backup.created_at,
        in_progress: true,
    };
    let table = build(service, cx, &name, &backup.table, overrides, restored).await?;
    let table = create::insert(service, &name, table).await.map_err(|error| taken(error, &name))?;
    let (plain, number, at) = (name.name.clone(), backup.number, backup.created_at);
    service
        .transact(&name.partition(), move |rows| {
            let copy = Copy {
                source: number,
                source_table: None,
                target: Target::Table(plain.clone()),
                at,
                from_change: 0,
                phase: Phase::Items(None),
            };
            work::add(rows, &Work::Copy(copy))
        })
        .await?;
    service.work_soon();
    let description = describe::describe(&table, &Figures::default());
    Ok(RestoreTableFromBackupOutput { table_description: Some(description) })
}

/// Makes a table that is as another was at a time.
///
/// # Errors
/// `TableNotFoundException`, `PointInTimeRecoveryUnavailableException`, `InvalidRestoreTimeException`,
/// `TableAlreadyExistsException`, and AWS's complaints.
pub async fn restore_table_to_point_in_time(
    service: &DynamoDb,
    cx: &Ctx,
    input: RestoreTableToPointInTimeInput,
) -> Result<RestoreTableToPointInTimeOutput, Error> {
    if input.vector_index_override.is_some() {
        return Err(unsupported("VectorIndexOverride"));
    }
    let given = input.source_table_arn.as_deref().or(input.source_table_name.as_deref());
    let source =
        named(cx, given.ok_or_else(|| invalid("Must provide exactly one of: sourceTableArn, sourceTableName"))?)?;
    let name = target(cx, &source, &input.target_table_name)?;
    let missing = || table_not_found_exception(format!("Table not found: {}", source.name));
    let snapshot = service.snapshot(&source.partition()).await?;
    let table = service.table_in(&snapshot, &source).await?.ok_or_else(missing)?;
    drop(snapshot);
    let requested = input.restore_date_time.map(|time| time.milliseconds());
    let at = restorable_time(&table, requested, input.use_latest_restorable_time, service.now())?;
    let overrides = Overrides {
        billing_mode: input.billing_mode_override,
        throughput: input.provisioned_throughput_override,
        on_demand: input.on_demand_throughput_override,
        globals: input.global_secondary_index_override,
        locals: input.local_secondary_index_override,
        encryption: input.sse_specification_override,
    };
    let restored = Restored { backup_arn: None, table_arn: table.arn(), time: at, in_progress: true };
    let new = build(service, cx, &name, &table, overrides, restored).await?;
    let new = create::insert(service, &name, new).await.map_err(|error| taken(error, &name))?;
    let (plain, target_name, collection) = (source.name.clone(), name.name.clone(), table.collection);
    service
        .transact(&source.partition(), move |rows| {
            let found = rows::table(rows, &plain, None)?.filter(|found| found.table.collection == collection);
            let missing = || table_not_found_exception(format!("Table not found: {plain}"));
            let mut table = found.ok_or_else(missing)?.table.as_ref().clone();
            // A change in the last millisecond of the time is part of what is restored.
            on_demand::start(rows, &mut table, Target::Table(target_name.clone()), at.saturating_add(1), 0)
        })
        .await?;
    service.forget(&source);
    service.work_soon();
    let description = describe::describe(&new, &Figures::default());
    Ok(RestoreTableToPointInTimeOutput { table_description: Some(description) })
}

/// The name of the new table, in the place of its source.
fn target(cx: &Ctx, source: &TableName, name: &str) -> Result<TableName, Error> {
    let target = TableName::new_table(cx, name)?;
    if target.account != source.account || target.region != source.region {
        return Err(invalid("Tables can only be restored into the account and Region of their source"));
    }
    Ok(target)
}

fn taken(error: Error, name: &TableName) -> Error {
    if error.is("ResourceInUseException") {
        return table_already_exists_exception(format!("Table already exists: {}", name.name));
    }
    error
}

fn restorable_time(table: &Table, requested: Option<i64>, latest: Option<bool>, now: i64) -> Result<i64, Error> {
    const DAY_MS: i64 = 24 * 60 * 60 * 1_000;
    let Some(recovery) = &table.recovery else {
        let text = format!("Point in time recovery is not enabled for table '{}'", table.name);
        return Err(point_in_time_recovery_unavailable_exception(text));
    };
    let earliest = recovery.since.max(now - i64::from(recovery.days) * DAY_MS);
    match (requested, latest.unwrap_or(false)) {
        (None, true) => Ok(now),
        (Some(_), true) | (None, false) => Err(invalid(
            "Invalid Request: Either one of RestoreDateTime or UseLatestRestorableTime must be specified, but not both",
        )),
        (Some(time), false) if time < earliest || time > now => {
            Err(invalid_restore_time_exception("RestoreDateTime is not within the restorable window"))
        }
        (Some(time), false) => Ok(time),
    }
}

/// The new table: as its source, with what is overridden, and without what AWS does not restore (stream, expiry, tags,
/// recovery, deletion protection, policies).
async fn build(
    service: &DynamoDb,
    cx: &Ctx,
    name: &TableName,
    source: &Table,
    overrides: Overrides,
    restored: Restored,
) -> Result<Table, Error> {
    let billing = read_billing(source, &overrides, service.now())?;
    let key_arn = match &overrides.encryption {
        Some(given) => change::read(cx, given).await?,
        None => source.encryption.as_ref().and_then(|encryption| encryption.key_arn.clone()),
    };
    let encryption = match key_arn {
        Some(key_arn) => Some(change::make(service, cx, &name.account, &name.name, key_arn).await?),
        None => None,
    };
    let mut table = Table {
        name: name.name.clone(),
        account: name.account.clone(),
        region: name.region.clone(),
        id: service.platform.ids.uuid(),
        created_at: service.now(),
        billing,
        encryption,
        deletion_protection: false,
        stream: None,
        time_to_live: None,
        tags: BTreeMap::new(),
        recovery: None,
        copies: 0,
        policy: None,
        stream_policy: None,
        restored: Some(restored),
        importing: false,
        destinations: Vec::new(),
        unlocked: Unlocked::default(),
        ..source.clone()
    };
    if let Some(locals) = overrides.locals.as_deref() {
        let wanted = (!locals.is_empty()).then_some(locals);
        table.locals = schema::read_locals(wanted, &source.key, &source.attributes)?;
        check_known(&table.locals, &source.locals)?;
    }
    if let Some(globals) = overrides.globals.as_deref() {
        let wanted = (!globals.is_empty()).then_some(globals);
        let read = schema::read_globals(wanted, &table.locals, &source.attributes, table.billing.on_demand)?;
        check_known(&read, &source.globals)?;
        table.globals = read;
    }
    for index in &mut table.globals {
        index.backfilling = false;
        if table.billing.on_demand {
            (index.throughput.read, index.throughput.write) = (0, 0);
        }
    }
    let used = |name: &str| table.key.has(name) || table.indexes().any(|index| index.key.has(name));
    table.attributes = source.attributes.iter().filter(|attribute| used(&attribute.name)).cloned().collect();
    Ok(table)
}

/// Indexes may be left out by a restore, not added.
fn check_known(wanted: &[crate::table::Index], source: &[crate::table::Index]) -> Result<(), Error> {
    for index in wanted {
        let same = |other: &crate::table::Index| {
            other.name == index.name && other.key == index.key && other.projection == index.projection
        };
        if !source.iter().any(same) {
            let text = format!("Index {} in the override does not match an index of the source table", index.name);
            return Err(invalid_value(text));
        }
    }
    Ok(())
}

fn read_billing(source: &Table, overrides: &Overrides, now: i64) -> Result<Billing, Error> {
    let mut billing = source.billing.clone();
    if let Some(mode) = &overrides.billing_mode {
        billing.on_demand = mode == "PAY_PER_REQUEST";
        billing.named = true;
        billing.on_demand_since = billing.on_demand.then_some(now);
    }
    if billing.on_demand {
        billing.throughput = Throughput::default();
    }
    if let Some(given) = &overrides.throughput {
        billing.throughput = schema::read_throughput(given)?;
    }
    let is_on_demand = billing.on_demand;
    schema::set_limits(&mut billing.throughput, overrides.on_demand.as_ref(), None, (None, is_on_demand))?;
    Ok(billing)
}
