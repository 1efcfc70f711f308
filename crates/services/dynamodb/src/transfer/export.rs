//! `ExportTableToPointInTime`, `DescribeExport`, `ListExports`.

use api::dynamodb::errors::{
    export_conflict_exception, export_not_found_exception, invalid_export_time_exception,
    point_in_time_recovery_unavailable_exception, table_not_found_exception,
};
use api::dynamodb::{
    DescribeExportInput, DescribeExportOutput, ExportDescription, ExportSummary, ExportTableToPointInTimeInput,
    ExportTableToPointInTimeOutput, IncrementalExportSpecification, ListExportsInput, ListExportsOutput,
};
use api::s3;
use platform::{Ctx, OrFailure};
use serde::{Deserialize, Serialize};
use store::{Abort, Direction, Transaction};
use wire::error::common;
use wire::{Error, Timestamp};

use super::{State, put_request};
use crate::background::work::{self, Work};
use crate::backup::copy::Target;
use crate::backup::{Backup, on_demand};
use crate::errors::{invalid, unsupported};
use crate::limits::{EXPORT_TOKEN_LIFETIME_MS, EXPORT_WINDOW_MAX_MS, EXPORT_WINDOW_MIN_MS, LIST_TRANSFERS_MAX};
use crate::names::{Resource, TableName};
use crate::service::{DynamoDb, named};
use crate::table::Table;
use crate::{keys, rows};

/// Most exports, or imports, looked through for one answer.
pub const TRANSFERS_READ_MAX: usize = 10_000;

/// An export.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Export {
    /// The number on which what it notes hangs.
    pub number: u32,
    /// The end of its ARN.
    pub id: String,
    /// ARN of the table.
    pub table_arn: String,
    /// The table's UUID.
    pub table_id: String,
    /// The client's token.
    pub token: Option<String>,
    /// What the token stands for.
    pub request: String,
    /// The bucket that is written to.
    pub bucket: String,
    /// The account that has to own it.
    pub bucket_owner: Option<String>,
    /// In front of the keys of all objects.
    pub prefix: Option<String>,
    /// How S3 is asked to encrypt.
    pub sse: Option<String>,
    /// Under which key of KMS.
    pub kms_key: Option<String>,
    /// The time whose state is exported, in milliseconds since 1970.
    pub time: i64,
    /// When it was asked for, in milliseconds since 1970.
    pub started_at: i64,
    /// When it ended, in milliseconds since 1970.
    pub ended_at: Option<i64>,
    /// How it stands.
    pub state: State,
    /// What of changes is exported, if it is changes.
    pub window: Option<Window>,
    /// The hidden backup of the table at the time.
    pub backup: u32,
    /// The files that are written.
    pub files: Vec<DataFile>,
    /// The last row that is done.
    pub after: Option<Vec<u8>>,
    /// Whether all changes of the window are noted.
    pub noted: bool,
}

/// The changes of an incremental export.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Window {
    /// From when, in milliseconds since 1970.
    pub from: i64,
    /// Until before when, in milliseconds since 1970.
    pub to: i64,
    /// Whether images from before are exported too.
    pub with_old: bool,
    /// The hidden backup of the table as it was before.
    pub before: u32,
}

/// A file of an export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataFile {
    /// Its key in the bucket.
    pub key: String,
    /// How many items are in it.
    pub items: u64,
    /// Their bytes before compression.
    pub bytes: u64,
    /// Its MD5, in base64.
    pub md5: String,
    /// Its entity tag.
    pub etag: String,
}

impl Export {
    /// ARN of the export.
    pub fn arn(&self) -> String {
        format!("{}/export/{}", self.table_arn, self.id)
    }

    /// The key of an object of the export.
    pub fn key(&self, name: &str) -> String {
        let prefix = self.prefix.as_ref().map(|prefix| format!("{}/", prefix.trim_end_matches('/')));
        format!("{}AWSDynamoDB/{}/{name}", prefix.unwrap_or_default(), self.id)
    }

    /// How many items are in all files.
    pub fn items(&self) -> u64 {
        self.files.iter().map(|file| file.items).sum()
    }

    /// Their bytes.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }

