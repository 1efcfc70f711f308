//! Explanations of denials that only those may read who are allowed to: EC2 and its kin answer them sealed, and
//! `sts:DecodeAuthorizationMessage` opens them.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::core::Platform;

/// Longest message that is opened, in bytes of base 64 (API reference of DecodeAuthorizationMessage).
pub const ENCODED_BYTES_MAX: usize = 10_240;

/// Seals an explanation (JSON) of a denial in an account.
pub fn seal(platform: &Platform, account: &str, explanation: &str) -> String {
    URL_SAFE_NO_PAD.encode(platform.sealing.seal(&purpose(account), explanation.as_bytes()))
}

/// The explanation; `None` if it was not sealed here for that account, or was altered.
pub fn open(platform: &Platform, account: &str, encoded: &str) -> Option<String> {
    if encoded.len() > ENCODED_BYTES_MAX {
        return None;
    }
    let sealed = URL_SAFE_NO_PAD.decode(encoded).ok()?;
    let opened = platform.sealing.open(&purpose(account), &sealed).ok()?;
    String::from_utf8(opened.to_vec()).ok()
}

fn purpose(account: &str) -> String {
    format!("sts/authorization message/{account}")
}
