//! A subscription at rest, and its attributes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use wire::Error;

use crate::arn::{FIFO_SUFFIX, TopicArn};
use crate::delivery_policy::DeliveryPolicy;
use crate::errors::invalid;
use crate::filter::{self, Scope};

/// A subscription.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscription {
    /// Its id.
    pub id: String,
    /// `sqs`, `lambda`, `http`, `https`, `email`, `email-json`, `sms` or `application`.
    pub protocol: String,
    /// Where messages go.
    pub endpoint: String,
    /// The account that made it.
    pub owner: String,
    /// ARN of who made it.
    pub principal: String,
    /// Address under which they reached the platform: the link that confirms it starts with it.
    pub reached_at: String,
    /// Whether the endpoint wants messages.
    pub confirmed: bool,
    /// Whether it was confirmed by an authenticated call.
    pub authenticated: bool,
    /// The token that confirms it, and until when (milliseconds since 1970).
    pub token: Option<(String, i64)>,
    /// The number of the first message that is for it.
    pub since: u64,
    /// Whether messages arrive as they are.
    pub raw: bool,
    /// The filter policy.
    pub filter: Option<String>,
    /// What the filter policy looks at, if set.
    pub filter_scope: Option<String>,
    /// The delivery policy.
    pub delivery_policy: Option<String>,
    /// The redrive policy.
    pub redrive: Option<String>,
}

impl Subscription {
    /// What the filter policy looks at.
    pub fn scope(&self) -> Scope {
        if self.filter_scope.as_deref() == Some("MessageBody") { Scope::Body } else { Scope::Attributes }
    }

    /// ARN of the queue for what cannot be delivered.
    pub fn dead_letter_queue(&self) -> Option<String> {
        let policy: Value = serde_json::from_str(self.redrive.as_deref()?).ok()?;
        policy.get("deadLetterTargetArn")?.as_str().map(str::to_owned)
    }

    /// Sets attributes. `context` stands in front of what is wrong.
    ///
    /// # Errors
    /// `InvalidParameter` in AWS's words.
    pub fn set(&mut self, topic: &TopicArn, given: &BTreeMap<String, String>, context: &str) -> Result<(), Error> {
        // The scope decides how the policy is read.
        let scope_first = given.iter().filter(|(name, _)| *name == "FilterPolicyScope");
        let rest = given.iter().filter(|(name, _)| *name != "FilterPolicyScope");
        for (name, value) in scope_first.chain(rest) {
            self.set_one(topic, name, value, context)?;
        }
        if let Some(policy) = &self.filter {
            filter::parse(policy, self.scope(), context)?;
        }
        Ok(())
    }

    fn set_one(&mut self, topic: &TopicArn, name: &str, value: &str, context: &str) -> Result<(), Error> {
        let refuse = |what: String| invalid(format!("{context}{what}"));
        let given = Some(value.to_owned()).filter(|value| !value.is_empty());
        match name {
            "RawMessageDelivery" => {
                let lower = value.to_ascii_lowercase();
                if lower != "true" && lower != "false" {
                    return Err(refuse(format!("{name}: Invalid value [{value}]. Must be true or false.")));
                }
                self.raw = lower == "true";
                if self.raw && !["sqs", "http", "https"].contains(&self.protocol.as_str()) {
                    let protocol = &self.protocol;
                    return Err(refuse(format!(
                        "Delivery protocol [{protocol}] does not support raw message delivery."
                    )));
                }
            }
            "FilterPolicy" => self.filter = given.filter(|policy| policy.trim() != "{}"),
            "FilterPolicyScope" if ["MessageAttributes", "MessageBody"].contains(&value) => self.filter_scope = given,
            "FilterPolicyScope" => {
                return Err(refuse(format!(
                    "{name}: Invalid value [{value}]. Please use either MessageBody or MessageAttributes"
                )));
            }
            "DeliveryPolicy" => {
                if given.is_some() {
                    DeliveryPolicy::parse(value).map_err(|reason| refuse(format!("{name}: {reason}")))?;
                }
                self.delivery_policy = given;
            }
            "RedrivePolicy" => {
                if given.is_some() {
                    check_redrive(topic, &self.endpoint, value)
                        .map_err(|reason| refuse(format!("{name}: {reason}")))?;
                }
                self.redrive = given;
            }
            "SubscriptionRoleArn" | "ReplayPolicy" => {
                return Err(refuse(format!("{name} Reason: this attribute is not supported")));
            }
            _ => return Err(refuse("AttributeName".to_owned())),
        }
        Ok(())
    }

    /// The attributes as clients read them.
    pub fn attributes(&self, topic: &TopicArn) -> BTreeMap<String, String> {
        let mut values = BTreeMap::from([
            ("SubscriptionArn", topic.subscription(&self.id)),
            ("TopicArn", topic.to_string()),
            ("Owner", self.owner.clone()),
            ("Protocol", self.protocol.clone()),
            ("Endpoint", self.endpoint.clone()),
            ("SubscriptionPrincipal", self.principal.clone()),
            ("ConfirmationWasAuthenticated", self.authenticated.to_string()),
            ("PendingConfirmation", (!self.confirmed).to_string()),
            ("RawMessageDelivery", self.raw.to_string()),
        ]);
        if let Some(policy) = &self.filter {
            values.insert("FilterPolicy", policy.clone());
        }
        if self.filter.is_some() || self.filter_scope.is_some() {
            let scope = self.filter_scope.clone().unwrap_or_else(|| "MessageAttributes".to_owned());
            values.extend(self.filter.is_some().then_some(("FilterPolicyScope", scope)));
        }
        values.extend(self.redrive.clone().map(|policy| ("RedrivePolicy", policy)));
        if let Some(policy) = &self.delivery_policy {
            let effective = DeliveryPolicy::parse(policy).unwrap_or_default().effective_of_subscription();
            values.insert("DeliveryPolicy", policy.clone());
            values.insert("EffectiveDeliveryPolicy", effective);
        }
        values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

fn check_redrive(topic: &TopicArn, endpoint: &str, text: &str) -> Result<(), String> {
    let policy: Value = serde_json::from_str(text).map_err(|_| "failed to parse JSON.".to_owned())?;
    let target = policy.get("deadLetterTargetArn").and_then(Value::as_str).unwrap_or_default();
    let parts: Vec<&str> = target.split(':').collect();
    if parts.len() != 6 || parts[0] != "arn" || parts[2] != "sqs" {
        return Err("deadLetterTargetArn is an invalid arn".to_owned());
    }
    if topic.is_fifo() && endpoint.ends_with(FIFO_SUFFIX) && !target.ends_with(FIFO_SUFFIX) {
        return Err("must use a FIFO queue as DLQ for a FIFO Subscription to a FIFO Topic.".to_owned());
    }
    Ok(())
}
