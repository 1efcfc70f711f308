//! Explanations of denials that only those may read who are allowed to (`sts:DecodeAuthorizationMessage`).

use api::sts::{DecodeAuthorizationMessageRequest, DecodeAuthorizationMessageResponse, errors};
use platform::Ctx;
use platform::credentials::authorization_message;
use wire::Error;

use super::Sts;

/// Opens a message that came with a denial in the caller's account.
pub async fn decode_authorization_message(
    _: &Sts,
    cx: &Ctx,
    input: DecodeAuthorizationMessageRequest,
) -> Result<DecodeAuthorizationMessageResponse, Error> {
    let opened = authorization_message::open(&cx.platform, &cx.account, &input.encoded_message);
    let refused = || errors::invalid_authorization_message_exception("Message is not valid");
    Ok(DecodeAuthorizationMessageResponse { decoded_message: Some(opened.ok_or_else(refused)?) })
}
