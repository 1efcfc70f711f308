//! Functions as the API describes them.

use api::lambda::{
    DeadLetterConfig, DurableConfig, EphemeralStorage, FunctionConfiguration, ImageConfig, ImageConfigResponse, Layer,
    LoggingConfig, RuntimeVersionConfig, SnapStartResponse, TracingConfigResponse, VpcConfigResponse,
};
use jiff::Timestamp;
use platform::Ctx;

use crate::configuration::runtime_version_arn;
use crate::container::ImageOverrides;
use crate::function::{self, FunctionVersion, LastUpdate, LogFormat, State};
use crate::layers::AttachedLayer;
use crate::variables;

/// A state with AWS's reason and reason code.
type Status = (&'static str, Option<String>, Option<String>);

/// A version in full, under the given ARN: AWS answers with the qualifier exactly where the caller used one.
pub async fn full(cx: &Ctx, version: &FunctionVersion, arn: String) -> FunctionConfiguration {
    let (state, state_reason, state_reason_code) = state(&version.state);
    let update = version.last_update.as_ref().map(last_update);
    let (status, reason, reason_code) =
        update.map_or((None, None, None), |(status, reason, code)| (Some(status.to_owned()), reason, code));
    let is_image = version.code.image.is_some();
    let arn_of_runtime = || runtime_version_arn(&version.function.region, &version.configuration.runtime);
    FunctionConfiguration {
        state: Some(state.to_owned()),
        state_reason,
        state_reason_code,
        last_update_status: status,
        last_update_status_reason: reason,
        last_update_status_reason_code: reason_code,
        runtime_version_config: (!is_image).then(|| RuntimeVersionConfig {
            runtime_version_arn: Some(arn_of_runtime()),
            ..RuntimeVersionConfig::default()
        }),
        ..listed(cx, version, arn).await
    }
}

/// A version as it stands in lists: without its state.
pub async fn listed(cx: &Ctx, version: &FunctionVersion, arn: String) -> FunctionConfiguration {
    let configuration = &version.configuration;
    let is_image = version.code.image.is_some();
    FunctionConfiguration {
        function_name: Some(version.function.name.clone()),
        function_arn: Some(arn),
        runtime: (!is_image).then(|| configuration.runtime.clone()),
        role: Some(configuration.role.clone()),
        handler: (!is_image).then(|| configuration.handler.clone()),
        code_size: Some(version.code.size_bytes as i64),
        description: Some(configuration.description.clone()),
        timeout: Some(configuration.timeout_seconds as i32),
        memory_size: Some(configuration.memory_mb as i32),
        last_modified: Some(date(version.last_modified)),
        code_sha256: Some(version.code.sha256()),
        version: Some(version.version.to_string()),
        vpc_config: configuration.empty_vpc_config.then(no_vpc),
        environment: variables::describe(cx, version).await,
        kms_key_arn: configuration.kms_key.clone(),
        dead_letter_config: configuration
            .dead_letter
            .clone()
            .map(|target| DeadLetterConfig { target_arn: Some(target) }),
        tracing_config: Some(TracingConfigResponse {
            mode: Some(if configuration.is_traced { "Active" } else { "PassThrough" }.to_owned()),
        }),
        revision_id: Some(version.revision_id.clone()),
        package_type: Some(if is_image { "Image" } else { "Zip" }.to_owned()),
        image_config_response: configuration.image.as_ref().filter(|_| is_image).map(image_config),
        architectures: Some(vec![configuration.architecture.clone()]),
        ephemeral_storage: Some(EphemeralStorage {
            size: configuration.ephemeral_mb as i32,
            ..EphemeralStorage::default()
        }),
        snap_start: Some(SnapStartResponse {
            apply_on: Some("None".to_owned()),
            optimization_status: Some("Off".to_owned()),
        }),
        logging_config: Some(logging(&configuration.logging)),
        layers: (!configuration.layers.is_empty()).then(|| configuration.layers.iter().map(layer).collect()),
        durable_config: configuration.durable.as_ref().map(|durable| DurableConfig {
            execution_timeout: Some(durable.timeout_seconds as i32),
            retention_period_in_days: Some(durable.retention_days as i32),
            ..DurableConfig::default()
        }),
        ..FunctionConfiguration::default()
    }
}

/// A date in the form of provisioned concurrency: `2024-01-01T00:00:00+0000`.
pub fn date_in_seconds(milliseconds: i64) -> String {
    let time = Timestamp::from_millisecond(milliseconds).unwrap_or_default();
    time.strftime("%Y-%m-%dT%H:%M:%S+0000").to_string()
}

/// A date in Lambda's form: `2024-01-01T00:00:00.000+0000`.
pub fn date(milliseconds: i64) -> String {
    let time = Timestamp::from_millisecond(milliseconds).unwrap_or_default();
    time.strftime("%Y-%m-%dT%H:%M:%S.%3f+0000").to_string()
}

fn layer(layer: &AttachedLayer) -> Layer {
    Layer { arn: Some(layer.arn.clone()), code_size: Some(layer.code.size_bytes as i64), ..Layer::default() }
}

fn image_config(overrides: &ImageOverrides) -> ImageConfigResponse {
    let config = ImageConfig {
        entry_point: overrides.entry_point.clone(),
        command: overrides.command.clone(),
        working_directory: overrides.working_directory.clone(),
    };
    ImageConfigResponse { image_config: (*overrides != ImageOverrides::default()).then_some(config), error: None }
}

fn no_vpc() -> VpcConfigResponse {
    VpcConfigResponse {
        subnet_ids: Some(Vec::new()),
        security_group_ids: Some(Vec::new()),
        vpc_id: Some(String::new()),
        ipv6_allowed_for_dual_stack: Some(false),
    }
}

fn logging(logging: &function::LoggingConfig) -> LoggingConfig {
    let (format, application, system) = match &logging.format {
        LogFormat::Text => ("Text", None, None),
        LogFormat::Json { application_level, system_level } => ("JSON", Some(application_level), Some(system_level)),
    };
    LoggingConfig {
        log_format: Some(format.to_owned()),
        application_log_level: application.cloned(),
        system_log_level: system.cloned(),
        log_group: Some(logging.log_group.clone()),
    }
}

/// AWS describes a function that is created and one that is updated in the same words.
fn under_way(status: &'static str) -> Status {
    (status, Some("The function is being created.".to_owned()), Some("Creating".to_owned()))
}

fn state(state: &State) -> Status {
    match state {
        State::Pending => under_way("Pending"),
        State::Active => ("Active", None, None),
        State::Failed(failure) => ("Failed", Some(failure.reason.clone()), Some(failure.code.clone())),
    }
}

fn last_update(update: &LastUpdate) -> Status {
    match update {
        LastUpdate::InProgress => under_way("InProgress"),
        LastUpdate::Successful => ("Successful", None, None),
        LastUpdate::Failed(failure) => ("Failed", Some(failure.reason.clone()), Some(failure.code.clone())),
    }
}
