//! `Subscribe`, `ConfirmSubscription`, `Unsubscribe`, and what is told of subscriptions.

use std::collections::BTreeMap;
use std::sync::Arc;

use api::sns::{
    ConfirmSubscriptionInput, ConfirmSubscriptionResponse, GetSubscriptionAttributesInput,
    GetSubscriptionAttributesResponse, ListSubscriptionsByTopicInput, ListSubscriptionsByTopicResponse,
    ListSubscriptionsInput, ListSubscriptionsResponse, SetSubscriptionAttributesInput, SubscribeInput,
    SubscribeResponse, Subscription as ListedSubscription, UnsubscribeInput,
};
use bytes::Bytes;
use platform::{Ctx, OrFailure};
use store::{Abort, Transaction};
use wire::Error;

use super::{endpoints, page};
use crate::arn::{TopicArn, parse_subscription};
use crate::deliver;
use crate::errors::{self, invalid};
use crate::keys;
use crate::limits::TOKEN_MILLISECONDS;
use crate::push;
use crate::retry;
use crate::rows;
use crate::service::{Sns, here, partition};
use crate::subscription::Subscription;
use crate::topic::Topic;

/// Characters of a token.
const TOKEN_CHARACTERS: usize = 288;

/// Subscribes an endpoint to a topic. Queues and functions are subscribed at once; others have to confirm it.
///
/// # Errors
/// `NotFound`, `InvalidParameter`.
pub async fn subscribe(service: &Arc<Sns>, cx: &Ctx, input: SubscribeInput) -> Result<SubscribeResponse, Error> {
    let arn = here(cx, "TopicArn", &input.topic_arn)?;
    let endpoint = input.endpoint.unwrap_or_default();
    check_endpoint(&arn, &input.protocol, &endpoint)?;
    if input.protocol == deliver::PUSH {
        check_device(service, cx, &endpoint).await?;
    }
    let now = service.now();
    let confirmed = ["sqs", "lambda", "sms", deliver::PUSH].contains(&input.protocol.as_str());
    let mut subscription = Subscription {
        id: service.platform.ids.uuid(),
        protocol: input.protocol,
        endpoint,
        owner: cx.account.clone(),
        principal: cx.principal.arn(),
        reached_at: cx.endpoint.clone(),
        confirmed,
        authenticated: confirmed,
        token: (!confirmed)
            .then(|| (service.platform.ids.hex(TOKEN_CHARACTERS), now.saturating_add(TOKEN_MILLISECONDS))),
        since: next_number(service).await?,
        ..Subscription::default()
    };
    let attributes = input.attributes.unwrap_or_default();
    subscription.set(&arn, &attributes, "Attributes Reason: ")?;
    let owned = arn.clone();
    let made = service.on_topic(&arn, move |topic, rows| add(topic, rows, &owned, &subscription, &attributes));
    let (id, confirmed) = made.await?;
    if !confirmed {
        retry::ask_soon(service, &arn, &id).await?;
    }
    let tell = confirmed || input.return_subscription_arn == Some(true);
    let subscription_arn = if tell { arn.subscription(&id) } else { "pending confirmation".to_owned() };
    Ok(SubscribeResponse { subscription_arn: Some(subscription_arn) })
}

/// Adds a subscription, or finds the one that the endpoint has.
fn add(
    topic: &mut Topic,
    rows: &mut dyn Transaction,
    arn: &TopicArn,
    new: &Subscription,
    given: &BTreeMap<String, String>,
) -> Result<(String, bool), Abort<Error>> {
    let by_endpoint = keys::endpoint(&arn.name, &new.protocol, &new.endpoint);
    if let Some(id) = rows::read::<String>(rows, &by_endpoint)?
        && let Some(existing) = rows::read::<Subscription>(rows, &keys::subscription(&arn.name, &id))?
    {
        let mut same = existing.clone();
        same.set(arn, given, "Attributes Reason: ")?;
        if same != existing {
            const TEXT: &str = "Attributes Reason: Subscription already exists with different attributes";
            return Err(invalid(TEXT).into());
        }
        return Ok((id, existing.confirmed));
    }
    rows::put(rows, &by_endpoint, &new.id)?;
    rows::put(rows, &keys::subscription(&arn.name, &new.id), new)?;
    match &new.token {
        Some((token, _)) => {
            rows::put(rows, &keys::token(&arn.name, token), &new.id)?;
            topic.pending += 1;
        }
        None => topic.confirmed += 1,
    }
    Ok((new.id.clone(), new.confirmed))
}

