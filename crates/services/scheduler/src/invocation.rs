//! A call that a schedule makes: attempts until it succeeds or is given up, and then the queue for dead letters.

use std::collections::BTreeMap;
use std::sync::Arc;

use api::sqs::{MessageAttributeValue, SendMessage};
use platform::{Firing, ServiceRole};
use serde::{Deserialize, Serialize};
use serde_json::json;
use wire::error::common;
use wire::schema::Fault;
use wire::{Error, Timestamp};

use crate::firing::call_timer;
use crate::limits::{DEAD_LETTER_RETRY_SECONDS, ERROR_BYTES_MAX, RETRY_SECONDS_MAX};
use crate::names::{Place, arn_parts};
use crate::records::{Schedule, Target};
use crate::service::Scheduler;
use crate::{keys, rows, target};

/// The service's name as a principal.
pub const SERVICE: &str = "scheduler.amazonaws.com";

/// A call, as it waits for its next attempt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Invocation {
    account: String,
    region: String,
    group: String,
    name: String,
    revision: String,
    target: Target,
    /// The schedule's time, in milliseconds since 1970.
    time: i64,
    /// Names the call.
    pub execution: String,
    /// Attempts so far.
    tried: u32,
    /// The schedule goes with this call.
    is_last: bool,
    /// How the last attempt failed, if no other will be made and only its dead letter is left.
    failure: Option<Failure>,
}

/// How an attempt failed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Failure {
    code: String,
    message: String,
    /// Another attempt would not help.
    is_final: bool,
    /// The bound that was reached, if one was.
    exhausted: Option<String>,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        let is_final = error.definition.fault == Fault::Client && error.definition.status != 429;
        let mut message = error.message.unwrap_or_default().into_owned();
        let end = (0..=ERROR_BYTES_MAX.min(message.len())).rev().find(|end| message.is_char_boundary(*end));
        message.truncate(end.unwrap_or_default());
        Failure { code: error.definition.code.to_owned(), message, is_final, exhausted: None }
    }
}

impl Invocation {
    /// The call of a schedule at a time, in milliseconds since 1970.
    pub fn new(place: &Place, schedule: &Schedule, time: i64, execution: String, is_last: bool) -> Invocation {
        Invocation {
            account: place.account.clone(),
            region: place.region.clone(),
            group: schedule.group.clone(),
            name: schedule.name.clone(),
            revision: schedule.revision.clone(),
            target: schedule.settings.target.clone(),
            time,
            execution,
            tried: 0,
            is_last,
            failure: None,
        }
    }

    fn place(&self) -> Place {
        Place { account: self.account.clone(), region: self.region.clone() }
    }

    fn arn(&self) -> String {
        self.place().schedule_arn(&self.group, &self.name)
    }

    /// The schedule's time as text, to the second.
    fn time_text(&self) -> String {
        let mut text = String::new();
        let time = Timestamp { seconds: self.time.div_euclid(1_000), nanoseconds: 0 };
        time.write(wire::schema::TimestampFormat::Iso8601, &mut text);
        text
    }

    /// What the target is called with: what the schedule says with the names of the call's circumstances filled in, or
    /// what tells of the schedule.
    fn input(&self) -> String {
        let Some(input) = &self.target.input else {
            return json!({
                "version": "0",
                "id": self.execution,
                "detail-type": "Scheduled Event",
                "source": "aws.scheduler",
                "account": self.account,
                "time": self.time_text(),
                "region": self.region,
                "resources": [self.arn()],
                "detail": "{}",
            })
            .to_string();
        };
        input
            .replace("<aws.scheduler.schedule-arn>", &self.arn())
            .replace("<aws.scheduler.scheduled-time>", &self.time_text())
            .replace("<aws.scheduler.execution-id>", &self.execution)
            .replace("<aws.scheduler.attempt-number>", &(self.tried + 1).to_string())
    }

    fn role<'a>(&'a self, group_arn: &'a str) -> ServiceRole<'a> {
        ServiceRole { service: SERVICE, account: &self.account, role_arn: &self.target.role, source_arn: group_arn }
    }

    async fn call(&self, service: &Arc<Scheduler>) -> Result<(), Error> {
        let place = self.place();
        let group_arn = place.group_arn(&self.group);
        let role = self.role(&group_arn);
        let principal = role.session(&service.platform, self.target.has_role, &self.execution).await?;
        let principal = principal.ok_or_else(|| {
            let text = format!("{SERVICE} cannot assume {}", self.target.role);
            Error::new(&common::ACCESS_DENIED, text)
        })?;
        target::call(&service.platform, principal, &place, &self.target, self.input()).await
    }

    /// What is to be done about a failure: when to try again, in milliseconds since 1970, or `None` to give up.
    fn next_attempt(&self, service: &Scheduler, failure: &mut Failure) -> Option<i64> {
        let now = service.now();
        let retries = self.tried.saturating_sub(1);
        failure.exhausted = if failure.is_final {
            return None;
        } else if retries >= self.target.retries.unsigned_abs() {
            Some("MaximumRetryAttempts".to_owned())
        } else if now.saturating_sub(self.time) >= i64::from(self.target.age_seconds) * 1_000 {
            Some("MaximumEventAgeInSeconds".to_owned())
        } else {
            None
        };
        if failure.exhausted.is_some() {
            return None;
        }
        // Up to a tenth more, so that what failed together is not tried together.
        let pause = 1_u64.checked_shl(retries).unwrap_or(u64::MAX).min(RETRY_SECONDS_MAX) * 1_000;
        Some(now.saturating_add((pause + service.platform.ids.below(pause / 10 + 1)) as i64))
    }

