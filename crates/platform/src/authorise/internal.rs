//! What services of the platform may do as themselves without being named in a resource's policy. Everything else that
//! they do as themselves has to be allowed by the policy of the queue, topic, bucket or key.

/// Whether a service takes this action of its own accord, on resources of the account it acts for.
pub(super) fn is_internal(service: &str, action: &str, resource: &str) -> bool {
    match (service, action) {
        // Services put their own events on an account's default bus (EventBridge user guide, "Events from AWS services").
        (_, "events:PutEvents") => true,
        // Log groups have no resource policies here yet, in which AWS would ask for this consent.
        ("events.amazonaws.com", "logs:CreateLogStream" | "logs:PutLogEvents") => true,
        // Connections keep their credentials in secrets of their own (EventBridge user guide, "Service-linked role for API
        // destinations").
        ("apidestinations.events.amazonaws.com", action) => {
            action.starts_with("secretsmanager:") && resource.contains(":secret:events!connection/")
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::is_internal;

    #[test]
    fn nothing_else_is_done_without_consent() {
        assert!(is_internal("ssm.amazonaws.com", "events:PutEvents", "*"));
        assert!(!is_internal("secretsmanager.amazonaws.com", "lambda:InvokeFunction", "*"));
        assert!(!is_internal("s3.amazonaws.com", "lambda:InvokeFunction", "*"));
        assert!(!is_internal("events.amazonaws.com", "sqs:SendMessage", "*"));
        let secret = |name: &str| format!("arn:aws:secretsmanager:eu-west-1:111122223333:secret:{name}-??????");
        let keeper = "apidestinations.events.amazonaws.com";
        assert!(is_internal(keeper, "secretsmanager:GetSecretValue", &secret("events!connection/a/b")));
        assert!(!is_internal(keeper, "secretsmanager:GetSecretValue", &secret("database")));
    }
}
