//! Blobs as files of a directory on the local disk.
//!
//! | Path | What |
//! |---|---|
//! | `lock` | locked as long as the directory is in use |
//! | `objects/ab/cd/abcd…` | a blob, named by its digest |
//! | `temporary/N` | content still being written, or no longer wanted; removed when the directory is opened |

use std::collections::HashSet;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use parking_lot::Mutex;

use crate::digest::Digest;
use crate::error::BlobError;
use crate::store::Swept;

/// Nobody but the owner may look into the directories or the files: they hold customers' data.
const DIRECTORY_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;

/// One directory of blobs.
pub(crate) struct Directory {
    objects: PathBuf,
    temporary: PathBuf,
    next_temporary: AtomicU64,
    /// The fan-out directories (at most 65,536) whose names are known to be durable. Its lock also keeps a sweep from
    /// removing a blob between being found there and being used again.
    durable: Mutex<HashSet<[u8; 2]>>,
    poisoned: AtomicBool,
    _lock: File,
}

impl Directory {
    /// Opens, and creates when missing, a directory of blobs, and removes what unfinished writes have left.
    pub(crate) fn open(root: &Path) -> Result<Self, BlobError> {
        create_root(root)?;
        let lock_path = root.join("lock");
        let mut lock = OpenOptions::new();
        let lock = lock.read(true).write(true).create(true).truncate(false).mode(FILE_MODE).open(&lock_path);
        let lock = lock.map_err(|error| BlobError::io("create", &lock_path, error))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(BlobError::Locked(root.to_owned())),
            Err(TryLockError::Error(error)) => return Err(BlobError::io("lock", lock_path, error)),
        }
        let (objects, temporary) = (root.join("objects"), root.join("temporary"));
        match fs::remove_dir_all(&temporary) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(BlobError::io("empty", temporary, error));
            }
            _ => {}
        }
        create_directories(&temporary)?;
        create_directories(&objects)?;
        sync_directory(root).map_err(|error| BlobError::io("sync", root, error))?;
        Ok(Self {
            objects,
            temporary,
            next_temporary: AtomicU64::new(0),
            durable: Mutex::default(),
            poisoned: AtomicBool::new(false),
            _lock: lock,
        })
    }

    /// Where the blob of this digest is, or would be.
    pub(crate) fn path(&self, digest: &Digest) -> PathBuf {
        let name = digest.to_string();
        self.objects.join(&name[..2]).join(&name[2..4]).join(name)
    }

    /// A new file to be filled and published.
    pub(crate) fn temporary(self: &Arc<Self>) -> Result<TemporaryFile, BlobError> {
        self.check()?;
        let path = self.temporary_path();
        let file = OpenOptions::new().read(true).write(true).create_new(true).mode(FILE_MODE).open(&path);
        let file = file.map_err(|error| BlobError::io("create", &path, error))?;
        Ok(TemporaryFile { directory: self.clone(), file, path })
    }

    /// Whether the blob is there with this length; if so, it is as safe from sweeping as one just written.
    pub(crate) fn keep(&self, digest: &Digest, length: Option<u64>) -> Result<bool, BlobError> {
        self.check()?;
        let path = self.path(digest);
        let parent = {
            let mut durable = self.durable.lock();
            let Some(found) = open_if_present(&path)? else { return Ok(false) };
            let metadata = found.metadata().map_err(|error| BlobError::io("read", &path, error))?;
            if length.is_some_and(|length| length != metadata.len()) {
                return Ok(false);
            }
            found.set_modified(SystemTime::now()).map_err(|error| BlobError::io("touch", &path, error))?;
            // Whoever wrote it may not have made its name durable yet.
            self.fan_out(&mut durable, digest)?
        };
        self.sync(&parent, &path)?;
        Ok(true)
    }

    /// The blob's file.
    pub(crate) fn open_blob(&self, digest: &Digest) -> Result<File, BlobError> {
        open_if_present(&self.path(digest))?.ok_or(BlobError::NotFound(*digest))
    }

    /// Removes the blobs that are not `live` and were last written more than `older_than` ago.
    pub(crate) fn sweep(&self, live: impl Fn(&Digest) -> bool, older_than: Duration) -> Result<Swept, BlobError> {
        let mut swept = Swept::default();
        for first in entries(&self.objects)? {
            for second in entries(&first)? {
                for path in entries(&second)? {
                    let digest = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.parse().ok());
                    // A file that no blob store wrote is none of our business.
                    let Some(digest) = digest else { continue };
                    if !live(&digest) {
                        self.remove_if_old(&path, older_than, &mut swept)?;
                    }
                }
            }
        }
        Ok(swept)
    }

    fn remove_if_old(&self, path: &Path, older_than: Duration, swept: &mut Swept) -> Result<(), BlobError> {
        let _kept_from_use = self.durable.lock();
        let failed = |error| BlobError::io("remove", path, error);
        let metadata = match fs::metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            metadata => metadata.map_err(failed)?,
        };
        // A time in the future, after the clock was set back, counts as new.
        let age = metadata.modified().map_err(failed)?.elapsed().unwrap_or_default();
        if age < older_than {
            return Ok(());
        }
        fs::remove_file(path).map_err(failed)?;
        swept.blobs += 1;
        swept.bytes += metadata.len();
        Ok(())
    }

    /// Removes all blobs: at once for everybody who looks, and from the disk before this returns.
    pub(crate) fn clear(&self) -> Result<(), BlobError> {
        self.check()?;
        let discarded = self.temporary_path();
        {
            let mut durable = self.durable.lock();
            fs::rename(&self.objects, &discarded).map_err(|error| BlobError::io("move", &self.objects, error))?;
            durable.clear();
            create_directories(&self.objects)?;
            self.sync_path(self.objects.parent().unwrap_or(&self.objects))?;
        }
        fs::remove_dir_all(&discarded).map_err(|error| BlobError::io("remove", discarded, error))
    }

    fn temporary_path(&self) -> PathBuf {
        self.temporary.join(self.next_temporary.fetch_add(1, Relaxed).to_string())
    }

    /// Opens the directory a blob belongs into. The first use of each makes its own name durable.
    fn fan_out(&self, durable: &mut HashSet<[u8; 2]>, digest: &Digest) -> Result<File, BlobError> {
        let path = self.path(digest);
        let leaf = path.parent().unwrap_or(&self.objects);
        let [first, second, ..] = *digest.as_bytes();
        if !durable.contains(&[first, second]) {
            create_directories(leaf)?;
            self.sync_path(leaf.parent().unwrap_or(&self.objects))?;
            self.sync_path(&self.objects)?;
            durable.insert([first, second]);
        }
        File::open(leaf).map_err(|error| BlobError::io("open", leaf, error))
    }

    fn sync_path(&self, path: &Path) -> Result<(), BlobError> {
        let directory = File::open(path).map_err(|error| BlobError::io("open", path, error))?;
        self.sync(&directory, path)
    }

    /// Makes a directory's names durable. When that fails, a later attempt may claim success although the names are
    /// lost, so there must be none.
    fn sync(&self, directory: &File, path: &Path) -> Result<(), BlobError> {
        directory.sync_all().map_err(|error| {
            tracing::error!(path = %path.display(), %error, "the blob store has failed");
            self.poisoned.store(true, Relaxed);
            BlobError::Poisoned
        })
    }

    /// Whether blobs can be written.
    pub(crate) fn check(&self) -> Result<(), BlobError> {
        if self.poisoned.load(Relaxed) { Err(BlobError::Poisoned) } else { Ok(()) }
    }
}

