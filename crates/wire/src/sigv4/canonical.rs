//! The canonical request: the one spelling of a request that both sides hash.

use std::borrow::Cow;

use http::request::Parts;

use crate::sigv4::credentials::ALGORITHM;
use crate::sigv4::encoding::{hex, percent_decode, percent_encode_into, query_pairs, sha256};
use crate::sigv4::{Dialect, RequestTime};

/// Builds the canonical request of a request's head.
pub(crate) fn canonical_request(parts: &Parts, dialect: Dialect, signed_headers: &str, payload_hash: &str) -> String {
    let path = parts.uri.path();
    let query = parts.uri.query().unwrap_or("");
    let mut out = String::with_capacity(512 + path.len() * 2 + query.len() * 2);
    out.push_str(parts.method.as_str());
    out.push('\n');
    if dialect == Dialect::S3 {
        canonical_path_s3(&mut out, path)
    } else {
        canonical_path(&mut out, path)
    }
    out.push('\n');
    canonical_query(&mut out, query);
    out.push('\n');
    canonical_headers(&mut out, parts, signed_headers);
    out.push('\n');
    out.push_str(payload_hash);
    out
}

/// S3: decoded and encoded once, so that clients may escape more or less than they must; nothing is normalised.
fn canonical_path_s3(out: &mut String, path: &str) {
    percent_encode_into(out, &percent_decode(path, false), true);
}

/// All others: dot segments and empty segments removed (RFC 3986), then what was sent is encoded once more.
fn canonical_path(out: &mut String, path: &str) {
    let mut segments: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop();
            }
            _ => segments.push(segment),
        }
    }
    for segment in &segments {
        out.push('/');
        percent_encode_into(out, segment.as_bytes(), false);
    }
    if segments.is_empty() || path.ends_with('/') {
        out.push('/');
    }
}

/// Decoded, encoded again, sorted by name and value, without the signature itself.
fn canonical_query(out: &mut String, query: &str) {
    let encode = |text: &str| {
        let mut encoded = String::with_capacity(text.len());
        percent_encode_into(&mut encoded, &percent_decode(text, true), false);
        encoded
    };
    let is_signature = |name: &str| name.eq_ignore_ascii_case("X-Amz-Signature");
    let unsigned = query_pairs(query).filter(|(name, _)| !is_signature(name));
    let mut pairs: Vec<(String, String)> = unsigned.map(|(name, value)| (encode(name), encode(value))).collect();
    pairs.sort_unstable();
    for (index, (name, value)) in pairs.iter().enumerate() {
        if index > 0 {
            out.push('&');
        }
        out.push_str(name);
        out.push('=');
        out.push_str(value);
    }
}

/// A line per signed header, an empty line, and the list of names.
fn canonical_headers(out: &mut String, parts: &Parts, signed_headers: &str) {
    let mut names: Vec<Cow<'_, str>> = signed_headers
        .split(';')
        .map(|name| {
            if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
                Cow::Owned(name.to_ascii_lowercase())
            } else {
                Cow::Borrowed(name)
            }
        })
        .collect();
    names.sort_unstable();
    for name in &names {
        out.push_str(name);
        out.push(':');
        let mut values = parts.headers.get_all(name.as_ref()).iter().peekable();
        if values.peek().is_none() && matches!(name.as_ref(), "host" | ":authority") {
            // HTTP/2 carries the host as the `:authority` pseudo-header.
            out.push_str(parts.uri.authority().map_or("", |authority| authority.as_str()));
        }
        for (index, value) in values.enumerate() {
            if index > 0 {
                out.push(',');
            }
            push_trimmed(out, &String::from_utf8_lossy(value.as_bytes()));
        }
        out.push('\n');
    }
    out.push('\n');
    for (index, name) in names.iter().enumerate() {
        if index > 0 {
            out.push(';');
        }
        out.push_str(name);
    }
}

/// Appends a header value with outer blanks removed and inner runs of blanks made one.
fn push_trimmed(out: &mut String, value: &str) {
    for (index, word) in value.split_ascii_whitespace().enumerate() {
        if index > 0 {
            out.push(' ');
        }
        out.push_str(word);
    }
}

/// The text that is signed for a canonical request.
pub(crate) fn string_to_sign(time: &RequestTime, scope: &str, canonical_request: &str) -> String {
    let digest = hex(&sha256(canonical_request.as_bytes()));
    format!("{ALGORITHM}\n{}\n{scope}\n{digest}", time.basic)
}
