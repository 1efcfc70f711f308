//! `DeleteMessage` and `DeleteMessageBatch`.

use api::sqs::{
    DeleteMessageBatchRequest, DeleteMessageBatchResult, DeleteMessageBatchResultEntry, DeleteMessageRequest,
};
use platform::Ctx;
use store::{Abort, Transaction};
use wire::Error;

use super::batch;
use crate::address::QueueName;
use crate::contents::{Contents, Found, release};
use crate::errors;
use crate::queue::Queue;
use crate::receipt::Receipt;
use crate::service::Sqs;

/// Deletes a message that was received. Whoever deletes a message of a standard queue that is gone, or was received by
/// somebody else meanwhile, is told that all is well; in a FIFO queue an old receipt handle is an error, because another
/// receiver may have the message now.
///
/// # Errors
/// `QueueDoesNotExist`, `ReceiptHandleIsInvalid`, `InvalidParameterValue`.
pub async fn delete_message(service: &Sqs, cx: &Ctx, input: DeleteMessageRequest) -> Result<api::Empty, Error> {
    let name = QueueName::of_url(cx, &input.queue_url)?;
    let (receipt, now) = (Receipt::decode(&input.receipt_handle), service.now());
    let deleted = service.on_queue(cx, &name, move |queue, rows| {
        release(queue, rows, now)?;
        delete(queue, rows, &input.receipt_handle, receipt.as_ref(), now)
    });
    deleted.await?;
    Ok(api::Empty)
}

/// Deletes several messages, each for itself.
///
/// # Errors
/// `QueueDoesNotExist` and those of [`batch::check`].
pub async fn delete_message_batch(
    service: &Sqs,
    cx: &Ctx,
    input: DeleteMessageBatchRequest,
) -> Result<DeleteMessageBatchResult, Error> {
    let name = QueueName::of_url(cx, &input.queue_url)?;
    batch::check("DeleteMessageBatchRequestEntry", input.entries.iter().map(|entry| entry.id.as_str()))?;
    let now = service.now();
    let deleted = service.on_queue(cx, &name, move |queue, rows| {
        release(queue, rows, now)?;
        let mut result = DeleteMessageBatchResult::default();
        for entry in &input.entries {
            let receipt = Receipt::decode(&entry.receipt_handle);
            match delete(queue, rows, &entry.receipt_handle, receipt.as_ref(), now) {
                Ok(()) => result.successful.push(DeleteMessageBatchResultEntry { id: entry.id.clone() }),
                Err(Abort::With(error)) if error.definition.status < 500 => {
                    result.failed.push(batch::failed(&entry.id, &error));
                }
                Err(failure) => return Err(failure),
            }
        }
        Ok(result)
    });
    deleted.await
}

fn delete(
    queue: &Queue,
    rows: &mut dyn Transaction,
    handle: &str,
    receipt: Option<&Receipt>,
    now: i64,
) -> Result<(), Abort<Error>> {
    let receipt = receipt.filter(|receipt| receipt.queue == queue.record.number);
    let receipt = receipt.ok_or_else(|| errors::invalid_receipt(handle))?;
    let mut contents = Contents::open(rows, queue, now)?;
    match contents.find(receipt)? {
        Found::Current(held) => contents.remove(&held)?,
        Found::Outdated if queue.is_fifo() => {
            return Err(errors::invalid_value(handle, "ReceiptHandle", "The receipt handle has expired.").into());
        }
        Found::Outdated | Found::Gone => {}
    }
    contents.close();
    Ok(())
}
