//! Settings that are taken, and the words in which others are refused.

use std::collections::BTreeMap;

use api::lambda::{
    DeadLetterConfig, Environment, EphemeralStorage, LoggingConfig as LoggingRequest, SnapStart, TracingConfig,
    VpcConfig,
};

use super::*;
use crate::testing::said;

fn configured(settings: &Settings) -> Result<Configuration, Error> {
    let required = Settings {
        role: Some("arn:aws:iam::111122223333:role/worker".to_owned()),
        handler: Some("app.handler".to_owned()),
        runtime: Some("python3.12".to_owned()),
        ..Settings::default()
    };
    apply(settings, create(&required, "greet", None, false).unwrap())
}

fn environment(variables: &[(&str, &str)]) -> Settings {
    let variables: BTreeMap<_, _> =
        variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Settings { environment: Some(Environment { variables: Some(variables) }), ..Settings::default() }
}

fn logging(format: Option<&str>, application: Option<&str>, group: Option<&str>) -> Settings {
    let text = |value: Option<&str>| value.map(str::to_owned);
    let request = LoggingRequest {
        log_format: text(format),
        application_log_level: text(application),
        system_log_level: None,
        log_group: text(group),
    };
    Settings { logging_config: Some(request), ..Settings::default() }
}

#[test]
fn defaults_are_those_of_aws() {
    let made = configured(&Settings::default()).unwrap();
    assert_eq!((made.timeout_seconds, made.memory_mb, made.ephemeral_mb), (3, 128, 512));
    assert_eq!((made.architecture.as_str(), made.description.as_str(), made.environment), ("x86_64", "", None));
    let expected = LoggingConfig { log_group: "/aws/lambda/greet".to_owned(), format: LogFormat::Text };
    assert_eq!(made.logging, expected);
}

#[test]
fn a_function_needs_a_runtime_and_a_handler() {
    let settings = Settings { runtime: Some("python3.12".to_owned()), ..Settings::default() };
    assert_eq!(
        said(create(&settings, "greet", None, false)),
        "InvalidParameterValueException: \
         Runtime and Handler are mandatory parameters for functions created with deployment packages."
    );
}

#[test]
fn runtimes_are_known_retired_absent_or_wrong() {
    let with = |runtime: &str| configured(&Settings { runtime: Some(runtime.to_owned()), ..Settings::default() });
    for runtime in ["nodejs18.x", "nodejs24.x", "python3.9", "python3.14", "provided.al2", "provided.al2023"] {
        assert_eq!(with(runtime).unwrap().runtime, runtime);
    }
    assert_eq!(said(with("java21")), "InvalidParameterValueException: Traca does not support the runtime java21 yet.");
    assert!(said(with("python3.7")).starts_with(
        "InvalidParameterValueException: The runtime parameter of python3.7 is no longer supported for creating or \
         updating AWS Lambda functions. We recommend you use the new runtime (python3."
    ));
    let wrong = said(with("cobol"));
    assert!(wrong.starts_with(
        "InvalidParameterValueException: Value cobol at 'runtime' failed to satisfy constraint: \
         Member must satisfy enum value set: [nodejs20.x, "
    ));
    assert!(wrong.ends_with("] or be a valid ARN"));
}

#[test]
fn numbers_stay_within_the_limits_of_ordinary_functions() {
    let settings = Settings {
        timeout: Some(901),
        memory_size: Some(10_241),
        ephemeral_storage: Some(EphemeralStorage { size: 10_241, ..EphemeralStorage::default() }),
        ..Settings::default()
    };
    assert_eq!(
        said(configured(&settings)),
        "ValidationException: 3 validation errors detected: \
         Value '901' at 'timeout' failed to satisfy constraint: Member must have value less than or equal to 900; \
         Value '10241' at 'memorySize' failed to satisfy constraint: \
         Member must have value less than or equal to 10240; \
         Value '10241' at 'ephemeralStorage.size' failed to satisfy constraint: \
         Member must have value less than or equal to 10240"
    );
    let most = Settings { timeout: Some(900), memory_size: Some(10_240), ..Settings::default() };
    assert_eq!(configured(&most).unwrap().memory_mb, 10_240);
}

