use super::*;
use iam::*;
use platform::Principal;
use platform::testing::ACCOUNT;

fn principal(user: &User) -> Principal {
    Principal::User {
        account: ACCOUNT.to_owned(),
        name: user.user_name.clone(),
        path: user.path.clone(),
        user_id: user.user_id.clone(),
        facts: None,
    }
}

async fn names(platform: &TestPlatform, principal: &Principal) -> Option<Vec<String>> {
    let known = platform.platform.directory().permissions(principal).await.unwrap()?;
    Some(known.policies.iter().map(|policy| policy.name.to_string()).collect())
}

#[tokio::test]
async fn a_change_is_seen_once_it_is_acknowledged() {
    let (platform, _) = bench();
    let alice = user(&platform, "alice").await;
    let principal = principal(&alice);
    assert_eq!(names(&platform, &principal).await, Some(vec![]));
    group(&platform, "staff").await;
    join(&platform, "alice", "staff").await;
    let put = PutGroupPolicyRequest {
        group_name: "staff".to_owned(),
        policy_name: "read".to_owned(),
        policy_document: ALLOW.to_owned(),
        ..Default::default()
    };
    platform.call::<PutGroupPolicy>(put).await.unwrap();
    assert_eq!(names(&platform, &principal).await, Some(vec!["inline:staff/read".to_owned()]));
    let arn = "arn:aws:iam::aws:policy/ReadOnlyAccess".to_owned();
    let attach =
        AttachUserPolicyRequest { user_name: "alice".to_owned(), policy_arn: arn.clone(), ..Default::default() };
    platform.call::<AttachUserPolicy>(attach).await.unwrap();
    assert_eq!(names(&platform, &principal).await, Some(vec![arn.clone(), "inline:staff/read".to_owned()]));
    let leave = RemoveUserFromGroupRequest {
        user_name: "alice".to_owned(),
        group_name: "staff".to_owned(),
        ..Default::default()
    };
    platform.call::<RemoveUserFromGroup>(leave).await.unwrap();
    assert_eq!(names(&platform, &principal).await, Some(vec![arn]));
}

#[tokio::test]
async fn a_role_made_anew_is_another_one() {
    let (platform, _) = bench();
    let first = role(&platform, "worker").await;
    let session = |role_id: &str| Principal::Session {
        account: ACCOUNT.to_owned(),
        role: "worker".to_owned(),
        role_id: role_id.to_owned(),
        session: "run".to_owned(),
        facts: Default::default(),
    };
    assert!(names(&platform, &session(&first.role_id)).await.is_some());
    let known = platform.platform.directory().role(ACCOUNT, "worker").await.unwrap().expect("known");
    assert_eq!((known.id.as_str(), &*known.trust, known.session_seconds_max), (first.role_id.as_str(), TRUST, 3_600));
    let delete = DeleteRoleRequest { role_name: "worker".to_owned(), ..Default::default() };
    platform.call::<DeleteRole>(delete).await.unwrap();
    assert!(platform.platform.directory().role(ACCOUNT, "worker").await.unwrap().is_none());
    let second = role(&platform, "worker").await;
    assert!(names(&platform, &session(&first.role_id)).await.is_none(), "a session of the role that is gone");
    assert!(names(&platform, &session(&second.role_id)).await.is_some());
}

#[tokio::test]
async fn a_boundary_and_tags_come_along() {
    let (platform, _) = bench();
    let arn = policy(&platform, "limit").await;
    let input = CreateUserRequest {
        user_name: "alice".to_owned(),
        permissions_boundary: Some(arn.clone()),
        tags: Some(vec![tag("team", "red")]),
        ..Default::default()
    };
    let alice = platform.call::<CreateUser>(input).await.unwrap().user.unwrap();
    let known = platform.platform.directory().permissions(&principal(&alice)).await.unwrap().expect("known");
    assert_eq!(known.boundary.as_ref().map(|boundary| boundary.name.to_string()), Some(arn.clone()));
    assert_eq!(known.tags, [("team".to_owned(), "red".to_owned())]);
    let managed = platform.platform.directory().managed_policy(&arn).await.unwrap();
    assert_eq!(managed.expect("known").name.to_string(), arn);
    let absent = platform.platform.directory().managed_policy("arn:aws:iam::aws:policy/Absent").await.unwrap();
    assert!(absent.is_none());
}

