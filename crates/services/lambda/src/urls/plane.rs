//! Requests to function URLs: who may send them, what the function is told, and what goes back.

use std::io;
use std::sync::Arc;

use api::Operation;
use api::lambda::{Invoke, SERVICE};
use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, stream};
use http::header::{CONTENT_TYPE, HeaderValue, USER_AGENT};
use http::{HeaderMap, Response, StatusCode};
use parking_lot::Mutex;
use platform::{Call, Ctx, DataFuture, DataPlane, DataRequest, Need, Origin, Platform, Principal};
use serde_json::json;
use wire::{Body, Error};

use super::answer::{self, INTEGRATION, PRELUDE_BYTES_MAX, PRELUDE_END};
use super::event::{UrlRequest, event};
use super::{FunctionUrl, HOST_LABEL, PATH, cors};
use crate::code_location::CodeLocations;
use crate::invoke::{self, Outcome, Part, Request, Streamed};
use crate::{Lambda, functions, keys};

/// Largest body of a request, in bytes. AWS Lambda quotas: 6 MB.
const BODY_BYTES_MAX: usize = 6 * 1024 * 1024;

/// The text of a refusal.
const FORBIDDEN: &str = "Forbidden. For troubleshooting Function URL authorization issues, see: \
                         https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html";

/// Serves the addresses of functions and of their code.
pub struct Urls {
    locations: Arc<CodeLocations>,
    /// Set once the service is whole; the service itself holds what this belongs to.
    lambda: Mutex<std::sync::Weak<Lambda>>,
}

impl Urls {
    /// Addresses that lead nowhere yet.
    pub fn new(locations: Arc<CodeLocations>) -> Urls {
        Urls { locations, lambda: Mutex::default() }
    }

    /// Lets the addresses lead to a service's functions.
    pub fn serve(&self, lambda: &Arc<Lambda>) {
        *self.lambda.lock() = Arc::downgrade(lambda);
    }
}

impl DataPlane for Urls {
    fn handles(&self, host: &str, path: &str) -> bool {
        url_id(host, path).is_some() || self.locations.handles(host, path)
    }

    fn signed_as(&self, host: &str, path: &str) -> Option<&'static str> {
        url_id(host, path).map(|_| SERVICE.signing_name)
    }

    fn serve(self: Arc<Self>, request: DataRequest) -> DataFuture {
        let lambda = self.lambda.lock().upgrade();
        Box::pin(async move {
            let host = host(&request);
            let id = url_id(&host.to_ascii_lowercase(), request.head.uri.path()).map(str::to_owned);
            match (id, lambda) {
                (Some(id), Some(lambda)) => answer_at(&lambda, &id, &host, request).await,
                (Some(_), None) => not_found(),
                (None, _) => Arc::clone(&self.locations).serve(request).await,
            }
        })
    }
}

/// The id in `ID.lambda-url.REGION.any.suffix`, or in a path.
fn url_id<'a>(host: &'a str, path: &'a str) -> Option<&'a str> {
    if let Some(rest) = path.strip_prefix(PATH) {
        return rest.split('/').next().filter(|id| !id.is_empty());
    }
    let (id, rest) = host.split_once('.')?;
    (rest.split('.').next() == Some(HOST_LABEL)).then_some(id)
}

/// The host that was asked, with its port.
fn host(request: &DataRequest) -> String {
    let authority = request.head.uri.authority().map(|authority| authority.as_str());
    let header = request.head.headers.get(http::header::HOST).and_then(|value| value.to_str().ok());
    authority.or(header).unwrap_or_default().to_owned()
}

/// The path as the function sees it.
fn path(request: &DataRequest) -> &str {
    let path = request.head.uri.path();
    match path.strip_prefix(PATH) {
        Some(rest) => rest.find('/').map_or("/", |slash| &rest[slash..]),
        None => path,
    }
}

async fn answer_at(lambda: &Arc<Lambda>, id: &str, host: &str, request: DataRequest) -> Response<Body> {
    let url = match lambda.functions.row::<FunctionUrl>(&keys::url_by_id(id)).await {
        Ok(Some(url)) => url,
        Ok(None) => return not_found(),
        Err(error) => return refused(&error),
    };
    if let Some(rules) = url.cors.as_ref().filter(|_| cors::is_preflight(&request.head)) {
        return answer::response(StatusCode::OK, cors::preflight(rules, &request.head), Body::Empty);
    }
    let head = request.head.clone();
    let mut response = match invoke(lambda, &url, host, request).await {
        Ok(response) => response,
        Err(error) => refused(&error),
    };
    if let Some(rules) = &url.cors {
        cors::decorate(rules, &head, response.headers_mut());
    }
    response
}

