//! Buckets as websites: pages for browsers, under host names of their own (S3 User Guide, "Hosting a static website").
//!
//! A request is answered as one without credentials: what the bucket's policy and grants let everybody read.

use std::sync::Arc;

use api::Operation;
use api::s3::{
    ErrorDocument, GetObject, GetObjectOutput, GetObjectRequest, IndexDocument, RoutingRule, WebsiteConfiguration,
};
use http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LENGTH, CONTENT_RANGE,
    CONTENT_TYPE, ETAG, EXPIRES, HOST, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_UNMODIFIED_SINCE, LAST_MODIFIED,
    LOCATION, RANGE, REFERER, USER_AGENT,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use platform::ids::host_id;
use platform::{Call, Ctx, DataFuture, DataPlane, DataRequest, Origin, Principal};
use wire::error::Scalar;
use wire::schema::{Protocol, TimestampFormat};
use wire::{Body, Error, Timestamp};

use crate::bucket::Bucket;
use crate::errors;
use crate::operations::website::missing;
use crate::service::S3;
use crate::settings::ONLY;

/// What a location leaves as it is.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b'/');

/// The websites of all buckets.
pub struct Websites(pub Arc<S3>);

/// The bucket that a host is the website of: `{bucket}.s3-website.…` or `{bucket}.s3-website-{region}.…`.
fn bucket_of(host: &str) -> Option<&str> {
    let at = host.find(".s3-website.").or_else(|| host.find(".s3-website-"))?;
    host.get(..at).filter(|bucket| !bucket.is_empty())
}

impl DataPlane for Websites {
    fn handles(&self, host: &str, _path: &str) -> bool {
        bucket_of(host).is_some()
    }

    fn serve(self: Arc<Self>, request: DataRequest) -> DataFuture {
        Box::pin(async move { Visit { service: &self.0, request: &request }.answer().await })
    }
}

/// A request for a page.
struct Visit<'a> {
    service: &'a S3,
    request: &'a DataRequest,
}

/// A page that cannot be shown.
struct Failed {
    error: Error,
    /// Why the site's own page for errors cannot be shown either.
    document: Option<Error>,
}

impl From<Error> for Failed {
    fn from(error: Error) -> Failed {
        Failed { error, document: None }
    }
}

