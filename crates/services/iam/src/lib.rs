//! Identity: who calls, and with what credentials.
//!
//! STS so far. Users, roles and policies are not built; see `platform::authorise` for what holds until then.

mod sts;

use platform::Registration;

/// The offer of STS.
pub fn sts() -> Registration {
    sts::registration()
}
