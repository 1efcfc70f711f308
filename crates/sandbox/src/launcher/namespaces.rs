//! The launcher's own namespaces, and whose user ids it can give away.

use std::fs;

use nix::sched::{CloneFlags, unshare};
use nix::unistd::{getegid, geteuid};

use super::failure::{NameStep, Step};
use super::mounts;

/// What the launcher may do.
pub(crate) struct Rights {
    /// It may give every environment a user id of its own.
    pub(crate) privileged: bool,
    uids: UidRange,
}

/// User ids, outside, for environments.
struct UidRange {
    first: u32,
    count: u32,
}

/// First user id given to environments where the whole range is there: far from those of people and services.
const FIRST_UID: u32 = 0x4000_0000;
/// How many are used in turn; more than environments ever live at once.
const UID_COUNT: u32 = 0x1000_0000;
/// The same inside a container that has only some 65,536 user ids.
const FIRST_UID_SMALL: u32 = 30_000;
/// See [`FIRST_UID_SMALL`].
const UID_COUNT_SMALL: u32 = 30_000;
/// Bit of `CAP_SYS_ADMIN` in a capability set.
const CAP_SYS_ADMIN: u64 = 1 << 21;

impl Rights {
    /// The user id, outside, for the environment with this number. Without privileges all share the user's own.
    pub(crate) fn uid(&self, number: u64) -> u32 {
        self.uids.first + (number % u64::from(self.uids.count)) as u32
    }
}

/// Leaves the namespaces this process was started in. An ordinary user becomes root of a user namespace of its own,
/// in which it can do the rest.
pub(crate) fn enter() -> Step<Rights> {
    let (uid, gid) = (geteuid().as_raw(), getegid().as_raw());
    let privileged = uid == 0 && has_admin_capability();
    let mut flags = CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWIPC | CloneFlags::CLONE_NEWNET;
    if !privileged {
        flags |= CloneFlags::CLONE_NEWUSER;
    }
    unshare(flags).step("make namespaces (unshare)")?;
    if !privileged {
        write("/proc/self/setgroups", "deny")?;
        write("/proc/self/uid_map", &format!("0 {uid} 1"))?;
        write("/proc/self/gid_map", &format!("0 {gid} 1"))?;
    }
    mounts::make_private()?;
    let uids = if privileged { uid_range() } else { UidRange { first: 0, count: 1 } };
    Ok(Rights { privileged, uids })
}

fn write(path: &str, text: &str) -> Step<()> {
    fs::write(path, text).step(format!("write {path}"))
}

fn has_admin_capability() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let set = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    set.and_then(|set| u64::from_str_radix(set.trim(), 16).ok()).is_some_and(|set| set & CAP_SYS_ADMIN != 0)
}

fn uid_range() -> UidRange {
    let map = fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
    let mapped = |uid: u32| {
        map.lines().any(|line| {
            let numbers: Vec<u64> = line.split_whitespace().filter_map(|word| word.parse().ok()).collect();
            matches!(numbers[..], [first, _, count] if u64::from(uid) >= first && u64::from(uid) < first + count)
        })
    };
    if mapped(FIRST_UID) && mapped(FIRST_UID + UID_COUNT - 1) {
        UidRange { first: FIRST_UID, count: UID_COUNT }
    } else if mapped(FIRST_UID_SMALL) && mapped(FIRST_UID_SMALL + UID_COUNT_SMALL - 1) {
        UidRange { first: FIRST_UID_SMALL, count: UID_COUNT_SMALL }
    } else {
        UidRange { first: 65_534, count: 1 }
    }
}
