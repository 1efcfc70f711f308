use api::sqs::{
    ChangeMessageVisibilityRequest, DeleteMessageBatchRequest, DeleteMessageBatchRequestEntry, DeleteMessageRequest,
    MessageAttributeValue, MessageSystemAttributeValue, SendMessageBatchRequest, SendMessageBatchRequestEntry,
};
use platform::testing::NOW;

use super::*;

fn entry(id: &str, body: &str) -> SendMessageBatchRequestEntry {
    SendMessageBatchRequestEntry { id: id.to_owned(), message_body: body.to_owned(), ..Default::default() }
}

fn batch(url: &str, entries: Vec<SendMessageBatchRequestEntry>) -> SendMessageBatchRequest {
    SendMessageBatchRequest { queue_url: url.to_owned(), entries, ..Default::default() }
}

fn visibility(url: &str, message: &Message, seconds: i32) -> ChangeMessageVisibilityRequest {
    ChangeMessageVisibilityRequest {
        queue_url: url.to_owned(),
        receipt_handle: message.receipt_handle.clone().expect("a handle"),
        visibility_timeout: seconds,
        ..Default::default()
    }
}

#[tokio::test]
async fn a_message_is_received_invisible_for_a_while_and_gone_once_deleted() {
    let bench = Bench::new();
    let url = bench.queue("jobs", &[]).await;
    let sent = bench.send(&url, "msg").await;
    assert_eq!(sent.md5_of_message_body.as_deref(), Some("6e2baaf3b97dbeef01c0043275f9a0e7"));
    assert_eq!((sent.sequence_number, sent.md5_of_message_attributes), (None, None));
    let first = bench.receive(&url, 10).await;
    assert_eq!(bodies(&first), ["msg"]);
    assert_eq!(first[0].message_id, sent.message_id);
    assert_eq!((&first[0].attributes, &first[0].message_attributes), (&None, &None));
    assert_eq!(bench.counts(&url).await, [0, 1, 0]);
    assert!(bench.receive(&url, 10).await.is_empty());
    bench.advance(30);
    assert_eq!(bench.counts(&url).await, [1, 0, 0]);
    let second = bench.receive(&url, 10).await;
    assert_ne!(second[0].receipt_handle, first[0].receipt_handle);
    bench.delete(&url, &first[0]).await;
    assert_eq!(bench.counts(&url).await, [0, 1, 0], "an old handle deletes nothing and is no error");
    bench.delete(&url, &second[0]).await;
    bench.delete(&url, &second[0]).await;
    assert_eq!(bench.counts(&url).await, [0, 0, 0]);
    bench.advance(100);
    assert!(bench.receive(&url, 10).await.is_empty());
}

#[tokio::test]
async fn an_expired_handle_still_deletes_what_nobody_else_has_received() {
    let bench = Bench::new();
    let url = bench.queue("jobs", &[("VisibilityTimeout", "5")]).await;
    bench.send(&url, "msg").await;
    let received = bench.receive(&url, 1).await;
    bench.advance(60);
    bench.delete(&url, &received[0]).await;
    assert_eq!(bench.counts(&url).await, [0, 0, 0]);
}

