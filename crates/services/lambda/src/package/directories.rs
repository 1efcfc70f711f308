//! Unpacked packages: one directory per content, shared by all versions with the same package.

use std::collections::HashMap;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};

use blob::{BlobError, BlobStore, Digest};
use bytes::Bytes;
use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use super::image::OpenImage;
use super::limits::READERS_MAX;
use super::{Contents, Entry, PackageError, archive};
use crate::function::CodePackage;

/// Begins the names of directories that are still being unpacked or already being removed.
const UNFINISHED: &str = ".unfinished-";

/// Mode of directories and executable files: everybody may read, nobody but the platform may write.
const MODE_EXECUTABLE: u32 = 0o755;
/// Mode of all other files.
const MODE_FILE: u32 = 0o644;

/// The unpacked packages. Each can be made again from the blob store.
pub struct Packages {
    root: PathBuf,
    blobs: BlobStore,
    readers: Arc<Semaphore>,
    leases: Mutex<HashMap<Digest, Weak<PackageDirectory>>>,
}

/// An unpacked package in use: as long as this lives, its directory stays.
#[derive(Debug)]
pub struct PackageDirectory {
    path: PathBuf,
}

impl PackageDirectory {
    /// The directory that holds the package's files.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Packages {
    /// The packages in the directory `root`, which is made when absent. What an earlier process left unfinished is
    /// removed.
    ///
    /// # Errors
    /// When the directory cannot be made or read.
    pub fn open(root: PathBuf, blobs: BlobStore) -> io::Result<Packages> {
        fs::create_dir_all(&root)?;
        for entry in fs::read_dir(&root)? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with(UNFINISHED) {
                fs::remove_dir_all(entry.path())?;
            }
        }
        let readers = Arc::new(Semaphore::new(READERS_MAX));
        Ok(Packages { root, blobs, readers, leases: Mutex::default() })
    }

    /// Reads all of a package without keeping anything, to learn whether it can be used.
    ///
    /// # Errors
    /// [`PackageError`].
    pub async fn check(&self, package: Bytes) -> Result<Contents, PackageError> {
        self.read(move || archive::read(package, |_| Ok(()))).await
    }

    /// The directory of a package, unpacked first if it is not there.
    ///
    /// # Errors
    /// [`PackageError`].
    pub async fn ensure(&self, code: &CodePackage) -> Result<Arc<PackageDirectory>, PackageError> {
        let digest = &code.digest;
        if let Some(directory) = self.lease(digest) {
            return Ok(directory);
        }
        let (root, target) = (self.root.clone(), self.directory(digest));
        if let Some(image) = &code.image {
            let (image, handle) = (OpenImage::open(image, &self.blobs).await?, Handle::current());
            self.read(move || unpack(&root, &target, |directory| image.unpack(directory, &handle))).await?;
        } else {
            let package = self.blobs.get(digest).await.map_err(|error| match error {
                BlobError::NotFound(digest) => PackageError::Missing(digest),
                other => other.into(),
            })?;
            self.read(move || unpack(&root, &target, |directory| write_all(package, directory))).await?;
        }
        self.lease(digest).ok_or_else(|| io::Error::from(io::ErrorKind::NotFound).into())
    }

    /// The packages that are unpacked here.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn unpacked(&self) -> io::Result<Vec<Digest>> {
        let mut digests = Vec::new();
        for entry in fs::read_dir(&self.root)? {
            digests.extend(entry?.file_name().to_str().and_then(|name| name.parse::<Digest>().ok()));
        }
        Ok(digests)
    }

    /// Removes an unpacked package, unless it is in use. Returns whether it is gone.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn remove(&self, digest: &Digest) -> io::Result<bool> {
        let unfinished = tempfile::Builder::new().prefix(UNFINISHED).tempdir_in(&self.root)?;
        let mut leases = self.leases.lock();
        if leases.get(digest).is_some_and(|lease| lease.strong_count() > 0) {
            return Ok(false);
        }
        leases.remove(digest);
        // Renamed under the lock, so that nobody takes it meanwhile; removed with its new parent.
        match fs::rename(self.directory(digest), unfinished.path().join("package")) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            Ok(()) | Err(_) => Ok(true),
        }
    }

    /// A lease of the package, if it is unpacked.
    fn lease(&self, digest: &Digest) -> Option<Arc<PackageDirectory>> {
        let mut leases = self.leases.lock();
        if let Some(directory) = leases.get(digest).and_then(Weak::upgrade) {
            return Some(directory);
        }
        let path = self.directory(digest);
        if !path.is_dir() {
            return None;
        }
        leases.retain(|_, lease| lease.strong_count() > 0);
        let directory = Arc::new(PackageDirectory { path });
        leases.insert(*digest, Arc::downgrade(&directory));
        Some(directory)
    }

    fn directory(&self, digest: &Digest) -> PathBuf {
        self.root.join(digest.to_string())
    }

    /// Runs heavy work on a blocking thread, a few at a time.
    async fn read<R, F>(&self, work: F) -> Result<R, PackageError>
    where
        R: Send + 'static,
        F: FnOnce() -> Result<R, PackageError> + Send + 'static,
    {
        let permit = Arc::clone(&self.readers).acquire_owned().await.map_err(|_| PackageError::Stopping)?;
        let work = tokio::task::spawn_blocking(move || {
            let outcome = work();
            drop(permit);
            outcome
        });
        work.await.unwrap_or(Err(PackageError::Stopping))
    }
}

