//! Searching.

use api::logs::{self, FilterLogEventsRequest, FilterLogEventsResponse};

use crate::testing::{Bench, NOW};

fn request(group: &str) -> FilterLogEventsRequest {
    FilterLogEventsRequest { log_group_name: Some(group.to_owned()), ..Default::default() }
}

fn messages(response: &FilterLogEventsResponse) -> Vec<&str> {
    let events = response.events.as_deref().unwrap_or_default();
    events.iter().map(|event| event.message.as_deref().expect("every event has a message")).collect()
}

/// A group `g` with the streams `a`, `b` and `other`.
async fn bench() -> Bench {
    let bench = Bench::new();
    bench.group("g").await;
    for stream in ["a", "b", "other"] {
        bench.stream("g", stream).await;
    }
    bench.put("g", "b", &[(NOW - 3, "b ERROR 1"), (NOW - 1, "b fine 2")]).await;
    bench.put("g", "a", &[(NOW - 4, "a fine 1"), (NOW - 2, "a ERROR 2")]).await;
    bench.put("g", "other", &[(NOW - 2, "other ERROR")]).await;
    bench
}

#[tokio::test]
async fn events_of_all_streams_come_in_order_of_time_and_then_of_arrival() {
    let bench = bench().await;
    let response = bench.call::<logs::FilterLogEvents>(request("g")).await.expect("found");
    assert_eq!(messages(&response), ["a fine 1", "b ERROR 1", "a ERROR 2", "other ERROR", "b fine 2"]);
    assert_eq!(response.next_token, None);
    assert_eq!(response.searched_log_streams, Some(Vec::new()));
    let events = response.events.expect("given");
    assert_eq!(events[0].log_stream_name.as_deref(), Some("a"));
    assert_eq!((events[0].timestamp, events[0].ingestion_time), (Some(NOW - 4), Some(NOW)));
    let ids: Vec<_> = events.iter().map(|event| event.event_id.clone().expect("given")).collect();
    assert!(ids.is_sorted() && ids.iter().all(|id| id.len() == 56), "{ids:?}");
}

#[tokio::test]
async fn streams_are_chosen_by_name_or_by_prefix() {
    let bench = bench().await;
    let names = FilterLogEventsRequest { log_stream_names: Some(vec!["b".into(), "a".into()]), ..request("g") };
    let response = bench.call::<logs::FilterLogEvents>(names.clone()).await.expect("found");
    assert_eq!(messages(&response), ["a fine 1", "b ERROR 1", "a ERROR 2", "b fine 2"]);
    let prefix = FilterLogEventsRequest { log_stream_name_prefix: Some("o".into()), ..request("g") };
    let response = bench.call::<logs::FilterLogEvents>(prefix).await.expect("found");
    assert_eq!(messages(&response), ["other ERROR"]);
    let both = FilterLogEventsRequest { log_stream_name_prefix: Some("o".into()), ..names };
    let refused = bench.refused::<logs::FilterLogEvents>(both).await;
    assert!(refused.starts_with("InvalidParameterException: "), "{refused}");
    let missing = FilterLogEventsRequest { log_stream_names: Some(vec!["a".into(), "x".into()]), ..request("g") };
    let refused = bench.refused::<logs::FilterLogEvents>(missing).await;
    assert_eq!(refused, "ResourceNotFoundException: The specified log stream does not exist.");
}

#[tokio::test]
async fn a_prefix_of_many_streams_is_followed_too() {
    let bench = Bench::new();
    bench.group("g").await;
    for number in 0..=crate::limits::FOLLOWED_STREAMS_MAX {
        let name = format!("p{number}");
        bench.stream("g", &name).await;
        bench.put("g", &name, &[(NOW, &name)]).await;
    }
    bench.stream("g", "q").await;
    bench.put("g", "q", &[(NOW, "q")]).await;
    let prefix = FilterLogEventsRequest { log_stream_name_prefix: Some("p".into()), ..request("g") };
    let response = bench.call::<logs::FilterLogEvents>(prefix).await.expect("found");
    assert_eq!(messages(&response).len(), crate::limits::FOLLOWED_STREAMS_MAX + 1);
    assert!(!messages(&response).contains(&"q"));
}

