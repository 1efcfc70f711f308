//! `ExecuteStatement`, `BatchExecuteStatement`, `ExecuteTransaction`.

use api::dynamodb::{
    AttributeValue, BatchExecuteStatementInput, BatchExecuteStatementOutput, BatchStatementError,
    BatchStatementRequest, BatchStatementResponse, ExecuteStatementInput, ExecuteStatementOutput,
    ExecuteTransactionInput, ExecuteTransactionOutput, ItemResponse, ParameterizedStatement,
};
use platform::Ctx;
use wire::Error;
use wire::error::Scalar;

use super::parser::parse;
use super::select::{self, Settings};
use super::statement::{Select, Statement};
use super::write;
use crate::errors::invalid;
use crate::item::capacity::{Consumed, Meter, Wanted, read_units};
use crate::item::get;
use crate::item::transact_write::{self, Token};
use crate::service::{DynamoDb, named};
use crate::throttle::Kind;
use crate::value::{Value, Wording, item_size, read_value, write_item};

/// Parses a statement with its parameters.
///
/// # Errors
/// AWS's complaints.
pub fn read(text: &str, parameters: Option<Vec<AttributeValue>>) -> Result<Statement, Error> {
    parse(text, &read_parameters(parameters)?).map_err(invalid)
}

fn read_parameters(parameters: Option<Vec<AttributeValue>>) -> Result<Vec<Value>, Error> {
    let read = |value| read_value(value, Wording::Older).map_err(invalid);
    parameters.unwrap_or_default().into_iter().map(read).collect()
}

/// Runs a statement.
///
/// # Errors
/// Those of the operation the statement stands for.
pub async fn execute_statement(
    service: &DynamoDb,
    cx: &Ctx,
    input: ExecuteStatementInput,
) -> Result<ExecuteStatementOutput, Error> {
    let statement = read(&input.statement, input.parameters)?;
    let wanted = Wanted::named(input.return_consumed_capacity.as_deref());
    let with_item = input.return_values_on_condition_check_failure.as_deref() == Some("ALL_OLD");
    let Statement::Select(select) = &statement else {
        let written = write::run(service, cx, &statement, with_item).await?;
        return Ok(ExecuteStatementOutput {
            items: Some(written.returned.into_iter().map(write_item).collect()),
            consumed_capacity: written.consumed.answer(&written.name.given, wanted),
            ..Default::default()
        });
    };
    if select.exists {
        return Err(invalid("EXISTS can only be used in ExecuteTransaction write requests."));
    }
    let settings = Settings {
        consistent: input.consistent_read.unwrap_or(false),
        limit: input.limit,
        token: input.next_token.as_deref(),
        text: &input.statement,
    };
    let (name, page) = select::run(service, cx, select, settings).await?;
    Ok(ExecuteStatementOutput {
        items: Some(page.items.into_iter().map(write_item).collect()),
        next_token: page.last.as_ref().map(|last| select::token(last, &input.statement)),
        consumed_capacity: page.consumed.answer(&name.given, wanted),
        last_evaluated_key: page.last.map(write_item),
    })
}

/// Most statements of a batch (API reference).
const BATCH_STATEMENTS_MAX: usize = 25;

/// Runs statements, each by itself: one that fails says so in its place.
///
/// # Errors
/// AWS's complaints of the batch as a whole.
pub async fn batch_execute_statement(
    service: &DynamoDb,
    cx: &Ctx,
    input: BatchExecuteStatementInput,
) -> Result<BatchExecuteStatementOutput, Error> {
    if input.statements.len() > BATCH_STATEMENTS_MAX {
        return Err(invalid("Too many statements in the BatchExecuteStatement call"));
    }
    let mut meter = Meter::default();
    let mut responses = Vec::new();
    for request in input.statements {
        responses.push(match one_of_batch(service, cx, request, &mut meter).await {
            Ok(response) => response,
            Err(error) => BatchStatementResponse { error: Some(batch_error(&error)), ..Default::default() },
        });
    }
    let wanted = Wanted::named(input.return_consumed_capacity.as_deref());
    Ok(BatchExecuteStatementOutput { responses: Some(responses), consumed_capacity: meter.answer(wanted) })
}

