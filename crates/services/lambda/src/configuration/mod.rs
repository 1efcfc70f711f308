//! What a user sets on a function: defaults, limits, and the words of every refusal.
//!
//! The generic validator has already checked what the model says. Here is what it does not say.

mod container;
pub mod environment;
mod logging;
mod runtime;
#[cfg(test)]
mod tests;
mod unsupported;

pub use container::check as check_package_type;
pub use runtime::version_arn as runtime_version_arn;
pub use unsupported::{check_code_source, check_creation};

use api::lambda::{CreateFunctionRequest, UpdateFunctionConfigurationRequest};
use wire::Error;

use crate::destination::Destination;
use crate::errors;
use crate::function::{Configuration, Durable, LogFormat, LoggingConfig};

/// What a request sets; what it leaves out stays as it is. All that an update can set, a creation can set too.
pub type Settings = UpdateFunctionConfigurationRequest;

/// Default of the timeout, in seconds. API reference, CreateFunction.
const TIMEOUT_SECONDS_DEFAULT: u32 = 3;
/// Longest timeout, in seconds. AWS Lambda quotas; the model's bound is that of other kinds of functions.
const TIMEOUT_SECONDS_MAX: i32 = 900;
/// Default of the memory, in MB. API reference, CreateFunction.
const MEMORY_MB_DEFAULT: u32 = 128;
/// Most memory, in MB. AWS Lambda quotas; the model's bound is that of other kinds of functions.
const MEMORY_MB_MAX: i32 = 10_240;
/// Default of the size of `/tmp`, in MB. API reference, EphemeralStorage.
const EPHEMERAL_MB_DEFAULT: u32 = 512;
/// Largest `/tmp`, in MB. API reference, EphemeralStorage.
const EPHEMERAL_MB_MAX: i32 = 10_240;
/// Architecture unless set. API reference, CreateFunction.
const ARCHITECTURE_DEFAULT: &str = "x86_64";

/// Longest time of a durable execution unless set, in seconds: one day.
const EXECUTION_SECONDS_DEFAULT: u32 = 86_400;
/// Days for which a durable execution is kept after its end unless set. API reference, DurableConfig.
const RETENTION_DAYS_DEFAULT: u32 = 14;

/// The settings of a creation.
pub fn settings(input: &CreateFunctionRequest) -> Settings {
    Settings {
        role: Some(input.role.clone()),
        handler: input.handler.clone(),
        description: input.description.clone(),
        timeout: input.timeout,
        memory_size: input.memory_size,
        vpc_config: input.vpc_config.clone(),
        environment: input.environment.clone(),
        runtime: input.runtime.clone(),
        dead_letter_config: input.dead_letter_config.clone(),
        kms_key_arn: input.kms_key_arn.clone(),
        tracing_config: input.tracing_config.clone(),
        layers: input.layers.clone(),
        file_system_configs: input.file_system_configs.clone(),
        image_config: input.image_config.clone(),
        ephemeral_storage: input.ephemeral_storage.clone(),
        snap_start: input.snap_start.clone(),
        logging_config: input.logging_config.clone(),
        capacity_provider_config: input.capacity_provider_config.clone(),
        durable_config: input.durable_config.clone(),
        runtime_config: input.runtime_config.clone(),
        accelerator_config: input.accelerator_config.clone(),
        ..Settings::default()
    }
}

/// The configuration of a new function of this name.
///
/// # Errors
/// As [`apply`], and `InvalidParameterValueException` without a runtime and a handler, which a container image has not.
pub fn create(
    settings: &Settings,
    name: &str,
    architectures: Option<&[String]>,
    is_image: bool,
) -> Result<Configuration, Error> {
    check_package_type(settings, is_image)?;
    if !is_image && (settings.runtime.is_none() || settings.handler.is_none()) {
        return Err(errors::invalid_parameter(
            "Runtime and Handler are mandatory parameters for functions created with deployment packages.",
        ));
    }
    let defaults = Configuration {
        description: String::new(),
        runtime: String::new(),
        handler: String::new(),
        role: String::new(),
        has_role: false,
        timeout_seconds: TIMEOUT_SECONDS_DEFAULT,
        memory_mb: MEMORY_MB_DEFAULT,
        ephemeral_mb: EPHEMERAL_MB_DEFAULT,
        architecture: architecture(architectures).unwrap_or(ARCHITECTURE_DEFAULT).to_owned(),
        image: None,
        empty_vpc_config: false,
        environment: None,
        kms_key: None,
        logging: LoggingConfig { log_group: format!("/aws/lambda/{name}"), format: LogFormat::Text },
        dead_letter: None,
        is_traced: false,
        layers: Vec::new(),
        durable: settings
            .durable_config
            .as_ref()
            .map(|_| Durable { timeout_seconds: EXECUTION_SECONDS_DEFAULT, retention_days: RETENTION_DAYS_DEFAULT }),
    };
    apply(settings, defaults)
}

