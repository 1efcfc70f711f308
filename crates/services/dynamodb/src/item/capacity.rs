//! Capacity units (Developer Guide, "Capacity unit consumption"): what calls consume, and how that is answered.

use std::collections::BTreeMap;

use api::dynamodb::{Capacity, ConsumedCapacity};

use crate::limits::{READ_UNIT_BYTES, WRITE_UNIT_BYTES};

/// Units of writing an item of that size.
pub fn write_units(bytes: usize) -> f64 {
    bytes.div_ceil(WRITE_UNIT_BYTES).max(1) as f64
}

/// Units of reading so many bytes at once, eventually consistent ones for half the price.
pub fn read_units(bytes: usize, consistent: bool) -> f64 {
    let units = bytes.div_ceil(READ_UNIT_BYTES).max(1) as f64;
    if consistent { units } else { units / 2.0 }
}

/// What is answered of consumed capacity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Wanted {
    /// Nothing.
    #[default]
    Nothing,
    /// The total of each table.
    Total,
    /// The shares of the table and its indexes too.
    Indexes,
}

impl Wanted {
    /// By the value of `ReturnConsumedCapacity`.
    pub fn named(name: Option<&str>) -> Wanted {
        match name {
            Some("TOTAL") => Wanted::Total,
            Some("INDEXES") => Wanted::Indexes,
            _ => Wanted::Nothing,
        }
    }
}

/// What is consumed of one table.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Consumed {
    table: f64,
    has_table: bool,
    locals: BTreeMap<String, f64>,
    globals: BTreeMap<String, f64>,
}

impl Consumed {
    /// So much of the table itself.
    pub fn of_table(units: f64) -> Consumed {
        Consumed { table: units, has_table: true, ..Consumed::default() }
    }

    /// Adds consumption of the table itself.
    pub fn add_table(&mut self, units: f64) {
        self.table += units;
        self.has_table = true;
    }

    /// Adds consumption of an index.
    pub fn add_index(&mut self, name: &str, local: bool, units: f64) {
        let indexes = if local { &mut self.locals } else { &mut self.globals };
        *indexes.entry(name.to_owned()).or_default() += units;
    }

    /// Adds what another call consumed of the same table.
    pub fn add(&mut self, other: &Consumed) {
        self.table += other.table;
        self.has_table |= other.has_table;
        for (name, units) in &other.locals {
            self.add_index(name, true, *units);
        }
        for (name, units) in &other.globals {
            self.add_index(name, false, *units);
        }
    }

    /// Twice as much, as transactions consume.
    pub fn doubled(mut self) -> Consumed {
        self.table *= 2.0;
        self.locals.values_mut().chain(self.globals.values_mut()).for_each(|units| *units *= 2.0);
        self
    }

    /// Units of the table, of which local indexes take their part.
    pub fn of_table_and_locals(&self) -> f64 {
        self.table + self.locals.values().sum::<f64>()
    }

    /// Units of each global index.
    pub fn of_globals(&self) -> &BTreeMap<String, f64> {
        &self.globals
    }

    fn total(&self) -> f64 {
        self.table + self.locals.values().sum::<f64>() + self.globals.values().sum::<f64>()
    }

    /// The answer.
    pub fn answer(&self, table: &str, wanted: Wanted) -> Option<ConsumedCapacity> {
        let capacity = |units: f64| Capacity { capacity_units: Some(units), ..Default::default() };
        let shares = |indexes: &BTreeMap<String, f64>| {
            let shares: BTreeMap<_, _> = indexes.iter().map(|(name, units)| (name.clone(), capacity(*units))).collect();
            (wanted == Wanted::Indexes && !shares.is_empty()).then_some(shares)
        };
        (wanted != Wanted::Nothing).then(|| ConsumedCapacity {
            table_name: Some(table.to_owned()),
            capacity_units: Some(self.total()),
            table: (wanted == Wanted::Indexes).then(|| capacity(self.table)),
            local_secondary_indexes: shares(&self.locals),
            global_secondary_indexes: shares(&self.globals),
            ..Default::default()
        })
    }

    /// The answer of a transaction, which also says that it wrote, or read.
    pub fn answer_transaction(&self, table: &str, wanted: Wanted, written: bool) -> Option<ConsumedCapacity> {
        let mut answer = self.answer(table, wanted)?;
        let mark = |capacity: &mut Capacity| {
            let units = capacity.capacity_units;
            if written { capacity.write_capacity_units = units } else { capacity.read_capacity_units = units }
        };
        if written {
            answer.write_capacity_units = answer.capacity_units;
        } else {
            answer.read_capacity_units = answer.capacity_units;
        }
        answer.table.iter_mut().for_each(mark);
        answer.local_secondary_indexes.iter_mut().flat_map(BTreeMap::values_mut).for_each(mark);
        answer.global_secondary_indexes.iter_mut().flat_map(BTreeMap::values_mut).for_each(mark);
        Some(answer)
    }
}

/// Consumption of several tables, by the names the request gave them.
#[derive(Debug, Clone, Default)]
pub struct Meter(BTreeMap<String, Consumed>);

impl Meter {
    /// Adds what was consumed of a table.
    pub fn add(&mut self, table: &str, consumed: &Consumed) {
        self.0.entry(table.to_owned()).or_default().add(consumed);
    }

    /// What was consumed of each table, by its name in the request.
    pub fn tables(&self) -> impl Iterator<Item = (&String, &Consumed)> {
        self.0.iter()
    }

    /// The answer, table by table.
    pub fn answer(&self, wanted: Wanted) -> Option<Vec<ConsumedCapacity>> {
        let answers = self.0.iter().filter_map(|(table, consumed)| consumed.answer(table, wanted));
        (wanted != Wanted::Nothing).then(|| answers.collect())
    }

    /// The answer of a transaction.
    pub fn answer_transaction(&self, wanted: Wanted, written: bool) -> Option<Vec<ConsumedCapacity>> {
        let answers = self.0.iter().filter_map(|(table, used)| used.answer_transaction(table, wanted, written));
        (wanted != Wanted::Nothing).then(|| answers.collect())
    }
}
