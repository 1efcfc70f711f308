//! Roles that services make for themselves.

use std::collections::BTreeSet;

use api::iam::{
    CreateServiceLinkedRoleRequest, CreateServiceLinkedRoleResponse, DeleteServiceLinkedRoleRequest,
    DeleteServiceLinkedRoleResponse, GetServiceLinkedRoleDeletionStatusRequest,
    GetServiceLinkedRoleDeletionStatusResponse,
};
use platform::Ctx;
use serde_json::json;
use wire::Error;

use super::attached::{put_on, take_off};
use super::identities;
use super::roles;
use crate::errors;
use crate::keys;
use crate::limits::SESSION_SECONDS_DEFAULT;
use crate::managed;
use crate::names::SERVICE_ROLE_PATH;
use crate::records::{Deletion, Kind, Role, RolePart};
use crate::rows;
use crate::service::Iam;
use crate::tags::Tags;
use crate::view::{self, Extent};

/// A service that makes itself a role.
struct LinkedService {
    /// As its principal is called.
    name: &'static str,
    /// Name of the role.
    role: &'static str,
    /// AWS's managed policy on it.
    policy: &'static str,
    /// Whether there may be several, told apart by a suffix.
    suffixes: bool,
}

/// A service with one role.
const fn one(name: &'static str, role: &'static str, policy: &'static str) -> LinkedService {
    LinkedService { name, role, policy, suffixes: false }
}

/// The services that make themselves roles, sorted by name. User guide, "AWS services that work with IAM", and the
/// services' own guides.
const SERVICES: &[LinkedService] = &[
    one(
        "apidestinations.events.amazonaws.com",
        "AWSServiceRoleForAmazonEventBridgeApiDestinations",
        "AmazonEventBridgeApiDestinationsServiceRolePolicy",
    ),
    LinkedService {
        name: "autoscaling.amazonaws.com",
        role: "AWSServiceRoleForAutoScaling",
        policy: "AutoScalingServiceRolePolicy",
        suffixes: true,
    },
    one(
        "cks.kms.amazonaws.com",
        "AWSServiceRoleForKeyManagementServiceCustomKeyStores",
        "AWSKeyManagementServiceCustomKeyStoresServiceRolePolicy",
    ),
    one("cognito-idp.amazonaws.com", "AWSServiceRoleForAmazonCognitoIdp", "AmazonCognitoIdpServiceRolePolicy"),
    one(
        "contributorinsights.dynamodb.amazonaws.com",
        "AWSServiceRoleForDynamoDBCloudWatchContributorInsights",
        "DynamoDBCloudWatchContributorInsightsServiceRolePolicy",
    ),
    one("delivery.logs.amazonaws.com", "AWSServiceRoleForLogDelivery", "AWSServiceRoleForLogDeliveryPolicy"),
    one(
        "dynamodb.application-autoscaling.amazonaws.com",
        "AWSServiceRoleForApplicationAutoScaling_DynamoDBTable",
        "AWSApplicationAutoscalingDynamoDBTablePolicy",
    ),
    one("ecs.amazonaws.com", "AWSServiceRoleForECS", "AmazonECSServiceRolePolicy"),
    one(
        "elasticfilesystem.amazonaws.com",
        "AWSServiceRoleForAmazonElasticFileSystem",
        "AmazonElasticFileSystemServiceRolePolicy",
    ),
    one(
        "elasticloadbalancing.amazonaws.com",
        "AWSServiceRoleForElasticLoadBalancing",
        "AWSElasticLoadBalancingServiceRolePolicy",
    ),
    one(
        "email.cognito-idp.amazonaws.com",
        "AWSServiceRoleForAmazonCognitoIdpEmailService",
        "AmazonCognitoIdpEmailServiceRolePolicy",
    ),
    one("events.amazonaws.com", "AWSServiceRoleForCloudWatchEvents", "CloudWatchEventsServiceRolePolicy"),
    one(
        "kinesisreplication.dynamodb.amazonaws.com",
        "AWSServiceRoleForDynamoDBKinesisDataStreamsReplication",
        "DynamoDBKinesisReplicationServiceRolePolicy",
    ),
    one(
        "lambda.application-autoscaling.amazonaws.com",
        "AWSServiceRoleForApplicationAutoScaling_LambdaConcurrency",
        "AWSApplicationAutoscalingLambdaConcurrencyPolicy",
    ),
    one(
        "member.org.stacksets.cloudformation.amazonaws.com",
        "AWSServiceRoleForCloudFormationStackSetsOrgMember",
        "CloudFormationStackSetsOrgMemberServiceRolePolicy",
    ),
    one(
        "mrk.kms.amazonaws.com",
        "AWSServiceRoleForKeyManagementServiceMultiRegionKeys",
        "AWSKeyManagementServiceMultiRegionKeysServiceRolePolicy",
    ),
    one("ops.apigateway.amazonaws.com", "AWSServiceRoleForAPIGateway", "APIGatewayServiceRolePolicy"),
    one("rds.amazonaws.com", "AWSServiceRoleForRDS", "AmazonRDSServiceRolePolicy"),
    one(
        "replication.dynamodb.amazonaws.com",
        "AWSServiceRoleForDynamoDBReplication",
        "DynamoDBReplicationServiceRolePolicy",
    ),
    one("replicator.lambda.amazonaws.com", "AWSServiceRoleForLambdaReplicator", "AWSLambdaReplicator"),
    one("schemas.amazonaws.com", "AWSServiceRoleForSchemas", "AmazonEventBridgeSchemasServiceRolePolicy"),
    one("ssm.amazonaws.com", "AWSServiceRoleForAmazonSSM", "AmazonSSMServiceRolePolicy"),
];

