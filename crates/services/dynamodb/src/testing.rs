//! The service over empty stores, called with the JSON that clients send.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use api::Operation;
use api::dynamodb::{self as tables, AttributeValue};
use api::dynamodbstreams as streams;
use platform::Principal;
use platform::testing::{ACCOUNT, REGION, TestPlatform};
use serde_json::{Value as Json, json};
use wire::Error;
use wire::codec::json::{JsonReader, JsonWriter, Wording};
use wire::codec::{Structure, Writer};

use crate::background::Place;
use crate::destination::deliver;
use crate::keys;
use crate::service::DynamoDb;
use crate::stream::operations::registration;

/// Attributes in DynamoDB's JSON.
pub fn attributes(json: &Json) -> BTreeMap<String, AttributeValue> {
    crate::value::item_of_json(json).unwrap_or_else(|| panic!("no attributes: {json}"))
}

/// The service and what it stands on, KMS among it.
pub struct Bench {
    pub service: Arc<DynamoDb>,
    pub test: TestPlatform,
}

impl Bench {
    /// Over an empty store.
    pub fn new() -> Bench {
        let mut service = None;
        let test = TestPlatform::new(|platform| {
            let made = Arc::new(DynamoDb::new(Arc::clone(platform)));
            let iam = service_iam::Iam::new(Arc::clone(platform));
            platform.install_directory(Arc::clone(&iam) as Arc<dyn platform::Directory>);
            service = Some(Arc::clone(&made));
            vec![
                made.registration(),
                registration(&made),
                iam.registration(),
                service_kinesis::registration(platform),
                service_kms::registration(platform),
                service_logs::registration(platform),
                service_s3::registration(platform),
            ]
        });
        Bench { service: service.expect("made"), test }
    }

    /// With a table of these keys: a name and a type, or two of them.
    pub async fn with_table(name: &str, keys: &[(&str, &str)]) -> Bench {
        let bench = Bench::new();
        bench.table(name, keys, json!({})).await;
        bench
    }

    /// Makes a table, with more parameters.
    pub async fn table(&self, name: &str, keys: &[(&str, &str)], more: Json) {
        let kinds = ["HASH", "RANGE"];
        let schema: Vec<Json> =
            keys.iter().zip(kinds).map(|((name, _), kind)| json!({"AttributeName": name, "KeyType": kind})).collect();
        let mut defined: Vec<Json> =
            keys.iter().map(|(name, kind)| json!({"AttributeName": name, "AttributeType": kind})).collect();
        let mut input = json!({"TableName": name, "KeySchema": schema, "BillingMode": "PAY_PER_REQUEST"});
        for (key, value) in more.as_object().expect("an object") {
            if key == "AttributeDefinitions" {
                defined.extend(value.as_array().expect("a list").iter().cloned());
            } else {
                input[key] = value.clone();
            }
        }
        input["AttributeDefinitions"] = json!(defined);
        self.ok("CreateTable", input).await;
    }

    /// Calls an operation that succeeds.
    pub async fn ok(&self, operation: &str, input: Json) -> Json {
        match self.call(operation, &input).await {
            Ok(answer) => answer,
            Err(error) => panic!("{operation} {input}: {error}"),
        }
    }

    /// Calls an operation that is refused; the error's name and text.
    pub async fn refused(&self, operation: &str, input: Json) -> String {
        match self.call(operation, &input).await {
            Ok(answer) => panic!("{operation} {input} was answered: {answer}"),
            Err(error) => error.to_string(),
        }
    }

    /// Calls an operation of another service as the account's root.
    pub async fn other<O: Operation>(&self, input: O::Input) -> O::Output {
        let root = Principal::Root { account: ACCOUNT.to_owned() };
        self.test.call_as::<O>(root, input).await.unwrap_or_else(|error| panic!("{error}"))
    }

    /// Does what is to be done in the background.
    pub async fn settle(&self) {
        crate::background::round(&self.service).await.expect("the store works");
    }

    /// Brings changes to their streams, as often as they are tried at once.
    pub async fn deliver(&self) {
        let place = Place {
            partition: keys::partition(ACCOUNT, REGION),
            account: ACCOUNT.to_owned(),
            region: REGION.to_owned(),
        };
        deliver::round(&self.service, &place, &mut HashMap::new()).await.expect("the store works");
    }

    /// The changes that are on their way to streams of Kinesis, as they are stored.
    pub async fn queued(&self) -> Vec<bytes::Bytes> {
        let (partition, range) = (keys::partition(ACCOUNT, REGION), keys::queue_rows().range());
        let found = self.test.platform.store.scan(&partition, range, store::Direction::Forward, 10_000).await;
        let is_change = |key: &[u8]| keys::read_queued(key).is_ok();
        found.expect("the store works").into_iter().filter(|(key, _)| is_change(key)).map(|(_, row)| row).collect()
    }

    /// Whether no change is on its way to a stream of Kinesis.
    pub async fn is_delivered(&self) -> bool {
        self.queued().await.is_empty()
    }

    /// Calls an operation.
    pub async fn call(&self, operation: &str, input: &Json) -> Result<Json, Error> {
        macro_rules! by_name {
            ($($module:ident: $($name:ident)*;)*) => {
                match operation {
                    $($(stringify!($name) => self.run::<$module::$name>(input).await,)*)*
                    other => panic!("no such operation: {other}"),
                }
            };
        }
        by_name! {
            tables: BatchExecuteStatement BatchGetItem BatchWriteItem CreateBackup CreateTable DeleteBackup DeleteItem
                DeleteResourcePolicy DeleteTable DescribeBackup DescribeContinuousBackups DescribeEndpoints
                DescribeLimits DescribeTable DescribeTimeToLive ExecuteStatement ExecuteTransaction GetItem
                DescribeExport DescribeImport ExportTableToPointInTime ImportTable ListExports ListImports
                GetResourcePolicy ListBackups ListTables ListTagsOfResource PutItem PutResourcePolicy Query
                RestoreTableFromBackup RestoreTableToPointInTime Scan TagResource TransactGetItems
                TransactWriteItems UntagResource UpdateContinuousBackups UpdateItem UpdateTable UpdateTimeToLive
                DescribeKinesisStreamingDestination DisableKinesisStreamingDestination
                EnableKinesisStreamingDestination UpdateKinesisStreamingDestination;
            streams: DescribeStream GetRecords GetShardIterator ListStreams;
        }
    }

    async fn run<O: Operation>(&self, input: &Json) -> Result<Json, Error> {
        let text = input.to_string();
        let mut reader = JsonReader::new(text.as_bytes(), Wording::Token).expect("UTF-8");
        let codec = O::definition().codec.expect("a built operation");
        let read = (codec.read_input)(&mut reader).unwrap_or_else(|error| panic!("{text}: {error}"));
        let typed = read.into_any().downcast::<O::Input>().expect("the operation's input");
        let output = self.test.call_as::<O>(Principal::Root { account: ACCOUNT.to_owned() }, *typed).await?;
        let mut writer = JsonWriter::new();
        writer.begin_structure(output.shape());
        output.write_members(&mut writer);
        writer.end_structure();
        Ok(serde_json::from_str(&writer.finish()).expect("JSON"))
    }
}
