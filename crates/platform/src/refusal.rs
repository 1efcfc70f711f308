//! Refused credentials and signatures as errors of the service that was called.

use std::collections::HashMap;
use std::sync::LazyLock;

use parking_lot::Mutex;
use wire::Error;
use wire::error::Scalar;
use wire::schema::{ErrorDef, Fault, Protocol};
use wire::sigv4::{Dialect, SignatureError};

/// The definitions of refusals used so far. Codes are literals of `wire`, a few dozen, so this stays small.
static DEFINITIONS: LazyLock<Mutex<HashMap<(&'static str, u16), &'static ErrorDef>>> = LazyLock::new(Mutex::default);

/// The error that a service speaking `protocol` answers to a request whose signature does not hold.
pub fn error(reason: &SignatureError, protocol: Protocol) -> Error {
    let refusal = reason.refusal(Dialect::of(protocol));
    let mut error = Error::new(definition(refusal.code, refusal.status), refusal.message);
    error.members = refusal.fields.into_iter().map(|(name, value)| (name, Scalar::String(value))).collect();
    error
}

fn definition(code: &'static str, status: u16) -> &'static ErrorDef {
    DEFINITIONS.lock().entry((code, status)).or_insert_with(|| {
        Box::leak(Box::new(ErrorDef {
            name: code,
            code,
            status,
            fault: Fault::Client,
            message_member: "message",
            members: &[],
            query_code: None,
        }))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_family_has_its_own_code_and_status() {
        let answer = |protocol| {
            let error = error(&SignatureError::MissingCredentials, protocol);
            (error.definition.code, error.definition.status)
        };
        assert_eq!(answer(Protocol::Json), ("MissingAuthenticationTokenException", 400));
        assert_eq!(answer(Protocol::RestJson), ("MissingAuthenticationTokenException", 403));
        assert_eq!(answer(Protocol::Query), ("MissingAuthenticationToken", 403));
        assert_eq!(answer(Protocol::RestXml), ("AccessDenied", 403));
        assert_eq!(answer(Protocol::Json), ("MissingAuthenticationTokenException", 400));
    }
}
