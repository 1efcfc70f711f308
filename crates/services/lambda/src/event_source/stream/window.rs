//! Windows in which a function aggregates records. Developer guide, "Using tumbling windows to aggregate data".

use std::time::Duration;

use serde_json::{Value, json};
use wire::Timestamp;

use super::lane::Lane;
use crate::event_source::progress::Window;

/// What a window begins with.
const STATE_AT_FIRST: &str = "{}";

/// Largest state of a window, in bytes: 1 MB a shard (the same page). Beyond it the window is ended early.
pub const STATE_BYTES_MAX: usize = 1024 * 1024;

/// What an invocation within a window tells besides its records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// More may follow.
    Under,
    /// It is the last one.
    Final,
    /// The state has become too large: the window goes on with a fresh one.
    Early,
}

impl Lane {
    fn window_milliseconds(&self) -> Option<i64> {
        let seconds = self.poller.settings.tumbling_seconds;
        (seconds > 0).then(|| i64::from(seconds) * 1_000)
    }

    /// The beginning of the window that this time is in, if there are windows.
    pub(super) fn window_start(&self, time: i64) -> Option<i64> {
        self.window_milliseconds().map(|length| time.div_euclid(length) * length)
    }

    /// How long the window that was begun still lasts.
    pub(super) fn window_left(&self) -> Option<Duration> {
        let end = self.window.as_ref()?.start + self.window_milliseconds()?;
        let left = end.saturating_sub(self.poller.lambda.platform.clock.milliseconds()).max(0);
        Some(Duration::from_millis(left.unsigned_abs()))
    }

    /// Begins the window of these records, after ending another one. Answers whether the lane goes on.
    pub(super) async fn enter_window(&mut self, batch: &[super::lane::Tracked]) -> bool {
        let first = batch.first().and_then(|first| self.window_start(first.record.arrived_at));
        let Some(start) = first else { return true };
        if self.window.as_ref().is_some_and(|window| window.start == start) {
            return true;
        }
        let goes_on = self.finish_window().await;
        self.window = Some(Window { start, state: STATE_AT_FIRST.to_owned() });
        goes_on
    }

    /// Lets the function finish the window, if one was begun: again until it succeeds. Answers whether the lane goes on.
    pub(super) async fn finish_window(&mut self) -> bool {
        if self.window.is_none() {
            return true;
        }
        if !self.invoke_until_handled(Phase::Final).await {
            return false;
        }
        self.window = None;
        self.keeper.save_window(None).await;
        true
    }

    /// Takes the state a function has answered. One that is too large is handed over at once, and a fresh one follows.
    /// Answers whether the lane goes on.
    pub(super) async fn take_state(&mut self, state: String) -> bool {
        let is_too_large = state.len() > STATE_BYTES_MAX;
        let Some(window) = self.window.as_mut() else { return true };
        window.state = state;
        if is_too_large {
            if !self.invoke_until_handled(Phase::Early).await {
                return false;
            }
            if let Some(window) = self.window.as_mut() {
                STATE_AT_FIRST.clone_into(&mut window.state);
            }
        }
        true
    }

    /// The members of an event that tell about the window, each with a comma in front; nothing if there are no windows.
    pub(super) fn window_members(&self, phase: Phase) -> String {
        let (Some(window), Some(length)) = (&self.window, self.window_milliseconds()) else { return String::new() };
        let span = json!({ "start": instant(window.start), "end": instant(window.start + length) });
        format!(
            r#","window":{span},"state":{},"shardId":{},"eventSourceARN":{},"isFinalInvokeForWindow":{},"isWindowTerminatedEarly":{}"#,
            window.state,
            Value::from(self.shard.as_str()),
            Value::from(self.poller.source.arn()),
            phase == Phase::Final,
            phase == Phase::Early
        )
    }
}

/// A time as it stands in windows: `2020-07-30T17:00:00Z`.
fn instant(milliseconds: i64) -> String {
    let mut text = String::new();
    Timestamp::from_milliseconds(milliseconds).write(wire::schema::TimestampFormat::Iso8601, &mut text);
    text
}
