//! Where a function's package can be downloaded: addresses that carry their own permission, for a short time.

use std::io;
use std::sync::Arc;

use blob::{BlobError, BlobStore, Digest};
use bytes::Bytes;
use futures_util::TryStreamExt;
use hmac::{Hmac, KeyInit, Mac};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{Method, Response, StatusCode};
use platform::{Clock, DataFuture, DataPlane, DataRequest, Ids};
use sha2::Sha256;
use wire::Body;

/// Begins the paths of packages.
const PATH: &str = "/_traca/lambda/code/";

/// How long an address can be used, in seconds: ten minutes. API reference, FunctionCodeLocation.
const LIFETIME_SECONDS: i64 = 600;

/// Addresses of packages. They are signed with a key of this process and so end with it.
pub struct CodeLocations {
    key: [u8; 32],
    blobs: BlobStore,
    clock: Clock,
}

/// An address taken apart.
struct Address {
    digest: Digest,
    expires: i64,
    signature: Vec<u8>,
}

impl CodeLocations {
    /// Addresses of the packages in the blob store.
    pub fn new(ids: &Ids, blobs: BlobStore, clock: Clock) -> CodeLocations {
        let mut key = [0; 32];
        ids.fill(&mut key);
        CodeLocations { key, blobs, clock }
    }

    /// An address of a package for a client that reaches the platform at `endpoint`, given out at `now` (seconds since
    /// 1970).
    pub fn url(&self, endpoint: &str, digest: &Digest, now: i64) -> String {
        let expires = now + LIFETIME_SECONDS;
        let signature = Digest::from_bytes(self.mac(digest, expires).finalize().into_bytes().into());
        format!("{endpoint}{PATH}{digest}?expires={expires}&signature={signature}")
    }

    fn mac(&self, digest: &Digest, expires: i64) -> Hmac<Sha256> {
        let mut mac = Hmac::new_from_slice(&self.key).expect("HMAC takes keys of any length");
        mac.update(format!("{digest}\n{expires}").as_bytes());
        mac
    }

    fn admits(&self, address: &Address) -> Result<(), &'static str> {
        let mac = self.mac(&address.digest, address.expires);
        if mac.verify_slice(&address.signature).is_err() {
            return Err("Access Denied");
        }
        if self.clock.now().seconds > address.expires { Err("Request has expired") } else { Ok(()) }
    }

    async fn answer(&self, request: &DataRequest) -> Response<Body> {
        let head_only = request.head.method == Method::HEAD;
        if request.head.method != Method::GET && !head_only {
            return refusal(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", "The method is not allowed.");
        }
        let Some(address) = parse(request.head.uri.path(), request.head.uri.query()) else {
            return refusal(StatusCode::FORBIDDEN, "AccessDenied", "Access Denied");
        };
        if let Err(reason) = self.admits(&address) {
            return refusal(StatusCode::FORBIDDEN, "AccessDenied", reason);
        }
        match self.package(&address.digest, head_only).await {
            Ok(response) => response,
            Err(BlobError::NotFound(_)) => {
                refusal(StatusCode::NOT_FOUND, "NoSuchKey", "The specified key does not exist.")
            }
            Err(error) => {
                tracing::error!(%error, "a package cannot be read");
                let text = "We encountered an internal error. Please try again.";
                refusal(StatusCode::INTERNAL_SERVER_ERROR, "InternalError", text)
            }
        }
    }

    async fn package(&self, digest: &Digest, head_only: bool) -> Result<Response<Body>, BlobError> {
        let reader = self.blobs.read(digest).await?;
        let length = reader.length();
        let body = if head_only {
            Body::Empty
        } else {
            let stream = reader.stream(0, length)?.map_err(io::Error::other);
            Body::Stream { stream: Box::pin(stream), length: Some(length), trailers: Default::default() }
        };
        Ok(response(StatusCode::OK, "application/zip", length, body))
    }
}

impl DataPlane for CodeLocations {
    fn handles(&self, _host: &str, path: &str) -> bool {
        path.starts_with(PATH)
    }

    fn serve(self: Arc<Self>, request: DataRequest) -> DataFuture {
        Box::pin(async move { self.answer(&request).await })
    }
}

