//! `TransactWriteItems`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use api::dynamodb::errors::{idempotent_parameter_mismatch_exception, transaction_canceled_exception};
use api::dynamodb::{ItemCollectionMetrics, TransactWriteItem, TransactWriteItemsInput, TransactWriteItemsOutput};
use platform::Ctx;
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};
use store::{Abort, Partition, Transaction};
use wire::Error;
use wire::error::Scalar;

use super::capacity::{Consumed, Meter, Wanted, read_units};
use super::check::{self, Fault};
use super::put::{self, read_condition};
use super::update::Changes;
use super::write::{self, Found, Origin};
use crate::errors::invalid;
use crate::expression::{Condition, Context, update};
use crate::keys;
use crate::limits::{TOKEN_LIFETIME_MS, TRANSACTION_BYTES_MAX};
use crate::names::TableName;
use crate::rows::{self, Revised};
use crate::service::{DynamoDb, named, writable};
use crate::table::Table;
use crate::value::{Item, Wording, item_size, read_item};

/// One action of a transaction.
#[derive(Debug)]
pub struct Act {
    /// The table it is on.
    pub name: TableName,
    /// What it does.
    pub kind: ActKind,
    /// What has to hold.
    pub condition: Option<Condition>,
    /// Whether the item is told if that does not hold.
    pub with_item: bool,
}

/// What an action does.
#[derive(Debug)]
pub enum ActKind {
    /// Nothing but looking.
    Check(Item),
    /// It puts an item.
    Put(Item),
    /// It puts an item that must be new (`INSERT` of PartiQL).
    Insert(Item),
    /// It deletes the item of a key.
    Delete(Item),
    /// It changes the item of a key.
    Update(Item, Changes),
}

impl ActKind {
    fn item(&self) -> &Item {
        match self {
            ActKind::Check(item)
            | ActKind::Put(item)
            | ActKind::Insert(item)
            | ActKind::Delete(item)
            | ActKind::Update(item, _) => item,
        }
    }
}

/// Why an action did not let its transaction through.
#[derive(Debug, Clone, Default)]
pub struct Reason {
    code: &'static str,
    message: Option<String>,
    item: Option<Json>,
}

impl Reason {
    /// It did.
    pub fn none() -> Reason {
        Reason { code: "None", ..Reason::default() }
    }

    /// What it asked for does not fit the table or the item.
    pub fn validation(error: &Error) -> Reason {
        let message = error.message.as_deref().map(str::to_owned);
        Reason { code: "ValidationError", message, item: None }
    }

    /// The throughput does not allow it.
    pub fn throttled(error: &Error) -> Reason {
        let provisioned = error.is("ProvisionedThroughputExceededException");
        let code = if provisioned { "ProvisionedThroughputExceeded" } else { "ThrottlingError" };
        Reason { code, message: error.message.as_deref().map(str::to_owned), item: None }
    }

    fn condition(item: Option<&Item>) -> Reason {
        let message = Some("The conditional request failed".to_owned());
        Reason { code: "ConditionalCheckFailed", message, item: item.map(write::item_json) }
    }

    fn duplicate() -> Reason {
        let message = Some("Duplicate primary key exists in table".to_owned());
        Reason { code: "DuplicateItem", message, item: None }
    }

    /// Whether it stopped the transaction.
    pub fn is_failure(&self) -> bool {
        self.code != "None"
    }

    fn json(&self) -> Json {
        let mut json = json!({ "Code": self.code });
        if let Some(message) = &self.message {
            json["Message"] = json!(message);
        }
        if let Some(item) = &self.item {
            json["Item"] = item.clone();
        }
        json
    }
}

/// `TransactionCanceledException`.
pub fn canceled(reasons: &[Reason]) -> Error {
    let codes: Vec<&str> = reasons.iter().map(|reason| reason.code).collect();
    let text =
        format!("Transaction cancelled, please refer cancellation reasons for specific reasons [{}]", codes.join(", "));
    let reasons = reasons.iter().map(Reason::json).collect();
    transaction_canceled_exception(text).with("CancellationReasons", Scalar::Document(reasons))
}

