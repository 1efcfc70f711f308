//! `GetQueueAttributes` and `SetQueueAttributes`.

use api::sqs::{GetQueueAttributesRequest, GetQueueAttributesResult, SetQueueAttributesRequest};
use platform::Ctx;
use store::{Abort, Transaction};
use wire::Error;

use super::dead_letters;
use crate::address::QueueName;
use crate::attribute_set::{Asked, apply};
use crate::contents::{Contents, Counters};
use crate::keys;
use crate::limits::RELEASE_ROUNDS_MAX;
use crate::queue::{Queue, Record};
use crate::service::Sqs;

/// Answers attributes of a queue.
///
/// # Errors
/// `QueueDoesNotExist`, `InvalidAttributeName`.
pub async fn get_queue_attributes(
    service: &Sqs,
    cx: &Ctx,
    input: GetQueueAttributesRequest,
) -> Result<GetQueueAttributesResult, Error> {
    let name = QueueName::of_url(cx, &input.queue_url)?;
    let asked = Asked::new(input.attribute_names)?;
    let queue = service.queue(cx, &name).await?;
    let counters = if asked.wants_counts() { count(service, cx, &name).await? } else { Counters::default() };
    let attributes = Some(asked.select(&queue, counters)).filter(|attributes| !attributes.is_empty());
    Ok(GetQueueAttributesResult { attributes })
}

/// How many messages are in which state now: the counters, once everything is in the state that the time gives it.
async fn count(service: &Sqs, cx: &Ctx, name: &QueueName) -> Result<Counters, Error> {
    let now = service.now();
    for _ in 1..RELEASE_ROUNDS_MAX {
        let round = service.on_queue(cx, name, move |queue, rows| settle(queue, rows, now));
        if let (counters, false) = round.await? {
            return Ok(counters);
        }
    }
    Ok(service.on_queue(cx, name, move |queue, rows| settle(queue, rows, now)).await?.0)
}

/// Releases what is due and drops what has expired. Answers the counters and whether there is more to do.
pub fn settle(queue: &Queue, rows: &mut dyn Transaction, now: i64) -> Result<(Counters, bool), Abort<Error>> {
    let mut contents = Contents::open(rows, queue, now)?;
    let more_due = contents.release_due()?;
    let more_expired = contents.drop_expired()?;
    let counters = contents.counters();
    contents.close();
    Ok((counters, more_due || more_expired))
}

/// Sets attributes of a queue.
///
/// # Errors
/// `QueueDoesNotExist`, `InvalidAttributeName`, `InvalidAttributeValue`, `InvalidParameterValue`.
pub async fn set_queue_attributes(
    service: &Sqs,
    cx: &Ctx,
    input: SetQueueAttributesRequest,
) -> Result<api::Empty, Error> {
    let name = QueueName::own_of_url(cx, &input.queue_url)?;
    let now = service.now();
    let set = service.on_queue(cx, &name, move |queue, rows| {
        let mut settings = queue.settings().clone();
        apply(&mut settings, &queue.name, &input.attributes)?;
        let own = &queue.name.name;
        if settings.redrive != queue.settings().redrive {
            if let Some(old) = &queue.settings().redrive {
                rows.delete(&keys::source(&old.target, own));
            }
            if let Some(new) = &settings.redrive {
                dead_letters::check_target(rows, &queue.name, new)?;
                rows.put(&keys::source(&new.target, own), &[]);
            }
        }
        let delay_changed = settings.delay_seconds != queue.settings().delay_seconds;
        let record = Record { settings, modified: now / 1_000, ..queue.record.clone() };
        rows.put(&keys::queue(own), &record.encode()?);
        Ok(delay_changed && queue.is_fifo())
    });
    if set.await? {
        apply_delay(service, cx, &name).await?;
    }
    Ok(api::Empty)
}

/// FIFO queues apply a new delay to messages that are still delayed.
async fn apply_delay(service: &Sqs, cx: &Ctx, name: &QueueName) -> Result<(), Error> {
    let now = service.now();
    let mut after = None;
    // Each round goes on behind the last row of the one before.
    loop {
        let start: Option<(i64, u64)> = after;
        let round = service.on_queue(cx, name, move |queue, rows| {
            let mut contents = Contents::open(rows, queue, now)?;
            let last = contents.apply_delay(start)?;
            contents.close();
            Ok(last)
        });
        after = round.await?;
        if after.is_none() {
            return Ok(());
        }
    }
}
