//! The service itself: what its parts share, and what it offers to the platform.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use parking_lot::Mutex;
use platform::{Ctx, Guard, Lifecycle, OrFailure, Platform, Registration};
use store::{Abort, Partition, Snapshot, Transaction};
use tokio::sync::Notify;
use wire::Error;

use crate::background::Place;
use crate::backup::{continuous, on_demand, restore};
use crate::destination::operations as destinations;
use crate::encryption::access::{Ciphers, User, unlock};
use crate::guard::TableGuard;
use crate::item::capacity::Consumed;
use crate::item::{batch_get, batch_write, delete, get, put, transact_get, transact_write, update};
use crate::limits::TABLES_CACHED_MAX;
use crate::names::TableName;
use crate::partiql::operations as partiql;
use crate::read::{query, scan};
use crate::rows::{self, Revised};
use crate::table::{
    Table, account, create, describe, insights, list, policy, remove, tags, time_to_live, update as update_table,
};
use crate::throttle::{Buckets, Kind};
use crate::transfer::{export, import};
use crate::{constraints, errors, keys};

/// The service.
pub struct DynamoDb {
    /// What all services share.
    pub platform: Arc<Platform>,
    tables: Mutex<HashMap<TableKey, Revised>>,
    work_arrived: Notify,
    /// Told when a destination comes or changes.
    pub(crate) destinations: Notify,
    /// Keys of tables in use.
    pub(crate) ciphers: Ciphers,
    /// Throughput that is left.
    pub(crate) buckets: Buckets,
}

/// Account, region and name.
type TableKey = (String, String, String);

impl DynamoDb {
    /// The service over the platform's store.
    pub fn new(platform: Arc<Platform>) -> DynamoDb {
        DynamoDb {
            platform,
            tables: Mutex::default(),
            work_arrived: Notify::new(),
            destinations: Notify::new(),
            ciphers: Ciphers::default(),
            buckets: Buckets::default(),
        }
    }

    /// What the service offers to the platform.
    pub fn registration(self: &Arc<Self>) -> Registration {
        let mut registration = Registration::new(&api::dynamodb::SERVICE);
        platform::operations!(registration, self, api::dynamodb, {
            BatchExecuteStatement => partiql::batch_execute_statement,
            BatchGetItem => batch_get::batch_get_item,
            BatchWriteItem => batch_write::batch_write_item,
            CreateBackup => on_demand::create_backup,
            CreateTable => create::create_table,
            DeleteBackup => on_demand::delete_backup,
            DeleteItem => delete::delete_item,
            DeleteResourcePolicy => policy::delete_resource_policy,
            DeleteTable => remove::delete_table,
            DescribeBackup => on_demand::describe_backup,
            DescribeContinuousBackups => continuous::describe_continuous_backups,
            DescribeContributorInsights => insights::describe_contributor_insights,
            DescribeEndpoints => account::describe_endpoints,
            DescribeKinesisStreamingDestination => destinations::describe_kinesis_streaming_destination,
            DescribeLimits => account::describe_limits,
            DescribeExport => export::describe_export,
            DescribeImport => import::describe_import,
            DescribeTable => describe::describe_table,
            DescribeTimeToLive => time_to_live::describe_time_to_live,
            DisableKinesisStreamingDestination => destinations::disable_kinesis_streaming_destination,
            EnableKinesisStreamingDestination => destinations::enable_kinesis_streaming_destination,
            ExecuteStatement => partiql::execute_statement,
            ExecuteTransaction => partiql::execute_transaction,
            ExportTableToPointInTime => export::export_table_to_point_in_time,
            GetItem => get::get_item,
            GetResourcePolicy => policy::get_resource_policy,
            ImportTable => import::import_table,
            ListBackups => on_demand::list_backups,
            ListContributorInsights => insights::list_contributor_insights,
            ListExports => export::list_exports,
            ListImports => import::list_imports,
            ListTables => list::list_tables,
            ListTagsOfResource => tags::list_tags_of_resource,
            PutItem => put::put_item,
            PutResourcePolicy => policy::put_resource_policy,
            Query => query::query,
            RestoreTableFromBackup => restore::restore_table_from_backup,
            RestoreTableToPointInTime => restore::restore_table_to_point_in_time,
            Scan => scan::scan,
            TagResource => tags::tag_resource,
            TransactGetItems => transact_get::transact_get_items,
            TransactWriteItems => transact_write::transact_write_items,
            UntagResource => tags::untag_resource,
            UpdateContinuousBackups => continuous::update_continuous_backups,
            UpdateContributorInsights => insights::update_contributor_insights,
            UpdateItem => update::update_item,
            UpdateKinesisStreamingDestination => destinations::update_kinesis_streaming_destination,
            UpdateTable => update_table::update_table,
            UpdateTimeToLive => time_to_live::update_time_to_live,
        });
        registration
            .with_lifecycle(Arc::clone(self) as Arc<dyn Lifecycle>)
            .with_guard(self.guard())
            .with_reword(constraints::reword)
    }