impl Visit<'_> {
    async fn answer(&self) -> Response<Body> {
        let mut response = self.page().await.unwrap_or_else(|failed| self.error_page(&failed));
        let ids =
            [("x-amz-request-id", self.request.request_id.clone()), ("x-amz-id-2", host_id(&self.request.request_id))];
        for (name, value) in ids {
            put(response.headers_mut(), HeaderName::from_static(name), &value);
        }
        if self.request.head.method == Method::HEAD {
            *response.body_mut() = Body::Empty;
        }
        response
    }

    async fn page(&self) -> Result<Response<Body>, Failed> {
        let host = self.host().to_ascii_lowercase();
        let name = bucket_of(&host).unwrap_or_default();
        let bucket = self.service.find_bucket(name).await?.ok_or_else(|| errors::no_bucket(name))?;
        let site: Option<WebsiteConfiguration> = self.service.setting(name, ONLY).await?;
        let site = site.ok_or_else(|| missing(name))?;
        let method = &self.request.head.method;
        if method != Method::GET && method != Method::HEAD {
            let text = "The specified method is not allowed against this resource.";
            return Err(api::s3::errors::method_not_allowed(text).with("Method", method.as_str().into()).into());
        }
        let path = self.request.head.uri.path();
        if let Some(all) = &site.redirect_all_requests_to {
            let target = self.request.head.uri.path_and_query().map_or("/", |target| target.as_str());
            let protocol = all.protocol.as_deref().unwrap_or(self.scheme());
            return Ok(redirect(StatusCode::MOVED_PERMANENTLY, &format!("{protocol}://{}{target}", all.host_name)));
        }
        let decoded = percent_decode_str(path.strip_prefix('/').unwrap_or(path)).decode_utf8_lossy().into_owned();
        let rules = site.routing_rules.as_deref().unwrap_or_default();
        if let Some(rule) = rules.iter().find(|rule| applies(rule, &decoded, None)) {
            return Ok(self.routed(rule, &decoded));
        }
        let Some(IndexDocument { suffix, .. }) = &site.index_document else { return Err(missing(name).into()) };
        let is_folder = decoded.is_empty() || decoded.ends_with('/');
        let key = if is_folder { format!("{decoded}{suffix}") } else { decoded.clone() };
        match self.read(name, &bucket, &key, true).await {
            Ok(object) => Ok(shown(object, None)),
            Err(error) if error.is("NotModified") => Ok(not_modified(&error)),
            Err(error) => {
                if !is_folder && self.read(name, &bucket, &format!("{decoded}/{suffix}"), false).await.is_ok() {
                    return Ok(redirect(StatusCode::FOUND, &format!("/{}/", encoded(&decoded))));
                }
                let status = error.definition.status;
                if let Some(rule) = rules.iter().find(|rule| applies(rule, &decoded, Some(status))) {
                    return Ok(self.routed(rule, &decoded));
                }
                let Some(ErrorDocument { key, .. }) = &site.error_document else { return Err(error.into()) };
                match self.read(name, &bucket, key, false).await {
                    Ok(document) => Ok(shown(document, StatusCode::from_u16(status).ok())),
                    Err(why) => Err(Failed { error, document: Some(why) }),
                }
            }
        }
    }

    /// Reads an object as somebody without credentials; with the conditions of the request, if it is what was asked for.
    async fn read(&self, name: &str, bucket: &Bucket, key: &str, is_asked_for: bool) -> Result<GetObjectOutput, Error> {
        let header = |name: HeaderName| self.header(&name).filter(|_| is_asked_for).map(str::to_owned);
        let time = |name: HeaderName| header(name).and_then(|text| Timestamp::parse(&text));
        let input = GetObjectRequest {
            bucket: name.to_owned(),
            key: key.to_owned(),
            if_match: header(IF_MATCH),
            if_none_match: header(IF_NONE_MATCH),
            if_modified_since: time(IF_MODIFIED_SINCE),
            if_unmodified_since: time(IF_UNMODIFIED_SINCE),
            range: header(RANGE),
            ..GetObjectRequest::default()
        };
        let output = self.caller(bucket).dispatch(Box::new(input)).await?.into_any().downcast::<GetObjectOutput>();
        Ok(*output.unwrap_or_else(|_| unreachable!("handlers are registered by operation type")))
    }

    fn caller(&self, bucket: &Bucket) -> Ctx {
        Ctx::new(Call {
            platform: Arc::clone(&self.service.platform),
            account: bucket.owner.clone(),
            region: bucket.region.clone(),
            principal: Principal::Anonymous,
            request_id: self.request.request_id.clone(),
            service: GetObject::service(),
            operation: GetObject::definition(),
            protocol: Some(Protocol::RestXml),
            source_ip: self.request.source_ip,
            endpoint: self.request.endpoint.clone(),
            access_key_id: None,
            user_agent: self.header(&USER_AGENT).map(str::to_owned),
            trace_header: None,
            origin: Origin {
                is_secure: self.scheme() == "https",
                referer: self.header(&REFERER).map(str::to_owned),
                ..Origin::default()
            },
        })
    }

    /// Where a rule sends a request.
    fn routed(&self, rule: &RoutingRule, key: &str) -> Response<Body> {
        let to = &rule.redirect;
        let prefix = rule.condition.as_ref().and_then(|condition| condition.key_prefix_equals.as_deref()).unwrap_or("");
        let key = match (&to.replace_key_with, &to.replace_key_prefix_with) {
            (Some(key), _) => key.clone(),
            (None, Some(start)) => format!("{start}{}", key.strip_prefix(prefix).unwrap_or(key)),
            (None, None) => key.to_owned(),
        };
        let protocol = to.protocol.as_deref().unwrap_or(self.scheme());
        let host = to.host_name.as_deref().unwrap_or_else(|| self.host_and_port());
        let code = to.http_redirect_code.as_deref().and_then(|code| code.parse().ok());
        let status = code.and_then(|code| StatusCode::from_u16(code).ok()).unwrap_or(StatusCode::MOVED_PERMANENTLY);
        redirect(status, &format!("{protocol}://{host}/{}", encoded(&key)))
    }

    fn error_page(&self, failed: &Failed) -> Response<Body> {
        let error = &failed.error;
        let status = StatusCode::from_u16(error.definition.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let title = format!("{} {}", status.as_u16(), status.canonical_reason().unwrap_or_default());
        let mut page = format!("<html>\n<head><title>{title}</title></head>\n<body>\n<h1>{title}</h1>\n<ul>\n");
        page.push_str(&listed(error));
        let ids = [("RequestId", self.request.request_id.clone()), ("HostId", host_id(&self.request.request_id))];
        for (name, value) in ids {
            page.push_str(&format!("<li>{name}: {value}</li>\n"));
        }
        page.push_str("</ul>\n");
        if let Some(why) = &failed.document {
            let heading = "An Error Occurred While Attempting to Retrieve a Custom Error Document";
            page.push_str(&format!("<h3>{heading}</h3>\n<ul>\n{}</ul>\n", listed(why)));
        }
        page.push_str("<hr/>\n</body>\n</html>\n");
        let mut response = Response::new(Body::from(bytes::Bytes::from(page)));
        *response.status_mut() = status;
        put(response.headers_mut(), CONTENT_TYPE, "text/html; charset=utf-8");
        let code = [("x-amz-error-code", error.definition.code.to_owned()), ("x-amz-error-message", text_of(error))];
        for (name, value) in code {
            put(response.headers_mut(), HeaderName::from_static(name), &value);
        }
        response
    }

    fn header(&self, name: &HeaderName) -> Option<&str> {
        self.request.head.headers.get(name).and_then(|value| value.to_str().ok())
    }

    fn host_and_port(&self) -> &str {
        let authority = || self.request.head.uri.authority().map(|authority| authority.as_str());
        self.header(&HOST).or_else(authority).unwrap_or_default()
    }

    fn host(&self) -> &str {
        let host = self.host_and_port();
        host.rsplit_once(':').map_or(host, |(name, _)| name)
    }

    fn scheme(&self) -> &'static str {
        if self.request.endpoint.starts_with("https:") { "https" } else { "http" }
    }
}

