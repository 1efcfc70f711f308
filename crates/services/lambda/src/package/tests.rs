//! Packages of every kind, made by hand and by chance.

use std::fs;
use std::io::{Cursor, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use blob::BlobStore;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tempfile::TempDir;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::*;
use crate::function::CodePackage;

/// Builds an archive from entries.
struct Builder(ZipWriter<Cursor<Vec<u8>>>);

impl Builder {
    fn new() -> Builder {
        Builder(ZipWriter::new(Cursor::new(Vec::new())))
    }

    fn file(mut self, name: &str, mode: u32, content: &[u8]) -> Builder {
        self.0.start_file(name, SimpleFileOptions::default().unix_permissions(mode)).unwrap();
        self.0.write_all(content).unwrap();
        self
    }

    fn directory(mut self, name: &str) -> Builder {
        self.0.add_directory(name, SimpleFileOptions::default()).unwrap();
        self
    }

    fn link(mut self, name: &str, target: &str) -> Builder {
        self.0.add_symlink(name, target, SimpleFileOptions::default()).unwrap();
        self
    }

    fn bytes(self) -> Vec<u8> {
        self.0.finish().unwrap().into_inner()
    }
}

fn read_all(archive: &[u8]) -> Result<Contents, PackageError> {
    read(bytes::Bytes::copy_from_slice(archive), |_| Ok(()))
}

fn code(digest: &blob::Digest) -> CodePackage {
    CodePackage { digest: *digest, size_bytes: 0, unzipped_bytes: 0, image: None }
}

fn assert_malformed(archive: &[u8]) {
    let outcome = read_all(archive);
    assert!(matches!(outcome, Err(PackageError::Malformed(_))), "{outcome:?}");
}

/// Replaces every occurrence of a text by another of the same length, in headers and central directory alike.
fn patch(mut archive: Vec<u8>, from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let places: Vec<usize> = memchr::memmem::find_iter(&archive, from).collect();
    assert!(!places.is_empty());
    for place in places {
        archive[place..place + to.len()].copy_from_slice(to);
    }
    archive
}

async fn unpacked(archive: Vec<u8>) -> (TempDir, std::sync::Arc<PackageDirectory>) {
    let root = tempfile::tempdir().unwrap();
    let blobs = BlobStore::memory();
    let digest = blobs.put(archive.into()).await.unwrap();
    let packages = Packages::open(root.path().to_owned(), blobs).unwrap();
    let directory = packages.ensure(&code(&digest)).await.unwrap();
    (root, directory)
}

#[tokio::test]
async fn a_package_is_unpacked_with_its_links_and_executables() {
    let archive = Builder::new()
        .file("app.py", 0o600, b"print(1)")
        .file("bin/tool", 0o700, b"#!/bin/sh\n")
        .directory("empty/")
        .link("bin/again", "../app.py")
        .bytes();
    let (_root, directory) = unpacked(archive).await;
    let path = |name: &str| directory.path().join(name);
    let mode = |name: &str| fs::symlink_metadata(path(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!(fs::read(path("app.py")).unwrap(), b"print(1)");
    assert_eq!(fs::read(path("bin/again")).unwrap(), b"print(1)");
    assert_eq!(fs::read_link(path("bin/again")).unwrap(), PathBuf::from("../app.py"));
    assert_eq!((mode("app.py"), mode("bin/tool")), (0o644, 0o755));
    assert_eq!((mode(""), mode("bin"), mode("empty")), (0o755, 0o755, 0o755));
}

#[tokio::test]
async fn a_package_in_use_stays_and_one_not_in_use_comes_back_from_its_blob() {
    let blobs = BlobStore::memory();
    let digest = blobs.put(Builder::new().file("a", 0o644, b"1").bytes().into()).await.unwrap();
    let root = tempfile::tempdir().unwrap();
    let packages = Packages::open(root.path().to_owned(), blobs).unwrap();
    let directory = packages.ensure(&code(&digest)).await.unwrap();
    assert!(!packages.remove(&digest).unwrap());
    let path = directory.path().to_owned();
    drop(directory);
    assert!(packages.remove(&digest).unwrap());
    assert!(!path.exists());
    assert!(packages.unpacked().unwrap().is_empty());
    let again = packages.ensure(&code(&digest)).await.unwrap();
    assert_eq!(fs::read(again.path().join("a")).unwrap(), b"1");
    assert_eq!(packages.unpacked().unwrap(), [digest]);
}

#[tokio::test]
async fn what_an_earlier_process_left_unfinished_is_removed_and_the_rest_is_used() {
    let root = tempfile::tempdir().unwrap();
    let blobs = BlobStore::memory();
    let digest = blobs.put(Builder::new().file("a", 0o644, b"1").bytes().into()).await.unwrap();
    let packages = Packages::open(root.path().to_owned(), blobs).unwrap();
    packages.ensure(&code(&digest)).await.unwrap();
    drop(packages);
    let left = root.path().join(".unfinished-1");
    fs::create_dir(&left).unwrap();
    let packages = Packages::open(root.path().to_owned(), BlobStore::memory()).unwrap();
    assert!(!left.exists());
    assert!(packages.ensure(&code(&digest)).await.unwrap().path().join("a").exists());
}

#[tokio::test]
async fn many_callers_at_once_get_the_same_directory() {
    let blobs = BlobStore::memory();
    let digest = blobs.put(Builder::new().file("a", 0o644, b"1").bytes().into()).await.unwrap();
    let root = tempfile::tempdir().unwrap();
    let packages = Packages::open(root.path().to_owned(), blobs).unwrap();
    let code = code(&digest);
    let all = futures_util::future::join_all((0..32).map(|_| packages.ensure(&code))).await;
    let paths: Vec<_> = all.iter().map(|directory| directory.as_ref().unwrap().path()).collect();
    assert!(paths.iter().all(|path| *path == paths[0]));
}

#[test]
fn an_empty_package_and_garbage_have_their_own_words() {
    assert!(matches!(read_all(b""), Err(PackageError::Empty)));
    assert!(matches!(read_all(&Builder::new().bytes()), Err(PackageError::Empty)));
    assert!(matches!(read_all(&Builder::new().directory("d/").bytes()), Err(PackageError::Empty)));
    assert_malformed(b"this is no zip file");
    assert_malformed(&[0; 4_096]);
}

#[test]
fn nothing_gets_out_of_the_package() {
    let file = |name: &str| Builder::new().file(name, 0o644, b"x").bytes();
    assert_malformed(&patch(file("AAAA/x"), b"AAAA/x", b"../../"));
    for (from, to) in [("AA/x", "../x"), ("AAAAx", "/etcx"), ("a/AA/x", "a/../x"), ("aAb", "a\0b")] {
        assert_malformed(&patch(file(from), from.as_bytes(), to.as_bytes()));
    }
    let link = |path: &str, target: &str| Builder::new().link(path, target).bytes();
    for target in ["/etc/passwd", "..", "../x", "a/../../x", "d/..", "/var/task/../lib", "/var/tasks/x", ""] {
        assert_malformed(&link("l", target));
    }
    assert_malformed(&link("d/l", "../../x"));
    for (path, target) in [("l", "x"), ("d/l", "../x"), ("d/e/l", "../../x/y"), ("l", "/var/task/x"), ("l", ".")] {
        assert_eq!(read_all(&link(path, target)).unwrap().files, 1, "{path} -> {target}");
    }
}

#[test]
fn nothing_is_written_through_a_link_or_over_another_entry() {
    assert_malformed(&Builder::new().link("d", "e").file("d/x", 0o644, b"x").bytes());
    assert_malformed(&Builder::new().file("d/x", 0o644, b"x").link("d", "e").bytes());
    assert_malformed(&Builder::new().file("d", 0o644, b"x").file("d/x", 0o644, b"x").bytes());
    assert_malformed(&Builder::new().file("a", 0o644, b"x").file("./a", 0o644, b"y").bytes());
}

#[test]
fn devices_and_encrypted_entries_are_refused() {
    let archive = Builder::new().file("device", 0o644, b"").bytes();
    for file_type in [0o020_000_u32, 0o060_000, 0o010_000, 0o140_000] {
        let regular = ((0o100_644_u32) << 16).to_le_bytes();
        let other = ((file_type | 0o644) << 16).to_le_bytes();
        assert_malformed(&patch(archive.clone(), &regular, &other));
    }
    let mut encrypted = Builder::new().file("secret", 0o644, b"x").bytes();
    let central = memchr::memmem::find(&encrypted, b"PK\x01\x02").unwrap();
    encrypted[central + 8] |= 1;
    encrypted[6] |= 1;
    assert_malformed(&encrypted);
}

#[test]
fn a_damaged_file_is_noticed_although_nobody_reads_it() {
    let content: Vec<u8> = (0..100_000_u32).flat_map(u32::to_le_bytes).collect();
    let mut archive = Builder::new().file("data", 0o644, &content).bytes();
    archive[5_000] ^= 0xFF;
    assert_malformed(&archive);
}

#[test]
fn bombs_are_refused_by_what_they_hold_and_by_what_they_say() {
    let zeros = vec![0_u8; 32 * 1024 * 1024];
    let mut bomb = Builder::new();
    for number in 0..8 {
        bomb = bomb.file(&format!("{number}"), 0o644, &zeros);
    }
    let bomb = bomb.bytes();
    assert!(bomb.len() < 1024 * 1024);
    assert!(matches!(read_all(&bomb), Err(PackageError::TooLarge)));

    let honest = Builder::new().file("zeros", 0o644, &zeros).bytes();
    let declared = (zeros.len() as u32).to_le_bytes();
    assert_eq!(read_all(&honest).unwrap().unzipped_bytes, zeros.len() as u64);
    assert_malformed(&patch(honest.clone(), &declared, &1_000_u32.to_le_bytes()));
    assert!(matches!(
        read_all(&patch(honest, &declared, &(UNZIPPED_BYTES_MAX as u32).to_le_bytes())),
        Err(PackageError::TooLarge)
    ));
}

#[test]
fn too_many_entries_are_refused_before_they_cost_memory() {
    let mut archive = Builder::new().file("a", 0o644, b"x").bytes();
    archive.extend(b"PK\x01\x02".repeat(limits::ENTRIES_MAX));
    assert!(matches!(read_all(&archive), Err(PackageError::TooManyEntries)));
    let mut paths = paths::Paths::default();
    let outcome = (0..limits::PATHS_MAX)
        .try_for_each(|number| paths.take(std::path::Path::new(&format!("{number}/x/y")), paths::Kind::File));
    assert!(matches!(outcome, Err(PackageError::TooManyEntries)));
}

/// Changed archives are refused or read to the end, never more than that. The seeds are fixed, so that a failure can be
/// repeated.
#[test]
fn no_archive_does_harm() {
    let originals = [
        Builder::new().file("app.py", 0o644, b"print(1)").file("lib/a.so", 0o755, &[7; 3_000]).bytes(),
        Builder::new().directory("d/").link("d/l", "../x").file("x", 0o644, b"").bytes(),
    ];
    for seed in 0..4_000 {
        let mut random = StdRng::seed_from_u64(seed);
        let mut archive = originals[seed as usize % originals.len()].clone();
        for _ in 0..random.random_range(1..8) {
            let place = random.random_range(0..archive.len());
            match random.random_range(0..4) {
                0 => archive[place] = random.random(),
                1 => archive[place] = *[0, 1, 0x7F, 0x80, 0xFF, b'.', b'/'].get(place % 7).unwrap(),
                2 => archive.truncate(place.max(1)),
                _ => archive.insert(place, random.random()),
            }
        }
        let root = std::path::Path::new("/package");
        let outcome = read(archive.into(), |entry| {
            let path = match entry {
                Entry::Directory(path) | Entry::File { path, .. } | Entry::Link { path, .. } => path,
            };
            let normal = path.components().all(|part| matches!(part, std::path::Component::Normal(_)));
            assert!(normal && root.join(path).starts_with(root), "{path:?} with seed {seed}");
            Ok(())
        });
        if let Err(error) = outcome {
            assert!(error.is_fault_of_package(), "{error:?} with seed {seed}");
        }
    }
}