    fn describe(&self) -> ExportDescription {
        let (failure_code, failure_message) = self.state.failure();
        let done = self.state == State::Completed;
        let window = self.window.as_ref();
        ExportDescription {
            export_arn: Some(self.arn()),
            export_status: Some(self.state.name().to_owned()),
            start_time: Some(time(self.started_at)),
            end_time: self.ended_at.map(time),
            export_manifest: done.then(|| self.key("manifest-summary.json")),
            table_arn: Some(self.table_arn.clone()),
            table_id: Some(self.table_id.clone()),
            export_time: window.is_none().then(|| time(self.time)),
            client_token: self.token.clone(),
            s3_bucket: Some(self.bucket.clone()),
            s3_bucket_owner: self.bucket_owner.clone(),
            s3_prefix: self.prefix.clone(),
            s3_sse_algorithm: self.sse.clone(),
            s3_sse_kms_key_id: self.kms_key.clone(),
            failure_code,
            failure_message,
            export_format: Some("DYNAMODB_JSON".to_owned()),
            billed_size_bytes: done.then(|| self.bytes() as i64),
            item_count: done.then(|| self.items() as i64),
            export_type: Some(self.kind().to_owned()),
            incremental_export_specification: window.map(|window| IncrementalExportSpecification {
                export_from_time: Some(time(window.from)),
                export_to_time: Some(time(window.to)),
                export_view_type: Some(window.view().to_owned()),
            }),
            ..Default::default()
        }
    }

    /// `FULL_EXPORT` or `INCREMENTAL_EXPORT`.
    pub fn kind(&self) -> &'static str {
        if self.window.is_some() { "INCREMENTAL_EXPORT" } else { "FULL_EXPORT" }
    }
}

impl Window {
    /// The name on the wire of what is shown.
    pub fn view(&self) -> &'static str {
        if self.with_old { "NEW_AND_OLD_IMAGES" } else { "NEW_IMAGE" }
    }
}

fn time(milliseconds: i64) -> Timestamp {
    Timestamp::from_milliseconds(milliseconds)
}

/// Begins an export of a table with point-in-time recovery.
///
/// # Errors
/// `TableNotFoundException`, `PointInTimeRecoveryUnavailableException`, `InvalidExportTimeException`,
/// `ExportConflictException`, those of writing to the bucket, and AWS's complaints.
pub async fn export_table_to_point_in_time(
    service: &DynamoDb,
    cx: &Ctx,
    input: ExportTableToPointInTimeInput,
) -> Result<ExportTableToPointInTimeOutput, Error> {
    check(&input)?;
    let name = named(cx, &input.table_arn)?;
    let snapshot = service.snapshot(&name.partition()).await?;
    let missing = || table_not_found_exception(format!("Table not found: {}", name.name));
    let table = service.table_in(&snapshot, &name).await?.ok_or_else(missing)?;
    drop(snapshot);
    let export = read(service, &table, input)?;
    if let Some(earlier) = repeated(service, &name, &export).await? {
        return Ok(ExportTableToPointInTimeOutput { export_description: Some(earlier.describe()) });
    }
    // As on AWS, an empty object shows that the bucket can be written to.
    let probe = put_request(&export, export.key("_started"), Vec::new());
    cx.call::<s3::PutObject>(probe).await.map_err(|error| refused(cx, &error))?;
    let (plain, collection) = (name.name.clone(), table.collection);
    let export = service
        .transact(&name.partition(), move |rows| {
            let found = rows::table(rows, &plain, None)?.filter(|found| found.table.collection == collection);
            let missing = || table_not_found_exception(format!("Table not found: {plain}"));
            let mut table = found.ok_or_else(missing)?.table.as_ref().clone();
            start(rows, &mut table, &export)
        })
        .await?;
    service.forget(&name);
    service.work_soon();
    Ok(ExportTableToPointInTimeOutput { export_description: Some(export.describe()) })
}