/// Path of the role of a service.
pub fn path(service: &str) -> String {
    format!("{SERVICE_ROLE_PATH}{service}/")
}

/// Name of the role of a service; `None` for a service that makes none, or has no use for a suffix.
pub fn role_name(service: &str, suffix: Option<&str>) -> Option<String> {
    let found = SERVICES.iter().find(|linked| linked.name == service)?;
    match suffix {
        None => Some(found.role.to_owned()),
        Some(suffix) => found.suffixes.then(|| format!("{}_{suffix}", found.role)),
    }
}

/// Makes the role of a service.
pub async fn create_service_linked_role(
    service: &Iam,
    cx: &Ctx,
    input: CreateServiceLinkedRoleRequest,
) -> Result<CreateServiceLinkedRoleResponse, Error> {
    let name = &input.aws_service_name;
    let linked = SERVICES.iter().find(|linked| linked.name == name);
    let linked = linked.ok_or_else(|| errors::invalid_input(format!("Invalid service name: {name}")))?;
    let role_name = role_name(name, input.custom_suffix.as_deref());
    let role_name =
        role_name.ok_or_else(|| errors::invalid_input(format!("Custom suffix is not allowed for {name}")))?;
    let policy = managed::of_table(linked.policy)?.arn();
    let trust = json!({
        "Version": "2012-10-17",
        "Statement": [{ "Effect": "Allow", "Principal": { "Service": name }, "Action": "sts:AssumeRole" }],
    });
    let role = Role {
        path: path(name),
        id: service.unique_id(Kind::Role.id_prefix()),
        created: service.now(),
        inline: Default::default(),
        attached: BTreeSet::new(),
        boundary: None,
        tags: Tags::default(),
        part: RolePart {
            trust: trust.to_string(),
            description: input.description.filter(|text| !text.is_empty()),
            session_seconds_max: SESSION_SECONDS_DEFAULT,
            linked_service: Some(name.clone()),
        },
        name: role_name,
    };
    let shown = view::role(&cx.account, &role, Extent::Brief, None);
    let account = cx.account.clone();
    service
        .change(&cx.account, move |rows| {
            if rows.get(&keys::identity(&account, Kind::Role, &role.name))?.is_some() {
                let text = format!(
                    "Service role name {} has been taken in this account, please try a different suffix.",
                    role.name
                );
                return Err(errors::invalid_input(text).into());
            }
            rows::change_account(rows, &account, role.created, |record| {
                record.counts.linked_roles += 1;
                Ok(())
            })?;
            put_on(rows, &account, &mut role.clone(), &policy)
        })
        .await?;
    Ok(CreateServiceLinkedRoleResponse { role: Some(shown) })
}

