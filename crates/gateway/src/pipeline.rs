//! What happens to a request: route, identify, parse, then (in `platform`) authorise, validate and handle, then render.

use std::sync::Arc;

use bytes::Bytes;
use http::request::Parts;
use platform::credentials::LONG_TERM_PREFIX;
use platform::{Call, Ctx, Origin, Platform, SignatureFacts};
use tokio::runtime::RuntimeFlavor;
use tokio::sync::OwnedSemaphorePermit;
use wire::compression;
use wire::protocol::{self, AnswerContext, NamedAction, RequestView, ResponseParts};
use wire::router::{Route, RouteError};
use wire::schema::{OperationDef, Protocol, ServiceDef};
use wire::sigv4::{self, BodyHash, Credentials, Dialect, SignatureError, SigningRules};
use wire::{Body, Error};

use crate::answer::Answer;
use crate::body::{BodyFault, RequestBody};
use crate::browser;
use crate::checked::{Refusal, checked_bytes, checked_stream};
use crate::connection::{ConnectionInfo, Source};
use crate::failure;
use crate::gateway::Inner;
use crate::hoisted::hoisted;
use crate::identity::{Caller, Unidentified, identify};
use crate::limits::{self, BODY_MEMORY_UNIT, BODY_MEMORY_WAIT, FORM_BYTES_MAX, INLINE_BODY_BYTES_MAX};

/// A request of an AWS API on its way.
pub(crate) struct Exchange<'a> {
    pub gateway: &'a Inner,
    pub info: &'a ConnectionInfo,
    pub parts: &'a Parts,
    pub body: RequestBody,
    pub request_id: &'a str,
}

/// What an error is rendered for: as much as was known when it happened.
pub(crate) struct Stage {
    pub service: Option<&'static ServiceDef>,
    pub operation: Option<&'static OperationDef>,
    pub protocol: Protocol,
}

/// An error, and how far the request had come.
pub(crate) struct Refused(pub Stage, pub Error);

/// The request's body, collected while it was routed or not yet.
enum Arrived {
    Form(Bytes, OwnedSemaphorePermit),
    Unread,
}

/// Does work on a body of that many bytes: on this thread if it is small, else while other threads take over this one's
/// requests.
fn aside<T>(bytes: usize, work: impl FnOnce() -> T) -> T {
    let flavor = tokio::runtime::Handle::current().runtime_flavor();
    if bytes > INLINE_BODY_BYTES_MAX && flavor == RuntimeFlavor::MultiThread {
        tokio::task::block_in_place(work)
    } else {
        work()
    }
}

