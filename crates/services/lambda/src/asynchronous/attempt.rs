//! One attempt to handle an event, and what follows from it.

use std::sync::Arc;

use bytes::Bytes;
use wire::Error;
use wire::schema::Fault;

use super::record::{self, Answer, Ending};
use super::{Event, Pace, Progress};
use crate::destination::{Destination, Parcel};
use crate::function::{EventInvokeConfig, FunctionVersion, State};
use crate::invoke::Request;
use crate::{Lambda, durable, functions, keys, role};

/// Attempts after the first, unless set. Developer guide, "Error handling for asynchronous invocation".
const RETRIES_DEFAULT: u32 = 2;

/// Greatest age of an event, in seconds, unless set: 6 hours. The same.
const AGE_SECONDS_DEFAULT: u32 = 21_600;

/// Wait before the second attempt and before the third, in milliseconds. The same.
const RETRY_AFTER_MS: [i64; 2] = [60_000, 120_000];

/// First wait for room, in milliseconds; each further one is twice as long. The same.
const DELAY_FIRST_MS: i64 = 1_000;

/// Longest wait for room, in milliseconds: 5 minutes. The same.
const DELAY_MAX_MS: i64 = 300_000;

/// Attempts to hand a record on when its destination has a failure of its own.
const SENDS_MAX: u32 = 3;

/// What follows from an attempt.
pub struct Step {
    /// When and how the event goes on; `None` if it is done with.
    pub next: Option<Progress>,
    /// Whether it was given up.
    pub is_dropped: bool,
    /// What was learnt of the room there is.
    pub pace: Pace,
}

impl Step {
    fn over(is_dropped: bool, pace: Pace) -> Step {
        Step { next: None, is_dropped, pace }
    }
}

/// Tries an event once.
///
/// # Errors
/// When the store fails; the event stays as it is.
pub async fn attempt(lambda: &Arc<Lambda>, event: &Event, progress: Progress) -> Result<Step, Error> {
    let now = lambda.platform.clock.milliseconds();
    let qualifier = event.qualifier.as_deref();
    let key = keys::event_invoke(&event.function, qualifier.unwrap_or("$LATEST"));
    let config: EventInvokeConfig = lambda.functions.row(&key).await?.unwrap_or_default();
    let version = match functions::resolve(lambda, &event.function, qualifier).await {
        Ok(version) => version,
        // It was deleted: its events go with it.
        Err(error) if error.definition.fault == Fault::Client => return Ok(Step::over(true, Pace::Same)),
        Err(error) => return Err(error),
    };
    let give_up = async |condition, pace| {
        let ending = Ending { condition, runs: progress.runs, answer: None };
        report_failure(lambda, event, &config, &version, &ending).await;
        Ok(Step::over(true, pace))
    };
    let age_max = i64::from(config.age_seconds.unwrap_or(AGE_SECONDS_DEFAULT)) * 1_000;
    if now.saturating_sub(event.accepted_at) > age_max {
        return give_up("EventAgeExceeded", Pace::Same).await;
    }
    if lambda.invoker.is_shut(&event.function) {
        return give_up("ZeroReservedConcurrency", Pace::Same).await;
    }
    if version.state == State::Pending {
        return Ok(delayed(progress, now, Pace::Same));
    }
    match durable::invoke_version(lambda, Arc::clone(&version), request(event)).await {
        Ok(outcome) => {
            let progress = Progress { runs: progress.runs + 1, ..progress };
            let answered = Answered { payload: outcome.payload, failed: outcome.failed };
            Ok(after_run(lambda, event, &config, &version, progress, &answered).await)
        }
        Err(error) if error.is("RecursiveInvocationException") => give_up("RecursiveLoop", Pace::Same).await,
        Err(error) => {
            tracing::debug!(%error, request = event.request_id, "an event waits for room");
            Ok(delayed(progress, now, Pace::Slower))
        }
    }
}

/// What a function answered.
struct Answered {
    payload: Bytes,
    failed: bool,
}

async fn after_run(
    lambda: &Arc<Lambda>,
    event: &Event,
    config: &EventInvokeConfig,
    version: &FunctionVersion,
    progress: Progress,
    answered: &Answered,
) -> Step {
    let answer = Answer { version: version.version.to_string(), failed: answered.failed, payload: &answered.payload };
    if !answered.failed {
        let ending = Ending { condition: "Success", runs: progress.runs, answer: Some(answer) };
        if let Some(destination) = &config.on_success {
            let parcel = record::record(event, &ending, lambda.platform.clock.now());
            send(lambda, version, destination, parcel).await;
        }
        return Step::over(false, Pace::Faster);
    }
    let retries = config.retries.unwrap_or(RETRIES_DEFAULT);
    if progress.runs <= retries {
        let wait = RETRY_AFTER_MS[(progress.runs as usize).saturating_sub(1).min(RETRY_AFTER_MS.len() - 1)];
        let due = lambda.platform.clock.milliseconds() + wait;
        let next = Some(Progress { due, ..progress });
        return Step { next, is_dropped: false, pace: Pace::Faster };
    }
    let ending = Ending { condition: "RetriesExhausted", runs: progress.runs, answer: Some(answer) };
    report_failure(lambda, event, config, version, &ending).await;
    Step::over(true, Pace::Faster)
}

