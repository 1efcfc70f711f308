//! The measurements behind `docs/specification.md`. Each line names what was measured and on how many rounds; figures of
//! a loaded machine mean nothing, so the load is printed first.

mod client;
mod comparison;
mod environments;
mod events;
mod figures;
mod functions;
mod objects;
mod peers;
mod platform;
mod queues;
mod raw;
mod tables;

use std::fs;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use clap::Parser;

use client::{Client, Keys};
use figures::Figures;
use functions::Function;
use objects::Objects;
use platform::Platform;
use queues::Queue;
use raw::Raw;
use tables::Table;

/// Measures a release build of `traca`.
#[derive(Parser)]
struct Arguments {
    /// The program to measure [default: the `traca` next to this program].
    #[arg(long)]
    traca: Option<PathBuf>,
    /// Starts of the process.
    #[arg(long, default_value_t = 20)]
    starts: usize,
    /// Cold invocations of each function.
    #[arg(long, default_value_t = 30)]
    cold: usize,
    /// Warm invocations of each function, one after another.
    #[arg(long, default_value_t = 5_000)]
    warm: usize,
    /// Seconds of load from 32 clients on each function.
    #[arg(long, default_value_t = 4)]
    load_seconds: u64,
    /// Messages that wait in a queue while it is measured a second time; 0 leaves queues out.
    #[arg(long, default_value_t = 1_000_000)]
    waiting_messages: usize,
    /// The same for the servers beside it, most of which slow down with what waits.
    #[arg(long, default_value_t = 10_000)]
    peers_messages: usize,
    /// Items of the largest table whose cost is measured.
    #[arg(long, default_value_t = 1_000_000)]
    items: usize,
    #[command(flatten)]
    peers: peers::Programs,
    /// What to measure [default: everything].
    only: Option<Part>,
    /// Bytes of the large object.
    #[arg(long, default_value_t = 1024 * 1024 * 1024)]
    large_bytes: usize,
    /// Keys of the bucket that is listed.
    #[arg(long, default_value_t = 100_000)]
    listed_keys: usize,
    /// Another server of S3 that is measured after `traca`, as `127.0.0.1:5000`.
    #[arg(long)]
    peer: Option<SocketAddr>,
    /// Address of another server that speaks SQS, measured in the same run; may be repeated.
    #[arg(long)]
    beside: Vec<SocketAddr>,
    /// Where every single time of starts of functions is kept [default: `bench-functions.tsv` next to this program].
    #[arg(long)]
    raw: Option<PathBuf>,
}

/// A part of the measurements.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    /// Starts and invocations of functions.
    Functions,
    /// Objects of S3.
    Objects,
    /// Queues, empty and full, and beside other servers.
    Queues,
    /// The way from a topic through a queue into a function.
    Events,
    /// Tables, beside the peers that are named.
    Tables,
}

/// Time after which a platform that was just started is idle: its launcher is up, and its loops have each run.
const SETTLING: Duration = Duration::from_secs(20);

/// Clients of the throughput measurement.
const CLIENTS: usize = 32;

/// Time of load that is not counted, in which the environments start.
const LOAD_WARM_UP: Duration = Duration::from_secs(4);

/// Warm invocations that are not counted.
const WARM_UP: usize = 200;

