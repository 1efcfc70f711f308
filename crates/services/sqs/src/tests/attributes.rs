use api::sqs::SetQueueAttributesRequest;
use platform::testing::NOW;

use super::*;

fn set(url: &str, attributes: &[(&str, &str)]) -> SetQueueAttributesRequest {
    let attributes = create("", attributes).attributes.unwrap_or_default();
    SetQueueAttributesRequest { queue_url: url.to_owned(), attributes, ..Default::default() }
}

#[tokio::test]
async fn a_new_queue_has_awss_defaults() {
    let bench = Bench::new();
    let url = bench.queue("jobs", &[]).await;
    let seconds = (NOW / 1_000).to_string();
    let expected = [
        ("ApproximateNumberOfMessages", "0"),
        ("ApproximateNumberOfMessagesDelayed", "0"),
        ("ApproximateNumberOfMessagesNotVisible", "0"),
        ("CreatedTimestamp", seconds.as_str()),
        ("DelaySeconds", "0"),
        ("LastModifiedTimestamp", seconds.as_str()),
        ("MaximumMessageSize", "1048576"),
        ("MessageRetentionPeriod", "345600"),
        ("QueueArn", "arn:aws:sqs:eu-west-1:111122223333:jobs"),
        ("ReceiveMessageWaitTimeSeconds", "0"),
        ("SqsManagedSseEnabled", "true"),
        ("VisibilityTimeout", "30"),
    ];
    let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(bench.attributes(&url, &["All"]).await, BTreeMap::from(expected));
    assert!(bench.attributes(&url, &["Policy"]).await.is_empty());
    let fifo = bench.queue("jobs.fifo", &[("FifoQueue", "true")]).await;
    let attributes = bench.attributes(&fifo, &["All"]).await;
    let own = ["FifoQueue", "ContentBasedDeduplication", "DeduplicationScope", "FifoThroughputLimit"];
    assert_eq!(own.map(|name| attributes[name].as_str()), ["true", "false", "queue", "perQueue"]);
}

#[tokio::test]
async fn attributes_change_and_take_effect() {
    let bench = Bench::new();
    let url = bench.queue("jobs", &[("VisibilityTimeout", "20")]).await;
    bench.advance(5);
    bench.call::<sqs::SetQueueAttributes>(set(&url, &[("VisibilityTimeout", "69")])).await.unwrap();
    let attributes = bench.attributes(&url, &["VisibilityTimeout", "LastModifiedTimestamp"]).await;
    assert_eq!(attributes["VisibilityTimeout"], "69");
    assert_eq!(attributes["LastModifiedTimestamp"], (NOW / 1_000 + 5).to_string());
    bench.send(&url, "x").await;
    bench.receive(&url, 1).await;
    bench.advance(68);
    assert!(bench.receive(&url, 1).await.is_empty());
    bench.advance(1);
    assert_eq!(bench.bodies(&url, 1).await, ["x"]);
}

#[tokio::test]
async fn wrong_attributes_are_refused_in_awss_words() {
    let bench = Bench::new();
    let url = bench.queue("jobs", &[]).await;
    let unknown = |name: &str| ("InvalidAttributeName", format!("Unknown Attribute {name}."));
    let invalid = |name: &str| ("InvalidAttributeValue", format!("Invalid value for the parameter {name}."));
    for (name, value, expected) in [
        ("Nonsense", "1", unknown("Nonsense")),
        ("FifoQueue", "true", unknown("FifoQueue")),
        ("QueueArn", "x", unknown("QueueArn")),
        ("VisibilityTimeout", "43201", invalid("VisibilityTimeout")),
        ("VisibilityTimeout", "-1", invalid("VisibilityTimeout")),
        ("MaximumMessageSize", "1023", invalid("MaximumMessageSize")),
        ("MessageRetentionPeriod", "59", invalid("MessageRetentionPeriod")),
        ("DelaySeconds", "901", invalid("DelaySeconds")),
        ("ReceiveMessageWaitTimeSeconds", "21", invalid("ReceiveMessageWaitTimeSeconds")),
        ("KmsDataKeyReusePeriodSeconds", "1", invalid("KmsDataKeyReusePeriodSeconds")),
        ("Policy", "{", invalid("Policy")),
    ] {
        assert_eq!(bench.refused::<sqs::SetQueueAttributes>(set(&url, &[(name, value)])).await, expected);
    }
    let fifo = bench.queue("jobs.fifo", &[("FifoQueue", "true")]).await;
    let refused = bench.refused::<sqs::SetQueueAttributes>(set(&fifo, &[("FifoQueue", "false")])).await;
    let text = "Invalid value for the parameter FifoQueue. Reason: Modifying queue type is not supported.";
    assert_eq!(refused, ("InvalidAttributeValue", text.to_owned()));
}

#[tokio::test]
async fn one_kind_of_encryption_replaces_the_other() {
    let bench = Bench::new();
    let url = bench.queue("jobs", &[]).await;
    let kms = [("KmsMasterKeyId", "testKeyId"), ("KmsDataKeyReusePeriodSeconds", "6000")];
    bench.call::<sqs::SetQueueAttributes>(set(&url, &kms)).await.unwrap();
    let names = ["KmsMasterKeyId", "KmsDataKeyReusePeriodSeconds", "SqsManagedSseEnabled"];
    let values = bench.attributes(&url, &names).await;
    assert_eq!(names.map(|name| values[name].as_str()), ["testKeyId", "6000", "false"]);
    let both = bench.refused::<sqs::SetQueueAttributes>(set(&url, &[("SqsManagedSseEnabled", "true")])).await;
    assert!(both.0 == "InvalidAttributeName" && both.1.starts_with("You can use one type of server-side encryption"));
}

#[tokio::test]
async fn unknown_names_are_no_attributes() {
    let bench = Bench::new();
    let url = bench.queue("jobs", &[]).await;
    let input = GetQueueAttributesRequest {
        queue_url: url,
        attribute_names: Some(vec!["Foo".to_owned()]),
        ..Default::default()
    };
    let refused = bench.refused::<sqs::GetQueueAttributes>(input).await;
    assert_eq!(refused, ("InvalidAttributeName", "Unknown Attribute Foo.".to_owned()));
}

#[tokio::test]
async fn bodies_lie_encrypted_unless_the_queue_says_otherwise() {
    let bench = Bench::new();
    for (name, managed, readable) in [("sealed", "true", false), ("plain", "false", true)] {
        let url = bench.queue(name, &[("SqsManagedSseEnabled", managed)]).await;
        let body = format!("a secret of {name}");
        bench.send(&url, &body).await;
        let partition = crate::keys::partition(platform::testing::ACCOUNT, platform::testing::REGION);
        let scan = bench.sqs.store().scan(&partition, store::KeyRange::all(), store::Direction::Forward, 100);
        let found =
            scan.await.unwrap().iter().any(|(_, row)| row.windows(body.len()).any(|part| part == body.as_bytes()));
        assert_eq!(found, readable, "{name}");
        // A change of the setting is for later messages; earlier ones can still be read.
        let other = if managed == "true" { "false" } else { "true" };
        bench.call::<sqs::SetQueueAttributes>(set(&url, &[("SqsManagedSseEnabled", other)])).await.unwrap();
        bench.send(&url, "later").await;
        assert_eq!(bench.bodies(&url, 10).await, [body, "later".to_owned()]);
    }
}
