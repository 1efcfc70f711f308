//! Tables: durable writes and reads of items of 300 bytes, one after another and from many clients at once.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::client::{Client, Form, Keys};
use crate::figures::Figures;

/// Items of one partition key.
const ITEMS_PER_PARTITION: usize = 100;

/// Bytes of an item's payload: 300 bytes with all its names and other values.
const PAYLOAD_BYTES: usize = 265;

/// Different states in which each item is put.
const TURNS: usize = 2;

/// Requests that one client has made ready.
const REQUESTS_MAX: usize = 2_000;

/// Items in one call of `BatchWriteItem`.
const BATCH: usize = 25;

/// Clients that fill a table together.
const FILLING_CLIENTS: usize = 4;

/// What is measured: a name, and its request for an item by number.
type Call = (&'static str, &'static str, Input);

/// A request for an item by number. Its second parameter differs from one time to the next that the same item is put:
/// what is there already is not written again.
type Input = fn(usize, usize) -> Value;

/// A table, and where and as whom it is called.
pub struct Table {
    address: SocketAddr,
    keys: Keys,
    items: usize,
}

fn partition(number: usize) -> Value {
    json!({"S": format!("partition-{}", number / ITEMS_PER_PARTITION)})
}

fn key(number: usize) -> Value {
    json!({"pk": partition(number), "sk": {"N": (number % ITEMS_PER_PARTITION).to_string()}})
}

fn put(number: usize, turn: usize) -> Value {
    let mut item = key(number);
    item["payload"] = json!({"S": "x".repeat(PAYLOAD_BYTES)});
    item["count"] = json!({"N": turn.to_string()});
    json!({"TableName": "measured", "Item": item})
}

fn get(number: usize, _: usize) -> Value {
    json!({"TableName": "measured", "Key": key(number)})
}

fn update(number: usize, _: usize) -> Value {
    json!({
        "TableName": "measured", "Key": key(number), "UpdateExpression": "SET #c = #c + :one",
        "ConditionExpression": "attribute_exists(pk)", "ExpressionAttributeNames": {"#c": "count"},
        "ExpressionAttributeValues": {":one": {"N": "1"}},
    })
}

fn query_ten(number: usize, _: usize) -> Value {
    let mut query = query_all(number, 0);
    query["Limit"] = json!(10);
    query
}

fn query_all(number: usize, _: usize) -> Value {
    json!({
        "TableName": "measured", "KeyConditionExpression": "pk = :pk",
        "ExpressionAttributeValues": {":pk": partition(number)},
    })
}

const CALLS: [Call; 5] = [
    ("PutItem", "PutItem", put),
    ("GetItem", "GetItem", get),
    ("UpdateItem", "UpdateItem, conditional", update),
    ("Query", "Query of 10 items", query_ten),
    ("Query", "Query of 100 items", query_all),
];

