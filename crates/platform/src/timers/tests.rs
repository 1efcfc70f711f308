use std::time::Duration;

use serde_json::json;
use tokio::sync::mpsc;
use wire::error::common;

use super::*;
use crate::metrics::Metrics;

const START: i64 = 1_700_000_000_000;

/// Longest real time a test waits for something that must happen.
const PATIENCE: Duration = Duration::from_secs(60);

struct Fixture {
    store: Store,
    clock: Clock,
    timers: Timers,
    partition: Partition,
}

impl Fixture {
    fn new() -> Fixture {
        Fixture::over(Store::memory(), Clock::controlled(Timestamp::from_milliseconds(START)))
    }

    fn over(store: Store, clock: Clock) -> Fixture {
        let background = Background::new(Arc::new(Metrics::new()));
        let timers = Timers::new(store.clone(), clock.clone(), Ids::random(), background);
        Fixture { store, clock, timers, partition: Partition::new("account/service").unwrap() }
    }

    /// Ends everything but the store, as the end of a process does.
    async fn restart(self) -> Fixture {
        self.timers.0.background.drain(PATIENCE).await;
        Fixture::over(self.store, self.clock)
    }

    /// Reports every firing of the kind `tick`, which succeeds.
    fn listen(&self) -> mpsc::UnboundedReceiver<Firing> {
        let (sender, receiver) = mpsc::unbounded_channel();
        self.timers.on("tick", move |firing| {
            let sender = sender.clone();
            async move {
                sender.send(firing).expect("the test listens");
                Ok(())
            }
        });
        receiver
    }

    async fn set(&self, id: &str, after: Duration) {
        let partition = self.timers.partition(&self.partition).await.unwrap();
        let due = Timestamp::from_milliseconds(self.clock.milliseconds() + after.as_millis() as i64);
        let timer = partition.timer(id, due, "tick", json!({ "id": id }));
        let set = self.store.transact(&self.partition, move |tx| Ok(partition.set(tx, &timer)?));
        set.await.map_err(TransactError::<StoreError>::flatten).unwrap();
    }

    async fn cancel(&self, id: &'static str) -> bool {
        let partition = self.timers.partition(&self.partition).await.unwrap();
        let cancelled = self.store.transact(&self.partition, move |tx| Ok(partition.cancel(tx, id)?));
        cancelled.await.map_err(TransactError::<StoreError>::flatten).unwrap()
    }

    /// Waits until the partition holds no timers.
    async fn settled(&self) {
        let mut watch = self.store.watch(&self.partition, b"");
        let empty = async {
            while !self.store.scan(&self.partition, KeyRange::all(), Direction::Forward, 1).await.unwrap().is_empty() {
                watch.changed().await.unwrap();
            }
        };
        tokio::time::timeout(PATIENCE, empty).await.expect("all timers are done");
    }
}

async fn next(receiver: &mut mpsc::UnboundedReceiver<Firing>) -> Firing {
    tokio::time::timeout(PATIENCE, receiver.recv()).await.expect("a timer fires").expect("the driver lives")
}

#[tokio::test]
async fn timers_fire_in_order_when_their_time_comes() {
    let fixture = Fixture::new();
    let mut fired = fixture.listen();
    fixture.timers.start().await.unwrap();
    fixture.set("second", Duration::from_secs(20)).await;
    fixture.set("first", Duration::from_secs(10)).await;
    fixture.clock.advance(Duration::from_secs(10));
    let firing = next(&mut fired).await;
    assert_eq!((firing.id.as_str(), &firing.payload), ("first", &json!({ "id": "first" })));
    assert_eq!(firing.due.milliseconds(), START + 10_000);
    fixture.clock.advance(Duration::from_secs(10));
    assert_eq!(next(&mut fired).await.id, "second");
    fixture.settled().await;
    assert!(fired.try_recv().is_err(), "each timer fires once");
}

#[tokio::test]
async fn what_fell_due_while_nothing_ran_fires_after_the_restart_once() {
    let fixture = Fixture::new();
    fixture.set("missed", Duration::from_secs(10)).await;
    fixture.set("later", Duration::from_secs(1_000)).await;
    let fixture = fixture.restart().await;
    fixture.clock.advance(Duration::from_secs(100));
    let mut fired = fixture.listen();
    fixture.timers.start().await.unwrap();
    assert_eq!(next(&mut fired).await.id, "missed");
    assert!(fixture.cancel("later").await);
    fixture.settled().await;
    let fixture = fixture.restart().await;
    let mut fired = fixture.listen();
    fixture.timers.start().await.unwrap();
    fixture.set("marker", Duration::ZERO).await;
    assert_eq!(next(&mut fired).await.id, "marker", "the first one is not fired again");
}

