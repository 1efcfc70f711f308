//! `Scan`.

use api::dynamodb::{ScanInput, ScanOutput};
use platform::Ctx;
use store::{Direction, KeyRange};
use wire::Error;

use super::page::{self, Request};
use super::query::{read_start, start_row};
use super::source::{Asked, Attributes, Source};
use crate::errors::invalid;
use crate::expression::condition::{self, Use};
use crate::expression::{Condition, Context, legacy, parameters};
use crate::item::capacity::Wanted;
use crate::item::{check, get};
use crate::keys;
use crate::limits::SEGMENTS_MAX;
use crate::service::{DynamoDb, named};
use crate::value::{Item, Wording, write_item};

/// Reads all items, or those of one segment.
///
/// # Errors
/// `ResourceNotFoundException`, and AWS's complaints.
pub async fn scan(service: &DynamoDb, cx: &Ctx, input: ScanInput) -> Result<ScanOutput, Error> {
    let name = named(cx, &input.table_name)?;
    let parsed = Parsed::new(&input)?;
    let snapshot = service.snapshot(&name.partition()).await?;
    let table = service.readable(cx, &snapshot, &name).await?;
    let consistent = input.consistent_read.unwrap_or(false);
    let source = Source::new(table, input.index_name.as_deref(), consistent)?;
    let request = parsed.plan(source, input.limit, consistent)?;
    let answers_items = request.attributes != Attributes::Count;
    let page = page::read(service, &snapshot, request).await?;
    let wanted = Wanted::named(input.return_consumed_capacity.as_deref());
    Ok(ScanOutput {
        items: answers_items.then(|| page.items.into_iter().map(write_item).collect()),
        count: Some(page.count as i32),
        scanned_count: Some(page.scanned as i32),
        last_evaluated_key: page.last.map(write_item),
        consumed_capacity: page.consumed.answer(&name.given, wanted),
    })
}

/// A scan as far as it is checked without its table.
#[derive(Debug)]
pub struct Parsed {
    /// Which items are answered.
    pub filter: Option<Condition>,
    /// What is answered of them.
    pub attributes: Attributes,
    /// Where an earlier page ended.
    pub start: Option<Item>,
    /// The segment and how many there are.
    pub segment: Option<(u32, u32)>,
}

impl Parsed {
    fn new(input: &ScanInput) -> Result<Parsed, Error> {
        check_parameters(input)?;
        let input = input.clone();
        let attributes = get::read_attributes(input.attributes_to_get)?;
        let operator = input.conditional_operator.as_deref();
        let old_filter = legacy::read_filter(input.scan_filter, operator, Wording::Older).map_err(invalid)?;
        let start = input.exclusive_start_key.map(|start| read_start(start, Wording::Older)).transpose()?;
        let segment = read_segment(input.segment, input.total_segments)?;
        let context = Context::new(input.expression_attribute_names, input.expression_attribute_values, Wording::Older);
        let context = context.map_err(invalid)?;
        let parse = |text: &str| condition::parse(Use::Filter, text, &context).map_err(invalid);
        let filter = input.filter_expression.as_deref().map(parse).transpose()?;
        let paths = get::read_projection(input.projection_expression.as_deref(), &context)?.or(attributes);
        context.check_used().map_err(invalid)?;
        let asked = Asked::by_scan(input.projection_expression.is_some(), input.index_name.is_some());
        let attributes = Attributes::new(input.select.as_deref(), paths, &asked)?;
        Ok(Parsed { filter: filter.or(old_filter), attributes, start, segment })
    }

    /// Checks the scan against what is to be read.
    pub fn plan(self, source: Source, limit: Option<i32>, consistent: bool) -> Result<Request, Error> {
        check::paths(&source.table, self.attributes.paths().unwrap_or_default())?;
        check::paths(&source.table, self.filter.as_ref().map(Condition::paths).unwrap_or_default())?;
        let whole = self.attributes == Attributes::All;
        let needs_items = source.needs_items(whole, self.attributes.paths(), self.filter.as_ref())?;
        let collection = source.collection();
        let range = match self.segment {
            Some((segment, total)) => keys::segment(collection, segment, total),
            None => keys::items(collection),
        };
        let range = match &self.start {
            Some(start) => continue_from(range, &start_row(&source, start)?, self.segment)?,
            None => range,
        };
        let limit = limit.map(|limit| limit.max(1) as usize);
        let direction = Direction::Forward;
        let (filter, attributes) = (self.filter, self.attributes);
        Ok(Request { source, range, direction, limit, filter, attributes, needs_items, consistent })
    }
}

fn continue_from(range: KeyRange, key: &[u8], segment: Option<(u32, u32)>) -> Result<KeyRange, Error> {
    if let Some((segment, total)) = segment.filter(|_| !range.contains(key)) {
        return Err(invalid(format!(
            "The provided starting key is invalid: Invalid ExclusiveStartKey. Please use ExclusiveStartKey with \
             correct Segment. TotalSegments: {total} Segment: {segment}"
        )));
    }
    Ok(range.after(key))
}

fn check_parameters(input: &ScanInput) -> Result<(), Error> {
    parameters::check(
        &[
            ("ProjectionExpression", input.projection_expression.is_some()),
            ("FilterExpression", input.filter_expression.is_some()),
        ],
        &[
            ("AttributesToGet", input.attributes_to_get.is_some()),
            ("ScanFilter", input.scan_filter.is_some()),
            ("ConditionalOperator", input.conditional_operator.is_some()),
        ],
        input.expression_attribute_names.is_some(),
        input.expression_attribute_values.is_some(),
        Wording::Older,
    )
    .map_err(invalid)
}

fn read_segment(segment: Option<i32>, total: Option<i32>) -> Result<Option<(u32, u32)>, Error> {
    match (segment, total) {
        (None, None) => Ok(None),
        (Some(_), None) => Err(invalid(
            "The TotalSegments parameter is required but was not present in the request when Segment parameter is \
             present",
        )),
        (None, Some(_)) => Err(invalid(
            "The Segment parameter is required but was not present in the request when parameter TotalSegments is \
             present",
        )),
        (Some(segment), Some(total)) if segment >= total => Err(invalid(format!(
            "The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: {segment} is \
             not less than TotalSegments: {total}"
        ))),
        (Some(segment), Some(total)) => {
            let total = total.clamp(1, SEGMENTS_MAX);
            Ok(Some((segment.clamp(0, total - 1) as u32, total as u32)))
        }
    }
}