/// Removes the role of a service. No service here holds on to its role, so that it is gone at once.
pub async fn delete_service_linked_role(
    service: &Iam,
    cx: &Ctx,
    input: DeleteServiceLinkedRoleRequest,
) -> Result<DeleteServiceLinkedRoleResponse, Error> {
    let (account, now) = (cx.account.clone(), service.now());
    let unique = service.platform.ids.uuid();
    let task_id = service
        .change(&cx.account, move |rows| {
            let mut role: Role = rows::identity(rows, &account, &input.role_name)?;
            let linked = role.part.linked_service.clone();
            let linked = linked.ok_or_else(|| errors::identity_absent(Kind::Role, &input.role_name))?;
            let task_id = format!("task{}{}/{unique}", path(&linked), role.name);
            for arn in role.attached.clone() {
                take_off(rows, &account, &mut role, &arn)?;
            }
            identities::check_no_policies(&role)?;
            roles::remove(rows, &account, &role)?;
            rows::count_one_less(rows, &account, now, |counts| &mut counts.linked_roles)?;
            let deletion = Deletion { task_id: task_id.clone() };
            rows::put(rows, &keys::deletion(&account, &role.name), &deletion)?;
            Ok(task_id)
        })
        .await?;
    Ok(DeleteServiceLinkedRoleResponse { deletion_task_id: task_id })
}

/// Tells how the last deletion of a role went.
pub async fn get_service_linked_role_deletion_status(
    service: &Iam,
    cx: &Ctx,
    input: GetServiceLinkedRoleDeletionStatusRequest,
) -> Result<GetServiceLinkedRoleDeletionStatusResponse, Error> {
    let task_id = &input.deletion_task_id;
    let role = role_of_task(task_id).ok_or_else(|| errors::invalid_input(format!("Invalid task id: {task_id}")))?;
    let snapshot = service.snapshot().await?;
    let deletion: Option<Deletion> = rows::get(&snapshot, &keys::deletion(&cx.account, role)).await?;
    match deletion.filter(|deletion| deletion.task_id == *task_id) {
        Some(_) => {
            Ok(GetServiceLinkedRoleDeletionStatusResponse { status: "SUCCEEDED".to_owned(), ..Default::default() })
        }
        None => Err(errors::no_such_entity(format!("The deletion task with id {task_id} cannot be found."))),
    }
}

/// The role in the id of a deletion: `task/aws-service-role/SERVICE/ROLE/UUID`.
pub fn role_of_task(task_id: &str) -> Option<&str> {
    let mut parts = task_id.strip_prefix("task")?.strip_prefix(SERVICE_ROLE_PATH)?.splitn(3, '/');
    let (_service, role, unique) = (parts.next()?, parts.next()?, parts.next()?);
    (!role.is_empty() && !unique.is_empty()).then_some(role)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_service_has_its_policy() {
        assert!(SERVICES.is_sorted_by(|left, right| left.name < right.name));
        for linked in SERVICES {
            assert!(
                managed::of_table(linked.policy).is_ok_and(|policy| policy.is_for_service_roles()),
                "{}",
                linked.policy
            );
        }
    }

    #[test]
    fn a_task_names_its_role() {
        assert_eq!(role_of_task("task/aws-service-role/ecs.amazonaws.com/Role/1-2"), Some("Role"));
        for other in ["", "task/", "task/aws-service-role/a", "task/aws-service-role/a/", "x/aws-service-role/a/b/c"] {
            assert_eq!(role_of_task(other), None, "{other}");
        }
    }
}
