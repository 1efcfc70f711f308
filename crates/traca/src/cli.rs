//! The command line.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use image::Mapping;
use outbound::Network;

/// The serverless cloud you own: the AWS APIs, real Lambda functions, one binary.
#[derive(Debug, Parser)]
#[command(name = "traca", version, propagate_version = true, after_help = EXAMPLES)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const EXAMPLES: &str = "\
Examples:
  traca up                              start, keep state in the default data directory
  traca up --memory --port 5000         start without keeping anything
  traca demo                            start, deploy two functions, invoke them, stay up
  traca doctor                          what this machine gives, and what to do about what is missing

Then point any AWS client at it:
  aws --endpoint-url http://127.0.0.1:4566 lambda list-functions";

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start the platform and stay up until interrupted.
    #[command(after_help = "Examples:\n  traca up --data ./cloud --account 123456789012 --region eu-west-1\n  \
                            traca up --listen 0.0.0.0 --verify --tls-certificate cert.pem --tls-key key.pem")]
    Up(UpArgs),
    /// Start the platform, deploy two small functions through the public API, invoke them and stay up.
    #[command(after_help = "Examples:\n  traca demo\n  traca demo --once --json")]
    Demo(DemoArgs),
    /// Tell what time a running platform has, or move it ahead: what falls due until then happens now.
    #[command(after_help = "Examples:\n  traca clock\n  traca clock advance 1h30m\n  \
                            traca clock --endpoint http://127.0.0.1:5000 advance 2d")]
    Clock(ClockArgs),
    /// Tell what this machine gives: isolation, interpreters, SDKs, disk; and what to do about what is missing.
    Doctor(DoctorArgs),
}

/// Settings of a running platform.
#[derive(Debug, Clone, Args)]
pub struct PlatformArgs {
    /// Directory that holds all state [default: $XDG_DATA_HOME/traca or ~/.local/share/traca].
    #[arg(long, value_name = "DIR", conflicts_with = "memory")]
    pub data: Option<PathBuf>,
    /// Keep all state in memory: gone when the process ends.
    #[arg(long)]
    pub memory: bool,
    #[command(flatten)]
    pub blobs: BlobArgs,
    /// Port to listen on; 0 picks a free one.
    #[arg(long, default_value_t = 4566)]
    pub port: u16,
    /// Address to listen on. Anything but loopback needs --verify and TLS.
    #[arg(long, default_value = "127.0.0.1", value_name = "ADDRESS")]
    pub listen: IpAddr,
    /// Account of callers that name none.
    #[arg(long, default_value = platform::Config::DEFAULT_ACCOUNT, value_parser = account)]
    pub account: String,
    /// Region of callers that name none.
    #[arg(long, default_value = platform::Config::DEFAULT_REGION, value_parser = region)]
    pub region: String,
    /// Check every signature and refuse unknown access keys.
    #[arg(long)]
    pub verify: bool,
    /// What happens to calls that no policy allows.
    #[arg(long, value_enum, default_value_t = Iam::Enforce, value_name = "MODE")]
    pub iam: Iam,
    /// Certificate chain for TLS, PEM.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub tls_certificate: Option<PathBuf>,
    /// Private key for TLS, PEM.
    #[arg(long, value_name = "FILE", requires = "tls_certificate")]
    pub tls_key: Option<PathBuf>,
    /// Hosts outside that functions may reach [default: all, none with --verify].
    #[arg(long, value_enum, value_name = "HOSTS")]
    pub egress: Option<FunctionEgress>,
    /// Networks that requests to hosts outside may go to besides the usual, such as 10.0.0.0/8.
    #[arg(long, value_name = "NETWORK", value_delimiter = ',')]
    pub egress_allow: Vec<Network>,
    /// Networks that requests to hosts outside must not go to, whatever else is allowed.
    #[arg(long, value_name = "NETWORK", value_delimiter = ',')]
    pub egress_forbid: Vec<Network>,
    /// Where the registry of container images that functions name as HOST really is, such as
    /// `*.dkr.ecr.*.amazonaws.com=http://127.0.0.1:5000`; a `*` stands for any letters.
    #[arg(long, value_name = "HOST=URL", value_delimiter = ',')]
    pub registry: Vec<Mapping>,
    /// Names and passwords for registries, as Docker keeps them in ~/.docker/config.json.
    #[arg(long, value_name = "FILE")]
    pub registry_credentials: Option<PathBuf>,
    /// Refuse functions whose exact interpreter version this machine lacks, instead of taking the nearest.
    #[arg(long)]
    pub strict_runtimes: bool,
    /// Memory, in MB, for environments of functions that are made ahead of need; `off` makes none.
    #[arg(long, default_value = "256", value_name = "MB", value_parser = pools)]
    pub pools: PoolsMemory,
}

