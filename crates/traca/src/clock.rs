//! `traca clock`: what time a running platform has, and moving it ahead.

use std::time::Duration;

use bytes::Bytes;
use http::Method;
use outbound::{Bounds, Egress, Outgoing, Reach};
use serde_json::Value;

use crate::cli::{ClockArgs, ClockCommand};
use crate::failure::Failure;
use crate::output::Output;

/// Bounds of the one request: the platform answers at once, with a line of text.
const BOUNDS: Bounds = Bounds { time: Duration::from_secs(30), body_bytes: 64 * 1024 };

/// Runs the command.
pub async fn run(args: &ClockArgs) -> Result<(), Failure> {
    let page = format!("{}/_traca/clock", args.endpoint.trim_end_matches('/'));
    let (method, url) = match &args.command {
        None => (Method::GET, page),
        Some(ClockCommand::Advance { by }) => {
            let by = percent_encoding::utf8_percent_encode(by, percent_encoding::NON_ALPHANUMERIC);
            (Method::POST, format!("{page}?advance={by}"))
        }
    };
    let request = Outgoing { method, url, headers: Vec::new(), body: Bytes::new() };
    let anywhere = Egress::new(Reach::Local, Vec::new(), Vec::new());
    let answer = outbound::send(&anywhere, request, BOUNDS).await.map_err(|error| {
        let hint = "name a running platform with --endpoint URL";
        Failure::new(Failure::UNAVAILABLE, format!("{} does not answer: {error}; {hint}", args.endpoint))
    })?;
    let document: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    if answer.status != 200 {
        let reason = document["message"].as_str().unwrap_or("it is no platform of this version");
        return Err(Failure::new(Failure::GENERAL, format!("{} answered {}: {reason}", args.endpoint, answer.status)));
    }
    let (now, machine) =
        (document["now"].as_str().unwrap_or_default(), document["machine"].as_str().unwrap_or_default());
    let ahead = document["ahead_seconds"].as_f64().unwrap_or_default();
    let text = if ahead == 0.0 {
        format!("{now}, as the machine's")
    } else {
        format!("{now}, {ahead} seconds ahead of the machine's {machine}")
    };
    Output::new(args.json).result("clock", document, &text);
    Ok(())
}
