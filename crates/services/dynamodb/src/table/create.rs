//! `CreateTable`.

use api::dynamodb::errors::{limit_exceeded_exception, resource_in_use_exception};
use api::dynamodb::{CreateTableInput, CreateTableOutput, StreamSpecification};
use platform::Ctx;
use store::{Abort, Direction, Transaction};
use wire::{Error, Timestamp};

use super::record::{Billing, Class, Policy, StreamSettings, Table, View};
use super::{describe, schema};
use crate::encryption::{Unlocked, change};
use crate::errors::{invalid, invalid_value, unsupported};
use crate::limits::{CHANGES_AT_ONCE_MAX, TABLES_MAX};
use crate::names::TableName;
use crate::rows::{self, Figures};
use crate::service::{DynamoDb, given};
use crate::stream;
use crate::{keys, table};

/// Makes a table. It can be used as soon as the answer, which says that it is being made, is there.
///
/// # Errors
/// `ResourceInUseException`, `LimitExceededException`, and AWS's complaints of the description.
pub async fn create_table(service: &DynamoDb, cx: &Ctx, input: CreateTableInput) -> Result<CreateTableOutput, Error> {
    let name = TableName::new_table(cx, given(input.table_name.as_deref())?)?;
    let table = prepare(service, cx, &name, input).await?;
    let table = insert(service, &name, table).await?;
    let mut description = describe::describe(&table, &Figures::default());
    description.table_status = Some("CREATING".to_owned());
    for index in description.global_secondary_indexes.iter_mut().flatten() {
        index.index_status = Some("CREATING".to_owned());
    }
    Ok(CreateTableOutput { table_description: Some(description) })
}

/// The table that a description describes, without numbers.
///
/// # Errors
/// AWS's complaints of the description.
pub async fn prepare(service: &DynamoDb, cx: &Ctx, name: &TableName, input: CreateTableInput) -> Result<Table, Error> {
    check_supported(&input)?;
    let mut table = read(service, name, &input)?;
    if let Some(given) = &input.sse_specification
        && let Some(key_arn) = change::read(cx, given).await?
    {
        table.encryption = Some(change::make(service, cx, &name.account, &name.name, key_arn).await?);
    }
    Ok(table)
}

/// Stores a new table under numbers of its own, and says what became of it.
pub async fn insert(service: &DynamoDb, name: &TableName, table: Table) -> Result<Table, Error> {
    register_place(service, name).await?;
    let plain = name.name.clone();
    let now = service.now();
    let table = service
        .transact(&name.partition(), move |rows| {
            if rows.get(&keys::table(&plain))?.is_some() {
                return Err(resource_in_use_exception(format!("Table already exists: {plain}")).into());
            }
            check_room(rows)?;
            let mut table = table.clone();
            number(rows, &mut table)?;
            if let Some(settings) = &table.stream {
                stream::open(rows, &table, settings, now)?;
            }
            rows::put_table(rows, &table)?;
            Ok(table)
        })
        .await?;
    service.forget(name);
    Ok(table)
}

/// Makes sure that background work looks into the account's partition.
async fn register_place(service: &DynamoDb, name: &TableName) -> Result<(), Error> {
    let place = keys::place(&name.account, &name.region);
    service
        .transact(&keys::directory(), move |rows| {
            if rows.get(&place)?.is_none() {
                rows.put(&place, &[]);
            }
            Ok(())
        })
        .await
}

fn check_room(rows: &mut dyn Transaction) -> Result<(), Abort<Error>> {
    let tables = rows.scan(keys::tables(), Direction::Forward, TABLES_MAX as usize)?;
    if tables.len() as u64 >= TABLES_MAX {
        return Err(limit_exceeded_exception(format!(
            "Subscriber limit exceeded: Table limit of {TABLES_MAX} tables is exceeded"
        ))
        .into());
    }
    let changing = rows.scan(keys::all_work(), Direction::Forward, CHANGES_AT_ONCE_MAX)?;
    if changing.len() >= CHANGES_AT_ONCE_MAX {
        return Err(limit_exceeded_exception(format!(
            "Subscriber limit exceeded: There is a limit of {CHANGES_AT_ONCE_MAX} tables in CREATING, UPDATING, \
             DELETING, DELETING_REPLICA, REPLICATION_NOT_AUTHORIZED, INACCESSIBLE_ENCRYPTION_CREDENTIALS states"
        ))
        .into());
    }
    Ok(())
}

/// Gives a table, its indexes and its stream their numbers.
fn number(rows: &mut dyn Transaction, table: &mut Table) -> Result<(), Abort<Error>> {
    table.collection = rows::next_number(rows)?;
    for index in table.locals.iter_mut().chain(&mut table.globals) {
        index.collection = rows::next_number(rows)?;
    }
    if let Some(stream) = &mut table.stream {
        stream.number = rows::next_number(rows)?;
    }
    Ok(())
}

