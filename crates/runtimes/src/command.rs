//! The program an environment starts.

use crate::RUNTIME_DIRECTORY;
use crate::catalog::Language;
use crate::resolution::Resolved;

/// Where a custom runtime's program may be inside an environment; the first that exists is run.
pub const BOOTSTRAP_PATHS: [&str; 2] = ["/var/task/bootstrap", "/opt/bootstrap"];

/// Bytes of headers Node.js accepts in a request or response, as on Lambda.
const NODE_HEADER_BYTES_MAX: u32 = 81_920;

/// What of a function's configuration changes the command.
#[derive(Clone, Copy, Debug, Default)]
pub struct CommandOptions<'a> {
    /// Megabytes of memory.
    pub memory_mb: u32,
    /// The function's AWS_LAMBDA_EXEC_WRAPPER: a program started in the runtime's place, with its command as arguments.
    pub exec_wrapper: Option<&'a str>,
    /// The function's NODE_OPTIONS, whose heap sizes replace the runtime's.
    pub node_options: Option<&'a str>,
}

/// The command of a runtime inside its environment. For a custom runtime it is the first of [`BOOTSTRAP_PATHS`]; the
/// caller, who sees the package, replaces it when only the other is there.
pub fn command(resolved: &Resolved, options: &CommandOptions<'_>) -> Vec<String> {
    let Some(interpreter) = &resolved.interpreter else {
        return vec![BOOTSTRAP_PATHS[0].to_owned()];
    };
    let mut words: Vec<String> = options.exec_wrapper.into_iter().map(str::to_owned).collect();
    words.push(interpreter.executable_inside().to_string_lossy().into_owned());
    if interpreter.language == Language::Python {
        // Without the packages of the machine, and without a buffer that a killed process would lose.
        words.extend(["-S".to_owned(), "-u".to_owned(), format!("{RUNTIME_DIRECTORY}/bootstrap.py")]);
        return words;
    }
    words.extend(["--expose-gc".to_owned(), format!("--max-http-header-size={NODE_HEADER_BYTES_MAX}")]);
    if !sets_heap_sizes(options.node_options.unwrap_or_default()) {
        words.extend(heap_sizes(options.memory_mb));
    }
    words.push(format!("{RUNTIME_DIRECTORY}/index.js"));
    words
}

/// V8's limits as Lambda derives them: a tenth of the memory for new objects, in two half-spaces, the rest for old.
fn heap_sizes(memory_mb: u32) -> [String; 2] {
    let new_space_mb = memory_mb / 10;
    [
        format!("--max-semi-space-size={}", new_space_mb / 2),
        format!("--max-old-space-size={}", memory_mb - new_space_mb),
    ]
}

fn sets_heap_sizes(node_options: &str) -> bool {
    let options = node_options.replace('_', "-");
    options.contains("--max-semi-space-size") || options.contains("--max-old-space-size")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interpreter::Interpreters;
    use crate::interpreter::tests::{interpreter, runtime};
    use crate::resolution::resolve;

    fn resolved(id: &str) -> Resolved {
        let found = Interpreters::new(vec![
            interpreter(Language::Python, "3.12.1", "/root/.pyenv/versions/3.12.1"),
            interpreter(Language::Node, "20.20.2", "/usr"),
        ]);
        resolve(&found, &runtime(id), false).expect("an interpreter is there")
    }

    #[test]
    fn commands_of_each_language() {
        let options = CommandOptions { memory_mb: 128, ..CommandOptions::default() };
        assert_eq!(
            command(&resolved("python3.12"), &options),
            ["/var/lang/bin/python3", "-S", "-u", "/var/runtime/bootstrap.py"]
        );
        assert_eq!(
            command(&resolved("nodejs20.x"), &options),
            [
                "/usr/bin/node",
                "--expose-gc",
                "--max-http-header-size=81920",
                "--max-semi-space-size=6",
                "--max-old-space-size=116",
                "/var/runtime/index.js"
            ]
        );
        assert_eq!(command(&resolved("provided.al2023"), &options), ["/var/task/bootstrap"]);
    }

    #[test]
    fn the_users_wrapper_and_heap_sizes_are_respected() {
        let options = CommandOptions {
            memory_mb: 128,
            exec_wrapper: Some("/opt/wrap"),
            node_options: Some("--max_old_space_size=64"),
        };
        assert_eq!(
            command(&resolved("nodejs20.x"), &options),
            ["/opt/wrap", "/usr/bin/node", "--expose-gc", "--max-http-header-size=81920", "/var/runtime/index.js"]
        );
    }
}
