//! Hands a batch to the function until it is done with: handled, or given up as the mapping says.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::answer::{self, Verdict};
use super::discard::Failure;
use super::lane::{Lane, Tracked};
use super::window::Phase;
use crate::durable;
use crate::function::State;
use crate::invoke::Request;

/// First wait before a batch is tried again; each further one is twice as long.
const RETRY_FIRST: Duration = Duration::from_millis(250);

/// Longest wait before a batch is tried again.
const RETRY_MAX: Duration = Duration::from_secs(60);

/// What streams tell of their last batch.
const FINE: &str = "OK";
const FAILED: &str = "PROBLEM: Function call failed";

/// Records that are tried together.
struct Portion {
    records: Vec<Tracked>,
    /// How often the function ran on them and failed; halving a batch does not count.
    attempts: u32,
}

/// What came of one try.
pub(super) enum Trial {
    /// The function ran; how it is to be named in a record of failure.
    Ran(Verdict, Failure),
    /// It could not be run for now.
    Busy,
}

impl Lane {
    /// Tries a batch until all of it is done with. Answers whether that came to be before the poller was to stop.
    pub(super) async fn deliver(&mut self, batch: Vec<Tracked>) -> bool {
        let mut portions = VecDeque::from([Portion { records: batch, attempts: 0 }]);
        let mut wait = RETRY_FIRST;
        let mut failure = Failure::default();
        while let Some(mut portion) = portions.pop_front() {
            self.discard_old(&mut portion, &failure).await;
            if portion.records.is_empty() {
                continue;
            }
            let goes_on = match self.attempt(&portion.records, Phase::Under).await {
                Trial::Busy => {
                    portions.push_front(portion);
                    true
                }
                Trial::Ran(verdict, ran) => {
                    failure = ran;
                    let before = portion.records.len();
                    let (rest, goes_on) = self.settle(portion, verdict, &failure).await;
                    let is_less = rest.first().is_none_or(|rest| rest.records.len() < before);
                    rest.into_iter().rev().for_each(|portion| portions.push_front(portion));
                    if is_less {
                        wait = RETRY_FIRST;
                        if goes_on && !self.poller.stop.is_cancelled() {
                            continue;
                        }
                    }
                    goes_on
                }
            };
            if portions.is_empty() {
                return goes_on;
            }
            if !goes_on || !self.poller.pause(wait).await {
                return false;
            }
            wait = (wait * 2).min(RETRY_MAX);
        }
        true
    }

    /// What is left of a portion after a try, and whether the lane goes on.
    async fn settle(&mut self, portion: Portion, verdict: Verdict, failure: &Failure) -> (Vec<Portion>, bool) {
        let Portion { mut records, attempts } = portion;
        let (handled, state) = match verdict {
            Verdict::Handled(state) => (records.len(), state),
            Verdict::Until(place, state) => (place, state),
            Verdict::Failed => (0, None),
        };
        let is_partial = (1..records.len()).contains(&handled);
        let goes_on = match state {
            Some(state) => self.take_state(state).await,
            None => true,
        };
        let rest = records.split_off(handled);
        self.done(&records).await;
        self.poller.tell_result(if rest.is_empty() { FINE } else { FAILED }).await;
        if rest.is_empty() {
            return (Vec::new(), goes_on);
        }
        if self.poller.settings.bisects && !is_partial && rest.len() > 1 {
            return (halves(rest, attempts), goes_on);
        }
        // A batch that was cut at its first failure has been tried once.
        let attempts = if is_partial { 1 } else { attempts.saturating_add(1) };
        if self.poller.settings.retries.is_some_and(|retries| attempts > retries) {
            self.discard("RetryAttemptsExhausted", &rest, failure, attempts).await;
            self.done(&rest).await;
            return (Vec::new(), goes_on);
        }
        (vec![Portion { records: rest, attempts }], goes_on)
    }

    /// Gives up records that are too old.
    async fn discard_old(&self, portion: &mut Portion, failure: &Failure) {
        let Some(age) = self.poller.settings.record_age_seconds else { return };
        let oldest = self.poller.lambda.platform.clock.milliseconds() - i64::from(age) * 1_000;
        let count = portion.records.iter().take_while(|tracked| tracked.record.arrived_at < oldest).count();
        if count > 0 {
            let old: Vec<Tracked> = portion.records.drain(..count).collect();
            self.discard("RecordAgeExceeded", &old, failure, portion.attempts).await;
            self.done(&old).await;
        }
    }

    /// Writes down that records are done with, and the window's state along with them.
    async fn done(&self, records: &[Tracked]) {
        records.iter().for_each(|tracked| self.keeper.done(tracked.number));
        if self.poller.settings.tumbling_seconds > 0 {
            self.keeper.save_window(self.window.clone()).await;
        } else {
            self.keeper.save().await;
        }
    }

    /// Invokes the function without records until it succeeds. Answers whether it has before the poller was to stop.
    pub(super) async fn invoke_until_handled(&self, phase: Phase) -> bool {
        let mut wait = RETRY_FIRST;
        loop {
            if let Trial::Ran(verdict, _) = self.attempt(&[], phase).await {
                let is_fine = !matches!(verdict, Verdict::Failed);
                self.poller.tell_result(if is_fine { FINE } else { FAILED }).await;
                if is_fine {
                    return true;
                }
            }
            if !self.poller.pause(wait).await {
                return false;
            }
            wait = (wait * 2).min(RETRY_MAX);
        }
    }

    /// Runs the function once.
    async fn attempt(&self, records: &[Tracked], phase: Phase) -> Trial {
        let poller = &self.poller;
        let lambda = &poller.lambda;
        let version = match poller.version().await {
            Ok(version) if version.state != State::Pending => version,
            Ok(_) => return Trial::Busy,
            Err(error) => {
                tracing::info!(%error, mapping = poller.mapping.uuid, "the mapping's function cannot be found");
                return Trial::Busy;
            }
        };
        let request_id = lambda.platform.ids.uuid();
        let request = Request {
            request_id: request_id.clone(),
            payload: self.event(records, phase).into(),
            invoked_arn: poller.mapping.function_arn(),
            client_context: None,
            trace_id: None,
            tail: false,
        };
        match durable::invoke_version(lambda, Arc::clone(&version), request).await {
            Ok(outcome) => {
                let failure = Failure { request_id, version: version.version.to_string(), is_error: outcome.failed };
                let has_window = self.window.is_some() && phase == Phase::Under;
                let verdict = if outcome.failed {
                    Verdict::Failed
                } else {
                    answer::read(&outcome.payload, records, poller.mapping.reports_failures, has_window)
                };
                Trial::Ran(verdict, failure)
            }
            Err(error) => {
                tracing::debug!(%error, mapping = poller.mapping.uuid, "a batch waits for room");
                Trial::Busy
            }
        }
    }

    /// The event that hands records to the function.
    pub(super) fn event(&self, records: &[Tracked], phase: Phase) -> String {
        let texts: Vec<&str> = records.iter().map(|tracked| tracked.record.json.as_str()).collect();
        format!(r#"{{"Records":[{}]{}}}"#, texts.join(","), self.window_members(phase))
    }
}

fn halves(mut records: Vec<Tracked>, attempts: u32) -> Vec<Portion> {
    let second = records.split_off(records.len() / 2);
    vec![Portion { records, attempts }, Portion { records: second, attempts }]
}
