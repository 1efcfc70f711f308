//! What both kinds of blob store promise, and what only the one on disk does.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures_util::StreamExt;
use tempfile::TempDir;

use crate::limits::{CHUNK_BYTES, SWEEP_GRACE, WRITE_BYTES};
use crate::{BlobError, BlobStore, Digest, Swept, Written};

/// Runs a test on a store in memory and on one on disk.
fn for_both<F: Future<Output = ()>>(test: impl Fn(BlobStore) -> F) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(test(BlobStore::memory()));
    let (directory, store) = on_disk();
    runtime.block_on(test(store));
    // Writes that were given up end with it.
    drop(runtime);
    assert_eq!(files(&directory.path().join("temporary")), Vec::<String>::new(), "nothing is left behind");
}

fn on_disk() -> (TempDir, BlobStore) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let store = BlobStore::open(directory.path()).expect("opens");
    (directory, store)
}

fn files(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).expect("readable");
    entries.map(|entry| entry.expect("readable").file_name().to_string_lossy().into_owned()).collect()
}

/// Content of this length that is the same each time and differs everywhere.
fn content(length: usize) -> Bytes {
    (0..length).map(|at| (at * 31 + at / 251) as u8).collect()
}

#[test]
fn digests_are_written_and_read_as_hexadecimal() {
    let digest = Digest::of(b"abc");
    let text = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(digest.to_string(), text);
    assert_eq!(text.parse(), Ok(digest));
    assert_eq!(serde_json::from_str::<Digest>(&serde_json::to_string(&digest).expect("text")).expect("read"), digest);
    for wrong in ["", &text[1..], &text.to_uppercase(), &text.replace('b', "g"), &format!("{text}0"), "é"] {
        assert!(wrong.parse::<Digest>().is_err(), "{wrong}");
    }
}

#[test]
fn what_was_put_can_be_read_whole_and_in_parts() {
    for_both(|store| async move {
        for length in [0, 1, 1000, CHUNK_BYTES, CHUNK_BYTES + 1] {
            let content = content(length);
            let digest = store.put(content.clone()).await.expect("written");
            assert_eq!(digest, Digest::of(&content));
            assert_eq!(store.get(&digest).await.expect("there"), content);
            let reader = store.read(&digest).await.expect("there");
            assert_eq!(reader.length(), length as u64);
            let half = length / 2;
            assert_eq!(reader.range(half as u64, (length - half) as u64).await.expect("inside"), content[half..]);
            let beyond = reader.range(1, length as u64).await.expect_err("beyond the end");
            assert!(matches!(beyond, BlobError::OutOfRange { .. }), "{beyond}");
            assert!(reader.range(u64::MAX, u64::MAX).await.is_err());
            let chunks: Vec<_> = reader.stream(half as u64, (length - half) as u64).expect("inside").collect().await;
            let chunks: Vec<u8> = chunks.into_iter().flat_map(|chunk| chunk.expect("readable")).collect();
            assert_eq!(chunks, content[half..]);
        }
        let missing = Digest::of(b"never written");
        assert!(matches!(store.get(&missing).await, Err(BlobError::NotFound(digest)) if digest == missing));
        assert!(!store.keep(&missing).await.expect("answered"));
    });
}

#[test]
fn pieces_make_the_same_blob_as_the_whole() {
    for_both(|store| async move {
        let content = content(3 * WRITE_BYTES + 7);
        for piece in [1000, WRITE_BYTES, content.len()] {
            let mut writer = store.writer(content.len() as u64).await.expect("begun");
            for piece in content.chunks(piece) {
                writer.write(piece).await.expect("written");
            }
            assert_eq!(writer.length(), content.len() as u64);
            let written = writer.finish().await.expect("finished");
            assert_eq!(written, Written { digest: Digest::of(&content), length: content.len() as u64 });
            assert_eq!(store.get(&written.digest).await.expect("there"), content);
        }
    });
}

#[test]
fn a_writer_that_is_over_its_limit_or_dropped_leaves_nothing() {
    for_both(|store| async move {
        let content = content(WRITE_BYTES + 1);
        let mut writer = store.writer(WRITE_BYTES as u64).await.expect("begun");
        writer.write(&content[..WRITE_BYTES]).await.expect("just fits");
        let error = writer.write(&content[WRITE_BYTES..]).await.expect_err("too long");
        assert!(matches!(error, BlobError::TooLarge(limit) if limit == WRITE_BYTES as u64), "{error}");
        assert!(writer.write(b"").await.is_err(), "nothing can follow an error");
        assert!(writer.finish().await.is_err());

        let mut dropped = store.writer(u64::MAX).await.expect("begun");
        dropped.write(&content).await.expect("written");
        drop(dropped);
        assert!(!store.keep(&Digest::of(&content)).await.expect("answered"));
    });
}

