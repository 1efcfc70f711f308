//! Tables: durable writes and reads of items of 400 bytes, one after another and from many clients at once.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::client::{Client, Form, Keys};
use crate::figures::Figures;
use crate::platform::Platform;

/// Items that are read and changed.
const ITEMS: usize = 10_000;

/// Items with one partition key, which is also what a query answers.
const ITEMS_PER_PARTITION: usize = 10;

/// Bytes of an item's payload.
const PAYLOAD_BYTES: usize = 370;

/// Different states in which each item is put.
const TURNS: usize = 2;

/// What is measured: a name, and its request for an item by number.
type Call = (&'static str, &'static str, Input);

/// A request for an item by number. Its second parameter differs from one time to the next that the same item is put:
/// what is there already is not written again.
type Input = fn(usize, usize) -> Value;

/// A table and the requests that are sent to it.
pub struct Table<'p> {
    platform: &'p Platform,
    keys: Keys,
}

fn key(number: usize) -> Value {
    let (partition, place) = (number / ITEMS_PER_PARTITION, number % ITEMS_PER_PARTITION);
    json!({"pk": {"S": format!("partition-{partition}")}, "sk": {"N": place.to_string()}})
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

fn query(number: usize, _: usize) -> Value {
    json!({
        "TableName": "measured", "KeyConditionExpression": "pk = :pk",
        "ExpressionAttributeValues": {":pk": key(number)["pk"]},
    })
}

const CALLS: [Call; 4] = [
    ("PutItem", "PutItem", put),
    ("GetItem", "GetItem", get),
    ("UpdateItem", "UpdateItem, conditional", update),
    ("Query", "Query of 10 items", query),
];

impl<'p> Table<'p> {
    /// Makes the table and fills it.
    pub fn create(platform: &'p Platform, keys: &Keys) -> io::Result<Table<'p>> {
        let table = Table { platform, keys: keys.clone() };
        let mut client = Client::connect(platform.address)?;
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
        for first in (0..ITEMS).step_by(25) {
            let puts = (first..first + 25).map(|number| json!({"PutRequest": {"Item": put(number, TURNS)["Item"]}}));
            let batch = json!({"RequestItems": {"measured": puts.collect::<Vec<_>>()}});
            table.call(&mut client, "BatchWriteItem", &batch)?;
        }
        Ok(table)
    }

    /// Calls of each kind for a time, from so many clients: their name, how many a second, and how long each took.
    pub fn measure(&self, clients: usize, time: Duration) -> io::Result<Vec<(&'static str, f64, Figures)>> {
        let measured = CALLS.iter().map(|(operation, name, input)| {
            let figures = self.together(clients, time, operation, *input)?;
            Ok((*name, figures.count() as f64 / time.as_secs_f64(), figures))
        });
        measured.collect()
    }

    /// Requests are signed before the clock starts.
    fn together(&self, clients: usize, time: Duration, operation: &str, input: Input) -> io::Result<Figures> {
        let next = AtomicUsize::new(0);
        let one = || {
            let mut client = Client::connect(self.platform.address)?;
            let first = next.fetch_add(1, Ordering::Relaxed);
            let rounds = ITEMS / clients.max(10);
            let request = |at: usize| {
                let input = input((first + at % rounds * clients) % ITEMS, at / rounds);
                self.request(&client, operation, &input.to_string())
            };
            let requests: Vec<Vec<u8>> = (0..rounds * TURNS).map(request).collect();
            let mut figures = Figures::default();
            let end = Instant::now() + time;
            for request in requests.iter().cycle() {
                let started = Instant::now();
                if started >= end {
                    break;
                }
                expect(&mut client, request)?;
                figures.add(started.elapsed());
            }
            Ok(figures)
        };
        let outcomes: Vec<io::Result<Figures>> = thread::scope(|scope| {
            let clients: Vec<_> = (0..clients).map(|_| scope.spawn(one)).collect();
            let lost = || Err(io::Error::other("a client panicked"));
            clients.into_iter().map(|client| client.join().unwrap_or_else(|_| lost())).collect()
        });
        let mut all = Figures::default();
        for outcome in outcomes {
            all.append(outcome?);
        }
        Ok(all)
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

/// Sends a request that must succeed.
fn expect(client: &mut Client, request: &[u8]) -> io::Result<()> {
    let answer = client.send(request)?;
    if answer.status == 200 {
        return Ok(());
    }
    Err(io::Error::other(format!("{} {}", answer.status, String::from_utf8_lossy(&answer.body))))
}
