//! What is stored of a table.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::key::{KeyAttribute, KeySchema};
use crate::destination::Destination;
use crate::encryption::{Encryption, Unlocked};
use crate::value::{Item, Kind};

/// A table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Table {
    /// Its name, unique in its account and region.
    pub name: String,
    /// The account it belongs to.
    pub account: String,
    /// The region it is in.
    pub region: String,
    /// Its UUID, by which clients tell it from one of the same name before it.
    pub id: String,
    /// The number on which its rows hang.
    pub collection: u32,
    /// When it was made, in milliseconds since 1970.
    pub created_at: i64,
    /// The attributes that are in keys, with their types, in the client's order.
    pub attributes: Vec<KeyAttribute>,
    /// Its primary key.
    pub key: KeySchema,
    /// Its local secondary indexes.
    pub locals: Vec<Index>,
    /// Its global secondary indexes.
    pub globals: Vec<Index>,
    /// How it is paid for, and what it may do.
    pub billing: Billing,
    /// Its class, if ever set.
    pub class: Option<Class>,
    /// Whether it cannot be deleted.
    pub deletion_protection: bool,
    /// Its latest stream.
    pub stream: Option<StreamSettings>,
    /// Whether and by which attribute its items expire.
    pub time_to_live: Option<TimeToLive>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// How it is encrypted, if it ever asked for a key of KMS.
    pub encryption: Option<Encryption>,
    /// Point-in-time recovery, if it is on.
    pub recovery: Option<Recovery>,
    /// How many copies of the table are being made: meanwhile former states of items are kept.
    pub copies: u32,
    /// Its resource policy.
    pub policy: Option<Policy>,
    /// The resource policy of its stream.
    pub stream_policy: Option<Policy>,
    /// What it was restored from, if it was.
    pub restored: Option<Restored>,
    /// Whether an import is still putting its items there.
    #[serde(default)]
    pub importing: bool,
    /// The streams of Kinesis that are told of its changes, or were: the latest first.
    #[serde(default)]
    pub destinations: Vec<Destination>,
    /// The cipher of its rows, in memory alone.
    #[serde(skip)]
    pub unlocked: Unlocked,
}

/// A secondary index.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Index {
    /// Its name, unique in its table.
    pub name: String,
    /// The number on which its entries hang.
    pub collection: u32,
    /// Its key.
    pub key: KeySchema,
    /// What it holds of each item.
    pub projection: Projection,
    /// What it may do; local indexes share in their table's.
    pub throughput: Throughput,
    /// Whether it still has to be filled.
    pub backfilling: bool,
}

/// What an index holds of each item, besides the keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Projection {
    /// Everything.
    All,
    /// Nothing.
    KeysOnly,
    /// These attributes.
    Include(Vec<String>),
}

/// How a table is paid for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Billing {
    /// Whether it is paid for by request.
    pub on_demand: bool,
    /// When it was last made so, in milliseconds since 1970.
    pub on_demand_since: Option<i64>,
    /// Whether `BillingModeSummary` is answered: once a mode was named.
    pub named: bool,
    /// Provisioned throughput; zero on demand.
    pub throughput: Throughput,
}

/// Throughput of a table or index.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Throughput {
    /// Units of reading per second.
    pub read: i64,
    /// Units of writing per second.
    pub write: i64,
    /// When one of them was last raised, in milliseconds since 1970.
    pub increased_at: Option<i64>,
    /// When one of them was last lowered, in milliseconds since 1970.
    pub decreased_at: Option<i64>,
    /// How often they were lowered on the day of the last time.
    pub decreases: i64,
    /// Most read request units on demand, if limited.
    pub on_demand_read_max: Option<i64>,
    /// Most write request units on demand, if limited.
    pub on_demand_write_max: Option<i64>,
    /// Read units it is kept warm for, if set.
    pub warm_read: Option<i64>,
    /// Write units it is kept warm for, if set.
    pub warm_write: Option<i64>,
}

/// A table class.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Class {
    /// AWS's name of it.
    pub name: String,
    /// When it was changed, in milliseconds since 1970; not since the table was made if never.
    pub updated_at: Option<i64>,
}