/// Where large bodies are kept.
#[derive(Debug, Clone, Default, Args)]
pub struct BlobArgs {
    /// Keep bodies of objects and packages in a bucket of any server that speaks S3's API, not in the data directory.
    #[arg(long, value_name = "s3://BUCKET/PREFIX", conflicts_with = "memory")]
    pub blobs: Option<String>,
    /// Address of that server [default: AWS's own of the region].
    #[arg(long, value_name = "URL", requires = "blobs")]
    pub blobs_endpoint: Option<String>,
    /// Region of that bucket [default: us-east-1].
    #[arg(long, value_name = "REGION", requires = "blobs", value_parser = region)]
    pub blobs_region: Option<String>,
    /// File with the credentials for it, as AWS's tools have them, of which the profile `default` is read [default: the
    /// variables TRACA_BLOBS_ACCESS_KEY_ID, TRACA_BLOBS_SECRET_ACCESS_KEY and TRACA_BLOBS_SESSION_TOKEN].
    #[arg(long, value_name = "FILE", requires = "blobs")]
    pub blobs_credentials: Option<PathBuf>,
}

/// Memory for environments that are made ahead of need, in MB; 0 makes none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolsMemory(pub u32);

fn pools(text: &str) -> Result<PoolsMemory, String> {
    match text {
        "off" => Ok(PoolsMemory(0)),
        _ => text.parse().map(PoolsMemory).map_err(|_| "a number of megabytes, or `off`".to_owned()),
    }
}

/// What happens to calls that no policy allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Iam {
    /// They are refused.
    Enforce,
    /// They are recorded at /_traca/denials, and pass.
    Audit,
}

/// Hosts outside that functions may reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FunctionEgress {
    /// None: there are no names but those of AWS, and no way to any address.
    None,
    /// All but this machine itself.
    All,
}

/// `traca up`.
#[derive(Debug, Args)]
pub struct UpArgs {
    /// Settings of the platform.
    #[command(flatten)]
    pub platform: PlatformArgs,
    /// Machine-readable output: one JSON document a line.
    #[arg(long)]
    pub json: bool,
}

/// `traca demo`.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Settings of the platform.
    #[command(flatten)]
    pub platform: PlatformArgs,
    /// Exit after the functions have answered.
    #[arg(long)]
    pub once: bool,
    /// Machine-readable output: one JSON document a line.
    #[arg(long)]
    pub json: bool,
}

/// `traca clock`.
#[derive(Debug, Args)]
pub struct ClockArgs {
    /// Address of the platform.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:4566")]
    pub endpoint: String,
    /// Machine-readable output.
    #[arg(long)]
    pub json: bool,
    /// What to do; tells the time if nothing is named.
    #[command(subcommand)]
    pub command: Option<ClockCommand>,
}

/// What `traca clock` does besides telling the time.
#[derive(Debug, Subcommand)]
pub enum ClockCommand {
    /// Move the clock of a platform in open mode ahead. It stays ahead, also over a restart, until the platform is reset.
    Advance {
        /// By how much: whole numbers with units (ms, s, m, h, d, w), such as 90s, 1h30m, 2d.
        by: String,
    },
}

/// `traca doctor`.
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// Data directory to judge.
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Machine-readable output.
    #[arg(long)]
    pub json: bool,
}

fn account(text: &str) -> Result<String, String> {
    if text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        Ok(text.to_owned())
    } else {
        Err("an account id has 12 digits".to_owned())
    }
}

fn region(text: &str) -> Result<String, String> {
    let parts: Vec<&str> = text.split('-').collect();
    let letters = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase());
    let numbered = parts.last().is_some_and(|part| part.parse::<u8>().is_ok());
    if parts.len() >= 3 && parts[..parts.len() - 1].iter().all(letters) && numbered {
        Ok(text.to_owned())
    } else {
        Err("a region looks like eu-west-1".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn accounts_have_twelve_digits() {
        assert!(account("123456789012").is_ok());
        assert!(account("12345678901").is_err());
        assert!(account("12345678901x").is_err());
    }

    #[test]
    fn regions_are_words_and_a_number() {
        for good in ["us-east-1", "ap-southeast-2", "us-gov-west-1"] {
            assert!(region(good).is_ok(), "{good}");
        }
        for bad in ["", "us-east", "US-east-1", "us--1", "us-east-1/x"] {
            assert!(region(bad).is_err(), "{bad}");
        }
    }
}
