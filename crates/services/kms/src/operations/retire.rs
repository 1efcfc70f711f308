//! Ending grants.

use api::Empty;
use api::kms::{RetireGrantRequest, RevokeGrantRequest};
use platform::Ctx;
use wire::Error;

use crate::names::KeyName;
use crate::operations::end_dry_run;
use crate::operations::grants::{read_token, remove_grant};
use crate::records::GrantRecord;
use crate::service::Kms;
use crate::{errors, keys, rows};

/// Ends a grant that has served its purpose. Whoever made it, may retire it or was granted that may do so.
pub async fn retire_grant(kms: &Kms, cx: &Ctx, input: RetireGrantRequest) -> Result<Empty, Error> {
    let (name, grant) = match (&input.grant_token, &input.key_id, &input.grant_id) {
        (Some(token), None, None) => {
            let token = read_token(kms, token)?;
            (KeyName { account: token.account, region: token.region, id: token.key }, token.grant)
        }
        (None, Some(key_id), Some(grant)) => (KeyName::parse(cx, key_id)?, grant.clone()),
        _ => return Err(errors::invalid("Either a grant token or a key ID and a grant ID must be specified.")),
    };
    end(kms, name, grant, input.dry_run).await
}

/// Ends a grant.
pub async fn revoke_grant(kms: &Kms, cx: &Ctx, input: RevokeGrantRequest) -> Result<Empty, Error> {
    end(kms, KeyName::parse(cx, &input.key_id)?, input.grant_id, input.dry_run).await
}

async fn end(kms: &Kms, name: KeyName, id: String, dry_run: Option<bool>) -> Result<Empty, Error> {
    kms.transact(&name.account.clone(), move |rows| {
        let mut record = rows::key(rows, &name)?;
        let grant: Option<GrantRecord> = rows::read(rows, &keys::grant(&name.region, &name.id, &id))?;
        let grant = grant.ok_or_else(|| errors::grant_not_found(&id))?;
        end_dry_run(dry_run)?;
        remove_grant(rows, &name, &grant);
        record.grants = record.grants.saturating_sub(1);
        rows::put_key(rows, &record)
    })
    .await?;
    Ok(Empty {})
}
