//! Whether a statement lets in more than named accounts (S3 User Guide, "Blocking public access", "The meaning of
//! public").

use serde_json::Value;

use super::policy_document::texts;

/// Condition keys that narrow a statement down to somebody if their values are fixed.
const NARROWING: [&str; 16] = [
    "aws:principalorgid",
    "aws:principalaccount",
    "aws:principalarn",
    "aws:principalorgpaths",
    "aws:sourceaccount",
    "aws:sourcearn",
    "aws:sourceorgid",
    "aws:sourceowner",
    "aws:sourcevpc",
    "aws:sourcevpce",
    "aws:userid",
    "aws:sourcevpcarn",
    "s3:dataaccesspointaccount",
    "s3:dataaccesspointarn",
    "s3:resourceaccount",
    "s3:x-amz-server-side-encryption-aws-kms-key-id",
];

/// Networks that are wider than this count as everybody, in bits of the prefix.
const IPV4_BITS_MIN: u8 = 8;
/// The same for IPv6.
const IPV6_BITS_MIN: u8 = 32;

/// Whether a statement is public.
pub fn is_public(statement: &Value) -> bool {
    if statement["Effect"] != "Allow" {
        return false;
    }
    let names_everybody = match statement.get("Principal") {
        Some(Value::String(text)) => text == "*",
        Some(Value::Object(members)) => {
            members.iter().any(|(sort, names)| sort != "CanonicalUser" && texts(Some(names)).contains(&"*"))
        }
        // `NotPrincipal` names everybody else.
        _ => true,
    };
    names_everybody && !is_narrowed(statement)
}

fn is_narrowed(statement: &Value) -> bool {
    let Some(Value::Object(operators)) = statement.get("Condition") else { return false };
    operators.iter().any(|(operator, keys)| {
        let operator = operator.to_ascii_lowercase();
        let operator = operator.rsplit(':').next().unwrap_or_default();
        let is_positive = ["stringequals", "stringequalsignorecase", "stringlike", "arnequals", "arnlike", "ipaddress"]
            .contains(&operator);
        let Value::Object(keys) = keys else { return false };
        is_positive
            && keys.iter().any(|(key, values)| {
                let key = key.to_ascii_lowercase();
                let values = texts(Some(values));
                match key.as_str() {
                    "aws:sourceip" => !values.is_empty() && values.iter().all(|network| is_narrow(network)),
                    key => {
                        NARROWING.contains(&key)
                            && !values.is_empty()
                            && values.iter().all(|value| is_fixed(key, value))
                    }
                }
            })
    })
}

/// Whether a value holds for something fixed: without wildcards and variables, but for the account in an ARN and the
/// part of a user id before its colon.
fn is_fixed(key: &str, value: &str) -> bool {
    let varies = |text: &str| text.contains(['*', '?']) || text.contains("${");
    match key {
        "aws:sourcearn" | "aws:principalarn" | "s3:dataaccesspointarn" | "aws:sourcevpcarn" => {
            let account = value.split(':').nth(4).unwrap_or_default();
            match value.split(':').nth(2) {
                Some("s3") => !value.split(':').skip(5).any(varies),
                _ => !account.is_empty() && !varies(account),
            }
        }
        "aws:userid" => !varies(value.split(':').next().unwrap_or_default()),
        _ => !varies(value),
    }
}

fn is_narrow(network: &str) -> bool {
    let (address, bits) = network.split_once('/').map_or((network, None), |(address, bits)| (address, Some(bits)));
    let least = if address.contains(':') { IPV6_BITS_MIN } else { IPV4_BITS_MIN };
    bits.is_none_or(|bits| bits.parse::<u8>().is_ok_and(|bits| bits >= least))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of "The meaning of public".
    #[test]
    fn a_fixed_value_of_some_keys_makes_a_statement_private() {
        let with = |principal: Value, condition: Value| {
            let statement = serde_json::json!({ "Effect": "Allow", "Principal": principal, "Condition": condition });
            is_public(&statement)
        };
        let everybody = || Value::from("*");
        assert!(with(everybody(), Value::Null));
        assert!(with(serde_json::json!({"AWS": ["*"]}), Value::Null));
        assert!(!with(serde_json::json!({"AWS": "111122223333"}), Value::Null));
        assert!(!with(everybody(), serde_json::json!({"StringEquals": {"aws:SourceVpc": "vpc-91237329"}})));
        assert!(with(everybody(), serde_json::json!({"StringLike": {"aws:SourceVpc": "vpc-*"}})));
        assert!(!with(everybody(), serde_json::json!({"IpAddress": {"aws:SourceIp": "54.240.143.0/24"}})));
        assert!(with(everybody(), serde_json::json!({"IpAddress": {"aws:SourceIp": "0.0.0.0/1"}})));
        assert!(with(everybody(), serde_json::json!({"IpAddress": {"aws:SourceIp": "::/0"}})));
        assert!(with(everybody(), serde_json::json!({"NotIpAddress": {"aws:SourceIp": "54.240.143.0/24"}})));
        assert!(with(everybody(), serde_json::json!({"StringEquals": {"s3:prefix": "home/"}})));
        assert!(!with(everybody(), serde_json::json!({"ArnLike": {"aws:SourceArn": "arn:aws:sns:*:111122223333:*"}})));
        assert!(with(everybody(), serde_json::json!({"ArnLike": {"aws:SourceArn": "arn:aws:sns:*:*:*"}})));
    }
}
