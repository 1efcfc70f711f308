//! The environment variables Lambda sets for a function.

use crate::catalog::{Language, Runtime};
use crate::{RUNTIME_DIRECTORY, TASK_ROOT};

/// What the variables say about a function and the environment it runs in.
#[derive(Clone, Debug)]
pub struct FunctionFacts<'a> {
    /// The function's name.
    pub function_name: &'a str,
    /// The version this environment serves, `$LATEST` or a number.
    pub function_version: &'a str,
    /// Megabytes of memory.
    pub memory_mb: u32,
    /// The handler string.
    pub handler: &'a str,
    /// The log group the function's output goes to.
    pub log_group: &'a str,
    /// The log stream of this environment.
    pub log_stream: &'a str,
    /// The region the function is in.
    pub region: &'a str,
    /// Why the environment is initialised: `on-demand` or `provisioned-concurrency`.
    pub initialization_type: &'a str,
}

const INTERPRETED_PATH: &str = "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin";
const CUSTOM_PATH: &str = "/usr/local/bin:/usr/bin/:/bin:/opt/bin";
const CUSTOM_LIBRARY_PATH: &str = "/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib";

/// The variables as Lambda sets them, before the function's own, which may replace those Lambda does not reserve.
/// Credentials, endpoints, the Runtime API's address and tracing are the platform's to add.
pub fn default_environment(runtime: &Runtime, facts: &FunctionFacts<'_>) -> Vec<(String, String)> {
    let custom = runtime.language == Language::Custom;
    let library_path =
        if custom { CUSTOM_LIBRARY_PATH.to_owned() } else { format!("/var/lang/lib:{CUSTOM_LIBRARY_PATH}") };
    let mut variables: Vec<(&str, String)> = vec![
        ("LANG", "en_US.UTF-8".into()),
        ("TZ", ":UTC".into()),
        ("PATH", if custom { CUSTOM_PATH } else { INTERPRETED_PATH }.into()),
        ("LD_LIBRARY_PATH", library_path),
        ("LAMBDA_TASK_ROOT", TASK_ROOT.into()),
        ("LAMBDA_RUNTIME_DIR", RUNTIME_DIRECTORY.into()),
        ("_HANDLER", facts.handler.into()),
        ("AWS_REGION", facts.region.into()),
        ("AWS_DEFAULT_REGION", facts.region.into()),
        ("AWS_LAMBDA_FUNCTION_NAME", facts.function_name.into()),
        ("AWS_LAMBDA_FUNCTION_VERSION", facts.function_version.into()),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", facts.memory_mb.to_string()),
        ("AWS_LAMBDA_LOG_GROUP_NAME", facts.log_group.into()),
        ("AWS_LAMBDA_LOG_STREAM_NAME", facts.log_stream.into()),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", facts.initialization_type.into()),
        ("AWS_XRAY_CONTEXT_MISSING", "LOG_ERROR".into()),
    ];
    if !custom {
        variables.push(("AWS_EXECUTION_ENV", format!("AWS_Lambda_{}", runtime.id)));
    }
    match runtime.language {
        Language::Node => variables.push(("NODE_PATH", node_path(runtime))),
        Language::Python => variables.push(("PYTHONPATH", RUNTIME_DIRECTORY.into())),
        Language::Custom => {}
    }
    variables.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn node_path(runtime: &Runtime) -> String {
    format!(
        "/opt/nodejs/node{}/node_modules:/opt/nodejs/node_modules:{RUNTIME_DIRECTORY}/node_modules:\
         {RUNTIME_DIRECTORY}:{TASK_ROOT}",
        runtime.major
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interpreter::tests::runtime;
    use std::collections::HashMap;

    fn environment(id: &str) -> HashMap<String, String> {
        let facts = FunctionFacts {
            function_name: "orders",
            function_version: "7",
            memory_mb: 256,
            handler: "app.handler",
            log_group: "/aws/lambda/orders",
            log_stream: "2026/01/02/[7]abc",
            region: "eu-west-1",
            initialization_type: "on-demand",
        };
        default_environment(&runtime(id), &facts).into_iter().collect()
    }

    #[test]
    fn variables_are_those_of_lambda_for_each_kind_of_runtime() {
        let python = environment("python3.12");
        assert_eq!(python["AWS_EXECUTION_ENV"], "AWS_Lambda_python3.12");
        assert_eq!(python["PYTHONPATH"], "/var/runtime");
        assert_eq!(python["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"], "256");
        assert_eq!(python["AWS_LAMBDA_FUNCTION_VERSION"], "7");
        assert_eq!(python["_HANDLER"], "app.handler");
        assert_eq!(python["TZ"], ":UTC");
        assert!(!python.contains_key("NODE_PATH"));

        let node = environment("nodejs22.x");
        assert_eq!(
            node["NODE_PATH"],
            "/opt/nodejs/node22/node_modules:/opt/nodejs/node_modules:/var/runtime/node_modules:/var/runtime:/var/task"
        );

        let custom = environment("provided.al2023");
        assert!(!custom.contains_key("AWS_EXECUTION_ENV"));
        assert_eq!(custom["PATH"], "/usr/local/bin:/usr/bin/:/bin:/opt/bin");
        assert!(custom["LD_LIBRARY_PATH"].starts_with("/lib64:"));
    }
}