/// The configuration with these settings.
///
/// # Errors
/// `InvalidParameterValueException` or `ValidationException`; each parameter without effect here is refused by name.
pub fn apply(settings: &Settings, mut configuration: Configuration) -> Result<Configuration, Error> {
    unsupported::check(settings)?;
    check_bounds(settings)?;
    if let Some(environment) = &settings.environment {
        configuration.environment = Some(environment::check(environment)?);
    }
    if let Some(key) = &settings.kms_key_arn {
        configuration.kms_key = Some(key.clone()).filter(|key| !key.is_empty());
    }
    if let Some(runtime) = &settings.runtime {
        runtime::check(runtime)?;
        configuration.runtime.clone_from(runtime);
    }
    if let Some(logging) = &settings.logging_config {
        configuration.logging = logging::apply(logging, configuration.logging)?;
    }
    if let Some(storage) = &settings.ephemeral_storage {
        configuration.ephemeral_mb = storage.size.unsigned_abs();
    }
    if let Some(target) = settings.dead_letter_config.as_ref().and_then(|config| config.target_arn.as_deref()) {
        configuration.dead_letter = dead_letter(target)?;
    }
    if let Some(mode) = settings.tracing_config.as_ref().and_then(|config| config.mode.as_deref()) {
        configuration.is_traced = mode == "Active";
    }
    if let Some(config) = &settings.image_config {
        configuration.image = Some(container::overrides(config)?);
    }
    if let Some(config) = &settings.durable_config {
        let durable = configuration
            .durable
            .as_mut()
            .ok_or_else(|| errors::invalid_parameter("DurableConfig can only be set when a function is created."))?;
        set(&mut durable.timeout_seconds, config.execution_timeout.map(i32::unsigned_abs).as_ref());
        set(&mut durable.retention_days, config.retention_period_in_days.map(i32::unsigned_abs).as_ref());
    }
    set(&mut configuration.role, settings.role.as_ref());
    set(&mut configuration.handler, settings.handler.as_ref());
    set(&mut configuration.description, settings.description.as_ref());
    set(&mut configuration.timeout_seconds, settings.timeout.map(i32::unsigned_abs).as_ref());
    set(&mut configuration.memory_mb, settings.memory_size.map(i32::unsigned_abs).as_ref());
    configuration.empty_vpc_config |= settings.vpc_config.is_some();
    Ok(configuration)
}

/// The one architecture of a list, whose length the generic validator has checked.
pub fn architecture(architectures: Option<&[String]>) -> Option<&str> {
    architectures?.first().map(String::as_str)
}

fn set<T: Clone>(target: &mut T, value: Option<&T>) {
    if let Some(value) = value {
        target.clone_from(value);
    }
}

/// The queue or topic for dead letters; an empty text takes it away.
fn dead_letter(target: &str) -> Result<Option<String>, Error> {
    if target.is_empty() {
        return Ok(None);
    }
    let is_usable = Destination::of_arn(target).is_some_and(|target| target.takes_dead_letters());
    if is_usable {
        return Ok(Some(target.to_owned()));
    }
    Err(errors::invalid_parameter(format!(
        "The provided DeadLetterConfig TargetArn {target} is not supported: it must be a queue of SQS or a topic of SNS."
    )))
}

fn check_bounds(settings: &Settings) -> Result<(), Error> {
    let storage = settings.ephemeral_storage.as_ref().map(|storage| storage.size);
    let bounds = [
        ("timeout", settings.timeout, TIMEOUT_SECONDS_MAX),
        ("memorySize", settings.memory_size, MEMORY_MB_MAX),
        ("ephemeralStorage.size", storage, EPHEMERAL_MB_MAX),
    ];
    let failures: Vec<String> = bounds
        .into_iter()
        .filter_map(|(path, value, max)| Some((path, value.filter(|value| *value > max)?, max)))
        .map(|(path, value, max)| {
            format!(
                "Value '{value}' at '{path}' failed to satisfy constraint: \
                 Member must have value less than or equal to {max}"
            )
        })
        .collect();
    if failures.is_empty() { Ok(()) } else { Err(errors::validation(&failures)) }
}
