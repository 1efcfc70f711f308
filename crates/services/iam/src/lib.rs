//! Identity: who calls, and with what credentials.
//!
//! STS so far. Users, roles and policies are not built; see `platform::authorise` for what holds until then.

mod sts;

use std::sync::Arc;

use platform::{Registration, operations};

/// The offer of STS.
pub fn sts() -> Registration {
    let mut registration = Registration::new(&api::sts::SERVICE);
    let service = Arc::new(());
    operations!(registration, service, api::sts, {
        GetAccessKeyInfo => sts::get_access_key_info,
        GetCallerIdentity => sts::get_caller_identity,
        GetSessionToken => sts::get_session_token,
    });
    registration
}
