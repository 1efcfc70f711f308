//! Tags of tables.

use std::collections::BTreeSet;

use api::Empty;
use api::dynamodb::{ListTagsOfResourceInput, ListTagsOfResourceOutput, Tag, TagResourceInput, UntagResourceInput};
use platform::Ctx;
use wire::Error;

use crate::errors::{self, invalid};
use crate::limits::TAGS_MAX;
use crate::names::{Resource, TableName};
use crate::service::DynamoDb;

/// Most tags in one answer: all of a table's.
const LONGEST_VALUE: usize = 256;

/// Checks tags that are to be set.
///
/// # Errors
/// AWS's complaints.
pub fn check(tags: &[(String, String)]) -> Result<(), Error> {
    let mut seen = BTreeSet::new();
    for (key, value) in tags {
        if !seen.insert(key) {
            let text = format!("Duplicate Tag Keys provided as input: Duplicate Tag Key found {key}");
            return Err(invalid(text));
        }
        if key.starts_with("aws:") {
            return Err(invalid(format!("Tag Key cannot be prefixed with aws:, Key: {key}")));
        }
        if value.chars().count() > LONGEST_VALUE {
            return Err(invalid(format!("The Tag Value provided is invalid, Value: {value}")));
        }
    }
    check_count(tags.len())
}

fn check_count(count: usize) -> Result<(), Error> {
    if count > TAGS_MAX {
        return Err(invalid("Number of Tags exceed the current limit for the provided ResourceArn"));
    }
    Ok(())
}

/// The table whose tags are meant.
fn tagged(arn: &str) -> Result<TableName, Error> {
    match Resource::parse(arn) {
        Some(Resource::Table(table)) => Ok(table),
        _ => Err(errors::not_a_resource(arn)),
    }
}

fn not_found(arn: &str) -> Error {
    api::dynamodb::errors::resource_not_found_exception(format!(
        "Requested resource not found: ResourcArn: {arn} not found"
    ))
}

/// Sets tags.
///
/// # Errors
/// `ResourceNotFoundException`.
pub async fn tag_resource(service: &DynamoDb, _: &Ctx, input: TagResourceInput) -> Result<Empty, Error> {
    let name = tagged(&input.resource_arn)?;
    if input.tags.is_empty() {
        return Err(invalid("Atleast one Tag needs to be provided as Input."));
    }
    let tags: Vec<_> = input.tags.into_iter().map(|tag| (tag.key, tag.value)).collect();
    check(&tags)?;
    let changed = service.change_table(&name, move |_, table| {
        table.tags.extend(tags.iter().cloned());
        Ok(check_count(table.tags.len())?)
    });
    changed.await.map_err(|error| renamed(error, &input.resource_arn))?;
    Ok(Empty {})
}

/// Removes tags.
///
/// # Errors
/// `ResourceNotFoundException`.
pub async fn untag_resource(service: &DynamoDb, _: &Ctx, input: UntagResourceInput) -> Result<Empty, Error> {
    let name = tagged(&input.resource_arn)?;
    if input.tag_keys.is_empty() {
        return Err(invalid("Atleast one Tag Key needs to be provided as Input."));
    }
    let changed = service.change_table(&name, move |_, table| {
        table.tags.retain(|key, _| !input.tag_keys.contains(key));
        Ok(())
    });
    changed.await.map_err(|error| renamed(error, &input.resource_arn))?;
    Ok(Empty {})
}

/// A missing table, as operations by ARN say it.
fn renamed(error: Error, arn: &str) -> Error {
    if error.is("ResourceNotFoundException") { not_found(arn) } else { error }
}

/// Lists tags.
///
/// # Errors
/// `ResourceNotFoundException`.
pub async fn list_tags_of_resource(
    service: &DynamoDb,
    _: &Ctx,
    input: ListTagsOfResourceInput,
) -> Result<ListTagsOfResourceOutput, Error> {
    let name = tagged(&input.resource_arn)?;
    if input.next_token.is_some() {
        // All tags fit into one answer, so no token of ours exists.
        return Err(errors::invalid("Invalid NextToken"));
    }
    let snapshot = service.snapshot(&name.partition()).await?;
    let table = service.table_in(&snapshot, &name).await?.ok_or_else(|| not_found(&input.resource_arn))?;
    let tag = |(key, value): (&String, &String)| Tag { key: key.clone(), value: value.clone(), ..Default::default() };
    Ok(ListTagsOfResourceOutput { tags: Some(table.tags.iter().map(tag).collect()), next_token: None })
}
