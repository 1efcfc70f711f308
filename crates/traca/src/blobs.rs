//! Where `--blobs` says that bodies are kept.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use blob::RemoteConfig;
use platform::credentials::Issuer;

use crate::cli::BlobArgs;
use crate::failure::Failure;

/// Variables with the credentials, where no file is named.
const VARIABLES: [&str; 3] =
    ["TRACA_BLOBS_ACCESS_KEY_ID", "TRACA_BLOBS_SECRET_ACCESS_KEY", "TRACA_BLOBS_SESSION_TOKEN"];

/// The same in a file of AWS's tools.
const ENTRIES: [&str; 3] = ["aws_access_key_id", "aws_secret_access_key", "aws_session_token"];

/// The server that the settings name, if they name one.
///
/// # Errors
/// Settings that are none, or without credentials.
pub fn remote(args: &BlobArgs, issuer: &Issuer) -> Result<Option<RemoteConfig>, Failure> {
    let Some(address) = &args.blobs else { return Ok(None) };
    let wrong = || configuration(format!("--blobs {address}: not of the form s3://BUCKET or s3://BUCKET/PREFIX"));
    let (bucket, prefix) = address.strip_prefix("s3://").and_then(bucket_and_prefix).ok_or_else(wrong)?;
    let region = args.blobs_region.clone().unwrap_or_else(|| platform::Config::DEFAULT_REGION.to_owned());
    let endpoint = args.blobs_endpoint.clone().unwrap_or_else(|| format!("https://s3.{region}.amazonaws.com"));
    let endpoint = endpoint.trim_end_matches('/').to_owned();
    if !is_endpoint(&endpoint) {
        return Err(configuration(format!("--blobs-endpoint {endpoint}: not of the form https://HOST or http://HOST")));
    }
    let [access_key, secret, session_token] = match &args.blobs_credentials {
        Some(file) => of_file(file)?,
        None => VARIABLES.map(|name| std::env::var(name).ok().filter(|value| !value.is_empty())),
    };
    let (Some(access_key), Some(secret)) = (access_key, secret) else {
        let [id, key, _] = VARIABLES;
        return Err(configuration(format!(
            "--blobs needs credentials: set {id} and {key}, or --blobs-credentials FILE"
        )));
    };
    let installation = issuer.installation();
    Ok(Some(RemoteConfig { endpoint, bucket, prefix, region, access_key, secret, session_token, installation }))
}

fn configuration(text: String) -> Failure {
    Failure::new(Failure::CONFIGURATION, text)
}

/// Bucket and prefix, of characters that need no escape.
fn bucket_and_prefix(path: &str) -> Option<(String, String)> {
    let (bucket, prefix) = path.split_once('/').unwrap_or((path, ""));
    let prefix = prefix.trim_end_matches('/');
    let is_plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._/".contains(&byte));
    let has_empty_step = !prefix.is_empty() && prefix.split('/').any(|step| matches!(step, "" | "." | ".."));
    let fits = !bucket.is_empty() && is_plain(path) && !has_empty_step;
    fits.then(|| (bucket.to_owned(), prefix.to_owned()))
}

/// Scheme and host, and nothing behind them.
fn is_endpoint(endpoint: &str) -> bool {
    let host = endpoint.strip_prefix("https://").or_else(|| endpoint.strip_prefix("http://"));
    host.is_some_and(|host| {
        !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte))
    })
}

/// The credentials of the profile `default`.
fn of_file(path: &Path) -> Result<[Option<String>; 3], Failure> {
    let text = fs::read_to_string(path)
        .map_err(|error| configuration(format!("--blobs-credentials {}: {error}", path.display())))?;
    Ok(entries(&text))
}

fn entries(text: &str) -> [Option<String>; 3] {
    let mut found = HashMap::new();
    let mut is_default = false;
    for line in text.lines().map(str::trim) {
        if let Some(profile) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            is_default = profile.trim() == "default";
        } else if let (true, Some((name, value))) = (is_default, line.split_once('=')) {
            found.insert(name.trim().to_ascii_lowercase(), value.trim().to_owned());
        }
    }
    ENTRIES.map(|name| found.remove(name).filter(|value| !value.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_apart() {
        let parts = |text| bucket_and_prefix(text).map(|(bucket, prefix)| format!("{bucket} {prefix}"));
        assert_eq!(parts("b").as_deref(), Some("b "));
        assert_eq!(parts("b/").as_deref(), Some("b "));
        assert_eq!(parts("my.bucket/a/b-c/").as_deref(), Some("my.bucket a/b-c"));
        for wrong in ["", "/a", "b/a//c", "b/../c", "b/a b", "b?x"] {
            assert_eq!(parts(wrong), None, "{wrong}");
        }
        assert!(is_endpoint("http://127.0.0.1:8333") && is_endpoint("https://[::1]:1"));
        assert!(!is_endpoint("ftp://a") && !is_endpoint("https://a/b") && !is_endpoint("https://"));
    }

    #[test]
    fn credentials_of_the_default_profile_are_read() {
        let text =
            "[other]\naws_access_key_id = x\n[default]\n# mine\naws_access_key_id=AKIA\naws_secret_access_key = a=b\n";
        assert_eq!(entries(text), [Some("AKIA".to_owned()), Some("a=b".to_owned()), None]);
        assert_eq!(entries(""), [None, None, None]);
    }
}
