//! Random bytes.

use api::kms::{GenerateRandomRequest, GenerateRandomResponse};
use platform::Ctx;
use wire::Error;

use crate::errors;
use crate::service::Kms;

/// Random bytes.
pub async fn generate_random(
    kms: &Kms,
    _cx: &Ctx,
    input: GenerateRandomRequest,
) -> Result<GenerateRandomResponse, Error> {
    if input.custom_key_store_id.is_some() {
        return Err(errors::unsupported_parameter("CustomKeyStoreId"));
    }
    if input.recipient.is_some() {
        return Err(errors::unsupported_parameter("Recipient"));
    }
    let length = input.number_of_bytes.ok_or_else(|| errors::invalid("NumberOfBytes is required."))?;
    let bytes = kms.random_bytes(usize::try_from(length).unwrap_or_default());
    Ok(GenerateRandomResponse { plaintext: Some(bytes.to_vec().into()), ciphertext_for_recipient: None })
}
