//! The authorisation stage that every call passes, from outside or from another service.

use api::wire::codec::Structure;
use api::wire::schema::{OperationDef, ServiceDef};

use crate::context::Ctx;
use crate::principal::Principal;

/// What is to be decided.
pub struct AccessRequest<'a> {
    /// Who calls what, from where.
    pub cx: &'a Ctx,
    /// The service called.
    pub service: &'static ServiceDef,
    /// The operation called; its `actions` name what the caller needs.
    pub operation: &'static OperationDef,
    /// Its input, for resource ARNs and condition keys.
    pub input: &'a dyn Structure,
}

/// The outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// The call may go on.
    Allow,
    /// The call carries no credentials and needs some.
    MissingCredentials,
    /// The caller may not do it; the text is AWS's "User: … is not authorized to perform: … on resource: …".
    Deny(String),
}

/// Decides whether a call may go on.
pub trait Authoriser: Send + Sync + 'static {
    /// Decides. Pure: no I/O, so that a decision costs microseconds.
    fn decide(&self, request: &AccessRequest<'_>) -> Decision;
}

/// Fail closed until policies are known: the account root may do everything in its account, the platform's own services
/// may do what they do on behalf of a resource of that account, operations that AWS leaves unsigned are open, and
/// everything else is denied.
#[derive(Debug, Default)]
pub struct RootOnly;

impl Authoriser for RootOnly {
    fn decide(&self, request: &AccessRequest<'_>) -> Decision {
        if request.operation.unsigned {
            return Decision::Allow;
        }
        match &request.cx.principal {
            Principal::Root { account } | Principal::Service { account, .. } if *account == request.cx.account => {
                Decision::Allow
            }
            Principal::Anonymous => Decision::MissingCredentials,
            other => Decision::Deny(denial_text(other, request.operation)),
        }
    }
}

/// AWS's words for a denial. They name the principal and the action, never the reason.
fn denial_text(principal: &Principal, operation: &OperationDef) -> String {
    let action = operation.actions.first().copied().unwrap_or(operation.name);
    format!("User: {} is not authorized to perform: {action}", principal.arn())
}