    /// What callers need to be allowed.
    pub(crate) fn guard(self: &Arc<Self>) -> Arc<dyn Guard> {
        Arc::new(TableGuard(Arc::clone(self)))
    }

    /// Milliseconds since 1970.
    pub(crate) fn now(&self) -> i64 {
        self.platform.clock.milliseconds()
    }

    /// The rows of a partition as they are now.
    pub(crate) async fn snapshot(&self, partition: &Partition) -> Result<Snapshot, Error> {
        self.platform.store.snapshot(partition).await.or_failure()
    }

    /// Runs a transaction on the rows of a partition.
    pub(crate) async fn transact<R, F>(&self, partition: &Partition, closure: F) -> Result<R, Error>
    where
        R: Send + 'static,
        F: Fn(&mut dyn Transaction) -> Result<R, Abort<Error>> + Send + Sync + 'static,
    {
        self.platform.store.transact(partition, closure).await.or_failure()
    }

    /// The copy of a table in memory, which may be out of date: whoever uses it compares the revision.
    pub(crate) fn known(&self, name: &TableName) -> Option<Revised> {
        self.tables.lock().get(&table_key(name)).cloned()
    }

    /// Forgets the copy of a table that was changed.
    pub(crate) fn forget(&self, name: &TableName) {
        self.tables.lock().remove(&table_key(name));
    }

    /// As [`DynamoDb::known`], for background work.
    pub(crate) fn known_in(&self, place: &Place, name: &str) -> Option<Revised> {
        self.tables.lock().get(&(place.account.clone(), place.region.clone(), name.to_owned())).cloned()
    }

    /// As [`DynamoDb::forget`], for background work.
    pub(crate) fn forget_in(&self, place: &Place, name: &str) {
        self.tables.lock().remove(&(place.account.clone(), place.region.clone(), name.to_owned()));
    }

    /// A table of a snapshot.
    pub(crate) async fn table_in(&self, snapshot: &Snapshot, name: &TableName) -> Result<Option<Arc<Table>>, Error> {
        let Some(row) = snapshot.get(&keys::table(&name.name)).await.or_failure()? else { return Ok(None) };
        let known = self.known(name);
        let revised = rows::table_of_row(&row, known.as_ref())?;
        if known.is_none_or(|known| known.revision != revised.revision) {
            let mut tables = self.tables.lock();
            if tables.len() >= TABLES_CACHED_MAX {
                tables.clear();
            }
            tables.insert(table_key(name), revised.clone());
        }
        Ok(Some(revised.table))
    }

    /// A table of a snapshot that items are to be read from.
    ///
    /// # Errors
    /// `ResourceNotFoundException`.
    pub(crate) async fn readable(&self, cx: &Ctx, snapshot: &Snapshot, name: &TableName) -> Result<Arc<Table>, Error> {
        let table = self.table_in(snapshot, name).await?.filter(|table| !table.is_restoring());
        unlock(self, User::Caller(cx), table.ok_or_else(errors::table_missing)?).await
    }

    /// As [`DynamoDb::known`], reading the table first if there is no copy; its items can be read and written.
    ///
    /// # Errors
    /// `AccessDeniedException` if the caller may not use the table's key.
    pub(crate) async fn known_or_read(&self, cx: &Ctx, name: &TableName) -> Result<Option<Revised>, Error> {
        if self.known(name).is_none() {
            let snapshot = self.snapshot(&name.partition()).await?;
            self.table_in(&snapshot, name).await?;
        }
        let Some(known) = self.known(name) else { return Ok(None) };
        let table = unlock(self, User::Caller(cx), known.table).await?;
        Ok(Some(Revised { revision: known.revision, table }))
    }

