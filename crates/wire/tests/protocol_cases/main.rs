//! Replays the protocol cases of botocore's source distribution against the codecs.
//!
//! A case has a model of its own. Input cases: the serialised request is read and must give the parameters, and the
//! parameters are written and must be read back. Output cases: the result is written and must be read back, and the given
//! answer must be read as the result. Error cases: the error is written and must say what the case says. Documents that
//! are written are also compared with the case's, as JSON or XML trees.
//!
//! `TRACA_PROTOCOL_CASES` names the directory with `input/` and `output/`; without it, `tools/protocol_cases.py` fetches
//! them.

#![allow(clippy::print_stdout, reason = "the counts are printed")]

mod compare;
mod errors;
mod exceptions;
mod inputs;
mod outputs;
mod schema;
mod values;

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value as Json;

/// Cases of botocore 1.44.5 that must pass. It only ever grows.
const PASSING: usize = 694;

/// A case with what is around it.
pub struct Case<'a> {
    /// File name without extension.
    pub file: &'a str,
    /// Model of the suite.
    pub suite: &'a Json,
    /// The case itself.
    pub case: &'a Json,
}

impl Case<'_> {
    /// The case's name, unique within a direction and protocol.
    pub fn id(&self) -> &str {
        self.case["id"].as_str().unwrap_or_default()
    }
}

fn directory() -> PathBuf {
    if let Some(directory) = std::env::var_os("TRACA_PROTOCOL_CASES") {
        return directory.into();
    }
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tools/protocol_cases.py");
    let output = Command::new("python3").arg(script).output().expect("python3 runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("a path").trim_end().into()
}

type Check = fn(&Case<'_>) -> Result<(), String>;

/// Runs all cases of one direction; gives the number that passed, those that failed, and those that do not apply.
fn run(direction: &str, check: Check) -> (usize, Vec<String>, Vec<String>) {
    let (mut passed, mut failed, mut excepted) = (0, Vec::new(), Vec::new());
    let mut files: Vec<_> = std::fs::read_dir(directory().join(direction))
        .expect("the cases are there")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    files.sort();
    for path in files {
        let file = path.file_stem().and_then(|stem| stem.to_str()).expect("a name").to_owned();
        let suites: Json = serde_json::from_slice(&std::fs::read(&path).expect("a file")).expect("JSON");
        for suite in suites.as_array().expect("suites") {
            for case in suite["cases"].as_array().expect("cases") {
                let case = Case { file: &file, suite, case };
                let name = format!("{direction}/{file} {}", case.id());
                match (check(&case), exceptions::reason(direction, case.id())) {
                    (Ok(()), None) => passed += 1,
                    (Ok(()), Some(_)) => failed.push(format!("{name}: passes, but is listed as an exception")),
                    (Err(_), Some(reason)) => excepted.push(format!("{name}: {reason}")),
                    (Err(error), None) => failed.push(format!("{name}: {error}")),
                }
            }
        }
    }
    (passed, failed, excepted)
}

#[test]
fn protocol_cases_pass() {
    let (inputs, mut failed, mut excepted) = run("input", inputs::check);
    let (outputs, failed_outputs, excepted_outputs) = run("output", outputs::check);
    failed.extend(failed_outputs);
    excepted.extend(excepted_outputs);
    let passed = inputs + outputs;
    println!("{passed} protocol cases pass ({inputs} inputs, {outputs} outputs), {} do not apply:", excepted.len());
    excepted.iter().for_each(|case| println!("  {case}"));
    assert!(failed.is_empty(), "{} cases fail, {passed} pass:\n{}", failed.len(), failed.join("\n"));
    assert_eq!(passed, PASSING, "the number of passing cases changed");
    assert_eq!(excepted.len(), exceptions::COUNT, "an exception no longer exists");
}
