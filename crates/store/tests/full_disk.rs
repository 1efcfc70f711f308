//! A store on a disk that is really full refuses writes, loses nothing, and goes on when there is room again.

use std::path::Path;
use std::process::Command;

use traca_store::{Direction, KeyRange, Partition, Profile, Store, StoreError, TransactError};

/// Names the mounted file system to the process inside the mount namespace.
const DIRECTORY: &str = "FULL_DISK_TEST_DIRECTORY";
const TEST: &str = "a_really_full_disk_loses_nothing";

async fn put(store: &Store, key: u32, value: Vec<u8>) -> Result<(), StoreError> {
    let partition = Partition::new("p")?;
    let written = store.transact(&partition, move |transaction| {
        transaction.put(&key.to_be_bytes(), &value);
        Ok(())
    });
    written.await.map_err(|error: TransactError<StoreError>| error.flatten())
}

/// Writes until the disk is full; returns how many writes were acknowledged.
async fn fill(store: &Store, first: u32, length: usize) -> u32 {
    for key in first.. {
        match put(store, key, vec![b'v'; length]).await {
            Ok(()) => {}
            Err(error) => {
                assert_eq!(error, StoreError::DiskFull);
                return key;
            }
        }
    }
    first
}

async fn fill_and_recover(directory: &Path) {
    let (file, ballast) = (directory.join("store"), directory.join("ballast"));
    // Room that is given back later.
    std::fs::write(&ballast, vec![0; 1 << 20]).expect("written");
    let store = Store::open(&file, Profile::Durable).expect("opens");
    let large = fill(&store, 0, 100_000).await;
    let written = fill(&store, large, 1000).await;
    assert!(large > 5, "{large}");
    for attempt in 0..100 {
        assert_eq!(put(&store, u32::MAX, vec![b'v'; 100_000]).await, Err(StoreError::DiskFull), "{attempt}");
    }
    std::fs::remove_file(&ballast).expect("removed");
    put(&store, written, vec![b'v'; 100_000]).await.expect("there is room again");
    store.shutdown().await;
    let store = Store::open(&file, Profile::Durable).expect("reopens");
    let partition = Partition::new("p").expect("valid");
    let rows = store.scan(&partition, KeyRange::all(), Direction::Forward, 10_000).await.expect("readable");
    let keys: Vec<_> = rows.iter().map(|(key, _)| key.to_vec()).collect();
    let expected: Vec<_> = (0..=written).map(|key| key.to_be_bytes().to_vec()).collect();
    assert_eq!(keys, expected, "what was acknowledged, and nothing that was refused");
}

/// Runs this test again in a mount namespace of its own, on a file system of 4 MiB. Where the system allows no such
/// namespace, the page limit in the unit tests has to do.
#[test]
fn a_really_full_disk_loses_nothing() {
    if let Some(directory) = std::env::var_os(DIRECTORY) {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        return runtime.block_on(fill_and_recover(Path::new(&directory)));
    }
    let directory = tempfile::tempdir().expect("a temporary directory");
    let mount = format!("mount -t tmpfs -o size=4m tmpfs {}", directory.path().display());
    // As root where that is allowed, else as the root of a user namespace.
    let ways: [&[&str]; 2] = [&["--mount"], &["--user", "--map-root-user", "--mount"]];
    let inside = |way: &[&str], script: &str| {
        let mut unshare = Command::new("unshare");
        unshare.args(way).args(["sh", "-c", script]);
        unshare
    };
    let allowed = |way: &&&[&str]| inside(way, &mount).output().is_ok_and(|output| output.status.success());
    let Some(way) = ways.iter().find(allowed) else { return };
    let program = std::env::current_exe().expect("this program");
    let again = format!("{mount} && exec {} --exact {TEST} --nocapture", program.display());
    let output = inside(way, &again).env(DIRECTORY, directory.path()).output().expect("started");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
