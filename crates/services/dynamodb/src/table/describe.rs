//! `DescribeTable`, and the description that other operations answer too.

use api::dynamodb::{
    AttributeDefinition, BillingModeSummary, DescribeTableInput, DescribeTableOutput, GlobalSecondaryIndexDescription,
    GlobalSecondaryIndexWarmThroughputDescription, KeySchemaElement, LocalSecondaryIndexDescription,
    OnDemandThroughput, Projection as ApiProjection, ProvisionedThroughputDescription, RestoreSummary, SSEDescription,
    StreamSpecification, TableClassSummary, TableDescription, TableWarmThroughputDescription,
};
use platform::{Ctx, OrFailure};
use wire::{Error, Timestamp};

use std::sync::Arc;

use super::key::KeySchema;
use super::record::{Index, Projection, Table, Throughput};
use crate::background::Place;
use crate::encryption::{Encryption, change};
use crate::names::TableName;
use crate::rows::Figures;
use crate::service::{DynamoDb, given, named};
use crate::{errors, keys};

/// Describes a table.
///
/// # Errors
/// `ResourceNotFoundException`.
pub async fn describe_table(
    service: &DynamoDb,
    cx: &Ctx,
    input: DescribeTableInput,
) -> Result<DescribeTableOutput, Error> {
    let name = named(cx, given(input.table_name.as_deref())?)?;
    let snapshot = service.snapshot(&name.partition()).await?;
    let table = service.table_in(&snapshot, &name).await?.ok_or_else(|| errors::table_not_found(&name.name))?;
    let figures = snapshot.get(&keys::figures(table.collection)).await.or_failure()?;
    let table = note_access(service, &name, table).await?;
    Ok(DescribeTableOutput { table: Some(describe(&table, &Figures::of_row(figures.as_deref()))) })
}

/// Read units per second that AWS keeps every table on demand ready for.
const WARM_READ_UNITS: i64 = 12_000;
/// Write units per second that AWS keeps every table on demand ready for.
const WARM_WRITE_UNITS: i64 = 4_000;

fn time(milliseconds: i64) -> Timestamp {
    Timestamp::from_milliseconds(milliseconds)
}

/// What AWS says of a table.
pub fn describe(table: &Table, figures: &Figures) -> TableDescription {
    let (count, bytes) = figures.of(table.collection);
    let locals: Vec<_> = table.locals.iter().map(|index| describe_local(table, index, figures)).collect();
    let globals: Vec<_> = table.globals.iter().map(|index| describe_global(table, index, figures)).collect();
    let stream = table.stream.as_ref();
    TableDescription {
        attribute_definitions: Some(describe_attributes(table)),
        table_name: Some(table.name.clone()),
        key_schema: Some(describe_key(&table.key)),
        table_status: Some(status(table).to_owned()),
        creation_date_time: Some(time(table.created_at)),
        provisioned_throughput: Some(describe_throughput(&table.billing.throughput)),
        table_size_bytes: Some(bytes as i64),
        item_count: Some(count as i64),
        table_arn: Some(table.arn()),
        table_id: Some(table.id.clone()),
        billing_mode_summary: describe_billing(table),
        local_secondary_indexes: (!locals.is_empty()).then_some(locals),
        global_secondary_indexes: (!globals.is_empty()).then_some(globals),
        stream_specification: stream.filter(|stream| stream.enabled).map(|stream| StreamSpecification {
            stream_enabled: true,
            stream_view_type: Some(stream.view.name().to_owned()),
            ..Default::default()
        }),
        latest_stream_label: stream.map(|stream| stream.label.clone()),
        latest_stream_arn: stream.map(|stream| table.stream_arn(&stream.label)),
        restore_summary: describe_restore(table),
        sse_description: table.encryption.as_ref().and_then(describe_encryption),
        table_class_summary: table.class.as_ref().map(|class| TableClassSummary {
            table_class: Some(class.name.clone()),
            last_update_date_time: class.updated_at.map(time),
        }),
        deletion_protection_enabled: Some(table.deletion_protection),
        on_demand_throughput: describe_limits(&table.billing.throughput),
        warm_throughput: Some(describe_warm(&table.billing.throughput, table.billing.on_demand)),
        ..Default::default()
    }
}

