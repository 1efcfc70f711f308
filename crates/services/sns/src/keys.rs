//! The keys of the service's rows. Topics and subscriptions lie in a partition for each account and region; published
//! messages in one of their own, until all subscribers have them.

use store::keys::{Key, KeyError, KeyReader};
use store::{KeyRange, Partition};

use crate::push::Application;

/// Format number of all rows.
pub const FORMAT: u8 = 1;

const TOPIC: u8 = 1;
const SUBSCRIPTION: u8 = 2;
const ENDPOINT: u8 = 3;
const TOKEN: u8 = 4;
const OUTBOX: u8 = 5;
const TEXT_SETTINGS: u8 = 6;
const APPLICATION: u8 = 7;
const DEVICE: u8 = 8;
const DEVICE_TOKEN: u8 = 9;

const NEXT: u8 = 1;
const MESSAGE: u8 = 2;
const REMEMBERED: u8 = 3;
const FORGET: u8 = 4;
const SIGNER: u8 = 5;

/// The partition of an account in a region.
pub fn partition(account: &str, region: &str) -> Partition {
    Partition::new(format!("sns/{account}/{region}")).expect("accounts and regions are short")
}

/// The partition of published messages.
pub fn deliveries() -> Partition {
    Partition::new("sns").expect("the name is short and not empty")
}

/// A topic's record.
pub fn topic(name: &str) -> Key {
    Key::new().u8(TOPIC).text(name)
}

/// All topics.
pub fn topics() -> KeyRange {
    Key::new().u8(TOPIC).range()
}

/// The topic's name in a key.
///
/// # Errors
/// [`KeyError`] if it is another kind of key.
pub fn read_topic(key: &[u8]) -> Result<String, KeyError> {
    let mut reader = KeyReader::new(key);
    reader.u8()?;
    reader.text()
}

/// A subscription's record.
pub fn subscription(topic: &str, id: &str) -> Key {
    Key::new().u8(SUBSCRIPTION).text(topic).text(id)
}

/// All subscriptions of a topic.
pub fn subscriptions(topic: &str) -> KeyRange {
    Key::new().u8(SUBSCRIPTION).text(topic).range()
}

/// All subscriptions.
pub fn all_subscriptions() -> KeyRange {
    Key::new().u8(SUBSCRIPTION).range()
}

/// Topic and id in the key of a subscription.
///
/// # Errors
/// [`KeyError`] if it is another kind of key.
pub fn read_subscription(key: &[u8]) -> Result<(String, String), KeyError> {
    let mut reader = KeyReader::new(key);
    reader.u8()?;
    Ok((reader.text()?, reader.text()?))
}

/// The id of the subscription of an endpoint.
pub fn endpoint(topic: &str, protocol: &str, endpoint: &str) -> Key {
    Key::new().u8(ENDPOINT).text(topic).text(protocol).text(endpoint)
}

/// All endpoints of a topic.
pub fn endpoints(topic: &str) -> KeyRange {
    Key::new().u8(ENDPOINT).text(topic).range()
}

/// The id of the subscription that a token confirms.
pub fn token(topic: &str, token: &str) -> Key {
    Key::new().u8(TOKEN).text(topic).text(token)
}

/// All tokens of a topic.
pub fn tokens(topic: &str) -> KeyRange {
    Key::new().u8(TOKEN).text(topic).range()
}

/// The settings of short messages.
pub fn text_settings() -> Key {
    Key::new().u8(TEXT_SETTINGS)
}

/// An application's attributes.
pub fn application(application: &Application) -> Key {
    Key::new().u8(APPLICATION).text(&application.platform).text(&application.name)
}

/// All applications.
pub fn applications() -> KeyRange {
    Key::new().u8(APPLICATION).range()
}

/// The application in a key of [`application`].
///
/// # Errors
/// [`KeyError`] if it is another kind of key.
pub fn read_application(key: &[u8]) -> Result<Application, KeyError> {
    let mut reader = KeyReader::new(key);
    reader.u8()?;
    Ok(Application { platform: reader.text()?, name: reader.text()? })
}

/// A device of an application.
pub fn device(application: &Application, id: &str) -> Key {
    Key::new().u8(DEVICE).text(&application.platform).text(&application.name).text(id)
}

/// All devices of an application.
pub fn devices(application: &Application) -> KeyRange {
    Key::new().u8(DEVICE).text(&application.platform).text(&application.name).range()
}

/// The id in a key of [`device`].
///
/// # Errors
/// [`KeyError`] if it is another kind of key.
pub fn read_device(key: &[u8]) -> Result<String, KeyError> {
    let mut reader = KeyReader::new(key);
    reader.u8()?;
    reader.text()?;
    reader.text()?;
    reader.text()
}

/// The id of the device that has a token.
pub fn device_token(application: &Application, token: &str) -> Key {
    Key::new().u8(DEVICE_TOKEN).text(&application.platform).text(&application.name).text(token)
}

/// All tokens of an application.
pub fn device_tokens(application: &Application) -> KeyRange {
    Key::new().u8(DEVICE_TOKEN).text(&application.platform).text(&application.name).range()
}

/// What a mail or short message in the outbox is for.
#[derive(Debug, Clone, Copy)]
pub enum Purpose {
    /// It asks for a confirmation.
    Confirmation,
    /// It carries a message.
    Notification,
}

/// A mail or short message, by the number of its message (of the next one, if it carries none) and the id of its
/// subscription.
pub fn outbox(number: u64, purpose: Purpose, id: &str) -> Key {
    Key::new().u8(OUTBOX).u64(number).u8(purpose as u8).text(id)
}

/// All mails and short messages.
pub fn all_outbox() -> KeyRange {
    Key::new().u8(OUTBOX).range()
}

/// The number of the next message.
pub fn next() -> Key {
    Key::new().u8(NEXT)
}

/// A message that not all subscribers have yet.
pub fn message(number: u64) -> Key {
    Key::new().u8(MESSAGE).u64(number)
}

/// All such messages.
pub fn messages() -> Key {
    Key::new().u8(MESSAGE)
}

/// The message that a deduplication id of a FIFO topic stands for.
pub fn remembered(topic: &str, scope: &str, id: &str) -> Key {
    Key::new().u8(REMEMBERED).text(topic).text(scope).text(id)
}

/// When a deduplication id may be forgotten.
pub fn forget(at: i64, key: &[u8]) -> Key {
    Key::new().u8(FORGET).timestamp_millis(at).bytes(key)
}

/// What may be forgotten before a time.
pub fn forget_before(time: i64) -> KeyRange {
    let all = Key::new().u8(FORGET);
    KeyRange::between(&all, all.clone().timestamp_millis(time))
}

/// The key of [`remembered`] in a key of [`forget`].
///
/// # Errors
/// [`KeyError`] if it is another kind of key.
pub fn read_forget(key: &[u8]) -> Result<(i64, Vec<u8>), KeyError> {
    let mut reader = KeyReader::new(key);
    reader.u8()?;
    Ok((reader.timestamp_millis()?, reader.bytes()?.into_owned()))
}

/// The installation's signing key and certificate.
pub fn signer() -> Key {
    Key::new().u8(SIGNER)
}
