//! `PutSecretValue` and `UpdateSecret`: new versions, and what else of a secret can be changed.

use api::secretsmanager::{PutSecretValueRequest, PutSecretValueResponse, UpdateSecretRequest, UpdateSecretResponse};
use platform::Ctx;
use store::{Abort, Transaction};
use wire::Error;

use super::create::put_everywhere;
use crate::encryption::{self, Sealed};
use crate::limits::{CHANGE_ATTEMPTS_MAX, LABELS_OF_A_VERSION_MAX, VERSION_KEPT_MS, VERSIONS_KEPT, VERSIONS_MAX};
use crate::names::SecretId;
use crate::records::{SecretRecord, VersionRecord};
use crate::rotation;
use crate::service::Secrets;
use crate::stages::{CURRENT, PENDING, PREVIOUS};
use crate::value::SecretValue;
use crate::{errors, keys, rows};

/// A version to be written.
pub struct NewVersion {
    /// Its id, which is the request's token.
    pub id: String,
    /// Its value.
    pub value: SecretValue,
    /// The labels that move to it.
    pub labels: Vec<String>,
}

/// What UpdateSecret changes besides the value. An empty text takes away.
#[derive(Clone, Default)]
struct Changes {
    description: Option<String>,
    kms_key_id: Option<String>,
}

/// Adds a version.
pub async fn put_secret_value(
    secrets: &Secrets,
    cx: &Ctx,
    input: PutSecretValueRequest,
) -> Result<PutSecretValueResponse, Error> {
    let id = SecretId::parse(cx, &input.secret_id)?;
    if input.rotation_token.is_some() {
        return Err(errors::unsupported("RotationToken"));
    }
    let token = input.client_request_token.ok_or_else(|| errors::request(errors::NO_TOKEN))?;
    let value = SecretValue::of_input(input.secret_string, input.secret_binary)?;
    let value = value.ok_or_else(|| errors::request("You must provide either SecretString or SecretBinary."))?;
    let labels = input.version_stages.unwrap_or_else(|| vec![CURRENT.to_owned()]);
    let new = NewVersion { id: token, value, labels };
    let record = write(secrets, cx, &id, &Changes::default(), &new).await?;
    Ok(PutSecretValueResponse {
        version_stages: Some(record.labels.of(&new.id)),
        arn: Some(record.arn),
        name: Some(record.name),
        version_id: Some(new.id),
    })
}

/// Changes a secret's description, key or value.
pub async fn update_secret(
    secrets: &Secrets,
    cx: &Ctx,
    input: UpdateSecretRequest,
) -> Result<UpdateSecretResponse, Error> {
    let id = SecretId::parse(cx, &input.secret_id)?;
    if input.r#type.is_some() {
        return Err(errors::unsupported("Type"));
    }
    let token = input.client_request_token.ok_or_else(|| errors::request(errors::NO_TOKEN))?;
    let changes = Changes { description: input.description, kms_key_id: input.kms_key_id };
    let Some(value) = SecretValue::of_input(input.secret_string, input.secret_binary)? else {
        let record = change_without_value(secrets, cx, &id, changes).await?;
        return Ok(UpdateSecretResponse { arn: Some(record.arn), name: Some(record.name), version_id: None });
    };
    let new = NewVersion { id: token, value, labels: vec![CURRENT.to_owned()] };
    let record = write(secrets, cx, &id, &changes, &new).await?;
    Ok(UpdateSecretResponse { arn: Some(record.arn), name: Some(record.name), version_id: Some(new.id) })
}

impl Changes {
    fn apply(&self, record: &mut SecretRecord) {
        if let Some(description) = &self.description {
            record.description = Some(description.clone()).filter(|text| !text.is_empty());
        }
        if let Some(key) = &self.kms_key_id {
            record.kms_key_id = Some(key.clone()).filter(|key| !key.is_empty());
        }
    }
}

/// Writes a version, unless it is there already with the same value.
async fn write(
    secrets: &Secrets,
    cx: &Ctx,
    id: &SecretId,
    changes: &Changes,
    new: &NewVersion,
) -> Result<SecretRecord, Error> {
    for _ in 0..CHANGE_ATTEMPTS_MAX {
        let before = secrets.primary(id).await?;
        match is_same(secrets, cx, id, &before, &new.id, &new.value).await? {
            Some(true) => return Ok(before),
            Some(false) => return Err(errors::token_used(&new.id, &before.arn)),
            None => {}
        }
        let mut after = before.clone();
        changes.apply(&mut after);
        after.changed_at = secrets.now();
        label(&mut after, new)?;
        let sealed = Sealed::new(cx, id, &after, &new.id, &new.value).await?;
        sealed.note_failures(&mut after);
        if swap(secrets, id, before, after.clone(), vec![(new.id.clone(), sealed)]).await? {
            return Ok(after);
        }
    }
    Err(errors::contended())
}

