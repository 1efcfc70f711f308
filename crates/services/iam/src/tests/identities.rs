use super::*;
use iam::*;

#[tokio::test]
async fn names_are_taken_whatever_their_case_and_found_as_they_are_spelled() {
    let (platform, _) = bench();
    user(&platform, "Alice").await;
    let again = CreateUserRequest { user_name: "ALICE".to_owned(), ..Default::default() };
    let text = refused(platform.call::<CreateUser>(again).await);
    assert_eq!(text, "EntityAlreadyExists: User with name ALICE already exists.");
    let get = |name: &str| GetUserRequest { user_name: Some(name.to_owned()) };
    assert!(platform.call::<GetUser>(get("Alice")).await.is_ok());
    let text = refused(platform.call::<GetUser>(get("alice")).await);
    assert_eq!(text, "NoSuchEntity: The user with name alice cannot be found.");
    let text = refused(platform.call::<GetUser>(get("a b")).await);
    assert!(text.starts_with("ValidationError: "), "{text}");
}

#[tokio::test]
async fn ids_and_arns_are_spelled_as_aws_spells_them() {
    let (platform, _) = bench();
    let input = CreateRoleRequest {
        role_name: "worker".to_owned(),
        path: Some("/team/red/".to_owned()),
        assume_role_policy_document: TRUST.to_owned(),
        description: Some("works".to_owned()),
        tags: Some(vec![tag("b", "2"), tag("a", "1")]),
        ..Default::default()
    };
    let made = platform.call::<CreateRole>(input).await.unwrap().role;
    assert_eq!(made.arn, "arn:aws:iam::111122223333:role/team/red/worker");
    assert!(made.role_id.starts_with("AROA") && made.role_id.len() == 21, "{}", made.role_id);
    assert_eq!((made.description, made.max_session_duration, made.role_last_used), (None, None, None));
    assert!(made.assume_role_policy_document.unwrap().starts_with("%7B%22Version%22%3A%222012-10-17%22"));
    let get = GetRoleRequest { role_name: "worker".to_owned(), ..Default::default() };
    let shown = platform.call::<GetRole>(get).await.unwrap().role;
    assert_eq!((shown.description.as_deref(), shown.max_session_duration), (Some("works"), Some(3_600)));
    assert_eq!(shown.role_last_used, Some(RoleLastUsed::default()));
    assert_eq!(shown.tags, Some(vec![tag("a", "1"), tag("b", "2")]));
}

#[tokio::test]
async fn a_renamed_user_keeps_groups_policies_and_keys() {
    let (platform, _) = bench();
    user(&platform, "old").await;
    group(&platform, "staff").await;
    join(&platform, "old", "staff").await;
    let put = PutUserPolicyRequest {
        user_name: "old".to_owned(),
        policy_name: "inline".to_owned(),
        policy_document: ALLOW.to_owned(),
        ..Default::default()
    };
    platform.call::<PutUserPolicy>(put).await.unwrap();
    let key = CreateAccessKeyRequest { user_name: Some("old".to_owned()) };
    let key = platform.call::<CreateAccessKey>(key).await.unwrap().access_key;
    let rename = UpdateUserRequest {
        user_name: "old".to_owned(),
        new_user_name: Some("new".to_owned()),
        new_path: Some("/x/".to_owned()),
        ..Default::default()
    };
    platform.call::<UpdateUser>(rename).await.unwrap();
    let members = GetGroupRequest { group_name: "staff".to_owned(), ..Default::default() };
    let members = platform.call::<GetGroup>(members).await.unwrap().users;
    assert_eq!(members[0].arn, "arn:aws:iam::111122223333:user/x/new");
    let get =
        GetUserPolicyRequest { user_name: "new".to_owned(), policy_name: "inline".to_owned(), ..Default::default() };
    assert!(platform.call::<GetUserPolicy>(get).await.is_ok());
    let known = platform.platform.directory().access_key(&key.access_key_id).await.unwrap().expect("known");
    assert_eq!(known.principal.arn(), "arn:aws:iam::111122223333:user/x/new");
    let old = GetUserRequest { user_name: Some("old".to_owned()) };
    assert!(refused(platform.call::<GetUser>(old).await).starts_with("NoSuchEntity"));
}

#[tokio::test]
async fn a_renamed_group_keeps_its_members() {
    let (platform, _) = bench();
    user(&platform, "alice").await;
    group(&platform, "staff").await;
    join(&platform, "alice", "staff").await;
    let rename = UpdateGroupRequest {
        group_name: "staff".to_owned(),
        new_group_name: Some("crew".to_owned()),
        ..Default::default()
    };
    platform.call::<UpdateGroup>(rename).await.unwrap();
    let groups = ListGroupsForUserRequest { user_name: "alice".to_owned(), ..Default::default() };
    let groups = platform.call::<ListGroupsForUser>(groups).await.unwrap().groups;
    assert_eq!(groups.iter().map(|group| group.group_name.as_str()).collect::<Vec<_>>(), ["crew"]);
    let delete = DeleteGroupRequest { group_name: "crew".to_owned(), ..Default::default() };
    let text = refused(platform.call::<DeleteGroup>(delete).await);
    assert_eq!(text, "DeleteConflict: Cannot delete entity, must remove users from group first.");
}

