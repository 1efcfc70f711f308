//! Log groups and their retention.

use std::time::Duration;

use api::logs::{
    self, CreateLogGroupRequest, DeleteLogGroupRequest, DescribeLogGroupsRequest, DescribeLogGroupsResponse,
    FilterLogEventsRequest, LogGroup, PutRetentionPolicyRequest,
};

use crate::limits::DAY_MS;
use crate::testing::{ACCOUNT, Bench, NOW, REGION};

fn create(name: &str) -> CreateLogGroupRequest {
    CreateLogGroupRequest { log_group_name: name.to_owned(), ..Default::default() }
}

fn delete(name: &str) -> DeleteLogGroupRequest {
    DeleteLogGroupRequest { log_group_name: name.to_owned(), ..Default::default() }
}

fn names(response: &DescribeLogGroupsResponse) -> Vec<&str> {
    let groups = response.log_groups.as_deref().unwrap_or_default();
    groups.iter().map(|group| group.log_group_name.as_deref().expect("every group has a name")).collect()
}

async fn describe(bench: &Bench, request: DescribeLogGroupsRequest) -> DescribeLogGroupsResponse {
    bench.call::<logs::DescribeLogGroups>(request).await.expect("described")
}

#[tokio::test]
async fn a_new_group_is_described_as_aws_does() {
    let bench = Bench::new();
    bench.group("/aws/lambda/f").await;
    let arn = format!("arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/lambda/f");
    let expected = LogGroup {
        log_group_name: Some("/aws/lambda/f".into()),
        creation_time: Some(NOW),
        metric_filter_count: Some(0),
        arn: Some(format!("{arn}:*")),
        stored_bytes: Some(0),
        log_group_class: Some("STANDARD".into()),
        log_group_arn: Some(arn),
        deletion_protection_enabled: Some(false),
        ..Default::default()
    };
    assert_eq!(describe(&bench, Default::default()).await.log_groups, Some(vec![expected]));
}

#[tokio::test]
async fn names_are_unique_in_an_account_and_region() {
    let bench = Bench::new();
    bench.group("g").await;
    let refused = bench.refused::<logs::CreateLogGroup>(create("g")).await;
    assert_eq!(refused, "ResourceAlreadyExistsException: The specified log group already exists");
    for (account, region) in [(ACCOUNT, "us-east-1"), ("444455556666", REGION)] {
        let cx = bench.context(account, region);
        cx.call::<logs::CreateLogGroup>(create("g")).await.expect("another place");
        let response = cx.call::<logs::DescribeLogGroups>(Default::default()).await.expect("described");
        assert_eq!(names(&response), ["g"]);
    }
}

#[tokio::test]
async fn what_cannot_be_done_is_refused_by_name() {
    let bench = Bench::new();
    let refused = bench.refused::<logs::CreateLogGroup>(create("aws/mine")).await;
    assert_eq!(refused, "InvalidParameterException: Log groups starting with AWS/ are reserved for AWS.");
    let key = CreateLogGroupRequest { kms_key_id: Some("arn:aws:kms:x".into()), ..create("g") };
    let refused = bench.refused::<logs::CreateLogGroup>(key).await;
    assert_eq!(refused, "InvalidParameterException: The specified KMS Key Id could not be found.");
    let protected = CreateLogGroupRequest { deletion_protection_enabled: Some(true), ..create("g") };
    let refused = bench.refused::<logs::CreateLogGroup>(protected).await;
    assert!(refused.contains("deletionProtectionEnabled"), "{refused}");
    let refused = bench.refused::<logs::CreateLogGroup>(create("a b")).await;
    assert!(refused.starts_with("InvalidParameterException: 1 validation error detected"), "{refused}");
    assert!(names(&describe(&bench, Default::default()).await).is_empty());
}

#[tokio::test]
async fn groups_are_listed_by_name_page_by_page() {
    let bench = Bench::new();
    for number in 0..60 {
        bench.group(&format!("g{number:02}")).await;
    }
    let first = describe(&bench, Default::default()).await;
    assert_eq!(names(&first).len(), 50);
    assert!(names(&first).is_sorted());
    let rest = DescribeLogGroupsRequest { next_token: first.next_token.clone(), ..Default::default() };
    let rest = describe(&bench, rest).await;
    assert_eq!((names(&rest)[0], names(&rest).len(), rest.next_token.clone()), ("g50", 10, None));
    let exact =
        DescribeLogGroupsRequest { limit: Some(10), log_group_name_prefix: Some("g1".into()), ..Default::default() };
    let exact = describe(&bench, exact).await;
    assert_eq!((names(&exact).len(), exact.next_token.clone()), (10, None), "nothing follows a full last page");
}