/// Unpacks into a directory of its own, brings it to the disk, and only then gives it its name: a directory with a
/// package's name is complete.
fn unpack(
    root: &Path,
    target: &Path,
    write: impl FnOnce(&Path) -> Result<(), PackageError>,
) -> Result<(), PackageError> {
    let unfinished = tempfile::Builder::new()
        .prefix(UNFINISHED)
        .permissions(Permissions::from_mode(MODE_EXECUTABLE))
        .tempdir_in(root)?;
    write(unfinished.path())?;
    set_mode(unfinished.path(), MODE_EXECUTABLE)?;
    nix::unistd::syncfs(File::open(unfinished.path())?).map_err(io::Error::from)?;
    match fs::rename(unfinished.path(), target) {
        Ok(()) => {
            // Its name has gone to the target.
            let _ = unfinished.keep();
        }
        // Somebody else was faster.
        Err(_) if target.is_dir() => return Ok(()),
        Err(error) => return Err(error.into()),
    }
    Ok(File::open(root)?.sync_all()?)
}

fn write_all(package: Bytes, directory: &Path) -> Result<(), PackageError> {
    archive::read(package, |entry| write(directory, entry)).map(|_| ())
}

fn write(root: &Path, entry: Entry<'_>) -> Result<(), PackageError> {
    match entry {
        Entry::Directory(path) => make_directory(&root.join(path))?,
        Entry::File { path, executable, content } => {
            let path = root.join(path);
            make_parent(&path)?;
            let mut file = OpenOptions::new().write(true).create_new(true).mode(MODE_FILE).open(&path)?;
            io::copy(content, &mut file)?;
            let mode = if executable { MODE_EXECUTABLE } else { MODE_FILE };
            file.set_permissions(Permissions::from_mode(mode))?;
        }
        Entry::Link { path, target } => {
            let path = root.join(path);
            make_parent(&path)?;
            symlink(target, path)?;
        }
    }
    Ok(())
}

fn make_parent(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), make_directory)
}

/// Makes a directory and its parents with the right mode, whatever the process's mask.
fn make_directory(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    make_parent(path)?;
    DirBuilder::new().mode(MODE_EXECUTABLE).create(path)?;
    set_mode(path, MODE_EXECUTABLE)
}

fn set_mode(path: &Path, mode: u32) -> io::Result<()> {
    fs::set_permissions(path, Permissions::from_mode(mode))
}