impl Exchange<'_> {
    /// Answers the request. The body is left as it was read; the caller drains it.
    pub async fn answer(&self) -> Answer {
        let mut route = None;
        let answer = match self.run(&mut route).await {
            Ok(answer) => answer,
            Err(Refused(stage, error)) => self.render_error(&stage, &error),
        };
        match &route {
            Some(route) => self.with_cross_origin(answer.named(Some(route)), route).await,
            None => answer,
        }
    }

    async fn run(&self, found: &mut Option<Route>) -> Result<Answer, Refused> {
        let credentials = sigv4::parse_credentials(self.parts);
        let claimed = credentials.as_ref().unwrap_or(&Credentials::Anonymous);
        let arrived = self.read_form(claimed).await?;
        let form = match &arrived {
            Arrived::Form(bytes, _) => std::str::from_utf8(bytes).ok(),
            Arrived::Unread => None,
        };
        let route = match self.gateway.router.route(self.parts, claimed, form) {
            Ok(route) => found.insert(route),
            Err(RouteError::FormUpload { service, bucket }) => return self.form_upload(service, bucket).await,
            Err(RouteError::Preflight { service }) => {
                let stage = Stage { service: Some(service), operation: None, protocol: Protocol::RestXml };
                return self.preflight(service).await.map_err(|error| Refused(stage, error));
            }
            Err(error) => return self.unroutable(error),
        };
        let (service, operation, spoken) = (route.service, route.operation, route.protocol);
        let query = queue_of_path(route, self.parts, form);
        let refused = |error| Refused(Stage::of(route), error);
        let signature = |error: SignatureError| refused(failure::signature(&error, Some(service), spoken));
        let credentials = match credentials {
            Err(error) if operation.unsigned && error.is_of_another_scheme() => Credentials::Anonymous,
            other => other.map_err(signature)?,
        };
        let is_foreign = || browser::is_foreign(self.parts, &self.gateway.domains);
        let caller = identify(&self.gateway.platform, &credentials, &self.info.source, is_foreign).await;
        let caller = caller.map_err(|reason| match reason {
            Unidentified::Refused(error) => signature(error),
            Unidentified::Failed(error) => refused(error),
        })?;
        if operation.codec.is_none() {
            return Err(refused(protocol::not_implemented(service, operation)));
        }
        let refusal = Refusal::default();
        let (body, _memory) = self.checked_body(route, &credentials, &caller, arrived, &refusal).await?;
        let view = self.view(route);
        let hoisted = hoisted(self.parts, &credentials).filter(|_| Dialect::of(spoken) == Dialect::S3);
        let headers = hoisted.as_ref().unwrap_or(view.headers);
        let view = RequestView { query: query.as_deref().unwrap_or(view.query), headers, ..view };
        let length = body.length().unwrap_or_default() as usize;
        let input = aside(length, || protocol::read_input(service, operation, spoken, &view, body)).map_err(refused)?;
        let cx = self.context(route, &credentials, caller);
        match cx.dispatch(input).await {
            Ok(mut output) => {
                let host_id = self.host_id(spoken);
                let context = AnswerContext::of(&view, self.request_id, &host_id);
                let parts = protocol::write_output(service, operation, spoken, output.as_mut(), &context);
                Ok(Answer::new(parts, Some(cx)))
            }
            Err(error) => {
                let error = refusal.take().or_else(|| self.stream_fault(route)).unwrap_or(error);
                Ok(self.render_error(&Stage::of(route), &error).called_by(cx))
            }
        }
    }

    /// Reads the body if the operation cannot be told without it.
    async fn read_form(&self, claimed: &Credentials) -> Result<Arrived, Refused> {
        if !self.gateway.router.needs_form_body(self.parts, claimed) {
            return Ok(Arrived::Unread);
        }
        let (bytes, memory) = self.collect(FORM_BYTES_MAX).await.map_err(|fault| {
            let route = self.gateway.router.route(self.parts, claimed, None);
            let known = route.as_ref().ok().map(|route| (route.service, route.operation));
            let stage =
                Stage { service: known.map(|(service, _)| service), operation: None, protocol: Protocol::Query };
            Refused(stage, self.body_error(fault, known, FORM_BYTES_MAX))
        })?;
        Ok(Arrived::Form(bytes, memory))
    }

    /// The body, verified as far as the caller's signature can be, and without any framing or compression.
    async fn checked_body(
        &self,
        route: &Route,
        credentials: &Credentials,
        caller: &Caller,
        arrived: Arrived,
        refusal: &Refusal,
    ) -> Result<(Body, Option<OwnedSemaphorePermit>), Refused> {
        let (service, operation) = (route.service, route.operation);
        let refused = |error| Refused(Stage::of(route), error);
        let limit = limits::body_bytes(service, operation);
        let verify = |hash| self.verify(route, credentials, caller, hash).map_err(refused);
        // Only S3's clients declare the hash of what they stream; the others' signatures cover the body itself.
        if protocol::streams_input(operation) && Dialect::of(route.protocol) == Dialect::S3 {
            let check = verify(BodyHash::Unread)?;
            let body = self.body.stream(limit);
            return Ok((checked_stream(self.parts, check, body, refusal).map_err(refused)?, None));
        }
        let known = Some((service, operation));
        let (bytes, memory) = match arrived {
            Arrived::Form(bytes, memory) if bytes.len() as u64 <= limit => (bytes, memory),
            Arrived::Form(..) => return Err(refused(self.body_error(BodyFault::TooLarge, known, limit))),
            Arrived::Unread => {
                self.collect(limit).await.map_err(|fault| refused(self.body_error(fault, known, limit)))?
            }
        };
        let check = match caller.secret {
            Some(_) => verify(BodyHash::Known(aside(bytes.len(), || sigv4::sha256(&bytes))))?,
            None => None,
        };
        let bytes = checked_bytes(self.parts, check, bytes).map_err(refused)?;
        let is_packed = operation.compressed_requests && compression::is_gzip(&self.parts.headers);
        let bytes = if is_packed { unpack(&bytes).map_err(refused)? } else { bytes };
        Ok((Body::from(bytes), Some(memory)))
    }

    /// Checks the signature of a caller whose secret is known.
    fn verify(
        &self,
        route: &Route,
        credentials: &Credentials,
        caller: &Caller,
        hash: BodyHash,
    ) -> Result<Option<sigv4::BodyCheck>, Error> {
        let Some(secret) = &caller.secret else { return Ok(None) };
        let host = self.host();
        let domains = &self.gateway.bucket_domains;
        let host_bucket = if route.host_bucket { wire::router::virtual_host_bucket(host, domains) } else { None };
        // Parts of S3 sign under names of their own, by which they were routed.
        let service = match credentials.service() {
            Some(given) if Dialect::of(route.protocol) == Dialect::S3 => given,
            _ => route.service.signing_name,
        };
        let region = expected_region(host, credentials.region(), &self.gateway.platform.config.region);
        let rules = SigningRules { dialect: Dialect::of(route.protocol), service, region, host_bucket };
        let now = self.gateway.platform.clock.machine().seconds;
        sigv4::verify(self.parts, credentials, &secret.0, hash, &rules, &self.gateway.signing_keys, now)
            .map(Some)
            .map_err(|error| failure::signature(&error, Some(route.service), route.protocol))
            .inspect(|_| self.note_use(route, credentials))
    }

    /// Tells IAM that a long-term key was used.
    fn note_use(&self, route: &Route, credentials: &Credentials) {
        let platform = &self.gateway.platform;
        if let Some(access_key) = credentials.access_key().filter(|key| key.starts_with(LONG_TERM_PREFIX)) {
            let region = credentials.region().unwrap_or(&platform.config.region);
            platform.directory().used(access_key, route.service.signing_name, region);
        }
    }

    /// Collects the body within a share of the memory that all bodies have.
    async fn collect(&self, limit: u64) -> Result<(Bytes, OwnedSemaphorePermit), Collect> {
        let expected = self.body.expected_bytes().unwrap_or(limit).min(limit);
        let units = u32::try_from(expected.div_ceil(BODY_MEMORY_UNIT)).unwrap_or(u32::MAX);
        let memory = Arc::clone(&self.gateway.body_memory).acquire_many_owned(units);
        let memory = tokio::time::timeout(BODY_MEMORY_WAIT, memory).await;
        let Ok(Ok(memory)) = memory else { return Err(Collect::Overloaded) };
        let bytes = self.body.collect(limit).await.map_err(Collect::Fault)?;
        Ok((bytes, memory))
    }

    pub(crate) fn context(&self, route: &Route, credentials: &Credentials, caller: Caller) -> Ctx {
        let platform: &Arc<Platform> = &self.gateway.platform;
        let header = |name| self.parts.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let region = credentials.region().or_else(|| region_of(self.host())).filter(|region| is_region(region));
        Ctx::new(Call {
            platform: Arc::clone(platform),
            account: caller.account,
            region: region.unwrap_or(&platform.config.region).to_owned(),
            principal: caller.principal,
            request_id: self.request_id.to_owned(),
            service: route.service,
            operation: route.operation,
            protocol: Some(route.protocol),
            source_ip: self.info.source_ip(),
            endpoint: self.endpoint(),
            access_key_id: credentials.access_key().map(str::to_owned),
            user_agent: header("user-agent"),
            trace_header: header("x-amzn-trace-id"),
            origin: self.origin(credentials),
        })
    }
}