fn parse(path: &str, query: Option<&str>) -> Option<Address> {
    let digest = path.strip_prefix(PATH)?.parse().ok()?;
    let value = |name: &str| {
        let mut pairs = query?.split('&').filter_map(|pair| pair.split_once('='));
        pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
    };
    let expires = value("expires")?.parse().ok()?;
    let signature: Digest = value("signature")?.parse().ok()?;
    Some(Address { digest, expires, signature: signature.as_bytes().to_vec() })
}

fn refusal(status: StatusCode, code: &str, message: &str) -> Response<Body> {
    let text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    );
    let body = Bytes::from(text);
    response(status, "application/xml", body.len() as u64, body.into())
}

fn response(status: StatusCode, content_type: &'static str, length: u64, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, http::HeaderValue::from_static(content_type));
    response.headers_mut().insert(CONTENT_LENGTH, http::HeaderValue::from(length));
    response
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use api::lambda::{GetFunction, GetFunctionRequest};
    use futures_util::TryStreamExt;

    use super::*;
    use crate::testing::{Bench, package};

    async fn fetch(bench: &Bench, method: Method, url: &str) -> (StatusCode, String, Bytes) {
        let (head, ()) = http::Request::builder().method(method).uri(url).body(()).unwrap().into_parts();
        let request = DataRequest {
            head,
            body: Body::Empty,
            source_ip: None,
            endpoint: String::new(),
            request_id: "request".to_owned(),
            caller: Ok(None),
        };
        let plane = Arc::clone(&bench.lambda.code_locations);
        assert!(plane.handles("localhost", request.head.uri.path()));
        let (head, body) = plane.serve(request).await.into_parts();
        let content = match body {
            Body::Empty => Bytes::new(),
            Body::Bytes(bytes) => bytes,
            Body::Stream { stream, .. } => stream.try_collect::<Vec<_>>().await.unwrap().concat().into(),
        };
        let length = head.headers[CONTENT_LENGTH].to_str().unwrap().to_owned();
        (head.status, length, content)
    }

    async fn location(bench: &Bench) -> String {
        bench.create("greet").await;
        let input = GetFunctionRequest { function_name: "greet".to_owned(), ..GetFunctionRequest::default() };
        bench.call::<GetFunction>(input).await.unwrap().code.unwrap().location.unwrap()
    }

    #[tokio::test]
    async fn the_package_is_downloaded_as_it_was_sent() {
        let bench = Bench::new();
        let url = location(&bench).await;
        assert!(url.starts_with("http://127.0.0.1:4566/_traca/lambda/code/"), "{url}");
        let sent = package("#!/bin/sh");
        let length = sent.len().to_string();
        assert_eq!(fetch(&bench, Method::GET, &url).await, (StatusCode::OK, length.clone(), sent));
        assert_eq!(fetch(&bench, Method::HEAD, &url).await, (StatusCode::OK, length, Bytes::new()));
    }

    #[tokio::test]
    async fn an_address_is_good_for_its_package_and_its_time_alone() {
        let bench = Bench::new();
        let url = location(&bench).await;
        let status = async |url: &str| fetch(&bench, Method::GET, url).await.0;
        let (path, query) = url.split_once('?').unwrap();
        let other = Digest::of(b"another package");
        let forged = format!("http://127.0.0.1:4566{PATH}{other}?{query}");
        let later = url.replace("expires=1704", "expires=1804");
        let no_digest = format!("http://127.0.0.1:4566{PATH}../../etc/passwd?{query}");
        for url in [path, &forged, &later, &no_digest, &url[..url.len() - 1], &format!("{path}?expires=1")] {
            assert_eq!(status(url).await, StatusCode::FORBIDDEN, "{url}");
        }
        assert_eq!(fetch(&bench, Method::PUT, &url).await.0, StatusCode::METHOD_NOT_ALLOWED);
        bench.clock.advance(Duration::from_secs(600));
        assert_eq!(status(&url).await, StatusCode::OK);
        bench.clock.advance(Duration::from_secs(1));
        assert_eq!(status(&url).await, StatusCode::FORBIDDEN);
    }
}