async fn one_of_batch(
    service: &DynamoDb,
    cx: &Ctx,
    request: BatchStatementRequest,
    meter: &mut Meter,
) -> Result<BatchStatementResponse, Error> {
    let statement = read(&request.statement, request.parameters)?;
    let with_item = request.return_values_on_condition_check_failure.as_deref() == Some("ALL_OLD");
    let (name, item) = match &statement {
        Statement::Select(select) => {
            let consistent = request.consistent_read.unwrap_or(false);
            let (name, item, units) = select_one(service, cx, select, consistent).await?;
            meter.add(&name, &Consumed::of_table(units));
            (name, item)
        }
        _ => {
            let written = write::run(service, cx, &statement, with_item).await?;
            meter.add(&written.name.given, &written.consumed);
            (written.name.given, written.returned)
        }
    };
    Ok(BatchStatementResponse { table_name: Some(name), item: item.map(write_item), error: None })
}

fn without_key() -> Error {
    invalid("Select statements within BatchExecuteStatement must specify the primary key in the where clause.")
}

/// Reads the one item that a `SELECT` names by its whole key.
async fn select_one(
    service: &DynamoDb,
    cx: &Ctx,
    select: &Select,
    consistent: bool,
) -> Result<(String, Option<crate::value::Item>, f64), Error> {
    let name = named(cx, &select.table)?;
    let snapshot = service.snapshot(&name.partition()).await?;
    let table = service.readable(cx, &snapshot, &name).await?;
    if let Some(index) = &select.index {
        table.index(index).map_or(Ok(()), |(index, _)| select::check_single_keys(index))?;
        return Err(without_key());
    }
    let key = write::key(&table, select.condition.as_ref()).map_err(|_| without_key())?;
    let key = crate::item::check::key(&table, &key).map_err(Error::from)?;
    service.buckets.admit_read(&table, None, service.now())?;
    let item = get::read(&snapshot, &table, &key).await?;
    let units = read_units(item.as_ref().map_or(0, item_size), consistent);
    service.buckets.charge(&table, &Consumed::of_table(units), Kind::Read, service.now());
    let found = item.filter(|item| select.condition.as_ref().is_none_or(|condition| condition.holds(item)));
    Ok((name.given, found.map(|item| get::select(item, select.paths.as_deref())), units))
}

/// An error in its place in a batch: codes lose their `Exception`.
fn batch_error(error: &Error) -> BatchStatementError {
    let name = error.definition.name;
    let code = match name {
        "ValidationException" => "ValidationError",
        "ConditionalCheckFailedException" => "ConditionalCheckFailed",
        "ResourceNotFoundException" => "ResourceNotFound",
        "DuplicateItemException" => "DuplicateItem",
        "ItemCollectionSizeLimitExceededException" => "ItemCollectionSizeLimitExceeded",
        _ => "InternalServerError",
    };
    let item = error.members.iter().find_map(|(member, value)| match value {
        Scalar::Document(document) if *member == "Item" => crate::value::item_of_json(document),
        _ => None,
    });
    BatchStatementError { code: Some(code.to_owned()), message: error.message.as_deref().map(str::to_owned), item }
}

