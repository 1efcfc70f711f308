//! A process that is killed in the middle of its writes loses nothing it has acknowledged, and leaves nothing half
//! written.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};

use traca_store::{Direction, KeyRange, Partition, Profile, Store, StoreError, TransactError};

/// Names the store's directory to the process that will be killed.
const DIRECTORY: &str = "CRASH_TEST_DIRECTORY";
/// Says which [`Profile`] it opens the store with.
const PROFILE: &str = "CRASH_TEST_PROFILE";
const WRITERS: u32 = 16;
const ROUNDS: u64 = 10;
/// After a reopening, acknowledgements a round waits for before it kills; later rounds kill at other moments.
const ACKNOWLEDGED_MIN: u64 = 50;
/// SIGKILL.
const KILLED: i32 = 9;

fn partition(writer: u32) -> Partition {
    Partition::new(format!("writer {writer}")).expect("a valid name")
}

fn number(value: &[u8]) -> u64 {
    String::from_utf8_lossy(value).parse().expect("a number")
}

/// Writes the next number under two keys of the writer's partition, until killed, and reports each acknowledgement.
async fn count_for_ever(store: Store, writer: u32) {
    let partition = partition(writer);
    loop {
        let counted = store.transact(&partition, |transaction| {
            let next = transaction.get(b"one")?.map_or(1, |value| number(&value) + 1).to_string();
            transaction.put(b"one", next.as_bytes());
            transaction.put(b"other", next.as_bytes());
            transaction.put(format!("log/{next:0>9}").as_bytes(), &[b'x'; 300]);
            Ok(next)
        });
        let counted = counted.await.map_err(|error: TransactError<StoreError>| error.to_string());
        let line = format!("acknowledged {writer} {}\n", counted.expect("written"));
        std::io::stdout().lock().write_all(line.as_bytes()).expect("the test reads");
    }
}

async fn write_until_killed(directory: &Path, profile: Profile) {
    let store = Store::open(directory, profile).expect("opens");
    let writers: Vec<_> = (0..WRITERS).map(|writer| tokio::spawn(count_for_ever(store.clone(), writer))).collect();
    for writer in writers {
        writer.await.expect("never ends");
    }
}

/// Starts this test again as the process to be killed, kills it, and returns the last acknowledged numbers.
fn round(directory: &Path, profile: &str, round: u64) -> HashMap<u32, u64> {
    let mut child = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", profile, "--nocapture"])
        .env(DIRECTORY, directory)
        .env(PROFILE, profile)
        .stdout(Stdio::piped())
        .spawn()
        .expect("started");
    let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    let mut last = HashMap::new();
    let mut seen = 0;
    for line in lines {
        // The kill may cut the last line short.
        let Ok(line) = line else { break };
        let words: Vec<&str> = line.split(' ').collect();
        // The test runner of the child prints lines of its own.
        let ["acknowledged", writer, count] = words[..] else { continue };
        let (Ok(writer), Ok(count)) = (writer.parse(), count.parse::<u64>()) else { continue };
        let before = last.insert(writer, count).unwrap_or(0);
        // A last line cut within its number is a smaller number.
        last.entry(writer).and_modify(|last| *last = before.max(*last));
        seen += 1;
        if seen == ACKNOWLEDGED_MIN + 37 * round {
            child.kill().expect("still running");
        }
    }
    assert_eq!(child.wait().expect("ended").signal(), Some(KILLED));
    last
}

/// Checks a reopened store against what was acknowledged.
async fn verify(store: &Store, acknowledged: &HashMap<u32, u64>) {
    for writer in 0..WRITERS {
        let snapshot = store.snapshot(&partition(writer)).await.expect("taken");
        let one = snapshot.get(b"one").await.expect("readable").map_or(0, |value| number(&value));
        let other = snapshot.get(b"other").await.expect("readable").map_or(0, |value| number(&value));
        let acknowledged = acknowledged.get(&writer).copied().unwrap_or(0);
        assert!(one >= acknowledged, "writer {writer} lost numbers {one} to {acknowledged}");
        assert_eq!(one, other, "writer {writer} has half a transaction");
        let last = snapshot.scan(KeyRange::prefix("log/"), Direction::Backward, 1).await.expect("readable");
        let last = last.first().map_or(0, |(key, _)| number(&key[b"log/".len()..]));
        assert_eq!(last, one, "writer {writer} has half a transaction");
    }
}

fn killed_again_and_again(name: &str, profile: Profile) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    if std::env::var(PROFILE).is_ok_and(|profile| profile == name) {
        let directory = std::env::var_os(DIRECTORY).expect("named");
        return runtime.block_on(write_until_killed(Path::new(&directory), profile));
    }
    let directory = tempfile::tempdir().expect("a temporary directory");
    let mut acknowledged = HashMap::new();
    for number in 0..ROUNDS {
        acknowledged.extend(round(directory.path(), name, number));
        let store = Store::open(directory.path(), profile).expect("reopens");
        runtime.block_on(async {
            verify(&store, &acknowledged).await;
            store.shutdown().await;
        });
    }
    assert_eq!(acknowledged.len(), WRITERS as usize, "every writer was acknowledged something");
}

#[test]
fn durable() {
    killed_again_and_again("durable", Profile::Durable);
}

#[test]
fn relaxed() {
    killed_again_and_again("relaxed", Profile::Relaxed);
}