#[tokio::test]
async fn groups_are_found_by_prefix_pattern_class_and_identifier() {
    let bench = Bench::new();
    for name in ["DataLogs", "app/DataLogs", "datalogs", "x"] {
        bench.group(name).await;
    }
    let rare = CreateLogGroupRequest { log_group_class: Some("INFREQUENT_ACCESS".into()), ..create("rare") };
    bench.call::<logs::CreateLogGroup>(rare).await.expect("created");
    let prefix = DescribeLogGroupsRequest { log_group_name_prefix: Some("Data".into()), ..Default::default() };
    assert_eq!(names(&describe(&bench, prefix.clone()).await), ["DataLogs"]);
    let pattern = DescribeLogGroupsRequest { log_group_name_pattern: Some("DataLogs".into()), ..Default::default() };
    let found = describe(&bench, pattern.clone()).await;
    assert_eq!(names(&found), ["DataLogs", "app/DataLogs"]);
    assert_eq!(found.log_groups.expect("given")[0].stored_bytes, None, "a pattern tells less");
    let class = DescribeLogGroupsRequest { log_group_class: Some("INFREQUENT_ACCESS".into()), ..Default::default() };
    assert_eq!(names(&describe(&bench, class).await), ["rare"]);
    let identifiers = vec!["x".into(), format!("arn:aws:logs:{REGION}:{ACCOUNT}:log-group:DataLogs"), "missing".into()];
    let named = DescribeLogGroupsRequest { log_group_identifiers: Some(identifiers), ..Default::default() };
    assert_eq!(names(&describe(&bench, named).await), ["DataLogs", "x"]);
    let both = DescribeLogGroupsRequest { log_group_name_pattern: Some("x".into()), ..prefix };
    let refused = bench.refused::<logs::DescribeLogGroups>(both).await;
    let text = "LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.";
    assert_eq!(refused, format!("InvalidParameterException: {text}"));
}

#[tokio::test]
async fn stored_bytes_count_messages_and_their_overhead() {
    let bench = Bench::new();
    bench.group("g").await;
    bench.stream("g", "s").await;
    bench.put("g", "s", &[(NOW, "1234"), (NOW, "567")]).await;
    let groups = describe(&bench, Default::default()).await.log_groups.expect("given");
    assert_eq!(groups[0].stored_bytes, Some(7 + 2 * 26));
}

#[tokio::test]
async fn a_group_made_anew_has_nothing_of_the_one_before() {
    let bench = Bench::new();
    bench.group("g").await;
    bench.stream("g", "s").await;
    bench.put("g", "s", &[(NOW, "before")]).await;
    bench.call::<logs::DeleteLogGroup>(delete("g")).await.expect("deleted");
    let refused = bench.refused::<logs::DeleteLogGroup>(delete("g")).await;
    assert_eq!(refused, "ResourceNotFoundException: The specified log group does not exist.");
    bench.group("g").await;
    let all = FilterLogEventsRequest { log_group_name: Some("g".into()), ..Default::default() };
    let response = bench.call::<logs::FilterLogEvents>(all).await.expect("found");
    assert_eq!(response.events, Some(Vec::new()));
    bench.stream("g", "s").await;
}

#[tokio::test]
async fn retention_takes_only_awss_values_and_hides_what_has_expired() {
    let bench = Bench::new();
    bench.group("g").await;
    bench.stream("g", "s").await;
    bench.put("g", "s", &[(NOW - DAY_MS / 2, "old"), (NOW, "new")]).await;
    let policy =
        |days| PutRetentionPolicyRequest { log_group_name: "g".into(), retention_in_days: days, ..Default::default() };
    let refused = bench.refused::<logs::PutRetentionPolicy>(policy(2)).await;
    let start = "InvalidParameterException: Invalid retention value. Valid values are: [1, 3, 5, 7, 14, 30,";
    assert!(refused.starts_with(start), "{refused}");
    bench.call::<logs::PutRetentionPolicy>(policy(1)).await.expect("set");
    let groups = describe(&bench, Default::default()).await.log_groups.expect("given");
    assert_eq!(groups[0].retention_in_days, Some(1));

    let all = FilterLogEventsRequest { log_group_name: Some("g".into()), ..Default::default() };
    let count = |response: logs::FilterLogEventsResponse| response.events.expect("given").len();
    assert_eq!(count(bench.call::<logs::FilterLogEvents>(all.clone()).await.expect("found")), 2);
    bench.clock.advance(Duration::from_secs(13 * 60 * 60));
    assert_eq!(count(bench.call::<logs::FilterLogEvents>(all.clone()).await.expect("found")), 1);

    let forever = logs::DeleteRetentionPolicyRequest { log_group_name: "g".into(), ..Default::default() };
    bench.call::<logs::DeleteRetentionPolicy>(forever).await.expect("removed");
    assert_eq!(count(bench.call::<logs::FilterLogEvents>(all).await.expect("found")), 2, "it was not swept yet");
}
