//! What services of the platform may do as themselves without being named in a resource's policy. Everything else that
//! they do as themselves has to be allowed by the policy of the queue, topic, bucket or key.

/// Whether a service takes this action of its own accord, on resources of the account it acts for.
pub(super) fn is_internal(service: &str, action: &str) -> bool {
    match (service, action) {
        // Services put their own events on an account's default bus (EventBridge user guide, "Events from AWS services").
        (_, "events:PutEvents") => true,
        // Log groups have no resource policies here yet, in which AWS would ask for this consent.
        ("events.amazonaws.com", "logs:CreateLogStream" | "logs:PutLogEvents") => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::is_internal;

    #[test]
    fn nothing_else_is_done_without_consent() {
        assert!(is_internal("ssm.amazonaws.com", "events:PutEvents"));
        assert!(!is_internal("secretsmanager.amazonaws.com", "lambda:InvokeFunction"));
        assert!(!is_internal("s3.amazonaws.com", "lambda:InvokeFunction"));
        assert!(!is_internal("events.amazonaws.com", "sqs:SendMessage"));
    }
}
