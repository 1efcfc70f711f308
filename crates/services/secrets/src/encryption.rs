//! Values under keys of KMS, with the caller's rights, bound to the secret's ARN and the version's id as AWS binds them.

use platform::envelope::{self, EncryptionContext};
use platform::{Ctx, OrFailure};
use store::StoreError;
use wire::Error;

use crate::errors;
use crate::names::SecretId;
use crate::records::{Place, SecretRecord};
use crate::value::SecretValue;

/// AWS's own key, where the caller names none.
const DEFAULT_KEY: &str = "alias/aws/secretsmanager";

/// A value encrypted for every place where it is kept.
pub struct Sealed {
    /// Where, and the envelope, or why there is none.
    pub places: Vec<(Place, Result<Vec<u8>, String>)>,
}

impl Sealed {
    /// Encrypts a value for all places of a secret.
    ///
    /// # Errors
    /// What KMS answers for the secret's own region. A replica's region that fails is noted, and held against that
    /// replica alone.
    pub async fn new(
        cx: &Ctx,
        id: &SecretId,
        record: &SecretRecord,
        version: &str,
        value: &SecretValue,
    ) -> Result<Sealed, Error> {
        let mut places = Vec::new();
        for (index, place) in record.places(&id.region).into_iter().enumerate() {
            let sealed = seal(cx, &id.account, &place, version, value).await;
            let sealed = match sealed {
                Err(error) if index == 0 => return Err(error),
                other => other.map_err(|error| error.message.unwrap_or_default().into_owned()),
            };
            places.push((place, sealed));
        }
        Ok(Sealed { places })
    }

    /// Notes in the secret which replicas have fallen out of step.
    pub fn note_failures(&self, record: &mut SecretRecord) {
        for (place, sealed) in &self.places {
            let Err(reason) = sealed else { continue };
            let replica = record.replicas.iter_mut().find(|replica| replica.region == place.region);
            if let Some(replica) = replica {
                replica.failure = Some(reason.clone());
            }
        }
    }
}

/// Encrypts a value for one place.
///
/// # Errors
/// `EncryptionFailure`, `AccessDeniedException`.
pub async fn seal(cx: &Ctx, owner: &str, place: &Place, version: &str, value: &SecretValue) -> Result<Vec<u8>, Error> {
    if place.kms_key_id.is_none() && cx.account != owner {
        // AWS's own keys serve their own account alone.
        return Err(errors::access_denied("Access to KMS is not allowed"));
    }
    let key = place.kms_key_id.as_deref().unwrap_or(DEFAULT_KEY);
    let context = context(&place.arn, version);
    let there = cx.in_region(&place.region);
    envelope::seal(&there, key, &context, &value.encode()).await.map_err(errors::encryption)
}

/// Decrypts a value.
///
/// # Errors
/// `DecryptionFailure`, `AccessDeniedException`.
pub async fn open(cx: &Ctx, arn: &str, version: &str, envelope: &[u8]) -> Result<SecretValue, Error> {
    let opened = envelope::open(cx, &context(arn, version), envelope).await.map_err(errors::decryption)?;
    SecretValue::decode(&opened).ok_or_else(|| StoreError::Read("a value cannot be read".into())).or_failure()
}

fn context(arn: &str, version: &str) -> EncryptionContext {
    let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    EncryptionContext::from([pair("SecretARN", arn), pair("SecretVersionId", version)])
}
