//! Starts of environments: from stock, with an SDK, with nothing in stock, and many at once; and the memory they take.

use std::io;
use std::path::Path;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use crate::client::{Client, Keys};
use crate::figures::Figures;
use crate::functions::Function;
use crate::platform::Platform;
use crate::raw::Raw;
use crate::{invoke, say};

/// Cold invocations, each of which finds an environment in stock.
pub fn from_stock(
    platform: &Platform,
    function: &Function,
    keys: &Keys,
    rounds: usize,
    raw: &mut Raw,
) -> io::Result<()> {
    let mut client = Client::connect(platform.address)?;
    function.deploy(&mut client, keys)?;
    let mut figures = Figures::default();
    for round in 0..rounds {
        function.change(&mut client, keys, round)?;
        platform.until_stocked(&mut client)?;
        let request = function.invocation(&client, keys);
        figures.add(invoke(&mut client, &request)?);
    }
    raw.keep(&format!("{} cold, from stock", function.name), &figures)?;
    say(&format!("{} cold, from stock: {}", function.name, figures.milliseconds()))
}

/// After this time an idle environment is frozen: the platform waits 5 ms, and needs some to write its log.
const FROZEN_AFTER: Duration = Duration::from_millis(100);

/// Invocations that find their environment frozen.
pub fn thawed(platform: &Platform, function: &Function, keys: &Keys, rounds: usize, raw: &mut Raw) -> io::Result<()> {
    let mut client = Client::connect(platform.address)?;
    let request = function.invocation(&client, keys);
    let mut figures = Figures::default();
    for _ in 0..rounds {
        thread::sleep(FROZEN_AFTER);
        figures.add(invoke(&mut client, &request)?);
    }
    raw.keep(&format!("{} warm, thawed", function.name), &figures)?;
    say(&format!("{} warm, thawed: {}", function.name, figures.milliseconds()))
}

/// Cold invocations on a platform that keeps nothing in stock.
pub fn with_nothing_in_stock(binary: &Path, functions: &[Function], rounds: usize, raw: &mut Raw) -> io::Result<()> {
    let platform = Platform::start(binary, &["--memory", "--pools", "off"])?;
    platform.first_answer()?;
    let keys = platform.checked_keys()?;
    let mut client = Client::connect(platform.address)?;
    for function in functions {
        function.deploy(&mut client, &keys)?;
        let mut figures = Figures::default();
        for round in 0..rounds {
            function.change(&mut client, &keys, round)?;
            let request = function.invocation(&client, &keys);
            figures.add(invoke(&mut client, &request)?);
        }
        raw.keep(&format!("{} cold, nothing in stock", function.name), &figures)?;
        say(&format!("{} cold, nothing in stock: {}", function.name, figures.milliseconds()))?;
    }
    Ok(())
}

/// Many first invocations of a function that takes a second, and the memory of the environments that are idle then.
pub fn at_once(binary: &Path, slow: &[(Function, &[usize])], raw: &mut Raw) -> io::Result<()> {
    for (function, counts) in slow {
        for &count in *counts {
            let platform = Platform::start(binary, &["--memory"])?;
            platform.first_answer()?;
            let keys = platform.checked_keys()?;
            let mut client = Client::connect(platform.address)?;
            function.deploy(&mut client, &keys)?;
            platform.until_stocked(&mut client)?;
            let (took, failed, figures) = first_invocations(&platform, function, &keys, count)?;
            raw.keep(&format!("{}, {count} at once", function.name), &figures)?;
            say(&format!(
                "{}, {count} first invocations at once: all answered after {:.2} s, {failed} failed, {}",
                function.name,
                took.as_secs_f64(),
                figures.milliseconds()
            ))?;
            let mut private = platform.programs_private_kib();
            private.sort_unstable();
            let median = private.get(private.len() / 2).copied().unwrap_or_default();
            say(&format!(
                "{}: private memory of an environment: {:.1} MB",
                function.name,
                median as f64 * 1024.0 / 1e6
            ))?;
        }
    }
    Ok(())
}

fn first_invocations(
    platform: &Platform,
    function: &Function,
    keys: &Keys,
    count: usize,
) -> io::Result<(Duration, usize, Figures)> {
    let together = Barrier::new(count + 1);
    thread::scope(|scope| {
        let one = || {
            let mut client = Client::connect(platform.address)?;
            let request = function.invocation(&client, keys);
            together.wait();
            invoke(&mut client, &request)
        };
        let clients: Vec<_> = (0..count).map(|_| scope.spawn(one)).collect();
        together.wait();
        let began = Instant::now();
        let (mut figures, mut failed) = (Figures::default(), 0);
        for client in clients {
            match client.join() {
                Ok(Ok(took)) => figures.add(took),
                _ => failed += 1,
            }
        }
        Ok((began.elapsed(), failed, figures))
    })
}