fn label(record: &mut SecretRecord, new: &NewVersion) -> Result<(), Error> {
    if record.labels.is_empty() {
        record.labels.put(CURRENT, &new.id);
    }
    let mut labels: Vec<&String> = new.labels.iter().collect();
    labels.sort();
    for label in labels {
        record.labels.put(label, &new.id);
    }
    if record.labels.of(&new.id).len() > LABELS_OF_A_VERSION_MAX {
        return Err(errors::limit(format!(
            "A secret version can't have more than {LABELS_OF_A_VERSION_MAX} staging labels attached."
        )));
    }
    if new.labels.iter().any(|label| label == CURRENT) {
        rotation::value_changed(record);
    }
    Ok(())
}

/// Changes what is not a value. A new key re-encrypts the versions in use.
async fn change_without_value(
    secrets: &Secrets,
    cx: &Ctx,
    id: &SecretId,
    changes: Changes,
) -> Result<SecretRecord, Error> {
    for _ in 0..CHANGE_ATTEMPTS_MAX {
        let before = secrets.primary(id).await?;
        let mut after = before.clone();
        changes.apply(&mut after);
        after.changed_at = secrets.now();
        let mut sealed = Vec::new();
        if after.kms_key_id != before.kms_key_id {
            for version in in_use(&before) {
                let Some(value) = open(secrets, cx, id, &before, &version).await? else { continue };
                let place = SecretRecord { replicas: Vec::new(), ..after.clone() };
                sealed.push((version.clone(), Sealed::new(cx, id, &place, &version, &value).await?));
            }
        }
        if swap(secrets, id, before, after.clone(), sealed).await? {
            return Ok(after);
        }
    }
    Err(errors::contended())
}

/// The versions that AWS re-encrypts when a secret gets another key.
fn in_use(record: &SecretRecord) -> Vec<String> {
    let mut versions: Vec<String> = [CURRENT, PENDING, PREVIOUS]
        .iter()
        .filter_map(|label| record.labels.version(label))
        .map(str::to_owned)
        .collect();
    versions.sort();
    versions.dedup();
    versions
}

/// Whether a version has this value; `None` if there is no such version, or it has no value yet.
pub async fn is_same(
    secrets: &Secrets,
    cx: &Ctx,
    id: &SecretId,
    record: &SecretRecord,
    version: &str,
    value: &SecretValue,
) -> Result<Option<bool>, Error> {
    Ok(open(secrets, cx, id, record, version).await?.map(|stored| stored == *value))
}

/// The value of a version; `None` if there is no such version, or it has no value yet.
pub async fn open(
    secrets: &Secrets,
    cx: &Ctx,
    id: &SecretId,
    record: &SecretRecord,
    version: &str,
) -> Result<Option<SecretValue>, Error> {
    let snapshot = secrets.snapshot(&id.account).await?;
    let row = platform::OrFailure::or_failure(snapshot.get(&keys::value(&id.region, &id.name, version)).await)?;
    drop(snapshot);
    let Some(row) = row else { return Ok(None) };
    encryption::open(cx, &record.arn, version, &rows::envelope(&row)?).await.map(Some)
}

/// Puts a changed secret with its new versions in the place of the one it was made from. `false` if that one has changed
/// meanwhile.
async fn swap(
    secrets: &Secrets,
    id: &SecretId,
    before: SecretRecord,
    after: SecretRecord,
    versions: Vec<(String, Sealed)>,
) -> Result<bool, Error> {
    let timers = secrets.timers(&id.account).await?;
    let (id, account) = (id.clone(), id.account.clone());
    secrets
        .transact(&account, move |transaction| {
            if rows::primary(transaction, &id)? != before {
                return Ok(false);
            }
            rows::put_secret(transaction, &id.region, &after)?;
            for (version, sealed) in &versions {
                put_everywhere(transaction, &after, version, sealed)?;
            }
            prune(transaction, &id, &after)?;
            if after.rotation != before.rotation {
                rotation::set_schedule(transaction, &timers, &id, &after)?;
            }
            Ok(true)
        })
        .await
}

/// Removes the oldest deprecated versions beyond those that a secret keeps.
fn prune(transaction: &mut dyn Transaction, id: &SecretId, record: &SecretRecord) -> Result<(), Abort<Error>> {
    let versions = rows::versions(transaction, &id.region, &id.name)?;
    if versions.len() >= VERSIONS_MAX {
        return Err(errors::limit("The secret has too many versions that were made within the last 24 hours.").into());
    }
    let surplus = versions.len().saturating_sub(VERSIONS_KEPT);
    let can_go = |(version, row): &&(String, VersionRecord)| {
        !record.labels.has(version) && row.created_at < record.changed_at - VERSION_KEPT_MS
    };
    for (version, _) in versions.iter().filter(can_go).take(surplus) {
        for place in record.places(&id.region) {
            transaction.delete(&keys::version(&place.region, &id.name, version));
            transaction.delete(&keys::value(&place.region, &id.name, version));
        }
    }
    Ok(())
}
