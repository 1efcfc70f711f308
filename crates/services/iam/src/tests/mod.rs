//! The service called as clients call it, over empty stores.

mod directory;
mod guard;
mod identities;
mod listings;
mod policies;
mod secrets;

use std::sync::Arc;

use api::iam::{self, Tag};
use platform::testing::TestPlatform;
use wire::Error;

use crate::Iam;

/// A policy that allows something.
pub const ALLOW: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]}"#;

/// A trust policy.
pub const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;

/// A platform with IAM, and IAM itself.
pub fn bench() -> (TestPlatform, Arc<Iam>) {
    let mut iam = None;
    let platform = TestPlatform::new(|platform| {
        let service = Iam::new(Arc::clone(platform));
        platform.install_directory(Arc::clone(&service) as Arc<dyn platform::Directory>);
        let registration = service.registration();
        iam = Some(service);
        vec![registration]
    });
    (platform, iam.expect("made just now"))
}

/// The error of a call that is refused, as `Code: text`.
pub fn refused<T: std::fmt::Debug>(result: Result<T, Error>) -> String {
    let error = result.expect_err("refused");
    format!("{}: {}", error.definition.code, error.message.unwrap_or_default())
}

pub fn tag(key: &str, value: &str) -> Tag {
    Tag { key: key.to_owned(), value: value.to_owned(), ..Default::default() }
}

pub async fn user(platform: &TestPlatform, name: &str) -> iam::User {
    let input = iam::CreateUserRequest { user_name: name.to_owned(), ..Default::default() };
    platform.call::<iam::CreateUser>(input).await.expect("made").user.expect("shown")
}

pub async fn group(platform: &TestPlatform, name: &str) -> iam::Group {
    let input = iam::CreateGroupRequest { group_name: name.to_owned(), ..Default::default() };
    platform.call::<iam::CreateGroup>(input).await.expect("made").group
}

pub async fn role(platform: &TestPlatform, name: &str) -> iam::Role {
    let input = iam::CreateRoleRequest {
        role_name: name.to_owned(),
        assume_role_policy_document: TRUST.to_owned(),
        ..Default::default()
    };
    platform.call::<iam::CreateRole>(input).await.expect("made").role
}

/// Makes a managed policy, and answers its ARN.
pub async fn policy(platform: &TestPlatform, name: &str) -> String {
    let input = iam::CreatePolicyRequest {
        policy_name: name.to_owned(),
        policy_document: ALLOW.to_owned(),
        ..Default::default()
    };
    let policy = platform.call::<iam::CreatePolicy>(input).await.expect("made").policy.expect("shown");
    policy.arn.expect("has one")
}

pub async fn join(platform: &TestPlatform, user: &str, group: &str) {
    let input =
        iam::AddUserToGroupRequest { user_name: user.to_owned(), group_name: group.to_owned(), ..Default::default() };
    platform.call::<iam::AddUserToGroup>(input).await.expect("added");
}

pub async fn attach_to_role(platform: &TestPlatform, role: &str, arn: &str) -> Result<api::Empty, Error> {
    let input =
        iam::AttachRolePolicyRequest { role_name: role.to_owned(), policy_arn: arn.to_owned(), ..Default::default() };
    platform.call::<iam::AttachRolePolicy>(input).await
}
