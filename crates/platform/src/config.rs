//! Settings that every part may ask for.

use outbound::{Egress, Reach};

/// How strictly callers are identified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Loopback only: an unknown access key acts as the account root, and a 12-digit one names the account.
    Open,
    /// Every signature is checked and unknown keys are refused. Needed for any listener that is not loopback.
    Verify,
}

/// What happens to a call that no policy allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Enforcement {
    /// It is refused.
    #[default]
    Enforce,
    /// It is recorded as it would be refused, and passes. Calls without valid credentials are refused all the same.
    Audit,
}

/// The platform's settings.
#[derive(Debug, Clone)]
pub struct Config {
    /// Account of callers that name none: 12 digits.
    pub account: String,
    /// Region of calls that name none.
    pub region: String,
    /// How strictly callers are identified.
    pub mode: Mode,
    /// What happens to calls that no policy allows.
    pub enforcement: Enforcement,
    /// Address under which clients reach the platform, without a trailing slash: `http://127.0.0.1:4566`.
    pub endpoint: String,
    /// Which addresses requests to hosts outside may go to.
    pub egress: Egress,
    /// Where everything is kept; `None` in memory mode, whose working files live in a directory removed at exit.
    pub data_directory: Option<std::path::PathBuf>,
}

impl Config {
    /// Account of callers that name none, unless set.
    pub const DEFAULT_ACCOUNT: &str = "000000000000";
    /// Region of calls that name none, unless set.
    pub const DEFAULT_REGION: &str = "us-east-1";
    /// ARN partition of every resource.
    pub const PARTITION: &str = "aws";
}

impl Default for Config {
    fn default() -> Config {
        Config {
            account: Config::DEFAULT_ACCOUNT.to_owned(),
            region: Config::DEFAULT_REGION.to_owned(),
            mode: Mode::Open,
            enforcement: Enforcement::Enforce,
            endpoint: "http://127.0.0.1:4566".to_owned(),
            egress: Egress::new(Reach::Local, Vec::new(), Vec::new()),
            data_directory: None,
        }
    }
}
