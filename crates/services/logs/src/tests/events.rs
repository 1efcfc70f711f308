//! Writing and reading a stream.

use api::logs::{self, Entity, GetLogEventsRequest, GetLogEventsResponse, PutLogEventsRequest};
use store::{Profile, Store};

use crate::limits::DAY_MS;
use crate::testing::{ACCOUNT, Bench, NOW, REGION, write};

fn request() -> GetLogEventsRequest {
    GetLogEventsRequest { log_group_name: Some("g".to_owned()), log_stream_name: "s".to_owned(), ..Default::default() }
}

fn messages(response: &GetLogEventsResponse) -> Vec<&str> {
    let events = response.events.as_deref().unwrap_or_default();
    events.iter().map(|event| event.message.as_deref().expect("every event has a message")).collect()
}

async fn get(bench: &Bench, request: GetLogEventsRequest) -> GetLogEventsResponse {
    bench.call::<logs::GetLogEvents>(request).await.expect("read")
}

async fn bench() -> Bench {
    let bench = Bench::new();
    bench.group("g").await;
    bench.stream("g", "s").await;
    bench
}

#[tokio::test]
async fn events_come_back_as_they_were_written() {
    let bench = bench().await;
    let message = "🙀 - 参よ\n\t\"quoted\" \u{0}";
    let answer = bench.put("g", "s", &[(NOW - 5, message), (NOW, "later")]).await;
    assert_eq!(answer.next_sequence_token.map(|token| token.len()), Some(56));
    assert_eq!(answer.rejected_log_events_info, None);
    let response = get(&bench, request()).await;
    assert_eq!(messages(&response), [message, "later"]);
    let event = &response.events.expect("given")[0];
    assert_eq!((event.timestamp, event.ingestion_time), (Some(NOW - 5), Some(NOW)));
}

#[tokio::test]
async fn ten_thousand_events_are_taken_at_once_and_kept_in_order() {
    let bench = bench().await;
    let texts: Vec<String> = (0..10_000).map(|number| number.to_string()).collect();
    let events: Vec<_> = texts.iter().map(|text| (NOW, text.as_str())).collect();
    bench.put("g", "s", &events).await;
    let response = get(&bench, GetLogEventsRequest { start_from_head: Some(true), ..request() }).await;
    assert_eq!(messages(&response), texts);
}

#[tokio::test]
async fn what_does_not_hold_is_refused_and_changes_nothing() {
    let bench = bench().await;
    let refused = bench.refused::<logs::PutLogEvents>(write("g", "s", &[(NOW, "a"), (NOW - 1, "b")])).await;
    let text = "Log events in a single PutLogEvents request must be in chronological order.";
    assert_eq!(refused, format!("InvalidParameterException: {text}"));
    let span = write("g", "s", &[(NOW - DAY_MS - 1, "a"), (NOW, "b")]);
    assert!(bench.refused::<logs::PutLogEvents>(span).await.ends_with("cannot span more than 24 hours."));
    let refused = bench.refused::<logs::PutLogEvents>(write("g", "x", &[(NOW, "a")])).await;
    assert_eq!(refused, "ResourceNotFoundException: The specified log stream does not exist.");
    let refused = bench.refused::<logs::PutLogEvents>(write("x", "s", &[(NOW, "a")])).await;
    assert_eq!(refused, "ResourceNotFoundException: The specified log group does not exist.");
    let refused = bench.refused::<logs::PutLogEvents>(write("g", "s", &[])).await;
    assert!(refused.starts_with("InvalidParameterException: 1 validation error detected"), "{refused}");
    let refused = bench.refused::<logs::PutLogEvents>(write("g", "s", &[(NOW, "")])).await;
    assert!(refused.starts_with("InvalidParameterException: 1 validation error detected"), "{refused}");
    assert!(messages(&get(&bench, request()).await).is_empty());
}

