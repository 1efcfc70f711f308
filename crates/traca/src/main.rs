//! The `traca` command.

mod assemble;
mod blobs;
mod cli;
mod clock;
mod data;
mod demo;
mod doctor;
mod failure;
mod http;
mod inside;
mod output;
mod root_key;
mod up;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

use cli::{Cli, Command};
use failure::Failure;

fn main() -> ExitCode {
    // The sandbox's launcher is this program again; it must not start a thread.
    sandbox::launcher::run_if_requested();
    let cli = Cli::parse();
    match run(&cli.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let _ = writeln!(std::io::stderr().lock(), "traca: {failure}");
            failure.exit_code()
        }
    }
}

fn run(command: &Command) -> Result<(), Failure> {
    raise_descriptor_limit();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        match command {
            Command::Up(args) => up::run(args).await,
            Command::Demo(args) => demo::run(args).await,
            Command::Clock(args) => clock::run(args).await,
            Command::Doctor(args) => doctor::run(args).await,
        }
    })
}

/// Takes all the file descriptors this process may have: connections and environments share them. Functions get a limit
/// of their own.
fn raise_descriptor_limit() {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    if let Ok((_, hard)) = getrlimit(Resource::RLIMIT_NOFILE) {
        // Where it is refused, the limit stays as it is.
        let _ = setrlimit(Resource::RLIMIT_NOFILE, hard, hard);
    }
}
