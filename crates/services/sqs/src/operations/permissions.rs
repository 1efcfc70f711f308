//! `AddPermission` and `RemovePermission`.

use api::sqs::{AddPermissionRequest, RemovePermissionRequest};
use platform::Ctx;
use wire::Error;

use crate::address::QueueName;
use crate::keys;
use crate::policy_document::{self, Permission};
use crate::queue::{Queue, Record, Settings};
use crate::service::Sqs;

/// Adds a statement to a queue's policy.
///
/// # Errors
/// `QueueDoesNotExist`, `InvalidParameterValue`, `OverLimit`.
pub async fn add_permission(service: &Sqs, cx: &Ctx, input: AddPermissionRequest) -> Result<api::Empty, Error> {
    let name = QueueName::own_of_url(cx, &input.queue_url)?;
    change_policy(service, cx, &name, move |queue| {
        let permission = Permission { label: &input.label, accounts: &input.aws_account_ids, actions: &input.actions };
        policy_document::add(queue.settings().policy.as_deref(), &queue.name.arn(), &permission).map(Some)
    })
    .await
}

/// Removes a statement from a queue's policy.
///
/// # Errors
/// `QueueDoesNotExist`, `InvalidParameterValue`.
pub async fn remove_permission(service: &Sqs, cx: &Ctx, input: RemovePermissionRequest) -> Result<api::Empty, Error> {
    let name = QueueName::own_of_url(cx, &input.queue_url)?;
    change_policy(service, cx, &name, move |queue| {
        policy_document::remove(queue.settings().policy.as_deref(), &input.label)
    })
    .await
}

async fn change_policy<F>(service: &Sqs, cx: &Ctx, name: &QueueName, change: F) -> Result<api::Empty, Error>
where
    F: Fn(&Queue) -> Result<Option<String>, Error> + Send + Sync + 'static,
{
    let now = service.now();
    let changed = service.on_queue(cx, name, move |queue, rows| {
        let settings = Settings { policy: change(queue)?, ..queue.settings().clone() };
        let record = Record { settings, modified: now / 1_000, ..queue.record.clone() };
        rows.put(&keys::queue(&queue.name.name), &record.encode()?);
        Ok(())
    });
    changed.await?;
    Ok(api::Empty)
}
