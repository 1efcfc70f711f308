//! Tokens of pages: where the next page begins. Nobody should look into them.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use wire::Error;

use crate::errors;

/// The token for what comes after a name.
pub fn token(last: &str) -> String {
    URL_SAFE_NO_PAD.encode(last)
}

/// The name in a token; `None` without one.
///
/// # Errors
/// `InvalidNextToken`.
pub fn place(token: Option<&str>) -> Result<Option<String>, Error> {
    let read = |token: &str| String::from_utf8(URL_SAFE_NO_PAD.decode(token).ok()?).ok();
    token.map(|token| read(token).ok_or_else(errors::next_token)).transpose()
}
