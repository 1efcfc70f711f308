//! Function URLs: addresses under which functions answer plain HTTP.

mod answer;
mod cors;
mod event;
mod plane;

pub use plane::Urls;

use api::lambda::Cors;
use serde::{Deserialize, Serialize};

use crate::function::FunctionId;

/// Begins the paths under which URLs are reached without a host name of their own.
pub const PATH: &str = "/_traca/lambda/url/";

/// What follows a URL's id in its host name, before the region.
pub const HOST_LABEL: &str = "lambda-url";

/// The address of a function or one of its aliases.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FunctionUrl {
    /// First label of its host name: lower-case letters and digits.
    pub id: String,
    /// The function it leads to.
    pub function: FunctionId,
    /// The alias; `None` for `$LATEST`.
    pub alias: Option<String>,
    /// Who may call it: everybody whom the function's policy lets, or callers who sign as well.
    pub is_signed: bool,
    /// Whether answers are handed on while they are written.
    pub is_streamed: bool,
    /// What browsers are told about other origins.
    pub cors: Option<CorsRules>,
    /// Milliseconds since 1970.
    pub created: i64,
    /// Milliseconds since 1970.
    pub modified: i64,
}

impl FunctionUrl {
    /// The ARN of what it leads to.
    pub fn target_arn(&self) -> String {
        match &self.alias {
            Some(alias) => self.function.qualified_arn(alias),
            None => self.function.arn(),
        }
    }

    /// `NONE` or `AWS_IAM`.
    pub fn auth_type(&self) -> &'static str {
        if self.is_signed { "AWS_IAM" } else { "NONE" }
    }

    /// `BUFFERED` or `RESPONSE_STREAM`.
    pub fn invoke_mode(&self) -> &'static str {
        if self.is_streamed { "RESPONSE_STREAM" } else { "BUFFERED" }
    }

    /// The address, for a client that reaches the platform at `endpoint`.
    pub fn address(&self, endpoint: &str) -> String {
        let (scheme, authority) = endpoint.split_once("://").unwrap_or(("http", endpoint));
        let port = authority.rsplit_once(':').map(|(_, port)| port).filter(|port| port.parse::<u16>().is_ok());
        let port = port.map(|port| format!(":{port}")).unwrap_or_default();
        format!("{scheme}://{}.{HOST_LABEL}.{}.localhost{port}/", self.id, self.function.region)
    }
}

/// What browsers are told about other origins, as the user has set it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CorsRules {
    /// Whether credentials may be sent along.
    pub allow_credentials: Option<bool>,
    /// Headers that may be sent; `*` for all.
    pub allow_headers: Option<Vec<String>>,
    /// Methods that may be used; `*` for all.
    pub allow_methods: Option<Vec<String>>,
    /// Origins that may ask; `*` for all.
    pub allow_origins: Option<Vec<String>>,
    /// Headers that scripts may read.
    pub expose_headers: Option<Vec<String>>,
    /// Seconds for which a browser may remember.
    pub max_age: Option<i32>,
}

impl From<Cors> for CorsRules {
    fn from(cors: Cors) -> CorsRules {
        CorsRules {
            allow_credentials: cors.allow_credentials,
            allow_headers: cors.allow_headers,
            allow_methods: cors.allow_methods,
            allow_origins: cors.allow_origins,
            expose_headers: cors.expose_headers,
            max_age: cors.max_age,
        }
    }
}

impl From<CorsRules> for Cors {
    fn from(rules: CorsRules) -> Cors {
        Cors {
            allow_credentials: rules.allow_credentials,
            allow_headers: rules.allow_headers,
            allow_methods: rules.allow_methods,
            allow_origins: rules.allow_origins,
            expose_headers: rules.expose_headers,
            max_age: rules.max_age,
        }
    }
}
