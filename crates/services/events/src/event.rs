//! An event on its way.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use store::Abort;
use store::Transaction;
use wire::{Error, Timestamp};

use crate::keys;
use crate::names::BusId;
use crate::rows;

/// An event on its way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// The bus it is on.
    pub bus: BusId,
    /// Its place among all events; 0 until it is stored.
    pub number: u64,
    /// The event as targets see it.
    pub document: Map<String, Value>,
    /// Whose rules it is for.
    pub audience: Audience,
    /// How many buses it was on before.
    pub hops: u32,
    /// When the platform took it, in milliseconds since 1970.
    pub ingested: i64,
    /// Its time, in milliseconds since 1970.
    pub time: i64,
    /// The trace header that came along.
    pub trace_header: Option<String>,
}

/// Whose rules an event is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Audience {
    /// All rules of the bus whose patterns match, and its archives.
    Bus,
    /// The rule of this name, whose schedule made the event.
    Schedule(String),
    /// A replay's: of the rules that match those with these ARNs, all if there are none. No archive keeps it again.
    Replay(Vec<String>),
}

impl Event {
    /// The event that a schedule makes.
    pub fn scheduled(bus: &BusId, rule: &str, id: String, due: i64, now: i64) -> Event {
        let document = json!({
            "version": "0",
            "id": id,
            "detail-type": "Scheduled Event",
            "source": "aws.events",
            "account": bus.account,
            "time": seconds_text(due),
            "region": bus.region,
            "resources": [bus.rule_arn(rule)],
            "detail": {},
        });
        let Value::Object(document) = document else { unreachable!("an object was written") };
        Event {
            bus: bus.clone(),
            number: 0,
            document,
            audience: Audience::Schedule(rule.to_owned()),
            hops: 0,
            ingested: now,
            time: due,
            trace_header: None,
        }
    }

    /// The event as text.
    pub fn text(&self) -> String {
        Value::Object(self.document.clone()).to_string()
    }
}

/// A time as events have it, to the second.
pub fn seconds_text(milliseconds: i64) -> String {
    let mut text = String::new();
    Timestamp { seconds: milliseconds.div_euclid(1_000), nanoseconds: 0 }
        .write(wire::schema::TimestampFormat::Iso8601, &mut text);
    text
}

/// Stores events, to be handed out.
///
/// # Errors
/// A failure of the store.
pub fn put(rows: &mut dyn Transaction, events: &[Event]) -> Result<(), Abort<Error>> {
    let mut next: u64 = rows::read(rows, &keys::next())?.unwrap_or_default();
    for event in events {
        rows::put(rows, &keys::event(next), &Event { number: next, ..event.clone() })?;
        next += 1;
    }
    rows::put(rows, &keys::next(), &next)
}