/// Runs statements as one transaction: all read, or all write.
///
/// # Errors
/// `TransactionCanceledException`, `IdempotentParameterMismatchException`, and AWS's complaints.
pub async fn execute_transaction(
    service: &DynamoDb,
    cx: &Ctx,
    input: ExecuteTransactionInput,
) -> Result<ExecuteTransactionOutput, Error> {
    let token = Token::new(cx, input.client_request_token, &input.transact_statements);
    let wanted = Wanted::named(input.return_consumed_capacity.as_deref());
    let mut statements = Vec::new();
    for (index, given) in input.transact_statements.into_iter().enumerate() {
        statements.push(read_in_transaction(index, given)?);
    }
    let reads = |(statement, _): &(Statement, bool)| matches!(statement, Statement::Select(select) if !select.exists);
    if statements.iter().all(reads) {
        return read_all(service, cx, &statements, wanted).await;
    }
    if statements.iter().any(reads) {
        return Err(invalid("Read and write statements cannot be mixed in one transaction"));
    }
    let mut acts = Vec::new();
    for (index, (statement, with_item)) in statements.iter().enumerate() {
        let act = write::act(service, cx, statement, *with_item).await;
        acts.push(act.map_err(|error| if is_check(statement) { failed_in(index, error) } else { error })?);
    }
    let done = transact_write::run(service, cx, acts, token, false).await?;
    Ok(ExecuteTransactionOutput {
        responses: Some(Vec::new()),
        consumed_capacity: done.meter.answer_transaction(wanted, !done.repeated),
    })
}

/// Tells in which statement of a transaction something is not valid.
fn failed_in(index: usize, error: Error) -> Error {
    if !error.is("ValidationException") {
        return error;
    }
    let reason = error.message.as_deref().unwrap_or_default();
    invalid(format!("Validation failed in TransactStatements[{index}]: {reason}"))
}

fn is_check(statement: &Statement) -> bool {
    matches!(statement, Statement::Select(_))
}

fn read_in_transaction(index: usize, given: ParameterizedStatement) -> Result<(Statement, bool), Error> {
    let failed = |reason: &'static str| failed_in(index, invalid(reason));
    let parameters = read_parameters(given.parameters)?;
    let statement = parse(&given.statement, &parameters).map_err(|reason| failed_in(index, invalid(reason)))?;
    match &statement {
        Statement::Update { returning: Some(_), .. } | Statement::Delete { returning: Some(_), .. } => {
            return Err(failed("RETURNING clause is not supported in ExecuteTransaction."));
        }
        Statement::Select(select) if select.index.is_some() => {
            return Err(failed("Reads on indices are not supported within transactions."));
        }
        _ => {}
    }
    let with_item = given.return_values_on_condition_check_failure.as_deref() == Some("ALL_OLD");
    Ok((statement, with_item))
}

async fn read_all(
    service: &DynamoDb,
    cx: &Ctx,
    statements: &[(Statement, bool)],
    wanted: Wanted,
) -> Result<ExecuteTransactionOutput, Error> {
    let mut names = Vec::new();
    for (statement, _) in statements {
        names.push(named(cx, statement.table())?);
    }
    // One snapshot, so that all items are as they are at one moment.
    let partition = transact_write::same_place(names.iter())?;
    let snapshot = service.snapshot(&partition).await?;
    let mut meter = Meter::default();
    let mut responses = Vec::new();
    for (index, ((statement, _), name)) in statements.iter().zip(&names).enumerate() {
        let Statement::Select(select) = statement else { continue };
        let table = service.readable(cx, &snapshot, name).await?;
        let key = write::key(&table, select.condition.as_ref()).map_err(|_| {
            let text = "Select statements within ExecuteTransaction must specify the primary key in the where clause.";
            failed_in(index, invalid(text))
        })?;
        let key = crate::item::check::key(&table, &key).map_err(Error::from)?;
        let item = get::read(&snapshot, &table, &key).await?;
        let units = read_units(item.as_ref().map_or(0, item_size), true);
        let consumed = Consumed::of_table(units).doubled();
        service.buckets.charge(&table, &consumed, Kind::Read, service.now());
        meter.add(&name.given, &consumed);
        let found = item.filter(|item| select.condition.as_ref().is_none_or(|condition| condition.holds(item)));
        let item = found.map(|item| write_item(get::select(item, select.paths.as_deref())));
        responses.push(ItemResponse { item });
    }
    Ok(ExecuteTransactionOutput {
        responses: Some(responses),
        consumed_capacity: meter.answer_transaction(wanted, false),
    })
}
