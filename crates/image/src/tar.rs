//! Reading tar archives: ustar, with the long names of GNU and the extended headers of POSIX.

use std::ffi::OsString;
use std::io::{self, Read};
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use crate::error::ImageError;
use crate::limits::DESCRIPTION_BYTES_MAX;

const BLOCK_BYTES: usize = 512;

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    File,
    Directory,
    Symlink,
    HardLink,
    /// A device or a pipe.
    Special,
}

/// An entry's head.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) path: PathBuf,
    pub(crate) link: PathBuf,
    pub(crate) kind: Kind,
    pub(crate) mode: u32,
    pub(crate) size: u64,
}

/// An archive that is read once, from its beginning to its end. Reading from it gives the content of the current entry.
pub(crate) struct Archive<R> {
    reader: R,
    /// Bytes of the current entry that were not read.
    content: u64,
    /// Bytes behind it, up to the next head.
    padding: u64,
}

/// What heads before an entry's own say of it.
#[derive(Default)]
struct Description {
    path: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    size: Option<u64>,
}

impl<R: Read> Archive<R> {
    pub(crate) fn new(reader: R) -> Archive<R> {
        Archive { reader, content: 0, padding: 0 }
    }

    /// The next entry; `None` at the end.
    pub(crate) fn next(&mut self) -> Result<Option<Entry>, ImageError> {
        let mut description = Description::default();
        loop {
            self.skip()?;
            let Some(head) = self.head()? else { return Ok(None) };
            let size = number(&head[124..136])?;
            match head[156] {
                b'L' => description.path = Some(until_nul(&self.describe(size)?).to_vec()),
                b'K' => description.link = Some(until_nul(&self.describe(size)?).to_vec()),
                b'x' => extend(&self.describe(size)?, &mut description)?,
                // Says something of all entries that follow: dates, comments.
                b'g' => drop(self.describe(size)?),
                b'S' => return Err(ImageError::malformed("a sparse file, which is not taken")),
                kind => return self.entry(&head, kind, description.size.unwrap_or(size), description).map(Some),
            }
        }
    }

    fn entry(
        &mut self,
        head: &[u8; BLOCK_BYTES],
        kind: u8,
        size: u64,
        description: Description,
    ) -> Result<Entry, ImageError> {
        let kind = match kind {
            b'0' | b'\0' | b'7' => Kind::File,
            b'1' => Kind::HardLink,
            b'2' => Kind::Symlink,
            b'5' => Kind::Directory,
            b'3' | b'4' | b'6' => Kind::Special,
            other => return Err(ImageError::malformed(format!("an entry of the unknown kind {other}"))),
        };
        let path = description.path.unwrap_or_else(|| name(head));
        // In archives of old a name with a slash at its end is a directory.
        let kind = if kind == Kind::File && path.ends_with(b"/") { Kind::Directory } else { kind };
        let size = if kind == Kind::File { size } else { 0 };
        self.expect(size);
        let link = description.link.unwrap_or_else(|| until_nul(&head[157..257]).to_vec());
        Ok(Entry {
            path: OsString::from_vec(path).into(),
            link: OsString::from_vec(link).into(),
            kind,
            mode: u32::try_from(number(&head[100..108])? & 0o7777).unwrap_or_default(),
            size,
        })
    }

    /// The content of an entry that only describes the next one.
    fn describe(&mut self, size: u64) -> Result<Vec<u8>, ImageError> {
        if size > DESCRIPTION_BYTES_MAX {
            return Err(ImageError::TooLarge("the description of a file has more than 1 MB"));
        }
        self.expect(size);
        let mut content = Vec::new();
        self.read_to_end(&mut content)?;
        if content.len() as u64 == size { Ok(content) } else { Err(truncated()) }
    }

    fn expect(&mut self, size: u64) {
        self.content = size;
        self.padding = size.next_multiple_of(BLOCK_BYTES as u64).saturating_sub(size);
    }

    fn skip(&mut self) -> Result<(), ImageError> {
        let left = self.content.saturating_add(self.padding);
        let skipped = io::copy(&mut (&mut self.reader).take(left), &mut io::sink())?;
        (self.content, self.padding) = (0, 0);
        if skipped == left { Ok(()) } else { Err(truncated()) }
    }

