//! Applications that push messages to devices.

use std::sync::Arc;

use api::sns::{
    CreatePlatformApplicationInput, CreatePlatformApplicationResponse, DeletePlatformApplicationInput,
    GetPlatformApplicationAttributesInput, GetPlatformApplicationAttributesResponse, ListPlatformApplicationsInput,
    ListPlatformApplicationsResponse, PlatformApplication, SetPlatformApplicationAttributesInput,
};
use platform::{Ctx, OrFailure};
use store::{Direction, KeyRange};
use wire::Error;

use super::page;
use crate::errors::{invalid, no_application};
use crate::keys;
use crate::limits::DEVICES_AT_ONCE;
use crate::push::{Application, Attributes, ENABLED};
use crate::rows;
use crate::service::Sns;

const CREDENTIAL: &str = "PlatformCredential";
const PRINCIPAL: &str = "PlatformPrincipal";

/// The push service that knows applications by a credential alone.
const WITHOUT_PRINCIPAL: &str = "GCM";

/// Attributes that are kept, and told.
const KEPT: [&str; 2] = ["ApplePlatformTeamID", "ApplePlatformBundleID"];

/// Makes an application, or finds the one that has its name.
///
/// # Errors
/// `InvalidParameter`.
pub async fn create_platform_application(
    service: &Arc<Sns>,
    cx: &Ctx,
    input: CreatePlatformApplicationInput,
) -> Result<CreatePlatformApplicationResponse, Error> {
    let application = Application::new(&input.platform, &input.name)?;
    let given = input.attributes;
    let alone = |given_one: &str, other: &str| {
        Err(invalid(format!("Attributes Reason: {given_one} attribute provided without {other}")))
    };
    match (given.contains_key(CREDENTIAL), given.contains_key(PRINCIPAL)) {
        (false, true) => return alone(PRINCIPAL, CREDENTIAL),
        (true, false) if application.platform != WITHOUT_PRINCIPAL => return alone(CREDENTIAL, PRINCIPAL),
        (false, false) => return Err(invalid(format!("Attributes Reason: {CREDENTIAL} attribute required"))),
        _ => {}
    }
    let kept = kept(given)?;
    let platform_application_arn = Some(application.arn(cx));
    let made = service.transact(keys::partition(&cx.account, &cx.region), move |rows| {
        let key = keys::application(&application);
        let existing: Option<Attributes> = rows::read(rows, &key)?;
        let mut attributes = existing.unwrap_or_else(|| Attributes::from([(ENABLED.to_owned(), "true".to_owned())]));
        attributes.extend(kept.clone());
        rows::put(rows, &key, &attributes)
    });
    made.await?;
    Ok(CreatePlatformApplicationResponse { platform_application_arn })
}

/// What is kept of the attributes of an application.
fn kept(given: Attributes) -> Result<Attributes, Error> {
    let mut kept = Attributes::new();
    for (name, value) in given {
        match name.as_str() {
            CREDENTIAL | PRINCIPAL if value.is_empty() => {
                return Err(invalid(format!(
                    "Attributes Reason: Invalid value for attribute: {name}: cannot be empty"
                )));
            }
            CREDENTIAL | PRINCIPAL => {}
            known if KEPT.contains(&known) => drop(kept.insert(name, value)),
            _ if is_modelled(&name) => {
                return Err(invalid(format!("Attributes Reason: {name}: this attribute is not supported")));
            }
            _ => return Err(invalid(format!("Attributes Reason: Invalid attribute name: {name}"))),
        }
    }
    Ok(kept)
}

/// Whether AWS knows an attribute that has no effect here: events of an application, and logs of its deliveries.
fn is_modelled(name: &str) -> bool {
    const NAMES: [&str; 7] = [
        "EventEndpointCreated",
        "EventEndpointDeleted",
        "EventEndpointUpdated",
        "EventDeliveryFailure",
        "SuccessFeedbackRoleArn",
        "FailureFeedbackRoleArn",
        "SuccessFeedbackSampleRate",
    ];
    NAMES.contains(&name)
}

