use api::sqs::{
    CancelMessageMoveTaskRequest, ListMessageMoveTasksRequest, ListMessageMoveTasksResultEntry,
    StartMessageMoveTaskRequest,
};

use super::*;

const PATIENCE: Duration = Duration::from_secs(60);

/// A dead-letter queue with dead letters of a source.
async fn dead(bench: &Bench, count: usize) -> (String, String) {
    let dead = bench.queue("dead", &[]).await;
    let policy = redrive("dead", 1);
    let url = bench.queue("jobs", &[("RedrivePolicy", &policy), ("VisibilityTimeout", "0")]).await;
    for number in 0..count {
        bench.send(&url, &number.to_string()).await;
    }
    while bench.counts(&dead).await[0] < count as u64 {
        bench.receive(&url, 10).await;
    }
    (url, dead)
}

fn start(rate: Option<i32>) -> StartMessageMoveTaskRequest {
    StartMessageMoveTaskRequest {
        source_arn: arn("dead"),
        max_number_of_messages_per_second: rate,
        ..Default::default()
    }
}

async fn latest(bench: &Bench) -> ListMessageMoveTasksResultEntry {
    let input = ListMessageMoveTasksRequest { source_arn: arn("dead"), ..Default::default() };
    bench.call::<sqs::ListMessageMoveTasks>(input).await.unwrap().results.unwrap().remove(0)
}

async fn until(bench: &Bench, holds: impl Fn(&ListMessageMoveTasksResultEntry) -> bool) {
    let wait = async {
        while !holds(&latest(bench).await) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.expect("the task goes on");
}

#[tokio::test]
async fn dead_letters_go_back_to_where_they_came_from_as_new_messages() {
    let bench = Bench::new();
    let (url, dead) = dead(&bench, 3).await;
    bench.call::<sqs::StartMessageMoveTask>(start(None)).await.unwrap();
    until(&bench, |task| task.status.as_deref() == Some("COMPLETED")).await;
    let task = latest(&bench).await;
    assert_eq!((task.approximate_number_of_messages_moved, task.task_handle), (Some(3), None));
    assert_eq!((bench.counts(&dead).await, bench.counts(&url).await), ([0, 0, 0], [3, 0, 0]));
    assert_eq!(bench.bodies(&url, 10).await.len(), 3, "their receive counts begin anew");
}

#[tokio::test]
async fn a_rate_is_kept_and_a_task_can_be_cancelled_once() {
    let bench = Bench::new();
    let (_, dead) = dead(&bench, 5).await;
    let handle = bench.call::<sqs::StartMessageMoveTask>(start(Some(1))).await.unwrap().task_handle.unwrap();
    let one_more = bench.refused::<sqs::StartMessageMoveTask>(start(None)).await.1;
    assert!(one_more.starts_with("There is already a task running."));
    until(&bench, |task| task.approximate_number_of_messages_moved == Some(1)).await;
    // The clock stands still, so only its moving lets the task go on; it may not wait for it yet when it first moves.
    let go_on = async {
        while latest(&bench).await.approximate_number_of_messages_moved == Some(1) {
            bench.advance(1);
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, go_on).await.expect("the task goes on");
    let cancel = || CancelMessageMoveTaskRequest { task_handle: handle.clone(), ..Default::default() };
    let cancelled = bench.call::<sqs::CancelMessageMoveTask>(cancel()).await.unwrap();
    let moved = cancelled.approximate_number_of_messages_moved.unwrap();
    assert_eq!(latest(&bench).await.approximate_number_of_messages_moved, Some(moved));
    let refused = bench.refused::<sqs::CancelMessageMoveTask>(cancel()).await;
    assert_eq!(refused, ("ResourceNotFoundException", "Task does not exist.".to_owned()));
    assert_eq!(latest(&bench).await.status.as_deref(), Some("CANCELLED"));
    assert_eq!(bench.counts(&dead).await, [5 - moved.unsigned_abs(), 0, 0]);
}

#[tokio::test]
async fn a_task_that_cannot_go_on_fails_and_loses_nothing() {
    let bench = Bench::new();
    let (url, dead) = dead(&bench, 2).await;
    let delete = sqs::DeleteQueueRequest { queue_url: url, ..Default::default() };
    let policy = redrive("dead", 1);
    bench.queue("other", &[("RedrivePolicy", &policy)]).await;
    bench.call::<sqs::DeleteQueue>(delete).await.unwrap();
    bench.call::<sqs::StartMessageMoveTask>(start(None)).await.unwrap();
    until(&bench, |task| task.status.as_deref() == Some("FAILED")).await;
    let reason = latest(&bench).await.failure_reason;
    assert_eq!(reason.as_deref(), Some("AWS.SimpleQueueService.NonExistentQueue"));
    assert_eq!(bench.counts(&dead).await, [2, 0, 0]);
}

#[tokio::test]
async fn tasks_need_a_dead_letter_queue_and_a_destination_that_exist() {
    let bench = Bench::new();
    let refused = bench.refused::<sqs::StartMessageMoveTask>(start(None)).await;
    let text = "The resource that you specified for the SourceArn parameter doesn't exist.";
    assert_eq!(refused, ("ResourceNotFoundException", text.to_owned()));
    bench.queue("dead", &[]).await;
    let refused = bench.refused::<sqs::StartMessageMoveTask>(start(None)).await.1;
    assert_eq!(refused, "Source queue must be configured as a Dead Letter Queue.");
    let policy = redrive("dead", 1);
    bench.queue("jobs", &[("RedrivePolicy", &policy)]).await;
    let nowhere = StartMessageMoveTaskRequest { destination_arn: Some(arn("nowhere")), ..start(None) };
    assert!(bench.refused::<sqs::StartMessageMoveTask>(nowhere).await.1.contains("DestinationArn"));
    let junk = CancelMessageMoveTaskRequest { task_handle: "junk".to_owned(), ..Default::default() };
    let refused = bench.refused::<sqs::CancelMessageMoveTask>(junk).await.1;
    assert_eq!(refused, "Value for parameter TaskHandle is invalid.");
}