fn delayed(progress: Progress, now: i64, pace: Pace) -> Step {
    let wait = DELAY_FIRST_MS.checked_shl(progress.delays.min(16)).unwrap_or(DELAY_MAX_MS).min(DELAY_MAX_MS);
    let next = Progress { due: now + wait, delays: progress.delays.saturating_add(1), ..progress };
    Step { next: Some(next), is_dropped: false, pace }
}

fn request(event: &Event) -> Request {
    Request {
        request_id: event.request_id.clone(),
        payload: event.payload.clone().into(),
        invoked_arn: match &event.qualifier {
            Some(qualifier) => event.function.qualified_arn(qualifier),
            None => event.function.arn(),
        },
        client_context: event.client_context.clone(),
        trace_id: event.trace_id.clone(),
        tail: false,
    }
}

/// Sends the record of a failure, and the dead letter.
async fn report_failure(
    lambda: &Arc<Lambda>,
    event: &Event,
    config: &EventInvokeConfig,
    version: &FunctionVersion,
    ending: &Ending<'_>,
) {
    if let Some(destination) = &config.on_failure {
        let parcel = record::record(event, ending, lambda.platform.clock.now());
        send(lambda, version, destination, parcel).await;
    }
    if let Some(destination) = &version.configuration.dead_letter {
        send(lambda, version, destination, record::dead_letter(event, ending)).await;
    }
}

/// Hands a parcel on as the function's role. What a destination refuses is lost, as on AWS.
async fn send(lambda: &Arc<Lambda>, version: &FunctionVersion, destination: &str, parcel: Parcel) {
    let Some(destination) = Destination::of_arn(destination) else { return };
    for attempt in 1..=SENDS_MAX {
        let sent = async {
            let role = role::session(&lambda.platform, version).await?;
            destination.send(&lambda.platform, role, parcel.clone()).await
        };
        match sent.await {
            Ok(()) => return,
            Err(error) if error.definition.fault == Fault::Client || attempt == SENDS_MAX => {
                return tracing::warn!(%error, ?destination, function = version.arn(), "a record was not taken");
            }
            Err(error) => tracing::info!(%error, ?destination, "a record is sent once more"),
        }
        lambda.platform.clock.sleep(std::time::Duration::from_millis(DELAY_FIRST_MS.unsigned_abs())).await;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use api::lambda::{PutFunctionConcurrency, PutFunctionConcurrencyRequest};

    use super::*;
    use crate::testing::{Bench, id};

    fn event(bench: &Bench) -> Event {
        Event {
            function: id("f"),
            qualifier: None,
            request_id: "r-1".to_owned(),
            payload: "{}".to_owned(),
            client_context: None,
            trace_id: None,
            accepted_at: bench.clock.milliseconds(),
        }
    }

    async fn failed(bench: &Bench, config: &EventInvokeConfig, runs: u32) -> Step {
        let version = functions::resolve(&bench.lambda, &id("f"), None).await.unwrap();
        let answered = Answered { payload: Bytes::from_static(b"{}"), failed: true };
        let progress = Progress { runs, ..Progress::default() };
        after_run(&bench.lambda, &event(bench), config, &version, progress, &answered).await
    }

    #[tokio::test]
    async fn a_failing_function_is_tried_after_one_minute_and_after_two() {
        let bench = Bench::new();
        bench.create("f").await;
        let now = bench.clock.milliseconds();
        let config = EventInvokeConfig::default();
        for (runs, wait) in [(1, Some(60_000)), (2, Some(120_000)), (3, None)] {
            let step = failed(&bench, &config, runs).await;
            assert_eq!(step.next.map(|next| next.due - now), wait, "{runs}");
            assert_eq!(step.is_dropped, wait.is_none());
        }
        let once = EventInvokeConfig { retries: Some(0), ..EventInvokeConfig::default() };
        assert!(failed(&bench, &once, 1).await.is_dropped);
    }

    #[test]
    fn an_event_without_room_waits_twice_as_long_each_time_up_to_five_minutes() {
        let mut progress = Progress::default();
        let mut waits = Vec::new();
        for _ in 0..11 {
            progress = delayed(progress, 0, Pace::Slower).next.unwrap();
            waits.push(progress.due / 1_000);
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
    }

    #[tokio::test]
    async fn an_event_is_given_up_when_it_is_too_old() {
        let bench = Bench::new();
        bench.create("f").await;
        let event = event(&bench);
        bench.clock.advance(Duration::from_secs(6 * 3_600));
        bench.clock.advance(Duration::from_millis(1));
        let step = attempt(&bench.lambda, &event, Progress::default()).await.unwrap();
        assert!(step.is_dropped && step.next.is_none());
    }

    #[tokio::test]
    async fn a_function_that_is_reserved_nothing_drops_its_events_at_once() {
        let bench = Bench::new();
        bench.create("f").await;
        let input = PutFunctionConcurrencyRequest {
            function_name: "f".to_owned(),
            reserved_concurrent_executions: 0,
            ..Default::default()
        };
        bench.call::<PutFunctionConcurrency>(input).await.unwrap();
        let step = attempt(&bench.lambda, &event(&bench), Progress::default()).await.unwrap();
        assert!(step.is_dropped && step.next.is_none());
    }

    #[tokio::test]
    async fn the_events_of_a_function_that_is_gone_go_with_it() {
        let bench = Bench::new();
        let step = attempt(&bench.lambda, &event(&bench), Progress::default()).await.unwrap();
        assert!(step.is_dropped && step.next.is_none());
    }
}
