//! The operations on destinations. A stream is looked at behind the answer: what is wrong with it is told by the status.

use api::dynamodb::{
    DescribeKinesisStreamingDestinationInput, DescribeKinesisStreamingDestinationOutput,
    EnableKinesisStreamingConfiguration, KinesisDataStreamDestination, KinesisStreamingDestinationInput,
    KinesisStreamingDestinationOutput, UpdateKinesisStreamingDestinationInput, UpdateKinesisStreamingDestinationOutput,
};
use api::{iam, kinesis};
use platform::{Ctx, Need};
use store::{Abort, Transaction};
use wire::Error;

use super::{Destination, Precision, Queue, Status, deliver};
use crate::errors::{self, invalid};
use crate::keys;
use crate::limits::DESTINATIONS_LISTED_MAX;
use crate::names::TableName;
use crate::rows;
use crate::service::{DynamoDb, named};
use crate::table::Table;

/// Begins to tell a stream of a table's changes.
///
/// # Errors
/// `ResourceNotFoundException`, a `ValidationException` while another stream is told, and what IAM says of the role.
pub async fn enable_kinesis_streaming_destination(
    service: &DynamoDb,
    cx: &Ctx,
    input: KinesisStreamingDestinationInput,
) -> Result<KinesisStreamingDestinationOutput, Error> {
    let name = named(cx, &input.table_name)?;
    let given = input.enable_kinesis_streaming_configuration.unwrap_or_default();
    let precision = given.approximate_creation_date_time_precision.as_deref().and_then(Precision::named);
    check_enabling(&*described(service, &name).await?)?;
    make_role(cx, &name).await?;
    let refusal = refusal(cx, &input.stream_arn).await;
    let arn = input.stream_arn.clone();
    let enable = move |rows: &mut dyn Transaction, table: &mut Table| {
        check_enabling(table)?;
        let number = rows::next_number(rows)?;
        let destination =
            Destination { stream_arn: arn.clone(), number, status: Status::Enabling, failure: None, precision };
        let queue = Queue {
            number,
            table: table.name.clone(),
            table_arn: table.arn(),
            stream_arn: arn.clone(),
            refusal: refusal.clone(),
            precision: precision.unwrap_or(Precision::Millisecond),
            encryption: table.encryption.clone(),
            closed: false,
            unlocked: Default::default(),
        };
        rows::put(rows, &keys::queue(number), &queue)?;
        table.destinations.retain(|other| other.stream_arn != arn);
        table.destinations.insert(0, destination);
        table.destinations.truncate(DESTINATIONS_LISTED_MAX);
        Ok(())
    };
    service.change_table(&name, enable).await?;
    service.destinations.notify_one();
    Ok(KinesisStreamingDestinationOutput {
        table_name: Some(name.name),
        stream_arn: Some(input.stream_arn),
        destination_status: Some(Status::Enabling.name().to_owned()),
        enable_kinesis_streaming_configuration: Some(EnableKinesisStreamingConfiguration {
            approximate_creation_date_time_precision: precision.map(|precision| precision.name().to_owned()),
        }),
    })
}

/// Ends it: what happened before is still told.
///
/// # Errors
/// `ResourceNotFoundException`, and a `ValidationException` unless the stream is told.
pub async fn disable_kinesis_streaming_destination(
    service: &DynamoDb,
    cx: &Ctx,
    input: KinesisStreamingDestinationInput,
) -> Result<KinesisStreamingDestinationOutput, Error> {
    let name = named(cx, &input.table_name)?;
    if input.enable_kinesis_streaming_configuration.is_some() {
        let text = "Stream cannot be disabled using EnableKinesisStreamingConfiguration parameters";
        return Err(invalid(text));
    }
    let arn = input.stream_arn.clone();
    let disable = move |rows: &mut dyn Transaction, table: &mut Table| {
        let found = table.destinations.iter_mut().find(|destination| destination.stream_arn == arn);
        let may_end = |destination: &&mut Destination| matches!(destination.status, Status::Active | Status::Disabling);
        let destination = found
            .filter(may_end)
            .ok_or_else(|| not_valid("KinesisStreamingDestination must be ACTIVE to perform DISABLE operation."))?;
        destination.status = Status::Disabling;
        super::close(rows, destination.number)
    };
    service.change_table(&name, disable).await?;
    service.destinations.notify_one();
    Ok(KinesisStreamingDestinationOutput {
        table_name: Some(name.name),
        stream_arn: Some(input.stream_arn),
        destination_status: Some(Status::Disabling.name().to_owned()),
        enable_kinesis_streaming_configuration: None,
    })
}

