//! `GetParameterHistory`.

use api::ssm::{GetParameterHistoryRequest, GetParameterHistoryResult, ParameterHistory};
use platform::{Ctx, OrFailure};
use store::Direction;
use wire::{Error, Timestamp};

use crate::limits::PAGE;
use crate::names::{self, Reference};
use crate::records::{ParameterRecord, VersionRecord};
use crate::service::ParameterStore;
use crate::{encryption, errors, keys, page, rows};

/// A page of a parameter's versions, the oldest first.
pub async fn get_parameter_history(
    service: &ParameterStore,
    cx: &Ctx,
    input: GetParameterHistoryRequest,
) -> Result<GetParameterHistoryResult, Error> {
    let reference = Reference::parse(cx, &input.name)?;
    let record = service.parameter(&reference).await?;
    let limit = input.max_results.map_or(PAGE, |limit| limit.max(1) as usize);
    let mut range = keys::versions(&reference.region, &record.name).range();
    if let Some(last) = page::place(input.next_token.as_deref())? {
        let last: u64 = last.parse().map_err(|_| errors::next_token())?;
        range = range.after(&keys::version(&reference.region, &record.name, last));
    }
    let snapshot = service.snapshot(&reference.account).await?;
    let scanned = snapshot.scan(range, Direction::Forward, limit + 1).await.or_failure()?;
    drop(snapshot);
    let mut versions = scanned.iter().map(|(_, row)| rows::decode(row)).collect::<Result<Vec<VersionRecord>, _>>()?;
    let has_more = versions.len() > limit;
    versions.truncate(limit);
    let next = versions.last().filter(|_| has_more).map(|version| page::token(&version.number.to_string()));
    let mut parameters = Vec::with_capacity(versions.len());
    for version in versions {
        parameters.push(entry(cx, &reference, &record, version, input.with_decryption == Some(true)).await?);
    }
    Ok(GetParameterHistoryResult { parameters: Some(parameters), next_token: next })
}

async fn entry(
    cx: &Ctx,
    reference: &Reference,
    record: &ParameterRecord,
    version: VersionRecord,
    decrypt: bool,
) -> Result<ParameterHistory, Error> {
    let arn = names::arn(&reference.region, &reference.account, &record.name);
    let value = encryption::reveal(cx, &arn, &version.value, decrypt).await?;
    Ok(ParameterHistory {
        name: Some(record.name.clone()),
        r#type: Some(version.kind),
        key_id: version.key_id,
        last_modified_date: Some(Timestamp::from_milliseconds(version.modified_at)),
        last_modified_user: Some(version.modified_by),
        description: version.description,
        value: Some(value),
        allowed_pattern: version.allowed_pattern,
        version: i64::try_from(version.number).ok(),
        labels: Some(record.labels_of(version.number)),
        tier: Some(version.tier),
        policies: Some(version.policies.iter().map(|policy| policy.output()).collect()),
        data_type: Some(version.data_type),
    })
}
