//! Tokens of listings. They hold everything themselves, and a mark that only this installation can make.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use platform::Sealing;
use serde::Serialize;
use serde::de::DeserializeOwned;

const MARK_BYTES: usize = 16;

/// The text of a token; `purpose` names the listing.
pub fn text<T: Serialize>(sealing: &Sealing, purpose: &str, token: &T) -> String {
    let body = serde_json::to_vec(token).expect("a token is plain text and numbers");
    let mark = sealing.fingerprint(purpose, &body);
    BASE64.encode([&mark[..MARK_BYTES], &body].concat())
}

/// Reads the text of a token that this installation made for the same purpose.
pub fn parse<T: DeserializeOwned>(sealing: &Sealing, purpose: &str, text: &str) -> Option<T> {
    let bytes = BASE64.decode(text).ok()?;
    let (mark, body) = bytes.split_at_checked(MARK_BYTES)?;
    let own = sealing.fingerprint(purpose, body);
    if own[..MARK_BYTES] == *mark { serde_json::from_slice(body).ok() } else { None }
}

/// What a token holds, whoever made it: to see which stream's listing it goes on with.
pub fn read<T: DeserializeOwned>(text: &str) -> Option<T> {
    let bytes = BASE64.decode(text).ok()?;
    serde_json::from_slice(bytes.get(MARK_BYTES..)?).ok()
}
