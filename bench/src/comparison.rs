//! Tables on disk and in memory, beside the peers, and from a thousand items to as many as asked for.

use std::io;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use crate::figures::Figures;
use crate::peers::Programs;
use crate::platform::{Platform, open_keys};
use crate::tables::Table;
use crate::{SETTLING, mib, say};

/// Clients of the comparison.
const CLIENTS: [usize; 3] = [1, 16, 64];

/// Items of the comparison.
const ITEMS: usize = 10_000;

/// Items of the smallest table whose cost is told.
const ITEMS_MIN: usize = 1_000;

/// From one size of a table to the next.
const GROWTH: usize = 10;

/// What was measured of one server: clients, call and how many a second.
type Rates = Vec<(usize, &'static str, f64)>;

/// Measures every call on every server, and tells how many times as fast ours is.
pub fn beside_peers(binary: &Path, programs: &Programs, time: Duration) -> io::Result<()> {
    let directory = tempfile::tempdir()?;
    let ours = |name: &str, arguments: &[&str]| -> io::Result<Rates> {
        let platform = Platform::start(binary, arguments)?;
        platform.first_answer()?;
        thread::sleep(SETTLING);
        let mut table = Table::create(platform.address, &platform.checked_keys()?)?;
        table.fill(ITEMS)?;
        let rates = measured(name, &table, time)?;
        say(&format!("{name}: {:.0} MiB resident after it", mib(platform.resident_kib())))?;
        Ok(rates)
    };
    let data = directory.path().join("traca");
    let durable = ours("traca, durable", &["--data", &data.to_string_lossy()])?;
    let memory = ours("traca, in memory", &["--memory"])?;
    for peer in programs.peers(&directory.path().join("peer")) {
        let running = peer.start()?;
        let mut table = Table::create(running.address, &open_keys())?;
        table.fill(ITEMS)?;
        let rates = measured(peer.name, &table, time)?;
        say(&format!("{}: {:.0} MiB resident after it", peer.name, mib(running.resident_kib())))?;
        for (name, own) in [("durable", &durable), ("in memory", &memory)] {
            let ratio = |(own, other): (&(usize, &str, f64), &(usize, &str, f64))| {
                format!("{} x{} {:.1}", own.1, own.0, own.2 / other.2.max(f64::MIN_POSITIVE))
            };
            let ratios: Vec<String> = own.iter().zip(&rates).map(ratio).collect();
            say(&format!("traca, {name}, is so many times as fast as {}: {}", peer.name, ratios.join(", ")))?;
        }
    }
    Ok(())
}

fn measured(name: &str, table: &Table, time: Duration) -> io::Result<Rates> {
    let mut rates = Rates::new();
    for clients in CLIENTS {
        for (call, rate, figures) in table.measure(clients, time)? {
            told(name, call, clients, rate, &figures)?;
            rates.push((clients, call, rate));
        }
    }
    Ok(rates)
}

fn told(name: &str, call: &str, clients: usize, rate: f64, figures: &Figures) -> io::Result<()> {
    say(&format!("{name}, {call}, {clients} clients: {rate:.0}/s, {}", figures.milliseconds()))
}

/// Measures every call by one client on ever larger tables, and the memory that they take.
pub fn by_size(binary: &Path, items_max: usize, time: Duration) -> io::Result<()> {
    let directory = tempfile::tempdir()?;
    let data = directory.path().to_string_lossy().into_owned();
    for (name, arguments) in [("durable", &["--data", data.as_str()][..]), ("in memory", &["--memory"][..])] {
        let platform = Platform::start(binary, arguments)?;
        platform.first_answer()?;
        let mut table = Table::create(platform.address, &platform.checked_keys()?)?;
        let mut items = ITEMS_MIN;
        while items <= items_max {
            let started = Instant::now();
            table.fill(items)?;
            let filled = started.elapsed().as_secs_f64();
            for (call, rate, figures) in table.measure(1, time)? {
                told(&format!("{name}, {items} items"), call, 1, rate, &figures)?;
            }
            let resident = mib(platform.resident_kib());
            say(&format!("{name}, {items} items: filled in {filled:.1} s, {resident:.0} MiB resident"))?;
            items *= GROWTH;
        }
    }
    Ok(())
}
