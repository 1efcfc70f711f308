//! How often, and when, a delivery is tried again.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Most attempts after the first, and the longest time they may take together, in seconds.
const RETRIES_MAX: u32 = 100;
const SECONDS_MAX: u32 = 3_600;

/// The retry policy of HTTP endpoints.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct RetryPolicy {
    /// Seconds.
    pub min_delay_target: u32,
    /// Seconds.
    pub max_delay_target: u32,
    /// Attempts after the first.
    pub num_retries: u32,
    /// Of these, the last ones, with the longest delay.
    pub num_max_delay_retries: u32,
    /// Of these, the first ones, without delay.
    pub num_no_delay_retries: u32,
    /// Of these, those behind the first ones, with the shortest delay.
    pub num_min_delay_retries: u32,
    /// How the delay grows from the shortest to the longest.
    pub backoff_function: String,
}

impl Default for RetryPolicy {
    fn default() -> RetryPolicy {
        RetryPolicy {
            min_delay_target: 20,
            max_delay_target: 20,
            num_retries: 3,
            num_max_delay_retries: 0,
            num_no_delay_retries: 0,
            num_min_delay_retries: 0,
            backoff_function: "linear".to_owned(),
        }
    }
}

/// A delivery policy, of a topic or of a subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryPolicy {
    /// When deliveries are tried again.
    pub retry: RetryPolicy,
    /// The content type of what is delivered.
    pub content_type: String,
    /// Whether subscriptions may have policies of their own.
    pub overrides_disabled: bool,
}

impl Default for DeliveryPolicy {
    fn default() -> DeliveryPolicy {
        let content_type = "text/plain; charset=UTF-8".to_owned();
        DeliveryPolicy { retry: RetryPolicy::default(), content_type, overrides_disabled: false }
    }
}

impl DeliveryPolicy {
    /// Reads a policy: that of a topic is under `http` with other names than that of a subscription.
    ///
    /// # Errors
    /// What is wrong.
    pub fn parse(text: &str) -> Result<DeliveryPolicy, String> {
        let document: Value = serde_json::from_str(text).map_err(|_| "failed to parse JSON.".to_owned())?;
        let (retry, request, overrides) = match document.get("http") {
            Some(http) => (
                http.get("defaultHealthyRetryPolicy"),
                http.get("defaultRequestPolicy"),
                http.get("disableSubscriptionOverrides"),
            ),
            None => (document.get("healthyRetryPolicy"), document.get("requestPolicy"), None),
        };
        let mut policy = DeliveryPolicy::default();
        if let Some(retry) = retry.filter(|retry| !retry.is_null()) {
            policy.retry = serde_json::from_value(retry.clone()).map_err(|error| error.to_string())?;
        }
        if let Some(content_type) = request.and_then(|request| request.get("headerContentType")) {
            content_type.as_str().ok_or("headerContentType must be a string")?.clone_into(&mut policy.content_type);
        }
        policy.overrides_disabled = overrides.and_then(Value::as_bool).unwrap_or(false);
        policy.check()?;
        Ok(policy)
    }

    fn check(&self) -> Result<(), String> {
        let RetryPolicy { min_delay_target, max_delay_target, num_retries, .. } = self.retry;
        if !(1..=SECONDS_MAX).contains(&min_delay_target)
            || !(min_delay_target..=SECONDS_MAX).contains(&max_delay_target)
        {
            return Err("minDelayTarget and maxDelayTarget must be between 1 and 3600, and in order".to_owned());
        }
        if num_retries > RETRIES_MAX {
            return Err("numRetries must be at most 100".to_owned());
        }
        let retry = &self.retry;
        let phases = [retry.num_no_delay_retries, retry.num_min_delay_retries, retry.num_max_delay_retries];
        if phases.iter().fold(0, |sum: u32, phase| sum.saturating_add(*phase)) > num_retries {
            return Err("the retries of all phases must not be more than numRetries".to_owned());
        }
        if !["linear", "arithmetic", "geometric", "exponential"].contains(&retry.backoff_function.as_str()) {
            return Err("backoffFunction must be linear, arithmetic, geometric or exponential".to_owned());
        }
        Ok(())
    }

