//! The policy of a bucket: what S3 takes, in its words.

use std::sync::Arc;

use api::s3::errors::malformed_policy;
use policy::{Cause, Kind, Policy, ResourceRules};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use wire::Error;

use super::public;
use super::vocabulary::{Targets, matches, targets};

use crate::bucket::canonical_id;
use crate::limits::POLICY_BYTES_MAX;

/// A policy at rest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BucketPolicy {
    /// As it was put.
    pub text: String,
    /// Whether it lets in more than named accounts ("The meaning of public").
    pub is_public: bool,
    /// A policy of its denials alone, if it has any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only_denials: Option<String>,
    /// Whether whoever put it confirmed that it may take the policy out of their own hands.
    #[serde(default)]
    pub binds_root: bool,
}

const RULES: Kind = Kind::Resource(ResourceRules { vendor: Some("s3"), resource_required: true });

const NOT_JSON: &str = "Policies must be valid JSON and the first byte must be '{'";

impl BucketPolicy {
    /// Checks a document for a bucket.
    ///
    /// # Errors
    /// `MalformedPolicy`.
    pub fn parse(text: &str, bucket: &str) -> Result<BucketPolicy, Error> {
        if text.len() > POLICY_BYTES_MAX {
            return Err(malformed_policy("Policy exceeds the maximum allowed document size."));
        }
        if !text.starts_with('{') {
            return Err(malformed_policy(NOT_JSON));
        }
        Policy::parse(text, RULES).map_err(|malformed| match malformed.cause {
            Cause::Json => malformed_policy(NOT_JSON),
            _ => malformed_policy(malformed.message),
        })?;
        let document: Value = serde_json::from_str(text).map_err(|_| malformed_policy(NOT_JSON))?;
        let statements = list(document.get("Statement"));
        for statement in &statements {
            check_statement(statement, bucket)?;
        }
        let denials: Vec<&Value> = statements.iter().copied().filter(|one| one["Effect"] == "Deny").collect();
        let only_denials = (!denials.is_empty()).then(|| {
            let version = document.get("Version").cloned().unwrap_or_else(|| Value::from("2008-10-17"));
            serde_json::json!({ "Version": version, "Statement": denials }).to_string()
        });
        let is_public = statements.iter().any(|statement| public::is_public(statement));
        Ok(BucketPolicy { text: text.to_owned(), is_public, only_denials, binds_root: false })
    }
}

/// A policy as it stands for an account: where it names the account by its canonical id, it names its root.
pub fn resolved(text: &str, account: Option<&str>) -> Arc<str> {
    let Some(account) = account.filter(|_| text.contains(CANONICAL_USER)) else { return Arc::from(text) };
    let Ok(mut document) = serde_json::from_str::<Value>(text) else { return Arc::from(text) };
    let statements = match document.get_mut("Statement") {
        Some(Value::Array(statements)) => statements.iter_mut().collect(),
        Some(statement) => vec![statement],
        None => Vec::new(),
    };
    for statement in statements {
        for element in ["Principal", "NotPrincipal"] {
            if let Some(Value::Object(principal)) = statement.get_mut(element) {
                name_account(principal, account);
            }
        }
    }
    Arc::from(document.to_string())
}

fn name_account(principal: &mut Map<String, Value>, account: &str) {
    let id = canonical_id(account);
    if texts(principal.get(CANONICAL_USER)).iter().any(|named| named.eq_ignore_ascii_case(&id)) {
        let mut named: Vec<Value> = list(principal.get("AWS")).into_iter().cloned().collect();
        named.push(Value::from(format!("arn:aws:iam::{account}:root")));
        principal.insert("AWS".to_owned(), Value::from(named));
    }
}

/// The kind of principal that is an account by its canonical id.
const CANONICAL_USER: &str = "CanonicalUser";

/// The elements of a list; one that stands for itself counts as one.
pub(super) fn list(value: Option<&Value>) -> Vec<&Value> {
    match value {
        Some(Value::Array(items)) => items.iter().collect(),
        Some(other) => vec![other],
        None => Vec::new(),
    }
}

/// The texts of such a list.
pub(super) fn texts(value: Option<&Value>) -> Vec<&str> {
    list(value).into_iter().filter_map(Value::as_str).collect()
}

/// What S3 asks of a statement besides its form: actions that exist, resources of this bucket, and something that each
/// action can be done to.
fn check_statement(statement: &Value, bucket: &str) -> Result<(), Error> {
    let resources = texts(statement.get("Resource").or_else(|| statement.get("NotResource")));
    let mut named = Targets::default();
    for resource in resources {
        let path = resource.strip_prefix("arn:aws:s3:::").ok_or_else(|| malformed_policy(INVALID_RESOURCE))?;
        let (name, key) = path.split_once('/').map_or((path, None), |(name, key)| (name, Some(key)));
        if name.is_empty() || name.bytes().all(|byte| byte == b'*') || !matches(name, bucket) {
            return Err(malformed_policy(INVALID_RESOURCE));
        }
        named.objects |= key.is_some() || name.ends_with('*');
        named.buckets |= key.is_none();
    }
    let negated = statement.get("NotAction").is_some();
    for action in texts(statement.get("Action").or_else(|| statement.get("NotAction"))) {
        let done_to = targets(action);
        if done_to == Targets::default() {
            return Err(malformed_policy("Policy has invalid action"));
        }
        let fits = done_to.buckets && named.buckets || done_to.objects && named.objects;
        if !fits && !negated && statement.get("NotResource").is_none() {
            return Err(malformed_policy("Action does not apply to any resource(s) in statement"));
        }
    }
    Ok(())
}

