//! Chores of the repository: `cargo xtask <command>`.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command-line tool speaks on its terminal")]

mod cargo;
mod failure;
mod files;
mod r#gen;
mod suite;
mod tidy;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Chores of the repository.
#[derive(Parser)]
#[command(name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Write crates/api and docs/compatibility.md from models/.
    Gen {
        /// Write nothing; fail if something would change.
        #[arg(long)]
        check: bool,
    },
    /// Check layering, lengths, banned calls, words, links, dependencies and generated code.
    Tidy,
    /// Run everything a change must pass: formatting, lints, tidy, unit tests, end-to-end tests with real clients.
    Test {
        /// Run this step alone.
        #[arg(long, value_name = "STEP", value_parser = clap::builder::PossibleValuesParser::new(suite::names()))]
        only: Option<String>,
    },
    /// Build for release and run the measurements of bench/.
    Bench {
        /// Passed on to the program in bench/.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
}

fn main() -> ExitCode {
    let repository = repository();
    let outcome = match Arguments::parse().command {
        Command::Gen { check: false } => r#gen::write(&repository),
        Command::Gen { check: true } => r#gen::check(&repository),
        Command::Tidy => tidy::run(&repository),
        Command::Test { only } => suite::test(&repository, only.as_deref()),
        Command::Bench { arguments } => suite::bench(&repository, &arguments),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::FAILURE
        }
    }
}

/// The root of the checkout: that of the manifest cargo runs, or where this tool was built.
fn repository() -> PathBuf {
    let own = std::env::var_os("CARGO_MANIFEST_DIR").map_or(PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    own.ancestors().nth(2).unwrap_or(&own).to_owned()
}
