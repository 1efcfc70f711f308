//! Root file systems: layers, one over the other, in one directory.
//!
//! Links of an image point wherever they like, as they should: inside an environment its root is `/`. Here every path is
//! looked up by the kernel with the directory for a root (`openat2` with `RESOLVE_IN_ROOT`), so that nothing is read,
//! written or removed outside.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, BufReader, Read};
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, symlink};
use std::path::{Component, Path, PathBuf};

use flate2::bufread::MultiGzDecoder;
use nix::errno::Errno;
use nix::fcntl::{OFlag, OpenHow, ResolveFlag, openat2};
use nix::sys::stat::Mode;
use sha2::{Digest as _, Sha256};

use crate::document::{Compression, Layer};
use crate::error::ImageError;
use crate::limits::{ENTRIES_MAX, IMAGE_BYTES_MAX, PATH_BYTES_MAX};
use crate::tar::{Archive, Entry, Kind};

/// Begins the name of an entry that takes away what has the rest of its name.
const WHITEOUT: &[u8] = b".wh.";
/// The entry that takes away everything in its directory.
const OPAQUE: &[u8] = b".wh..wh..opq";
/// Begins the names of entries that other programs keep for themselves.
const RESERVED: &[u8] = b".wh..wh.";

/// What the platform, which owns the files, can do with them, whatever their mode in the image.
const OWNER_FILE: u32 = 0o600;
const OWNER_DIRECTORY: u32 = 0o700;
const MODE_DIRECTORY: u32 = 0o755;
const MODE_FILE: u32 = 0o644;

/// A directory that becomes a root file system.
pub struct Root {
    directory: File,
    /// Entries taken so far.
    entries: u64,
    /// Bytes of the archives read so far.
    bytes: u64,
}

impl Root {
    /// The root in an empty directory.
    ///
    /// # Errors
    /// [`ImageError::Io`].
    pub fn new(directory: &Path) -> Result<Root, ImageError> {
        let directory = File::open(directory).map_err(ImageError::Io)?;
        Ok(Root { directory, entries: 0, bytes: 0 })
    }

    /// Puts a layer over those before it. `open` begins to read its blob, and is asked twice: before anything is written
    /// the archive is read to its end, checked against its digest, and what it takes away is taken away.
    ///
    /// # Errors
    /// [`ImageError`]; the root is of no use then.
    pub fn apply<R: Read>(
        &mut self,
        layer: &Layer,
        mut open: impl FnMut() -> Result<R, ImageError>,
    ) -> Result<(), ImageError> {
        let mut measured = Measured::new(decoder(layer, open()?), IMAGE_BYTES_MAX - self.bytes);
        let mut archive = Archive::new(&mut measured);
        while let Some(entry) = archive.next()? {
            self.entries += 1;
            if self.entries > ENTRIES_MAX {
                return Err(ImageError::TooLarge("it has more than a million files"));
            }
            self.take_away(&entry)?;
        }
        io::copy(&mut measured, &mut io::sink())?;
        if measured.is_over {
            return Err(ImageError::TooLarge("its files have more than 10 GB"));
        }
        self.bytes += measured.bytes;
        if blob::Digest::from_bytes(measured.hash.finalize().into()) != layer.archive {
            return Err(ImageError::malformed(format!(
                "an archive is not what its digest sha256:{} says",
                layer.archive
            )));
        }
        let mut archive = Archive::new(decoder(layer, open()?));
        while let Some(entry) = archive.next()? {
            self.put(&entry, &mut archive)?;
        }
        Ok(())
    }

    /// Makes what an environment mounts on: directories, and files that may be empty. What stands in their way goes.
    ///
    /// # Errors
    /// [`ImageError::Malformed`] when a directory above is none.
    pub fn make_places(&self, directories: &[&str], files: &[&str]) -> Result<(), ImageError> {
        let places = directories.iter().map(|path| (path, true)).chain(files.iter().map(|path| (path, false)));
        for (path, is_directory) in places {
            let mut place = self.inside(Path::new(""))?;
            let parts: Vec<&str> = path.split('/').collect();
            for (at, part) in parts.iter().enumerate() {
                place.path.push(part);
                let is_last = at + 1 == parts.len();
                match fs::symlink_metadata(&place.path) {
                    Ok(found) if found.is_dir() && (is_directory || !is_last) => continue,
                    Ok(found) if found.is_file() && is_last && !is_directory => continue,
                    Ok(_) if is_last => remove(&place.path)?,
                    Ok(_) => return Err(ImageError::malformed(format!("/{path} leads through something else"))),
                    Err(_) => {}
                }
                if is_directory || !is_last {
                    make_directory(&place.path, MODE_DIRECTORY)?;
                } else {
                    OpenOptions::new()
                        .write(true)
                        .create_new(true)
                        .mode(MODE_FILE)
                        .open(&place.path)
                        .map_err(ImageError::Io)?;
                }
            }
        }
        self.directory.set_permissions(Permissions::from_mode(MODE_DIRECTORY)).map_err(ImageError::Io)
    }