#[tokio::test]
async fn keys_are_known_until_they_are_off_or_gone() {
    let (platform, _) = bench();
    user(&platform, "alice").await;
    let name = || Some("alice".to_owned());
    let made = platform.call::<CreateAccessKey>(CreateAccessKeyRequest { user_name: name() }).await.unwrap().access_key;
    assert!(made.access_key_id.starts_with("AKIA"));
    assert_eq!(platform::Issuer::account_of(&made.access_key_id).as_deref(), Some(ACCOUNT));
    let directory = platform.platform.directory();
    let known = directory.access_key(&made.access_key_id).await.unwrap().expect("known");
    assert_eq!((known.secret.as_str(), known.active), (made.secret_access_key.as_str(), true));
    let off = UpdateAccessKeyRequest {
        user_name: name(),
        access_key_id: made.access_key_id.clone(),
        status: "Inactive".to_owned(),
        ..Default::default()
    };
    platform.call::<UpdateAccessKey>(off).await.unwrap();
    assert!(!directory.access_key(&made.access_key_id).await.unwrap().expect("known").active);
    let gone =
        DeleteAccessKeyRequest { user_name: name(), access_key_id: made.access_key_id.clone(), ..Default::default() };
    platform.call::<DeleteAccessKey>(gone).await.unwrap();
    assert!(directory.access_key(&made.access_key_id).await.unwrap().is_none());
    assert!(directory.access_key("AKIAIOSFODNN7EXAMPLE").await.unwrap().is_none());
}

#[tokio::test]
async fn uses_are_told_at_once_and_kept_for_later() {
    let (platform, service) = bench();
    user(&platform, "alice").await;
    let worker = role(&platform, "worker").await;
    let key = CreateAccessKeyRequest { user_name: Some("alice".to_owned()) };
    let key = platform.call::<CreateAccessKey>(key).await.unwrap().access_key.access_key_id;
    let ask = || GetAccessKeyLastUsedRequest { access_key_id: key.clone(), ..Default::default() };
    let unused = platform.call::<GetAccessKeyLastUsed>(ask()).await.unwrap().access_key_last_used.unwrap();
    assert_eq!((unused.last_used_date, unused.service_name.as_str(), unused.region.as_str()), (None, "N/A", "N/A"));
    platform.platform.directory().used(&key, "s3", "eu-west-1");
    platform.platform.directory().role_used(ACCOUNT, &worker.role_id, "sqs", "eu-west-1");
    for kept in [false, true] {
        let used = platform.call::<GetAccessKeyLastUsed>(ask()).await.unwrap();
        assert_eq!(used.user_name.as_deref(), Some("alice"));
        let used = used.access_key_last_used.unwrap();
        assert_eq!((used.service_name.as_str(), used.region.as_str()), ("s3", "eu-west-1"), "kept: {kept}");
        assert!(used.last_used_date.is_some());
        let get = GetRoleRequest { role_name: "worker".to_owned(), ..Default::default() };
        let last = platform.call::<GetRole>(get).await.unwrap().role.role_last_used.unwrap();
        assert_eq!(last.region.as_deref(), Some("eu-west-1"), "kept: {kept}");
        service.write_uses().await.unwrap();
        service.uses.clear();
    }
    let other = GetAccessKeyLastUsedRequest { access_key_id: "AKIAIOSFODNN7EXAMPLE".to_owned(), ..Default::default() };
    assert!(refused(platform.call::<GetAccessKeyLastUsed>(other).await).starts_with("AccessDenied"));
}
