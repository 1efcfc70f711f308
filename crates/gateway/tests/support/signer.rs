//! Signs requests as clients do (Signature Version 4), for paths and queries that need no encoding.

use hmac::{Hmac, KeyInit, Mac};
use platform::credentials::TemporaryCredentials;
use sha2::Sha256;
use wire::sigv4::{hex, sha256};

use super::Request;

fn mac(key: &[u8], text: &str) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any length will do");
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().into()
}

/// The signature of a canonical request made at `time` (`20231114T221320Z`).
fn signature(secret: &str, time: &str, scope: &str, canonical: &str) -> String {
    let to_sign = format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{}", hex(&sha256(canonical.as_bytes())));
    let key = scope.split('/').fold(format!("AWS4{secret}").into_bytes(), |key, part| mac(&key, part).to_vec());
    hex(&mac(&key, &to_sign))
}

fn host(request: &Request) -> String {
    request.headers.iter().find(|(name, _)| name == "host").expect("a host").1.clone()
}

/// Signs in the `Authorization` header.
pub fn sign(request: Request, credentials: &TemporaryCredentials, time: &str, service: &str) -> Request {
    let scope = format!("{}/eu-west-1/{service}/aws4_request", &time[..8]);
    let (host, token) = (host(&request), &credentials.session_token);
    let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
    let headers = format!("host:{host}\nx-amz-date:{time}\nx-amz-security-token:{token}\n");
    let names = "host;x-amz-date;x-amz-security-token";
    let hash = hex(&sha256(&request.body));
    let canonical = format!("{}\n{path}\n{query}\n{headers}\n{names}\n{hash}", request.method);
    let signature = signature(&credentials.secret_access_key, time, &scope, &canonical);
    let credential = format!("{}/{scope}", credentials.access_key_id);
    let value = format!("AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={names}, Signature={signature}");
    request.header("authorization", &value).header("x-amz-date", time).header("x-amz-security-token", token)
}

/// Signs in the query string: a presigned URL. The target must not have a query of its own but sorted, encoded pairs
/// that come before `X-Amz-`.
pub fn presign(request: Request, credentials: &TemporaryCredentials, time: &str, service: &str) -> Request {
    let scope = format!("{}/eu-west-1/{service}/aws4_request", &time[..8]);
    let encode = |text: &str| text.replace('/', "%2F").replace('+', "%2B").replace('=', "%3D");
    let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
    let separator = if query.is_empty() { "" } else { "&" };
    let query = format!(
        "{query}{separator}X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={}&X-Amz-Date={time}&X-Amz-Expires=60\
         &X-Amz-Security-Token={}&X-Amz-SignedHeaders=host",
        encode(&format!("{}/{scope}", credentials.access_key_id)),
        encode(&credentials.session_token),
    );
    let hash = hex(&sha256(&request.body));
    let canonical = format!("{}\n{path}\n{query}\nhost:{}\n\nhost\n{hash}", request.method, host(&request));
    let signature = signature(&credentials.secret_access_key, time, &scope, &canonical);
    Request { target: format!("{path}?{query}&X-Amz-Signature={signature}"), ..request }
}