#[tokio::test]
async fn what_hangs_on_a_user_has_to_go_first() {
    let (platform, _) = bench();
    user(&platform, "alice").await;
    let name = || "alice".to_owned();
    let delete = || DeleteUserRequest { user_name: name(), ..Default::default() };
    let key = CreateAccessKeyRequest { user_name: Some(name()) };
    let key = platform.call::<CreateAccessKey>(key).await.unwrap().access_key.access_key_id;
    let text = refused(platform.call::<DeleteUser>(delete()).await);
    assert_eq!(text, "DeleteConflict: Cannot delete entity, must delete access keys first.");
    let arn = "arn:aws:iam::aws:policy/ReadOnlyAccess".to_owned();
    let attach = AttachUserPolicyRequest { user_name: name(), policy_arn: arn.clone(), ..Default::default() };
    platform.call::<AttachUserPolicy>(attach).await.unwrap();
    let text = refused(platform.call::<DeleteUser>(delete()).await);
    assert_eq!(text, "DeleteConflict: Cannot delete entity, must detach all policies first.");
    let detach = DetachUserPolicyRequest { user_name: name(), policy_arn: arn, ..Default::default() };
    platform.call::<DetachUserPolicy>(detach).await.unwrap();
    let gone = DeleteAccessKeyRequest { user_name: Some(name()), access_key_id: key, ..Default::default() };
    platform.call::<DeleteAccessKey>(gone).await.unwrap();
    assert!(platform.call::<DeleteUser>(delete()).await.is_ok());
}

#[tokio::test]
async fn an_instance_profile_has_one_role_and_holds_it() {
    let (platform, _) = bench();
    role(&platform, "worker").await;
    role(&platform, "other").await;
    let profile = || "profile".to_owned();
    let make = CreateInstanceProfileRequest { instance_profile_name: profile(), ..Default::default() };
    platform.call::<CreateInstanceProfile>(make).await.unwrap();
    let add = |role: &str| AddRoleToInstanceProfileRequest {
        instance_profile_name: profile(),
        role_name: role.to_owned(),
        ..Default::default()
    };
    platform.call::<AddRoleToInstanceProfile>(add("worker")).await.unwrap();
    let text = refused(platform.call::<AddRoleToInstanceProfile>(add("other")).await);
    assert_eq!(text, "LimitExceeded: Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1");
    let delete = DeleteRoleRequest { role_name: "worker".to_owned(), ..Default::default() };
    let text = refused(platform.call::<DeleteRole>(delete).await);
    assert_eq!(text, "DeleteConflict: Cannot delete entity, must remove roles from instance profile first.");
    let of_role = ListInstanceProfilesForRoleRequest { role_name: "worker".to_owned(), ..Default::default() };
    let profiles = platform.call::<ListInstanceProfilesForRole>(of_role).await.unwrap().instance_profiles;
    assert_eq!(profiles[0].roles[0].role_name, "worker");
}

#[tokio::test]
async fn a_services_own_role_is_changed_by_nobody_else() {
    let (platform, _) = bench();
    let service = || "dynamodb.application-autoscaling.amazonaws.com".to_owned();
    let make = || CreateServiceLinkedRoleRequest { aws_service_name: service(), ..Default::default() };
    let made = platform.call::<CreateServiceLinkedRole>(make()).await.unwrap().role.unwrap();
    assert_eq!(made.role_name, "AWSServiceRoleForApplicationAutoScaling_DynamoDBTable");
    assert_eq!(made.path, format!("/aws-service-role/{}/", service()));
    let again = refused(platform.call::<CreateServiceLinkedRole>(make()).await);
    assert!(again.starts_with("InvalidInput: Service role name"), "{again}");
    let delete = DeleteRoleRequest { role_name: made.role_name.clone(), ..Default::default() };
    let text = refused(platform.call::<DeleteRole>(delete).await);
    assert!(text.starts_with("UnmodifiableEntity: Cannot perform the operation on the protected role"), "{text}");
    let attached = attach_to_role(&platform, &made.role_name, "arn:aws:iam::aws:policy/ReadOnlyAccess").await;
    assert!(refused(attached).starts_with("UnmodifiableEntity"));
    let delete = DeleteServiceLinkedRoleRequest { role_name: made.role_name, ..Default::default() };
    let task = platform.call::<DeleteServiceLinkedRole>(delete).await.unwrap().deletion_task_id;
    let status = GetServiceLinkedRoleDeletionStatusRequest { deletion_task_id: task, ..Default::default() };
    let status = platform.call::<GetServiceLinkedRoleDeletionStatus>(status).await.unwrap().status;
    assert_eq!(status, "SUCCEEDED");
}
