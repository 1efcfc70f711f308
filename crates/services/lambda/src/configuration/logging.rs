//! Where and how a function logs.

use api::lambda::LoggingConfig as Request;
use wire::Error;

use crate::errors;
use crate::function::{LogFormat, LoggingConfig};

/// Both levels, when the format becomes JSON without saying any. Developer guide, "Log-level filtering".
const LEVEL_DEFAULT: &str = "INFO";

/// The configuration with what the request sets. Levels need the JSON format and go with it.
pub fn apply(request: &Request, current: LoggingConfig) -> Result<LoggingConfig, Error> {
    let log_group = request.log_group.clone().unwrap_or(current.log_group);
    let becomes_json = match request.log_format.as_deref() {
        Some(format) => format == "JSON",
        None => matches!(current.format, LogFormat::Json { .. }),
    };
    if !becomes_json {
        if request.application_log_level.is_some() || request.system_log_level.is_some() {
            return Err(errors::invalid_parameter(
                "LogLevel is not supported when LogFormat is set to \"Text\". \
                 Remove LogLevel from your request or change the LogFormat to \"Json\" and try again.",
            ));
        }
        return Ok(LoggingConfig { log_group, format: LogFormat::Text });
    }
    let (application, system) = match current.format {
        LogFormat::Json { application_level, system_level } => (application_level, system_level),
        LogFormat::Text => (LEVEL_DEFAULT.to_owned(), LEVEL_DEFAULT.to_owned()),
    };
    let format = LogFormat::Json {
        application_level: request.application_log_level.clone().unwrap_or(application),
        system_level: request.system_log_level.clone().unwrap_or(system),
    };
    Ok(LoggingConfig { log_group, format })
}
