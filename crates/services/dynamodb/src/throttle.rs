//! Throughput that a table or index may not exceed (Developer Guide, "Burst and adaptive capacity").
//!
//! Each has two buckets of units, for reads and for writes. They fill at the provisioned rate and hold what five minutes
//! bring; a call is admitted while there is anything in the bucket, and takes out what it turns out to consume. Tables
//! on demand have buckets only where a maximum is set. Buckets are in memory and full at first.

use std::collections::HashMap;

use api::dynamodb::errors::{provisioned_throughput_exceeded_exception, throttling_exception};
use parking_lot::Mutex;
use serde_json::json;
use wire::Error;
use wire::error::Scalar;

use crate::item::capacity::Consumed;
use crate::limits::{BUCKETS_MAX, BURST_SECONDS, ON_DEMAND_BURST_SECONDS};
use crate::table::record::Throughput;
use crate::table::{Index, Table};

/// What units are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Reading.
    Read,
    /// Writing.
    Write,
}

/// A rate and what may be saved up of it.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Rate {
    per_second: f64,
    most: f64,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    units: f64,
    at: i64,
}

impl Bucket {
    fn fill(&mut self, rate: Rate, now: i64) {
        let seconds = (now - self.at).max(0) as f64 / 1_000.0;
        self.units = (self.units + seconds * rate.per_second).min(rate.most);
        self.at = now;
    }
}

/// The table's UUID, an index of it, and what the units are for.
type Key = (String, Option<String>, Kind);

/// All buckets in use.
#[derive(Default)]
pub struct Buckets(Mutex<HashMap<Key, Bucket>>);

fn rate(table: &Table, throughput: &Throughput, kind: Kind) -> Option<Rate> {
    let (provisioned, maximum) = match kind {
        Kind::Read => (throughput.read, throughput.on_demand_read_max),
        Kind::Write => (throughput.write, throughput.on_demand_write_max),
    };
    let (units, seconds) = if table.billing.on_demand {
        (maximum.filter(|units| *units > 0)?, ON_DEMAND_BURST_SECONDS)
    } else {
        (provisioned, BURST_SECONDS)
    };
    let per_second = units as f64;
    Some(Rate { per_second, most: per_second * seconds })
}

fn is_limited(table: &Table) -> bool {
    let has_maximum =
        |throughput: &Throughput| throughput.on_demand_read_max.is_some() || throughput.on_demand_write_max.is_some();
    let mut all = std::iter::once(&table.billing.throughput).chain(table.globals.iter().map(|index| &index.throughput));
    !table.billing.on_demand || all.any(has_maximum)
}

/// The share of a table whose units a read of an index takes: local indexes take the table's.
fn global<'t>(table: &'t Table, index: Option<&str>) -> Option<&'t Index> {
    table.globals.iter().find(|global| Some(global.name.as_str()) == index)
}

impl Buckets {
    /// Whether a table, or the index that is read, has units left.
    ///
    /// # Errors
    /// `ProvisionedThroughputExceededException`, or `ThrottlingException` for tables on demand.
    pub fn admit_read(&self, table: &Table, index: Option<&str>, now: i64) -> Result<(), Error> {
        if !is_limited(table) {
            return Ok(());
        }
        self.admit(table, global(table, index), Kind::Read, now)
    }

    /// Whether a table and all its global indexes have units left: a write waits for the slowest of them.
    ///
    /// # Errors
    /// As [`Buckets::admit_read`].
    pub fn admit_write(&self, table: &Table, now: i64) -> Result<(), Error> {
        if !is_limited(table) {
            return Ok(());
        }
        self.admit(table, None, Kind::Write, now)?;
        table.globals.iter().try_for_each(|index| self.admit(table, Some(index), Kind::Write, now))
    }

