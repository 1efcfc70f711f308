//! `DescribeSecret`.

use api::secretsmanager::{DescribeSecretRequest, DescribeSecretResponse};
use platform::Ctx;
use wire::Error;

use crate::names::SecretId;
use crate::records::time;
use crate::service::Secrets;

/// Everything about a secret but its values.
pub async fn describe_secret(
    secrets: &Secrets,
    cx: &Ctx,
    input: DescribeSecretRequest,
) -> Result<DescribeSecretResponse, Error> {
    let record = secrets.secret(&SecretId::parse(cx, &input.secret_id)?).await?;
    let rotation = record.rotation.as_ref();
    Ok(DescribeSecretResponse {
        rotation_enabled: rotation.map(|rotation| rotation.is_enabled),
        rotation_lambda_arn: rotation.map(|rotation| rotation.lambda_arn.clone()),
        rotation_rules: rotation.and_then(|rotation| rotation.rules.as_ref()).map(|rules| rules.output()),
        last_rotated_date: rotation.and_then(|rotation| rotation.last_rotated_at).map(time),
        next_rotation_date: rotation.and_then(|rotation| rotation.next_rotation_date()),
        tags: record.tag_list(),
        replication_status: record.replication_status(),
        version_ids_to_stages: Some(record.labels.by_version()).filter(|versions| !versions.is_empty()),
        arn: Some(record.arn),
        name: Some(record.name),
        description: record.description,
        kms_key_id: record.kms_key_id,
        last_changed_date: Some(time(record.changed_at)),
        last_accessed_date: record.accessed_at.map(time),
        deleted_date: record.deletion.map(|deletion| time(deletion.due_at)),
        created_date: Some(time(record.created_at)),
        primary_region: record.primary_region,
        ..Default::default()
    })
}