fn check(input: &ExportTableToPointInTimeInput) -> Result<(), Error> {
    if input.export_format.as_deref() == Some("ION") {
        return Err(unsupported("ExportFormat ION"));
    }
    if input.filter_specification.is_some() {
        return Err(unsupported("FilterSpecification"));
    }
    let incremental = input.export_type.as_deref() == Some("INCREMENTAL_EXPORT");
    if incremental && input.incremental_export_specification.is_none() {
        return Err(invalid("IncrementalExportSpecification is required for ExportType INCREMENTAL_EXPORT"));
    }
    if !incremental && input.incremental_export_specification.is_some() {
        return Err(invalid("IncrementalExportSpecification can only be specified for ExportType INCREMENTAL_EXPORT"));
    }
    if incremental && input.export_time.is_some() {
        return Err(invalid("ExportTime cannot be specified for ExportType INCREMENTAL_EXPORT"));
    }
    Ok(())
}

/// Why the bucket cannot be written to, under the names that exports have for it.
fn refused(cx: &Ctx, error: &Error) -> Error {
    let reason = error.message.as_deref().unwrap_or_default();
    match error.definition.name {
        "NoSuchBucket" => invalid(format!("S3 error: {reason} (NoSuchBucket)")),
        "AccessDenied" | "AccessDeniedException" => {
            let by = cx.principal.arn();
            Error::new(&common::ACCESS_DENIED, format!("Access denied when {by} writes to the bucket: {reason}"))
        }
        _ => invalid(format!("S3 error: {reason}")),
    }
}

/// The export that a request asks for.
fn read(service: &DynamoDb, table: &Table, input: ExportTableToPointInTimeInput) -> Result<Export, Error> {
    const DAY_MS: i64 = 24 * 60 * 60 * 1_000;
    let now = service.now();
    let Some(recovery) = &table.recovery else {
        let text = format!("Point in time recovery is not enabled for table '{}'", table.name);
        return Err(point_in_time_recovery_unavailable_exception(text));
    };
    let earliest = recovery.since.max(now - i64::from(recovery.days) * DAY_MS);
    let within = |time: i64| {
        if (earliest..=now).contains(&time) {
            return Ok(time);
        }
        Err(invalid_export_time_exception("The specified ExportTime is outside of the point in time recovery window"))
    };
    let request = format!("{:?}", (&input.table_arn, &input.s3_bucket, &input.s3_prefix, &input.export_time));
    let window = match &input.incremental_export_specification {
        None => None,
        Some(given) => {
            let from = given.export_from_time.ok_or_else(|| {
                invalid("Invalid Request: ExportFromTime must be provided in IncrementalExportSpecification")
            })?;
            let from = within(from.milliseconds())?;
            let to = within(given.export_to_time.map_or(now, |to| to.milliseconds()))?;
            check_window(from, to)?;
            let with_old = !matches!(given.export_view_type.as_deref(), Some("NEW_IMAGE"));
            Some(Window { from, to, with_old, before: 0 })
        }
    };
    let time = match &window {
        Some(window) => window.to,
        None => within(input.export_time.map_or(now, |time| time.milliseconds()))?,
    };
    Ok(Export {
        number: 0,
        id: format!("{now:014}-{}", service.platform.ids.hex(8)),
        table_arn: table.arn(),
        table_id: table.id.clone(),
        token: input.client_token,
        request,
        bucket: input.s3_bucket,
        bucket_owner: input.s3_bucket_owner,
        prefix: input.s3_prefix,
        sse: Some(input.s3_sse_algorithm.unwrap_or_else(|| "AES256".to_owned())),
        kms_key: input.s3_sse_kms_key_id,
        time,
        started_at: now,
        ended_at: None,
        state: State::InProgress,
        window,
        backup: 0,
        files: Vec::new(),
        after: None,
        noted: false,
    })
}

fn check_window(from: i64, to: i64) -> Result<(), Error> {
    if to - from < EXPORT_WINDOW_MIN_MS {
        return Err(invalid_export_time_exception("The export period must be at least 15 minutes"));
    }
    if to - from > EXPORT_WINDOW_MAX_MS {
        return Err(invalid_export_time_exception("The export period must not be longer than 24 hours"));
    }
    Ok(())
}

