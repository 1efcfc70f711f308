//! Queues: durable sends, receives with deletes, both again with many messages waiting, and how long a waiting call waits
//! for a message that is sent.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::client::{Client, Form, Keys, together};
use crate::figures::Figures;

/// Clients of the throughput measurements.
const CLIENTS: usize = 64;

/// Bytes of a message's body.
const BODY_BYTES: usize = 300;

/// Messages that a client sends at once to fill a queue.
const BATCH: usize = 10;

/// A request's parameters.
fn form(url: &str, action: &str, rest: &str) -> String {
    format!("Action={action}&Version=2012-11-05&QueueUrl={url}{rest}")
}

/// A queue and the requests that are sent to it again and again.
pub struct Queue {
    address: SocketAddr,
    keys: Keys,
    url: String,
}

impl Queue {
    /// Makes a queue.
    pub fn create(address: SocketAddr, keys: &Keys, name: &str) -> io::Result<Queue> {
        let mut client = Client::connect(address)?;
        let create = format!("Action=CreateQueue&Version=2012-11-05&QueueName={name}");
        let request = client.sign(keys, "sqs", "POST", "/", Form::Query(&create));
        let answer = client.send(&request)?;
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        let url = text.split("<QueueUrl>").nth(1).and_then(|rest| rest.split("</QueueUrl>").next());
        let url = url.ok_or_else(|| io::Error::other(text.clone()))?.to_owned();
        Ok(Queue { address, keys: keys.clone(), url })
    }

    /// Fills the queue with so many messages, in batches.
    pub fn fill(&self, messages: usize) -> io::Result<()> {
        let entry = |number: usize| {
            let name = format!("&SendMessageBatchRequestEntry.{number}");
            format!("{name}.Id={number}{name}.MessageBody={}", "x".repeat(BODY_BYTES))
        };
        let entries: String = (1..=BATCH).map(entry).collect();
        let each = messages.div_ceil(BATCH * CLIENTS);
        together(self.address, CLIENTS, |client| {
            let request = self.request(client, "SendMessageBatch", &entries);
            for _ in 0..each {
                expect(client, &request)?;
            }
            Ok(Figures::default())
        })
        .map(|_| ())
    }

    /// Sends from all clients for a time.
    pub fn send(&self, time: Duration) -> io::Result<(f64, Figures)> {
        let body = format!("&MessageBody={}", "x".repeat(BODY_BYTES));
        self.rate(time, |client| {
            let request = self.request(client, "SendMessage", &body);
            expect(client, &request).map(|_| ())
        })
    }

    /// Receives and deletes from all clients for a time, one message at a time.
    pub fn receive(&self, time: Duration) -> io::Result<(f64, Figures)> {
        self.rate(time, |client| {
            let request = self.request(client, "ReceiveMessage", "");
            let text = expect(client, &request)?;
            let handle = text.split("<ReceiptHandle>").nth(1).and_then(|rest| rest.split("</ReceiptHandle>").next());
            let handle = handle.ok_or_else(|| io::Error::other("the queue ran dry"))?.replace('+', "%2B");
            let request = self.request(client, "DeleteMessage", &format!("&ReceiptHandle={handle}"));
            expect(client, &request).map(|_| ())
        })
    }

    /// How long after a message is sent a waiting call has it.
    pub fn wake(&self, rounds: usize) -> io::Result<Figures> {
        let mut figures = Figures::default();
        let mut sender = Client::connect(self.address)?;
        for _ in 0..rounds {
            let mut receiver = Client::connect(self.address)?;
            let waiting = self.request(&receiver, "ReceiveMessage", "&WaitTimeSeconds=20&VisibilityTimeout=43200");
            let received = thread::scope(|scope| {
                let waiter = scope.spawn(move || expect(&mut receiver, &waiting).map(|_| Instant::now()));
                // The call has to stand in line before the message is sent.
                thread::sleep(Duration::from_millis(20));
                let request = self.request(&sender, "SendMessage", "&MessageBody=x");
                let started = Instant::now();
                expect(&mut sender, &request)?;
                let ended = waiter.join().unwrap_or_else(|_| Err(io::Error::other("the receiver panicked")))?;
                Ok::<_, io::Error>(ended - started)
            });
            figures.add(received?);
        }
        Ok(figures)
    }

    fn request(&self, client: &Client, action: &str, rest: &str) -> Vec<u8> {
        client.sign(&self.keys, "sqs", "POST", "/", Form::Query(&form(&self.url, action, rest)))
    }

    /// How often all clients together do something in a second.
    fn rate(&self, time: Duration, once: impl Fn(&mut Client) -> io::Result<()> + Sync) -> io::Result<(f64, Figures)> {
        let over = AtomicBool::new(false);
        let end = Instant::now() + time;
        let figures = together(self.address, CLIENTS, |client| {
            let mut figures = Figures::default();
            while !over.load(Ordering::Relaxed) {
                let started = Instant::now();
                once(client)?;
                figures.add(started.elapsed());
                if Instant::now() >= end {
                    over.store(true, Ordering::Relaxed);
                }
            }
            Ok(figures)
        })?;
        Ok((figures.count() as f64 / time.as_secs_f64(), figures))
    }
}

/// Sends a request that must succeed, and answers its text.
fn expect(client: &mut Client, request: &[u8]) -> io::Result<String> {
    let answer = client.send(request)?;
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    if answer.status == 200 { Ok(text) } else { Err(io::Error::other(format!("{} {text}", answer.status))) }
}
