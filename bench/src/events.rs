//! The way of a message from a topic through a queue into a function.

use std::fmt::Write;
use std::io;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::json;

use crate::client::{Client, Form, Keys};
use crate::figures::Figures;
use crate::functions::Function;
use crate::platform::Platform;

/// Messages on the whole way, one at a time, behind those that warm it up.
const MESSAGES: usize = 200;
const WARM_UP: usize = 50;

/// Between two messages.
const PAUSE: Duration = Duration::from_millis(20);

/// How long the function may take to have told of all messages.
const PATIENCE: Duration = Duration::from_secs(60);

/// Whoever prints how old a message was when it came: its body is when it was sent, in seconds since 1970.
const LISTENER: &[u8] = b"import time\ndef handler(event, context):\n    now = time.time()\n    \
    for record in event['Records']:\n        print('age', now - float(record['body']))\n";

/// From before a message is published to a topic until the function behind the topic's queue has it.
pub fn through_a_queue(platform: &Platform, keys: &Keys) -> io::Result<Figures> {
    let mut client = Client::connect(platform.address)?;
    let listener = Function::python("listener", LISTENER);
    listener.deploy(&mut client, keys)?;
    let mut form = |service: &str, text: &str| query(&mut client, keys, service, text);
    let version = "Version=2010-03-31";
    let topic = "arn:aws:sns:us-east-1:000000000000:bench";
    let queue = "arn:aws:sqs:us-east-1:000000000000:listened-to";
    let policy =
        json!({"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": queue}]});
    let policy = escaped(&policy.to_string());
    form("sns", &format!("Action=CreateTopic&{version}&Name=bench"))?;
    form(
        "sqs",
        &format!(
            "Action=CreateQueue&Version=2012-11-05&QueueName=listened-to&Attribute.1.Name=Policy&Attribute.1.Value={policy}"
        ),
    )?;
    let raw = "Attributes.entry.1.key=RawMessageDelivery&Attributes.entry.1.value=true";
    form("sns", &format!("Action=Subscribe&{version}&TopicArn={topic}&Protocol=sqs&Endpoint={queue}&{raw}"))?;
    let mapping = json!({"EventSourceArn": queue, "FunctionName": "listener"}).to_string();
    let request = client.sign(keys, "lambda", "POST", "/2015-03-31/event-source-mappings", Form::Rest(&mapping));
    let made = client.send(&request)?;
    if made.status != 202 {
        return Err(io::Error::other(String::from_utf8_lossy(&made.body).into_owned()));
    }
    // The first messages wait until somebody reads the queue and an environment has started.
    publish(&mut client, keys, topic, WARM_UP)?;
    until_told(&mut client, keys, WARM_UP)?;
    publish(&mut client, keys, topic, MESSAGES)?;
    let ages = until_told(&mut client, keys, WARM_UP + MESSAGES)?;
    let mut figures = Figures::default();
    ages.into_iter().skip(WARM_UP).for_each(|age| figures.add(age));
    Ok(figures)
}

/// Publishes messages that say when they were sent, one at a time.
fn publish(client: &mut Client, keys: &Keys, topic: &str, count: usize) -> io::Result<()> {
    for _ in 0..count {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
        query(client, keys, "sns", &format!("Action=Publish&Version=2010-03-31&TopicArn={topic}&Message={now:.6}"))?;
        thread::sleep(PAUSE);
    }
    Ok(())
}

/// The ages that the function has printed, once it has told of so many messages.
fn until_told(client: &mut Client, keys: &Keys, count: usize) -> io::Result<Vec<Duration>> {
    let deadline = Instant::now() + PATIENCE;
    let body = json!({"logGroupName": "/aws/lambda/listener", "filterPattern": "age", "limit": 10_000}).to_string();
    while Instant::now() < deadline {
        let form = Form::Json { target: "Logs_20140328.FilterLogEvents", body: &body };
        let request = client.sign(keys, "logs", "POST", "/", form);
        let answer = client.send(&request)?.json();
        let lines = answer["events"].as_array().into_iter().flatten().filter_map(|event| event["message"].as_str());
        let ages: Vec<Duration> = lines
            .filter_map(|line| line.trim().strip_prefix("age ")?.parse::<f64>().ok())
            .map(|age| Duration::from_secs_f64(age.max(0.0)))
            .collect();
        if ages.len() >= count {
            return Ok(ages);
        }
        thread::sleep(Duration::from_millis(100));
    }
    Err(io::Error::other("the function did not get every message"))
}

fn query(client: &mut Client, keys: &Keys, service: &str, text: &str) -> io::Result<()> {
    let request = client.sign(keys, service, "POST", "/", Form::Query(text));
    let answer = client.send(&request)?;
    if answer.status == 200 {
        Ok(())
    } else {
        Err(io::Error::other(String::from_utf8_lossy(&answer.body).into_owned()))
    }
}

/// A text as it stands in a form.
fn escaped(text: &str) -> String {
    text.bytes().fold(String::new(), |mut escaped, byte| {
        if byte.is_ascii_alphanumeric() {
            escaped.push(char::from(byte));
        } else {
            // Writing to a text cannot fail.
            let _ = write!(escaped, "%{byte:02X}");
        }
        escaped
    })
}
