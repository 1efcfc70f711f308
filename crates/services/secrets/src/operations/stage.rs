//! `UpdateSecretVersionStage`.

use api::secretsmanager::{UpdateSecretVersionStageRequest, UpdateSecretVersionStageResponse};
use platform::Ctx;
use store::{Abort, Transaction};
use wire::Error;

use crate::limits::LABELS_OF_A_VERSION_MAX;
use crate::names::SecretId;
use crate::records::SecretRecord;
use crate::service::Secrets;
use crate::stages::CURRENT;
use crate::{errors, keys, rows};

/// Moves a staging label to another version, or takes it off.
pub async fn update_secret_version_stage(
    secrets: &Secrets,
    cx: &Ctx,
    input: UpdateSecretVersionStageRequest,
) -> Result<UpdateSecretVersionStageResponse, Error> {
    let id = SecretId::parse(cx, &input.secret_id)?;
    let now = secrets.now();
    let account = id.account.clone();
    let record = secrets.transact(&account, move |transaction| {
        let mut record = rows::primary(transaction, &id)?;
        for version in [&input.move_to_version_id, &input.remove_from_version_id].into_iter().flatten() {
            check_exists(transaction, &id, version)?;
        }
        update(&mut record, &input)?;
        record.changed_at = now;
        rows::put_secret(transaction, &id.region, &record)?;
        Ok(record)
    });
    let record = record.await?;
    Ok(UpdateSecretVersionStageResponse { arn: Some(record.arn), name: Some(record.name) })
}

fn check_exists(transaction: &mut dyn Transaction, id: &SecretId, version: &str) -> Result<(), Abort<Error>> {
    match transaction.get(&keys::version(&id.region, &id.name, version))? {
        Some(_) => Ok(()),
        None => Err(errors::version_not_found(version).into()),
    }
}

fn update(record: &mut SecretRecord, input: &UpdateSecretVersionStageRequest) -> Result<(), Error> {
    let label = input.version_stage.as_str();
    let owner = record.labels.version(label);
    if let Some(from) = input.remove_from_version_id.as_deref().filter(|from| owner != Some(*from)) {
        return Err(errors::parameter(match owner {
            Some(owner) => format!(
                "The parameter RemoveFromVersionId is not valid. Staging label {label} is currently attached to version \
                 {owner}, so you must explicitly reference that version in RemoveFromVersionId."
            ),
            None => format!("Staging label {label} is not attached to version {from}."),
        }));
    }
    let Some(to) = &input.move_to_version_id else {
        if input.remove_from_version_id.is_none() {
            return Err(errors::parameter("You must provide RemoveFromVersionId, MoveToVersionId, or both."));
        }
        if label == CURRENT {
            return Err(errors::parameter(format!(
                "You can only move staging label {CURRENT} to a different secret version. It can’t be completely removed."
            )));
        }
        record.labels.remove(label);
        return Ok(());
    };
    if let (Some(owner), None) = (owner.filter(|owner| owner != to), &input.remove_from_version_id) {
        return Err(errors::parameter(format!(
            "The parameter RemoveFromVersionId can't be empty. Staging label {label} is currently attached to version \
             {owner}, so you must explicitly reference that version in RemoveFromVersionId."
        )));
    }
    record.labels.put(label, to);
    if record.labels.of(to).len() > LABELS_OF_A_VERSION_MAX {
        return Err(errors::limit(format!(
            "A secret version can't have more than {LABELS_OF_A_VERSION_MAX} staging labels attached."
        )));
    }
    Ok(())
}