#[test]
fn environments_are_small_and_leave_lambdas_own_names_alone() {
    let set = configured(&environment(&[("A", "1")])).unwrap().environment.unwrap();
    assert_eq!(format!("{set:?}"), r#"{"A"}"#);
    assert_eq!(
        said(configured(&environment(&[("AWS_REGION", "x"), ("FINE", "y"), ("LAMBDA_TASK_ROOT", "z")]))),
        "InvalidParameterValueException: Lambda was unable to configure your environment variables because the \
         environment variables you have provided contains reserved keys that are currently not supported for \
         modification. Reserved keys used in this request: AWS_REGION, LAMBDA_TASK_ROOT"
    );
    // {"A":"…"} has eight bytes around the value.
    let most = "x".repeat(4_096 - 8);
    assert!(configured(&environment(&[("A", &most)])).is_ok());
    let too_much = format!("{most}x");
    assert_eq!(
        said(configured(&environment(&[("A", &too_much)]))),
        format!(
            "InvalidParameterValueException: Lambda was unable to configure your environment variables because the \
             environment variables you have provided exceeded the 4KB limit. String measured: {{\"A\":\"{too_much}\"}}"
        )
    );
    assert!(said(configured(&environment(&[("A", "\0")]))).starts_with("InvalidParameterValueException: "));
}

#[test]
fn levels_come_and_go_with_the_json_format() {
    let json = |application: &str| LogFormat::Json {
        application_level: application.to_owned(),
        system_level: "INFO".to_owned(),
    };
    let first = configured(&logging(Some("JSON"), None, Some("/mine"))).unwrap();
    assert_eq!(first.logging, LoggingConfig { log_group: "/mine".to_owned(), format: json("INFO") });
    let second = apply(&logging(None, Some("DEBUG"), None), first).unwrap();
    assert_eq!(second.logging, LoggingConfig { log_group: "/mine".to_owned(), format: json("DEBUG") });
    let third = apply(&logging(Some("Text"), None, None), second).unwrap();
    assert_eq!(third.logging, LoggingConfig { log_group: "/mine".to_owned(), format: LogFormat::Text });
    assert_eq!(
        said(apply(&logging(None, Some("DEBUG"), None), third)),
        "InvalidParameterValueException: LogLevel is not supported when LogFormat is set to \"Text\". \
         Remove LogLevel from your request or change the LogFormat to \"Json\" and try again."
    );
}

#[test]
fn what_has_no_effect_here_is_refused_by_name_and_nothing_is_nothing() {
    let none = Settings {
        file_system_configs: Some(Vec::new()),
        kms_key_arn: Some(String::new()),
        dead_letter_config: Some(DeadLetterConfig { target_arn: Some(String::new()) }),
        vpc_config: Some(VpcConfig { subnet_ids: Some(Vec::new()), ..VpcConfig::default() }),
        tracing_config: Some(TracingConfig { mode: Some("PassThrough".to_owned()) }),
        snap_start: Some(SnapStart { apply_on: Some("None".to_owned()) }),
        ..Settings::default()
    };
    assert!(configured(&none).unwrap().empty_vpc_config);
    let list = || Some(vec!["x".to_owned()]);
    let text = |text: &str| Some(text.to_owned());
    for (name, settings) in [
        (
            "VpcConfig.SubnetIds",
            Settings {
                vpc_config: Some(VpcConfig { subnet_ids: list(), ..VpcConfig::default() }),
                ..Settings::default()
            },
        ),
        (
            "SnapStart.ApplyOn PublishedVersions",
            Settings { snap_start: Some(SnapStart { apply_on: text("PublishedVersions") }), ..Settings::default() },
        ),
    ] {
        let expected = format!("InvalidParameterValueException: Traca does not support {name} yet.");
        assert_eq!(said(configured(&settings)), expected);
    }
}
