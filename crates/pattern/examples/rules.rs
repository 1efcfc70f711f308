//! How long it takes to find the rules of a bus that match an event, when the bus has ten thousand.
#![allow(clippy::print_stdout, reason = "it tells what it measured")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use traca_pattern::{Index, Pattern};

/// Rules of the bus.
const RULES: usize = 10_000;

/// Events that are matched against each kind of rules.
const EVENTS: usize = 2_000;

/// What rules look for, and what of it a measured event has.
type Rule = fn(usize) -> Value;

/// Matching an event against ten thousand rules, by what they look for.
fn patterns() -> Vec<(&'static str, Vec<Duration>)> {
    let kinds: [(&str, Rule); 4] = [
        ("a source each", |number| json!({"source": [format!("app.{number}")]})),
        ("a customer each", |number| json!({"source": ["shop"], "detail": {"customer": [format!("c{number}")]}})),
        (
            "a beginning each",
            |number| json!({"source": ["shop"], "detail": {"key": [{"prefix": format!("dir-{number}/")}]}}),
        ),
        (
            "a number each",
            |number| json!({"source": ["shop"], "detail": {"size": [number], "state": [{"anything-but": "draft"}]}}),
        ),
    ];
    kinds.into_iter().map(|(name, rule)| (name, matched(rule))).collect()
}

fn matched(rule: Rule) -> Vec<Duration> {
    let mut index = Index::default();
    for number in 0..RULES {
        let text = rule(number).to_string();
        index.insert(Pattern::parse(&text).expect("the measurement's own patterns are sound"), number);
    }
    let mut times = Vec::with_capacity(EVENTS);
    for number in (0..EVENTS).map(|number| number * 37 % RULES) {
        let source = if number % 2 == 0 { "shop".to_owned() } else { format!("app.{number}") };
        let detail = json!({
            "customer": format!("c{number}"), "key": format!("dir-{number}/file"), "size": number, "state": "sent",
        });
        let event = json!({
            "version": "0", "id": "17793124-05d4-b198-2fde-7ededc63b103", "detail-type": "Order", "source": source,
            "account": "000000000000", "time": "2026-01-01T00:00:00Z", "region": "us-east-1", "resources": [],
            "detail": detail,
        });
        let started = Instant::now();
        black_box(index.matching(black_box(&event)));
        times.push(started.elapsed());
    }
    times.sort();
    times
}

fn main() {
    for (name, times) in patterns() {
        let at = |part: usize| times[(times.len() - 1) * part / 100].as_nanos() as f64 / 1e3;
        println!("an event against {RULES} rules, {name}: p50 {:.1} us, p99 {:.1} us", at(50), at(99));
    }
}
