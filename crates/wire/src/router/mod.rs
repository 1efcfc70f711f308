//! Which service and operation a request is for, told from its head (and, for form posts, its `Action`).
//!
//! One endpoint serves every service, so the request itself must tell them apart. In this order:
//!
//! 1. `Smithy-Protocol: rpc-v2-cbor`: the path names service and operation.
//! 2. `X-Amz-Target`: its prefix names the service. This also serves operations that are never signed.
//! 3. The credential scope of the signature, in the header or the query string.
//! 4. Unsigned: `Action` (and `Version`), a queue's URL, the first labels of the host, a path that starts with an API
//!    version. What is left is S3, whose paths match everything.
//!
//! Data-plane hosts and Traca's own paths are not API requests and never get here.

mod host;
mod paths;

use std::borrow::Cow;
use std::sync::OnceLock;

use http::Method;
use http::header::{CONTENT_TYPE, HOST};
use http::request::Parts;

pub use host::virtual_host_bucket;
use host::{starts_with_labels, without_port};
use paths::{Found, PathIndex};

use crate::schema::{OperationDef, Protocol, ServiceDef};
use crate::sigv4::Credentials;
use crate::sigv4::encoding::{decode_query_text, query_pairs};

/// Endpoint prefix of the service whose paths match everything and whose buckets may stand in the host.
const S3: &str = "s3";

/// Endpoint prefix of the service whose resources have URLs of their own that take query requests.
const SQS: &str = "sqs";

/// Signing names that stand for another one: parts of S3 with endpoints of their own.
const SIGNING_ALIASES: [(&str, &str); 3] = [(S3_EXPRESS, S3), ("s3-object-lambda", S3), ("s3-outposts", S3)];

/// Signing name of S3's directory buckets.
const S3_EXPRESS: &str = "s3express";

/// The operation that shares method and path with `ListBuckets` and is told apart by its endpoint alone.
const LIST_DIRECTORY_BUCKETS: &str = "ListDirectoryBuckets";

/// Where a request goes.
#[derive(Debug, Clone)]
pub struct Route {
    /// The service.
    pub service: &'static ServiceDef,
    /// The operation.
    pub operation: &'static OperationDef,
    /// How the request is spelt, and hence the answer.
    pub protocol: Protocol,
    /// Values of the path's labels, decoded once, in the template's order.
    pub labels: Vec<(&'static str, String)>,
    /// The bucket was named by the host (S3); it is also among the labels.
    pub host_bucket: bool,
}

/// Why a request goes nowhere. Every variant says enough to answer in the client's own protocol.
#[derive(Debug, Clone, thiserror::Error)]
pub enum RouteError {
    /// The signature is for a service that is not in the catalogue.
    #[error("no service signs as {signing_name}")]
    UnknownService {
        /// The scope's service.
        signing_name: String,
        /// How the request is spelt, as far as can be told.
        protocol: Protocol,
    },
    /// The service has no operation of that name.
    #[error("unknown operation {operation}")]
    UnknownOperation {
        /// The service, if it could be told.
        service: Option<&'static ServiceDef>,
        /// How the request is spelt.
        protocol: Protocol,
        /// The name, as sent.
        operation: String,
        /// `Version` of a query request, if it has one.
        version: Option<String>,
    },
    /// A JSON service without `X-Amz-Target`.
    #[error("X-Amz-Target is missing")]
    MissingTarget {
        /// The service.
        service: &'static ServiceDef,
    },
    /// A query service without `Action`.
    #[error("Action is missing")]
    MissingAction {
        /// The service.
        service: &'static ServiceDef,
        /// [`Protocol::Query`] or [`Protocol::Ec2`].
        protocol: Protocol,
    },
    /// `Smithy-Protocol` together with `X-Amz-Target`, or with a path that does not fit it.
    #[error("the request is spelt in two protocols")]
    ConflictingProtocols,
    /// No operation of a REST service has such a path.
    #[error("no operation has this path")]
    UnknownPath {
        /// The service.
        service: &'static ServiceDef,
        /// [`Protocol::RestJson`] or [`Protocol::RestXml`].
        protocol: Protocol,
    },
    /// Operations have this path, but none this method.
    #[error("no operation has this method")]
    MethodNotAllowed {
        /// The service.
        service: &'static ServiceDef,
        /// [`Protocol::RestJson`] or [`Protocol::RestXml`].
        protocol: Protocol,
    },
    /// A label of the path is no percent-encoded UTF-8.
    #[error("the path cannot be decoded")]
    InvalidUri {
        /// The service.
        service: &'static ServiceDef,
        /// [`Protocol::RestJson`] or [`Protocol::RestXml`].
        protocol: Protocol,
    },
    /// An `OPTIONS` request. None is modelled: it asks about cross-origin access.
    #[error("OPTIONS is not an operation")]
    Preflight {
        /// The service.
        service: &'static ServiceDef,
    },
    /// A browser's form upload to a bucket (S3's `POST Object`, which no model describes).
    #[error("a form upload is not a modelled operation")]
    FormUpload {
        /// The service.
        service: &'static ServiceDef,
        /// The bucket.
        bucket: String,
    },
}

/// The routing table. Making one is cheap: the paths of a REST service are indexed when its first request comes.
#[derive(Debug)]
pub struct Router {
    services: &'static [&'static ServiceDef],
    /// Target prefixes, sorted.
    targets: Vec<(&'static str, usize)>,
    paths: Vec<OnceLock<PathIndex>>,
    /// Domains under which `{bucket}.{domain}` names a bucket, lower case.
    bucket_domains: Vec<String>,
}

impl Router {
    /// A router for these services. Buckets are recognised under `localhost` besides the usual `{bucket}.s3.…` hosts.
    pub fn new(services: &'static [&'static ServiceDef]) -> Router {
        let targets = services.iter().enumerate();
        let mut targets: Vec<_> = targets.filter_map(|(i, service)| Some((service.target_prefix?, i))).collect();
        targets.sort_unstable();
        let paths = services.iter().map(|_| OnceLock::new()).collect();
        Router { services, targets, paths, bucket_domains: vec!["localhost".to_owned()] }
    }

