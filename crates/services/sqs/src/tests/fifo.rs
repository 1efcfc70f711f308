use api::sqs::{ChangeMessageVisibilityRequest, DeleteMessageRequest, SetQueueAttributesRequest};

use super::*;

const FIFO: (&str, &str) = ("FifoQueue", "true");

#[tokio::test]
async fn a_group_is_blocked_while_any_of_its_messages_is_in_flight() {
    let bench = Bench::new();
    let url = bench.queue("jobs.fifo", &[FIFO]).await;
    for (group, body) in [("a", "a1"), ("a", "a2"), ("b", "b1"), ("a", "a3")] {
        bench.send_to(&url, group, body).await;
    }
    let first = bench.receive(&url, 1).await;
    assert_eq!(bodies(&first), ["a1"]);
    assert_eq!(bench.bodies(&url, 10).await, ["b1"], "group a is blocked");
    assert!(bench.receive(&url, 10).await.is_empty());
    bench.delete(&url, &first[0]).await;
    assert_eq!(bench.bodies(&url, 10).await, ["a2", "a3"]);
    assert_eq!(bench.counts(&url).await, [0, 3, 0]);
    bench.advance(30);
    assert_eq!(bench.bodies(&url, 10).await, ["a2", "a3", "b1"], "in order again after a failure");
}

#[tokio::test]
async fn a_message_made_visible_again_comes_before_those_behind_it() {
    let bench = Bench::new();
    let url = bench.queue("jobs.fifo", &[FIFO]).await;
    for body in ["1", "2", "3"] {
        bench.send_to(&url, "g", body).await;
    }
    let two = bench.receive(&url, 2).await;
    let show = |message: &Message| ChangeMessageVisibilityRequest {
        queue_url: url.clone(),
        receipt_handle: message.receipt_handle.clone().unwrap(),
        visibility_timeout: 0,
        ..Default::default()
    };
    bench.call::<sqs::ChangeMessageVisibility>(show(&two[0])).await.unwrap();
    assert!(bench.receive(&url, 10).await.is_empty(), "the second one is still in flight");
    bench.call::<sqs::ChangeMessageVisibility>(show(&two[1])).await.unwrap();
    assert_eq!(bench.bodies(&url, 10).await, ["1", "2", "3"]);
}

#[tokio::test]
async fn duplicates_are_acknowledged_and_not_sent_for_five_minutes() {
    let bench = Bench::new();
    let url = bench.queue("jobs.fifo", &[FIFO, ("ContentBasedDeduplication", "true")]).await;
    let plain = SendMessageRequest { message_group_id: Some("g".to_owned()), ..message(&url, "same") };
    let first = bench.call::<sqs::SendMessage>(plain.clone()).await.unwrap();
    let again = bench.call::<sqs::SendMessage>(plain.clone()).await.unwrap();
    assert_eq!((&again.message_id, &again.sequence_number), (&first.message_id, &first.sequence_number));
    let other = SendMessageRequest { message_group_id: Some("h".to_owned()), ..plain.clone() };
    let other = bench.call::<sqs::SendMessage>(other).await.unwrap();
    assert_eq!(other.message_id, first.message_id, "the scope is the queue");
    let received = bench.receive(&url, 10).await;
    assert_eq!(received.len(), 1);
    bench.delete(&url, &received[0]).await;
    bench.advance(299);
    bench.call::<sqs::SendMessage>(plain.clone()).await.unwrap();
    assert!(bench.receive(&url, 10).await.is_empty(), "deleting does not end the memory");
    bench.advance(1);
    let later = bench.call::<sqs::SendMessage>(plain).await.unwrap();
    assert_ne!(later.message_id, first.message_id);
    assert_eq!(bench.bodies(&url, 10).await, ["same"]);
}

#[tokio::test]
async fn deduplication_may_be_per_group() {
    let bench = Bench::new();
    let per_group = [FIFO, ("DeduplicationScope", "messageGroup"), ("FifoThroughputLimit", "perMessageGroupId")];
    let url = bench.queue("jobs.fifo", &per_group).await;
    for group in ["a", "b", "a"] {
        bench.send_to(&url, group, "same").await;
    }
    assert_eq!(bench.bodies(&url, 10).await.len(), 2);
}