fn main() -> io::Result<()> {
    let arguments = Arguments::parse();
    let programs = std::env::current_exe()?.parent().map(Path::to_path_buf).ok_or(io::ErrorKind::NotFound)?;
    let binary = arguments.traca.clone().unwrap_or_else(|| programs.join("traca"));
    say(&format!("load average {}", fs::read_to_string("/proc/loadavg")?.trim()))?;
    say(&format!("binary {:.1} MB", fs::metadata(&binary)?.len() as f64 / 1e6))?;
    match arguments.only {
        Some(Part::Functions) => return functions(&binary, &programs, &arguments),
        Some(Part::Objects) => return objects(&binary, &arguments),
        Some(Part::Tables) => {
            let time = Duration::from_secs(arguments.load_seconds);
            comparison::beside_peers(&binary, &arguments.peers, time)?;
            return comparison::by_size(&binary, arguments.items, time);
        }
        Some(Part::Queues) => return alone(&binary, |platform, keys| queues(platform, keys, &arguments)),
        Some(Part::Events) => return alone(&binary, events),
        None => {}
    }
    starts(&binary, arguments.starts)?;
    let directory = tempfile::tempdir()?;
    let data = directory.path().to_string_lossy().into_owned();
    let platform = Platform::start(&binary, &["--data", &data])?;
    platform.first_answer()?;
    thread::sleep(SETTLING);
    let (server, launcher) = (platform.resident_kib(), platform.launcher_resident_kib());
    say(&format!("idle memory: server {:.1} MiB, launcher {:.1} MiB", mib(server), mib(launcher)))?;
    let keys = platform.checked_keys()?;
    tables(&platform, &keys, &arguments)?;
    drop(platform);
    functions(&binary, &programs, &arguments)?;
    let platform = Platform::start(&binary, &["--data", &data])?;
    platform.first_answer()?;
    if arguments.waiting_messages > 0 {
        queues(&platform, &keys, &arguments)?;
    }
    events(&platform, &keys)
}

/// Measures something on a platform of its own.
fn alone(binary: &Path, measure: impl Fn(&Platform, &Keys) -> io::Result<()>) -> io::Result<()> {
    let directory = tempfile::tempdir()?;
    let platform = Platform::start(binary, &["--data", &directory.path().to_string_lossy()])?;
    platform.first_answer()?;
    thread::sleep(SETTLING);
    measure(&platform, &platform.checked_keys()?)
}

/// The way of a message from a topic through a queue into a function.
fn events(platform: &Platform, keys: &Keys) -> io::Result<()> {
    say(&format!(
        "from a topic through a queue into a function: {}",
        events::through_a_queue(platform, keys)?.milliseconds()
    ))
}

/// Functions: starts of every kind, then warm invocations.
fn functions(binary: &Path, programs: &Path, arguments: &Arguments) -> io::Result<()> {
    let mut raw = Raw::create(&arguments.raw.clone().unwrap_or_else(|| programs.join("bench-functions.tsv")))?;
    let directory = tempfile::tempdir()?;
    let platform = Platform::start(binary, &["--data", &directory.path().to_string_lossy()])?;
    platform.first_answer()?;
    thread::sleep(SETTLING);
    let keys = platform.checked_keys()?;
    let functions = functions::all(programs)?;
    for function in functions.iter().chain(&functions::with_sdk()) {
        environments::from_stock(&platform, function, &keys, arguments.cold, &mut raw)?;
    }
    for function in &functions {
        invocations(&platform, function, &keys, arguments)?;
        environments::thawed(&platform, function, &keys, arguments.cold, &mut raw)?;
    }
    drop(platform);
    environments::with_nothing_in_stock(binary, &functions, arguments.cold, &mut raw)?;
    environments::at_once(binary, &functions::slow(), &mut raw)
}

/// Items that are read and changed.
const TABLE_ITEMS: usize = 10_000;

/// Items of a table on disk.
fn tables(durable: &Platform, keys: &Keys, arguments: &Arguments) -> io::Result<()> {
    let mut table = Table::create(durable.address, keys)?;
    table.fill(TABLE_ITEMS)?;
    for clients in [1, 64] {
        for (name, rate, figures) in table.measure(clients, Duration::from_secs(arguments.load_seconds))? {
            say(&format!("{name}, {clients} clients: {rate:.0}/s, {}", figures.milliseconds()))?;
        }
    }
    Ok(())
}

/// Objects on disk, then on peers beside it.
fn objects(binary: &Path, arguments: &Arguments) -> io::Result<()> {
    let directory = tempfile::tempdir()?;
    let platform = Platform::start(binary, &["--data", &directory.path().join("data").to_string_lossy()])?;
    platform.first_answer()?;
    thread::sleep(SETTLING);
    let disk = || -> io::Result<f64> {
        let took = objects::disk(directory.path(), arguments.large_bytes)?;
        Ok(arguments.large_bytes as f64 / 1e6 / took.as_secs_f64())
    };
    let before = disk()?;
    let own = measure_objects("traca", platform.address, Some(platform.id()), arguments)?;
    say(&format!("disk: {before:.0} MB/s before, {:.0} MB/s after", disk()?))?;
    say(&format!("resident memory afterwards: {:.1} MiB", mib(platform.resident_kib())))?;
    drop(platform);
    if let Some(address) = arguments.peer {
        beside(&own, "peer", &measure_objects("peer", address, None, arguments)?)?;
    }
    for peer in arguments.peers.peers(&directory.path().join("peer")).into_iter().filter(|peer| peer.has_objects) {
        let running = peer.start()?;
        beside(&own, peer.name, &measure_objects(peer.name, running.address, Some(running.id()), arguments)?)?;
        say(&format!("{}: {:.0} MiB resident after it", peer.name, mib(running.resident_kib())))?;
    }
    Ok(())
}

