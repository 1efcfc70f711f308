//! Who may use a table's key. As on AWS, the key is unwrapped with the rights of whoever calls, and held for five
//! minutes for each of them; background work has a grant of its own.

use std::collections::HashMap;
use std::sync::Arc;

use api::kms;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use parking_lot::Mutex;
use platform::{Ctx, Principal};
use wire::Error;
use wire::error::common;
use zeroize::Zeroizing;

use super::{Cipher, Encryption, Protected, TableKey, Unlocked};
use crate::background::Place;
use crate::errors;
use crate::limits::{CIPHER_LIFETIME_MS, CIPHERS_CACHED_MAX};
use crate::service::DynamoDb;
use crate::table::Table;

/// The principal of what is done without a call.
pub const SERVICE: &str = "dynamodb.amazonaws.com";

/// Ciphers by the id of the table's key and the ARN of whoever may use it.
#[derive(Default)]
pub struct Ciphers(Mutex<HashMap<(String, String), Held>>);

#[derive(Clone)]
struct Held {
    cipher: Arc<Cipher>,
    until: i64,
}

impl Ciphers {
    fn get(&self, id: &str, user: &str, now: i64) -> Option<Arc<Cipher>> {
        let held = self.0.lock().get(&(id.to_owned(), user.to_owned()))?.clone();
        (held.until > now).then_some(held.cipher)
    }

    fn put(&self, id: &str, user: &str, cipher: &Arc<Cipher>, now: i64) {
        let mut held = self.0.lock();
        if held.len() >= CIPHERS_CACHED_MAX {
            held.retain(|_, held| held.until > now);
        }
        if held.len() >= CIPHERS_CACHED_MAX {
            held.clear();
        }
        let until = now.saturating_add(CIPHER_LIFETIME_MS);
        held.insert((id.to_owned(), user.to_owned()), Held { cipher: Arc::clone(cipher), until });
    }

    /// Forgets all.
    pub fn clear(&self) {
        self.0.lock().clear();
    }
}

/// Who uses a table's key.
#[derive(Clone, Copy)]
pub enum User<'a> {
    /// Whoever calls.
    Caller(&'a Ctx),
    /// Background work in a place.
    Service(&'a Place),
}

impl User<'_> {
    fn arn(self) -> String {
        match self {
            User::Caller(cx) => cx.principal.arn(),
            User::Service(_) => SERVICE.to_owned(),
        }
    }
}

/// What KMS binds a wrapping to, in AWS's words.
pub fn context(account: &str, table: &str) -> kms_context::Pairs {
    [("aws:dynamodb:tableName", table), ("aws:dynamodb:subscriberId", account)]
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect()
}

/// The form of an encryption context.
pub mod kms_context {
    /// Pairs of names and values.
    pub type Pairs = std::collections::BTreeMap<String, String>;
}

/// `AccessDeniedException`, in AWS's words around those of KMS.
pub fn denied(error: &Error, request_id: &str) -> Error {
    let reason = error.message.as_deref().unwrap_or_default();
    let code = error.definition.name;
    Error::new(
        &common::ACCESS_DENIED,
        format!(
            "KMS key access denied error: com.amazonaws.services.kms.model.AWSKMSException: {reason} (Service: AWSKMS; \
             Status Code: 400; Error Code: {code}; Request ID: {request_id}; Proxy: null)"
        ),
    )
}

/// Where the account is that a table belongs to.
struct Home<'a> {
    account: &'a str,
    region: &'a str,
}

/// A table whose rows can be read and written by this user.
///
/// # Errors
/// `AccessDeniedException` if KMS does not let the user have the table's key.
pub async fn unlock(service: &DynamoDb, user: User<'_>, table: Arc<Table>) -> Result<Arc<Table>, Error> {
    if table.table_key().is_none() || table.cipher().is_ok() {
        return Ok(table);
    }
    let home = Home { account: &table.account, region: &table.region };
    let cipher = cipher(service, user, &home, table.encryption.as_ref()).await?;
    let unlocked = Unlocked(cipher);
    Ok(Arc::new(Table { unlocked, ..table.as_ref().clone() }))
}