/// The partition of all tables of a transaction, which are in one account and region.
///
/// # Errors
/// A `ValidationException` if they are not.
pub fn same_place<'n>(names: impl Iterator<Item = &'n TableName>) -> Result<Partition, Error> {
    let mut places = names.map(|name| (&name.account, &name.region));
    let Some(first) = places.next() else {
        return Err(invalid("TransactItems can not be empty"));
    };
    if places.any(|place| place != first) {
        return Err(invalid("All tables of a transaction must be in the same account and Region"));
    }
    Ok(keys::partition(first.0, first.1))
}

/// A token by which a client repeats a transaction without running it twice.
#[derive(Debug, Clone)]
pub struct Token {
    /// The account of the caller.
    pub caller: String,
    /// The client's token.
    pub token: String,
    /// What it stands for.
    pub fingerprint: String,
}

impl Token {
    /// A token for a request, of which `content` is everything that matters.
    pub fn new(cx: &Ctx, token: Option<String>, content: &impl std::fmt::Debug) -> Option<Token> {
        let digest = Sha256::digest(format!("{content:?}"));
        let fingerprint = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        let caller = cx.principal.account().unwrap_or_default().to_owned();
        token.map(|token| Token { caller, token, fingerprint })
    }
}

/// Writes items of several tables, all or none.
///
/// # Errors
/// `TransactionCanceledException`, `IdempotentParameterMismatchException`, `ResourceNotFoundException`, and AWS's
/// complaints.
pub async fn transact_write_items(
    service: &DynamoDb,
    cx: &Ctx,
    input: TransactWriteItemsInput,
) -> Result<TransactWriteItemsOutput, Error> {
    let token = Token::new(cx, input.client_request_token, &input.transact_items);
    let acts = input.transact_items.into_iter().map(|item| read(cx, item)).collect::<Result<Vec<_>, _>>()?;
    let with_metrics = input.return_item_collection_metrics.as_deref() == Some("SIZE");
    let done = run(service, cx, acts, token, with_metrics).await?;
    let wanted = Wanted::named(input.return_consumed_capacity.as_deref());
    Ok(TransactWriteItemsOutput {
        consumed_capacity: done.meter.answer_transaction(wanted, !done.repeated),
        item_collection_metrics: (!done.metrics.is_empty()).then_some(done.metrics),
    })
}

fn read(cx: &Ctx, item: TransactWriteItem) -> Result<Act, Error> {
    let all_old = |value: Option<String>| value.as_deref() == Some("ALL_OLD");
    match (item.condition_check, item.put, item.delete, item.update) {
        (Some(check), None, None, None) => {
            let context =
                Context::new(check.expression_attribute_names, check.expression_attribute_values, Wording::Older);
            let context = context.map_err(invalid)?;
            let condition = read_condition(Some(&check.condition_expression), &context)?;
            context.check_used().map_err(invalid)?;
            let kind = ActKind::Check(read_item(check.key, Wording::Older).map_err(invalid)?);
            let with_item = all_old(check.return_values_on_condition_check_failure);
            Ok(Act { name: named(cx, &check.table_name)?, kind, condition, with_item })
        }
        (None, Some(put), None, None) => {
            let context = Context::new(put.expression_attribute_names, put.expression_attribute_values, Wording::Older);
            let context = context.map_err(invalid)?;
            let condition = read_condition(put.condition_expression.as_deref(), &context)?;
            context.check_used().map_err(invalid)?;
            let kind = ActKind::Put(put::read(put.item)?);
            let with_item = all_old(put.return_values_on_condition_check_failure);
            Ok(Act { name: named(cx, &put.table_name)?, kind, condition, with_item })
        }
        (None, None, Some(delete), None) => {
            let context =
                Context::new(delete.expression_attribute_names, delete.expression_attribute_values, Wording::Older);
            let context = context.map_err(invalid)?;
            let condition = read_condition(delete.condition_expression.as_deref(), &context)?;
            context.check_used().map_err(invalid)?;
            let kind = ActKind::Delete(read_item(delete.key, Wording::Older).map_err(invalid)?);
            let with_item = all_old(delete.return_values_on_condition_check_failure);
            Ok(Act { name: named(cx, &delete.table_name)?, kind, condition, with_item })
        }
        (None, None, None, Some(given)) => {
            let context =
                Context::new(given.expression_attribute_names, given.expression_attribute_values, Wording::Older);
            let context = context.map_err(invalid)?;
            let changes = update::parse(&given.update_expression, &context).map_err(invalid)?;
            let condition = read_condition(given.condition_expression.as_deref(), &context)?;
            context.check_used().map_err(invalid)?;
            let key = read_item(given.key, Wording::Older).map_err(invalid)?;
            let kind = ActKind::Update(key, Changes::Expression(changes));
            let with_item = all_old(given.return_values_on_condition_check_failure);
            Ok(Act { name: named(cx, &given.table_name)?, kind, condition, with_item })
        }
        _ => Err(invalid("TransactItems can only contain one of Check, Put, Update or Delete")),
    }
}

