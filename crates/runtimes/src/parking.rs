//! What of a managed runtime can be started before it is known for which function.

use crate::catalog::Language;
use crate::command::{CommandOptions, command};
use crate::environment::{FunctionFacts, default_environment};
use crate::resolution::Resolved;

/// Variables of Lambda that are the same for all functions of a runtime and matter while an interpreter starts.
const SHARED_VARIABLES: [&str; 9] = [
    "AWS_EXECUTION_ENV",
    "LAMBDA_RUNTIME_DIR",
    "LAMBDA_TASK_ROOT",
    "LANG",
    "LD_LIBRARY_PATH",
    "NODE_PATH",
    "PATH",
    "PYTHONPATH",
    "TZ",
];

/// Variables with these beginnings are read by an interpreter, or by the system's libraries, when a program starts.
const READ_AT_START: [&str; 10] =
    ["GLIBC_", "LC_", "LD_", "MALLOC_", "NODE_", "OPENSSL_", "PYTHON", "SSL_", "UV_", "_TRACA_"];

/// Others that are.
const READ_AT_START_EXACTLY: [&str; 4] = ["AWS_LAMBDA_EXEC_WRAPPER", "LANG", "LANGUAGE", "PATH"];

/// A command that is started ahead of need, and its variables until it is told others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parkable {
    /// The program and its arguments.
    pub command: Vec<String>,
    /// Its variables.
    pub env: Vec<(String, String)>,
}

/// What to start ahead of need for functions of a runtime. `None` when it brings its own program, or one of the
/// function's own variables, whose names are `own`, would have changed how its interpreter starts.
///
/// `preload` are the parts of the AWS SDK to have loaded (see [`crate::SdkUse`]).
pub fn parkable<'a>(
    resolved: &Resolved,
    options: &CommandOptions<'_>,
    own: impl IntoIterator<Item = &'a str>,
    preload: &[String],
) -> Option<Parkable> {
    if resolved.runtime.language == Language::Custom || own.into_iter().any(is_read_at_start) {
        return None;
    }
    let nobody = FunctionFacts {
        function_name: "",
        function_version: "",
        memory_mb: 0,
        handler: "",
        log_group: "",
        log_stream: "",
        region: "",
        initialization_type: "on-demand",
    };
    let mut env = default_environment(&resolved.runtime, &nobody);
    env.retain(|(name, _)| SHARED_VARIABLES.contains(&name.as_str()));
    if !preload.is_empty() {
        env.push(("_TRACA_PRELOAD".to_owned(), preload.join(",")));
    }
    Some(Parkable { command: command(resolved, options), env })
}

fn is_read_at_start(name: &str) -> bool {
    READ_AT_START.iter().any(|start| name.starts_with(start)) || READ_AT_START_EXACTLY.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interpreter::Interpreters;
    use crate::interpreter::tests::{interpreter, runtime};
    use crate::resolution::resolve;

    fn parked(id: &str, own: &[&str]) -> Option<Parkable> {
        let found = Interpreters::new(vec![
            interpreter(Language::Python, "3.12.1", "/usr"),
            interpreter(Language::Node, "20.20.2", "/usr"),
        ]);
        let resolved = resolve(&found, &runtime(id), false).expect("an interpreter is there");
        let options = CommandOptions { memory_mb: 128, ..CommandOptions::default() };
        parkable(&resolved, &options, own.iter().copied(), &["boto3".to_owned(), "s3".to_owned()])
    }

    #[test]
    fn nothing_of_a_function_is_in_what_is_started_ahead() {
        let parked = parked("python3.12", &["TABLE", "TZ"]).expect("can be started ahead");
        let names: Vec<&str> = parked.env.iter().map(|(name, _)| name.as_str()).collect();
        assert!(names.contains(&"PYTHONPATH") && names.contains(&"AWS_EXECUTION_ENV"));
        assert!(!names.iter().any(|name| name.starts_with("AWS_LAMBDA_") || *name == "_HANDLER"));
        assert_eq!(parked.env.last(), Some(&("_TRACA_PRELOAD".to_owned(), "boto3,s3".to_owned())));
    }

    #[test]
    fn variables_that_an_interpreter_reads_when_it_starts_leave_nothing_to_do_ahead() {
        for own in ["NODE_OPTIONS", "PYTHONHASHSEED", "LD_PRELOAD", "LANG", "AWS_LAMBDA_EXEC_WRAPPER"] {
            assert_eq!(parked("nodejs20.x", &[own]), None, "{own}");
        }
        assert_eq!(parked("provided.al2023", &[]), None);
    }
}
