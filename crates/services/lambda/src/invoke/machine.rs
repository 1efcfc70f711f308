//! Whether this machine can take one more environment.

use std::fs::File;
use std::io::Read;

use super::limits::{AHEAD_MEMORY_RESERVE_KIB, MACHINE_MEMORY_RESERVE_KIB};

/// Whether enough memory is left. True where it cannot be told.
pub fn has_room() -> bool {
    has_kib(MACHINE_MEMORY_RESERVE_KIB)
}

/// Whether enough memory is left to make environments that may never be needed. True where it cannot be told.
pub fn is_at_ease() -> bool {
    has_kib(AHEAD_MEMORY_RESERVE_KIB)
}

/// Bytes at the beginning of the kernel's page, in which the figure stands: its first lines are fixed.
const MEMINFO_BYTES: usize = 512;

fn has_kib(reserve: u64) -> bool {
    let mut beginning = [0; MEMINFO_BYTES];
    let length = File::open("/proc/meminfo").and_then(|mut page| page.read(&mut beginning)).unwrap_or_default();
    available_kib(&String::from_utf8_lossy(&beginning[..length])).is_none_or(|available| available > reserve)
}

fn available_kib(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_figure_is_read() {
        assert_eq!(available_kib("MemTotal: 100 kB\nMemAvailable:   24042 kB\n"), Some(24_042));
        assert_eq!(available_kib("MemTotal: 100 kB\n"), None);
    }
}
