use super::*;
use iam::*;
use platform::testing::ACCOUNT;
use platform::{Facts, Guard, Need, Principal};
use wire::codec::Structure;

use crate::guard::IamGuard;

fn needs<O: api::Operation>(platform: &TestPlatform, service: &Arc<Iam>, input: O::Input) -> Vec<Need> {
    let cx = platform.context::<O>(Principal::Root { account: ACCOUNT.to_owned() });
    IamGuard::new(Arc::clone(service)).needs(&cx, &input as &dyn Structure)
}

async fn facts(platform: &TestPlatform, service: &Arc<Iam>, need: &Need) -> Facts {
    let cx = platform.context::<GetUser>(Principal::Root { account: ACCOUNT.to_owned() });
    IamGuard::new(Arc::clone(service)).facts(&cx, need).await.unwrap()
}

#[tokio::test]
async fn the_path_and_state_of_a_resource_are_filled_in() {
    let (platform, service) = bench();
    let boundary = policy(&platform, "limit").await;
    let input = CreateRoleRequest {
        role_name: "worker".to_owned(),
        path: Some("/team/".to_owned()),
        assume_role_policy_document: TRUST.to_owned(),
        permissions_boundary: Some(boundary.clone()),
        tags: Some(vec![tag("team", "red")]),
        ..Default::default()
    };
    let [made] = &needs::<CreateRole>(&platform, &service, input.clone())[..] else { panic!("one need") };
    assert_eq!((made.action, made.resource.as_str()), ("iam:CreateRole", "arn:aws:iam::111122223333:role/team/worker"));
    assert!(made.context.contains(&("aws:RequestTag/team".to_owned(), vec!["red".to_owned()])));
    assert!(made.context.contains(&("iam:PermissionsBoundary".to_owned(), vec![boundary.clone()])));
    platform.call::<CreateRole>(input).await.unwrap();
    let arn = "arn:aws:iam::aws:policy/ReadOnlyAccess";
    let attach =
        AttachRolePolicyRequest { role_name: "worker".to_owned(), policy_arn: arn.to_owned(), ..Default::default() };
    let [need] = &needs::<AttachRolePolicy>(&platform, &service, attach)[..] else { panic!("one need") };
    assert!(need.context.contains(&("iam:PolicyARN".to_owned(), vec![arn.to_owned()])));
    let known = facts(&platform, &service, need).await;
    assert_eq!(known.resource.as_deref(), Some("arn:aws:iam::111122223333:role/team/worker"));
    assert_eq!(known.tags, [("team".to_owned(), "red".to_owned())]);
    assert!(known.context.contains(&("iam:PermissionsBoundary".to_owned(), vec![boundary])));
}

#[tokio::test]
async fn a_move_needs_both_ends() {
    let (platform, service) = bench();
    user(&platform, "alice").await;
    let input = UpdateUserRequest {
        user_name: "alice".to_owned(),
        new_path: Some("/admins/".to_owned()),
        ..Default::default()
    };
    let needs = needs::<UpdateUser>(&platform, &service, input);
    let mut resources = Vec::new();
    for need in &needs {
        resources.push(facts(&platform, &service, need).await.resource.unwrap_or_else(|| need.resource.clone()));
    }
    assert_eq!(resources, ["arn:aws:iam::111122223333:user/alice", "arn:aws:iam::111122223333:user/admins/alice"]);
}

#[tokio::test]
async fn a_role_in_an_instance_profile_is_passed_to_a_machine() {
    let (platform, service) = bench();
    let input = AddRoleToInstanceProfileRequest {
        instance_profile_name: "profile".to_owned(),
        role_name: "worker".to_owned(),
        ..Default::default()
    };
    let needs = needs::<AddRoleToInstanceProfile>(&platform, &service, input);
    let actions: Vec<_> = needs.iter().map(|need| (need.action, need.resource.as_str())).collect();
    assert_eq!(
        actions,
        [
            ("iam:AddRoleToInstanceProfile", "arn:aws:iam::111122223333:instance-profile/profile"),
            ("iam:PassRole", "arn:aws:iam::111122223333:role/worker"),
        ]
    );
    assert_eq!(needs[1].context, [("iam:PassedToService".to_owned(), vec!["ec2.amazonaws.com".to_owned()])]);
}

#[tokio::test]
async fn a_user_left_out_is_the_caller() {
    let (platform, service) = bench();
    let principal = Principal::User {
        account: ACCOUNT.to_owned(),
        name: "alice".to_owned(),
        path: "/team/".to_owned(),
        user_id: "AIDAEXAMPLE".to_owned(),
        facts: None,
    };
    let cx = platform.context::<ListAccessKeys>(principal);
    let needs = IamGuard::new(Arc::clone(&service)).needs(&cx, &ListAccessKeysRequest::default());
    assert_eq!(needs[0].resource, "arn:aws:iam::111122223333:user/team/alice");
}