/// Whether a rule is about this key: before the object is read those without an error's status count, behind an error the
/// others.
fn applies(rule: &RoutingRule, key: &str, status: Option<u16>) -> bool {
    let condition = rule.condition.as_ref();
    let code = condition.and_then(|condition| condition.http_error_code_returned_equals.as_deref());
    let prefix = condition.and_then(|condition| condition.key_prefix_equals.as_deref()).unwrap_or_default();
    key.starts_with(prefix) && code.and_then(|code| code.parse().ok()) == status
}

fn encoded(key: &str) -> String {
    utf8_percent_encode(key, PLAIN).to_string()
}

fn put(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

fn redirect(status: StatusCode, location: &str) -> Response<Body> {
    let mut response = Response::new(Body::Empty);
    *response.status_mut() = status;
    put(response.headers_mut(), LOCATION, location);
    response
}

fn not_modified(error: &Error) -> Response<Body> {
    let mut response = Response::new(Body::Empty);
    *response.status_mut() = StatusCode::NOT_MODIFIED;
    for (name, value) in &error.headers {
        if let Ok(name) = HeaderName::try_from(*name) {
            put(response.headers_mut(), name, value);
        }
    }
    response
}

/// An object as a page; with another status if it stands for one that cannot be shown.
fn shown(mut object: GetObjectOutput, status: Option<StatusCode>) -> Response<Body> {
    if let Some(location) = object.website_redirect_location.filter(|_| status.is_none()) {
        return redirect(StatusCode::MOVED_PERMANENTLY, &location);
    }
    let mut response = Response::new(std::mem::take(&mut object.body));
    let own = if object.content_range.is_some() { StatusCode::PARTIAL_CONTENT } else { StatusCode::OK };
    *response.status_mut() = status.unwrap_or(own);
    let modified = object.last_modified.map(|time| {
        let mut text = String::new();
        time.write(TimestampFormat::Rfc822, &mut text);
        text
    });
    let headers = [
        (CONTENT_TYPE, object.content_type),
        (CONTENT_LENGTH, object.content_length.map(|length| length.to_string())),
        (CONTENT_RANGE, object.content_range),
        (ETAG, object.etag),
        (LAST_MODIFIED, modified),
        (CACHE_CONTROL, object.cache_control),
        (CONTENT_DISPOSITION, object.content_disposition),
        (CONTENT_ENCODING, object.content_encoding),
        (CONTENT_LANGUAGE, object.content_language),
        (EXPIRES, object.expires),
    ];
    for (name, value) in headers {
        if let Some(value) = value {
            put(response.headers_mut(), name, &value);
        }
    }
    for (name, value) in object.metadata.iter().flatten() {
        if let Ok(name) = HeaderName::try_from(format!("x-amz-meta-{name}")) {
            put(response.headers_mut(), name, value);
        }
    }
    response
}

fn text_of(error: &Error) -> String {
    error.message.as_deref().unwrap_or_default().to_owned()
}

fn listed(error: &Error) -> String {
    let mut items =
        format!("<li>Code: {}</li>\n<li>Message: {}</li>\n", error.definition.code, escaped(&text_of(error)));
    for (name, value) in &error.members {
        if let Scalar::String(value) = value {
            items.push_str(&format!("<li>{name}: {}</li>\n", escaped(value)));
        }
    }
    items
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use api::s3::Condition;

    use super::*;

    #[test]
    fn hosts_name_their_bucket() {
        assert_eq!(bucket_of("my.site.s3-website.localhost"), Some("my.site"));
        assert_eq!(bucket_of("site.s3-website-eu-west-1.amazonaws.com"), Some("site"));
        assert_eq!(bucket_of("site.s3-website.eu-west-1.amazonaws.com"), Some("site"));
        for host in ["s3-website.localhost", ".s3-website.localhost", "site.s3.localhost", "localhost"] {
            assert_eq!(bucket_of(host), None, "{host}");
        }
    }

    #[test]
    fn rules_go_by_prefix_before_and_by_status_behind_an_error() {
        let rule = |prefix: Option<&str>, code: Option<&str>| RoutingRule {
            condition: Some(Condition {
                key_prefix_equals: prefix.map(str::to_owned),
                http_error_code_returned_equals: code.map(str::to_owned),
            }),
            ..RoutingRule::default()
        };
        assert!(applies(&rule(Some("a/"), None), "a/b", None));
        assert!(!applies(&rule(Some("a/"), None), "b", None));
        assert!(!applies(&rule(Some("a/"), None), "a/b", Some(404)));
        assert!(applies(&rule(None, Some("404")), "a/b", Some(404)));
        assert!(!applies(&rule(None, Some("404")), "a/b", Some(403)));
        assert!(!applies(&rule(None, Some("404")), "a/b", None));
    }
}
