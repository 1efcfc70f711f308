//! `ListSecretVersionIds`.

use api::secretsmanager::{ListSecretVersionIdsRequest, ListSecretVersionIdsResponse, SecretVersionsListEntry};
use platform::{Ctx, OrFailure};
use store::Direction;
use wire::Error;

use crate::limits::{PAGE_MAX, VERSIONS_MAX};
use crate::names::SecretId;
use crate::records::{SecretRecord, VersionRecord, time};
use crate::service::Secrets;
use crate::{page, rows};

/// What a version is listed as to be encrypted under if the caller named no key.
const DEFAULT_KEY_LISTED: &str = "DefaultEncryptionKey";

/// A page of a secret's versions, the oldest first; those without labels only if they are asked for.
pub async fn list_secret_version_ids(
    secrets: &Secrets,
    cx: &Ctx,
    input: ListSecretVersionIdsRequest,
) -> Result<ListSecretVersionIdsResponse, Error> {
    let id = SecretId::parse(cx, &input.secret_id)?;
    let record = secrets.secret(&id).await?;
    let after: Option<(i64, String)> = page::place(input.next_token.as_deref())?;
    let limit = input.max_results.map_or(PAGE_MAX, |limit| limit.max(1) as usize);
    let with_deprecated = input.include_deprecated == Some(true);
    let snapshot = secrets.snapshot(&id.account).await?;
    let range = rows::version_range(&id.region, &id.name);
    let found = snapshot.scan(range, Direction::Forward, VERSIONS_MAX).await.or_failure()?;
    let mut versions = rows::in_order(found)?;
    versions.retain(|(version, row)| {
        let position = (row.created_at, version.clone());
        (with_deprecated || record.labels.has(version)) && after.as_ref().is_none_or(|after| position > *after)
    });
    let has_more = versions.len() > limit;
    versions.truncate(limit);
    let next = versions.last().filter(|_| has_more);
    Ok(ListSecretVersionIdsResponse {
        next_token: next.map(|(version, row)| page::token(&(row.created_at, version))),
        versions: Some(versions.into_iter().map(|(version, row)| entry(&record, version, row)).collect()),
        arn: Some(record.arn),
        name: Some(record.name),
    })
}

fn entry(record: &SecretRecord, version: String, row: VersionRecord) -> SecretVersionsListEntry {
    let key = row.kms_key_id.unwrap_or_else(|| DEFAULT_KEY_LISTED.to_owned());
    SecretVersionsListEntry {
        version_stages: Some(record.labels.of(&version)).filter(|labels| !labels.is_empty()),
        version_id: Some(version),
        last_accessed_date: row.accessed_at.map(time),
        created_date: Some(time(row.created_at)),
        kms_key_ids: Some(vec![key]),
    }
}
