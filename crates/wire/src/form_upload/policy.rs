//! The policy of a form upload: until when it may be used, and what its fields may say (S3 API Reference, "Creating a POST
//! policy").

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::Timestamp;
use crate::form_upload::{FormField, field};

/// Why a form goes against its policy, in S3's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// It is no policy.
    #[error("Invalid Policy: {0}")]
    Malformed(String),
    /// It does not allow the form.
    #[error("Invalid according to Policy: {0}")]
    Denied(String),
}

/// A policy.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    expiration: Timestamp,
    conditions: Vec<Condition>,
    /// The least and the most bytes that the file may have.
    pub length: Option<(u64, u64)>,
}

#[derive(Debug, Clone, PartialEq)]
struct Condition {
    is_prefix: bool,
    /// Without the `$`.
    field: String,
    value: String,
}

impl Policy {
    /// Reads a policy: JSON in base64.
    ///
    /// # Errors
    /// [`PolicyError::Malformed`].
    pub fn parse(text: &str) -> Result<Policy, PolicyError> {
        let malformed = |text: &str| PolicyError::Malformed(text.to_owned());
        let document = STANDARD.decode(text).map_err(|_| malformed("Invalid JSON."))?;
        let document: Value = serde_json::from_slice(&document).map_err(|_| malformed("Invalid JSON."))?;
        let document = document.as_object().ok_or_else(|| malformed("Invalid JSON."))?;
        if let Some(unknown) = document.keys().find(|name| !["expiration", "conditions"].contains(&name.as_str())) {
            return Err(malformed(&format!("Unexpected: '{unknown}'.")));
        }
        let expiration = document.get("expiration").ok_or_else(|| malformed("Policy missing expiration."))?;
        let time = expiration.as_str().and_then(Timestamp::parse);
        let wrong = || malformed(&format!("Invalid 'expiration' value: '{}'", expiration.as_str().unwrap_or_default()));
        let expiration = time.ok_or_else(wrong)?;
        let listed = document.get("conditions").ok_or_else(|| malformed("Policy missing conditions."))?;
        let listed = listed.as_array().ok_or_else(|| malformed("Invalid 'conditions' value: must be a List."))?;
        let mut policy = Policy { expiration, conditions: Vec::new(), length: None };
        for condition in listed {
            policy.read(condition)?;
        }
        Ok(policy)
    }

    fn read(&mut self, condition: &Value) -> Result<(), PolicyError> {
        let malformed = |text: &str| PolicyError::Malformed(text.to_owned());
        let mut add = |is_prefix, field: &str, value: &str| {
            self.conditions.push(Condition { is_prefix, field: field.to_owned(), value: value.to_owned() });
        };
        match condition {
            Value::Object(pairs) => {
                let mut pairs = pairs.iter();
                let text = "Invalid Simple-Condition: Simple-Conditions must have exactly one property specified.";
                let (Some((field, value)), None) = (pairs.next(), pairs.next()) else { return Err(malformed(text)) };
                let text = "Invalid Simple-Condition: value must be a string.";
                add(false, field, value.as_str().ok_or_else(|| malformed(text))?);
                Ok(())
            }
            Value::Array(parts) => match parts.as_slice() {
                [Value::String(operator), Value::String(field), Value::String(value)]
                    if field.starts_with('$') && operator.eq_ignore_ascii_case("eq") =>
                {
                    add(false, &field[1..], value);
                    Ok(())
                }
                [Value::String(operator), Value::String(field), Value::String(value)]
                    if field.starts_with('$') && operator.eq_ignore_ascii_case("starts-with") =>
                {
                    add(true, &field[1..], value);
                    Ok(())
                }
                [Value::String(operator), least, most] if operator.eq_ignore_ascii_case("content-length-range") => {
                    let number = |value: &Value| match value {
                        Value::String(text) => text.parse().ok(),
                        other => other.as_u64(),
                    };
                    let bounds = number(least).zip(number(most));
                    let wrong = || malformed("Invalid content-length-range: invalid range.");
                    self.length = Some(bounds.ok_or_else(wrong)?);
                    Ok(())
                }
                [Value::String(operator), _, _] => {
                    let operator = operator.to_lowercase();
                    Err(malformed(&format!("Invalid Condition: unknown operation '{operator}'.")))
                }
                _ => Err(malformed("Invalid Condition: wrong number of arguments.")),
            },
            _ => Err(malformed("Conditions must be a list of lists or objects.")),
        }
    }

