//! Handing accepted events to targets, in the background.
//!
//! An event's row is there until every target has it, or an attempt at a later time is noted for those that could not be
//! reached; both in one transaction. So an accepted event outlives the process, and may be delivered again after a crash.

use std::sync::Arc;

use platform::OrFailure;
use store::{Abort, Direction, Transaction};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use wire::Error;

use crate::deliver;
use crate::event::Event;
use crate::keys;
use crate::limits::{EVENTS_AT_ONCE, EVENTS_PAGE, STORE_RETRY, TARGETS_AT_ONCE};
use crate::records::{Archive, Rule, Target};
use crate::retention;
use crate::retry::{self, Attempt};
use crate::rows;
use crate::service::Events;

/// Hands out events as they come, until the platform stops.
pub async fn run(service: Arc<Events>) {
    let stopping = service.platform.background.stopping().clone();
    stopping.run_until_cancelled(follow(&service)).await;
}

async fn follow(service: &Arc<Events>) {
    let room = Arc::new(Semaphore::new(EVENTS_AT_ONCE));
    let mut watch = service.store().watch(&keys::partition(), &keys::events());
    let mut range = keys::events().range();
    loop {
        let page = service.store().scan(&keys::partition(), range.clone(), Direction::Forward, EVENTS_PAGE).await;
        let page = match page {
            Ok(page) => page,
            Err(store::StoreError::Closed | store::StoreError::Poisoned(_)) => return,
            Err(error) => {
                tracing::warn!(%error, "accepted events cannot be read");
                tokio::time::sleep(STORE_RETRY).await;
                continue;
            }
        };
        if page.is_empty() && watch.changed().await.is_err() {
            return;
        }
        for (key, row) in page {
            range = range.after(&key);
            let Ok(event) = rows::decode::<Event>(&row) else { continue };
            let Ok(permit) = Arc::clone(&room).acquire_owned().await else { return };
            begin(service, event, permit).await;
        }
    }
}

async fn begin(service: &Arc<Events>, event: Event, permit: OwnedSemaphorePermit) {
    let worker = Arc::clone(service);
    let work = async move {
        hand_out_until_kept(&worker, &Arc::new(event)).await;
        drop(permit);
    };
    if service.platform.background.spawn_when_free("event", work).await.is_err() {
        tracing::debug!("the platform stops; the event's row is still there");
    }
}

/// Hands out an event, again if the store fails.
async fn hand_out_until_kept(service: &Arc<Events>, event: &Arc<Event>) {
    while let Err(error) = hand_out(service, event).await {
        tracing::warn!(%error, "an event is handed out again");
        let stopping = service.platform.background.stopping();
        if stopping.run_until_cancelled(tokio::time::sleep(STORE_RETRY)).await.is_none() {
            return;
        }
    }
}

/// Hands an event to all targets of the rules it matches, and notes those to be tried again.
async fn hand_out(service: &Arc<Events>, event: &Arc<Event>) -> Result<(), Error> {
    let (compiled, matching) = service.rules_for(event).await?;
    let archives: Vec<(String, String)> =
        compiled.archives(event).into_iter().map(|archive| (archive.name.clone(), archive.id.clone())).collect();
    let targets = |rule: &Arc<Rule>| rule.targets.iter().map(|target| (Arc::clone(rule), target.clone())).collect();
    let targets: Vec<(Arc<Rule>, Target)> = matching.iter().flat_map(|rule| -> Vec<_> { targets(rule) }).collect();
    let failed = deliver_to(service, event, targets).await;
    let mut timers = Vec::new();
    let partition = service.platform.timers.partition(&keys::partition()).await.or_failure()?;
    for attempt in failed {
        timers.extend(retry::next_timer(service, &partition, attempt).await?);
    }
    let event = Arc::clone(event);
    let noted = service.transact(move |rows| {
        let key = keys::event(event.number);
        if rows.get(&key)?.is_none() {
            return Ok(());
        }
        rows.delete(&key);
        for (name, id) in &archives {
            keep(rows, &event, name, id)?;
        }
        for timer in &timers {
            partition.set(rows, timer)?;
        }
        Ok(())
    });
    noted.await
}

/// Adds an event to an archive, and removes from it what is too old.
fn keep(rows: &mut dyn Transaction, event: &Event, name: &str, id: &str) -> Result<(), Abort<Error>> {
    let key = keys::archive(&event.bus.account, &event.bus.region, name);
    let Some(mut archive) = rows::read::<Archive>(rows, &key)?.filter(|archive| archive.id == id) else {
        return Ok(());
    };
    rows::put(rows, &keys::archived(id, event.time, event.number), event)?;
    archive.count += 1;
    archive.bytes += event.text().len() as i64;
    retention::expire(rows, &mut archive, event.ingested)?;
    rows::put(rows, &key, &archive)
}

async fn deliver_to(service: &Arc<Events>, event: &Arc<Event>, targets: Vec<(Arc<Rule>, Target)>) -> Vec<Attempt> {
    let mut failed = Vec::new();
    let mut waiting = targets.into_iter();
    let mut at_work = JoinSet::new();
    loop {
        while at_work.len() < TARGETS_AT_ONCE
            && let Some((rule, target)) = waiting.next()
        {
            let (service, event) = (Arc::clone(service), Arc::clone(event));
            at_work.spawn(async move {
                let delivery = deliver::Delivery::new(&event, &rule, target);
                let outcome = deliver::deliver(&service, &delivery, false).await;
                outcome.err().map(|failure| Attempt { delivery, tried: u32::from(!failure.has_place), failure })
            });
        }
        match at_work.join_next().await {
            None => return failed,
            Some(Ok(attempt)) => failed.extend(attempt),
            Some(Err(error)) => tracing::error!(%error, "a delivery panicked"),
        }
    }
}
