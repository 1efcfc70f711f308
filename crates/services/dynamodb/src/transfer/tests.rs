//! Exports and imports, over a real S3.

use std::io::Read;
use std::time::Duration;

use api::{logs, s3};
use bytes::Bytes;
use flate2::read::GzDecoder;
use futures_util::TryStreamExt;
use platform::testing::{ACCOUNT, REGION};
use serde_json::{Value as Json, json};
use wire::Body;

use crate::testing::Bench;

const BUCKET: &str = "transfers";

async fn bench() -> Bench {
    let bench = Bench::new();
    let bucket = s3::CreateBucketRequest {
        bucket: BUCKET.to_owned(),
        create_bucket_configuration: Some(s3::CreateBucketConfiguration {
            location_constraint: Some(REGION.to_owned()),
            ..Default::default()
        }),
        ..Default::default()
    };
    bench.other::<s3::CreateBucket>(bucket).await;
    bench
}

async fn recorded(bench: &Bench) -> String {
    bench.table("tab", &[("pk", "S")], json!({})).await;
    let recovery = json!({"PointInTimeRecoveryEnabled": true});
    bench
        .ok("UpdateContinuousBackups", json!({"TableName": "tab", "PointInTimeRecoverySpecification": recovery}))
        .await;
    let described = bench.ok("DescribeTable", json!({"TableName": "tab"})).await;
    described["Table"]["TableArn"].as_str().unwrap().to_owned()
}

async fn put(bench: &Bench, id: &str, value: &str) {
    let item = json!({"pk": {"S": id}, "v": {"S": value}});
    bench.ok("PutItem", json!({"TableName": "tab", "Item": item})).await;
}

async fn write(bench: &Bench, key: &str, body: impl Into<Bytes>) {
    let body: Bytes = body.into();
    let request = s3::PutObjectRequest {
        bucket: BUCKET.to_owned(),
        key: key.to_owned(),
        content_length: Some(body.len() as i64),
        body: Body::from(body),
        ..Default::default()
    };
    bench.other::<s3::PutObject>(request).await;
}

async fn read(bench: &Bench, key: &str) -> Vec<u8> {
    let request = s3::GetObjectRequest { bucket: BUCKET.to_owned(), key: key.to_owned(), ..Default::default() };
    match bench.other::<s3::GetObject>(request).await.body {
        Body::Empty => Vec::new(),
        Body::Bytes(bytes) => bytes.to_vec(),
        Body::Stream { stream, .. } => stream.try_collect::<Vec<_>>().await.unwrap().concat(),
    }
}

/// What the manifests say, and all lines of the data.
async fn exported(bench: &Bench, description: &Json) -> (Json, Vec<Json>) {
    let key = description["ExportManifest"].as_str().unwrap();
    let summary: Json = serde_json::from_slice(&read(bench, key).await).unwrap();
    let files = read(bench, summary["manifestFilesS3Key"].as_str().unwrap()).await;
    let mut lines = Vec::new();
    for file in String::from_utf8(files).unwrap().lines() {
        let file: Json = serde_json::from_str(file).unwrap();
        let data = read(bench, file["dataFileS3Key"].as_str().unwrap()).await;
        let mut text = String::new();
        GzDecoder::new(&data[..]).read_to_string(&mut text).unwrap();
        assert_eq!(text.lines().count() as u64, file["itemCount"].as_u64().unwrap());
        lines.extend(text.lines().map(|line| serde_json::from_str::<Json>(line).unwrap()));
    }
    lines.sort_by_key(ToString::to_string);
    (summary, lines)
}

async fn export(bench: &Bench, input: Json) -> Json {
    let begun = bench.ok("ExportTableToPointInTime", input).await["ExportDescription"].clone();
    assert_eq!(begun["ExportStatus"], json!("IN_PROGRESS"));
    bench.settle().await;
    let described = bench.ok("DescribeExport", json!({"ExportArn": begun["ExportArn"]})).await;
    described["ExportDescription"].clone()
}

