//! `/_traca/clock`: what time the platform has, and moving it ahead.

use std::time::Duration;

use http::StatusCode;
use http::request::Parts;
use platform::time_travel::AdvanceError;
use serde_json::{Value, json};
use wire::Timestamp;
use wire::protocol::ResponseParts;

use crate::admin::{document, failure, is_local_client, query_value};
use crate::connection::ConnectionInfo;
use crate::gateway::Inner;

/// What the clock shows.
pub(crate) fn show(gateway: &Inner) -> ResponseParts {
    document(StatusCode::OK, &state(gateway))
}

fn state(gateway: &Inner) -> Value {
    let clock = &gateway.platform.clock;
    let text = |time: Timestamp| {
        let mut text = String::new();
        time.write_iso8601_milliseconds(&mut text);
        text
    };
    json!({ "now": text(clock.now()), "machine": text(clock.machine()), "ahead_seconds": clock.ahead().as_secs_f64() })
}

/// Moves the clock ahead by the duration in the query (`?advance=1h`).
pub(crate) async fn advance(gateway: &Inner, info: &ConnectionInfo, parts: &Parts) -> ResponseParts {
    if !is_local_client(gateway, info, parts) {
        return failure(StatusCode::FORBIDDEN, "only local clients of a platform in open mode may move its clock");
    }
    let given = query_value(parts.uri.query().unwrap_or_default(), "advance");
    let Some(by) = given.as_deref().and_then(duration) else {
        let text = "name a duration with the query parameter advance: 90s, 15m, 1h30m, 2d, 1w";
        return failure(StatusCode::BAD_REQUEST, text);
    };
    match gateway.platform.advance_clock(by).await {
        Ok(()) => show(gateway),
        Err(error @ AdvanceError::TooFar) => failure(StatusCode::BAD_REQUEST, &error.to_string()),
        Err(error) => {
            tracing::error!(%error, "the clock cannot be moved");
            failure(StatusCode::INTERNAL_SERVER_ERROR, "the clock was not moved; the log says why")
        }
    }
}

/// Reads a duration: whole numbers with a unit each (`ms`, `s`, `m`, `h`, `d`, `w`), one behind the other.
fn duration(text: &str) -> Option<Duration> {
    let mut sum = Duration::ZERO;
    let mut rest = text;
    while !rest.is_empty() {
        let (number, behind) = rest.split_at(rest.find(|character: char| !character.is_ascii_digit())?);
        let (unit, next) =
            behind.split_at(behind.find(|character: char| character.is_ascii_digit()).unwrap_or(behind.len()));
        let milliseconds: u64 = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            "w" => 604_800_000,
            _ => return None,
        };
        let part = number.parse::<u64>().ok()?.checked_mul(milliseconds)?;
        sum = sum.checked_add(Duration::from_millis(part))?;
        rest = next;
    }
    (!text.is_empty()).then_some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_sums_of_numbers_with_units() {
        for (text, seconds) in [("1h", 3_600), ("90s", 90), ("1h30m", 5_400), ("2d", 172_800), ("1w1d", 691_200)] {
            assert_eq!(duration(text), Some(Duration::from_secs(seconds)), "{text}");
        }
        assert_eq!(duration("1500ms"), Some(Duration::from_millis(1_500)));
        for text in ["", "1", "h", "1x", "-1h", "1.5h", "1h ", "99999999999999999999s", "18446744073709551615w", "é"] {
            assert_eq!(duration(text), None, "{text}");
        }
    }
}
