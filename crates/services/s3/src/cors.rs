//! What a bucket lets pages of other origins do (S3 User Guide, "How does Amazon S3 evaluate the CORS configuration").

use api::s3::{CORSConfiguration, CORSRule, errors as s3_errors};
use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use http::{HeaderMap, HeaderName, HeaderValue};
use percent_encoding::percent_decode_str;
use platform::{CrossOrigin, CrossOriginFuture, ForeignRequest};
use wire::Error;
use wire::error::Scalar;

use crate::access::matches;
use crate::errors;
use crate::limits::CORS_RULES_MAX;
use crate::service::S3;
use crate::settings::ONLY;

/// The methods that rules may allow.
const METHODS: [&str; 5] = ["GET", "PUT", "HEAD", "POST", "DELETE"];

/// Refuses what S3 does not take.
///
/// # Errors
/// `MalformedXML`, `InvalidRequest`.
pub fn check(configuration: &CORSConfiguration) -> Result<(), Error> {
    let rules = &configuration.cors_rules;
    if rules.is_empty() || rules.len() > CORS_RULES_MAX {
        return Err(errors::malformed_xml());
    }
    for rule in rules {
        if rule.allowed_methods.is_empty() || rule.allowed_origins.is_empty() {
            return Err(errors::malformed_xml());
        }
        if rule.id.as_ref().is_some_and(|id| id.chars().count() > ID_CHARACTERS_MAX) {
            return Err(errors::malformed_xml());
        }
        if let Some(method) = rule.allowed_methods.iter().find(|method| !METHODS.contains(&method.as_str())) {
            let text = format!("Found unsupported HTTP method in CORS config. Unsupported method is {method}");
            return Err(errors::request(text));
        }
        let several = |texts: &[String]| texts.iter().find(|text| text.matches('*').count() > 1).cloned();
        if let Some(origin) = several(&rule.allowed_origins) {
            return Err(errors::request(format!("AllowedOrigin \"{origin}\" can not have more than one wildcard.")));
        }
        if let Some(header) = several(rule.allowed_headers.as_deref().unwrap_or_default()) {
            return Err(errors::request(format!("AllowedHeader \"{header}\" can not have more than one wildcard.")));
        }
        if let Some(header) = rule.expose_headers.iter().flatten().find(|header| header.contains('*')) {
            let text = format!(
                "ExposeHeader \"{header}\" contains wildcard. We currently do not support wildcard for ExposeHeader."
            );
            return Err(errors::request(text));
        }
    }
    Ok(())
}

/// Longest id of a rule, in characters (API reference, `CORSRule`).
const ID_CHARACTERS_MAX: usize = 255;

/// What a page wants to do.
struct Wish<'a> {
    origin: &'a str,
    method: &'a str,
    /// The headers it wants to send, in lower case.
    headers: Vec<String>,
}

/// The headers of an answer to a wish, by the first rule that grants it.
fn granted(configuration: &CORSConfiguration, wish: &Wish<'_>) -> Option<HeaderMap> {
    let (rule, origin) = configuration.cors_rules.iter().find_map(|rule| Some((rule, allows(rule, wish)?)))?;
    let mut answer = HeaderMap::new();
    let is_everybody = origin == "*";
    let mut put = |name: HeaderName, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            answer.insert(name, value);
        }
    };
    put(ACCESS_CONTROL_ALLOW_ORIGIN, if is_everybody { "*" } else { wish.origin });
    put(ACCESS_CONTROL_ALLOW_METHODS, &rule.allowed_methods.join(", "));
    if !wish.headers.is_empty() {
        put(ACCESS_CONTROL_ALLOW_HEADERS, &wish.headers.join(", "));
    }
    if let Some(headers) = rule.expose_headers.as_ref().filter(|headers| !headers.is_empty()) {
        put(ACCESS_CONTROL_EXPOSE_HEADERS, &headers.join(", "));
    }
    if let Some(seconds) = rule.max_age_seconds {
        put(ACCESS_CONTROL_MAX_AGE, &seconds.to_string());
    }
    if !is_everybody {
        put(ACCESS_CONTROL_ALLOW_CREDENTIALS, "true");
    }
    put(VARY, "Origin, Access-Control-Request-Headers, Access-Control-Request-Method");
    Some(answer)
}

