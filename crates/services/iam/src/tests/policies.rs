use super::*;
use iam::*;

fn version(arn: &str, as_default: bool) -> CreatePolicyVersionRequest {
    CreatePolicyVersionRequest {
        policy_arn: arn.to_owned(),
        policy_document: ALLOW.to_owned(),
        set_as_default: Some(as_default),
        ..Default::default()
    }
}

#[tokio::test]
async fn a_policy_has_five_versions_and_gives_no_number_twice() {
    let (platform, _) = bench();
    let arn = policy(&platform, "p").await;
    for _ in 2..=5 {
        platform.call::<CreatePolicyVersion>(version(&arn, false)).await.unwrap();
    }
    let text = refused(platform.call::<CreatePolicyVersion>(version(&arn, false)).await);
    assert!(text.starts_with("LimitExceeded: A managed policy can have up to 5 versions."), "{text}");
    let named = |id: &str| (arn.clone(), id.to_owned());
    let delete = |(policy_arn, version_id)| DeletePolicyVersionRequest { policy_arn, version_id, ..Default::default() };
    let text = refused(platform.call::<DeletePolicyVersion>(delete(named("v1"))).await);
    assert_eq!(text, "DeleteConflict: Cannot delete the default version of a policy.");
    platform.call::<DeletePolicyVersion>(delete(named("v5"))).await.unwrap();
    let made = platform.call::<CreatePolicyVersion>(version(&arn, true)).await.unwrap().policy_version.unwrap();
    assert_eq!((made.version_id.as_deref(), made.is_default_version), (Some("v6"), Some(true)));
    let list = ListPolicyVersionsRequest { policy_arn: arn.clone(), ..Default::default() };
    let versions = platform.call::<ListPolicyVersions>(list).await.unwrap().versions.unwrap();
    let ids: Vec<_> = versions.iter().map(|version| version.version_id.as_deref().unwrap()).collect();
    assert_eq!(ids, ["v6", "v4", "v3", "v2", "v1"]);
}

#[tokio::test]
async fn a_policy_in_use_stays_and_tells_who_uses_it() {
    let (platform, _) = bench();
    let arn = policy(&platform, "p").await;
    role(&platform, "worker").await;
    user(&platform, "alice").await;
    attach_to_role(&platform, "worker", &arn).await.unwrap();
    attach_to_role(&platform, "worker", &arn).await.unwrap();
    let bound = PutUserPermissionsBoundaryRequest {
        user_name: "alice".to_owned(),
        permissions_boundary: arn.clone(),
        ..Default::default()
    };
    platform.call::<PutUserPermissionsBoundary>(bound).await.unwrap();
    let get = || GetPolicyRequest { policy_arn: arn.clone(), ..Default::default() };
    let shown = platform.call::<GetPolicy>(get()).await.unwrap().policy.unwrap();
    assert_eq!((shown.attachment_count, shown.permissions_boundary_usage_count), (Some(1), Some(1)));
    let delete = || DeletePolicyRequest { policy_arn: arn.clone(), ..Default::default() };
    let text = refused(platform.call::<DeletePolicy>(delete()).await);
    assert_eq!(text, "DeleteConflict: Cannot delete a policy attached to entities.");
    let entities = ListEntitiesForPolicyRequest { policy_arn: arn.clone(), ..Default::default() };
    let entities = platform.call::<ListEntitiesForPolicy>(entities).await.unwrap();
    assert_eq!(entities.policy_roles.unwrap()[0].role_name.as_deref(), Some("worker"));
    assert_eq!(entities.policy_users.unwrap()[0].user_name.as_deref(), Some("alice"));
    let detach =
        DetachRolePolicyRequest { role_name: "worker".to_owned(), policy_arn: arn.clone(), ..Default::default() };
    platform.call::<DetachRolePolicy>(detach).await.unwrap();
    let unbound = DeleteUserPermissionsBoundaryRequest { user_name: "alice".to_owned(), ..Default::default() };
    platform.call::<DeleteUserPermissionsBoundary>(unbound).await.unwrap();
    assert!(platform.call::<DeletePolicy>(delete()).await.is_ok());
    let text = refused(platform.call::<GetPolicy>(get()).await);
    assert_eq!(text, format!("NoSuchEntity: Policy {arn} was not found."));
}

