//! `cargo xtask test` and `cargo xtask bench`: runs every runner and says what each of them said.

mod clients;
mod process;
mod steps;

use std::ffi::OsString;
use std::path::Path;
use std::time::Instant;

use crate::cargo;
use crate::failure::{Failure, Outcome};
use process::Invocation;
use steps::{Place, STEPS, Step};

/// Lines of a failed step's log that are shown.
const FAILED_LINES_SHOWN: usize = 80;

/// Names of the steps, for the command line.
pub fn names() -> Vec<&'static str> {
    STEPS.iter().map(|step| step.name).collect()
}

/// How a step ended.
struct Ending {
    name: &'static str,
    passed: bool,
    seconds: f64,
}

/// Runs all steps, or only one. Later steps run even if an earlier one fails, so that one run says all.
pub fn test(repository: &Path, only: Option<&str>) -> Outcome<()> {
    let place = Place { repository: repository.to_owned(), target: cargo::target_directory(repository)? };
    let chosen = STEPS.iter().filter(|step| only.is_none_or(|only| only == step.name));
    let endings: Vec<Ending> = chosen.map(|step| run(step, &place)).collect();
    println!();
    for Ending { name, passed, seconds } in &endings {
        println!("{} {name:12} {seconds:7.1} s", if *passed { "passed" } else { "FAILED" });
    }
    let failed: Vec<&str> = endings.iter().filter(|ending| !ending.passed).map(|ending| ending.name).collect();
    if failed.is_empty() { Ok(()) } else { Err(Failure::new(format!("failed: {}", failed.join(", ")))) }
}

fn run(step: &Step, place: &Place) -> Ending {
    let started = Instant::now();
    let log = place.cache().join("logs").join(format!("{}.log", step.name));
    let passed = match run_logged(step, place, &log) {
        Ok(passed) => passed,
        Err(failure) => {
            println!("    {failure}");
            false
        }
    };
    Ending { name: step.name, passed, seconds: started.elapsed().as_secs_f64() }
}

fn run_logged(step: &Step, place: &Place, log: &Path) -> Outcome<bool> {
    println!("==> {} ({})", step.name, log.display());
    process::start_log(log)?;
    let mut passed = true;
    for invocation in (step.commands)(place)? {
        println!("    {}", invocation.shown());
        passed &= invocation.run_logged(&place.repository, log)?;
    }
    let lines = process::read_log(log)?;
    for line in shown(step, passed, &lines) {
        println!("    {line}");
    }
    Ok(passed)
}

/// What of a step's output is worth showing: its runners' summaries, or the end of it if it failed.
fn shown<'a>(step: &Step, passed: bool, lines: &'a [String]) -> Vec<&'a str> {
    if !passed {
        return lines[lines.len().saturating_sub(FAILED_LINES_SHOWN)..].iter().map(String::as_str).collect();
    }
    let sums_up = |line: &&String| step.summary.iter().any(|mark| line.contains(mark));
    lines.iter().filter(sums_up).map(|line| line.trim()).collect()
}

/// Builds for release and runs the measurements with the given arguments.
pub fn bench(repository: &Path, arguments: &[String]) -> Outcome<()> {
    let place = Place { repository: repository.to_owned(), target: cargo::target_directory(repository)? };
    let build = Invocation::new("cargo", ["build", "--release", "--package", "traca", "--package", "traca-bench"]);
    let program = place.target.join("release/traca-bench").into_os_string();
    let run = Invocation::new(program, arguments.iter().map(OsString::from));
    for invocation in [build, run] {
        if !invocation.run_shown(repository)? {
            return Err(Failure::new(format!("failed: {}", invocation.shown())));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEP: Step = Step { name: "one", commands: |_| Ok(Vec::new()), summary: &["Ran ", " passed"] };

    #[test]
    fn a_passed_step_shows_its_summary_and_a_failed_one_its_end() {
        let lines: Vec<String> = ["start", "Ran 3 tests", "  3 passed", "end"].map(str::to_owned).into();
        assert_eq!(shown(&STEP, true, &lines), ["Ran 3 tests", "3 passed"]);
        assert_eq!(shown(&STEP, false, &lines), ["start", "Ran 3 tests", "  3 passed", "end"]);
        let long = vec!["line".to_owned(); FAILED_LINES_SHOWN + 5];
        assert_eq!(shown(&STEP, false, &long).len(), FAILED_LINES_SHOWN);
    }

    #[test]
    fn a_failing_command_fails_its_step_and_the_rest_of_it_still_runs() {
        let scratch = tempfile::tempdir().expect("a scratch folder");
        let place = Place { repository: scratch.path().to_owned(), target: scratch.path().join("target") };
        let step = Step {
            name: "two",
            commands: |_| Ok(vec![Invocation::new("false", [""; 0]), Invocation::new("echo", ["Ran 1 test"])]),
            summary: &[],
        };
        let ending = run(&step, &place);
        assert!(!ending.passed);
        let log = std::fs::read_to_string(place.cache().join("logs/two.log")).expect("the log");
        assert_eq!(log, "Ran 1 test\n");
    }

    #[test]
    fn a_missing_program_fails_its_step() {
        let scratch = tempfile::tempdir().expect("a scratch folder");
        let place = Place { repository: scratch.path().to_owned(), target: scratch.path().join("target") };
        let step =
            Step { name: "three", commands: |_| Ok(vec![Invocation::new("no-such-program", [""; 0])]), summary: &[] };
        assert!(!run(&step, &place).passed);
    }
}
