//! Devices that registered with an application: AWS calls them endpoints.

use std::sync::Arc;

use api::sns::{
    CreateEndpointResponse, CreatePlatformEndpointInput, DeleteEndpointInput, Endpoint, GetEndpointAttributesInput,
    GetEndpointAttributesResponse, ListEndpointsByPlatformApplicationInput, ListEndpointsByPlatformApplicationResponse,
    PublishInput, PublishResponse, SetEndpointAttributesInput, errors as modelled,
};
use platform::{Ctx, OrFailure};
use store::{Abort, Partition, Transaction};
use wire::{Error, Timestamp};

use super::subscriptions::next_number;
use super::{applications, page};
use crate::deliver::{self, Sent};
use crate::errors::{invalid, no_application};
use crate::keys::{self, Purpose};
use crate::limits::USER_DATA_BYTES_MAX;
use crate::message::Content;
use crate::push::{self, Application, Attributes, Device, ENABLED, TOKEN, USER_DATA};
use crate::rows;
use crate::service::Sns;

/// Registers a device, or finds the one that has the token and the same attributes.
///
/// # Errors
/// `NotFound`, `InvalidParameter`.
pub async fn create_platform_endpoint(
    service: &Arc<Sns>,
    cx: &Ctx,
    input: CreatePlatformEndpointInput,
) -> Result<CreateEndpointResponse, Error> {
    let application = Application::parse(cx, &input.platform_application_arn)?;
    applications::attributes(service, cx, &application).await?;
    let mut given = input.attributes.unwrap_or_default();
    if let Some(data) = input.custom_user_data {
        given.entry(USER_DATA.to_owned()).or_insert(data);
    }
    check(&given)?;
    let mut attributes = Attributes::from([(ENABLED.to_owned(), "true".to_owned()), (TOKEN.to_owned(), input.token)]);
    attributes.extend(given);
    let device = Device { attributes };
    if device.token().is_empty() {
        return Err(invalid("Token Reason: cannot be empty"));
    }
    let id = service.platform.ids.uuid();
    let kept = application.clone();
    let registered = service.transact(keys::partition(&cx.account, &cx.region), move |rows| {
        rows.get(&keys::application(&kept))?.ok_or_else(no_application)?;
        let by_token = keys::device_token(&kept, device.token());
        let Some(existing) = rows::read::<String>(rows, &by_token)? else {
            rows::put(rows, &by_token, &id)?;
            rows::put(rows, &keys::device(&kept, &id), &device)?;
            return Ok((id.clone(), true));
        };
        let same = rows::read::<Device>(rows, &keys::device(&kept, &existing))?.as_ref() == Some(&device);
        Ok((existing, same))
    });
    let (id, same) = registered.await?;
    let arn = application.endpoint(cx, &id);
    if !same {
        return Err(invalid(format!(
            "Token Reason: Endpoint {arn} already exists with the same Token, but different attributes."
        )));
    }
    Ok(CreateEndpointResponse { endpoint_arn: Some(arn) })
}

fn check(given: &Attributes) -> Result<(), Error> {
    let wrong = |name: &str, reason: &str| {
        Err(invalid(format!("Attributes Reason: Invalid value for attribute: {name}: {reason}")))
    };
    for (name, value) in given {
        match name.as_str() {
            ENABLED if !["true", "false"].contains(&value.to_ascii_lowercase().as_str()) => {
                return wrong(name, "must be true or false");
            }
            USER_DATA if value.len() > USER_DATA_BYTES_MAX => {
                return wrong(name, "must be at most 2048 bytes long in UTF-8 encoding");
            }
            TOKEN if value.is_empty() => return wrong(name, "cannot be empty"),
            ENABLED | USER_DATA | TOKEN => {}
            _ => return Err(invalid(format!("Attributes Reason: Invalid attribute name: {name}"))),
        }
    }
    Ok(())
}

/// A device's attributes.
///
/// # Errors
/// `NotFound`, `InvalidParameter`.
pub async fn get_endpoint_attributes(
    service: &Arc<Sns>,
    cx: &Ctx,
    input: GetEndpointAttributesInput,
) -> Result<GetEndpointAttributesResponse, Error> {
    let (application, id) = push::parse_endpoint(cx, "EndpointArn", &input.endpoint_arn)?.ok_or_else(no_endpoint)?;
    let partition = keys::partition(&cx.account, &cx.region);
    let device = find(service, &partition, &application, &id).await?.ok_or_else(no_endpoint)?;
    Ok(GetEndpointAttributesResponse { attributes: Some(device.attributes) })
}

/// A device, if it is registered.
///
/// # Errors
/// A failure of the store.
pub async fn find(
    service: &Sns,
    partition: &Partition,
    application: &Application,
    id: &str,
) -> Result<Option<Device>, Error> {
    let row = service.store().get(partition, &keys::device(application, id)).await.or_failure()?;
    row.map(|row| rows::decode(&row)).transpose()
}

