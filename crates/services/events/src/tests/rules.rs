//! Buses, rules, targets, permissions and tags as they are kept and refused.

use api::events::{
    self, CreateEventBusRequest, DeleteEventBusRequest, DeleteRuleRequest, DescribeEventBusRequest,
    DescribeRuleRequest, InputTransformer, ListEventBusesRequest, ListRuleNamesByTargetRequest,
    ListTargetsByRuleRequest, PutPermissionRequest, PutRuleRequest, PutTargetsRequest, RemoveTargetsRequest, Tag,
    TagResourceRequest, Target, TestEventPatternRequest,
};
use platform::testing::{ACCOUNT, REGION};
use serde_json::{Value, json};

use super::{Bench, to};

#[tokio::test]
async fn buses_come_and_go_but_the_default_one_stays() {
    let bench = Bench::new().await;
    let made = || CreateEventBusRequest { name: "one".to_owned(), ..Default::default() };
    bench.call::<events::CreateEventBus>(made()).await.unwrap();
    let text = bench.refused::<events::CreateEventBus>(made()).await;
    assert_eq!(text, "ResourceAlreadyExistsException: Event bus one already exists.");
    let input = ListEventBusesRequest { limit: Some(1), ..Default::default() };
    let first = bench.call::<events::ListEventBuses>(input).await.unwrap();
    let input = ListEventBusesRequest { next_token: first.next_token.clone(), ..Default::default() };
    let second = bench.call::<events::ListEventBuses>(input).await.unwrap();
    let names: Vec<_> = first.event_buses.into_iter().chain(second.event_buses).flatten().map(|bus| bus.name).collect();
    assert_eq!(names, [Some("default".to_owned()), Some("one".to_owned())]);
    assert_eq!(second.next_token, None);
    let deleted = |name: &str| DeleteEventBusRequest { name: name.to_owned(), ..Default::default() };
    bench.call::<events::DeleteEventBus>(deleted("one")).await.unwrap();
    let input = DescribeEventBusRequest { name: Some("one".to_owned()) };
    let text = bench.refused::<events::DescribeEventBus>(input).await;
    assert_eq!(text, "ResourceNotFoundException: Event bus one does not exist.");
    let text = bench.refused::<events::DeleteEventBus>(deleted("default")).await;
    assert_eq!(text, "ValidationException: Cannot delete event bus default.");
}