#[tokio::test]
async fn events_out_of_time_are_left_out_and_named() {
    let bench = bench().await;
    let events = [(NOW - 15 * DAY_MS, "old"), (NOW, "now"), (NOW + DAY_MS / 8, "new")];
    let rejected = bench.put("g", "s", &events).await.rejected_log_events_info.expect("two are rejected");
    assert_eq!(rejected.too_old_log_event_end_index, Some(1));
    assert_eq!(rejected.too_new_log_event_start_index, Some(2));
    assert_eq!(rejected.expired_log_event_end_index, None);
    assert_eq!(messages(&get(&bench, request()).await), ["now"]);
    let answer = bench.put("g", "s", &[(NOW - 30 * DAY_MS, "old")]).await;
    assert!(answer.next_sequence_token.is_some(), "also when nothing is left");
}

#[tokio::test]
async fn an_entity_is_rejected_and_its_events_are_kept() {
    let bench = bench().await;
    let input = PutLogEventsRequest { entity: Some(Entity::default()), ..write("g", "s", &[(NOW, "kept")]) };
    let answer = bench.call::<logs::PutLogEvents>(input).await.expect("accepted");
    assert!(answer.rejected_entity_info.is_some());
    assert_eq!(messages(&get(&bench, request()).await), ["kept"]);
}

#[tokio::test]
async fn the_latest_page_comes_first_and_tokens_lead_both_ways() {
    let bench = bench().await;
    bench.put("g", "s", &[(NOW, "1"), (NOW, "2"), (NOW, "3"), (NOW + 1, "4"), (NOW + 2, "5")]).await;
    let two = GetLogEventsRequest { limit: Some(2), ..request() };
    let latest = get(&bench, two.clone()).await;
    assert_eq!(messages(&latest), ["4", "5"]);
    let earlier = GetLogEventsRequest { next_token: latest.next_backward_token.clone(), ..two.clone() };
    let earlier = get(&bench, earlier).await;
    assert_eq!(messages(&earlier), ["2", "3"]);
    let back = GetLogEventsRequest { next_token: earlier.next_forward_token.clone(), ..two.clone() };
    assert_eq!(get(&bench, back).await, latest);
    let first = GetLogEventsRequest { next_token: earlier.next_backward_token, ..two.clone() };
    let first = get(&bench, first).await;
    assert_eq!(messages(&first), ["1"]);
    let head = GetLogEventsRequest { start_from_head: Some(true), ..two };
    assert_eq!(messages(&get(&bench, head).await), ["1", "2"]);
}

#[tokio::test]
async fn at_the_end_the_same_token_comes_back_and_later_leads_on() {
    let bench = bench().await;
    let head = GetLogEventsRequest { start_from_head: Some(true), ..request() };
    let empty = get(&bench, head.clone()).await;
    bench.put("g", "s", &[(NOW, "1")]).await;
    let from_empty = GetLogEventsRequest { next_token: empty.next_forward_token, ..head.clone() };
    let one = get(&bench, from_empty).await;
    assert_eq!(messages(&one), ["1"]);
    let token = one.next_forward_token.expect("always given");
    assert!(token.starts_with("f/") && token.ends_with("/s"), "{token}");
    let again = GetLogEventsRequest { next_token: Some(token.clone()), ..head };
    let end = get(&bench, again.clone()).await;
    assert!(messages(&end).is_empty());
    assert_eq!(end.next_forward_token, Some(token));
    bench.put("g", "s", &[(NOW, "2")]).await;
    assert_eq!(messages(&get(&bench, again).await), ["2"]);
}

#[tokio::test]
async fn the_end_of_the_time_range_does_not_belong_to_it() {
    let bench = bench().await;
    bench.put("g", "s", &[(NOW, "1"), (NOW + 1, "2"), (NOW + 2, "3")]).await;
    let range = GetLogEventsRequest { start_time: Some(NOW + 1), end_time: Some(NOW + 2), ..request() };
    assert_eq!(messages(&get(&bench, range.clone()).await), ["2"]);
    let none = GetLogEventsRequest { end_time: Some(NOW), ..range };
    assert!(messages(&get(&bench, none).await).is_empty());
}