/// What a transaction has done.
#[derive(Debug, Default)]
pub struct Done {
    /// What it consumed.
    pub meter: Meter,
    /// Item collections, by table.
    pub metrics: BTreeMap<String, Vec<ItemCollectionMetrics>>,
    /// Whether an earlier call with the same token has done it.
    pub repeated: bool,
}

/// Runs actions as one transaction.
///
/// # Errors
/// As [`transact_write_items`].
pub async fn run(
    service: &DynamoDb,
    cx: &Ctx,
    acts: Vec<Act>,
    token: Option<Token>,
    with_metrics: bool,
) -> Result<Done, Error> {
    let partition = same_place(acts.iter().map(|act| &act.name))?;
    let bytes: usize = acts.iter().map(|act| item_size(act.kind.item())).sum();
    if bytes > TRANSACTION_BYTES_MAX {
        return Err(invalid("Transaction request cannot exceed the maximum allowed size of 4 MB"));
    }
    let mut known = Vec::new();
    for act in &acts {
        known.push(service.known_or_read(cx, &act.name).await?);
    }
    admit(service, &known)?;
    let names: Vec<TableName> = acts.iter().map(|act| act.name.clone()).collect();
    let transaction = Prepared { acts, known, token, with_metrics, now: service.now() };
    let done = service.transact(&partition, move |rows| transaction.run(rows)).await?;
    for (name, consumed) in done.meter.tables() {
        let known = names.iter().find(|known| known.given == *name).and_then(|name| service.known(name));
        service.charge_write(known.as_ref(), consumed);
    }
    Ok(done)
}

/// Lets a transaction begin if the throughput of all its tables allows it.
///
/// # Errors
/// `TransactionCanceledException`.
fn admit(service: &DynamoDb, known: &[Option<Revised>]) -> Result<(), Error> {
    let now = service.now();
    let admitted = |known: &Option<Revised>| match known {
        Some(known) => service.buckets.admit_write(&known.table, now),
        None => Ok(()),
    };
    let reasons: Vec<Reason> = known
        .iter()
        .map(|known| admitted(known).map_or_else(|error| Reason::throttled(&error), |()| Reason::none()))
        .collect();
    if reasons.iter().any(Reason::is_failure) { Err(canceled(&reasons)) } else { Ok(()) }
}

struct Prepared {
    acts: Vec<Act>,
    known: Vec<Option<Revised>>,
    token: Option<Token>,
    with_metrics: bool,
    now: i64,
}

/// An action on the item it found, and the item it leaves: `None` inside means that there is none.
struct Step {
    table: Arc<Table>,
    found: Found,
    new: Option<Option<Item>>,
}

impl Prepared {
    fn run(&self, rows: &mut dyn Transaction) -> Result<Done, Abort<Error>> {
        let mut tables = Vec::new();
        for (act, known) in self.acts.iter().zip(&self.known) {
            tables.push(writable(rows, &act.name, known.as_ref())?);
        }
        if self.is_repeated(rows)? {
            return self.repeat(rows, &tables);
        }
        let mut steps = Vec::new();
        let mut reasons = Vec::new();
        let mut seen = BTreeSet::new();
        for (act, table) in self.acts.iter().zip(tables) {
            match act.step(rows, table)? {
                Ok(step) => {
                    if !seen.insert((step.table.collection, step.found.key.clone())) {
                        let text = "Transaction request cannot include multiple operations on one item";
                        return Err(invalid(text).into());
                    }
                    steps.push(step);
                    reasons.push(Reason::none());
                }
                Err(reason) => reasons.push(reason),
            }
        }
        if reasons.iter().any(Reason::is_failure) {
            return Err(canceled(&reasons).into());
        }
        let mut done = Done::default();
        for (step, act) in steps.iter().zip(&self.acts) {
            let consumed = match &step.new {
                Some(new) => write::replace(rows, &step.table, &step.found, new.as_ref(), Origin::Call, self.now)?,
                None => Consumed::of_table(read_units(step.found.item.as_ref().map_or(0, item_size), true)),
            };
            done.meter.add(&act.name.given, &consumed.doubled());
            if let Some(metrics) = write::metrics(rows, &step.table, act.kind.item(), self.with_metrics)? {
                done.metrics.entry(act.name.given.clone()).or_default().push(metrics);
            }
        }
        self.note_token(rows)?;
        Ok(done)
    }

