//! Stopping, measuring and killing a running environment, directly and without the launcher.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use nix::sys::signal::{self, Signal};
use nix::unistd::Pid;

use crate::capabilities::FreezeMethod;
use crate::launcher::message::{ControlFiles, CpuFiles, MemoryFiles};
use crate::launcher::syscall::pidfd_open;
use crate::limits;

/// The controls of one environment. Dropping them kills it.
#[derive(Debug)]
pub(crate) struct Control {
    files: ControlFiles,
    freeze_file: Option<File>,
    pidfd: OwnedFd,
    frozen: bool,
    peak: Option<PeakFile>,
}

impl Control {
    pub(crate) fn open(files: ControlFiles, pidfd: OwnedFd) -> io::Result<Control> {
        let mut control = Control { files, freeze_file: None, pidfd, frozen: false, peak: None };
        if let Some(path) = &control.files.freeze_file {
            control.freeze_file = unless_gone(OpenOptions::new().write(true).open(path))?;
        }
        if let Some(memory) = &control.files.memory {
            control.peak = unless_gone(PeakFile::open(memory))?;
        }
        Ok(control)
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
        // A thousand killed processes end in their own processor time, which may be little. When the environment is
        // gone already, so are the files.
        if let Some(files) = &self.files.cpu {
            let _ = CpuShare::of_the_dying().apply(files);
        }
        kill_by_pidfd(&self.pidfd);
        // A frozen v1 cgroup holds even a killed process back. When it is gone already, so is the file.
        if self.files.freeze_method == FreezeMethod::CgroupV1 {
            let _ = self.thaw();
        }
    }

    /// Processes that were killed because the memory limit was hit.
    pub(crate) fn oom_kills(&self) -> u64 {
        self.files.memory.as_ref().map_or(0, oom_kills)
    }

    /// Asks the function's program to end, by SIGTERM.
    pub(crate) fn terminate_program(&self) {
        // Others are left over from processes that the program has started.
        let Some(program) = children(self.files.pid).first().copied() else { return };
        // Looked at again behind the descriptor: a number that has been given to another process is not ours.
        if let Ok(pidfd) = pidfd_open(program)
            && children(self.files.pid).first() == Some(&program)
        {
            signal_by_pidfd(&pidfd, libc::SIGTERM);
        }
    }

    /// Ends the head start that initialisation has, if the machine shares CPU by memory size.
    pub(crate) fn end_init_boost(&self, memory_mb: u32) -> io::Result<()> {
        self.files.cpu.as_ref().map_or(Ok(()), |files| CpuShare::for_memory(memory_mb).apply(files))
    }

    /// Peak memory in bytes.
    pub(crate) fn peak_bytes(&self) -> io::Result<u64> {
        match (&self.files.memory, &self.peak) {
            (Some(memory), Some(peak)) => peak.read(memory, self.files.pid),
            _ => Ok(tree_high_water_bytes(self.files.pid)),
        }
    }
}