/// Tells how many times as fast ours is.
fn beside(own: &[Rate], name: &str, peer: &[Rate]) -> io::Result<()> {
    let ratio = |(own, other): (&Rate, &Rate)| format!("{} {:.1}", own.0, own.1 / other.1.max(f64::MIN_POSITIVE));
    let ratios: Vec<String> = own.iter().zip(peer).map(ratio).collect();
    say(&format!("traca is so many times as fast as {name}: {}", ratios.join(", ")))
}

/// What was measured, and how much of it a second.
type Rate = (String, f64);

/// Signed with keys that nobody checks, as peers check none: their bodies need not be hashed by the client. `process` is
/// the server's, whose own time is told too.
fn measure_objects(
    name: &str,
    address: SocketAddr,
    process: Option<u32>,
    arguments: &Arguments,
) -> io::Result<Vec<Rate>> {
    let cpu = || process.map(platform::processor_time).unwrap_or_default().as_secs_f64();
    let objects = Objects::create(address, &platform::open_keys())?;
    objects.fill_small()?;
    let mut rates = Vec::new();
    for clients in [1, 64] {
        for method in ["PUT", "GET"] {
            let before = cpu();
            let (rate, figures) = objects.small(method, clients, Duration::from_secs(arguments.load_seconds))?;
            let each = (cpu() - before) * 1e6 / figures.count().max(1) as f64;
            let times = figures.milliseconds();
            say(&format!(
                "{name}: {method} of 1 KB, {clients} clients: {rate:.0}/s, {times}, {each:.0} us of the server's CPU each"
            ))?;
            rates.push((format!("{method} x{clients}"), rate));
        }
    }
    if arguments.large_bytes > 0 {
        let before = cpu();
        let large = objects.large(arguments.large_bytes)?;
        let spent = cpu() - before;
        let rate = |took: Duration| arguments.large_bytes as f64 / 1e6 / took.as_secs_f64();
        let (put, got) = (rate(large.put), rate(large.get));
        say(&format!("{name}: large object put {put:.0} MB/s, got {got:.0} MB/s, {spent:.1} s of the server's CPU"))?;
        rates.extend([("large PUT".to_owned(), put), ("large GET".to_owned(), got)]);
    }
    let pages = objects.pages(arguments.listed_keys)?;
    say(&format!("{name}: page of 1,000 of {} keys: {}", arguments.listed_keys, pages.milliseconds()))?;
    rates.push(("page".to_owned(), 1.0 / pages.median().as_secs_f64()));
    Ok(rates)
}

/// An empty queue, and one in which many messages wait; then the same on the peers beside it.
fn queues(platform: &Platform, keys: &Keys, arguments: &Arguments) -> io::Result<()> {
    let time = Duration::from_secs(arguments.load_seconds);
    queue_lines("traca", platform.address, keys, time, arguments.waiting_messages)?;
    let nobodys = Keys { access_key: "AKIAIOSFODNN7EXAMPLE".to_owned(), secret: "x".to_owned(), token: String::new() };
    for address in &arguments.beside {
        queue_lines(&address.to_string(), *address, &nobodys, time, arguments.peers_messages)?;
    }
    let directory = tempfile::tempdir()?;
    for peer in arguments.peers.peers(directory.path()).into_iter().filter(|peer| peer.has_queues) {
        let running = peer.start()?;
        queue_lines(peer.name, running.address, &nobodys, time, arguments.peers_messages)?;
    }
    Ok(())
}

