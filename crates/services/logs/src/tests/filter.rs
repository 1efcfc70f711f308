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