/// Content on its way to becoming a blob; removed when dropped.
pub(crate) struct TemporaryFile {
    directory: Arc<Directory>,
    file: File,
    path: PathBuf,
}

impl TemporaryFile {
    /// Appends content.
    pub(crate) fn write(&mut self, content: &[u8]) -> Result<(), BlobError> {
        self.file.write_all(content).map_err(|error| BlobError::io("write", &self.path, error))
    }

    /// A part of the content.
    pub(crate) fn read(&self, offset: u64, length: usize) -> Result<Bytes, BlobError> {
        let mut content = vec![0; length];
        let read = self.file.read_exact_at(&mut content, offset);
        read.map_err(|error| BlobError::io("read", &self.path, error))?;
        Ok(content.into())
    }

    /// The same file, for what can be done while more is written.
    pub(crate) fn shared(&self) -> Result<SharedFile, BlobError> {
        let file = self.file.try_clone().map_err(|error| BlobError::io("open", &self.path, error))?;
        Ok(SharedFile { file, path: self.path.clone() })
    }

    /// Makes the content durable under its digest. An equal blob is replaced, so that it counts as new.
    pub(crate) fn publish(self, digest: &Digest) -> Result<(), BlobError> {
        self.directory.check()?;
        // The file is thrown away when this fails, so nothing later can rely on what did not reach the disk.
        self.file.sync_all().map_err(|error| BlobError::io("write", &self.path, error))?;
        let path = self.directory.path(digest);
        let parent = {
            let mut durable = self.directory.durable.lock();
            let parent = self.directory.fan_out(&mut durable, digest)?;
            // A slow upload may have written its last byte long ago.
            let now = self.file.set_modified(SystemTime::now());
            now.map_err(|error| BlobError::io("touch", &self.path, error))?;
            fs::rename(&self.path, &path).map_err(|error| BlobError::io("rename", &self.path, error))?;
            parent
        };
        self.directory.sync(&parent, &path)
    }
}

