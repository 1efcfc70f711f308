//! Stopping, measuring and killing a running environment, directly and without the launcher.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;

use nix::sys::signal::{self, Signal};
use nix::unistd::Pid;

use crate::capabilities::FreezeMethod;
use crate::launcher::message::{ControlFiles, MemoryFiles};

/// The controls of one environment.
#[derive(Debug)]
pub(crate) struct Control {
    files: ControlFiles,
    freeze_file: Option<File>,
    pidfd: OwnedFd,
    frozen: bool,
}

impl Control {
    pub(crate) fn open(files: ControlFiles, pidfd: OwnedFd) -> io::Result<Control> {
        let freeze_file = match &files.freeze_file {
            Some(path) => Some(OpenOptions::new().write(true).open(path)?),
            None => None,
        };
        Ok(Control { files, freeze_file, pidfd, frozen: false })
    }

    pub(crate) fn freeze(&mut self) -> io::Result<()> {
        if !self.frozen {
            self.set_frozen(true)?;
            self.frozen = true;
        }
        Ok(())
    }

    pub(crate) fn thaw(&mut self) -> io::Result<()> {
        if self.frozen {
            self.set_frozen(false)?;
            self.frozen = false;
        }
        Ok(())
    }

    fn set_frozen(&mut self, frozen: bool) -> io::Result<()> {
        let word = match self.files.freeze_method {
            FreezeMethod::CgroupV2 => {
                if frozen {
                    "1"
                } else {
                    "0"
                }
            }
            FreezeMethod::CgroupV1 => {
                if frozen {
                    "FROZEN"
                } else {
                    "THAWED"
                }
            }
            FreezeMethod::Signal => {
                signal_all(self.files.pid, if frozen { Signal::SIGSTOP } else { Signal::SIGCONT });
                return Ok(());
            }
        };
        match &mut self.freeze_file {
            Some(file) => file.write_all(word.as_bytes()),
            None => Err(io::Error::from(io::ErrorKind::NotFound)),
        }
    }

    /// Kills every process of the environment: its first one is the init of a pid namespace.
    pub(crate) fn kill(&mut self) {
        kill_by_pidfd(&self.pidfd);
        // A frozen v1 cgroup holds even a killed process back. When it is gone already, so is the file.
        if self.files.freeze_method == FreezeMethod::CgroupV1 {
            let _ = self.thaw();
        }
    }

    /// Peak memory in bytes.
    pub(crate) fn peak_bytes(&self) -> io::Result<u64> {
        match &self.files.memory {
            Some(memory) => peak_bytes(memory),
            None => Ok(process_tree(self.files.pid).iter().map(|pid| high_water_bytes(*pid)).sum()),
        }
    }
}

pub(crate) fn kill_by_pidfd(pidfd: &OwnedFd) {
    // SAFETY: a plain system call with an open descriptor; the null siginfo means "as kill(2) would".
    // A process that has ended already is what was wanted.
    unsafe {
        libc::syscall(
            libc::SYS_pidfd_send_signal,
            pidfd.as_raw_fd(),
            libc::SIGKILL,
            std::ptr::null::<libc::siginfo_t>(),
            0,
        );
    }
}

/// Peak use of a memory cgroup without the file cache that could be reclaimed, which the kernel lets grow to the limit.
pub(crate) fn peak_bytes(memory: &MemoryFiles) -> io::Result<u64> {
    let peak_file = if memory.unified { "memory.peak" } else { "memory.max_usage_in_bytes" };
    let peak = read_number(&memory.directory.join(peak_file))?;
    let stat = fs::read_to_string(memory.directory.join("memory.stat"))?;
    let cache = field(&stat, "active_file") + field(&stat, "inactive_file");
    let process_memory = field(&stat, if memory.unified { "anon" } else { "rss" });
    Ok(peak.saturating_sub(cache).max(process_memory))
}

/// Processes killed by the kernel because a memory cgroup was at its limit.
pub(crate) fn oom_kills(memory: &MemoryFiles) -> u64 {
    let file = if memory.unified { "memory.events" } else { "memory.oom_control" };
    fs::read_to_string(memory.directory.join(file)).map_or(0, |text| field(&text, "oom_kill"))
}

fn read_number(path: &Path) -> io::Result<u64> {
    let text = fs::read_to_string(path)?;
    text.trim().parse().map_err(|_| io::Error::from(io::ErrorKind::InvalidData))
}

/// The number after a name in a file of `name number` lines; 0 when it is not there.
fn field(text: &str, name: &str) -> u64 {
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    value.and_then(|value| value.trim().parse().ok()).unwrap_or(0)
}

/// Rounds of looking for processes that were started while others were being stopped.
const SIGNAL_ROUNDS_MAX: usize = 8;

/// Signals every process of an environment. Repeated until no new one appears, as one may fork while it is looked for.
fn signal_all(init: i32, signal: Signal) {
    let mut known = Vec::new();
    for _ in 0..SIGNAL_ROUNDS_MAX {
        let new: Vec<i32> = process_tree(init).into_iter().filter(|pid| !known.contains(pid)).collect();
        if new.is_empty() {
            return;
        }
        for pid in &new {
            // One that has ended meanwhile needs no signal.
            let _ = signal::kill(Pid::from_raw(*pid), signal);
        }
        known.extend(new);
    }
}

/// A process and all its descendants. Every process of an environment descends from its init.
fn process_tree(root: i32) -> Vec<i32> {
    let mut tree = vec![root];
    let mut next = 0;
    while let Some(pid) = tree.get(next).copied().filter(|_| tree.len() <= crate::limits::PROCESSES_MAX as usize * 2) {
        next += 1;
        let Ok(tasks) = fs::read_dir(format!("/proc/{pid}/task")) else { continue };
        for task in tasks.flatten() {
            let children = fs::read_to_string(task.path().join("children")).unwrap_or_default();
            tree.extend(children.split_whitespace().filter_map(|child| child.parse::<i32>().ok()));
        }
    }
    tree
}

/// `VmHWM` of a process, in bytes; 0 when it has ended.
fn high_water_bytes(pid: i32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()).unwrap_or(0) * 1024
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_by_their_whole_name() {
        let text = "total_oom_kill 9\noom_kill_disable 1\noom_kill 3\n";
        assert_eq!(field(text, "oom_kill"), 3);
        assert_eq!(field(text, "missing"), 0);
    }

    #[test]
    fn the_process_tree_contains_children() {
        let mut child = std::process::Command::new("/bin/sleep").arg("60").spawn().unwrap();
        let tree = process_tree(std::process::id() as i32);
        assert!(tree.contains(&(child.id() as i32)));
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
