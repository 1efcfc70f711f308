//! The authorisation stage that every call passes, from outside or from another service.

use wire::codec::Structure;
use wire::schema::{OperationDef, Protocol};
use wire::sigv4::{Dialect, SignatureError};
use wire::{Error, protocol};

use crate::context::Ctx;
use crate::guard::Need;
use crate::principal::Principal;

/// What the caller needs to be allowed for this call, as the service says.
pub(crate) fn needs(cx: &Ctx, input: &dyn Structure) -> Vec<Need> {
    cx.platform.services().guard(cx.service).map(|guard| guard.needs(cx, input)).unwrap_or_default()
}

/// Lets a call pass or refuses it.
///
/// # Errors
/// The denial, in the words and codes of the service.
pub(crate) async fn authorise(cx: &Ctx, _needs: Vec<Need>) -> Result<(), Error> {
    let spoken = cx.protocol.or_else(|| cx.service.protocols.first().copied()).unwrap_or(Protocol::Json);
    match decide(&cx.principal, &cx.account, cx.operation) {
        Decision::Allow => Ok(()),
        Decision::MissingCredentials => {
            let refusal = SignatureError::MissingCredentials.refusal(Dialect::of(spoken));
            Err(protocol::signature_refused(Some(cx.service), refusal))
        }
        Decision::Deny(text) => Err(protocol::access_denied(cx.service, spoken, text)),
    }
}

/// The outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Decision {
    /// The call may go on.
    Allow,
    /// The call carries no credentials and needs some.
    MissingCredentials,
    /// The caller may not do it; the text is AWS's "User: … is not authorized to perform: … on resource: …".
    Deny(String),
}

/// The rule in force until policies are evaluated. Everything it does not name is denied: operations that AWS leaves
/// unsigned are open to all, those that no policy can withhold to every identified caller; an account's root may do
/// everything in its account; the platform's own services may act for a resource of the account; a role's session may do
/// in its account whatever has a known IAM action.
fn decide(principal: &Principal, account_meant: &str, operation: &OperationDef) -> Decision {
    if operation.unsigned {
        return Decision::Allow;
    }
    let allowed = match principal {
        Principal::Anonymous => return Decision::MissingCredentials,
        _ if operation.always_allowed => true,
        Principal::Root { account } | Principal::Service { account, .. } => account == account_meant,
        Principal::Session { account, .. } => account == account_meant && is_mapped(operation),
        Principal::User { .. } | Principal::FederatedUser { .. } => false,
    };
    if allowed { Decision::Allow } else { Decision::Deny(denial_text(principal, operation)) }
}

/// Whether it is known which IAM actions the operation needs, whatever its input.
fn is_mapped(operation: &OperationDef) -> bool {
    !operation.actions.is_empty() && operation.actions_by_content.is_empty()
}

/// AWS's words for a denial. They name the principal and the action, never the reason.
fn denial_text(principal: &Principal, operation: &OperationDef) -> String {
    let action = operation.actions.first().copied().unwrap_or(operation.name);
    format!("User: {} is not authorized to perform: {action}", principal.arn())
}

#[cfg(test)]
mod tests {
    use wire::schema::HttpBinding;

    use super::*;

    const HOME: &str = "111111111111";

    fn operation(unsigned: bool, actions: &'static [&'static str]) -> OperationDef {
        OperationDef {
            name: "Act",
            index: 0,
            http: HttpBinding::ROOT,
            unsigned,
            host_prefix: None,
            compressed_requests: false,
            result_wrapper: None,
            input_root: None,
            output_root: None,
            deprecated: false,
            validation_code: None,
            always_allowed: false,
            unwrapped_output: false,
            actions,
            actions_by_content: &[],
            codec: None,
        }
    }

    fn root(account: &str) -> Principal {
        Principal::Root { account: account.to_owned() }
    }

    fn session(account: &str) -> Principal {
        let text = |text: &str| text.to_owned();
        Principal::Session {
            account: text(account),
            role: text("worker"),
            role_id: text("AROAEXAMPLE"),
            session: text("run"),
            facts: Default::default(),
        }
    }

    fn service(account: &str) -> Principal {
        Principal::Service { name: "s3.amazonaws.com", account: account.to_owned(), source_arn: None }
    }

    #[test]
    fn root_services_and_sessions_act_in_their_own_account_alone() {
        let mapped = operation(false, &["test:Act"]);
        for principal in [root, service, session] {
            assert_eq!(decide(&principal(HOME), HOME, &mapped), Decision::Allow);
            assert!(matches!(decide(&principal("222222222222"), HOME, &mapped), Decision::Deny(_)));
        }
    }

    #[test]
    fn an_operation_without_an_action_is_the_roots_alone() {
        let unmapped = operation(false, &[]);
        assert_eq!(decide(&root(HOME), HOME, &unmapped), Decision::Allow);
        let text = "User: arn:aws:sts::111111111111:assumed-role/worker/run is not authorized to perform: Act";
        assert_eq!(decide(&session(HOME), HOME, &unmapped), Decision::Deny(text.to_owned()));
        let mapped_in_part = OperationDef { actions_by_content: &["test:ActMore"], ..operation(false, &["test:Act"]) };
        assert!(matches!(decide(&session(HOME), HOME, &mapped_in_part), Decision::Deny(_)));
        assert_eq!(decide(&root(HOME), HOME, &mapped_in_part), Decision::Allow);
    }

    #[test]
    fn what_no_policy_can_withhold_is_open_to_all_who_are_identified() {
        let always = OperationDef { always_allowed: true, ..operation(false, &[]) };
        assert_eq!(decide(&session("222222222222"), HOME, &always), Decision::Allow);
        assert_eq!(decide(&Principal::Anonymous, HOME, &always), Decision::MissingCredentials);
    }

    #[test]
    fn nobody_may_only_call_what_aws_leaves_unsigned() {
        assert_eq!(decide(&Principal::Anonymous, HOME, &operation(true, &[])), Decision::Allow);
        let signed = operation(false, &["test:Act"]);
        assert_eq!(decide(&Principal::Anonymous, HOME, &signed), Decision::MissingCredentials);
    }
}
