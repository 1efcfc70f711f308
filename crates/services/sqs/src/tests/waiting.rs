use std::time::Duration;

use super::*;

/// Longest real time a test waits for something that must happen.
const PATIENCE: Duration = Duration::from_secs(60);

fn waiting(url: &str, seconds: i32) -> ReceiveMessageRequest {
    ReceiveMessageRequest { wait_time_seconds: Some(seconds), max_number_of_messages: Some(10), ..receive(url) }
}

/// Waits until so many calls stand in the queue's line.
async fn in_line(bench: &Bench, count: usize) {
    let standing = async {
        while bench.sqs.polls.standing() < count {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, standing).await.expect("the calls wait");
}

#[tokio::test]
async fn a_message_wakes_a_waiting_call_at_once() {
    let bench = Bench::new();
    let url = bench.queue("jobs", &[]).await;
    let send = async {
        in_line(&bench, 1).await;
        bench.send(&url, "x").await;
    };
    // The clock stands still, so nothing but the message can end the wait.
    let both = async { tokio::join!(bench.receive_with(waiting(&url, 20)), send) };
    let (received, ()) = tokio::time::timeout(PATIENCE, both).await.expect("woken");
    assert_eq!(bodies(&received), ["x"]);
}

#[tokio::test]
async fn each_message_goes_to_one_of_many_waiting_calls() {
    let bench = Bench::new();
    let url = bench.queue("jobs", &[]).await;
    let receive = || async {
        bench.receive_with(ReceiveMessageRequest { max_number_of_messages: Some(1), ..waiting(&url, 20) }).await
    };
    let send = async {
        in_line(&bench, 3).await;
        for body in ["1", "2", "3"] {
            bench.send(&url, body).await;
        }
    };
    let all = async { tokio::join!(receive(), receive(), receive(), send) };
    let (one, two, three, ()) = tokio::time::timeout(PATIENCE, all).await.expect("woken");
    let mut received: Vec<String> = [one, two, three].iter().flat_map(|messages| bodies(messages)).collect();
    received.sort();
    assert_eq!(received, ["1", "2", "3"]);
    assert_eq!(bench.sqs.polls.standing(), 0, "nothing is left of the line");
}

#[tokio::test]
async fn a_wait_ends_with_its_time_and_empty_handed() {
    let bench = Bench::new();
    let url = bench.queue("jobs", &[("ReceiveMessageWaitTimeSeconds", "5")]).await;
    let advance = async {
        in_line(&bench, 1).await;
        bench.advance(5);
    };
    let both = async { tokio::join!(bench.call::<sqs::ReceiveMessage>(receive(&url)), advance) };
    let (received, ()) = tokio::time::timeout(PATIENCE, both).await.expect("over");
    assert_eq!(received.unwrap().messages, None);
}

#[tokio::test]
async fn a_delayed_message_ends_a_wait_when_its_time_comes() {
    let bench = Bench::new();
    let url = bench.queue("jobs", &[("DelaySeconds", "3")]).await;
    bench.send(&url, "x").await;
    let advance = async {
        in_line(&bench, 1).await;
        bench.advance(3);
    };
    let both = async { tokio::join!(bench.receive_with(waiting(&url, 20)), advance) };
    let (received, ()) = tokio::time::timeout(PATIENCE, both).await.expect("woken");
    assert_eq!(bodies(&received), ["x"]);
}

#[tokio::test]
async fn a_wait_survives_a_purge_and_ends_with_its_queue() {
    let bench = Bench::new();
    let url = bench.queue("jobs", &[]).await;
    let purge_and_send = async {
        in_line(&bench, 1).await;
        let purge = sqs::PurgeQueueRequest { queue_url: url.clone(), ..Default::default() };
        bench.call::<sqs::PurgeQueue>(purge).await.unwrap();
        bench.send(&url, "x").await;
    };
    let both = async { tokio::join!(bench.receive_with(waiting(&url, 20)), purge_and_send) };
    let (received, ()) = tokio::time::timeout(PATIENCE, both).await.expect("woken");
    assert_eq!(bodies(&received), ["x"]);
    let delete = async {
        in_line(&bench, 1).await;
        let delete = sqs::DeleteQueueRequest { queue_url: url.clone(), ..Default::default() };
        bench.call::<sqs::DeleteQueue>(delete).await.unwrap();
    };
    let both = async { tokio::join!(bench.call::<sqs::ReceiveMessage>(waiting(&url, 20)), delete) };
    let (received, ()) = tokio::time::timeout(PATIENCE, both).await.expect("woken");
    assert!(received.expect_err("gone").is("QueueDoesNotExist"));
}
