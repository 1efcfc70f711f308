//! `ChangeMessageVisibility` and `ChangeMessageVisibilityBatch`.

use api::sqs::{
    ChangeMessageVisibilityBatchRequest, ChangeMessageVisibilityBatchResult, ChangeMessageVisibilityBatchResultEntry,
    ChangeMessageVisibilityRequest,
};
use platform::Ctx;
use store::{Abort, Transaction};
use wire::Error;

use super::batch;
use crate::address::QueueName;
use crate::contents::{Contents, Found, release};
use crate::errors::{self, invalid_value};
use crate::limits::VISIBILITY_SECONDS_MAX;
use crate::queue::Queue;
use crate::receipt::Receipt;
use crate::service::Sqs;

/// Changes for how long a received message is still invisible.
///
/// # Errors
/// `QueueDoesNotExist`, `ReceiptHandleIsInvalid`, `InvalidParameterValue`.
pub async fn change_message_visibility(
    service: &Sqs,
    cx: &Ctx,
    input: ChangeMessageVisibilityRequest,
) -> Result<api::Empty, Error> {
    let name = QueueName::of_url(cx, &input.queue_url)?;
    let change = Change::new(input.receipt_handle, input.visibility_timeout);
    let now = service.now();
    let changed = service.on_queue(cx, &name, move |queue, rows| {
        release(queue, rows, now)?;
        change.apply(queue, rows, now)
    });
    changed.await?;
    Ok(api::Empty)
}

/// Changes several messages, each for itself.
///
/// # Errors
/// `QueueDoesNotExist` and those of [`batch::check`].
pub async fn change_message_visibility_batch(
    service: &Sqs,
    cx: &Ctx,
    input: ChangeMessageVisibilityBatchRequest,
) -> Result<ChangeMessageVisibilityBatchResult, Error> {
    let name = QueueName::of_url(cx, &input.queue_url)?;
    let ids = input.entries.iter().map(|entry| entry.id.as_str());
    batch::check("ChangeMessageVisibilityBatchRequestEntry", ids)?;
    let changes: Vec<(String, Option<Change>)> = input
        .entries
        .into_iter()
        .map(|entry| {
            let receipt_handle = entry.receipt_handle;
            (entry.id, entry.visibility_timeout.map(|seconds| Change::new(receipt_handle, seconds)))
        })
        .collect();
    let now = service.now();
    let changed = service.on_queue(cx, &name, move |queue, rows| {
        release(queue, rows, now)?;
        let mut result = ChangeMessageVisibilityBatchResult::default();
        for (id, change) in &changes {
            let applied = match change {
                Some(change) => change.apply(queue, rows, now),
                None => Err(errors::missing_parameter("VisibilityTimeout").into()),
            };
            match applied {
                Ok(()) => result.successful.push(ChangeMessageVisibilityBatchResultEntry { id: id.clone() }),
                Err(Abort::With(error)) if error.definition.status < 500 => {
                    result.failed.push(batch::failed(id, &error));
                }
                Err(failure) => return Err(failure),
            }
        }
        Ok(result)
    });
    changed.await
}

struct Change {
    handle: String,
    receipt: Option<Receipt>,
    seconds: i32,
}

impl Change {
    fn new(handle: String, seconds: i32) -> Change {
        Change { receipt: Receipt::decode(&handle), handle, seconds }
    }

    fn apply(&self, queue: &Queue, rows: &mut dyn Transaction, now: i64) -> Result<(), Abort<Error>> {
        if !(0..=VISIBILITY_SECONDS_MAX).contains(&self.seconds) {
            let reason = format!("VisibilityTimeout must be an integer between 0 and {VISIBILITY_SECONDS_MAX}");
            return Err(invalid_value(self.seconds, "VisibilityTimeout", reason).into());
        }
        let receipt = self.receipt.as_ref().filter(|receipt| receipt.queue == queue.record.number);
        let receipt = receipt.ok_or_else(|| errors::invalid_receipt(&self.handle))?;
        let mut contents = Contents::open(rows, queue, now)?;
        let Found::Current(held) = contents.find(receipt)? else {
            const NOT_THERE: &str = "Message does not exist or is not available for visibility timeout change.";
            return Err(invalid_value(&self.handle, "ReceiptHandle", NOT_THERE).into());
        };
        let until = now.saturating_add(i64::from(self.seconds) * 1_000);
        if until > held.message.last_received.saturating_add(i64::from(VISIBILITY_SECONDS_MAX) * 1_000) {
            let reason = format!(
                "Total VisibilityTimeout for the message is beyond the limit [{VISIBILITY_SECONDS_MAX} seconds]"
            );
            return Err(invalid_value(self.seconds, "VisibilityTimeout", reason).into());
        }
        contents.hide(*held, until)?;
        contents.close();
        Ok(())
    }
}
