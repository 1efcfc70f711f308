//! `BatchWriteItem`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use api::dynamodb::{
    BatchWriteItemInput, BatchWriteItemOutput, DeleteRequest, ItemCollectionMetrics, PutRequest, WriteRequest,
};
use platform::{Ctx, OrFailure};
use store::{Abort, Transaction};
use wire::Error;

use super::capacity::{Consumed, Meter, Wanted};
use super::write::{self, Found, Origin};
use super::{check, put};
use crate::constraints;
use crate::errors::invalid;
use crate::limits::{BATCH_TRANSACTION_BYTES, BATCH_WRITES_MAX};
use crate::names::TableName;
use crate::service::{DynamoDb, named, writable};
use crate::table::Table;
use crate::value::{Item, Wording, item_size, read_item, write_item};

/// One write of the batch.
struct Write {
    table: Arc<TableName>,
    action: Action,
}

enum Action {
    Put(Item),
    Delete(Item),
}

impl Write {
    /// The bytes of the item's key.
    fn key(&self, table: &Table) -> Result<Vec<u8>, Error> {
        match &self.action {
            // A key that does not fit is told as for a deletion.
            Action::Put(item) => check::item(table, item).map_err(|fault| as_key_mismatch(fault.into())),
            Action::Delete(key) => check::key(table, key).map_err(Error::from),
        }
    }

    /// As the client gave it.
    fn request(self) -> WriteRequest {
        match self.action {
            Action::Put(item) => {
                let put = PutRequest { item: write_item(item), ..Default::default() };
                WriteRequest { put_request: Some(put), delete_request: None }
            }
            Action::Delete(key) => {
                let delete = DeleteRequest { key: write_item(key), ..Default::default() };
                WriteRequest { put_request: None, delete_request: Some(delete) }
            }
        }
    }

    fn bytes(&self) -> usize {
        match &self.action {
            Action::Put(item) | Action::Delete(item) => item_size(item),
        }
    }
}

fn as_key_mismatch(error: Error) -> Error {
    let text = error.message.as_deref().unwrap_or_default();
    if text.contains("Missing the key") || text.contains("Type mismatch for key") {
        return invalid("The provided key element does not match the schema");
    }
    error
}

/// Puts and deletes items of several tables. Each write is done or not by itself.
///
/// # Errors
/// `ResourceNotFoundException`, and AWS's complaints, before anything is written.
pub async fn batch_write_item(
    service: &DynamoDb,
    cx: &Ctx,
    input: BatchWriteItemInput,
) -> Result<BatchWriteItemOutput, Error> {
    constraints::check_tables(&input, input.request_items.keys(), "BatchWriteItem")?;
    let mut writes = Vec::new();
    for (table, requests) in input.request_items {
        let name = Arc::new(named(cx, &table)?);
        for request in requests {
            writes.push(read(&name, request)?);
        }
    }
    if writes.len() > BATCH_WRITES_MAX {
        return Err(invalid("Too many items requested for the BatchWriteItem call"));
    }
    let shares = check_all(service, cx, &writes).await?;
    let (writes, shares, unprocessed) = admit(service, writes, shares)?;
    let with_metrics = input.return_item_collection_metrics.as_deref() == Some("SIZE");
    let mut meter = Meter::default();
    let mut metrics: BTreeMap<String, Vec<ItemCollectionMetrics>> = BTreeMap::new();
    for group in groups(writes, &shares) {
        for (name, consumed, metric) in write_group(service, cx, group, with_metrics).await? {
            meter.add(&name.given, &consumed);
            if let Some(metric) = metric {
                metrics.entry(name.given.clone()).or_default().push(metric);
            }
        }
    }
    Ok(BatchWriteItemOutput {
        unprocessed_items: Some(unprocessed),
        item_collection_metrics: (!metrics.is_empty()).then_some(metrics),
        consumed_capacity: meter.answer(Wanted::named(input.return_consumed_capacity.as_deref())),
    })
}

fn read(table: &Arc<TableName>, request: WriteRequest) -> Result<Write, Error> {
    let table = Arc::clone(table);
    match (request.put_request, request.delete_request) {
        (Some(put), None) => Ok(Write { table, action: Action::Put(put::read(put.item)?) }),
        (None, Some(delete)) => {
            Ok(Write { table, action: Action::Delete(read_item(delete.key, Wording::Older).map_err(invalid)?) })
        }
        // AWS's words for either case.
        _ => Err(invalid(
            "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported \
             datatypes",
        )),
    }
}

