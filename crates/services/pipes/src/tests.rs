//! Pipes as a client sees them.

use std::collections::BTreeMap;

use api::kinesis::{self, CreateStreamInput, PutRecordInput};
use api::pipes::{
    self as model, CreatePipeRequest, DeletePipeRequest, DescribePipeRequest, Filter, FilterCriteria,
    PipeSourceKinesisStreamParameters, PipeSourceParameters, PipeTargetParameters, StartPipeRequest, StopPipeRequest,
};
use api::sqs::{self, CreateQueueRequest, DeleteMessageRequest, ReceiveMessageRequest, SendMessageRequest};
use blob::BlobStore;
use bytes::Bytes;
use platform::testing::{ACCOUNT, REGION, TestPlatform};
use serde_json::{Value as Json, json};
use store::Store;
use wire::Error;

use crate::registration;

struct Bench {
    test: TestPlatform,
}

impl Bench {
    async fn new() -> Bench {
        let bench = Bench::over(Store::memory()).await;
        for name in ["source", "target"] {
            let queue = CreateQueueRequest { queue_name: name.to_owned(), ..Default::default() };
            bench.call::<sqs::CreateQueue>(queue).await.unwrap();
        }
        bench
    }

    async fn over(store: Store) -> Bench {
        let test = TestPlatform::over(store, BlobStore::memory(), |platform| {
            vec![registration(platform), service_sqs::registration(platform), service_kinesis::registration(platform)]
        });
        test.platform.start().await.unwrap();
        Bench { test }
    }

    async fn call<O: api::Operation>(&self, input: O::Input) -> Result<O::Output, Error> {
        self.test.call::<O>(input).await
    }

    fn url(&self, queue: &str) -> String {
        format!("{}/{ACCOUNT}/{queue}", self.test.platform.config.endpoint)
    }

    async fn send(&self, text: &str) {
        let input =
            SendMessageRequest { queue_url: self.url("source"), message_body: text.to_owned(), ..Default::default() };
        self.call::<sqs::SendMessage>(input).await.unwrap();
    }

    /// The bodies of the messages that come to the target, once there are so many; they are deleted.
    async fn bodies(&self, count: usize) -> Vec<String> {
        let mut found = Vec::new();
        for () in platform::testing::looks() {
            let input = ReceiveMessageRequest {
                queue_url: self.url("target"),
                max_number_of_messages: Some(10),
                ..Default::default()
            };
            for message in self.call::<sqs::ReceiveMessage>(input).await.unwrap().messages.unwrap_or_default() {
                let input = DeleteMessageRequest {
                    queue_url: self.url("target"),
                    receipt_handle: message.receipt_handle.unwrap(),
                    ..Default::default()
                };
                self.call::<sqs::DeleteMessage>(input).await.unwrap();
                found.push(message.body.unwrap());
            }
            if found.len() >= count {
                return found;
            }
            tokio::task::yield_now().await;
        }
        panic!("{} of {count} messages have come", found.len());
    }

    async fn state(&self) -> String {
        let input = DescribePipeRequest { name: "pipe".to_owned(), ..Default::default() };
        match self.call::<model::DescribePipe>(input).await {
            Ok(pipe) => pipe.current_state.unwrap(),
            Err(error) => error.to_string(),
        }
    }

    async fn becomes(&self, state: &str) {
        for () in platform::testing::looks() {
            if self.state().await == state {
                return;
            }
            tokio::task::yield_now().await;
        }
        panic!("the pipe is {}", self.state().await);
    }
}

fn arn(kind: &str, resource: &str) -> String {
    format!("arn:aws:{kind}:{REGION}:{ACCOUNT}:{resource}")
}

fn pipe(source: &str, filter: Option<Json>, template: Option<&str>) -> CreatePipeRequest {
    let criteria =
        |pattern: Json| FilterCriteria { filters: Some(vec![Filter { pattern: Some(pattern.to_string()) }]) };
    CreatePipeRequest {
        name: "pipe".to_owned(),
        source: source.to_owned(),
        source_parameters: Some(PipeSourceParameters { filter_criteria: filter.map(criteria), ..Default::default() }),
        target: arn("sqs", "target"),
        target_parameters: Some(PipeTargetParameters {
            input_template: template.map(str::to_owned),
            ..Default::default()
        }),
        role_arn: format!("arn:aws:iam::{ACCOUNT}:role/pipe"),
        ..Default::default()
    }
}

