use super::*;
use iam::*;

#[tokio::test]
async fn pages_of_users_fit_together_whatever_is_removed_meanwhile() {
    let (platform, _) = bench();
    for number in 0..7 {
        user(&platform, &format!("user{number}")).await;
    }
    let (mut names, mut marker) = (Vec::new(), None);
    loop {
        let input = ListUsersRequest { max_items: Some(2), marker, ..Default::default() };
        let page = platform.call::<ListUsers>(input).await.unwrap();
        assert_eq!(page.is_truncated, Some(page.marker.is_some()));
        for user in &page.users {
            let delete = DeleteUserRequest { user_name: user.user_name.clone(), ..Default::default() };
            platform.call::<DeleteUser>(delete).await.unwrap();
        }
        names.extend(page.users.into_iter().map(|user| user.user_name));
        marker = page.marker;
        if marker.is_none() {
            break;
        }
    }
    assert_eq!(names, ["user0", "user1", "user2", "user3", "user4", "user5", "user6"]);
    let input = ListUsersRequest { marker: Some("foreign".to_owned()), ..Default::default() };
    assert_eq!(refused(platform.call::<ListUsers>(input).await), "ValidationError: Invalid Marker.");
}

#[tokio::test]
async fn policies_are_listed_by_scope_path_and_use() {
    let (platform, _) = bench();
    let arn = policy(&platform, "mine").await;
    role(&platform, "worker").await;
    attach_to_role(&platform, "worker", "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole")
        .await
        .unwrap();
    let list = |scope: &str, only_attached: bool, path: Option<&str>| ListPoliciesRequest {
        scope: Some(scope.to_owned()),
        only_attached: Some(only_attached),
        path_prefix: path.map(str::to_owned),
        max_items: Some(1_000),
        ..Default::default()
    };
    let names = async |input| -> Vec<String> {
        let policies = platform.call::<ListPolicies>(input).await.unwrap().policies.unwrap();
        policies.into_iter().filter_map(|policy| policy.policy_name).collect()
    };
    assert_eq!(names(list("Local", false, None)).await, ["mine"]);
    assert_eq!(names(list("All", true, None)).await, ["AWSLambdaBasicExecutionRole"]);
    assert_eq!(names(list("AWS", false, None)).await.len(), crate::managed::all().len());
    assert!(names(list("All", false, Some("/service-role/"))).await.iter().all(|name| *name != "mine"));
    let listed = platform.call::<ListPolicies>(list("Local", false, None)).await.unwrap().policies.unwrap();
    assert_eq!((listed[0].arn.as_deref(), listed[0].tags.as_ref()), (Some(arn.as_str()), None));
}

#[tokio::test]
async fn authorisation_details_are_whole_across_pages() {
    let (platform, _) = bench();
    for name in ["alice", "bob"] {
        user(&platform, name).await;
    }
    group(&platform, "staff").await;
    join(&platform, "alice", "staff").await;
    role(&platform, "worker").await;
    policy(&platform, "mine").await;
    attach_to_role(&platform, "worker", "arn:aws:iam::aws:policy/ReadOnlyAccess").await.unwrap();
    let (mut seen, mut marker, mut pages) = (Vec::new(), None, 0);
    loop {
        let input = GetAccountAuthorizationDetailsRequest { max_items: Some(1), marker, ..Default::default() };
        let page = platform.call::<GetAccountAuthorizationDetails>(input).await.unwrap();
        pages += 1;
        seen.extend(page.user_detail_list.unwrap().into_iter().filter_map(|user| user.user_name));
        seen.extend(page.group_detail_list.unwrap().into_iter().filter_map(|group| group.group_name));
        seen.extend(page.role_detail_list.unwrap().into_iter().filter_map(|role| role.role_name));
        seen.extend(page.policies.unwrap().into_iter().filter_map(|policy| policy.policy_name));
        marker = page.marker;
        assert!(pages < 20, "no end");
        if marker.is_none() {
            break;
        }
    }
    assert_eq!(seen, ["alice", "bob", "staff", "worker", "mine", "ReadOnlyAccess"]);
    let input = GetAccountAuthorizationDetailsRequest { filter: Some(vec!["Group".to_owned()]), ..Default::default() };
    let page = platform.call::<GetAccountAuthorizationDetails>(input).await.unwrap();
    assert_eq!(page.group_detail_list.unwrap().len(), 1);
    assert_eq!((page.user_detail_list.unwrap().len(), page.policies.unwrap().len()), (0, 0));
}

#[tokio::test]
async fn the_summary_counts_what_is_there() {
    let (platform, _) = bench();
    user(&platform, "alice").await;
    role(&platform, "worker").await;
    let arn = policy(&platform, "p").await;
    let count = async |name: &str| {
        let summary = platform.call::<GetAccountSummary>(api::Empty).await.unwrap().summary_map.unwrap();
        summary[name]
    };
    assert_eq!((count("Users").await, count("Roles").await, count("PolicyVersionsInUse").await), (1, 1, 1));
    assert_eq!(count("UsersQuota").await, 5_000);
    platform.call::<DeletePolicy>(DeletePolicyRequest { policy_arn: arn, ..Default::default() }).await.unwrap();
    assert_eq!((count("Policies").await, count("PolicyVersionsInUse").await), (0, 0));
}

#[tokio::test]
async fn the_credential_report_lists_the_root_and_every_user() {
    let (platform, _) = bench();
    user(&platform, "alice").await;
    let key = CreateAccessKeyRequest { user_name: Some("alice".to_owned()) };
    platform.call::<CreateAccessKey>(key).await.unwrap();
    assert!(refused(platform.call::<GetCredentialReport>(api::Empty).await).starts_with("ReportNotPresent"));
    let started = platform.call::<GenerateCredentialReport>(api::Empty).await.unwrap();
    assert_eq!(started.state.as_deref(), Some("STARTED"));
    let state = platform.call::<GenerateCredentialReport>(api::Empty).await.unwrap().state;
    assert_eq!(state.as_deref(), Some("COMPLETE"));
    let report = platform.call::<GetCredentialReport>(api::Empty).await.unwrap();
    let content = String::from_utf8(report.content.unwrap().to_vec()).unwrap();
    let lines: Vec<&str> = content.lines().collect();
    assert_eq!(lines.len(), 3);
    assert!(lines.iter().all(|line| line.split(',').count() == 22), "{content}");
    assert!(lines[1].starts_with("<root_account>,arn:aws:iam::111122223333:root,"));
    assert!(
        lines[2].starts_with(
            "alice,arn:aws:iam::111122223333:user/alice,2025-06-15T15:06:40+00:00,false,N/A,N/A,N/A,false,true,"
        ),
        "{}",
        lines[2]
    );
    platform.clock.advance(std::time::Duration::from_secs(4 * 3_600));
    assert!(refused(platform.call::<GetCredentialReport>(api::Empty).await).starts_with("ReportExpired"));
}