    /// Whether a call with this token has succeeded within its lifetime.
    fn is_repeated(&self, rows: &mut dyn Transaction) -> Result<bool, Abort<Error>> {
        let Some(token) = &self.token else { return Ok(false) };
        let noted: Option<(i64, String)> = rows::read(rows, &keys::token(&token.caller, &token.token))?;
        match noted.filter(|(until, _)| *until > self.now) {
            None => Ok(false),
            Some((_, fingerprint)) if fingerprint == token.fingerprint => Ok(true),
            Some(_) => {
                let text = "The client request token is already used by a request with different parameters";
                Err(idempotent_parameter_mismatch_exception(text).into())
            }
        }
    }

    fn note_token(&self, rows: &mut dyn Transaction) -> Result<(), Abort<Error>> {
        let Some(Token { caller, token, fingerprint }) = &self.token else { return Ok(()) };
        let until = self.now.saturating_add(TOKEN_LIFETIME_MS);
        rows.put(&keys::token_expiry(until, caller, token), &[]);
        rows::put(rows, &keys::token(caller, token), &(until, fingerprint))
    }

    /// The answer to a repeated call: it consumes what reading the items does.
    fn repeat(&self, rows: &mut dyn Transaction, tables: &[Arc<Table>]) -> Result<Done, Abort<Error>> {
        let mut done = Done { repeated: true, ..Done::default() };
        for (act, table) in self.acts.iter().zip(tables) {
            let Some(key) = table.key.encode(act.kind.item()) else { continue };
            let found = write::find(rows, table, key)?;
            let units = read_units(found.item.as_ref().map_or(0, item_size), true);
            done.meter.add(&act.name.given, &Consumed::of_table(units).doubled());
        }
        Ok(done)
    }
}

impl Act {
    /// Looks at the item and says what becomes of it, or why the transaction fails.
    fn step(&self, rows: &mut dyn Transaction, table: Arc<Table>) -> Result<Result<Step, Reason>, Abort<Error>> {
        put::check_condition_paths(&table, self.condition.as_ref())?;
        let key = match &self.kind {
            ActKind::Put(item) | ActKind::Insert(item) => check::item(&table, item),
            ActKind::Check(key) | ActKind::Delete(key) => check::key(&table, key),
            ActKind::Update(key, changes) => {
                check::key(&table, key).and_then(|bytes| changes.check(&table).map(|()| bytes))
            }
        };
        let key = match key {
            Ok(key) => key,
            Err(Fault::Value(error)) => return Err(error.into()),
            Err(Fault::Schema(error)) => return Ok(Err(Reason::validation(&error))),
        };
        let found = write::find(rows, &table, key)?;
        let empty = Item::new();
        let held = self.condition.as_ref().is_none_or(|each| each.holds(found.item.as_ref().unwrap_or(&empty)));
        if !held {
            return Ok(Err(Reason::condition(found.item.as_ref().filter(|_| self.with_item))));
        }
        let new = match &self.kind {
            ActKind::Check(_) => None,
            ActKind::Insert(_) if found.item.is_some() => return Ok(Err(Reason::duplicate())),
            ActKind::Put(item) | ActKind::Insert(item) => Some(Some(item.clone())),
            ActKind::Delete(_) => Some(None),
            ActKind::Update(key, changes) => match changes.apply(&table, found.item.as_ref(), key) {
                Ok(item) => Some(Some(item)),
                Err(fault) => return Ok(Err(Reason::validation(&fault.into()))),
            },
        };
        Ok(Ok(Step { table, found, new }))
    }
}
