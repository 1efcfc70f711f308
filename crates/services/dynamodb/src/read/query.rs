//! `Query`.

use api::dynamodb::{QueryInput, QueryOutput};
use platform::Ctx;
use store::{Direction, KeyRange};
use wire::Error;

use super::page::{self, Request};
use super::source::{Asked, Attributes, Source};
use crate::errors::{invalid, invalid_value};
use crate::expression::condition::{self, Use};
use crate::expression::key_condition::{self, KeyTests, Operator, Test};
use crate::expression::{Condition, Context, legacy, parameters};
use crate::item::capacity::Wanted;
use crate::item::{check, get, write};
use crate::keys;
use crate::service::{DynamoDb, named};
use crate::table::KeyAttribute;
use crate::value::{Answer, Item, Wording, read_value, write_item};

/// Reads items of one partition, in order of the sort key.
///
/// # Errors
/// `ResourceNotFoundException`, and AWS's complaints.
pub async fn query(service: &DynamoDb, cx: &Ctx, input: QueryInput) -> Result<QueryOutput, Error> {
    let name = named(cx, &input.table_name)?;
    let parsed = Parsed::new(&input)?;
    let snapshot = service.snapshot(&name.partition()).await?;
    let table = service.readable(cx, &snapshot, &name).await?;
    let consistent = input.consistent_read.unwrap_or(false);
    let source = Source::new(table, input.index_name.as_deref(), consistent)?;
    let forward = input.scan_index_forward.unwrap_or(true);
    let request = parsed.plan(source, forward, input.limit, consistent)?;
    let answers_items = request.attributes != Attributes::Count;
    let page = page::read(service, &snapshot, request).await?;
    let wanted = Wanted::named(input.return_consumed_capacity.as_deref());
    Ok(QueryOutput {
        items: answers_items.then(|| page.items.into_iter().map(write_item).collect()),
        count: Some(page.count as i32),
        scanned_count: Some(page.scanned as i32),
        last_evaluated_key: page.last.map(write_item),
        consumed_capacity: page.consumed.answer(&name.given, wanted),
    })
}

/// A query as far as it is checked without its table.
#[derive(Debug)]
pub struct Parsed {
    /// What is asked of key attributes.
    pub tests: KeyTests,
    /// What is asked of the others.
    pub filter: Option<Condition>,
    /// Which parameter that was.
    pub filter_name: &'static str,
    /// What is answered.
    pub attributes: Attributes,
    /// Where an earlier page ended.
    pub start: Option<Item>,
}

impl Parsed {
    fn new(input: &QueryInput) -> Result<Parsed, Error> {
        check_parameters(input)?;
        let input = input.clone();
        let operator = input.conditional_operator.as_deref();
        let old_filter = legacy::read_filter(input.query_filter, operator, Wording::Current).map_err(invalid)?;
        let attributes = get::read_attributes(input.attributes_to_get)?;
        let start = input.exclusive_start_key.map(|start| read_start(start, Wording::Current)).transpose()?;
        if input.key_conditions.is_none() && input.key_condition_expression.is_none() {
            return Err(invalid(
                "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.",
            ));
        }
        let context =
            Context::new(input.expression_attribute_names, input.expression_attribute_values, Wording::Current);
        let context = context.map_err(invalid)?;
        let parse = |used_as, text: &str| condition::parse(used_as, text, &context).map_err(invalid);
        let key = input.key_condition_expression.as_deref().map(|text| parse(Use::Key, text)).transpose()?;
        let filter = input.filter_expression.as_deref().map(|text| parse(Use::Filter, text)).transpose()?;
        let filter_name = if filter.is_some() { "Filter Expression" } else { "QueryFilter" };
        let paths = get::read_projection(input.projection_expression.as_deref(), &context)?.or(attributes);
        context.check_used().map_err(invalid)?;
        let tests = match key {
            Some(key) => {
                let tests = key_condition::from_expression(&key).map_err(invalid)?;
                check_tests(&tests)?;
                tests
            }
            None => {
                legacy::read_conditions(input.key_conditions.unwrap_or_default(), Wording::Current).map_err(invalid)?
            }
        };
        let asked = Asked::by_query(input.projection_expression.is_some(), input.index_name.is_some());
        let attributes = Attributes::new(input.select.as_deref(), paths, &asked)?;
        Ok(Parsed { tests, filter: filter.or(old_filter), filter_name, attributes, start })
    }