/// The number of the message that is published next.
///
/// # Errors
/// A failure of the store.
pub async fn next_number(service: &Sns) -> Result<u64, Error> {
    let row = service.store().get(&keys::deliveries(), &keys::next()).await.or_failure()?;
    row.map_or(Ok(0), |row| rows::decode(&row))
}

fn check_endpoint(topic: &TopicArn, protocol: &str, endpoint: &str) -> Result<(), Error> {
    let arn_of = |service: &str| {
        let parts: Vec<&str> = endpoint.split(':').collect();
        parts.len() >= 6 && parts[0] == "arn" && parts[2] == service
    };
    let fifo_queue = protocol == "sqs" && endpoint.ends_with(".fifo");
    let text = match protocol {
        "sqs" if !arn_of("sqs") => "SQS endpoint ARN",
        "sqs" if fifo_queue && !topic.is_fifo() => {
            "Invalid parameter: Endpoint Reason: FIFO SQS Queues can not be subscribed to standard SNS topics"
        }
        "sqs" => return Ok(()),
        "lambda" | "http" | "https" | "email" | "email-json" | "sms" | deliver::PUSH if topic.is_fifo() => {
            "Invalid parameter: Endpoint Reason: Please use FIFO SQS queue"
        }
        "lambda" if !arn_of("lambda") => "Lambda endpoint ARN",
        "http" | "https" if !endpoint.starts_with(&format!("{protocol}://")) => {
            "Endpoint must match the specified protocol"
        }
        "email" | "email-json" if !is_address(endpoint) => "Email address",
        "sms" if !is_number(endpoint) => {
            return Err(api::sns::errors::invalid_parameter_exception(format!("Invalid SMS endpoint: {endpoint}")));
        }
        "lambda" | "http" | "https" | "email" | "email-json" | "sms" | deliver::PUSH => return Ok(()),
        "firehose" => {
            return Err(invalid(format!("Protocol Reason: delivery to the protocol {protocol} is not supported")));
        }
        _ => return Err(invalid(format!("Amazon SNS does not support this protocol string: {protocol}"))),
    };
    Err(invalid(text))
}

/// Checks that an endpoint is a registered device of the caller's.
async fn check_device(service: &Sns, cx: &Ctx, endpoint: &str) -> Result<(), Error> {
    let wrong = || invalid("ApplicationEndpoint ARN");
    let device = push::parse_endpoint(cx, "Endpoint", endpoint).map_err(|_| wrong())?;
    let (application, id) = device.ok_or_else(wrong)?;
    let found = endpoints::find(service, &keys::partition(&cx.account, &cx.region), &application, &id).await?;
    found.map(drop).ok_or_else(|| invalid("Endpoint Reason: Endpoint does not exist for endpoint arn specified"))
}

fn is_address(text: &str) -> bool {
    let parts = text.split_once('@');
    parts.is_some_and(|(user, host)| !user.is_empty() && !host.is_empty() && !host.contains('@'))
}