    fn admit(&self, table: &Table, index: Option<&Index>, kind: Kind, now: i64) -> Result<(), Error> {
        let throughput = index.map_or(&table.billing.throughput, |index| &index.throughput);
        let Some(rate) = rate(table, throughput, kind) else { return Ok(()) };
        let left = self.change(table, index.map(|index| index.name.as_str()), kind, rate, now, 0.0);
        if left > 0.0 { Ok(()) } else { Err(exceeded(table, index, kind)) }
    }

    /// Takes out what a call has consumed.
    pub fn charge(&self, table: &Table, consumed: &Consumed, kind: Kind, now: i64) {
        if !is_limited(table) {
            return;
        }
        if let Some(rate) = rate(table, &table.billing.throughput, kind) {
            self.change(table, None, kind, rate, now, consumed.of_table_and_locals());
        }
        for (name, units) in consumed.of_globals() {
            let rate = global(table, Some(name)).and_then(|index| rate(table, &index.throughput, kind));
            if let Some(rate) = rate {
                self.change(table, Some(name), kind, rate, now, *units);
            }
        }
    }

    /// What is left in a bucket once these units are taken out.
    fn change(&self, table: &Table, index: Option<&str>, kind: Kind, rate: Rate, now: i64, units: f64) -> f64 {
        let mut buckets = self.0.lock();
        if buckets.len() >= BUCKETS_MAX {
            buckets.clear();
        }
        let key = (table.id.clone(), index.map(str::to_owned), kind);
        let bucket = buckets.entry(key).or_insert(Bucket { units: rate.most, at: now });
        bucket.fill(rate, now);
        bucket.units -= units;
        bucket.units
    }

    /// Empties the memory.
    pub fn clear(&self) {
        self.0.lock().clear();
    }
}

