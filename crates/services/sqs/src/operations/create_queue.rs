//! `CreateQueue`.

use std::collections::BTreeMap;

use api::sqs::{CreateQueueRequest, CreateQueueResult, errors as modelled};
use platform::{Ctx, OrFailure};
use store::{Abort, Transaction};
use wire::Error;

use super::{dead_letters, tags};
use crate::address::{FIFO_SUFFIX, QueueName, is_name};
use crate::attribute_set::{apply, settable};
use crate::errors::{invalid_parameter, unknown_attribute};
use crate::keys;
use crate::limits::{NAME_CHARACTERS_MAX, QUIET_MILLISECONDS};
use crate::numbers;
use crate::queue::{Queue, Record, Settings};
use crate::service::Sqs;

/// Makes a queue, or answers the URL of the one that exists if it is set to the same.
///
/// # Errors
/// `QueueNameExists`, `QueueDeletedRecently`, `InvalidAttributeName`, `InvalidAttributeValue`, `InvalidParameterValue`.
pub async fn create_queue(service: &Sqs, cx: &Ctx, input: CreateQueueRequest) -> Result<CreateQueueResult, Error> {
    let attributes = input.attributes.unwrap_or_default();
    check_name(&input.queue_name, &attributes)?;
    let name = QueueName::own(cx, &input.queue_name);
    let mut settings = Settings::default();
    apply(&mut settings, &name, &attributes)?;
    let tags = input.tags.unwrap_or_default();
    tags::check(&name.name, &tags)?;
    list_partition(service, cx).await?;
    let (now, url) = (service.now(), name.url(cx));
    let partition = keys::partition_of(&name);
    let made = service.transact(&partition, move |rows| {
        if let Some(row) = rows.get(&keys::queue(&name.name))? {
            let existing = Queue::decode(name.clone(), row)?;
            return Ok(compare(&existing, &settings, &attributes)?);
        }
        check_quiet(rows, &name.name, now)?;
        if let Some(redrive) = &settings.redrive {
            dead_letters::check_target(rows, &name, redrive)?;
            rows.put(&keys::source(&redrive.target, &name.name), &[]);
        }
        let record = Record {
            number: numbers::next(rows)?,
            contents: numbers::next(rows)?,
            created: now / 1_000,
            modified: now / 1_000,
            purged: None,
            settings: settings.clone(),
            tags: tags.clone(),
        };
        rows.put(&keys::queue(&name.name), &record.encode()?);
        Ok(())
    });
    made.await?;
    Ok(CreateQueueResult { queue_url: Some(url) })
}

fn check_name(name: &str, attributes: &BTreeMap<String, String>) -> Result<(), Error> {
    const PLAIN: &str = "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length";
    const FIFO: &str = "The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, must \
                        end with .fifo suffix and be 1 to 80 in length.";
    let fifo = attributes.get("FifoQueue").map(String::as_str);
    if fifo.is_some_and(|fifo| fifo != "true") {
        return Err(unknown_attribute("FifoQueue"));
    }
    match (fifo.is_some(), name.strip_suffix(FIFO_SUFFIX)) {
        (true, Some(stem)) if is_name(stem) && name.len() <= NAME_CHARACTERS_MAX => Ok(()),
        (true, _) => Err(invalid_parameter(FIFO)),
        (false, None) if is_name(name) => Ok(()),
        (false, _) => Err(invalid_parameter(PLAIN)),
    }
}

/// Lists the caller's account and region, so that the sweep finds their queues.
async fn list_partition(service: &Sqs, cx: &Ctx) -> Result<(), Error> {
    let (directory, key) = (keys::directory(), keys::listed(&cx.account, &cx.region));
    if service.store().get(&directory, &key).await.or_failure()?.is_some() {
        return Ok(());
    }
    let listed = service.transact(&directory, move |rows| {
        rows.put(&key, &[]);
        Ok(())
    });
    listed.await
}

/// Checks that what is given is what an existing queue is set to.
fn compare(existing: &Queue, settings: &Settings, given: &BTreeMap<String, String>) -> Result<(), Error> {
    let wanted = settable(settings, existing.is_fifo());
    let present = settable(existing.settings(), existing.is_fifo());
    let differs = |name: &&String| wanted.get(name.as_str()) != present.get(name.as_str());
    match given.keys().find(differs) {
        Some(name) => Err(modelled::queue_name_exists(format!(
            "A queue already exists with the same name and a different value for attribute {name}"
        ))),
        None => Ok(()),
    }
}

fn check_quiet(rows: &mut dyn Transaction, name: &str, now: i64) -> Result<(), Abort<Error>> {
    let key = keys::deleted(name);
    let Some(row) = rows.get(&key)? else { return Ok(()) };
    if numbers::read_time(&row)?.saturating_add(QUIET_MILLISECONDS) > now {
        return Err(modelled::queue_deleted_recently(
            "You must wait 60 seconds after deleting a queue before you can create another with the same name.",
        )
        .into());
    }
    rows.delete(&key);
    Ok(())
}