/// The origin of the rule that lets a wish pass, if it does.
fn allows<'r>(rule: &'r CORSRule, wish: &Wish<'_>) -> Option<&'r str> {
    let origin = rule.allowed_origins.iter().find(|origin| fits(origin, wish.origin))?;
    let allowed: Vec<String> =
        rule.allowed_headers.iter().flatten().map(|header| header.to_ascii_lowercase()).collect();
    let has_method = rule.allowed_methods.iter().any(|method| method == wish.method);
    let has_headers = wish.headers.iter().all(|header| allowed.iter().any(|pattern| fits(pattern, header)));
    (has_method && has_headers).then_some(origin)
}

/// Only stars are special here.
fn fits(pattern: &str, text: &str) -> bool {
    if pattern.contains('?') {
        return match pattern.split_once('*') {
            Some((start, end)) => text.len() >= pattern.len() - 1 && text.starts_with(start) && text.ends_with(end),
            None => pattern == text,
        };
    }
    matches(pattern, text)
}

fn text<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn wanted(headers: &HeaderMap) -> Vec<String> {
    let list = text(headers, &ACCESS_CONTROL_REQUEST_HEADERS).unwrap_or_default();
    list.split(',').map(|name| name.trim().to_ascii_lowercase()).filter(|name| !name.is_empty()).collect()
}

/// A request's bucket, and whether it is about an object.
fn target(path: &str) -> (String, bool) {
    let path = path.strip_prefix('/').unwrap_or(path);
    let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
    (percent_decode_str(bucket).decode_utf8_lossy().into_owned(), !key.is_empty())
}

fn forbidden(text: &'static str, method: &str, is_object: bool) -> Error {
    s3_errors::access_forbidden(text)
        .with("Method", Scalar::from(method))
        .with("ResourceType", Scalar::from(if is_object { "OBJECT" } else { "BUCKET" }))
}

const NOT_ALLOWED: &str = "CORSResponse: This CORS request is not allowed. This is usually because the evalution of Origin, \
                           request method / Access-Control-Request-Method or Access-Control-Request-Headers are not \
                           whitelisted by the resource's CORS spec.";

/// The service's part at the edge.
pub struct Origins(pub std::sync::Arc<S3>);

impl Origins {
    async fn preflight_answer(&self, request: &ForeignRequest) -> Result<HeaderMap, Error> {
        let Some(origin) = text(&request.headers, &ORIGIN) else {
            return Err(s3_errors::bad_request("Insufficient information. Origin request header needed."));
        };
        let method = text(&request.headers, &ACCESS_CONTROL_REQUEST_METHOD);
        let (bucket, is_object) = target(&request.path);
        let shown = method.unwrap_or("OPTIONS");
        if self.0.find_bucket(&bucket).await?.is_none() {
            return Err(forbidden("CORSResponse: Bucket not found", shown, is_object));
        }
        let Some(configuration) = self.0.setting::<CORSConfiguration>(&bucket, ONLY).await? else {
            return Err(forbidden("CORSResponse: CORS is not enabled for this bucket.", shown, is_object));
        };
        let Some(method) = method.filter(|method| METHODS.contains(method)) else {
            let text = format!("Invalid Access-Control-Request-Method: {}", method.unwrap_or("null"));
            return Err(s3_errors::bad_request(text));
        };
        let wish = Wish { origin, method, headers: wanted(&request.headers) };
        granted(&configuration, &wish).ok_or_else(|| forbidden(NOT_ALLOWED, method, is_object))
    }

