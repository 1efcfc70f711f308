//! Time: the machine's, or a test's.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;
use tokio::sync::watch;
use wire::Timestamp;

/// The source of time. Cheap to clone; all clones of a controlled clock move together.
#[derive(Debug, Clone)]
pub struct Clock(Inner);

#[derive(Debug, Clone)]
enum Inner {
    Real { started: Instant },
    Controlled(Arc<Controlled>),
}

#[derive(Debug)]
struct Controlled {
    now: Mutex<Duration>,
    moved: watch::Sender<()>,
}

impl Clock {
    /// The machine's clock.
    pub fn real() -> Clock {
        Clock(Inner::Real { started: Instant::now() })
    }

    /// A clock that stands at `start` and moves only when told to.
    pub fn controlled(start: Timestamp) -> Clock {
        let since_epoch = Duration::new(start.seconds.max(0) as u64, start.nanoseconds);
        let (moved, _) = watch::channel(());
        Clock(Inner::Controlled(Arc::new(Controlled { now: Mutex::new(since_epoch), moved })))
    }

    /// The current time.
    pub fn now(&self) -> Timestamp {
        let since_epoch = self.since_epoch();
        Timestamp { seconds: since_epoch.as_secs() as i64, nanoseconds: since_epoch.subsec_nanos() }
    }

    /// Milliseconds since 1970.
    pub fn milliseconds(&self) -> i64 {
        self.since_epoch().as_millis() as i64
    }

    /// Time that never goes backwards, for measuring how long something took.
    pub fn monotonic(&self) -> Duration {
        match &self.0 {
            Inner::Real { started } => started.elapsed(),
            Inner::Controlled(clock) => *clock.now.lock(),
        }
    }

    /// Waits for a duration of this clock.
    pub async fn sleep(&self, duration: Duration) {
        match &self.0 {
            Inner::Real { .. } => tokio::time::sleep(duration).await,
            Inner::Controlled(clock) => {
                let deadline = *clock.now.lock() + duration;
                let mut moved = clock.moved.subscribe();
                while *clock.now.lock() < deadline {
                    if moved.changed().await.is_err() {
                        return;
                    }
                }
            }
        }
    }

    /// Moves a controlled clock forward and wakes whoever waits for a time that has come. Returns whether this clock can
    /// be moved.
    pub fn advance(&self, duration: Duration) -> bool {
        match &self.0 {
            Inner::Real { .. } => false,
            Inner::Controlled(clock) => {
                *clock.now.lock() += duration;
                clock.moved.send_replace(());
                true
            }
        }
    }

    fn since_epoch(&self) -> Duration {
        match &self.0 {
            Inner::Real { .. } => SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default(),
            Inner::Controlled(clock) => *clock.now.lock(),
        }
    }
}