    /// Also recognises `{bucket}.{domain}`.
    #[must_use]
    pub fn with_bucket_domain(mut self, domain: &str) -> Router {
        self.bucket_domains.push(domain.to_ascii_lowercase());
        self
    }

    /// Whether the body must be read before the request can be routed: only posts to query services, whose `Action`
    /// may stand in the form.
    pub fn needs_form_body(&self, parts: &Parts, credentials: &Credentials) -> bool {
        if parts.method != Method::POST
            || parts.headers.contains_key("x-amz-target")
            || parts.headers.contains_key("smithy-protocol")
        {
            return false;
        }
        match credentials.service() {
            Some(signing_name) => self.signed_as(signing_name).any(|service| query_protocol(service).is_some()),
            None => is_form(parts),
        }
    }

    /// Finds the operation. `form` is the body if [`Router::needs_form_body`] asked for it.
    ///
    /// # Errors
    /// [`RouteError`].
    pub fn route(&self, parts: &Parts, credentials: &Credentials, form: Option<&str>) -> Result<Route, RouteError> {
        if parts.headers.contains_key("smithy-protocol") {
            return self.route_smithy(parts);
        }
        if let Some(target) = parts.headers.get("x-amz-target") {
            return self.route_target(parts, credentials, &String::from_utf8_lossy(target.as_bytes()));
        }
        match (credentials, credentials.service()) {
            (Credentials::Version2(_), _) => self.route_s3(parts, false),
            (_, Some(signing_name)) => self.route_signed(parts, signing_name, form),
            (_, None) => self.route_unsigned(parts, form),
        }
    }

    /// `…/service/{prefix}/operation/{name}`.
    fn route_smithy(&self, parts: &Parts) -> Result<Route, RouteError> {
        let is_cbor = parts.headers.get("smithy-protocol").is_some_and(|value| value == "rpc-v2-cbor");
        let mut segments = parts.uri.path().rsplit('/');
        let tail = [segments.next(), segments.next(), segments.next(), segments.next()];
        let [Some(operation), Some("operation"), Some(prefix), Some("service")] = tail else {
            return Err(RouteError::ConflictingProtocols);
        };
        if !is_cbor || parts.headers.contains_key("x-amz-target") {
            return Err(RouteError::ConflictingProtocols);
        }
        let service = self.target(prefix).filter(|service| service.protocols.contains(&Protocol::Cbor));
        named(service, Protocol::Cbor, operation)
    }