/// A table under the installation's own key has nothing to tell, as under AWS's.
fn describe_encryption(encryption: &Encryption) -> Option<SSEDescription> {
    let key_arn = encryption.key_arn.clone()?;
    Some(SSEDescription {
        status: Some(if encryption.converting { "UPDATING" } else { "ENABLED" }.to_owned()),
        sse_type: Some("KMS".to_owned()),
        kms_master_key_arn: Some(key_arn),
        inaccessible_encryption_date_time: encryption.inaccessible_since.map(time),
    })
}

/// Notes whether the key of KMS that a table is under can be used.
async fn note_access(service: &DynamoDb, name: &TableName, table: Arc<Table>) -> Result<Arc<Table>, Error> {
    let Some(encryption) = &table.encryption else { return Ok(table) };
    let Some(key_arn) = &encryption.key_arn else { return Ok(table) };
    let place = Place { partition: name.partition(), account: name.account.clone(), region: name.region.clone() };
    let accessible = change::is_accessible(service, &place, key_arn).await;
    if accessible == encryption.inaccessible_since.is_none() {
        return Ok(table);
    }
    let (collection, now) = (table.collection, service.now());
    service
        .change_table(name, move |_, table| {
            if table.collection == collection
                && let Some(encryption) = &mut table.encryption
            {
                encryption.inaccessible_since = (!accessible).then_some(now);
            }
            Ok(Arc::new(table.clone()))
        })
        .await
}

/// The state of a table.
pub fn status(table: &Table) -> &'static str {
    if table.encryption.as_ref().is_some_and(|encryption| encryption.inaccessible_since.is_some()) {
        "INACCESSIBLE_ENCRYPTION_CREDENTIALS"
    } else if table.is_restoring() {
        "CREATING"
    } else if table.globals.iter().any(|index| index.backfilling) {
        "UPDATING"
    } else {
        "ACTIVE"
    }
}

/// The attributes in keys, with their types.
pub fn describe_attributes(table: &Table) -> Vec<AttributeDefinition> {
    let describe = |attribute: &super::KeyAttribute| AttributeDefinition {
        attribute_name: attribute.name.clone(),
        attribute_type: attribute.kind.name().to_owned(),
        ..Default::default()
    };
    table.attributes.iter().map(describe).collect()
}

/// A key.
pub fn describe_key(key: &KeySchema) -> Vec<KeySchemaElement> {
    let describe = |attribute: &super::KeyAttribute, kind: &str| KeySchemaElement {
        attribute_name: attribute.name.clone(),
        key_type: kind.to_owned(),
        ..Default::default()
    };
    let hash = key.hash.iter().map(|attribute| describe(attribute, "HASH"));
    hash.chain(key.range.iter().map(|attribute| describe(attribute, "RANGE"))).collect()
}

/// A projection.
pub fn describe_projection(projection: &Projection) -> ApiProjection {
    let kind = |name: &str| Some(name.to_owned());
    match projection {
        Projection::All => ApiProjection { projection_type: kind("ALL"), non_key_attributes: None },
        Projection::KeysOnly => ApiProjection { projection_type: kind("KEYS_ONLY"), non_key_attributes: None },
        Projection::Include(names) => {
            ApiProjection { projection_type: kind("INCLUDE"), non_key_attributes: Some(names.clone()) }
        }
    }
}

fn describe_throughput(throughput: &Throughput) -> ProvisionedThroughputDescription {
    ProvisionedThroughputDescription {
        last_increase_date_time: throughput.increased_at.map(time),
        last_decrease_date_time: throughput.decreased_at.map(time),
        number_of_decreases_today: Some(throughput.decreases),
        read_capacity_units: Some(throughput.read),
        write_capacity_units: Some(throughput.write),
    }
}