fn exceeded(table: &Table, index: Option<&Index>, kind: Kind) -> Error {
    let (of, resource) = match index {
        Some(index) => ("Index", format!("{}/index/{}", table.arn(), index.name)),
        None => ("Table", table.arn()),
    };
    let (error, why) = if table.billing.on_demand {
        let text = "Throughput exceeds the maximum OnDemandThroughput configured on table or index";
        (throttling_exception(text), "MaxOnDemandThroughputExceeded")
    } else {
        let text = match index {
            None => {
                "The level of configured provisioned throughput for the table was exceeded. Consider increasing your \
                 provisioning level with the UpdateTable API."
            }
            Some(_) => {
                "The level of configured provisioned throughput for one or more global secondary indexes of the table \
                 was exceeded. Consider increasing your provisioning level for the under-provisioned global secondary \
                 indexes with the UpdateTable API"
            }
        };
        (provisioned_throughput_exceeded_exception(text), "ProvisionedThroughputExceeded")
    };
    let reason = json!([{ "reason": format!("{of}{kind:?}{why}"), "resource": resource }]);
    error.with("ThrottlingReasons", Scalar::Document(reason))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::{Value as Json, json};

    use crate::testing::Bench;

    fn provisioned(read: i64, write: i64) -> Json {
        json!({"ReadCapacityUnits": read, "WriteCapacityUnits": write})
    }

    async fn bench() -> Bench {
        let bench = Bench::new();
        let more = json!({
            "BillingMode": "PROVISIONED", "ProvisionedThroughput": provisioned(1, 1),
            "AttributeDefinitions": [{"AttributeName": "g", "AttributeType": "S"}],
            "GlobalSecondaryIndexes": [{
                "IndexName": "by-g", "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"}, "ProvisionedThroughput": provisioned(1, 1),
            }],
        });
        bench.table("tab", &[("pk", "S")], more).await;
        bench
    }

    fn large(id: &str, kilobytes: usize) -> Json {
        json!({"pk": {"S": id}, "v": {"S": "x".repeat(kilobytes * 1_024 - 20)}})
    }

    fn put(item: Json) -> Json {
        json!({"TableName": "tab", "Item": item})
    }

    /// Developer Guide, "Burst and adaptive capacity": up to five minutes of unused capacity.
    #[tokio::test]
    async fn five_minutes_of_capacity_can_be_used_at_once_and_no_more() {
        let bench = bench().await;
        bench.ok("PutItem", put(large("1", 299))).await;
        bench.ok("PutItem", put(large("2", 10))).await;
        let error = bench.call("PutItem", &put(large("3", 1))).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "ProvisionedThroughputExceededException: The level of configured provisioned throughput for the table was \
             exceeded. Consider increasing your provisioning level with the UpdateTable API."
        );
        let reasons = format!("{:?}", error.members);
        assert!(reasons.contains("TableWriteProvisionedThroughputExceeded"), "{reasons}");
        // Reads have units of their own.
        bench.ok("GetItem", json!({"TableName": "tab", "Key": {"pk": {"S": "1"}}})).await;
        bench.test.clock.advance(Duration::from_secs(10));
        bench.ok("PutItem", put(large("3", 1))).await;
    }

    #[tokio::test]
    async fn an_index_without_units_holds_writes_up() {
        let bench = bench().await;
        let faster = json!({"TableName": "tab", "ProvisionedThroughput": provisioned(1, 1_000)});
        bench.ok("UpdateTable", faster).await;
        let mut item = large("1", 350);
        item["g"] = json!({"S": "g"});
        bench.ok("PutItem", put(item)).await;
        let error = bench.refused("PutItem", put(large("2", 1))).await;
        assert!(error.contains("for one or more global secondary indexes of the table was exceeded"), "{error}");
    }

    #[tokio::test]
    async fn batches_leave_the_rest_unprocessed_and_transactions_tell_which_action_it_was() {
        let bench = bench().await;
        bench.table("free", &[("pk", "S")], json!({})).await;
        bench.ok("PutItem", put(large("1", 310))).await;
        let write = |table: &str| json!({table: [{"PutRequest": {"Item": {"pk": {"S": "x"}}}}]});
        let mut both = write("tab");
        both["free"] = write("free")["free"].clone();
        let answer = bench.ok("BatchWriteItem", json!({"RequestItems": both})).await;
        assert_eq!(answer["UnprocessedItems"], write("tab"));
        let error = bench.refused("BatchWriteItem", json!({"RequestItems": write("tab")})).await;
        assert!(error.starts_with("ProvisionedThroughputExceededException"), "{error}");
        let act = |table: &str| json!({"Put": {"TableName": table, "Item": {"pk": {"S": "y"}}}});
        let error = bench.refused("TransactWriteItems", json!({"TransactItems": [act("free"), act("tab")]})).await;
        assert!(error.contains("[None, ProvisionedThroughputExceeded]"), "{error}");
        bench.test.clock.advance(Duration::from_secs(30));
        // Reading 310 KB twice over takes 78 units of 300 each time, eventually consistent ones half as much.
        let read = json!({"RequestItems": {"tab": {"Keys": [{"pk": {"S": "1"}}], "ConsistentRead": true}}});
        for _ in 0..4 {
            let answer = bench.ok("BatchGetItem", read.clone()).await;
            assert_eq!(answer["UnprocessedKeys"], json!({}));
        }
        let error = bench.refused("BatchGetItem", read).await;
        assert!(error.starts_with("ProvisionedThroughputExceededException"), "{error}");
    }

    #[tokio::test]
    async fn a_table_on_demand_is_throttled_only_at_its_own_maximum() {
        let bench = Bench::new();
        let more = json!({"OnDemandThroughput": {"MaxWriteRequestUnits": 2}});
        bench.table("tab", &[("pk", "S")], more).await;
        bench.ok("PutItem", put(large("1", 5))).await;
        let error = bench.refused("PutItem", put(large("2", 1))).await;
        assert!(error.starts_with("ThrottlingException: Throughput exceeds the maximum OnDemandThroughput"), "{error}");
        bench.test.clock.advance(Duration::from_secs(3));
        bench.ok("PutItem", put(large("2", 1))).await;
    }
}