    /// `{prefix}.{name}`, perhaps with a namespace before the prefix.
    fn route_target(&self, parts: &Parts, credentials: &Credentials, target: &str) -> Result<Route, RouteError> {
        let (prefix, operation) = target.rsplit_once('.').unwrap_or(("", target));
        let bare = prefix.rsplit(['#', '.']).next().unwrap_or(prefix);
        let protocol =
            if has_media_type(parts, "application/x-amz-cbor-1.1") { Protocol::CborTarget } else { Protocol::Json };
        let service = self.target(prefix).or_else(|| self.target(bare));
        match service.filter(|service| service.protocols.contains(&protocol)) {
            Some(service) => named(Some(service), protocol, operation),
            None => {
                let signed = credentials.service().and_then(|name| self.signed_as(name).next());
                let (service, operation) = (service.or(signed), operation.to_owned());
                Err(RouteError::UnknownOperation { service, protocol, operation, version: None })
            }
        }
    }

    fn route_signed(&self, parts: &Parts, signing_name: &str, form: Option<&str>) -> Result<Route, RouteError> {
        self.route_among(self.signed_as(signing_name), parts, form, signing_name == S3_EXPRESS).unwrap_or_else(|| {
            let protocol = if action(parts, form).is_some() { Protocol::Query } else { Protocol::Json };
            Err(RouteError::UnknownService { signing_name: signing_name.to_owned(), protocol })
        })
    }

    /// Finds the operation among services that share a signing name or a host; `None` if there is no such service.
    fn route_among(
        &self,
        candidates: impl Iterator<Item = &'static ServiceDef>,
        parts: &Parts,
        form: Option<&str>,
        is_express: bool,
    ) -> Option<Result<Route, RouteError>> {
        let mut error = None;
        for service in candidates {
            if let Some(protocol) = query_protocol(service) {
                return Some(match action(parts, form) {
                    Some(action) => named_action(Some(service), protocol, &action, || version(parts, form)),
                    // A service that also speaks JSON is asked in JSON unless there is an action.
                    None if service.target_prefix.is_some() && !is_form(parts) => {
                        Err(RouteError::MissingTarget { service })
                    }
                    None => Err(RouteError::MissingAction { service, protocol }),
                });
            }
            let failure = match rest_protocol(service) {
                None => RouteError::MissingTarget { service },
                Some(_) => match self.route_rest(service, parts, is_express) {
                    Err(failure @ RouteError::UnknownPath { .. }) => failure,
                    result => return Some(result),
                },
            };
            error = error.or(Some(failure));
        }
        error.map(Err)
    }

    fn route_unsigned(&self, parts: &Parts, form: Option<&str>) -> Result<Route, RouteError> {
        let host = host_of(parts);
        let by_host = self.by_host(host);
        let path = parts.uri.path();
        if let Some(action) = action(parts, form).filter(|_| path == "/" || is_queue_path(path)) {
            let version = version(parts, form);
            if let Some((service, protocol)) = self.by_action(parts, &action, version.as_deref(), by_host) {
                return named(Some(service), protocol, &action);
            }
            if path == "/" {
                return named_action(by_host, Protocol::Query, &action, || version);
            }
        }
        if let Some(named) = by_host.filter(|service| service.endpoint_prefix != S3) {
            let prefix = named.endpoint_prefix;
            let candidates = self.services.iter().copied().filter(|service| service.endpoint_prefix == prefix);
            if let Some(result) = self.route_among(candidates, parts, form, false) {
                return result;
            }
        }
        if first_segment(path).is_some_and(is_date) {
            for service in self.services.iter().filter(|service| rest_protocol(service) == Some(Protocol::RestJson)) {
                match self.route_rest(service, parts, false) {
                    Err(RouteError::UnknownPath { .. }) => {}
                    result => return result,
                }
            }
        }
        self.route_s3(parts, starts_with_labels(host, "s3express-control"))
    }