#[tokio::test]
async fn fifo_messages_need_their_ids() {
    let bench = Bench::new();
    let url = bench.queue("jobs.fifo", &[FIFO]).await;
    let no_group = SendMessageRequest { message_group_id: None, ..grouped(&url, "g", "x") };
    let text = "The request must contain the parameter MessageGroupId.";
    assert_eq!(bench.refused::<sqs::SendMessage>(no_group).await, ("MissingParameter", text.to_owned()));
    let no_id = SendMessageRequest { message_deduplication_id: None, ..grouped(&url, "g", "x") };
    let text =
        "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly";
    assert_eq!(bench.refused::<sqs::SendMessage>(no_id).await, ("InvalidParameterValue", text.to_owned()));
    let delayed = SendMessageRequest { delay_seconds: Some(2), ..grouped(&url, "g", "x") };
    let text = "Value 2 for parameter DelaySeconds is invalid. Reason: The request include parameter that is not valid \
                for this queue type.";
    assert_eq!(bench.refused::<sqs::SendMessage>(delayed).await.1, text);
}

#[tokio::test]
async fn an_old_handle_is_refused_because_somebody_else_may_work_on_the_message() {
    let bench = Bench::new();
    let url = bench.queue("jobs.fifo", &[FIFO, ("VisibilityTimeout", "1")]).await;
    bench.send_to(&url, "g", "x").await;
    let received = bench.receive(&url, 1).await.remove(0);
    bench.advance(2);
    let handle = received.receipt_handle.unwrap();
    let input = DeleteMessageRequest { queue_url: url, receipt_handle: handle.clone(), ..Default::default() };
    let text =
        format!("Value {handle} for parameter ReceiptHandle is invalid. Reason: The receipt handle has expired.");
    assert_eq!(bench.refused::<sqs::DeleteMessage>(input).await, ("InvalidParameterValue", text));
}

#[tokio::test]
async fn a_repeated_receiving_call_gets_the_same_and_for_as_long_again() {
    let bench = Bench::new();
    let url = bench.queue("jobs.fifo", &[FIFO]).await;
    for body in ["1", "2"] {
        bench.send_to(&url, "g", body).await;
    }
    let input = ReceiveMessageRequest {
        receive_request_attempt_id: Some("attempt".to_owned()),
        max_number_of_messages: Some(10),
        ..receive(&url)
    };
    let first = bench.receive_with(input.clone()).await;
    bench.advance(20);
    let again = bench.receive_with(input.clone()).await;
    assert_eq!(again, first);
    bench.advance(20);
    assert!(bench.receive(&url, 10).await.is_empty(), "the second call has begun their time anew");
    bench.delete(&url, &first[0]).await;
    assert!(bench.receive_with(input).await.is_empty(), "it is no longer what it was");
}

#[tokio::test]
async fn delays_keep_a_groups_order_and_change_for_what_is_delayed() {
    let bench = Bench::new();
    let url = bench.queue("jobs.fifo", &[FIFO, ("DelaySeconds", "100")]).await;
    for body in ["1", "2"] {
        bench.send_to(&url, "g", body).await;
        bench.advance(5);
    }
    assert_eq!(bench.counts(&url).await, [0, 0, 2]);
    let shorter = SetQueueAttributesRequest {
        queue_url: url.clone(),
        attributes: BTreeMap::from([("DelaySeconds".to_owned(), "12".to_owned())]),
        ..Default::default()
    };
    bench.call::<sqs::SetQueueAttributes>(shorter).await.unwrap();
    bench.advance(2);
    let first = bench.receive(&url, 10).await;
    assert_eq!(bodies(&first), ["1"]);
    bench.delete(&url, &first[0]).await;
    bench.advance(5);
    assert_eq!(bench.bodies(&url, 10).await, ["2"]);
}

#[tokio::test]
async fn expired_messages_leave_their_group_to_those_behind_them() {
    let bench = Bench::new();
    let url = bench.queue("jobs.fifo", &[FIFO, ("MessageRetentionPeriod", "60")]).await;
    for body in ["1", "2"] {
        bench.send_to(&url, "g", body).await;
        bench.advance(40);
    }
    assert_eq!(bench.counts(&url).await, [1, 0, 0]);
    assert_eq!(bench.bodies(&url, 10).await, ["2"]);
}

#[tokio::test]
async fn sequence_numbers_grow() {
    let bench = Bench::new();
    let url = bench.queue("jobs.fifo", &[FIFO]).await;
    let mut last = String::new();
    for body in ["1", "2", "3"] {
        let sent = bench.send_to(&url, "g", body).await.sequence_number.unwrap();
        assert!(sent.len() == 20 && sent > last);
        last = sent;
    }
}
