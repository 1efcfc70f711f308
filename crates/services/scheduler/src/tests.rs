//! Schedules as a client sees them, on a clock that is moved.

use std::time::Duration;

use api::scheduler::{
    self as model, CreateScheduleGroupInput, CreateScheduleInput, DeadLetterConfig, DeleteScheduleGroupInput,
    FlexibleTimeWindow, GetScheduleGroupInput, GetScheduleInput, ListSchedulesInput, RetryPolicy, Target,
    UpdateScheduleInput,
};
use api::sqs::{self, CreateQueueRequest, DeleteMessageRequest, ReceiveMessageRequest};
use blob::BlobStore;
use platform::testing::{ACCOUNT, REGION, TestPlatform};
use serde_json::{Value as Json, json};
use store::Store;
use wire::{Error, Timestamp};

use crate::registration;

const ROLE: &str = "arn:aws:iam::111122223333:role/scheduler";

struct Bench {
    test: TestPlatform,
}

impl Bench {
    async fn new() -> Bench {
        let bench = Bench::over(Store::memory()).await;
        let queue = CreateQueueRequest { queue_name: "queue".to_owned(), ..Default::default() };
        bench.call::<sqs::CreateQueue>(queue).await.unwrap();
        bench
    }

    async fn over(store: Store) -> Bench {
        let test = TestPlatform::over(store, BlobStore::memory(), |platform| {
            vec![registration(platform), service_sqs::registration(platform)]
        });
        test.platform.start().await.unwrap();
        Bench { test }
    }

    async fn call<O: api::Operation>(&self, input: O::Input) -> Result<O::Output, Error> {
        self.test.call::<O>(input).await
    }

    async fn create(&self, expression: &str, change: impl FnOnce(&mut CreateScheduleInput)) -> Result<String, Error> {
        let mut input = schedule(expression);
        change(&mut input);
        Ok(self.call::<model::CreateSchedule>(input).await?.schedule_arn)
    }

    /// The messages that have come, oldest first, once there are so many; they are deleted.
    async fn messages(&self, count: usize) -> Vec<sqs::Message> {
        let mut found = Vec::new();
        for () in platform::testing::looks() {
            let input = ReceiveMessageRequest {
                queue_url: format!("{}/{ACCOUNT}/queue", self.test.platform.config.endpoint),
                max_number_of_messages: Some(10),
                message_attribute_names: Some(vec!["All".to_owned()]),
                ..Default::default()
            };
            for message in self.call::<sqs::ReceiveMessage>(input).await.unwrap().messages.unwrap_or_default() {
                let input = DeleteMessageRequest {
                    queue_url: format!("{}/{ACCOUNT}/queue", self.test.platform.config.endpoint),
                    receipt_handle: message.receipt_handle.clone().unwrap(),
                    ..Default::default()
                };
                self.call::<sqs::DeleteMessage>(input).await.unwrap();
                found.push(message);
            }
            if found.len() >= count {
                return found;
            }
            tokio::task::yield_now().await;
        }
        panic!("{} of {count} messages have come", found.len());
    }

    /// Lets everything happen that is due.
    async fn settle(&self) {
        for _ in 0..200 {
            tokio::task::yield_now().await;
        }
    }

    fn advance(&self, seconds: u64) {
        self.test.clock.advance(Duration::from_secs(seconds));
    }
}

fn schedule(expression: &str) -> CreateScheduleInput {
    CreateScheduleInput {
        name: "schedule".to_owned(),
        schedule_expression: expression.to_owned(),
        flexible_time_window: FlexibleTimeWindow { mode: "OFF".to_owned(), ..Default::default() },
        target: Target {
            arn: format!("arn:aws:sqs:{REGION}:{ACCOUNT}:queue"),
            role_arn: ROLE.to_owned(),
            input: Some("<aws.scheduler.scheduled-time> <aws.scheduler.attempt-number>".to_owned()),
            ..Default::default()
        },
        ..Default::default()
    }
}

fn bodies(messages: &[sqs::Message]) -> Vec<&str> {
    messages.iter().map(|message| message.body.as_deref().unwrap_or_default()).collect()
}

fn get(name: &str) -> GetScheduleInput {
    GetScheduleInput { name: name.to_owned(), ..Default::default() }
}

#[tokio::test]
async fn a_rate_comes_at_once_and_again_in_step() {
    let bench = Bench::new().await;
    bench.create("rate(5 minutes)", |_| {}).await.unwrap();
    assert_eq!(bodies(&bench.messages(1).await), ["2025-06-15T15:06:40Z 1"]);
    bench.advance(300);
    assert_eq!(bodies(&bench.messages(1).await), ["2025-06-15T15:11:40Z 1"]);
    // What was missed comes once.
    bench.advance(3_000);
    assert_eq!(bodies(&bench.messages(1).await), ["2025-06-15T15:16:40Z 1"]);
    bench.settle().await;
    bench.advance(300);
    assert_eq!(bodies(&bench.messages(1).await), ["2025-06-15T16:06:40Z 1"]);
}