#[tokio::test]
async fn a_rule_needs_a_pattern_or_a_schedule_that_is_one() {
    let bench = Bench::new().await;
    let rule = |pattern: Option<&str>, schedule: Option<&str>| PutRuleRequest {
        name: "one".to_owned(),
        event_pattern: pattern.map(str::to_owned),
        schedule_expression: schedule.map(str::to_owned),
        ..Default::default()
    };
    let text = bench.refused::<events::PutRule>(rule(None, None)).await;
    assert_eq!(text, "ValidationException: Parameter(s) EventPattern or ScheduleExpression must be specified.");
    let text = bench.refused::<events::PutRule>(rule(None, Some("rate(1 minutes)"))).await;
    assert_eq!(text, "ValidationException: Parameter ScheduleExpression is not valid.");
    let text = bench.refused::<events::PutRule>(rule(Some(r#"{"a":"b"}"#), None)).await;
    assert!(text.starts_with("InvalidEventPatternException: Event pattern is not valid. Reason: "), "{text}");
    let input = DescribeRuleRequest { name: "one".to_owned(), ..Default::default() };
    let text = bench.refused::<events::DescribeRule>(input).await;
    assert_eq!(text, "ResourceNotFoundException: Rule one does not exist on EventBus default.");
}

#[tokio::test]
async fn a_rule_keeps_its_targets_until_they_are_removed() {
    let bench = Bench::new().await;
    let queue = bench.queue("all").await;
    bench.rule("one", r#"{"source":["a"]}"#).await;
    bench.target("one", to(&queue)).await;
    bench.rule("one", r#"{"source":["b"]}"#).await;
    let input = ListTargetsByRuleRequest { rule: "one".to_owned(), ..Default::default() };
    let listed = bench.call::<events::ListTargetsByRule>(input).await.unwrap();
    assert_eq!(listed.targets, Some(vec![to(&queue)]));
    let input = ListRuleNamesByTargetRequest { target_arn: queue.arn.clone(), ..Default::default() };
    let named = bench.call::<events::ListRuleNamesByTarget>(input).await.unwrap();
    assert_eq!(named.rule_names, Some(vec!["one".to_owned()]));
    let deleted = || DeleteRuleRequest { name: "one".to_owned(), ..Default::default() };
    let text = bench.refused::<events::DeleteRule>(deleted()).await;
    assert_eq!(text, "ValidationException: Rule can't be deleted since it has targets.");
    let ids = vec!["one".to_owned(), "two".to_owned()];
    let input = RemoveTargetsRequest { rule: "one".to_owned(), ids, ..Default::default() };
    let removed = bench.call::<events::RemoveTargets>(input).await.unwrap();
    assert_eq!(removed.failed_entry_count, Some(1));
    bench.call::<events::DeleteRule>(deleted()).await.unwrap();
}

#[tokio::test]
async fn targets_that_cannot_be_called_are_refused_by_name() {
    let bench = Bench::new().await;
    bench.rule("one", r#"{"source":["a"]}"#).await;
    let put = |arn: &str| PutTargetsRequest {
        rule: "one".to_owned(),
        targets: vec![Target { id: "one".to_owned(), arn: arn.to_owned(), ..Default::default() }],
        ..Default::default()
    };
    let text = bench.refused::<events::PutTargets>(put("nowhere")).await;
    assert_eq!(
        text,
        "ValidationException: Parameter nowhere is not valid. Reason: Provided Arn is not in correct format."
    );
    let text = bench.refused::<events::PutTargets>(put("arn:aws:batch:eu-west-1:111122223333:job-queue/q")).await;
    assert!(text.ends_with("Targets of batch are not supported."), "{text}");
    let text = bench.refused::<events::PutTargets>(put("arn:aws:sqs:eu-west-1:111122223333:q.fifo")).await;
    assert_eq!(text, "ValidationException: Parameter(s) SqsParameters must be specified for target: one.");
}

#[tokio::test]
async fn a_template_asks_only_for_what_it_names() {
    let bench = Bench::new().await;
    bench.rule("r", r#"{"source":["shop"]}"#).await;
    let queue = bench.queue("inbox").await;
    let transformer = InputTransformer {
        input_template: r#"{"a": <known>, "b": <aws.events.event.json>, "c": <unknown>}"#.to_owned(),
        input_paths_map: Some([("known".to_owned(), "$.detail".to_owned())].into()),
        ..InputTransformer::default()
    };
    let target = Target { input_transformer: Some(transformer), ..to(&queue) };
    let id = target.id.clone();
    let input = PutTargetsRequest { rule: "r".to_owned(), targets: vec![target], ..PutTargetsRequest::default() };
    let refused = bench.refused::<events::PutTargets>(input).await;
    assert_eq!(
        refused,
        format!("ValidationException: InputTemplate for target {id} contains invalid placeholder unknown.")
    );
}

#[tokio::test]
async fn permissions_make_the_policy() {
    let bench = Bench::new().await;
    let input = PutPermissionRequest {
        action: Some("events:PutEvents".to_owned()),
        principal: Some("444455556666".to_owned()),
        statement_id: Some("them".to_owned()),
        ..Default::default()
    };
    bench.call::<events::PutPermission>(input).await.unwrap();
    let bus = bench.call::<events::DescribeEventBus>(DescribeEventBusRequest::default()).await.unwrap();
    let policy: Value = serde_json::from_str(&bus.policy.unwrap()).unwrap();
    let statement = json!({
        "Sid": "them", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::444455556666:root"},
        "Action": "events:PutEvents", "Resource": format!("arn:aws:events:{REGION}:{ACCOUNT}:event-bus/default"),
    });
    assert_eq!(policy, json!({"Version": "2012-10-17", "Statement": [statement]}));
}

#[tokio::test]
async fn rules_and_buses_have_tags() {
    let bench = Bench::new().await;
    bench.rule("one", r#"{"source":["a"]}"#).await;
    let tag = Tag { key: "team".to_owned(), value: "blue".to_owned(), ..Default::default() };
    for arn in ["rule/one", "event-bus/default"] {
        let resource_arn = format!("arn:aws:events:{REGION}:{ACCOUNT}:{arn}");
        let input =
            TagResourceRequest { resource_arn: resource_arn.clone(), tags: vec![tag.clone()], ..Default::default() };
        bench.call::<events::TagResource>(input).await.unwrap();
        let input = events::ListTagsForResourceRequest { resource_arn, ..Default::default() };
        let listed = bench.call::<events::ListTagsForResource>(input).await.unwrap();
        assert_eq!(listed.tags, Some(vec![tag.clone()]));
    }
}

#[tokio::test]
async fn a_pattern_is_tested() {
    let bench = Bench::new().await;
    let event = json!({
        "id": "1", "account": ACCOUNT, "source": "shop", "time": "2025-01-01T00:00:00Z", "region": REGION,
        "resources": [], "detail-type": "made", "detail": {"n": 3},
    });
    for (pattern, matches) in [(r#"{"detail":{"n":[3]}}"#, true), (r#"{"detail":{"n":[4]}}"#, false)] {
        let input = TestEventPatternRequest {
            event_pattern: pattern.to_owned(),
            event: event.to_string(),
            ..Default::default()
        };
        assert_eq!(bench.call::<events::TestEventPattern>(input).await.unwrap().result, Some(matches));
    }
}
