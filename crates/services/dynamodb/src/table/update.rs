//! `UpdateTable`.

use api::dynamodb::errors::{limit_exceeded_exception, resource_in_use_exception, resource_not_found_exception};
use api::dynamodb::{
    CreateGlobalSecondaryIndexAction, GlobalSecondaryIndex, GlobalSecondaryIndexUpdate, ProvisionedThroughput,
    UpdateTableInput, UpdateTableOutput,
};
use platform::{Ctx, OrFailure};
use store::{Abort, Transaction};
use wire::Error;

use super::record::{Class, StreamSettings, Table, Throughput, View};
use super::{create, describe, remove, schema};
use crate::background::work::{self, Work};
use crate::destination;
use crate::encryption::convert::Part;
use crate::encryption::{Encryption, change};
use crate::errors::{self, invalid, invalid_value, unsupported};
use crate::keys;
use crate::limits::GLOBAL_INDEXES_MAX;
use crate::names::TableName;
use crate::rows::{self, Figures};
use crate::service::{DynamoDb, given, named};
use crate::stream;

/// Changes a table. The answer says that it is being changed; a new index is filled in the background, everything else
/// is done.
///
/// # Errors
/// `ResourceNotFoundException`, `LimitExceededException`, and AWS's complaints.
pub async fn update_table(service: &DynamoDb, cx: &Ctx, input: UpdateTableInput) -> Result<UpdateTableOutput, Error> {
    let name = named(cx, given(input.table_name.as_deref())?)?;
    check(&input)?;
    let encryption = read_encryption(service, cx, &name, &input).await?;
    let now = service.now();
    let replaced = encryption.clone();
    let change = Change { input, encryption, now };
    let table = service
        .change_table(&name, move |rows, table| {
            change.apply(rows, table)?;
            Ok(table.clone())
        })
        .await?;
    if let Some(Encrypting { before: Some(before), .. }) = &replaced {
        change::retire_if_unused(service, &name, before).await?;
    }
    service.work_soon();
    let figures = service.platform.store.get(&name.partition(), &keys::figures(table.collection)).await.or_failure()?;
    let mut description = describe::describe(&table, &Figures::of_row(figures.as_deref()));
    description.table_status = Some("UPDATING".to_owned());
    Ok(UpdateTableOutput { table_description: Some(description) })
}

/// Checks what does not depend on the table.
fn check(input: &UpdateTableInput) -> Result<(), Error> {
    for (given, name) in [
        (input.replica_updates.is_some(), "ReplicaUpdates"),
        (input.multi_region_consistency.is_some(), "MultiRegionConsistency"),
        (input.global_table_witness_updates.is_some(), "GlobalTableWitnessUpdates"),
        (input.global_table_settings_replication_mode.is_some(), "GlobalTableSettingsReplicationMode"),
        (input.disassociation_protection_enabled.is_some(), "DisassociationProtectionEnabled"),
        (input.vector_index_updates.is_some(), "VectorIndexUpdates"),
    ] {
        if given {
            return Err(unsupported(name));
        }
    }
    let updates = input.global_secondary_index_updates.as_deref().unwrap_or_default();
    let nothing = updates.is_empty()
        && input.provisioned_throughput.is_none()
        && input.billing_mode.is_none()
        && input.stream_specification.is_none()
        && input.sse_specification.is_none()
        && input.table_class.is_none()
        && input.deletion_protection_enabled.is_none()
        && input.on_demand_throughput.is_none()
        && input.warm_throughput.is_none();
    if nothing {
        let text = "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, \
                    GlobalSecondaryIndexUpdates, SSESpecification, ReplicaUpdates, MultiAccountReplicaReady, \
                    ReplicaTransitRoleArn, MultiRegionConsistency, DeletionProtectionEnabled, OnDemandThroughput, \
                    WarmThroughput or TableClass is required";
        return Err(invalid(text));
    }
    check_together(input)?;
    if input.billing_mode.as_deref() == Some("PROVISIONED") && input.provisioned_throughput.is_none() {
        return Err(invalid_value("ProvisionedThroughput must be specified when BillingMode is PROVISIONED"));
    }
    check_index_updates(updates)
}