    /// Decides whether a form is allowed. Its key has its file's name filled in; `bucket` is where it was sent to.
    ///
    /// # Errors
    /// [`PolicyError::Denied`].
    pub fn check(&self, fields: &[FormField], bucket: &str, now: Timestamp) -> Result<(), PolicyError> {
        if (self.expiration.seconds, self.expiration.nanoseconds) <= (now.seconds, now.nanoseconds) {
            return Err(PolicyError::Denied("Policy expired.".to_owned()));
        }
        for condition in &self.conditions {
            let given = match condition.field.eq_ignore_ascii_case("bucket") {
                true => Some(bucket),
                false => field(fields, &condition.field),
            };
            if !given.is_some_and(|given| condition.holds(given)) {
                let operator = if condition.is_prefix { "starts-with" } else { "eq" };
                let (field, value) = (&condition.field, &condition.value);
                let text = format!("Policy Condition failed: [\"{operator}\", \"${field}\", \"{value}\"]");
                return Err(PolicyError::Denied(text));
            }
        }
        let is_named = |name: &str| self.conditions.iter().any(|condition| condition.field.eq_ignore_ascii_case(name));
        match fields.iter().find(|field| !is_exempt(&field.name) && !is_named(&field.name)) {
            Some(extra) => Err(PolicyError::Denied(format!("Extra input fields: {}", extra.name.to_lowercase()))),
            None => Ok(()),
        }
    }
}

impl Condition {
    fn holds(&self, given: &str) -> bool {
        if !self.is_prefix {
            return given == self.value;
        }
        // A list of media types holds if each of them does.
        match self.field.eq_ignore_ascii_case("content-type") {
            true => given.split(',').all(|one| one.starts_with(&self.value)),
            false => given.starts_with(&self.value),
        }
    }
}

/// Fields that need no condition.
fn is_exempt(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    const EXEMPT: [&str; 6] = ["awsaccesskeyid", "signature", "x-amz-signature", "file", "policy", "bucket"];
    EXEMPT.contains(&name.as_str()) || name.starts_with("x-ignore-")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: Timestamp = Timestamp { seconds: 1_700_000_000, nanoseconds: 0 };

    fn parse(document: &str) -> Result<Policy, PolicyError> {
        Policy::parse(&STANDARD.encode(document))
    }

    fn fields(pairs: &[(&str, &str)]) -> Vec<FormField> {
        pairs.iter().map(|(name, value)| FormField { name: (*name).to_owned(), value: (*value).to_owned() }).collect()
    }

    fn check(conditions: &str, pairs: &[(&str, &str)]) -> Result<(), String> {
        let policy = parse(&format!(r#"{{"expiration":"2099-01-01T00:00:00Z","conditions":{conditions}}}"#)).unwrap();
        policy.check(&fields(pairs), "bucket", NOW).map_err(|error| error.to_string())
    }

    #[test]
    fn every_field_needs_a_condition_that_holds() {
        let conditions = r#"[{"bucket":"bucket"},["starts-with","$key","user/"],{"acl":"private"},
            ["starts-with","$Content-Type","image/"],["content-length-range",1,"10"]]"#;
        let right = [("key", "user/x"), ("ACL", "private"), ("Content-Type", "image/png,image/gif"), ("policy", "p")];
        assert_eq!(check(conditions, &right), Ok(()));
        let missing = check(conditions, &right[1..]).unwrap_err();
        let text = r#"Invalid according to Policy: Policy Condition failed: ["starts-with", "$key", "user/"]"#;
        assert_eq!(missing, text);
        let mut extra = right.to_vec();
        extra.push(("x-ignore-this", "1"));
        assert_eq!(check(conditions, &extra), Ok(()));
        extra.push(("X-Amz-Meta-A", "1"));
        assert_eq!(
            check(conditions, &extra).unwrap_err(),
            "Invalid according to Policy: Extra input fields: x-amz-meta-a"
        );
        let other = [("key", "user/x"), ("acl", "private"), ("Content-Type", "image/png,text/html")];
        assert!(check(conditions, &other).unwrap_err().contains("$Content-Type"));
    }

    #[test]
    fn a_policy_ends() {
        let policy = parse(r#"{"expiration":"2023-11-14T22:13:19.999Z","conditions":[]}"#).unwrap();
        let error = policy.check(&[], "bucket", NOW).unwrap_err();
        assert_eq!(error.to_string(), "Invalid according to Policy: Policy expired.");
    }

    #[test]
    fn malformed_policies_are_refused() {
        for document in [
            "",
            "[]",
            "{}",
            r#"{"expiration":"2099-01-01T00:00:00Z"}"#,
            r#"{"conditions":[]}"#,
            r#"{"expiration":"soon","conditions":[]}"#,
            r#"{"expiration":"2099-01-01T00:00:00Z","conditions":[{}]}"#,
            r#"{"expiration":"2099-01-01T00:00:00Z","conditions":[["like","$key","x"]]}"#,
            r#"{"expiration":"2099-01-01T00:00:00Z","conditions":[["content-length-range",-1,1]]}"#,
            r#"{"expiration":"2099-01-01T00:00:00Z","conditions":{},"x":1}"#,
        ] {
            assert!(matches!(parse(document), Err(PolicyError::Malformed(_))), "{document}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_policy_or_refused(text: String) {
            let _ = Policy::parse(&text);
            let _ = parse(&text);
        }
    }
}
