//! Reading a package's zip file, from anybody, without harm.

use std::io::{self, Cursor, Read};
use std::path::Path;

use bytes::Bytes;
use zip::ZipArchive;
use zip::read::ZipFile;

use super::PackageError;
use super::limits::{ENTRIES_MAX, LINK_BYTES_MAX, UNZIPPED_BYTES_MAX};
use super::paths::{self, Kind, Paths};

/// One entry on its way out of the archive. Paths are relative and stay inside the package.
pub enum Entry<'a> {
    /// A directory.
    Directory(&'a Path),
    /// A regular file.
    File {
        /// Where it goes.
        path: &'a Path,
        /// Whether it may be executed.
        executable: bool,
        /// What it holds.
        content: &'a mut dyn Read,
    },
    /// A symbolic link that stays inside the package.
    Link {
        /// Where it goes.
        path: &'a Path,
        /// Where it points.
        target: &'a str,
    },
}

/// What an archive holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Contents {
    /// Files and links.
    pub files: usize,
    /// Size of all of them, in bytes.
    pub unzipped_bytes: u64,
}

/// Start of an entry's record in the central directory.
const CENTRAL_HEADER: &[u8] = b"PK\x01\x02";

/// The file type in a Unix mode, and its values.
const TYPE_MASK: u32 = 0o170_000;
const TYPE_FILE: u32 = 0o100_000;
const TYPE_DIRECTORY: u32 = 0o040_000;
const TYPE_LINK: u32 = 0o120_000;
const EXECUTABLE: u32 = 0o111;

/// Reads all of an archive and gives each entry to `visit`, which reads as much of a file as it wants; the rest is read
/// afterwards, so that sizes and checksums are always checked.
///
/// # Errors
/// [`PackageError`]; an error of `visit` ends the reading.
pub fn read(
    archive: Bytes,
    mut visit: impl FnMut(Entry<'_>) -> Result<(), PackageError>,
) -> Result<Contents, PackageError> {
    if archive.is_empty() {
        return Err(PackageError::Empty);
    }
    // An upper bound of what the reader is about to keep in memory.
    if memchr::memmem::find_iter(&archive, CENTRAL_HEADER).take(ENTRIES_MAX).count() == ENTRIES_MAX {
        return Err(PackageError::TooManyEntries);
    }
    let mut zip = ZipArchive::new(Cursor::new(archive)).map_err(|_| PackageError::Malformed("it is no zip file"))?;
    let mut contents = Contents::default();
    let mut paths = Paths::default();
    for index in 0..zip.len() {
        let mut file = zip.by_index(index).map_err(|_| PackageError::Malformed("an entry cannot be read"))?;
        read_entry(&mut file, &mut paths, &mut contents, &mut visit)?;
    }
    if contents.files == 0 { Err(PackageError::Empty) } else { Ok(contents) }
}

fn read_entry<R: Read>(
    file: &mut ZipFile<'_, R>,
    paths: &mut Paths,
    contents: &mut Contents,
    visit: &mut impl FnMut(Entry<'_>) -> Result<(), PackageError>,
) -> Result<(), PackageError> {
    if file.encrypted() {
        return Err(PackageError::Malformed("an entry is encrypted"));
    }
    let kind = kind(file)?;
    let path = paths::relative(file.name())?;
    if path.as_os_str().is_empty() {
        return match kind {
            Kind::Directory => Ok(()),
            Kind::File | Kind::Link => Err(PackageError::Malformed("an entry has no name")),
        };
    }
    paths.take(&path, kind)?;
    let declared = file.size();
    let room = UNZIPPED_BYTES_MAX - contents.unzipped_bytes;
    if declared >= room {
        return Err(PackageError::TooLarge);
    }
    let executable = file.unix_mode().is_some_and(|mode| mode & EXECUTABLE != 0);
    let mut content = Metered { inner: file, declared, read: 0, fault: None };
    match kind {
        Kind::Directory => visit(Entry::Directory(&path))?,
        Kind::File => {
            let outcome = visit(Entry::File { path: &path, executable, content: &mut content });
            if let Some(fault) = content.fault.take() {
                return Err(fault);
            }
            outcome?;
        }
        Kind::Link => {
            let target = link_target(&mut content)?;
            paths::check_link(&path, &target)?;
            visit(Entry::Link { path: &path, target: &target })?;
        }
    }
    content.finish()?;
    contents.unzipped_bytes += declared;
    contents.files += usize::from(kind != Kind::Directory);
    Ok(())
}

/// What an entry is. Archives made elsewhere than on Unix have no file type; a name that ends with a slash is a directory
/// everywhere.
fn kind<R: Read>(file: &ZipFile<'_, R>) -> Result<Kind, PackageError> {
    if file.is_dir() {
        return Ok(Kind::Directory);
    }
    match file.unix_mode().map_or(0, |mode| mode & TYPE_MASK) {
        0 | TYPE_FILE => Ok(Kind::File),
        TYPE_DIRECTORY => Ok(Kind::Directory),
        TYPE_LINK => Ok(Kind::Link),
        _ => Err(PackageError::Malformed("an entry is neither a file nor a directory nor a link")),
    }
}

fn link_target(content: &mut impl Read) -> Result<String, PackageError> {
    let mut target = Vec::new();
    let read = content.take(LINK_BYTES_MAX).read_to_end(&mut target);
    read.map_err(|_| PackageError::Malformed("a link cannot be read"))?;
    String::from_utf8(target).map_err(|_| PackageError::Malformed("a link's target is not UTF-8"))
}

/// Holds an entry to the size it declares, and remembers whether a failed read was the archive's fault.
struct Metered<R> {
    inner: R,
    declared: u64,
    read: u64,
    fault: Option<PackageError>,
}

impl<R: Read> Metered<R> {
    /// Reads what is left, and checks that it is as much as was declared.
    fn finish(mut self) -> Result<(), PackageError> {
        let rest = io::copy(&mut self, &mut io::sink());
        if let Some(fault) = self.fault.take() {
            return Err(fault);
        }
        rest?;
        if self.read == self.declared { Ok(()) } else { Err(PackageError::Malformed("an entry is cut short")) }
    }

    fn fail(&mut self, reason: &'static str) -> io::Error {
        self.fault = Some(PackageError::Malformed(reason));
        io::Error::new(io::ErrorKind::InvalidData, reason)
    }
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.inner.read(buffer).map_err(|_| self.fail("an entry is damaged"))?;
        self.read += length as u64;
        if self.read > self.declared {
            return Err(self.fail("an entry is longer than it says"));
        }
        Ok(length)
    }
}