    async fn headers_of(&self, request: &ForeignRequest) -> Result<HeaderMap, Error> {
        let Some(origin) = text(&request.headers, &ORIGIN) else { return Ok(HeaderMap::new()) };
        let (bucket, _) = target(&request.path);
        if !crate::names::is_bucket_name(&bucket) {
            return Ok(HeaderMap::new());
        }
        let Some(configuration) = self.0.setting::<CORSConfiguration>(&bucket, ONLY).await? else {
            return Ok(HeaderMap::new());
        };
        let wish = Wish { origin, method: request.method.as_str(), headers: wanted(&request.headers) };
        Ok(granted(&configuration, &wish).unwrap_or_default())
    }
}

impl CrossOrigin for Origins {
    fn preflight<'a>(&'a self, request: &'a ForeignRequest) -> CrossOriginFuture<'a> {
        Box::pin(self.preflight_answer(request))
    }

    fn headers<'a>(&'a self, request: &'a ForeignRequest) -> CrossOriginFuture<'a> {
        Box::pin(self.headers_of(request))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(origin: &str, methods: &[&str], headers: &[&str]) -> CORSRule {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        CORSRule {
            allowed_origins: vec![origin.to_owned()],
            allowed_methods: owned(methods),
            allowed_headers: Some(owned(headers)),
            ..CORSRule::default()
        }
    }

    fn configuration(rules: Vec<CORSRule>) -> CORSConfiguration {
        CORSConfiguration { cors_rules: rules, ..CORSConfiguration::default() }
    }

    #[test]
    fn the_first_rule_that_grants_the_whole_wish_answers() {
        let rules = configuration(vec![
            rule("https://a.example", &["PUT"], &["x-amz-*"]),
            rule("https://*.example", &["GET"], &[]),
            rule("*", &["GET", "HEAD"], &["*"]),
        ]);
        let ask = |origin, method, headers: &[&str]| {
            let headers = headers.iter().map(|header| (*header).to_owned()).collect();
            granted(&rules, &Wish { origin, method, headers })
        };
        let put = ask("https://a.example", "PUT", &["x-amz-acl"]).unwrap();
        assert_eq!(put[ACCESS_CONTROL_ALLOW_ORIGIN], "https://a.example");
        assert_eq!(
            (&put[ACCESS_CONTROL_ALLOW_HEADERS], &put[ACCESS_CONTROL_ALLOW_CREDENTIALS]),
            (&HeaderValue::from_static("x-amz-acl"), &HeaderValue::from_static("true"))
        );
        assert!(ask("https://a.example", "PUT", &["content-type"]).is_none());
        assert_eq!(ask("https://b.example", "GET", &[]).unwrap()[ACCESS_CONTROL_ALLOW_ORIGIN], "https://b.example");
        let any = ask("null", "HEAD", &["x"]).unwrap();
        assert_eq!(any[ACCESS_CONTROL_ALLOW_ORIGIN], "*");
        assert!(!any.contains_key(ACCESS_CONTROL_ALLOW_CREDENTIALS));
        assert!(ask("null", "DELETE", &[]).is_none());
    }

    #[test]
    fn what_s3_does_not_take_is_refused() {
        let text = |rules| check(&configuration(rules)).unwrap_err().message.unwrap().into_owned();
        assert!(check(&configuration(vec![])).unwrap_err().is("MalformedXML"));
        assert!(
            check(&configuration(vec![rule("*", &["GET"], &[]); CORS_RULES_MAX + 1])).unwrap_err().is("MalformedXML")
        );
        assert!(check(&configuration(vec![rule("*", &[], &[])])).unwrap_err().is("MalformedXML"));
        assert_eq!(
            text(vec![rule("*", &["MYMETHOD"], &[])]),
            "Found unsupported HTTP method in CORS config. Unsupported method is MYMETHOD"
        );
        assert_eq!(
            text(vec![rule("*.*", &["GET"], &[])]),
            "AllowedOrigin \"*.*\" can not have more than one wildcard."
        );
        assert!(check(&configuration(vec![rule("", &["GET"], &[])])).is_ok());
    }
}