    /// Applies a whiteout; other entries take nothing away.
    fn take_away(&self, entry: &Entry) -> Result<(), ImageError> {
        let path = relative(&entry.path)?;
        let Some(name) = path.file_name().map(OsStr::as_bytes).filter(|name| name.starts_with(WHITEOUT)) else {
            return Ok(());
        };
        let parent = path.parent().unwrap_or(Path::new(""));
        let place = match self.lookup(parent) {
            Ok(place) => place,
            // Nothing is there to be taken away.
            Err(Errno::ENOENT | Errno::ENOTDIR) => return Ok(()),
            Err(error) => return Err(refused(parent, error)),
        };
        if name == OPAQUE {
            for child in fs::read_dir(&place.path).map_err(ImageError::Io)? {
                remove(&child.map_err(ImageError::Io)?.path())?;
            }
            return Ok(());
        }
        if name.starts_with(RESERVED) {
            return Ok(());
        }
        match &name[WHITEOUT.len()..] {
            b"" | b"." | b".." => Err(ImageError::malformed("a whiteout of nothing")),
            hidden => remove(&place.path.join(OsStr::from_bytes(hidden))),
        }
    }

    fn put(&self, entry: &Entry, content: &mut impl Read) -> Result<(), ImageError> {
        let path = relative(&entry.path)?;
        let Some(name) = path.file_name() else { return Ok(()) };
        if name.as_bytes().starts_with(WHITEOUT) || entry.kind == Kind::Special {
            // Devices could not be used in an environment.
            return Ok(());
        }
        let parent = self.inside(path.parent().unwrap_or(Path::new("")))?;
        let target = parent.path.join(name);
        if entry.kind == Kind::Directory {
            return match fs::symlink_metadata(&target) {
                Ok(found) if found.is_dir() => set_mode(&target, entry.mode | OWNER_DIRECTORY),
                Ok(_) => remove(&target).and_then(|()| make_directory(&target, entry.mode)),
                Err(_) => make_directory(&target, entry.mode),
            };
        }
        match entry.kind {
            Kind::HardLink => {
                let source = relative(&entry.link)?;
                let Some(name) = source.file_name() else { return Err(ImageError::malformed("a link to the root")) };
                let place = self.inside(source.parent().unwrap_or(Path::new("")))?;
                let source = place.path.join(name);
                let metadata = fs::symlink_metadata(&source);
                if !metadata.is_ok_and(|found| !found.is_dir()) {
                    return Err(ImageError::malformed(format!("a link to {}, which is no file", entry.link.display())));
                }
                if is_same(&source, &target) {
                    return Ok(());
                }
                remove(&target)?;
                fs::hard_link(&source, &target).map_err(ImageError::Io)
            }
            Kind::Symlink => {
                remove(&target)?;
                Ok(symlink(&entry.link, &target)?)
            }
            _ => {
                remove(&target)?;
                let mut file = OpenOptions::new()
                    .write(true)
                    .create_new(true)
                    .mode(OWNER_FILE)
                    .open(&target)
                    .map_err(ImageError::Io)?;
                if io::copy(content, &mut file)? != entry.size {
                    return Err(ImageError::malformed("an archive ends early"));
                }
                file.set_permissions(Permissions::from_mode(entry.mode & 0o777 | OWNER_FILE)).map_err(ImageError::Io)
            }
        }
    }

    /// A directory inside, made if it is not there.
    fn inside(&self, path: &Path) -> Result<Place, ImageError> {
        match self.lookup(path) {
            Err(Errno::ENOENT) => {}
            found => return found.map_err(|error| refused(path, error)),
        }
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(refused(path, Errno::ENOENT));
        };
        let place = self.inside(parent)?;
        let target = place.path.join(name);
        if fs::symlink_metadata(&target).is_ok() {
            // A link into the void.
            return Err(refused(path, Errno::ENOENT));
        }
        make_directory(&target, MODE_DIRECTORY)?;
        self.lookup(path).map_err(|error| refused(path, error))
    }

    fn lookup(&self, path: &Path) -> Result<Place, Errno> {
        let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        let how = OpenHow::new()
            .flags(OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC)
            .mode(Mode::empty())
            .resolve(ResolveFlag::RESOLVE_IN_ROOT | ResolveFlag::RESOLVE_NO_MAGICLINKS);
        let directory = openat2(&self.directory, path, how)?;
        let path = PathBuf::from(format!("/proc/self/fd/{}", directory.as_raw_fd()));
        Ok(Place { path, _directory: directory })
    }
}

