//! Resource policies of tables and of their streams.

use api::dynamodb::errors::{policy_not_found_exception, resource_not_found_exception};
use api::dynamodb::{
    DeleteResourcePolicyInput, DeleteResourcePolicyOutput, GetResourcePolicyInput, GetResourcePolicyOutput,
    PutResourcePolicyInput, PutResourcePolicyOutput,
};
use platform::Ctx;
use wire::Error;

use super::record::{Policy, Table};
use crate::errors::{self, invalid_value};
use crate::limits::POLICY_BYTES_MAX;
use crate::names::{Resource, TableName};
use crate::service::DynamoDb;

/// The table of a resource, and the label of the stream if it is one.
fn parse(arn: &str) -> Result<(TableName, Option<String>), Error> {
    match Resource::parse(arn) {
        Some(Resource::Table(table)) => Ok((table, None)),
        Some(Resource::Stream(table, label)) => Ok((table, Some(label))),
        _ => Err(errors::not_a_resource(arn)),
    }
}

fn place<'t>(table: &'t mut Table, stream: Option<&str>, arn: &str) -> Result<&'t mut Option<Policy>, Error> {
    match stream {
        None => Ok(&mut table.policy),
        Some(label) if table.stream.as_ref().is_some_and(|stream| stream.label == label) => {
            Ok(&mut table.stream_policy)
        }
        Some(_) => Err(not_found(arn)),
    }
}

fn not_found(arn: &str) -> Error {
    resource_not_found_exception(format!("Requested resource not found: ResourcArn: {arn} not found"))
}

fn renamed(error: Error, arn: &str) -> Error {
    if error.is("ResourceNotFoundException") { not_found(arn) } else { error }
}

/// What `ExpectedRevisionId` says when there must not be a policy.
const NO_POLICY: &str = "NO_POLICY";

fn check_revision(current: Option<&Policy>, expected: Option<&str>) -> Result<(), Error> {
    let holds = match (current, expected) {
        (_, None) => true,
        (None, Some(expected)) => expected == NO_POLICY,
        (Some(current), Some(expected)) => current.revision == expected,
    };
    if holds {
        return Ok(());
    }
    let text = "The policy revision id provided does not match the latest policy revision id.";
    Err(policy_not_found_exception(text))
}

/// Checks that a text can be a policy: an object with statements.
/// Checks a policy before it is kept.
pub fn check_text(text: &str) -> Result<(), Error> {
    if text.len() > POLICY_BYTES_MAX {
        return Err(invalid_value(format!("Maximum policy size of {POLICY_BYTES_MAX} bytes exceeded")));
    }
    let Ok(document) = serde_json::from_str::<serde_json::Value>(text) else {
        return Err(invalid_value("Invalid policy document: This policy contains invalid Json"));
    };
    match document.get("Statement") {
        Some(_) => Ok(()),
        None => Err(invalid_value("Invalid policy document: Could not parse the policy: Statement is empty!")),
    }
}

/// Sets a policy.
///
/// # Errors
/// `ResourceNotFoundException`, `PolicyNotFoundException`, and AWS's complaints.
pub async fn put_resource_policy(
    service: &DynamoDb,
    _: &Ctx,
    input: PutResourcePolicyInput,
) -> Result<PutResourcePolicyOutput, Error> {
    let (name, stream) = parse(&input.resource_arn)?;
    check_text(&input.policy)?;
    let arn = input.resource_arn.clone();
    let revision = service.platform.ids.uuid();
    let policy = Policy { text: input.policy, revision };
    let changed = service.change_table(&name, move |_, table| {
        let current = place(table, stream.as_deref(), &arn)?;
        check_revision(current.as_ref(), input.expected_revision_id.as_deref())?;
        // The same policy again is the same state of it.
        if current.as_ref().is_none_or(|current| current.text != policy.text) {
            *current = Some(policy.clone());
        }
        Ok(current.as_ref().map(|policy| policy.revision.clone()))
    });
    let revision_id = changed.await.map_err(|error| renamed(error, &input.resource_arn))?;
    Ok(PutResourcePolicyOutput { revision_id })
}

/// Answers a policy.
///
/// # Errors
/// `ResourceNotFoundException`, `PolicyNotFoundException`.
pub async fn get_resource_policy(
    service: &DynamoDb,
    _: &Ctx,
    input: GetResourcePolicyInput,
) -> Result<GetResourcePolicyOutput, Error> {
    let (name, stream) = parse(&input.resource_arn)?;
    let snapshot = service.snapshot(&name.partition()).await?;
    let table = service.table_in(&snapshot, &name).await?.ok_or_else(|| not_found(&input.resource_arn))?;
    let policy = place(&mut table.as_ref().clone(), stream.as_deref(), &input.resource_arn)?.clone();
    let missing = || {
        let text = format!("Resource-based policy not found for the provided ResourceArn: {}", input.resource_arn);
        policy_not_found_exception(text)
    };
    let policy = policy.ok_or_else(missing)?;
    Ok(GetResourcePolicyOutput { policy: Some(policy.text), revision_id: Some(policy.revision) })
}

/// Removes a policy; one that does not exist too.
///
/// # Errors
/// `ResourceNotFoundException`, `PolicyNotFoundException`.
pub async fn delete_resource_policy(
    service: &DynamoDb,
    _: &Ctx,
    input: DeleteResourcePolicyInput,
) -> Result<DeleteResourcePolicyOutput, Error> {
    let (name, stream) = parse(&input.resource_arn)?;
    let arn = input.resource_arn.clone();
    let changed = service.change_table(&name, move |_, table| {
        let current = place(table, stream.as_deref(), &arn)?;
        check_revision(current.as_ref(), input.expected_revision_id.as_deref())?;
        Ok(current.take().map(|policy| policy.revision))
    });
    let revision_id = changed.await.map_err(|error| renamed(error, &input.resource_arn))?;
    Ok(DeleteResourcePolicyOutput { revision_id })
}
