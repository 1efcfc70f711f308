//! `SubscribeToShard`: records as they come, as the events of a stream.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use api::kinesis::{SubscribeToShardEvent, SubscribeToShardInput, SubscribeToShardOutput, errors as modelled};
use bytes::Bytes;
use futures_core::Stream as Pieces;
use platform::{Ctx, OrFailure};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use wire::Error;
use wire::body::{Body, Trailers};
use wire::codec::cbor::{CborWriter, Flavour};
use wire::codec::json::JsonWriter;
use wire::codec::{Structure, Writer};
use wire::event_stream::Message;
use wire::schema::Protocol;

use crate::errors::{dry_run, no_consumer};
use crate::limits::{EVENT_BYTES_MAX, EVENTS_WAITING_MAX, GET_RECORDS_MAX, SUBSCRIPTION, SUBSCRIPTION_SILENCE};
use crate::names::ConsumerName;
use crate::operations::consumers::consumer_of;
use crate::operations::iterators::{Start, position, readable};
use crate::reading::{self, Batch, Most};
use crate::service::Kinesis;
use crate::shard::Shard;
use crate::stream::Stream;
use crate::{keys, rows};

/// The frames of a subscription, as they are made.
struct Frames(mpsc::Receiver<Bytes>);

impl Pieces for Frames {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(cx).map(|frame| frame.map(Ok))
    }
}

/// A subscription.
struct Subscription {
    cx: Ctx,
    consumer: ConsumerName,
    arn: String,
    stream: Stream,
    shard: Shard,
    next: u64,
    frames: mpsc::Sender<Bytes>,
    replaced: CancellationToken,
}

/// Sends the records of a shard as they come, for five minutes.
///
/// # Errors
/// `ResourceNotFoundException`, `ResourceInUseException`, `InvalidArgumentException`.
pub async fn subscribe_to_shard(
    service: &Arc<Kinesis>,
    cx: &Ctx,
    input: SubscribeToShardInput,
) -> Result<SubscribeToShardOutput, Error> {
    let consumer = ConsumerName::parse_arn(&input.consumer_arn);
    let consumer = consumer.ok_or_else(|| no_consumer(&input.consumer_arn, &cx.account))?;
    let name = consumer.stream.clone();
    let snapshot = service.snapshot(&name.partition()).await?;
    let stream = rows::stream_of(&snapshot, &name).await?;
    stream.check_usable(&name)?;
    consumer_of(&snapshot, &stream, &consumer).await?;
    let shard = readable(&snapshot, &name, &stream, &input.shard_id).await?;
    let start = Start {
        kind: &input.starting_position.r#type,
        sequence_number: input.starting_position.sequence_number.as_deref(),
        timestamp: input.starting_position.timestamp,
        operation: "SubscribeToShard",
    };
    let now = service.now();
    let next = position(&snapshot, &name, &stream, &shard, &start, now).await?;
    drop(snapshot);
    if input.dry_run == Some(true) {
        return Err(dry_run());
    }
    let replaced = service.subscriptions.begin(&input.consumer_arn, shard.number, now).ok_or_else(|| {
        modelled::resource_in_use_exception(format!(
            "Another active subscription exists for this consumer: {}:{}:{}:{}",
            name.account,
            name.name,
            shard.id(),
            consumer.name
        ))
    })?;
    let (frames, received) = mpsc::channel(EVENTS_WAITING_MAX);
    let arn = input.consumer_arn;
    let (cx, ended) = (cx.clone(), (arn.clone(), shard.number, replaced.clone()));
    let subscription = Subscription { cx, consumer, arn, stream, shard, next, frames, replaced };
    let serving = Arc::clone(service);
    let spawned = service.platform.background.spawn("kinesis subscription", async move {
        subscription.serve(&serving).await;
    });
    if let Err(refused) = spawned {
        service.subscriptions.end(&ended.0, ended.1, &ended.2);
        return Err(refused).or_failure();
    }
    let event_stream = Body::Stream { stream: Box::pin(Frames(received)), length: None, trailers: Trailers::default() };
    Ok(SubscribeToShardOutput { event_stream })
}