    /// The next head; `None` at the end, which is a block of zeros or nothing.
    fn head(&mut self) -> Result<Option<[u8; BLOCK_BYTES]>, ImageError> {
        let mut head = [0; BLOCK_BYTES];
        let mut filled = 0;
        while filled < BLOCK_BYTES {
            match self.reader.read(&mut head[filled..])? {
                0 if filled == 0 => return Ok(None),
                0 => return Err(truncated()),
                read => filled += read,
            }
        }
        if head.iter().all(|byte| *byte == 0) {
            return Ok(None);
        }
        let sum: u64 = head.iter().map(|byte| u64::from(*byte)).sum();
        let own: u64 = head[148..156].iter().map(|byte| u64::from(*byte)).sum();
        // The checksum counts itself as eight spaces.
        if sum - own + 8 * u64::from(b' ') != number(&head[148..156])? {
            return Err(ImageError::malformed("a wrong checksum in an archive"));
        }
        Ok(Some(head))
    }
}

impl<R: Read> Read for Archive<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = (&mut self.reader).take(self.content).read(buffer)?;
        self.content -= read as u64;
        Ok(read)
    }
}

fn truncated() -> ImageError {
    ImageError::malformed("an archive ends early")
}

/// A number in octal digits, or, with the highest bit set, in binary.
fn number(field: &[u8]) -> Result<u64, ImageError> {
    let bad = || ImageError::malformed("a number in an archive");
    if let Some((first, rest)) = field.split_first()
        && first & 0x80 != 0
    {
        let bytes = std::iter::once(first & 0x7F).chain(rest.iter().copied());
        return bytes
            .map(u64::from)
            .try_fold(0_u64, |value, byte| value.checked_mul(256).map(|value| value + byte))
            .ok_or_else(bad);
    }
    let text = std::str::from_utf8(until_nul(field)).map_err(|_| bad())?.trim();
    if text.is_empty() { Ok(0) } else { u64::from_str_radix(text, 8).map_err(|_| bad()) }
}

fn until_nul(field: &[u8]) -> &[u8] {
    field.split(|byte| *byte == 0).next().unwrap_or_default()
}

fn name(head: &[u8; BLOCK_BYTES]) -> Vec<u8> {
    let own = until_nul(&head[..100]);
    let prefix = until_nul(&head[345..500]);
    // GNU's own heads look different there.
    if prefix.is_empty() || &head[257..263] != b"ustar\0" {
        return own.to_vec();
    }
    [prefix, b"/", own].concat()
}