    /// Puts a call that failed into the queue for dead letters. Answers whether that is settled.
    async fn bury(&self, service: &Arc<Scheduler>, failure: &Failure) -> Result<bool, Error> {
        let Some(queue) = &self.target.dead_letters else {
            tracing::info!(target = self.target.arn, code = failure.code, "a scheduled call is given up");
            return Ok(true);
        };
        let (_, region, account, name) = arn_parts(queue).unwrap_or_default();
        let mut message = target::message(&service.platform, account, name, self.input(), None);
        message.message_attributes = Some(self.attributes(failure));
        let group_arn = self.place().group_arn(&self.group);
        let role = self.role(&group_arn);
        let principal = role.session(&service.platform, self.target.has_role, &self.execution).await?;
        let Some(principal) = principal else { return Ok(true) };
        match service.platform.call_as::<SendMessage>(principal, account, region, message).await {
            Ok(_) => Ok(true),
            Err(error) => {
                tracing::warn!(%error, queue, "a dead letter is refused");
                Ok(Failure::from(error).is_final)
            }
        }
    }

    fn attributes(&self, failure: &Failure) -> BTreeMap<String, MessageAttributeValue> {
        let retries = self.tried.saturating_sub(1).to_string();
        let (arn, time) = (self.arn(), self.time_text());
        let mut values = vec![
            ("ERROR_CODE", failure.code.as_str()),
            ("ERROR_MESSAGE", failure.message.as_str()),
            ("EXECUTION_ID", self.execution.as_str()),
            ("IS_PAYLOAD_TRUNCATED", "false"),
            ("RETRY_ATTEMPTS", retries.as_str()),
            ("SCHEDULED_TIME", time.as_str()),
            ("SCHEDULE_ARN", arn.as_str()),
            ("TARGET_ARN", self.target.arn.as_str()),
        ];
        values.extend(failure.exhausted.as_deref().map(|exhausted| ("EXHAUSTED_RETRY_CONDITION", exhausted)));
        let attribute = |(name, value): (&str, &str)| {
            // An attribute's value is never empty.
            let value = Some(if value.is_empty() { "-" } else { value }.to_owned());
            let value =
                MessageAttributeValue { data_type: "String".to_owned(), string_value: value, ..Default::default() };
            (name.to_owned(), value)
        };
        values.into_iter().map(attribute).collect()
    }
}

/// Makes the next attempt at a call.
///
/// # Errors
/// A failure of the store or the directory.
pub async fn attempt(service: &Arc<Scheduler>, firing: &Firing) -> Result<(), Error> {
    let Ok(mut invocation) = serde_json::from_value::<Invocation>(firing.payload.clone()) else {
        tracing::error!(id = firing.id, "a call cannot be read");
        return Ok(());
    };
    let again = match invocation.failure.take() {
        // Only its dead letter is left.
        Some(failure) => give_up(service, &mut invocation, failure).await?,
        None => {
            let done = invocation.call(service).await;
            invocation.tried = invocation.tried.saturating_add(1);
            match done.map_err(Failure::from) {
                Ok(()) => None,
                Err(mut failure) => match invocation.next_attempt(service, &mut failure) {
                    Some(due) => Some(due),
                    None => give_up(service, &mut invocation, failure).await?,
                },
            }
        }
    };
    settle(service, firing, invocation, again).await
}

/// Writes a dead letter; when to try that again, in milliseconds since 1970, if the queue cannot be reached.
async fn give_up(
    service: &Arc<Scheduler>,
    invocation: &mut Invocation,
    failure: Failure,
) -> Result<Option<i64>, Error> {
    if invocation.bury(service, &failure).await? {
        return Ok(None);
    }
    invocation.failure = Some(failure);
    Ok(Some(service.now().saturating_add(DEAD_LETTER_RETRY_SECONDS * 1_000)))
}

/// Notes what came of an attempt: another at a time, or the end of the call, and with it of a schedule that is over.
async fn settle(
    service: &Arc<Scheduler>,
    firing: &Firing,
    invocation: Invocation,
    again: Option<i64>,
) -> Result<(), Error> {
    let place = invocation.place();
    let timers = service.timers(&place).await?;
    let timer = again.map(|due| call_timer(&timers, &invocation, due));
    let firing = firing.clone();
    service
        .transact(&place, move |transaction| {
            if !firing.complete(transaction)? {
                return Ok(());
            }
            if let Some(timer) = &timer {
                return Ok(timers.set(transaction, timer)?);
            }
            let key = keys::schedule(&invocation.group, &invocation.name);
            let schedule: Option<Schedule> = rows::read(transaction, &key)?;
            let is_same = schedule.is_some_and(|schedule| schedule.revision == invocation.revision);
            if invocation.is_last && is_same {
                transaction.delete(&key);
            }
            Ok(())
        })
        .await
}
