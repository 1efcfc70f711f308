//! Records of streams as functions see them.

use api::{dynamodbstreams, kinesis};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pattern::Pattern;
use serde_json::{Map, Value, json};
use wire::codec::json::JsonWriter;
use wire::codec::{Structure, Writer};

use super::source::Source;

/// A record.
#[derive(Debug, Clone)]
pub struct Record {
    /// Its sequence number, which the function may report as failed.
    pub sequence: String,
    /// When it came into the stream, in milliseconds since 1970.
    pub arrived_at: i64,
    /// Records with the same key are handled in order.
    pub key: String,
    /// As the function sees it: JSON.
    pub json: String,
}

impl Record {
    /// Whether one of the patterns matches. Patterns see the data of Kinesis decoded, beside the members that describe
    /// it. Developer guide, "Using event filtering with a Kinesis event source".
    pub fn passes(&self, patterns: &[Pattern]) -> bool {
        if patterns.is_empty() {
            return true;
        }
        let Ok(mut event) = serde_json::from_str::<Value>(&self.json) else { return false };
        if let Some(Value::Object(inner)) = event.get_mut("kinesis").map(Value::take) {
            lift(&mut event, inner);
        }
        patterns.iter().any(|pattern| pattern.matches(&event))
    }
}

/// Puts the members of a Kinesis record beside those of its envelope, with the data decoded.
fn lift(event: &mut Value, inner: Map<String, Value>) {
    for (name, value) in inner {
        let decoded = (name == "data").then(|| STANDARD.decode(value.as_str().unwrap_or_default()).ok()).flatten();
        event[name] = match decoded {
            Some(bytes) => serde_json::from_slice(&bytes)
                .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&bytes).into_owned())),
            None => value,
        };
    }
}