#[tokio::test]
async fn both_ends_of_the_time_range_belong_to_it() {
    let bench = bench().await;
    let range = FilterLogEventsRequest { start_time: Some(NOW - 3), end_time: Some(NOW - 2), ..request("g") };
    let response = bench.call::<logs::FilterLogEvents>(range).await.expect("found");
    assert_eq!(messages(&response), ["b ERROR 1", "a ERROR 2", "other ERROR"]);
}

#[tokio::test]
async fn a_pattern_chooses_and_a_wrong_one_is_refused() {
    let bench = bench().await;
    let pattern = |pattern: &str| FilterLogEventsRequest { filter_pattern: Some(pattern.into()), ..request("g") };
    let response = bench.call::<logs::FilterLogEvents>(pattern("ERROR -other")).await.expect("found");
    assert_eq!(messages(&response), ["b ERROR 1", "a ERROR 2"]);
    let refused = bench.refused::<logs::FilterLogEvents>(pattern("a@b")).await;
    assert_eq!(refused, "InvalidParameterException: Invalid character(s) in term 'a@b'");
}

/// Follows the tokens to the end and returns the messages of every page.
async fn pages(bench: &Bench, request: FilterLogEventsRequest) -> Vec<Vec<String>> {
    let mut pages = Vec::new();
    let mut next_token = None;
    loop {
        let request = FilterLogEventsRequest { next_token, ..request.clone() };
        let response = bench.call::<logs::FilterLogEvents>(request).await.expect("found");
        pages.push(messages(&response).into_iter().map(str::to_owned).collect());
        next_token = response.next_token;
        assert!(pages.len() < 100, "the pages end");
        if next_token.is_none() {
            return pages;
        }
    }
}

#[tokio::test]
async fn pages_join_without_gaps_and_the_last_has_no_token() {
    let bench = bench().await;
    let two = FilterLogEventsRequest { limit: Some(2), ..request("g") };
    let expected = [vec!["a fine 1", "b ERROR 1"], vec!["a ERROR 2", "other ERROR"], vec!["b fine 2"]];
    assert_eq!(pages(&bench, two.clone()).await, expected);
    let streams = FilterLogEventsRequest { log_stream_names: Some(vec!["a".into(), "b".into()]), ..two.clone() };
    assert_eq!(pages(&bench, streams).await, [["a fine 1", "b ERROR 1"], ["a ERROR 2", "b fine 2"]]);
    let latest = FilterLogEventsRequest { start_from_head: Some(false), start_time: Some(NOW - 10), ..two };
    let expected = [vec!["b fine 2", "other ERROR"], vec!["a ERROR 2", "b ERROR 1"], vec!["a fine 1"]];
    assert_eq!(pages(&bench, latest).await, expected);
}

#[tokio::test]
async fn a_search_that_finds_nothing_for_long_answers_with_an_empty_page() {
    let bench = Bench::new();
    bench.group("g").await;
    bench.stream("g", "s").await;
    let noise = vec![(NOW, "noise"); 10_000];
    bench.put("g", "s", &noise).await;
    bench.put("g", "s", &[(NOW, "needle")]).await;
    let pattern = FilterLogEventsRequest { filter_pattern: Some("needle".into()), ..request("g") };
    assert_eq!(pages(&bench, pattern).await, [vec![], vec!["needle"]]);
}

#[tokio::test]
async fn an_answer_holds_one_mebibyte_of_events() {
    let bench = Bench::new();
    bench.group("g").await;
    bench.stream("g", "s").await;
    let large = "x".repeat(600_000);
    bench.put("g", "s", &[(NOW, &large)]).await;
    bench.put("g", "s", &[(NOW, &large), (NOW, "small")]).await;
    let lengths: Vec<_> = pages(&bench, request("g")).await.iter().map(Vec::len).collect();
    assert_eq!(lengths, [1, 2]);
}

#[tokio::test]
async fn tokens_and_starts_that_do_not_hold_are_refused() {
    let bench = bench().await;
    let token = FilterLogEventsRequest { next_token: Some("unknown".into()), ..request("g") };
    let refused = bench.refused::<logs::FilterLogEvents>(token).await;
    assert_eq!(refused, "InvalidParameterException: The specified nextToken is invalid.");
    let latest = FilterLogEventsRequest { start_from_head: Some(false), ..request("g") };
    assert!(bench.refused::<logs::FilterLogEvents>(latest).await.starts_with("InvalidParameterException: "));
    let refused = bench.refused::<logs::FilterLogEvents>(request("missing")).await;
    assert_eq!(refused, "ResourceNotFoundException: The specified log group does not exist.");
}
