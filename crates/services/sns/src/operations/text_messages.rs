//! Short messages to telephone numbers, which are recorded in the outbox, and their settings.

use std::collections::BTreeMap;
use std::sync::Arc;

use api::sns::{
    GetSMSAttributesInput, GetSMSAttributesResponse, PublishInput, PublishResponse, SetSMSAttributesInput,
    SetSMSAttributesResponse, errors as modelled,
};
use platform::{Ctx, OrFailure};
use wire::{Error, Timestamp};

use super::subscriptions::{is_number, next_number};
use crate::deliver::{self, Sent};
use crate::errors::invalid;
use crate::keys::{self, Purpose};
use crate::limits::{SENDER_CHARACTERS_MAX, TEXT_MESSAGE_CHARACTERS_MAX};
use crate::message::Content;
use crate::rows;
use crate::service::Sns;

type Settings = BTreeMap<String, String>;

const DEFAULT_SENDER: &str = "DefaultSenderID";
const DEFAULT_KIND: &str = "DefaultSMSType";
const SPEND_LIMIT: &str = "MonthlySpendLimit";

/// The limit of an account that has not set one, in dollars.
const SPEND_LIMIT_DEFAULT: &str = "1";

/// Settings of AWS's that would have no effect here, and are refused rather than ignored.
const UNSUPPORTED: [&str; 3] = ["DeliveryStatusIAMRole", "DeliveryStatusSuccessSamplingRate", "UsageReportS3Bucket"];

/// Attributes of a message that speak of it as a short message.
const SENDER: &str = "AWS.SNS.SMS.SenderID";
const KIND: &str = "AWS.SNS.SMS.SMSType";

/// Sends a message to a number: it is in the outbox before the answer.
///
/// # Errors
/// `InvalidParameter`, `ParameterValueInvalid`.
pub async fn publish(service: &Arc<Sns>, cx: &Ctx, input: PublishInput) -> Result<PublishResponse, Error> {
    let number = input.phone_number.unwrap_or_default();
    let structure = input.message_structure.as_deref();
    let content = Content::new(input.message, structure, input.subject, input.message_attributes)?;
    if !is_number(&number) {
        return Err(invalid(format!("PhoneNumber Reason: {number} is not valid to publish to")));
    }
    let body = content.by_protocol.get("sms").unwrap_or(&content.text).clone();
    if body.chars().count() > TEXT_MESSAGE_CHARACTERS_MAX {
        return Err(invalid("Message too long"));
    }
    let settings = settings(service, cx).await?;
    let said = |attribute: &str, setting: &str| {
        let said = content.attributes.get(attribute).map(|attribute| attribute.value.clone());
        said.or_else(|| settings.get(setting).cloned())
    };
    let (sender, kind) = (said(SENDER, DEFAULT_SENDER), said(KIND, DEFAULT_KIND));
    check(DEFAULT_SENDER, sender.as_deref().unwrap_or("none"), SENDER)?;
    check(DEFAULT_KIND, kind.as_deref().unwrap_or("Promotional"), KIND)?;
    let mut sent = String::new();
    Timestamp::from_milliseconds(service.now()).write_iso8601_milliseconds(&mut sent);
    let id = service.platform.ids.uuid();
    let key = keys::outbox(next_number(service).await?, Purpose::Notification, &id);
    let message = Sent { protocol: "sms".to_owned(), to: number, sender, kind, body, sent, ..Sent::default() };
    deliver::keep(service, keys::partition(&cx.account, &cx.region), key, message).await?;
    Ok(PublishResponse { message_id: Some(id), sequence_number: None })
}

/// Sets settings of short messages; an empty text takes one back.
///
/// # Errors
/// `InvalidParameter`.
pub async fn set_sms_attributes(
    service: &Arc<Sns>,
    cx: &Ctx,
    input: SetSMSAttributesInput,
) -> Result<SetSMSAttributesResponse, Error> {
    for (name, value) in &input.attributes {
        check(name, value, name)?;
    }
    let set = service.transact(keys::partition(&cx.account, &cx.region), move |rows| {
        let key = keys::text_settings();
        let mut settings: Settings = rows::read(rows, &key)?.unwrap_or_default();
        settings.extend(input.attributes.clone());
        settings.retain(|_, value| !value.is_empty());
        rows::put(rows, &key, &settings)
    });
    set.await?;
    Ok(SetSMSAttributesResponse {})
}

/// Answers settings of short messages: those named, or all that are set.
///
/// # Errors
/// A failure of the store.
pub async fn get_sms_attributes(
    service: &Arc<Sns>,
    cx: &Ctx,
    input: GetSMSAttributesInput,
) -> Result<GetSMSAttributesResponse, Error> {
    let wanted = input.attributes.unwrap_or_default();
    let mut settings = settings(service, cx).await?;
    settings.entry(SPEND_LIMIT.to_owned()).or_insert_with(|| SPEND_LIMIT_DEFAULT.to_owned());
    settings.retain(|name, _| wanted.is_empty() || wanted.contains(name));
    Ok(GetSMSAttributesResponse { attributes: Some(settings) })
}

async fn settings(service: &Sns, cx: &Ctx) -> Result<Settings, Error> {
    let row =
        service.store().get(&keys::partition(&cx.account, &cx.region), &keys::text_settings()).await.or_failure()?;
    row.map_or_else(|| Ok(Settings::new()), |row| rows::decode(&row))
}

/// Checks the value of a setting, which the caller calls by a name of its own.
fn check(setting: &str, value: &str, name: &str) -> Result<(), Error> {
    let sender = |text: &str| {
        let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        plain && text.len() <= SENDER_CHARACTERS_MAX && text.bytes().any(|byte| byte.is_ascii_alphabetic())
    };
    let sound = match setting {
        DEFAULT_SENDER => value.is_empty() || sender(value),
        DEFAULT_KIND => ["", "Promotional", "Transactional"].contains(&value),
        SPEND_LIMIT => value.is_empty() || value.parse::<u32>().is_ok(),
        _ if UNSUPPORTED.contains(&setting) => {
            return Err(invalid(format!("{name} Reason: this attribute is not supported")));
        }
        _ => return Err(modelled::invalid_parameter_exception(format!("{name} is not a valid attribute"))),
    };
    if sound { Ok(()) } else { Err(modelled::invalid_parameter_exception(format!("{name} is invalid"))) }
}
