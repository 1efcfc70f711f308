//! The poller of a queue of SQS.

use std::sync::Arc;
use std::time::Duration;

use api::sqs::{
    DeleteMessageBatch, DeleteMessageBatchRequest, DeleteMessageBatchRequestEntry, ReceiveMessage,
    ReceiveMessageRequest,
};
use pattern::Pattern;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use wire::Error;

use super::batch::{self, Record};
use crate::function::FunctionVersion;
use crate::invoke::{Request, lineage};
use crate::mapping::Mapping;
use crate::{Lambda, durable, functions, role};

/// Most messages of one call of SQS (API reference of ReceiveMessage and DeleteMessageBatch).
const CALL_MESSAGES_MAX: usize = 10;

/// Longest wait for messages, in seconds (API reference of ReceiveMessage).
const WAIT_SECONDS_MAX: u32 = 20;

/// Events at work at once at first. Developer guide, "Configuring scaling behavior for SQS event source mappings".
const CONCURRENT_AT_FIRST: usize = 5;

/// Events at work at once at most (the same).
const CONCURRENT_MAX: usize = 1_000;

/// Largest event, in bytes (Lambda quotas: 6 MB), with some room for what stands around the records.
const EVENT_BYTES_MAX: usize = 6 * 1024 * 1024 - 1_024;

/// Wait after a failure of the queue or of the role, or while there is no room for the function.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Attempts to find room for an event before its messages are left to come back by themselves.
const ATTEMPTS_MAX: u32 = 5;

/// Brings a queue's messages to a function until it is told to stop. What is at work then goes on to its end.
pub async fn poll(lambda: Arc<Lambda>, mapping: Mapping, stop: CancellationToken) {
    let patterns: Vec<Pattern> = mapping.filters.iter().filter_map(|text| Pattern::parse(text).ok()).collect();
    let at_first = mapping.maximum_concurrency.map_or(CONCURRENT_AT_FIRST, |maximum| maximum as usize);
    let poller = Arc::new(Poller { permits: Arc::new(Semaphore::new(at_first)), at_first, lambda, mapping, patterns });
    let mut granted = poller.at_first;
    while !stop.is_cancelled() {
        let permit = stop.run_until_cancelled(Arc::clone(&poller.permits).acquire_owned()).await;
        let Some(Ok(permit)) = permit else { return };
        let version = match poller.version().await {
            Ok(version) => version,
            Err(error) => {
                tracing::info!(%error, mapping = poller.mapping.uuid, "the mapping's function cannot be found");
                stop.run_until_cancelled(poller.lambda.platform.clock.sleep(RETRY_AFTER)).await;
                continue;
            }
        };
        match stop.run_until_cancelled(poller.gather(&version)).await {
            None => return,
            Some(Ok(records)) if records.is_empty() => {}
            Some(Ok(records)) => {
                if poller.mapping.maximum_concurrency.is_none() && granted < CONCURRENT_MAX {
                    poller.permits.add_permits(1);
                    granted += 1;
                }
                let poller = Arc::clone(&poller);
                tokio::spawn(async move {
                    poller.handle(&version, records).await;
                    drop(permit);
                });
            }
            Some(Err(error)) => {
                tracing::info!(%error, mapping = poller.mapping.uuid, "the mapping's queue cannot be read");
                stop.run_until_cancelled(poller.lambda.platform.clock.sleep(RETRY_AFTER)).await;
            }
        }
    }
}

struct Poller {
    lambda: Arc<Lambda>,
    mapping: Mapping,
    patterns: Vec<Pattern>,
    permits: Arc<Semaphore>,
    at_first: usize,
}

impl Poller {
    async fn version(&self) -> Result<Arc<FunctionVersion>, Error> {
        functions::resolve(&self.lambda, &self.mapping.function, self.mapping.qualifier.as_deref()).await
    }

    /// Messages for one event: what is there, or what comes within the batching window. Those that no filter lets pass
    /// are deleted.
    async fn gather(&self, version: &FunctionVersion) -> Result<Vec<Record>, Error> {
        let clock = &self.lambda.platform.clock;
        let batch_size = self.mapping.batch_size as usize;
        let mut records: Vec<Record> = Vec::new();
        let mut end = None;
        while records.len() < batch_size {
            let left = match end {
                None => Duration::from_secs(u64::from(WAIT_SECONDS_MAX)),
                Some(end) => match Duration::checked_sub(end, clock.monotonic()) {
                    Some(left) if !left.is_zero() => left,
                    Some(_) | None => break,
                },
            };
            let received = self.receive(version, batch_size - records.len(), left).await?;
            let (passing, filtered): (Vec<_>, Vec<_>) =
                received.into_iter().partition(|record| record.passes(&self.patterns));
            self.delete(version, &filtered).await;
            if end.is_none() && passing.is_empty() {
                return Ok(records);
            }
            records.extend(passing);
            if end.is_none() {
                end = Some(clock.monotonic() + Duration::from_secs(u64::from(self.mapping.window_seconds)));
            }
        }
        Ok(records)
    }