#[test]
fn the_same_content_at_once_is_one_blob() {
    for_both(|store| async move {
        let content = content(100_000);
        let tasks: Vec<_> = (0..32)
            .map(|task| {
                let (store, content) = (store.clone(), content.clone());
                tokio::spawn(async move {
                    if task % 2 == 0 {
                        return store.put(content).await;
                    }
                    let mut writer = store.writer(u64::MAX).await?;
                    writer.write(&content).await?;
                    writer.finish().await.map(|written| written.digest)
                })
            })
            .collect();
        for task in tasks {
            assert_eq!(task.await.expect("no panic").expect("written"), Digest::of(&content));
        }
        assert_eq!(store.get(&Digest::of(&content)).await.expect("there"), content);
        let swept = store.sweep(|_| false, Duration::ZERO).await.expect("swept");
        assert_eq!(swept, Swept { blobs: 1, bytes: 100_000 });
    });
}

#[test]
fn a_sweep_removes_what_nothing_names() {
    for_both(|store| async move {
        let live = store.put("live".into()).await.expect("written");
        let dead = store.put("dead".into()).await.expect("written");
        let open = store.read(&dead).await.expect("there");
        let none = store.sweep(|_| false, SWEEP_GRACE).await.expect("swept");
        assert_eq!(none, Swept::default(), "both have just been written");
        let swept = store.sweep(move |digest| *digest == live, Duration::ZERO).await.expect("swept");
        assert_eq!(swept, Swept { blobs: 1, bytes: 4 });
        assert!(store.get(&live).await.is_ok());
        assert!(matches!(store.get(&dead).await, Err(BlobError::NotFound(_))));
        assert_eq!(open.range(0, 4).await.expect("still open"), "dead");
    });
}

#[test]
fn clear_removes_everything() {
    for_both(|store| async move {
        let digest = store.put("content".into()).await.expect("written");
        store.clear().await.expect("cleared");
        assert!(matches!(store.get(&digest).await, Err(BlobError::NotFound(_))));
        store.put("content".into()).await.expect("written again");
        assert_eq!(store.get(&digest).await.expect("there"), "content");
    });
}

/// Makes a blob look as if it had been written long ago.
fn age(path: &Path) {
    let file = fs::File::options().write(true).open(path).expect("opens");
    file.set_modified(SystemTime::now() - 2 * SWEEP_GRACE).expect("changed");
}

#[tokio::test]
async fn an_old_blob_that_is_wanted_again_is_safe_from_the_sweep() {
    let (_directory, store) = on_disk();
    let put = store.put("put again".into()).await.expect("written");
    let streamed = store.put("streamed again".into()).await.expect("written");
    let kept = store.put("kept".into()).await.expect("written");
    let forgotten = store.put("forgotten".into()).await.expect("written");
    for digest in [&put, &streamed, &kept, &forgotten] {
        age(&store.path(digest).expect("a file"));
    }
    store.put("put again".into()).await.expect("written");
    let mut writer = store.writer(100).await.expect("begun");
    writer.write(b"streamed again").await.expect("written");
    writer.finish().await.expect("finished");
    assert!(store.keep(&kept).await.expect("answered"));
    assert_eq!(store.sweep(|_| false, SWEEP_GRACE).await.expect("swept").blobs, 1);
    for digest in [&put, &streamed, &kept] {
        assert!(store.get(digest).await.is_ok());
    }
    assert!(store.get(&forgotten).await.is_err());
}

#[tokio::test]
async fn blobs_survive_reopening_and_unfinished_ones_do_not() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let root = directory.path().join("blobs");
    let store = BlobStore::open(&root).expect("opens");
    let error = BlobStore::open(&root).expect_err("locked");
    assert_eq!(error.to_string(), format!("{} is in use by another process", root.display()));
    let digest = store.put("content".into()).await.expect("written");
    drop(store);
    // What a process that was killed leaves.
    fs::write(root.join("temporary/7"), "half").expect("written");
    let store = BlobStore::open(&root).expect("reopens");
    assert_eq!(files(&root.join("temporary")), Vec::<String>::new());
    assert_eq!(store.get(&digest).await.expect("there"), "content");
    let mode = |path: &Path| path.metadata().expect("there").permissions().mode() & 0o777;
    assert_eq!(mode(&root), 0o700);
    assert_eq!(mode(&store.path(&digest).expect("a file")), 0o600);
}

#[tokio::test]
async fn damage_is_noticed_and_repaired_by_writing_again() {
    let (_directory, store) = on_disk();
    let digest = store.put("content".into()).await.expect("written");
    let path = store.path(&digest).expect("a file");
    fs::write(&path, "CONTENT").expect("changed");
    assert!(matches!(store.get(&digest).await, Err(BlobError::Damaged(damaged)) if damaged == digest));
    fs::write(&path, "short").expect("changed");
    store.put("content".into()).await.expect("written");
    assert_eq!(store.get(&digest).await.expect("there"), "content");
}

#[tokio::test]
async fn a_sweep_leaves_other_files_alone() {
    let (directory, store) = on_disk();
    let digest = store.put("content".into()).await.expect("written");
    let beside = store.path(&digest).expect("a file").with_file_name("notes.txt");
    fs::write(&beside, "not ours").expect("written");
    fs::write(directory.path().join("objects/README"), "not ours").expect("written");
    assert_eq!(store.sweep(|_| false, Duration::ZERO).await.expect("swept").blobs, 1);
    assert!(beside.exists());
}
