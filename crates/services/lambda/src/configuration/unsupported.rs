//! Parameters that AWS has and this platform has not: a value that would have an effect is refused by name, one that
//! says "none" is fine.

use api::lambda::{CreateFunctionRequest, FunctionCode};
use wire::Error;

use super::Settings;
use crate::errors;

/// Refuses what neither a creation nor an update can set here.
pub fn check(settings: &Settings) -> Result<(), Error> {
    let vpc = settings.vpc_config.as_ref();
    check_snap_start(settings)?;
    refuse(&[
        ("FileSystemConfigs", has_items(&settings.file_system_configs)),
        ("VpcConfig.SubnetIds", vpc.is_some_and(|vpc| has_items(&vpc.subnet_ids))),
        ("VpcConfig.SecurityGroupIds", vpc.is_some_and(|vpc| has_items(&vpc.security_group_ids))),
        ("VpcConfig.Ipv6AllowedForDualStack", vpc.is_some_and(|vpc| vpc.ipv6_allowed_for_dual_stack == Some(true))),
        ("CapacityProviderConfig", settings.capacity_provider_config.is_some()),
        (
            "DurableConfig.KMSKeyArn",
            settings.durable_config.as_ref().is_some_and(|config| has_text(&config.kms_key_arn)),
        ),
        ("RuntimeConfig", settings.runtime_config.is_some()),
        ("AcceleratorConfig", settings.accelerator_config.is_some()),
    ])
}

/// Refuses snapshots: in AWS's words where AWS has none either, and by name elsewhere.
fn check_snap_start(settings: &Settings) -> Result<(), Error> {
    let wanted = settings.snap_start.as_ref().is_some_and(|config| is(&config.apply_on, "PublishedVersions"));
    match &settings.runtime {
        _ if !wanted => Ok(()),
        Some(runtime) if !has_snap_start(runtime) => {
            Err(errors::invalid_parameter(format!("{runtime} is not supported for SnapStart enabled functions.")))
        }
        _ => Err(errors::unsupported("SnapStart.ApplyOn PublishedVersions")),
    }
}

/// Whether AWS offers SnapStart for a runtime (Lambda developer guide: Java 11, Python 3.12, .NET 8 and later).
fn has_snap_start(runtime: &str) -> bool {
    let number = |prefix: &str| -> Option<u32> {
        let digits = runtime.strip_prefix(prefix)?;
        digits.split('.').next()?.parse().ok()
    };
    number("java").is_some_and(|major| major >= 11)
        || number("python3.").is_some_and(|minor| minor >= 12)
        || number("dotnet").is_some_and(|major| major >= 8)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn snapshots_are_refused_as_aws_does_where_it_has_none() {
        for runtime in ["java11", "java17", "java25", "python3.12", "python3.14", "dotnet8", "dotnet10"] {
            assert!(has_snap_start(runtime), "{runtime}");
        }
        for runtime in ["java8.al2", "python3.11", "python3.9", "dotnet6", "nodejs22.x", "ruby3.3", "provided.al2023"] {
            assert!(!has_snap_start(runtime), "{runtime}");
        }
    }
}