#[tokio::test]
async fn a_cancelled_or_replaced_timer_does_not_fire() {
    let fixture = Fixture::new();
    let mut fired = fixture.listen();
    fixture.timers.start().await.unwrap();
    fixture.set("cancelled", Duration::from_secs(10)).await;
    fixture.set("replaced", Duration::from_secs(10)).await;
    fixture.set("replaced", Duration::from_secs(30)).await;
    assert!(fixture.cancel("cancelled").await);
    assert!(!fixture.cancel("cancelled").await);
    fixture.set("marker", Duration::from_secs(20)).await;
    fixture.clock.advance(Duration::from_secs(20));
    assert_eq!(next(&mut fired).await.id, "marker");
    fixture.clock.advance(Duration::from_secs(10));
    assert_eq!(next(&mut fired).await.id, "replaced");
    fixture.settled().await;
}

#[tokio::test]
async fn a_handler_that_fails_or_panics_is_tried_again_later() {
    let fixture = Fixture::new();
    let (sender, mut fired) = mpsc::unbounded_channel();
    fixture.timers.on("tick", move |firing| {
        let failures = firing.failures;
        sender.send(firing).expect("the test listens");
        async move {
            assert!(failures != 1, "the second attempt panics");
            if failures == 0 { Err(Error::bare(&common::INTERNAL_FAILURE)) } else { Ok(()) }
        }
    });
    fixture.timers.start().await.unwrap();
    let mut due = fixture.store.watch(&fixture.partition, record::DUE_PREFIX);
    fixture.set("stubborn", Duration::ZERO).await;
    for failures in 0..3 {
        assert_eq!(next(&mut fired).await.failures, failures);
        // The attempt's end moves the timer (or removes it) within one commit, after which time may go on.
        let moved = async {
            loop {
                let rows =
                    fixture.store.scan(&fixture.partition, record::due_range(), Direction::Forward, 1).await.unwrap();
                match rows.first().and_then(|(_, value)| Record::decode(value)) {
                    Some(record) if record.failures == failures => due.changed().await.unwrap(),
                    _ => break,
                }
            }
        };
        tokio::time::timeout(PATIENCE, moved).await.expect("the attempt ends");
        fixture.clock.advance(RETRY_LONGEST);
    }
    fixture.settled().await;
}

/// Longer than any wait between attempts.
const RETRY_LONGEST: Duration = Duration::from_secs(600);

#[tokio::test]
async fn a_slow_handler_delays_nobody_and_one_that_sets_itself_anew_goes_on() {
    let fixture = Fixture::new();
    let (sender, mut fired) = mpsc::unbounded_channel();
    let (store, timers, name) = (fixture.store.clone(), fixture.timers.clone(), fixture.partition.clone());
    fixture.timers.on("tick", move |firing| {
        let (sender, store, timers, name) = (sender.clone(), store.clone(), timers.clone(), name.clone());
        async move {
            sender.send(firing.clone()).expect("the test listens");
            match firing.id.as_str() {
                "slow" => std::future::pending().await,
                "periodic" => {
                    let partition = timers.partition(&name).await.expect("known");
                    // Same id and same due time: only the timer itself tells that it is a new one.
                    let again = partition.timer("periodic", firing.due, "tick", json!(2));
                    if firing.payload != json!(2) {
                        let set = store.transact(&name, move |tx| Ok(partition.set(tx, &again)?));
                        set.await.map_err(TransactError::<StoreError>::flatten).expect("set");
                    }
                    Ok(())
                }
                _ => Ok(()),
            }
        }
    });
    fixture.timers.start().await.unwrap();
    fixture.set("slow", Duration::ZERO).await;
    assert_eq!(next(&mut fired).await.id, "slow");
    fixture.set("periodic", Duration::ZERO).await;
    assert_eq!(next(&mut fired).await.id, "periodic");
    let again = next(&mut fired).await;
    assert_eq!((again.id.as_str(), again.payload), ("periodic", json!(2)));
}

#[tokio::test]
async fn many_timers_at_once_all_fire() {
    let fixture = Fixture::new();
    let mut fired = fixture.listen();
    fixture.timers.start().await.unwrap();
    let count = CONCURRENT_MAX * 2;
    for number in 0..count {
        fixture.set(&format!("timer-{number}"), Duration::from_secs(1)).await;
    }
    fixture.clock.advance(Duration::from_secs(1));
    let mut seen = HashSet::new();
    for _ in 0..count {
        assert!(seen.insert(next(&mut fired).await.id), "each timer fires once");
    }
    fixture.settled().await;
}