/// Whether a text is a number in E.164 form.
pub fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or(text);
    (2..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// Confirms a subscription with the token that its endpoint got.
///
/// # Errors
/// `InvalidParameter`, `NotFound`.
pub async fn confirm_subscription(
    service: &Arc<Sns>,
    cx: &Ctx,
    input: ConfirmSubscriptionInput,
) -> Result<ConfirmSubscriptionResponse, Error> {
    let arn = here(cx, "TopicArn", &input.topic_arn)?;
    let authenticated = input.authenticate_on_unsubscribe.is_some_and(|value| value.eq_ignore_ascii_case("true"));
    let subscription_arn = confirm(service, &arn, &input.token, authenticated).await?;
    Ok(ConfirmSubscriptionResponse { subscription_arn: Some(subscription_arn) })
}

/// Confirms a subscription, and answers its ARN.
///
/// # Errors
/// `InvalidParameter`, `NotFound`.
pub async fn confirm(service: &Arc<Sns>, arn: &TopicArn, token: &str, authenticated: bool) -> Result<String, Error> {
    if token.len() < 64 || !token.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(api::sns::errors::invalid_parameter_exception("Invalid token"));
    }
    let (now, since) = (service.now(), next_number(service).await?);
    let (token, owned) = (token.to_owned(), arn.clone());
    let confirmed = service.on_topic(arn, move |topic, rows| {
        let key = keys::token(&owned.name, &token);
        let id: String = rows::read(rows, &key)?.ok_or_else(|| invalid("Token"))?;
        let key = keys::subscription(&owned.name, &id);
        let mut subscription: Subscription = rows::read(rows, &key)?.ok_or_else(|| invalid("Token"))?;
        if subscription.confirmed {
            return Ok(id);
        }
        if subscription.token.as_ref().is_none_or(|(_, until)| *until <= now) {
            return Err(invalid("Token").into());
        }
        subscription.confirmed = true;
        subscription.authenticated = authenticated;
        subscription.since = since;
        topic.pending = topic.pending.saturating_sub(1);
        topic.confirmed += 1;
        rows::put(rows, &key, &subscription)?;
        Ok(id)
    });
    Ok(arn.subscription(&confirmed.await?))
}

/// Ends a subscription. One that does not exist is no error.
///
/// # Errors
/// `InvalidParameter`, `AuthorizationError`.
pub async fn unsubscribe(service: &Arc<Sns>, cx: &Ctx, input: UnsubscribeInput) -> Result<api::Empty, Error> {
    let (topic, id) = parse_subscription(&input.subscription_arn)?;
    if topic.account != cx.account {
        let owner = service.subscription(&topic, &id).await?.map(|subscription| subscription.owner);
        if owner.as_deref() != Some(cx.account.as_str()) {
            return Err(errors::not_authorized("SNS:Unsubscribe", &input.subscription_arn));
        }
    }
    end(service, &topic, &id, true).await?;
    Ok(api::Empty)
}

/// Ends a subscription; one that was confirmed for authenticated calls only is ended by these alone.
///
/// # Errors
/// `AuthorizationError`.
pub async fn end(service: &Arc<Sns>, arn: &TopicArn, id: &str, authenticated: bool) -> Result<(), Error> {
    let (owned, id) = (arn.clone(), id.to_owned());
    let ended = service.on_topic(arn, move |topic, rows| {
        let key = keys::subscription(&owned.name, &id);
        let Some(subscription) = rows::read::<Subscription>(rows, &key)? else { return Ok(()) };
        if subscription.authenticated && !authenticated {
            return Err(errors::not_authorized("SNS:Unsubscribe", &owned.subscription(&id)).into());
        }
        rows.delete(&key);
        rows.delete(&keys::endpoint(&owned.name, &subscription.protocol, &subscription.endpoint));
        if let Some((token, _)) = &subscription.token {
            rows.delete(&keys::token(&owned.name, token));
        }
        let count = if subscription.confirmed { &mut topic.confirmed } else { &mut topic.pending };
        *count = count.saturating_sub(1);
        topic.deleted += 1;
        Ok(())
    });
    match ended.await {
        Err(error) if error.is("NotFoundException") => Ok(()),
        ended => ended,
    }
}

