//! `PurgeQueue`.

use api::sqs::{PurgeQueueRequest, errors as modelled};
use platform::Ctx;
use wire::Error;

use crate::address::QueueName;
use crate::contents::Contents;
use crate::keys;
use crate::limits::QUIET_MILLISECONDS;
use crate::numbers;
use crate::queue::Record;
use crate::service::Sqs;
use crate::sweep;

/// Removes all messages of a queue, which gets new contents; the old ones are removed behind the answer.
///
/// # Errors
/// `QueueDoesNotExist`, `PurgeQueueInProgress`.
pub async fn purge_queue(service: &Sqs, cx: &Ctx, input: PurgeQueueRequest) -> Result<api::Empty, Error> {
    let name = QueueName::of_url(cx, &input.queue_url)?;
    let now = service.now();
    let old = service.on_queue(cx, &name, move |queue, rows| {
        if queue.record.purged.is_some_and(|purged| purged.saturating_add(QUIET_MILLISECONDS) > now) {
            let text = format!("Only one PurgeQueue operation on {} is allowed every 60 seconds.", queue.name.name);
            return Err(modelled::purge_queue_in_progress(text).into());
        }
        let counters = Contents::open(rows, queue, now)?.counters().emptied();
        rows.put(&keys::counters(queue.record.number), &counters.encode());
        let old = queue.record.contents;
        rows.put(&keys::doomed(old), &[]);
        let record = Record { contents: numbers::next(rows)?, purged: Some(now), ..queue.record.clone() };
        rows.put(&keys::queue(&queue.name.name), &record.encode()?);
        Ok(old)
    });
    sweep::remove_soon(service, &keys::partition_of(&name), vec![old.await?]);
    Ok(api::Empty)
}
