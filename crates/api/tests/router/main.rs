//! The router over the whole catalogue.

mod itself;
mod mutations;
mod traps;

use http::request::Parts;
use traca_api::SERVICES;
use wire::router::{Route, RouteError, Router};
use wire::sigv4::{Credentials, parse_credentials};

/// A request's head.
fn head(method: &str, uri: &str, headers: &[(&str, &str)]) -> Parts {
    let mut request = http::Request::builder().method(method).uri(uri);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(()).expect("the test's own request is valid").into_parts().0
}

/// An `Authorization` header of a service.
fn scope(signing_name: &str) -> String {
    format!(
        "AWS4-HMAC-SHA256 Credential=AKID/20240229/eu-west-1/{signing_name}/aws4_request, SignedHeaders=host, Signature=00"
    )
}

/// Routes a head with its own credentials and perhaps a form; asks for the form exactly when the router does.
fn route_form(parts: &Parts, form: Option<&str>) -> Result<Route, RouteError> {
    let router = Router::new(&SERVICES);
    let mut parts = parts.clone();
    if !parts.headers.contains_key("x-amz-date") {
        parts.headers.insert("x-amz-date", http::HeaderValue::from_static("20240229T123456Z"));
    }
    let credentials = parse_credentials(&parts).unwrap_or(Credentials::Anonymous);
    let form = form.filter(|_| router.needs_form_body(&parts, &credentials));
    router.route(&parts, &credentials, form)
}

fn route(method: &str, uri: &str, headers: &[(&str, &str)]) -> Result<Route, RouteError> {
    route_form(&head(method, uri, headers), None)
}

/// `service.Operation`, or the error in words.
fn told(result: &Result<Route, RouteError>) -> String {
    match result {
        Ok(route) => format!("{}.{}", route.service.id, route.operation.name),
        Err(error) => error.to_string(),
    }
}

/// Signed by the given service.
fn signed(signing_name: &str, method: &str, uri: &str) -> Result<Route, RouteError> {
    route(method, uri, &[("host", "localhost:4566"), ("authorization", &scope(signing_name))])
}

/// The labels of a route, as pairs of text.
fn labels(result: &Result<Route, RouteError>) -> Vec<(&str, &str)> {
    let route = result.as_ref().expect("the request has a route");
    route.labels.iter().map(|(name, value)| (*name, value.as_str())).collect()
}
