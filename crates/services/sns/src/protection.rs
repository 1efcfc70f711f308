//! Messages of encrypted topics at rest.
//!
//! Whoever publishes to a topic with a key of KMS needs `kms:GenerateDataKey` and `kms:Decrypt` on it, as on AWS. Until it
//! is delivered, what the message says lies under the installation's key: deliveries are made without the publisher.

use std::borrow::Cow;
use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use platform::envelope::{self, EncryptionContext};
use platform::{Ctx, OrFailure};
use serde::{Deserialize, Serialize};
use store::StoreError;
use wire::Error;

use crate::message::{Attribute, Message};
use crate::service::Sns;
use crate::topic::Topic;

/// The key that SNS manages itself: what is encrypted under it needs no permission of the publisher's.
const OWN_ALIAS: &str = "alias/aws/sns";

/// What a sealed message is bound to.
const SEALED_FOR: &str = "sns/message";

/// What a message says.
#[derive(Serialize, Deserialize)]
struct Said {
    subject: Option<String>,
    text: String,
    by_protocol: BTreeMap<String, String>,
    attributes: BTreeMap<String, Attribute>,
}

/// A message as it is stored: sealed, if its topic is encrypted.
///
/// # Errors
/// Those of KMS.
pub async fn protect(cx: &Ctx, topic: &Topic, message: Message) -> Result<Message, Error> {
    let Some(key) = &topic.kms_key else { return Ok(message) };
    if !key.ends_with(OWN_ALIAS) {
        let context = EncryptionContext::from([("aws:sns:topicArn".to_owned(), message.topic.clone())]);
        let probe = envelope::seal(cx, key, &context, &[]).await.map_err(of_kms)?;
        envelope::open(cx, &context, &probe).await.map_err(of_kms)?;
    }
    let Message { subject, text, by_protocol, attributes, .. } = message;
    let said = serde_json::to_vec(&Said { subject, text, by_protocol, attributes }).map_err(unreadable).or_failure()?;
    Ok(Message {
        subject: None,
        text: String::new(),
        by_protocol: BTreeMap::new(),
        attributes: BTreeMap::new(),
        sealed: Some(STANDARD.encode(cx.platform.sealing.seal(SEALED_FOR, &said))),
        ..message
    })
}

/// A stored message as it was published.
///
/// # Errors
/// `InternalFailure` for one that cannot be read.
pub fn open<'m>(service: &Sns, message: &'m Message) -> Result<Cow<'m, Message>, Error> {
    let Some(sealed) = &message.sealed else { return Ok(Cow::Borrowed(message)) };
    let opened =
        STANDARD.decode(sealed).ok().and_then(|sealed| service.platform.sealing.open(SEALED_FOR, &sealed).ok());
    let said = opened.and_then(|said| serde_json::from_slice(&said).ok());
    let Said { subject, text, by_protocol, attributes } =
        said.ok_or_else(|| unreadable("a sealed message does not open")).or_failure()?;
    Ok(Cow::Owned(Message { subject, text, by_protocol, attributes, sealed: None, ..message.clone() }))
}

fn unreadable(reason: impl ToString) -> StoreError {
    StoreError::Read(reason.to_string().into())
}

/// An error of KMS as SNS reports it.
fn of_kms(error: Error) -> Error {
    use api::sns::errors;
    let text = error.message.clone().unwrap_or_default();
    match error.definition.name {
        "NotFoundException" => errors::kms_not_found_exception(text),
        "DisabledException" => errors::kms_disabled_exception(text),
        "KMSInvalidStateException" => errors::kms_invalid_state_exception(text),
        "AccessDeniedException" => errors::kms_access_denied_exception(text),
        _ => error,
    }
}