fn no_endpoint() -> Error {
    modelled::not_found_exception("Endpoint does not exist")
}

/// Changes attributes of a device.
///
/// # Errors
/// `NotFound`, `InvalidParameter`.
pub async fn set_endpoint_attributes(
    service: &Arc<Sns>,
    cx: &Ctx,
    input: SetEndpointAttributesInput,
) -> Result<api::Empty, Error> {
    let (application, id) = push::parse_endpoint(cx, "EndpointArn", &input.endpoint_arn)?.ok_or_else(no_endpoint)?;
    check(&input.attributes)?;
    let set = service.transact(keys::partition(&cx.account, &cx.region), move |rows| {
        change(rows, &application, &id, &input.attributes)
    });
    set.await?;
    Ok(api::Empty)
}

fn change(
    rows: &mut dyn Transaction,
    application: &Application,
    id: &str,
    given: &Attributes,
) -> Result<(), Abort<Error>> {
    let key = keys::device(application, id);
    let mut device: Device = rows::read(rows, &key)?.ok_or_else(no_endpoint)?;
    let before = device.token().to_owned();
    device.attributes.extend(given.clone());
    if device.token() != before {
        let by_token = keys::device_token(application, device.token());
        if rows.get(&by_token)?.is_some() {
            return Err(invalid("Token Reason: another endpoint already has this Token").into());
        }
        rows.delete(&keys::device_token(application, &before));
        rows::put(rows, &by_token, &id.to_owned())?;
    }
    rows::put(rows, &key, &device)
}

/// Ends a device's registration. One that does not exist is no error.
///
/// # Errors
/// `InvalidParameter`.
pub async fn delete_endpoint(service: &Arc<Sns>, cx: &Ctx, input: DeleteEndpointInput) -> Result<api::Empty, Error> {
    let Some((application, id)) = push::parse_endpoint(cx, "EndpointArn", &input.endpoint_arn)? else {
        return Ok(api::Empty);
    };
    let deleted = service.transact(keys::partition(&cx.account, &cx.region), move |rows| {
        let key = keys::device(&application, &id);
        if let Some(device) = rows::read::<Device>(rows, &key)? {
            rows.delete(&keys::device_token(&application, device.token()));
            rows.delete(&key);
        }
        Ok(())
    });
    deleted.await?;
    Ok(api::Empty)
}

/// Lists the devices of an application.
///
/// # Errors
/// `NotFound`, `InvalidParameter`.
pub async fn list_endpoints_by_platform_application(
    service: &Arc<Sns>,
    cx: &Ctx,
    input: ListEndpointsByPlatformApplicationInput,
) -> Result<ListEndpointsByPlatformApplicationResponse, Error> {
    let application = Application::parse(cx, &input.platform_application_arn)?;
    applications::attributes(service, cx, &application).await?;
    let partition = keys::partition(&cx.account, &cx.region);
    let range = keys::devices(&application);
    let (found, next_token) = page::read(service, &partition, range, input.next_token.as_deref()).await?;
    let one = |(key, row): &(bytes::Bytes, bytes::Bytes)| {
        let id = rows::key_part(keys::read_device(key))?;
        let device: Device = rows::decode(row)?;
        Ok(Endpoint { endpoint_arn: Some(application.endpoint(cx, &id)), attributes: Some(device.attributes) })
    };
    let endpoints = found.iter().map(one).collect::<Result<_, Error>>()?;
    Ok(ListEndpointsByPlatformApplicationResponse { endpoints: Some(endpoints), next_token })
}

/// Sends a message to one device: it is in the outbox before the answer.
///
/// # Errors
/// `InvalidParameter`, `EndpointDisabled`.
pub async fn publish(service: &Arc<Sns>, cx: &Ctx, arn: String, input: PublishInput) -> Result<PublishResponse, Error> {
    let missing = || invalid("TargetArn Reason: No endpoint found for the target arn specified");
    let structure = input.message_structure.as_deref();
    let content = Content::for_endpoint(input.message, structure, input.subject, input.message_attributes)?;
    let (application, id) = push::parse_endpoint(cx, "TargetArn", &arn)?.ok_or_else(missing)?;
    let partition = keys::partition(&cx.account, &cx.region);
    let device = find(service, &partition, &application, &id).await?.ok_or_else(missing)?;
    if !device.is_enabled() {
        return Err(modelled::endpoint_disabled_exception("Endpoint is disabled"));
    }
    let mut sent = String::new();
    Timestamp::from_milliseconds(service.now()).write_iso8601_milliseconds(&mut sent);
    let message_id = service.platform.ids.uuid();
    let body = content.by_protocol.get(&application.platform).unwrap_or(&content.text).clone();
    let key = keys::outbox(next_number(service).await?, Purpose::Notification, &message_id);
    let entry = Sent { protocol: deliver::PUSH.to_owned(), to: arn, body, sent, ..Sent::default() };
    deliver::keep(service, partition, key, entry).await?;
    Ok(PublishResponse { message_id: Some(message_id), sequence_number: None })
}
