//! Records of batches that were given up, and where they go.

use std::time::Duration;

use serde_json::json;
use wire::Timestamp;
use wire::schema::{Fault, TimestampFormat};

use super::lane::{Lane, Tracked};
use super::window::Phase;
use crate::destination::{Destination, Object, Parcel};
use crate::role;

/// Attempts to hand a record on when its destination has a failure of its own.
const SENDS_MAX: u32 = 5;

/// Wait before the next of them.
const SEND_AGAIN: Duration = Duration::from_secs(1);

/// What is known of the last try of a batch.
#[derive(Debug, Clone, Default)]
pub struct Failure {
    /// Id of the request; empty if the function was never run.
    pub request_id: String,
    /// The version that ran.
    pub version: String,
    /// The function failed; otherwise it answered that records did.
    pub is_error: bool,
}

impl Lane {
    /// Tells the mapping's destination that records were given up. What it refuses is lost, as on AWS.
    pub(super) async fn discard(&self, condition: &'static str, records: &[Tracked], failure: &Failure, runs: u32) {
        let poller = &self.poller;
        tracing::info!(mapping = poller.mapping.uuid, condition, records = records.len(), "records were given up");
        let Some(destination) = poller.settings.on_failure.as_deref().and_then(Destination::of_arn) else { return };
        let platform = &poller.lambda.platform;
        let parcel = self.parcel(condition, records, failure, runs);
        for attempt in 1..=SENDS_MAX {
            let sent = async {
                let role = role::session(platform, &*poller.version().await?).await?;
                destination.send(platform, role, parcel.clone()).await
            };
            match sent.await {
                Ok(()) => return,
                Err(error) if error.definition.fault == Fault::Client || attempt == SENDS_MAX => {
                    return tracing::warn!(%error, ?destination, mapping = poller.mapping.uuid, "a record was not taken");
                }
                Err(error) => tracing::info!(%error, ?destination, "a record is sent once more"),
            }
            poller.pause(SEND_AGAIN).await;
        }
    }

    /// Developer guide, "Retain discarded records for a DynamoDB event source" and its twin for Kinesis.
    fn parcel(&self, condition: &'static str, records: &[Tracked], failure: &Failure, runs: u32) -> Parcel {
        let poller = &self.poller;
        let now = poller.lambda.platform.clock.now();
        let request_id = match failure.request_id.as_str() {
            "" => poller.lambda.platform.ids.uuid(),
            id => id.to_owned(),
        };
        let function_arn = poller.mapping.function_arn();
        let mut record = json!({
            "requestContext": {
                "requestId": request_id,
                "functionArn": function_arn,
                "condition": condition,
                "approximateInvokeCount": runs,
            },
            "version": "1.0",
            "timestamp": milliseconds(now),
        });
        if runs > 0 {
            let mut context = json!({ "statusCode": 200, "executedVersion": failure.version });
            if failure.is_error {
                context["functionError"] = json!("Unhandled");
            }
            record["responseContext"] = context;
        }
        let is_kinesis = poller.source.is_kinesis();
        let name = if is_kinesis { "KinesisBatchInfo" } else { "DDBStreamBatchInfo" };
        let arrival = |tracked: Option<&Tracked>| {
            let time = Timestamp::from_milliseconds(tracked.map_or(0, |tracked| tracked.record.arrived_at));
            if is_kinesis { milliseconds(time) } else { seconds(time) }
        };
        let sequence = |tracked: Option<&Tracked>| tracked.map(|tracked| tracked.record.sequence.clone());
        record[name] = json!({
            "shardId": self.shard,
            "startSequenceNumber": sequence(records.first()),
            "endSequenceNumber": sequence(records.last()),
            "approximateArrivalOfFirstRecord": arrival(records.first()),
            "approximateArrivalOfLastRecord": arrival(records.last()),
            "batchSize": records.len(),
            "streamArn": poller.source.arn(),
        });
        let text = record.to_string();
        record["payload"] = json!(self.event(records, Phase::Under));
        let folder = format!("aws/lambda/{}/{}", poller.mapping.uuid, self.shard);
        let object = Object { folder, text: Some(record.to_string()) };
        Parcel { text, attributes: Vec::new(), detail_type: "", function_arn, object, trace: None }
    }
}

fn milliseconds(time: Timestamp) -> String {
    let mut text = String::new();
    time.write_iso8601_milliseconds(&mut text);
    text
}

fn seconds(time: Timestamp) -> String {
    let mut text = String::new();
    Timestamp { nanoseconds: 0, ..time }.write(TimestampFormat::Iso8601, &mut text);
    text
}