    fn route_s3(&self, parts: &Parts, is_express: bool) -> Result<Route, RouteError> {
        match self.services.iter().find(|service| service.endpoint_prefix == S3) {
            Some(service) => self.route_rest(service, parts, is_express),
            None => Err(RouteError::UnknownService { signing_name: S3.to_owned(), protocol: Protocol::RestXml }),
        }
    }

    fn route_rest(&self, service: &'static ServiceDef, parts: &Parts, is_express: bool) -> Result<Route, RouteError> {
        let protocol = rest_protocol(service).unwrap_or(Protocol::RestJson);
        let is_s3 = service.endpoint_prefix == S3;
        if is_s3 && parts.headers.contains_key("x-amz-account-id") && is_s3_control(parts.uri.path()) {
            return Err(RouteError::UnknownService { signing_name: "s3-control".to_owned(), protocol });
        }
        let bucket = if is_s3 { virtual_host_bucket(host_of(parts), &self.bucket_domains) } else { None };
        let path = match bucket {
            Some(bucket) => Cow::Owned(format!("/{bucket}{}", parts.uri.path())),
            None => Cow::Borrowed(parts.uri.path()),
        };
        if parts.method == Method::OPTIONS {
            return Err(RouteError::Preflight { service });
        }
        let index = self.services.iter().position(|known| std::ptr::eq(*known, service));
        let slot = index.map(|index| self.paths[index].get_or_init(|| PathIndex::new(service)));
        let Some(paths) = slot else { return Err(RouteError::UnknownPath { service, protocol }) };
        match paths.find(&path, parts) {
            Found::Operation(operation) => {
                let directory = is_express.then(|| service.operation(LIST_DIRECTORY_BUCKETS)).flatten();
                let operation =
                    directory.filter(|directory| directory.http.uri == operation.http.uri).unwrap_or(operation);
                let labels = paths::labels(operation, &path).ok_or(RouteError::InvalidUri { service, protocol })?;
                Ok(Route { service, operation, protocol, labels, host_bucket: bucket.is_some() })
            }
            Found::OtherMethod if is_s3 && is_form_upload(parts) => {
                let bucket = first_segment(&path).unwrap_or_default().to_owned();
                Err(RouteError::FormUpload { service, bucket })
            }
            Found::OtherMethod => Err(RouteError::MethodNotAllowed { service, protocol }),
            Found::Nothing => Err(RouteError::UnknownPath { service, protocol }),
        }
    }

    fn target(&self, prefix: &str) -> Option<&'static ServiceDef> {
        let found = self.targets.binary_search_by(|(known, _)| (*known).cmp(prefix)).ok()?;
        Some(self.services[self.targets[found].1])
    }

    fn signed_as<'a>(&'a self, signing_name: &'a str) -> impl Iterator<Item = &'static ServiceDef> + 'a {
        let alias = SIGNING_ALIASES.iter().find(|(alias, _)| *alias == signing_name);
        let signing_name = alias.map_or(signing_name, |(_, name)| name);
        self.services.iter().copied().filter(move |service| service.signing_name == signing_name)
    }

    /// The service whose endpoint prefix opens the host; the longest one, as prefixes may have two labels. A bucket may
    /// be called like a service, so hosts of buckets name none.
    fn by_host(&self, host: &str) -> Option<&'static ServiceDef> {
        if virtual_host_bucket(host, &[]).is_some() {
            return None;
        }
        let fits = self.services.iter().copied().filter(|service| starts_with_labels(host, service.endpoint_prefix));
        fits.max_by_key(|service| service.endpoint_prefix.len())
    }

    /// The query service that an unsigned action is for. Names that several services have are told apart by the URL of
    /// a queue, the version, the host, in this order.
    fn by_action(
        &self,
        parts: &Parts,
        action: &str,
        version: Option<&str>,
        by_host: Option<&'static ServiceDef>,
    ) -> Option<(&'static ServiceDef, Protocol)> {
        let is_queue = is_queue_path(parts.uri.path());
        let candidates = self.services.iter().copied().filter_map(|service| {
            let protocol = query_protocol(service).filter(|_| service.operation(action).is_some())?;
            Some((service, protocol))
        });
        candidates.max_by_key(|(service, _)| {
            (
                is_queue && service.endpoint_prefix == SQS,
                version == Some(service.api_version),
                by_host.is_some_and(|by_host| std::ptr::eq(by_host, *service)),
            )
        })
    }
}