/// The export that an earlier request with the same token began.
async fn repeated(service: &DynamoDb, name: &TableName, export: &Export) -> Result<Option<Export>, Error> {
    let Some(token) = &export.token else { return Ok(None) };
    let all = all(service, name).await?;
    let is_earlier = |other: &Export| {
        other.token.as_ref() == Some(token) && export.started_at - other.started_at < EXPORT_TOKEN_LIFETIME_MS
    };
    let Some(earlier) = all.into_iter().find(is_earlier) else { return Ok(None) };
    if earlier.request == export.request {
        return Ok(Some(earlier));
    }
    Err(export_conflict_exception(format!("Export with client token {token} already exists with other parameters")))
}

/// Stores an export with the copies it needs and the work to be done.
fn start(rows: &mut dyn Transaction, table: &mut Table, export: &Export) -> Result<Export, Abort<Error>> {
    let mut export = Export { number: rows::next_number(rows)?, ..export.clone() };
    export.backup = hide(rows, table, &export, export.time.saturating_add(i64::from(export.window.is_none())))?;
    if let Some(window) = &export.window {
        let before = hide(rows, table, &export, window.from)?;
        export.window = Some(Window { before, ..window.clone() });
    }
    rows::put(rows, &keys::export(export.number), &export)?;
    work::add(rows, &Work::Export(export.number))?;
    Ok(export)
}

/// Begins a backup that nobody sees.
fn hide(rows: &mut dyn Transaction, table: &mut Table, export: &Export, at: i64) -> Result<u32, Abort<Error>> {
    let backup = Backup {
        number: rows::next_number(rows)?,
        id: export.id.clone(),
        name: export.id.clone(),
        table: table.clone(),
        created_at: at,
        complete: false,
        count: 0,
        bytes: 0,
        hidden: true,
    };
    rows::put(rows, &keys::backup(backup.number), &backup)?;
    on_demand::start(rows, table, Target::Backup(backup.number), at, 0)?;
    Ok(backup.number)
}

async fn all(service: &DynamoDb, name: &TableName) -> Result<Vec<Export>, Error> {
    all_in(service, &name.partition()).await
}

async fn all_in(service: &DynamoDb, partition: &store::Partition) -> Result<Vec<Export>, Error> {
    let snapshot = service.snapshot(partition).await?;
    let found = snapshot.scan(keys::exports(), Direction::Forward, TRANSFERS_READ_MAX).await.or_failure()?;
    found.iter().map(|(_, row)| rows::decode(row)).collect()
}

/// Describes an export.
///
/// # Errors
/// `ExportNotFoundException`.
pub async fn describe_export(
    service: &DynamoDb,
    _: &Ctx,
    input: DescribeExportInput,
) -> Result<DescribeExportOutput, Error> {
    let Some(Resource::Export(table, id)) = Resource::parse(&input.export_arn) else {
        return Err(invalid("Invalid Export ARN"));
    };
    let found = all(service, &table).await?.into_iter().find(|export| export.id == id);
    let missing = || export_not_found_exception(format!("Export not found: {}", input.export_arn));
    Ok(DescribeExportOutput { export_description: Some(found.ok_or_else(missing)?.describe()) })
}

/// Lists exports of the last 90 days, the latest first.
///
/// # Errors
/// AWS's complaints.
pub async fn list_exports(service: &DynamoDb, cx: &Ctx, input: ListExportsInput) -> Result<ListExportsOutput, Error> {
    let table = input.table_arn.as_deref().map(|arn| named(cx, arn)).transpose()?;
    let partition = table.as_ref().map_or_else(|| keys::partition(&cx.account, &cx.region), TableName::partition);
    let mut exports = all_in(service, &partition).await?;
    exports.retain(|export| table.as_ref().is_none_or(|table| export.table_arn == table.arn()));
    exports.reverse();
    let (page, next_token) = super::import::page(exports, input.max_results, input.next_token, Export::arn)?;
    let summary = |export: Export| ExportSummary {
        export_arn: Some(export.arn()),
        export_status: Some(export.state.name().to_owned()),
        export_type: Some(export.kind().to_owned()),
    };
    Ok(ListExportsOutput { export_summaries: Some(page.into_iter().map(summary).collect()), next_token })
}

/// The size of a page without one asked for.
pub const PAGE: i32 = LIST_TRANSFERS_MAX;
