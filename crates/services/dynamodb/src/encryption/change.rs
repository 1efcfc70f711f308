//! Making a table's key, and wrapping it anew.

use api::dynamodb::SSESpecification;
use api::kms;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use platform::{Ctx, OrFailure};
use store::Direction;
use wire::Error;
use wire::error::common;

use super::access::{self, SERVICE, call_as_service, context, own_context};
use super::{Encryption, TableKey};
use crate::background::Place;
use crate::backup::Backup;
use crate::destination::Queue;
use crate::errors::{invalid, invalid_value};
use crate::names::TableName;
use crate::service::DynamoDb;
use crate::stream::Stream;
use crate::table::Table;
use crate::{keys, rows};

/// The key that a table without one named is encrypted under, when it asks for KMS.
const DEFAULT_KEY: &str = "alias/aws/dynamodb";

/// Most streams, queues and backups looked through for users of a key.
const ROWS_READ_MAX: usize = 10_000;

/// What background work does with a key of KMS (Developer Guide, "Authorizing use of your AWS KMS key").
const GRANTED: [&str; 3] = ["Decrypt", "DescribeKey", "RetireGrant"];

/// The ARN of the key of KMS that a table is to be encrypted under; `None` for the installation's own.
///
/// # Errors
/// A `ValidationException`, also for keys that KMS does not show the caller.
pub async fn read(cx: &Ctx, given: &SSESpecification) -> Result<Option<String>, Error> {
    if given.enabled != Some(true) {
        if given.kms_master_key_id.is_some() || given.sse_type.is_some() {
            let name = if given.sse_type.is_some() { "SSEType" } else { "KMSMasterKeyId" };
            return Err(invalid_value(format!("{name} can not be specified if Enabled is false")));
        }
        return Ok(None);
    }
    if given.sse_type.as_deref() == Some("AES256") {
        return Err(invalid_value("SSEType AES256 is not supported"));
    }
    if given.kms_master_key_id.is_some() && given.sse_type.is_none() {
        return Err(invalid_value("SSEType KMS is required if KMSMasterKeyId is specified"));
    }
    let key_id = given.kms_master_key_id.clone().unwrap_or_else(|| DEFAULT_KEY.to_owned());
    let input = kms::DescribeKeyRequest { key_id, ..Default::default() };
    let described = cx.call::<kms::DescribeKey>(input).await.map_err(|error| refused(cx, &error))?;
    Ok(described.key_metadata.and_then(|key| key.arn))
}

/// What KMS says of a key that cannot be used.
fn refused(cx: &Ctx, error: &Error) -> Error {
    if error.is(common::ACCESS_DENIED.name) {
        return access::denied(error, &cx.request_id);
    }
    let (reason, code) = (error.message.as_deref().unwrap_or_default(), error.definition.name);
    let kind = if code == "DisabledException" { "KMS key disabled error" } else { "KMS validation error" };
    invalid(format!(
        "{kind}: com.amazonaws.services.kms.model.{code}: {reason} (Service: AWSKMS; Status Code: 400; Error Code: \
         {code}; Request ID: {}; Proxy: null)",
        cx.request_id
    ))
}

/// A new key for a table, wrapped by a key of KMS with the caller's rights.
///
/// # Errors
/// `AccessDeniedException`, and a `ValidationException` for keys that cannot encrypt.
pub async fn make(
    service: &DynamoDb,
    cx: &Ctx,
    account: &str,
    table: &str,
    key_arn: String,
) -> Result<Encryption, Error> {
    let input = kms::GenerateDataKeyRequest {
        key_id: key_arn.clone(),
        encryption_context: Some(context(account, table)),
        key_spec: Some("AES_256".to_owned()),
        ..Default::default()
    };
    let made = cx.call::<kms::GenerateDataKey>(input).await.map_err(|error| refused(cx, &error))?;
    let grant = grant(cx, account, table, &key_arn).await?;
    let key = TableKey {
        id: service.platform.ids.uuid(),
        table: table.to_owned(),
        wrapped: BASE64.encode(made.ciphertext_blob.unwrap_or_default()),
        grant,
    };
    Ok(Encryption { key_arn: Some(key_arn), table_key: Some(key), ..Encryption::default() })
}

/// Lets background work use a key of KMS for a table.
async fn grant(cx: &Ctx, account: &str, table: &str, key_arn: &str) -> Result<Option<String>, Error> {
    let constraints =
        kms::GrantConstraints { encryption_context_subset: Some(context(account, table)), ..Default::default() };
    let input = kms::CreateGrantRequest {
        key_id: key_arn.to_owned(),
        grantee_service_principal: Some(SERVICE.to_owned()),
        retiring_service_principal: Some(SERVICE.to_owned()),
        operations: GRANTED.map(str::to_owned).to_vec(),
        constraints: Some(constraints),
        ..Default::default()
    };
    let made = cx.call::<kms::CreateGrant>(input).await.map_err(|error| refused(cx, &error))?;
    Ok(made.grant_id)
}