async fn invoke(
    lambda: &Arc<Lambda>,
    url: &FunctionUrl,
    host: &str,
    request: DataRequest,
) -> Result<Response<Body>, Error> {
    let caller = match &request.caller {
        Ok(caller) => caller.as_ref().filter(|_| url.is_signed),
        Err(error) if url.is_signed => return Ok(forbidden(error.message.as_deref().unwrap_or(FORBIDDEN))),
        Err(_) => None,
    };
    let principal = caller.map_or(Principal::Anonymous, |caller| caller.principal.clone());
    let cx = context(&lambda.platform, url, &request, principal);
    if !may_invoke(&cx, url).await? {
        return Ok(forbidden(FORBIDDEN));
    }
    let version = functions::resolve(lambda, &url.function, url.alias.as_deref()).await?;
    invoke::require_active(&version)?;
    let path = path(&request).to_owned();
    let DataRequest { head, body, source_ip, request_id, .. } = request;
    let body = match collect(body).await {
        Ok(body) => body,
        Err(response) => return Ok(response),
    };
    let caller = caller_of(&cx);
    let described = UrlRequest {
        url,
        head: &head,
        path: &path,
        host,
        body,
        source_ip,
        caller: caller.as_ref().map(|(principal, key)| (principal, key.as_str())),
        request_id: &request_id,
        at: lambda.platform.clock.now(),
    };
    let run = Request {
        payload: event(&described),
        request_id,
        invoked_arn: url.target_arn(),
        client_context: None,
        trace_id: cx.trace_header.clone(),
        tail: false,
    };
    if !url.is_streamed {
        return Ok(buffered(&lambda.invoker.run(&lambda.packages, version, run).await?));
    }
    let streamed = lambda.invoker.stream(&lambda.packages, version, run).await?;
    Ok(handed_on(streamed).await)
}

/// The signer and the key, where somebody has to sign.
fn caller_of(cx: &Ctx) -> Option<(Principal, String)> {
    let key = cx.access_key_id.clone()?;
    (cx.principal != Principal::Anonymous).then(|| (cx.principal.clone(), key))
}

/// The call that the request stands for.
fn context(platform: &Arc<Platform>, url: &FunctionUrl, request: &DataRequest, principal: Principal) -> Ctx {
    let header = |name: &str| request.head.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let access_key_id =
        request.caller.as_ref().ok().and_then(Option::as_ref).map(|caller| caller.access_key_id.clone());
    Ctx::new(Call {
        platform: Arc::clone(platform),
        account: url.function.account.clone(),
        region: url.function.region.clone(),
        principal,
        request_id: request.request_id.clone(),
        service: &SERVICE,
        operation: Invoke::definition(),
        protocol: None,
        source_ip: request.source_ip,
        endpoint: request.endpoint.clone(),
        access_key_id,
        user_agent: header(USER_AGENT.as_str()),
        trace_header: header("x-amzn-trace-id"),
        origin: Origin { is_data_plane: true, ..Origin::default() },
    })
}

/// Both permissions are needed: to call the URL, and to invoke the function by way of one ("Control access to Lambda
/// function URLs", developer guide).
async fn may_invoke(cx: &Ctx, url: &FunctionUrl) -> Result<bool, Error> {
    let text = |text: &str| vec![text.to_owned()];
    let needs = [
        Need::new("lambda:InvokeFunctionUrl", url.target_arn())
            .with("lambda:FunctionUrlAuthType", text(url.auth_type()))
            .with("lambda:FunctionArn", vec![url.target_arn()]),
        Need::new("lambda:InvokeFunction", url.target_arn()).with("lambda:InvokedViaFunctionUrl", text("true")),
    ];
    for need in needs {
        match cx.authorise(need).await {
            Ok(()) => {}
            Err(error) if error.definition.status < 500 => return Ok(false),
            Err(error) => return Err(error),
        }
    }
    Ok(true)
}