    /// The policy in full, as clients read it.
    pub fn effective(&self) -> String {
        json!({"http": {
            "defaultHealthyRetryPolicy": self.retry,
            "disableSubscriptionOverrides": self.overrides_disabled,
            "defaultRequestPolicy": {"headerContentType": self.content_type},
        }})
        .to_string()
    }

    /// The same for a subscription.
    pub fn effective_of_subscription(&self) -> String {
        json!({
            "healthyRetryPolicy": self.retry,
            "requestPolicy": {"headerContentType": self.content_type},
        })
        .to_string()
    }
}

impl RetryPolicy {
    /// Seconds to wait before the next attempt, after so many failed ones; `None` if there is none.
    pub fn delay(&self, failed: u32) -> Option<u32> {
        let retry = failed.checked_sub(1)?;
        if retry >= self.num_retries {
            return None;
        }
        let shortest_from = self.num_no_delay_retries;
        let growing_from = shortest_from + self.num_min_delay_retries;
        let longest_from = self.num_retries - self.num_max_delay_retries;
        Some(if retry < shortest_from {
            0
        } else if retry < growing_from {
            self.min_delay_target
        } else if retry >= longest_from {
            self.max_delay_target
        } else {
            self.growing(retry - growing_from, longest_from - growing_from)
        })
    }

    /// The delay at a step of the growing phase.
    fn growing(&self, step: u32, steps: u32) -> u32 {
        let part = if steps > 1 { f64::from(step) / f64::from(steps - 1) } else { 0.0 };
        let (shortest, longest) = (f64::from(self.min_delay_target), f64::from(self.max_delay_target));
        let seconds = match self.backoff_function.as_str() {
            "geometric" | "exponential" => shortest * (longest / shortest).powf(part),
            _ => shortest + (longest - shortest) * part,
        };
        // Both ends are at most an hour.
        seconds.round() as u32
    }
}

/// Seconds to wait before the next attempt at an endpoint of AWS (queues, functions), after so many failed ones: AWS tries
/// 3 times at once, 2 times a second apart, 10 times backing off to 20 seconds, and 100,000 times 20 seconds apart.
pub fn managed_delay(failed: u32) -> Option<u32> {
    match failed {
        0..=3 => Some(0),
        4..=5 => Some(1),
        6..=15 => Some((failed - 5) * 2),
        16..=100_015 => Some(20),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retries_go_through_their_phases() {
        let policy = r#"{"healthyRetryPolicy":{"minDelayTarget":1,"maxDelayTarget":60,"numRetries":10,"numNoDelayRetries":2,"numMinDelayRetries":2,"numMaxDelayRetries":2,"backoffFunction":"linear"}}"#;
        let policy = DeliveryPolicy::parse(policy).unwrap();
        let delays: Vec<Option<u32>> = (1..=11).map(|failed| policy.retry.delay(failed)).collect();
        let expected = [0, 0, 1, 1, 1, 21, 40, 60, 60, 60].map(Some);
        assert_eq!(delays[..10], expected);
        assert_eq!(delays[10], None);
        let default = RetryPolicy::default();
        assert_eq!([1, 2, 3, 4].map(|failed| default.delay(failed)), [Some(20), Some(20), Some(20), None]);
    }

    #[test]
    fn policies_out_of_bounds_are_refused() {
        for wrong in [
            "",
            r#"{"healthyRetryPolicy":{"numRetries":101}}"#,
            r#"{"healthyRetryPolicy":{"minDelayTarget":30,"maxDelayTarget":20}}"#,
            r#"{"healthyRetryPolicy":{"numRetries":1,"numNoDelayRetries":2}}"#,
            r#"{"healthyRetryPolicy":{"backoffFunction":"random"}}"#,
            r#"{"healthyRetryPolicy":{"unknown":1}}"#,
        ] {
            assert!(DeliveryPolicy::parse(wrong).is_err(), "{wrong}");
        }
    }
}
