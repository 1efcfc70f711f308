//! What is removed in the background.

use std::time::Duration;

use api::logs::{
    self, DeleteLogGroupRequest, DeleteLogStreamRequest, FilterLogEventsRequest, PutRetentionPolicyRequest,
};
use platform::Lifecycle;
use store::{Direction, KeyRange};

use crate::limits::{DAY_MS, EVENT_HELD_OVERHEAD_BYTES, EVENT_OVERHEAD_BYTES};
use crate::records::Total;
use crate::testing::{Bench, NOW, write};
use crate::{keys, rows, sweep};

/// How many rows there are, without those of groups and of what all together hold.
async fn leftovers(bench: &Bench) -> usize {
    let scan = bench.logs.telemetry().scan(bench.logs.partition(), KeyRange::all(), Direction::Forward, 10_000);
    let rows = scan.await.expect("read");
    let kept = [keys::total(), keys::region(crate::testing::ACCOUNT, crate::testing::REGION)];
    rows.iter().filter(|(key, _)| !kept.iter().any(|kept| **kept == **key)).count()
}

async fn total(bench: &Bench) -> Total {
    let row = bench.logs.telemetry().get(bench.logs.partition(), &keys::total()).await.expect("read");
    rows::decode(&row.expect("written")).expect("readable")
}

async fn messages(bench: &Bench, group: &str) -> Vec<String> {
    let all = FilterLogEventsRequest { log_group_name: Some(group.into()), ..Default::default() };
    let events = bench.call::<logs::FilterLogEvents>(all).await.expect("found").events.expect("given");
    events.into_iter().map(|event| event.message.expect("given")).collect()
}

#[tokio::test]
async fn nothing_is_left_of_deleted_groups_and_streams() {
    let bench = Bench::new();
    for group in ["g", "h"] {
        bench.group(group).await;
        for stream in ["s", "t"] {
            bench.stream(group, stream).await;
            let many = vec![(NOW, "message"); 2_500];
            bench.put(group, stream, &many).await;
        }
    }
    let delete =
        DeleteLogStreamRequest { log_group_name: "g".into(), log_stream_name: "s".into(), ..Default::default() };
    bench.call::<logs::DeleteLogStream>(delete).await.expect("deleted");
    let delete = |name: &str| DeleteLogGroupRequest { log_group_name: name.into(), ..Default::default() };
    bench.call::<logs::DeleteLogGroup>(delete("h")).await.expect("deleted");
    sweep::sweep(&bench.logs).await.expect("swept");
    let after = total(&bench).await;
    assert_eq!((after.events, after.bytes, after.streams), (2_500, 2_500 * (7 + 26), 1));
    assert_eq!(messages(&bench, "g").await.len(), 2_500);
    bench.call::<logs::DeleteLogGroup>(delete("g")).await.expect("deleted");
    sweep::sweep(&bench.logs).await.expect("swept");
    assert_eq!(leftovers(&bench).await, 0);
    let after = total(&bench).await;
    assert_eq!((after.events, after.bytes, after.streams), (0, 0, 0));
}

#[tokio::test]
async fn expired_events_are_removed_by_the_background_sweep() {
    let bench = Bench::new();
    bench.group("g").await;
    bench.stream("g", "s").await;
    bench.put("g", "s", &[(NOW - DAY_MS, "old"), (NOW, "new")]).await;
    let lifecycle: std::sync::Arc<dyn Lifecycle> = bench.logs.clone();
    lifecycle.start().await.expect("started");
    let policy = PutRetentionPolicyRequest { log_group_name: "g".into(), retention_in_days: 1, ..Default::default() };
    bench.call::<logs::PutRetentionPolicy>(policy).await.expect("set");
    let cx = bench.context(crate::testing::ACCOUNT, crate::testing::REGION);
    let mut watch = bench.logs.watch(&cx, "g").await.expect("the group exists");
    bench.clock.advance(Duration::from_secs(3_600));
    let removed = async {
        while total(&bench).await.events > 1 {
            watch.changed().await.expect("the store is open");
        }
    };
    tokio::time::timeout(Duration::from_secs(60), removed).await.expect("the sweep comes");
    assert_eq!(messages(&bench, "g").await, ["new"]);
    assert!(bench.logs.platform.background.drain(Duration::from_secs(60)).await, "the sweep ends with the platform");
}

/// What an event with a message of 1,000 bytes holds.
const HELD: u64 = 1_000 + EVENT_OVERHEAD_BYTES as u64 + EVENT_HELD_OVERHEAD_BYTES;

fn thousand(start: &str) -> String {
    format!("{start}{}", "x".repeat(1_000 - start.len()))
}

#[tokio::test]
async fn beyond_the_budget_the_oldest_events_of_all_groups_go_first() {
    let bench = Bench::with_budget(20 * HELD);
    for group in ["g", "h"] {
        bench.group(group).await;
        bench.stream(group, "s").await;
    }
    for number in 0..11 {
        bench.put("g", "s", &[(NOW + 2 * number, &thousand(&format!("g{number} ")))]).await;
        bench.put("h", "s", &[(NOW + 2 * number + 1, &thousand(&format!("h{number} ")))]).await;
    }
    sweep::sweep(&bench.logs).await.expect("swept");
    let left = total(&bench).await;
    assert_eq!(left.events, 18, "a tenth less than there may be");
    assert!(messages(&bench, "g").await[0].starts_with("g2 "));
    assert!(messages(&bench, "h").await[0].starts_with("h2 "));
    sweep::sweep(&bench.logs).await.expect("swept");
    assert_eq!(total(&bench).await, left, "within the budget nothing goes");
}

#[tokio::test]
async fn writes_faster_than_the_sweep_are_told_to_wait() {
    let bench = Bench::with_budget(4 * HELD);
    bench.group("g").await;
    bench.stream("g", "s").await;
    for _ in 0..6 {
        bench.put("g", "s", &[(NOW, &thousand(""))]).await;
    }
    let refused = bench.refused::<logs::PutLogEvents>(write("g", "s", &[(NOW, "more")])).await;
    assert!(refused.starts_with("ServiceUnavailableException: "), "{refused}");
    sweep::sweep(&bench.logs).await.expect("swept");
    bench.put("g", "s", &[(NOW, "more")]).await;
}

#[tokio::test]
async fn large_events_are_removed_too() {
    let bench = Bench::new();
    bench.group("g").await;
    bench.stream("g", "s").await;
    let large = "x".repeat(1_000_000);
    for _ in 0..70 {
        bench.put("g", "s", &[(NOW, &large)]).await;
    }
    let policy = PutRetentionPolicyRequest { log_group_name: "g".into(), retention_in_days: 1, ..Default::default() };
    bench.call::<logs::PutRetentionPolicy>(policy).await.expect("set");
    bench.clock.advance(Duration::from_secs(2 * 24 * 60 * 60));
    sweep::sweep(&bench.logs).await.expect("swept");
    assert_eq!(total(&bench).await.events, 0);
}