/// Answers the attributes of a subscription.
///
/// # Errors
/// `NotFound`, `InvalidParameter`.
pub async fn get_subscription_attributes(
    service: &Arc<Sns>,
    _cx: &Ctx,
    input: GetSubscriptionAttributesInput,
) -> Result<GetSubscriptionAttributesResponse, Error> {
    let (topic, id) = parse_subscription(&input.subscription_arn)?;
    let subscription = service.subscription(&topic, &id).await?.ok_or_else(errors::no_subscription)?;
    Ok(GetSubscriptionAttributesResponse { attributes: Some(subscription.attributes(&topic)) })
}

/// Sets an attribute of a subscription.
///
/// # Errors
/// `NotFound`, `InvalidParameter`.
pub async fn set_subscription_attributes(
    service: &Arc<Sns>,
    _cx: &Ctx,
    input: SetSubscriptionAttributesInput,
) -> Result<api::Empty, Error> {
    let (topic, id) = parse_subscription(&input.subscription_arn)?;
    let given = BTreeMap::from([(input.attribute_name, input.attribute_value.unwrap_or_default())]);
    let key = keys::subscription(&topic.name, &id);
    let set = service.transact(partition(&topic), {
        let topic = topic.clone();
        move |rows| {
            let mut subscription: Subscription = rows::read(rows, &key)?.ok_or_else(errors::no_subscription)?;
            subscription.set(&topic, &given, "")?;
            rows::put(rows, &key, &subscription)
        }
    });
    set.await?;
    Ok(api::Empty)
}

/// Lists the subscriptions to topics of the caller's account and region.
///
/// # Errors
/// `InvalidParameter`.
pub async fn list_subscriptions(
    service: &Arc<Sns>,
    cx: &Ctx,
    input: ListSubscriptionsInput,
) -> Result<ListSubscriptionsResponse, Error> {
    let partition = keys::partition(&cx.account, &cx.region);
    let all = keys::all_subscriptions();
    let (found, next_token) = page::read(service, &partition, all, input.next_token.as_deref()).await?;
    Ok(ListSubscriptionsResponse { subscriptions: Some(listed(&cx.region, &cx.account, &found)?), next_token })
}

/// Lists the subscriptions to a topic.
///
/// # Errors
/// `NotFound`, `InvalidParameter`.
pub async fn list_subscriptions_by_topic(
    service: &Arc<Sns>,
    cx: &Ctx,
    input: ListSubscriptionsByTopicInput,
) -> Result<ListSubscriptionsByTopicResponse, Error> {
    let arn = here(cx, "TopicArn", &input.topic_arn)?;
    service.topic(&arn).await?;
    let all = keys::subscriptions(&arn.name);
    let (found, next_token) = page::read(service, &partition(&arn), all, input.next_token.as_deref()).await?;
    Ok(ListSubscriptionsByTopicResponse { subscriptions: Some(listed(&arn.region, &arn.account, &found)?), next_token })
}

fn listed(region: &str, account: &str, found: &[(Bytes, Bytes)]) -> Result<Vec<ListedSubscription>, Error> {
    let entry = |(key, row): &(Bytes, Bytes)| {
        let (topic, id) = rows::key_part(keys::read_subscription(key))?;
        let subscription: Subscription = rows::decode(row)?;
        let arn = TopicArn { region: region.to_owned(), account: account.to_owned(), name: topic };
        let confirmed = subscription.confirmed;
        let subscription_arn = if confirmed { arn.subscription(&id) } else { "PendingConfirmation".to_owned() };
        Ok(ListedSubscription {
            subscription_arn: Some(subscription_arn),
            owner: Some(subscription.owner),
            protocol: Some(subscription.protocol),
            endpoint: Some(subscription.endpoint),
            topic_arn: Some(arn.to_string()),
        })
    };
    found.iter().map(entry).collect()
}
