//! Log streams.

use api::logs::{
    self, CreateLogStreamRequest, DeleteLogStreamRequest, DescribeLogStreamsRequest, DescribeLogStreamsResponse,
    LogStream,
};

use crate::testing::{ACCOUNT, Bench, NOW, REGION};

fn request() -> DescribeLogStreamsRequest {
    DescribeLogStreamsRequest { log_group_name: Some("g".into()), ..Default::default() }
}

fn names(response: &DescribeLogStreamsResponse) -> Vec<&str> {
    let streams = response.log_streams.as_deref().unwrap_or_default();
    streams.iter().map(|stream| stream.log_stream_name.as_deref().expect("every stream has a name")).collect()
}

async fn describe(bench: &Bench, request: DescribeLogStreamsRequest) -> DescribeLogStreamsResponse {
    bench.call::<logs::DescribeLogStreams>(request).await.expect("described")
}

#[tokio::test]
async fn a_stream_is_described_as_aws_does() {
    let bench = Bench::new();
    bench.group("g").await;
    bench.stream("g", "2026/01/01/[$LATEST]abc").await;
    let mut expected = LogStream {
        log_stream_name: Some("2026/01/01/[$LATEST]abc".into()),
        creation_time: Some(NOW),
        arn: Some(format!("arn:aws:logs:{REGION}:{ACCOUNT}:log-group:g:log-stream:2026/01/01/[$LATEST]abc")),
        stored_bytes: Some(0),
        ..Default::default()
    };
    assert_eq!(describe(&bench, request()).await.log_streams, Some(vec![expected.clone()]));
    let answer = bench.put("g", "2026/01/01/[$LATEST]abc", &[(NOW - 7, "a"), (NOW - 5, "b")]).await;
    bench.put("g", "2026/01/01/[$LATEST]abc", &[(NOW - 9, "earlier")]).await;
    expected.first_event_timestamp = Some(NOW - 9);
    expected.last_event_timestamp = Some(NOW - 5);
    expected.last_ingestion_time = Some(NOW);
    let stream = describe(&bench, request()).await.log_streams.expect("given").remove(0);
    assert_ne!(stream.upload_sequence_token, answer.next_sequence_token, "every write has a token of its own");
    expected.upload_sequence_token.clone_from(&stream.upload_sequence_token);
    assert_eq!(stream, expected);
}

#[tokio::test]
async fn streams_are_ordered_by_name_or_by_their_last_event() {
    let bench = Bench::new();
    bench.group("g").await;
    for (name, time) in [("a", 3), ("b", 1), ("c", 2)] {
        bench.stream("g", name).await;
        bench.put("g", name, &[(NOW - 100, "first")]).await;
        bench.put("g", name, &[(NOW + time, "last")]).await;
    }
    bench.stream("g", "empty").await;
    let ordered = |by: &str, descending| DescribeLogStreamsRequest {
        order_by: Some(by.into()),
        descending: Some(descending),
        limit: Some(3),
        ..request()
    };
    for (by, descending, expected) in [
        ("LogStreamName", false, ["a", "b", "c", "empty"]),
        ("LogStreamName", true, ["empty", "c", "b", "a"]),
        ("LastEventTime", false, ["empty", "b", "c", "a"]),
        ("LastEventTime", true, ["a", "c", "b", "empty"]),
    ] {
        let first = describe(&bench, ordered(by, descending)).await;
        assert_eq!(names(&first), expected[..3]);
        let rest = DescribeLogStreamsRequest { next_token: first.next_token.clone(), ..ordered(by, descending) };
        let rest = describe(&bench, rest).await;
        assert_eq!((names(&rest), rest.next_token.clone()), (expected[3..].to_vec(), None));
    }
}

#[tokio::test]
async fn requests_that_do_not_hold_are_refused() {
    let bench = Bench::new();
    bench.group("g").await;
    let prefix = DescribeLogStreamsRequest { log_stream_name_prefix: Some("a".into()), ..request() };
    let by_time = DescribeLogStreamsRequest { order_by: Some("LastEventTime".into()), ..prefix };
    let refused = bench.refused::<logs::DescribeLogStreams>(by_time).await;
    assert_eq!(refused, "InvalidParameterException: Cannot order by LastEventTime with a logStreamNamePrefix.");
    let both = DescribeLogStreamsRequest { log_group_identifier: Some("g".into()), ..request() };
    let refused = bench.refused::<logs::DescribeLogStreams>(both).await;
    let text = "LogGroup name and LogGroup ARN are mutually exclusive parameters.";
    assert_eq!(refused, format!("ValidationException: {text}"));
    for by in ["LogStreamName", "LastEventTime"] {
        let token = Some("%".to_owned());
        let request = DescribeLogStreamsRequest { next_token: token, order_by: Some(by.into()), ..request() };
        let refused = bench.refused::<logs::DescribeLogStreams>(request).await;
        assert_eq!(refused, "InvalidParameterException: The specified nextToken is invalid.");
    }
    let limit = DescribeLogStreamsRequest { limit: Some(51), ..request() };
    assert!(bench.refused::<logs::DescribeLogStreams>(limit).await.contains("less than or equal to 50"));
}

#[tokio::test]
async fn names_are_unique_in_a_group() {
    let bench = Bench::new();
    bench.group("g").await;
    bench.stream("g", "s").await;
    let create = |group: &str| CreateLogStreamRequest {
        log_group_name: group.into(),
        log_stream_name: "s".into(),
        ..Default::default()
    };
    let refused = bench.refused::<logs::CreateLogStream>(create("g")).await;
    assert_eq!(refused, "ResourceAlreadyExistsException: The specified log stream already exists");
    let refused = bench.refused::<logs::CreateLogStream>(create("missing")).await;
    assert_eq!(refused, "ResourceNotFoundException: The specified log group does not exist.");
    let prefixed = DescribeLogStreamsRequest { log_stream_name_prefix: Some("x".into()), ..request() };
    assert!(names(&describe(&bench, prefixed).await).is_empty());
}

#[tokio::test]
async fn a_deleted_stream_is_gone_with_its_events() {
    let bench = Bench::new();
    bench.group("g").await;
    for name in ["s", "t"] {
        bench.stream("g", name).await;
        bench.put("g", name, &[(NOW, name)]).await;
    }
    let delete =
        DeleteLogStreamRequest { log_group_name: "g".into(), log_stream_name: "s".into(), ..Default::default() };
    bench.call::<logs::DeleteLogStream>(delete.clone()).await.expect("deleted");
    let refused = bench.refused::<logs::DeleteLogStream>(delete).await;
    assert_eq!(refused, "ResourceNotFoundException: The specified log stream does not exist.");
    assert_eq!(names(&describe(&bench, request()).await), ["t"]);
    let all = logs::FilterLogEventsRequest { log_group_name: Some("g".into()), ..Default::default() };
    let events = bench.call::<logs::FilterLogEvents>(all).await.expect("found").events.expect("given");
    assert_eq!(events.len(), 1, "also before the sweep");
    bench.stream("g", "s").await;
    let by_time = DescribeLogStreamsRequest { order_by: Some("LastEventTime".into()), ..request() };
    assert_eq!(names(&describe(&bench, by_time).await), ["s", "t"]);
}
