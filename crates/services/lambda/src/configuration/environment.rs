//! The user's environment variables.

use api::lambda::Environment;
use wire::Error;

use crate::errors;
use crate::function::EnvironmentVariables;

/// Most bytes of all variables, as a JSON document: 4 KB. AWS Lambda quotas.
const BYTES_MAX: usize = 4_096;

/// Names that only Lambda itself sets. Developer guide, "Working with Lambda environment variables", reserved ones.
pub const RESERVED: [&str; 21] = [
    "_HANDLER",
    "_X_AMZN_TRACE_ID",
    "AWS_ACCESS_KEY",
    "AWS_ACCESS_KEY_ID",
    "AWS_DEFAULT_REGION",
    "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_INITIALIZATION_TYPE",
    "AWS_LAMBDA_LOG_GROUP_NAME",
    "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_LAMBDA_MAX_CONCURRENCY",
    "AWS_LAMBDA_METADATA_API",
    "AWS_LAMBDA_METADATA_TOKEN",
    "AWS_LAMBDA_RUNTIME_API",
    "AWS_REGION",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "LAMBDA_RUNTIME_DIR",
    "LAMBDA_TASK_ROOT",
];

/// The variables, if they may be set.
pub fn check(environment: &Environment) -> Result<EnvironmentVariables, Error> {
    let variables = environment.variables.clone().unwrap_or_default();
    let reserved: Vec<&str> = variables.keys().map(String::as_str).filter(|name| RESERVED.contains(name)).collect();
    if !reserved.is_empty() {
        return Err(errors::invalid_parameter(format!(
            "Lambda was unable to configure your environment variables because the environment variables you have \
             provided contains reserved keys that are currently not supported for modification. \
             Reserved keys used in this request: {}",
            reserved.join(", ")
        )));
    }
    let document = serde_json::to_string(&variables).expect("a map of texts always has a JSON form");
    if document.len() > BYTES_MAX {
        return Err(errors::invalid_parameter(format!(
            "Lambda was unable to configure your environment variables because the environment variables you have \
             provided exceeded the 4KB limit. String measured: {document}"
        )));
    }
    if variables.values().any(|value| value.contains('\0')) {
        return Err(errors::invalid_parameter(
            "Lambda was unable to configure your environment variables because a value contains a NUL character.",
        ));
    }
    Ok(EnvironmentVariables::Clear(variables))
}