const INVALID_RESOURCE: &str = "Policy has invalid resource";

#[cfg(test)]
mod tests {
    use super::*;

    fn statement(change: impl Fn(&mut Value)) -> String {
        let mut statement = serde_json::json!({
            "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b-1/*"
        });
        change(&mut statement);
        serde_json::json!({ "Version": "2012-10-17", "Statement": [statement] }).to_string()
    }

    fn refusal(text: &str) -> String {
        BucketPolicy::parse(text, "b-1").unwrap_err().message.unwrap().into_owned()
    }

    /// Recorded answers of AWS (LocalStack's snapshots, moto's tests) and the user guide's "Bucket policy errors".
    #[test]
    fn refusals_are_in_s3s_words() {
        let changed = |name: &'static str, value: Value| statement(move |it| it[name] = value.clone());
        let without = |name: &'static str| {
            statement(move |it| {
                it.as_object_mut().unwrap().remove(name);
            })
        };
        let cases = [
            (String::new(), NOT_JSON),
            ("random".to_owned(), NOT_JSON),
            ("{".to_owned(), NOT_JSON),
            ("[]".to_owned(), NOT_JSON),
            (" {}".to_owned(), NOT_JSON),
            ("{}".to_owned(), "Missing required field Statement"),
            (
                r#"{"Version":"2012-10-17","Statement":[]}"#.to_owned(),
                "Could not parse the policy: Statement is empty!",
            ),
            (r#"{"Version":"2013-10-17","Statement":[]}"#.to_owned(), "The policy must contain a valid version string"),
            (r#"{"Version":"2012-10-17","Statment":[]}"#.to_owned(), "Unknown field Statment"),
            (without("Effect"), "Missing required field Effect"),
            (without("Principal"), "Missing required field Principal"),
            (without("Action"), "Missing required field Action"),
            (without("Resource"), "Missing required field Resource"),
            (changed("Effect", "allow".into()), "Invalid effect: allow"),
            (changed("Other", "x".into()), "Unknown field Other"),
            (changed("Action", "s3:GetNothing".into()), "Policy has invalid action"),
            (changed("Action", "sqs:SendMessage".into()), "Policy has invalid action"),
            (changed("Action", "GetObject".into()), "Policy has invalid action"),
            (changed("Resource", "*".into()), "Policy has invalid resource"),
            (changed("Resource", "arn:aws:s3:::other/*".into()), "Policy has invalid resource"),
            (changed("Resource", "arn:aws:s3:::*".into()), "Policy has invalid resource"),
            (changed("Resource", "b-1/*".into()), "Policy has invalid resource"),
            (changed("Resource", "arn:aws:s3:::b-1".into()), "Action does not apply to any resource(s) in statement"),
            (changed("Action", "s3:ListBucket".into()), "Action does not apply to any resource(s) in statement"),
            (changed("Principal", serde_json::json!({"AWS": "nobody"})), "Invalid principal in policy"),
            (changed("Principal", serde_json::json!({"Wrong": "*"})), "Invalid principal in policy"),
            (changed("Condition", serde_json::json!({"Unknown": {"a": "b"}})), "Invalid Condition type : Unknown"),
        ];
        for (text, expected) in cases {
            assert_eq!(refusal(&text), expected, "{text}");
        }
        let long = statement(|it| it["Sid"] = Value::from("x".repeat(POLICY_BYTES_MAX)));
        assert_eq!(refusal(&long), "Policy exceeds the maximum allowed document size.");
    }

    #[test]
    fn a_canonical_id_names_the_root_of_its_account_alone() {
        let own = statement(|it| {
            it["Principal"] = serde_json::json!({ "CanonicalUser": canonical_id("111122223333").to_uppercase() });
        });
        BucketPolicy::parse(&own, "b-1").unwrap();
        assert!(resolved(&own, Some("111122223333")).contains("arn:aws:iam::111122223333:root"));
        assert!(!resolved(&own, Some("444455556666")).contains(":root"));
        assert_eq!(&*resolved(&own, None), own);
    }

    #[test]
    fn denials_are_kept_apart() {
        let both = r#"{"Version":"2012-10-17","Statement":[
            {"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::b-1/*"},
            {"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::b-1","arn:aws:s3:::b-1/*"]}]}"#;
        let policy = BucketPolicy::parse(both, "b-1").unwrap();
        assert!(policy.is_public);
        let denials = policy.only_denials.unwrap();
        assert!(denials.contains("Deny") && !denials.contains("Allow"), "{denials}");
    }
}