/// Refuses changes that AWS makes only one after the other.
fn check_together(input: &UpdateTableInput) -> Result<(), Error> {
    let throughput = input.provisioned_throughput.is_some();
    let stream = input.stream_specification.is_some();
    let indexes = input.global_secondary_index_updates.as_deref().unwrap_or_default();
    let remade = indexes.iter().any(|update| update.create.is_some() || update.delete.is_some());
    let settings = [
        ("Server-Side Encryption modification", input.sse_specification.is_some()),
        ("TableClass modification", input.table_class.is_some()),
        ("DeletionProtection modification", input.deletion_protection_enabled.is_some()),
        ("WarmThroughput", input.warm_throughput.is_some()),
    ];
    let others = [throughput || input.billing_mode.is_some(), stream, !indexes.is_empty()];
    let limits = usize::from(input.on_demand_throughput.is_some());
    let given = settings.iter().filter(|(_, given)| *given).count() + others.iter().filter(|given| **given).count();
    if let Some((name, _)) = settings.iter().find(|(_, is_given)| *is_given && given + limits > 1) {
        return Err(invalid_value(format!("{name} must be the only operation in the request")));
    }
    if limits > 0 && (stream || throughput || !indexes.is_empty()) {
        return Err(invalid_value(
            "OnDemandThroughput can only be combined with BillingMode in an UpdateTable request",
        ));
    }
    match (throughput, stream, remade) {
        (true, true, _) => Err(invalid_value("You cannot modify stream status while updating table IOPS")),
        (true, _, true) => Err(invalid_value("You cannot create or delete index while updating table IOPS")),
        (_, true, true) => Err(invalid_value("You cannot create or delete index while changing stream status")),
        _ => Ok(()),
    }
}

fn updated_name(update: &GlobalSecondaryIndexUpdate) -> Option<&str> {
    let update_name = update.update.as_ref().map(|action| action.index_name.as_str());
    let create_name = update.create.as_ref().map(|action| action.index_name.as_str());
    update_name.or(create_name).or(update.delete.as_ref().map(|action| action.index_name.as_str()))
}

fn check_index_updates(updates: &[GlobalSecondaryIndexUpdate]) -> Result<(), Error> {
    let mut names: Vec<&str> = Vec::new();
    for update in updates {
        let Some(name) = updated_name(update) else {
            let text = "One of GlobalSecondaryIndexUpdate.Update, GlobalSecondaryIndexUpdate.Create, \
                        GlobalSecondaryIndexUpdate.Delete must not be null";
            return Err(invalid_value(text));
        };
        let actions = [update.update.is_some(), update.create.is_some(), update.delete.is_some()];
        if actions.iter().filter(|is_given| **is_given).count() > 1 {
            let text = "Only one global secondary index action is allowed per GlobalSecondaryIndexUpdate object";
            return Err(invalid_value(text));
        }
        if names.contains(&name) {
            return Err(invalid_value(format!(
                "Only one global secondary index update per index is allowed simultaneously. Index: {name}"
            )));
        }
        names.push(name);
    }
    let rebuilt = updates.iter().filter(|update| update.create.is_some() || update.delete.is_some()).count();
    if rebuilt > 1 {
        return Err(one_index_at_a_time());
    }
    Ok(())
}

fn one_index_at_a_time() -> Error {
    let text = "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table";
    limit_exceeded_exception(text)
}

/// A change of a table's encryption.
#[derive(Debug, Clone)]
struct Encrypting {
    before: Option<Encryption>,
    after: Option<Encryption>,
}