/// Whether there is a directory at a path of the root that `root` holds.
pub fn is_directory(root: &Path, path: &str) -> bool {
    look(root, path).is_some_and(|found| found.is_dir())
}

/// Whether there is a program at a path of the root that `root` holds.
pub fn is_program(root: &Path, path: &str) -> bool {
    look(root, path).is_some_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

fn look(root: &Path, path: &str) -> Option<fs::Metadata> {
    let root = File::open(root).ok()?;
    let how = OpenHow::new()
        .flags(OFlag::O_PATH | OFlag::O_CLOEXEC)
        .resolve(ResolveFlag::RESOLVE_IN_ROOT | ResolveFlag::RESOLVE_NO_MAGICLINKS);
    File::from(openat2(&root, path, how).ok()?).metadata().ok()
}

/// An open directory, with a path that leads to it whatever is renamed or replaced.
struct Place {
    path: PathBuf,
    _directory: std::os::fd::OwnedFd,
}

/// A reader that counts, hashes, and stops at a bound.
struct Measured<R> {
    reader: R,
    hash: Sha256,
    bytes: u64,
    bytes_max: u64,
    is_over: bool,
}

impl<R> Measured<R> {
    fn new(reader: R, bytes_max: u64) -> Measured<R> {
        Measured { reader, hash: Sha256::new(), bytes: 0, bytes_max, is_over: false }
    }
}

impl<R: Read> Read for Measured<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        self.bytes += read as u64;
        if self.bytes > self.bytes_max {
            self.is_over = true;
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the image has more than 10 GB unpacked"));
        }
        self.hash.update(&buffer[..read]);
        Ok(read)
    }
}

fn decoder<'a, R: Read + 'a>(layer: &Layer, blob: R) -> Box<dyn Read + 'a> {
    let blob = BufReader::with_capacity(128 * 1024, blob);
    match layer.compression {
        Compression::None => Box::new(blob),
        Compression::Gzip => Box::new(BufReader::with_capacity(128 * 1024, MultiGzDecoder::new(blob))),
    }
}

/// A path below the root.
fn relative(path: &Path) -> Result<PathBuf, ImageError> {
    let bad = |what: &str| ImageError::malformed(format!("the path {} {what}", path.display()));
    let bytes = path.as_os_str().as_bytes();
    if bytes.len() > PATH_BYTES_MAX || bytes.contains(&0) {
        return Err(bad("is too long or holds a NUL"));
    }
    let mut relative = PathBuf::new();
    for component in path.components() {
        match component {
            Component::Normal(name) => relative.push(name),
            Component::RootDir | Component::CurDir => {}
            Component::ParentDir | Component::Prefix(_) => return Err(bad("leads out of the image")),
        }
    }
    Ok(relative)
}

fn refused(path: &Path, error: Errno) -> ImageError {
    match error {
        Errno::ENOTDIR | Errno::ELOOP | Errno::ENAMETOOLONG | Errno::ENOENT | Errno::EXDEV => {
            ImageError::malformed(format!("{} is no directory", path.display()))
        }
        other => ImageError::Io(other.into()),
    }
}

/// Removes what is there, if anything, and never what a link points to.
fn remove(path: &Path) -> Result<(), ImageError> {
    let removed = match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    };
    removed.map_err(ImageError::Io)
}

fn make_directory(path: &Path, mode: u32) -> Result<(), ImageError> {
    fs::create_dir(path).map_err(ImageError::Io)?;
    set_mode(path, mode | OWNER_DIRECTORY)
}

fn set_mode(path: &Path, mode: u32) -> Result<(), ImageError> {
    fs::set_permissions(path, Permissions::from_mode(mode & 0o777)).map_err(ImageError::Io)
}