/// The latest stream of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamSettings {
    /// The number on which its rows hang.
    pub number: u32,
    /// The time at the end of its ARN.
    pub label: String,
    /// What its records show of items.
    pub view: View,
    /// Whether it still takes records.
    pub enabled: bool,
}

/// What stream records show of items.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum View {
    /// Keys alone.
    KeysOnly,
    /// The item afterwards.
    NewImage,
    /// The item before.
    OldImage,
    /// Both.
    Both,
}

impl View {
    /// The name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            View::KeysOnly => "KEYS_ONLY",
            View::NewImage => "NEW_IMAGE",
            View::OldImage => "OLD_IMAGE",
            View::Both => "NEW_AND_OLD_IMAGES",
        }
    }

    /// The view of that name.
    pub fn named(name: &str) -> Option<View> {
        [View::KeysOnly, View::NewImage, View::OldImage, View::Both].into_iter().find(|view| view.name() == name)
    }
}

/// Expiry of items.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimeToLive {
    /// The attribute with the second of the expiry.
    pub attribute: String,
    /// Whether items expire.
    pub enabled: bool,
    /// When this was set, in milliseconds since 1970.
    pub changed_at: i64,
}

/// Point-in-time recovery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recovery {
    /// Since when, in milliseconds since 1970.
    pub since: i64,
    /// How far it reaches back, in days.
    pub days: i32,
}

/// A resource policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// The document.
    pub text: String,
    /// The id of this state of it.
    pub revision: String,
}

/// Where a table comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restored {
    /// ARN of the backup, if it was one.
    pub backup_arn: Option<String>,
    /// ARN of the table.
    pub table_arn: String,
    /// The time whose state was restored, in milliseconds since 1970.
    pub time: i64,
    /// Whether items are still being copied.
    pub in_progress: bool,
}

impl Table {
    /// `arn:aws:dynamodb:…:table/…`
    pub fn arn(&self) -> String {
        format!("arn:aws:dynamodb:{}:{}:table/{}", self.region, self.account, self.name)
    }

    /// ARN of one of its streams.
    pub fn stream_arn(&self, label: &str) -> String {
        format!("{}/stream/{label}", self.arn())
    }

    /// All indexes, local ones first.
    pub fn indexes(&self) -> impl Iterator<Item = &Index> {
        self.locals.iter().chain(&self.globals)
    }

    /// The index of that name, and whether it is local.
    pub fn index(&self, name: &str) -> Option<(&Index, bool)> {
        let of = |indexes: &'_ [Index]| indexes.iter().position(|index| index.name == name);
        of(&self.locals)
            .map(|at| (&self.locals[at], true))
            .or_else(|| of(&self.globals).map(|at| (&self.globals[at], false)))
    }

    /// The type that an attribute has in keys.
    pub fn kind_of(&self, name: &str) -> Option<Kind> {
        self.attributes.iter().find(|attribute| attribute.name == name).map(|attribute| attribute.kind)
    }

    /// Whether the table's items are still being put there by a restore or an import.
    pub fn is_restoring(&self) -> bool {
        self.importing || self.restored.as_ref().is_some_and(|restored| restored.in_progress)
    }

    /// What the index holds of an item: nothing if the item lacks one of the index's key attributes.
    pub fn entry(&self, index: &Index, item: &Item) -> Option<Item> {
        index.key.encode(item)?;
        Some(match &index.projection {
            Projection::All => item.clone(),
            Projection::KeysOnly => self.keys_of(index, item),
            Projection::Include(names) => {
                let mut entry = self.keys_of(index, item);
                let named = names.iter().filter_map(|name| item.get_key_value(name));
                entry.extend(named.map(|(name, value)| (name.clone(), value.clone())));
                entry
            }
        })
    }

    /// The key attributes of an item, those of the table and of an index.
    pub fn keys_of(&self, index: &Index, item: &Item) -> Item {
        let mut keys = self.key.of_item(item);
        keys.extend(index.key.of_item(item));
        keys
    }

    /// Whether the index holds an attribute of every item that has it.
    pub fn projects(&self, index: &Index, name: &str) -> bool {
        match &index.projection {
            Projection::All => true,
            _ if self.key.has(name) || index.key.has(name) => true,
            Projection::KeysOnly => false,
            Projection::Include(names) => names.iter().any(|included| included == name),
        }
    }
}