/// The cipher of anything that is encrypted as a table is.
///
/// # Errors
/// As [`unlock`].
pub async fn unlock_for_service(
    service: &DynamoDb,
    place: &Place,
    encryption: Option<&Encryption>,
) -> Result<Unlocked, Error> {
    let home = Home { account: &place.account, region: &place.region };
    Ok(Unlocked(cipher(service, User::Service(place), &home, encryption).await?))
}

async fn cipher(
    service: &DynamoDb,
    user: User<'_>,
    home: &Home<'_>,
    encryption: Option<&Encryption>,
) -> Result<Option<Arc<Cipher>>, Error> {
    let Some((encryption, key)) = encryption.and_then(|given| Some((given, given.table_key.as_ref()?))) else {
        return Ok(None);
    };
    let (arn, now) = (user.arn(), service.now());
    if let Some(cipher) = service.ciphers.get(&key.id, &arn, now) {
        return Ok(Some(cipher));
    }
    let plain = unwrap(service, user, home, encryption.key_arn.as_deref(), key).await?;
    let cipher = Arc::new(Cipher { id: key.id.clone(), sealing: service.platform.sealing.under(&plain) });
    service.ciphers.put(&key.id, &arn, &cipher, now);
    Ok(Some(cipher))
}

/// The plain key of a table of the caller's.
///
/// # Errors
/// As [`unlock`].
pub async fn unwrap_for_caller(
    service: &DynamoDb,
    cx: &Ctx,
    table: &Table,
) -> Result<Option<Zeroizing<Vec<u8>>>, Error> {
    let Some((encryption, key)) = table.encryption.as_ref().and_then(|given| Some((given, given.table_key.as_ref()?)))
    else {
        return Ok(None);
    };
    let home = Home { account: &table.account, region: &table.region };
    unwrap(service, User::Caller(cx), &home, encryption.key_arn.as_deref(), key).await.map(Some)
}

async fn unwrap(
    service: &DynamoDb,
    user: User<'_>,
    home: &Home<'_>,
    key_arn: Option<&str>,
    key: &TableKey,
) -> Result<Zeroizing<Vec<u8>>, Error> {
    let wrapped = BASE64.decode(&key.wrapped).map_err(|_| errors::damaged("table key"))?;
    let Some(key_arn) = key_arn else {
        let opened = service.platform.sealing.open(&own_context(&key.id), &wrapped);
        return opened.map_err(|_| errors::damaged("table key"));
    };
    let input = kms::DecryptRequest {
        ciphertext_blob: Some(wrapped.into()),
        key_id: Some(key_arn.to_owned()),
        encryption_context: Some(context(home.account, &key.table)),
        ..Default::default()
    };
    let answer = match user {
        User::Caller(cx) => cx.in_region(home.region).call::<kms::Decrypt>(input).await,
        User::Service(place) => call_as_service::<kms::Decrypt>(service, place, input).await,
    };
    let request_id = service.platform.ids.uuid();
    let answer = answer.map_err(|error| denied(&error, &request_id))?;
    Ok(Zeroizing::new(answer.plaintext.unwrap_or_default().to_vec()))
}

/// What the installation's own wrapping of a table's key is bound to.
pub fn own_context(id: &str) -> String {
    format!("dynamodb/table-key/{id}")
}

/// Calls KMS for background work.
pub async fn call_as_service<O: api::Operation>(
    service: &DynamoDb,
    place: &Place,
    input: O::Input,
) -> Result<O::Output, Error> {
    let principal = Principal::Service { name: SERVICE, account: place.account.clone(), source_arn: None };
    service.platform.call_as::<O>(principal, &place.account, &place.region, input).await
}
