//! Tokens of pages: where the next page begins. Nobody should look into them.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde::de::DeserializeOwned;
use wire::Error;

use crate::errors;

/// The token for a place.
pub fn token<T: Serialize>(place: &T) -> String {
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(place).expect("a place is plain text and numbers"))
}

/// The place in a token; `None` without one.
///
/// # Errors
/// `InvalidNextTokenException`.
pub fn place<T: DeserializeOwned>(token: Option<&str>) -> Result<Option<T>, Error> {
    let read = |token: &str| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token).ok()?).ok();
    token.map(|token| read(token).ok_or_else(errors::next_token)).transpose()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn places_come_back_and_other_texts_are_refused(number: i64, name: String, junk: String) {
            prop_assert_eq!(place(Some(&token(&(number, &name)))).unwrap(), Some((number, name)));
            if let Err(error) = place::<(i64, String)>(Some(&junk)) {
                prop_assert!(error.is("InvalidNextTokenException"));
            }
        }
    }
}
