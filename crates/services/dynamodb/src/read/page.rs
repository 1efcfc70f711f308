//! A page of rows: read in order, filtered, counted and cut where AWS cuts it.

use platform::OrFailure;
use store::{Direction, KeyRange, Snapshot};
use wire::Error;

use super::source::{Attributes, Source};
use crate::encryption::Protected;
use crate::expression::{Condition, Selection};
use crate::item::capacity::{Consumed, read_units};
use crate::item::get;
use crate::limits::{PAGE_BYTES, PAGE_ROWS_FIRST, PAGE_ROWS_MAX};
use crate::service::DynamoDb;
use crate::throttle::Kind;
use crate::value::{Item, item_size};

/// What is to be read.
#[derive(Debug)]
pub struct Request {
    /// From where.
    pub source: Source,
    /// Which rows.
    pub range: KeyRange,
    /// In which order.
    pub direction: Direction,
    /// Most rows to look at.
    pub limit: Option<usize>,
    /// Which of them are answered.
    pub filter: Option<Condition>,
    /// What is answered of them.
    pub attributes: Attributes,
    /// Whether the items have to be read besides the index.
    pub needs_items: bool,
    /// Whether the read is paid for as a consistent one. All reads are consistent.
    pub consistent: bool,
}

/// What was read.
#[derive(Debug, Default)]
pub struct Page {
    /// The items that passed the filter; none if only their number is wanted.
    pub items: Vec<Item>,
    /// How many passed.
    pub count: usize,
    /// How many were looked at.
    pub scanned: usize,
    /// Where the page ended, if there may be more.
    pub last: Option<Item>,
    /// What it consumed.
    pub consumed: Consumed,
}

/// Reads a page.
///
/// # Errors
/// When the store cannot be read, and when the throughput does not allow it.
pub async fn read(service: &DynamoDb, snapshot: &Snapshot, request: Request) -> Result<Page, Error> {
    let mut reading = Reading { page: Page::default(), row_bytes: 0, item_bytes: Vec::new() };
    let Request { source, range, direction, limit, filter, attributes, needs_items, consistent } = &request;
    let selection = attributes.paths().map(Selection::new);
    let mut rest = range.clone();
    let index = source.index.as_ref().map(|(index, _)| index.name.as_str());
    service.buckets.admit_read(&source.table, index, service.now())?;
    'reading: loop {
        let wanted = reading.rows_to_read(*limit);
        let found = snapshot.scan(rest.clone(), *direction, wanted).await.or_failure()?;
        let exhausted = found.len() < wanted;
        let Some((last_key, _)) = found.last() else { break };
        rest = match direction {
            Direction::Forward => rest.after(last_key),
            Direction::Backward => rest.before(last_key),
        };
        for (key, row) in found {
            let held = source.table.open_item(&key, &row)?;
            let position = || source.position_of(&held);
            reading.page.scanned += 1;
            reading.row_bytes += item_size(&held);
            let full = reading.is_full(*limit);
            let last = full.then(position);
            let item = if *needs_items { reading.fetch(snapshot, source, held).await? } else { Some(held) };
            let passed = item.filter(|item| filter.as_ref().is_none_or(|filter| filter.holds(item)));
            if let Some(item) = passed {
                reading.page.count += 1;
                if *attributes != Attributes::Count {
                    let item = match &selection {
                        Some(selection) => selection.of_item(item),
                        None => item,
                    };
                    reading.page.items.push(item);
                }
            }
            if full {
                reading.page.last = last;
                break 'reading;
            }
        }
        if exhausted {
            break;
        }
    }
    reading.finish(source, *consistent);
    service.buckets.charge(&source.table, &reading.page.consumed, Kind::Read, service.now());
    Ok(reading.page)
}

struct Reading {
    page: Page,
    row_bytes: usize,
    item_bytes: Vec<usize>,
}

impl Reading {
    /// How many rows are likely to fill the page.
    fn rows_to_read(&self, limit: Option<usize>) -> usize {
        let likely = match self.page.scanned {
            0 => PAGE_ROWS_FIRST,
            scanned => (PAGE_BYTES.saturating_sub(self.row_bytes) * scanned).div_ceil(self.row_bytes.max(1)) + 1,
        };
        let left = limit.map_or(usize::MAX, |limit| limit.saturating_sub(self.page.scanned));
        likely.min(left).clamp(1, PAGE_ROWS_MAX)
    }

    fn is_full(&self, limit: Option<usize>) -> bool {
        limit.is_some_and(|limit| self.page.scanned >= limit) || self.row_bytes >= PAGE_BYTES
    }

    /// The item of an entry of a local index.
    async fn fetch(&mut self, snapshot: &Snapshot, source: &Source, held: Item) -> Result<Option<Item>, Error> {
        let Some(key) = source.table.key.encode(&held) else { return Ok(Some(held)) };
        let item = get::read(snapshot, &source.table, &key).await?;
        self.item_bytes.push(item.as_ref().map_or(0, item_size));
        Ok(item)
    }

    fn finish(&mut self, source: &Source, consistent: bool) {
        let units = read_units(self.row_bytes, consistent);
        match &source.index {
            None => self.page.consumed.add_table(units),
            Some((index, local)) => {
                // Of the table itself, each item that was fetched is paid for by itself.
                let fetched = self.item_bytes.iter().map(|bytes| read_units(*bytes, consistent)).sum();
                self.page.consumed.add_table(fetched);
                self.page.consumed.add_index(&index.name, *local, units);
            }
        }
    }
}