#[tokio::test]
async fn system_attributes_tell_a_messages_story() {
    let bench = Bench::new();
    let url = bench.queue("jobs", &[]).await;
    let header = MessageSystemAttributeValue {
        data_type: "String".to_owned(),
        string_value: Some("Root=1-5759e988-bd862e3fe1be46a994272793".to_owned()),
        ..Default::default()
    };
    let input = SendMessageRequest {
        message_system_attributes: Some(BTreeMap::from([("AWSTraceHeader".to_owned(), header)])),
        message_group_id: Some("tenant-1".to_owned()),
        ..message(&url, "msg")
    };
    let sent = bench.call::<sqs::SendMessage>(input).await.unwrap();
    assert_eq!(sent.md5_of_message_system_attributes.map(|digest| digest.len()), Some(32));
    bench.advance(7);
    bench.receive(&url, 1).await;
    bench.advance(30);
    let all = ReceiveMessageRequest { attribute_names: Some(vec!["All".to_owned()]), ..receive(&url) };
    let received = bench.receive_with(all).await.remove(0).attributes.unwrap();
    let value = |name: &str| received.get(name).map(String::as_str);
    assert_eq!(value("SentTimestamp"), Some(NOW.to_string().as_str()));
    assert_eq!(value("ApproximateFirstReceiveTimestamp"), Some((NOW + 7_000).to_string().as_str()));
    assert_eq!(value("ApproximateReceiveCount"), Some("2"));
    assert_eq!(value("SenderId"), Some(ACCOUNT));
    assert_eq!(value("AWSTraceHeader"), Some("Root=1-5759e988-bd862e3fe1be46a994272793"));
    assert_eq!(value("MessageGroupId"), Some("tenant-1"));
    assert_eq!((value("SequenceNumber"), value("DeadLetterQueueSourceArn")), (None, None));
    let unknown = ReceiveMessageRequest { attribute_names: Some(vec!["Foo".to_owned()]), ..receive(&url) };
    let refused = bench.refused::<sqs::ReceiveMessage>(unknown).await;
    assert_eq!(refused, ("InvalidAttributeName", "Unknown Attribute Foo.".to_owned()));
}

#[tokio::test]
async fn message_attributes_arrive_as_chosen_with_their_digest() {
    let bench = Bench::new();
    let url = bench.queue("jobs", &[("VisibilityTimeout", "0")]).await;
    let text = |value: &str| MessageAttributeValue {
        data_type: "String".to_owned(),
        string_value: Some(value.to_owned()),
        ..Default::default()
    };
    let attributes = BTreeMap::from([
        ("General".to_owned(), text("Kenobi")),
        ("Hello".to_owned(), text("There")),
        ("Help.Me".to_owned(), text("Me")),
    ]);
    let input = SendMessageRequest { message_attributes: Some(attributes.clone()), ..message(&url, "msg") };
    let sent = bench.call::<sqs::SendMessage>(input).await.unwrap();
    assert_eq!(sent.md5_of_message_attributes.as_deref(), Some("4c360f3fdafd970e05fae2f149d997f5"));
    for (names, digest, count) in [
        (vec!["All"], Some("4c360f3fdafd970e05fae2f149d997f5"), 3),
        (vec!["Hello", "General"], Some("fca026605781cb4126a1e9044df24232"), 2),
        (vec!["Hel.*"], Some("83fee93c1bcd8b9a5a923ffacdc636c7"), 2),
        (vec!["Foo"], None, 0),
    ] {
        let names = names.into_iter().map(str::to_owned).collect();
        let input = ReceiveMessageRequest { message_attribute_names: Some(names), ..receive(&url) };
        let received = bench.receive_with(input).await.remove(0);
        assert_eq!(received.md5_of_message_attributes.as_deref(), digest);
        assert_eq!(received.message_attributes.map_or(0, |attributes| attributes.len()), count);
    }
}

#[tokio::test]
async fn delays_hold_a_message_back_its_own_before_the_queues() {
    let bench = Bench::new();
    let url = bench.queue("jobs", &[("DelaySeconds", "60")]).await;
    bench.send(&url, "queue's").await;
    let own = SendMessageRequest { delay_seconds: Some(10), ..message(&url, "own") };
    bench.call::<sqs::SendMessage>(own).await.unwrap();
    let none = SendMessageRequest { delay_seconds: Some(0), ..message(&url, "none") };
    bench.call::<sqs::SendMessage>(none).await.unwrap();
    assert_eq!(bench.counts(&url).await, [1, 0, 2]);
    assert_eq!(bench.bodies(&url, 10).await, ["none"]);
    bench.advance(10);
    assert_eq!(bench.bodies(&url, 10).await, ["own"]);
    bench.advance(50);
    assert!(bench.bodies(&url, 10).await.contains(&"queue's".to_owned()));
}

