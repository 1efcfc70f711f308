//! What only a store on disk promises.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rusqlite::Connection;

use super::{durable, get, on_disk, partition, put, run, transact};
use crate::limits::READ_CONNECTIONS_MAX;
use crate::sqlite::SqliteOptions;
use crate::{OpenError, Profile, Store, StoreError};

fn open(path: &Path) -> Result<Store, OpenError> {
    Store::open(path, Profile::Durable)
}

#[test]
fn a_reopened_store_has_everything() {
    for profile in [Profile::Durable, Profile::Relaxed] {
        run(async {
            let subject = on_disk(profile);
            let directory = subject.directory.expect("on disk");
            let p = partition("p");
            for number in 0..100 {
                put(&subject.store, &p, &number.to_string(), "1").await.expect("written");
            }
            subject.store.shutdown().await;
            let log = directory.path().join("store.sqlite-wal");
            assert!(!log.exists(), "an orderly shutdown leaves one file to copy");
            let store = Store::open(directory.path(), profile).expect("reopens");
            for number in 0..100 {
                assert_eq!(get(&store, &p, &number.to_string()).await.as_deref(), Some("1"));
            }
        });
    }
}

#[test]
fn a_store_is_open_once() {
    run(async {
        let subject = durable();
        let directory = subject.directory.expect("on disk");
        let error = open(directory.path()).expect_err("locked");
        assert_eq!(error.to_string(), format!("{} is in use by another process", directory.path().display()));
        subject.store.shutdown().await;
        open(directory.path()).expect("free again");
    });
}

#[test]
fn dropping_the_last_handle_closes_the_store() {
    run(async {
        let subject = durable();
        let directory = subject.directory.expect("on disk");
        put(&subject.store, &partition("p"), "a", "1").await.expect("written");
        drop(subject.store);
        // The writer's thread notices on its own.
        let store = loop {
            match open(directory.path()) {
                Err(OpenError::Locked(_)) => tokio::task::yield_now().await,
                opened => break opened.expect("reopens"),
            }
        };
        assert_eq!(get(&store, &partition("p"), "a").await.as_deref(), Some("1"));
    });
}

#[test]
fn only_the_owner_can_look_inside() {
    let parent = tempfile::tempdir().expect("a temporary directory");
    let directory = parent.path().join("state");
    let store = open(&directory).expect("created");
    run(put(&store, &partition("p"), "a", "1")).expect("written");
    let mode = |path: &Path| path.metadata().expect("exists").permissions().mode() & 0o777;
    assert_eq!(mode(&directory), 0o700);
    for file in ["lock", "store.sqlite", "store.sqlite-wal", "store.sqlite-shm"] {
        assert_eq!(mode(&directory.join(file)), 0o600, "{file}");
    }
}

/// Opens a closed store's file as another program would, and changes it.
fn tamper(path: &Path, sql: &str) {
    let connection = Connection::open(path.join("store.sqlite")).expect("opens");
    connection.execute_batch(sql).expect("changed");
}

#[test]
fn a_newer_or_foreign_file_is_refused_and_left_alone() {
    run(async {
        let subject = durable();
        let directory = subject.directory.expect("on disk");
        put(&subject.store, &partition("p"), "a", "1").await.expect("written");
        subject.store.shutdown().await;

        tamper(directory.path(), "PRAGMA user_version = 3");
        let error = open(directory.path()).expect_err("newer");
        assert!(matches!(error, OpenError::NewerFormat { found: 3, supported: 2, .. }), "{error}");
        tamper(directory.path(), "PRAGMA user_version = 2; PRAGMA application_id = 7");
        let error = open(directory.path()).expect_err("foreign");
        assert!(matches!(error, OpenError::Foreign(_)), "{error}");
        tamper(directory.path(), "PRAGMA application_id = 0x54726361");
        let store = open(directory.path()).expect("ours again");
        assert_eq!(get(&store, &partition("p"), "a").await.as_deref(), Some("1"));
    });
}

/// Rows of `large` in a closed store's file, and values of `entry` that name one.
fn large_values(path: &Path) -> (u32, u32) {
    let connection = Connection::open(path.join("store.sqlite")).expect("opens");
    let count = |sql| connection.query_row(sql, [], |row| row.get(0)).expect("counted");
    (count("SELECT count(*) FROM large"), count("SELECT count(*) FROM entry WHERE typeof(value) = 'integer'"))
}