fn is_same(one: &Path, other: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let identity = |path: &Path| fs::symlink_metadata(path).map(|found| (found.dev(), found.ino())).ok();
    identity(one).is_some_and(|one| identity(other) == Some(one))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::write::GzEncoder;

    use super::*;
    use crate::tar::tests::Builder;

    fn applied(layers: Vec<Builder>) -> (tempfile::TempDir, Result<(), ImageError>) {
        let directory = tempfile::tempdir().unwrap();
        let mut root = Root::new(directory.path()).unwrap();
        let outcome = layers.into_iter().try_for_each(|layer| apply(&mut root, layer.bytes()));
        (directory, outcome.and_then(|()| root.make_places(&["proc", "var/task"], &["etc/hosts"])))
    }

    fn apply(root: &mut Root, archive: Vec<u8>) -> Result<(), ImageError> {
        let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(&archive).unwrap();
        let blob = encoder.finish().unwrap();
        let layer = Layer {
            digest: blob::Digest::of(&blob),
            size_bytes: blob.len() as u64,
            compression: Compression::Gzip,
            archive: blob::Digest::of(&archive),
        };
        root.apply(&layer, || Ok(blob.as_slice()))
    }

    #[test]
    fn layers_cover_and_take_away() {
        let base = Builder::default()
            .entry(b'5', "usr/lib", "", b"")
            .entry(b'2', "lib", "usr/lib", b"")
            .file("usr/lib/old", "1")
            .file("etc/a", "1")
            .file("etc/b", "1")
            .file("gone/x", "1")
            .file("d/x", "1")
            .entry(b'1', "hard", "etc/a", b"");
        let upper = Builder::default()
            .file("lib/new", "2")
            .file("etc/a", "2")
            .file("etc/.wh.b", "")
            .file(".wh.gone", "")
            .file("d/y", "2")
            .file("d/.wh..wh..opq", "")
            .file("absent/.wh.x", "");
        let (root, outcome) = applied(vec![base, upper]);
        outcome.unwrap();
        let read = |path: &str| fs::read_to_string(root.path().join(path)).ok();
        assert_eq!((read("usr/lib/old"), read("usr/lib/new")), (Some("1".into()), Some("2".into())));
        assert_eq!((read("etc/a"), read("hard")), (Some("2".into()), Some("1".into())));
        assert_eq!((read("etc/b"), read("gone/x"), read("d/x"), read("d/y")), (None, None, None, Some("2".into())));
        assert!(root.path().join("var/task").is_dir() && root.path().join("etc/hosts").is_file());
        assert!(!root.path().join("etc/.wh.b").exists());
    }

    #[test]
    fn nothing_gets_out() {
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("kept"), "kept").unwrap();
        let place = outside.path().to_str().unwrap();
        for target in [place.to_owned(), format!("../../../../../../..{place}")] {
            let layer = Builder::default()
                .entry(b'5', &place[1..], "", b"")
                .entry(b'2', "link", &target, b"")
                .file("link/new", "x")
                .file("link/.wh.kept", "");
            let again = Builder::default().file("link/.wh..wh..opq", "");
            let (root, outcome) = applied(vec![layer, again]);
            outcome.unwrap();
            assert!(!root.path().join(&place[1..]).join("new").exists());
            let left: Vec<_> = fs::read_dir(outside.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
            assert_eq!(left, ["kept"]);
        }
        let hard = Builder::default().entry(b'2', "l", place, b"").entry(b'1', "h", "l/kept", b"");
        assert!(matches!(applied(vec![hard]).1, Err(ImageError::Malformed(_))));
        for path in ["../x", "a/../../x", "/../x"] {
            assert!(matches!(applied(vec![Builder::default().file(path, "x")]).1, Err(ImageError::Malformed(_))));
        }
        for path in [".wh.", ".wh...", "a/.wh.."] {
            let layer = Builder::default().entry(b'5', "a", "", b"");
            let outcome = applied(vec![layer, Builder::default().file(path, "")]).1;
            assert!(matches!(outcome, Err(ImageError::Malformed(_))), "{path}");
        }
    }

    #[test]
    fn what_is_mounted_on_is_no_link() {
        let linked = Builder::default().entry(b'2', "proc", "/", b"").entry(b'2', "etc/hosts", "/x", b"");
        let (root, outcome) = applied(vec![linked]);
        outcome.unwrap();
        let metadata = |path: &str| fs::symlink_metadata(root.path().join(path)).unwrap();
        assert!(metadata("proc").is_dir() && metadata("etc/hosts").is_file());
        let above = Builder::default().entry(b'2', "var", "/etc", b"");
        assert!(matches!(applied(vec![above]).1, Err(ImageError::Malformed(_))));
        let loops = Builder::default().entry(b'2', "a", "a", b"").file("a/b", "x");
        assert!(matches!(applied(vec![loops]).1, Err(ImageError::Malformed(_))));
    }

    #[test]
    fn a_layer_that_is_not_what_its_digest_says_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let mut root = Root::new(directory.path()).unwrap();
        let archive = Builder::default().file("a", "1").bytes();
        let layer = |compression, digest: &[u8]| Layer {
            digest: blob::Digest::of(b""),
            size_bytes: 0,
            compression,
            archive: blob::Digest::of(digest),
        };
        let refusal = root.apply(&layer(Compression::None, b"other"), || Ok(archive.as_slice()));
        assert!(matches!(refusal, Err(ImageError::Malformed(_))));
        assert!(!directory.path().join("a").exists());
        let refusal = root.apply(&layer(Compression::Gzip, &archive), || Ok(archive.as_slice()));
        assert!(matches!(refusal, Err(ImageError::Malformed(_))), "{refusal:?}");
        root.apply(&layer(Compression::None, &archive), || Ok(archive.as_slice())).unwrap();
        assert!(directory.path().join("a").exists());
    }
}
