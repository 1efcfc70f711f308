//! What comes out of a bus.

use std::time::Duration;

use api::events::{
    self, CreateArchiveRequest, CreateEventBusRequest, DeadLetterConfig, DescribeArchiveRequest, DescribeReplayRequest,
    InputTransformer, PutRuleRequest, ReplayDestination, RetryPolicy, StartReplayRequest, Target,
};
use platform::testing::{ACCOUNT, NOW, REGION};
use serde_json::json;
use store::Store;
use wire::Timestamp;

use super::{Bench, PATIENCE, entry, to};

fn default_bus() -> String {
    format!("arn:aws:events:{REGION}:{ACCOUNT}:event-bus/default")
}

#[tokio::test]
async fn a_matching_event_comes_whole_and_another_does_not() {
    let bench = Bench::new().await;
    let queue = bench.queue("all").await;
    bench.rule("shop", r#"{"source":["shop"]}"#).await;
    bench.target("shop", to(&queue)).await;
    let answer = bench.put(vec![entry("other", "{}"), entry("shop", r#"{"n":1}"#)]).await;
    let id = answer.entries.unwrap()[1].event_id.clone().unwrap();
    let expected = json!({
        "version": "0", "id": id, "detail-type": "made", "source": "shop", "account": ACCOUNT,
        "time": "2025-06-15T15:06:40Z", "region": REGION, "resources": [], "detail": {"n": 1},
    });
    assert_eq!(bench.events(&queue, 1).await, [expected]);
}

#[tokio::test]
async fn only_what_is_right_is_taken() {
    let bench = Bench::new().await;
    let queue = bench.queue("all").await;
    bench.rule("all", r#"{"detail-type":["made"]}"#).await;
    bench.target("all", to(&queue)).await;
    let mut nameless = entry("shop", "{}");
    nameless.source = None;
    let answer = bench.put(vec![nameless, entry("shop", "[1]"), entry("aws.s3", "{}"), entry("shop", "{}")]).await;
    assert_eq!(answer.failed_entry_count, Some(3));
    let codes: Vec<_> = answer.entries.unwrap().into_iter().map(|entry| entry.error_code).collect();
    let code = |text: &str| Some(text.to_owned());
    let expected = [code("InvalidArgument"), code("MalformedDetail"), code("NotAuthorizedForSourceException"), None];
    assert_eq!(codes, expected);
    assert_eq!(bench.events(&queue, 1).await.len(), 1);
    let large = "x".repeat(crate::limits::ENTRIES_BYTES_MAX);
    let input = events::PutEventsRequest { entries: vec![entry("shop", &large)], ..Default::default() };
    let text = bench.refused::<events::PutEvents>(input).await;
    assert_eq!(text, "ValidationException: Total size of the entries in the request is over the limit.");
}

#[tokio::test]
async fn a_transformer_makes_the_message() {
    let bench = Bench::new().await;
    let queue = bench.queue("all").await;
    bench.rule("all", r#"{"source":["shop"]}"#).await;
    let transformer = InputTransformer {
        input_paths_map: Some([("n".to_owned(), "$.detail.n".to_owned())].into()),
        input_template: r#"{"number": <n>, "rule": <aws.events.rule-name>}"#.to_owned(),
        ..Default::default()
    };
    bench.target("all", Target { input_transformer: Some(transformer), ..to(&queue) }).await;
    bench.put(vec![entry("shop", r#"{"n":{"x":"y"}}"#)]).await;
    assert_eq!(bench.events(&queue, 1).await, [json!({"number": {"x": "y"}, "rule": "all"})]);
}

#[tokio::test]
async fn events_go_on_to_another_bus_as_they_are() {
    let bench = Bench::new().await;
    let queue = bench.queue("all").await;
    let bus = CreateEventBusRequest { name: "far".to_owned(), ..Default::default() };
    let bus = bench.call::<events::CreateEventBus>(bus).await.unwrap().event_bus_arn.unwrap();
    bench.rule("pass", r#"{"source":["shop"]}"#).await;
    bench.target("pass", Target { id: "bus".to_owned(), arn: bus.clone(), ..Default::default() }).await;
    let rule = PutRuleRequest {
        name: "keep".to_owned(),
        event_bus_name: Some("far".to_owned()),
        event_pattern: Some(r#"{"source":["shop"]}"#.to_owned()),
        ..Default::default()
    };
    bench.call::<events::PutRule>(rule).await.unwrap();
    let input = events::PutTargetsRequest {
        rule: "keep".to_owned(),
        event_bus_name: Some(bus),
        targets: vec![to(&queue)],
        ..Default::default()
    };
    bench.call::<events::PutTargets>(input).await.unwrap();
    let answer = bench.put(vec![entry("shop", "{}")]).await;
    let id = answer.entries.unwrap()[0].event_id.clone().unwrap();
    assert_eq!(bench.events(&queue, 1).await[0]["id"], id);
}

#[tokio::test]
async fn what_cannot_be_delivered_lies_with_the_dead_letters() {
    let bench = Bench::new().await;
    let dead = bench.queue("dead").await;
    bench.rule("all", r#"{"source":["shop"]}"#).await;
    let missing = format!("arn:aws:sqs:{REGION}:{ACCOUNT}:missing");
    let target = Target {
        id: "gone".to_owned(),
        arn: missing.clone(),
        dead_letter_config: Some(DeadLetterConfig { arn: Some(dead.arn.clone()) }),
        retry_policy: Some(RetryPolicy { maximum_retry_attempts: Some(0), maximum_event_age_in_seconds: Some(60) }),
        ..Default::default()
    };
    bench.target("all", target).await;
    bench.put(vec![entry("shop", r#"{"n":1}"#)]).await;
    let message = bench.messages(&dead, 1).await.remove(0);
    let attributes = message.message_attributes.unwrap();
    let text = |name: &str| attributes[name].string_value.clone().unwrap();
    assert_eq!(text("TARGET_ARN"), missing);
    assert_eq!(text("RULE_ARN"), format!("arn:aws:events:{REGION}:{ACCOUNT}:rule/all"));
    assert_eq!(text("RETRY_ATTEMPTS"), "0");
    assert!(!text("ERROR_CODE").is_empty() && !text("ERROR_MESSAGE").is_empty());
    assert!(message.body.unwrap().contains(r#""detail":{"n":1}"#));
}

#[tokio::test]
async fn a_schedule_comes_once_for_each_time() {
    let bench = Bench::new().await;
    let queue = bench.queue("all").await;
    let rule = PutRuleRequest {
        name: "tick".to_owned(),
        schedule_expression: Some("rate(5 minutes)".to_owned()),
        ..Default::default()
    };
    bench.call::<events::PutRule>(rule).await.unwrap();
    bench.target("tick", to(&queue)).await;
    for round in 1..=2u64 {
        bench.platform.clock.advance(Duration::from_secs(300));
        let event = bench.events(&queue, 1).await.remove(0);
        assert_eq!(event["source"], "aws.events");
        assert_eq!(event["detail-type"], "Scheduled Event");
        assert_eq!(event["resources"], json!([format!("arn:aws:events:{REGION}:{ACCOUNT}:rule/tick")]));
        assert_eq!(event["time"], crate::event::seconds_text(NOW + round as i64 * 300_000));
    }
}

#[tokio::test]
async fn an_accepted_event_outlives_the_process() {
    let store = Store::memory();
    let id = {
        let bench = Bench::over(store.clone()).await;
        bench.rule("all", r#"{"source":["shop"]}"#).await;
        let queue = bench.queue("all").await;
        bench.target("all", to(&queue)).await;
        bench.platform.platform.background.drain(PATIENCE).await;
        // Nothing hands events out any more.
        let answer = bench.put(vec![entry("shop", "{}")]).await;
        answer.entries.unwrap()[0].event_id.clone().unwrap()
    };
    let bench = Bench::over(store).await;
    let queue = bench.queue("all").await;
    assert_eq!(bench.events(&queue, 1).await[0]["id"], id);
}

#[tokio::test]
async fn a_replay_brings_what_an_archive_kept() {
    let bench = Bench::new().await;
    let queue = bench.queue("all").await;
    bench.rule("all", r#"{"source":["shop"]}"#).await;
    bench.target("all", to(&queue)).await;
    let archive = CreateArchiveRequest {
        archive_name: "kept".to_owned(),
        event_source_arn: default_bus(),
        event_pattern: Some(r#"{"detail":{"keep":[true]}}"#.to_owned()),
        ..Default::default()
    };
    let archive = bench.call::<events::CreateArchive>(archive).await.unwrap().archive_arn.unwrap();
    bench.put(vec![entry("shop", r#"{"keep":true}"#), entry("shop", r#"{"keep":false}"#)]).await;
    bench.events(&queue, 2).await;
    let described = || DescribeArchiveRequest { archive_name: "kept".to_owned(), ..Default::default() };
    let counted = async {
        while bench.call::<events::DescribeArchive>(described()).await.unwrap().event_count != Some(1) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, counted).await.expect("in time");
    let replay = StartReplayRequest {
        replay_name: "again".to_owned(),
        event_source_arn: archive,
        event_start_time: Timestamp::from_milliseconds(NOW - 1_000),
        event_end_time: Timestamp::from_milliseconds(NOW + 1_000),
        destination: ReplayDestination { arn: default_bus(), ..Default::default() },
        ..Default::default()
    };
    bench.call::<events::StartReplay>(replay).await.unwrap();
    let event = bench.events(&queue, 1).await.remove(0);
    assert_eq!(event["replay-name"], "again");
    assert_eq!(event["detail"], json!({"keep": true}));
    let described = || DescribeReplayRequest { replay_name: "again".to_owned(), ..Default::default() };
    let over = async {
        while bench.call::<events::DescribeReplay>(described()).await.unwrap().state.as_deref() != Some("COMPLETED") {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, over).await.expect("in time");
}

#[tokio::test]
async fn an_archive_forgets_what_is_too_old_also_when_nothing_comes() {
    let bench = Bench::new().await;
    let input = api::events::CreateArchiveRequest {
        archive_name: "short".to_owned(),
        event_source_arn: format!("arn:aws:events:{REGION}:{ACCOUNT}:event-bus/default"),
        retention_days: Some(1),
        ..Default::default()
    };
    bench.call::<events::CreateArchive>(input).await.unwrap();
    bench.put((0..10).map(|_| entry("shop", "{}")).collect()).await;
    let count = async |expected: i64| {
        let settled = async {
            loop {
                let input =
                    api::events::DescribeArchiveRequest { archive_name: "short".to_owned(), ..Default::default() };
                let archive = bench.call::<events::DescribeArchive>(input).await.unwrap();
                if archive.event_count == Some(expected) {
                    return archive.size_bytes;
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, settled).await.expect("in time")
    };
    assert!(count(10).await > Some(0));
    bench.platform.clock.advance(Duration::from_secs(86_401));
    assert_eq!(count(0).await, Some(0));
}