impl Table {
    /// Makes the table, empty.
    pub fn create(address: SocketAddr, keys: &Keys) -> io::Result<Table> {
        let table = Table { address, keys: keys.clone(), items: 0 };
        let mut client = Client::connect(address)?;
        let create = json!({
            "TableName": "measured", "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [
                {"AttributeName": "pk", "AttributeType": "S"}, {"AttributeName": "sk", "AttributeType": "N"},
            ],
            "KeySchema": [
                {"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"},
            ],
        });
        table.call(&mut client, "CreateTable", &create)?;
        table.wait_until_active(&mut client)?;
        Ok(table)
    }

    fn wait_until_active(&self, client: &mut Client) -> io::Result<()> {
        const LOOKS: usize = 300;
        let request = self.request(client, "DescribeTable", &json!({"TableName": "measured"}).to_string());
        for _ in 0..LOOKS {
            if client.send(&request)?.json()["Table"]["TableStatus"] == "ACTIVE" {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(100));
        }
        Err(io::Error::other("the table does not become active"))
    }

    /// Adds items until there are so many.
    pub fn fill(&mut self, items: usize) -> io::Result<()> {
        let next = AtomicUsize::new(self.items);
        let one = || {
            let mut client = Client::connect(self.address)?;
            loop {
                let first = next.fetch_add(BATCH, Ordering::Relaxed);
                if first >= items {
                    return Ok(());
                }
                let numbers = first..items.min(first + BATCH);
                let puts = numbers.map(|number| json!({"PutRequest": {"Item": put(number, TURNS)["Item"]}}));
                let batch = json!({"RequestItems": {"measured": puts.collect::<Vec<_>>()}});
                self.call(&mut client, "BatchWriteItem", &batch)?;
            }
        };
        in_threads(FILLING_CLIENTS, one)?;
        self.items = items;
        Ok(())
    }

    /// Calls of each kind for a time, from so many clients: their name, how many a second, and how long each took.
    pub fn measure(&self, clients: usize, time: Duration) -> io::Result<Vec<(&'static str, f64, Figures)>> {
        let measured = CALLS.iter().map(|(operation, name, input)| {
            let (rate, figures) = self.together(clients, time, operation, *input)?;
            Ok((*name, rate, figures))
        });
        measured.collect()
    }

    /// Calls of one kind: how many a second, and how long each took. Requests are signed before the clock starts. They
    /// reach over the whole table, however large it is.
    fn together(&self, clients: usize, time: Duration, operation: &str, input: Input) -> io::Result<(f64, Figures)> {
        let number_of_client = AtomicUsize::new(0);
        let one = || {
            let mut client = Client::connect(self.address)?;
            let first = number_of_client.fetch_add(1, Ordering::Relaxed);
            let rounds = (self.items / clients).clamp(1, REQUESTS_MAX / TURNS);
            let stride = (self.items / rounds).max(1);
            let request = |at: usize| {
                let input = input((first + at % rounds * stride) % self.items, at / rounds);
                self.request(&client, operation, &input.to_string())
            };
            let requests: Vec<Vec<u8>> = (0..rounds * TURNS).map(request).collect();
            let mut figures = Figures::default();
            let begun = Instant::now();
            for request in requests.iter().cycle() {
                let started = Instant::now();
                if started - begun >= time {
                    break;
                }
                expect(&mut client, request)?;
                figures.add(started.elapsed());
            }
            // The last answer may have come long after the time was over.
            Ok((figures.count() as f64 / begun.elapsed().as_secs_f64(), figures))
        };
        let (mut rates, mut all) = (0.0, Figures::default());
        for (rate, figures) in in_threads(clients, one)? {
            rates += rate;
            all.append(figures);
        }
        Ok((rates, all))
    }

    fn request(&self, client: &Client, operation: &str, body: &str) -> Vec<u8> {
        let target = format!("DynamoDB_20120810.{operation}");
        client.sign(&self.keys, "dynamodb", "POST", "/", Form::Json { target: &target, body })
    }

    fn call(&self, client: &mut Client, operation: &str, input: &Value) -> io::Result<()> {
        let request = self.request(client, operation, &input.to_string());
        expect(client, &request)
    }
}

/// Does the same in several threads.
fn in_threads<T: Send>(threads: usize, one: impl Fn() -> io::Result<T> + Sync) -> io::Result<Vec<T>> {
    thread::scope(|scope| {
        let at_work: Vec<_> = (0..threads).map(|_| scope.spawn(&one)).collect();
        let lost = || Err(io::Error::other("a client panicked"));
        at_work.into_iter().map(|thread| thread.join().unwrap_or_else(|_| lost())).collect()
    })
}

/// Sends a request that must succeed.
fn expect(client: &mut Client, request: &[u8]) -> io::Result<()> {
    let answer = client.send(request)?;
    if answer.status == 200 {
        return Ok(());
    }
    Err(io::Error::other(format!("{} {}", answer.status, String::from_utf8_lossy(&answer.body))))
}
