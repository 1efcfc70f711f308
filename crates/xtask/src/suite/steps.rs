//! The steps of `cargo xtask test`, in order.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::clients;
use super::process::Invocation;
use crate::cargo;
use crate::failure::{Failure, Outcome};

/// One step: what it runs, and the lines by which its runner sums itself up.
pub struct Step {
    /// For `--only`.
    pub name: &'static str,
    /// Builds the commands; sets up clients on the way.
    pub commands: fn(&Place) -> Outcome<Vec<Invocation>>,
    /// A line of the output that contains one of these is the runner's own summary.
    pub summary: &'static [&'static str],
}

/// Where the suite runs.
#[derive(Debug)]
pub struct Place {
    /// The checkout.
    pub repository: PathBuf,
    /// Cargo's target directory.
    pub target: PathBuf,
}

impl Place {
    /// Where clients and logs are kept.
    pub fn cache(&self) -> PathBuf {
        self.target.join("xtask")
    }

    /// The binary that `build` makes.
    pub fn binary(&self, profile: &str) -> PathBuf {
        self.target.join(profile).join("traca")
    }
}

/// Everything a change must pass.
pub const STEPS: [Step; 8] = [
    Step { name: "format", commands: format, summary: &[] },
    Step { name: "lint", commands: lint, summary: &["Finished"] },
    Step { name: "tidy", commands: tidy, summary: &["checks passed"] },
    Step { name: "unit", commands: unit, summary: &["Summary [", "test result:"] },
    Step { name: "models", commands: models, summary: &["Ran ", "OK", "FAILED"] },
    Step { name: "runtimes", commands: runtimes, summary: &["Ran ", "OK", "FAILED"] },
    Step { name: "build", commands: build, summary: &["Finished"] },
    Step { name: "end-to-end", commands: end_to_end, summary: &[" passed", " failed", " error"] },
];

fn format(_: &Place) -> Outcome<Vec<Invocation>> {
    Ok(vec![Invocation::new("cargo", ["fmt", "--all", "--check"])])
}

fn lint(_: &Place) -> Outcome<Vec<Invocation>> {
    Ok(vec![Invocation::new("cargo", ["clippy", "--workspace", "--all-targets", "--", "--deny", "warnings"])])
}

fn tidy(_: &Place) -> Outcome<Vec<Invocation>> {
    let own = std::env::current_exe().map_err(|error| Failure::new(format!("this program's own path: {error}")))?;
    Ok(vec![Invocation::new(own, ["tidy"])])
}

fn unit(_: &Place) -> Outcome<Vec<Invocation>> {
    if !cargo::has("nextest") {
        return Ok(vec![Invocation::new("cargo", ["test", "--workspace"])]);
    }
    // nextest leaves out examples in documentation.
    let documentation = Invocation::new("cargo", ["test", "--workspace", "--doc"]);
    Ok(vec![Invocation::new("cargo", ["nextest", "run", "--workspace", "--no-fail-fast"]), documentation])
}

fn models(_: &Place) -> Outcome<Vec<Invocation>> {
    let check = Invocation::new("python3", ["tools/awsmodel", "--check"]);
    Ok(vec![check, Invocation::new("python3", ["-m", "unittest", "discover", "-s", "tools/awsmodel"])])
}

fn runtimes(_: &Place) -> Outcome<Vec<Invocation>> {
    Ok(vec![Invocation::new("python3", ["-m", "unittest", "discover", "-s", "runtimes/tests"])])
}

fn build(_: &Place) -> Outcome<Vec<Invocation>> {
    Ok(vec![Invocation::new("cargo", ["build", "--package", "traca"])])
}

fn end_to_end(place: &Place) -> Outcome<Vec<Invocation>> {
    let binary = place.binary("debug");
    if !binary.exists() {
        return Err(Failure::new(format!("{} is missing: the build step makes it", binary.display())));
    }
    let python = clients::python(&place.repository, &place.cache())?;
    let modules = clients::node_modules(&place.repository, &place.cache())?;
    let pytest = Invocation::new(&python, ["-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"]);
    let path = search_path(&python)?;
    Ok(vec![pytest.with("TRACA_BIN", binary).with("NODE_PATH", modules).with("PATH", path)])
}

/// `PATH` with the environment's own programs first: the AWS CLI is one of them.
fn search_path(python: &Path) -> Outcome<OsString> {
    let own = python.parent().map(Path::to_owned);
    let inherited = std::env::var_os("PATH").unwrap_or_default();
    let folders = own.into_iter().chain(std::env::split_paths(&inherited));
    std::env::join_paths(folders).map_err(|error| Failure::new(format!("PATH: {error}")))
}
