//! Durable transactions per second at 1, 16 and 64 writers, and reads; one line each.
//!
//! `cargo run --release -p traca-store --example bench [DIRECTORY]` measures in a directory of its own below the given
//! one (by default the system's temporary directory, which may not be a real disk).

use std::error::Error;
use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use traca_store::keys::Key;
use traca_store::{Direction, KeyRange, Partition, Profile, Store, StoreError, TransactError};

/// How long each line is measured.
const MEASURED: Duration = Duration::from_secs(3);
const VALUE: [u8; 300] = [b'v'; 300];
/// Keys the writers choose from.
const KEYS: u64 = 100_000;

type Failure = Box<dyn Error + Send + Sync>;

/// Writes until the time is up; returns how long each write took.
async fn write(store: Store, partition: Partition, writer: u64) -> Result<Vec<Duration>, Failure> {
    let mut took = Vec::new();
    let started = Instant::now();
    let mut number = writer;
    while started.elapsed() < MEASURED {
        // A fixed walk through all keys, different for each writer.
        number = (number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407)) >> 1;
        let key = Key::new().text("row").u64(number % KEYS);
        let one = Instant::now();
        let done = store.transact(&partition, move |transaction| {
            transaction.put(&key, &VALUE);
            Ok(())
        });
        done.await.map_err(|error: TransactError<StoreError>| error.flatten())?;
        took.push(one.elapsed());
    }
    Ok(took)
}

/// Prints one line: how many a second, and how long one took.
fn report(what: &str, mut took: Vec<Duration>) -> Result<(), Failure> {
    took.sort_unstable();
    let percentile = |percent: usize| took.get(took.len() * percent / 100).copied().unwrap_or_default();
    let (median, slow, worst) = (percentile(50), percentile(99), took.last().copied().unwrap_or_default());
    let rate = took.len() as f64 / MEASURED.as_secs_f64();
    let line = format!("{what:<24} {rate:>9.0}/s  p50 {median:>9.1?}  p99 {slow:>9.1?}  max {worst:>9.1?}\n");
    std::io::stdout().write_all(line.as_bytes())?;
    Ok(())
}

async fn measure_reads(store: &Store, partition: &Partition) -> Result<(), Failure> {
    let (mut gets, mut scans) = (Vec::new(), Vec::new());
    let started = Instant::now();
    while started.elapsed() < MEASURED {
        let key = Key::new().text("row").u64(gets.len() as u64 % KEYS);
        let one = Instant::now();
        store.get(partition, &key).await?;
        gets.push(one.elapsed());
    }
    report("get", gets)?;
    let started = Instant::now();
    while started.elapsed() < MEASURED {
        let range = KeyRange::starting_at(Key::new().text("row").u64(scans.len() as u64 % KEYS));
        let one = Instant::now();
        store.scan(partition, range, Direction::Forward, 100).await?;
        scans.push(one.elapsed());
    }
    report("scan of 100", scans)
}

async fn measure(name: &str, store: Store) -> Result<(), Failure> {
    let partition = Partition::new("bench")?;
    for writers in [1, 16, 64] {
        let tasks: Vec<_> =
            (0..writers).map(|writer| tokio::spawn(write(store.clone(), partition.clone(), writer))).collect();
        let mut took = Vec::new();
        for task in tasks {
            took.extend(task.await??);
        }
        report(&format!("{name} put, {writers} writers"), took)?;
    }
    measure_reads(&store, &partition).await?;
    let started = Instant::now();
    store.clear().await?;
    let line = format!("{:<24} {:>9.1?} for {KEYS} rows at most\n", format!("{name} clear"), started.elapsed());
    std::io::stdout().write_all(line.as_bytes())?;
    store.shutdown().await;
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let below = std::env::args_os().nth(1).map_or_else(std::env::temp_dir, PathBuf::from);
    let directory = below.join(format!("store-bench-{}", std::process::id()));
    measure("durable", Store::open(directory.join("durable"), Profile::Durable)?).await?;
    measure("relaxed", Store::open(directory.join("relaxed"), Profile::Relaxed)?).await?;
    measure("memory", Store::memory()).await?;
    std::fs::remove_dir_all(directory)?;
    Ok(())
}
