//! The service over empty stores, called with the JSON that clients send.

mod encryption;
mod reading;
mod shards;
mod streams;

use std::sync::Arc;

use api::Operation;
use api::kinesis as model;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use blob::BlobStore;
use platform::testing::TestPlatform;
use serde_json::{Value as Json, json};
use store::Store;
use wire::Error;
use wire::codec::json::{JsonReader, JsonWriter, Wording};
use wire::codec::{Structure, Writer};

use crate::Kinesis;

/// The service and what it stands on.
pub struct Bench {
    pub test: TestPlatform,
}

impl Bench {
    pub async fn new() -> Bench {
        Bench::over(Store::memory()).await
    }

    /// Over the given store, as after a restart.
    pub async fn over(store: Store) -> Bench {
        let test = TestPlatform::over(store, BlobStore::memory(), |platform| {
            vec![Arc::new(Kinesis::new(Arc::clone(platform))).registration(), service_kms::registration(platform)]
        });
        test.platform.start().await.unwrap();
        Bench { test }
    }

    /// With an active stream of so many shards.
    pub async fn with_stream(name: &str, shards: u32) -> Bench {
        let bench = Bench::new().await;
        bench.ok("CreateStream", json!({"StreamName": name, "ShardCount": shards})).await;
        bench.active(name).await;
        bench
    }

    /// Waits until a stream is in use.
    pub async fn active(&self, name: &str) {
        for () in platform::testing::looks() {
            let answer = self.ok("DescribeStreamSummary", json!({"StreamName": name})).await;
            if answer["StreamDescriptionSummary"]["StreamStatus"] == "ACTIVE" {
                return;
            }
            tokio::task::yield_now().await;
        }
        panic!("{name} does not become active");
    }

    pub async fn shards(&self, name: &str) -> Vec<Json> {
        let answer = self.ok("ListShards", json!({"StreamName": name})).await;
        answer["Shards"].as_array().unwrap().clone()
    }

    pub async fn put(&self, name: &str, key: &str, data: &str) -> Json {
        self.ok("PutRecord", json!({"StreamName": name, "PartitionKey": key, "Data": BASE64.encode(data)})).await
    }

    pub async fn iterator(&self, name: &str, shard: u32, kind: &str, more: Json) -> String {
        let id = crate::names::shard_id(shard);
        let mut input = json!({"StreamName": name, "ShardId": id, "ShardIteratorType": kind});
        for (key, value) in more.as_object().unwrap() {
            input[key] = value.clone();
        }
        self.ok("GetShardIterator", input).await["ShardIterator"].as_str().unwrap().to_owned()
    }

    /// The data of the records an iterator is at.
    pub async fn read(&self, iterator: &str) -> Vec<String> {
        let answer = self.ok("GetRecords", json!({"ShardIterator": iterator})).await;
        texts(&answer)
    }

    pub async fn ok(&self, operation: &str, input: Json) -> Json {
        match self.call(operation, &input).await {
            Ok(answer) => answer,
            Err(error) => panic!("{operation} {input}: {error}"),
        }
    }

    pub async fn refused(&self, operation: &str, input: Json) -> String {
        match self.call(operation, &input).await {
            Ok(answer) => panic!("{operation} {input} was answered: {answer}"),
            Err(error) => error.to_string(),
        }
    }

    async fn call(&self, operation: &str, input: &Json) -> Result<Json, Error> {
        macro_rules! by_name {
            ($($name:ident)*) => {
                match operation {
                    $(stringify!($name) => self.run::<model::$name>(input).await,)*
                    "CreateKey" => self.run::<api::kms::CreateKey>(input).await,
                    "DisableKey" => self.run::<api::kms::DisableKey>(input).await,
                    other => panic!("no such operation: {other}"),
                }
            };
        }
        by_name! {
            AddTagsToStream CreateStream DecreaseStreamRetentionPeriod DeleteResourcePolicy DeleteStream
            DeregisterStreamConsumer DescribeAccountSettings DescribeLimits DescribeStream DescribeStreamConsumer
            DescribeStreamSummary DisableEnhancedMonitoring EnableEnhancedMonitoring GetRecords GetResourcePolicy
            GetShardIterator IncreaseStreamRetentionPeriod ListShards ListStreamConsumers ListStreams
            ListTagsForResource ListTagsForStream MergeShards PutRecord PutRecords PutResourcePolicy
            RegisterStreamConsumer RemoveTagsFromStream SplitShard StartStreamEncryption StopStreamEncryption
            TagResource UntagResource UpdateAccountSettings UpdateMaxRecordSize UpdateShardCount UpdateStreamMode
            UpdateStreamWarmThroughput
        }
    }

    async fn run<O: Operation>(&self, input: &Json) -> Result<Json, Error> {
        let text = input.to_string();
        let mut reader = JsonReader::new(text.as_bytes(), Wording::Token).unwrap();
        let codec = O::definition().codec.unwrap();
        let read = (codec.read_input)(&mut reader).unwrap_or_else(|error| panic!("{text}: {error}"));
        let typed = read.into_any().downcast::<O::Input>().unwrap();
        let output = self.test.call::<O>(*typed).await?;
        let mut writer = JsonWriter::new();
        writer.begin_structure(output.shape());
        output.write_members(&mut writer);
        writer.end_structure();
        Ok(serde_json::from_str(&writer.finish()).unwrap())
    }
}

/// The data of records.
pub fn texts(answer: &Json) -> Vec<String> {
    let text = |record: &Json| String::from_utf8(BASE64.decode(record["Data"].as_str().unwrap()).unwrap()).unwrap();
    answer["Records"].as_array().unwrap().iter().map(text).collect()
}