#[tokio::test]
async fn an_export_shows_the_table_as_it_was() {
    let bench = bench().await;
    let arn = recorded(&bench).await;
    put(&bench, "1", "one").await;
    put(&bench, "2", "two").await;
    let time = bench.test.clock.milliseconds() as f64 / 1_000.0;
    bench.test.clock.advance(Duration::from_secs(60));
    put(&bench, "1", "later").await;
    let input = json!({"TableArn": arn, "S3Bucket": BUCKET, "S3Prefix": "some/where", "ExportTime": time});
    let described = export(&bench, input).await;
    assert_eq!(described["ExportStatus"], json!("COMPLETED"), "{described}");
    assert_eq!((&described["ItemCount"], &described["ExportType"]), (&json!(2), &json!("FULL_EXPORT")));
    let (summary, lines) = exported(&bench, &described).await;
    let item = |id: &str, value: &str| json!({"Item": {"pk": {"S": id}, "v": {"S": value}}});
    assert_eq!(lines, [item("1", "one"), item("2", "two")]);
    assert_eq!((&summary["itemCount"], &summary["outputFormat"]), (&json!(2), &json!("DYNAMODB_JSON")));
    let id = described["ExportArn"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
    let prefix = format!("some/where/AWSDynamoDB/{id}");
    assert_eq!(described["ExportManifest"], json!(format!("{prefix}/manifest-summary.json")));
    assert!(read(&bench, &format!("{prefix}/_started")).await.is_empty());
    let sum = base64::Engine::encode(
        &base64::engine::general_purpose::STANDARD,
        <md5::Md5 as md5::Digest>::digest(read(&bench, &format!("{prefix}/manifest-files.json")).await),
    );
    assert_eq!(read(&bench, &format!("{prefix}/manifest-files.checksum")).await, sum.as_bytes());
    // Nothing that was needed for it is left, and nobody sees it.
    assert_eq!(bench.ok("ListBackups", json!({})).await["BackupSummaries"], json!([]));
    let listed = bench.ok("ListExports", json!({"TableArn": arn})).await;
    let expected =
        json!([{"ExportArn": described["ExportArn"], "ExportStatus": "COMPLETED", "ExportType": "FULL_EXPORT"}]);
    assert_eq!(listed["ExportSummaries"], expected);
}

#[tokio::test]
async fn an_incremental_export_shows_what_became_of_each_item() {
    let bench = bench().await;
    let arn = recorded(&bench).await;
    for id in ["changed", "gone", "same"] {
        put(&bench, id, "before").await;
    }
    let now = || bench.test.clock.milliseconds() as f64 / 1_000.0;
    bench.test.clock.advance(Duration::from_secs(60));
    let from = now();
    put(&bench, "changed", "between").await;
    bench.test.clock.advance(Duration::from_secs(60));
    put(&bench, "changed", "after").await;
    put(&bench, "new", "after").await;
    put(&bench, "brief", "x").await;
    for id in ["gone", "brief"] {
        bench.ok("DeleteItem", json!({"TableName": "tab", "Key": {"pk": {"S": id}}})).await;
    }
    bench.test.clock.advance(Duration::from_secs(20 * 60));
    let to = now();
    put(&bench, "changed", "too late").await;
    bench.test.clock.advance(Duration::from_secs(60));
    let specification = json!({"ExportFromTime": from, "ExportToTime": to, "ExportViewType": "NEW_AND_OLD_IMAGES"});
    let input = json!({
        "TableArn": arn, "S3Bucket": BUCKET, "ExportType": "INCREMENTAL_EXPORT",
        "IncrementalExportSpecification": specification,
    });
    let described = export(&bench, input).await;
    assert_eq!(described["ExportStatus"], json!("COMPLETED"), "{described}");
    let (summary, lines) = exported(&bench, &described).await;
    assert_eq!(summary["exportType"], json!("INCREMENTAL_EXPORT"));
    let mut shown = Vec::new();
    for line in &lines {
        let value = |image: &str| line[image]["v"]["S"].as_str().unwrap_or("-").to_owned();
        assert!(line["Metadata"]["WriteTimestampMicros"]["N"].is_string());
        shown.push((line["Keys"]["pk"]["S"].as_str().unwrap().to_owned(), value("OldImage"), value("NewImage")));
    }
    shown.sort();
    let expected =
        [("brief", "-", "-"), ("changed", "before", "after"), ("gone", "before", "-"), ("new", "-", "after")];
    assert_eq!(shown, expected.map(|(id, old, new)| (id.to_owned(), old.to_owned(), new.to_owned())));
}

#[tokio::test]
async fn exports_are_refused_in_aws_words() {
    let bench = bench().await;
    let arn = recorded(&bench).await;
    bench.table("plain", &[("pk", "S")], json!({})).await;
    let plain = arn.replace("table/tab", "table/plain");
    let missing = arn.replace("table/tab", "table/missing");
    for (change, expected) in [
        (json!({"TableArn": plain}), "PointInTimeRecoveryUnavailableException"),
        (json!({"TableArn": missing}), "TableNotFoundException: Table not found: missing"),
        (json!({"ExportTime": 5.0}), "InvalidExportTimeException"),
        (json!({"S3Bucket": "no-such-bucket"}), "ValidationException: S3 error"),
        (json!({"ExportFormat": "ION"}), "The parameter ExportFormat ION is not supported"),
        (json!({"ExportType": "INCREMENTAL_EXPORT"}), "IncrementalExportSpecification is required"),
    ] {
        let mut input = json!({"TableArn": arn, "S3Bucket": BUCKET});
        for (name, value) in change.as_object().unwrap() {
            input[name] = value.clone();
        }
        let error = bench.refused("ExportTableToPointInTime", input).await;
        assert!(error.contains(expected), "{change}: {error}");
    }
    let input = json!({"TableArn": arn, "S3Bucket": BUCKET, "ClientToken": "again"});
    let first = bench.ok("ExportTableToPointInTime", input.clone()).await;
    let second = bench.ok("ExportTableToPointInTime", input).await;
    assert_eq!(first["ExportDescription"]["ExportArn"], second["ExportDescription"]["ExportArn"]);
    let other = json!({"TableArn": arn, "S3Bucket": BUCKET, "ClientToken": "again", "S3Prefix": "p"});
    let error = bench.refused("ExportTableToPointInTime", other).await;
    assert!(error.starts_with("ExportConflictException"), "{error}");
    bench.settle().await;
}

async fn import(bench: &Bench, more: Json) -> Json {
    let mut input = json!({
        "S3BucketSource": {"S3Bucket": BUCKET, "S3KeyPrefix": "in/"}, "InputFormat": "DYNAMODB_JSON",
        "TableCreationParameters": {
            "TableName": "new", "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [
                {"AttributeName": "pk", "AttributeType": "S"}, {"AttributeName": "n", "AttributeType": "N"},
            ],
            "KeySchema": [
                {"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "n", "KeyType": "RANGE"},
            ],
        },
    });
    for (name, value) in more.as_object().unwrap() {
        input[name] = value.clone();
    }
    let begun = bench.ok("ImportTable", input).await["ImportTableDescription"].clone();
    assert_eq!(begun["ImportStatus"], json!("IN_PROGRESS"));
    let table = bench.ok("DescribeTable", json!({"TableName": "new"})).await;
    assert_eq!(table["Table"]["TableStatus"], json!("CREATING"));
    bench.settle().await;
    let described = bench.ok("DescribeImport", json!({"ImportArn": begun["ImportArn"]})).await;
    described["ImportTableDescription"].clone()
}

/// What CloudWatch Logs was told of an import.
async fn logged(bench: &Bench, import_arn: &str) -> Vec<Json> {
    let id = import_arn.rsplit('/').next().unwrap_or_default();
    let input = logs::GetLogEventsRequest {
        log_group_name: Some("/aws-dynamodb/imports".to_owned()),
        log_stream_name: format!("{id}/error"),
        ..Default::default()
    };
    let events = bench.other::<logs::GetLogEvents>(input).await.events.unwrap_or_default();
    let read = |event: logs::OutputLogEvent| serde_json::from_str(&event.message.unwrap_or_default()).expect("JSON");
    events.into_iter().map(read).collect()
}

#[tokio::test]
async fn json_is_imported_and_what_is_no_item_is_counted() {
    let bench = bench().await;
    let line = |id: &str, number: u32| {
        json!({"Item": {"pk": {"S": id}, "n": {"N": number.to_string()}, "l": {"L": [{"BOOL": true}]}}}).to_string()
    };
    let (one, two) = (line("a", 1), line("b", 2));
    write(&bench, "in/one.json", format!("{one}\n{{\"Item\":{{\"pk\":{{\"S\":\"x\"}}}}}}\nno json\n")).await;
    let mut compressed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    std::io::Write::write_all(&mut compressed, format!("{one}\n{two}").as_bytes()).unwrap();
    let described = import(&bench, json!({})).await;
    assert_eq!(described["ImportStatus"], json!("COMPLETED"), "{described}");
    let counts = ["ProcessedItemCount", "ImportedItemCount", "ErrorCount"].map(|name| described[name].clone());
    assert_eq!(counts, [json!(3), json!(1), json!(2)]);
    assert_eq!(bench.ok("Scan", json!({"TableName": "new"})).await["Count"], json!(1));
    let group = format!("arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws-dynamodb/imports:*");
    assert_eq!(described["CloudWatchLogGroupArn"], json!(group));
    let told = logged(&bench, described["ImportArn"].as_str().unwrap()).await;
    assert_eq!(told.len(), 2);
    let missing = "One or more parameter values were invalid: Missing the key n in the item";
    let expected = json!({
        "itemS3Pointer": {"bucket": BUCKET, "key": "in/one.json", "itemIndex": 1},
        "importArn": described["ImportArn"], "errorMessages": [missing],
    });
    assert!(told.contains(&expected), "{told:?}");
    bench.ok("DeleteTable", json!({"TableName": "new"})).await;
    write(&bench, "gz/two.json.gz", compressed.finish().unwrap()).await;
    let source = json!({"S3Bucket": BUCKET, "S3KeyPrefix": "gz/"});
    let described = import(&bench, json!({"S3BucketSource": source, "InputCompressionType": "GZIP"})).await;
    assert_eq!(described["ImportedItemCount"], json!(2), "{described}");
    let listed = bench.ok("ListImports", json!({})).await;
    assert_eq!(listed["ImportSummaryList"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn csv_is_imported_with_its_header() {
    let bench = bench().await;
    write(&bench, "in/a.csv", "pk;n;text\nx;7;\"a;b\nc\"\ny;no number;z\n").await;
    let options = json!({"Csv": {"Delimiter": ";"}});
    let described = import(&bench, json!({"InputFormat": "CSV", "InputFormatOptions": options})).await;
    assert_eq!((&described["ImportedItemCount"], &described["ErrorCount"]), (&json!(1), &json!(1)));
    let found = bench.ok("Scan", json!({"TableName": "new"})).await;
    let expected = json!([{"pk": {"S": "x"}, "n": {"N": "7"}, "text": {"S": "a;b\nc"}}]);
    assert_eq!(found["Items"], expected);
}