fn named(service: Option<&'static ServiceDef>, protocol: Protocol, name: &str) -> Result<Route, RouteError> {
    named_action(service, protocol, name, || None)
}

/// As [`named`], for a query request: an answer about an unknown action repeats the version that was asked for.
fn named_action(
    service: Option<&'static ServiceDef>,
    protocol: Protocol,
    name: &str,
    version: impl FnOnce() -> Option<String>,
) -> Result<Route, RouteError> {
    match service.and_then(|service| Some((service, service.operation(name)?))) {
        Some((service, operation)) => Ok(Route { service, operation, protocol, labels: vec![], host_bucket: false }),
        None => {
            let operation = name.to_owned();
            Err(RouteError::UnknownOperation { service, protocol, operation, version: version() })
        }
    }
}

fn query_protocol(service: &ServiceDef) -> Option<Protocol> {
    service.protocols.iter().copied().find(|protocol| matches!(protocol, Protocol::Query | Protocol::Ec2))
}

fn rest_protocol(service: &ServiceDef) -> Option<Protocol> {
    service.protocols.iter().copied().find(|protocol| matches!(protocol, Protocol::RestJson | Protocol::RestXml))
}

/// `Action`, from the query string or the form.
fn action<'a>(parts: &'a Parts, form: Option<&'a str>) -> Option<Cow<'a, str>> {
    parameter(parts, form, "Action").filter(|action| !action.is_empty())
}

/// `Version`, from the query string or the form.
fn version(parts: &Parts, form: Option<&str>) -> Option<String> {
    parameter(parts, form, "Version").map(Cow::into_owned)
}

fn parameter<'a>(parts: &'a Parts, form: Option<&'a str>, name: &str) -> Option<Cow<'a, str>> {
    let query = parts.uri.query().unwrap_or("");
    let mut pairs = query_pairs(form.unwrap_or("")).chain(query_pairs(query));
    pairs.find(|(key, _)| *key == name).map(|(_, value)| decode_query_text(value))
}

fn has_media_type(parts: &Parts, media_type: &str) -> bool {
    parts.headers.get(CONTENT_TYPE).is_some_and(|value| {
        let value = value.as_bytes();
        let end = value.iter().position(|&byte| byte == b';').unwrap_or(value.len());
        value[..end].trim_ascii().eq_ignore_ascii_case(media_type.as_bytes())
    })
}

fn is_form(parts: &Parts) -> bool {
    has_media_type(parts, "application/x-www-form-urlencoded")
}

fn is_form_upload(parts: &Parts) -> bool {
    parts.method == Method::POST && has_media_type(parts, "multipart/form-data")
}

/// The host without its port: the `Host` header, or HTTP/2's `:authority`.
fn host_of(parts: &Parts) -> &str {
    let header = parts.headers.get(HOST).and_then(|host| host.to_str().ok());
    without_port(header.or_else(|| parts.uri.authority().map(|authority| authority.as_str())).unwrap_or(""))
}

fn first_segment(path: &str) -> Option<&str> {
    path.split('/').nth(1)
}

/// `2015-03-31`: an API version, which no bucket is likely to be called.
fn is_date(segment: &str) -> bool {
    let shape = |byte: u8| if byte.is_ascii_digit() { b'0' } else { byte };
    segment.bytes().map(shape).eq(*b"0000-00-00")
}

/// S3 Control signs as `s3` too; its paths start with its API version.
fn is_s3_control(path: &str) -> bool {
    path.starts_with("/v20180820/")
}

/// `/{account}/{queue}`.
fn is_queue_path(path: &str) -> bool {
    let mut segments = path.split('/').skip(1);
    let is_account = |segment: &str| segment.len() == 12 && segment.bytes().all(|byte| byte.is_ascii_digit());
    segments.next().is_some_and(is_account) && segments.next().is_some_and(|queue| !queue.is_empty())
}
