//! Where things are kept.

use std::fs::{self, DirBuilder, File, Permissions, TryLockError};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::cli::PlatformArgs;
use crate::failure::Failure;

/// The directories of one run.
pub struct Directories {
    /// All state; `None` in memory mode.
    pub data: Option<PathBuf>,
    /// Interpreters' facts, client files and SDKs: can be made again, so memory mode keeps them too.
    pub runtimes: PathBuf,
    /// Unpacked packages of functions.
    pub packages: PathBuf,
    /// Where the root's access key is kept: with the state, or with the working files of memory mode.
    pub keys: PathBuf,
    /// Working files of the sandbox.
    pub sandbox: PathBuf,
    /// Removes the working files of memory mode at the end.
    _working: Option<WorkingDirectory>,
}

impl Directories {
    /// Makes the directories that a run needs.
    pub fn prepare(args: &PlatformArgs) -> Result<Directories, Failure> {
        if args.memory {
            let working = WorkingDirectory::make()?;
            let runtimes = default_directory()?;
            make_private(&runtimes)?;
            let (packages, sandbox) = (working.path.join("packages"), working.path.join("sandbox"));
            let keys = working.path.clone();
            return Ok(Directories { data: None, runtimes, packages, keys, sandbox, _working: Some(working) });
        }
        let data = match &args.data {
            Some(directory) => std::path::absolute(directory)?,
            None => default_directory()?,
        };
        make_private(&data)?;
        let (runtimes, packages, sandbox) = (data.clone(), data.join("packages"), data.join("sandbox"));
        let keys = data.clone();
        Ok(Directories { data: Some(data), runtimes, packages, keys, sandbox, _working: None })
    }
}

/// `$XDG_DATA_HOME/traca`, else `~/.local/share/traca`.
pub fn default_directory() -> Result<PathBuf, Failure> {
    let variable = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = variable("XDG_DATA_HOME").or_else(|| variable("HOME").map(|home| home.join(".local/share")));
    base.map(|base| base.join("traca")).ok_or_else(|| {
        Failure::new(Failure::DATA_DIRECTORY, "no home directory is set: name a data directory with --data DIR")
    })
}

/// Makes a directory that only its owner may enter, also where it was open to others before.
fn make_private(directory: &Path) -> Result<(), Failure> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(directory);
    let closed = made.and_then(|()| fs::set_permissions(directory, Permissions::from_mode(0o700)));
    closed.map_err(|error| unusable(directory, &error))
}

/// The failure of a directory that cannot be used.
pub fn unusable(directory: &Path, error: &io::Error) -> Failure {
    let path = directory.display();
    match error.kind() {
        ErrorKind::PermissionDenied => Failure::new(
            Failure::PERMISSION,
            format!("no permission to use {path}: choose another with --data DIR, or keep nothing with --memory"),
        ),
        _ => Failure::new(Failure::DATA_DIRECTORY, format!("cannot use {path}: {error}")),
    }
}

/// A directory for the working files of one process. Its lock tells later processes whether it is still in use.
struct WorkingDirectory {
    path: PathBuf,
    _lock: File,
}

/// How working directories are named.
const WORKING_PREFIX: &str = "traca-memory-";

/// The file in it whose lock is held as long as the process lives.
const LOCK_FILE: &str = "lock";

impl WorkingDirectory {
    fn make() -> Result<WorkingDirectory, Failure> {
        let parent = std::env::temp_dir();
        remove_abandoned(&parent);
        let path = parent.join(format!("{WORKING_PREFIX}{}", std::process::id()));
        // What a process of the same number left; it is not locked, or it would be this one.
        let _ = fs::remove_dir_all(&path);
        make_private(&path)?;
        let lock = File::create(path.join(LOCK_FILE)).map_err(|error| unusable(&path, &error))?;
        lock.lock().map_err(|error| unusable(&path, &error))?;
        Ok(WorkingDirectory { path, _lock: lock })
    }
}

/// How often it is tried to remove a working directory at the end.
const REMOVALS_MAX: u32 = 200;

/// How long to wait before it is tried again.
const REMOVAL_PAUSE: Duration = Duration::from_millis(10);

impl Drop for WorkingDirectory {
    fn drop(&mut self) {
        // Environments that are ending may still write here. What cannot be removed now, the next start removes.
        for _ in 0..REMOVALS_MAX {
            match fs::remove_dir_all(&self.path) {
                Err(error) if error.kind() != ErrorKind::NotFound => std::thread::sleep(REMOVAL_PAUSE),
                _ => return,
            }
        }
    }
}

/// Removes working directories whose process is gone.
fn remove_abandoned(parent: &Path) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        if !entry.file_name().to_string_lossy().starts_with(WORKING_PREFIX) {
            continue;
        }
        let lock = File::open(entry.path().join(LOCK_FILE));
        let in_use = lock.is_ok_and(|lock| matches!(lock.try_lock(), Err(TryLockError::WouldBlock)));
        if !in_use {
            // It may be another user's.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}