impl Subscription {
    /// Serves the subscription until its time is over, its client is gone, another takes its place, or there is
    /// nothing more to come.
    async fn serve(mut self, service: &Kinesis) {
        let stopping = service.platform.background.stopping().clone();
        let (replaced, frames) = (self.replaced.clone(), self.frames.clone());
        tokio::select! {
            () = self.send_events(service) => {}
            () = service.platform.clock.sleep(SUBSCRIPTION) => {}
            () = frames.closed() => {}
            () = replaced.cancelled() => {}
            () = stopping.cancelled() => {}
        }
        service.subscriptions.end(&self.arn, self.shard.number, &self.replaced);
    }

    async fn send_events(&mut self, service: &Kinesis) {
        let name = self.consumer.stream.clone();
        let prefix = keys::records(self.stream.number, self.shard.number);
        let mut watch = service.platform.store.watch(&name.partition(), &prefix);
        let mut of_stream = service.platform.store.watch(&name.partition(), &keys::stream(&name.name));
        loop {
            let is_at_end = match self.read(service).await {
                Ok(batch) => {
                    let is_at_end = batch.is_at_end;
                    let is_full = !batch.records.is_empty() && batch.behind > 0;
                    if !self.send(&self.event(service, batch)).await || is_at_end {
                        return;
                    }
                    is_full
                }
                Err(error) => {
                    let payload = serde_json::json!({"message": error.message.as_deref().unwrap_or_default()});
                    let payload = Bytes::from(payload.to_string());
                    let content = "application/json";
                    self.send(&Message::exception(error.definition.name, content, payload)).await;
                    return;
                }
            };
            if is_at_end {
                continue;
            }
            tokio::select! {
                changed = watch.changed() => if changed.is_err() { return },
                changed = of_stream.changed() => if changed.is_err() { return },
                () = service.platform.clock.sleep(SUBSCRIPTION_SILENCE) => {}
            }
        }
    }

    /// The next records. The stream is looked at again, for it may have changed or gone.
    async fn read(&mut self, service: &Kinesis) -> Result<Batch, Error> {
        let name = &self.consumer.stream;
        let stream = service.stream(name).await?;
        stream.check_usable(name)?;
        if stream.number != self.stream.number {
            return Err(crate::errors::no_stream(name));
        }
        self.stream = stream;
        let most = Most { records: GET_RECORDS_MAX, bytes: EVENT_BYTES_MAX };
        let batch = reading::read(service, &self.cx, (name, &self.stream, &self.shard), self.next, most).await?;
        self.next = batch.next;
        Ok(batch)
    }

    fn event(&self, service: &Kinesis, batch: Batch) -> Message {
        let last = batch.records.last().map(|record| record.sequence_number.clone());
        let here = || self.shard.sequence(batch.next.saturating_sub(1), service.now()).text();
        let event = SubscribeToShardEvent {
            continuation_sequence_number: last.unwrap_or_else(here),
            millis_behind_latest: batch.behind,
            child_shards: Some(batch.children).filter(|_| batch.is_at_end),
            records: batch.records,
        };
        let (content_type, payload) = encode(&event, self.cx.protocol);
        Message::event("SubscribeToShardEvent", content_type, payload)
    }

    /// Hands a message to the client; `false` if that is gone.
    async fn send(&self, message: &Message) -> bool {
        match message.encode() {
            Ok(frame) => self.frames.send(frame).await.is_ok(),
            Err(_) => false,
        }
    }
}

/// An event in the format in which the client spoke.
fn encode(event: &dyn Structure, protocol: Option<Protocol>) -> (&'static str, Bytes) {
    if protocol == Some(Protocol::CborTarget) {
        let mut writer = CborWriter::new(Flavour::Target);
        write(event, &mut writer);
        return ("application/x-amz-cbor-1.1", writer.finish().into());
    }
    let mut writer = JsonWriter::new();
    write(event, &mut writer);
    ("application/x-amz-json-1.1", writer.finish().into())
}

fn write(event: &dyn Structure, writer: &mut dyn Writer) {
    writer.begin_structure(event.shape());
    event.write_members(writer);
    writer.end_structure();
}