fn describe_billing(table: &Table) -> Option<BillingModeSummary> {
    let mode = if table.billing.on_demand { "PAY_PER_REQUEST" } else { "PROVISIONED" };
    table.billing.named.then(|| BillingModeSummary {
        billing_mode: Some(mode.to_owned()),
        last_update_to_pay_per_request_date_time: table.billing.on_demand_since.map(time),
    })
}

fn describe_limits(throughput: &Throughput) -> Option<OnDemandThroughput> {
    let (read, write) = (throughput.on_demand_read_max, throughput.on_demand_write_max);
    // AWS answers -1 for the one of the two that is not limited.
    (read.is_some() || write.is_some()).then(|| OnDemandThroughput {
        max_read_request_units: Some(read.unwrap_or(-1)),
        max_write_request_units: Some(write.unwrap_or(-1)),
    })
}

fn warm_units(throughput: &Throughput, on_demand: bool) -> (i64, i64) {
    let (read, write) =
        if on_demand { (WARM_READ_UNITS, WARM_WRITE_UNITS) } else { (throughput.read, throughput.write) };
    (throughput.warm_read.unwrap_or(0).max(read), throughput.warm_write.unwrap_or(0).max(write))
}

fn describe_warm(throughput: &Throughput, on_demand: bool) -> TableWarmThroughputDescription {
    let (read, write) = warm_units(throughput, on_demand);
    TableWarmThroughputDescription {
        read_units_per_second: Some(read),
        write_units_per_second: Some(write),
        status: Some("ACTIVE".to_owned()),
    }
}

fn describe_restore(table: &Table) -> Option<RestoreSummary> {
    table.restored.as_ref().map(|restored| RestoreSummary {
        source_backup_arn: restored.backup_arn.clone(),
        source_table_arn: Some(restored.table_arn.clone()),
        restore_date_time: time(restored.time),
        restore_in_progress: restored.in_progress,
    })
}

fn index_arn(table: &Table, index: &Index) -> String {
    format!("{}/index/{}", table.arn(), index.name)
}

fn describe_local(table: &Table, index: &Index, figures: &Figures) -> LocalSecondaryIndexDescription {
    let (count, bytes) = figures.of(index.collection);
    LocalSecondaryIndexDescription {
        index_name: Some(index.name.clone()),
        key_schema: Some(describe_key(&index.key)),
        projection: Some(describe_projection(&index.projection)),
        index_size_bytes: Some(bytes as i64),
        item_count: Some(count as i64),
        index_arn: Some(index_arn(table, index)),
    }
}

fn describe_global(table: &Table, index: &Index, figures: &Figures) -> GlobalSecondaryIndexDescription {
    let (count, bytes) = figures.of(index.collection);
    let (warm_read, warm_write) = warm_units(&index.throughput, table.billing.on_demand);
    GlobalSecondaryIndexDescription {
        index_name: Some(index.name.clone()),
        key_schema: Some(describe_key(&index.key)),
        projection: Some(describe_projection(&index.projection)),
        index_status: Some(if index.backfilling { "CREATING" } else { "ACTIVE" }.to_owned()),
        backfilling: index.backfilling.then_some(true),
        provisioned_throughput: Some(describe_throughput(&index.throughput)),
        index_size_bytes: Some(bytes as i64),
        item_count: Some(count as i64),
        index_arn: Some(index_arn(table, index)),
        on_demand_throughput: describe_limits(&index.throughput),
        warm_throughput: Some(GlobalSecondaryIndexWarmThroughputDescription {
            read_units_per_second: Some(warm_read),
            write_units_per_second: Some(warm_write),
            status: Some("ACTIVE".to_owned()),
        }),
    }
}