fn check_supported(input: &CreateTableInput) -> Result<(), Error> {
    if input.vector_indexes.is_some() {
        return Err(unsupported("VectorIndexes"));
    }
    if input.global_table_source_arn.is_some() {
        return Err(unsupported("GlobalTableSourceArn"));
    }
    if input.global_table_settings_replication_mode.is_some() {
        return Err(unsupported("GlobalTableSettingsReplicationMode"));
    }
    Ok(())
}

/// Checks the description of a table.
fn read(service: &DynamoDb, name: &TableName, input: &CreateTableInput) -> Result<Table, Error> {
    let billing = read_billing(input, service.now())?;
    let definitions = input.attribute_definitions.as_deref().unwrap_or_default();
    let elements = input.key_schema.as_deref().unwrap_or_default();
    check_present(input)?;
    if elements.len() > definitions.len() {
        return Err(invalid("Invalid KeySchema: Some index key attribute have no definition"));
    }
    let attributes = schema::read_definitions(definitions);
    schema::check_defined_once(&attributes)?;
    let key = schema::read_key(elements, &attributes)?;
    let locals = schema::read_locals(input.local_secondary_indexes.as_deref(), &key, &attributes)?;
    let given = input.global_secondary_indexes.as_deref();
    let globals = schema::read_globals(given, &locals, &attributes, billing.on_demand)?;
    schema::check_whole(&key, &locals.iter().chain(&globals).collect::<Vec<_>>(), &attributes)?;
    let tags: Vec<_> = input.tags.iter().flatten().map(|tag| (tag.key.clone(), tag.value.clone())).collect();
    table::tags::check(&tags)?;
    if let Some(text) = &input.resource_policy {
        table::policy::check_text(text)?;
    }
    let policy = |text: &String| Policy { text: text.clone(), revision: service.platform.ids.uuid() };
    Ok(Table {
        name: name.name.clone(),
        account: name.account.clone(),
        region: name.region.clone(),
        id: service.platform.ids.uuid(),
        collection: 0,
        created_at: service.now(),
        attributes,
        key,
        locals,
        globals,
        billing,
        class: input.table_class.clone().map(|name| Class { name, updated_at: None }),
        deletion_protection: input.deletion_protection_enabled.unwrap_or(false),
        stream: read_stream(input.stream_specification.as_ref(), service.now())?,
        time_to_live: None,
        tags: tags.into_iter().collect(),
        encryption: None,
        recovery: None,
        copies: 0,
        policy: input.resource_policy.as_ref().map(policy),
        stream_policy: None,
        restored: None,
        importing: false,
        destinations: Vec::new(),
        unlocked: Unlocked::default(),
    })
}

fn check_present(input: &CreateTableInput) -> Result<(), Error> {
    let missing = |name: &str| {
        let text = "failed to satisfy constraint: Member must not be null";
        invalid(format!("1 validation error detected: Value null at '{name}' {text}"))
    };
    if input.attribute_definitions.is_none() {
        return Err(missing("attributeDefinitions"));
    }
    match input.key_schema.as_deref() {
        None => Err(missing("keySchema")),
        Some(elements) if elements.len() > 2 => Err(schema::too_long("keySchema", elements, 2)),
        Some(_) => Ok(()),
    }
}

fn read_billing(input: &CreateTableInput, now: i64) -> Result<Billing, Error> {
    let on_demand = input.billing_mode.as_deref() == Some("PAY_PER_REQUEST");
    let given = input.provisioned_throughput.as_ref();
    if on_demand && given.is_some() {
        let text = "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is \
                    PAY_PER_REQUEST";
        return Err(invalid_value(text));
    }
    if !on_demand && given.is_none() {
        let text = "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED";
        return Err(invalid_value(text));
    }
    let mut throughput = given.map(schema::read_throughput).transpose()?.unwrap_or_default();
    let (limits, warm) = (input.on_demand_throughput.as_ref(), input.warm_throughput.as_ref());
    schema::set_limits(&mut throughput, limits, warm, (None, on_demand))?;
    Ok(Billing { on_demand, on_demand_since: on_demand.then_some(now), named: on_demand, throughput })
}

/// Checks a stream's settings.
pub fn read_stream(given: Option<&StreamSpecification>, now: i64) -> Result<Option<StreamSettings>, Error> {
    let Some(given) = given else { return Ok(None) };
    let view = given.stream_view_type.as_deref();
    if !given.stream_enabled {
        if view.is_some() {
            return Err(invalid_value(
                "Table is being created with a stream disabled, UpdateViewType should not be specified",
            ));
        }
        return Ok(None);
    }
    let Some(view) = view.and_then(View::named) else {
        return Err(invalid_value("Table is being created with a stream enabled, UpdateViewType is required"));
    };
    Ok(Some(StreamSettings { number: 0, label: stream_label(now), view, enabled: true }))
}

/// The time at the end of a stream's ARN.
pub fn stream_label(now: i64) -> String {
    let mut label = String::new();
    Timestamp::from_milliseconds(now).write(wire::schema::TimestampFormat::Iso8601, &mut label);
    let seconds = label.get(..19).unwrap_or(&label);
    format!("{seconds}.{:03}", now.rem_euclid(1_000))
}