/// What policies may ask of how a request came here.
impl Exchange<'_> {
    fn origin(&self, credentials: &Credentials) -> Origin {
        let header = |name| self.parts.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let signature = match credentials {
            Credentials::Anonymous => None,
            Credentials::Header(signature) => Some((false, "AWS4-HMAC-SHA256", Some(signature.time.unix_seconds))),
            Credentials::Presigned { signature, .. } => {
                Some((true, "AWS4-HMAC-SHA256", Some(signature.time.unix_seconds)))
            }
            Credentials::Version2(_) => Some((true, "AWS", None)),
            Credentials::Version4A(signature) => {
                Some((signature.mechanism == sigv4::Mechanism::Query, "AWS4-ECDSA-P256-SHA256", None))
            }
        };
        let signature = signature.map(|(is_presigned, version, signed_at)| SignatureFacts {
            is_presigned,
            version,
            signed_at,
            content_hash: header("x-amz-content-sha256"),
        });
        // What a function sends never leaves the machine.
        let is_secure = self.info.is_tls || matches!(self.info.source, Source::Function(_));
        Origin {
            is_secure,
            referer: header("referer"),
            signature,
            is_form: false,
            is_data_plane: false,
            via: Vec::new(),
        }
    }
}

/// Why a body was not collected.
enum Collect {
    Fault(BodyFault),
    Overloaded,
}

