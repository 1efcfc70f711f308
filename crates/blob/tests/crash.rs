//! A process that is killed in the middle of its writes leaves every blob it has reported, whole, and nothing else.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use traca_blob::{BlobStore, Digest};

/// Names the store's directory to the process that will be killed.
const DIRECTORY: &str = "CRASH_TEST_DIRECTORY";
const WRITERS: usize = 8;
const ROUNDS: usize = 6;
/// Blobs a round waits for before it kills.
const WRITTEN_MIN: usize = 20;

/// Writes blobs of many sizes, some of them the same for all writers, until killed.
async fn write_for_ever(store: BlobStore, writer: usize) {
    for number in 0.. {
        let author = if number % 3 == 0 { WRITERS } else { writer };
        let content = format!("{author} {number} ").repeat(1 + number * 997 % 40_000);
        let mut blob = store.writer(u64::MAX).await.expect("begun");
        for piece in content.as_bytes().chunks(50_000) {
            blob.write(piece).await.expect("written");
        }
        let written = blob.finish().await.expect("finished");
        let line = format!("written {}\n", written.digest);
        std::io::stdout().lock().write_all(line.as_bytes()).expect("the test reads");
    }
}

async fn write_until_killed(directory: &Path) {
    let store = BlobStore::open(directory).expect("opens");
    let writers: Vec<_> = (0..WRITERS).map(|writer| tokio::spawn(write_for_ever(store.clone(), writer))).collect();
    for writer in writers {
        writer.await.expect("never ends");
    }
}

/// Starts this test again as the process to be killed, kills it, and returns what it reported.
fn round(directory: &Path, round: usize) -> Vec<Digest> {
    let mut child = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "reported_blobs_survive_a_kill", "--nocapture"])
        .env(DIRECTORY, directory)
        .stdout(Stdio::piped())
        .spawn()
        .expect("started");
    let mut reported = Vec::new();
    for line in BufReader::new(child.stdout.take().expect("piped")).lines() {
        // The kill may cut the last line short, and the test runner of the child prints lines of its own.
        let Ok(line) = line else { break };
        reported.extend(line.strip_prefix("written ").and_then(|digest| digest.parse::<Digest>().ok()));
        if reported.len() == WRITTEN_MIN + 7 * round {
            child.kill().expect("still running");
        }
    }
    child.wait().expect("ended");
    assert!(reported.len() >= WRITTEN_MIN, "killed too early");
    reported
}

#[test]
fn reported_blobs_survive_a_kill() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    if let Some(directory) = std::env::var_os(DIRECTORY) {
        return runtime.block_on(write_until_killed(Path::new(&directory)));
    }
    let directory = tempfile::tempdir().expect("a temporary directory");
    for number in 0..ROUNDS {
        let reported = round(directory.path(), number);
        let store = BlobStore::open(directory.path()).expect("reopens");
        let left = std::fs::read_dir(directory.path().join("temporary")).expect("readable").count();
        assert_eq!(left, 0, "unfinished blobs are removed");
        runtime.block_on(async {
            for digest in &reported {
                store.get(digest).await.expect("there, and whole");
            }
            // Blobs that were finished but not reported may be there too; they are whole, or `get` would say so.
            let all = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
            let found = all.clone();
            let note = move |digest: &Digest| {
                found.lock().expect("unshared").push(*digest);
                true
            };
            store.sweep(note, Duration::ZERO).await.expect("swept");
            let all = std::mem::take(&mut *all.lock().expect("unshared"));
            assert!(reported.iter().all(|digest| all.contains(digest)));
            for digest in all {
                store.get(&digest).await.expect("whole");
            }
        });
    }
}
