use api::sqs::{ListDeadLetterSourceQueuesRequest, SetQueueAttributesRequest};

use super::*;

#[tokio::test]
async fn a_message_received_too_often_goes_to_the_dead_letter_queue_with_its_story() {
    let bench = Bench::new();
    let dead = bench.queue("dead", &[]).await;
    let policy = redrive("dead", 2);
    let url = bench.queue("jobs", &[("RedrivePolicy", &policy), ("VisibilityTimeout", "0")]).await;
    let sent = bench.send(&url, "poison").await;
    bench.send(&url, "fine").await;
    for _ in 0..2 {
        assert_eq!(bench.receive(&url, 1).await.len(), 1);
    }
    for _ in 0..2 {
        bench.receive(&url, 10).await;
    }
    assert!(bench.receive(&url, 10).await.is_empty());
    assert_eq!((bench.counts(&url).await, bench.counts(&dead).await), ([0, 0, 0], [2, 0, 0]));
    let all = ReceiveMessageRequest {
        attribute_names: Some(vec!["All".to_owned()]),
        max_number_of_messages: Some(10),
        ..receive(&dead)
    };
    let received = bench.receive_with(all).await;
    let poison = received.iter().find(|message| message.message_id == sent.message_id).expect("its id stays");
    let attributes = poison.attributes.clone().unwrap();
    assert_eq!(attributes["DeadLetterQueueSourceArn"], arn("jobs"));
    assert_eq!(poison.body.as_deref(), Some("poison"));
}

#[tokio::test]
async fn fifo_dead_letters_keep_their_order() {
    let bench = Bench::new();
    let dead = bench.queue("dead.fifo", &[("FifoQueue", "true")]).await;
    let policy = redrive("dead.fifo", 1);
    let attributes = [("FifoQueue", "true"), ("RedrivePolicy", policy.as_str())];
    let url = bench.queue("jobs.fifo", &attributes).await;
    for body in ["1", "2", "3"] {
        bench.send_to(&url, "g", body).await;
    }
    assert_eq!(bench.bodies(&url, 2).await, ["1", "2"]);
    bench.advance(30);
    assert_eq!(bench.bodies(&url, 10).await, ["3"], "what is in front goes away at once");
    assert_eq!(bench.bodies(&dead, 10).await, ["1", "2"]);
}

#[tokio::test]
async fn without_the_dead_letter_queue_messages_stay() {
    let bench = Bench::new();
    let dead = bench.queue("dead", &[]).await;
    let policy = redrive("dead", 1);
    let url = bench.queue("jobs", &[("RedrivePolicy", &policy), ("VisibilityTimeout", "0")]).await;
    bench.send(&url, "x").await;
    let input = sqs::DeleteQueueRequest { queue_url: dead, ..Default::default() };
    bench.call::<sqs::DeleteQueue>(input).await.unwrap();
    for _ in 0..3 {
        assert_eq!(bench.bodies(&url, 1).await, ["x"]);
    }
}

#[tokio::test]
async fn targets_have_to_exist_and_to_agree() {
    let bench = Bench::new();
    let policy = redrive("dead", 3);
    let refused = bench.refused::<sqs::CreateQueue>(create("jobs", &[("RedrivePolicy", &policy)])).await;
    let text =
        format!("Value {policy} for parameter RedrivePolicy is invalid. Reason: Dead letter target does not exist.");
    assert_eq!(refused, ("InvalidParameterValue", text));
    let deny = r#"{"redrivePermission":"denyAll"}"#;
    bench.queue("dead", &[("RedriveAllowPolicy", deny)]).await;
    let refused = bench.refused::<sqs::CreateQueue>(create("jobs", &[("RedrivePolicy", &policy)])).await;
    assert_eq!(refused.0, "InvalidParameterValue");
}

#[tokio::test]
async fn a_dead_letter_queue_knows_its_sources() {
    let bench = Bench::new();
    let dead = bench.queue("dead", &[]).await;
    let policy = redrive("dead", 3);
    let mut urls = Vec::new();
    for name in ["a", "b", "c"] {
        urls.push(bench.queue(name, &[("RedrivePolicy", &policy)]).await);
    }
    let none = SetQueueAttributesRequest {
        queue_url: urls[1].clone(),
        attributes: BTreeMap::from([("RedrivePolicy".to_owned(), String::new())]),
        ..Default::default()
    };
    bench.call::<sqs::SetQueueAttributes>(none).await.unwrap();
    let input = ListDeadLetterSourceQueuesRequest { queue_url: dead, max_results: Some(1), ..Default::default() };
    let first = bench.call::<sqs::ListDeadLetterSourceQueues>(input.clone()).await.unwrap();
    assert_eq!(first.queue_urls, [urls[0].clone()]);
    let input = ListDeadLetterSourceQueuesRequest { next_token: first.next_token, ..input };
    let second = bench.call::<sqs::ListDeadLetterSourceQueues>(input).await.unwrap();
    assert_eq!((second.queue_urls, second.next_token), (vec![urls[2].clone()], None));
}