#[tokio::test]
async fn messages_end_with_their_retention_wherever_they_are() {
    let bench = Bench::new();
    let url = bench.queue("jobs", &[("MessageRetentionPeriod", "60"), ("VisibilityTimeout", "100")]).await;
    for body in ["in flight", "ready"] {
        bench.send(&url, body).await;
    }
    let delayed = SendMessageRequest { delay_seconds: Some(90), ..message(&url, "delayed") };
    bench.call::<sqs::SendMessage>(delayed).await.unwrap();
    assert_eq!(bench.bodies(&url, 1).await, ["in flight"]);
    bench.advance(60);
    assert!(bench.bodies(&url, 10).await.is_empty());
    assert_eq!(bench.counts(&url).await[0], 0);
    bench.advance(100);
    assert_eq!(bench.counts(&url).await, [0, 0, 0]);
}

#[tokio::test]
async fn visibility_changes_hold_and_end_at_twelve_hours() {
    let bench = Bench::new();
    let url = bench.queue("jobs", &[]).await;
    bench.send(&url, "msg").await;
    let received = bench.receive(&url, 1).await.remove(0);
    bench.call::<sqs::ChangeMessageVisibility>(visibility(&url, &received, 100)).await.unwrap();
    bench.advance(99);
    assert!(bench.bodies(&url, 1).await.is_empty());
    bench.call::<sqs::ChangeMessageVisibility>(visibility(&url, &received, 0)).await.unwrap();
    assert_eq!(bench.counts(&url).await, [1, 0, 0]);
    let received = bench.receive(&url, 1).await.remove(0);
    bench.advance(200);
    // Its time is over, but nobody else has it.
    bench.call::<sqs::ChangeMessageVisibility>(visibility(&url, &received, 50)).await.unwrap();
    assert_eq!(bench.counts(&url).await, [0, 1, 0]);
    let total = bench.refused::<sqs::ChangeMessageVisibility>(visibility(&url, &received, 43_200)).await.1;
    assert!(total.ends_with("Reason: Total VisibilityTimeout for the message is beyond the limit [43200 seconds]"));
    bench.delete(&url, &received).await;
    let gone = bench.refused::<sqs::ChangeMessageVisibility>(visibility(&url, &received, 5)).await;
    assert_eq!(gone.0, "InvalidParameterValue");
    assert!(gone.1.ends_with("Message does not exist or is not available for visibility timeout change."));
}

#[tokio::test]
async fn a_text_that_is_no_handle_is_refused() {
    let bench = Bench::new();
    let (url, other) = (bench.queue("jobs", &[]).await, bench.queue("other", &[]).await);
    bench.send(&other, "msg").await;
    let foreign = bench.receive(&other, 1).await.remove(0).receipt_handle.unwrap();
    for handle in ["dummy", "AQEB", foreign.as_str()] {
        let input =
            DeleteMessageRequest { queue_url: url.clone(), receipt_handle: handle.to_owned(), ..Default::default() };
        assert_eq!(bench.refused::<sqs::DeleteMessage>(input).await.0, "ReceiptHandleIsInvalid");
    }
}

#[tokio::test]
async fn large_messages_survive_their_travels() {
    let bench = Bench::new();
    let url = bench.queue("jobs", &[]).await;
    let body = "x".repeat(1_048_576);
    bench.send(&url, &body).await;
    for _ in 0..2 {
        assert_eq!(bench.bodies(&url, 10).await, std::slice::from_ref(&body));
        bench.advance(30);
    }
    let too_long = bench.refused::<sqs::SendMessage>(message(&url, &format!("{body}x"))).await;
    let text = "One or more parameters are invalid. Reason: Message must be shorter than 1048576 bytes.";
    assert_eq!(too_long, ("InvalidParameterValue", text.to_owned()));
}

