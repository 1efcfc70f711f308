//! Other servers of the APIs of DynamoDB, S3 or SQS, as the package registries have them, measured beside ours in one run.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use clap::Args;

use crate::client::{Client, Form};
use crate::platform::{open_keys, resident_kib};

/// How long a peer may take to start.
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// Between two looks whether it answers.
const START_LOOK: Duration = Duration::from_millis(100);

/// Programs of peers; those that are not named are left out.
#[derive(Args)]
pub struct Programs {
    /// `dynalite` (npm).
    #[arg(long)]
    dynalite: Option<PathBuf>,
    /// `moto_server` (PyPI, `moto[server]`).
    #[arg(long)]
    moto: Option<PathBuf>,
    /// `ministack` (PyPI).
    #[arg(long)]
    ministack: Option<PathBuf>,
}

/// A peer that can be started.
pub struct Peer {
    /// Its name, and whether it keeps items on disk.
    pub name: &'static str,
    /// Whether it speaks S3's API.
    pub has_objects: bool,
    /// Whether it speaks SQS's API.
    pub has_queues: bool,
    program: PathBuf,
    /// Arguments before the port, and what names the port.
    arguments: Vec<String>,
    port: Port,
}

/// How a peer is told its port.
enum Port {
    Argument(&'static str),
    Variable(&'static str),
}

impl Programs {
    /// The peers whose programs are there. `directory` is for those that keep items on disk.
    pub fn peers(&self, directory: &Path) -> Vec<Peer> {
        let mut peers = Vec::new();
        let no_delays = ["--createTableMs", "0", "--deleteTableMs", "0", "--updateTableMs", "0"].map(str::to_owned);
        if let Some(program) = &self.dynalite {
            let mut add = |name, path: &[String]| {
                let arguments = [&no_delays[..], path].concat();
                let port = Port::Argument("--port");
                peers.push(Peer {
                    name,
                    has_objects: false,
                    has_queues: false,
                    program: program.clone(),
                    arguments,
                    port,
                });
            };
            add("dynalite in memory", &[]);
            add("dynalite on disk", &["--path".to_owned(), directory.to_string_lossy().into_owned()]);
        }
        if let Some(program) = &self.moto {
            let port = Port::Argument("--port");
            let (name, arguments) = ("moto in memory", Vec::new());
            peers.push(Peer { name, has_objects: true, has_queues: true, program: program.clone(), arguments, port });
        }
        if let Some(program) = &self.ministack {
            let port = Port::Variable("GATEWAY_PORT");
            let (name, arguments) = ("ministack in memory", Vec::new());
            peers.push(Peer { name, has_objects: true, has_queues: true, program: program.clone(), arguments, port });
        }
        peers
    }
}

/// A peer that runs; it is ended when it is dropped.
pub struct Running {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
}

impl Peer {
    /// Starts the peer on a free port, and waits until it answers.
    pub fn start(&self) -> io::Result<Running> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        drop(listener);
        let mut command = Command::new(&self.program);
        command.args(&self.arguments);
        match self.port {
            Port::Argument(name) => command.arg(name).arg(address.port().to_string()),
            Port::Variable(name) => command.env(name, address.port().to_string()),
        };
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let running = Running { child, address };
        running.until_it_answers()?;
        Ok(running)
    }
}

impl Running {
    /// The id of its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Resident memory, in KiB.
    pub fn resident_kib(&self) -> u64 {
        resident_kib(self.child.id())
    }

    fn until_it_answers(&self) -> io::Result<()> {
        let deadline = Instant::now() + START_TIMEOUT;
        while Instant::now() < deadline {
            if let Ok(mut client) = Client::connect(self.address) {
                let form = Form::Json { target: "DynamoDB_20120810.ListTables", body: "{}" };
                let request = client.sign(&open_keys(), "dynamodb", "POST", "/", form);
                if client.send(&request).is_ok_and(|answer| answer.status == 200) {
                    return Ok(());
                }
            }
            thread::sleep(START_LOOK);
        }
        Err(io::Error::other("a peer does not start"))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
