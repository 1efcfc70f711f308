//! Public keys.

use api::kms::{GetPublicKeyRequest, GetPublicKeyResponse};
use platform::Ctx;
use wire::Error;

use crate::errors;
use crate::metadata::metadata;
use crate::operations::encrypt::public_key_of;
use crate::operations::grants::check_tokens;
use crate::service::Kms;

/// The public half of a pair.
pub async fn get_public_key(kms: &Kms, cx: &Ctx, input: GetPublicKeyRequest) -> Result<GetPublicKeyResponse, Error> {
    check_tokens(kms, input.grant_tokens.as_deref())?;
    let record = kms.locate(cx, &input.key_id).await?;
    if !record.spec.is_pair() {
        return Err(errors::wrong_spec(&record.arn(), record.spec.name()));
    }
    kms.require_usable(&record)?;
    let shown = metadata(&record, None);
    Ok(GetPublicKeyResponse {
        key_id: shown.arn,
        public_key: Some(public_key_of(&record)?.into()),
        customer_master_key_spec: shown.customer_master_key_spec,
        key_spec: shown.key_spec,
        key_usage: shown.key_usage,
        encryption_algorithms: shown.encryption_algorithms,
        signing_algorithms: shown.signing_algorithms,
        key_agreement_algorithms: shown.key_agreement_algorithms,
        encapsulation_algorithms: shown.encapsulation_algorithms,
    })
}