#[tokio::test]
async fn parameters_are_refused_in_awss_words() {
    let bench = Bench::new();
    let url = bench.queue("jobs", &[]).await;
    let ten = ReceiveMessageRequest { max_number_of_messages: Some(11), ..receive(&url) };
    let text = "Value 11 for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and 10, if provided.";
    assert_eq!(bench.refused::<sqs::ReceiveMessage>(ten).await, ("InvalidParameterValue", text.to_owned()));
    let delay = SendMessageRequest { delay_seconds: Some(901), ..message(&url, "x") };
    let text = "Value 901 for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= 900.";
    assert_eq!(bench.refused::<sqs::SendMessage>(delay).await.1, text);
    assert_eq!(bench.refused::<sqs::SendMessage>(message(&url, "")).await.0, "MissingParameter");
    assert_eq!(bench.refused::<sqs::SendMessage>(message(&url, "\u{0}")).await.0, "InvalidMessageContents");
    let missing = message(&url.replace("jobs", "none"), "x");
    let refused = bench.refused::<sqs::SendMessage>(missing).await;
    assert_eq!(refused.0, "AWS.SimpleQueueService.NonExistentQueue");
    assert_eq!(bench.refused::<sqs::SendMessage>(message("nowhere", "x")).await.0, "InvalidAddress");
    let dedup = SendMessageRequest { message_deduplication_id: Some("x".to_owned()), ..message(&url, "x") };
    assert!(bench.refused::<sqs::SendMessage>(dedup).await.1.ends_with("not valid for this queue type."));
    assert_eq!(bench.counts(&url).await, [0, 0, 0]);
}

#[tokio::test]
async fn entries_of_a_batch_succeed_and_fail_for_themselves() {
    let bench = Bench::new();
    let url = bench.queue("jobs", &[]).await;
    let wrong = SendMessageBatchRequestEntry { delay_seconds: Some(1_000), ..entry("c", "3") };
    let entries = vec![entry("a", "1"), entry("b", "\u{1}"), wrong, entry("d", "4")];
    let sent = bench.call::<sqs::SendMessageBatch>(batch(&url, entries)).await.unwrap();
    let succeeded: Vec<_> = sent.successful.iter().map(|entry| entry.id.as_str()).collect();
    let failed: Vec<_> = sent.failed.iter().map(|entry| (entry.id.as_str(), entry.code.as_str())).collect();
    assert_eq!(succeeded, ["a", "d"]);
    assert_eq!(failed, [("b", "InvalidMessageContents"), ("c", "InvalidParameterValue")]);
    let received = bench.receive(&url, 10).await;
    assert_eq!(bodies(&received), ["1", "4"]);
    let handle = |id: &str, handle: &str| DeleteMessageBatchRequestEntry {
        id: id.to_owned(),
        receipt_handle: handle.to_owned(),
        ..Default::default()
    };
    let entries = vec![handle("x", received[0].receipt_handle.as_deref().unwrap()), handle("y", "junk")];
    let input = DeleteMessageBatchRequest { queue_url: url.clone(), entries, ..Default::default() };
    let deleted = bench.call::<sqs::DeleteMessageBatch>(input).await.unwrap();
    assert_eq!((deleted.successful.len(), deleted.failed[0].code.as_str()), (1, "ReceiptHandleIsInvalid"));
    assert_eq!(bench.counts(&url).await, [0, 1, 0]);
}

#[tokio::test]
async fn batches_as_a_whole_are_checked_first() {
    let bench = Bench::new();
    let url = bench.queue("jobs", &[]).await;
    let many = (0..11).map(|number| entry(&number.to_string(), "x")).collect();
    let half = "x".repeat(600_000);
    for (entries, code) in [
        (vec![], "AWS.SimpleQueueService.EmptyBatchRequest"),
        (many, "AWS.SimpleQueueService.TooManyEntriesInBatchRequest"),
        (vec![entry("a", "x"), entry("a", "y")], "AWS.SimpleQueueService.BatchEntryIdsNotDistinct"),
        (vec![entry("a:b", "x")], "AWS.SimpleQueueService.InvalidBatchEntryId"),
        (vec![entry("a", &half), entry("b", &half)], "AWS.SimpleQueueService.BatchRequestTooLong"),
    ] {
        assert_eq!(bench.refused::<sqs::SendMessageBatch>(batch(&url, entries)).await.0, code);
    }
    assert_eq!(bench.counts(&url).await, [0, 0, 0]);
}
