//! Records under a key of KMS.

use serde_json::json;

use super::{Bench, texts};

#[tokio::test]
async fn records_are_encrypted_from_the_start_to_the_stop() {
    let bench = Bench::with_stream("s", 1).await;
    let key = bench.ok("CreateKey", json!({})).await["KeyMetadata"]["KeyId"].as_str().unwrap().to_owned();
    bench.put("s", "a", "plain").await;
    let input = json!({"StreamName": "s", "EncryptionType": "KMS", "KeyId": key});
    bench.ok("StartStreamEncryption", input.clone()).await;
    bench.active("s").await;
    let put = bench.put("s", "a", "secret text").await;
    assert_eq!(put["EncryptionType"], "KMS");
    let description = bench.ok("DescribeStreamSummary", json!({"StreamName": "s"})).await;
    assert_eq!(description["StreamDescriptionSummary"]["KeyId"], key.as_str());
    bench.ok("StopStreamEncryption", input).await;
    bench.active("s").await;
    bench.put("s", "a", "plain again").await;
    let from = bench.iterator("s", 0, "TRIM_HORIZON", json!({})).await;
    let answer = bench.ok("GetRecords", json!({"ShardIterator": from})).await;
    assert_eq!(texts(&answer), ["plain", "secret text", "plain again"]);
    let kinds: Vec<_> = (0..3).map(|index| answer["Records"][index]["EncryptionType"].clone()).collect();
    assert_eq!(kinds, [json!(null), json!("KMS"), json!(null)]);
    let partition = crate::keys::partition("111122223333", "eu-west-1");
    let [records, ..] = crate::keys::rows_of(1);
    let rows = bench.test.platform.store.scan(&partition, records, store::Direction::Forward, 10).await.unwrap();
    let is_readable = |row: &[u8]| row.windows(6).any(|window| window == b"secret");
    assert!(!rows.iter().any(|(_, row)| is_readable(row)));
    bench.ok("DisableKey", json!({"KeyId": key})).await;
    let refused = bench.refused("GetRecords", json!({"ShardIterator": from})).await;
    assert!(refused.starts_with("KMSDisabledException"), "{refused}");
}

#[tokio::test]
async fn a_key_that_is_not_there_is_refused() {
    let bench = Bench::with_stream("s", 1).await;
    let input = json!({"StreamName": "s", "EncryptionType": "KMS", "KeyId": "alias/none"});
    let refused = bench.refused("StartStreamEncryption", input).await;
    assert!(refused.starts_with("KMSNotFoundException"), "{refused}");
}
