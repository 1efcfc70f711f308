//! `DeleteQueue`.

use api::sqs::DeleteQueueRequest;
use platform::Ctx;
use wire::Error;

use crate::address::QueueName;
use crate::keys;
use crate::numbers;
use crate::service::Sqs;
use crate::sweep;

/// Deletes a queue with everything in it. The messages are removed behind the answer.
///
/// # Errors
/// `QueueDoesNotExist`, `InvalidAddress`.
pub async fn delete_queue(service: &Sqs, cx: &Ctx, input: DeleteQueueRequest) -> Result<api::Empty, Error> {
    let name = QueueName::own_of_url(cx, &input.queue_url)?;
    let now = service.now();
    let doomed = service.on_queue(cx, &name, move |queue, rows| {
        let own = &queue.name.name;
        if let Some(redrive) = &queue.settings().redrive {
            rows.delete(&keys::source(&redrive.target, own));
        }
        rows.delete(&keys::running(queue.record.number));
        let numbers = [queue.record.number, queue.record.contents];
        for number in numbers {
            rows.put(&keys::doomed(number), &[]);
        }
        rows.delete(&keys::queue(own));
        rows.put(&keys::deleted(own), &numbers::time(now));
        Ok(numbers)
    });
    sweep::remove_soon(service, &keys::partition_of(&name), doomed.await?.to_vec());
    Ok(api::Empty)
}