#[tokio::test]
async fn only_what_exists_is_attached() {
    let (platform, _) = bench();
    role(&platform, "worker").await;
    let text = refused(attach_to_role(&platform, "worker", "longpolicynamebutnoarn").await);
    assert_eq!(text, "ValidationError: ARN longpolicynamebutnoarn is not valid.");
    let absent = "arn:aws:iam::111122223333:policy/absent";
    let text = refused(attach_to_role(&platform, "worker", absent).await);
    assert_eq!(text, format!("NoSuchEntity: Policy {absent} does not exist or is not attachable."));
    let reserved = "arn:aws:iam::aws:policy/aws-service-role/AWSLambdaReplicator";
    assert!(refused(attach_to_role(&platform, "worker", reserved).await).starts_with("PolicyNotAttachable"));
    let mut attached = 0;
    for policy in crate::managed::all().iter().filter(|policy| !policy.is_for_service_roles()) {
        match attach_to_role(&platform, "worker", &policy.arn()).await {
            Ok(_) => attached += 1,
            Err(error) => {
                assert_eq!(refused::<()>(Err(error)), "LimitExceeded: Cannot exceed quota for PoliciesPerRole: 10");
                break;
            }
        }
    }
    assert_eq!(attached, 10);
}

#[tokio::test]
async fn inline_policies_together_have_a_quota() {
    let (platform, _) = bench();
    user(&platform, "alice").await;
    let put = |name: &str, padding: usize| {
        let sid = "x".repeat(padding);
        PutUserPolicyRequest {
            user_name: "alice".to_owned(),
            policy_name: name.to_owned(),
            policy_document: ALLOW.replace("{\"Effect\"", &format!("{{\"Sid\":\"{sid}\",\"Effect\"")),
            ..Default::default()
        }
    };
    platform.call::<PutUserPolicy>(put("a", 1_500)).await.unwrap();
    let text = refused(platform.call::<PutUserPolicy>(put("b", 1_500)).await);
    assert_eq!(text, "LimitExceeded: Maximum policy size of 2048 bytes exceeded for user alice");
    platform.call::<PutUserPolicy>(put("a", 1_600)).await.expect("replaced, not added");
    let broken = PutUserPolicyRequest { policy_document: "{}".to_owned(), ..put("c", 1) };
    assert!(refused(platform.call::<PutUserPolicy>(broken).await).starts_with("MalformedPolicyDocument"));
    let list = ListUserPoliciesRequest { user_name: "alice".to_owned(), ..Default::default() };
    assert_eq!(platform.call::<ListUserPolicies>(list).await.unwrap().policy_names, ["a"]);
}

#[tokio::test]
async fn boundaries_are_managed_policies() {
    let (platform, _) = bench();
    role(&platform, "worker").await;
    let put = |arn: &str| PutRolePermissionsBoundaryRequest {
        role_name: "worker".to_owned(),
        permissions_boundary: arn.to_owned(),
        ..Default::default()
    };
    let other = "arn:aws:iam::111122223333:not_a_policy/invalid";
    let text = refused(platform.call::<PutRolePermissionsBoundary>(put(other)).await);
    assert_eq!(text, format!("InvalidInput: ARN {other} is not valid."));
    let absent = "arn:aws:iam::111122223333:policy/nonexistent-policy";
    let text = refused(platform.call::<PutRolePermissionsBoundary>(put(absent)).await);
    assert_eq!(text, format!("NoSuchEntity: Scope ARN: {absent} does not exist or is not attachable."));
}

#[tokio::test]
async fn nobody_changes_awss_policies() {
    let (platform, _) = bench();
    let arn = "arn:aws:iam::aws:policy/ReadOnlyAccess";
    let text = refused(platform.call::<CreatePolicyVersion>(version(arn, true)).await);
    assert!(text.starts_with("AccessDenied: User: arn:aws:iam::111122223333:root is not authorized"), "{text}");
}

#[tokio::test]
async fn tags_of_policies_tell_cases_apart_and_those_of_roles_do_not() {
    let (platform, _) = bench();
    role(&platform, "worker").await;
    let arn = policy(&platform, "p").await;
    let both = || vec![tag("a", "1"), tag("A", "2")];
    let of_policy = TagPolicyRequest { policy_arn: arn.clone(), tags: both(), ..Default::default() };
    platform.call::<TagPolicy>(of_policy).await.unwrap();
    let list = ListPolicyTagsRequest { policy_arn: arn, max_items: Some(1), ..Default::default() };
    let page = platform.call::<ListPolicyTags>(list.clone()).await.unwrap();
    assert_eq!((page.tags, page.is_truncated), (vec![tag("A", "2")], Some(true)));
    let next = ListPolicyTagsRequest { marker: page.marker, ..list };
    let page = platform.call::<ListPolicyTags>(next).await.unwrap();
    assert_eq!((page.tags, page.is_truncated, page.marker), (vec![tag("a", "1")], Some(false), None));
    let of_role = TagRoleRequest { role_name: "worker".to_owned(), tags: both(), ..Default::default() };
    assert!(refused(platform.call::<TagRole>(of_role).await).starts_with("InvalidInput: Duplicate tag keys found."));
}
