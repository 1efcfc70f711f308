//! A blob store on a disk that is really full refuses blobs and leaves nothing of them behind.

use std::path::Path;
use std::process::Command;

use traca_blob::{BlobError, BlobStore, Digest};

/// Names the mounted file system to the process inside the mount namespace.
const DIRECTORY: &str = "FULL_DISK_TEST_DIRECTORY";
const TEST: &str = "a_blob_that_does_not_fit_leaves_nothing";
/// Larger than the disk together with what else is on it.
const LENGTH: usize = 3 << 20;

async fn fill_and_recover(directory: &Path) {
    std::fs::write(directory.join("ballast"), vec![0; 2 << 20]).expect("written");
    let root = directory.join("blobs");
    let store = BlobStore::open(&root).expect("opens");
    let small = store.put("small".into()).await.expect("fits");
    let content = vec![b'v'; LENGTH];
    let put = store.put(content.clone().into()).await.expect_err("does not fit");
    assert!(matches!(put, BlobError::DiskFull), "{put}");
    let mut writer = store.writer(u64::MAX).await.expect("begun");
    let error = loop {
        if let Err(error) = writer.write(&content).await {
            break error;
        }
    };
    assert!(matches!(error, BlobError::DiskFull), "{error}");
    drop(writer);
    assert_eq!(std::fs::read_dir(root.join("temporary")).expect("readable").count(), 0, "nothing is left behind");
    assert!(!store.keep(&Digest::of(&content)).await.expect("answered"));

    std::fs::remove_file(directory.join("ballast")).expect("removed");
    let digest = store.put(content.clone().into()).await.expect("there is room again");
    assert_eq!(store.get(&digest).await.expect("whole"), content);
    assert_eq!(store.get(&small).await.expect("kept"), "small");
}

/// Runs this test again in a mount namespace of its own, on a file system of 4 MiB, where the system allows that.
#[test]
fn a_blob_that_does_not_fit_leaves_nothing() {
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