#[tokio::test]
async fn messages_are_filtered_reshaped_and_handed_on() {
    let bench = Bench::new().await;
    let input = pipe(
        &arn("sqs", "source"),
        Some(json!({"body": {"kind": ["wanted"]}})),
        Some(r#"{"n": <$.body.n>, "say": "n is <$.body.n>", "from": <aws.pipes.pipe-name>}"#),
    );
    let made = bench.call::<model::CreatePipe>(input.clone()).await.unwrap();
    assert_eq!(made.current_state.as_deref(), Some("CREATING"));
    assert_eq!(made.arn, Some(arn("pipes", "pipe/pipe")));
    bench.becomes("RUNNING").await;
    for (kind, number) in [("other", 0), ("wanted", 1), ("wanted", 2)] {
        bench.send(&json!({"kind": kind, "n": number}).to_string()).await;
    }
    let mut bodies = bench.bodies(2).await;
    bodies.sort();
    assert_eq!(
        bodies,
        [r#"{"n": 1, "say": "n is 1", "from": "pipe"}"#, r#"{"n": 2, "say": "n is 2", "from": "pipe"}"#]
    );
    let again = bench.call::<model::CreatePipe>(input).await.unwrap_err();
    assert!(again.is("ConflictException"), "{again}");
}

#[tokio::test]
async fn a_pipe_is_stopped_started_and_deleted() {
    let bench = Bench::new().await;
    bench.call::<model::CreatePipe>(pipe(&arn("sqs", "source"), None, Some("<$.body>"))).await.unwrap();
    bench.becomes("RUNNING").await;
    let name = || "pipe".to_owned();
    let stop = || StopPipeRequest { name: name(), ..Default::default() };
    assert_eq!(bench.call::<model::StopPipe>(stop()).await.unwrap().current_state.as_deref(), Some("STOPPING"));
    bench.becomes("STOPPED").await;
    assert!(bench.call::<model::StopPipe>(stop()).await.unwrap_err().is("ConflictException"));
    bench.send("later").await;
    let store = bench.test.platform.store.clone();
    drop(bench);
    let bench = Bench::over(store).await;
    assert_eq!(bench.state().await, "STOPPED");
    bench.call::<model::StartPipe>(StartPipeRequest { name: name(), ..Default::default() }).await.unwrap();
    assert_eq!(bench.bodies(1).await, ["later"]);
    bench.call::<model::DeletePipe>(DeletePipeRequest { name: name(), ..Default::default() }).await.unwrap();
    bench.becomes("NotFoundException: Pipe pipe does not exist.").await;
}

#[tokio::test]
async fn records_of_a_stream_come_in_order_and_go_on_after_a_restart() {
    let bench = Bench::new().await;
    let stream = CreateStreamInput { stream_name: "stream".to_owned(), shard_count: Some(1), ..Default::default() };
    bench.call::<kinesis::CreateStream>(stream).await.unwrap();
    let put = async |bench: &Bench, text: &str| {
        let input = PutRecordInput {
            stream_name: Some("stream".to_owned()),
            partition_key: Some("a".to_owned()),
            data: Bytes::from(json!({"text": text}).to_string()),
            ..Default::default()
        };
        bench.call::<kinesis::PutRecord>(input).await.unwrap();
    };
    put(&bench, "first").await;
    let mut input = pipe(&arn("kinesis", "stream/stream"), None, Some("<$.data.text> by <$.partitionKey>"));
    let missing = bench.call::<model::CreatePipe>(input.clone()).await.unwrap_err();
    assert!(missing.to_string().contains("StartingPosition"), "{missing}");
    input.source_parameters = Some(PipeSourceParameters {
        kinesis_stream_parameters: Some(PipeSourceKinesisStreamParameters {
            starting_position: "TRIM_HORIZON".to_owned(),
            ..Default::default()
        }),
        ..Default::default()
    });
    bench.call::<model::CreatePipe>(input).await.unwrap();
    assert_eq!(bench.bodies(1).await, ["first by a"]);
    let store = bench.test.platform.store.clone();
    drop(bench);
    let bench = Bench::over(store).await;
    put(&bench, "second").await;
    for _ in 0..10 {
        bench.test.clock.advance(crate::limits::STREAM_PAUSE);
        tokio::task::yield_now().await;
    }
    assert_eq!(bench.bodies(1).await, ["second by a"]);
}

#[tokio::test]
async fn what_is_not_supported_is_refused_by_name() {
    let bench = Bench::new().await;
    let refused = async |change: &dyn Fn(&mut CreatePipeRequest)| {
        let mut input = pipe(&arn("sqs", "source"), None, None);
        change(&mut input);
        bench.call::<model::CreatePipe>(input).await.unwrap_err().to_string()
    };
    let state_machine = arn("states", "stateMachine:m");
    assert_eq!(
        refused(&|input| input.target.clone_from(&state_machine)).await,
        format!("ValidationException: Target {state_machine} is not supported.")
    );
    let kafka = arn("kafka", "cluster/c");
    assert!(refused(&|input| input.source.clone_from(&kafka)).await.contains(&kafka));
    assert!(refused(&|input| input.enrichment = Some(state_machine.clone())).await.contains("Enrichment"));
    assert!(refused(&|input| input.kms_key_identifier = Some("k".to_owned())).await.contains("KmsKeyIdentifier"));
    let tags = refused(&|input| {
        input.source_parameters = Some(PipeSourceParameters {
            filter_criteria: Some(FilterCriteria { filters: Some(vec![Filter { pattern: Some("{".to_owned()) }]) }),
            ..Default::default()
        });
        input.tags = Some(BTreeMap::new());
    });
    assert!(tags.await.contains("ValidationException"));
}
