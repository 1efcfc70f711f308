//! Where cgroups are on this machine, and tidying up what an earlier platform left there.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::ownership;

/// What the name of a group for a platform's own processes begins with. Nothing in one is ever killed.
const PLATFORM_LEAF_PREFIX: &str = "traca-platform-";

/// A hierarchy in which directories can be made.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct CgroupMount {
    /// The directory to make ours in.
    pub(crate) base: PathBuf,
    pub(crate) unified: bool,
    pub(crate) controllers: Vec<String>,
}

/// The hierarchies in which this process can make directories, v2 first.
pub(crate) fn usable(platform_pid: i32) -> Vec<CgroupMount> {
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let mut found: Vec<CgroupMount> =
        mounts.lines().filter_map(parse_mount).filter_map(|mount| in_use(mount, &own, platform_pid)).collect();
    found.sort_by_key(|mount| !mount.unified);
    found
}

/// A cgroup mount as `/proc/self/mountinfo` tells it: where, whether v2, and the v1 controllers.
fn parse_mount(line: &str) -> Option<CgroupMount> {
    let (before, after) = line.split_once(" - ")?;
    let base = PathBuf::from(before.split(' ').nth(4)?);
    let mut fields = after.split(' ');
    match fields.next()? {
        "cgroup2" => Some(CgroupMount { base, unified: true, controllers: Vec::new() }),
        "cgroup" => {
            let options = fields.nth(1)?;
            let controllers = options.split(',').map(str::to_owned).collect();
            Some(CgroupMount { base, unified: false, controllers })
        }
        _ => None,
    }
}

/// Settles on the directory to use in a hierarchy, or `None` when none may be written to. The topmost is tried first:
/// it is the one in which v2 has no objection to processes beside groups; an ordinary user has at best its own.
fn in_use(mount: CgroupMount, own: &str, platform_pid: i32) -> Option<CgroupMount> {
    if !mount.unified {
        return is_writable(&mount.base).then_some(mount);
    }
    let own_path = own.lines().find_map(|line| line.strip_prefix("0::/"))?;
    let base = [mount.base.clone(), mount.base.join(own_path)].into_iter().find(|base| is_writable(base))?;
    let mut controllers = enable_controllers(&base);
    if controllers.is_empty() && step_aside(&base, platform_pid) {
        controllers = enable_controllers(&base);
    }
    Some(CgroupMount { base, unified: true, controllers })
}

/// Lets groups below `base` use the controllers we want, and says which could be had. Fails for all of them where
/// processes sit in `base` itself, unless it is the root of the hierarchy.
fn enable_controllers(base: &Path) -> Vec<String> {
    let available = fs::read_to_string(base.join("cgroup.controllers")).unwrap_or_default();
    let wanted =
        ["memory", "cpu", "pids"].into_iter().filter(|name| available.split_whitespace().any(|had| had == *name));
    wanted.filter(|name| write(&base.join("cgroup.subtree_control"), &format!("+{name}"))).map(str::to_owned).collect()
}

/// Moves this process and the platform into a leaf of their own. False when there is nothing to gain or others share
/// the cgroup.
fn step_aside(base: &Path, platform_pid: i32) -> bool {
    if fs::read_to_string(base.join("cgroup.controllers")).unwrap_or_default().trim().is_empty() {
        return false;
    }
    let ours = [platform_pid, nix::unistd::getpid().as_raw()];
    let members = members(base);
    if !members.iter().all(|pid| ours.contains(pid)) {
        return false;
    }
    let leaf = base.join(format!("{PLATFORM_LEAF_PREFIX}{platform_pid}"));
    fs::create_dir_all(&leaf).is_ok() && members.iter().all(|pid| write(&leaf.join("cgroup.procs"), &pid.to_string()))
}

fn is_writable(directory: &Path) -> bool {
    nix::unistd::access(directory, nix::unistd::AccessFlags::W_OK).is_ok()
}

fn write(path: &Path, text: &str) -> bool {
    fs::File::options().write(true).open(path).and_then(|mut file| file.write_all(text.as_bytes())).is_ok()
}

fn members(directory: &Path) -> Vec<i32> {
    let text = fs::read_to_string(directory.join("cgroup.procs")).unwrap_or_default();
    text.lines().filter_map(|line| line.parse().ok()).collect()
}

/// Removes the cgroups that launchers have left behind, and kills what should still be in them.
pub(crate) fn remove_leftovers(base: &Path) {
    ownership::abandoned(base).iter().for_each(|directory| remove_group(directory.path()));
    for entry in fs::read_dir(base).into_iter().flatten().flatten() {
        if entry.file_name().as_encoded_bytes().starts_with(PLATFORM_LEAF_PREFIX.as_bytes()) {
            // Succeeds when no process is in it, that is when its platform has ended.
            let _ = fs::remove_dir(entry.path());
        }
    }
}

/// Removes the ordinary directories that launchers have left behind.
pub(crate) fn remove_leftover_directories(base: &Path) {
    for directory in ownership::abandoned(base) {
        // What cannot be removed belongs to another user.
        let _ = fs::remove_dir_all(directory.path());
    }
}

/// Rounds of removing a directory whose last process is just ending.
const REMOVE_ROUNDS_MAX: usize = 50;

/// Removes a cgroup and those below it, killing whatever is in them. One that cannot be removed is left for the next
/// start: an empty cgroup costs nothing.
pub(crate) fn remove_group(directory: &Path) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove_group(&entry.path());
        }
    }
    // Processes frozen by v1 do not even die; on other hierarchies there is no such file.
    write(&directory.join("freezer.state"), "THAWED");
    for _ in 0..REMOVE_ROUNDS_MAX {
        match fs::remove_dir(directory) {
            Err(error) if error.raw_os_error() == Some(libc::EBUSY) => {
                for pid in members(directory) {
                    // One that has ended meanwhile is what was wanted.
                    let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
                }
                std::thread::sleep(std::time::Duration::from_millis(1));
            }
            _ => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mounts_of_both_versions_are_understood() {
        let v2 = "30 24 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate";
        let v1 = "40 33 0:30 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct";
        let other = "22 1 0:20 / /proc rw,nosuid - proc proc rw";
        assert_eq!(parse_mount(v2).unwrap().base, Path::new("/sys/fs/cgroup"));
        assert!(parse_mount(v2).unwrap().unified);
        assert!(parse_mount(v1).unwrap().controllers.contains(&"cpu".to_owned()));
        assert_eq!(parse_mount(other), None);
    }
}
