//! `ImportTable`, `DescribeImport`, `ListImports`.

use api::dynamodb::errors::{import_conflict_exception, import_not_found_exception, limit_exceeded_exception};
use api::dynamodb::{
    CreateTableInput, CsvOptions, DescribeImportInput, DescribeImportOutput, ImportSummary, ImportTableDescription,
    ImportTableInput, ImportTableOutput, InputFormatOptions, ListImportsInput, ListImportsOutput, S3BucketSource,
    TableCreationParameters,
};
use api::s3;
use platform::{Ctx, OrFailure};
use serde::{Deserialize, Serialize};
use store::Direction;
use wire::error::common;
use wire::{Error, Timestamp};

use super::State;
use super::export::{PAGE, TRANSFERS_READ_MAX};
use super::formats::Format;
use super::import_log;
use crate::background::work::{self, Work};
use crate::errors::{invalid, invalid_value, unsupported};
use crate::limits::{EXPORT_TOKEN_LIFETIME_MS, IMPORTS_AT_ONCE_MAX};
use crate::names::{Resource, TableName};
use crate::service::{DynamoDb, named};
use crate::table::create;
use crate::{keys, rows};

/// An import.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Import {
    /// Its number.
    pub number: u32,
    /// The end of its ARN.
    pub id: String,
    /// Name of the table.
    pub table: String,
    /// ARN of the table.
    pub table_arn: String,
    /// The table's UUID.
    pub table_id: String,
    /// The client's token.
    pub token: Option<String>,
    /// What the token stands for.
    pub request: String,
    /// Where the objects are.
    pub source: Place,
    /// What is in them.
    pub format: Format,
    /// Whether they are compressed with GZIP.
    pub compressed: bool,
    /// When it was asked for, in milliseconds since 1970.
    pub started_at: i64,
    /// When it ended, in milliseconds since 1970.
    pub ended_at: Option<i64>,
    /// How it stands.
    pub state: State,
    /// What has been read of all objects up to `after`.
    pub counts: Counts,
    /// The key of the last object that is done.
    pub after: Option<String>,
}

/// Where the objects of an import are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The bucket.
    pub bucket: String,
    /// The account that has to own it.
    pub owner: Option<String>,
    /// In front of their keys.
    pub prefix: Option<String>,
}

/// What an import has read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Bytes as they are in the bucket.
    pub bytes: u64,
    /// Records.
    pub processed: u64,
    /// Records that are items now.
    pub imported: u64,
    /// Records that could not be read, or fit no table.
    pub errors: u64,
}

impl Import {
    /// Its ARN.
    pub fn arn(&self) -> String {
        format!("{}/import/{}", self.table_arn, self.id)
    }

    /// ARN of the log group that is told of records that are no items.
    fn log_group_arn(&self) -> Option<String> {
        let mut parts = self.table_arn.split(':').skip(3);
        Some(import_log::group_arn(parts.next()?, parts.next()?))
    }

    fn source(&self) -> S3BucketSource {
        S3BucketSource {
            s3_bucket_owner: self.source.owner.clone(),
            s3_bucket: self.source.bucket.clone(),
            s3_key_prefix: self.source.prefix.clone(),
            ..Default::default()
        }
    }

    fn format_name(&self) -> String {
        if matches!(self.format, Format::Json) { "DYNAMODB_JSON" } else { "CSV" }.to_owned()
    }

    fn describe(&self, parameters: Option<TableCreationParameters>) -> ImportTableDescription {
        let (failure_code, failure_message) = self.state.failure();
        let options = match &self.format {
            Format::Json => None,
            Format::Csv { delimiter, header } => Some(InputFormatOptions {
                csv: Some(CsvOptions {
                    delimiter: Some(char::from(*delimiter).to_string()),
                    header_list: header.clone(),
                }),
            }),
        };
        ImportTableDescription {
            import_arn: Some(self.arn()),
            import_status: Some(self.state.name().to_owned()),
            table_arn: Some(self.table_arn.clone()),
            table_id: Some(self.table_id.clone()),
            client_token: self.token.clone(),
            s3_bucket_source: Some(self.source()),
            error_count: Some(self.counts.errors as i64),
            cloud_watch_log_group_arn: self.log_group_arn(),
            input_format: Some(self.format_name()),
            input_format_options: options,
            input_compression_type: Some(if self.compressed { "GZIP" } else { "NONE" }.to_owned()),
            table_creation_parameters: parameters,
            start_time: Some(Timestamp::from_milliseconds(self.started_at)),
            end_time: self.ended_at.map(Timestamp::from_milliseconds),
            processed_size_bytes: Some(self.counts.bytes as i64),
            processed_item_count: Some(self.counts.processed as i64),
            imported_item_count: Some(self.counts.imported as i64),
            failure_code,
            failure_message,
        }
    }
}