    async fn receive(&self, version: &FunctionVersion, most: usize, wait: Duration) -> Result<Vec<Record>, Error> {
        let input = ReceiveMessageRequest {
            queue_url: self.queue_url(),
            max_number_of_messages: Some(most.min(CALL_MESSAGES_MAX) as i32),
            wait_time_seconds: Some(wait.as_secs().clamp(1, u64::from(WAIT_SECONDS_MAX)) as i32),
            attribute_names: Some(vec!["All".to_owned()]),
            message_attribute_names: Some(vec!["All".to_owned()]),
            ..ReceiveMessageRequest::default()
        };
        let (account, region) = self.place();
        let platform = &self.lambda.platform;
        let role = role::session(platform, version).await?;
        let output = platform.call_as::<ReceiveMessage>(role, account, region, input).await?;
        let messages = output.messages.unwrap_or_default();
        Ok(messages.into_iter().map(|message| Record::new(&self.mapping, message)).collect())
    }

    /// Hands records to the function, in as many events as their sizes need, and deletes those it has handled.
    async fn handle(&self, version: &Arc<FunctionVersion>, records: Vec<Record>) {
        for records in in_events(records) {
            let handled = self.invoke(version, records).await;
            self.delete(version, &handled).await;
        }
    }

    /// Runs the function on records; answers those it has handled.
    async fn invoke(&self, version: &Arc<FunctionVersion>, records: Vec<Record>) -> Vec<Record> {
        let event = batch::event(&records);
        let trace = lineage::longest(records.iter().filter_map(Record::trace), &version.function).map(str::to_owned);
        for _ in 0..ATTEMPTS_MAX {
            let request = Request {
                request_id: self.lambda.platform.ids.uuid(),
                payload: event.clone().into(),
                invoked_arn: self.mapping.function_arn(),
                client_context: None,
                trace_id: trace.clone(),
                tail: false,
            };
            match durable::invoke_version(&self.lambda, Arc::clone(version), request).await {
                Ok(outcome) if outcome.failed => return Vec::new(),
                Ok(_) if !self.mapping.reports_failures => return records,
                Ok(outcome) => {
                    let Some(failed) = batch::failures(&outcome.payload, &records) else { return Vec::new() };
                    return records.into_iter().filter(|record| !failed.contains(&record.message_id)).collect();
                }
                // The messages come back until their queue's own policy takes them away.
                Err(error) if error.is("RecursiveInvocationException") => return Vec::new(),
                Err(error) => tracing::debug!(%error, mapping = self.mapping.uuid, "an event waits for room"),
            }
            self.lambda.platform.clock.sleep(RETRY_AFTER).await;
        }
        Vec::new()
    }

    async fn delete(&self, version: &FunctionVersion, records: &[Record]) {
        let (account, region) = self.place();
        let platform = &self.lambda.platform;
        for some in records.chunks(CALL_MESSAGES_MAX) {
            let entry = |(number, record): (usize, &Record)| DeleteMessageBatchRequestEntry {
                id: number.to_string(),
                receipt_handle: record.receipt_handle.clone(),
                ..DeleteMessageBatchRequestEntry::default()
            };
            let input = DeleteMessageBatchRequest {
                queue_url: self.queue_url(),
                entries: some.iter().enumerate().map(entry).collect(),
                ..DeleteMessageBatchRequest::default()
            };
            let deleted = async {
                let role = role::session(platform, version).await?;
                platform.call_as::<DeleteMessageBatch>(role, account, region, input).await
            };
            // They come back, and are handled once more.
            if let Err(error) = deleted.await {
                tracing::warn!(%error, mapping = self.mapping.uuid, "handled messages cannot be deleted");
            }
        }
    }

    fn place(&self) -> (&str, &str) {
        let mut parts = self.mapping.source_arn.split(':').skip(3);
        let region = parts.next().unwrap_or_default();
        (parts.next().unwrap_or_default(), region)
    }

    fn queue_url(&self) -> String {
        queue_url(&self.lambda, &self.mapping.source_arn)
    }
}

/// The address of the queue with this ARN.
pub fn queue_url(lambda: &Lambda, arn: &str) -> String {
    let parts: Vec<&str> = arn.split(':').collect();
    let account = parts.get(4).copied().unwrap_or_default();
    format!("{}/{account}/{}", lambda.platform.config.endpoint, parts.last().copied().unwrap_or_default())
}

/// Records in groups that each fit into one event.
fn in_events(records: Vec<Record>) -> Vec<Vec<Record>> {
    let mut events: Vec<Vec<Record>> = Vec::new();
    let mut bytes = EVENT_BYTES_MAX;
    for record in records {
        let size = record.bytes() + 1;
        if bytes + size > EVENT_BYTES_MAX {
            events.push(Vec::new());
            bytes = 0;
        }
        bytes += size;
        if let Some(last) = events.last_mut() {
            last.push(record);
        }
    }
    events
}