/// The record of a table's change. Developer guide, "Using AWS Lambda with Amazon DynamoDB".
pub fn of_table(source: &Source, record: dynamodbstreams::Record) -> Record {
    let change = record.dynamodb.unwrap_or_default();
    let text = |text: Option<String>| Value::from(text.unwrap_or_default()).to_string();
    let mut json = format!(
        r#"{{"eventID":{},"eventName":{},"eventVersion":{},"eventSource":{},"awsRegion":{},"dynamodb":{}"#,
        text(record.event_id),
        text(record.event_name),
        text(record.event_version),
        text(record.event_source),
        text(record.aws_region),
        document(&change)
    );
    if let Some(identity) = record.user_identity {
        let identity = json!({"principalId": identity.principal_id, "type": identity.r#type});
        json.push_str(&format!(r#","userIdentity":{identity}"#));
    }
    json.push_str(&format!(r#","eventSourceARN":{}}}"#, Value::from(source.arn())));
    let key = change.keys.map(|keys| format!("{keys:?}")).unwrap_or_default();
    let arrived_at = change.approximate_creation_date_time.map_or(0, |time| time.milliseconds());
    Record { sequence: change.sequence_number.unwrap_or_default(), arrived_at, key, json }
}

/// A structure as JSON.
fn document(structure: &dyn Structure) -> String {
    let mut writer = JsonWriter::new();
    writer.begin_structure(structure.shape());
    structure.write_members(&mut writer);
    writer.end_structure();
    writer.finish()
}

/// The record of Kinesis. Developer guide, "Using AWS Lambda with Amazon Kinesis".
pub fn of_kinesis(source: &Source, shard: &str, role_arn: &str, record: kinesis::Record) -> Record {
    let key = record.partition_key.unwrap_or_default();
    let arrived = record.approximate_arrival_timestamp;
    let json = format!(
        r#"{{"kinesis":{{"kinesisSchemaVersion":"1.0","partitionKey":{},"sequenceNumber":{},"data":"{}","approximateArrivalTimestamp":{}}},"eventSource":"aws:kinesis","eventVersion":"1.0","eventID":{},"eventName":"aws:kinesis:record","invokeIdentityArn":{},"awsRegion":{},"eventSourceARN":{}}}"#,
        Value::from(key.as_str()),
        Value::from(record.sequence_number.as_str()),
        STANDARD.encode(&record.data),
        arrived.map_or(0.0, |time| time.milliseconds() as f64 / 1_000.0),
        Value::from(format!("{shard}:{}", record.sequence_number)),
        Value::from(role_arn),
        Value::from(source.region()),
        Value::from(source.arn()),
    );
    let arrived_at = arrived.map_or(0, |time| time.milliseconds());
    Record { sequence: record.sequence_number, arrived_at, key, json }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use api::dynamodbstreams::{AttributeValue, Identity, StreamRecord};
    use bytes::Bytes;
    use wire::Timestamp;

    use super::*;

    #[test]
    fn a_tables_record_has_awss_form() {
        let source = Source::of_arn("arn:aws:dynamodb:eu-west-1:1:table/t/stream/x").unwrap();
        let key = BTreeMap::from([("id".to_owned(), AttributeValue::B(Bytes::from_static(b"foobar")))]);
        let change = StreamRecord {
            approximate_creation_date_time: Some(Timestamp::from_milliseconds(1_499_000)),
            keys: Some(key),
            sequence_number: Some("7".to_owned()),
            size_bytes: Some(8),
            stream_view_type: Some("KEYS_ONLY".to_owned()),
            ..StreamRecord::default()
        };
        let record = dynamodbstreams::Record {
            event_id: Some("e".to_owned()),
            event_name: Some("REMOVE".to_owned()),
            event_version: Some("1.1".to_owned()),
            event_source: Some("aws:dynamodb".to_owned()),
            aws_region: Some("eu-west-1".to_owned()),
            dynamodb: Some(change),
            user_identity: Some(Identity { principal_id: Some("p".to_owned()), r#type: Some("Service".to_owned()) }),
        };
        let record = of_table(&source, record);
        let expected = json!({
            "eventID": "e",
            "eventName": "REMOVE",
            "eventVersion": "1.1",
            "eventSource": "aws:dynamodb",
            "awsRegion": "eu-west-1",
            "dynamodb": {
                "ApproximateCreationDateTime": 1_499,
                "Keys": {"id": {"B": "Zm9vYmFy"}},
                "SequenceNumber": "7",
                "SizeBytes": 8,
                "StreamViewType": "KEYS_ONLY",
            },
            "userIdentity": {"principalId": "p", "type": "Service"},
            "eventSourceARN": "arn:aws:dynamodb:eu-west-1:1:table/t/stream/x",
        });
        assert_eq!(serde_json::from_str::<Value>(&record.json).unwrap(), expected);
        assert_eq!((record.sequence.as_str(), record.arrived_at), ("7", 1_499_000));
    }

    #[test]
    fn filters_see_the_data_of_kinesis_decoded() {
        let source = Source::of_arn("arn:aws:kinesis:eu-west-1:1:stream/s").unwrap();
        let record = |data: &'static str| {
            let read = kinesis::Record {
                sequence_number: "1".to_owned(),
                data: Bytes::from_static(data.as_bytes()),
                partition_key: Some("k".to_owned()),
                ..kinesis::Record::default()
            };
            of_kinesis(&source, "shardId-000000000000", "arn:aws:iam::1:role/r", read)
        };
        let pattern = |text: &str| [Pattern::parse(text).unwrap()];
        let kind = pattern(r#"{"data":{"kind":["a"]},"partitionKey":["k"]}"#);
        assert!(record(r#"{"kind":"a"}"#).passes(&kind));
        assert!(!record(r#"{"kind":"b"}"#).passes(&kind) && !record("text").passes(&kind));
        assert!(record("text").passes(&pattern(r#"{"data":["text"]}"#)));
        let event: Value = serde_json::from_str(&record("text").json).unwrap();
        assert_eq!(event["kinesis"]["data"], "dGV4dA==");
        assert_eq!(event["eventID"], "shardId-000000000000:1");
    }
}