/// Makes a table and begins to fill it.
///
/// # Errors
/// `ResourceInUseException`, `ImportConflictException`, `LimitExceededException`, those of reading the bucket, and
/// AWS's complaints.
pub async fn import_table(service: &DynamoDb, cx: &Ctx, input: ImportTableInput) -> Result<ImportTableOutput, Error> {
    let parameters = input.table_creation_parameters.clone();
    let name = TableName::new_table(cx, &parameters.table_name)?;
    let import = read(service, &name, input)?;
    let others = all(service, &name.partition()).await?;
    if let Some(earlier) = repeated(&others, &import)? {
        return Ok(ImportTableOutput { import_table_description: earlier.describe(Some(parameters)) });
    }
    if others.iter().filter(|other| other.state == State::InProgress).count() >= IMPORTS_AT_ONCE_MAX {
        let text = format!("Subscriber limit exceeded: Only {IMPORTS_AT_ONCE_MAX} imports can run at once");
        return Err(limit_exceeded_exception(text));
    }
    let list = super::import_files::list_request(&import);
    cx.call::<s3::ListObjectsV2>(list).await.map_err(|error| refused(&error))?;
    let mut table = create::prepare(service, cx, &name, creation(&parameters)).await?;
    table.importing = true;
    let table = create::insert(service, &name, table).await?;
    let import = Import { table_id: table.id.clone(), ..import };
    let import = service
        .transact(&name.partition(), move |rows| {
            let import = Import { number: rows::next_number(rows)?, ..import.clone() };
            rows::put(rows, &keys::import(import.number), &import)?;
            work::add(rows, &Work::Import(import.number))?;
            Ok(import)
        })
        .await?;
    service.work_soon();
    Ok(ImportTableOutput { import_table_description: import.describe(Some(parameters)) })
}

fn creation(given: &TableCreationParameters) -> CreateTableInput {
    CreateTableInput {
        table_name: Some(given.table_name.clone()),
        attribute_definitions: Some(given.attribute_definitions.clone()),
        key_schema: Some(given.key_schema.clone()),
        billing_mode: given.billing_mode.clone(),
        provisioned_throughput: given.provisioned_throughput.clone(),
        on_demand_throughput: given.on_demand_throughput.clone(),
        sse_specification: given.sse_specification.clone(),
        global_secondary_indexes: given.global_secondary_indexes.clone(),
        vector_indexes: given.vector_indexes.clone(),
        ..Default::default()
    }
}

/// Why the bucket cannot be read.
fn refused(error: &Error) -> Error {
    let reason = error.message.as_deref().unwrap_or_default();
    match error.definition.name {
        "AccessDenied" | "AccessDeniedException" => Error::new(&common::ACCESS_DENIED, reason.to_owned()),
        name => invalid(format!("S3 error: {reason} ({name})")),
    }
}

fn read(service: &DynamoDb, name: &TableName, input: ImportTableInput) -> Result<Import, Error> {
    let request = format!("{:?}", (&input.s3_bucket_source, &input.table_creation_parameters, &input.input_format));
    let compressed = match input.input_compression_type.as_deref() {
        None | Some("NONE") => false,
        Some("GZIP") => true,
        Some(other) => return Err(unsupported(&format!("InputCompressionType {other}"))),
    };
    let csv = input.input_format_options.and_then(|options| options.csv);
    let format = match input.input_format.as_str() {
        "DYNAMODB_JSON" if csv.is_some() => {
            return Err(invalid(
                "Invalid Request: Unsupported InputFormatOptions for the given input format: DYNAMODB_JSON.",
            ));
        }
        "DYNAMODB_JSON" => Format::Json,
        "CSV" => read_csv(csv.unwrap_or_default())?,
        other => return Err(unsupported(&format!("InputFormat {other}"))),
    };
    let now = service.now();
    Ok(Import {
        number: 0,
        id: format!("{now:014}-{}", service.platform.ids.hex(8)),
        table: name.name.clone(),
        table_arn: name.arn(),
        table_id: String::new(),
        token: input.client_token,
        request,
        source: Place {
            bucket: input.s3_bucket_source.s3_bucket,
            owner: input.s3_bucket_source.s3_bucket_owner,
            prefix: input.s3_bucket_source.s3_key_prefix,
        },
        format,
        compressed,
        started_at: now,
        ended_at: None,
        state: State::InProgress,
        counts: Counts::default(),
        after: None,
    })
}