/// Takes back the right to use a key of KMS, unless rows of a stream, a queue or a backup are still under it. What KMS does not
/// let go is left to the key's owner.
///
/// # Errors
/// When the store cannot be read.
pub async fn retire_if_unused(service: &DynamoDb, name: &TableName, encryption: &Encryption) -> Result<(), Error> {
    let Encryption { key_arn: Some(key_arn), table_key: Some(key), .. } = encryption else { return Ok(()) };
    let Some(grant) = &key.grant else { return Ok(()) };
    let place = Place { partition: name.partition(), account: name.account.clone(), region: name.region.clone() };
    let snapshot = service.snapshot(&place.partition).await?;
    let uses = |other: Option<&Encryption>| {
        other.and_then(|other| other.table_key.as_ref()).is_some_and(|other| other.grant.as_ref() == Some(grant))
    };
    for (_, row) in snapshot.scan(keys::streams(), Direction::Forward, ROWS_READ_MAX).await.or_failure()? {
        if uses(rows::decode::<Stream>(&row)?.encryption.as_ref()) {
            return Ok(());
        }
    }
    for (_, row) in snapshot.scan(keys::queues(), Direction::Forward, ROWS_READ_MAX).await.or_failure()? {
        if uses(rows::decode::<Queue>(&row)?.encryption.as_ref()) {
            return Ok(());
        }
    }
    for (_, row) in snapshot.scan(keys::backups(), Direction::Forward, ROWS_READ_MAX).await.or_failure()? {
        if uses(rows::decode::<Backup>(&row)?.table.encryption.as_ref()) {
            return Ok(());
        }
    }
    let input =
        kms::RetireGrantRequest { key_id: Some(key_arn.clone()), grant_id: Some(grant.clone()), ..Default::default() };
    if let Err(error) = call_as_service::<kms::RetireGrant>(service, &place, input).await {
        tracing::info!(%error, "a grant of a table's key was not retired");
    }
    Ok(())
}

/// How a table is encrypted once it is under this key.
///
/// # Errors
/// `AccessDeniedException`, and a `ValidationException` for keys that cannot encrypt and for the key that it has.
pub async fn changed(
    service: &DynamoDb,
    cx: &Ctx,
    table: &Table,
    key_arn: Option<String>,
) -> Result<Option<Encryption>, Error> {
    let current = table.encryption.as_ref();
    let Some(plain) = access::unwrap_for_caller(service, cx, table).await? else {
        let key_arn = key_arn.ok_or_else(|| invalid_value("Table is already encrypted by default"))?;
        let made = make(service, cx, &table.account, &table.name, key_arn).await?;
        return Ok(Some(Encryption { converting: true, ..made }));
    };
    let Some(Encryption { table_key: Some(key), converting, .. }) = current else { return Ok(None) };
    if current.is_some_and(|current| current.key_arn == key_arn) {
        return match key_arn {
            Some(_) => Err(invalid_value(
                "Table is already encrypted with given KMSMasterKeyId. Use KMSMasterKeyId parameter if you want to \
                 change Master Key",
            )),
            None => Err(invalid_value("Table is already encrypted by default")),
        };
    }
    let (wrapped, grant) = match &key_arn {
        None => (service.platform.sealing.seal(&own_context(&key.id), &plain), None),
        Some(arn) => {
            let input = kms::EncryptRequest {
                key_id: arn.clone(),
                plaintext: plain.to_vec().into(),
                encryption_context: Some(context(&table.account, &key.table)),
                ..Default::default()
            };
            let wrapped = cx.call::<kms::Encrypt>(input).await.map_err(|error| refused(cx, &error))?;
            let grant = grant(cx, &table.account, &key.table, arn).await?;
            (wrapped.ciphertext_blob.unwrap_or_default().to_vec(), grant)
        }
    };
    let key = TableKey { wrapped: BASE64.encode(wrapped), grant, ..key.clone() };
    Ok(Some(Encryption { key_arn, table_key: Some(key), converting: *converting, inaccessible_since: None }))
}

/// Whether background work can use the key of KMS that a table is under.
pub async fn is_accessible(service: &DynamoDb, place: &Place, key_arn: &str) -> bool {
    let input = kms::DescribeKeyRequest { key_id: key_arn.to_owned(), ..Default::default() };
    match call_as_service::<kms::DescribeKey>(service, place, input).await {
        Ok(described) => described.key_metadata.and_then(|key| key.enabled).unwrap_or(false),
        Err(error) => {
            tracing::info!(%error, key_arn, "the key of a table cannot be used");
            false
        }
    }
}