#[tokio::test]
async fn cron_follows_its_time_zone_and_its_dates() {
    let bench = Bench::new().await;
    let hour = |hours: i64| Some(Timestamp::from_milliseconds(platform::testing::NOW + hours * 3_600_000));
    bench
        .create("cron(0 * * * ? *)", |input| {
            input.schedule_expression_timezone = Some("Asia/Kolkata".to_owned());
            input.start_date = hour(1);
            input.end_date = hour(3);
        })
        .await
        .unwrap();
    bench.advance(2 * 3_600);
    assert_eq!(bodies(&bench.messages(1).await), ["2025-06-15T16:30:00Z 1"]);
    bench.settle().await;
    bench.advance(3_600);
    assert_eq!(bodies(&bench.messages(1).await), ["2025-06-15T17:30:00Z 1"]);
    bench.settle().await;
    bench.advance(10 * 3_600);
    bench.settle().await;
    assert_eq!(bodies(&bench.messages(0).await), [""; 0], "it is over");
}

#[tokio::test]
async fn once_is_once_over_restarts_and_deleted_afterwards() {
    let bench = Bench::new().await;
    bench
        .create("at(2025-06-15T16:00:00)", |input| input.action_after_completion = Some("DELETE".to_owned()))
        .await
        .unwrap();
    let store = bench.test.platform.store.clone();
    drop(bench);
    let again = Bench::over(store).await;
    assert!(again.call::<model::GetSchedule>(get("schedule")).await.is_ok());
    again.advance(86_400);
    assert_eq!(bodies(&again.messages(1).await), ["2025-06-15T16:00:00Z 1"]);
    for () in platform::testing::looks() {
        if again.call::<model::GetSchedule>(get("schedule")).await.is_err() {
            assert_eq!(bodies(&again.messages(0).await), [""; 0]);
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("the schedule is still there");
}

#[tokio::test]
async fn a_call_that_fails_for_good_is_a_dead_letter() {
    let bench = Bench::new().await;
    bench
        .create("rate(1 day)", |input| {
            input.target.dead_letter_config = Some(DeadLetterConfig { arn: Some(input.target.arn.clone()) });
            input.target.arn = format!("arn:aws:sqs:{REGION}:{ACCOUNT}:none");
        })
        .await
        .unwrap();
    let message = bench.messages(1).await.remove(0);
    assert_eq!(message.body.as_deref(), Some("2025-06-15T15:06:40Z 2"), "as for the attempt that is not made");
    let attributes = message.message_attributes.unwrap();
    let value = |name: &str| attributes[name].string_value.clone().unwrap();
    assert_eq!(value("ERROR_CODE"), "AWS.SimpleQueueService.NonExistentQueue");
    assert_eq!(value("RETRY_ATTEMPTS"), "0");
    assert_eq!(value("SCHEDULED_TIME"), "2025-06-15T15:06:40Z");
    assert_eq!(value("TARGET_ARN"), format!("arn:aws:sqs:{REGION}:{ACCOUNT}:none"));
    assert!(!attributes.contains_key("EXHAUSTED_RETRY_CONDITION"));
}

#[tokio::test]
async fn a_universal_target_is_any_operation_that_changes_something() {
    let bench = Bench::new().await;
    let universal = |name: &str, input: Json| {
        let (arn, input) = (format!("arn:aws:scheduler:::aws-sdk:{name}"), input.to_string());
        move |schedule: &mut CreateScheduleInput| {
            schedule.target.arn = arn;
            schedule.target.input = Some(input);
        }
    };
    let url = format!("{}/{ACCOUNT}/queue", bench.test.platform.config.endpoint);
    let input = json!({"QueueUrl": url, "MessageBody": "<aws.scheduler.execution-id>"});
    bench.create("rate(1 day)", universal("sqs:sendMessage", input)).await.unwrap();
    let body = bench.messages(1).await.remove(0).body.unwrap();
    assert_eq!(body.len(), 16, "{body}");
    for name in
        ["sqs:receiveMessage", "sqs:listQueues", "sqs:nothing", "nothing:sendMessage", "sqs", "ec2:runInstances"]
    {
        let error = bench.create("rate(1 day)", universal(name, json!({}))).await.unwrap_err();
        assert!(error.is("ValidationException") && error.to_string().contains(name), "{error}");
    }
}

#[tokio::test]
async fn what_is_no_schedule_is_refused_in_awss_words() {
    let bench = Bench::new().await;
    for text in ["cron(0 1 * * * *)", "rate(10 seconds)", "rate( 10 minutes )", " rate(10 minutes)", "at(2021-12-31)"] {
        let error = bench.create(text, |_| {}).await.unwrap_err();
        assert_eq!(error.to_string(), format!("ValidationException: Invalid Schedule Expression {text}."));
    }
    let refused = async |change: &dyn Fn(&mut CreateScheduleInput)| {
        bench.create("rate(1 day)", change).await.unwrap_err().to_string()
    };
    let zone = refused(&|input| input.schedule_expression_timezone = Some("Mars/Olympus".to_owned())).await;
    assert_eq!(zone, "ValidationException: Invalid Schedule Expression Timezone Mars/Olympus.");
    assert!(refused(&|input| input.flexible_time_window.mode = "FLEXIBLE".to_owned()).await.contains("MaximumWindow"));
    let target = refused(&|input| input.target.arn = "arn:aws:states:eu-west-1:111122223333:stateMachine:m".to_owned());
    assert!(target.await.contains("Targets of states are not supported"));
    let group = refused(&|input| input.group_name = Some("none".to_owned())).await;
    assert_eq!(group, "ResourceNotFoundException: Schedule group none does not exist.");
}

#[tokio::test]
async fn a_schedule_is_described_as_it_was_made_and_changed_as_a_whole() {
    let bench = Bench::new().await;
    let change = |input: &mut CreateScheduleInput| {
        input.description = Some("text".to_owned());
        input.state = Some("DISABLED".to_owned());
        input.target.retry_policy =
            Some(RetryPolicy { maximum_retry_attempts: Some(3), maximum_event_age_in_seconds: None });
    };
    let arn = bench.create("rate(1 minute)", change).await.unwrap();
    assert_eq!(arn, format!("arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule/default/schedule"));
    let found = bench.call::<model::GetSchedule>(get("schedule")).await.unwrap();
    assert_eq!((found.state.as_deref(), found.description.as_deref()), (Some("DISABLED"), Some("text")));
    assert_eq!(found.schedule_expression_timezone.as_deref(), Some("UTC"));
    let retry = found.target.unwrap().retry_policy.unwrap();
    assert_eq!((retry.maximum_retry_attempts, retry.maximum_event_age_in_seconds), (Some(3), Some(86_400)));
    let again = bench.create("rate(1 minute)", |_| {}).await.unwrap_err();
    assert_eq!(again.to_string(), "ConflictException: Schedule schedule already exists.");
    bench.advance(60);
    bench.settle().await;
    assert_eq!(bodies(&bench.messages(0).await), [""; 0], "a schedule that is disabled does not come");
    let input = schedule("rate(1 minute)");
    let update = UpdateScheduleInput {
        name: input.name,
        schedule_expression: input.schedule_expression,
        flexible_time_window: input.flexible_time_window,
        target: input.target,
        ..Default::default()
    };
    bench.call::<model::UpdateSchedule>(update).await.unwrap();
    assert_eq!(bench.call::<model::GetSchedule>(get("schedule")).await.unwrap().description, None);
    bench.messages(1).await;
}

#[tokio::test]
async fn a_call_made_twice_with_one_token_is_one_call() {
    let bench = Bench::new().await;
    let token = |input: &mut CreateScheduleInput| input.client_token = Some("token".to_owned());
    let first = bench.create("rate(1 day)", token).await.unwrap();
    assert_eq!(bench.create("rate(1 day)", token).await.unwrap(), first);
    assert!(bench.create("rate(2 days)", token).await.unwrap_err().is("ConflictException"));
    assert_eq!(bench.messages(1).await.len(), 1);
}

#[tokio::test]
async fn a_group_goes_with_its_schedules() {
    let bench = Bench::new().await;
    let group = CreateScheduleGroupInput { name: "group".to_owned(), ..Default::default() };
    bench.call::<model::CreateScheduleGroup>(group).await.unwrap();
    for number in 0..3 {
        bench
            .create("rate(1 day)", |input| {
                input.group_name = Some("group".to_owned());
                input.name = format!("schedule-{number}");
                input.state = Some("DISABLED".to_owned());
            })
            .await
            .unwrap();
    }
    let list = |token: Option<String>| ListSchedulesInput {
        group_name: Some("group".to_owned()),
        max_results: Some(2),
        next_token: token,
        ..Default::default()
    };
    let first = bench.call::<model::ListSchedules>(list(None)).await.unwrap();
    assert_eq!(first.schedules.len(), 2);
    let rest = bench.call::<model::ListSchedules>(list(first.next_token)).await.unwrap();
    assert_eq!((rest.schedules.len(), rest.next_token), (1, None));
    let delete = |name: &str| DeleteScheduleGroupInput { name: name.to_owned(), ..Default::default() };
    bench.call::<model::DeleteScheduleGroup>(delete("group")).await.unwrap();
    let wanted = || GetScheduleGroupInput { name: "group".to_owned(), ..Default::default() };
    for () in platform::testing::looks() {
        if bench.call::<model::GetScheduleGroup>(wanted()).await.is_err() {
            let left = bench.call::<model::ListSchedules>(ListSchedulesInput::default()).await.unwrap();
            assert_eq!(left.schedules.len(), 0);
            let own = bench.call::<model::DeleteScheduleGroup>(delete("default")).await.unwrap_err();
            assert!(own.is("ValidationException"), "{own}");
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("the group is still there");
}
