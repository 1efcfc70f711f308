//! Handing published messages to their subscribers, in the background.
//!
//! A message's row is there until every subscriber has it, or an attempt at a later time is noted for those that could not
//! be reached; both in one transaction. So an acknowledged message outlives the process, and may be delivered again after
//! a crash. Messages of a group of a FIFO topic are handed out one after the other.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use parking_lot::Mutex;
use pattern::Pattern;
use platform::OrFailure;
use store::Direction;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use wire::Error;

use crate::arn::TopicArn;
use crate::deliver::{self, Outcome};
use crate::filter;
use crate::keys;
use crate::limits::{MESSAGES_AT_ONCE, MESSAGES_PAGE, SUBSCRIBERS_AT_ONCE, SUBSCRIPTIONS_PAGE};
use crate::message::Message;
use crate::protection;
use crate::retry::{self, Attempt};
use crate::rows;
use crate::service::{Sns, partition};
use crate::subscription::Subscription;

/// Pause after the store failed.
const STORE_RETRY: std::time::Duration = std::time::Duration::from_secs(1);

/// What is being handed out.
pub struct Dispatch {
    room: Arc<Semaphore>,
    /// Groups at work, each with the messages behind the one at work.
    groups: Mutex<HashMap<(String, String), VecDeque<Job>>>,
}

impl Default for Dispatch {
    fn default() -> Dispatch {
        Dispatch { room: Arc::new(Semaphore::new(MESSAGES_AT_ONCE)), groups: Mutex::default() }
    }
}

/// A message and its place among those handed out at once.
struct Job {
    message: Message,
    _room: OwnedSemaphorePermit,
}

/// Hands out messages as they come, until the platform stops.
pub async fn run(service: Arc<Sns>) {
    let stopping = service.platform.background.stopping().clone();
    stopping.run_until_cancelled(follow(&service)).await;
}

async fn follow(service: &Arc<Sns>) {
    let mut watch = service.store().watch(&keys::deliveries(), &keys::messages());
    let mut range = keys::messages().range();
    loop {
        let page = service.store().scan(&keys::deliveries(), range.clone(), Direction::Forward, MESSAGES_PAGE).await;
        let page = match page {
            Ok(page) => page,
            Err(store::StoreError::Closed | store::StoreError::Poisoned(_)) => return,
            Err(error) => {
                tracing::warn!(%error, "published messages cannot be read");
                tokio::time::sleep(STORE_RETRY).await;
                continue;
            }
        };
        if page.is_empty() {
            if watch.changed().await.is_err() {
                return;
            }
            continue;
        }
        for (key, row) in page {
            range = range.after(&key);
            let Ok(message) = rows::decode::<Message>(&row) else { continue };
            let Ok(room) = Arc::clone(&service.dispatch.room).acquire_owned().await else { return };
            begin(service, Job { message, _room: room }).await;
        }
    }
}

/// Begins with a message, or lines it up behind its group.
async fn begin(service: &Arc<Sns>, job: Job) {
    let group = match (&job.message.deduplication_id, &job.message.group) {
        (Some(_), Some(group)) => Some((job.message.topic.clone(), group.clone())),
        _ => None,
    };
    if let Some(group) = &group {
        let mut groups = service.dispatch.groups.lock();
        if let Some(line) = groups.get_mut(group) {
            line.push_back(job);
            return;
        }
        groups.insert(group.clone(), VecDeque::new());
    }
    let worker = Arc::clone(service);
    let work = async move {
        let mut next = Some(job);
        while let Some(job) = next.take() {
            hand_out_until_kept(&worker, &job.message).await;
            drop(job);
            if let Some(group) = &group {
                let mut groups = worker.dispatch.groups.lock();
                next = groups.get_mut(group).and_then(VecDeque::pop_front);
                if next.is_none() {
                    groups.remove(group);
                }
            }
        }
    };
    if service.platform.background.spawn_when_free("sns message", work).await.is_err() {
        tracing::debug!("the platform stops; the message's row is still there");
    }
}

/// Hands out a message, again if the store fails.
async fn hand_out_until_kept(service: &Arc<Sns>, message: &Message) {
    while let Err(error) = hand_out(service, message).await {
        tracing::warn!(%error, message = message.id, "a message is handed out again");
        let stopping = service.platform.background.stopping();
        if stopping.run_until_cancelled(tokio::time::sleep(STORE_RETRY)).await.is_none() {
            return;
        }
    }
}

/// Hands a message to all who want it, and notes those to be tried again.
async fn hand_out(service: &Arc<Sns>, message: &Message) -> Result<(), Error> {
    let topic = TopicArn::parse("TopicArn", &message.topic)?;
    let open = protection::open(service, message)?;
    let mut failed = Vec::new();
    let mut range = keys::subscriptions(&topic.name);
    // Every round goes on behind the last row of the one before.
    loop {
        let page =
            service.store().scan(&partition(&topic), range.clone(), Direction::Forward, SUBSCRIPTIONS_PAGE).await;
        let page = page.or_failure()?;
        let wanted = page.iter().map(|(_, row)| rows::decode::<Subscription>(row)).collect::<Result<Vec<_>, _>>()?;
        let wanted = wanted.into_iter().filter(|subscription| wants(subscription, &open)).collect();
        failed.extend(deliver_to(service, &topic, &open, wanted).await);
        match page.last() {
            Some((last, _)) if page.len() == SUBSCRIPTIONS_PAGE => range = range.after(last),
            _ => break,
        }
    }
    retry::note(service, message, failed).await
}

/// Whether a subscription is for a message.
fn wants(subscription: &Subscription, message: &Message) -> bool {
    if !subscription.confirmed || message.number < subscription.since {
        return false;
    }
    let Some(policy) = &subscription.filter else { return true };
    // A policy was checked when it was set.
    Pattern::parse(policy).is_ok_and(|pattern| filter::accepts(&pattern, subscription.scope(), message))
}

async fn deliver_to(
    service: &Arc<Sns>,
    topic: &TopicArn,
    message: &Message,
    subscriptions: Vec<Subscription>,
) -> Vec<Attempt> {
    let mut failed = Vec::new();
    let mut waiting = subscriptions.into_iter();
    let mut at_work = JoinSet::new();
    let message = Arc::new(message.clone());
    loop {
        while at_work.len() < SUBSCRIBERS_AT_ONCE
            && let Some(subscription) = waiting.next()
        {
            let (service, topic, message) = (Arc::clone(service), topic.clone(), Arc::clone(&message));
            at_work.spawn(async move {
                let outcome = deliver::deliver(&service, &topic, &subscription, &message).await;
                (subscription, outcome)
            });
        }
        match at_work.join_next().await {
            None => return failed,
            Some(Ok((subscription, outcome))) => {
                if outcome != Outcome::Delivered {
                    failed.push(Attempt {
                        subscription: subscription.id,
                        failed: 1,
                        hopeless: outcome == Outcome::Refused,
                    });
                }
            }
            Some(Err(error)) => tracing::error!(%error, "a delivery panicked"),
        }
    }
}