/// The body in one piece.
async fn collect(body: Body) -> Result<Bytes, Response<Body>> {
    let too_large = || {
        let text = json!({ "Message": format!("Request must be smaller than {BODY_BYTES_MAX} bytes") }).to_string();
        answer::error(StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLargeException", text)
    };
    let mut pieces = match body {
        Body::Empty => return Ok(Bytes::new()),
        Body::Bytes(bytes) if bytes.len() > BODY_BYTES_MAX => return Err(too_large()),
        Body::Bytes(bytes) => return Ok(bytes),
        Body::Stream { stream, .. } => stream,
    };
    let mut all = BytesMut::new();
    while let Some(piece) = pieces.next().await {
        let Ok(piece) = piece else { return Err(too_large()) };
        all.extend_from_slice(&piece);
        if all.len() > BODY_BYTES_MAX {
            return Err(too_large());
        }
    }
    Ok(all.freeze())
}

/// The answer of a function that was waited for.
fn buffered(outcome: &Outcome) -> Response<Body> {
    let response = if outcome.failed { None } else { answer::buffered(&outcome.payload) };
    response.unwrap_or_else(bad_gateway)
}

/// The answer of a function that may still be writing.
async fn handed_on(mut streamed: Streamed) -> Response<Body> {
    if !streamed.is_streamed {
        return match streamed.next().await {
            Some(Part::Data(data)) => plain(None, Bytes::new(), one(data)),
            Some(Part::End(outcome)) if outcome.failed => bad_gateway(),
            Some(Part::End(_)) | None => plain(None, Bytes::new(), Body::Empty),
        };
    }
    if streamed.content_type.as_deref() != Some(INTEGRATION) {
        let content_type = streamed.content_type.clone();
        // A failure before the first byte is one that can still be told.
        return match streamed.next().await {
            Some(Part::Data(data)) => plain(content_type, data, rest(streamed)),
            Some(Part::End(outcome)) if outcome.failed => bad_gateway(),
            Some(Part::End(_)) | None => plain(content_type, Bytes::new(), Body::Empty),
        };
    }
    let mut begun = BytesMut::new();
    let end = loop {
        if let Some(end) = memchr::memmem::find(&begun, PRELUDE_END) {
            break end;
        }
        match streamed.next().await {
            Some(Part::Data(data)) if begun.len() + data.len() <= PRELUDE_BYTES_MAX + BODY_BYTES_MAX => {
                begun.extend_from_slice(&data);
            }
            // What begins with no end of its metadata is no answer.
            Some(Part::Data(_) | Part::End(_)) | None => return bad_gateway(),
        }
    };
    let Some((status, headers)) = answer::prelude(&begun[..end]) else { return bad_gateway() };
    let first = begun.freeze().slice(end + PRELUDE_END.len()..);
    answer::response(status, headers, preceded(first, streamed))
}

fn one(data: Bytes) -> Body {
    Body::from(data)
}

/// An answer without metadata.
fn plain(content_type: Option<String>, first: Bytes, rest: Body) -> Response<Body> {
    let mut headers = HeaderMap::new();
    let content_type = content_type.and_then(|text| HeaderValue::from_str(&text).ok());
    headers.insert(CONTENT_TYPE, content_type.unwrap_or(HeaderValue::from_static("application/octet-stream")));
    let body = if first.is_empty() { rest } else { rest.preceded_by(first) };
    answer::response(StatusCode::OK, headers, body)
}

fn preceded(first: Bytes, streamed: Streamed) -> Body {
    let rest = rest(streamed);
    if first.is_empty() { rest } else { rest.preceded_by(first) }
}

/// What the function still writes. A failure cuts the answer off, so that a client does not take it for whole.
fn rest(streamed: Streamed) -> Body {
    invoke::body(stream::unfold(Some(streamed), |streamed| async move {
        let mut streamed = streamed?;
        match streamed.next().await? {
            Part::Data(data) => Some((Ok(data), Some(streamed))),
            Part::End(outcome) if outcome.failed => Some((Err(io::Error::other("the function failed")), None)),
            Part::End(_) => None,
        }
    }))
}

fn not_found() -> Response<Body> {
    answer::error(StatusCode::NOT_FOUND, "ResourceNotFoundException", r#"{"Message":null}"#)
}

fn forbidden(text: &str) -> Response<Body> {
    answer::error(StatusCode::FORBIDDEN, "AccessDeniedException", json!({ "Message": text }).to_string())
}

fn bad_gateway() -> Response<Body> {
    answer::error(StatusCode::BAD_GATEWAY, "InternalFailure", "Internal Server Error")
}

/// An error of the service, as it is told to whoever called the URL.
fn refused(error: &Error) -> Response<Body> {
    let text = error.message.as_deref().unwrap_or_default();
    match error.definition.status {
        429 => {
            let reason = error.members.iter().find(|(name, _)| *name == "Reason").map(|(_, value)| value);
            let reason = match reason {
                Some(wire::error::Scalar::String(reason)) => reason.clone(),
                Some(_) | None => String::new(),
            };
            let body = json!({ "Reason": reason, "Type": "User", "message": text });
            answer::error(StatusCode::TOO_MANY_REQUESTS, "TooManyRequestsException", body.to_string())
        }
        404 => not_found(),
        409 => answer::error(StatusCode::CONFLICT, "ResourceConflictException", json!({ "Message": text }).to_string()),
        _ => bad_gateway(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_known_by_host_and_by_path() {
        assert_eq!(url_id("abc.lambda-url.eu-west-1.localhost", "/"), Some("abc"));
        assert_eq!(url_id("abc.lambda-url.eu-west-1.example.org", "/x"), Some("abc"));
        assert_eq!(url_id("127.0.0.1", "/_traca/lambda/url/abc/x"), Some("abc"));
        assert_eq!(url_id("127.0.0.1", "/_traca/lambda/url/"), None);
        assert_eq!(url_id("lambda.eu-west-1.localhost", "/"), None);
    }
}
