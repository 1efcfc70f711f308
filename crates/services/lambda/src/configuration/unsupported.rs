//! Parameters that AWS has and this platform has not: a value that would have an effect is refused by name, one that
//! says "none" is fine.

use api::lambda::{CreateFunctionRequest, FunctionCode};
use wire::Error;

use super::Settings;
use crate::errors;

/// Refuses what neither a creation nor an update can set here.
pub fn check(settings: &Settings) -> Result<(), Error> {
    let vpc = settings.vpc_config.as_ref();
    refuse(&[
        ("FileSystemConfigs", has_items(&settings.file_system_configs)),
        ("KMSKeyArn", has_text(&settings.kms_key_arn)),
        ("VpcConfig.SubnetIds", vpc.is_some_and(|vpc| has_items(&vpc.subnet_ids))),
        ("VpcConfig.SecurityGroupIds", vpc.is_some_and(|vpc| has_items(&vpc.security_group_ids))),
        ("VpcConfig.Ipv6AllowedForDualStack", vpc.is_some_and(|vpc| vpc.ipv6_allowed_for_dual_stack == Some(true))),
        (
            "SnapStart.ApplyOn PublishedVersions",
            settings.snap_start.as_ref().is_some_and(|config| is(&config.apply_on, "PublishedVersions")),
        ),
        ("CapacityProviderConfig", settings.capacity_provider_config.is_some()),
        (
            "DurableConfig.KMSKeyArn",
            settings.durable_config.as_ref().is_some_and(|config| has_text(&config.kms_key_arn)),
        ),
        ("RuntimeConfig", settings.runtime_config.is_some()),
        ("AcceleratorConfig", settings.accelerator_config.is_some()),
    ])
}

/// Refuses what only a creation can set, and not here.
pub fn check_creation(input: &CreateFunctionRequest) -> Result<(), Error> {
    refuse(&[("TenancyConfig", input.tenancy_config.is_some()), ("PublishTo", input.publish_to.is_some())])
}

/// Refuses sources of code that there are not here.
pub fn check_code_source(code: &FunctionCode) -> Result<(), Error> {
    refuse(&[
        ("S3ObjectStorageMode REFERENCE", is(&code.s3_object_storage_mode, "REFERENCE")),
        ("SourceKMSKeyArn", has_text(&code.source_kms_key_arn)),
    ])
}

fn refuse(parameters: &[(&str, bool)]) -> Result<(), Error> {
    match parameters.iter().find(|(_, is_set)| *is_set) {
        Some((name, _)) => Err(errors::unsupported(name)),
        None => Ok(()),
    }
}

fn has_items<T>(list: &Option<Vec<T>>) -> bool {
    list.as_ref().is_some_and(|list| !list.is_empty())
}

fn has_text(text: &Option<String>) -> bool {
    text.as_ref().is_some_and(|text| !text.is_empty())
}

fn is(text: &Option<String>, value: &str) -> bool {
    text.as_deref() == Some(value)
}
