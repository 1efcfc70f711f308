//! The few ways in which this crate mounts things.

use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use nix::mount::{MntFlags, MsFlags, mount, umount2};

use super::failure::{NameStep, Step, c_path};
use super::syscall;

/// Attributes of everything a function can see but not change.
const READ_ONLY: u64 = libc::MOUNT_ATTR_RDONLY | libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NODEV;

/// Keeps mounts made from here on from spreading to the namespace this one was copied from.
pub(crate) fn make_private() -> Step<()> {
    mount(None::<&str>, "/", None::<&str>, MsFlags::MS_REC | MsFlags::MS_PRIVATE, None::<&str>)
        .step("make the mounts private")
}

/// Shows a directory or file, with everything mounted below it, read-only at another path.
pub(crate) fn bind_read_only(source: &Path, target: &Path) -> Step<()> {
    bind(source, target, READ_ONLY)
}

/// Shows a device node at another path.
pub(crate) fn bind_device(source: &Path, target: &Path) -> Step<()> {
    bind(source, target, libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NOEXEC)
}

fn bind(source: &Path, target: &Path, attributes: u64) -> Step<()> {
    let tree = detached(source, attributes)?;
    syscall::move_mount(tree.as_fd(), &c_path(target)?).step(format!(
        "bind {} on {}",
        source.display(),
        target.display()
    ))
}

/// A read-only view of a directory, with everything mounted below it, that is nowhere yet.
pub(crate) fn detached_read_only(source: &Path) -> Step<OwnedFd> {
    detached(source, READ_ONLY)
}

fn detached(source: &Path, attributes: u64) -> Step<OwnedFd> {
    let name = || format!("take a view of {}", source.display());
    let tree = syscall::copy_tree(&c_path(source)?).step(name())?;
    syscall::set_mount_attributes(tree.as_fd(), attributes).step(name())?;
    Ok(tree)
}

/// Makes a mount and everything below it read-only. Attributes already set, such as those of devices, stay.
pub(crate) fn seal(path: &Path) -> Step<()> {
    mount(
        None::<&str>,
        path,
        None::<&str>,
        MsFlags::MS_BIND | MsFlags::MS_REMOUNT | MsFlags::MS_RDONLY | MsFlags::MS_NOSUID | MsFlags::MS_NODEV,
        None::<&str>,
    )
    .step(format!("make {} read-only", path.display()))
}

/// Mounts a fresh `/proc` for this pid namespace.
pub(crate) fn mount_proc(target: &Path) -> Step<()> {
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    mount(Some("proc"), target, Some("proc"), flags, None::<&str>).step("mount /proc")
}

/// Mounts an empty file system in memory. `options` are those of tmpfs, e.g. `size=512m,mode=1777`.
pub(crate) fn mount_tmpfs(target: &Path, options: &str) -> Step<()> {
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    mount(Some("tmpfs"), target, Some("tmpfs"), flags, Some(options))
        .step(format!("mount a tmpfs on {}", target.display()))
}

/// Shows several directories merged, read-only; a later one covers an earlier one.
pub(crate) fn mount_merged(directories: &[std::path::PathBuf], target: &Path) -> Step<()> {
    // overlayfs names the uppermost first. The paths were checked to be free of its separators.
    let lower: Vec<_> = directories.iter().rev().map(|directory| directory.to_string_lossy()).collect();
    let options = format!("lowerdir={}", lower.join(":"));
    let flags = MsFlags::MS_RDONLY | MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    mount(Some("overlay"), target, Some("overlay"), flags, Some(options.as_str())).step(format!(
        "merge {} directories on {}",
        directories.len(),
        target.display()
    ))
}

/// Makes `new_root` the root and lets go of the old one.
pub(crate) fn pivot_to(new_root: &Path) -> Step<()> {
    nix::unistd::chdir(new_root).step("enter the new root")?;
    // With both paths the same, the old root ends up mounted over the new one, where it can be taken away.
    nix::unistd::pivot_root(".", ".").step("pivot_root")?;
    umount2(".", MntFlags::MNT_DETACH).step("let go of the old root")?;
    nix::unistd::chdir("/").step("enter the new root")
}

/// Takes a mount and everything below it away; users of it keep it until they end.
pub(crate) fn detach(path: &Path) -> Step<()> {
    umount2(path, MntFlags::MNT_DETACH | MntFlags::UMOUNT_NOFOLLOW).step(format!("unmount {}", path.display()))
}
