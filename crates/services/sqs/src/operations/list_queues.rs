//! `ListQueues` and `GetQueueUrl`.

use api::sqs::{GetQueueUrlRequest, GetQueueUrlResult, ListQueuesRequest, ListQueuesResult};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use platform::{Ctx, OrFailure};
use store::keys::KeyError;
use store::{Direction, KeyRange, StoreError};
use wire::Error;

use crate::address::QueueName;
use crate::errors::{invalid_parameter, invalid_value};
use crate::keys;
use crate::limits::PAGE_MAX;
use crate::service::Sqs;

/// Lists the queues of the caller's account and region, in the order of their names.
///
/// # Errors
/// `InvalidParameterValue`.
pub async fn list_queues(service: &Sqs, cx: &Ctx, input: ListQueuesRequest) -> Result<ListQueuesResult, Error> {
    let range = match input.queue_name_prefix.as_deref() {
        None | Some("") => keys::queues(),
        Some(prefix) => keys::queues_starting(prefix),
    };
    let page = Page::new(input.max_results, input.next_token.as_deref())?;
    let found = page.read(service, cx, range, keys::queue, keys::read_queue).await?;
    let urls: Vec<String> = found.names.iter().map(|name| QueueName::own(cx, name).url(cx)).collect();
    Ok(ListQueuesResult { queue_urls: Some(urls).filter(|urls| !urls.is_empty()), next_token: found.next_token })
}

/// The URL of a queue by its name.
///
/// # Errors
/// `QueueDoesNotExist`.
pub async fn get_queue_url(service: &Sqs, cx: &Ctx, input: GetQueueUrlRequest) -> Result<GetQueueUrlResult, Error> {
    let own = QueueName::own(cx, &input.queue_name);
    let name = match input.queue_owner_aws_account_id.filter(|account| !account.is_empty()) {
        Some(account) => {
            if account.len() != 12 || !account.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err(invalid_value(account, "QueueOwnerAWSAccountId", "Must be 12 digits."));
            }
            QueueName { account, ..own }
        }
        None => own,
    };
    let queue = service.queue(cx, &name).await?;
    Ok(GetQueueUrlResult { queue_url: Some(queue.name.url(cx)) })
}

/// A page of a list of names.
pub struct Page {
    /// Names at most; given by the client or not.
    limit: usize,
    /// Whether the client gave a limit: only then does AWS answer a token.
    limited: bool,
    /// The name after which the page begins.
    after: Option<String>,
}

/// What is on a page.
pub struct Names {
    /// The names.
    pub names: Vec<String>,
    /// Where the next page begins.
    pub next_token: Option<String>,
}

impl Page {
    /// Checks what a client asks for.
    ///
    /// # Errors
    /// `InvalidParameterValue`.
    pub fn new(limit: Option<i32>, token: Option<&str>) -> Result<Page, Error> {
        if let Some(limit) = limit.filter(|limit| !(1..=PAGE_MAX).contains(limit)) {
            return Err(invalid_value(limit, "MaxResults", format!("Must be between 1 and {PAGE_MAX}, if provided.")));
        }
        let decoded = |token: &str| STANDARD.decode(token).ok().and_then(|name| String::from_utf8(name).ok());
        let after = match token.filter(|token| !token.is_empty()) {
            Some(token) => Some(decoded(token).ok_or_else(|| invalid_parameter("Invalid or expired next token."))?),
            None => None,
        };
        Ok(Page { limit: limit.unwrap_or(PAGE_MAX).unsigned_abs() as usize, limited: limit.is_some(), after })
    }

    /// Reads the page from the rows of a range in the partition of the caller's account and region.
    ///
    /// # Errors
    /// A failure of the store.
    pub async fn read(
        &self,
        service: &Sqs,
        cx: &Ctx,
        range: KeyRange,
        key_of: impl Fn(&str) -> store::keys::Key,
        name_of: fn(&[u8]) -> Result<String, KeyError>,
    ) -> Result<Names, Error> {
        let range = match &self.after {
            Some(name) => range.after(&key_of(name)),
            None => range,
        };
        let partition = keys::partition(&cx.account, &cx.region);
        let mut rows =
            service.store().scan(&partition, range, Direction::Forward, self.limit + 1).await.or_failure()?;
        let more = rows.len() > self.limit;
        rows.truncate(self.limit);
        let names = rows.iter().map(|(key, _)| name_of(key)).collect::<Result<Vec<_>, _>>();
        let names = names.map_err(|error| StoreError::Read(error.to_string().into())).or_failure()?;
        let next_token = names.last().filter(|_| more && self.limited).map(|name| STANDARD.encode(name));
        Ok(Names { names, next_token })
    }
}