fn read_csv(options: CsvOptions) -> Result<Format, Error> {
    let delimiter = options.delimiter.unwrap_or_else(|| ",".to_owned());
    match delimiter.as_bytes() {
        [delimiter] if b",\t:;| ".contains(delimiter) => {
            Ok(Format::Csv { delimiter: *delimiter, header: options.header_list })
        }
        _ => {
            Err(invalid_value(format!("Delimiter {delimiter} is not one of comma, tab, colon, semicolon, pipe, space")))
        }
    }
}

fn repeated(others: &[Import], import: &Import) -> Result<Option<Import>, Error> {
    let Some(token) = &import.token else { return Ok(None) };
    let is_earlier = |other: &&Import| {
        other.token.as_ref() == Some(token) && import.started_at - other.started_at < EXPORT_TOKEN_LIFETIME_MS
    };
    match others.iter().find(is_earlier) {
        None => Ok(None),
        Some(earlier) if earlier.request == import.request => Ok(Some(earlier.clone())),
        Some(_) => {
            let text = format!("Import with client token {token} already exists with other parameters");
            Err(import_conflict_exception(text))
        }
    }
}

async fn all(service: &DynamoDb, partition: &store::Partition) -> Result<Vec<Import>, Error> {
    let snapshot = service.snapshot(partition).await?;
    let found = snapshot.scan(keys::imports(), Direction::Forward, TRANSFERS_READ_MAX).await.or_failure()?;
    found.iter().map(|(_, row)| rows::decode(row)).collect()
}

/// Describes an import.
///
/// # Errors
/// `ImportNotFoundException`.
pub async fn describe_import(
    service: &DynamoDb,
    _: &Ctx,
    input: DescribeImportInput,
) -> Result<DescribeImportOutput, Error> {
    let Some(Resource::Import(table, id)) = Resource::parse(&input.import_arn) else {
        return Err(invalid("Invalid Import ARN"));
    };
    let found = all(service, &table.partition()).await?.into_iter().find(|import| import.id == id);
    let missing = || import_not_found_exception(format!("Import not found: {}", input.import_arn));
    let import = found.ok_or_else(missing)?;
    let snapshot = service.snapshot(&table.partition()).await?;
    let table = service.table_in(&snapshot, &table).await?.filter(|table| table.id == import.table_id);
    let parameters = table.map(|table| TableCreationParameters {
        table_name: table.name.clone(),
        attribute_definitions: crate::table::describe::describe_attributes(&table),
        key_schema: crate::table::describe::describe_key(&table.key),
        billing_mode: Some(if table.billing.on_demand { "PAY_PER_REQUEST" } else { "PROVISIONED" }.to_owned()),
        ..Default::default()
    });
    Ok(DescribeImportOutput { import_table_description: import.describe(parameters) })
}

/// Lists imports, the latest first.
///
/// # Errors
/// AWS's complaints.
pub async fn list_imports(service: &DynamoDb, cx: &Ctx, input: ListImportsInput) -> Result<ListImportsOutput, Error> {
    let table = input.table_arn.as_deref().map(|arn| named(cx, arn)).transpose()?;
    let partition = table.as_ref().map_or_else(|| keys::partition(&cx.account, &cx.region), TableName::partition);
    let mut imports = all(service, &partition).await?;
    imports.retain(|import| table.as_ref().is_none_or(|table| import.table_arn == table.arn()));
    imports.reverse();
    let (page, next_token) = page(imports, input.page_size, input.next_token, Import::arn)?;
    let summary = |import: Import| ImportSummary {
        import_arn: Some(import.arn()),
        import_status: Some(import.state.name().to_owned()),
        table_arn: Some(import.table_arn.clone()),
        cloud_watch_log_group_arn: import.log_group_arn(),
        s3_bucket_source: Some(import.source()),
        input_format: Some(import.format_name()),
        start_time: Some(Timestamp::from_milliseconds(import.started_at)),
        end_time: import.ended_at.map(Timestamp::from_milliseconds),
    };
    Ok(ListImportsOutput { import_summary_list: Some(page.into_iter().map(summary).collect()), next_token })
}

/// A page of a list, and the token to go on with: the ARN it ended with.
pub fn page<T>(
    mut all: Vec<T>,
    size: Option<i32>,
    token: Option<String>,
    arn: impl Fn(&T) -> String,
) -> Result<(Vec<T>, Option<String>), Error> {
    if let Some(token) = token {
        let at = all.iter().position(|one| arn(one) == token).ok_or_else(|| invalid("Invalid NextToken"))?;
        all.drain(..=at);
    }
    let size = size.unwrap_or(PAGE).clamp(1, PAGE) as usize;
    let more = all.len() > size;
    all.truncate(size);
    let next = all.last().filter(|_| more).map(arn);
    Ok((all, next))
}