/// Changes how exactly records tell the time.
///
/// # Errors
/// `ResourceNotFoundException`, and a `ValidationException` for what does not change anything or is not told.
pub async fn update_kinesis_streaming_destination(
    service: &DynamoDb,
    cx: &Ctx,
    input: UpdateKinesisStreamingDestinationInput,
) -> Result<UpdateKinesisStreamingDestinationOutput, Error> {
    let name = named(cx, &input.table_name)?;
    let configuration = input.update_kinesis_streaming_configuration.clone().unwrap_or_default();
    let precision = configuration.approximate_creation_date_time_precision.as_deref().and_then(Precision::named);
    let arn = input.stream_arn.clone();
    let update = move |rows: &mut dyn Transaction, table: &mut Table| {
        let precision = precision.ok_or_else(|| {
            invalid(
                "Streaming destination cannot be updated with given parameters: UpdateKinesisStreamingConfiguration \
                 cannot be null or contain only null values",
            )
        })?;
        change_precision(rows, table, &arn, precision)
    };
    service.change_table(&name, update).await?;
    service.destinations.notify_one();
    Ok(UpdateKinesisStreamingDestinationOutput {
        table_name: Some(name.name),
        stream_arn: Some(input.stream_arn),
        destination_status: Some(Status::Updating.name().to_owned()),
        update_kinesis_streaming_configuration: input.update_kinesis_streaming_configuration,
    })
}

fn change_precision(
    rows: &mut dyn Transaction,
    table: &mut Table,
    arn: &str,
    precision: Precision,
) -> Result<(), Abort<Error>> {
    let (plain, id) = (table.name.clone(), table.id.clone());
    let found = table.destinations.iter_mut().find(|destination| destination.stream_arn == arn);
    let destination = found.ok_or_else(|| {
        not_valid(&format!("No streaming destination with streamArn: {arn} found for table with tableName: {plain}"))
    })?;
    if destination.status != Status::Active {
        return Err(not_valid(&format!(
            "Kinesis streaming is not in ACTIVE state. Updates are only allowed in ACTIVE state. TableName: {plain}, \
             kdsArn: {arn}"
        ))
        .into());
    }
    if destination.precision.unwrap_or(Precision::Millisecond) == precision {
        return Err(invalid(format!(
            "Invalid Request: Precision is already set to the desired value of {} for tableId: {id}, kdsArn: {arn}",
            precision.name()
        ))
        .into());
    }
    destination.status = Status::Updating;
    destination.precision = Some(precision);
    let key = keys::queue(destination.number);
    let Some(queue) = rows::read::<Queue>(rows, &key)? else { return Ok(()) };
    rows::put(rows, &key, &Queue { precision, ..queue })
}

/// Says which streams are told of a table's changes, or were.
///
/// # Errors
/// `ResourceNotFoundException`.
pub async fn describe_kinesis_streaming_destination(
    service: &DynamoDb,
    cx: &Ctx,
    input: DescribeKinesisStreamingDestinationInput,
) -> Result<DescribeKinesisStreamingDestinationOutput, Error> {
    let name = named(cx, &input.table_name)?;
    let table = described(service, &name).await?;
    let describe = |destination: &Destination| KinesisDataStreamDestination {
        stream_arn: Some(destination.stream_arn.clone()),
        destination_status: Some(destination.status.name().to_owned()),
        destination_status_description: destination.failure.clone(),
        approximate_creation_date_time_precision: destination.precision.map(|precision| precision.name().to_owned()),
    };
    Ok(DescribeKinesisStreamingDestinationOutput {
        table_name: Some(name.name),
        kinesis_data_stream_destinations: Some(table.destinations.iter().map(describe).collect()),
    })
}

async fn described(service: &DynamoDb, name: &TableName) -> Result<std::sync::Arc<Table>, Error> {
    let snapshot = service.snapshot(&name.partition()).await?;
    service.table_in(&snapshot, name).await?.ok_or_else(|| errors::table_not_found(&name.name))
}

fn check_enabling(table: &Table) -> Result<(), Error> {
    if table.destinations.iter().all(|destination| destination.status.is_over()) {
        return Ok(());
    }
    Err(not_valid("EnableKinesisStreamingDestination must be DISABLED or ENABLE_FAILED to perform ENABLE operation."))
}

/// In AWS's words, which are the same whatever was to be done.
fn not_valid(reason: &str) -> Error {
    invalid(format!("Table is not in a valid state to enable Kinesis Streaming Destination: {reason}"))
}

/// Makes the role under which streams are written to, with the caller's rights, unless the account has it.
async fn make_role(cx: &Ctx, name: &TableName) -> Result<(), Error> {
    if cx.platform.role(&deliver::role_arn(&name.account)).await?.is_some() {
        return Ok(());
    }
    let input =
        iam::CreateServiceLinkedRoleRequest { aws_service_name: deliver::SERVICE.to_owned(), ..Default::default() };
    match cx.call::<iam::CreateServiceLinkedRole>(input).await {
        Ok(_) => Ok(()),
        // Another call was faster.
        Err(_) if cx.platform.role(&deliver::role_arn(&name.account)).await?.is_some() => Ok(()),
        Err(error) => Err(error),
    }
}

/// Why the caller may not have the stream written to: whoever enables it has to be allowed to do it themselves.
async fn refusal(cx: &Ctx, stream_arn: &str) -> Option<String> {
    for action in ["kinesis:DescribeStream", "kinesis:PutRecords"] {
        let need = Need::new(action, stream_arn);
        let principal = cx.principal.clone();
        if let Err(error) = cx.platform.allow_as::<kinesis::PutRecords>(principal, &cx.account, &cx.region, need).await
        {
            tracing::info!(%error, stream_arn, "a destination of a table is refused");
            return Some(deliver::NOT_PERMITTED.to_owned());
        }
    }
    None
}
