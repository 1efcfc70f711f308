//! Which crate may stand on which, and on which libraries it must not.

use std::path::Path;

use serde_json::Value;

use super::Finding;
use crate::failure::Outcome;

/// Crates of ours (without the `traca-` prefix) and those they may depend on. A service is `service-*`.
const ALLOWED: [(&str, &[&str]); 17] = [
    ("wire", &[]),
    ("api", &["wire"]),
    ("store", &[]),
    ("blob", &["wire", "outbound"]),
    ("sandbox", &[]),
    ("runtimes", &[]),
    ("policy", &[]),
    ("image", &["blob", "outbound"]),
    ("outbound", &[]),
    ("pattern", &[]),
    ("schedule", &[]),
    ("platform", &["api", "wire", "store", "blob", "policy", "outbound"]),
    (
        "service-lambda",
        &["api", "wire", "store", "blob", "platform", "policy", "outbound", "pattern", "sandbox", "runtimes", "image"],
    ),
    ("service-*", &["api", "wire", "store", "blob", "platform", "policy", "outbound", "pattern", "schedule"]),
    ("gateway", &["api", "wire", "platform"]),
    ("bench", &["wire"]),
    ("xtask", &[]),
];

/// The one crate that may depend on all others.
const TOP: &str = "traca";

/// Libraries that say a crate does what it must not: the wire does no I/O, the words of AWS have no runtime, and a
/// service never sees a server.
const KEPT_OUT: [(&str, &[&str]); 4] = [
    ("wire", &["tokio", "hyper", "hyper-util"]),
    ("api", &["tokio", "hyper", "hyper-util"]),
    ("platform", &["hyper", "hyper-util"]),
    ("service-*", &["hyper", "hyper-util"]),
];

/// Reads the workspace's manifests through cargo.
pub fn check(repository: &Path) -> Outcome<Vec<Finding>> {
    let metadata = crate::cargo::metadata(repository)?;
    Ok(findings(&metadata))
}

fn findings(metadata: &Value) -> Vec<Finding> {
    let none = Vec::new();
    let packages = metadata["packages"].as_array().unwrap_or(&none);
    let ours: Vec<&str> = packages.iter().filter_map(|package| package["name"].as_str()).collect();
    let mut findings = Vec::new();
    for package in packages {
        let name = short(package["name"].as_str().unwrap_or_default());
        let dependencies = package["dependencies"].as_array().unwrap_or(&none);
        // What tests use says nothing about the product.
        for dependency in dependencies.iter().filter(|dependency| dependency["kind"] != "dev") {
            let dependency = dependency["name"].as_str().unwrap_or_default();
            findings.extend(violation(name, dependency, ours.contains(&dependency)));
        }
    }
    findings
}

fn violation(name: &str, dependency: &str, is_ours: bool) -> Option<Finding> {
    if !is_ours {
        let kept_out = rule(&KEPT_OUT, name)?;
        return kept_out.contains(&dependency).then(|| format!("{name} must not use {dependency}"));
    }
    if name == TOP {
        return None;
    }
    let Some(allowed) = rule(&ALLOWED, name) else {
        return Some(format!("{name} has no place yet: name what it may depend on in tidy/layering.rs"));
    };
    let dependency = short(dependency);
    (!allowed.contains(&dependency)).then(|| format!("{name} must not depend on {dependency}"))
}

/// The entry of that name, or the one for all services.
fn rule<'a>(table: &[(&str, &'a [&'a str])], name: &str) -> Option<&'a [&'a str]> {
    let find = |wanted: &str| table.iter().find(|(entry, _)| *entry == wanted).map(|(_, rule)| *rule);
    find(name).or_else(|| name.starts_with("service-").then(|| find("service-*")).flatten())
}

fn short(package: &str) -> &str {
    package.strip_prefix("traca-").unwrap_or(package)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrows_point_one_way() {
        assert!(violation("service-logs", "traca-service-lambda", true).is_some());
        assert!(violation("service-logs", "traca-sandbox", true).is_some());
        assert!(violation("service-lambda", "traca-sandbox", true).is_none());
        assert!(violation("store", "traca-platform", true).is_some());
        assert!(violation("traca", "traca-service-logs", true).is_none());
        assert!(violation("wire", "tokio", false).is_some());
        assert!(violation("store", "tokio", false).is_none());
        assert!(violation("newcomer", "traca-wire", true).is_some());
    }

    #[test]
    fn dependencies_of_tests_are_free() {
        let metadata = serde_json::json!({"packages": [
            {"name": "traca-wire", "dependencies": [{"name": "tokio", "kind": "dev"}, {"name": "hyper", "kind": null}]}]});
        assert_eq!(findings(&metadata), ["wire must not use hyper"]);
    }
}