    /// As [`DynamoDb::known_or_read`], for a write that the table's throughput has to allow.
    ///
    /// # Errors
    /// `ProvisionedThroughputExceededException`, `ThrottlingException`.
    pub(crate) async fn known_for_write(&self, cx: &Ctx, name: &TableName) -> Result<Option<Revised>, Error> {
        let known = self.known_or_read(cx, name).await?;
        if let Some(known) = &known {
            self.buckets.admit_write(&known.table, self.now())?;
        }
        Ok(known)
    }

    /// Counts what a write has consumed.
    pub(crate) fn charge_write(&self, known: Option<&Revised>, consumed: &Consumed) {
        if let Some(known) = known {
            self.buckets.charge(&known.table, consumed, Kind::Write, self.now());
        }
    }

    /// A table as it is now, for background work on its items.
    ///
    /// # Errors
    /// `AccessDeniedException` if the platform may not use the table's key.
    pub(crate) async fn known_for_work(&self, place: &Place, name: &str) -> Result<Option<Revised>, Error> {
        let row = self.platform.store.get(&place.partition, &keys::table(name)).await.or_failure()?;
        let Some(row) = row else { return Ok(None) };
        let known = rows::table_of_row(&row, self.known_in(place, name).as_ref())?;
        let table = unlock(self, User::Service(place), known.table).await?;
        Ok(Some(Revised { revision: known.revision, table }))
    }

    /// Changes a table, and forgets the copy of it in memory. The closure sees the table as it is.
    ///
    /// # Errors
    /// `ResourceNotFoundException`, and the closure's own.
    pub(crate) async fn change_table<R, F>(&self, name: &TableName, closure: F) -> Result<R, Error>
    where
        R: Send + 'static,
        F: Fn(&mut dyn Transaction, &mut Table) -> Result<R, Abort<Error>> + Send + Sync + 'static,
    {
        let plain = name.name.clone();
        let changed = self
            .transact(&name.partition(), move |rows| {
                let found = rows::table(rows, &plain, None)?;
                let mut table = found.ok_or_else(|| errors::table_not_found(&plain))?.table.as_ref().clone();
                let before = table.clone();
                let result = closure(rows, &mut table)?;
                if table != before {
                    rows::put_table(rows, &table)?;
                }
                Ok(result)
            })
            .await;
        self.forget(name);
        changed
    }

    /// Lets the background look for work.
    pub(crate) fn work_soon(&self) {
        self.work_arrived.notify_one();
    }

    /// Waits until [`DynamoDb::work_soon`] is called.
    pub(crate) async fn work_arrived(&self) {
        self.work_arrived.notified().await;
    }
}

fn table_key(name: &TableName) -> TableKey {
    (name.account.clone(), name.region.clone(), name.name.clone())
}

/// A table inside a transaction that items are to be written to.
///
/// # Errors
/// `ResourceNotFoundException`.
pub(crate) fn writable(
    rows: &mut dyn Transaction,
    name: &TableName,
    known: Option<&Revised>,
) -> Result<Arc<Table>, Abort<Error>> {
    let found = rows::table(rows, &name.name, known)?.map(|revised| revised.table);
    Ok(found.filter(|table| !table.is_restoring()).ok_or_else(errors::table_missing)?)
}

/// The table a call names, by name or ARN.
pub(crate) fn named(cx: &Ctx, given: &str) -> Result<TableName, Error> {
    TableName::new(cx, given)
}

/// A table's name, of which operations on tables say in words of their own that it is missing.
pub(crate) fn given(name: Option<&str>) -> Result<&str, Error> {
    name.ok_or_else(|| crate::errors::parameter_missing("TableName"))
}

impl Lifecycle for DynamoDb {
    fn start(self: Arc<Self>) -> Pin<Box<dyn Future<Output = Result<(), Error>> + Send>> {
        Box::pin(async move {
            let background = self.platform.background.clone();
            background.spawn("dynamodb", crate::background::run(Arc::clone(&self))).or_failure()?;
            background.spawn("dynamodb-destinations", crate::destination::deliver::run(self)).or_failure()
        })
    }

    fn stop(self: Arc<Self>) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        // Everything accepted is in the store, and what the background does goes on after a restart.
        Box::pin(async {})
    }

    fn reset(self: Arc<Self>) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(async move {
            self.tables.lock().clear();
            self.ciphers.clear();
            self.buckets.clear();
        })
    }

    fn live_blobs(self: Arc<Self>) -> platform::LiveBlobs {
        platform::no_blobs()
    }
}
