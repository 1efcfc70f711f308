//! Tags of groups, and trying out filter patterns.

use std::collections::BTreeMap;

use api::logs::{
    self, CreateLogGroupRequest, ListTagsForResourceRequest, ListTagsLogGroupRequest, TagLogGroupRequest,
    TagResourceRequest, TestMetricFilterRequest, UntagLogGroupRequest, UntagResourceRequest,
};

use crate::testing::{ACCOUNT, Bench, REGION};

fn tags(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn arn(name: &str) -> String {
    format!("arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{name}")
}

/// The group's tags, which the old and the new operation agree on.
async fn listed(bench: &Bench) -> BTreeMap<String, String> {
    let by_name = ListTagsLogGroupRequest { log_group_name: "g".into(), ..Default::default() };
    let by_name = bench.call::<logs::ListTagsLogGroup>(by_name).await.expect("listed").tags;
    let by_arn = ListTagsForResourceRequest { resource_arn: arn("g"), ..Default::default() };
    let by_arn = bench.call::<logs::ListTagsForResource>(by_arn).await.expect("listed").tags;
    assert_eq!(by_name, by_arn);
    by_arn.expect("given")
}

#[tokio::test]
async fn the_old_and_the_new_operations_share_their_tags() {
    let bench = Bench::new();
    let create = CreateLogGroupRequest {
        log_group_name: "g".into(),
        tags: Some(tags(&[("env", "testing")])),
        ..Default::default()
    };
    bench.call::<logs::CreateLogGroup>(create).await.expect("created");
    assert_eq!(listed(&bench).await, tags(&[("env", "testing")]));
    let add =
        TagResourceRequest { resource_arn: arn("g"), tags: tags(&[("env", "live"), ("a", "1")]), ..Default::default() };
    bench.call::<logs::TagResource>(add).await.expect("tagged");
    let add = TagLogGroupRequest { log_group_name: "g".into(), tags: tags(&[("b", "2")]), ..Default::default() };
    bench.call::<logs::TagLogGroup>(add).await.expect("tagged");
    assert_eq!(listed(&bench).await, tags(&[("a", "1"), ("b", "2"), ("env", "live")]));
    let remove = UntagResourceRequest {
        resource_arn: arn("g"),
        tag_keys: vec!["a".into(), "missing".into()],
        ..Default::default()
    };
    bench.call::<logs::UntagResource>(remove).await.expect("untagged");
    let remove = UntagLogGroupRequest { log_group_name: "g".into(), tags: vec!["b".into()], ..Default::default() };
    bench.call::<logs::UntagLogGroup>(remove).await.expect("untagged");
    assert_eq!(listed(&bench).await, tags(&[("env", "live")]));
}

#[tokio::test]
async fn tags_that_do_not_hold_change_nothing() {
    let bench = Bench::new();
    bench.group("g").await;
    let numbered = |range: std::ops::Range<usize>| range.map(|key| (format!("k{key}"), String::new())).collect();
    let add = |tags| TagResourceRequest { resource_arn: arn("g"), tags, ..Default::default() };
    bench.call::<logs::TagResource>(add(numbered(0..30))).await.expect("tagged");
    let refused = bench.refused::<logs::TagResource>(add(numbered(30..51))).await;
    assert!(refused.starts_with("TooManyTagsException: "), "{refused}");
    assert_eq!(listed(&bench).await.len(), 30);
    let missing = TagResourceRequest { resource_arn: arn("x"), ..add(numbered(0..1)) };
    let refused = bench.refused::<logs::TagResource>(missing).await;
    assert_eq!(refused, "ResourceNotFoundException: The specified log group does not exist.");
    let other = TagResourceRequest { resource_arn: "arn:aws:s3:::b".into(), ..add(numbered(0..1)) };
    assert!(bench.refused::<logs::TagResource>(other).await.starts_with("InvalidParameterException: "));
}

#[tokio::test]
async fn a_metric_filter_is_tried_out_on_messages() {
    let bench = Bench::new();
    let request = TestMetricFilterRequest {
        filter_pattern: "[ip, ..., size > 10]".into(),
        log_event_messages: vec!["10.0.0.1 - 5".into(), "10.0.0.2 [a b] 50".into(), "word".into()],
        ..Default::default()
    };
    let response = bench.call::<logs::TestMetricFilter>(request.clone()).await.expect("tried out");
    let matches = response.matches.expect("given");
    assert_eq!(matches.len(), 1);
    assert_eq!(matches[0].event_number, Some(2));
    assert_eq!(matches[0].event_message.as_deref(), Some("10.0.0.2 [a b] 50"));
    let values = tags(&[("$ip", "10.0.0.2"), ("$2", "a b"), ("$size", "50")]);
    assert_eq!(matches[0].extracted_values, Some(values));
    let wrong = TestMetricFilterRequest { filter_pattern: "{ $.a".into(), ..request };
    let refused = bench.refused::<logs::TestMetricFilter>(wrong).await;
    assert_eq!(refused, "InvalidParameterException: If a filter pattern starts with '{' it must end with '}'");
}