/// What is measured on one server.
fn queue_lines(server: &str, address: SocketAddr, keys: &Keys, time: Duration, full: usize) -> io::Result<()> {
    for (name, waiting) in [("empty", 0), ("full", full)] {
        if name == "empty" || waiting > 0 {
            queue_rates(server, &Queue::create(address, keys, name)?, waiting, time)?;
        }
    }
    let wakes = Queue::create(address, keys, "waited-for")?.wake(WAKES)?;
    say(&format!("{server}: send to a waiting call: {}", wakes.milliseconds()))
}

fn queue_rates(server: &str, queue: &Queue, waiting: usize, time: Duration) -> io::Result<()> {
    queue.fill(waiting)?;
    let (rate, figures) = queue.send(time)?;
    say(&format!("{server}: SendMessage, {waiting} waiting: {rate:.0}/s, {}", figures.milliseconds()))?;
    let (rate, figures) = queue.receive(time)?;
    let figures = figures.milliseconds();
    say(&format!("{server}: ReceiveMessage and DeleteMessage, {waiting} waiting: {rate:.0}/s, {figures}"))
}

/// Messages for which a call waits.
const WAKES: usize = 200;

/// Process start to first signed answer, each on an empty data directory.
fn starts(binary: &Path, rounds: usize) -> io::Result<()> {
    let mut figures = Figures::default();
    for _ in 0..rounds {
        let directory = tempfile::tempdir()?;
        let platform = Platform::start(binary, &["--data", &directory.path().to_string_lossy()])?;
        figures.add(platform.first_answer()?);
    }
    say(&format!("start to first signed answer: {}", figures.milliseconds()))
}

fn invocations(platform: &Platform, function: &Function, keys: &Keys, arguments: &Arguments) -> io::Result<()> {
    let mut client = Client::connect(platform.address)?;
    let request = function.invocation(&client, keys);
    for _ in 0..WARM_UP {
        invoke(&mut client, &request)?;
    }
    let mut warm = Figures::default();
    let before = platform.processor_time();
    for _ in 0..arguments.warm {
        warm.add(invoke(&mut client, &request)?);
    }
    let each = (platform.processor_time() - before).as_secs_f64() * 1e6 / arguments.warm as f64;
    say(&format!("{} warm, 1 client: {}, server CPU {each:.0} us each", function.name, warm.milliseconds()))?;
    let (count, figures) = load(platform, function, keys, Duration::from_secs(arguments.load_seconds))?;
    let rate = count as f64 / arguments.load_seconds as f64;
    say(&format!("{} warm, {CLIENTS} clients: {rate:.0}/s, {}", function.name, figures.milliseconds()))
}

/// Invocations from many clients, each as fast as it is answered. The time in which environments start is not counted.
fn load(platform: &Platform, function: &Function, keys: &Keys, time: Duration) -> io::Result<(usize, Figures)> {
    let begin = Instant::now() + LOAD_WARM_UP;
    let end = begin + time;
    let outcomes: Vec<io::Result<Figures>> = thread::scope(|scope| {
        let one = || {
            let mut client = Client::connect(platform.address)?;
            let request = function.invocation(&client, keys);
            let mut figures = Figures::default();
            while Instant::now() < end {
                let is_counted = Instant::now() >= begin;
                let took = invoke(&mut client, &request)?;
                if is_counted {
                    figures.add(took);
                }
            }
            Ok(figures)
        };
        let clients: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(one)).collect();
        let lost = || Err(io::Error::other("a client panicked"));
        clients.into_iter().map(|client| client.join().unwrap_or_else(|_| lost())).collect()
    });
    let mut all = Figures::default();
    for outcome in outcomes {
        all.append(outcome?);
    }
    Ok((all.count(), all))
}

fn invoke(client: &mut Client, request: &[u8]) -> io::Result<Duration> {
    let started = Instant::now();
    let answer = client.send(request)?;
    let took = started.elapsed();
    if answer.status == 200 && !answer.head.contains("x-amz-function-error") {
        return Ok(took);
    }
    Err(io::Error::other(format!("{} {}", answer.status, String::from_utf8_lossy(&answer.body))))
}

fn say(line: &str) -> io::Result<()> {
    writeln!(io::stdout().lock(), "{line}")
}

fn mib(kib: u64) -> f64 {
    kib as f64 / 1024.0
}
