//! Tokens of pages.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use wire::Error;

use crate::errors;
use crate::keys::Position;

/// A place between events and the direction in which to go on from there: `f/POSITION/s` or `b/POSITION/s`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventToken {
    /// Towards later events.
    pub forward: bool,
    /// The last event that was seen: it is not returned again.
    pub seen: Position,
}

impl EventToken {
    /// Reads a token of `GetLogEvents`.
    ///
    /// # Errors
    /// `InvalidParameterException`.
    pub fn parse(token: &str) -> Result<EventToken, Error> {
        let (forward, rest) = match token.split_at_checked(2) {
            Some(("f/", rest)) => (true, rest),
            Some(("b/", rest)) => (false, rest),
            _ => return Err(errors::invalid_token()),
        };
        let seen = rest.strip_suffix("/s").and_then(Position::parse).ok_or_else(errors::invalid_token)?;
        Ok(EventToken { forward, seen })
    }

    /// The token as `FilterLogEvents` gives it out: nobody should look into it.
    pub fn opaque(&self) -> String {
        seal(&self.to_string())
    }

    /// Reads a token of `FilterLogEvents`.
    ///
    /// # Errors
    /// `InvalidParameterException`.
    pub fn parse_opaque(token: &str) -> Result<EventToken, Error> {
        EventToken::parse(&unseal(token)?)
    }
}

impl fmt::Display for EventToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}/s", if self.forward { 'f' } else { 'b' }, self.seen)
    }
}

/// A token that carries a text.
pub fn seal(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(text)
}

/// The text of a token.
///
/// # Errors
/// `InvalidParameterException`.
pub fn unseal(token: &str) -> Result<String, Error> {
    let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| errors::invalid_token())?;
    String::from_utf8(bytes).map_err(|_| errors::invalid_token())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_read_back() {
        for forward in [true, false] {
            let token = EventToken { forward, seen: Position { timestamp: 1_700_000_000_123, sequence: 9 } };
            assert_eq!(EventToken::parse(&token.to_string()).expect("a token"), token);
            assert_eq!(EventToken::parse_opaque(&token.opaque()).expect("a token"), token);
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", "f", "f/", "f/1/s", "é/", "x/00/s", "f/é/s"] {
            let error = EventToken::parse(text).expect_err(text);
            assert_eq!(error.to_string(), "InvalidParameterException: The specified nextToken is invalid.");
            assert!(EventToken::parse_opaque(text).is_err(), "{text}");
        }
    }
}