/// Takes over what a POSIX head says: records of the form `LENGTH KEY=VALUE` and a line's end.
fn extend(mut records: &[u8], description: &mut Description) -> Result<(), ImageError> {
    let bad = || ImageError::malformed("an extended header in an archive");
    while !records.is_empty() {
        let space = records.iter().position(|byte| *byte == b' ').ok_or_else(bad)?;
        let length: usize =
            std::str::from_utf8(&records[..space]).ok().and_then(|text| text.parse().ok()).ok_or_else(bad)?;
        let record = records.get(space + 1..length).and_then(|record| record.strip_suffix(b"\n")).ok_or_else(bad)?;
        records = &records[length..];
        let equals = record.iter().position(|byte| *byte == b'=').ok_or_else(bad)?;
        let (key, value) = (&record[..equals], &record[equals + 1..]);
        match key {
            b"path" => description.path = Some(value.to_vec()),
            b"linkpath" => description.link = Some(value.to_vec()),
            b"size" => {
                let size = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok());
                description.size = Some(size.ok_or_else(bad)?);
            }
            key if key.starts_with(b"GNU.sparse.") => {
                return Err(ImageError::malformed("a sparse file, which is not taken"));
            }
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests {
    use std::path::Path;

    use proptest::prelude::*;

    use super::*;

    /// Writes archives.
    #[derive(Default)]
    pub(crate) struct Builder(Vec<u8>);

    impl Builder {
        pub(crate) fn entry(mut self, kind: u8, path: &str, link: &str, content: &[u8]) -> Builder {
            let mut head = [0_u8; BLOCK_BYTES];
            head[..path.len()].copy_from_slice(path.as_bytes());
            head[100..107].copy_from_slice(b"0000755");
            head[124..135].copy_from_slice(format!("{:011o}", content.len()).as_bytes());
            head[156] = kind;
            head[157..157 + link.len()].copy_from_slice(link.as_bytes());
            head[257..263].copy_from_slice(b"ustar\0");
            head[148..156].fill(b' ');
            let sum: u32 = head.iter().map(|byte| u32::from(*byte)).sum();
            head[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
            self.0.extend(head);
            self.0.extend(content);
            self.0.resize(self.0.len().next_multiple_of(BLOCK_BYTES), 0);
            self
        }

        pub(crate) fn file(self, path: &str, content: &str) -> Builder {
            self.entry(b'0', path, "", content.as_bytes())
        }

        pub(crate) fn bytes(mut self) -> Vec<u8> {
            self.0.resize(self.0.len() + 2 * BLOCK_BYTES, 0);
            self.0
        }
    }

    fn all(archive: &[u8]) -> Result<Vec<(Entry, Vec<u8>)>, ImageError> {
        let mut archive = Archive::new(archive);
        let mut entries = Vec::new();
        while let Some(entry) = archive.next()? {
            let mut content = Vec::new();
            archive.read_to_end(&mut content)?;
            entries.push((entry, content));
        }
        Ok(entries)
    }

    #[test]
    fn entries_of_every_kind_are_read() {
        let long = "d/".repeat(100) + "name";
        let record = |text: String| format!("{} {text}\n", text.len() + 5);
        let archive = Builder::default()
            .entry(b'5', "d/", "", b"")
            .file("d/a", "content")
            .entry(b'2', "link", "d/a", b"")
            .entry(b'1', "hard", "d/a", b"")
            .entry(b'L', "././@LongLink", "", format!("{long}\0").as_bytes())
            .file("cut", "long")
            .entry(b'x', "head", "", record(format!("path=p{}", "x".repeat(90))).as_bytes())
            .file("cut", "extended")
            .entry(b'3', "dev/null", "", b"")
            .bytes();
        let entries = all(&archive).unwrap();
        let kinds: Vec<Kind> = entries.iter().map(|(entry, _)| entry.kind).collect();
        let (file, special) = (Kind::File, Kind::Special);
        assert_eq!(kinds, [Kind::Directory, file, Kind::Symlink, Kind::HardLink, file, file, special]);
        assert_eq!((entries[1].1.as_slice(), entries[1].0.mode), (b"content".as_slice(), 0o755));
        assert_eq!((entries[2].0.link.as_path(), entries[4].0.path.as_path()), (Path::new("d/a"), Path::new(&long)));
        assert_eq!(entries[4].1, b"long");
        assert_eq!(entries[5].0.path.as_os_str().len(), 91);
    }

    #[test]
    fn damaged_archives_are_refused() {
        let good = Builder::default().file("a", "content").bytes();
        let mut flipped = good.clone();
        flipped[0] = b'b';
        assert!(matches!(all(&flipped), Err(ImageError::Malformed(_))));
        assert!(matches!(all(&good[..700]), Err(ImageError::Malformed(_))));
        assert!(matches!(all(&good[..100]), Err(ImageError::Malformed(_))));
        let sparse = Builder::default().entry(b'S', "a", "", b"").bytes();
        assert!(matches!(all(&sparse), Err(ImageError::Malformed(_))));
        let vast = Builder::default().entry(b'L', "a", "", &vec![b'x'; 2 * 1024 * 1024]).bytes();
        assert!(matches!(all(&vast), Err(ImageError::TooLarge(_))));
    }

    proptest! {
        #[test]
        fn no_archive_does_harm(
            flips in proptest::collection::vec((0_usize..4_096, any::<u8>()), 0..6),
            cut in 0_usize..5_000,
        ) {
            let mut archive = Builder::default()
                .entry(b'x', "head", "", b"12 path=abc\n")
                .file("a", "content")
                .entry(b'2', "link", "a", b"")
                .bytes();
            for (at, byte) in flips {
                if let Some(place) = archive.get_mut(at) {
                    *place = byte;
                }
            }
            archive.truncate(cut);
            let _ = all(&archive);
        }
    }
}
