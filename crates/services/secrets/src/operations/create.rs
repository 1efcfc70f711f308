//! `CreateSecret`.

use api::secretsmanager::{CreateSecretRequest, CreateSecretResponse, errors as modelled};
use platform::Ctx;
use wire::Error;

use super::replicate::{self, Copies};
use super::tags;
use super::update::{NewVersion, is_same};
use crate::encryption::Sealed;
use crate::names::{self, SecretId};
use crate::records::{SecretRecord, VersionRecord};
use crate::service::Secrets;
use crate::stages::{CURRENT, Labels};
use crate::value::SecretValue;
use crate::{errors, keys, rows};

/// Makes a secret, with a first version if a value is given.
pub async fn create_secret(
    secrets: &Secrets,
    cx: &Ctx,
    input: CreateSecretRequest,
) -> Result<CreateSecretResponse, Error> {
    let id = check(cx, &input)?;
    let token = input.client_request_token.clone().ok_or_else(|| errors::request(errors::NO_TOKEN))?;
    let force = input.force_overwrite_replica_secret == Some(true);
    let mut record = new_record(secrets, &id, &input)?;
    let value = SecretValue::of_input(input.secret_string, input.secret_binary)?;
    if let Some(existing) = existing(secrets, cx, &id, &token, value.as_ref()).await? {
        return Ok(answer(&existing, value.map(|_| token)));
    }
    let new = value.map(|value| NewVersion { id: token.clone(), value, labels: vec![CURRENT.to_owned()] });
    let copies = Copies { force, versions: Vec::new() };
    record = store_new(secrets, cx, &id, record, new.as_ref(), copies).await?;
    Ok(answer(&record, new.map(|_| token)))
}

fn check(cx: &Ctx, input: &CreateSecretRequest) -> Result<SecretId, Error> {
    names::check_name(&input.name)?;
    if input.r#type.is_some() {
        return Err(errors::unsupported("Type"));
    }
    if input.cross_account_primary_arn.is_some() {
        return Err(errors::unsupported("CrossAccountPrimaryARN"));
    }
    Ok(SecretId::named(cx, &input.name))
}

fn new_record(secrets: &Secrets, id: &SecretId, input: &CreateSecretRequest) -> Result<SecretRecord, Error> {
    let now = secrets.now();
    let tags = input.tags.as_deref().map(|tags| tags::added(&[], tags)).transpose()?;
    let mut record = SecretRecord {
        arn: names::new_arn(&secrets.platform.ids, &id.region, &id.account, &id.name),
        name: id.name.clone(),
        description: input.description.clone().filter(|text| !text.is_empty()),
        kms_key_id: input.kms_key_id.clone().filter(|key| !key.is_empty()),
        created_at: now,
        changed_at: now,
        accessed_at: None,
        deletion: None,
        tags,
        labels: Labels::default(),
        policy: None,
        rotation: None,
        primary_region: None,
        replicas: Vec::new(),
    };
    if let Some(regions) = &input.add_replica_regions {
        replicate::add_regions(&mut record, &id.region, regions)?;
    }
    Ok(record)
}

/// The secret of that name, if this is the same request again; an error if it is another one.
async fn existing(
    secrets: &Secrets,
    cx: &Ctx,
    id: &SecretId,
    token: &str,
    value: Option<&SecretValue>,
) -> Result<Option<SecretRecord>, Error> {
    let found = match secrets.secret(id).await {
        Ok(found) => found,
        Err(error) if error.is("ResourceNotFoundException") => return Ok(None),
        Err(error) => return Err(error),
    };
    if found.deletion.is_some() {
        return Err(scheduled_for_deletion());
    }
    let is_repeated = match value {
        Some(value) => is_same(secrets, cx, id, &found, token, value).await?.unwrap_or(false),
        None => false,
    };
    if is_repeated { Ok(Some(found)) } else { Err(exists(&id.name)) }
}

async fn store_new(
    secrets: &Secrets,
    cx: &Ctx,
    id: &SecretId,
    mut record: SecretRecord,
    new: Option<&NewVersion>,
    copies: Copies,
) -> Result<SecretRecord, Error> {
    let sealed = match new {
        Some(new) => {
            let sealed = Sealed::new(cx, id, &record, &new.id, &new.value).await?;
            sealed.note_failures(&mut record);
            record.labels.put(CURRENT, &new.id);
            Some((new.id.clone(), sealed))
        }
        None => None,
    };
    let (id, account) = (id.clone(), id.account.clone());
    let timers = secrets.timers(&account).await?;
    secrets
        .transact(&account, move |transaction| {
            if let Some(found) = rows::read::<SecretRecord>(transaction, &keys::secret(&id.region, &id.name))? {
                return Err(if found.deletion.is_some() { scheduled_for_deletion() } else { exists(&id.name) }.into());
            }
            let mut record = record.clone();
            rows::count_up(transaction, &id.region)?;
            copies.put(transaction, &timers, &id, &mut record)?;
            rows::put_secret(transaction, &id.region, &record)?;
            if let Some((version, sealed)) = &sealed {
                put_everywhere(transaction, &record, version, sealed)?;
            }
            Ok(record)
        })
        .await
}

/// Writes a version wherever its value was encrypted for and the secret is in step.
pub fn put_everywhere(
    transaction: &mut dyn store::Transaction,
    record: &SecretRecord,
    version: &str,
    sealed: &Sealed,
) -> Result<(), store::Abort<Error>> {
    let failed =
        |region: &str| record.replicas.iter().any(|replica| replica.region == region && replica.failure.is_some());
    for (place, envelope) in &sealed.places {
        let (Ok(envelope), false) = (envelope, failed(&place.region)) else { continue };
        let row = VersionRecord {
            created_at: record.changed_at,
            kms_key_id: place.kms_key_id.clone(),
            accessed_at: None,
            has_value: true,
        };
        rows::put_version(transaction, (&place.region, &record.name, version), &row, envelope)?;
    }
    Ok(())
}

fn answer(record: &SecretRecord, version: Option<String>) -> CreateSecretResponse {
    CreateSecretResponse {
        arn: Some(record.arn.clone()),
        name: Some(record.name.clone()),
        version_id: version,
        replication_status: record.replication_status(),
    }
}

fn exists(name: &str) -> Error {
    modelled::resource_exists_exception(format!("The operation failed because the secret {name} already exists."))
}

fn scheduled_for_deletion() -> Error {
    errors::request("You can't create this secret because a secret with this name is already scheduled for deletion.")
}