/// Answers the attributes of an application; its credentials are not among them.
///
/// # Errors
/// `NotFound`, `InvalidParameter`.
pub async fn get_platform_application_attributes(
    service: &Arc<Sns>,
    cx: &Ctx,
    input: GetPlatformApplicationAttributesInput,
) -> Result<GetPlatformApplicationAttributesResponse, Error> {
    let application = Application::parse(cx, &input.platform_application_arn)?;
    Ok(GetPlatformApplicationAttributesResponse { attributes: Some(attributes(service, cx, &application).await?) })
}

/// The attributes of an application.
///
/// # Errors
/// `NotFound`.
pub async fn attributes(service: &Sns, cx: &Ctx, application: &Application) -> Result<Attributes, Error> {
    let partition = keys::partition(&cx.account, &cx.region);
    let row = service.store().get(&partition, &keys::application(application)).await.or_failure()?;
    rows::decode(&row.ok_or_else(no_application)?)
}

/// Changes attributes of an application.
///
/// # Errors
/// `NotFound`, `InvalidParameter`.
pub async fn set_platform_application_attributes(
    service: &Arc<Sns>,
    cx: &Ctx,
    input: SetPlatformApplicationAttributesInput,
) -> Result<api::Empty, Error> {
    let application = Application::parse(cx, &input.platform_application_arn)?;
    let kept = kept(input.attributes)?;
    let set = service.transact(keys::partition(&cx.account, &cx.region), move |rows| {
        let key = keys::application(&application);
        let mut attributes: Attributes = rows::read(rows, &key)?.ok_or_else(no_application)?;
        attributes.extend(kept.clone());
        rows::put(rows, &key, &attributes)
    });
    set.await?;
    Ok(api::Empty)
}

/// Lists the applications of the account in the region.
///
/// # Errors
/// `InvalidParameter`.
pub async fn list_platform_applications(
    service: &Arc<Sns>,
    cx: &Ctx,
    input: ListPlatformApplicationsInput,
) -> Result<ListPlatformApplicationsResponse, Error> {
    let partition = keys::partition(&cx.account, &cx.region);
    let (found, next_token) =
        page::read(service, &partition, keys::applications(), input.next_token.as_deref()).await?;
    let one = |(key, row): &(bytes::Bytes, bytes::Bytes)| {
        let application = rows::key_part(keys::read_application(key))?;
        let attributes = Some(rows::decode(row)?);
        Ok(PlatformApplication { platform_application_arn: Some(application.arn(cx)), attributes })
    };
    let applications = found.iter().map(one).collect::<Result<_, Error>>()?;
    Ok(ListPlatformApplicationsResponse { platform_applications: Some(applications), next_token })
}

/// Deletes an application and its devices. One that does not exist is no error.
///
/// # Errors
/// `InvalidParameter`.
pub async fn delete_platform_application(
    service: &Arc<Sns>,
    cx: &Ctx,
    input: DeletePlatformApplicationInput,
) -> Result<api::Empty, Error> {
    let application = match Application::parse(cx, &input.platform_application_arn) {
        Err(error) if error.is("NotFoundException") => return Ok(api::Empty),
        application => application?,
    };
    // The application goes together with its last devices, so that none is left without it.
    loop {
        let application = application.clone();
        let deleted = service.transact(keys::partition(&cx.account, &cx.region), move |rows| {
            let mut found = 0;
            let ranges: [KeyRange; 2] = [keys::devices(&application), keys::device_tokens(&application)];
            for range in ranges {
                for (key, _) in rows.scan(range, Direction::Forward, DEVICES_AT_ONCE)? {
                    rows.delete(&key);
                    found += 1;
                }
            }
            if found < DEVICES_AT_ONCE {
                rows.delete(&keys::application(&application));
            }
            Ok(found < DEVICES_AT_ONCE)
        });
        if deleted.await? {
            return Ok(api::Empty);
        }
    }
}