impl From<BodyFault> for Collect {
    fn from(fault: BodyFault) -> Collect {
        Collect::Fault(fault)
    }
}

impl Stage {
    /// Of a request to S3 whose operation is not known.
    pub(crate) fn unknown(service: &'static ServiceDef) -> Stage {
        Stage { service: Some(service), operation: None, protocol: Protocol::RestXml }
    }

    fn of(route: &Route) -> Stage {
        Stage { service: Some(route.service), operation: Some(route.operation), protocol: route.protocol }
    }
}

/// Errors and their rendering.
impl Exchange<'_> {
    fn body_error(
        &self,
        reason: impl Into<Collect>,
        known: Option<(&'static ServiceDef, &'static OperationDef)>,
        limit: u64,
    ) -> Error {
        match reason.into() {
            Collect::Fault(fault) => failure::body(fault, known, limit),
            Collect::Overloaded => failure::overloaded(),
        }
    }

    /// The error for a streamed body that failed while the handler read it.
    fn stream_fault(&self, route: &Route) -> Option<Error> {
        let (service, operation) = (route.service, route.operation);
        let limit = limits::body_bytes(service, operation);
        self.body.fault().map(|fault| failure::body(fault, Some((service, operation)), limit))
    }

    fn unroutable(&self, error: RouteError) -> Result<Answer, Refused> {
        let stage = |service, protocol| Stage { service, operation: None, protocol };
        let unknown = |service, spoken, action: Option<NamedAction<'_>>| {
            Err(Refused(stage(service, spoken), protocol::unknown_operation(service, spoken, action)))
        };
        match error {
            RouteError::UnknownService { signing_name, protocol } => {
                Err(Refused(stage(None, protocol), failure::unknown_service(&signing_name)))
            }
            RouteError::UnknownOperation { service, protocol, operation, version } => {
                unknown(service, protocol, Some(NamedAction { name: &operation, version: version.as_deref() }))
            }
            RouteError::MissingAction { service, protocol } => unknown(Some(service), protocol, None),
            RouteError::UnknownPath { service, protocol } | RouteError::MethodNotAllowed { service, protocol } => {
                unknown(Some(service), protocol, None)
            }
            RouteError::InvalidUri { service, protocol } => {
                Err(Refused(stage(Some(service), protocol), failure::invalid_uri(protocol)))
            }
            RouteError::FormUpload { service, .. } => Err(Refused(Stage::unknown(service), failure::form_upload())),
            RouteError::Preflight { service } => unknown(Some(service), Protocol::RestXml, None),
            RouteError::MissingTarget { .. } | RouteError::ConflictingProtocols => {
                let parts = protocol::write_unroutable(&self.error_context(""));
                Ok(Answer::new(parts, None))
            }
        }
    }

    pub(crate) fn render_error(&self, stage: &Stage, error: &Error) -> Answer {
        let host_id = self.host_id(stage.protocol);
        let context = self.error_context(&host_id);
        let parts = protocol::write_error(stage.service, stage.operation, stage.protocol, error, &context);
        Answer::new(parts, None).with_error(error)
    }

    fn error_context<'b>(&'b self, host_id: &'b str) -> AnswerContext<'b> {
        let context = AnswerContext::of(&self.view_of(&[]), self.request_id, host_id);
        AnswerContext { resource: Some(self.parts.uri.path()), ..context }
    }
}

