//! Calls that only some crates may make.

use std::path::Path;

use super::Finding;
use super::source::Source;
use crate::failure::Outcome;

/// A call, or another piece of code, that has a place of its own.
struct Ban {
    /// The code, as it stands after comments and literals are taken out.
    code: &'static str,
    /// What to do instead.
    instead: &'static str,
    /// Paths under which it is at home.
    allowed: &'static [&'static str],
    /// Tests may use it.
    tests_may: bool,
}

const PLATFORM: &str = "crates/platform/src/";
/// Stands below platform and compares the ages of files.
const BLOB: &str = "crates/blob/src/";
const SANDBOX: &str = "crates/sandbox/";
const RUNTIMES: &str = "crates/runtimes/";
const BINARY: &str = "crates/traca/";
const CHORES: &str = "crates/xtask/";

/// Measures of one's own running time, which no test wants to control: the sandbox, the listeners, the tools.
const MONOTONIC: &[&str] =
    &[PLATFORM, BLOB, SANDBOX, RUNTIMES, BINARY, CHORES, "crates/gateway/src/", "crates/store/src/", "/examples/"];
const TERMINAL: &[&str] = &[BINARY, CHORES, "/examples/", "/src/bin/"];

const BANS: [Ban; 12] = [
    Ban {
        code: "SystemTime::now",
        instead: "time comes from platform's Clock",
        allowed: &[PLATFORM, BLOB, SANDBOX, RUNTIMES, BINARY, CHORES],
        tests_may: true,
    },
    Ban { code: "Instant::now", instead: "time comes from platform's Clock", allowed: MONOTONIC, tests_may: true },
    Ban { code: "rand::", instead: "randomness comes from platform", allowed: &[PLATFORM], tests_may: true },
    Ban { code: "Uuid::new_v4", instead: "ids come from platform", allowed: &[PLATFORM], tests_may: true },
    Ban {
        code: "process::exit",
        instead: "return an error; the binary decides",
        allowed: &[BINARY, "crates/sandbox/src/launcher/", "/src/bin/"],
        tests_may: false,
    },
    Ban {
        code: ".unwrap()",
        instead: "return an error, or state the invariant with expect",
        allowed: &[],
        tests_may: true,
    },
    Ban { code: "unsafe ", instead: "unsafe code lives in sandbox", allowed: &[SANDBOX], tests_may: false },
    Ban { code: "println!", instead: "use tracing", allowed: TERMINAL, tests_may: true },
    Ban { code: "eprintln!", instead: "use tracing", allowed: TERMINAL, tests_may: true },
    Ban { code: "dbg!", instead: "remove it", allowed: &[], tests_may: false },
    Ban {
        code: "thread::sleep",
        instead: "wait for what is awaited",
        // The end of a process whose environments are still ending.
        allowed: &[SANDBOX, CHORES, "crates/traca/src/data.rs"],
        tests_may: false,
    },
    Ban { code: "#[ignore", instead: "make the test pass or say in it what holds", allowed: &[], tests_may: false },
];

/// Looks at every source.
pub fn check(repository: &Path) -> Outcome<Vec<Finding>> {
    Ok(Source::all(repository)?.iter().flat_map(findings).collect())
}

fn findings(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    for ban in BANS.iter().filter(|ban| !ban.allowed.iter().any(|place| source.path.contains(place))) {
        for (at, _) in source.code.match_indices(ban.code) {
            let in_word = at > 0 && is_word(source.code.as_bytes()[at - 1]) && is_word(ban.code.as_bytes()[0]);
            let permitted = ban.tests_may && source.is_test_at(at);
            if !in_word && !permitted {
                findings.push(format!("{}:{}: {}: {}", source.path, source.line(at), ban.code.trim(), ban.instead));
            }
        }
    }
    findings
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_file(path: &str, text: &str) -> Vec<Finding> {
        findings(&Source::new(path.into(), text))
    }

    #[test]
    fn a_call_is_at_home_in_its_crate_only() {
        let call = "fn now() { Instant::now(); }\n";
        assert!(in_file("crates/platform/src/clock.rs", call).is_empty());
        let found = in_file("crates/services/logs/src/lib.rs", call);
        assert_eq!(found, ["crates/services/logs/src/lib.rs:1: Instant::now: time comes from platform's Clock"]);
    }

    #[test]
    fn words_must_match_as_a_whole() {
        assert!(in_file("crates/wire/src/a.rs", "fn f() { operand::get(); }").is_empty());
        assert_eq!(in_file("crates/wire/src/a.rs", "fn f() { rand::random(); }").len(), 1);
    }

    #[test]
    fn tests_may_unwrap_but_not_sleep() {
        let text = "#[cfg(test)]\nmod tests { fn t() { x.unwrap(); thread::sleep(y); } }";
        let found = in_file("crates/wire/src/a.rs", text);
        assert_eq!(found.len(), 1);
        assert!(found[0].contains("thread::sleep"));
    }
}