/// A control that was opened, or `None` when its cgroup is gone: a program that cannot be run, or that ends at once, may
/// have ended before its controls are opened. Why it ended is the launcher's to tell.
fn unless_gone<T>(opened: io::Result<T>) -> io::Result<Option<T>> {
    match opened {
        Ok(opened) => Ok(Some(opened)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The kernel's peak of a memory cgroup, kept open. It is read after every invocation, and as long as it has not moved
/// what was worked out from it holds.
#[derive(Debug)]
struct PeakFile {
    file: File,
    /// The kernel's peak when it was last read, and what [`peak_bytes`] made of it.
    last: Mutex<Option<(String, u64)>>,
}

impl PeakFile {
    fn open(memory: &MemoryFiles) -> io::Result<PeakFile> {
        Ok(PeakFile { file: File::open(memory.directory.join(peak_file(memory)))?, last: Mutex::new(None) })
    }

    fn read(&self, memory: &MemoryFiles, init: i32) -> io::Result<u64> {
        let mut buffer = [0; NUMBER_BYTES_MAX];
        let length = self.file.read_at(&mut buffer, 0)?;
        let now = String::from_utf8_lossy(&buffer[..length]).into_owned();
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((kernel, peak)) = &*last
            && *kernel == now
        {
            return Ok(*peak);
        }
        let peak = peak_bytes(memory, init)?;
        // At its limit the kernel's peak stands still while the processes' own may grow.
        *last = (limit_hits(memory) == 0).then_some((now, peak));
        Ok(peak)
    }
}

/// Bytes of a file that holds one 64-bit number.
const NUMBER_BYTES_MAX: usize = 32;

/// The file with a memory cgroup's peak, cache included.
fn peak_file(memory: &MemoryFiles) -> &'static str {
    if memory.unified { "memory.peak" } else { "memory.max_usage_in_bytes" }
}

impl Drop for Control {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A share of CPU time: so much per period, and so much weight against others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CpuShare {
    /// Microseconds per period; `None` is no bound.
    quota_us: Option<u64>,
    weight: u64,
}

/// Length of a scheduling period, in microseconds. AWS's is 20 ms too: short enough that a small share is a slow
/// processor rather than one that stops.
const CPU_PERIOD_US: u64 = 20_000;
/// v1 shares of one whole CPU, the kernel's default.
const SHARES_PER_CPU: u64 = 1_024;

/// v1 shares of what is done ahead of need: a sixteenth of what one whole CPU's worth of functions has.
const BACKGROUND_WEIGHT: u64 = SHARES_PER_CPU / 16;

impl CpuShare {
    /// The share AWS gives with a memory size.
    pub(crate) fn for_memory(memory_mb: u32) -> CpuShare {
        let (memory, whole) = (u64::from(memory_mb), u64::from(limits::MEMORY_MB_PER_CPU));
        let quota_us = (CPU_PERIOD_US * memory / whole).min(CPU_PERIOD_US * u64::from(limits::CPUS_MAX));
        CpuShare { quota_us: Some(quota_us), weight: SHARES_PER_CPU * memory / whole }
    }

    /// The same, raised to one whole CPU: AWS lets every function initialise at that speed.
    pub(crate) fn during_init(self) -> CpuShare {
        CpuShare { quota_us: self.quota_us.map(|quota| quota.max(CPU_PERIOD_US)), ..self }
    }

    /// The share of processes that only have to end: no bound, and the least weight.
    pub(crate) fn of_the_dying() -> CpuShare {
        CpuShare::for_memory(*limits::MEMORY_MB.start()).without_quota()
    }

    /// The share of what is done ahead of need: the least weight, so that what is needed now comes first.
    pub(crate) fn in_the_background() -> CpuShare {
        CpuShare { quota_us: None, weight: BACKGROUND_WEIGHT }
    }

    /// The same as a weight only.
    pub(crate) fn without_quota(self) -> CpuShare {
        CpuShare { quota_us: None, ..self }
    }

    pub(crate) fn apply(self, files: &CpuFiles) -> io::Result<()> {
        let write = |name: &str, text: String| {
            File::options().write(true).open(files.directory.join(name))?.write_all(text.as_bytes())
        };
        if files.unified {
            // v2 weights go from 1 to 10,000, with 100 where v1 has 1,024.
            write("cpu.weight", (self.weight * 100 / SHARES_PER_CPU).clamp(1, 10_000).to_string())?;
            let quota = self.quota_us.map_or("max".to_owned(), |quota| quota.to_string());
            write("cpu.max", format!("{quota} {CPU_PERIOD_US}"))
        } else {
            write("cpu.shares", self.weight.max(2).to_string())?;
            write("cpu.cfs_period_us", CPU_PERIOD_US.to_string())?;
            write("cpu.cfs_quota_us", self.quota_us.map_or("-1".to_owned(), |quota| quota.to_string()))
        }
    }
}

pub(crate) fn kill_by_pidfd(pidfd: &OwnedFd) {
    signal_by_pidfd(pidfd, libc::SIGKILL);
}

fn signal_by_pidfd(pidfd: &OwnedFd, signal: libc::c_int) {
    // SAFETY: a plain system call with an open descriptor; the null siginfo means "as kill(2) would".
    // A process that has ended already is what was wanted.
    unsafe {
        libc::syscall(libc::SYS_pidfd_send_signal, pidfd.as_raw_fd(), signal, std::ptr::null::<libc::siginfo_t>(), 0);
    }
}

/// Peak use of a memory cgroup whose first process is `init`, without reclaimable file cache.
///
/// The kernel counts cache into the peak, and lets it grow to the limit. While the limit has not been hit, taking away
/// the cache there is now is close. Once it has been hit, and processes were not killed for it, the peak is the limit
/// and says nothing; then the high-water marks of the processes are what is known.
pub(crate) fn peak_bytes(memory: &MemoryFiles, init: i32) -> io::Result<u64> {
    let peak = read_number(&memory.directory.join(peak_file(memory)))?;
    let stat = fs::read_to_string(memory.directory.join("memory.stat"))?;
    let cache = field(&stat, "active_file") + field(&stat, "inactive_file");
    let process_memory = field(&stat, if memory.unified { "anon" } else { "rss" });
    let without_cache = peak.saturating_sub(cache).max(process_memory);
    if limit_hits(memory) == 0 || oom_kills(memory) > 0 {
        return Ok(without_cache);
    }
    let processes = tree_high_water_bytes(init);
    Ok(if processes == 0 { without_cache } else { processes.max(process_memory).min(without_cache) })
}

/// How often a memory cgroup was at its limit and something had to be reclaimed.
fn limit_hits(memory: &MemoryFiles) -> u64 {
    if memory.unified {
        fs::read_to_string(memory.directory.join("memory.events")).map_or(0, |text| field(&text, "max"))
    } else {
        read_number(&memory.directory.join("memory.failcnt")).unwrap_or(0)
    }
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
    while let Some(pid) = tree.get(next).copied().filter(|_| tree.len() <= limits::PROCESSES_MAX as usize * 2) {
        next += 1;
        let Ok(tasks) = fs::read_dir(format!("/proc/{pid}/task")) else { continue };
        for task in tasks.flatten() {
            let children = fs::read_to_string(task.path().join("children")).unwrap_or_default();
            tree.extend(children.split_whitespace().filter_map(|child| child.parse::<i32>().ok()));
        }
    }
    tree
}

/// What the one thread of a process has started and has not been waited for, oldest first.
fn children(pid: i32) -> Vec<i32> {
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    children.split_whitespace().filter_map(|child| child.parse().ok()).collect()
}

/// The high-water marks of a process and its descendants, added up, in bytes.
fn tree_high_water_bytes(root: i32) -> u64 {
    process_tree(root).iter().map(|pid| high_water_bytes(*pid)).sum()
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
    fn an_environment_that_has_ended_already_has_controls_all_the_same() {
        let mut ended = std::process::Command::new("/bin/true").spawn().unwrap();
        let pidfd = pidfd_open(ended.id() as i32).unwrap();
        ended.wait().unwrap();
        let gone = std::path::PathBuf::from("/nonexistent/cgroup");
        let files = ControlFiles {
            pid: ended.id() as i32,
            freeze_method: FreezeMethod::CgroupV2,
            freeze_file: Some(gone.join("cgroup.freeze")),
            memory: Some(MemoryFiles { directory: gone, unified: true }),
            cpu: None,
        };
        assert!(Control::open(files, pidfd).is_ok());
    }

    #[test]
    fn cpu_follows_memory_up_to_six() {
        assert_eq!(CpuShare::for_memory(1_769).quota_us, Some(CPU_PERIOD_US));
        assert_eq!(CpuShare::for_memory(128).quota_us, Some(1_447));
        assert_eq!(CpuShare::for_memory(10_240).quota_us, Some(115_771));
        assert_eq!(CpuShare::for_memory(128).during_init().quota_us, Some(CPU_PERIOD_US));
    }

    #[test]
    fn stopping_by_signal_reaches_every_descendant() {
        let mut shell = std::process::Command::new("/bin/sh")
            .args(["-c", "sleep 60 & sleep 60 & echo started; wait"])
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        io::Read::read_exact(&mut shell.stdout.take().unwrap(), &mut [0; 7]).unwrap();
        let root = shell.id() as i32;
        let state = |pid: &i32| {
            let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
            stat.rsplit(") ").next().unwrap().chars().next().unwrap()
        };
        let tree = process_tree(root);
        assert_eq!(tree.len(), 3);
        signal_all(root, Signal::SIGSTOP);
        while !tree.iter().all(|pid| state(pid) == 'T') {
            std::thread::yield_now();
        }
        signal_all(root, Signal::SIGCONT);
        while tree.iter().any(|pid| state(pid) == 'T') {
            std::thread::yield_now();
        }
        signal_all(root, Signal::SIGKILL);
        shell.wait().unwrap();
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