/// What the head of the request says.
impl Exchange<'_> {
    fn view<'b>(&'b self, route: &'b Route) -> RequestView<'b> {
        self.view_of(&route.labels)
    }

    fn view_of<'b>(&'b self, labels: &'b [(&'static str, String)]) -> RequestView<'b> {
        let query = self.parts.uri.query().unwrap_or_default();
        RequestView { method: &self.parts.method, labels, query, headers: &self.parts.headers }
    }

    /// S3's second request id; no other family has one.
    fn host_id(&self, spoken: Protocol) -> String {
        if spoken == Protocol::RestXml { platform::host_id(self.request_id) } else { String::new() }
    }

    pub(crate) fn host(&self) -> &str {
        crate::connection::host_of(self.parts)
    }

    fn endpoint(&self) -> String {
        self.info.endpoint(self.parts, &self.gateway.platform.config.endpoint)
    }
}

/// The query string of a request to a queue's own address that names its queue by that alone, as old clients do: with the
/// queue as the parameter that everybody else sends.
fn queue_of_path(route: &Route, parts: &Parts, form: Option<&str>) -> Option<String> {
    let (path, query) = (parts.uri.path(), parts.uri.query().unwrap_or_default());
    let names_queue = |text: &str| text.split('&').any(|pair| pair.starts_with("QueueUrl="));
    let silent = !names_queue(query) && !form.is_some_and(names_queue);
    let of_queue = route.service.id == "sqs" && route.protocol == Protocol::Query && path.len() > 1;
    (of_queue && silent).then(|| format!("{query}{}QueueUrl={path}", if query.is_empty() { "" } else { "&" }))
}

/// Unpacks a body that is packed with gzip.
fn unpack(bytes: &Bytes) -> Result<Bytes, Error> {
    compression::gunzip(bytes).map(Bytes::from).map_err(failure::unpack)
}

/// The only region that a signature may be for: the one in the host's name (`sqs.eu-west-1.amazonaws.com`). Other hosts
/// serve all regions, so that there only a scope that names none is refused, for the platform's own.
pub(crate) fn expected_region<'a>(host: &'a str, given: Option<&str>, own: &'a str) -> Option<&'a str> {
    region_of(host).or_else(|| given.is_some_and(|given| !looks_like_region(given) && given != own).then_some(own))
}

/// The region in the name of one of AWS's own hosts.
fn region_of(host: &str) -> Option<&str> {
    // It stands right before the domain; other labels may be names of buckets, which can look like one.
    let before = AWS_DOMAINS.iter().find_map(|domain| host.strip_suffix(domain))?;
    before.rsplit('.').next().filter(|label| looks_like_region(label))
}

/// The domains of AWS's own endpoints, which functions reach the platform under.
const AWS_DOMAINS: [&str; 4] = [".amazonaws.com", ".amazonaws.com.cn", ".api.aws", ".on.aws"];

/// `eu-west-1`, `us-gov-west-1`: words and a number.
fn looks_like_region(text: &str) -> bool {
    let Some((words, number)) = text.rsplit_once('-') else { return false };
    let is_word = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase());
    words.split('-').count() >= 2
        && words.split('-').all(is_word)
        && (1..=2).contains(&number.len())
        && number.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a scope's region looks like one: what goes into ARNs and keys must be clean.
pub(crate) fn is_region(region: &str) -> bool {
    (1..=32).contains(&region.len())
        && region.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

/// The answer to a request whose handling panicked.
pub(crate) fn internal_failure(request_id: &str) -> ResponseParts {
    let context =
        AnswerContext { request_id, host_id: "", resource: None, head: false, query_mode: false, json_answer: false };
    let error = Error::bare(&wire::error::common::INTERNAL_FAILURE);
    protocol::write_error(None, None, Protocol::Json, &error, &context)
}
