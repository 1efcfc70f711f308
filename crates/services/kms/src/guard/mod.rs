//! What permissions the operations need, and what is known of keys when they are decided.

mod facts;
mod needs;

use std::sync::Arc;

use platform::guard::FactsFuture;
use platform::{Ctx, Guard, Need};
use wire::codec::Structure;

use crate::service::Kms;

/// The condition key of the alias that a request names.
const REQUEST_ALIAS: &str = "kms:RequestAlias";

/// Marks a need that is about the key behind an alias, not about the alias. No condition key of AWS's.
const BEHIND_ALIAS: &str = "traca:BehindAlias";

/// Tells which grant is to be retired. No condition key of AWS's.
const GRANT_ID: &str = "traca:GrantId";

/// The permissions of KMS.
pub struct KmsGuard(pub Arc<Kms>);

impl Guard for KmsGuard {
    fn needs(&self, cx: &Ctx, input: &dyn Structure) -> Vec<Need> {
        needs::needs(&self.0, cx, input)
    }

    fn facts<'a>(&'a self, cx: &'a Ctx, need: &'a Need) -> FactsFuture<'a> {
        Box::pin(facts::facts(&self.0, cx, need))
    }
}
