//! Files and functions stay short enough to be read.

use std::fs;
use std::path::Path;

use super::Finding;
use super::source::{Source, block_end};
use crate::failure::{Failure, Outcome};
use crate::files;

/// Lines of a source file.
const FILE_LINES_MAX: usize = 600;
/// Lines of a file of tests: cases are long and flat.
const TEST_FILE_LINES_MAX: usize = 900;
/// Lines of a function, signature and closing brace included.
const FUNCTION_LINES_MAX: usize = 70;
/// Languages other than Rust that people write here.
const OTHER_EXTENSIONS: [&str; 4] = ["py", "js", "mjs", "cjs"];

/// Measures every source.
pub fn check(repository: &Path) -> Outcome<Vec<Finding>> {
    let mut findings = Vec::new();
    for source in Source::all(repository)? {
        findings.extend(file_length(&source.path, source.lines, source.is_test));
        findings.extend(long_functions(&source));
    }
    for extension in OTHER_EXTENSIONS {
        for path in files::with_extension(repository, extension)? {
            let text = fs::read_to_string(&path).map_err(|error| Failure::file(&path, error))?;
            let name = super::relative(repository, &path);
            findings.extend(file_length(&name, text.lines().count(), name.contains("test")));
        }
    }
    Ok(findings)
}

fn file_length(path: &str, lines: usize, is_test: bool) -> Option<Finding> {
    let max = if is_test { TEST_FILE_LINES_MAX } else { FILE_LINES_MAX };
    (lines > max).then(|| format!("{path} has {lines} lines, at most {max} are allowed: split it by noun"))
}

fn long_functions(source: &Source) -> Vec<Finding> {
    let code = &source.code;
    let mut findings = Vec::new();
    for (at, _) in code.match_indices("fn ") {
        let starts_word =
            at == 0 || !code.as_bytes()[at - 1].is_ascii_alphanumeric() && code.as_bytes()[at - 1] != b'_';
        let name: String =
            code[at + 3..].chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect();
        if !starts_word || name.is_empty() {
            continue;
        }
        let Some(open) = body_start(code, at) else { continue };
        let lines = code[at..block_end(code, open)].matches('\n').count() + 1;
        if lines > FUNCTION_LINES_MAX {
            let place = format!("{}:{}", source.path, source.line(at));
            findings.push(format!("{place}: {name} has {lines} lines, at most {FUNCTION_LINES_MAX} are allowed"));
        }
    }
    findings
}

/// Where the body of the function declared at `at` opens; nothing for a declaration without one.
fn body_start(code: &str, at: usize) -> Option<usize> {
    let mut depth = 0_i32;
    for (offset, byte) in code.bytes().enumerate().skip(at) {
        match byte {
            b'(' | b'[' => depth += 1,
            b')' | b']' => depth -= 1,
            b'{' if depth == 0 => return Some(offset),
            b';' if depth == 0 => return None,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn function(lines: usize) -> Source {
        let text = format!(
            "trait T {{ fn declared(&self) -> [u8; 4]; }}\nfn long() {{\n{}}}\n",
            "    step();\n".repeat(lines - 2)
        );
        Source::new("crates/a/src/lib.rs".into(), &text)
    }

    #[test]
    fn a_function_is_measured_from_its_signature_to_its_brace() {
        assert!(long_functions(&function(FUNCTION_LINES_MAX)).is_empty());
        let findings = long_functions(&function(FUNCTION_LINES_MAX + 1));
        assert_eq!(findings, ["crates/a/src/lib.rs:2: long has 71 lines, at most 70 are allowed"]);
    }

    #[test]
    fn tests_may_be_longer_files() {
        assert!(file_length("a.rs", 601, false).is_some());
        assert!(file_length("tests/a.rs", 601, true).is_none());
        assert!(file_length("tests/a.rs", 901, true).is_some());
    }
}
