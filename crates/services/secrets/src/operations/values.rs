//! `GetSecretValue`.

use api::secretsmanager::{GetSecretValueRequest, GetSecretValueResponse};
use platform::{Ctx, OrFailure};
use wire::Error;

use crate::names::SecretId;
use crate::records::{SecretRecord, VersionRecord, day_of, time};
use crate::service::Secrets;
use crate::stages::CURRENT;
use crate::{encryption, errors, keys, rows};

/// A version's value: by its id, by a label, or the current one.
pub async fn get_secret_value(
    secrets: &Secrets,
    cx: &Ctx,
    input: GetSecretValueRequest,
) -> Result<GetSecretValueResponse, Error> {
    let id = SecretId::parse(cx, &input.secret_id)?;
    let record = secrets.active(&id).await?;
    let wanted = Wanted::of(&record, input.version_id, input.version_stage)?;
    let snapshot = secrets.snapshot(&id.account).await?;
    let version = snapshot.get(&keys::version(&id.region, &id.name, &wanted.version)).await.or_failure()?;
    let value = snapshot.get(&keys::value(&id.region, &id.name, &wanted.version)).await.or_failure()?;
    drop(snapshot);
    let (Some(version), Some(value)) = (version, value) else { return Err(wanted.not_found()) };
    let version: VersionRecord = rows::decode(&version)?;
    let value = encryption::open(cx, &record.arn, &wanted.version, &rows::envelope(&value)?).await?;
    note_access(secrets, &id, &record, &wanted.version, &version).await?;
    let (secret_string, secret_binary) = value.into_members();
    Ok(GetSecretValueResponse {
        version_stages: Some(record.labels.of(&wanted.version)).filter(|labels| !labels.is_empty()),
        arn: Some(record.arn),
        name: Some(record.name),
        version_id: Some(wanted.version),
        secret_binary,
        secret_string,
        created_date: Some(time(version.created_at)),
    })
}

/// The version that a caller asks for, and how it did.
struct Wanted {
    version: String,
    label: Option<String>,
}

impl Wanted {
    fn of(record: &SecretRecord, version: Option<String>, label: Option<String>) -> Result<Wanted, Error> {
        let Some(version) = version else {
            let label = label.unwrap_or_else(|| CURRENT.to_owned());
            let version = record.labels.version(&label).ok_or_else(|| errors::label_not_found(&label))?;
            return Ok(Wanted { version: version.to_owned(), label: Some(label) });
        };
        let Some(label) = label else { return Ok(Wanted { version, label: None }) };
        if record.labels.has(&version) && record.labels.version(&label) != Some(version.as_str()) {
            return Err(errors::request(
                "You provided a VersionStage that is not associated to the provided VersionId.",
            ));
        }
        Ok(Wanted { version, label: None })
    }

    fn not_found(&self) -> Error {
        match &self.label {
            Some(label) => errors::label_not_found(label),
            None => errors::version_not_found(&self.version),
        }
    }
}

/// Notes that the value was read today: the first reading of a day writes, the others do not.
async fn note_access(
    secrets: &Secrets,
    id: &SecretId,
    record: &SecretRecord,
    version: &str,
    row: &VersionRecord,
) -> Result<(), Error> {
    let today = Some(day_of(secrets.now()));
    if record.accessed_at >= today && row.accessed_at >= today {
        return Ok(());
    }
    let (id, version, account) = (id.clone(), version.to_owned(), id.account.clone());
    let noted = secrets.transact(&account, move |transaction| {
        let secret = keys::secret(&id.region, &id.name);
        if let Some(record) = rows::read::<SecretRecord>(transaction, &secret)? {
            rows::put(transaction, &secret, &SecretRecord { accessed_at: today, ..record })?;
        }
        let key = keys::version(&id.region, &id.name, &version);
        if let Some(row) = rows::read::<VersionRecord>(transaction, &key)? {
            rows::put(transaction, &key, &VersionRecord { accessed_at: today, ..row })?;
        }
        Ok(())
    });
    noted.await
}