    /// Checks the query against what is to be read.
    pub fn plan(self, source: Source, forward: bool, limit: Option<i32>, consistent: bool) -> Result<Request, Error> {
        if self.start.as_ref().is_some_and(|start| start.len() != source.position_len()) {
            return Err(invalid(INVALID_START));
        }
        let (hash, range_tests) = self.split(&source)?;
        let range = source.key().range(source.collection(), &hash, &range_tests);
        let range = range.ok_or_else(|| invalid("Query key condition not supported"))?;
        self.check_filter(&source)?;
        check::paths(&source.table, self.attributes.paths().unwrap_or_default())?;
        check::paths(&source.table, self.filter.as_ref().map(Condition::paths).unwrap_or_default())?;
        let whole = self.attributes == Attributes::All;
        let needs_items = source.needs_items(whole, self.attributes.paths(), self.filter.as_ref())?;
        let direction = if forward { Direction::Forward } else { Direction::Backward };
        let has_range = !range_tests.is_empty();
        let range = match &self.start {
            Some(start) => {
                let key = start_row(&source, start)?;
                continue_from(range, &key, direction, has_range, &source, &hash)?
            }
            None => range,
        };
        let limit = limit.map(|limit| limit.max(1) as usize);
        let (filter, attributes) = (self.filter, self.attributes);
        Ok(Request { source, range, direction, limit, filter, attributes, needs_items, consistent })
    }

    /// The values of the partition key, and the tests of the sort key in its order.
    fn split(&self, source: &Source) -> Result<(Item, Vec<&Test>), Error> {
        let key = source.key();
        let missed = |name: &str| invalid(format!("Query condition missed key schema element: {name}"));
        let (conditions, defined) = (self.tests.len(), key.attributes().count());
        if conditions > defined {
            return Err(invalid(format!(
                "The number of query conditions ({conditions}) exceeds the number of key attributes defined in the \
                 schema ({defined})"
            )));
        }
        let mut hash = Item::new();
        for attribute in &key.hash {
            let test = self.tests.get(&attribute.name).ok_or_else(|| missed(&attribute.name))?;
            check_test(test, attribute.kind)?;
            if test.operator != Operator::Eq {
                return Err(invalid("Query key condition not supported"));
            }
            hash.insert(attribute.name.clone(), test.values[0].clone());
        }
        self.check_order(&key.range)?;
        let mut tests = Vec::new();
        for attribute in &key.range {
            let Some(test) = self.tests.get(&attribute.name) else { break };
            check_test(test, attribute.kind)?;
            tests.push(test);
        }
        if hash.len() + tests.len() < conditions {
            return Err(key
                .range
                .get(tests.len())
                .map_or_else(|| invalid("Query key condition not supported"), |attribute| missed(&attribute.name)));
        }
        Ok((hash, tests))
    }

    /// In front of the last sort key attribute that is tested, all others have to be equal to something.
    fn check_order(&self, range: &[KeyAttribute]) -> Result<(), Error> {
        let Some(last) = range.iter().rposition(|attribute| self.tests.contains_key(&attribute.name)) else {
            return Ok(());
        };
        let is_equal = |name: &str| self.tests.get(name).is_some_and(|test| test.operator == Operator::Eq);
        let others: Vec<&str> = range[..last].iter().map(|attribute| attribute.name.as_str()).collect();
        let open: Vec<&str> = others.into_iter().filter(|name| !is_equal(name)).collect();
        if open.is_empty() {
            return Ok(());
        }
        Err(invalid(format!(
            "RANGE key attributes {} must have equality conditions specified in the query because a condition is \
             present on key attribute {}",
            open.join(", "),
            range[last].name
        )))
    }

    /// A filter has no business with key attributes: the key conditions have.
    fn check_filter(&self, source: &Source) -> Result<(), Error> {
        for path in self.filter.as_ref().map(Condition::paths).unwrap_or_default() {
            let head = path.head();
            if source.key().has(head) {
                let name = self.filter_name;
                return Err(invalid(format!(
                    "{name} can only contain non-primary key attributes: Primary key attribute: {head}"
                )));
            }
        }
        Ok(())
    }
}