async fn read_encryption(
    service: &DynamoDb,
    cx: &Ctx,
    name: &TableName,
    input: &UpdateTableInput,
) -> Result<Option<Encrypting>, Error> {
    let Some(given) = &input.sse_specification else { return Ok(None) };
    let key_arn = change::read(cx, given).await?;
    let snapshot = service.snapshot(&name.partition()).await?;
    let table = service.table_in(&snapshot, name).await?.ok_or_else(|| errors::table_not_found(&name.name))?;
    let after = change::changed(service, cx, &table, key_arn).await?;
    Ok(Some(Encrypting { before: table.encryption.clone(), after }))
}

struct Change {
    input: UpdateTableInput,
    encryption: Option<Encrypting>,
    now: i64,
}

impl Change {
    fn apply(&self, rows: &mut dyn Transaction, table: &mut Table) -> Result<(), Abort<Error>> {
        self.change_billing(table)?;
        self.change_stream(rows, table)?;
        self.change_settings(table)?;
        self.change_encryption(rows, table)?;
        for update in self.input.global_secondary_index_updates.iter().flatten() {
            self.change_index(rows, table, update)?;
        }
        Ok(())
    }

    fn change_settings(&self, table: &mut Table) -> Result<(), Error> {
        if let Some(protection) = self.input.deletion_protection_enabled {
            table.deletion_protection = protection;
        }
        if let Some(name) = &self.input.table_class {
            table.class = Some(Class { name: name.clone(), updated_at: Some(self.now) });
        }
        let (on_demand, warm) = (self.input.on_demand_throughput.as_ref(), self.input.warm_throughput.as_ref());
        schema::set_limits(&mut table.billing.throughput, on_demand, warm, (None, table.billing.on_demand))
    }

    fn change_encryption(&self, rows: &mut dyn Transaction, table: &mut Table) -> Result<(), Abort<Error>> {
        let Some(Encrypting { before, after }) = &self.encryption else { return Ok(()) };
        if table.encryption != *before {
            let text = format!("Attempt to change a resource which is still in use: Table: {}", table.name);
            return Err(resource_in_use_exception(text).into());
        }
        table.encryption = after.clone();
        if let Some(settings) = &table.stream {
            stream::set_encryption(rows, settings.number, after.as_ref())?;
        }
        destination::set_encryption(rows, table)?;
        let is_new = before.as_ref().is_none_or(|before| before.table_key.is_none());
        if is_new && after.is_some() {
            work::add(rows, &Work::Seal { table: table.name.clone(), parts: Part::all(table), after: None })?;
        }
        Ok(())
    }

    fn change_billing(&self, table: &mut Table) -> Result<(), Error> {
        let mode = self.input.billing_mode.as_deref();
        let on_demand = mode.map_or(table.billing.on_demand, |mode| mode == "PAY_PER_REQUEST");
        let given = self.input.provisioned_throughput.as_ref();
        if on_demand && given.is_some() {
            let text = "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is \
                        PAY_PER_REQUEST";
            return Err(invalid_value(text));
        }
        let switched = on_demand != table.billing.on_demand;
        if let Some(given) = given {
            set_throughput(&mut table.billing.throughput, given, (switched, "table"), self.now)?;
        }
        if switched && !on_demand {
            self.check_all_provisioned(table)?;
        }
        table.billing.named |= mode.is_some();
        if switched && on_demand {
            table.billing.on_demand_since = Some(self.now);
            for throughput in std::iter::once(&mut table.billing.throughput)
                .chain(table.globals.iter_mut().map(|i| &mut i.throughput))
            {
                (throughput.read, throughput.write) = (0, 0);
            }
        }
        table.billing.on_demand = on_demand;
        Ok(())
    }

