//! `cargo xtask tidy`: what the house's rules ask of the sources, checked.

mod banned;
mod dependencies;
mod generated;
mod layering;
mod length;
mod links;
mod source;
mod words;

use std::path::Path;

use crate::failure::{Failure, Outcome};

/// One violation: where it is and what to do about it.
type Finding = String;

/// A rule about the repository.
struct Check {
    name: &'static str,
    run: fn(&Path) -> Outcome<Vec<Finding>>,
}

const CHECKS: [Check; 7] = [
    Check { name: "layering", run: layering::check },
    Check { name: "length", run: length::check },
    Check { name: "banned calls", run: banned::check },
    Check { name: "words", run: words::check },
    Check { name: "links", run: links::check },
    Check { name: "dependencies", run: dependencies::check },
    Check { name: "generated code", run: generated::check },
];

/// Runs every check and says all that is wrong.
pub fn run(repository: &Path) -> Outcome<()> {
    let mut total = 0;
    for check in CHECKS {
        let findings = (check.run)(repository)?;
        for finding in &findings {
            println!("{}: {finding}", check.name);
        }
        total += findings.len();
    }
    if total > 0 {
        return Err(Failure::new(format!("tidy: {total} findings")));
    }
    println!("tidy: {} checks passed", CHECKS.len());
    Ok(())
}

/// A path as a reader of the repository writes it.
fn relative(repository: &Path, path: &Path) -> String {
    path.strip_prefix(repository).unwrap_or(path).display().to_string()
}