/// A [`TemporaryFile`] that somebody else writes.
pub(crate) struct SharedFile {
    file: File,
    path: PathBuf,
}

impl SharedFile {
    /// Waits until the disk has what was written so far.
    pub(crate) fn sync(&self) -> Result<(), BlobError> {
        self.file.sync_data().map_err(|error| BlobError::io("write", &self.path, error))
    }
}

impl Drop for TemporaryFile {
    fn drop(&mut self) {
        match fs::remove_file(&self.path) {
            // Published.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => tracing::warn!(path = %self.path.display(), %error, "a temporary file is left behind"),
            Ok(()) => {}
        }
    }
}

fn create_directories(path: &Path) -> Result<(), BlobError> {
    let created = DirBuilder::new().recursive(true).mode(DIRECTORY_MODE).create(path);
    created.map_err(|error| BlobError::io("create", path, error))
}

/// Creates the directory of a blob store where none is, and makes its name durable, and those of the directories above
/// that were missing too.
fn create_root(root: &Path) -> Result<(), BlobError> {
    let is_present = |above: &Path| above.as_os_str().is_empty() || above.exists();
    let missing_above = root.ancestors().skip(1).take_while(|above| !is_present(above)).count();
    create_directories(root)?;
    for above in root.ancestors().skip(1).take(missing_above + 1) {
        match sync_directory(above) {
            // We may not look into a directory that others made for us.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {}
            synced => synced.map_err(|error| BlobError::io("sync", above, error))?,
        }
    }
    Ok(())
}

fn sync_directory(path: &Path) -> io::Result<()> {
    let here = path.as_os_str().is_empty();
    File::open(if here { Path::new(".") } else { path })?.sync_all()
}

fn open_if_present(path: &Path) -> Result<Option<File>, BlobError> {
    match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        opened => opened.map(Some).map_err(|error| BlobError::io("open", path, error)),
    }
}

/// The entries of a directory, which may have gone meanwhile.
fn entries(path: &Path) -> Result<Vec<PathBuf>, BlobError> {
    match fs::read_dir(path) {
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(Vec::new()),
        listed => listed
            .and_then(|listed| listed.map(|entry| entry.map(|entry| entry.path())).collect())
            .map_err(|error| BlobError::io("list", path, error)),
    }
}