    /// A table that becomes provisioned needs throughput for each of its global indexes.
    fn check_all_provisioned(&self, table: &Table) -> Result<(), Error> {
        let updates = self.input.global_secondary_index_updates.as_deref().unwrap_or_default();
        let given = |name: &str| {
            let update = updates.iter().filter_map(|update| update.update.as_ref());
            update.into_iter().any(|update| update.index_name == name && update.provisioned_throughput.is_some())
        };
        let missing: Vec<&str> =
            table.globals.iter().map(|index| index.name.as_str()).filter(|name| !given(name)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let text = format!("ProvisionedThroughput must be specified for index: {}", missing.join(","));
        Err(invalid_value(text))
    }

    fn change_stream(&self, rows: &mut dyn Transaction, table: &mut Table) -> Result<(), Abort<Error>> {
        let Some(given) = &self.input.stream_specification else { return Ok(()) };
        let enabled = table.stream.as_ref().is_some_and(|stream| stream.enabled);
        if !given.stream_enabled {
            if given.stream_view_type.is_some() {
                let text = "If stream is being disabled, then UpdateViewType must not be specified";
                return Err(invalid_value(text).into());
            }
            let Some(settings) = table.stream.as_mut().filter(|settings| settings.enabled) else {
                let text = format!("Table has no stream to disable: TableName: {}", table.name);
                return Err(invalid(text).into());
            };
            settings.enabled = false;
            return stream::close(rows, settings.number, self.now);
        }
        if enabled {
            let text = format!("Table already has an enabled stream: TableName: {}", table.name);
            return Err(invalid(text).into());
        }
        let view = given.stream_view_type.as_deref().and_then(View::named);
        let view = view.ok_or_else(|| invalid_value("If stream is being enabled then UpdateViewType is required"))?;
        let number = rows::next_number(rows)?;
        let settings = StreamSettings { number, label: create::stream_label(self.now), view, enabled: true };
        stream::open(rows, table, &settings, self.now)?;
        table.stream = Some(settings);
        Ok(())
    }

    fn change_index(
        &self,
        rows: &mut dyn Transaction,
        table: &mut Table,
        update: &GlobalSecondaryIndexUpdate,
    ) -> Result<(), Abort<Error>> {
        if let Some(create) = &update.create {
            return self.create_index(rows, table, create);
        }
        let missing = || resource_not_found_exception("Requested resource not found");
        let local = |verb: &str, name: &str| {
            let is_local = table.locals.iter().any(|index| index.name == name);
            is_local.then(|| invalid(format!("Cannot {verb} an index that is not a GlobalSecondaryIndex: {name}")))
        };
        if let Some(delete) = &update.delete {
            if let Some(error) = local("delete", &delete.index_name) {
                return Err(error.into());
            }
            let at = table.globals.iter().position(|index| index.name == delete.index_name);
            let removed = table.globals.remove(at.ok_or_else(missing)?);
            remove::doom(rows, removed.collection);
            let mut figures = Figures::read(rows, table.collection)?;
            figures.forget(removed.collection);
            figures.write(rows, table.collection);
            keep_used_attributes(table);
            return Ok(());
        }
        let Some(update) = &update.update else { return Ok(()) };
        if let Some(error) = local("update", &update.index_name) {
            return Err(error.into());
        }
        let on_demand = table.billing.on_demand;
        let index = table.globals.iter_mut().find(|index| index.name == update.index_name).ok_or_else(missing)?;
        if let Some(given) = &update.provisioned_throughput {
            if on_demand {
                return Err(invalid_value(format!(
                    "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified for index: {} when BillingMode \
                     is PAY_PER_REQUEST",
                    index.name
                ))
                .into());
            }
            let fresh = (index.throughput.read, index.throughput.write) == (0, 0);
            let named = format!("index {}", index.name);
            set_throughput(&mut index.throughput, given, (fresh, &named), self.now)?;
        }
        let (limits, warm) = (update.on_demand_throughput.as_ref(), update.warm_throughput.as_ref());
        let name = index.name.clone();
        schema::set_limits(&mut index.throughput, limits, warm, (Some(&name), on_demand))?;
        Ok(())
    }

    fn create_index(
        &self,
        rows: &mut dyn Transaction,
        table: &mut Table,
        create: &CreateGlobalSecondaryIndexAction,
    ) -> Result<(), Abort<Error>> {
        if table.index(&create.index_name).is_some() {
            return Err(invalid("Attempting to create an index which already exists").into());
        }
        if table.globals.iter().any(|index| index.backfilling) {
            return Err(one_index_at_a_time().into());
        }
        if table.globals.len() >= GLOBAL_INDEXES_MAX {
            let text = format!("GlobalSecondaryIndex count exceeds the per-table limit of {GLOBAL_INDEXES_MAX}");
            return Err(limit_exceeded_exception(text).into());
        }
        let mut defined = table.attributes.clone();
        for attribute in schema::read_definitions(self.input.attribute_definitions.as_deref().unwrap_or_default()) {
            match defined.iter().find(|known| known.name == attribute.name) {
                Some(known) if known.kind != attribute.kind => {
                    let text = "Attribute definitions cannot be changed: a different type is in use";
                    return Err(invalid_value(format!("{text}: {}", attribute.name)).into());
                }
                Some(_) => {}
                None => defined.push(attribute),
            }
        }
        let given = GlobalSecondaryIndex {
            index_name: create.index_name.clone(),
            key_schema: create.key_schema.clone(),
            projection: create.projection.clone(),
            provisioned_throughput: create.provisioned_throughput.clone(),
            on_demand_throughput: create.on_demand_throughput.clone(),
            warm_throughput: create.warm_throughput.clone(),
            ..Default::default()
        };
        let mut index = schema::read_global(&given, &defined, table.billing.on_demand)?;
        index.collection = rows::next_number(rows)?;
        index.backfilling = true;
        let (collection, plain) = (index.collection, table.name.clone());
        table.attributes = defined;
        table.globals.push(index);
        keep_used_attributes(table);
        work::add(rows, &Work::Backfill { table: plain, index: collection, after: None })
    }
}

/// Forgets definitions of attributes that are in no key any more.
fn keep_used_attributes(table: &mut Table) {
    let attributes = std::mem::take(&mut table.attributes);
    let used = |name: &str| table.key.has(name) || table.indexes().any(|index| index.key.has(name));
    let kept = attributes.into_iter().filter(|attribute| used(&attribute.name)).collect();
    table.attributes = kept;
}

/// Takes over new throughput; one that changes nothing is refused, unless the table was on demand before.
fn set_throughput(
    throughput: &mut Throughput,
    given: &ProvisionedThroughput,
    (fresh, named): (bool, &str),
    now: i64,
) -> Result<(), Error> {
    let what = named.split(' ').next().unwrap_or(named);
    let wanted = schema::read_throughput(given)?;
    if !fresh && (wanted.read, wanted.write) == (throughput.read, throughput.write) {
        return Err(invalid(format!(
            "The provisioned throughput for the {named} will not change. The requested value equals the current value. \
             Current ReadCapacityUnits provisioned for the {what}: {0}. Requested ReadCapacityUnits: {0}. \
             Current WriteCapacityUnits provisioned for the {what}: {1}. Requested WriteCapacityUnits: {1}. \
             Refer to the Amazon DynamoDB Developer Guide for current limits and how to request higher limits.",
            wanted.read, wanted.write
        )));
    }
    if wanted.read > throughput.read || wanted.write > throughput.write {
        throughput.increased_at = Some(now);
    }
    if !fresh && (wanted.read < throughput.read || wanted.write < throughput.write) {
        const DAY_MS: i64 = 24 * 60 * 60 * 1_000;
        let today = throughput.decreased_at.is_some_and(|last| last / DAY_MS == now / DAY_MS);
        throughput.decreases = if today { throughput.decreases + 1 } else { 1 };
        throughput.decreased_at = Some(now);
    }
    (throughput.read, throughput.write) = (wanted.read, wanted.write);
    Ok(())
}
