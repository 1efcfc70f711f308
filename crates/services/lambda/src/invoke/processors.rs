//! Whether the machine's processors have time left.

use std::fs::File;
use std::io::Read;
use std::thread::available_parallelism;
use std::time::Duration;

use parking_lot::Mutex;

/// How long the kernel's figures are compared over: its clock ticks a hundred times a second.
const WINDOW: Duration = Duration::from_millis(100);

/// Figures older than this say nothing of the present.
const WINDOW_MAX: Duration = Duration::from_millis(500);

/// Of all time in the window, the part that processors may have been idle while they count as busy: one in this many.
const IDLE_SHARE: u64 = 16;

/// Bytes at the beginning of the kernel's page, in which the sum over all processors stands.
const STAT_BYTES: usize = 256;

/// The machine's processors.
pub struct Processors {
    count: usize,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    /// Monotonic time of the figures.
    at: Duration,
    ticks: Ticks,
    busy: bool,
}

/// Time since the machine started, of all processors together, in the kernel's clock ticks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Ticks {
    idle: u64,
    all: u64,
}

impl Processors {
    /// The processors this process may use.
    pub fn new() -> Processors {
        Processors { count: available_parallelism().map_or(1, usize::from), seen: Mutex::default() }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Whether none of them had time left a moment ago. False where it cannot be told. `now` is monotonic.
    pub fn are_busy(&self, now: Duration) -> bool {
        let mut seen = self.seen.lock();
        let age = now.saturating_sub(seen.at);
        if age >= WINDOW {
            let ticks = Ticks::now().unwrap_or_default();
            let busy = age <= WINDOW_MAX && ticks.are_full_since(seen.ticks);
            *seen = Seen { at: now, ticks, busy };
        }
        seen.busy
    }
}

impl Ticks {
    fn now() -> Option<Ticks> {
        let mut beginning = [0; STAT_BYTES];
        let length = File::open("/proc/stat").and_then(|mut page| page.read(&mut beginning)).ok()?;
        Ticks::read(&String::from_utf8_lossy(&beginning[..length]))
    }

    /// Reads the line of all processors: user, nice, system, idle, I/O wait, interrupts, soft interrupts, stolen (proc(5)).
    fn read(stat: &str) -> Option<Ticks> {
        let line = stat.lines().next()?.strip_prefix("cpu ")?;
        let figures: Vec<u64> = line.split_ascii_whitespace().take(8).map_while(|figure| figure.parse().ok()).collect();
        Some(Ticks { idle: figures.get(3)? + figures.get(4)?, all: figures.iter().sum() })
    }

    fn are_full_since(self, before: Ticks) -> bool {
        let (idle, all) = (self.idle.saturating_sub(before.idle), self.all.saturating_sub(before.all));
        all > 0 && idle * IDLE_SHARE <= all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_figures_are_read() {
        let stat = "cpu  10 1 20 300 5 2 3 4 7 8\ncpu0 5 0 10 150 2 1 1 2 0 0\n";
        assert_eq!(Ticks::read(stat), Some(Ticks { idle: 305, all: 345 }));
        assert_eq!(Ticks::read("intr 1"), None);
        assert!(Ticks::now().is_some_and(|now| now.all > 0));
    }

    #[test]
    fn processors_are_busy_when_hardly_any_time_was_idle() {
        let before = Ticks { idle: 100, all: 1_000 };
        assert!(Ticks { idle: 101, all: 1_020 }.are_full_since(before));
        assert!(!Ticks { idle: 102, all: 1_020 }.are_full_since(before));
        assert!(!before.are_full_since(before));
    }

    #[test]
    fn a_first_look_says_nothing() {
        assert!(!Processors::new().are_busy(Duration::from_secs(3_600)));
    }
}
