//! Time: the machine's, moved ahead where the operator asked for it, or a test's.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;
use tokio::sync::watch;
use wire::Timestamp;

/// The source of time. Cheap to clone; all clones of a clock move together.
#[derive(Debug, Clone)]
pub struct Clock(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    basis: Basis,
    ahead: Mutex<Ahead>,
    moved: watch::Sender<()>,
}

#[derive(Debug)]
enum Basis {
    /// The machine's clock.
    Machine { started: Instant },
    /// Stands still at this time since 1970.
    Still(Duration),
}

/// How far a clock was moved.
#[derive(Debug, Clone, Copy, Default)]
struct Ahead {
    /// What the time of day is ahead by.
    of_day: Duration,
    /// The sum of all moves: what measures waits never goes back.
    of_waits: Duration,
}

impl Clock {
    /// The machine's clock.
    pub fn real() -> Clock {
        Clock::over(Basis::Machine { started: Instant::now() })
    }

    /// A clock that stands at `start` and moves only when told to.
    pub fn controlled(start: Timestamp) -> Clock {
        Clock::over(Basis::Still(Duration::new(start.seconds.max(0) as u64, start.nanoseconds)))
    }

    fn over(basis: Basis) -> Clock {
        Clock(Arc::new(Inner { basis, ahead: Mutex::default(), moved: watch::channel(()).0 }))
    }

    /// The current time.
    pub fn now(&self) -> Timestamp {
        timestamp(self.since_epoch())
    }

    /// Milliseconds since 1970.
    pub fn milliseconds(&self) -> i64 {
        self.since_epoch().as_millis() as i64
    }

    /// The time that clients' own clocks show: what they sign with is judged by it, wherever this clock was moved to.
    pub fn machine(&self) -> Timestamp {
        match &self.0.basis {
            Basis::Machine { .. } => timestamp(machine()),
            Basis::Still(_) => self.now(),
        }
    }

    /// Time that never goes backwards and moves along with the clock, for waits.
    pub fn monotonic(&self) -> Duration {
        let moved = self.0.ahead.lock().of_waits;
        match &self.0.basis {
            Basis::Machine { started } => started.elapsed() + moved,
            Basis::Still(start) => *start + moved,
        }
    }

    /// Time that never goes backwards and does not move with the clock, for measuring how long something took.
    pub fn stopwatch(&self) -> Duration {
        match &self.0.basis {
            Basis::Machine { started } => started.elapsed(),
            Basis::Still(_) => self.monotonic(),
        }
    }

    /// Waits for a duration of this clock.
    pub async fn sleep(&self, duration: Duration) {
        let mut moved = self.0.moved.subscribe();
        let deadline = self.monotonic().saturating_add(duration);
        loop {
            let left = deadline.saturating_sub(self.monotonic());
            if left.is_zero() {
                return;
            }
            let passed = async {
                match &self.0.basis {
                    Basis::Machine { .. } => tokio::time::sleep(left).await,
                    Basis::Still(_) => std::future::pending().await,
                }
            };
            tokio::select! {
                () = passed => {}
                changed = moved.changed() => if changed.is_err() { return },
            }
        }
    }

    /// Moves the clock forward and wakes whoever waits for a time that has come.
    pub fn advance(&self, duration: Duration) {
        {
            let mut ahead = self.0.ahead.lock();
            ahead.of_day = ahead.of_day.saturating_add(duration);
            ahead.of_waits = ahead.of_waits.saturating_add(duration);
        }
        self.0.moved.send_replace(());
    }

    /// What the clock is ahead of where it would be had it not been moved.
    pub fn ahead(&self) -> Duration {
        self.0.ahead.lock().of_day
    }

    /// Sets the clock back to where it would be had it not been moved. Only for a platform without any state: what it
    /// holds would be of the future.
    pub(crate) fn go_back(&self) {
        self.0.ahead.lock().of_day = Duration::ZERO;
        self.0.moved.send_replace(());
    }

    fn since_epoch(&self) -> Duration {
        let ahead = self.ahead();
        match &self.0.basis {
            Basis::Machine { .. } => machine() + ahead,
            Basis::Still(start) => *start + ahead,
        }
    }
}

fn machine() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

fn timestamp(since_epoch: Duration) -> Timestamp {
    Timestamp { seconds: since_epoch.as_secs() as i64, nanoseconds: since_epoch.subsec_nanos() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);

    #[tokio::test]
    async fn a_machines_clock_is_moved_with_all_who_wait_and_goes_on() {
        let clock = Clock::real();
        let waiting = tokio::spawn({
            let clock = clock.clone();
            async move { clock.sleep(DAY).await }
        });
        tokio::task::yield_now().await;
        let (before, waited) = (clock.now(), clock.monotonic());
        clock.advance(DAY);
        waiting.await.expect("the wait ends");
        assert!(clock.now().seconds >= before.seconds + 86_400);
        assert!(clock.monotonic() >= waited + DAY);
        assert!(clock.machine().seconds < before.seconds + 86_400, "the machine's own time stays");
        assert!(clock.stopwatch() < DAY);
        assert_eq!(clock.ahead(), DAY);
    }

    #[test]
    fn going_back_moves_the_time_of_day_only() {
        let clock = Clock::controlled(Timestamp::from_milliseconds(1_000));
        clock.advance(DAY);
        clock.go_back();
        assert_eq!(clock.milliseconds(), 1_000);
        assert_eq!(clock.monotonic(), DAY + Duration::from_secs(1));
    }

    #[tokio::test]
    async fn a_wait_of_nothing_is_over() {
        Clock::controlled(Timestamp::from_milliseconds(0)).sleep(Duration::ZERO).await;
    }
}
