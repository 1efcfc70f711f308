//! `/tmp`: a file system of exactly the configured size, whose pages are not the function's memory.
//!
//! A tmpfs would be simpler, but its pages are charged to the memory cgroup of whoever writes them, so a function with
//! 128 MB could never fill a `/tmp` of 512 MB: it would be killed instead of seeing "no space left on device". So `/tmp`
//! is an ext4 in a sparse file, prepared once per size and copied (only its few written blocks) for each environment:
//! 2 ms, ahead of need or not. The file is unlinked and the loop device frees itself, so nothing can be left behind.
//! Where loop devices cannot be had, tmpfs it is.

use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::failure::{NameStep, Step, c_path, c_string};
use super::syscall;
use crate::capabilities::TmpKind;

/// Images prepared, one per size, and where copies of them are made.
pub(crate) struct Volumes {
    /// Prepared images; kept from one start to the next.
    images: PathBuf,
    /// Copies, for the moment until they lose their name.
    copies: PathBuf,
    pub(crate) kind: TmpKind,
}

/// What one environment needs to make its `/tmp`.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct VolumePlan {
    size_mb: u32,
    /// The prepared image and where to copy it; `None` for memory.
    image: Option<(PathBuf, PathBuf)>,
}

impl Volumes {
    /// Finds out whether images can be used; if not, also why.
    pub(crate) fn new(images: PathBuf, copies: PathBuf, privileged: bool) -> (Volumes, Option<String>) {
        let mut volumes = Volumes { images, copies, kind: TmpKind::Disk };
        let tried = if privileged { volumes.try_disk() } else { Err("needs root".to_owned()) };
        match tried {
            Ok(()) => (volumes, None),
            Err(reason) => {
                volumes.kind = TmpKind::Memory;
                let advice = format!(
                    "/tmp is kept in memory and counts as the function's memory: loop devices cannot be used ({reason})"
                );
                (volumes, Some(advice))
            }
        }
    }

    fn try_disk(&self) -> Result<(), String> {
        mkfs().ok_or("mkfs.ext4 is not installed; install e2fsprogs")?;
        File::options()
            .read(true)
            .write(true)
            .open("/dev/loop-control")
            .map_err(|e| format!("/dev/loop-control: {e}"))?;
        if !fs::read_to_string("/proc/filesystems").unwrap_or_default().lines().any(|line| line.trim() == "ext4") {
            return Err("the kernel has no ext4".into());
        }
        Ok(())
    }

    /// Prepares what the environment with this number needs. The first of a size takes some ten milliseconds, later ones nothing.
    pub(crate) fn plan(&self, size_mb: u32, number: u64) -> Step<VolumePlan> {
        if self.kind == TmpKind::Memory {
            return Ok(VolumePlan { size_mb, image: None });
        }
        let image = self.images.join(format!("tmp-{size_mb}.ext4"));
        if !image.exists() {
            prepare_image(&image, size_mb).step(format!("prepare a /tmp of {size_mb} MB"))?;
        }
        Ok(VolumePlan { size_mb, image: Some((image, self.copies.join(format!("tmp-{number}")))) })
    }
}

/// Bytes of an image whose file system has `size_mb` for files: ext4 keeps inodes (one per 16 KiB, 256 bytes each),
/// bitmaps, and up to 4,096 blocks for its own growth.
fn image_bytes(size_mb: u32) -> u64 {
    const MIB: u64 = 1024 * 1024;
    let size = u64::from(size_mb) * MIB;
    size + size / 60 + 16 * MIB
}

fn mkfs() -> Option<PathBuf> {
    ["/usr/sbin/mkfs.ext4", "/sbin/mkfs.ext4", "/usr/bin/mkfs.ext4"].map(PathBuf::from).into_iter().find(|p| p.exists())
}

fn prepare_image(image: &Path, size_mb: u32) -> io::Result<()> {
    let mkfs = mkfs().ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
    let unfinished = image.with_extension(format!("{}", nix::unistd::getpid()));
    File::create(&unfinished)?.set_len(image_bytes(size_mb))?;
    // No journal: it survives no crash. No reserved blocks: there is no root to keep them for.
    let status = Command::new(mkfs)
        .args(["-q", "-F", "-O", "^has_journal,^resize_inode", "-m", "0", "-i", "16384", "-I", "256", "-b", "4096"])
        .args(["-E", "lazy_itable_init=1,nodiscard,root_owner=0:0"])
        .arg(&unfinished)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()?;
    if !status.success() {
        return Err(io::Error::other(format!("mkfs.ext4: {status}")));
    }
    fs::rename(unfinished, image)
}

impl VolumePlan {
    /// Makes the volume, not mounted anywhere yet. Needs the platform's files in sight.
    pub(crate) fn make(&self) -> Step<Volume> {
        let tree = match &self.image {
            Some((image, copy)) => disk(image, copy)?,
            None => memory(self.size_mb)?,
        };
        Ok(Volume { size_mb: self.size_mb, tree })
    }
}

/// A `/tmp`, made but not mounted yet. Dropped, nothing of it remains.
pub(crate) struct Volume {
    size_mb: u32,
    tree: OwnedFd,
}

impl Volume {
    /// Whether this is what the plan would make.
    pub(crate) fn fits(&self, plan: &VolumePlan) -> bool {
        self.size_mb == plan.size_mb
    }

    /// Mounts it.
    pub(crate) fn attach(self, target: &Path) -> Step<()> {
        syscall::move_mount(self.tree.as_fd(), &c_path(target)?).step("mount /tmp")
    }
}

fn memory(size_mb: u32) -> Step<OwnedFd> {
    let size = c_string(format!("{size_mb}m").as_bytes())?;
    let options = [(c"size", Some(size.as_c_str())), (c"mode", Some(c"1777"))];
    syscall::new_mount(c"tmpfs", &options, libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NODEV).step("make /tmp in memory")
}

fn disk(image: &Path, copy: &Path) -> Step<OwnedFd> {
    let copy = copy_unlinked(image, copy).step("make the image of /tmp")?;
    let (device, number) = syscall::attach_loop(copy.as_fd()).step("attach a loop device for /tmp")?;
    let source = c_string(format!("/dev/loop{number}").as_bytes())?;
    // Barriers would force to disk what nobody will ever read again.
    let options =
        [(c"source", Some(source.as_c_str())), (c"nobarrier", None), (c"noinit_itable", None), (c"nodiscard", None)];
    let attributes = libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NODEV | libc::MOUNT_ATTR_NOATIME;
    let tree = syscall::new_mount(c"ext4", &options, attributes).step("make /tmp on disk")?;
    // The mount keeps the device from here on.
    drop(device);
    let root = PathBuf::from(format!("/proc/self/fd/{}", tree.as_raw_fd()));
    fs::set_permissions(&root, fs::Permissions::from_mode(0o1777)).step("open /tmp to everyone")?;
    fs::remove_dir(root.join("lost+found")).step("empty /tmp")?;
    Ok(tree)
}

/// A copy of an image that has no name any more and goes away with its last user.
fn copy_unlinked(image: &Path, path: &Path) -> io::Result<File> {
    let source = File::open(image)?;
    let copy = File::options().read(true).write(true).create_new(true).open(path)?;
    fs::remove_file(path)?;
    syscall::copy_sparse(&source, &copy, source.metadata()?.len())?;
    Ok(copy)
}
