//! A `traca` of the measurement's own.

use std::fs;
use std::io::{self, BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::client::{Client, Form, Keys};

/// The kernel counts processor time in hundredths of a second, whatever its own clock (`USER_HZ`).
const TICK_MILLISECONDS: u64 = 10;

/// How long making environments ahead of need may take.
const STOCK_TIMEOUT: Duration = Duration::from_secs(60);

/// Between two looks whether they are there.
const STOCK_LOOK: Duration = Duration::from_millis(50);

/// A running platform, ended when it is dropped.
pub struct Platform {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
    started: Instant,
}

/// Keys that open mode takes for the root of the default account, unchecked.
pub fn open_keys() -> Keys {
    Keys { access_key: "000000000000".to_owned(), secret: "unchecked".to_owned(), token: String::new() }
}

impl Platform {
    /// Starts a platform on a free port.
    pub fn start(binary: &Path, arguments: &[&str]) -> io::Result<Platform> {
        let started = Instant::now();
        let mut command = Command::new(binary);
        command.args(["up", "--port", "0", "--json"]).args(arguments);
        let mut child = command.env("TRACA_LOG", "warn").stdout(Stdio::piped()).spawn()?;
        let output = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        let event: Value = serde_json::from_str(&line)?;
        let address = event["endpoint"].as_str().and_then(|endpoint| endpoint.strip_prefix("http://"));
        let address = address.and_then(|address| address.parse().ok()).ok_or(io::ErrorKind::InvalidData)?;
        Ok(Platform { child, address, started })
    }

    /// Time from the start of the process to the first answer to a signed request.
    pub fn first_answer(&self) -> io::Result<Duration> {
        let mut client = Client::connect(self.address)?;
        let form = Form::Query("Action=GetCallerIdentity&Version=2011-06-15");
        let request = client.sign(&open_keys(), "sts", "POST", "/", form);
        assert_eq!(client.send(&request)?.status, 200);
        Ok(self.started.elapsed())
    }

    /// Keys that the platform has issued, so that every signature made with them is checked.
    pub fn checked_keys(&self) -> io::Result<Keys> {
        let mut client = Client::connect(self.address)?;
        let form = Form::Query("Action=GetSessionToken&Version=2011-06-15");
        let request = client.sign(&open_keys(), "sts", "POST", "/", form);
        let text = String::from_utf8_lossy(&client.send(&request)?.body).into_owned();
        let element = |name: &str| {
            let rest = text.split(&format!("<{name}>")).nth(1).unwrap_or_default();
            rest.split('<').next().unwrap_or_default().to_owned()
        };
        let (access_key, secret) = (element("AccessKeyId"), element("SecretAccessKey"));
        Ok(Keys { access_key, secret, token: element("SessionToken") })
    }

    /// Processor time that the server has taken so far, in user and system mode.
    pub fn processor_time(&self) -> Duration {
        processor_time(self.child.id())
    }

    /// The id of the server's process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Resident memory of the server alone, in KiB.
    pub fn resident_kib(&self) -> u64 {
        resident_kib(self.child.id())
    }

    /// Waits until every environment that is to be made ahead of need is there.
    pub fn until_stocked(&self, client: &mut Client) -> io::Result<()> {
        let deadline = Instant::now() + STOCK_TIMEOUT;
        let request = format!("GET /_traca/metrics HTTP/1.1\r\nHost: {}\r\n\r\n", self.address);
        while Instant::now() < deadline {
            let page = client.send(request.as_bytes())?;
            let page = String::from_utf8_lossy(&page.body).into_owned();
            let sum = |name: &str| -> u64 {
                let lines =
                    page.lines().filter_map(|line| line.strip_prefix(name)?.split(' ').nth(1)?.parse::<u64>().ok());
                lines.sum()
            };
            let (ready, wanted) = (sum("traca_lambda_stock{"), sum("traca_lambda_stock_wanted{"));
            if wanted > 0 && ready >= wanted {
                return Ok(());
            }
            std::thread::sleep(STOCK_LOOK);
        }
        Err(io::Error::other("environments were not made ahead of need"))
    }

    /// Private memory of the programs in environments, in KiB: what no other process shares.
    pub fn programs_private_kib(&self) -> Vec<u64> {
        let first: Vec<u32> = children(self.child.id()).into_iter().flat_map(children).collect();
        first.into_iter().flat_map(children).map(private_kib).collect()
    }

    /// Resident memory of the sandbox's launcher, in KiB. It is a child of whichever thread started it.
    pub fn launcher_resident_kib(&self) -> u64 {
        let threads = fs::read_dir(format!("/proc/{}/task", self.child.id())).into_iter().flatten().flatten();
        let children = threads.filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
        let children: Vec<String> = children.collect();
        children
            .iter()
            .flat_map(|list| list.split_whitespace())
            .filter_map(|id| id.parse().ok())
            .map(resident_kib)
            .sum()
    }
}

impl Drop for Platform {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Processes started by any thread of a process.
fn children(process: u32) -> Vec<u32> {
    let threads = fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
    let lists = threads.filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    lists.flat_map(|list| list.split_whitespace().filter_map(|id| id.parse().ok()).collect::<Vec<_>>()).collect()
}

fn private_kib(process: u32) -> u64 {
    let rollup = fs::read_to_string(format!("/proc/{process}/smaps_rollup")).unwrap_or_default();
    let private = rollup.lines().filter_map(|line| line.strip_prefix("Private_")?.split_whitespace().nth(1));
    private.filter_map(|kib| kib.parse::<u64>().ok()).sum()
}

/// Counted page by page; the figure in `status` may be off by some hundred KiB.
pub fn resident_kib(process: u32) -> u64 {
    let rollup = fs::read_to_string(format!("/proc/{process}/smaps_rollup")).unwrap_or_default();
    let line = rollup.lines().find_map(|line| line.strip_prefix("Rss:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse().unwrap_or_default()
}

/// Processor time that a process has taken so far, in user and system mode.
pub fn processor_time(process: u32) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{}/stat", process)).unwrap_or_default();
    // The second field, the program's name, is the only one that may hold blanks; it ends with a parenthesis.
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |field: usize| fields.get(field).and_then(|ticks| ticks.parse::<u64>().ok()).unwrap_or_default();
    Duration::from_millis((ticks(11) + ticks(12)) * TICK_MILLISECONDS)
}