#[test]
fn large_values_lie_apart_and_go_with_their_keys() {
    run(async {
        let subject = durable();
        let directory = subject.directory.expect("on disk");
        let p = partition("p");
        let (small, large) = ("s".repeat(10), "l".repeat(100_000));
        for (key, values) in [("a", [&large, &large]), ("b", [&large, &small]), ("c", [&small, &large])] {
            for value in values {
                put(&subject.store, &p, key, value).await.expect("written");
            }
        }
        subject.store.shutdown().await;
        assert_eq!(large_values(directory.path()), (2, 2));

        let store = open(directory.path()).expect("reopens");
        assert_eq!(get(&store, &p, "a").await, Some(large.clone()));
        assert_eq!(get(&store, &p, "b").await, Some(small));
        let rows =
            store.scan(&p, crate::KeyRange::starting_at("c"), crate::Direction::Forward, 9).await.expect("readable");
        assert_eq!(rows, [("c".into(), large.into())]);
        store.delete_range(&p, crate::KeyRange::starting_at("b")).await.expect("removed");
        store.shutdown().await;
        assert_eq!(large_values(directory.path()), (1, 1));

        let store = open(directory.path()).expect("reopens");
        let removed = transact(&store, &p, |rows| {
            rows.delete(b"a");
            Ok(())
        });
        removed.await.expect("removed");
        store.shutdown().await;
        assert_eq!(large_values(directory.path()), (0, 0));
    });
}

#[test]
fn a_file_of_the_first_format_is_upgraded() {
    run(async {
        let subject = durable();
        let directory = subject.directory.expect("on disk");
        put(&subject.store, &partition("p"), "a", "1").await.expect("written");
        subject.store.shutdown().await;
        let large = "l".repeat(5_000);
        let inline = format!("UPDATE entry SET value = CAST('{large}' AS BLOB)");
        tamper(directory.path(), &format!("DROP TABLE large; {inline}; PRAGMA user_version = 1"));

        let store = open(directory.path()).expect("upgraded");
        assert_eq!(get(&store, &partition("p"), "a").await, Some(large.clone()));
        put(&store, &partition("p"), "a", &large).await.expect("written");
        assert_eq!(get(&store, &partition("p"), "a").await, Some(large));
        store.shutdown().await;
        assert_eq!(large_values(directory.path()), (1, 1), "a value that is written again moves");
    });
}

#[test]
fn what_cannot_be_opened_says_why() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = directory.path().join("a file");
    std::fs::write(&file, "not a directory").expect("written");
    let error = open(&file).expect_err("not a directory");
    assert!(error.to_string().starts_with(&format!("cannot open {}: ", file.display())), "{error}");

    let damaged = directory.path().join("damaged");
    std::fs::create_dir(&damaged).expect("created");
    std::fs::write(damaged.join("store.sqlite"), [b'x'; 8192]).expect("written");
    let error = open(&damaged).expect_err("not a database");
    assert!(matches!(error, OpenError::Engine { .. }), "{error}");
}

#[test]
fn a_full_disk_loses_nothing_and_room_is_usable_again() {
    run(async {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let options = SqliteOptions { profile: Profile::Durable, pages_max: Some(100) };
        let store = Store::open_with(directory.path(), &options).expect("opens");
        let p = partition("p");
        let mut written = 0;
        let refused = loop {
            match put(&store, &p, &written.to_string(), [b'v'; 5000]).await {
                Ok(()) => written += 1,
                Err(error) => break error,
            }
        };
        assert_eq!(refused, StoreError::DiskFull);
        assert!(written > 20, "{written}");
        for number in 0..written {
            assert!(get(&store, &p, &number.to_string()).await.is_some(), "{number}");
        }
        assert_eq!(get(&store, &p, &written.to_string()).await, None, "the refused one is not there");

        store.delete_range(&p, crate::KeyRange::all()).await.expect("deleting needs no room");
        put(&store, &p, "again", [b'v'; 5000]).await.expect("there is room again");
        store.shutdown().await;
        let store = open(directory.path()).expect("reopens");
        assert!(get(&store, &p, "again").await.is_some());
    });
}

#[test]
fn the_log_stays_bounded_beside_readers_that_come_and_go() {
    run(async {
        let subject = durable();
        let (store, p) = (&subject.store, partition("p"));
        let mut snapshots = Vec::new();
        // 160 MiB through the log, never without a snapshot on it.
        for number in 0..320 {
            put(store, &p, &(number % 8).to_string(), vec![b'v'; 512 * 1024]).await.expect("written");
            let snapshot = store.snapshot(&p).await.expect("taken");
            snapshot.get(b"0").await.expect("readable");
            snapshots.push(snapshot);
            if snapshots.len() == READ_CONNECTIONS_MAX / 2 {
                snapshots.remove(0);
            }
        }
        let bytes = store.stats().log_bytes;
        assert!(bytes < 128 << 20, "the log has {bytes} bytes");
        drop(snapshots);
        put(store, &p, "a", "1").await.expect("written");
    });
}