/// Checks all writes against their tables, and says how many copies of each item are written.
async fn check_all(service: &DynamoDb, cx: &Ctx, writes: &[Write]) -> Result<Vec<usize>, Error> {
    let mut seen = BTreeSet::new();
    let mut copies = Vec::new();
    for write in writes {
        let snapshot = service.snapshot(&write.table.partition()).await?;
        let table = service.readable(cx, &snapshot, &write.table).await?;
        let key = write.key(&table)?;
        if !seen.insert((write.table.arn(), key)) {
            return Err(invalid("Provided list of item keys contains duplicates"));
        }
        // The item, an entry in every index, two images in a stream record, and a former state.
        copies.push(1 + table.indexes().count() + 3);
    }
    Ok(copies)
}

/// Shares the writes out over transactions that stay small.
fn groups(writes: Vec<Write>, copies: &[usize]) -> Vec<Vec<Write>> {
    let mut groups: Vec<Vec<Write>> = Vec::new();
    let mut bytes = 0;
    for (write, copies) in writes.into_iter().zip(copies) {
        let size = write.bytes() * copies;
        let same_place = groups.last().and_then(|group| group.last()).is_some_and(|last: &Write| {
            last.table.account == write.table.account && last.table.region == write.table.region
        });
        if same_place && bytes + size <= BATCH_TRANSACTION_BYTES {
            bytes += size;
            if let Some(group) = groups.last_mut() {
                group.push(write);
            }
        } else {
            bytes = size;
            groups.push(vec![write]);
        }
    }
    groups
}

/// The writes that the throughput of their tables allows, and the others as the client gave them.
type Admitted = (Vec<Write>, Vec<usize>, BTreeMap<String, Vec<WriteRequest>>);

/// Sorts out what has to wait.
///
/// # Errors
/// `ProvisionedThroughputExceededException` if all of it has.
fn admit(service: &DynamoDb, writes: Vec<Write>, shares: Vec<usize>) -> Result<Admitted, Error> {
    let (mut admitted, mut copies) = (Vec::new(), Vec::new());
    let mut unprocessed: BTreeMap<String, Vec<WriteRequest>> = BTreeMap::new();
    let mut last = None;
    for (write, share) in writes.into_iter().zip(shares) {
        let known = service.known(&write.table);
        let allowed = known.map_or(Ok(()), |known| service.buckets.admit_write(&known.table, service.now()));
        match allowed {
            Ok(()) => {
                admitted.push(write);
                copies.push(share);
            }
            Err(error) => {
                last = Some(error);
                unprocessed.entry(write.table.given.clone()).or_default().push(write.request());
            }
        }
    }
    match last {
        Some(error) if admitted.is_empty() => Err(error),
        _ => Ok((admitted, copies, unprocessed)),
    }
}

type Written = (Arc<TableName>, Consumed, Option<ItemCollectionMetrics>);

async fn write_group(
    service: &DynamoDb,
    cx: &Ctx,
    group: Vec<Write>,
    with_metrics: bool,
) -> Result<Vec<Written>, Error> {
    let Some(first) = group.first() else { return Ok(Vec::new()) };
    let partition = first.table.partition();
    let mut known = Vec::with_capacity(group.len());
    for write in &group {
        known.push(service.known_or_read(cx, &write.table).await?);
    }
    let now = service.now();
    let work = move |rows: &mut dyn Transaction| -> Result<Vec<Written>, Abort<Error>> {
        let mut written = Vec::with_capacity(group.len());
        for (write, known) in group.iter().zip(&known) {
            let table = writable(rows, &write.table, known.as_ref())?;
            let found: Found = write::find(rows, &table, write.key(&table)?)?;
            let (new, key) = match &write.action {
                Action::Put(item) => (Some(item), item),
                Action::Delete(key) => (None, key),
            };
            let consumed = write::replace(rows, &table, &found, new, Origin::Call, now)?;
            let metrics = write::metrics(rows, &table, key, with_metrics)?;
            written.push((Arc::clone(&write.table), consumed, metrics));
        }
        Ok(written)
    };
    let written: Vec<Written> = service.platform.store.transact(&partition, work).await.or_failure()?;
    for (name, consumed, _) in &written {
        service.charge_write(service.known(name).as_ref(), consumed);
    }
    Ok(written)
}