#[tokio::test]
async fn a_page_holds_one_mebibyte_but_always_one_event() {
    let bench = bench().await;
    let large = "x".repeat(1_048_576 - 26);
    bench.put("g", "s", &[(NOW, &large)]).await;
    bench.put("g", "s", &[(NOW + 1, "small")]).await;
    let head = GetLogEventsRequest { start_from_head: Some(true), ..request() };
    assert_eq!(messages(&get(&bench, head).await).len(), 1);
    assert_eq!(messages(&get(&bench, request()).await), ["small"]);
}

#[tokio::test]
async fn a_group_is_named_by_name_or_by_arn_but_not_by_both() {
    let bench = bench().await;
    bench.put("g", "s", &[(NOW, "1")]).await;
    let arn = format!("arn:aws:logs:{REGION}:{ACCOUNT}:log-group:g");
    for identifier in ["g", &arn] {
        let identifier = Some(identifier.to_owned());
        let request = GetLogEventsRequest { log_group_name: None, log_group_identifier: identifier, ..request() };
        assert_eq!(messages(&get(&bench, request).await), ["1"]);
    }
    let star = Some(format!("{arn}:*"));
    let star = GetLogEventsRequest { log_group_name: None, log_group_identifier: star, ..request() };
    assert!(bench.refused::<logs::GetLogEvents>(star).await.contains("regular expression pattern"));
    let both = GetLogEventsRequest { log_group_identifier: Some("g".into()), ..request() };
    let refused = bench.refused::<logs::GetLogEvents>(both).await;
    let text = "LogGroup name and LogGroup ARN are mutually exclusive parameters.";
    assert_eq!(refused, format!("InvalidParameterException: {text}"));
    let neither = GetLogEventsRequest { log_group_name: None, ..request() };
    assert!(bench.refused::<logs::GetLogEvents>(neither).await.starts_with("InvalidParameterException: "));
    let elsewhere = Some(arn.replace(REGION, "us-east-1"));
    let elsewhere = GetLogEventsRequest { log_group_name: None, log_group_identifier: elsewhere, ..request() };
    let refused = bench.refused::<logs::GetLogEvents>(elsewhere).await;
    assert_eq!(refused, "ResourceNotFoundException: The specified log group does not exist.");
}

#[tokio::test]
async fn limits_and_tokens_that_do_not_hold_are_refused() {
    let bench = bench().await;
    let limit = GetLogEventsRequest { limit: Some(10_001), ..request() };
    let refused = bench.refused::<logs::GetLogEvents>(limit).await;
    let text = "1 validation error detected: Value '10001' at 'limit' failed to satisfy constraint: Member must have \
                value less than or equal to 10000";
    assert_eq!(refused, format!("InvalidParameterException: {text}"));
    let token = GetLogEventsRequest { next_token: Some("invalid-token".into()), ..request() };
    let refused = bench.refused::<logs::GetLogEvents>(token).await;
    assert_eq!(refused, "InvalidParameterException: The specified nextToken is invalid.");
}

#[tokio::test]
async fn events_survive_a_restart_and_numbers_are_not_used_again() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let open = || Store::open(directory.path(), Profile::Relaxed).expect("opens");
    let before = Bench::over(open(), u64::MAX);
    before.group("g").await;
    before.stream("g", "s").await;
    before.put("g", "s", &[(NOW, "before")]).await;
    before.logs.platform.telemetry.shutdown().await;
    let after = Bench::over(open(), u64::MAX);
    after.put("g", "s", &[(NOW, "after")]).await;
    after.group("h").await;
    after.stream("h", "s").await;
    assert_eq!(messages(&get(&after, request()).await), ["before", "after"]);
    let other = GetLogEventsRequest { log_group_name: Some("h".to_owned()), ..request() };
    assert!(messages(&get(&after, other).await).is_empty());
}

#[tokio::test]
async fn a_watch_tells_of_new_events() {
    let bench = bench().await;
    let cx = bench.context(ACCOUNT, REGION);
    let mut watch = bench.logs.watch(&cx, "g").await.expect("the group exists");
    bench.put("g", "s", &[(NOW, "1")]).await;
    watch.changed().await.expect("the store is open");
    assert!(bench.logs.watch(&cx, "x").await.is_err());
}