fn check_parameters(input: &QueryInput) -> Result<(), Error> {
    let new_key = input.key_condition_expression.is_some();
    parameters::check(
        &[
            ("ProjectionExpression", input.projection_expression.is_some()),
            ("FilterExpression", input.filter_expression.is_some()),
            ("KeyConditionExpression", new_key),
        ],
        &[
            ("AttributesToGet", input.attributes_to_get.is_some()),
            ("QueryFilter", input.query_filter.is_some()),
            ("ConditionalOperator", input.conditional_operator.is_some()),
            // The older key conditions go with the other expressions.
            ("KeyConditions", input.key_conditions.is_some() && new_key),
        ],
        input.expression_attribute_names.is_some(),
        input.expression_attribute_values.is_some(),
        Wording::Older,
    )
    .map_err(invalid)
}

/// Checks tests from an expression as those of the older parameter are.
fn check_tests(tests: &KeyTests) -> Result<(), Error> {
    for test in tests.values() {
        for value in &test.values {
            if test.operator == Operator::BeginsWith && value.kind() == crate::value::Kind::N {
                let text = "Incorrect operand type for operator or function; operator or function: begins_with, \
                            operand type: N";
                return Err(invalid(format!("Invalid KeyConditionExpression: {text}")));
            }
        }
    }
    if tests.is_empty() || tests.len() > 2 * crate::limits::KEY_PARTS_MAX {
        return Err(invalid("Conditions can be of length 1 or 2 only"));
    }
    Ok(())
}

fn check_test(test: &Test, kind: crate::value::Kind) -> Result<(), Error> {
    let indexable = matches!(
        test.operator,
        Operator::Eq
            | Operator::Lt
            | Operator::Le
            | Operator::Gt
            | Operator::Ge
            | Operator::Between
            | Operator::BeginsWith
    );
    if !indexable {
        return Err(invalid("Attempted conditional constraint is not an indexable operation"));
    }
    if test.values.is_empty() || test.values.iter().any(|value| value.kind() != kind) {
        return Err(invalid_value("Condition parameter type does not match schema type"));
    }
    let empty = test.values.iter().any(|value| match value {
        crate::value::Value::S(text) => text.is_empty(),
        crate::value::Value::B(bytes) => bytes.is_empty(),
        _ => false,
    });
    if empty {
        let what = if kind == crate::value::Kind::S { "string" } else { "binary" };
        return Err(invalid(format!(
            "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an \
             empty {what} value."
        )));
    }
    Ok(())
}

const INVALID_START: &str = "The provided starting key is invalid";

/// Reads an `ExclusiveStartKey`.
///
/// # Errors
/// AWS's complaints; of some it says that they are about the starting key.
pub fn read_start(start: Answer, wording: Wording) -> Result<Item, Error> {
    let read = |(name, value)| {
        let value = read_value(value, wording).map_err(|text| {
            let bare = ["contains duplicates", "number set", "numeric value", "significant digits", "number with"];
            let prefix = !bare.iter().any(|part| text.contains(part));
            invalid(if prefix { format!("{INVALID_START}: {text}") } else { text })
        })?;
        Ok::<_, Error>((name, value))
    };
    start.into_iter().map(read).collect()
}

/// The row that a starting key names, which need not exist.
///
/// # Errors
/// AWS's complaints of keys that name none.
pub fn start_row(source: &Source, start: &Item) -> Result<Vec<u8>, Error> {
    if start.len() != source.position_len() {
        return Err(invalid(INVALID_START));
    }
    let own = source.table.key.of_item(start);
    let item_key = check::key(&source.table, &own).map_err(|fault| {
        let error: Error = fault.into();
        invalid(format!("{INVALID_START}: {}", error.message.as_deref().unwrap_or_default()))
    })?;
    let key = match &source.index {
        None => Some(item_key),
        Some((index, _)) => write::entry_key(index, start, &item_key),
    };
    let key = key.ok_or_else(|| invalid(INVALID_START))?;
    Ok(keys::item(source.collection(), &key))
}

/// The part of a range behind a starting key, which has to lie in it.
fn continue_from(
    range: KeyRange,
    key: &[u8],
    direction: Direction,
    has_range_test: bool,
    source: &Source,
    hash: &Item,
) -> Result<KeyRange, Error> {
    if !range.contains(key) {
        let whole = source.key().range(source.collection(), hash, &[]);
        let in_partition = whole.is_some_and(|whole| whole.contains(key));
        return Err(invalid(match (has_range_test, in_partition) {
            (true, true) => "The provided starting key does not match the range key predicate",
            (true, false) => "The query can return at most one row and cannot be restarted",
            (false, _) => "The provided starting key is outside query boundaries based on provided conditions",
        }));
    }
    Ok(match direction {
        Direction::Forward => range.after(key),
        Direction::Backward => range.before(key),
    })
}
